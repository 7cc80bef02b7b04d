package reconcile_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
)

// proven is the coverage of one Region of an account by spans of hours.
func proven(account rootkeep.AccountID, region rootkeep.Region, hours ...float64) digest.RegionCoverage {
	r := digest.RegionCoverage{Account: account, Region: region}
	for i := 0; i+1 < len(hours); i += 2 {
		r.Spans = append(r.Spans, digest.Span{From: at(hours[i] * 60), To: at(hours[i+1] * 60), State: digest.Proven})
	}
	return r
}

func TestWhatBecameOfARequest(t *testing.T) {
	for _, tt := range []struct {
		name     string
		events   []reconcile.Event
		coverage digest.Coverage
		now      time.Time
		want     reconcile.Outcome
		missing  string
	}{
		{"root signed in", []reconcile.Event{login("a", 6)}, nil, at(70), reconcile.Used, ""},
		{"root did what was not asked for", []reconcile.Event{call("a", "iam", "CreateUser", 8)}, nil, at(70), reconcile.Used, ""},
		{"a sign-in failed and no more", []reconcile.Event{event("a", rootkeep.RootFailedSignIn, 6, func(e *reconcile.Event) { e.Source = "signin.amazonaws.com" })}, digest.Coverage{proven(management, "us-east-1", -1, 3)}, at(80), reconcile.Unused, ""},
		{"the window is not over", nil, nil, at(59), reconcile.Pending, ""},
		{"events may still arrive", nil, digest.Coverage{proven(management, "us-east-1", -1, 3)}, at(74), reconcile.Pending, ""},
		{"nothing is proven", nil, nil, at(80), reconcile.NoCoverage, "no digest of the Region in which root signs in"},
		{"the log is proven for all of the window and the delay", nil, digest.Coverage{proven(management, "us-east-1", 0, 1.25)}, at(80), reconcile.Unused, ""},
		{"the log is proven for all but the delay", nil, digest.Coverage{proven(management, "us-east-1", 0, 1.2)}, at(80), reconcile.NoCoverage, "us-east-1: the log is not proven"},
		{"it is proven hour by hour", nil, digest.Coverage{proven(management, "us-east-1", 0, 1, 1, 2)}, at(80), reconcile.Unused, ""},
		{"an hour is missing", nil, digest.Coverage{proven(management, "us-east-1", 0, 0.5, 0.6, 2)}, at(80), reconcile.NoCoverage, "us-east-1: the log is not proven"},
		{"a Region stopped", nil, digest.Coverage{proven(management, "us-east-1", 0, 2), proven(management, "eu-west-1", 0, 0.5)}, at(80), reconcile.NoCoverage, "eu-west-1"},
		{"events name a Region without digests", []reconcile.Event{event("a", rootkeep.RootByService, -90, func(e *reconcile.Event) { e.Region = "ap-south-1" })}, digest.Coverage{proven(management, "us-east-1", 0, 2)}, at(80), reconcile.NoCoverage, "ap-south-1"},
		{"another account is proven", nil, digest.Coverage{proven(member, "us-east-1", 0, 2)}, at(80), reconcile.NoCoverage, "no digest"},
		{"the Region in which root signs in is not among those proven", nil, digest.Coverage{proven(management, "eu-west-1", 0, 2)}, at(80), reconcile.NoCoverage, "no digest of the Region"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := reconcile.Judge(reconcile.Input{Events: tt.events, Requests: []reconcile.Request{signInRequest()}, Coverage: tt.coverage, Now: tt.now}).Requests
			if len(got) != 1 || got[0].Outcome != tt.want || !strings.Contains(strings.Join(got[0].Missing, "\n"), tt.missing) {
				t.Errorf("got %+v, want %s with %q", got, tt.want, tt.missing)
			}
		})
	}
}

func TestAClaimOfAbsence(t *testing.T) {
	whole := digest.Coverage{proven(management, "us-east-1", -1, 25)}
	for _, tt := range []struct {
		name     string
		events   []reconcile.Event
		coverage digest.Coverage
		set      func(*reconcile.Period)
		missing  string // "" for a claim
	}{
		{"nothing happened, and all is proven", nil, whole, nil, ""},
		{"what happened is explained", []reconcile.Event{login("a", 6)}, whole, nil, ""},
		{"one event is not", []reconcile.Event{login("a", 6, from(elsewhere))}, whole, nil, `event "a" is UNEXPLAINED`},
		{"one event is out of scope", []reconcile.Event{call("a", "iam", "CreateUser", 7)}, whole, nil, `event "a" is OUT_OF_SCOPE`},
		{"one event has no time", []reconcile.Event{login("a", 6, func(e *reconcile.Event) { e.Time = time.Time{} })}, whole, nil, `event "a" is UNEXPLAINED`},
		{"an event of another account is not", []reconcile.Event{login("a", 6, func(e *reconcile.Event) { e.Account, e.Of = member, member })}, whole, nil, ""},
		{"an event of another day is not", []reconcile.Event{login("a", -90, from(elsewhere))}, whole, nil, ""},
		{"a session of a member is asked for in the account", []reconcile.Event{assumeRoot("a", "", "ASIAX", auditTask, 6, func(e *reconcile.Event) { e.Region = "us-east-1" })}, whole, nil, "UNEXPLAINED"},
		{"nothing is proven", nil, nil, nil, "no digest"},
		{"the trail stopped", nil, digest.Coverage{proven(management, "us-east-1", -1, 10)}, nil, "not proven complete"},
		{"a Region that is asked for has no digest", nil, whole, func(p *reconcile.Period) { p.Regions = []rootkeep.Region{"eu-west-3"} }, "eu-west-3"},
		{"something was not read", nil, whole, func(p *reconcile.Period) { p.Unread = 1 }, "not read"},
		{"the period is not over", nil, whole, func(p *reconcile.Period) { p.Now = p.To }, "may arrive"},
		{"there is no account", nil, whole, func(p *reconcile.Period) { p.Accounts = nil }, "no account"},
		{"the period is empty", nil, whole, func(p *reconcile.Period) { p.To = p.From }, "no account, or no time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := reconcile.Period{Accounts: []rootkeep.AccountID{management}, From: at(0), To: at(24 * 60), Now: at(25 * 60)}
			if tt.set != nil {
				tt.set(&p)
			}
			judged := reconcile.Judge(reconcile.Input{Events: tt.events, Requests: []reconcile.Request{signInRequest()}, Now: p.Now}).Events
			claim, missing := reconcile.Absence(p, judged, tt.coverage)
			if (claim != nil) != (tt.missing == "") || !strings.Contains(strings.Join(missing, "\n"), tt.missing) {
				t.Errorf("got %+v, missing %q, want %q", claim, missing, tt.missing)
			}
		})
	}
}

func TestAClaimCountsWhatItCovers(t *testing.T) {
	events := []reconcile.Event{login("a", 6), login("b", 7), event("c", rootkeep.RootByService, 8, func(*reconcile.Event) {})}
	judged := reconcile.Judge(reconcile.Input{Events: events, Requests: []reconcile.Request{signInRequest()}, Now: at(25 * 60)}).Events
	p := reconcile.Period{Accounts: []rootkeep.AccountID{management}, From: at(0), To: at(24 * 60), Now: at(25 * 60)}
	got, missing := reconcile.Absence(p, judged, digest.Coverage{proven(management, "us-east-1", 0, 25)})
	want := &reconcile.Claim{Accounts: p.Accounts, From: p.From, To: p.To, Explained: 2, Services: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("claim (-want +got):\n%s\nmissing %q", diff, missing)
	}
}
