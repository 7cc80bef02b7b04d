// Package alert is what an alert goes through: it is seen, grows and escalates; people
// acknowledge, assign, snooze and close it with a reason. An alert, what was seen or what
// somebody does, and the time go in; the alert as it is then, with one more line of history,
// comes out. It asks no clock and no store.
package alert

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Prefix is what IDs of alerts begin with.
const Prefix = "AL"

// Sighting is an alert as the detection of live events sees it now.
type Sighting struct {
	Key      string   // stays the same while the alert grows
	Absorbed []string // keys of alerts that a late event joined into this one
	Gone     bool     // late events showed that what it rests on never held
	DryRun   bool     // its rules are on trial: it is kept, and nobody is told
	// Of a finding of another service, which comes in any order:
	Over  string    // why it is over there, "" while it holds
	Heard time.Time // when the service said so; zero for what rootkeep saw itself
	rootkeep.Alert
}

// FindingKind is the kind of an alert that another service found.
const FindingKind = "finding"

// Volume is how much a rule found in an hour.
type Volume struct {
	Rule    string // its name
	Hour    int64  // since 1970
	Matches int
	Alerts  int
}

// State is where an alert stands.
type State string

// The states.
const (
	New          State = "new"
	Acknowledged State = "acknowledged"
	Snoozed      State = "snoozed"
	Closed       State = "closed"
)

// States lists them.
func States() []State { return []State{New, Acknowledged, Snoozed, Closed} }

// ParseState reads a state.
func ParseState(s string) (State, error) {
	if v := State(s); slices.Contains(States(), v) {
		return v, nil
	}
	return "", fmt.Errorf("state %q: want new, acknowledged, snoozed or closed", s)
}

// Mute is why nobody is told of an alert.
type Mute string

// The reasons. An alert without one is told.
const (
	ByHunt        Mute = "hunt"        // a hunt through old logs found it, and whoever hunted has seen it
	ByDryRun      Mute = "dry-run"     // its rules are on trial
	BySuppression Mute = "suppression" // Alert.MutedBy is the suppression
	ByStorm       Mute = "storm"       // Alert.MutedBy is the alert that stands for all of them
	ByCase        Mute = "case"        // Alert.Case is told already, and is as severe
)

// Act is what a line of the history tells of.
type Act string

// The acts. Each but Grown is the second word of an entry of the ledger.
const (
	Opened    Act = "opened"
	Grown     Act = "grown" // a storm, to twice what it was
	Escalated Act = "escalated"
	Reopened  Act = "reopened"
	Woken     Act = "woken"  // it was snoozed, and is not any more
	Linked    Act = "linked" // to the case of a root user
	Seen      Act = "acknowledged"
	Assigned  Act = "assigned"
	Put       Act = "snoozed"
	Ended     Act = "closed"
	Tagged    Act = "tagged"
)

// Line is one line of the history of an alert. Its members are in the order of their names.
type Line struct {
	About string    `json:"about"` // for people; may hold what they typed
	Act   Act       `json:"act"`
	At    time.Time `json:"at"`
	By    string    `json:"by"` // ID of a person or a machine, or system
}

// System is who acts where nobody does.
const System = "system"

// Alert is an alert and what became of it.
type Alert struct {
	ID    string // AL-...: stays the same while it grows
	Key   string // of its sightings, "" for one that only hunts told of
	Found rootkeep.Alert
	Heard time.Time // of a finding of another service: when that said what is known last
	Over  bool      // of such a finding: it is over there
	State State
	Owner string // ID of a person, "" if there is none

	Muted   Mute
	MutedBy string // suppression or storm, "" if there is none

	Case    string           // CS-... of the same use of root, "" if there is none
	Request string           // RR-... or SC-... that explains it, "" if there is none
	Verdict rootkeep.Verdict // of the worst of its root events, "" if there is none

	Tags      []string  // in order
	Untagged  bool      // there was no room for all that settings and rules say
	Urgent    bool      // of a storm: a member may not be suppressed, so that quiet hours hold neither
	Opened    time.Time // the first time
	Told      time.Time // the last time that people were told of it; zero for never
	Due       time.Time // when it escalates unless somebody has acknowledged it; zero for never
	Until     time.Time // end of the snooze
	Closed    time.Time
	Escalated int       // how often by time, since it was opened, opened again or became more severe
	Decided   time.Time // when a person last did something
	By        string    // who that was
	Reason    string    // what they said
	History   []Line    // as far as it was read, the earliest first, and what came since
}

// Errors that a caller branches on.
var (
	// ErrState is an act that the state of the alert does not allow.
	ErrState = errors.New("not in this state")
	// ErrInvalid is an act that says too little, or too much.
	ErrInvalid = errors.New("cannot be taken")
)

// Open makes the alert of a sighting.
func Open(s *Sighting, id string, now time.Time) *Alert {
	a := &Alert{ID: id, Key: s.Key, Found: s.Alert, Heard: s.Heard, State: New, Opened: now}
	a.Found.ID = id
	if s.DryRun {
		a.Muted = ByDryRun
	}
	a.Say(Opened, System, about(&a.Found), now)
	return a
}

// Say adds a line to the history.
func (a *Alert) Say(act Act, by, about string, now time.Time) {
	a.History = append(a.History, Line{about, act, now, by})
}

// about is what a sighting comes to, of rootkeep's own words.
func about(f *rootkeep.Alert) string {
	var names []string
	for _, r := range f.Rules {
		names = append(names, r.Name)
	}
	const shown = 5
	if more := len(names) - shown; more > 0 {
		names = append(names[:shown], fmt.Sprintf("and %d more", more))
	}
	out := fmt.Sprintf("%s, events: %d", f.Level, f.Count)
	if len(names) > 0 {
		out += ", rules: " + strings.Join(names, ", ")
	}
	return out
}

// escalatedState is what detection calls an alert that crossed its second threshold.
const escalatedState = "escalated"

// Crossed says whether an alert crossed the second threshold of its rule.
func Crossed(f *rootkeep.Alert) bool { return f.State == escalatedState }

// Worse says whether the alert became more severe than it was: its level rose, or it crossed
// a second threshold.
func Worse(was, is *rootkeep.Alert) bool {
	return is.Level > was.Level || Crossed(is) && !Crossed(was)
}

// Grow takes in what was seen later, and is false if that says nothing new. One that became
// more severe escalates, whoever had acknowledged or snoozed it. One that was closed opens
// again when it holds more events than it did: also when they happened before the close,
// because whoever closed it did not know of them. So does a finding that was over meanwhile
// where it was found, as whoever closed it did so of what is past, and one that was part of
// another and is seen by itself again.
func (a *Alert) Grow(s *Sighting, now time.Time) bool {
	was := a.Found
	more, worse := s.Count > was.Count, Worse(&was, &s.Alert)
	back := a.State == Closed && (a.Reason == Withdrawn || a.Over) || a.overElsewhere() || a.part()
	if !back && same(&was, &s.Alert) && !s.Heard.After(a.Heard) {
		return false
	}
	a.Extend(s)
	switch {
	case back:
		a.open(Reopened, "it holds after all: "+about(&a.Found), now)
	case a.State == Closed && (more || worse):
		a.open(Reopened, fmt.Sprintf("%d further events after it was closed (%s): %s", max(0, s.Count-was.Count), firstLine(a.Reason), about(&a.Found)), now)
	case worse && a.State != Closed:
		a.Escalate(fmt.Sprintf("%s became %s", rise(&was), rise(&a.Found)), now)
		a.Escalated = 0 // by time it does so anew: nobody has heard of what it is
	}
	return true
}

// Extend takes in what was seen later, and leaves everything else as it is.
func (a *Alert) Extend(s *Sighting) {
	a.Found, a.Heard, a.Over = s.Alert, s.Heard, false
	a.Found.ID = a.ID
}

// Again makes an alert new that was acknowledged, snoozed or closed, because what that was
// said of holds no more. It is false for one that is new.
func (a *Alert) Again(about string, now time.Time) bool {
	if a.State == New {
		return false
	}
	a.open(Reopened, about, now)
	return true
}

// same compares what growth can change besides counts: with late events the first one moves,
// with new lists the addresses do, and a source that had one fault has another.
func same(was, is *rootkeep.Alert) bool {
	return was.First.Equal(is.First) && was.Last.Equal(is.Last) && was.Count == is.Count && was.Level == is.Level && was.State == is.State && len(was.Rules) == len(is.Rules) && was.Title == is.Title &&
		was.Account == is.Account && was.Several == is.Several && slices.Equal(was.Accounts, is.Accounts) && slices.Equal(was.Notes, is.Notes)
}

func rise(f *rootkeep.Alert) string {
	if Crossed(f) {
		return fmt.Sprintf("%s (second threshold, %d events)", f.Level, f.Count)
	}
	return fmt.Sprintf("%s (%d events)", f.Level, f.Count)
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	const longest = 80
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest]) + "..."
	}
	return s
}

// open makes the alert new again: it escalates as if it had never done so.
func (a *Alert) open(act Act, about string, now time.Time) {
	a.State, a.Closed, a.Until, a.Reason, a.Escalated = New, time.Time{}, time.Time{}, "", 0
	a.Say(act, System, about, now)
}

// Escalate has the alert told to those above. Whoever acknowledged or snoozed it did so when
// it was less, so that it is new again; its owner stays.
func (a *Alert) Escalate(about string, now time.Time) {
	a.State, a.Until = New, time.Time{}
	a.Escalated++
	a.Say(Escalated, System, about, now)
}

// Wake ends a snooze whose time is over. It is false for an alert that is not snoozed, or
// still is.
func (a *Alert) Wake(now time.Time) bool {
	if a.State != Snoozed || now.Before(a.Until) {
		return false
	}
	a.open(Woken, "the snooze is over", now)
	return true
}

// End closes the alert by itself. It is false for one that is closed.
func (a *Alert) End(reason string, now time.Time) bool {
	if a.State == Closed {
		return false
	}
	a.end(System, reason, now)
	return true
}

func (a *Alert) end(by, reason string, now time.Time) {
	a.State, a.Closed, a.Reason, a.Until, a.Due = Closed, now, reason, time.Time{}, time.Time{}
	a.Say(Ended, by, reason, now)
}

// Explained begins the reason of a root user's alert all of whose events have an
// explanation.
const Explained = "explained: "

// ByExplanation says whether that is why the alert closed, by itself: whoever closes one is
// the last who decided.
func (a *Alert) ByExplanation() bool {
	return a.State == Closed && strings.HasPrefix(a.Reason, Explained) && !a.Decided.Equal(a.Closed)
}

// Withdrawn is why an alert is closed whose condition never held.
const Withdrawn = "withdrawn: late events showed that the condition never held"

// PartOf is why an alert is closed that a late event joined into another one.
func PartOf(id string) string { return "part of " + id + joint }

const joint = ": a late event joined them"

// part says whether that is why the alert closed, by itself.
func (a *Alert) part() bool {
	return a.State == Closed && strings.HasSuffix(a.Reason, joint) && !a.Decided.Equal(a.Closed)
}

// Elsewhere begins the reason of an alert that is closed because its finding is over where
// it was found.
const Elsewhere = "over: "

func (a *Alert) overElsewhere() bool {
	return a.State == Closed && strings.HasPrefix(a.Reason, Elsewhere) && !a.Decided.Equal(a.Closed)
}

// Finish closes the alert of a finding that is over where it was found, and notes that it is.
// It is false if that says nothing new.
func (a *Alert) Finish(s *Sighting, now time.Time) bool {
	news := !a.Over || s.Heard.After(a.Heard)
	a.Heard, a.Over = s.Heard, true
	return a.End(Elsewhere+s.Over, now) || news
}

// Stale says whether a finding of another service is older than what is known of it. Of what
// was said at one moment the last that came holds: that it is over, or that it is not. One that
// ended before it was kept when the service said so was over by the time that it ended here.
func (a *Alert) Stale(s *Sighting) bool {
	if s.Heard.IsZero() {
		return false
	}
	heard := a.Heard
	if heard.IsZero() && a.overElsewhere() {
		heard = a.Closed
	}
	return s.Count < a.Found.Count || s.Last.Before(a.Found.Last) || s.Heard.Before(heard)
}

// Explainable says whether requests for root can explain the alert. What another service
// found beyond the use of root, such as where it came from, they do not.
func Explainable(f *rootkeep.Alert) bool {
	name, ok := strings.CutPrefix(Rule(f), "guardduty/Policy:IAMUser/")
	return f.Kind != FindingKind || ok && strings.HasSuffix(name, "RootCredentialUsage")
}

// Inherit takes over from an alert that became part of this one: its owner, if this one has
// none, and its tags.
func (a *Alert) Inherit(from *Alert) {
	if a.Owner == "" {
		a.Owner = from.Owner
	}
	a.Tags = joined(a.Tags, from.Tags)
}

// PutOff takes over that another alert, which becomes part of this one, was acknowledged or
// snoozed, and that people were told of it. It does nothing if this one is not new, or more severe.
func (a *Alert) PutOff(from *Alert, now time.Time) {
	act := map[State]Act{Acknowledged: Seen, Snoozed: Put}[from.State]
	if act == "" || a.State != New || Worse(&from.Found, &a.Found) {
		return
	}
	a.State, a.Until, a.Due, a.Told = from.State, from.Until, time.Time{}, from.Told
	a.Decided, a.By, a.Reason = from.Decided, from.By, from.Reason
	a.Say(act, System, "as "+from.ID+" was", now)
}

// OfRoot says whether the alert is of a root user: a session of one, or anything that one
// did.
func OfRoot(f *rootkeep.Alert) bool {
	return f.Kind == "session" || f.Actor.OfRoot()
}

// Accounts are those that the alert is about: of one, or of several as far as they are named.
func Accounts(f *rootkeep.Alert) []rootkeep.AccountID {
	if f.Account != "" {
		return []rootkeep.AccountID{f.Account}
	}
	return f.Accounts
}

// Rule is the name of the rule that leads the alert: the first of the most severe.
func Rule(f *rootkeep.Alert) string {
	if len(f.Rules) == 0 {
		return ""
	}
	return f.Rules[0].Name
}
