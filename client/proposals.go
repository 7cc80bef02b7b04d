package client

import "time"

// ChangeProposals are the changes that would mend what scans found. Texts of AWS are as
// they are: escape them.
type ChangeProposals struct {
	Scans     []ProposedOf     `json:"scans" doc:"The scan of each account that it is of"`
	Since     []ProposedOf     `json:"scanned_since" doc:"Accounts of the scan that are left out, with the scan that judged them since"`
	Proposals []ChangeProposal `json:"proposals" doc:"Those of one kind are together: a batch"`
	People    []NeedsPerson    `json:"people" doc:"What no change mends"`
}

// ProposedOf is the scan of an account.
type ProposedOf struct {
	Account string    `json:"account"`
	Scan    string    `json:"scan"`
	Taken   time.Time `json:"taken" doc:"When its facts were collected"`
}

// ChangeProposal is one change of one account, and what it would mend.
type ChangeProposal struct {
	Kind       string            `json:"kind"`
	Title      string            `json:"title"`
	Class      string            `json:"class"`
	Risk       string            `json:"risk" enum:"low,medium,high"`
	Undo       string            `json:"undo" enum:"all,part,none,person" doc:"What of it can be undone; person: a person does it, and undoes it"`
	Final      []string          `json:"final" doc:"What cannot be undone, and why"`
	Account    string            `json:"account" doc:"Where it is planned; empty if nothing says which"`
	Parameters map[string]any    `json:"parameters"`
	Missing    []string          `json:"missing" doc:"Parameters that a person has to give"`
	Reason     string            `json:"needs_a_person,omitempty"`
	Severity   string            `json:"severity" doc:"Of the worst failure"`
	Fails      []ProposedFailure `json:"mends"`
}

// ProposedFailure is a finding that a change would mend, or that a person has to.
type ProposedFailure struct {
	ID       string `json:"id"`
	Control  string `json:"control"`
	Title    string `json:"title"`
	Severity string `json:"severity"`
	Account  string `json:"account"`
	Region   string `json:"region,omitempty"`
	Resource string `json:"resource"`
}

// NeedsPerson is a failure that no change mends.
type NeedsPerson struct {
	ProposedFailure
	Reason string `json:"needs_a_person"`
}
