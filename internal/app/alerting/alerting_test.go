package alerting_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/app/alerting"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPolicyFile(t *testing.T) {
	p, err := alerting.Policy(write(t, "escalate: {critical: 5m}\nstorm: {most: 7}\n"))
	if err != nil || p.Escalate[rootkeep.Critical] != 5*time.Minute || len(p.Escalate) != 1 || p.Storm.Most != 7 || p.Storm.Within != time.Hour || p.Again != 3 {
		t.Errorf("got %+v, %v, want what it says, and the rest by default", p, err)
	}
	p, err = alerting.Policy(write(t, "tags:\n  prod: {accounts: ['111122223333'], units: [ou-ab12-c3d4e5f6]}\n  all: {units: [r-ab12]}\n"))
	if err != nil || !p.ByUnit() {
		t.Fatalf("got %v", err)
	}
	for name, test := range map[string]struct {
		account rootkeep.AccountID
		path    []string
		want    string
	}{
		"an account that is named": {"111122223333", nil, "[prod]"},
		"one below a unit":         {"444455556666", []string{"r-ab12", "ou-ab12-c3d4e5f6", "ou-ab12-00000000"}, "[all prod]"},
		"one elsewhere":            {"444455556666", []string{"r-ab12"}, "[all]"},
		"one that nobody scanned":  {"444455556666", nil, "[]"},
		"no account":               {"", []string{"r-ab12"}, "[]"},
	} {
		if got := fmt.Sprint(p.TagsOf(test.account, test.path)); got != test.want {
			t.Errorf("%s: got tags %s, want %s", name, got, test.want)
		}
	}
	for name, test := range map[string]struct{ text, want string }{
		"a tag that is none":       {"tags: {Prod: {accounts: ['111122223333']}}\n", `"Prod"`},
		"a tag of nothing":         {"tags: {prod: {}}\n", "want accounts or units"},
		"an account that is none":  {"tags: {prod: {accounts: ['1']}}\n", "12 digits"},
		"a unit that is none":      {"tags: {prod: {units: [production]}}\n", "want an ID such as ou-"},
		"a key of a tag":           {"tags: {prod: {account: ['111122223333']}}\n", "file.yaml:1:"},
		"a key that nobody knows":  {"escalate: {critical: 5m}\nstorms: {}\n", "file.yaml:2:"},
		"a level that is none":     {"escalate: {worst: 5m}\n", `"worst"`},
		"a time that is none":      {"escalate: {high: soon}\n", "duration"},
		"at once":                  {"escalate: {high: 5s}\n", "a minute or more"},
		"no file at all":           {"", "want one YAML document"},
		"a storm of less than one": {"storm: {most: -1}\n", "want one alert or more"},
	} {
		if _, err := alerting.Policy(write(t, test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	if _, err := alerting.Policy("no-such-file.yaml"); err == nil {
		t.Error("a file that is not there: got it taken, want it refused")
	}
}

func TestTimePasses(t *testing.T) {
	clock := time.Now().UTC().Truncate(time.Second)
	o := storetest.Options(t)
	o.Now = func() time.Time { return clock }
	s := storetest.Open(t, storetest.SQLite(t), o)
	var told []string
	desk, err := alerting.Desk(alert.Default(), func(rule string) bool { return rule == "trail-stopped" }, func(_ context.Context, _ *store.Tx, c *alerts.Changes) error {
		for _, x := range c.Alerts {
			told = append(told, x.Found.Title+" "+string(x.Act))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	woken, seen := 0, false
	times := &alerting.Times{Store: s, Desk: desk, Wake: func() { woken++ }, Now: func() time.Time { return clock }, Sources: write(t, "sources: [{name: trail, folder: /srv/trail}]\n")}
	err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := rootlog.KeepHealth(ctx, tx, "a", []rootlog.Health{{Source: "trail", Heard: clock}}); err != nil {
			return err
		}
		return desk.Apply(ctx, tx, clock, []alert.Sighting{{Key: "a", Alert: rootkeep.Alert{ID: "AL-1", Level: rootkeep.Critical, Title: "A trail stopped", Kind: "group", State: "open", Count: 1, First: clock, Last: clock}}})
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		want  []string
	}{
		{time.Minute, nil},
		{15 * time.Minute, []string{"Nobody reads the live source trail opened", "A trail stopped escalated"}},
		{0, nil},
		{70 * time.Minute, []string{"A trail stopped escalated", "Nobody reads the live source trail escalated"}},
	} {
		clock, told = clock.Add(step.after), nil
		if err := times.Run(t.Context(), nil, func(string) {}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(step.want, told); diff != "" {
			t.Errorf("%v later (-want +got):\n%s", step.after, diff)
		}
	}
	times.Sources = write(t, "sources: [{name: trail, folders: /srv/trail}]\n")
	clock, told = clock.Add(70*time.Minute), nil
	if err := times.Run(t.Context(), nil, func(string) {}); err == nil || !strings.Contains(err.Error(), "file.yaml") {
		t.Errorf("a file of sources that cannot be read: got %v, want that it is told", err)
	}
	if !slices.Contains(told, "A trail stopped escalated") {
		t.Errorf("a file of sources that cannot be read: got %q told, want that alerts escalate", told)
	}
	times.Sources = "" // the settings have no source any more
	for _, alone := range []bool{false, true, true} {
		clock, told, times.Alone = clock.Add(time.Minute), nil, alone
		if err := times.Run(t.Context(), nil, func(string) {}); err != nil {
			t.Fatal(err)
		}
		if ended := slices.Contains(told, "Nobody reads the live source trail closed"); ended != (alone && !seen) {
			t.Errorf("alone %t: got %q told", alone, told)
		}
		seen = seen || alone
	}
	if woken == 0 {
		t.Error("nobody was woken to send")
	}
	if !desk.Keeper.Guarded("trail-stopped") || desk.Keeper.Guarded("secrets-read-in-bulk") {
		t.Error("want the rules guarded that the desk was told are")
	}
}

// A change has the time of the newest entry of the ledger, which a clock that was ahead for a
// moment left a day ahead; what alerts wait for comes by the clock.
func TestTimePassesAfterAClockThatWasAhead(t *testing.T) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		clock := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		o := storetest.Options(t)
		o.Now = func() time.Time { return clock }
		s := storetest.Open(t, address, o)
		var told []string
		policy := alert.Default()
		policy.Storm.Most = 2
		desk, err := alerting.Desk(policy, func(string) bool { return false }, func(_ context.Context, _ *store.Tx, c *alerts.Changes) error {
			for _, x := range c.Alerts {
				told = append(told, x.Found.Title+" "+string(x.Act))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		update := func(do func(context.Context, *store.Tx) error) {
			t.Helper()
			if err := s.Update(t.Context(), do); err != nil {
				t.Fatal(err)
			}
		}
		opens := func(title string) {
			t.Helper()
			update(func(ctx context.Context, tx *store.Tx) error {
				return desk.Apply(ctx, tx, tx.Clock(), []alert.Sighting{{Key: title, Alert: rootkeep.Alert{ID: "AL-" + title, Level: rootkeep.High, Title: title, Kind: "group", Count: 1, First: clock, Last: clock, Rules: []rootkeep.RuleHit{{Name: "spray"}}}}})
			})
		}
		times := &alerting.Times{Store: s, Desk: desk, Wake: func() {}, Now: func() time.Time { return clock }}
		expect := func(what string, want ...string) {
			t.Helper()
			if err := times.Run(t.Context(), nil, func(string) {}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
			told = nil
		}
		clock = clock.Add(24 * time.Hour)
		opens("A")
		opens("B")
		clock = clock.Add(-24 * time.Hour)
		opens("C")
		expect("what was told while the clock was ahead is no storm with it", "A opened", "B opened", "C opened")
		person := people.Actor{ID: "PE-1", Kind: people.Person, Grants: []people.Grant{{Role: people.Responder, Scope: people.Everywhere}}}
		update(func(ctx context.Context, tx *store.Tx) error {
			a, err := desk.Get(ctx, &tx.Reader, person, "AL-C")
			if err == nil {
				_, err = desk.Snooze(ctx, tx, person, a.ID, a.Revision, clock.Add(8*time.Hour), "tonight")
			}
			return err
		})
		clock, told = clock.Add(2*time.Hour), nil
		opens("D")
		expect("two hours later", "D opened")
		clock = clock.Add(time.Hour)
		expect("an hour after that", "D escalated")
		clock = clock.Add(5 * time.Hour)
		expect("in the evening", "C woken", "D escalated")
		err = s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			a, err := alerts.ByID(ctx, r, sight.All(), "AL-C")
			for i := range a.History[1:] {
				if a.History[i+1].At.Before(a.History[i].At) || a.History[i].At.Before(clock) {
					t.Errorf("got the history %v, want it in the time of the ledger", a.History)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// own says which rules are detections.
func own(rule string) bool {
	return slices.Contains([]string{"spray", "trail-stopped", "team/logs-gone"}, rule)
}

func TestFindingsHaveGuardedRulesOfTheirOwn(t *testing.T) {
	guards := alerting.Guards(own, func(rule string) bool { return rule != "spray" })
	for rule, want := range map[string]bool{
		"spray": false, "trail-stopped": true, "nobody-knows-it": true, "team/logs-gone": true,
		"guardduty/Recon:EC2/PortProbeUnprotectedPort": false, "guardduty/Policy:IAMUser/RootCredentialUsage": true, "securityhub/CloudTrail.4": true,
	} {
		if got := guards(rule); got != want {
			t.Errorf("%s: got guarded %v, want %v", rule, got, want)
		}
	}
}

func TestTagsOfRules(t *testing.T) {
	tags := alerting.Tags(own, func(rule string) []string { return []string{"attack.discovery", rule} })
	for rule, want := range map[string]string{"spray": "[attack.discovery spray]", "guardduty/Recon:EC2/Portscan": "[guardduty]", "securityhub/IAM.3": "[securityhub]", "team/logs-gone": "[attack.discovery team/logs-gone]"} {
		if got := fmt.Sprint(tags(rule)); got != want {
			t.Errorf("%s: got %s, want %s", rule, got, want)
		}
	}
}
