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
