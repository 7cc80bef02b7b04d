// Package rootuse picks out of CloudTrail records what a server remembers of each: what
// root users did and what was done about them, and who signed in to the console. Records
// of a hunt go in, from several workers; uses and sign-ins come out, each once.
package rootuse

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
)

// Bounds of what is kept of one hunt. A forged log can be nothing but sign-ins.
const (
	MaxUses    = 20_000
	MaxSignIns = 20_000
	MaxRaw     = 32 << 10 // bytes of one record
	maxRaws    = 16 << 20 // bytes of all records
)

// Options say what is looked at.
type Options struct {
	Since, Until time.Time            // half-open [Since, Until); zero is open
	Accounts     []rootkeep.AccountID // empty: all
}

// Collector gathers what the workers of one hunt find.
type Collector struct {
	options Options
	fields  fields

	mu      sync.Mutex // guards what follows
	uses    map[use]*rootkeep.RootUse
	signIns map[use]*rootkeep.SignIn
	raws    int
	omitted Omitted
}

// Omitted counts what was not kept.
type Omitted struct {
	Uses    int64 `json:"root_uses"`
	SignIns int64 `json:"sign_ins"`
	Untimed int64 `json:"untimed"` // root events without a readable time
}

// use tells events apart: an ID alone can be forged, and then hides another event.
type use struct {
	id, account, source, name, address, principal, err string
	at                                                 int64
}

// New makes a collector for the records of a hunt.
func New(h *detect.Hunt, o Options) (*Collector, error) {
	f, err := fieldsOf(h.Fields())
	if err != nil {
		return nil, err
	}
	f.principal, f.country = h.PrincipalField(), h.CountryField()
	return &Collector{options: o, fields: f, uses: map[use]*rootkeep.RootUse{}, signIns: map[use]*rootkeep.SignIn{}}, nil
}

// Observe looks at one record, from any worker of the hunt, which has observed it just
// before. It keeps nothing of rec.
func (c *Collector) Observe(rec *cloudtrail.Record) {
	v := rec.View
	signIn := bytes.Equal(v.Text(c.fields.name), consoleLogin) && bytes.Equal(v.Text(c.fields.source), signInSource)
	kind := c.fields.kind(v)
	if kind == "" && !signIn {
		return
	}
	at, ok := cloudtrail.ParseTime(v.Text(c.fields.time))
	if !ok || at < earliest || at >= latest {
		c.mu.Lock()
		c.omitted.Untimed++
		c.mu.Unlock()
		return
	}
	e := c.event(v, at)
	if !c.asked(e) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k := use{e.ID, string(e.Account), e.Source, e.Name, e.Address, e.Principal, e.Error, at}
	if signIn {
		c.keepSignIn(k, e, bytes.Equal(v.Text(c.fields.kindOfCaller), root))
	}
	if kind != "" {
		e.Kind = kind
		c.keepUse(k, e, rec.Raw)
	}
}

// No event is older than AWS's first service or comes from the next century, as in a hunt.
const (
	earliest = 1136073600 // 2006-01-01T00:00:00Z
	latest   = 4102444800 // 2100-01-01T00:00:00Z
)

func (c *Collector) event(v *rootkeep.View, at int64) rootkeep.RootUse {
	text := func(field int) string { return string(tally.Cut(v.Text(field))) }
	f := &c.fields
	e := rootkeep.RootUse{
		Time: time.Unix(at, 0).UTC(), ID: text(f.id), Account: rootkeep.AccountID(cmp.Or(text(f.recipient), text(f.account))),
		Region: rootkeep.Region(text(f.region)), Source: text(f.source), Name: text(f.name), Address: text(f.address), Agent: text(f.agent),
		Principal: text(f.principal), Country: text(f.country), AccessKey: text(f.key), Target: text(f.target), MFA: f.mfa(v),
	}
	e.Failed, e.Error = f.outcome(v)
	return e
}

func (c *Collector) asked(e rootkeep.RootUse) bool {
	o := &c.options
	return !(e.Time.Before(o.Since) || !o.Until.IsZero() && !e.Time.Before(o.Until)) &&
		(len(o.Accounts) == 0 || slices.Contains(o.Accounts, e.Account))
}

func (c *Collector) keepUse(k use, e rootkeep.RootUse, raw []byte) {
	switch {
	case c.uses[k] != nil:
		return
	case len(c.uses) >= MaxUses:
		c.omitted.Uses++
		return
	}
	if len(raw) <= MaxRaw && c.raws+len(raw) <= maxRaws {
		c.raws += len(raw)
		e.Raw = bytes.Clone(raw)
	}
	c.uses[k] = &e
}

func (c *Collector) keepSignIn(k use, e rootkeep.RootUse, byRoot bool) {
	switch {
	case c.signIns[k] != nil:
		return
	case len(c.signIns) >= MaxSignIns:
		c.omitted.SignIns++
		return
	}
	c.signIns[k] = &rootkeep.SignIn{
		Time: e.Time, ID: e.ID, Account: e.Account, Root: byRoot, Failed: e.Failed,
		Address: e.Address, Country: e.Country, MFA: e.MFA, Principal: e.Principal,
	}
}

// Found is what the collector gathered, earliest first.
type Found struct {
	Uses    []rootkeep.RootUse
	SignIns []rootkeep.SignIn
	Omitted Omitted
}

// Found gives what was gathered; no worker observes any more.
func (c *Collector) Found() Found {
	f := Found{Uses: []rootkeep.RootUse{}, SignIns: []rootkeep.SignIn{}, Omitted: c.omitted}
	for _, u := range c.uses {
		f.Uses = append(f.Uses, *u)
	}
	for _, s := range c.signIns {
		f.SignIns = append(f.SignIns, *s)
	}
	slices.SortFunc(f.Uses, func(a, b rootkeep.RootUse) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Address, b.Address))
	})
	slices.SortFunc(f.SignIns, func(a, b rootkeep.SignIn) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Address, b.Address))
	})
	return f
}

// String says in one line what was left out, "" if nothing was.
func (o Omitted) String() string {
	if o == (Omitted{}) {
		return ""
	}
	return fmt.Sprintf("%d root events and %d sign-ins beyond what is kept, %d root events without a readable time", o.Uses, o.SignIns, o.Untimed)
}
