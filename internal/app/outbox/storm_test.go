package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	cases "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/store/notices"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// telling is an outbox with one way, over a store of its own.
func telling(t *testing.T) (*Outbox, *store.Store) {
	t.Helper()
	return tellingBy(t, "", "desk")
}

// tellingBy is one with several ways, and routes.
func tellingBy(t *testing.T, routes string, names ...string) (*Outbox, *store.Store) {
	t.Helper()
	folder := t.TempDir()
	secret, file := filepath.Join(folder, "secret"), filepath.Join(folder, "ways.yaml")
	ways := "ways:\n"
	for _, name := range names {
		ways += "  - {name: " + name + ", notifier: webhook, settings: {url: 'http://localhost:1'}, secret_files: {secret: " + secret + "}}\n"
	}
	for path, text := range map[string]string{secret: strings.Repeat("s", 32), file: ways + routes} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	o, err := Open(Settings{Ways: file}, time.Now, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	return o, s
}

// opened opens cases of a severity and gives their IDs.
func opened(t *testing.T, s *store.Store, severity rootkeep.Severity, n int) []string {
	t.Helper()
	var ids []string
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for i := range n {
			f := cases.Finding{Cause: fmt.Sprintf("root %v %d", severity, i), Account: "111122223333", Severity: severity, Title: "Root", About: "an event"}
			c, _, err := incident.Take(ctx, tx, f, []string{fmt.Sprintf("RU-%v-%d", severity, i)})
			if err != nil {
				return err
			}
			ids = append(ids, c.ID)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// waiting are the notices that wait to be sent.
func waiting(t *testing.T, s *store.Store) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		list, err := jobs.List(ctx, r, jobs.Filter{Kind: Kind, Limit: 10_000})
		for _, j := range list {
			var l letter
			if err := json.Unmarshal(j.Payload, &l); err != nil {
				return err
			}
			out[l.Notice.ID] = l.Notice.Title
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestManyCasesAreToldAsOne(t *testing.T) {
	o, s := telling(t)
	opened(t, s, rootkeep.Medium, mostCases+30)
	opened(t, s, rootkeep.Critical, 1)
	seen := int64(0)
	for range 2 {
		var err error
		if seen, err = o.look(t.Context(), seen, ""); err != nil {
			t.Fatal(err)
		}
	}
	many := 0
	for _, title := range waiting(t, s) {
		if strings.Contains(title, "More than 50 cases of severity medium") {
			many++
		}
	}
	if got := len(waiting(t, s)); got != mostCases+2 || many != 1 {
		t.Errorf("got %d notices, %d of them of many cases, want %d, one, and the critical case told", got, many, mostCases+2)
	}
}

// A case that was told by itself and gets one more event is none of those beyond.
func TestWhatWasToldByItselfIsNotOneOfMany(t *testing.T) {
	o, s := telling(t)
	opened(t, s, rootkeep.Medium, mostCases)
	seen, err := o.look(t.Context(), 0, "")
	if err != nil {
		t.Fatal(err)
	}
	before := waiting(t, s)
	err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		f := cases.Finding{Cause: fmt.Sprintf("root %v 0", rootkeep.Medium), Account: "111122223333", Severity: rootkeep.Medium, Title: "Root", About: "another event", Events: 1}
		c, _, err := incident.Take(ctx, tx, f, []string{"RU-more"})
		if err == nil && len(c.History) != 2 {
			t.Errorf("got %+v, want the case that was there", c)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.look(t.Context(), seen, ""); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, waiting(t, s)); diff != "" || len(before) != mostCases {
		t.Errorf("got %d notices before, and then (-before +after):\n%s", len(before), diff)
	}
}

func TestCasesAreToldThoughTheirChangesWereForgotten(t *testing.T) {
	o, s := telling(t)
	opened(t, s, rootkeep.High, 2)
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		tx.Announce("scan", "SC-1")
		return nil
	})
	if err == nil {
		err = s.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := notices.Forget(ctx, tx, tx.Now().Add(time.Hour)) // all but the newest
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.look(t.Context(), 0, ""); err != nil || len(waiting(t, s)) != 2 {
		t.Errorf("got %v and %d notices, want both cases told", err, len(waiting(t, s)))
	}
}

func TestACaseThatCannotBeToldOfHoldsUpNoOther(t *testing.T) {
	o, s := telling(t)
	ids := opened(t, s, rootkeep.High, 3)
	set := func(severity rootkeep.Severity) {
		t.Helper()
		err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return tx.ExecOne(ctx, `UPDATE incident SET severity = $1 WHERE id = $2`, int64(severity), ids[0])
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	set(99)
	seen, err := o.look(t.Context(), 0, "")
	if err == nil || !strings.Contains(err.Error(), ids[0]) || seen == 0 || len(waiting(t, s)) != 2 {
		t.Errorf("got %v and %d notices, want the case named and the two others told", err, len(waiting(t, s)))
	}
	set(rootkeep.High)
	if _, err := o.look(t.Context(), seen, ""); err != nil || len(waiting(t, s)) != 3 {
		t.Errorf("got %v and %d notices, want the third told by the next look", err, len(waiting(t, s)))
	}
}

func TestACaseThatIsClosedClosesItsMessage(t *testing.T) {
	o, s := telling(t)
	ids := opened(t, s, rootkeep.High, 1)
	seen, err := o.look(t.Context(), 0, "")
	if err != nil {
		t.Fatal(err)
	}
	untold := opened(t, s, rootkeep.Critical, 1) // and closed before anybody looks
	err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for _, id := range append(ids, untold...) {
			if _, err := incident.Explain(ctx, tx, id, "RR-1 covers it"); err != nil {
				return err
			}
		}
		return nil
	})
	for range 2 {
		if err == nil {
			seen, err = o.look(t.Context(), seen, "")
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		list, err := jobs.List(ctx, r, jobs.Filter{Kind: Kind, Limit: 100})
		for _, j := range list {
			var l letter
			if err := json.Unmarshal(j.Payload, &l); err != nil {
				return err
			}
			got = append(got, fmt.Sprintf("%s %s %d", l.Notice.Thread, l.Notice.Acts(), l.Number))
		}
		return err
	})
	if want := []string{ids[0] + " close 2", ids[0] + " open 1"}; err != nil || strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("got %v and %v, want %v", got, err, want)
	}
}
