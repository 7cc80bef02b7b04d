package rootuse

import (
	"context"
	"fmt"

	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
)

// TimesKind is the kind of jobs that see to what time does to uses of root.
const TimesKind = "root-times"

// TimesSchedule is when they do.
var TimesSchedule = job.Schedule{ID: TimesKind, Kind: TimesKind, Cron: "* * * * *", Zone: "UTC", Payload: []byte("{}"), Enabled: true}

// Times sees to what time does to uses of root.
type Times struct {
	Store  *store.Store
	Desk   *access.Desk
	Outbox *outbox.Outbox
	Link   string // address of the console
}

// passed counts what time did.
type passed struct{ sessions, lapses, outcomes, reviews int }

// Run writes down which root sessions nobody closed in time, of which the outbox tells, which
// requests nobody opened, what became of those whose time is over, and which reviews are
// late. It says how many there were.
func (t *Times) Run(ctx context.Context, _ *job.Job, report func(string)) error {
	var all passed
	for {
		var p passed
		err := t.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			p, err = t.see(ctx, tx)
			return err
		})
		if err != nil {
			return err
		}
		if p == (passed{}) {
			report(fmt.Sprintf("%d sessions over time, %d requests lapsed, %d outcomes, %d reviews late", all.sessions, all.lapses, all.outcomes, all.reviews))
			return nil
		}
		all = passed{all.sessions + p.sessions, all.lapses + p.lapses, all.outcomes + p.outcomes, all.reviews + p.reviews}
		t.Outbox.Wake()
	}
}

func (t *Times) see(ctx context.Context, tx *store.Tx) (p passed, err error) {
	over, err := access.Overrun(ctx, tx)
	if err != nil {
		return p, err
	}
	if p.lapses, err = t.Desk.Lapse(ctx, tx); err != nil {
		return p, err
	}
	if p.outcomes, err = access.Settle(ctx, tx); err != nil {
		return p, err
	}
	late, err := access.LateReviews(ctx, tx)
	if err != nil {
		return p, err
	}
	for _, o := range late {
		notice, err := t.Outbox.ReviewLate(ctx, &tx.Reader, o, t.Link)
		if err != nil {
			return p, err
		}
		if err := t.Outbox.Put(ctx, tx, notice); err != nil {
			return p, err
		}
	}
	p.sessions, p.reviews = len(over), len(late)
	return p, nil
}
