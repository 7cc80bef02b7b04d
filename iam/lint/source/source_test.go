package source

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/iam/jsontree"
	"github.com/rootkeep/rootkeep/iam/lint"
)

type seen struct {
	Path    string
	Type    lint.Type
	Service string
	Action  string
}

const trustPolicy = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}`

type findCase struct {
	name, src string
	want      []seen
}

func findCases() []findCase {
	quoted := strings.ReplaceAll(trustPolicy, `"`, `\"`)
	return []findCase{
		{"a policy alone", `{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`, []seen{{"", "", "", "s3:GetObject"}}},
		{"a statement without the policy around it", `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, []seen{{"", "", "", ""}}},
		{"a condition alone", `{"Condition":{"Bool":{"aws:SecureTransport":"true"}}}`, []seen{{"", "", "", ""}}},
		{"a policy with a byte order mark", "\xEF\xBB\xBF" + trustPolicy, []seen{{"", "", "", "sts:AssumeRole"}}},
		{
			"a template in JSON",
			`{"Resources":{"R":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":` + trustPolicy + `,"Policies":[{"PolicyName":"p","PolicyDocument":` + trustPolicy + `}]}},
			"B":{"Type":"AWS::S3::BucketPolicy","Properties":{"PolicyDocument":` + trustPolicy + `}},
			"O":{"Type":"AWS::Organizations::Policy","Properties":{"Type":"RESOURCE_CONTROL_POLICY","Content":` + trustPolicy + `}}}}`,
			[]seen{
				{"Resources.R.Properties.AssumeRolePolicyDocument", lint.Trust, "", "sts:AssumeRole"},
				{"Resources.R.Properties.Policies[0].PolicyDocument", lint.Identity, "", "sts:AssumeRole"},
				{"Resources.B.Properties.PolicyDocument", lint.Resource, "s3", "sts:AssumeRole"},
				{"Resources.O.Properties.Content", lint.RCP, "", "sts:AssumeRole"},
			},
		},
		{
			"a template in YAML with short forms",
			"Resources:\n  P:\n    Type: AWS::IAM::ManagedPolicy\n    Properties:\n      PolicyDocument:\n        Version: 2012-10-17\n        Statement:\n" +
				"          - Effect: Allow\n            Action: [s3:GetObject]\n            Resource: !Sub arn:${AWS::Partition}:s3:::logs/${!aws:username}/*\n",
			[]seen{{"Resources.P.Properties.PolicyDocument", lint.Identity, "", "s3:GetObject"}},
		},
		{
			"a Terraform plan",
			`{"format_version":"1.2","terraform_version":"1.9","planned_values":{"root_module":{"resources":[
			{"address":"aws_iam_role.r","type":"aws_iam_role","values":{"assume_role_policy":"` + quoted + `","name":"r"}}],
			"child_modules":[{"resources":[{"address":"module.m.aws_s3_bucket_policy.b","type":"aws_s3_bucket_policy","values":{"policy":"` + quoted + `"}}]}]}}}`,
			[]seen{
				{"aws_iam_role.r.assume_role_policy", lint.Trust, "", "sts:AssumeRole"},
				{"module.m.aws_s3_bucket_policy.b.policy", lint.Resource, "s3", "sts:AssumeRole"},
			},
		},
		{
			"changes of a Terraform plan",
			`{"terraform_version":"1.9","resource_changes":[{"address":"aws_organizations_policy.p","type":"aws_organizations_policy","change":{"after":{"type":"SERVICE_CONTROL_POLICY","content":"` + quoted + `"}}},
			{"address":"gone","type":"aws_iam_policy","change":{"after":null}}]}`,
			[]seen{{"aws_organizations_policy.p.content", lint.SCP, "", "sts:AssumeRole"}},
		},
		{"output of get-bucket-policy", `{"Policy":"` + quoted + `"}`, []seen{{"Policy", "", "", "sts:AssumeRole"}}},
		{"a URL-encoded policy", `{"RoleName":"r","PolicyDocument":"%7B%22Statement%22%3A%7B%22Action%22%3A%22s3%3AGetObject%22%7D%7D"}`, []seen{{"PolicyDocument", "", "", "s3:GetObject"}}},
		{"a template without policies", `{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{}}}}`, nil},
	}
}

func TestFind(t *testing.T) {
	for _, c := range findCases() {
		t.Run(c.name, func(t *testing.T) {
			found, err := Find([]byte(c.src))
			if err != nil {
				t.Fatal(err)
			}
			var got []seen
			for _, p := range found {
				s := seen{p.Path, p.Type, p.Service, ""}
				if len(p.Document.Statements) > 0 && len(p.Document.Statements[0].Action.Values()) > 0 {
					s.Action = p.Document.Statements[0].Action.Values()[0]
				}
				got = append(got, s)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("policies (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFindNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name, src    string
		line, column int
		want         string
	}{
		{"an empty file", " \n", 1, 1, "empty"},
		{"text", "hello", 1, 1, ""},
		{"JSON that is cut", "{\n \"Statement\": [", 2, 16, ""},
		{"another object", `{"name": "x"}`, 1, 1, "want a policy"},
		{"a list", `[1]`, 1, 1, "a list, want a policy"},
		{"YAML that is wrong", "Resources:\n  A: [\n", 2, 6, "YAML"},
		{"YAML with an alias", "Resources:\n  A: &x 1\n  B: *x\n", 2, 6, "anchors"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Find([]byte(c.src))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an *Error", err)
			}
			if e.Line != c.line || e.Column != c.column || !strings.Contains(e.Want, c.want) {
				t.Errorf("got %v, want %d:%d and %q", e, c.line, c.column, c.want)
			}
		})
	}
}

// A finding in a policy that stands in a string is shown where it is in the file.
func TestLocateInsideText(t *testing.T) {
	for _, c := range []struct{ name, src, at string }{
		{"escaped quotes", "{\"Policy\":\n \"{\\\"Version\\\":\\\"2012-10-17\\\",\\\"Statement\\\":[{\\\"Effect\\\":\\\"Allow\\\",\\\"Action\\\":\\\"s4:Get\\\",\\\"Resource\\\":\\\"*\\\"}]}\"}", `\"s4:Get`},
		{"a unicode escape before it", `{"Policy": "{\"Version\":\"2012-10-17\",\"Id\":\"\u00e9\ud83d\ude00\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s4:Get\",\"Resource\":\"*\"}]}"}`, `\"s4:Get`},
		{"a policy alone", "{\"Version\":\"2012-10-17\",\n\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s4:Get\",\"Resource\":\"*\"}]}", `"s4:Get`},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := Find([]byte(c.src))
			if err != nil || len(found) != 1 {
				t.Fatalf("got %d policies, %v; want one", len(found), err)
			}
			findings, _ := lint.Document(found[0].Document, lint.Options{})
			for _, f := range findings {
				if f.Code != "INVALID_SERVICE_IN_ACTION" {
					continue
				}
				line, column := found[0].Locate(f.Locations[0])
				before := c.src[:strings.Index(c.src, c.at)]
				wantLine := 1 + strings.Count(before, "\n")
				wantColumn := len(before) - strings.LastIndex(before, "\n")
				if line != wantLine || column != wantColumn {
					t.Errorf("got %d:%d, want %d:%d", line, column, wantLine, wantColumn)
				}
				return
			}
			t.Error("got no finding, want INVALID_SERVICE_IN_ACTION")
		})
	}
}

func TestPositionsAreThoseOfTheParser(t *testing.T) {
	src := []byte("\xEF\xBB\xBF{" + strings.Repeat("é ", 5000) + "\n\n" + strings.Repeat("x", 9000) + "\n日本}")
	ours, theirs := newIndex(src), jsontree.NewLines(src)
	for offset := range len(src) + 2 {
		if offset < len(src) && !utf8.RuneStart(src[offset]) {
			continue
		}
		line, column := ours.position(offset)
		if l, c := theirs.Position(offset); line != l || column != c && offset > 3 {
			t.Fatalf("offset %d: got %d:%d, want %d:%d", offset, line, column, l, c)
		}
	}
}

// References that only the deployment resolves must not be taken for mistakes.
func TestTemplatesAreNotBlamedForReferences(t *testing.T) {
	src := `Resources:
  P:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {Service: !Sub "ec2.${AWS::URLSuffix}"}
            Action: sts:AssumeRole
      Policies:
        - PolicyName: p
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Effect: Allow
                Action: s3:GetObject
                Resource:
                  - !Join ["", [!GetAtt Bucket.Arn, "/*"]]
                  - !If [UseLogs, !Sub "${Logs.Arn}/*", !Ref "AWS::NoValue"]
                Condition:
                  StringEquals:
                    aws:PrincipalOrgID: !Ref Organization
`
	found, err := Find([]byte(src))
	if err != nil || len(found) != 2 {
		t.Fatalf("got %d policies, %v; want 2", len(found), err)
	}
	for _, p := range found {
		findings, _ := lint.Document(p.Document, lint.Options{Type: p.Type})
		for _, f := range findings {
			t.Errorf("%s: got %s: %s, want no finding", p.Path, f.Code, f.Message)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte(trustPolicy))
	f.Add([]byte("Resources:\n  A:\n    Type: AWS::IAM::Role\n    Properties: {AssumeRolePolicyDocument: {Statement: [{Action: !Sub x}]}}\n"))
	f.Add([]byte(`{"Policy":"{\"Statement\":[]}"}`))
	f.Add([]byte(`{"Resources":{"A":{"Type":"AWS::IAM::Role","Properties":{"X":{"Fn::If":["c",{"Ref":"AWS::NoValue"},{"Fn::Join":["",["a",{"Ref":"b"}]]}]}}}}}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		found, err := Find(src)
		if err != nil {
			return
		}
		for i := range found {
			findings, _ := lint.Document(found[i].Document, lint.Options{Type: found[i].Type, Service: found[i].Service})
			for _, x := range findings {
				for _, l := range x.Locations {
					if line, column := found[i].Locate(l); line < 1 || column < 1 {
						t.Fatalf("%s at %d:%d", x.Code, line, column)
					}
				}
			}
		}
	})
}
