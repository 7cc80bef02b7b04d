package client

import (
	"encoding/json"
	"time"
)

// ExceptionAsk is what somebody asks for: to accept the failure of one control in one
// account until a day.
type ExceptionAsk struct {
	Account  string    `json:"account" pattern:"^[0-9]{12}$" doc:"Number of the account"`
	Control  string    `json:"control" maxLength:"64" doc:"ID of one control, without wildcards"`
	Region   string    `json:"region,omitempty" maxLength:"32" doc:"One Region; all if it is left out"`
	Resource string    `json:"resource,omitempty" maxLength:"2048" doc:"One resource as findings name it; all if it is left out"`
	Owner    string    `json:"owner" maxLength:"200" doc:"Who accepts the failure"`
	Reason   string    `json:"reason" maxLength:"2000" doc:"Why, in one paragraph"`
	Until    time.Time `json:"until" doc:"The first moment at which it no longer applies, at most 366 days ahead"`
}

// Exception is an exception with where it stands. Texts of people and of AWS are as they
// are: escape them.
type Exception struct {
	ID       string `json:"id"`
	Revision int64  `json:"revision" doc:"One more with every change; the ETag"`
	State    string `json:"state" enum:"requested,approved,denied,expired,withdrawn"`
	Ended    bool   `json:"ended" doc:"Approved, and over"`
	ExceptionAsk
	Severity  string    `json:"severity" doc:"Of the control, when it was asked for"`
	Title     string    `json:"title" doc:"Of the control, when it was asked for"`
	Requester string    `json:"requester" doc:"ID of a person"`
	Editors   []string  `json:"editors" doc:"IDs of persons who changed it; they do not count, nor does the requester"`
	Version   int       `json:"version" doc:"One more with every edit"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires" doc:"The first moment at which the request cannot be approved any more"`
	Decided   time.Time `json:"decided,omitzero"`
	Policy    string    `json:"policy" doc:"ID of the policy that was frozen into it"`
}

// ExceptionDetail is an exception with who has to approve it and who did.
type ExceptionDetail struct {
	Exception
	Needs     []ExceptionNeed     `json:"needs" doc:"All of these, each by other persons"`
	Approvals []ExceptionApproval `json:"approvals"`
	Documents ExceptionDocuments  `json:"documents"`
}

// ExceptionNeed is how many of a group have to approve.
type ExceptionNeed struct {
	Group string   `json:"group"`
	Name  string   `json:"name"`
	Count int      `json:"count"`
	By    []string `json:"by" doc:"Persons whose approval counts here now"`
}

// ExceptionApproval is a signature that was taken.
type ExceptionApproval struct {
	Approver    string    `json:"approver"`
	Decision    string    `json:"decision" enum:"approve,deny"`
	At          time.Time `json:"at"`
	Version     int       `json:"version" doc:"Of the request; a signature of an older version is void"`
	Fingerprint string    `json:"fingerprint" doc:"SHA-256 of the public key, hexadecimal"`
	Statement   string    `json:"statement" doc:"What was signed, to the byte"`
	Counts      bool      `json:"counts" doc:"Of the newest version, by a key that was not revoked before the request was decided"`
}

// ExceptionDocuments are the canonical JSON of what statements hold the SHA-256 of.
type ExceptionDocuments struct {
	Request string `json:"request"`
	Subject string `json:"subject"`
	Policy  string `json:"policy"`
}

// ExceptionDecision says what a statement is to say.
type ExceptionDecision struct {
	Decision string `json:"decision" enum:"approve,deny"`
}

// ExceptionStatement is a statement that waits for a signature.
type ExceptionStatement struct {
	Statement string    `json:"statement" doc:"Canonical JSON, to the byte"`
	SHA256    string    `json:"sha256" doc:"Of the statement, hexadecimal: the challenge that the security key signs"`
	Nonce     string    `json:"nonce"`
	NotAfter  time.Time `json:"not_after" doc:"The first moment at which it is not taken any more"`
}

// ExceptionSignature is the answer of a security key, as the browser gives it.
type ExceptionSignature struct {
	Nonce      string          `json:"nonce" maxLength:"64" doc:"Of the statement"`
	Credential json.RawMessage `json:"credential" doc:"AuthenticationResponseJSON of Web Authentication Level 3"`
}

// ExceptionRecords are signatures with all that is needed to check them, as rootkeep
// approve verify reads them (docs/approvals.md).
type ExceptionRecords struct {
	Items []json.RawMessage `json:"items"`
}
