// Package detector runs the detections of a watching server: records go in with the change
// of the store that keeps how far their source was read; alerts, what has to be remembered
// and what each rule came to are kept in the same change. So a process that dies has neither
// lost an event nor counted one twice.
package detector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/guarded"
	"github.com/rootkeep/rootkeep/internal/detect/live"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/livestate"
)

// Rules are the detections as they are loaded now.
type Rules struct {
	Pack    *detect.Pack
	Options live.Options // without Load and Due
}

// Config says what detects, and who takes what is found.
type Config struct {
	Rules  Rules
	Alerts *alerts.Keeper
	// Tell puts what people are told of alerts, in the same change.
	Tell func(context.Context, *store.Tx, *alerts.Changes) error
	Log  *slog.Logger
}

// Record is one that a rule matched, or that tells of watched resources.
type Record struct {
	Object string // that it came in
	Raw    []byte
	Groups []uint64 // that it touches
	// Number is which of the object's records it is, from 1, if it has no event ID; else 0.
	Number int64
	// Everywhere says that it tells of watched resources, which all parts must know.
	Everywhere bool
}

// Taken is what a change comes to. Kept has to be told of it once the change is made.
type Taken struct {
	live.Changes
	Told *alerts.Changes
}

// Detector has the detections that hold, for all who sift and detect.
type Detector struct {
	config Config

	mu    sync.Mutex // guards the fields below
	rules *generation
	fault error // of the files, since they changed the last time
}

// generation are rules that were loaded at one time.
type generation struct {
	Rules
	guards func(rule string) bool
	tags   map[string][]string // of detections by name
}

// guideTag is the tag of alerts of a detection that serves an indicator of the guide.
const guideTag = "guide"

func generationOf(r Rules) *generation {
	catalogue := r.Pack.Catalogue()
	g := &generation{r, guarded.In(catalogue), map[string][]string{}}
	for i := range catalogue {
		d := &catalogue[i]
		g.tags[d.Name] = append(g.tags[d.Name], d.Tags...)
		if d.Guide != "" {
			g.tags[d.Name] = append(g.tags[d.Name], guideTag)
		}
	}
	return g
}

// New makes a detector.
func New(c Config) (*Detector, error) {
	if c.Alerts == nil || c.Tell == nil || c.Rules.Pack == nil {
		return nil, errors.New("detector: rules, a keeper of alerts and somebody to tell are required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Detector{config: c, rules: generationOf(c.Rules)}, nil
}

// Replace has other rules hold from the next record on. The windows and baselines of rules
// that stay as they are go on.
func (d *Detector) Replace(r Rules) {
	g := generationOf(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rules, d.fault = g, nil
}

func (d *Detector) current() *generation {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rules
}

// Guards says whether alerts of a rule, by its name, may never be suppressed.
func (d *Detector) Guards(rule string) bool { return d.current().guards(rule) }

// Has says whether a rule, by its name, is a detection.
func (d *Detector) Has(rule string) bool {
	_, has := d.current().tags[rule]
	return has
}

// Tags are the tags of a detection, by its name: those of its file, and guide if it serves an
// indicator of the guide.
func (d *Detector) Tags(rule string) []string { return d.current().tags[rule] }

// Part detects in some of the groups of events. One change is made after the other.
type Part struct {
	*Detector
	number, of int         // 0 of 1: all groups
	renew      atomic.Bool // another process may have detected since

	// A change that took too long is undone while it still runs: the next one waits for it.
	mu     sync.Mutex // guards what follows
	engine *live.Engine
	rules  *generation // of the engine
	reader *cloudtrail.Reader
	from   *store.Reader // of the look that is taken
	now    time.Time     // and its time
	open   *Taken        // of a change that was not Kept
}

// Part is one of so many parts. It goes on from what the store has.
func (d *Detector) Part(number, of int) *Part { return &Part{Detector: d, number: number, of: of} }

// PartOf is the number of the part that has a group.
func PartOf(group uint64, of int) int { return int(group % uint64(of)) }

// Due says whether time alone has something to do, such as a silence that has lasted, now that
// everything was read up to whole.
func (p *Part) Due(ctx context.Context, r *store.Reader, whole time.Time) (bool, error) {
	keys, err := livestate.Due(ctx, r, whole.Unix(), "", 1)
	return len(keys) > 0, err
}

// Take detects in a change of the store: it is Look and Keep in one.
func (p *Part) Take(ctx context.Context, tx *store.Tx, records []Record, reach live.Reach) (*Taken, error) {
	out, err := p.Look(ctx, &tx.Reader, tx.Now(), records, reach)
	if err != nil {
		return nil, err
	}
	return out, p.Keep(ctx, tx, out)
}

// Look detects by what the store has. What comes of it is to be kept by a change that nobody
// else's change of the part can be before: then it need not be made in one. reach is how far
// what happened was read. Kept has to be called once the change is made: until then the next
// Look goes on from what the store has. The error is an *Unreadable if it is the records' own.
func (p *Part) Look(ctx context.Context, r *store.Reader, now time.Time, records []Record, reach live.Reach) (*Taken, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.ready(); err != nil {
		return nil, err
	}
	out := &Taken{}
	p.from, p.now, p.open = r, now, out
	defer func() { p.from = nil }()
	if err := p.observe(ctx, records); err != nil {
		return nil, err
	}
	var err error
	if out.Changes, err = p.engine.Step(ctx, reach); err != nil {
		return nil, err
	}
	return out, nil
}

// Unreadable are records that nobody can read: a change can be made without them alone.
type Unreadable struct {
	At  []int // which of those that were to be taken
	Err error // of the first
}

func (u *Unreadable) Error() string { return fmt.Sprintf("%d records: %v", len(u.At), u.Err) }

// Unwrap gives what is wrong with the first.
func (u *Unreadable) Unwrap() error { return u.Err }

func (p *Part) observe(ctx context.Context, records []Record) error {
	bad := &Unreadable{}
	for i := range records {
		rec, err := p.reader.One(records[i].Raw)
		if err != nil {
			bad.At, bad.Err = append(bad.At, i), cmp.Or(bad.Err, fmt.Errorf("%s: a record cannot be read: %w", records[i].Object, err))
			continue
		}
		if err := p.engine.Observe(ctx, rec, records[i].Object, records[i].Number); err != nil {
			return err
		}
	}
	if len(bad.At) > 0 {
		return bad
	}
	return nil
}

// Kept says that the change was made that Take came to.
func (p *Part) Kept(t *Taken) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == t {
		p.open = nil
	}
}

// Renew says that another process may have detected since the last Take: the next one goes
// on from what the store has.
func (p *Part) Renew() { p.renew.Store(true) }

// ready has an engine of the current rules, that knows no more than the store.
func (p *Part) ready() error {
	now := p.current()
	if !p.renew.Swap(false) && p.engine != nil && p.rules == now && p.open == nil {
		return nil
	}
	o := now.Options
	o.Load = func(ctx context.Context, keys []string) (map[string][]byte, error) {
		return livestate.Load(ctx, p.from, keys)
	}
	o.Due = func(ctx context.Context, at int64, after string, limit int) ([]string, error) {
		return livestate.Due(ctx, p.from, at, after, limit)
	}
	o.Now = func() time.Time { return p.now }
	if p.of > 1 {
		o.Part = fmt.Sprintf("%d/%d", p.number, p.of)
		o.Owns = func(group uint64) bool { return PartOf(group, p.of) == p.number }
		o.Memory = cmp.Or(o.Memory, live.DefaultMemory) / p.of
	}
	var err error
	if p.engine, err = live.New(now.Pack, o); err != nil {
		return err
	}
	p.rules = now
	p.reader, err = readerOf(p.engine)
	return err
}

func readerOf(e *live.Engine) (*cloudtrail.Reader, error) {
	fields, err := cloudtrail.CompileFields(e.Fields())
	if err != nil {
		return nil, err
	}
	return cloudtrail.NewReader(fields, cloudtrail.Options{Derived: e.Derived()}), nil
}

// Plain says that nobody is told of anything: the ledger has nothing to say of it.
func (t *Taken) Plain() bool { return len(t.Alerts) == 0 }

// KeepPlain stores what looks of several parts came to, all of them Plain.
func (d *Detector) KeepPlain(ctx context.Context, tx *store.Tx, list []*Taken) error {
	all := &Taken{}
	for _, t := range list {
		t.Told = &alerts.Changes{}
		all.Stale = append(all.Stale, t.Stale...)
		all.Rows = append(all.Rows, t.Rows...)
		all.Volume = append(all.Volume, t.Volume...)
		all.Notices = append(all.Notices, t.Notices...)
	}
	return d.Keep(ctx, tx, all)
}

// Keep stores what a look came to.
func (d *Detector) Keep(ctx context.Context, tx *store.Tx, t *Taken) error {
	slices.Sort(t.Stale)
	if err := livestate.Forget(ctx, tx, slices.Compact(t.Stale)); err != nil {
		return err
	}
	rows := make([]livestate.Row, len(t.Rows))
	for i, r := range t.Rows {
		rows[i] = livestate.Row(r)
	}
	if err := livestate.Save(ctx, tx, rows); err != nil {
		return err
	}
	sightings := make([]alert.Sighting, len(t.Alerts))
	for i, a := range t.Alerts {
		sightings[i] = alert.Sighting{Key: a.Key, Absorbed: a.Absorbed, Gone: a.Gone, DryRun: a.DryRun, Alert: a.Alert}
	}
	var err error
	t.Told = &alerts.Changes{}
	if len(sightings) > 0 {
		if t.Told, err = d.config.Alerts.Apply(ctx, tx, tx.Clock(), sightings); err != nil {
			return err
		}
		if err := d.config.Tell(ctx, tx, t.Told); err != nil {
			return err
		}
	}
	volume := make([]alert.Volume, len(t.Volume))
	for i, v := range t.Volume {
		volume[i] = alert.Volume{Rule: v.Rule, Hour: v.Hour / 3600, Matches: v.Matches, Alerts: v.Alerts}
	}
	if len(volume) > 0 {
		err = alerts.AddVolume(ctx, tx, volume)
	}
	for _, n := range slices.Compact(t.Notices) {
		d.config.Log.Warn("detections", "notice", n)
	}
	return err
}
