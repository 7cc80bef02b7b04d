package watchrole_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awsrole/awsroletest"
	"github.com/rootkeep/rootkeep/internal/stream/live/bucket"
	"github.com/rootkeep/rootkeep/internal/stream/live/lookup"
	"github.com/rootkeep/rootkeep/internal/stream/live/queue"
	"github.com/rootkeep/rootkeep/internal/watchrole"
)

// role is of a queue with its bucket, another bucket, and the event history.
func role() *watchrole.Role {
	r := &watchrole.Role{Broker: "arn:aws:iam::111122223333:role/rootkeep", ExternalID: "acme-7", Lookup: true}
	r.Queue("https://sqs.eu-west-1.amazonaws.com/111122223333/trail", "", []string{"logs"})
	r.Queue("https://sqs.eu-west-1.amazonaws.com/111122223333/trail", "", []string{"logs"}) // by two sources
	r.Bucket("old", "/p/", "eu-west-3")
	return r
}

// What the sources call is what the role allows, and decryption, which S3 and SQS do for
// it.
func TestTheRoleAllowsWhatTheSourcesCall(t *testing.T) {
	var got []string
	for _, s := range role().Policy().Statements {
		switch a := s.Action.(type) {
		case string:
			got = append(got, a)
		case []string:
			got = append(got, a...)
		}
	}
	want := slices.Concat(queue.Operations(), bucket.Operations(), lookup.Operations(), []string{"kms:Decrypt"})
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(slices.Compact(want), got); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

func TestTheRoleReachesItsQueuesAndBucketsAlone(t *testing.T) {
	p, err := iam.Parse("watch", role().Policy().JSON())
	if err != nil {
		t.Fatal(err)
	}
	key, err := iam.Parse("key", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, action, resource, via string
		want                        bool
	}{
		{"its queue", "sqs:DeleteMessage", "arn:aws:sqs:eu-west-1:111122223333:trail", "", true},
		{"another queue", "sqs:DeleteMessage", "arn:aws:sqs:eu-west-1:111122223333:trail-unread", "", false},
		{"sending", "sqs:SendMessage", "arn:aws:sqs:eu-west-1:111122223333:trail", "", false},
		{"an object", "s3:GetObject", "arn:aws:s3:::logs/AWSLogs/x", "", true},
		{"an object below its prefix", "s3:GetObject", "arn:aws:s3:::old/p/AWSLogs/x", "", true},
		{"one beside it", "s3:GetObject", "arn:aws:s3:::old/q/AWSLogs/x", "", false},
		{"another bucket", "s3:ListBucket", "arn:aws:s3:::payroll", "", false},
		{"writing", "s3:PutObject", "arn:aws:s3:::logs/x", "", false},
		{"a key by way of S3", "kms:Decrypt", "arn:aws:kms:eu-west-3:111122223333:key/1", "s3.eu-west-3.amazonaws.com", true},
		{"a key by itself", "kms:Decrypt", "arn:aws:kms:eu-west-3:111122223333:key/1", "", false},
	} {
		keys := map[string][]string{}
		if test.via != "" {
			keys["kms:ViaService"] = []string{test.via}
		}
		policies := iam.Policies{Identity: []*iam.Policy{p}}
		if strings.HasPrefix(test.action, "kms:") {
			policies.Resource = []*iam.Policy{key}
		}
		d, err := iam.Evaluate(&iam.Request{
			Action: test.action, Resource: test.resource, ResourceAccount: "111122223333", Context: iam.NewContext(keys),
			Principal: iam.Principal{Kind: iam.User, ARN: "arn:aws:iam::111122223333:user/u", Account: "111122223333", Name: "u"},
		}, policies)
		if err != nil || d.Allowed() != test.want {
			t.Errorf("%s: got %v, %v, want %v", test.name, d.Allowed(), err, test.want)
		}
	}
}

func TestRolesOfOtherPartsOfAWS(t *testing.T) {
	for region, want := range map[string][]string{
		"cn-north-1":    {"arn:aws-cn:sqs:cn-north-1:111122223333:trail", "arn:aws-cn:s3:::logs", "s3.cn-north-1.amazonaws.com.cn"},
		"us-gov-west-1": {"arn:aws-us-gov:sqs:us-gov-west-1:111122223333:trail", "arn:aws-us-gov:s3:::logs", "s3.us-gov-west-1.amazonaws.com"},
	} {
		r := &watchrole.Role{}
		r.Queue("https://sqs.example/111122223333/trail", region, []string{"logs"})
		for _, text := range want {
			if !strings.Contains(string(r.Policy().JSON()), `"`+text+`"`) {
				t.Errorf("%s: %s is not in %s", region, text, r.Policy().JSON())
			}
		}
	}
}

func TestEveryFormatIsWritten(t *testing.T) {
	for _, format := range watchrole.Formats() {
		var text bytes.Buffer
		if err := role().Write(&text, format); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		for _, part := range []string{watchrole.Name, watchrole.Source, "acme-7", "sqs:ReceiveMessage"} {
			if !strings.Contains(text.String(), part) {
				t.Errorf("%s: %q is not in it", format, part)
			}
		}
		if format == "json" && !json.Valid(text.Bytes()) {
			t.Errorf("got %s, want JSON", text.Bytes())
		}
	}
	if err := (&watchrole.Role{}).Write(&bytes.Buffer{}, "json"); err == nil {
		t.Error("got a role that may do nothing, want a refusal")
	}
	if err := role().Write(&bytes.Buffer{}, "pulumi"); err == nil {
		t.Error("got a format that is not known")
	}
}

// What Terraform makes of its file, as another parser reads it, has the policy.
func TestTerraformHasThePolicy(t *testing.T) {
	var text bytes.Buffer
	if err := role().Write(&text, "terraform"); err != nil {
		t.Fatal(err)
	}
	if !awsroletest.Same(t, awsroletest.Terraform(t, "../..", text.String()), role().Policy().JSON()) {
		t.Error("got another policy")
	}
}
