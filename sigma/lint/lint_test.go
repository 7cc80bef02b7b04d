package lint_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/lint"
)

// someNames is a small list of events for tests.
const someNames = `# comment
iam.amazonaws.com CreateUser DeleteUser UpdateLoginProfile
s3.amazonaws.com,s3-control.amazonaws.com PutBucketPolicy
lambda.amazonaws.com UpdateFunctionCode
sso.amazonaws.com,sso-directory.amazonaws.com CreateUser

billingconsole.amazonaws.com *
`

// lintRule compiles one rule with this detection section and lints it.
func lintRule(t testing.TB, detection string) []lint.Finding {
	t.Helper()
	rule := "title: T\nlogsource: {product: aws, service: cloudtrail}\nlevel: low\ndetection:\n" +
		strings.ReplaceAll(strings.Trim(detection, "\n"), "\t", "  ") + "\n"
	return lintText(t, rule)
}

func lintText(t testing.TB, text string) []lint.Finding {
	t.Helper()
	docs, err := sigma.Parse("f.yml", []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	set, problems := sigma.Compile(docs, sigma.Options{Derived: derived})
	for _, p := range problems {
		if p.Severity == sigma.SeverityError {
			t.Fatal(p)
		}
	}
	api, err := lint.ReadAPI(someNames)
	if err != nil {
		t.Fatal(err)
	}
	return lint.Lint(set, api)
}

func checks(findings []lint.Finding) string {
	var out []string
	for _, f := range findings {
		if f.Check != "no-index" {
			out = append(out, f.Check)
		}
	}
	return strings.Join(out, " ")
}

func TestLint(t *testing.T) {
	tests := []struct {
		name, detection, want string
	}{
		{"a plain rule has no fault", `
	a: {eventSource: iam.amazonaws.com, eventName: CreateUser}
	condition: a`, ""},

		{"a selection and its negation never match", `
	a: {errorCode: X}
	condition: a and not a`, "never-matches"},
		{"a selection or its negation always matches", `
	a: {errorCode: X}
	condition: a or not a`, "always-matches"},
		{"two values of a field that has one never match", `
	a: {eventName: CreateUser}
	b: {eventName: DeleteUser}
	condition: a and b`, "never-matches"},
		{"upper and lower case do not make values different", `
	a: {errorCode: AccessDenied}
	b: {errorCode: accessdenied}
	condition: a and b`, ""},
		{"two values of a request parameter may both be there", `
	a: {requestParameters.x: A}
	b: {requestParameters.x: B}
	condition: a and b`, ""},
		{"all values of a field that has one never match", `
	a: {errorCode|all: [A, B]}
	condition: a`, "never-matches"},
		{"contains all may match", `
	a: {errorCode|contains|all: [A, B]}
	condition: a`, ""},
		{"a value that its own exclusion covers never matches", `
	a: {userAgent|startswith: aws-cli/2}
	b: {userAgent|startswith: aws-cli}
	condition: a and not b`, "never-matches"},
		{"a value that its exclusion covers in part may match", `
	a: {userAgent|startswith: aws-cli}
	b: {userAgent|startswith: aws-cli/2}
	condition: a and not b`, ""},
		{"a value of a field that must not exist never matches", `
	a: {errorCode: X}
	b: {errorCode|exists: false}
	condition: a and b`, "never-matches"},
		{"null and a value of one field never match", `
	a: {errorCode: X}
	b: {errorCode: null}
	condition: a and b`, "never-matches"},
		{"one start of a text inside another may match", `
	a: {userAgent|startswith: aws}
	b: {userAgent|startswith: aws-cli}
	condition: a and b`, ""},
		{"two starts of a text never match", `
	a: {userAgent|startswith: aws}
	b: {userAgent|startswith: boto}
	condition: a and b`, "never-matches"},
		{"one end of a text inside another may match", `
	a: {userAgent|endswith: linux}
	b: {userAgent|endswith: x}
	condition: a and b`, ""},
		{"null or a value of one field may match", `
	a: {errorCode: [null, X]}
	b: {errorCode: X}
	condition: a and b`, ""},
		{"exists excludes neither null nor itself", `
	a: {errorCode|exists: true}
	b: {errorCode: null}
	condition: a and b`, ""},
		{"neq of the same value never matches", `
	a: {errorCode: X}
	b: {errorCode|neq: X}
	condition: a and b`, "never-matches"},
		{"one way of several that contradicts is told by its selection", `
	a: {eventName: CreateUser}
	b: {eventName: DeleteUser}
	c: {errorCode: X}
	condition: a and (b or c)`, "dead-selection"},
		{"a condition with too many ways to match is not judged", `
	a: [{errorCode: A}, {errorCode: B}, {errorCode: C}, {errorCode: D}, {errorCode: E}, {errorCode: F}, {errorCode: G}, {errorCode: H}]
	condition: a and a and a and a and a and not a`, ""},

		{"an ARN never equals a bare user name", `
	a: {eventName: UpdateLoginProfile}
	own: {userIdentity.arn|fieldref: requestParameters.userName}
	condition: a and not own`, "arn-and-name"},
		{"a rule that needs an ARN to equal a name never matches", `
	a: {userIdentity.arn|fieldref: requestParameters.userName}
	condition: a`, "never-matches arn-and-name"},
		{"a bare name never holds an ARN", `
	a: {eventName: CreateUser}
	own: {requestParameters.userName|contains|fieldref: userIdentity.arn}
	condition: a and not own`, "arn-and-name"},
		{"an ARN may end with a name", `
	a: {eventName: CreateUser}
	own: {userIdentity.arn|endswith|fieldref: requestParameters.userName}
	condition: a and not own`, ""},
		{"a name compared with the text of an ARN", `
	a: {eventName: CreateUser, userIdentity.userName: 'arn:aws:iam::111122223333:user/x'}
	condition: a`, "never-matches arn-and-name"},
		{"an ARN compared with the text of a name", `
	a: {eventName: CreateUser}
	b: {userIdentity.arn: [alice, 'arn:aws:iam::111122223333:user/bob']}
	condition: a and not b`, "arn-and-name"},
		{"an ARN compared with a pattern", `
	a: {eventName: CreateUser, userIdentity.arn: '*:user/alice'}
	condition: a`, ""},
		{"a field name where a reference was meant", `
	a: {eventName: CreateUser}
	own: {userIdentity.arn|contains: responseElements.accessKey.userName}
	condition: a and not own`, "literal-field-name"},

		{"a negated wildcard asks for absence", `
	a: {eventName: CreateUser}
	b: {errorCode|contains: '*'}
	condition: a and not b`, "negated-wildcard"},
		{"a wildcard that is not negated asks for presence", `
	a: {eventName: CreateUser, requestParameters.x: '*'}
	condition: a`, ""},
		{"neq of a wildcard is a negated wildcard", `
	a: {eventName: CreateUser, errorCode|neq: '*'}
	condition: a`, "negated-wildcard"},

		{"an event name that nobody logs", `
	a: {eventName: [CreateUser, CreateUsr]}
	condition: a`, "unknown-event"},
		{"a rule whose only event name nobody logs never matches", `
	a: {eventName: CreateUsr}
	condition: a`, "never-matches unknown-event"},
		{"the start of an event name that nobody logs", `
	a: {eventName|startswith: Creat, errorCode: X}
	b: {eventName|startswith: Remove}
	condition: a or b`, "unknown-event"},
		{"a pattern that matches an event name", `
	a: {eventName: '*User'}
	condition: a`, ""},
		{"an event name with an API version", `
	a: {eventName: UpdateFunctionCode20150331v2}
	b: {eventName|startswith: UpdateFunctionCode2015}
	condition: a or b`, ""},
		{"an event of another service", `
	a: {eventSource: s3.amazonaws.com, eventName: [PutBucketPolicy, CreateUser]}
	condition: a`, "event-of-other-service"},
		{"an event of one of several services", `
	a: {eventSource: [iam.amazonaws.com, s3.amazonaws.com], eventName: [PutBucketPolicy, CreateUser]}
	condition: a`, ""},
		{"an event that one way of matching leaves to any service", `
	a: {eventSource: s3.amazonaws.com}
	b: {eventName: CreateUser}
	c: {errorCode: X}
	condition: (a or c) and b`, ""},
		{"undocumented calls of a console are not judged", `
	a: {eventSource: billingconsole.amazonaws.com, eventName: SomethingNew}
	condition: a`, ""},
		{"a service that does not exist, with events that are not judged", `
	a: {eventSource: ima.amazonaws.com, eventName: CreateUsr}
	condition: a`, "never-matches unknown-service"},
		{"a service of the partition of China", `
	a: {eventSource: iam.amazonaws.com.cn, eventName: CreateUser}
	condition: a`, ""},
		{"a cased event name that CloudTrail writes otherwise", `
	a: {eventName|cased: createUser}
	condition: a`, "never-matches event-name-case"},
		{"a cased event name as CloudTrail writes it", `
	a: {eventName|cased: CreateUser}
	condition: a`, ""},

		{"a field that no record has", `
	a: {eventName: CreateUser, status: success}
	condition: a`, "never-matches unknown-field"},
		{"a field in another spelling", `
	a: {eventName: CreateUser}
	b: {sourceIpAddress: 192.0.2.1}
	condition: a and not b`, "unknown-field"},
		{"a field below userIdentity that no record has", `
	a: {eventName: CreateUser}
	b: {userIdentity.name: x}
	condition: a and not b`, "unknown-field"},
		{"anything may lie below requestParameters, and the program has fields of its own", `
	a: {eventName: CreateUser, requestParameters.any.thing: x, rootkeep.outcome: success}
	condition: a`, ""},
		{"the outcome that no program computes", `
	a: {eventName: CreateUser, rootkeep.result: null}
	condition: a`, "unknown-field"},

		{"a selection that no condition names", `
	a: {eventName: CreateUser}
	b: {errorCode: X}
	condition: a`, "unused-selection"},
		{"a placeholder is not judged", `
	a: {eventName|expand: '%names%'}
	condition: a`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			findings := lintRule(t, tt.detection)
			if got := checks(findings); got != tt.want {
				t.Errorf("checks: got %q, want %q\n%v", got, tt.want, findings)
			}
		})
	}
}

func TestLintAroundTheDetection(t *testing.T) {
	const detection = "logsource: {product: aws, service: cloudtrail}\ndetection: {a: {eventName: CreateUser}, condition: a}\n"
	tests := []struct {
		name, text, want string
	}{
		{"tags of techniques, tactics and other namespaces are fine",
			"title: T\nlevel: low\ntags: [attack.t1078, attack.t1078.004, attack.initial-access, attack.stealth, attack.g0007, cve.2026-1]\n" + detection, ""},
		{"a technique with too few digits", "title: T\nlevel: low\ntags: [attack.t178]\n" + detection, "attack-tag"},
		{"a tactic with an underscore", "title: T\nlevel: low\ntags: [attack.initial_access]\n" + detection, "attack-tag"},
		{"no level", "title: T\n" + detection, "no-level"},
		{"a rule that only feeds a correlation needs no level", "title: T\nname: base\n" + detection +
			"---\ntitle: C\nlevel: low\ncorrelation: {type: event_count, rules: [base], group-by: [userIdentity.arn], timespan: 1h, condition: {gte: 5}}\n", ""},
		{"a correlation groups by a field that no record has", "title: T\nname: base\n" + detection +
			"---\ntitle: C\nlevel: low\ncorrelation: {type: event_count, rules: [base], group-by: [userIdentity.name], timespan: 1h, condition: {gte: 5}}\n", "unknown-field"},
		{"an alias stands for a field that no record has", "title: T\nname: base\n" + detection +
			"---\ntitle: C\nlevel: low\ncorrelation: {type: event_count, rules: [base], group-by: [who], timespan: 1h, condition: {gte: 5}, aliases: {who: {base: user}}}\n", "unknown-field"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			findings := lintText(t, tt.text)
			if got := checks(findings); got != tt.want {
				t.Errorf("checks: got %q, want %q\n%v", got, tt.want, findings)
			}
		})
	}
}

func TestFindingsNamePlaceFaultAndRemedy(t *testing.T) {
	tests := []struct {
		name, detection string
		want            []string
	}{
		{"a field in another spelling", `
	a:
	  eventName: CreateUser
	  sourceipaddress: null
	condition: a`,
			[]string{"f.yml:7: warning: no CloudTrail record has a field sourceipaddress, so it is always absent; hint: write sourceIPAddress [unknown-field]"}},
		{"an exclusion that excludes nothing", `
	a: {eventName: CreateUser}
	own: {userIdentity.arn|fieldref: requestParameters.userName}
	condition: a and not own`,
			[]string{"f.yml:6: warning: userIdentity.arn is compared with requestParameters.userName: one is a full ARN, the other a bare name, so they are never equal and the exclusion excludes nothing; hint: compare userIdentity.userName with requestParameters.userName [arn-and-name]"}},
		{"an event of another service", `
	a: {eventSource: s3.amazonaws.com, eventName: [PutBucketPolicy, DeleteUser]}
	condition: a`,
			[]string{"f.yml:5: warning: DeleteUser is not logged by s3.amazonaws.com; hint: it is an event of iam.amazonaws.com [event-of-other-service]"}},
		{"a misspelt event name", `
	a: {eventName: [CreateUser, CreateUserX]}
	condition: a`,
			[]string{"f.yml:5: warning: CreateUserX is no API operation and no other event that CloudTrail logs; hint: there is CreateUser [unknown-event]"}},
		{"no index", `
	a: {errorCode|endswith: x}
	condition: not a`,
			[]string{"f.yml:1: info: no field value is necessary for a match, so the rule is tried on every record; hint: and-in an eventName or eventSource [no-index]"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, f := range lintRule(t, tt.detection) {
				got = append(got, f.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestReadAPIRefusesASourceWithoutEvents(t *testing.T) {
	_, err := lint.ReadAPI("iam.amazonaws.com CreateUser\n\ns3.amazonaws.com\n")
	if got, want := fmt.Sprint(err), "line 3: event source s3.amazonaws.com has no events"; got != want {
		t.Errorf("error: got %q, want %q", got, want)
	}
}
