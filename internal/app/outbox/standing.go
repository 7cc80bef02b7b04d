package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	kept "github.com/rootkeep/rootkeep/internal/store/letters"
)

// Standing is how the ways do: those that are configured, in that order, and those that
// letters still name.
func (o *Outbox) Standing(ctx context.Context, r *store.Reader) ([]client.NoticeWay, error) {
	known, err := kept.Ways(ctx, r)
	if err != nil {
		return nil, err
	}
	counts, err := kept.Counts(ctx, r, Kind, o.now())
	if err != nil {
		return nil, err
	}
	out := []client.NoticeWay{}
	add := func(w client.NoticeWay, kind string) {
		k, c := known[w.Name], counts[kind]
		w.Taken, w.Failed, w.Said, w.Succeeded, w.Failures = k.Taken, k.Failed, k.Said, k.Succeeded, k.Failures
		w.Waiting, w.Held, w.Dead = c.Waiting, c.Held, c.Dead
		out = append(out, w)
		delete(counts, kind)
	}
	for _, w := range o.ways {
		add(client.NoticeWay{Name: w.Name(), Kind: w.Kind(), Target: w.Target(), Limits: o.limits(w.Kind())}, KindOf(w.Name()))
	}
	var gone []string
	for kind := range counts {
		gone = append(gone, kind)
	}
	slices.Sort(gone)
	for _, kind := range gone {
		name, found := strings.CutPrefix(kind, Kind+"/")
		if !found {
			name = "(no more configured)"
		}
		add(client.NoticeWay{Name: name}, kind)
	}
	return out, nil
}

func (o *Outbox) limits(kind string) string {
	for _, n := range o.notifiers {
		if n.ID == kind {
			return n.Limits
		}
	}
	return ""
}

// What letters a list has.
const (
	DeadLetters = "dead"
	HeldLetters = "held"
	SentLetters = "sent"
)

const mostLetters = 500 // of one list

// Letters are the newest that nobody took, that quiet hours hold back, or that were taken.
func (o *Outbox) Letters(ctx context.Context, r *store.Reader, which string) ([]client.NoticeLetter, error) {
	f := jobs.Filter{Kind: Kind, State: job.Dead, Limit: mostLetters}
	switch which {
	case HeldLetters:
		f.State, f.Later = job.Waiting, o.now()
	case SentLetters:
		f.State = job.Done
	}
	list, err := jobs.List(ctx, r, f)
	if err != nil {
		return nil, err
	}
	out := []client.NoticeLetter{}
	for _, j := range list {
		var l letter
		if err := json.Unmarshal(j.Payload, &l); err != nil {
			return nil, fmt.Errorf("job %s: %w", j.ID, err)
		}
		x := client.NoticeLetter{
			ID: j.ID, Way: l.Way, Notice: l.Notice.ID, Topic: l.Notice.Topic, Severity: l.Notice.Severity.String(), Title: l.Notice.Title, Thread: l.Notice.Thread, Link: l.Notice.Link,
			Attempt: j.Attempt, Error: j.Error, Created: j.Created,
		}
		if which == HeldLetters {
			x.Due = l.Due
		}
		if which == SentLetters {
			x.Answer = j.Progress
			if j.Attempt > 0 { // or a digest tells of it, which may not be taken yet
				x.Taken = j.Ended
			}
		}
		out = append(out, x)
	}
	return out, nil
}

// Again has a dead letter sent again.
func (o *Outbox) Again(ctx context.Context, tx *store.Tx, actor, id string) error {
	j, err := jobs.Get(ctx, &tx.Reader, id)
	if err != nil {
		return err
	}
	if j.Kind != Kind && !strings.HasPrefix(j.Kind, Kind+"/") {
		return fmt.Errorf("job %s is no notice: %w", id, store.ErrNotFound)
	}
	return jobs.Retry(ctx, tx, actor, id)
}

// Desk is the outbox for the page of notices.
type Desk struct {
	*Outbox
	Link string // of the console, which test notices carry
}

// Test sends a trial for somebody, at once: what was answered stands in the ledger.
func (d Desk) Test(ctx context.Context, actor, name string) (answer string, err error) {
	w := d.way(name)
	if w == nil {
		return "", fmt.Errorf("way %s: %w", name, store.ErrNotFound)
	}
	n := Trial(d.now(), d.Link)
	answer, err = try(ctx, w, n)
	out := delivery{Way: name, Kind: w.Kind(), Target: w.Target(), Attempt: 1, As: string(notify.Open), Answer: answer, Notice: n}
	note := part(func(ctx context.Context, tx *store.Tx) error { return kept.Took(ctx, tx, name) })
	if err != nil {
		out.Error = err.Error()
		note = func(ctx context.Context, tx *store.Tx) error { return kept.Failed(ctx, tx, name, out.Error) }
	}
	return answer, errors.Join(err, d.record(context.WithoutCancel(ctx), "notice.tested", actor, out, note))
}

// Explanation is which ways a notice goes by, and why not by others.
type Explanation struct {
	Routes []notify.Decision `json:"routes"`
	Ways   []Way             `json:"ways"`
}

// Way is a way that a notice goes by.
type Way struct {
	Name   string    `json:"name"`
	Held   time.Time `json:"held,omitzero"`    // until then
	Digest bool      `json:"digest,omitempty"` // then it goes with other alerts, as one notice
}

// Explain says what the routes and quiet hours make of a notice at a time.
func (o *Outbox) Explain(n notify.Notice, at time.Time) Explanation {
	out := Explanation{Routes: o.router.Explain(n, at), Ways: []Way{}}
	for _, w := range o.router.Ways(n, at) {
		held := o.router.Held(n, w, at)
		out.Ways = append(out.Ways, Way{w, held, !held.IsZero() && o.digests(w, n.Topic)})
	}
	return out
}
