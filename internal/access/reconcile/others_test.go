package reconcile_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
)

func TestTheSessionOfAScan(t *testing.T) {
	opened := assumeRoot("o", "SC-1", "ASIASCAN", auditTask, 6)
	for _, s := range []story{
		{"is asked for", []reconcile.Event{opened, inMember("c", "ASIASCAN", "ListMFADevices", 7)}, nil, rootkeep.Explained, "scan", "nothing with it but read", "SC-1"},
		{"reads", []reconcile.Event{inMember("a", "ASIASCAN", "ListMFADevices", 7), opened}, nil, rootkeep.Explained, "scan", "nothing with it but read", "SC-1"},
		{"reads, with the name on its calls", []reconcile.Event{inMember("a", "ASIASCAN", "ListMFADevices", 7, named("SC-1"))}, nil, rootkeep.Explained, "scan", "nothing with it but read", "SC-1"},
		{"reads, with another name on its calls", []reconcile.Event{inMember("a", "ASIASCAN", "ListMFADevices", 7, named("SC-2"))}, nil, rootkeep.Unexplained, "scan", "SC-2", ""},
		{"writes", []reconcile.Event{inMember("a", "ASIASCAN", "CreateLoginProfile", 7), opened}, nil, rootkeep.Unexplained, "issued-key", "CreateLoginProfile", ""},
		{"reads, and writes as well", []reconcile.Event{inMember("a", "ASIASCAN", "ListMFADevices", 7), inMember("w", "ASIASCAN", "CreateLoginProfile", 9), opened}, nil, rootkeep.Unexplained, "issued-key", "CreateLoginProfile", ""},
		{"was opened, and writes", []reconcile.Event{opened, inMember("w", "ASIASCAN", "CreateLoginProfile", 9)}, nil, rootkeep.Unexplained, "scan", "CreateLoginProfile", ""},
		{"has another task policy", []reconcile.Event{assumeRoot("a", "SC-1", "ASIASCAN", deleteTask, 6)}, nil, rootkeep.Unexplained, "scan", "only reads", ""},
		{"has a key that was not recorded", []reconcile.Event{assumeRoot("a", "SC-1", "ASIAX", auditTask, 6)}, nil, rootkeep.Unexplained, "scan", "a name alone explains nothing", ""},
		{"has the name of no scan", []reconcile.Event{assumeRoot("a", "SC-9", "ASIAX", auditTask, 6)}, nil, rootkeep.Unexplained, "scan", "belongs to no scan", ""},
		{"is of another account", []reconcile.Event{inMember("a", "ASIASCAN", "ListMFADevices", 7, func(e *reconcile.Event) { e.Account, e.Of = "999900001111", "999900001111" })}, nil, rootkeep.Unexplained, "scan", "not for", ""},
		{"has ended", []reconcile.Event{inMember("a", "ASIASCAN", "ListMFADevices", 21)}, nil, rootkeep.Unexplained, "scan", "was from", ""},
		{"is only a name on a call", []reconcile.Event{inMember("a", "ASIAX", "ListMFADevices", 7, named("SC-1"))}, nil, rootkeep.Unexplained, "scan", "a name alone explains nothing", ""},
		{"was refused", []reconcile.Event{assumeRoot("a", "SC-1", "", auditTask, 6, failed)}, nil, rootkeep.Unexplained, "scan", "a name alone explains nothing", ""},
		{"was refused, as the scan recorded", []reconcile.Event{assumeRoot("a", "SC-1", "", auditTask, 6, failed)}, func(in *reconcile.Input) {
			in.Scans = append(in.Scans, reconcile.Scan{Name: "SC-1", Account: member, Start: at(6), End: at(6)})
		}, rootkeep.Explained, "scan", "was refused", "SC-1"},
	} {
		t.Run(s.name, s.run)
	}
}

func TestWhatIsInDoubtExplainsNothing(t *testing.T) {
	doubtful := func(e *reconcile.Event) { e.Doubtful = true }
	opened, calls := assumeRoot("o", "RR-2", "ASIAROOT", deleteTask, 6), inMember("c", "ASIAROOT", "DeleteLoginProfile", 7)
	unrecorded := func(in *reconcile.Input) { in.Requests[1].Keys = nil }
	abroad, drawn := login("l", 6, func(e *reconcile.Event) { e.Address = elsewhere }), call("d", "iam", "ListUsers", 6, func(e *reconcile.Event) { e.Created = at(6) }, doubtful)
	closes := call("c", "account", "CloseAccount", 7, func(e *reconcile.Event) { e.Created = at(7) })
	for _, s := range []story{
		{"an AssumeRoot explains the call in its session", []reconcile.Event{calls, opened}, unrecorded, rootkeep.Explained, "issued-key", "RR-2", "RR-2"},
		{"one in doubt does not", []reconcile.Event{calls, assumeRoot("o", "RR-2", "ASIAROOT", deleteTask, 6, doubtful)}, unrecorded, rootkeep.Unexplained, "no-request", "No AssumeRoot", ""},
		{"a copy that is in doubt harms none that is not", []reconcile.Event{calls, assumeRoot("o", "RR-2", "ASIAROOT", deleteTask, 6, doubtful), opened}, unrecorded, rootkeep.Explained, "issued-key", "RR-2", "RR-2"},
		{"what a record explained that is kept is explained still", []reconcile.Event{calls, assumeRoot("o", "RR-2", "ASIAROOT", deleteTask, 6, doubtful)}, nil, rootkeep.Explained, "recorded-key", "RR-2", "RR-2"},
		{"a sign-in from elsewhere is of the session nearest to it", []reconcile.Event{closes, abroad}, nil, rootkeep.Unexplained, "sign-in", "", ""},
		{"and is not drawn to one in doubt", []reconcile.Event{closes, abroad, drawn}, nil, rootkeep.Unexplained, "sign-in", "", ""},
	} {
		t.Run(s.name, s.run)
	}
}

// others is a call about root users by somebody else.
func others(source, name, key, identity string, minutes float64) reconcile.Event {
	return event("a", rootkeep.RootGovernance, minutes, func(e *reconcile.Event) {
		e.Source, e.Name, e.AccessKey, e.SourceIdentity, e.Principal = source+".amazonaws.com", name, key, identity, "arn:aws:iam::111122223333:role/Admin"
	})
}

func TestCallsAboutRootByOthers(t *testing.T) {
	recovery := func(name string, set ...func(*reconcile.Event)) reconcile.Event {
		return event("a", rootkeep.RootCredential, 6, func(e *reconcile.Event) {
			e.Source, e.Name = "signin.amazonaws.com", name
			each(e, set)
		})
	}
	recovers := func(in *reconcile.Input) {
		in.Requests[0].Events = append(in.Requests[0].Events, "signin.amazonaws.com PasswordRecovery*")
	}
	changesAddress := func(in *reconcile.Input) {
		in.Requests[1].Events = append(in.Requests[1].Events, "account.amazonaws.com StartPrimaryEmailUpdate")
	}
	for _, s := range []story{
		{"a guardrail is detached by a change", []reconcile.Event{others("organizations", "DetachPolicy", "ASIACHANGE", "CH-1", 6)}, nil, rootkeep.Explained, "recorded-key", "CH-1", "CH-1"},
		{"by a change whose plan does not have it", []reconcile.Event{others("organizations", "LeaveOrganization", "ASIACHANGE", "CH-1", 6)}, nil, rootkeep.OutOfScope, "recorded-key", "CH-1", "CH-1"},
		{"by a change that is over", []reconcile.Event{others("organizations", "DetachPolicy", "ASIACHANGE", "CH-1", 31)}, nil, rootkeep.OutOfWindow, "recorded-key", "CH-1", "CH-1"},
		{"by the key of a change, under another name", []reconcile.Event{others("organizations", "DetachPolicy", "ASIACHANGE", "CH-2", 6)}, nil, rootkeep.Unexplained, "recorded-key", "CH-2", ""},
		{"by the name of a change alone", []reconcile.Event{others("organizations", "DetachPolicy", "ASIAX", "CH-1", 6)}, nil, rootkeep.Unexplained, "source-identity", "a name alone explains nothing", ""},
		{"by an administrator", []reconcile.Event{others("organizations", "DetachPolicy", "ASIAX", "", 6)}, nil, rootkeep.Unexplained, "no-request", "role/Admin", ""},
		{"by nobody", []reconcile.Event{event("a", rootkeep.RootGovernance, 6, func(e *reconcile.Event) { e.Source, e.Name = "organizations.amazonaws.com", "DetachPolicy" })}, nil, rootkeep.Unexplained, "no-request", "nobody that is named", ""},
		{"root sessions are allowed by a request that needs them", []reconcile.Event{others("iam", "EnableOrganizationsRootSessions", "ASIAROLE", "RR-2", 6)}, func(in *reconcile.Input) {
			in.Requests[1].Events = append(in.Requests[1].Events, "iam.amazonaws.com EnableOrganizationsRootSessions")
		}, rootkeep.Explained, "recorded-key", "RR-2", "RR-2"},
		{"root sessions are allowed by a request that does not", []reconcile.Event{others("iam", "EnableOrganizationsRootSessions", "ASIAROLE", "RR-2", 6)}, nil, rootkeep.OutOfScope, "recorded-key", "RR-2", "RR-2"},
		{"an address is changed of an account that the request is not for", []reconcile.Event{event("a", rootkeep.RootCredential, 6, func(e *reconcile.Event) {
			e.Source, e.Name, e.AccessKey, e.Of = "account.amazonaws.com", "StartPrimaryEmailUpdate", "ASIAROLE", "999900001111"
		})}, changesAddress, rootkeep.Unexplained, "recorded-key", "not for account", ""},
		{"an address is changed of the account that it is for", []reconcile.Event{event("a", rootkeep.RootCredential, 6, func(e *reconcile.Event) {
			e.Source, e.Name, e.AccessKey, e.Of = "account.amazonaws.com", "StartPrimaryEmailUpdate", "ASIAROLE", member
		})}, changesAddress, rootkeep.Explained, "recorded-key", "RR-2", "RR-2"},
		{"root sessions are allowed by a scan", []reconcile.Event{others("iam", "EnableOrganizationsRootSessions", "ASIASCAN", "SC-1", 6)}, nil, rootkeep.Unexplained, "source-identity", "explains nothing", ""},
		{"a password is recovered for a request that says so", []reconcile.Event{recovery("PasswordRecoveryRequested")}, recovers, rootkeep.Explained, "sign-in", "needs it", "RR-1"},
		{"a password is recovered for one that takes every step of a sign-in", []reconcile.Event{recovery("PasswordRecoveryRequested")}, nil, rootkeep.OutOfScope, "sign-in", "names no change", "RR-1"},
		{"a password is recovered from elsewhere", []reconcile.Event{recovery("PasswordRecoveryRequested", from(elsewhere))}, recovers, rootkeep.Unexplained, "sign-in", elsewhere, ""},
		{"the name of an account is changed by a user", []reconcile.Event{event("a", rootkeep.RootCredential, 6, func(e *reconcile.Event) { e.Source, e.Name, e.Of = "account.amazonaws.com", "PutAccountName", member })}, nil, rootkeep.Unexplained, "no-request", "No request", ""},
	} {
		t.Run(s.name, s.run)
	}
}

func TestOverlappingRequests(t *testing.T) {
	other := signInRequest()
	other.ID, other.Opened, other.Events = "RR-0", at(10), []string{"iam.amazonaws.com CreateAccessKey"}
	both := func(in *reconcile.Input) { in.Requests = append(in.Requests, other) }
	for _, s := range []story{
		{"what both explain is of the one that was opened first", []reconcile.Event{login("a", 12)}, both, rootkeep.Explained, "sign-in", "RR-1", "RR-1"},
		{"what one explains is of that one", []reconcile.Event{call("a", "iam", "CreateAccessKey", 12, func(e *reconcile.Event) { e.Created = at(11) })}, both, rootkeep.Explained, "sign-in", "RR-0", "RR-0"},
		{"what neither explains is of the first, by the mildest reason", []reconcile.Event{call("a", "iam", "CreateUser", 12, func(e *reconcile.Event) { e.Created = at(11) })}, both, rootkeep.OutOfScope, "sign-in", "RR-1", "RR-1"},
		{"one ID with two requests is judged by both", []reconcile.Event{login("a", 6)}, func(in *reconcile.Input) {
			again := in.Requests[0]
			again.Opened = at(40)
			in.Requests = append([]reconcile.Request{again}, in.Requests...)
		}, rootkeep.Explained, "sign-in", "RR-1", "RR-1"},
	} {
		t.Run(s.name, s.run)
	}
}

func TestEventsOfOneSessionShareIt(t *testing.T) {
	in := reconcile.Input{Now: at(600), Events: []reconcile.Event{
		event("step", rootkeep.RootSignInStep, 5.5, func(e *reconcile.Event) { e.Source, e.Name = "signin.amazonaws.com", "CheckMfa" }),
		login("in", 6), call("one", "iam", "GetUser", 8), call("two", "s3", "ListBuckets", 9, func(e *reconcile.Event) { e.AccessKey = "ASIAOTHER" }),
		event("fails", rootkeep.RootFailedSignIn, 20, func(e *reconcile.Event) {}), event("fails again", rootkeep.RootFailedSignIn, 30, from(elsewhere)),
		call("later", "iam", "GetUser", 40, func(e *reconcile.Event) { e.Created = at(39) }),
		assumeRoot("open", "RR-2", "ASIAROOT", deleteTask, 6), inMember("call", "ASIAROOT", "DeleteLoginProfile", 7),
	}}
	got := map[string][]string{}
	for _, e := range reconcile.Judge(in).Events {
		got[e.Session] = append(got[e.Session], e.ID)
	}
	want := map[string][]string{
		"111122223333@2026-07-03T09:06:00Z":         {"step", "in", "one", "two"},
		"111122223333@2026-07-03T09:39:00Z":         {"later"},
		"111122223333@2026-07-03 without a sign-in": {"fails", "fails again"},
		"ASIAROOT": {"open", "call"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
}

func TestCopiesCountOnceAndForgedIDsHideNothing(t *testing.T) {
	forged := login("a", 6, from(elsewhere))
	got := reconcile.Judge(reconcile.Input{Now: at(600), Requests: []reconcile.Request{signInRequest()}, Events: []reconcile.Event{login("a", 6), forged, login("a", 6)}})
	var verdicts []rootkeep.Verdict
	for _, e := range got.Events {
		verdicts = append(verdicts, e.Verdict)
	}
	slices.Sort(verdicts)
	if diff := cmp.Diff([]rootkeep.Verdict{rootkeep.Explained, rootkeep.Unexplained}, verdicts); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

func TestAnExplainedEventStaysAsItIsInJSON(t *testing.T) {
	got := reconcile.Judge(reconcile.Input{Now: at(600), Requests: []reconcile.Request{signInRequest()}, Events: []reconcile.Event{login("a", 6)}})
	text, err := json.Marshal(got.Events[0])
	if err != nil {
		t.Fatal(err)
	}
	var again reconcile.Judged
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got.Events[0], again); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

// A custodian who has left is no reason against what was done with the request: nothing
// about people is part of a verdict, so a request is judged as it was approved.
func TestVerdictsDoNotChangeWithTime(t *testing.T) {
	in := reconcile.Input{Requests: []reconcile.Request{signInRequest(), assumedRequest()}, Scans: []reconcile.Scan{scan()}, Events: []reconcile.Event{
		login("a", 6), call("b", "iam", "CreateUser", 7), assumeRoot("c", "RR-2", "ASIAROOT", deleteTask, 6), inMember("d", "ASIASCAN", "GetUser", 9),
	}}
	in.Now = at(60)
	early := reconcile.Judge(in)
	in.Now = at(0).Add(5 * 365 * 24 * time.Hour)
	if diff := cmp.Diff(early.Events, reconcile.Judge(in).Events); diff != "" {
		t.Errorf("verdicts after five years (-early +late):\n%s", diff)
	}
}
