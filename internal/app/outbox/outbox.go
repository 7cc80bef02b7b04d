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
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/ledger"
)

// Kind is the kind of jobs that send notices.
const Kind = "notice"

// together is how many notices are sent at once: one receiver that is slow holds up no
// other.
const together = 8

// Outbox sends notices. Without ways it takes them, and nobody is told.
type Outbox struct {
	// Could finds who a request that waits is told to. Without it, only the ways' own
	// recipients are told.
	Could     Could
	ways      []notify.Configured
	notifiers []*notify.Notifier
	router    *notify.Router
	store     *store.Store
	wake      func()        // the runner of jobs
	nudge     chan struct{} // Follow

	// of Follow alone
	left   []string                          // cases and requests that could not be told of
	recent map[rootkeep.Severity][]time.Time // when cases were told of, within an hour
}

// Settings say which ways there are.
type Settings struct {
	Ways    string   `yaml:"ways"`    // file of ways and routes, "" for none
	Folders []string `yaml:"folders"` // of own notifiers
}

// Open reads the ways. Store and wake are for Put and Jobs; without a store, ways can be
// listed and tried. wake, which may be nil, is called when there is something to send.
func Open(c Settings, now func() time.Time, s *store.Store, wake func()) (*Outbox, error) {
	o := &Outbox{store: s, wake: wake, nudge: make(chan struct{}, 1), recent: map[rootkeep.Severity][]time.Time{}}
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

// Routed are the names of the ways that a notice goes by.
func (o *Outbox) Routed(n notify.Notice) []string { return o.router.Ways(n) }

// letter is the payload of a job: a notice on one way.
type letter struct {
	Way    string        `json:"way"`
	Notice notify.Notice `json:"notice"`
}

// Put asks for a notice to be sent, once by each of its ways however often it is put, in
// the transaction of what it tells of.
func (o *Outbox) Put(ctx context.Context, tx *store.Tx, n notify.Notice) error {
	_, err := o.put(ctx, tx, n)
	return err
}

// put is Put, and says whether the notice was not there before.
func (o *Outbox) put(ctx context.Context, tx *store.Tx, n notify.Notice) (fresh bool, err error) {
	if n.ID == "" {
		return false, errors.New("outbox: a notice needs an ID")
	}
	for _, way := range o.router.Ways(n) {
		payload, err := json.Marshal(letter{way, n})
		if err != nil {
			return false, fmt.Errorf("notice %s: %w", n.ID, err)
		}
		_, added, err := jobs.Add(ctx, tx, job.Job{Kind: Kind, Key: way + "/" + n.ID, Payload: payload})
		if err != nil {
			return false, err
		}
		fresh = fresh || added
	}
	return fresh, nil
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

// Jobs is the kind of jobs that send.
func (o *Outbox) Jobs() job.Kind {
	return job.Kind{Name: Kind, Together: together, Attempts: notify.MostAttempts, Handler: job.HandlerFunc(o.handle)}
}

// handle sends one letter. The receiver may get it twice, with the same ID, when the
// server ends before what became of it is kept.
func (o *Outbox) handle(ctx context.Context, j *job.Job, say func(string)) error {
	var l letter
	if err := json.Unmarshal(j.Payload, &l); err != nil {
		return job.Permanent(fmt.Errorf("notice: %w", err))
	}
	w := o.way(l.Way)
	if w == nil {
		err := fmt.Errorf("way %s is not configured any more; hint: the setting notify.ways", l.Way)
		return errors.Join(job.Permanent(err), o.record(ctx, "notice.failed", &l, nil, j.Attempt, "", err))
	}
	answer, err := w.Send(ctx, l.Notice)
	if err == nil {
		say(l.Way + ": " + answer)
		return o.record(ctx, "notice.sent", &l, w, j.Attempt, answer, nil)
	}
	if ctx.Err() != nil {
		return err // the server stops: it was no attempt
	}
	if !notify.IsFinal(err) && j.Attempt < w.Attempts() {
		return fmt.Errorf("way %s: %w", l.Way, err)
	}
	return errors.Join(job.Permanent(fmt.Errorf("way %s: %w", l.Way, err)), o.record(ctx, "notice.failed", &l, w, j.Attempt, answer, err))
}

func (o *Outbox) way(name string) notify.Configured {
	for _, w := range o.ways {
		if w.Name() == name {
			return w
		}
	}
	return nil
}

// delivery is the evidence of what became of a notice.
type delivery struct {
	Schema  string        `json:"schema"`
	Way     string        `json:"way"`
	Kind    string        `json:"kind,omitempty"`
	Target  string        `json:"target,omitempty"`
	Attempt int           `json:"attempt"`
	Answer  string        `json:"answer,omitempty"`
	Error   string        `json:"error,omitempty"`
	Notice  notify.Notice `json:"notice"`
}

func (o *Outbox) record(ctx context.Context, kind string, l *letter, w notify.Configured, attempt int, answer string, failed error) error {
	d := delivery{Schema: "rootkeep/notice-delivery/1", Way: l.Way, Attempt: attempt, Answer: answer, Notice: l.Notice}
	if w != nil {
		d.Kind, d.Target = w.Kind(), w.Target()
	}
	if failed != nil {
		d.Error = failed.Error()
	}
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return o.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		return tx.Record(kind, l.Notice.ID, people.SystemActor.ID, ledger.NewPayload("delivery.json", text))
	})
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

// Try sends a trial by one way, at once. Nothing is kept of it.
func (o *Outbox) Try(ctx context.Context, name string, n notify.Notice) (answer string, err error) {
	w := o.way(name)
	if w == nil {
		return "", fmt.Errorf("way %q is not configured; hint: rootkeep notify list", name)
	}
	return w.Send(ctx, n)
}
