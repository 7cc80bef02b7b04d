package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

const (
	iamAll   = `{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Allow","Action":"*","Resource":"*"}]}`
	iamMFA   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}}`
	iamGuard = `{"Version":"2012-10-17","Statement":[{"Sid":"Stop","Effect":"Deny","Action":"s3:*","Resource":"*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}}]}`
	iamLate  = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}}}`
	iamOpen  = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}`
)

// runIAM runs rootkeep iam in a folder with policy files.
func runIAM(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"all.json": iamAll, "mfa.json": iamMFA, "guard.json": iamGuard, "open.json": iamOpen, "late.json": iamLate, "bad.json": "{\n  \"Statement\": [}\n",
		"cases.ndjson": `{"id":"a","request":{"action":"s3:GetObject","resource":"arn:aws:s3:::b/k","resourceAccount":"111122223333","principal":"*"},"resource":` + iamOpen + "}\nnonsense\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	var out, errs bytes.Buffer
	code = run(t.Context(), append([]string{"iam"}, args...), strings.NewReader(stdin), &out, &errs)
	return out.String(), errs.String(), code
}

func TestIAMEval(t *testing.T) {
	one := []string{"eval", "--action", "s3:GetObject", "--resource", "arn:aws:s3:::b/k", "--resource-account", "111122223333", "--principal", "arn:aws:iam::111122223333:user/ann"}
	with := func(args ...string) []string { return append(append([]string{}, one...), args...) }
	const request = "s3:GetObject on arn:aws:s3:::b/k by arn:aws:iam::111122223333:user/ann\n"
	for _, c := range []struct {
		name   string
		args   []string
		stdin  string
		out    string
		errs   string
		code   int
		prefix bool // out is a prefix
	}{
		{name: "allowed names the statement", args: with("--identity", "all.json"), out: "allowed: " + request + "  identity: Allow in all.json, statement 0 (All)\n"},
		{name: "a policy from standard input", args: with("--identity", "-"), stdin: iamAll, out: "allowed: " + request + "  identity: Allow in -, statement 0 (All)\n"},
		{name: "denied names the layer", args: with(), out: "implicitly_denied: " + request + "  no Allow in: identity\n"},
		{name: "denied with --fail-on-deny", args: with("--fail-on-deny"), out: "implicitly_denied: " + request + "  no Allow in: identity\n", code: cli.ExitFindings},
		{name: "an SCP level of two files", args: with("--identity", "all.json", "--scp", "all.json,guard.json"), out: "explicitly_denied: " + request + "  scp: Deny in guard.json, statement 0 (Stop)\n"},
		{name: "context of the principal can be taken away", args: with("--identity", "all.json", "--scp", "all.json,guard.json", "--context", "aws:PrincipalArn="), out: "allowed: " + request + "  identity: Allow in all.json, statement 0 (All)\n"},
		{name: "context given", args: with("--identity", "mfa.json", "--context", "aws:multifactorauthpresent=true"), out: "allowed: " + request + "  identity: Allow in mfa.json, statement 0\n"},
		{name: "context not known", args: with("--identity", "mfa.json", "--partial"), out: "conditional: " + request + "  only if Bool aws:MultiFactorAuthPresent [true]\n  identity: Allow in mfa.json, statement 0\n"},
		{name: "explained", args: with("--identity", "mfa.json", "--explain"), out: "implicitly_denied: s3:GetObject on arn:aws:s3:::b/k by arn:aws:iam::111122223333:user/ann (identity)\n  identity: silent\n" +
			"    Allow mfa.json statement 0 (line 1): Condition does not match (Bool aws:MultiFactorAuthPresent [true]; the key is absent)\n"},
		{name: "JSON", args: with("--identity", "all.json", "--output", "json"), prefix: true, out: "{\n  \"schema\": \"rootkeep/iam-eval/1\",\n  \"decision\": \"allowed\",\n  \"by\": [\n    \"identity\"\n  ],"},
		{name: "a file that is no policy", args: with("--identity", "bad.json"), errs: "rootkeep: policy bad.json: 2:17: want a value\n", code: cli.ExitUnread},
		{name: "a file that is not there", args: with("--identity", "none.json"), errs: "rootkeep: read policy: open none.json: no such file or directory\n", code: cli.ExitUnread},
		{name: "an identity policy with a principal", args: with("--identity", "open.json"), errs: "rootkeep: policy open.json: 1:37: statement 0: a policy of layer identity takes no Principal\n", code: cli.ExitUnread},
		{name: "the time of a request is now unless it is given", args: with("--identity", "all.json", "--identity", "late.json"), out: "explicitly_denied: " + request + "  identity: Deny in late.json, statement 0\n"},
		{name: "a time that is given is taken", args: with("--identity", "all.json", "--identity", "late.json", "--context", "aws:currenttime=2019-01-01T00:00:00Z"), out: "allowed: " + request + "  identity: Allow in all.json, statement 0 (All)\n"},
		{name: "a pattern is no action", args: []string{"eval", "--action", "s3:*", "--resource", "*", "--principal", "*", "--identity", "all.json"}, errs: "rootkeep: --action s3:*: want the name of one action; hint: rootkeep iam who-can and can take patterns\n", code: cli.ExitUsage},
		{name: "an action that is not in the table is decided, and told", args: []string{"eval", "--action", "s3:GetObjet", "--resource", "arn:aws:s3:::b/k", "--resource-account", "111122223333", "--principal", "arn:aws:iam::111122223333:user/ann", "--identity", "all.json"},
			out:  "allowed: s3:GetObjet on arn:aws:s3:::b/k by arn:aws:iam::111122223333:user/ann\n  identity: Allow in all.json, statement 0 (All)\n",
			errs: "rootkeep: action s3:GetObjet is not in the table of " + metadata.Date().Format(time.DateOnly) + ": newer, or mistyped\n"},
		{name: "standard input for two policies", args: with("--identity", "-", "--scp", "all.json,-"), stdin: iamAll, errs: "rootkeep: standard input (-) is named twice; it can be read once\n", code: cli.ExitUsage},
		{name: "standard input for an account and a policy", args: []string{"who-can", "s3:GetObject", "--account", "-", "--resource-policy", "arn:aws:s3:::b=-"}, stdin: iamAll, errs: "rootkeep: standard input (-) is named twice; it can be read once\n", code: cli.ExitUsage},
		{name: "standard input for two policies of a proposal", args: []string{"least", "user/ann", "--identity", "-", "--boundary", "-", "."}, stdin: iamAll, errs: "rootkeep: standard input (-) is named twice; it can be read once\n", code: cli.ExitUsage},
		{name: "cases of a folder", args: []string{"eval", "--cases", "."}, errs: "rootkeep: read cases: read .: is a directory\n", code: cli.ExitUnread},
		{name: "no action", args: []string{"eval"}, errs: "rootkeep: want --action, --resource and --principal, or --cases FILE; hint: rootkeep iam eval --help\n", code: cli.ExitUsage},
		{name: "an unknown output", args: with("--output", "yaml"), errs: "rootkeep: --output yaml: want text or json\n", code: cli.ExitUsage},
		{name: "a principal that is none", args: []string{"eval", "--action", "s3:GetObject", "--resource", "*", "--principal", "ann"}, errs: "rootkeep: --principal: principal \"ann\": want an ARN, a service principal or *\n", code: cli.ExitUsage},
		{name: "context without a value", args: with("--context", "aws:x"), errs: "rootkeep: --context aws:x: want key=value\n", code: cli.ExitUsage},
		{name: "cases and a request", args: with("--cases", "cases.ndjson"), errs: "rootkeep: --cases brings its own requests: give either --cases or --action, --resource and --principal\n", code: cli.ExitUsage},
		{name: "cases go on after a bad line", args: []string{"eval", "--cases", "cases.ndjson"}, prefix: true, out: `{"id":"a","decision":"allowed","by":["resource"],`,
			errs: "rootkeep: cases.ndjson: line 2: not a case: column 2: invalid character 'o' in literal null (expecting 'u')\n", code: cli.ExitUnread},
		{name: "cases from standard input", args: []string{"eval", "--cases", "-", "--fail-on-deny"}, stdin: `{"id":1,"request":{"action":"s3:GetObject","resource":"*","principal":"*"}}`,
			out: `{"id":1,"decision":"implicitly_denied","by":["resource"],"statements":[],"residual":null}` + "\n", code: cli.ExitFindings},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := runIAM(t, c.stdin, c.args...)
			if c.prefix && strings.HasPrefix(out, c.out) {
				out = c.out
			}
			if diff := cmp.Diff(c.out, out); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.errs, errs); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if code != c.code {
				t.Errorf("exit code: got %d, want %d", code, c.code)
			}
		})
	}
}

func TestIAMEvalMakesHostileTextHarmless(t *testing.T) {
	hostile := `{"Version":"2012-10-17","Statement":{"Sid":"x\u001b[31m\u202e\nallowed: forged line","Effect":"Allow","Action":"*","Resource":"*"}}`
	out, _, code := runIAM(t, hostile, "eval", "--action", "s3:GetObject", "--resource", "*", "--principal", "arn:aws:iam::111122223333:user/ann", "--identity", "-", "--explain")
	if code != cli.ExitOK || strings.ContainsAny(out, "\x1b\u202e") || strings.Contains(out, "\nallowed: forged line") {
		t.Errorf("got %q with code %d, want no control characters, no line of the Sid's own, and 0", out, code)
	}
}

func TestJSONMakesHostileTextHarmless(t *testing.T) {
	const hostile = `x\u009b31m\u202e`
	policy := `{"Version":"2012-10-17","Statement":{"Sid":"` + hostile + `","Effect":"Allow","Action":"*","Resource":"*"}}`
	dump := `{"UserDetailList":[{"UserName":"u","Arn":"arn:aws:iam::111122223333:user/` + hostile + `","UserPolicyList":[{"PolicyName":"p","PolicyDocument":` + policy + `}]}]}`
	request := `{"action":"s3:GetObject","resource":"*","resourceAccount":"111122223333","principal":"arn:aws:iam::111122223333:user/ann"}`
	for _, c := range []struct {
		name, stdin string
		args        []string
	}{
		{"an answer", policy, []string{"eval", "--action", "s3:GetObject", "--resource", "*", "--principal", "arn:aws:iam::111122223333:user/ann", "--identity", "-", "--output", "json"}},
		{"answers to cases", `{"id":1,"request":` + request + `,"identity":[{"name":"p","policy":` + policy + `}]}`, []string{"eval", "--cases", "-"}},
		{"who can", dump, []string{"who-can", "s3:ListAllMyBuckets", "--account", "-", "--output", "json"}},
		{"what everybody can", dump, []string{"can", "--all", "sts:GetCallerIdentity", "--account", "-", "--output", "json"}},
		{"paths", dump, []string{"escalate", "--account", "-", "--output", "json"}},
		{"findings", policy, []string{"lint", "-", "--output", "json"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := runIAM(t, c.stdin, c.args...)
			if code != cli.ExitOK || strings.ContainsAny(out, "\u009b\u202e") || !strings.Contains(out, "u009b31m") {
				t.Errorf("got code %d and %q %s, want 0 and the name with escapes", code, out, errs)
			}
		})
	}
}

func TestIAMDiffSaysWhatWasTooMuch(t *testing.T) {
	var actions []string
	for i := range 3000 {
		actions = append(actions, fmt.Sprintf(`"s3:*%s%d"`, strings.Repeat("*a", 20), i))
	}
	many := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + strings.Join(actions, ",") + `],"Resource":"*"},{"Effect":"Deny","Action":"s3:*b*","Resource":"*"}]}`
	out, _, code := runIAM(t, many, "diff", "all.json", "-")
	if code != cli.ExitOK || !strings.HasPrefix(out, "new access: unknown, actions not counted\n") || !strings.Contains(out, "  maybe any action\n    not known: ") {
		t.Errorf("got code %d and\n%.600s\nwant 0, and nothing that reads like no action", code, out)
	}
}
