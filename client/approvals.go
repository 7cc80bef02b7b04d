package client

import (
	"encoding/json"
	"time"
)

// ApprovalRequest is a request that security keys decide, of whatever kind, with who has
// to approve it and who did. Texts of people and of AWS are as they are: escape them.
type ApprovalRequest struct {
	ID        string            `json:"id"`
	Kind      string            `json:"kind" doc:"Such as exception or change"`
	Revision  int64             `json:"revision" doc:"One more with every change; the ETag"`
	State     string            `json:"state" enum:"requested,approved,denied,expired,withdrawn"`
	Account   string            `json:"account"`
	Action    string            `json:"action" doc:"What is asked for, in one line"`
	Requester string            `json:"requester" doc:"ID of a person"`
	Editors   []string          `json:"editors" doc:"IDs of persons who changed it; they do not count, nor does the requester"`
	Version   int               `json:"version" doc:"One more with every edit"`
	Created   time.Time         `json:"created"`
	Expires   time.Time         `json:"expires" doc:"The first moment at which it cannot be approved any more"`
	Decided   time.Time         `json:"decided,omitzero"`
	Policy    string            `json:"policy" doc:"ID of the policy that was frozen into it"`
	Page      string            `json:"page" doc:"Path of its page in the console"`
	Needs     []ApprovalNeed    `json:"needs" doc:"All of these, each by other persons"`
	Approvals []ApprovalGiven   `json:"approvals"`
	Documents ApprovalDocuments `json:"documents"`
}

// ApprovalNeed is how many of a group have to approve.
type ApprovalNeed struct {
	Group string   `json:"group"`
	Name  string   `json:"name"`
	Count int      `json:"count"`
	By    []string `json:"by" doc:"Persons whose approval counts here now"`
}

// ApprovalGiven is a signature that was taken.
type ApprovalGiven struct {
	Approver    string    `json:"approver"`
	Decision    string    `json:"decision" enum:"approve,deny"`
	At          time.Time `json:"at"`
	Version     int       `json:"version" doc:"Of the request; a signature of an older version is void"`
	Fingerprint string    `json:"fingerprint" doc:"SHA-256 of the public key, hexadecimal"`
	Statement   string    `json:"statement" doc:"What was signed, to the byte"`
	Counts      bool      `json:"counts" doc:"Of the newest version, by a key that was not revoked before the request was decided"`
}

// ApprovalDocuments are the canonical JSON of what statements hold the SHA-256 of.
type ApprovalDocuments struct {
	Request string `json:"request"`
	Subject string `json:"subject"`
	Policy  string `json:"policy"`
}

// ApprovalDecision says what a statement is to say.
type ApprovalDecision struct {
	Decision string `json:"decision" enum:"approve,deny"`
}

// ApprovalStatement is a statement that waits for a signature.
type ApprovalStatement struct {
	Statement string    `json:"statement" doc:"Canonical JSON, to the byte"`
	SHA256    string    `json:"sha256" doc:"Of the statement, hexadecimal: the challenge that the security key signs"`
	Nonce     string    `json:"nonce"`
	NotAfter  time.Time `json:"not_after" doc:"The first moment at which it is not taken any more"`
}

// ApprovalSignature is the answer of a security key, as the browser gives it.
type ApprovalSignature struct {
	Nonce      string          `json:"nonce" maxLength:"64" doc:"Of the statement"`
	Credential json.RawMessage `json:"credential" doc:"AuthenticationResponseJSON of Web Authentication Level 3"`
}

// ApprovalRecords are signatures with all that is needed to check them, as rootkeep
// approve verify reads them (docs/approvals.md).
type ApprovalRecords struct {
	Items []json.RawMessage `json:"items"`
}
