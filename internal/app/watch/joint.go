package watch

import (
	"cmp"
	"context"
	"sync"

	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/app/share"
	"github.com/rootkeep/rootkeep/internal/store"
)

// joint keeps what portions come to that nobody is told of, that of many in one change of the
// store beside the ledger: what comes while one is made is in the next.
type joint struct {
	*Watcher

	mu      sync.Mutex // guards what follows
	waiting []*part
	busy    bool
}

// part is what one portion brings.
type part struct {
	hold  *share.Part
	taken *detector.Taken
	err   error
	done  chan struct{} // closed when err has what became of it
}

// mostRows bounds one change, which has ten seconds.
const mostRows = 10_000

// keep keeps what a portion came to, together with that of others.
func (j *joint) keep(ctx context.Context, hold *share.Part, taken *detector.Taken) error {
	p := &part{hold: hold, taken: taken, done: make(chan struct{})}
	j.mu.Lock()
	j.waiting = append(j.waiting, p)
	if !j.busy {
		j.busy = true
		go j.serve(context.WithoutCancel(ctx)) // the others' must not fail because this portion is left
	}
	j.mu.Unlock()
	<-p.done
	return p.err
}

// serve makes changes until nothing waits.
func (j *joint) serve(ctx context.Context) {
	for batch := j.turn(); len(batch) > 0; batch = j.turn() {
		j.keepAll(ctx, batch)
		for _, p := range batch {
			close(p.done)
		}
	}
}

// turn is the next batch; while it is not empty, somebody serves.
func (j *joint) turn() []*part {
	j.mu.Lock()
	defer j.mu.Unlock()
	n, rows := 0, 0
	for n < len(j.waiting) && (n == 0 || rows+len(j.waiting[n].taken.Rows) <= mostRows) {
		rows += len(j.waiting[n].taken.Rows)
		n++
	}
	batch := j.waiting[:n:n]
	j.waiting, j.busy = j.waiting[n:], n > 0
	return batch
}

// keepAll keeps a batch in one change; if that fails, each part in one of its own, so that
// what one has stops no other.
func (j *joint) keepAll(ctx context.Context, batch []*part) {
	ctx, stop := context.WithTimeout(ctx, commitTime)
	defer stop()
	err := j.change(ctx, batch)
	for _, p := range batch {
		again := err
		if err != nil && len(batch) > 1 {
			again = j.change(ctx, []*part{p})
		}
		p.err = cmp.Or(again, p.err)
	}
}

// change keeps what the portions came to that this process still has.
func (j *joint) change(ctx context.Context, batch []*part) error {
	var held []bool
	err := j.config.Store.Beside(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		var parts []*share.Part
		for _, p := range batch {
			parts = append(parts, p.hold)
		}
		if held, err = share.HoldEach(ctx, tx, parts); err != nil {
			return err
		}
		var all []*detector.Taken
		late := 0
		for i, p := range batch {
			if held[i] {
				all, late = append(all, p.taken), late+p.taken.Late
			}
		}
		if err := j.config.Detector.KeepPlain(ctx, tx, all); err != nil {
			return err
		}
		return countLate(ctx, tx, late)
	})
	if err != nil {
		return err
	}
	for i, p := range batch {
		if !held[i] {
			p.err = share.ErrLost
		}
	}
	return nil
}
