package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
)

// noticesOf are those that were put, in their order.
func noticesOf(t *testing.T, s *store.Store) (out []notify.Notice) {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		list, err := jobs.List(ctx, r, jobs.Filter{Kind: Kind, Limit: 10_000})
		for i := len(list) - 1; i >= 0; i-- {
			var l letter
			if err := json.Unmarshal(list[i].Payload, &l); err != nil {
				return err
			}
			out = append(out, l.Notice)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// seen is an alert of a rule.
func seen(key, rule string, level rootkeep.Severity, count int) alert.Sighting {
	now := time.Now().UTC()
	return alert.Sighting{Key: key, Alert: rootkeep.Alert{
		ID: "AL-" + key, Level: level, Title: "Alert of " + rule, Kind: "group", State: "open", Account: "111122223333", Actor: rootkeep.Actor{Principal: "user/ann\x1b[2J"},
		Rules: []rootkeep.RuleHit{{Name: rule, Level: level, Guidance: "Call the owner."}}, First: now, Last: now, Count: count,
		Events: []rootkeep.Event{{Time: now, Name: "StopLogging\n", Source: "cloudtrail.amazonaws.com", Address: "192.0.2.7\u202e", Region: "us-east-1"}},
	}}
}

func TestEachAlertIsOneMessageThatIsKeptUpToDate(t *testing.T) {
	o, s := telling(t)
	policy := alert.Default()
	policy.Storm.Most = 3
	k, err := alerts.New(policy, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	d := &alerts.Desk{Keeper: k, Tell: o.Alerts("https://rootkeep.example.com/")}
	var ann people.Actor
	step := func(do func(context.Context, *store.Tx) error) {
		t.Helper()
		if err := s.Update(t.Context(), do); err != nil {
			t.Fatal(err)
		}
	}
	take := func(list ...alert.Sighting) {
		t.Helper()
		step(func(ctx context.Context, tx *store.Tx) error { return d.Apply(ctx, tx, tx.Now(), list) })
	}
	act := func(do func(context.Context, *store.Tx, *alerts.Alert) error) {
		t.Helper()
		step(func(ctx context.Context, tx *store.Tx) error {
			a, err := d.Get(ctx, &tx.Reader, ann, "AL-A")
			if err == nil {
				err = do(ctx, tx, a)
			}
			return err
		})
	}
	step(func(ctx context.Context, tx *store.Tx) error {
		p, err := stored.Add(ctx, tx, "system", "Ann", "ann@example.com")
		if err == nil {
			err = stored.Grant(ctx, tx, "system", p.ID, people.Grant{Role: people.Responder, Scope: people.Everywhere})
		}
		if err == nil {
			ann, err = stored.ActorOf(ctx, &tx.Reader, p.ID)
		}
		return err
	})
	take(seen("A", "failed-sign-ins", rootkeep.Medium, 5))
	take(seen("A", "failed-sign-ins", rootkeep.Medium, 7)) // it grows: nobody is told
	take(seen("A", "failed-sign-ins", rootkeep.High, 10))
	act(func(ctx context.Context, tx *store.Tx, a *alerts.Alert) error {
		_, err := d.Acknowledge(ctx, tx, ann, a.ID, a.Revision, "I look")
		return err
	})
	act(func(ctx context.Context, tx *store.Tx, a *alerts.Alert) error {
		_, err := d.Close(ctx, tx, ann, a.ID, a.Revision, "a test of the web team")
		return err
	})
	take(seen("A", "failed-sign-ins", rootkeep.High, 11))
	var many []alert.Sighting
	for i := range 6 {
		many = append(many, seen(fmt.Sprintf("M%d", i), "spray", rootkeep.Low, 1))
	}
	take(many...)
	step(func(ctx context.Context, tx *store.Tx) error {
		return d.Sources(ctx, tx, tx.Now(), []string{"trail"}, []alerts.Worry{{Rule: "source-silent", Source: "trail", Level: rootkeep.High, Since: tx.Now(), Title: "The trail is silent"}})
	})
	step(func(ctx context.Context, tx *store.Tx) error {
		return d.Sources(ctx, tx, tx.Now(), []string{"trail"}, nil)
	})
	step(func(ctx context.Context, tx *store.Tx) error {
		_, err := d.Suppress(ctx, tx, ann, alert.Suppression{Reason: "known", Expires: tx.Now().Add(48 * time.Hour), Scope: alert.Scope{Rule: "spray"}})
		return err
	})
	step(func(ctx context.Context, tx *store.Tx) error {
		_, err := d.Tend(ctx, tx, tx.Now(), tx.Now())
		return err
	})
	var got []string
	threads, known := map[string]string{}, map[string]bool{}
	for _, n := range noticesOf(t, s) {
		got = append(got, fmt.Sprintf("%s %s %s %d %v", n.Topic, n.Action, n.Severity, n.Count, n.To))
		if known[n.ID] {
			t.Errorf("two notices have the ID %s", n.ID)
		}
		known[n.ID] = true
		if n.Thread != "" && (n.Thread != n.Subject || !strings.HasSuffix(n.Link, "/alerts/"+n.Thread)) {
			t.Errorf("got thread %s, subject %s, link %s, want those of one alert", n.Thread, n.Subject, n.Link)
		}
		threads[n.Thread] += n.Text
		if strings.ContainsAny(n.Text+n.Principal, "\x1b\u202e") {
			t.Errorf("got hostile text as it came: %q", n.Text)
		}
	}
	want := []string{
		"alert open medium 5 []", "alert-escalated update high 10 []", "alert-handled update high 10 [ann@example.com]", "alert-handled close high 10 [ann@example.com]",
		"alert open high 11 [ann@example.com]", "alert open low 1 []", "alert open low 1 []", "alert open low 1 []", "alert-storm open low 3 []",
		"source-silent open high 1 []", "source-silent close high 1 []", "suppression-ending  low 0 [ann@example.com]",
	}
	slices.Sort(want) // those of one change are in no order
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	for _, words := range []string{"Ann (" + ann.ID + ")", "I look", "a test of the web team", "medium (7 events) became high (10 events)", "Call the owner."} {
		if !strings.Contains(threads["AL-A"], words) {
			t.Errorf("got no %q in\n%s", words, threads["AL-A"])
		}
	}
}

// Log files come minutes apart: ten failures often come as one alert that passed both
// thresholds at once.
func TestTheSecondThresholdAtOncePagesAsLaterWould(t *testing.T) {
	o, s := tellingBy(t, "routes: [{topics: [alert], ways: [desk]}, {topics: [alert-escalated], ways: [page]}]\n", "desk", "page")
	k, err := alerts.New(alert.Default(), func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	d := &alerts.Desk{Keeper: k, Tell: o.Alerts("https://rootkeep.example.com/")}
	for _, list := range [][]alert.Sighting{
		{seen("AT-ONCE", "failures", rootkeep.High, 12), seen("FIVE", "failures", rootkeep.Medium, 5)},
		{seen("FIVE", "failures", rootkeep.High, 10)},
	} {
		for i := range list {
			if list[i].Count >= 10 {
				list[i].State = "escalated"
			}
		}
		if err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return d.Apply(ctx, tx, tx.Now(), list) }); err != nil {
			t.Fatal(err)
		}
	}
	got := letters(t, s, func(l *letter) string {
		return fmt.Sprintf("%s by %s: %s %s", l.Notice.Subject, l.Way, l.Notice.Topic, l.Notice.Action)
	})
	slices.Sort(got)
	want := []string{
		"AL-AT-ONCE by desk: alert-escalated open", "AL-AT-ONCE by page: alert-escalated open",
		"AL-FIVE by desk: alert open", "AL-FIVE by desk: alert-escalated update", "AL-FIVE by page: alert-escalated update",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

// What may not be suppressed may not wait for the morning either.
func TestWhatQuietHoursNeverHold(t *testing.T) {
	o := &Outbox{Guarded: func(rule string) bool { return rule == "trail-stopped" || rule == "root-activity" }}
	for name, test := range map[string]struct {
		change func(*alerts.Alert)
		want   bool
	}{
		"an alert":                     {func(*alerts.Alert) {}, false},
		"a root user's":                {func(f *alerts.Alert) { f.Found.Actor.Type = "Root" }, true},
		"of a rule about what watches": {func(f *alerts.Alert) { f.Found.Rules = append(f.Found.Rules, rootkeep.RuleHit{Name: "trail-stopped"}) }, true},
		"a storm of such a rule": {func(f *alerts.Alert) {
			f.Found.Kind, f.Found.Rules = alerts.StormKind, []rootkeep.RuleHit{{Name: "root-activity"}}
		}, true},
		"a storm of another one":        {func(f *alerts.Alert) { f.Found.Kind = alerts.StormKind }, false},
		"a storm with a root user's":    {func(f *alerts.Alert) { f.Found.Kind, f.Urgent = alerts.StormKind, true }, true},
		"of a source that is silent":    {func(f *alerts.Alert) { f.Found.Kind = alerts.SourceKind }, true},
		"of something that is not read": {func(f *alerts.Alert) { f.Found.Kind = alerts.LossKind }, true},
		"of no rule":                    {func(f *alerts.Alert) { f.Found.Rules = nil }, true},
	} {
		f := alerts.Alert{Alert: alert.Alert{Found: seen("A", "failed-sign-ins", rootkeep.Medium, 5).Alert}}
		if test.change(&f); o.urgent(&f) != test.want {
			t.Errorf("%s: got urgent %v, want %v", name, !test.want, test.want)
		}
	}
	f := alerts.Alert{Alert: alert.Alert{Found: seen("A", "failed-sign-ins", rootkeep.Medium, 5).Alert}}
	if o.Guarded = nil; !o.urgent(&f) {
		t.Error("nobody knows what is guarded: got an alert that waits, want none")
	}
}

// An alert that has more tags than are kept goes by routes of any tag.
func TestAnAlertOfManyTagsGoesByRoutesOfTags(t *testing.T) {
	o, s := tellingBy(t, "routes: [{tags: [team-39], ways: [b]}, {tags: [web], ways: [c]}]\n", "b", "c")
	p := alert.Default()
	p.Tags = map[string]alert.Tagging{}
	for i := range 40 {
		p.Tags[fmt.Sprintf("team-%02d", i)] = alert.Tagging{Accounts: []rootkeep.AccountID{"222233334444"}}
	}
	k, err := alerts.New(p, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	d := &alerts.Desk{Keeper: k, Tell: o.Alerts("")}
	few, many := seen("FEW", "spray", rootkeep.High, 2), seen("MANY", "spray", rootkeep.High, 90)
	many.Account = "222233334444"
	err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return d.Apply(ctx, tx, tx.Now(), []alert.Sighting{few, many})
	})
	if err != nil {
		t.Fatal(err)
	}
	got := letters(t, s, func(l *letter) string { return l.Way + " " + l.Notice.Subject })
	slices.Sort(got)
	if diff := cmp.Diff([]string{"b AL-MANY", "c AL-MANY"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An alert about many accounts names them where it says what happened, and goes where any of
// them does.
func TestAnAlertAboutManyAccountsNamesThem(t *testing.T) {
	o, s := tellingBy(t, "routes: [{accounts: ['444455556666'], ways: [b]}, {accounts: ['999999999999'], ways: [c]}]\n", "b", "c")
	k, err := alerts.New(alert.Default(), func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	d := &alerts.Desk{Keeper: k, Tell: o.Alerts("")}
	two, many := seen("TWO", "spray", rootkeep.High, 2), seen("MANY", "spray", rootkeep.Low, 90)
	for _, a := range []*alert.Sighting{&two, &many} {
		a.Account, a.Several, a.Accounts = "", true, []rootkeep.AccountID{"222233334444", "444455556666"}
		second := a.Events[0]
		a.Events = append(a.Events, second)
		for i := range a.Events {
			a.Events[i].Account, a.Events[i].Actor.Principal = a.Accounts[i], "user/"+string(a.Accounts[i])
		}
	}
	many.AccountsOmitted = 3
	err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return d.Apply(ctx, tx, tx.Now(), []alert.Sighting{two, many})
	})
	if err != nil {
		t.Fatal(err)
	}
	got := letters(t, s, func(l *letter) string { return l.Way + " " + l.Notice.Subject })
	slices.Sort(got)
	if diff := cmp.Diff([]string{"b AL-MANY", "b AL-TWO", "c AL-MANY"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	texts := letters(t, s, func(l *letter) string { return l.Notice.Subject + ": " + l.Notice.Text })
	slices.Sort(texts)
	for _, want := range []string{"2 events, several principals in 2 accounts", "by user/222233334444 in account 222233334444", "by user/444455556666 in account 444455556666"} {
		if last := texts[len(texts)-1]; !strings.Contains(last, want) {
			t.Errorf("got %q, want it to have %q", last, want)
		}
	}
	if !strings.Contains(texts[0], "in more than 2 accounts") {
		t.Errorf("got %q, want that there are more", texts[0])
	}
}

// Roles are taken away, and an alert comes to be about accounts of others.
func TestWhoHasAnAlertIsToldOfItAsLongAsTheyWorkThere(t *testing.T) {
	here, elsewhere := people.Grant{Role: people.Responder, Scope: "account:111122223333"}, people.Grant{Role: people.Responder, Scope: "account:444455556666"}
	for _, test := range []struct {
		name    string
		grants  []people.Grant // for good
		session []people.Grant // of a session
		ends    time.Duration  // when that is over
		several bool           // the alert is about several accounts
		want    bool
	}{
		{"who works there", []people.Grant{here}, nil, 0, false, true},
		{"who works at another account", []people.Grant{elsewhere}, nil, 0, false, false},
		{"who only reads there", []people.Grant{{Role: people.Viewer, Scope: here.Scope}}, nil, 0, false, false},
		{"who has no role", nil, nil, 0, false, false},
		{"who works at one of its accounts", []people.Grant{here}, nil, 0, true, false},
		{"who works everywhere", []people.Grant{{Role: people.Responder, Scope: people.Everywhere}}, nil, 0, true, true},
		{"who has the role in a session", nil, []people.Grant{here}, time.Hour, false, true},
		{"who had it in one that is over", nil, []people.Grant{here}, -time.Hour, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, s := telling(t)
			err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				p, err := stored.Add(ctx, tx, "system", "Ann", "ann@example.com")
				if err != nil {
					return err
				}
				for _, g := range test.grants {
					if err := stored.Grant(ctx, tx, "system", p.ID, g); err != nil {
						return err
					}
				}
				if test.session != nil {
					begun := tx.Now().Add(-2 * time.Hour)
					err = stored.BeginSession(ctx, tx, "cookie", stored.Session{ID: stored.NewSessionID(begun), Person: p.ID, Issuer: "https://id.example.com", Grants: test.session, Begun: begun, Seen: begun, Deadline: tx.Now().Add(test.ends)})
					if err != nil {
						return err
					}
				}
				found := seen("A", "spray", rootkeep.High, 1)
				if test.several {
					found.Account, found.Accounts = "", []rootkeep.AccountID{"111122223333", "444455556666"}
				}
				a := &alerts.Alert{Alert: *alert.Open(&found, "AL-A", tx.Now())}
				a.Owner = p.ID
				return o.Alerts("")(ctx, tx, &alerts.Changes{Alerts: []alerts.Change{{Alert: a, Act: alert.Escalated, By: alert.System}}})
			})
			if err != nil {
				t.Fatal(err)
			}
			if list := noticesOf(t, s); len(list) != 1 || slices.Equal(list[0].To, []string{"ann@example.com"}) != test.want || len(list[0].To) > 1 {
				t.Errorf("got %+v, want it for who has the alert: %v", list, test.want)
			}
		})
	}
}

// Routes of alerts take the storm that stands for further ones; nobody is told of it twice.
func TestAStormGoesWhereItsMembersWould(t *testing.T) {
	o, s := tellingBy(t, "routes: [{topics: [alert], ways: [a]}, {topics: [alert-storm, alert], ways: [b]}, {topics: [alert-storm], ways: [c]}, {topics: [alert-escalated], ways: [d]}]\n", "a", "b", "c", "d")
	o.Guarded = func(string) bool { return false }
	p := alert.Default()
	p.Storm.Most = 1
	k, err := alerts.New(p, o.Guarded)
	if err != nil {
		t.Fatal(err)
	}
	d := &alerts.Desk{Keeper: k, Tell: o.Alerts("")}
	root := seen("ROOT", "spray", rootkeep.Low, 1)
	root.Actor = rootkeep.Actor{Type: "Root", Principal: rootkeep.RootPrincipal("111122223333")}
	for _, list := range [][]alert.Sighting{{seen("ONE", "spray", rootkeep.Low, 1)}, {seen("TWO", "spray", rootkeep.Low, 1)}, {root}} {
		if err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return d.Apply(ctx, tx, tx.Now(), list) }); err != nil {
			t.Fatal(err)
		}
	}
	got := letters(t, s, func(l *letter) string {
		return fmt.Sprint(l.Way, " ", l.Notice.Topic, " ", l.Notice.Acts())
	})
	slices.Sort(got)
	want := []string{
		"a alert open", "a alert-storm open", "a alert-storm update", "b alert open", "b alert-storm open", "b alert-storm update",
		"c alert-storm open", "c alert-storm update",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whose the account is that an alert spreads to hears of it by routes for alerts, also where it
// becomes more severe by that.
func TestAnAlertThatSpreadsAndEscalatesIsToldToWhomItIsNew(t *testing.T) {
	o, s := tellingBy(t, "routes: [{topics: [alert], accounts: ['444455556666'], ways: [b]}, {topics: [alert], accounts: ['999999999999'], ways: [c]}, {topics: [alert-escalated], ways: [page]}]\n", "b", "c", "page")
	k, err := alerts.New(alert.Default(), func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	d := &alerts.Desk{Keeper: k, Tell: o.Alerts("")}
	few, many := seen("A", "spray", rootkeep.Medium, 5), seen("A", "spray", rootkeep.High, 10)
	many.Accounts = []rootkeep.AccountID{many.Account, "444455556666"}
	many.Account, many.Several = "", true
	more := many
	more.Level, more.Count = rootkeep.Critical, 20
	for _, step := range []struct {
		name string
		seen alert.Sighting
		want []string
	}{
		{"of another account", few, nil},
		{"of this one too, and more severe", many, []string{"b alert-escalated", "page alert-escalated"}},
		{"more severe alone, of which b has a message", more, []string{"b alert-escalated", "b alert-escalated", "page alert-escalated", "page alert-escalated"}},
	} {
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return d.Apply(ctx, tx, tx.Now(), []alert.Sighting{step.seen})
		})
		if err != nil {
			t.Fatal(err)
		}
		got := letters(t, s, func(l *letter) string { return l.Way + " " + l.Notice.Topic })
		slices.Sort(got)
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}
