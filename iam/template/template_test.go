package template_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/policy"
	"github.com/rootkeep/rootkeep/iam/template"
)

// sound is a template with every type of parameter.
const sound = `id: sample
kind: policy-template
title: A sample
type: scp
why: To test.
attach: {to: an account, not_to: nothing else}
does_not: [It does little.]
parameters:
  - {name: account, description: d, type: account, default: 012345670123}
  - {name: role, description: d, type: arn, example: "arn:aws:iam::012345670123:role/x"}
  - {name: ranges, description: d, type: cidr, list: true, max_values: 2, default: [203.0.113.0/24]}
  - {name: regions, description: d, type: region, list: true, default: [eu-west-3, us-east-1]}
  - {name: age, description: d, type: number, min: 60, max: 3600, unit: seconds, default: 900}
  - {name: starts, description: d, type: date, default: "2035-01-01T00:00:00Z"}
  - {name: ends, description: d, type: date, after: starts, default: "2035-02-01T00:00:00Z"}
  - {name: bucket, description: d, type: text, pattern: "[a-z-]+", wildcards: true, default: logs}
  - {name: mode, description: d, type: text, choices: [on, "off"], default: "off"}
policy: |
  {
    "Version": "2012-10-17",
    "Statement": [
      {
        "Sid": "One",
        "Effect": "Deny",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": ["arn:aws:s3:::{{bucket}}", "arn:aws:s3:::{{bucket}}/{{account}}/*"],
        "Condition": {
          "ArnNotLike": {"aws:PrincipalArn": "{{role}}"},
          "NotIpAddress": {"aws:SourceIp": "{{ranges}}"},
          "StringEquals": {"aws:RequestedRegion": ["{{regions}}", "eu-west-1"], "aws:PrincipalTag/{{mode}}": "${aws:username}"},
          "NumericLessThan": {"aws:MultiFactorAuthAge": "{{age}}"},
          "DateGreaterThan": {"aws:CurrentTime": "{{starts}}"},
          "DateLessThan": {"aws:CurrentTime": "{{ends}}"}
        }
      }
    ]
  }
source: {title: a page, date: 2026-11-26}
setting: {principal: "arn:aws:iam::012345670123:user/ann", account: "012345670123"}
cases:
  - {name: another action, action: "s3:ListBucket", resource: "arn:aws:s3:::logs", want: allowed}
  - {name: no say of this table, action: "s3:GetObject", resource: "arn:aws:s3:::logs", beside: [], want: implicitly_denied}
`

func parse(t *testing.T, text string) *template.Template {
	t.Helper()
	tmpl, err := template.Parse("sample.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func compact(t *testing.T, text []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return b.String()
}

func TestRenderFillsInEveryType(t *testing.T) {
	tmpl := parse(t, sound)
	text, err := tmpl.Render(map[string]template.Values{
		"role": {"arn:aws:iam::210987654321:role/y"}, "ranges": {"203.0.113.0/24", "2001:db8::/32"}, "bucket": {"a"}, "age": {"60"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Version":"2012-10-17","Statement":[{"Sid":"One","Effect":"Deny","Action":["s3:GetObject","s3:PutObject"],` +
		`"Resource":["arn:aws:s3:::a","arn:aws:s3:::a/012345670123/*"],"Condition":{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::210987654321:role/y"},` +
		`"NotIpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]},"StringEquals":{"aws:RequestedRegion":["eu-west-3","us-east-1","eu-west-1"],"aws:PrincipalTag/off":"${aws:username}"},` +
		`"NumericLessThan":{"aws:MultiFactorAuthAge":"60"},"DateGreaterThan":{"aws:CurrentTime":"2035-01-01T00:00:00Z"},"DateLessThan":{"aws:CurrentTime":"2035-02-01T00:00:00Z"}}}]}`
	if diff := cmp.Diff(want, compact(t, text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRenderAsBoundaryAllowsTheRest(t *testing.T) {
	tmpl := parse(t, sound)
	text, err := tmpl.RenderAs(lint.Boundary, tmpl.Samples())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := policy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(doc.Statements); n != 2 || doc.Statements[1].Effect.Value != policy.Allow {
		t.Errorf("got %d statements, want the Deny and an Allow:\n%s", n, text)
	}
	same, err := tmpl.RenderAs(lint.Identity, tmpl.Samples())
	if err != nil || strings.Contains(string(same), "AllowTheRest") {
		t.Errorf("identity: got error %v and\n%s\nwant the statements alone", err, same)
	}
	if _, err := tmpl.RenderAs(lint.Trust, tmpl.Samples()); err == nil {
		t.Error("got a trust policy, want an error")
	}
}

func TestRenderRefusesByName(t *testing.T) {
	tmpl := parse(t, sound)
	role := template.Values{"arn:aws:iam::210987654321:role/y"}
	for _, c := range []struct {
		name      string
		parameter string
		values    template.Values
		want      string
	}{
		{"an account that is no number", "account", template.Values{"12345678901x"}, `parameter account: "12345678901x" is not allowed: want 12 digits`},
		{"a text that is no ARN", "role", template.Values{"role/x"}, `parameter role: "role/x" is not allowed: want an ARN`},
		{"an ARN with a wildcard", "role", template.Values{"arn:aws:iam::*:role/x"}, `is not allowed: want an ARN`},
		{"an address that is no range", "ranges", template.Values{"203.0.113.7"}, `parameter ranges: "203.0.113.7" is not allowed: want 1 to 2 values, each an IP range`},
		{"a range with host bits", "ranges", template.Values{"203.0.113.7/24"}, `"203.0.113.7/24" is not allowed`},
		{"the whole Internet", "ranges", template.Values{"0.0.0.0/0"}, `"0.0.0.0/0" is not allowed`},
		{"the same value twice", "regions", template.Values{"eu-west-3", "eu-west-3"}, `"eu-west-3" is not allowed`},
		{"more values than allowed", "ranges", template.Values{"10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8"}, `parameter ranges: "3 values" is not allowed: want 1 to 2 values`},
		{"an empty list", "ranges", template.Values{}, `"0 values" is not allowed`},
		{"a Region that AWS has not", "regions", template.Values{"eu-west-99"}, `"eu-west-99" is not allowed: want 1 to 50 values, each a Region that AWS has`},
		{"two Regions in one value", "regions", template.Values{"eu-west-1 eu-west-2"}, `is not allowed`},
		{"a number too small", "age", template.Values{"59"}, `parameter age: "59" is not allowed: want a whole number from 60 to 3600 (seconds)`},
		{"a number in another notation", "age", template.Values{"+90"}, `"+90" is not allowed`},
		{"a date without a zone", "starts", template.Values{"2035-01-01T00:00:00"}, `want a time such as 2026-12-01T08:00:00Z`},
		{"an end before the beginning", "ends", template.Values{"2034-01-01T00:00:00Z"}, `parameter ends: "2034-01-01T00:00:00Z" is not allowed: want a time such as 2026-12-01T08:00:00Z after starts (2035-01-01T00:00:00Z)`},
		{"text against the pattern", "bucket", template.Values{"Logs"}, `parameter bucket: "Logs" is not allowed: want text that matches [a-z-]+`},
		{"text that ends a string", "bucket", template.Values{`x","Effect":"Allow`}, `is not allowed`},
		{"text with a line end", "bucket", template.Values{"a\nb"}, `is not allowed`},
		{"text that turns its direction", "bucket", template.Values{"a\u202eb"}, `is not allowed`},
		{"a control character that opens a terminal sequence", "role", template.Values{"arn:aws:iam::210987654321:role/\u009b31m"}, `is not allowed`},
		{"a policy variable", "mode", template.Values{"${aws:username}"}, `is not allowed: want one of on, off`},
		{"a list for a single value", "bucket", template.Values{"a", "b"}, `parameter bucket: "2 values" is not allowed`},
		{"a parameter that is not there", "nothing", template.Values{"x"}, `template sample has no parameter "nothing"; it has account, role`},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := map[string]template.Values{"role": role}
			set[c.parameter] = c.values
			_, err := tmpl.Render(set)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
		})
	}
	_, err := tmpl.Render(nil)
	var missing *template.ValueError
	if !errors.As(err, &missing) || !missing.Missing || missing.Parameter != "role" {
		t.Errorf("got error %v, want one that names the missing role", err)
	}
}

func TestRenderHoldsTheQuota(t *testing.T) {
	tmpl := parse(t, strings.Replace(sound, `type: text, pattern: "[a-z-]+", wildcards: true, default: logs`, `type: text, list: true, pattern: "[a-z-]+", default: logs`, 1))
	var many template.Values
	for i := range 50 {
		many = append(many, strings.Repeat("a", 60+i))
	}
	_, err := tmpl.Render(map[string]template.Values{"role": {"arn:aws:iam::210987654321:role/y"}, "bucket": many})
	if err == nil || !strings.Contains(err.Error(), "characters, a policy of type scp may have 5120; hint: fewer values") {
		t.Errorf("got error %v, want one about the quota", err)
	}
}

func TestParseRefusesWithLine(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"an unknown key", "why: To test.", "wyh: To test.", `sample.yaml:5:1: unknown field "wyh"`},
		{"an unknown type", "type: scp", "type: acl", `sample.yaml:4:7: type is "acl", want one of [identity resource trust scp rcp boundary]`},
		{"another kind", "kind: policy-template", "kind: control", `sample.yaml:2:7: kind is "control"`},
		{"no place to attach to", "attach: {to: an account, ", "attach: {", `sample.yaml:6:10: attach.to is missing`},
		{"a parameter twice", "- {name: mode", "- {name: age", `sample.yaml:17:12: parameter age stands twice`},
		{"text without a bound", `pattern: "[a-z-]+", wildcards: true, `, "", `sample.yaml:16:6: text needs a pattern or choices`},
		{"a pattern that is none", `"[a-z-]+"`, `"[a-z"`, `pattern: error parsing regexp`},
		{"a default outside its bounds", "default: 900", "default: 9", `sample.yaml:13:6: parameter age: "9" is not allowed`},
		{"neither default nor example", `, default: "off"`, "", `parameter mode: want either a default or an example`},
		{"a number without bounds", "min: 60, ", "", `a number has min and max`},
		{"a placeholder without a parameter", "{{bucket}}/{{account}}", "{{bucket}}/{{acount}}", `policy: there is no parameter acount`},
		{"a parameter that is not used", "/{{account}}/", "/", `sample.yaml:9:6: the policy does not use parameter account`},
		{"a placeholder of another form", "{{age}}", "{{ age }}", `policy: "{{ age }}": want {{name}}`},
		{"a placeholder in a policy variable", "${aws:username}", "${{mode}}", `a parameter cannot stand in a policy variable`},
		{"a placeholder in an element's name", `"Effect": "Deny"`, `"{{mode}}": "Deny"`, `only condition keys take one`},
		{"a list in a condition key", "aws:PrincipalTag/{{mode}}", "aws:PrincipalTag/{{regions}}", `parameter regions is a list, which no key takes`},
		{"two lists in one string", "s3:::{{bucket}}\"", "s3:::{{ranges}}{{regions}}\"", `holds two lists`},
		{"a policy that is no JSON", `"Effect": "Deny",`, `"Effect": Deny,`, `sample.yaml:18:9: policy: 6:17: want a value`},
		{"a policy that AWS refuses", `"Effect": "Deny"`, `"Effect": "deny"`, `Effect is "deny", want "Allow" or "Deny"`},
		{"a statement without Sid", `"Sid": "One",`, "", `every statement needs a Sid of its own`},
		{"a policy with a hidden character", `"Sid": "One"`, `"Sid": "One\u202e"`, `has characters that cannot be seen`},
		{"a table that is too long", "action: \"s3:ListBucket\"", "action: [" + strings.Repeat(`"s3:ListBucket", `, 600) + "]", `the table has more than 500 requests`},
		{"a case that wants nothing known", "want: allowed", "want: maybe", `sample.yaml:41:90: want is "maybe"`},
		{"a case with a value that is not allowed", "action: \"s3:ListBucket\"", "set: {age: 1}, action: \"s3:ListBucket\"", `parameter age: "1" is not allowed`},
		{"companions that are not there", "beside: []", "beside: [everything]", `beside "everything": want one of identity-all, resource-account, resource-all, scp-all`},
		{"no case that is denied", "want: implicitly_denied", "want: conditional", `want at least one case that is allowed and one that is denied`},
		{"a code that is none", "source:", "accepts: [{code: RK_NOTHING, reason: r}]\nsource:", `"RK_NOTHING" is no code of the linter`},
		{"a date of the source that is none", "date: 2026-11-26", "date: soon", `source.date is "soon"`},
		{"an anchor", "why: To test.", "why: &a To test.", `anchors and aliases are not supported`},
		{"a second document", "why: To test.", "why: To test.\n---\nid: x", "sample"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(sound, c.old, c.new, 1)
			if text == sound {
				t.Fatalf("%q does not stand in the sample", c.old)
			}
			_, err := template.Parse("sample.yaml", []byte(text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q", err, c.want)
			}
		})
	}
}

func TestLoadKeepsWhatIsSound(t *testing.T) {
	other := strings.Replace(sound, "id: sample", "id: other\nnumber: 3", 1)
	first := fstest.MapFS{"policies/sample.yaml": {Data: []byte(sound)}, "policies/broken.yaml": {Data: []byte("id: [")}, "policies/notes.txt": {Data: []byte("x")}}
	second := fstest.MapFS{
		"policies/sample.yml": {Data: []byte(sound)}, "policies/other.yaml": {Data: []byte(other)}, "policies/misnamed.yaml": {Data: []byte(other)},
		"policies/pipe.yaml": {Mode: os.ModeNamedPipe},
	}
	got, err := template.Load(template.Source{FS: first, Dir: "policies"}, template.Source{FS: second, Dir: "policies", Name: "mine"})
	var ids []string
	for _, p := range got {
		ids = append(ids, p.ID)
	}
	if diff := cmp.Diff([]string{"other", "sample"}, ids); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	for _, want := range []string{
		"policies/broken.yaml:1:", `mine/sample.yml:1:1: id "sample" is already used by policies/sample.yaml`,
		`mine/misnamed.yaml:1:1: id is "other", want the name of the file, "misnamed"`, "mine/pipe.yaml: no regular file",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q in it", err, want)
		}
	}
	if _, err := template.Load(template.Source{FS: first, Dir: "nothing"}); err == nil {
		t.Error("got no error for a folder that is not there")
	}
}

// A table that a policy's part can leave without a failing case proves nothing of it.
func TestUnprovedNamesWhatNoCaseTests(t *testing.T) {
	tmpl := parse(t, sound)
	var got []string
	for _, p := range tmpl.Unproved() {
		got = append(got, p.String())
	}
	want := []string{
		"One", "One, condition ArnNotLike aws:PrincipalArn", "One, condition NotIpAddress aws:SourceIp", "One, condition StringEquals aws:RequestedRegion",
		"One, condition StringEquals aws:PrincipalTag/off", "One, condition NumericLessThan aws:MultiFactorAuthAge",
		"One, condition DateGreaterThan aws:CurrentTime", "One, condition DateLessThan aws:CurrentTime",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	excused := parse(t, sound+"untested: [{statement: One, reason: it is a sample}, {statement: One, condition: ArnNotLike aws:PrincipalArn, reason: it is a sample}]\n")
	if n := len(excused.Unproved()); n != len(want)-2 {
		t.Errorf("with two parts excused: got %d, want %d", n, len(want)-2)
	}
}

func TestWrongWantFails(t *testing.T) {
	tmpl := parse(t, strings.Replace(sound, "want: implicitly_denied", "want: explicitly_denied", 1))
	results := tmpl.RunCases()
	if len(results) != 2 || !results[0].OK || results[1].OK || results[1].Got != "implicitly_denied" {
		t.Errorf("got %+v, want the second to fail with implicitly_denied", results)
	}
}

func TestLintNamesWhatIsNotAccepted(t *testing.T) {
	now := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	tmpl := parse(t, strings.Replace(sound, "source:", "accepts: [{code: RK_DATE_PASSED, reason: r}]\nsource:", 1))
	findings, unraised := tmpl.Lint(now)
	found := false
	for _, f := range findings {
		found = found || f.Code == "RK_DOCUMENTATION_ADDRESS"
	}
	if !found || len(unraised) != 1 || unraised[0].Code != "RK_DATE_PASSED" {
		t.Errorf("got %+v and unraised %+v, want RK_DOCUMENTATION_ADDRESS found and RK_DATE_PASSED unraised", findings, unraised)
	}
}

// shape is the structure of a policy: statements with their elements, and how many
// condition keys each has.
func shape(t *testing.T, text []byte) [][]string {
	t.Helper()
	var p struct {
		Statement []map[string]json.RawMessage
	}
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	var out [][]string
	for _, s := range p.Statement {
		var keys []string
		for _, k := range []string{"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource"} {
			if _, ok := s[k]; ok {
				keys = append(keys, k)
			}
		}
		var blocks map[string]map[string]json.RawMessage
		if err := json.Unmarshal(s["Condition"], &blocks); err != nil {
			t.Fatal(err)
		}
		for _, op := range []string{"ArnNotLike", "NotIpAddress", "StringEquals", "NumericLessThan", "DateGreaterThan", "DateLessThan", "StringLike"} {
			for range blocks[op] {
				keys = append(keys, op)
			}
		}
		if len(s) != 5 || len(blocks) != 7 {
			t.Fatalf("got %d elements and %d operators in %s", len(s), len(blocks), text)
		}
		out = append(out, keys)
	}
	return out
}

func FuzzRender(f *testing.F) {
	// The loosest bounds that a template can have: any text of one line.
	loose := strings.Replace(sound, `type: text, pattern: "[a-z-]+", wildcards: true`, `type: text, pattern: ".*", wildcards: true`, 1)
	loose = strings.Replace(loose, "type: text, choices: [on, \"off\"]", `type: text, pattern: "(?s).*"`, 1)
	loose = strings.Replace(loose, `"ArnNotLike"`, `"StringLike": {"s3:prefix": ["{{bucket}}", "x{{mode}}{{bucket}}"]}, "ArnNotLike"`, 1)
	tmpl, err := template.Parse("sample.yaml", []byte(loose))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"logs", `","Effect":"Allow`, `\`, `\u0022`, "{{account}}", "}}", "</script>", "\u2028", "\xff", "${aws:username}", "a$", "*", "é", "\x00", `"}]}`} {
		f.Add(seed, seed)
	}
	reference, err := tmpl.Render(tmpl.Samples())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, bucket, mode string) {
		set := tmpl.Samples()
		set["bucket"], set["mode"] = template.Values{bucket}, template.Values{mode}
		text, err := tmpl.Render(set)
		if err != nil {
			return
		}
		if diff := cmp.Diff(shape(t, reference), shape(t, text)); diff != "" {
			t.Fatalf("structure (-want +got):\n%s", diff)
		}
		if strings.Contains(strings.ReplaceAll(string(text), "${aws:username}", ""), "${") {
			t.Fatalf("a value made a policy variable: %s", text)
		}
		doc, err := policy.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := doc.Statements[0].Resource.Items[0].Value, "arn:aws:s3:::"+bucket; got != want {
			t.Fatalf("got resource %q, want %q", got, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sound))
	f.Add([]byte("id: x\nparameters: [{type: number, after: x}]\ncases: [{want: allowed}]\npolicy: '{\"Statement\":[]}'"))
	f.Fuzz(func(t *testing.T, text []byte) {
		tmpl, err := template.Parse("sample.yaml", text)
		if err != nil {
			return
		}
		if _, err := tmpl.Render(tmpl.Samples()); err != nil {
			t.Fatalf("a template that loads does not render: %v", err)
		}
		tmpl.RunCases()
		tmpl.RunTwin()
		tmpl.Unproved()
	})
}
