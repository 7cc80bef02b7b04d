package rootkeep

import (
	"strings"
	"time"
)

// Actor is who made a call, as CloudTrail's userIdentity tells it
// (CloudTrail User Guide, "CloudTrail userIdentity element").
type Actor struct {
	// Type is userIdentity.type: Root, IAMUser, AssumedRole, FederatedUser,
	// AWSService, AWSAccount, IdentityCenterUser, ... or "" when it is missing.
	Type string `json:"type"`
	// Account owns the identity; it differs from the account of the event in
	// cross-account calls. It may be empty.
	Account AccountID `json:"account,omitempty"`
	// ARN is as delivered; for a role it names the session.
	ARN string `json:"arn,omitempty"`
	// Principal is the stable name under which calls are grouped: the role, never
	// the session; the user; "root of 111122223333", of the sessions that it gave to
	// others as well; a service name.
	Principal string `json:"principal"`
	// AccessKeyID is the public half of the credential, "" for the console.
	AccessKeyID string `json:"access_key_id,omitempty"`
	// Session is the role session name, "" without one.
	Session string `json:"session,omitempty"`
}

// ofRoot begins the Principal of a root user.
const ofRoot = "root of "

// RootPrincipal is the Principal of the root user of an account.
func RootPrincipal(account AccountID) string { return ofRoot + string(account) }

// OfRoot says whether the rights of a root user were behind the call: type Root, sessions of
// sts:AssumeRoot among them, or a session that a root user gave with sts:GetFederationToken.
func (a *Actor) OfRoot() bool {
	return a.Type == "Root" || a.Type == "FederatedUser" && strings.HasPrefix(a.Principal, ofRoot)
}

// Event is the part of one CloudTrail record that an alert shows as evidence.
type Event struct {
	Time      time.Time `json:"time"` // second resolution, as CloudTrail has
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Source    string    `json:"source"`
	Account   AccountID `json:"account"`
	Region    Region    `json:"region"`
	Actor     Actor     `json:"actor"`
	Address   string    `json:"address"` // sourceIPAddress as delivered, not always an IP
	Agent     string    `json:"agent,omitempty"`
	ErrorCode string    `json:"error_code,omitempty"` // empty on success
	Target    string    `json:"target,omitempty"`     // what was touched, when the record names it
	File      string    `json:"file"`                 // container the record came from
	Offset    int64     `json:"offset"`               // of the record in the inflated file, bytes
}

// Technique is one MITRE ATT&CK technique with the ATT&CK version its ID
// belongs to: IDs were renumbered between versions.
type Technique struct {
	ID      string `json:"id"`                // T1078.004
	Version string `json:"version,omitempty"` // 18; "" when its rule does not say
	// Now is the technique's ID in the latest version that the program knows, ""
	// when it was not renumbered.
	Now string `json:"now,omitempty"`
}

// RuleHit says how often one rule contributed to an alert.
type RuleHit struct {
	ID        string   `json:"id"`   // the rule's UUID
	Name      string   `json:"name"` // short name, the file's name
	Title     string   `json:"title"`
	Level     Severity `json:"level"` // highest level it reached here
	Count     int      `json:"count"` // matches, duplicates removed
	Attempts  int      `json:"attempts"`
	Author    string   `json:"author,omitempty"` // credit, required by the Detection Rule License
	Opens     string   `json:"opens,omitempty"`  // runbook it opens
	Guidance  string   `json:"guidance,omitempty"`
	Threshold string   `json:"threshold,omitempty"` // "12 in 5m0s (10 or more escalates)" for a correlation
}

// Address is one network origin in an alert.
type Address struct {
	Text    string   `json:"text"`              // as delivered
	Country string   `json:"country,omitempty"` // ISO 3166-1 alpha-2, "" when unknown
	ASN     uint     `json:"asn,omitempty"`
	Network string   `json:"network,omitempty"` // name of the autonomous system
	Lists   []string `json:"lists,omitempty"`   // threat or relay lists that name it
	Count   int      `json:"count"`
}

// Count is how often one text occurred.
type Count struct {
	Text  string `json:"text"`
	Count int    `json:"count"`
}

// MaxAlertAccounts are named of an alert about several accounts.
const MaxAlertAccounts = 64

// Alert is a group of rule matches by one principal with one tactic in one
// window, or one root session, or one crossing of a threshold.
type Alert struct {
	// ID is AL- and 13 characters of Crockford base32 over a hash of the group
	// and its window start: the same input gives the same ID.
	ID         string      `json:"id"`
	Level      Severity    `json:"level"`
	Title      string      `json:"title"`
	Kind       string      `json:"kind"`             // group, session, threshold, sequence, first-seen, silence, finding
	State      string      `json:"state"`            // open, or escalated when a second threshold was crossed
	Account    AccountID   `json:"account"`          // of all events; empty if they are of several, or none says
	Actor      Actor       `json:"actor"`            // of the first event
	Tactic     string      `json:"tactic,omitempty"` // ATT&CK tactic, lower case with hyphens
	Techniques []Technique `json:"techniques,omitempty"`
	Rules      []RuleHit   `json:"rules"`
	First      time.Time   `json:"first"`
	Last       time.Time   `json:"last"`
	Count      int         `json:"count"`    // events, duplicates removed
	Attempts   int         `json:"attempts"` // of these, calls that failed
	Actions    []Count     `json:"actions"`  // event names, most frequent first, at most 16
	Regions    []Region    `json:"regions"`
	Addresses  []Address   `json:"addresses"` // most frequent first, at most 16
	Agents     []string    `json:"agents"`    // at most 8
	Notes      []string    `json:"notes,omitempty"`
	Opens      string      `json:"opens,omitempty"` // runbook of the highest rule
	Events     []Event     `json:"events"`          // earliest first, at most 10
	// EventsOmitted is Count less the events shown.
	EventsOmitted int `json:"events_omitted,omitempty"`
	// Accounts are those of an alert about several, sorted, at most MaxAlertAccounts; AccountsOmitted is how
	// many events, of an alert that stands for others how many of those, are of further ones.
	Accounts        []AccountID `json:"accounts,omitempty"`
	AccountsOmitted int         `json:"accounts_omitted,omitempty"`
	// Several says that the events are of more than one principal.
	Several bool `json:"several,omitempty"`
}
