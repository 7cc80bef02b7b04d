package client

import (
	"encoding/json"
	"time"
)

// Counts are findings by what they came to.
type Counts struct {
	Fail          int `json:"fail"`
	Unknown       int `json:"unknown"`
	Excepted      int `json:"excepted"`
	Pass          int `json:"pass"`
	NotApplicable int `json:"not_applicable"`
}

// Account is an account as it is known now. Its texts come from AWS.
type Account struct {
	ID      string         `json:"id"` // twelve digits
	Name    string         `json:"name,omitempty"`
	Alias   string         `json:"alias,omitempty"`
	Path    []string       `json:"path"` // IDs of the root and the units that it lies in, from the root down
	Scan    string         `json:"scan,omitempty"`
	Taken   time.Time      `json:"taken,omitzero"`    // when its facts were collected
	Problem string         `json:"problem,omitempty"` // why the newest scan could not read it
	Counts  Counts         `json:"counts"`
	Failing map[string]int `json:"failing"` // failures by severity
	Risk    float64        `json:"risk"`    // of the failures: 1 of a low one, 1,000 of a critical one
	Stale   int            `json:"stale"`   // findings that the newest scan did not judge
	Bands   []Band         `json:"bands"`
	MFA     MFA            `json:"mfa"`
}

// Band is a level of the scorecard, its items counted by state.
type Band struct {
	ID            string `json:"id"`
	Title         string `json:"title"`
	Done          int    `json:"done"`
	NotDone       int    `json:"not_done"`
	Unknown       int    `json:"unknown"`
	NotApplicable int    `json:"not_applicable"`
}

// MFA says how many users with a password have a second factor.
type MFA struct {
	Known bool   `json:"known"` // whether users and with are
	Users int    `json:"users"`
	With  int    `json:"with"`
	Root  string `json:"root"` // yes, no, none (the root user has no credentials) or unknown
}

// Finding is a control judged for a resource, with its age.
type Finding struct {
	ID          string      `json:"id"`
	Control     string      `json:"control"`
	Title       string      `json:"title"`
	Severity    string      `json:"severity"` // informational, low, medium, high, critical
	Status      string      `json:"status"`   // fail, unknown, excepted, pass, not-applicable
	Account     string      `json:"account"`
	Region      string      `json:"region,omitempty"`
	Resource    string      `json:"resource"`
	Detail      string      `json:"detail,omitempty"`
	Missing     []string    `json:"missing,omitempty"`
	Permissions []string    `json:"permissions,omitempty"` // that would tell what is missing
	Exception   *Acceptance `json:"exception,omitempty"`   // of one that is excepted
	FirstSeen   time.Time   `json:"first_seen"`
	Changed     time.Time   `json:"changed"`
	LastSeen    time.Time   `json:"last_seen,omitzero"` // last judged; absent: by the newest scan of the account
}

// Acceptance is who accepts a failure, why, and until when.
type Acceptance struct {
	Owner  string    `json:"owner"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"` // the first moment at which it no longer holds
}

// Fact is a fact that a finding rests on.
type Fact struct {
	Path   string      `json:"path"`
	Call   string      `json:"call"` // the AWS action that tells it, or attestation, or decision
	Values []FactValue `json:"values"`
	More   int         `json:"more,omitempty"` // elements of a list that are left out
	At     time.Time   `json:"at,omitzero"`    // when AWS told it; absent: it is not known
	From   string      `json:"from,omitempty"` // the file or the account that told it
	Gaps   []string    `json:"gaps,omitempty"` // why it is not known, or of what not
}

// FactValue is the value of a fact, as JSON.
type FactValue struct {
	Of   string `json:"of,omitempty"` // the element of a list
	JSON string `json:"json"`
}

// FindingDetail is a finding with what it rests on.
type FindingDetail struct {
	Finding
	Why   string `json:"why,omitempty"`
	Fix   Fix    `json:"fix"`
	Facts []Fact `json:"facts"`
	// FactsMissing says why there are no facts, if there are none.
	FactsMissing string   `json:"facts_missing,omitempty"`
	History      []Change `json:"history"`
}

// Fix is how a person mends what fails.
type Fix struct {
	Console string `json:"console,omitempty"`
	CLI     string `json:"cli,omitempty"`
	Effort  string `json:"effort,omitempty"`
}

// Change is a change of a finding.
type Change struct {
	Finding string    `json:"finding"`
	At      time.Time `json:"at"`
	Scan    string    `json:"scan,omitempty"`
	Kind    string    `json:"kind"`          // opened, changed, closed
	Was     string    `json:"was,omitempty"` // status; absent: it was not there
	Now     string    `json:"now,omitempty"`
}

// Control is a control with what it came to.
type Control struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	Severity string `json:"severity"`
	Why      string `json:"why,omitempty"`
	Fix      Fix    `json:"fix"`
	Counts   Counts `json:"counts"`
}

// Framework is a framework with its clauses by status.
type Framework struct {
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	Version string         `json:"version"`
	Owner   string         `json:"owner"`
	Counts  map[string]int `json:"counts"`
}

// Scan is a scan with those of its accounts that the actor may read.
type Scan struct {
	ID       string        `json:"id"`
	Source   string        `json:"source"` // sent, imported, job
	Actor    string        `json:"actor"`
	State    string        `json:"state"` // receiving, judging, finished, failed
	Error    string        `json:"error,omitempty"`
	Began    time.Time     `json:"began"`
	Ended    time.Time     `json:"ended,omitzero"`
	Digest   string        `json:"digest,omitempty"` // SHA-256 of the assessment, as the ledger has it
	Accounts []ScanAccount `json:"accounts,omitempty"`
}

// ScanAccount is an account of a scan.
type ScanAccount struct {
	ID      string    `json:"id"`
	Name    string    `json:"name,omitempty"`
	State   string    `json:"state"`             // received, judged, older, unread, left
	Problem string    `json:"problem,omitempty"` // why it was not read, or what came out otherwise than its sender said
	Taken   time.Time `json:"taken,omitzero"`
	Counts  Counts    `json:"counts"`
}

// NewScan asks for a scan by the server. Settings are those of the job scan.
type NewScan struct {
	Settings json.RawMessage `json:"settings,omitempty"`
}

// Sent is an account that is sent to a scan.
type Sent struct {
	Name     string          `json:"name,omitempty"` // as its organization lists it
	Snapshot json.RawMessage `json:"snapshot"`       // as scan --save writes it
	// Counts is what the sender came to, by status and then by severity, in the order of
	// unknown, fail, pass, not-applicable, excepted and of informational to critical.
	Counts [5][5]int `json:"counts"`
}

// Missed is an account that the sender could not read, or left out.
type Missed struct {
	ID      string `json:"id"`
	Name    string `json:"name,omitempty"`
	Left    bool   `json:"left,omitempty"` // it was not to be read
	Problem string `json:"problem"`
}

// Complete ends the sending of a scan: the server judges it.
type Complete struct {
	Missed []Missed `json:"missed,omitempty"`
}
