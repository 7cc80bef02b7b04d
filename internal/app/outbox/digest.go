package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	kept "github.com/rootkeep/rootkeep/internal/store/letters"
)

// DigestKind is the kind of jobs that make digests of the alerts that quiet hours held back.
const DigestKind = "digest"

const (
	// alone is how long after quiet hours an alert goes by itself that no digest took up: one
	// that was put while they ended, or while no server made digests.
	alone      = 5 * time.Minute
	mostFolded = 2000 // that one digest tells of
)

// told is an alert that a digest tells of: up to which notice of its thread.
type told struct {
	Thread string `json:"thread"`
	Number int64  `json:"number"`
	Notice string `json:"notice"` // ID of that one
}

// gathering is the payload of a job that makes a digest.
type gathering struct {
	Way   string    `json:"way"`
	Until time.Time `json:"until"` // end of the quiet hours
}

// digests says whether a notice that is held back goes into a digest: it is of an alert, and
// its way does not want each by itself.
func (o *Outbox) digests(way, topic string) bool {
	w := o.way(way)
	return w != nil && notify.Digests(w) && slices.Contains([]string{alertTopic, escalatedTopic, handledTopic, stormTopic}, topic)
}

func putGathering(ctx context.Context, tx *store.Tx, way string, until time.Time) error {
	payload, err := json.Marshal(gathering{way, until})
	if err != nil {
		return err
	}
	_, _, err = jobs.Add(ctx, tx, job.Job{Kind: DigestKind, Key: way + "/" + strconv.FormatInt(store.Micros(until), 10), Payload: payload, RunAt: until})
	return err
}

// gather makes the digests of a way when quiet hours end. What it tells of is done with then,
// and the digest is a letter like others.
func (o *Outbox) gather(ctx context.Context, j *job.Job, say func(string)) error {
	var g gathering
	if err := json.Unmarshal(j.Payload, &g); err != nil {
		return job.Permanent(fmt.Errorf("digest: %w", err))
	}
	way, total := o.way(g.Way), 0
	if way == nil {
		return nil // its letters are given up one by one
	}
	for n := mostFolded; n == mostFolded; total += n {
		err := o.store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
			list, err := kept.Held(ctx, &tx.Reader, KindOf(g.Way), g.Until.Add(alone), mostFolded)
			if n = len(list); err != nil || n == 0 {
				return err
			}
			if !notify.Digests(way) { // it was set to get each by itself meanwhile
				return kept.Free(ctx, tx, jobsOf(list))
			}
			d := &digest{Outbox: o, way: way, tx: tx, cut: n == mostFolded}
			return d.make(ctx, list)
		})
		if err != nil {
			return fmt.Errorf("digest of %s: %w", g.Way, err)
		}
	}
	say(fmt.Sprintf("%d notices that were held back", total))
	o.Wake()
	return nil
}

// digest is one in the making.
type digest struct {
	*Outbox
	way  notify.Configured
	tx   *store.Tx
	cut  bool     // there may be more letters than it was given
	free []string // letters that go by themselves
	fold []string // letters that the digest tells of
	left []string // letters that a newer one of their alert stands for, which the next digest has
	told []told
	of   []notify.Notice
}

func jobsOf(list []kept.Letter) []string {
	var out []string
	for i := range list {
		out = append(out, list[i].Job)
	}
	return out
}

func (d *digest) make(ctx context.Context, list []kept.Letter) error {
	threads, err := threadsOf(list)
	if err != nil {
		return err
	}
	for _, t := range threads {
		if err := d.take(ctx, t); err != nil {
			return err
		}
	}
	if len(d.of) == 1 { // one alert needs no digest
		d.free, d.fold = append(d.free, d.fold...), nil
	}
	if err := kept.Fold(ctx, d.tx, d.left, "left to a newer notice"); err != nil {
		return err
	}
	if err := kept.Free(ctx, d.tx, d.free); err != nil || len(d.fold) == 0 {
		return err
	}
	n := notify.Digest(ID(notify.DigestTopic, d.way.Name(), d.fold[0]), d.of, d.tx.Clock())
	if err := kept.Fold(ctx, d.tx, d.fold, "left to the digest "+n.ID); err != nil {
		return err
	}
	return d.put(ctx, n)
}

func (d *digest) put(ctx context.Context, n notify.Notice) error {
	n, err := n.Bounded()
	if err != nil {
		return err
	}
	payload, err := json.Marshal(letter{Way: d.way.Name(), Notice: n, Due: d.tx.Now(), Told: d.told})
	if err != nil {
		return err
	}
	_, _, err = jobs.Add(ctx, d.tx, job.Job{Kind: KindOf(d.way.Name()), Key: d.way.Name() + "/" + n.ID, Payload: payload})
	return err
}

// take says what becomes of the letters of one alert.
func (d *digest) take(ctx context.Context, t *heldThread) error {
	has, err := kept.Read(ctx, &d.tx.Reader, d.way.Name(), t.name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if has == nil {
		has = &kept.Thread{}
	}
	j, joins := d.way.(notify.Joiner)
	kind := d.way.Kind()
	switch {
	case has.Sent >= t.number, joins && j.Joins() && has.Sent > 0:
		// It is told already: something newer overtook it, or its message is changed.
		d.free = append(d.free, t.jobs...)
	case len(t.newest.To) > 0 && (kind == "mail" || kind == "ses"):
		d.free = append(d.free, t.jobs...) // nobody gets the alerts of others
	case d.cut && has.Held > t.number:
		d.left = append(d.left, t.jobs...) // two digests would name it
	default:
		n := t.newest
		n.At = t.first
		if has.Sent == 0 && n.Acts() == notify.Update && n.Topic != handledTopic {
			n.Action = "" // nobody knows of what changed
		}
		d.fold, d.of = append(d.fold, t.jobs...), append(d.of, n)
		d.told = append(d.told, told{t.name, t.number, n.ID})
	}
	return nil
}

// heldThread are the letters of one alert.
type heldThread struct {
	name   string
	first  time.Time // when the first was put
	newest notify.Notice
	number int64 // of the newest
	jobs   []string
}

// threadsOf are the letters by alert, the alert that was held back first before the others.
func threadsOf(list []kept.Letter) ([]*heldThread, error) {
	var out []*heldThread
	for i := range list {
		var l letter
		if err := json.Unmarshal(list[i].Payload, &l); err != nil {
			return nil, fmt.Errorf("job %s: %w", list[i].Job, err)
		}
		at := slices.IndexFunc(out, func(t *heldThread) bool { return t.name == l.Notice.Thread })
		if at < 0 {
			at, out = len(out), append(out, &heldThread{name: l.Notice.Thread, first: l.Notice.At})
		}
		t := out[at]
		if t.jobs = append(t.jobs, list[i].Job); l.Number >= t.number {
			t.newest, t.number = l.Notice, l.Number
		}
	}
	return out, nil
}
