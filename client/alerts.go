package client

import (
	"time"

	"github.com/rootkeep/rootkeep"
)

// Alert is an alert with where it stands. Texts of logs and of people are as they are: escape
// them.
type Alert struct {
	ID        string    `json:"id"`
	Revision  int64     `json:"revision" doc:"One more with everything that is done with it, not when it grows; the ETag"`
	State     string    `json:"state" enum:"new,acknowledged,snoozed,closed"`
	Level     string    `json:"level" enum:"informational,low,medium,high,critical"`
	Title     string    `json:"title"`
	Kind      string    `json:"kind" doc:"group, session, threshold, sequence, first-seen, silence, finding; storm for one that stands for many, source and loss for those about live sources"`
	Account   string    `json:"account,omitempty"`
	Accounts  []string  `json:"accounts,omitempty" doc:"Of one about several, which has no account: at most 64"`
	Principal string    `json:"principal,omitempty"`
	Tactic    string    `json:"tactic,omitempty" doc:"Of ATT&CK"`
	Rules     []string  `json:"rules" doc:"Names, the most severe first"`
	First     time.Time `json:"first" doc:"Event"`
	Last      time.Time `json:"last" doc:"Event"`
	Count     int       `json:"count" doc:"Of events, or of the alerts of a storm"`
	Owner     string    `json:"owner,omitempty" doc:"ID of a person"`
	Tags      []string  `json:"tags"`
	Muted     string    `json:"muted,omitempty" enum:"hunt,dry-run,suppression,storm,case" doc:"Why nobody is told of it; none if somebody is"`
	MutedBy   string    `json:"muted_by,omitempty" doc:"ID of the suppression or of the storm"`
	Case      string    `json:"case,omitempty" doc:"CS-... of the same use of root"`
	Request   string    `json:"request,omitempty" doc:"RR-... or SC-... that explains it"`
	Verdict   string    `json:"verdict,omitempty" doc:"The worst of its root events; none if one has none yet"`
	Opened    time.Time `json:"opened"`
	Told      time.Time `json:"told,omitzero" doc:"The last time that people were told of it"`
	Due       time.Time `json:"due,omitzero" doc:"When it escalates unless somebody acknowledges it"`
	Until     time.Time `json:"until,omitzero" doc:"End of the snooze"`
	Closed    time.Time `json:"closed,omitzero"`
	Escalated int       `json:"escalated" doc:"How often by time, since it was opened, opened again or became more severe"`
	Decided   time.Time `json:"decided,omitzero" doc:"When somebody last did something"`
	DecidedBy string    `json:"decided_by,omitempty"`
	Reason    string    `json:"reason,omitempty" doc:"What they said"`
}

// AlertDetail is an alert with what was found, its history, and what root did meanwhile.
type AlertDetail struct {
	Alert
	Found      rootkeep.Alert `json:"found"`
	History    []AlertLine    `json:"history" doc:"The earliest line first, the newest 500"`
	RootEvents []RootEvent    `json:"root_events" doc:"Of an alert of a root user: the events about it in the time of the alert, the newest first, with their verdicts"`
	CouldOwn   []RootPerson   `json:"could_own" doc:"Who could be given it; empty for who may not give it away"`
	May        []string       `json:"may" doc:"What you may do now: acknowledge, assign, snooze, close, reopen, tag"`
}

// AlertLine is a line of the history of an alert.
type AlertLine struct {
	At    time.Time `json:"at"`
	By    string    `json:"by" doc:"ID of a person or a token, or system"`
	Act   string    `json:"act" enum:"opened,grown,escalated,reopened,woken,linked,acknowledged,assigned,snoozed,closed,tagged"`
	About string    `json:"about" doc:"May hold what people typed: escape it"`
}

// AlertCounts says how many alerts a list would hold.
type AlertCounts struct {
	States map[string]int64 `json:"states"`
	Levels map[string]int64 `json:"levels"`
}

// AlertNote is what somebody says who looks at an alert.
type AlertNote struct {
	Note string `json:"note,omitempty" maxLength:"1000"`
}

// AlertOwner says who has an alert.
type AlertOwner struct {
	Owner string `json:"owner" minLength:"1" maxLength:"64" doc:"ID of a person"`
}

// AlertReason is why an alert is closed, or open again.
type AlertReason struct {
	Reason string `json:"reason" minLength:"1" maxLength:"1000"`
}

// AlertSnooze says until when an alert waits, and why.
type AlertSnooze struct {
	Until  time.Time `json:"until" doc:"Within 14 days"`
	Reason string    `json:"reason" minLength:"1" maxLength:"1000"`
}

// AlertTags changes the tags of an alert.
type AlertTags struct {
	Add    []string `json:"add,omitempty" maxItems:"16" doc:"Small letters, digits and . _ : -"`
	Remove []string `json:"remove,omitempty" maxItems:"16"`
}

// Suppression keeps alerts that somebody answers for from being told.
type Suppression struct {
	ID        string    `json:"id"`
	Active    bool      `json:"active"`
	Owner     string    `json:"owner" doc:"ID of the person who answers for it"`
	Reason    string    `json:"reason"`
	Rule      string    `json:"rule,omitempty"`
	Account   string    `json:"account,omitempty"`
	Principal string    `json:"principal,omitempty"`
	Addresses string    `json:"addresses,omitempty" doc:"CIDR block"`
	Made      time.Time `json:"made"`
	MadeBy    string    `json:"made_by"`
	Expires   time.Time `json:"expires"`
	Ended     time.Time `json:"ended,omitzero" doc:"When somebody ended it before"`
	EndedBy   string    `json:"ended_by,omitempty"`
	Hidden    int       `json:"hidden" doc:"How many alerts it hid"`
	Last      time.Time `json:"last,omitzero" doc:"When it last hid one"`
}

// SuppressionAsk is a suppression to be made: it hides what fits all that is given.
type SuppressionAsk struct {
	Owner     string    `json:"owner,omitempty" maxLength:"64" doc:"ID of a person; you if empty"`
	Reason    string    `json:"reason" minLength:"1" maxLength:"1000"`
	Expires   time.Time `json:"expires" doc:"Within 90 days"`
	Rule      string    `json:"rule,omitempty" maxLength:"256" doc:"Name"`
	Account   string    `json:"account,omitempty" maxLength:"12"`
	Principal string    `json:"principal,omitempty" maxLength:"2048" doc:"Exactly as alerts name it"`
	Addresses string    `json:"addresses,omitempty" maxLength:"64" doc:"CIDR block: all addresses of the alert lie in it"`
}

// RuleVolume is how much a rule found in a time.
type RuleVolume struct {
	Rule    string    `json:"rule"`
	Hour    time.Time `json:"hour,omitzero" doc:"Of one hour"`
	Matches int       `json:"matches"`
	Alerts  int       `json:"alerts"`
}
