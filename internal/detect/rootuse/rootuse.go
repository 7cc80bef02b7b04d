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
	"github.com/rootkeep/rootkeep/cloudtrail/rootevent"
	"github.com/rootkeep/rootkeep/internal/detect"
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
	options            Options
	sorter             *rootevent.Sorter
	principal, country int // numbers of computed fields

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
	sorter, err := rootevent.New(h.Fields())
	if err != nil {
		return nil, err
	}
	return newCollector(o, sorter, h.PrincipalField(), h.CountryField()), nil
}

func newCollector(o Options, sorter *rootevent.Sorter, principal, country int) *Collector {
	return &Collector{
		options: o, sorter: sorter, principal: principal, country: country,
		uses: map[use]*rootkeep.RootUse{}, signIns: map[use]*rootkeep.SignIn{},
	}
}

// Observe looks at one record, from any worker of the hunt, which has observed it just
// before. It keeps nothing of rec.
func (c *Collector) Observe(rec *cloudtrail.Record) {
	v := rec.View
	signIn, kind := c.sorter.SignIn(v), c.sorter.Kind(v)
	if kind == "" && !signIn {
		return
	}
	at, ok := c.sorter.Time(v)
	if !ok {
		c.mu.Lock()
		c.omitted.Untimed++
		c.mu.Unlock()
		return
	}
	e := c.sorter.Use(v)
	e.Time, e.Principal, e.Country = at, rootevent.Cut(v.Text(c.principal)), rootevent.Cut(v.Text(c.country))
	if !c.asked(e) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k := use{e.ID, string(e.Account), e.Source, e.Name, e.Address, e.Principal, e.Error, at.Unix()}
	if signIn {
		c.keepSignIn(k, e, c.sorter.ByRoot(v))
	}
	if kind != "" {
		e.Kind = kind
		c.keepUse(k, e, rec.Raw)
	}
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
