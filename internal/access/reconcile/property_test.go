package reconcile_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/lot"
)

// What is drawn comes from few values, so that they meet.
var (
	drawnAccounts = []rootkeep.AccountID{management, member}
	drawnKeys     = []string{"ASIA1", "ASIA2", "ASIA3", "AKIA4", ""}
	drawnNames    = []string{"RR-1", "RR-2", "RR-3", "SC-1", "SC-2", "CH-1", ""}
	drawnCalls    = []string{"iam.amazonaws.com DeleteLoginProfile", "iam.amazonaws.com GetUser", "iam.amazonaws.com CreateUser", "signin.amazonaws.com PasswordUpdated", "organizations.amazonaws.com DetachPolicy"}
	drawnKinds    = []rootkeep.RootKind{
		rootkeep.RootSignIn, rootkeep.RootCall, rootkeep.RootKeyCall, rootkeep.AssumedRootCall, rootkeep.RootByService, rootkeep.RootFailedSignIn,
		rootkeep.RootSignInStep, rootkeep.RootAssumed, rootkeep.RootCredential, rootkeep.RootGovernance,
	}
)

func pick[T any](t *rapid.T, from []T, label string) T { return rapid.SampledFrom(from).Draw(t, label) }

func minute(t *rapid.T, label string) time.Time {
	return at(float64(rapid.IntRange(-10, 80).Draw(t, label)))
}

func drawEvent(t *rapid.T) reconcile.Event {
	source, name, _ := strings.Cut(pick(t, drawnCalls, "call"), " ")
	e := reconcile.Event{RootUse: rootkeep.RootUse{
		Time: minute(t, "time"), ID: fmt.Sprint(rapid.IntRange(0, 999).Draw(t, "id")), Kind: pick(t, drawnKinds, "kind"), Account: pick(t, drawnAccounts, "account"),
		Source: source, Name: name, Address: pick(t, []string{office, office, elsewhere, "AWS Internal"}, "address"), AccessKey: pick(t, drawnKeys, "key"), Region: "us-east-1",
	}, Of: pick(t, drawnAccounts, "of"), SourceIdentity: pick(t, drawnNames, "name"), ReadOnly: rapid.Bool().Draw(t, "reads")}
	switch e.Kind {
	case rootkeep.RootSignIn, rootkeep.RootFailedSignIn, rootkeep.RootSignInStep:
		e.Source, e.Name, e.Failed, e.Device = "signin.amazonaws.com", "CheckMfa", e.Kind == rootkeep.RootFailedSignIn, pick(t, []string{device, ""}, "device")
	case rootkeep.RootAssumed:
		e.Source, e.Name, e.IssuedKey, e.TaskPolicy = "sts.amazonaws.com", "AssumeRoot", pick(t, drawnKeys, "issued"), pick(t, []string{auditTask, deleteTask, ""}, "policy")
		e.Failed = rapid.Bool().Draw(t, "failed")
	case rootkeep.RootCall, rootkeep.AssumedRootCall:
		if rapid.Bool().Draw(t, "in a session") {
			e.Created = minute(t, "created")
		}
	}
	switch rapid.IntRange(0, 40).Draw(t, "spoilt") {
	case 0:
		e.Time = time.Time{}
	case 1:
		e.Time = at(60 * 24)
	case 2:
		e.Ambiguous = true
	}
	return e
}

func drawRequest(t *rapid.T) reconcile.Request {
	r := reconcile.Request{
		ID: pick(t, drawnNames[:3], "id"), Kind: pick(t, []access.Kind{access.Use, access.Drill}, "kind"), Path: pick(t, []access.Path{access.SignIn, access.Assumed}, "path"),
		Accounts: []rootkeep.AccountID{pick(t, drawnAccounts, "account")}, Events: rapid.SliceOfNDistinct(rapid.SampledFrom(drawnCalls), 1, 3, rapid.ID).Draw(t, "events"),
		From: minute(t, "from"), Session: time.Duration(rapid.IntRange(1, 30).Draw(t, "session")) * time.Minute,
	}
	r.Until = r.From.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "window")) * time.Minute)
	if rapid.IntRange(0, 4).Draw(t, "opened?") > 0 {
		r.Opened = r.From.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "opened")) * time.Minute)
	}
	if rapid.Bool().Draw(t, "closed?") {
		r.Closed = r.From.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "closed")) * time.Minute)
	}
	if rapid.Bool().Draw(t, "keys?") {
		r.Keys = []string{pick(t, drawnKeys[:4], "key")}
	}
	if rapid.Bool().Draw(t, "refused?") {
		r.Refusals = []reconcile.Refusal{{Account: pick(t, drawnAccounts, "account"), Start: minute(t, "start"), End: minute(t, "end")}}
	}
	r.Recorded = rapid.Bool().Draw(t, "recorded?")
	if r.Path == access.SignIn {
		r.Networks = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
		r.Device = pick(t, []string{"", "", device, "other"}, "device")
	}
	return r
}

func drawInput(t *rapid.T) reconcile.Input {
	in := reconcile.Input{Now: at(100)}
	for range rapid.IntRange(0, 4).Draw(t, "requests") {
		in.Requests = append(in.Requests, drawRequest(t))
	}
	for range rapid.IntRange(0, 2).Draw(t, "scans") {
		in.Scans = append(in.Scans, reconcile.Scan{Name: pick(t, drawnNames[3:5], "scan"), Account: pick(t, drawnAccounts, "account"), AccessKey: pick(t, drawnKeys, "key"), Start: minute(t, "start"), End: minute(t, "end")})
	}
	for range rapid.IntRange(0, 1).Draw(t, "changes") {
		in.Changes = append(in.Changes, reconcile.Change{ID: "CH-1", Account: management, Events: drawnCalls[4:], Keys: []string{pick(t, drawnKeys[:4], "key")}, Start: minute(t, "start"), End: minute(t, "end")})
	}
	for range rapid.IntRange(1, 8).Draw(t, "events") {
		in.Events = append(in.Events, drawEvent(t))
	}
	return in
}

// verdicts are those of the distinct events, in words that compare.
func verdicts(judged []reconcile.Judged) []string {
	var out []string
	for _, e := range judged {
		out = append(out, fmt.Sprintf("%s %s %s %s", said(e.Event), e.Verdict, e.Rule, e.Request))
	}
	slices.Sort(out)
	return out
}

func said(e reconcile.Event) string { return fmt.Sprintf("%+v", e) }

func TestVerdictsAreThoseOfTheNaiveReference(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		got := reconcile.Judge(in).Events
		distinct := map[string]bool{}
		for _, e := range in.Events {
			distinct[said(e)] = true
		}
		if len(got) != len(distinct) {
			t.Fatalf("got %d verdicts, want one for each of %d events", len(got), len(distinct))
		}
		n := naive{in}
		for _, e := range got {
			if want := n.verdict(e.Event); e.Verdict != want {
				t.Errorf("got %s (%s: %s), want %s for %+v", e.Verdict, e.Rule, e.Why, want, e.Event)
			}
			if e.Verdict == "" || e.Rule == "" || e.Why == "" || e.Session == "" {
				t.Errorf("got %+v, want every part of a verdict", e)
			}
		}
	})
}

func TestOrderAndRepetitionChangeNothing(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		in := drawInput(t)
		want := reconcile.Judge(in)
		again := in
		again.Events = rapid.Permutation(slices.Concat(in.Events, in.Events[:rapid.IntRange(0, len(in.Events)).Draw(t, "again")])).Draw(t, "order")
		again.Scans = rapid.Permutation(in.Scans).Draw(t, "scans")
		got := reconcile.Judge(again)
		if diff := cmp.Diff(verdicts(want.Events), verdicts(got.Events)); diff != "" {
			t.Errorf("verdicts (-in order +shuffled):\n%s", diff)
		}
		if diff := cmp.Diff(want.Requests, got.Requests); diff != "" {
			t.Errorf("requests (-in order +shuffled):\n%s", diff)
		}
	})
}

// Absence is claimed if and only if every minute of the period and of the delay behind it
// is proven in every Region that has coverage, us-east-1 among them.
func TestAbsenceIsClaimedWithCoverageAlone(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		var coverage digest.Coverage
		for _, region := range []rootkeep.Region{"us-east-1", "eu-west-1"} {
			var hours []float64
			for h := range 6 {
				if rapid.IntRange(0, 9).Draw(t, "proven") > 0 {
					hours = append(hours, float64(h), float64(h+1))
				}
			}
			if rapid.IntRange(0, 5).Draw(t, "Region") > 0 {
				coverage = append(coverage, proven(management, region, hours...))
			}
		}
		p := reconcile.Period{Accounts: []rootkeep.AccountID{management}, Now: at(600)}
		p.From = at(float64(rapid.IntRange(0, 180).Draw(t, "from")))
		p.To = p.From.Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "minutes")) * time.Minute)
		want := slices.ContainsFunc(coverage, func(r digest.RegionCoverage) bool { return r.Region == "us-east-1" })
		for m := p.From; m.Before(p.To.Add(reconcile.Delay)); m = m.Add(time.Minute) {
			for _, r := range coverage {
				want = want && coverage.State(management, r.Region, m) == digest.Proven
			}
		}
		claim, missing := reconcile.Absence(p, nil, coverage)
		if (claim != nil) != want || (claim == nil) != (len(missing) > 0) {
			t.Errorf("got %+v, missing %q, want a claim: %v", claim, missing, want)
		}
		r := signInRequest()
		r.From, r.Until = p.From, p.To
		fate := reconcile.Judge(reconcile.Input{Requests: []reconcile.Request{r}, Coverage: coverage, Now: p.Now}).Requests[0]
		if (fate.Outcome == reconcile.Unused) != want {
			t.Errorf("got %s, want unused: %v", fate.Outcome, want)
		}
	})
}
