// Package outbox tells people of notices: a notice is put in with the change of the store
// that it tells of, and a job sends it by each way that its routes name, again until it is
// taken. What became of it stands in the ledger.
package outbox

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	kept "github.com/rootkeep/rootkeep/internal/store/letters"
)

// Kind is the kind of jobs that send notices.
const Kind = "notice"

// together is how many notices are sent at once by one way. Each way has its own: one
// receiver that is slow holds up no other.
const together = 2

// Outbox sends notices. Without ways it takes them, and nobody is told.
type Outbox struct {
	// Could finds who a request that waits is told to. Without it, only the ways' own
	// recipients are told.
	Could Could
	// Guarded says which rules are about root users or about what watches: their alerts are
	// never held back. Without it, no alert is.
	Guarded alert.Guarded
	// Tags gives the tags of an account, which notices of cases and requests have. Without it,
	// they have none.
	Tags      func(context.Context, *store.Reader, rootkeep.AccountID) ([]string, error)
	ways      []notify.Configured
	notifiers []*notify.Notifier
	router    *notify.Router
	store     *store.Store
	now       func() time.Time
	wake      func()        // the runner of jobs
	nudge     chan struct{} // Follow

	// of Follow alone
	left   []string                          // cases and requests that could not be told of
	recent map[rootkeep.Severity][]time.Time // when cases were told of, within an hour
	many   map[manyKey]*many                 // cases that are told of as one
}

// Settings say which ways there are.
type Settings struct {
	Ways    string   `yaml:"ways"`    // file of ways and routes, "" for none
	Folders []string `yaml:"folders"` // of own notifiers
}

// Open reads the ways. Store and wake are for Put and Jobs; without a store, ways can be
// listed and tried. wake, which may be nil, is called when there is something to send.
func Open(c Settings, now func() time.Time, s *store.Store, wake func()) (*Outbox, error) {
	o := &Outbox{store: s, now: now, wake: wake, nudge: make(chan struct{}, 1), recent: map[rootkeep.Severity][]time.Time{}, many: map[manyKey]*many{}}
	sources, err := sourcesOf(c.Folders)
	if err != nil {
		return nil, err
	}
	var problems []error
	if o.notifiers, problems = notify.LoadNotifiers(sources...); len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	file := &notify.Config{}
	if c.Ways != "" {
		if file, err = notify.ReadConfig(c.Ways); err != nil {
			return nil, err
		}
	}
	file.AWS = notify.AWS{SES: openSES, SNS: openSNS}
	if o.ways, o.router, err = file.Open(o.notifiers, keyfile.ReadSecret, now); err != nil {
		return nil, fmt.Errorf("ways of notices: %s: %w", c.Ways, err)
	}
	return o, nil
}

// sourcesOf are the shipped notifiers and those of the user's folders.
func sourcesOf(folders []string) ([]rule.Source, error) {
	out := []rule.Source{{FS: content.Files, Dir: "notifiers"}}
	for _, dir := range folders {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no folder", dir)
		}
		if err != nil {
			return nil, fmt.Errorf("notifiers: %w", err)
		}
		out = append(out, rule.Source{FS: os.DirFS(dir), Dir: ".", Name: filepath.Clean(dir)})
	}
	return out, nil
}

// Ways are what was configured.
func (o *Outbox) Ways() []notify.Configured { return o.ways }

// Notifiers are what ways can be made of, beside mail.
func (o *Outbox) Notifiers() []*notify.Notifier { return o.notifiers }

// Routed are the names of the ways that a notice goes by, whatever the hour.
func (o *Outbox) Routed(n notify.Notice) []string { return o.router.Ways(n, time.Time{}) }

// letter is the payload of a job: a notice on one way.
type letter struct {
	Way    string        `json:"way"`
	Notice notify.Notice `json:"notice"`
	Number int64         `json:"number,omitempty"` // among those of its thread by this way; 0 if it has none
	Due    time.Time     `json:"due,omitzero"`     // not before: when quiet hours end, or when it was put
	Told   []told        `json:"told,omitempty"`   // of a digest: what it tells of
	Only   string        `json:"only,omitempty"`   // the mail address that it is for: others got the notice already
}

// Put asks for a notice to be sent, once by each of its ways however often it is put, in
// the transaction of what it tells of. Those that quiet hours hold back are sent when the
// hours end, alerts as one digest.
func (o *Outbox) Put(ctx context.Context, tx *store.Tx, n notify.Notice) error {
	_, err := o.put(ctx, tx, n)
	return err
}

// put is Put, and says whether the notice was not there before.
func (o *Outbox) put(ctx context.Context, tx *store.Tx, n notify.Notice) (fresh bool, err error) {
	if n.ID == "" {
		return false, errors.New("outbox: a notice needs an ID")
	}
	if n, err = n.Bounded(); err != nil {
		return false, err
	}
	ways, err := o.waysOf(ctx, &tx.Reader, n, tx.Clock())
	if err != nil {
		return false, err
	}
	for _, way := range ways {
		added, err := o.putLetter(ctx, tx, letter{Way: way, Notice: n})
		if err != nil {
			return false, fmt.Errorf("notice %s: %w", n.ID, err)
		}
		fresh = fresh || added
	}
	return fresh, nil
}

// waysOf are the ways that routes name for a notice and, for a later one of a thread, those
// that keep its message: what was opened somewhere is closed there, whatever the routes say
// by then.
func (o *Outbox) waysOf(ctx context.Context, r *store.Reader, n notify.Notice, at time.Time) ([]string, error) {
	out := o.router.Ways(n, at)
	if n.Thread == "" || n.Acts() == notify.Open {
		return out, nil
	}
	for _, w := range o.ways {
		j, ok := w.(notify.Joiner)
		if !ok || !j.Joins() || slices.Contains(out, w.Name()) {
			continue
		}
		_, err := kept.Read(ctx, r, w.Name(), n.Thread)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(slices.Clone(out), w.Name())
	}
	return out, nil
}

func (o *Outbox) putLetter(ctx context.Context, tx *store.Tx, l letter) (added bool, err error) {
	if known, err := isKnown(ctx, &tx.Reader, l.Way, l.Notice.Thread, l.Notice.ID); known || err != nil {
		return false, err
	}
	held := o.router.Held(l.Notice, l.Way, tx.Clock())
	if l.Due = held; held.IsZero() {
		l.Due = tx.Clock()
	}
	if l.Notice.Thread != "" {
		if l.Number, err = kept.Number(ctx, tx, l.Way, l.Notice.Thread, l.Notice.ID, held); err != nil {
			return false, err
		}
	}
	if !held.IsZero() && l.Notice.Thread != "" && o.digests(l.Way, l.Notice.Topic) {
		if err := putGathering(ctx, tx, l.Way, held); err != nil {
			return false, err
		}
		held = held.Add(alone)
	}
	payload, err := json.Marshal(l)
	if err != nil {
		return false, err
	}
	if held.IsZero() && urgent(&l.Notice) {
		held = tx.Clock().Add(-precedence)
	}
	_, added, err = jobs.Add(ctx, tx, job.Job{Kind: KindOf(l.Way), Key: l.Way + "/" + l.Notice.ID, Payload: payload, RunAt: held})
	return added, err
}

// isKnown says whether a notice of a thread, "" for none, was put by a way.
func isKnown(ctx context.Context, r *store.Reader, way, thread, id string) (bool, error) {
	return kept.Known(ctx, r, way, thread, id, Kind, KindOf(way))
}

// precedence is how much older than others an urgent notice counts as: those that wait are sent
// in their order, two at a time by each way, and tens of alerts may wait.
const precedence = 2 * time.Minute

// urgent says that a notice is of a case about root.
func urgent(n *notify.Notice) bool {
	return n.Topic == unexplainedTopic || n.Topic == overrideTopic
}

// Wake has what was put sent now, and cases told of that were opened. It is called once
// the transaction is committed; without it, that takes a second or two.
func (o *Outbox) Wake() {
	select {
	case o.nudge <- struct{}{}:
	default: // it is awake
	}
	if o.wake != nil {
		o.wake()
	}
}

// KindOf is the kind of the jobs that send by a way.
func KindOf(way string) string { return Kind + "/" + way }

// Jobs is the kind of jobs that send, whatever the way: those of ways that are configured
// no more end as dead letters.
func (o *Outbox) Jobs() job.Kind { return o.kind(Kind) }

// Kinds are the kinds of jobs that send: one for each way, and that which makes digests.
func (o *Outbox) Kinds() []job.Kind {
	out := []job.Kind{o.Jobs(), {Name: DigestKind, Attempts: notify.MostAttempts, Handler: job.HandlerFunc(o.gather)}}
	for _, w := range o.ways {
		out = append(out, o.kind(KindOf(w.Name())))
	}
	return out
}

func (o *Outbox) kind(name string) job.Kind {
	return job.Kind{Name: name, Together: together, Attempts: notify.MostAttempts, Handler: job.HandlerFunc(o.handle)}
}

// Adopt sees to letters of ways that were taken out of the settings while they waited.
func (o *Outbox) Adopt(ctx context.Context) error {
	var names []string
	for _, w := range o.ways {
		names = append(names, w.Name())
	}
	return o.store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := kept.Adopt(ctx, tx, Kind, names)
		return err
	})
}

func (o *Outbox) way(name string) notify.Configured {
	for _, w := range o.ways {
		if w.Name() == name {
			return w
		}
	}
	return nil
}

// ID is that of a notice of a topic about something: told twice, it is the same.
func ID(topic string, about ...string) string {
	sum := sha256.Sum256([]byte(topic + "\x00" + strings.Join(about, "\x00")))
	return "NO-" + base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])[:16]
}

// Trial is a notice that says that it is a try.
func Trial(at time.Time, link string) notify.Notice {
	var chance [5]byte
	rand.Read(chance[:]) // never fails, see crypto/rand
	id := rootkeep.NewID("NO", at, chance[:])
	return notify.Notice{
		ID: id, Topic: "test", Severity: rootkeep.Informational, Title: "This is a test of rootkeep's notices", Subject: id, Link: link, At: at.UTC().Truncate(time.Second),
		Text: "Somebody who keeps this server tries whether its notices arrive. Nothing happened, and nothing needs to be done.",
	}
}
