package known

import (
	"testing"

	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/iam/policy"
)

func TestFitting(t *testing.T) {
	for _, c := range []struct {
		name, service, resource string
		fits                    bool
	}{
		{"a bucket", "s3", "logs", true},
		{"a role with a path", "iam", "role/app/x", true},
		{"a pattern that can be one", "iam", "*/x", true},
		{"no such kind", "iam", "roles/x", false},
		{"no such service", "nosuch", "x", false},
	} {
		if got := len(Fitting(c.service, c.resource)) > 0; got != c.fits {
			t.Errorf("%s: got %v, want %v", c.name, got, c.fits)
		}
	}
	if !UnknownKind("iam", "roles/x") || UnknownKind("iam", "role/x") || UnknownKind("iam", "r*/x") {
		t.Error("UnknownKind: got a wrong answer for roles/x, role/x or r*/x")
	}
}

func TestUntagged(t *testing.T) {
	for _, c := range []struct{ name, entry, want string }{
		{"an action on a resource with tags", "sagemaker:DescribeModel", ""},
		{"an action without resources", "sagemaker:ListModels", "sagemaker:ListModels"},
		{"an action that takes tags in the request", "resource-groups:CreateGroup", ""},
		{"a pattern with one that sends none", "elasticmapreduce:*Session*", "elasticmapreduce:ListStudioSessionMappings"},
		{"a service that nobody knows", "nosuch:*", ""},
	} {
		if got := Untagged(c.entry); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSendsKey(t *testing.T) {
	for _, c := range []struct {
		name, service, action, key string
		want                       bool
	}{
		{"a key of the action", "s3", "ListBucket", "s3:prefix", true},
		{"a key of another action", "s3", "GetObject", "s3:prefix", false},
		{"a key of the resource", "iam", "PassRole", "iam:PassedToService", true},
	} {
		a, _ := metadata.FindAction(c.service, c.action)
		if got := SendsKey(a, c.key); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"GetObject", "GetObjectAcl", "PutObject"}
	for _, c := range []struct{ name, in, want string }{
		{"one letter", "GetObjects", "GetObject"},
		{"case does not count", "getobjectacl", "GetObjectAcl"},
		{"too far", "Frobnicate", ""},
		{"a pattern", "GetObj*", ""},
	} {
		if got, _ := Nearest(c.in, names); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAttachedTo(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"a bucket policy", `{"Statement":{"Action":["s3:GetObject"],"Resource":"arn:aws:s3:::b/*"}}`, "s3"},
		{"one action astray", `{"Statement":{"Action":["s3:GetObject","kms:Decrypt"],"Resource":["arn:aws:s3:::b/*","arn:aws:s3:::b"]}}`, "s3"},
		{"two services at once", `{"Statement":{"Action":["s3:GetObject","sqs:SendMessage"],"Resource":"*"}}`, ""},
		{"a service that is not listed", `{"Statement":{"Action":["ec2:RunInstances"],"Resource":"*"}}`, ""},
	} {
		doc, _ := policy.Parse([]byte(c.src))
		if got := AttachedTo(doc); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
