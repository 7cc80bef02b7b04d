package changes_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/changes"
)

func (w *world) replace(t *testing.T, c *changes.Change, by people.Actor, with ...func(*change.Plan)) (*changes.Change, error) {
	t.Helper()
	return w.change(t, func(ctx context.Context, tx *store.Tx) (*changes.Change, error) {
		return w.desk.Replace(ctx, tx, by, c.ID, c.Revision, w.plan(with...))
	})
}

func TestAChangeIsPlannedInThePlaceOfOneThatLapsed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		refused := w.ended(t, change.Drifted)
		next, err := w.replace(t, refused, w.Ann.Actor)
		if err != nil || next.State != changes.Planned || next.ID == refused.ID {
			t.Fatalf("got %+v, %v, want another change, planned", next, err)
		}
		if got := w.read(t, refused.ID); got.State != changes.Refused || got.Replaced != next.ID {
			t.Errorf("got %s replaced by %q, want it refused, and replaced by %s", got.State, got.Replaced, next.ID)
		}
		if got := w.Entries(t, refused.ID); got[len(got)-1] != "change.replaced" {
			t.Errorf("got entries %v", got)
		}
		hal := w.Person(t, "Hal", people.Requester, people.Everywhere)
		for _, tt := range []struct {
			name string
			do   func() error
			want error
		}{
			{"twice", func() error { _, err := w.replace(t, w.read(t, refused.ID), w.Ann.Actor); return err }, changes.ErrState},
			{"as it was read before", func() error { _, err := w.replace(t, refused, w.Ann.Actor); return err }, store.ErrConflict},
			{"one that was applied", func() error { _, err := w.replace(t, w.ended(t, change.Applied), w.Ann.Actor); return err }, changes.ErrState},
			{"one that waits for approvals", func() error { _, err := w.replace(t, w.request(t, w.planned(t, public)), w.Ann.Actor); return err }, changes.ErrState},
			{"by an approver", func() error { _, err := w.replace(t, w.ended(t, change.Drifted), w.Bob.Actor); return err }, approvals.ErrNotAllowed},
			{"by who reads elsewhere", func() error { _, err := w.replace(t, w.ended(t, change.Drifted), w.Fay.Actor); return err }, store.ErrNotFound},
			{"of another kind", func() error {
				_, err := w.replace(t, w.ended(t, change.Drifted), w.Ann.Actor, func(p *change.Plan) { p.Kind = "other" })
				return err
			}, approvals.ErrInvalid},
			{"by another requester", func() error { _, err := w.replace(t, w.ended(t, change.Drifted), hal.Actor); return err }, nil},
		} {
			if err := tt.do(); !errors.Is(err, tt.want) {
				t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
			}
		}
	})
}

// TestWhatExpiredIsWrittenDownAllTheSame plans again what ran out of time before anybody
// wrote that down.
func TestWhatExpiredIsWrittenDownAllTheSame(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		late := []*changes.Change{w.planned(t), w.request(t, w.planned(t)), w.approved(t)}
		w.At(w.Now().Add(8 * 24 * time.Hour))
		for _, c := range late {
			if _, err := w.replace(t, w.read(t, c.ID), w.Ann.Actor); err != nil {
				t.Fatal(err)
			}
		}
		err := w.Change(t, func(ctx context.Context, tx *store.Tx) error {
			if _, err := w.desk.Expire(ctx, tx); err != nil {
				return err
			}
			_, err := changes.Expire(ctx, tx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range late {
			if got := w.Entries(t, c.ID); !slices.Contains(got, "change.expired") || w.read(t, c.ID).Replaced == "" {
				t.Errorf("got entries %v, replaced by %q", got, w.read(t, c.ID).Replaced)
			}
		}
	})
}

// TestABatchGoesOnWithWhatWasPlannedAgain has the canary drift: the batch waits for the
// one in its place.
func TestABatchGoesOnWithWhatWasPlannedAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, list := w.batch(t, 2)
		canary, err := w.begin(t, list[0])
		if err != nil {
			t.Fatal(err)
		}
		if canary, err = w.finish(t, canary, change.Outcome{State: change.Drifted}); err != nil {
			t.Fatal(err)
		}
		next, err := w.replace(t, canary, w.Ann.Actor, func(p *change.Plan) { p.Resources = []string{"a"} })
		if err != nil || next.Batch != b.ID || next.Place != 1 || !next.Canary {
			t.Fatalf("got %+v, %v, want it in the canary's place", next, err)
		}
		if got := w.batches(t, w.Ann, changes.BatchFilter{})[0]; got.Halted != next.ID || len(got.Members) != 2 || got.Members[0].ID != next.ID {
			t.Errorf("got %+v, want it halted at the new one, and the old one gone", got)
		}
		if _, err := w.begin(t, list[1]); !errors.Is(err, changes.ErrHalted) {
			t.Errorf("the other one: got %v, want ErrHalted", err)
		}
		w.sign(t, w.request(t, next), w.Bob)
		if next, err = w.begin(t, w.read(t, next.ID)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.finish(t, next, change.Outcome{State: change.Applied}); err != nil {
			t.Fatal(err)
		}
		if c, err := w.next(t, b.ID); err != nil || c == nil || c.ID != list[1].ID {
			t.Errorf("got %+v, %v, want the second change", c, err)
		}
	})
}
