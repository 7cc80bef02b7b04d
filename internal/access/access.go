// Package access governs the use of root users: a task and a request go in, and what has
// to be asked, who takes part and what may happen when comes out. Whether what happened
// was covered is decided by package reconcile below.
package access

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
)

// Kind is what a request is for.
type Kind string

// The kinds.
const (
	Use   Kind = "use"
	Drill Kind = "drill" // an exercise: its events end as rootkeep.Drill
)

// Path is how root is used.
type Path string

// The paths. A session of sts:AssumeRoot needs no credential of the root user and carries
// the ID of the request; a sign-in needs what a custodian keeps.
const (
	Assumed Path = "assumed"
	SignIn  Path = "sign-in"
)

// Change is a change that the request is for: approving the request approves that plan.
// On the path Assumed there are some; on the path SignIn there is one where the member has
// no password, of the kind RecoveryAllow.
type Change struct {
	Account rootkeep.AccountID `json:"account"`
	ID      string             `json:"id"` // CH-...
	Plan    approval.Hash      `json:"plan_sha256"`
}

// Request is what is asked for: its members are in the order of their names. Requester and
// approvers are not part of it, but of the approval.Request around it.
type Request struct {
	Accounts      []rootkeep.AccountID `json:"accounts"`  // in order; one, except for several changes
	Changes       []Change             `json:"changes"`   // in the order in which they are applied
	Checklist     []Item               `json:"checklist"` // as it was when this was asked for
	Custodian     string               `json:"custodian"` // ID of the person who hands the credential out; "" on the path Assumed
	Events        []string             `json:"events"`    // what the task does: "SOURCE NAME", where NAME may end in *
	From          time.Time            `json:"from"`      // the first moment of the window
	Justification string               `json:"justification"`
	Kind          Kind                 `json:"kind"`
	Networks      []netip.Prefix       `json:"networks"` // where it will be done from; none on the path Assumed
	Path          Path                 `json:"path"`
	Schema        string               `json:"schema"`
	Session       int                  `json:"session_seconds"` // how long a session lasts at most
	Task          string               `json:"task"`            // its ID
	TaskHash      approval.Hash        `json:"task_sha256"`
	Ticket        string               `json:"ticket"` // "" for none
	Title         string               `json:"title"`  // of the task
	Until         time.Time            `json:"until"`  // the first moment behind the window
}

// RequestSchema names the canonical JSON of a request for root, RequestKind the kind of
// the approval.Request around it, and Prefix what its ID begins with.
const (
	RequestSchema = "rootkeep/root-request/1"
	RequestKind   = "root"
	Prefix        = "RR"
)

// Bounds of a request.
const (
	UsualSession  = 15 * time.Minute
	LongestWindow = 24 * time.Hour
	Ahead         = 30 * 24 * time.Hour // from the request to the end of the window
	mostAccounts  = 1000
	mostNetworks  = 20
	mostEvents    = 200
	mostItems     = 100
)

// Bounds of an override: a request that goes on without approvals.
const (
	OverrideWindow = time.Hour      // from the signature, or from the beginning of the window that was asked for
	ReviewWithin   = 24 * time.Hour // by somebody who took no part
)

// Bytes is the canonical JSON of the request.
func (r *Request) Bytes() ([]byte, error) { return approval.Encode(r) }

// ParseRequest reads the canonical JSON of a request, and nothing else.
func ParseRequest(text []byte) (*Request, error) {
	r := &Request{}
	if err := approval.Parse(text, "request for root", r); err != nil {
		return nil, err
	}
	return r, r.Check()
}

var (
	changeID = regexp.MustCompile(`^CH-[0-9A-Z]{1,40}$`)
	personID = regexp.MustCompile(`^[A-Z]{2}-[0-9A-Z]{1,40}$`)
	taskID   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	scope    = regexp.MustCompile(`^[a-z0-9.-]{1,100}\.amazonaws\.com ([A-Za-z0-9]{1,128}\*?|\*)$`)
)

// Check refuses a request that cannot be read in one way, or asks for what nobody could
// judge afterwards.
func (r *Request) Check() error {
	if r.Schema != RequestSchema {
		return fmt.Errorf("request for root: schema %q, want %s", r.Schema, RequestSchema)
	}
	return cmp.Or(r.checkWhat(), r.checkWhere(), r.checkWhen(), r.checkTexts())
}

func (r *Request) checkWhat() error {
	switch {
	case r.Accounts == nil || r.Changes == nil || r.Checklist == nil || r.Events == nil || r.Networks == nil:
		return errors.New("request for root: a list that is empty is written as one")
	case r.Kind != Use && r.Kind != Drill:
		return fmt.Errorf("request for root: kind %q, want %s or %s", r.Kind, Use, Drill)
	case !taskID.MatchString(r.Task):
		return fmt.Errorf("request for root: task %q: want the ID of a task; hint: rootkeep root tasks list", r.Task)
	case r.Path == Assumed && (len(r.Changes) == 0 || r.Custodian != "" || len(r.Networks) > 0):
		return errors.New("request for root: a session of sts:AssumeRoot is for changes, and has neither custodian nor networks")
	case r.Path == SignIn && (len(r.Changes) > 1 || !personID.MatchString(r.Custodian) || len(r.Networks) == 0):
		return errors.New("request for root: a sign-in needs a custodian and the networks it comes from, and is for no change but one that lets the password be made")
	case r.Path != Assumed && r.Path != SignIn:
		return fmt.Errorf("request for root: path %q, want %s or %s", r.Path, Assumed, SignIn)
	case len(r.Events) == 0 || len(r.Events) > mostEvents:
		return fmt.Errorf("request for root: %d events in scope, want 1 to %d", len(r.Events), mostEvents)
	case len(r.Checklist) > mostItems:
		return fmt.Errorf("request for root: a checklist of %d items, at most %d", len(r.Checklist), mostItems)
	}
	for _, e := range r.Events {
		if !scope.MatchString(e) {
			return fmt.Errorf("request for root: event %q: want a source and a name, such as iam.amazonaws.com DeleteLoginProfile", e)
		}
	}
	return nil
}

func (r *Request) checkWhere() error {
	if len(r.Accounts) == 0 || len(r.Accounts) > mostAccounts || len(r.Accounts) > 1 && r.Path != Assumed {
		return fmt.Errorf("request for root: %d accounts, want one", len(r.Accounts))
	}
	if !slices.IsSorted(r.Accounts) || len(slices.Compact(slices.Clone(r.Accounts))) < len(r.Accounts) {
		return errors.New("request for root: accounts are not in order, or twice")
	}
	for _, a := range r.Accounts {
		if _, err := rootkeep.ParseAccountID(string(a)); err != nil {
			return fmt.Errorf("request for root: %w", err)
		}
	}
	for i, c := range r.Changes {
		switch {
		case !changeID.MatchString(c.ID):
			return fmt.Errorf("request for root: change %q: want an ID that begins with CH-", c.ID)
		case !slices.Contains(r.Accounts, c.Account):
			return fmt.Errorf("request for root: change %s is of account %s, which is not asked for", c.ID, c.Account)
		case slices.ContainsFunc(r.Changes[:i], func(o Change) bool { return o.ID == c.ID }):
			return fmt.Errorf("request for root: change %s twice", c.ID)
		}
	}
	if len(r.Networks) > mostNetworks {
		return fmt.Errorf("request for root: %d networks, at most %d", len(r.Networks), mostNetworks)
	}
	for _, n := range r.Networks {
		if !n.IsValid() || n.Masked() != n || n.Bits() < 8 {
			return fmt.Errorf("request for root: network %s: want a range such as 198.51.100.0/24, of 8 fixed bits or more", n)
		}
	}
	return nil
}

func (r *Request) checkWhen() error {
	session := time.Duration(r.Session) * time.Second
	switch {
	case !whole(r.From) || !whole(r.Until) || !r.From.Before(r.Until):
		return fmt.Errorf("request for root: window %s to %s: want two moments of whole seconds, UTC", r.From, r.Until)
	case r.Until.Sub(r.From) > LongestWindow:
		return fmt.Errorf("request for root: a window of %s, at most %s", r.Until.Sub(r.From), LongestWindow)
	case session < time.Minute || session > r.Until.Sub(r.From):
		return fmt.Errorf("request for root: a session of %s, want a minute or more, within the window", session)
	}
	return nil
}

func (r *Request) checkTexts() error {
	for _, t := range []struct {
		name, text string
		longest    int
	}{{"title", r.Title, 200}, {"justification", r.Justification, 2000}} {
		if err := approval.CheckText(t.name, t.text, t.longest); err != nil {
			return fmt.Errorf("request for root: %w", err)
		}
	}
	if r.Ticket != "" {
		if err := approval.CheckText("ticket", r.Ticket, 200); err != nil {
			return fmt.Errorf("request for root: %w", err)
		}
	}
	for i := range r.Checklist {
		if err := r.Checklist[i].check(); err != nil {
			return fmt.Errorf("request for root: %w", err)
		}
		if slices.ContainsFunc(r.Checklist[:i], func(o Item) bool { return o.ID == r.Checklist[i].ID }) {
			return fmt.Errorf("request for root: item %q twice", r.Checklist[i].ID)
		}
	}
	return nil
}

// whole says whether a time is one that its JSON gives back.
func whole(t time.Time) bool {
	return t.Location() == time.UTC && t.Nanosecond() == 0 && t.Year() >= 2000 && t.Year() <= 9999
}

// Action is the line that statements carry.
func (r *Request) Action() string {
	on := string(r.Accounts[0])
	if n := len(r.Accounts); n > 1 {
		on = fmt.Sprintf("%d accounts", n)
	}
	if r.CleanUp() != nil {
		on += ", whose password is made for it and deleted,"
	}
	word := "use root of " + on
	if r.Kind == Drill {
		word = "practise root of " + on
	}
	return word + " for " + r.Task
}

// Kinds of change that make the password of a member's root user for one sign-in, and
// take away what there is after it.
const (
	RecoveryAllow = "root-recovery-allow"
	RecoveryClose = "root-recovery-close"
	DeleteAll     = "root-credentials-delete"
)

// CleanUp are the kinds of change that are approved with the request, besides the plans
// that it names, once what it names was begun: those that take away what it opened. Their
// plans are made at the end, of what is there then, so that nobody can have signed them.
func (r *Request) CleanUp() []string {
	if r.Path != SignIn || len(r.Changes) == 0 {
		return nil
	}
	return []string{RecoveryClose, DeleteAll}
}

// CleanUpFor is how long after its window what a request opened may be taken away under it.
const CleanUpFor = 24 * time.Hour

// Covers says whether an event is in the scope of the task.
func (r *Request) Covers(source, name string) bool { return Covers(r.Events, source, name) }

// Covers says whether one of the patterns of a scope, "SOURCE NAME", takes an event.
func Covers(events []string, source, name string) bool {
	for _, e := range events {
		of, pattern, _ := strings.Cut(e, " ")
		if of != source {
			continue
		}
		if begin, open := strings.CutSuffix(pattern, "*"); open && strings.HasPrefix(name, begin) || pattern == name {
			return true
		}
	}
	return false
}

// Equal says whether two requests are the same to the byte.
func (r *Request) Equal(o *Request) bool {
	a, err := r.Bytes()
	b, other := o.Bytes()
	return err == nil && other == nil && bytes.Equal(a, b)
}
