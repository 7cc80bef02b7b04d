// Package incident is what a case goes through: it is opened by a cause, gathers events,
// gets an owner and notes, and is closed with a reason. A case and an act go in; the case
// as it is then, with one more line of history, comes out. It asks no clock and no store.
package incident

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
)

// Prefix is what IDs of cases begin with.
const Prefix = "CS"

// State is where a case stands.
type State string

// The states.
const (
	Open   State = "open"
	Closed State = "closed"
)

// ParseState reads a state.
func ParseState(s string) (State, error) {
	if v := State(s); v == Open || v == Closed {
		return v, nil
	}
	return "", fmt.Errorf("state %q: want open or closed", s)
}

// Act is what a line of the history tells of.
type Act string

// The acts. Each is the second word of an entry of the ledger.
const (
	Opened    Act = "opened"
	Added     Act = "added"
	Reopened  Act = "reopened"
	Explained Act = "explained" // what it was opened for has an explanation by now
	Assigned  Act = "assigned"
	Noted     Act = "noted"
	Ended     Act = "closed"
)

// Line is one line of the history of a case. Its members are in the order of their names.
type Line struct {
	About string    `json:"about"` // for people; may hold what they typed
	Act   Act       `json:"act"`
	At    time.Time `json:"at"`
	By    string    `json:"by"` // ID of a person, or system
}

// Case is something that people have to look at.
type Case struct {
	ID       string
	Cause    string // what it was opened by: two cases never have the same
	Severity rootkeep.Severity
	Account  rootkeep.AccountID
	Title    string
	Request  string   // RR-..., "" if there is none
	Parties  []string // IDs of persons who took part in what it is about: they do not close it
	Events   int      // how many it holds
	State    State
	Owner    string    // ID of a person, "" if there is none
	Opened   time.Time // the first time
	Closed   time.Time // zero while it is open
	Reason   string    // why it was closed, "" while it is open
	History  []Line    // the earliest first
}

// Errors that a caller branches on.
var (
	// ErrState is an act that the state of the case does not allow.
	ErrState = errors.New("not in this state")
	// ErrParty is somebody who took part in what the case is about, and would close it.
	ErrParty = errors.New("took part in what the case is about; hint: somebody else closes it")
	// ErrInvalid is an act that says too little, or too much.
	ErrInvalid = errors.New("cannot be taken")
)

// system is who acts where nobody does.
const system = "system"

// Bounds of what people write.
const (
	longest = 2000 // bytes of a note or a reason
	mostOwn = 1000 // lines of one case
)

// ID is that of the case with a cause: the same cause gives the same case, however often
// it is told.
func ID(cause string) string {
	h := sha256.Sum256([]byte(cause))
	return Prefix + "-" + base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(h[:])[:16]
}

// Finding is what opens a case, or adds to one.
type Finding struct {
	Cause    string
	Severity rootkeep.Severity
	Account  rootkeep.AccountID
	Title    string // of rootkeep's own words
	Request  string
	Parties  []string
	Events   int    // that the case does not hold yet
	About    string // what happened, of rootkeep's own words
}

// New opens a case.
func New(f Finding, now time.Time) *Case {
	c := &Case{
		ID: ID(f.Cause), Cause: f.Cause, Severity: f.Severity, Account: f.Account, Title: f.Title, Request: f.Request, Parties: f.parties(nil),
		Events: f.Events, State: Open, Opened: now,
	}
	c.say(Opened, system, f.About, now)
	return c
}

func (f *Finding) parties(known []string) []string {
	all := append(slices.Clone(known), f.Parties...)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(p string) bool { return p == "" })
}

func (c *Case) say(act Act, by, about string, now time.Time) {
	c.History = append(c.History, Line{about, act, now, by})
}

// Take adds what was found later, and opens the case again if it was closed: it is nobody's
// then. It is false if that changes nothing: what was told before is told again.
func (c *Case) Take(f Finding, now time.Time) bool {
	parties := f.parties(c.Parties)
	if f.Events == 0 && f.Severity <= c.Severity && len(parties) == len(c.Parties) && cmp.Or(f.Request, c.Request) == c.Request {
		return false
	}
	c.Severity, c.Parties, c.Events, c.Request = max(c.Severity, f.Severity), parties, c.Events+f.Events, cmp.Or(c.Request, f.Request)
	if c.State == Closed && f.Events > 0 {
		c.reopen(f.About, now)
	} else {
		c.say(Added, system, f.About, now)
	}
	return true
}

// reopen opens the case again. Nobody has it then: whoever had it said that it is over.
func (c *Case) reopen(about string, now time.Time) {
	c.State, c.Owner, c.Closed, c.Reason = Open, "", time.Time{}, ""
	c.say(Reopened, system, about, now)
}

// Reopening says when the case was last opened again, and who had it until then: the zero time
// and "" if it never was, or nobody had it.
func (c *Case) Reopening() (at time.Time, had string) {
	for _, l := range slices.Backward(c.History) {
		switch {
		case l.Act == Reopened && !at.IsZero():
			return at, "" // who had it before that lost it then
		case l.Act == Reopened:
			at = l.At
		case !at.IsZero() && l.Act == Assigned:
			return at, l.About
		}
	}
	return at, ""
}

// Explain notes that everything the case was opened for is explained by now. It closes the
// case unless somebody has taken it: then that is for them to do. It is false for a case
// that is closed.
func (c *Case) Explain(about string, now time.Time) bool {
	if c.State == Closed {
		return false
	}
	c.say(Explained, system, about, now)
	if c.Owner == "" {
		c.close(system, about, now)
	}
	return true
}

// Again opens a closed case again, because what was said when it was closed holds no more:
// it is nobody's then. It is false for a case that is open.
func (c *Case) Again(about string, now time.Time) bool {
	if c.State == Open {
		return false
	}
	c.reopen(about, now)
	return true
}

// Tell notes what happened to what the case is about, of rootkeep's own words.
func (c *Case) Tell(about string, now time.Time) { c.say(Noted, system, about, now) }

// Assign gives the case to a person.
func (c *Case) Assign(owner, by string, now time.Time) error {
	switch {
	case c.State != Open:
		return fmt.Errorf("case %s is %s, and is given to nobody: %w", c.ID, c.State, ErrState)
	case owner == "" || owner == c.Owner:
		return fmt.Errorf("case %s is to be given to somebody who has it not: %w", c.ID, ErrInvalid)
	}
	if err := c.bounded(); err != nil {
		return err
	}
	c.Owner = owner
	c.say(Assigned, by, owner, now)
	return nil
}

// Note adds what a person writes, also to a case that is closed.
func (c *Case) Note(text, by string, now time.Time) error {
	if err := approval.CheckText("note", text, longest); err != nil {
		return fmt.Errorf("case %s: %w: %w", c.ID, ErrInvalid, err)
	}
	if err := c.bounded(); err != nil {
		return err
	}
	c.say(Noted, by, text, now)
	return nil
}

// Close ends the case with a reason. Somebody has to have it by then, and whoever took
// part in what it is about does not close it.
func (c *Case) Close(reason, by string, now time.Time) error {
	switch {
	case c.State != Open:
		return fmt.Errorf("case %s is %s: %w", c.ID, c.State, ErrState)
	case slices.Contains(c.Parties, by):
		return fmt.Errorf("case %s: %s %w", c.ID, by, ErrParty)
	case c.Owner == "":
		return fmt.Errorf("case %s has no owner, and nobody answers for what it came to: %w; hint: assign it first", c.ID, ErrState)
	}
	if err := approval.CheckText("reason", reason, longest); err != nil {
		return fmt.Errorf("case %s: %w: %w", c.ID, ErrInvalid, err)
	}
	c.close(by, reason, now)
	return nil
}

func (c *Case) close(by, reason string, now time.Time) {
	c.State, c.Closed, c.Reason = Closed, now, reason
	c.say(Ended, by, reason, now)
}

// bounded refuses one more line of a person. Those of rootkeep are not counted: whoever
// causes many events must not keep people from saying what they came to.
func (c *Case) bounded() error {
	n := 0
	for _, l := range c.History {
		if l.By != system {
			n++
		}
	}
	if n >= mostOwn {
		return fmt.Errorf("case %s has %d lines by people, and takes no more: %w; hint: close it", c.ID, n, ErrInvalid)
	}
	return nil
}
