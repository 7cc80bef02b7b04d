package client

import "time"

// Incident is a case with where it stands. Texts of people are as they are: escape them.
type Incident struct {
	ID       string    `json:"id"`
	Revision int64     `json:"revision" doc:"One more with every change; the ETag"`
	State    string    `json:"state" enum:"open,closed"`
	Severity string    `json:"severity" enum:"informational,low,medium,high,critical"`
	Account  string    `json:"account"`
	Title    string    `json:"title"`
	Cause    string    `json:"cause" doc:"What it was opened by: two cases never have the same"`
	Request  string    `json:"request,omitempty" doc:"RR-..."`
	Events   int       `json:"events" doc:"How many it holds"`
	Owner    string    `json:"owner,omitempty" doc:"ID of a person"`
	Opened   time.Time `json:"opened"`
	Closed   time.Time `json:"closed,omitzero"`
	Reason   string    `json:"reason,omitempty" doc:"Why it was closed"`
}

// IncidentDetail is a case with its newest events and its history.
type IncidentDetail struct {
	Incident
	Parties  []string       `json:"parties" doc:"IDs of persons who took part in what it is about: they do not close it"`
	Newest   []RootEvent    `json:"newest" doc:"Its newest events; list-root-events has all of them"`
	History  []IncidentLine `json:"history" doc:"The earliest line first"`
	CouldOwn []RootPerson   `json:"could_own" doc:"Who could be given it; empty for who may not give it away"`
	May      []string       `json:"may" doc:"What you may do now: assign, note, close"`
}

// IncidentLine is a line of the history of a case.
type IncidentLine struct {
	At    time.Time `json:"at"`
	By    string    `json:"by" doc:"ID of a person, or system"`
	Act   string    `json:"act" enum:"opened,added,reopened,explained,assigned,noted,closed"`
	About string    `json:"about" doc:"May hold what people typed: escape it"`
}

// IncidentOwner says who has a case.
type IncidentOwner struct {
	Owner string `json:"owner" maxLength:"64" doc:"ID of a person"`
}

// IncidentText is a note, or the reason for which a case is closed.
type IncidentText struct {
	Text string `json:"text" minLength:"1" maxLength:"2000"`
}
