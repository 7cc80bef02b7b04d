package reconcile_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
)

const (
	member     = rootkeep.AccountID("444455556666")
	management = rootkeep.AccountID("111122223333")
	office     = "198.51.100.7"
	elsewhere  = "203.0.113.24"
	auditTask  = "arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"
	deleteTask = "arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"
	device     = "arn:aws:iam::111122223333:u2f/root-account/custodian-1"
)

// nine is when windows open; at is so many minutes later.
var nine = time.Date(2026, 7, 3, 9, 0, 0, 0, time.UTC)

func at(minutes float64) time.Time { return nine.Add(time.Duration(minutes * float64(time.Minute))) }

// signInRequest is open from five past nine, for an hour from nine.
func signInRequest() reconcile.Request {
	return reconcile.Request{
		ID: "RR-1", Kind: access.Use, Path: access.SignIn, Accounts: []rootkeep.AccountID{management},
		Events: []string{"account.amazonaws.com CloseAccount", "signin.amazonaws.com *"}, From: nine, Until: at(60), Session: 15 * time.Minute,
		Networks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, Opened: at(5),
	}
}

func assumedRequest() reconcile.Request {
	return reconcile.Request{
		ID: "RR-2", Kind: access.Use, Path: access.Assumed, Accounts: []rootkeep.AccountID{member},
		Events: []string{"iam.amazonaws.com DeleteLoginProfile", "iam.amazonaws.com DeactivateMFADevice"}, From: nine, Until: at(60), Session: 15 * time.Minute,
		Opened: at(5), Keys: []string{"ASIAROLE", "ASIAROOT"},
	}
}

func scan() reconcile.Scan {
	return reconcile.Scan{Name: "SC-1", Account: member, AccessKey: "ASIASCAN", Start: at(5), End: at(20)}
}

func event(id string, kind rootkeep.RootKind, minutes float64, set func(*reconcile.Event)) reconcile.Event {
	e := reconcile.Event{RootUse: rootkeep.RootUse{ID: id, Kind: kind, Time: at(minutes), Account: management, Region: "us-east-1", Address: office}, Of: management}
	set(&e)
	return e
}

func login(id string, minutes float64, set ...func(*reconcile.Event)) reconcile.Event {
	return event(id, rootkeep.RootSignIn, minutes, func(e *reconcile.Event) {
		e.Source, e.Name, e.MFA, e.Device = "signin.amazonaws.com", "ConsoleLogin", "yes", device
		each(e, set)
	})
}

func call(id, source, name string, minutes float64, set ...func(*reconcile.Event)) reconcile.Event {
	return event(id, rootkeep.RootCall, minutes, func(e *reconcile.Event) {
		e.Source, e.Name, e.Created = source+".amazonaws.com", name, at(6)
		each(e, set)
	})
}

// assumeRoot opens a session of the member's root from the management account.
func assumeRoot(id, name, key, task string, minutes float64, set ...func(*reconcile.Event)) reconcile.Event {
	return event(id, rootkeep.RootAssumed, minutes, func(e *reconcile.Event) {
		e.Source, e.Name, e.Region, e.Of, e.Target = "sts.amazonaws.com", "AssumeRoot", "eu-west-1", member, string(member)
		e.SourceIdentity, e.IssuedKey, e.TaskPolicy = name, key, task
		each(e, set)
	})
}

// inMember is a call in such a session.
func inMember(id, key, name string, minutes float64, set ...func(*reconcile.Event)) reconcile.Event {
	return event(id, rootkeep.AssumedRootCall, minutes, func(e *reconcile.Event) {
		e.Account, e.Of, e.Source, e.Name, e.AccessKey, e.Address = member, member, "iam.amazonaws.com", name, key, elsewhere
		each(e, set)
	})
}

func each(e *reconcile.Event, set []func(*reconcile.Event)) {
	for _, f := range set {
		f(e)
	}
}

func from(address string) func(*reconcile.Event) {
	return func(e *reconcile.Event) { e.Address = address }
}
func named(name string) func(*reconcile.Event) {
	return func(e *reconcile.Event) { e.SourceIdentity = name }
}
func failed(e *reconcile.Event)  { e.Failed, e.Error = true, "AccessDenied" }
func reading(e *reconcile.Event) { e.ReadOnly = true }

// story is a case: what is known, and what the first event comes to.
type story struct {
	name    string
	events  []reconcile.Event
	input   func(*reconcile.Input)
	verdict rootkeep.Verdict
	rule    string
	why     string // part of the reason
	request string
}

func (s *story) run(t *testing.T) {
	t.Helper()
	in := reconcile.Input{
		Events: s.events, Requests: []reconcile.Request{signInRequest(), assumedRequest()}, Scans: []reconcile.Scan{scan()},
		Changes: []reconcile.Change{{ID: "CH-1", Account: management, Events: []string{"organizations.amazonaws.com DetachPolicy"}, Keys: []string{"ASIACHANGE"}, Start: at(0), End: at(30)}},
		Now:     at(600),
	}
	if s.input != nil {
		s.input(&in)
	}
	for _, got := range reconcile.Judge(in).Events {
		if got.ID != s.events[0].ID {
			continue
		}
		if got.Verdict != s.verdict || got.Rule != s.rule || got.Request != s.request || !strings.Contains(got.Why, s.why) {
			t.Errorf("got %s by %s for %q: %s\nwant %s by %s for %q, with %q", got.Verdict, got.Rule, got.Request, got.Why, s.verdict, s.rule, s.request, s.why)
		}
		if got.Session == "" {
			t.Error("got no session, want one")
		}
		return
	}
	t.Errorf("event %s has no verdict", s.events[0].ID)
}

func TestASignIn(t *testing.T) {
	step := func(name string) reconcile.Event {
		return event("a", rootkeep.RootSignInStep, 6, func(e *reconcile.Event) { e.Source, e.Name = "signin.amazonaws.com", name })
	}
	first := func(set func(*reconcile.Request)) func(*reconcile.Input) {
		return func(in *reconcile.Input) { set(&in.Requests[0]) }
	}
	for _, s := range []story{
		{"within an open request", []reconcile.Event{login("a", 6)}, nil, rootkeep.Explained, "sign-in", "agree", "RR-1"},
		{"of a drill", []reconcile.Event{login("a", 6)}, first(func(r *reconcile.Request) { r.Kind = access.Drill }), rootkeep.Drill, "sign-in", "agree", "RR-1"},
		{"of an override", []reconcile.Event{login("a", 6)}, first(func(r *reconcile.Request) { r.Overrides = true }), rootkeep.Explained, "sign-in", "an override", "RR-1"},
		{"from another network", []reconcile.Event{login("a", 6, from(elsewhere))}, nil, rootkeep.Unexplained, "sign-in", "198.51.100.0/24", ""},
		{"from no address at all", []reconcile.Event{login("a", 6, from("AWS Internal"))}, nil, rootkeep.Unexplained, "sign-in", "AWS Internal", ""},
		{"from the network, as IPv6 writes it", []reconcile.Event{login("a", 6, from("::ffff:"+office))}, nil, rootkeep.Explained, "sign-in", "agree", "RR-1"},
		{"before anybody opened the request", []reconcile.Event{login("a", 2)}, nil, rootkeep.OutOfWindow, "sign-in", "opened 2026-07-03T09:05:00Z", "RR-1"},
		{"under a request that nobody opened", []reconcile.Event{login("a", 6)}, first(func(r *reconcile.Request) { r.Opened = time.Time{} }), rootkeep.OutOfWindow, "sign-in", "never opened", "RR-1"},
		{"after the request was closed", []reconcile.Event{login("a", 30)}, first(func(r *reconcile.Request) { r.Closed = at(20) }), rootkeep.OutOfWindow, "sign-in", "closed", "RR-1"},
		{"before the window", []reconcile.Event{login("a", -10)}, nil, rootkeep.Unexplained, "no-request", "No approved request", ""},
		{"behind the window", []reconcile.Event{login("a", 61)}, nil, rootkeep.Unexplained, "no-request", "No approved request", ""},
		{"in the second in which the request was opened", []reconcile.Event{login("a", 5)}, first(func(r *reconcile.Request) { r.Opened = at(5).Add(900 * time.Millisecond) }), rootkeep.Explained, "sign-in", "agree", "RR-1"},
		{"of another account", []reconcile.Event{login("a", 6, func(e *reconcile.Event) { e.Account, e.Of = member, member })}, nil, rootkeep.Unexplained, "no-request", string(member), ""},
		{"that names another account than its record", []reconcile.Event{login("a", 6, func(e *reconcile.Event) { e.Account = member })}, nil, rootkeep.Unexplained, "account-mismatch", string(member), ""},
		{"with the device that was handed out", []reconcile.Event{login("a", 6)}, first(func(r *reconcile.Request) { r.Device = device }), rootkeep.Explained, "sign-in", "the device", "RR-1"},
		{"with the device by its last part", []reconcile.Event{login("a", 6)}, first(func(r *reconcile.Request) { r.Device = "custodian-1" }), rootkeep.Explained, "sign-in", "the device", "RR-1"},
		{"with another device", []reconcile.Event{login("a", 6, func(e *reconcile.Event) { e.Device += "0" })}, first(func(r *reconcile.Request) { r.Device = device }), rootkeep.Unexplained, "sign-in", "handed out", ""},
		{"without a device, where one is declared", []reconcile.Event{login("a", 6, func(e *reconcile.Event) { e.Device = "" })}, first(func(r *reconcile.Request) { r.Device = device }), rootkeep.Unexplained, "sign-in", `"none"`, ""},
		{"dated tomorrow", []reconcile.Event{login("a", 60*24)}, nil, rootkeep.Unexplained, "future", "yet to come", ""},
		{"without a time", []reconcile.Event{login("a", 6, func(e *reconcile.Event) { e.Time = time.Time{} })}, nil, rootkeep.Unexplained, "no-time", "no time", ""},
		{"with a member twice", []reconcile.Event{login("a", 6, func(e *reconcile.Event) { e.Ambiguous = true })}, nil, rootkeep.Unexplained, "ambiguous", "twice", ""},
		{"that failed, while the request is open", []reconcile.Event{event("a", rootkeep.RootFailedSignIn, 6, func(e *reconcile.Event) { e.Source, e.Name, e.Failed = "signin.amazonaws.com", "ConsoleLogin", true })}, nil, rootkeep.Explained, "sign-in", "failed", "RR-1"},
		{"that failed elsewhere", []reconcile.Event{event("a", rootkeep.RootFailedSignIn, 6, func(e *reconcile.Event) {
			e.Source, e.Name, e.Address = "signin.amazonaws.com", "ConsoleLogin", elsewhere
		})}, nil, rootkeep.Unexplained, "sign-in", elsewhere, ""},
		{"of which a step is seen", []reconcile.Event{event("a", rootkeep.RootSignInStep, 6, func(e *reconcile.Event) { e.Source, e.Name = "signin.amazonaws.com", "CheckMfa" })}, nil, rootkeep.Explained, "sign-in", "A step", "RR-1"},
		{"of which an unknown step is seen, by a task that takes all", []reconcile.Event{step("Unheard")}, nil, rootkeep.Explained, "sign-in", "A step", "RR-1"},
		{"of which an unknown step is seen", []reconcile.Event{step("Unheard")}, first(func(r *reconcile.Request) { r.Events = []string{"account.amazonaws.com CloseAccount"} }), rootkeep.OutOfScope, "sign-in", "does not name this step", "RR-1"},
		{"that gives a program a session", []reconcile.Event{step("CreateOAuth2Token")}, nil, rootkeep.OutOfScope, "sign-in", "does not name this step", "RR-1"},
		{"that gives a program a session, for a task that says so", []reconcile.Event{step("CreateOAuth2Token")}, first(func(r *reconcile.Request) { r.Events = []string{"signin.amazonaws.com CreateOAuth2Token"} }), rootkeep.Explained, "sign-in", "A step", "RR-1"},
		{"by a service", []reconcile.Event{event("a", rootkeep.RootByService, 6, func(e *reconcile.Event) { e.Service = "cloudformation.amazonaws.com" })}, nil, rootkeep.ByService, "service", "cloudformation", ""},
	} {
		t.Run(s.name, s.run)
	}
}

func TestACallInAConsole(t *testing.T) {
	first := func(set func(*reconcile.Request)) func(*reconcile.Input) {
		return func(in *reconcile.Input) { set(&in.Requests[0]) }
	}
	for _, s := range []story{
		{"that the task needs", []reconcile.Event{call("a", "account", "CloseAccount", 8), login("b", 6)}, nil, rootkeep.Explained, "sign-in", "needs the call", "RR-1"},
		{"that the task does not need", []reconcile.Event{call("a", "iam", "CreateAccessKey", 8)}, nil, rootkeep.OutOfScope, "sign-in", "does not need", "RR-1"},
		{"that the console makes by itself", []reconcile.Event{call("a", "iam", "GetAccountSummary", 8, reading)}, nil, rootkeep.Explained, "reading", "only reads", "RR-1"},
		{"whose name reads and that AWS says writes", []reconcile.Event{call("a", "iam", "GetAccountSummary", 8)}, nil, rootkeep.OutOfScope, "sign-in", "does not need", "RR-1"},
		{"that AWS says reads, by another name", []reconcile.Event{call("a", "sts", "AssumeRole", 8, reading)}, nil, rootkeep.OutOfScope, "sign-in", "does not need", "RR-1"},
		{"that reads a secret", []reconcile.Event{call("a", "secretsmanager", "GetSecretValue", 8, reading)}, nil, rootkeep.OutOfScope, "sign-in", "does not need", "RR-1"},
		{"that lasts too long", []reconcile.Event{call("a", "account", "CloseAccount", 22)}, nil, rootkeep.OutOfWindow, "sign-in", "was to last 15m", "RR-1"},
		{"that outlives the window", []reconcile.Event{call("a", "account", "CloseAccount", 62, func(e *reconcile.Event) { e.Created = at(55) })}, nil, rootkeep.OutOfWindow, "sign-in", "outside its time", "RR-1"},
		{"of a session that is older than the request", []reconcile.Event{call("a", "account", "CloseAccount", 8, func(e *reconcile.Event) { e.Created = at(-30) })}, nil, rootkeep.OutOfWindow, "sign-in", "began at", "RR-1"},
		{"whose sign-in nothing explains", []reconcile.Event{call("a", "account", "CloseAccount", 8), login("b", 6, from(elsewhere))}, nil, rootkeep.Unexplained, "sign-in", "Nothing explains the sign-in", ""},
		{"whose sign-in had another device", []reconcile.Event{call("a", "account", "CloseAccount", 8), login("b", 6)}, first(func(r *reconcile.Request) { r.Device = "arn:aws:iam::111122223333:mfa/other" }), rootkeep.Unexplained, "sign-in", "handed out", ""},
		{"from elsewhere", []reconcile.Event{call("a", "account", "CloseAccount", 8, from(elsewhere))}, nil, rootkeep.Unexplained, "sign-in", elsewhere, ""},
		{"to a bucket of another account", []reconcile.Event{call("a", "account", "CloseAccount", 8, func(e *reconcile.Event) { e.Account = member })}, nil, rootkeep.Explained, "sign-in", "needs the call", "RR-1"},
		{"with a key that does not end", []reconcile.Event{event("a", rootkeep.RootKeyCall, 8, func(e *reconcile.Event) {
			e.Source, e.Name, e.AccessKey, e.ReadOnly = "iam.amazonaws.com", "GetAccountSummary", "AKIAX", true
		})}, nil, rootkeep.OutOfScope, "sign-in", "does not need", "RR-1"},
	} {
		t.Run(s.name, s.run)
	}
}

func TestWhatAConsoleReads(t *testing.T) {
	for name, excused := range map[string]bool{
		"GetAccountSummary": true, "DescribeInstances": true, "ListBuckets": true, "GetAccountPasswordPolicy": true, "LookupEvents": true, "ListSecrets": true, "GetPublicAccessBlock": true,
		"GetSecretValue": false, "GetParametersByPath": false, "GetFunction20150331v2": false, "ListFunctions20150331": false, "DescribeLaunchConfigurations": false,
		"GetLaunchTemplateData": false, "GetConsoleOutput": false, "GetLogEvents": false, "GetStatementResult": false, "DescribeVpnConnections": false,
		"DescribeUserPoolClient": false, "ListApiKeys": false, "GetConnections": false, "GetCommandInvocation": false, "BatchGetSecretValue": false, "GetFederationToken": false, "GetLatestConfiguration": false,
	} {
		t.Run(name, func(t *testing.T) {
			s := story{name, []reconcile.Event{call("a", "example", name, 8, reading)}, nil, rootkeep.OutOfScope, "sign-in", "does not need", "RR-1"}
			if excused {
				s.verdict, s.rule, s.why = rootkeep.Explained, "reading", "only reads"
			}
			s.run(t)
		})
	}
}

func TestASessionOfAssumeRoot(t *testing.T) {
	second := func(set func(*reconcile.Request)) func(*reconcile.Input) {
		return func(in *reconcile.Input) { set(&in.Requests[1]) }
	}
	unrecorded := second(func(r *reconcile.Request) { r.Keys = nil })
	all := second(func(r *reconcile.Request) { r.Keys, r.Recorded = nil, true })
	with := func(key string) func(*reconcile.Event) { return func(e *reconcile.Event) { e.AccessKey = key } }
	refusals := func(minutes float64) func(*reconcile.Input) {
		return second(func(r *reconcile.Request) {
			r.Keys, r.Recorded, r.Refusals = nil, true, []reconcile.Refusal{{Account: member, Start: at(minutes), End: at(minutes)}}
		})
	}
	opened := assumeRoot("o", "RR-2", "ASIAROOT", deleteTask, 6)
	for _, s := range []story{
		{"is asked for, with the key that was recorded", []reconcile.Event{opened}, nil, rootkeep.Explained, "recorded-key", "was given the access key", "RR-2"},
		{"is asked for by name alone, and all agrees", []reconcile.Event{opened}, unrecorded, rootkeep.Explained, "source-identity", "agree", "RR-2"},
		{"is asked for by name, of a request all of whose keys are recorded", []reconcile.Event{opened}, all, rootkeep.Unexplained, "source-identity", "forged", ""},
		{"is known by its name, of a request all of whose keys are recorded", []reconcile.Event{inMember("a", "ASIAX", "DeleteLoginProfile", 7, named("RR-2"))}, all, rootkeep.Unexplained, "source-identity", "not given", ""},
		{"has the name of a request that has other keys", []reconcile.Event{assumeRoot("a", "RR-2", "ASIAFORGED", deleteTask, 6)}, nil, rootkeep.Unexplained, "source-identity", "forged", ""},
		{"has the name of no request", []reconcile.Event{assumeRoot("a", "RR-9", "ASIAFORGED", deleteTask, 6)}, nil, rootkeep.Unexplained, "source-identity", "belongs to no request", ""},
		{"has the name of a request for a sign-in", []reconcile.Event{assumeRoot("a", "RR-1", "ASIAFORGED", deleteTask, 6)}, nil, rootkeep.Unexplained, "source-identity", "for a sign-in", ""},
		{"replays the name of a request that is over", []reconcile.Event{assumeRoot("a", "RR-2", "ASIAX", deleteTask, 90)}, unrecorded, rootkeep.Unexplained, "source-identity", "used again", ""},
		{"uses the name before the request was opened", []reconcile.Event{assumeRoot("a", "RR-2", "ASIAX", deleteTask, 1)}, unrecorded, rootkeep.Unexplained, "source-identity", "nobody was to use it", ""},
		{"uses the name for another account", []reconcile.Event{assumeRoot("a", "RR-2", "ASIAX", deleteTask, 6, func(e *reconcile.Event) { e.Of, e.Target = "999900001111", "999900001111" })}, unrecorded, rootkeep.Unexplained, "source-identity", "not for account", ""},
		{"uses the name for another task policy", []reconcile.Event{assumeRoot("a", "RR-2", "ASIAX", "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy", 6)}, unrecorded, rootkeep.Unexplained, "source-identity", "no use for the task policy", ""},
		{"has a task policy that looks like one", []reconcile.Event{assumeRoot("a", "RR-2", "ASIAX", "arn:aws:iam::111122223333:policy/root-task/IAMDeleteRootUserCredentials", 6)}, unrecorded, rootkeep.Unexplained, "source-identity", "no use for the task policy", ""},
		{"has a recorded key and another task policy", []reconcile.Event{assumeRoot("a", "RR-2", "ASIAROOT", "", 6)}, nil, rootkeep.OutOfScope, "recorded-key", "task policy", "RR-2"},
		{"has a recorded key, outside the time", []reconcile.Event{assumeRoot("a", "RR-2", "ASIAROOT", deleteTask, 70)}, nil, rootkeep.OutOfWindow, "recorded-key", "outside its time", "RR-2"},
		{"has a recorded key and the name of another request", []reconcile.Event{assumeRoot("a", "RR-3", "ASIAROOT", deleteTask, 6)}, nil, rootkeep.Unexplained, "recorded-key", "RR-3", ""},
		{"has no name", []reconcile.Event{assumeRoot("a", "", "ASIAX", auditTask, 6)}, nil, rootkeep.Unexplained, "no-request", "no source identity", ""},
		{"is refused, and only the name is known", []reconcile.Event{assumeRoot("a", "RR-2", "", deleteTask, 6, failed)}, unrecorded, rootkeep.Explained, "source-identity", "was refused", "RR-2"},
		{"is refused to somebody who knows the name", []reconcile.Event{assumeRoot("a", "RR-2", "", deleteTask, 6, failed)}, nil, rootkeep.Unexplained, "source-identity", "somebody else tried", ""},
		{"is refused to somebody who knows the name of a request of which all is recorded", []reconcile.Event{assumeRoot("a", "RR-2", "", deleteTask, 6, failed)}, all, rootkeep.Unexplained, "source-identity", "somebody else tried", ""},
		{"is refused in the session of who holds the request", []reconcile.Event{assumeRoot("a", "RR-2", "", deleteTask, 6, failed, with("ASIAROLE"))}, nil, rootkeep.Explained, "recorded-key", "and refused", "RR-2"},
		{"is refused, as rootkeep recorded", []reconcile.Event{assumeRoot("a", "RR-2", "", deleteTask, 6, failed)}, refusals(6), rootkeep.Explained, "recorded-key", "and refused", "RR-2"},
		{"is refused at another time than rootkeep recorded", []reconcile.Event{assumeRoot("a", "RR-2", "", deleteTask, 8, failed)}, refusals(6), rootkeep.Unexplained, "source-identity", "somebody else tried", ""},
		{"is refused, as rootkeep recorded, outside of its time", []reconcile.Event{assumeRoot("a", "RR-2", "", deleteTask, 90, failed)}, refusals(90), rootkeep.OutOfWindow, "recorded-key", "outside its time", "RR-2"},
		{"is refused, as rootkeep recorded, with another task policy", []reconcile.Event{assumeRoot("a", "RR-2", "", "", 6, failed)}, refusals(6), rootkeep.OutOfScope, "recorded-key", "task policy", "RR-2"},
		{"is refused as root of another account", []reconcile.Event{assumeRoot("a", "RR-2", "", deleteTask, 6, failed, func(e *reconcile.Event) { e.Of, e.Target = management, string(management) })}, refusals(6), rootkeep.Unexplained, "source-identity", "not for account", ""},
		{"is given where rootkeep recorded a refusal", []reconcile.Event{assumeRoot("a", "RR-2", "ASIAX", deleteTask, 6)}, refusals(6), rootkeep.Unexplained, "source-identity", "forged", ""},

		{"does what the task needs", []reconcile.Event{inMember("a", "ASIAROOT", "DeleteLoginProfile", 7), opened}, nil, rootkeep.Explained, "recorded-key", "opened for RR-2", "RR-2"},
		{"does so, and only AssumeRoot tells of the key", []reconcile.Event{inMember("a", "ASIAROOT", "DeleteLoginProfile", 7), opened}, unrecorded, rootkeep.Explained, "issued-key", "opened for RR-2", "RR-2"},
		{"does so before its AssumeRoot is seen", []reconcile.Event{inMember("a", "ASIAROOT", "DeleteLoginProfile", 7)}, nil, rootkeep.Explained, "recorded-key", "opened for RR-2", "RR-2"},
		{"does so with the name on its calls", []reconcile.Event{inMember("a", "ASIAROOT", "DeleteLoginProfile", 7, named("RR-2")), opened}, nil, rootkeep.Explained, "recorded-key", "opened for RR-2", "RR-2"},
		{"does so with another name on its calls", []reconcile.Event{inMember("a", "ASIAROOT", "DeleteLoginProfile", 7, named("RR-1")), opened}, nil, rootkeep.Unexplained, "recorded-key", "RR-1", ""},
		{"is known by the name on its calls alone", []reconcile.Event{inMember("a", "ASIAX", "DeleteLoginProfile", 7, named("RR-2"))}, unrecorded, rootkeep.Explained, "source-identity", "agree", "RR-2"},
		{"has a forged name on its calls", []reconcile.Event{inMember("a", "ASIAX", "DeleteLoginProfile", 7, named("RR-2"))}, nil, rootkeep.Unexplained, "source-identity", "not given the access key", ""},
		{"has a name on its calls that is over", []reconcile.Event{inMember("a", "ASIAX", "DeleteLoginProfile", 90, named("RR-2"))}, unrecorded, rootkeep.Unexplained, "source-identity", "used again", ""},
		{"reads on the way", []reconcile.Event{inMember("a", "ASIAROOT", "ListMFADevices", 7), opened}, nil, rootkeep.Explained, "recorded-key", "opened for RR-2", "RR-2"},
		{"does more than the task needs", []reconcile.Event{inMember("a", "ASIAROOT", "CreateLoginProfile", 7), opened}, nil, rootkeep.OutOfScope, "recorded-key", "does not need", "RR-2"},
		{"lasts too long", []reconcile.Event{inMember("a", "ASIAROOT", "DeleteLoginProfile", 23), opened}, nil, rootkeep.OutOfWindow, "recorded-key", "was to last", "RR-2"},
		{"outlives its window", []reconcile.Event{inMember("a", "ASIAROOT", "DeleteLoginProfile", 61), assumeRoot("o", "RR-2", "ASIAROOT", deleteTask, 55)}, nil, rootkeep.OutOfWindow, "recorded-key", "outside its time", "RR-2"},
		{"goes on after the request was closed", []reconcile.Event{inMember("a", "ASIAROOT", "DeleteLoginProfile", 12), opened}, second(func(r *reconcile.Request) { r.Closed = at(10) }), rootkeep.OutOfWindow, "recorded-key", "closed", "RR-2"},
		{"is of another account than its key", []reconcile.Event{inMember("a", "ASIAROOT", "DeleteLoginProfile", 7, func(e *reconcile.Event) { e.Account, e.Of = management, management }), opened}, unrecorded, rootkeep.Unexplained, "issued-key", "for account", ""},
		{"follows an AssumeRoot that nothing explains", []reconcile.Event{inMember("a", "ASIAX", "DeleteLoginProfile", 7), assumeRoot("o", "", "ASIAX", deleteTask, 6)}, nil, rootkeep.Unexplained, "issued-key", "follows from its session", ""},
		{"has no AssumeRoot", []reconcile.Event{inMember("a", "ASIAX", "DeleteLoginProfile", 7)}, nil, rootkeep.Unexplained, "no-request", "No AssumeRoot", ""},
		{"does not say that it is one", []reconcile.Event{inMember("a", "ASIAROOT", "DeleteLoginProfile", 7, func(e *reconcile.Event) { e.Kind = rootkeep.RootCall }), opened}, nil, rootkeep.Explained, "recorded-key", "opened for RR-2", "RR-2"},
		{"of a drill", []reconcile.Event{inMember("a", "ASIAROOT", "DeleteLoginProfile", 7), opened}, second(func(r *reconcile.Request) { r.Kind = access.Drill }), rootkeep.Drill, "recorded-key", "opened for RR-2", "RR-2"},
		{"makes the password of a sign-in, with the key that was recorded for it", []reconcile.Event{inMember("a", "ASIAMAKE", "CreateLoginProfile", 2)}, func(in *reconcile.Input) {
			r := &in.Requests[0]
			r.Accounts, r.Keys, r.Events = []rootkeep.AccountID{member}, []string{"ASIAMAKE"}, []string{"iam.amazonaws.com CreateLoginProfile"}
		}, rootkeep.Explained, "recorded-key", "opened for RR-1", "RR-1"},
		{"by name only, for a sign-in that is open", []reconcile.Event{inMember("a", "ASIAX", "DeleteLoginProfile", 7, named("RR-1"))}, nil, rootkeep.Unexplained, "source-identity", "for a sign-in", ""},
	} {
		t.Run(s.name, s.run)
	}
}
