package posture_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/rule"
)

var now = time.Date(2026, 11, 2, 10, 0, 0, 0, time.UTC)

// loaded are the shipped controls and what is wrong with them.
var loaded = sync.OnceValues(func() ([]*posture.Control, []error) {
	bases, err := rule.LoadBases(content.Files, "events")
	if err != nil {
		return nil, []error{err}
	}
	return posture.Load(bases, rule.Source{FS: content.Files, Dir: "controls"})
})

func shipped(tb testing.TB) []*posture.Control {
	tb.Helper()
	controls, problems := loaded()
	for _, p := range problems {
		tb.Error(p)
	}
	return slices.Clone(controls)
}

func TestShippedControls(t *testing.T) {
	controls := shipped(t)
	for _, r := range posture.RunCases(controls) {
		if !r.OK {
			t.Errorf("%s: %s: got %s, want %s %s", r.Control, r.Case, r.Got, r.Want, r.Err)
		}
	}
	for _, c := range controls {
		verdicts := map[string]bool{}
		for _, k := range c.Cases {
			verdicts[k.Want] = true
		}
		for _, want := range []string{"fail", "pass", "unknown"} {
			if !verdicts[want] {
				t.Errorf("%s: no case wants %s", c.ID, want)
			}
		}
	}
}

// account is one that was read completely.
func account() *facts.Snapshot {
	s := &facts.Snapshot{Format: facts.Format, Account: "111122223333"}
	s.Facts.Root = facts.Root{HasPassword: true, MFAEnabled: true}
	s.Facts.PasswordPolicy = facts.PasswordPolicy{Set: true, MinimumLength: 14, UsersMayChange: true}
	for i := range 3 {
		s.Facts.Users = append(s.Facts.Users, facts.User{
			ARN: fmt.Sprintf("arn:aws:iam::111122223333:user/u%d", i), HasPassword: i == 0, MFAEnabled: i == 0,
			PasswordLastUsed: now.AddDate(0, 0, -1), AccessKeys: []facts.AccessKey{{Active: true, Created: now.AddDate(0, 0, -i*100)}},
		})
	}
	s.Facts.Policies = []facts.Policy{{ARN: "arn:aws:iam::111122223333:policy/p", Attachments: 1, Document: documentOf("p", statementOf(`"s3:GetObject"`, "*"))}}
	for _, p := range facts.Paths() {
		s.Observe(p.Call, now, "", p.Name)
	}
	return s
}

type key struct{ control, resource string }

func statuses(s *facts.Snapshot, controls []*posture.Control) map[key]rootkeep.Finding {
	out := map[key]rootkeep.Finding{}
	for _, f := range posture.Evaluate(s, controls, posture.Setting{Now: now}) {
		out[key{f.Control, f.Resource}] = f
	}
	return out
}

// With each call denied in turn nothing may become pass, and what becomes unknown
// names the permission.
func TestADeniedCallNeverMakesAPass(t *testing.T) {
	controls := shipped(t)
	before := statuses(account(), controls)
	calls := map[string]bool{}
	for _, p := range facts.Paths() {
		calls[p.Call] = true
	}
	for call := range calls {
		s := account()
		for _, p := range facts.Paths() {
			if p.Call == call {
				s.Gaps = append(s.Gaps, facts.Gap{Path: p.Name, Permission: call, Reason: call + " denied"})
			}
		}
		for k, f := range statuses(s, controls) {
			if f.Status == rootkeep.Pass && before[k].Status != rootkeep.Pass {
				t.Errorf("%s denied: %s of %s became pass, was %s", call, k.control, k.resource, before[k].Status)
			}
			if f.Status == rootkeep.Unknown && !slices.Contains(f.Permissions, call) {
				t.Errorf("%s denied: %s is unknown and names %v", call, k.control, f.Permissions)
			}
		}
	}
}

func TestAGapOfOneResourceIsUnknownThereAlone(t *testing.T) {
	s := account()
	lost := s.Facts.Users[1].ARN
	s.Gaps = append(s.Gaps, facts.Gap{Path: "users.mfa_enabled", Resource: lost, Reason: "lost"})
	for k, f := range statuses(s, shipped(t)) {
		if k.control == "IU-02" && (f.Status == rootkeep.Unknown) != (k.resource == lost) {
			t.Errorf("%s: got %s", k.resource, f.Status)
		}
	}
}

const good = `id: mine
name: mine
kind: control
title: Mine
severity: low
why: Because.
%s
fix: {console: Do it.}
cases:
  - {name: a, facts: {root: {mfa_enabled: true}}, want: pass}
  - {name: b, facts: {root: {mfa_enabled: false}}, want: fail}
`

func load(name, text string) ([]*posture.Control, []error) {
	return posture.Load(nil, rule.Source{FS: fstest.MapFS{name: {Data: []byte(text)}}, Dir: ".", Name: "mine"})
}

func TestAnExpressionOverAListKnowsWhatItDoesNotKnow(t *testing.T) {
	controls, problems := load("mine.yaml", fmt.Sprintf(good, "pass: facts.users.all(u, u.mfa_enabled)"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s := account()
	for i := range s.Facts.Users {
		s.Facts.Users[i].MFAEnabled = true
	}
	for _, c := range []struct {
		name string
		gaps []facts.Gap
		want rootkeep.Status
	}{
		{"all known", nil, rootkeep.Pass},
		{"the fact is not known", []facts.Gap{{Path: "users.mfa_enabled", Reason: "lost"}}, rootkeep.Unknown},
		{"the fact of one user is not known", []facts.Gap{{Path: "users.mfa_enabled", Resource: s.Facts.Users[0].ARN, Reason: "lost"}}, rootkeep.Unknown},
		{"another fact is not known", []facts.Gap{{Path: "users.tags", Reason: "lost"}}, rootkeep.Pass},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Gaps = c.gaps
			if got := posture.Evaluate(s, controls, posture.Setting{Now: now})[0]; got.Status != c.want {
				t.Errorf("got %s %v, want %s", got.Status, got.Missing, c.want)
			}
		})
	}
}

func TestTheSizeOfAListThatWasNotReadIsUnknown(t *testing.T) {
	controls, problems := load("mine.yaml", fmt.Sprintf(good, "pass: facts.users.size() == 0"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s := account()
	s.Facts.Users = nil
	s.Gaps = []facts.Gap{{Path: "users.arn", Permission: "iam:GetAccountAuthorizationDetails", Reason: "denied"}}
	if got := posture.Evaluate(s, controls, posture.Setting{Now: now})[0]; got.Status != rootkeep.Unknown || len(got.Permissions) != 1 {
		t.Errorf("got %s %v, want unknown for want of a permission", got.Status, got.Missing)
	}
}

func TestAHistoryThatWasNotReadIsNotCalledLong(t *testing.T) {
	s := account()
	for _, path := range []string{"root.activity", "root.activity_since"} {
		s.Gaps = append(s.Gaps, facts.Gap{Path: path, Permission: "cloudtrail:LookupEvents", Reason: "denied"})
	}
	f := statuses(s, shipped(t))[key{"RT-10", "arn:aws:iam::111122223333:root"}]
	want := []string{"root.activity: denied", "root.activity_since: denied"}
	if f.Status != rootkeep.Unknown || !slices.Equal(f.Missing, want) {
		t.Errorf("got %s %q, want unknown and %q", f.Status, f.Missing, want)
	}
}

func TestABrokenControlIsNamedWithItsLine(t *testing.T) {
	for _, c := range []struct{ name, file, text, want string }{
		{"a misspelt fact", "mine.yaml", fmt.Sprintf(good, "pass: facts.root.mfa_enable"), "mine/mine.yaml:7:7: pass: undefined field 'mfa_enable'"},
		{"a misspelt parameter", "mine.yaml", fmt.Sprintf(good, "params: {days: 3}\npass: facts.users.size() > day"), "undeclared reference to 'day'"},
		{"a wrong type", "mine.yaml", fmt.Sprintf(good, "pass: facts.root.devices"), "want bool"},
		{"a syntax error", "mine.yaml", fmt.Sprintf(good, "pass: facts.root."), "pass: Syntax error"},
		{"has()", "mine.yaml", fmt.Sprintf(good, "pass: has(facts.root.mfa_enabled)"), "compare its value"},
		{"a misspelt key", "mine.yaml", fmt.Sprintf(good, "pas: true"), "mine/mine.yaml:7:1: unknown field \"pas\""},
		{"another name", "yours.yaml", fmt.Sprintf(good, "pass: facts.root.mfa_enabled"), "want the same"},
		{"an unknown list", "mine.yaml", fmt.Sprintf(good, "each: user\npass: 'true'"), "want nothing or one of alarms"},
		{"no YAML", "mine.yaml", "{", "mine/mine.yaml"},
		{"no document", "mine.yaml", "", "want one YAML document"},
	} {
		t.Run(c.name, func(t *testing.T) {
			controls, problems := load(c.file, c.text)
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want) || len(controls) != 0 {
				t.Errorf("got %d controls and %v, want an error with %q", len(controls), problems, c.want)
			}
		})
	}
}

func TestAWatchThatCannotBeIsRefused(t *testing.T) {
	bases, err := rule.LoadBases(content.Files, "events")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, watch, want string }{
		{"another route", "routes: [pigeon]", `route "pigeon"`},
		{"another link", "links: [arrives]", `link "arrives"`},
		{"links out of their order", "links: [fires, heard]", "link heard does not follow fires"},
		{"no near miss", "others: []", "want events and others"},
	} {
		t.Run(c.name, func(t *testing.T) {
			others := "others: [{base: list-users}], "
			if strings.HasPrefix(c.watch, "others") {
				others = ""
			}
			text := fmt.Sprintf(good, "watch: {events: [{base: root-signin}], "+others+c.watch+"}")
			controls, problems := posture.Load(bases, rule.Source{FS: fstest.MapFS{"mine.yaml": {Data: []byte(text)}}, Dir: ".", Name: "mine"})
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), c.want) || len(controls) != 0 {
				t.Errorf("got %d controls and %v, want an error with %q", len(controls), problems, c.want)
			}
		})
	}
}

func TestAnExpensiveExpressionIsUnknown(t *testing.T) {
	deep := "pass: facts.users.all(a, facts.users.all(b, facts.users.all(c, facts.users.all(d, a.arn + b.arn != c.arn + d.arn || true))))"
	controls, problems := load("mine.yaml", fmt.Sprintf(good, deep))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s := account()
	for range 200 {
		s.Facts.Users = append(s.Facts.Users, s.Facts.Users[0])
	}
	f := posture.Evaluate(s, controls, posture.Setting{Now: now})[0]
	if f.Status != rootkeep.Unknown || !strings.Contains(strings.Join(f.Missing, " "), "cost limit") {
		t.Errorf("got %s %v, want unknown for its cost", f.Status, f.Missing)
	}
}
