package least

import (
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/least/event"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// Proposal is what Propose found. Its lists are sorted by action and resource.
type Proposal struct {
	Principal     string   `json:"principal"`
	PoliciesGiven bool     `json:"policies_given"`
	Unread        []string `json:"unread_policies,omitempty"` // their statements could not be used
	Scope         Scope    `json:"resources"`
	Base          Base     `json:"base"`

	Policies  []Document `json:"policies"`
	Replaces  []string   `json:"replaces,omitempty"`  // today's identity policies, those of groups among them
	Oversized []string   `json:"oversized,omitempty"` // statements that no managed policy takes
	Kept      int        `json:"kept_denies"`         // Deny statements of today
	Notes     []string   `json:"notes,omitempty"`     // what was widened

	Log      LogSummary    `json:"log"`
	Actions  int           `json:"actions_seen"`
	Untold   int           `json:"resources_untold"` // observations of which the log does not name the resource
	Observed []Observation `json:"observed"`
	// Outside succeeded, but today's policies do not allow it: it is not granted.
	Outside  []Observation `json:"outside_current,omitempty"`
	Refused  []Observation `json:"refused,omitempty"`
	Failed   []Observation `json:"failed,omitempty"`
	Unmapped []Event       `json:"unmapped,omitempty"` // events of which the action is not known
	Nothing  []Event       `json:"no_permission_needed,omitempty"`

	Replay     Replay     `json:"replay"`
	Removed    Removed    `json:"removed"`
	Confidence Confidence `json:"confidence"`

	compiled []*iam.Policy
}

// Observation is one action on one resource.
type Observation struct {
	Action    string          `json:"action"`
	Access    string          `json:"access"`
	Resource  string          `json:"resource"`
	Certainty event.Certainty `json:"resource_known"`
	Count     int             `json:"count"`
	First     time.Time       `json:"first,omitzero"`
	Last      time.Time       `json:"last,omitzero"`
	PassedTo  []string        `json:"passed_to,omitempty"`
	Via       []string        `json:"via,omitempty"` // AWS services that called with the principal's credentials
	Errors    []string        `json:"errors,omitempty"`
	Reason    string          `json:"reason,omitempty"`

	oneOf string // see event.Resource
}

// Event is an event that stands for no action.
type Event struct {
	Source string `json:"source"`
	Name   string `json:"name"`
	Count  int    `json:"count"`
	Reason string `json:"reason"`
}

// LogSummary counts what was read.
type LogSummary struct {
	Window
	Calls      int      `json:"calls"`
	Succeeded  int      `json:"succeeded"`
	Refused    int      `json:"refused"`
	Failed     int      `json:"failed"`
	ActiveDays int      `json:"active_days"`
	Dropped    int      `json:"dropped,omitempty"` // observations that found no room in memory
	Accounts   []string `json:"accounts"`
}

// Replay is what the evaluator says of the calls under the proposal. A call counts once
// for each action, resource and context that policies ask for.
type Replay struct {
	Checked int `json:"checked"`
	Allowed int `json:"allowed"`
	// AsToday are as little settled under today's policies: the log does not tell the
	// resource, or a condition asks for what it does not tell. The statements that may
	// have allowed them are in the proposal.
	AsToday int `json:"as_today"`
	// Lost are calls that the proposal does not allow although today's policies do. It
	// is a mistake of ours if there is one.
	Lost []Observation `json:"lost,omitempty"`
}

// Removed compares the actions that the policies allow on some resource.
type Removed struct {
	Before  int            `json:"before"`
	After   int            `json:"after"`
	Removed int            `json:"removed"`
	ByLevel map[string]int `json:"by_access_level"`
	// Risky are the removed actions that are worth naming, with the reason.
	Risky []RiskyAction `json:"risky,omitempty"`
	// Kept are such actions that stay.
	Kept []RiskyAction `json:"risky_kept,omitempty"`
}

// RiskyAction is an action and why it is worth naming. Lists of them begin with those
// that manage permissions, then those that write.
type RiskyAction struct {
	Action string `json:"action"`
	Reason string `json:"reason"`

	access metadata.AccessLevel
}

// Confidence says how far the log carries the proposal.
type Confidence struct {
	Level   string   `json:"level"` // low, medium or high
	Reasons []string `json:"reasons"`
}
