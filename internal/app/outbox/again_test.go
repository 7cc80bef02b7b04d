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
	cases "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	kept "github.com/rootkeep/rootkeep/internal/store/letters"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
)

// letters are those that wait, in their order, as a text each.
func letters(t *testing.T, s *store.Store, text func(*letter) string) (out []string) {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		list, err := jobs.List(ctx, r, jobs.Filter{Kind: Kind, Limit: 10_000})
		for _, j := range slices.Backward(list) {
			var l letter
			if err := json.Unmarshal(j.Payload, &l); err != nil {
				return err
			}
			out = append(out, text(&l))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What root does in a case that was closed is told as if the case were new, to who had it as
// well, if they still work there; from then on its message is changed.
func TestACaseThatIsOpenedAgainIsToldAnew(t *testing.T) {
	for had, works := range map[string]bool{" ann@example.com": true, "": false} {
		if diff := cmp.Diff([]string{"open high", "update critical", "close critical", "open critical" + had}, openedAgain(t, works)); diff != "" {
			t.Errorf("who had it works there, %v (-want +got):\n%s", works, diff)
		}
	}
}

func openedAgain(t *testing.T, works bool) []string {
	t.Helper()
	o, s := telling(t)
	seen := int64(0)
	look := func() {
		t.Helper()
		var err error
		if seen, err = o.look(t.Context(), seen, ""); err != nil {
			t.Fatal(err)
		}
	}
	ids := opened(t, s, rootkeep.High, 1)
	look()
	more := func(severity rootkeep.Severity, event string) {
		t.Helper()
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			f := cases.Finding{Cause: fmt.Sprintf("root %v %d", rootkeep.High, 0), Account: "111122223333", Severity: severity, About: "an event"}
			_, _, err := incident.Take(ctx, tx, f, []string{event})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		look()
	}
	more(rootkeep.Critical, "RU-worse")
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		p, err := stored.Add(ctx, tx, "system", "Ann", "ann@example.com")
		if err == nil {
			err = stored.Grant(ctx, tx, "system", p.ID, people.Grant{Role: people.Responder, Scope: people.Everywhere})
		}
		if err != nil {
			return err
		}
		ann, err := stored.ActorOf(ctx, &tx.Reader, p.ID)
		if err != nil {
			return err
		}
		d, err := incident.New(incident.Desk{Place: func(context.Context, *store.Reader, rootkeep.AccountID) (people.Place, error) {
			return people.Place{}, nil
		}})
		if err != nil {
			return err
		}
		c, err := d.Assign(ctx, tx, ann, ids[0], 2, p.ID)
		if err == nil {
			_, err = d.Close(ctx, tx, ann, ids[0], c.Revision, "a drill")
		}
		if err == nil && !works {
			err = stored.Revoke(ctx, tx, "system", p.ID, people.Grant{Role: people.Responder, Scope: people.Everywhere})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	look()
	more(rootkeep.Critical, "RU-again")
	more(rootkeep.Critical, "RU-further")
	return letters(t, s, func(l *letter) string {
		return strings.TrimSpace(fmt.Sprint(l.Notice.Acts(), " ", l.Notice.Severity, " ", strings.Join(l.Notice.To, ",")))
	})
}

// A case has the tags of its account, and so has the notice that it is over.
func TestRoutesByTagTakeCases(t *testing.T) {
	o, s := tellingBy(t, "routes: [{tags: [prod], ways: [prod]}]\n", "prod", "desk")
	o.Tags = func(_ context.Context, _ *store.Reader, account rootkeep.AccountID) ([]string, error) {
		return []string{"prod", "of." + string(account)}, nil
	}
	ids := opened(t, s, rootkeep.High, 1)
	seen, err := o.look(t.Context(), 0, "")
	if err == nil {
		err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := incident.Explain(ctx, tx, ids[0], "RR-1 covers it")
			return err
		})
	}
	if err == nil {
		_, err = o.look(t.Context(), seen, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	got := letters(t, s, func(l *letter) string {
		return fmt.Sprint(l.Way, " ", l.Notice.Acts(), " ", strings.Join(l.Notice.Tags, ","))
	})
	if diff := cmp.Diff([]string{"prod open prod,of.111122223333", "prod close prod,of.111122223333"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whoever is told of some accounts hears of theirs, however many cases there are of others; and
// however many accounts there are, nobody gets a message for each.
func TestManyCasesHideNoAccount(t *testing.T) {
	o, s := tellingBy(t, "routes: [{ways: [all]}, {accounts: ['444455556666'], ways: [b]}]\n", "all", "b")
	in := func(account string) {
		t.Helper()
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, _, err := incident.Take(ctx, tx, cases.Finding{Cause: account, Account: rootkeep.AccountID(account), Severity: rootkeep.Medium, Title: "Root", About: "an event"}, []string{"RU-" + account})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range mostCases + 200 {
		in(fmt.Sprintf("1%011d", i))
	}
	in("444455556666")
	if left := time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)); left < 15*time.Second {
		time.Sleep(left) // a notice of many cases is of one hour of the clock
	}
	for range 2 { // told again, it is the same
		if _, err := o.look(t.Context(), 0, ""); err != nil {
			t.Fatal(err)
		}
	}
	count := map[string]int{}
	named := map[string][]string{}
	letters(t, s, func(l *letter) string {
		if strings.HasPrefix(l.Notice.Title, "More than") {
			count[l.Way]++
			named[l.Way] = l.Notice.Accounts
		}
		return ""
	})
	if want := map[string]int{"all": mostNamedAlone + 4, "b": 1}; !cmp.Equal(count, want) || !cmp.Equal(named["b"], []string{"444455556666"}) {
		t.Errorf("got notices of many %v, of %v by the way b, want %v, and its account", count, named["b"], want)
	}
}

// restarted is the outbox of another process over the same store.
func restarted(o *Outbox) *Outbox {
	again := *o
	again.recent, again.many, again.left = map[rootkeep.Severity][]time.Time{}, map[manyKey]*many{}, nil
	return &again
}

// A case is open for longer than the jobs are kept that told of it.
func TestAnOpenCaseIsNotToldAgainOnceItsJobIsForgotten(t *testing.T) {
	o, s := telling(t)
	opened(t, s, rootkeep.Medium, mostCases+30)
	opened(t, s, rootkeep.High, 1)
	if _, err := o.look(t.Context(), 0, ""); err != nil {
		t.Fatal(err)
	}
	before := waiting(t, s)
	if _, err := restarted(o).look(t.Context(), 0, ""); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, waiting(t, s)); diff != "" || len(before) != mostCases+2 {
		t.Errorf("got %d notices, and after a restart (-before +after):\n%s", len(before), diff)
	}
	err := s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM job`)
		if err == nil {
			_, err = kept.Forget(ctx, tx, tx.Now().Add(time.Hour))
		}
		return err
	})
	if err == nil {
		_, err = restarted(o).look(t.Context(), 0, "")
	}
	if err != nil || len(waiting(t, s)) != 0 {
		t.Errorf("got %v and %v told again once the jobs are forgotten", err, waiting(t, s))
	}
	err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		f := cases.Finding{Cause: "root high 0", Account: "111122223333", Severity: rootkeep.Critical, About: "an event"}
		if _, _, err := incident.Take(ctx, tx, f, []string{"RU-worse"}); err != nil {
			return err
		}
		f.Cause = fmt.Sprint("root medium ", mostCases+7) // one of those that were told as many
		_, _, err := incident.Take(ctx, tx, f, []string{"RU-worse-too"})
		return err
	})
	if err == nil {
		_, err = restarted(o).look(t.Context(), 0, "")
	}
	got := letters(t, s, func(l *letter) string { return fmt.Sprint(l.Notice.Severity, " ", l.Notice.Acts(), " ", l.Number) })
	slices.Sort(got)
	if diff := cmp.Diff([]string{"critical open 1", "critical update 2"}, got); err != nil || diff != "" {
		t.Errorf("of what became more severe: %v (-want +got):\n%s", err, diff)
	}
}
