package least_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/least"
	"github.com/rootkeep/rootkeep/iam/least/event"
)

const role = "arn:aws:iam::111122223333:role/app"

func principal(t testing.TB) iam.Principal {
	t.Helper()
	p, err := iam.ParsePrincipal(role)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func table(t testing.TB) *event.Table {
	t.Helper()
	out, err := event.ReadTable(content.Files, "eventactions")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// record is a call of the role: a service, an event, its parameters, and more members.
func record(service, name, params, more string) string {
	return fmt.Sprintf(`{"eventSource":"%s.amazonaws.com","eventName":%q,"eventType":"AwsApiCall","eventTime":"2026-03-02T10:00:00Z","awsRegion":"eu-west-3",
		"recipientAccountId":"111122223333","sourceIPAddress":"192.0.2.1","userIdentity":{"type":"AssumedRole","sessionContext":{"attributes":{"mfaAuthenticated":"true"}}},
		"requestParameters":%s%s}`, service, name, params, more)
}

func policies(t testing.TB, texts ...string) []*iam.Policy {
	t.Helper()
	out := []*iam.Policy{}
	for i, text := range texts {
		if !strings.HasPrefix(text, "{\"Version") {
			text = `{"Version":"2012-10-17","Statement":` + text + `}`
		}
		p, err := iam.Parse(fmt.Sprintf("p%d", i), []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		out = append(out, p)
	}
	return out
}

// input is what the records and the identity policies of a case come to.
func input(t testing.TB, tb *event.Table, identity []*iam.Policy, records ...string) least.Input {
	t.Helper()
	p := iam.Policies{Identity: identity}
	log := least.NewLog(least.Setting{Finder: event.NewFinder(tb, event.Surroundings{}), Keys: least.ContextKeys(p)})
	for _, text := range records {
		c, err := event.ReadCall([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		log.Add(c)
	}
	return least.Input{
		Log: log, Principal: principal(t), Policies: p,
		Window: least.Window{Days: 100, Events: 1000, DataEvents: 1},
		Context: func(known map[string][]string) iam.Context {
			values := map[string][]string{"aws:PrincipalArn": {role}}
			maps.Copy(values, known)
			return condition.PartialContext(values)
		},
	}
}

func propose(t testing.TB, in least.Input) *least.Proposal {
	t.Helper()
	p, err := least.Propose(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Replay.Lost) > 0 {
		t.Errorf("replay: lost %+v, want none", p.Replay.Lost)
	}
	return p
}

// allows are the Allow statements of a proposal in one line each.
func allows(p *least.Proposal) (out []string) {
	for _, d := range p.Policies {
		for _, s := range d.Statement {
			if s.Effect != "Allow" {
				continue
			}
			text := strings.Join(s.Action, ",") + " on " + strings.Join(s.Resource, ",")
			if len(s.NotResource) > 0 {
				text += "not " + strings.Join(s.NotResource, ",")
			}
			if len(s.Condition) > 0 {
				c, _ := json.Marshal(s.Condition)
				text += " if " + string(c)
			}
			out = append(out, text)
		}
	}
	return out
}

const admin = `{"Effect":"Allow","Action":"*","Resource":"*"}`

func get(key string) string {
	return record("s3", "GetObject", fmt.Sprintf(`{"bucketName":"b","key":%q}`, key), "")
}

func TestPropose(t *testing.T) {
	tb := table(t)
	for _, c := range []struct {
		name     string
		identity []string // nil: not given
		records  []string
		change   func(*least.Input)
		want     []string
	}{
		{"one call on one resource", []string{admin}, []string{get("k")}, nil, []string{"s3:GetObject on arn:aws:s3:::b/k"}},
		{"without policies the calls are the limit", nil, []string{get("k")}, nil, []string{"s3:GetObject on arn:aws:s3:::b/k"}},
		{"actions on the same resource stand together", []string{admin},
			[]string{get("k"), record("s3", "PutObject", `{"bucketName":"b","key":"k"}`, "")}, nil, []string{"s3:GetObject,s3:PutObject on arn:aws:s3:::b/k"}},
		{"an action without resources is on all", []string{admin}, []string{record("ec2", "DescribeInstances", "null", "")}, nil, []string{"ec2:DescribeInstances on *"}},
		{"a condition that was met stays", []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`, admin},
			[]string{get("k")}, nil, []string{`s3:GetObject on arn:aws:s3:::b/k if {"Bool":{"aws:MultiFactorAuthPresent":["true"]}}`}},
		{"a condition that one call did not meet goes", []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}`, admin},
			[]string{get("k"), strings.Replace(get("k"), "192.0.2.1", "198.51.100.1", 1)}, nil, []string{"s3:GetObject on arn:aws:s3:::b/k"}},
		{"a call that today's policies do not allow is not granted", []string{`{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`}, []string{get("k")}, nil, nil},
		{"what the log does not name stays as it is today", []string{`{"Effect":"Allow","Action":"cloudtrail:*","Resource":"arn:aws:cloudtrail:eu-west-3:111122223333:trail/a*"}`},
			[]string{record("cloudtrail", "StopLogging", "null", "")}, nil, []string{"cloudtrail:StopLogging on arn:aws:cloudtrail:eu-west-3:111122223333:trail/a*"}},
		{"a variable stays", []string{`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:PrincipalAccount}*"}`},
			[]string{get("111122223333/k")}, func(in *least.Input) {
				in.Context = func(known map[string][]string) iam.Context {
					values := map[string][]string{"aws:PrincipalAccount": {"111122223333"}}
					maps.Copy(values, known)
					return condition.PartialContext(values)
				}
			}, []string{"s3:GetObject on arn:aws:s3:::b/${aws:PrincipalAccount}*"}},
		{"NotAction and NotResource narrow too", []string{`{"Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::secret/*"}`},
			[]string{get("k")}, nil, []string{"s3:GetObject on arn:aws:s3:::b/k"}},
		{"a role is passed to the service that got it", []string{admin},
			[]string{record("lambda", "CreateFunction20150331", `{"functionName":"f","role":"arn:aws:iam::111122223333:role/fn"}`, "")}, nil,
			[]string{`iam:PassRole on arn:aws:iam::111122223333:role/fn if {"StringEquals":{"iam:PassedToService":["lambda.amazonaws.com"]}}`, "lambda:CreateFunction on arn:aws:lambda:eu-west-3:111122223333:function:f"}},
		{"a refused call is not granted", []string{admin}, []string{strings.Replace(get("k"), `"requestParameters"`, `"errorCode":"AccessDenied","requestParameters"`, 1)}, nil, nil},
		{"a failed call is not granted", []string{admin}, []string{strings.Replace(get("k"), `"requestParameters"`, `"errorCode":"NoSuchKey","requestParameters"`, 1)}, nil, nil},
		{"a failed call is granted on demand", []string{admin}, []string{strings.Replace(get("k"), `"requestParameters"`, `"errorCode":"NoSuchKey","requestParameters"`, 1)},
			func(in *least.Input) { in.GrantFailed = true }, []string{"s3:GetObject on arn:aws:s3:::b/k"}},
		{"patterns replace dates and IDs", []string{admin}, []string{get("logs/2026/03/02/x.gz"), get("logs/2026/03/03/x.gz")},
			func(in *least.Input) { in.Scope = least.Pattern }, []string{"s3:GetObject on arn:aws:s3:::b/logs/*/x.gz"}},
		{"a pattern does not leave today's resources", []string{`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/logs/2026/03/*"}`}, []string{get("logs/2026/03/02/x.gz")},
			func(in *least.Input) { in.Scope = least.Pattern }, []string{"s3:GetObject on arn:aws:s3:::b/logs/2026/03/02/x.gz"}},
		{"any keeps today's resources", []string{`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`}, []string{get("k")},
			func(in *least.Input) { in.Scope = least.Any }, []string{"s3:GetObject on arn:aws:s3:::b/*"}},
		{"many resources become their container", []string{admin}, []string{get("a"), get("b"), get("c")},
			func(in *least.Input) { in.MaxResources = 2 }, []string{"s3:GetObject on arn:aws:s3:::b/*"}},
		{"a key with a star is that key", []string{admin}, []string{get("a*")}, nil, []string{"s3:GetObject on arn:aws:s3:::b/a${*}"}},
		{"a dollar in a policy without variables is a dollar", []string{`{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}*"}}`},
			[]string{get("${aws:username}x")}, func(in *least.Input) { in.Scope = least.Any }, []string{"s3:GetObject on arn:aws:s3:::b/${$}{aws:username}*"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var identity []*iam.Policy
			if c.identity != nil {
				identity = policies(t, c.identity...)
			}
			in := input(t, tb, identity, c.records...)
			if c.change != nil {
				c.change(&in)
			}
			p := propose(t, in)
			if got := allows(p); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q; outside %+v", got, c.want, p.Outside)
			}
		})
	}
}

func TestADenyIsKept(t *testing.T) {
	deny := `{"Effect":"Deny","NotAction":["s3:Get*"],"Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["eu-west-3"]}}}`
	p := propose(t, input(t, table(t), policies(t, admin, deny), get("k")))
	last := p.Policies[0].Statement[len(p.Policies[0].Statement)-1]
	last.Sid = ""
	got, err := json.Marshal(last)
	want := strings.Replace(deny, `"Resource":"*"`, `"Resource":["*"]`, 1)
	if err != nil || string(got) != want || p.Kept != 1 {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}

func TestRemovedIsCounted(t *testing.T) {
	p := propose(t, input(t, table(t), policies(t, `{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","iam:PassRole"],"Resource":"*"}`), get("k")))
	r := p.Removed
	if r.Before != 3 || r.After != 1 || r.Removed != 2 || r.ByLevel["Write"] != 2 || len(r.Risky) != 1 || r.Risky[0].Action != "iam:PassRole" {
		t.Errorf("got %+v, want 3 before, 1 after, 2 removed, PassRole named", r)
	}
}

func TestADenyOfEverythingIsNotCountedAsAllowed(t *testing.T) {
	p := propose(t, input(t, table(t), policies(t, `{"Effect":"Allow","Action":"s3:*Object","Resource":"*"}`, `{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}`), get("k")))
	q := propose(t, input(t, table(t), policies(t, `{"Effect":"Allow","Action":"s3:*Object","Resource":"*"}`), get("k")))
	if p.Removed.Before != q.Removed.Before-1 {
		t.Errorf("got %d actions with the Deny and %d without, want one less", p.Removed.Before, q.Removed.Before)
	}
}

func TestBaseReadOnlyLeavesContentOut(t *testing.T) {
	in := input(t, table(t), policies(t, admin), record("s3", "PutObject", `{"bucketName":"b","key":"k"}`, ""))
	in.Base = least.ReadOnly
	got := strings.Join(allows(propose(t, in)), "\n")
	for _, want := range []string{"s3:GetBucket*", "s3:List*", "s3:PutObject on arn:aws:s3:::b/k"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want %s in it", got, want)
		}
	}
	if strings.Contains(got, "s3:GetObject,") || strings.Contains(got, "s3:DeleteObject,") {
		t.Errorf("got %s, want neither the content of objects nor a write", got)
	}
}

func TestPoliciesStayWithinTheQuota(t *testing.T) {
	var records []string
	for i := range 150 {
		records = append(records, get(fmt.Sprintf("%s-%d", strings.Repeat("x", 60), i)))
	}
	in := input(t, table(t), policies(t, admin), records...)
	in.MaxResources = 1000
	p := propose(t, in)
	if len(p.Policies) < 2 || len(p.Oversized) > 0 {
		t.Errorf("got %d policies, oversized %v; want several within the quota", len(p.Policies), p.Oversized)
	}
	for _, d := range p.Policies {
		if n := d.Size(); n > least.MaxPolicy {
			t.Errorf("got a policy of %d characters, want at most %d", n, least.MaxPolicy)
		}
	}
	if p.Replay.Allowed != 150 {
		t.Errorf("got %d calls allowed, want 150", p.Replay.Allowed)
	}
}

func TestALogWithoutRoomLeavesTheActionAsItIs(t *testing.T) {
	p := iam.Policies{Identity: policies(t, `{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`)}
	in := input(t, table(t), p.Identity)
	log := least.NewLog(least.Setting{Finder: event.NewFinder(table(t), event.Surroundings{}), Limits: least.Limits{PerAction: 2}})
	for _, key := range []string{"a", "b", "c", "d"} {
		c, err := event.ReadCall([]byte(get(key)))
		if err != nil {
			t.Fatal(err)
		}
		log.Add(c)
	}
	in.Log = log
	got := propose(t, in)
	if a := allows(got); !slices.Equal(a, []string{"s3:GetObject on arn:aws:s3:::b/*"}) || got.Log.Dropped != 2 || len(got.Notes) == 0 {
		t.Errorf("got %q, dropped %d, notes %q; want the statement of today, 2, a note", a, got.Log.Dropped, got.Notes)
	}
}

func TestAnUnreadPolicyGrantsNothing(t *testing.T) {
	in := input(t, table(t), []*iam.Policy{iam.Unread("lost", iam.Identity)}, get("k"))
	p := propose(t, in)
	if len(allows(p)) != 0 || len(p.Outside) != 1 || !slices.Equal(p.Unread, []string{"lost"}) || p.Confidence.Level != "low" {
		t.Errorf("got %q, outside %+v, unread %v, confidence %v; want nothing granted and all said", allows(p), p.Outside, p.Unread, p.Confidence)
	}
}

func TestWhatIsNotGrantedIsListed(t *testing.T) {
	p := propose(t, input(t, table(t), policies(t, admin),
		record("iam", "MakeAdmin", "null", ""), record("signin", "ConsoleLogin", "null", ""),
		strings.Replace(get("k"), `"requestParameters"`, `"errorCode":"AccessDenied","requestParameters"`, 1)))
	if len(p.Unmapped) != 1 || p.Unmapped[0].Name != "MakeAdmin" || len(p.Nothing) != 1 || p.Nothing[0].Name != "ConsoleLogin" || len(p.Refused) != 1 {
		t.Errorf("got unmapped %+v, nothing %+v, refused %+v; want one of each", p.Unmapped, p.Nothing, p.Refused)
	}
	if p.Confidence.Level != "low" {
		t.Errorf("confidence: got %s, want low: no successful call", p.Confidence.Level)
	}
}

func TestSubject(t *testing.T) {
	const ann, app = "arn:aws:iam::111122223333:user/staff/ann", "arn:aws:iam::111122223333:role/x/app"
	const session = "arn:aws:sts::111122223333:assumed-role/app/s1"
	for _, c := range []struct {
		name, subject, kind, arn, issuer string
		want                             bool
	}{
		{"a user by ARN", ann, "IAMUser", ann, "", true},
		{"a user by name", "user/ann", "IAMUser", ann, "", true},
		{"a session of a role by ARN", app, "AssumedRole", session, app, true},
		{"a session of a role by name", "role/app", "AssumedRole", session, app, true},
		{"a session without its issuer by name", "role/app", "AssumedRole", session, "", true},
		{"the session alone", session, "AssumedRole", session, app, true},
		{"another session", session, "AssumedRole", session + "2", app, false},
		{"a federated session of a user", ann, "FederatedUser", "arn:aws:sts::111122223333:federated-user/f", ann, true},
		{"a role is no user of its name", "user/app", "AssumedRole", session, app, false},
		{"another path is another role", app, "AssumedRole", session, "arn:aws:iam::111122223333:role/app", false},
		{"a service that acts in the account", "role/app", "AWSService", "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := least.ParseSubject(c.subject)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Matches(c.kind, c.arn, c.issuer); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
	for _, bad := range []string{"", "ann", "arn:aws:iam::111122223333:root", "ec2.amazonaws.com", "*"} {
		if _, err := least.ParseSubject(bad); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
}

func TestAContextWithoutRoomTakesNoStatementAway(t *testing.T) {
	tb := table(t)
	ranges := func(cidr string) string {
		return `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"` + cidr + `"}}}`
	}
	p := iam.Policies{Identity: policies(t, ranges("192.0.2.0/24"), ranges("198.51.100.0/24"))}
	in := input(t, tb, p.Identity)
	in.Log = least.NewLog(least.Setting{Finder: event.NewFinder(tb, event.Surroundings{}), Keys: least.ContextKeys(p), Limits: least.Limits{Contexts: 1}})
	for _, address := range []string{"192.0.2.1", "198.51.100.1"} {
		c, err := event.ReadCall([]byte(strings.Replace(get("k"), "192.0.2.1", address, 1)))
		if err != nil {
			t.Fatal(err)
		}
		in.Log.Add(c)
	}
	if got := allows(propose(t, in)); len(got) != 2 {
		t.Errorf("got %q, want both statements: the second context was not kept", got)
	}
}

func TestALogThatIsFullLosesNoAction(t *testing.T) {
	for name, limits := range map[string]least.Limits{"in number": {Total: 1}, "in bytes": {Bytes: len("arn:aws:s3:::b/k")}} {
		t.Run(name, func(t *testing.T) { fullLog(t, limits) })
	}
}

func fullLog(t *testing.T, limits least.Limits) {
	tb := table(t)
	in := input(t, tb, policies(t, `{"Effect":"Allow","Action":["s3:*","ec2:*"],"Resource":"*"}`))
	in.Log = least.NewLog(least.Setting{Finder: event.NewFinder(tb, event.Surroundings{}), Limits: limits})
	for _, text := range []string{get("k"), record("ec2", "DescribeInstances", "null", "")} {
		c, err := event.ReadCall([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		in.Log.Add(c)
	}
	if got := allows(propose(t, in)); !slices.Equal(got, []string{"ec2:DescribeInstances on *", "s3:GetObject on arn:aws:s3:::b/k"}) {
		t.Errorf("got %q, want both actions", got)
	}
}

func TestOneStatementForNamedAndUntoldResources(t *testing.T) {
	p := propose(t, input(t, table(t), policies(t, `{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::secret/*"}`),
		get("k"), record("s3", "GetObject", "null", "")))
	if got := allows(p); !slices.Equal(got, []string{"s3:GetObject on not arn:aws:s3:::secret/*"}) {
		t.Errorf("got %q, want today's resources: one call does not tell its own", got)
	}
}

func FuzzPropose(f *testing.F) {
	f.Add([]byte(get("k")))
	f.Add([]byte(record("lambda", "CreateFunction20150331", `{"functionName":"f","role":"arn:aws:iam::111122223333:role/fn"}`, "")))
	f.Add([]byte(record("s3", "CopyObject", `{"bucketName":"*","key":"${a}","x-amz-copy-source":"/x/?"}`, `,"resources":[{"ARN":"arn:aws:s3:::b/${*}"}]`)))
	tb := table(f)
	identity := policies(f, `{"Effect":"Allow","Action":["s3:*","lambda:*","iam:Pass*"],"Resource":["arn:aws:s3:::b/*","arn:aws:iam::*:role/f*","arn:aws:lambda:*:*:function:?"]}`, admin)
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := event.ReadCall(text); err != nil {
			return
		}
		in := input(t, tb, identity, string(text))
		in.Scope = least.Pattern
		propose(t, in)
	})
}
