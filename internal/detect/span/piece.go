package span

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/seen"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
)

// Piece is an event of evidence in a third of the memory: tens of thousands are kept for
// the few alerts that show theirs. Its texts have numbers of a tally.Names. What they
// cannot say stays whole.
type Piece struct {
	Time   int64 // Unix seconds
	ID     seen.ID
	File   string
	Offset int64

	Name, Source, Account, Region, Address, Agent, ErrorCode, Target tally.Number
	Actor                                                            Actor

	whole *rootkeep.Event // instead of all but Time
}

// Actor is who made a call.
type Actor struct {
	Type, Account, ARN, Principal, AccessKeyID, Session tally.Number
}

// Whole is an event as it is.
func Whole(e *rootkeep.Event) Piece { return Piece{Time: e.Time.Unix(), whole: e} }

// Event is what the piece stands for.
func (p *Piece) Event(names *tally.Names) rootkeep.Event {
	if p.whole != nil {
		return *p.whole
	}
	return rootkeep.Event{
		Time: time.Unix(p.Time, 0).UTC(), ID: p.ID.String(), Name: names.Text(p.Name), Source: names.Text(p.Source),
		Account: rootkeep.AccountID(names.Text(p.Account)), Region: rootkeep.Region(names.Text(p.Region)),
		Actor:   p.Actor.of(names),
		Address: names.Text(p.Address), Agent: names.Text(p.Agent), ErrorCode: names.Text(p.ErrorCode), Target: names.Text(p.Target),
		File: p.File, Offset: p.Offset,
	}
}

func (a *Actor) of(names *tally.Names) rootkeep.Actor {
	return rootkeep.Actor{
		Type: names.Text(a.Type), Account: rootkeep.AccountID(names.Text(a.Account)), ARN: names.Text(a.ARN),
		Principal: names.Text(a.Principal), AccessKeyID: names.Text(a.AccessKeyID), Session: names.Text(a.Session),
	}
}

// Numbered says that every text has a number; a piece of which that is not so has to be
// Whole.
func (p *Piece) Numbered() bool {
	for _, n := range p.texts() {
		if *n == tally.Others {
			return false
		}
	}
	return true
}

func (p *Piece) texts() [14]*tally.Number {
	a := &p.Actor
	return [...]*tally.Number{
		&p.Name, &p.Source, &p.Account, &p.Region, &p.Address, &p.Agent, &p.ErrorCode, &p.Target,
		&a.Type, &a.Account, &a.ARN, &a.Principal, &a.AccessKeyID, &a.Session,
	}
}

// renumber makes the numbers those that to has for them; what has none there stays whole.
func (p *Piece) renumber(from *tally.Names, to []tally.Number) {
	if p.whole != nil {
		return
	}
	now := *p
	for _, n := range now.texts() {
		*n = to[*n]
	}
	if !now.Numbered() {
		e := p.Event(from)
		now = Whole(&e)
	}
	*p = now
}

// compare orders evidence by time, then by ID, so that the order of files does not show.
func (p *Piece) compare(o *Piece) int {
	if c := cmp.Compare(p.Time, o.Time); c != 0 {
		return c
	}
	if p.whole == nil && o.whole == nil {
		return cmp.Or(bytes.Compare(p.ID[:], o.ID[:]), cmp.Compare(p.File, o.File), cmp.Compare(p.Offset, o.Offset))
	}
	return CompareEvents(p.place(), o.place())
}

// place has of an event what evidence is ordered by.
func (p *Piece) place() *rootkeep.Event {
	if p.whole != nil {
		return p.whole
	}
	return &rootkeep.Event{Time: time.Unix(p.Time, 0).UTC(), ID: p.ID.String(), File: p.File, Offset: p.Offset}
}

// CompareEvents orders evidence by time, then by ID.
func CompareEvents(a, b *rootkeep.Event) int {
	return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID), cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset))
}

// Keep files one event of evidence: the earliest stay.
func (r *Span) Keep(p Piece) {
	i, found := slices.BinarySearchFunc(r.Events, p, func(a, b Piece) int { return a.compare(&b) })
	if found || i == Evidence {
		return
	}
	if p.whole != nil {
		r.wholes++
	}
	if r.Events == nil {
		r.Events = make([]Piece, 0, Evidence+1)
	}
	if r.Events = slices.Insert(r.Events, i, p); len(r.Events) > Evidence {
		if r.Events[Evidence].whole != nil {
			r.wholes--
		}
		r.Events = slices.Delete(r.Events, Evidence, len(r.Events))
	}
}

// Wants says whether an event at this time would be among the evidence, so that
// the caller builds only what is kept.
func (r *Span) Wants(t int64) bool { return t <= r.Shown() }

// Shown is the time up to which events would be among the evidence.
func (r *Span) Shown() int64 {
	if len(r.Events) < Evidence {
		return math.MaxInt64
	}
	return r.Events[Evidence-1].Time
}
