// Package reconcile judges uses of root users: events, approved requests, recorded scans
// and coverage go in; a verdict for every event, and what became of every request, come
// out. It asks nothing of anybody, and the order, the delay and the repetition of events
// change nothing about a verdict but when it is reached.
package reconcile

import (
	"net/netip"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
)

// Event is an event of a root user or about one. Its texts are as delivered: hostile.
type Event struct {
	rootkeep.RootUse
	SourceIdentity string    `json:"source_identity,omitempty"`
	Created        time.Time `json:"session_created,omitzero"`       // creationDate of the session, zero if the record has none
	Device         string    `json:"mfa_device,omitempty"`           // ARN or serial number that a sign-in names
	TaskPolicy     string    `json:"task_policy,omitempty"`          // of AssumeRoot: ARN
	IssuedKey      string    `json:"issued_access_key_id,omitempty"` // of AssumeRoot: the ID of the key that STS gave
	Type           string    `json:"event_type,omitempty"`           // such as AwsServiceEvent
	Service        string    `json:"invoked_by,omitempty"`
}

// Request is an approved request, with what became of it.
type Request struct {
	ID        string
	Kind      access.Kind
	Path      access.Path
	Accounts  []rootkeep.AccountID
	Events    []string // as access.Request
	From      time.Time
	Until     time.Time
	Networks  []netip.Prefix
	Session   time.Duration // how long one session lasts at most
	Opened    time.Time     // zero if nobody began it
	Closed    time.Time     // zero while it is open
	Overrides bool          // it went without approvals
	Keys      []string      // IDs of access keys that rootkeep was given for it
	Device    string        // MFA device that the custodian handed out, "" if not declared
}

// Scan is a session that a scan, or a plan that only read, was given.
type Scan struct {
	Name      string // source identity, SC-...
	Account   rootkeep.AccountID
	AccessKey string
	Start     time.Time
	End       time.Time
}

// Outcome is what became of a request.
type Outcome string

// The outcomes. Absence is claimed only where coverage is proven.
const (
	Used       Outcome = "USED"
	Unused     Outcome = "UNUSED"
	NoCoverage Outcome = "NO_COVERAGE" // nothing was seen, and not everything could be seen
	Pending    Outcome = "PENDING"     // its window, or the delay of events behind it, is not over
)

// Judged is an event with its verdict.
type Judged struct {
	Event
	Verdict rootkeep.Verdict `json:"verdict"`
	Rule    string           `json:"rule"`              // short name of what decided, such as issued-key
	Why     string           `json:"why"`               // a sentence for people
	Request string           `json:"request,omitempty"` // RR-..., or SC-...
	Session string           `json:"session"`           // events of one root session share it
}
