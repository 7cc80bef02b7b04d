package alert_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/lot"
)

var now = time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)

func seen(level rootkeep.Severity, count int, state string) *alert.Sighting {
	return &alert.Sighting{Key: "k", Alert: rootkeep.Alert{Level: level, Count: count, State: state, Rules: []rootkeep.RuleHit{{Name: "rule"}}}}
}

func TestGrowth(t *testing.T) {
	for _, test := range []struct {
		name  string
		state alert.State
		to    *alert.Sighting
		want  alert.State
		act   alert.Act // the last one, "" if there is no new line
	}{
		{"the same says nothing", alert.New, seen(rootkeep.Medium, 5, "open"), alert.New, ""},
		{"more of a new one is quiet", alert.New, seen(rootkeep.Medium, 6, "open"), alert.New, ""},
		{"a higher level escalates", alert.New, seen(rootkeep.High, 6, "open"), alert.New, alert.Escalated},
		{"a second threshold escalates", alert.New, seen(rootkeep.Medium, 10, "escalated"), alert.New, alert.Escalated},
		{"more of what somebody looks at is theirs", alert.Acknowledged, seen(rootkeep.Medium, 6, "open"), alert.Acknowledged, ""},
		{"it is new again when it gets worse", alert.Acknowledged, seen(rootkeep.Critical, 6, "open"), alert.New, alert.Escalated},
		{"a snooze holds for more of it", alert.Snoozed, seen(rootkeep.Medium, 6, "open"), alert.Snoozed, ""},
		{"a snooze ends when it gets worse", alert.Snoozed, seen(rootkeep.High, 6, "open"), alert.New, alert.Escalated},
		{"what was closed opens with more", alert.Closed, seen(rootkeep.Medium, 6, "open"), alert.New, alert.Reopened},
		{"what was closed stays so with less", alert.Closed, seen(rootkeep.Medium, 4, "open"), alert.Closed, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := alert.Open(seen(rootkeep.Medium, 5, "open"), "AL-1", now)
			act := map[alert.State]func() error{
				alert.New:          func() error { return nil },
				alert.Acknowledged: func() error { return a.Acknowledge("", "PE-1", true, now) },
				alert.Snoozed:      func() error { return a.Snooze(now.Add(time.Hour), "later", "PE-1", now) },
				alert.Closed:       func() error { return a.Close("known", "PE-1", now) },
			}
			if err := act[test.state](); err != nil {
				t.Fatal(err)
			}
			lines := len(a.History)
			a.Grow(test.to, now.Add(time.Minute))
			if a.State != test.want {
				t.Errorf("state: got %s, want %s", a.State, test.want)
			}
			var last alert.Act
			if len(a.History) > lines {
				last = a.History[len(a.History)-1].Act
			}
			if last != test.act {
				t.Errorf("last act: got %q, want %q", last, test.act)
			}
		})
	}
}

// Whatever happens to an alert, a closed one says why and since when, a snooze has an end,
// nothing is due that somebody has taken, and no line of the history is lost.
func TestEveryLifeHolds(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		at := now
		a := alert.Open(seen(rootkeep.Low, 1, "open"), "AL-1", at)
		p := alert.Default()
		for range rapid.IntRange(1, 30).Draw(t, "acts") {
			at = at.Add(time.Duration(rapid.IntRange(1, 100_000).Draw(t, "seconds")) * time.Second)
			lines := len(a.History)
			var err error
			switch rapid.IntRange(0, 8).Draw(t, "act") {
			case 0:
				a.Grow(seen(rootkeep.Severity(rapid.IntRange(0, 4).Draw(t, "level")), rapid.IntRange(0, 99).Draw(t, "count"), rapid.SampledFrom([]string{"open", "escalated"}).Draw(t, "state")), at)
			case 1:
				err = a.Acknowledge("", "PE-1", rapid.Bool().Draw(t, "person"), at)
			case 2:
				err = a.Snooze(at.Add(time.Duration(rapid.IntRange(-1, 500).Draw(t, "hours"))*time.Hour), "later", "PE-1", at)
			case 3:
				err = a.Close(rapid.SampledFrom([]string{"", "known"}).Draw(t, "reason"), "PE-1", at)
			case 4:
				err = a.Reopen("no", "PE-2", at)
			case 5:
				a.Wake(at)
			case 6:
				a.End("over", at)
			case 7:
				err = a.Assign(rapid.SampledFrom([]string{"", "PE-1", "PE-2"}).Draw(t, "owner"), "PE-3", at)
			case 8:
				err = a.Tag([]string{fmt.Sprint(rapid.IntRange(0, 99).Draw(t, "tag"))}, nil, "PE-1", at)
			}
			a.Due = p.DueOf(a, 0, at)
			switch {
			case len(a.History) < lines || err != nil && len(a.History) != lines:
				t.Fatalf("history: %d lines, then %d, after %v", lines, len(a.History), err)
			case err != nil && !errors.Is(err, alert.ErrState) && !errors.Is(err, alert.ErrInvalid):
				t.Fatalf("got %v, want a known error", err)
			case (a.State == alert.Closed) != (!a.Closed.IsZero() && a.Reason != ""):
				t.Fatalf("state %s, closed %v, reason %q", a.State, a.Closed, a.Reason)
			case (a.State == alert.Snoozed) != !a.Until.IsZero():
				t.Fatalf("state %s, until %v", a.State, a.Until)
			case a.State != alert.New && !a.Due.IsZero():
				t.Fatalf("state %s, due %v", a.State, a.Due)
			case len(a.Tags) > alert.MostTags:
				t.Fatalf("%d tags", len(a.Tags))
			}
		}
	})
}

func TestSuppressionsFitExactly(t *testing.T) {
	found := func(change ...func(*rootkeep.Alert)) *rootkeep.Alert {
		f := &rootkeep.Alert{
			Account: "111122223333", Kind: "group", Count: 2, Actor: rootkeep.Actor{Type: "IAMUser", Principal: "arn:aws:iam::111122223333:user/ann"}, Rules: []rootkeep.RuleHit{{Name: "spray"}},
			Addresses: []rootkeep.Address{{Text: "192.0.2.7", Count: 2}}, Events: []rootkeep.Event{{Account: "111122223333"}},
		}
		for _, c := range change {
			c(f)
		}
		return f
	}
	for _, test := range []struct {
		name  string
		scope alert.Scope
		of    *rootkeep.Alert
		want  bool
	}{
		{"the rule", alert.Scope{Rule: "spray"}, found(), true},
		{"a rule that begins like it", alert.Scope{Rule: "spra"}, found(), false},
		{"the account", alert.Scope{Account: "111122223333"}, found(), true},
		{"an event of another account", alert.Scope{Account: "111122223333"}, found(func(f *rootkeep.Alert) { f.Events[0].Account = "999999999999" }), false},
		{"the principal", alert.Scope{Principal: "arn:aws:iam::111122223333:user/ann"}, found(), true},
		{"one principal of several", alert.Scope{Principal: "arn:aws:iam::111122223333:user/ann"}, found(func(f *rootkeep.Alert) { f.Several = true }), false},
		{"one account of several", alert.Scope{Account: "111122223333"}, found(func(f *rootkeep.Alert) {
			f.Account, f.Accounts, f.AccountsOmitted = "", []rootkeep.AccountID{"111122223333"}, 8
		}), false},
		{"root among several", alert.Scope{Rule: "spray"}, found(func(f *rootkeep.Alert) { f.Several, f.Events[0].Actor.Type = true, "Root" }), false},
		{"a pattern is no pattern", alert.Scope{Principal: "arn:aws:iam::111122223333:user/*"}, found(), false},
		{"the block", alert.Scope{Addresses: "192.0.2.0/24"}, found(), true},
		{"an address outside", alert.Scope{Addresses: "192.0.2.0/24"}, found(func(f *rootkeep.Alert) {
			f.Addresses = append(f.Addresses, rootkeep.Address{Text: "198.51.100.1", Count: 1})
		}), false},
		{"an address that is a service", alert.Scope{Addresses: "192.0.2.0/24"}, found(func(f *rootkeep.Alert) { f.Addresses[0].Text = "iam.amazonaws.com" }), false},
		{"events without an address", alert.Scope{Addresses: "192.0.2.0/24"}, found(func(f *rootkeep.Alert) { f.Count = 3 }), false},
		{"no address at all", alert.Scope{Addresses: "192.0.2.0/24"}, found(func(f *rootkeep.Alert) { f.Addresses = nil }), false},
		{"a second rule that nobody suppressed", alert.Scope{Rule: "spray"}, found(func(f *rootkeep.Alert) { f.Rules = append(f.Rules, rootkeep.RuleHit{Name: "other"}) }), false},
		{"a guarded rule among them", alert.Scope{Account: "111122223333"}, found(func(f *rootkeep.Alert) { f.Rules = append(f.Rules, rootkeep.RuleHit{Name: "guarded"}) }), false},
		{"root itself", alert.Scope{Account: "111122223333"}, found(func(f *rootkeep.Alert) { f.Actor.Type = "Root" }), false},
		{"a session", alert.Scope{Account: "111122223333"}, found(func(f *rootkeep.Alert) { f.Kind = "session" }), false},
		{"a finding by its rule and its account", alert.Scope{Rule: "guardduty/Recon", Account: "111122223333"}, found(byGuardDuty), true},
		{"a finding by its account alone", alert.Scope{Account: "111122223333"}, found(byGuardDuty), false},
		{"a detection that is named as findings are, by its rule alone", alert.Scope{Rule: "team/deploys"}, found(named("team/deploys")), true},
		{"such a detection, by its account alone", alert.Scope{Account: "111122223333"}, found(named("team/deploys")), true},
		{"a rule that is named so and that nobody has, by its rule alone", alert.Scope{Rule: "team/gone"}, found(named("team/gone")), false},
		{"a finding of the same name as a detection, by its rule alone", alert.Scope{Rule: "team/deploys"}, found(byGuardDuty, named("team/deploys")), false},
		{"a finding of root", alert.Scope{Rule: "guardduty/Recon", Account: "111122223333"}, found(byGuardDuty, func(f *rootkeep.Alert) { f.Actor.Type = "Root" }), false},
		{"more rules than are kept", alert.Scope{Account: "111122223333"}, found(func(f *rootkeep.Alert) { f.Rules = make([]rootkeep.RuleHit, alert.MostRules) }), false},
		{"no rule", alert.Scope{Account: "111122223333"}, found(func(f *rootkeep.Alert) { f.Rules = nil }), false},
	} {
		s := &alert.Suppression{ID: "SU-1", Scope: test.scope}
		if got := alert.Suppressed(test.of, []*alert.Suppression{s}, alert.Rules{Guarded: func(r string) bool { return r == "guarded" }, Own: own}); (got != nil) != test.want {
			t.Errorf("%s: got hidden %v, want %v", test.name, got != nil, test.want)
		}
	}
}

// own says which rules are detections.
func own(rule string) bool { return rule == "team/deploys" }

func named(rule string) func(f *rootkeep.Alert) {
	return func(f *rootkeep.Alert) { f.Rules = []rootkeep.RuleHit{{Name: rule}} }
}

func byGuardDuty(f *rootkeep.Alert) {
	f.Kind, f.Rules, f.Events = alert.FindingKind, []rootkeep.RuleHit{{Name: "guardduty/Recon"}}, nil
}

func TestASuppressionOfAFindingSaysWhere(t *testing.T) {
	for name, test := range map[string]struct {
		scope alert.Scope
		want  error
	}{
		"a type everywhere":        {alert.Scope{Rule: "guardduty/Recon"}, alert.ErrInvalid},
		"a type from some network": {alert.Scope{Rule: "guardduty/Recon", Addresses: "192.0.2.0/24"}, alert.ErrInvalid},
		"a detection of that form": {alert.Scope{Rule: "team/deploys"}, nil},
		"in an account":            {alert.Scope{Rule: "guardduty/Recon", Account: "111122223333"}, nil},
		"of a resource":            {alert.Scope{Rule: "guardduty/Recon", Principal: "arn:aws:s3:::logs"}, nil},
		"a guarded one":            {alert.Scope{Rule: "guardduty/Stealth", Account: "111122223333"}, alert.ErrGuarded},
	} {
		s := alert.Suppression{Owner: "PE-1", Reason: "known", Expires: now.Add(time.Hour), Scope: test.scope}
		if err := s.Check(alert.Rules{Guarded: func(rule string) bool { return rule == "guardduty/Stealth" }, Own: own}, now); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
}

func TestWhatPeopleTypeIsBounded(t *testing.T) {
	for name, reason := range map[string]string{"nothing": "", "blank": " \n ", "a turn of writing": "x\u202ey", "without end": strings.Repeat("x", alert.LongestReason+1), "an escape": "\x1b[2J"} {
		a := alert.Open(seen(rootkeep.Low, 1, "open"), "AL-1", now)
		if err := a.Close(reason, "PE-1", now); !errors.Is(err, alert.ErrInvalid) || a.State != alert.New {
			t.Errorf("%s: got %v and %s, want it refused", name, err, a.State)
		}
	}
}

func TestAPolicyThatCannotBeMeant(t *testing.T) {
	for name, change := range map[string]func(*alert.Policy){
		"at once":         func(p *alert.Policy) { p.Escalate[rootkeep.High] = time.Second },
		"a storm of none": func(p *alert.Policy) { p.Storm.Most = 0 },
		"for ever":        func(p *alert.Policy) { p.Again = 101 },
		"no time":         func(p *alert.Policy) { p.Storm.Within = 0 },
	} {
		p := alert.Default()
		if change(&p); p.Check() == nil {
			t.Errorf("%s: got it taken, want it refused", name)
		}
	}
}

// However often an alert rose, or escalated by time, it escalates by time once it is more than
// somebody acknowledged, or once that is taken back.
func TestEscalationByTimeBeginsAnew(t *testing.T) {
	p := alert.Default()
	acknowledged := func(t *testing.T, a *alert.Alert) {
		t.Helper()
		if err := a.Acknowledge("", "PE-1", true, now); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		from rootkeep.Severity
		life func(*testing.T, *alert.Alert)
		due  bool
	}{
		{"it rose three times", rootkeep.Low, func(_ *testing.T, a *alert.Alert) {
			for _, level := range []rootkeep.Severity{rootkeep.Medium, rootkeep.High, rootkeep.Critical} {
				a.Grow(seen(level, 1, "open"), now)
			}
		}, true},
		{"nobody answered three times", rootkeep.High, func(_ *testing.T, a *alert.Alert) {
			for range p.Again {
				a.Escalate("nobody has acknowledged it", now)
			}
		}, false},
		{"nobody did, and then it rose", rootkeep.High, func(t *testing.T, a *alert.Alert) {
			for range p.Again {
				a.Escalate("nobody has acknowledged it", now)
			}
			acknowledged(t, a)
			a.Grow(seen(rootkeep.Critical, 1, "open"), now)
		}, true},
		{"nobody did, and then an acknowledgement was taken back", rootkeep.High, func(t *testing.T, a *alert.Alert) {
			for range p.Again {
				a.Escalate("nobody has acknowledged it", now)
			}
			acknowledged(t, a)
			if err := a.Reopen("not me", "PE-1", now); err != nil {
				t.Fatal(err)
			}
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := alert.Open(seen(test.from, 1, "open"), "AL-1", now)
			test.life(t, a)
			if due := p.DueOf(a, 0, now); due.IsZero() == test.due {
				t.Errorf("got due %v, want that it is due: %v", due, test.due)
			}
		})
	}
}
