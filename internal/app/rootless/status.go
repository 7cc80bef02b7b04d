package rootless

import (
	"fmt"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/store/changes"
)

// Word is where an account is.
type Word string

// The words.
const (
	Waits    Word = "waits"    // nothing was done yet
	Working  Word = "working"  // at this moment
	HalfWay  Word = "half-way" // some of it is gone, or may be, and some is not
	Opened   Word = "open"     // a password can be made for a sign-in, and nobody has taken it away again
	Deleted  Word = "deleted"  // and nobody has looked again
	Proven   Word = "proven"   // an audit after it found nothing
	Back     Word = "back"     // an audit after it found credentials
	Ended    Word = "ended"    // nothing was done, and nothing will be
	NotKnown Word = "not known"
	// Of accounts that no change is of:
	Refused   Word = "refused"  // what stands in the way is named
	Holds     Word = "holds"    // an audit found credentials
	LeftAlone Word = "left out" // nothing was to be taken, or nothing can be
)

// Line is where one account is.
type Line struct {
	Account rootkeep.AccountID
	Change  string // ID
	Word    Word
	Why     string // what is to be done, or what kept it; hostile text
}

// Status is where all of them are.
type Status struct {
	Lines []Line
	Count map[Word]int
}

// Whole says whether every account is proven to have nothing.
func (s *Status) Whole() bool { return len(s.Lines) > 0 && s.Count[Proven] == len(s.Lines) }

// Open says whether an account needs somebody: it is half-way or open, or has what was taken
// away.
func (s *Status) Open() bool {
	return s.Count[HalfWay]+s.Count[Opened]+s.Count[Back]+s.Count[NotKnown] > 0
}

// StatusOf is where the changes of a request are. calls is how many calls of each were
// made, by its ID; proofs are the audits that were made, the newest of an account counts.
func StatusOf(list []*changes.Change, calls map[string]int, proofs []Holding) *Status {
	newest := map[rootkeep.AccountID]Holding{}
	for _, p := range proofs {
		if old, there := newest[p.Account]; !there || !p.At.Before(old.At) {
			newest[p.Account] = p
		}
	}
	s := &Status{Count: map[Word]int{}}
	for _, c := range list {
		if c.Kind == access.RecoveryAllow && closed(list, c) {
			continue // the line of what closed it tells
		}
		l := Line{Account: c.Account, Change: c.ID}
		l.Word, l.Why = where(c, calls[c.ID])
		if p, there := newest[c.Account]; there && l.Word == Deleted {
			l.Word, l.Why = proven(c, &p)
		}
		s.Lines = append(s.Lines, l)
		s.Count[l.Word]++
	}
	return s
}

// closed says whether another change took away what one opened.
func closed(list []*changes.Change, opening *changes.Change) bool {
	return slices.ContainsFunc(list, func(c *changes.Change) bool {
		return c.Account == opening.Account && c.For == opening.For && c.Kind != opening.Kind && c.State == changes.Applied && c.Begun.After(opening.Begun)
	})
}

// where is where a change is, without an audit.
func where(c *changes.Change, made int) (Word, string) {
	if c.Kind == access.RecoveryAllow && (made > 0 || c.Doubt || c.State == changes.Applied || c.State == changes.Unverified) {
		return Opened, "whoever reads the mailbox of its root user can make a password; hint: rootkeep change plan " + access.DeleteAll + " --account " + string(c.Account) + " --for " + c.For
	}
	switch c.State {
	case changes.Planned, changes.Requested, changes.Approved:
		return Waits, "it is " + string(c.State)
	case changes.Applying:
		return Working, fmt.Sprintf("%d calls were made", made)
	case changes.Applied:
		return Deleted, "hint: audit it"
	case changes.Stopped:
		if made == 0 && !c.Doubt {
			return Waits, "it stopped before the first call: " + c.Why
		}
		return HalfWay, fmt.Sprintf("it stopped after %d calls: %s; hint: go on with %s while the window of %s is open, or give it up and plan what is left under another request", made, c.Why, c.ID, c.For)
	case changes.Refused, changes.Denied, changes.Expired, changes.Withdrawn:
		return Ended, "it is " + string(c.State)
	}
	return HalfWay, fmt.Sprintf("it is %s: %s; hint: audit the account, and plan what is left under another request", c.State, c.Why)
}

// proven is what an audit says of an account whose change was applied.
func proven(c *changes.Change, p *Holding) (Word, string) {
	switch {
	case !p.At.After(c.Ended):
		return Deleted, "the last audit was before it; hint: audit it"
	case p.Unknown != "":
		return NotKnown, p.Unknown
	case !p.Absent():
		return Back, "its root user has " + p.String() + "; hint: plan another deletion"
	}
	return Proven, ""
}
