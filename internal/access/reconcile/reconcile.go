// Package reconcile judges uses of root users: events, approved requests, recorded scans
// and coverage go in; a verdict for every event, and what became of every request, come
// out. It asks nothing of anybody, and the order, the delay and the repetition of events
// change nothing about a verdict but when it is reached.
package reconcile

import (
	"net/netip"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
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
	// Of is whose root user it is: the caller's account, the target of AssumeRoot, or the
	// account that somebody else's call names. It is not always the one that the record
	// belongs to.
	Of        rootkeep.AccountID `json:"root_of,omitempty"`
	ReadOnly  bool               `json:"read_only,omitempty"` // as AWS says
	Ambiguous bool               `json:"ambiguous,omitempty"` // a member of the record is there twice: AWS writes none so
	// Doubtful says that the log that it was read from is not one that CloudTrail is proven
	// to have written: the event is judged, and explains no other one.
	Doubtful bool   `json:"doubtful,omitempty"`
	File     string `json:"-"` // that it was read from, "" if nobody asks
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
	Refusals  []Refusal     // sessions that rootkeep asked for and was not given
	Recorded  bool          // Keys and Refusals are all there are: rootkeep keeps each before it goes on
	Device    string        // MFA device that the custodian handed out, "" if not declared
}

// Refusal is a session as root that was asked for, and that AWS refused.
type Refusal struct {
	Account rootkeep.AccountID // whose root user
	Start   time.Time
	End     time.Time
}

// Scan is a session that a scan, or a plan that only read, was given.
type Scan struct {
	Name      string // source identity, SC-...
	Account   rootkeep.AccountID
	AccessKey string // "" for a session that was asked for and refused
	Start     time.Time
	End       time.Time
}

// Change is a change that is not for root, with the sessions that it was applied in: it
// explains calls about root users that others make, such as a guardrail that is detached.
type Change struct {
	ID      string             // CH-...
	Account rootkeep.AccountID // where it was applied
	Events  []string           // what its plan does, as access.Request
	Keys    []string           // IDs of access keys that rootkeep was given for it
	Start   time.Time
	End     time.Time
}

// Input is all that a judgement rests on. The order of its lists means nothing.
type Input struct {
	Events   []Event
	Requests []Request
	Scans    []Scan
	Changes  []Change
	Coverage digest.Coverage // what is proven of the trail
	Now      time.Time
}

// Result has a verdict for each distinct event, earliest first, and the fate of each
// request, by ID.
type Result struct {
	Events   []Judged
	Requests []Fate
}

// Fate is what became of a request.
type Fate struct {
	Request string    `json:"request"`
	Outcome Outcome   `json:"outcome"`
	Uses    int       `json:"uses"` // events in which it was used
	First   time.Time `json:"first,omitzero"`
	Last    time.Time `json:"last,omitzero"`
	Missing []string  `json:"missing,omitempty"` // what is not proven, of NO_COVERAGE
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

// The rules, by the short name that Judged.Rule has. The last five explain nothing.
const (
	ByIssuedKey      = "issued-key"      // an AssumeRoot that was judged gave the access key
	ByRecordedKey    = "recorded-key"    // rootkeep recorded the access key for a request or a change, or that it got none
	BySourceIdentity = "source-identity" // the name of a request, and all else that is known of it agrees
	ByScan           = "scan"            // rootkeep recorded the access key for a session that only reads
	BySignIn         = "sign-in"         // account, time, network, device and task of a request agree
	ByReading        = "reading"         // a call of such a session that reads no secret, as consoles make by themselves
	ByService        = "service"         // an AWS service acted
	NoRequest        = "no-request"      // nothing that is known covers it
	NoTime           = "no-time"
	InFuture         = "future"
	NotClear         = "ambiguous"        // a member of the record is there twice
	OtherAccount     = "account-mismatch" // a step of a sign-in names another account than its record
)

const (
	// Skew is how far apart the clocks of AWS and of rootkeep may be. Windows are wider by
	// it, and an event later than it is in the future.
	Skew = 5 * time.Second
	// Delay is how long CloudTrail typically takes to deliver an event (CloudTrail User
	// Guide, "How CloudTrail works").
	Delay = 15 * time.Minute
)
