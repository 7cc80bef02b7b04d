package people_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

func TestALinkIsGoodOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		ada, _ := d.person("Ada", 0)
		link := func(life time.Duration) (out string) {
			d.do(func(ctx context.Context, tx *store.Tx) error {
				l, err := persons.NewLink(ctx, tx, "system", ada.ID, life)
				out = l.Reveal()
				return err
			})
			return out
		}
		use := func(text string) error {
			return s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { _, err := persons.UseLink(ctx, tx, text); return err })
		}
		good := link(time.Hour)
		var wins atomic.Int32
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if use(good) == nil {
					wins.Add(1)
				}
			})
		}
		all.Wait()
		if wins.Load() != 1 {
			t.Errorf("got %d uses of one link, want one", wins.Load())
		}
		late, replaced := link(-time.Second), link(time.Hour)
		newest := link(time.Hour)
		for name, text := range map[string]string{"used": good, "expired": late, "replaced": replaced, "empty": "", "a token's prefix": "rk_" + newest[5:], "another's": newest[:20] + "aaaa" + newest[24:]} {
			if err := use(text); !errors.Is(err, persons.ErrSpent) {
				t.Errorf("%s: got %v, want ErrSpent", name, err)
			}
		}
		d.do(func(ctx context.Context, tx *store.Tx) error { return persons.Suspend(ctx, tx, "system", ada.ID) })
		if err := use(newest); !errors.Is(err, persons.ErrSpent) {
			t.Errorf("of a suspended person: got %v, want ErrSpent", err)
		}
	})
}

func TestRecoveryIsSeenBySomebodyElse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		var p persons.Person
		d.do(func(ctx context.Context, tx *store.Tx) (err error) {
			p, _, err = persons.Recover(ctx, tx, "Recovered administrator")
			return err
		})
		open := func() (n int) {
			d.see(func(ctx context.Context, r *store.Reader) error {
				list, err := persons.Recoveries(ctx, r)
				n = len(list)
				return err
			})
			return n
		}
		if err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error { return persons.Acknowledge(ctx, tx, p.ID, p.ID) }); err == nil || open() != 1 {
			t.Errorf("acknowledged by the one recovered: %v, %d open", err, open())
		}
		d.do(func(ctx context.Context, tx *store.Tx) error { return persons.Acknowledge(ctx, tx, "PE-other", p.ID) })
		if open() != 0 {
			t.Errorf("got %d open, want none", open())
		}
		if !slices.Contains(d.entries(), "administrator.recovered PE") {
			t.Errorf("entries %v, want administrator.recovered among them", d.entries())
		}
	})
}

func TestTheFirstLinkIsMadeUntilAKeyIsThere(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		d := db{t, s}
		first := func() (link persons.Secret, ok bool) {
			d.do(func(ctx context.Context, tx *store.Tx) (err error) {
				link, ok, err = persons.FirstLink(ctx, tx)
				return err
			})
			return link, ok
		}
		one, _ := first()
		two, ok := first()
		if !ok || one.Reveal() == two.Reveal() {
			t.Fatalf("got %v and the same link %v, want a new link at each start", ok, one.Reveal() == two.Reveal())
		}
		d.refused(persons.ErrSpent, func(ctx context.Context, tx *store.Tx) error {
			_, err := persons.UseLink(ctx, tx, one.Reveal())
			return err
		})
		d.do(func(ctx context.Context, tx *store.Tx) error {
			p, err := persons.UseLink(ctx, tx, two.Reveal())
			if err != nil {
				return err
			}
			_, err = persons.AddKey(ctx, tx, p.ID, key(p.ID, "first"))
			return err
		})
		if _, ok := first(); ok {
			t.Error("got a link though a key was enrolled, want none")
		}
		d.see(func(ctx context.Context, r *store.Reader) error {
			list, err := persons.List(ctx, r, persons.Filter{}, "", 10)
			if len(list) != 1 {
				t.Errorf("got %d persons, want one", len(list))
			}
			return err
		})
	})
}
