package client

import "time"

// LedgerEntry is an entry of the ledger. Payloads have texts only where one entry is read,
// and for whom may read evidence.
type LedgerEntry struct {
	Entry    int64           `json:"entry" doc:"Number, from 0"`
	Time     time.Time       `json:"time"`
	Type     string          `json:"type" doc:"What happened, such as exception.approved"`
	Subject  string          `json:"subject" doc:"ID of what it is about"`
	Actor    string          `json:"actor" doc:"ID of who did it; system for rootkeep itself"`
	Payloads []LedgerPayload `json:"payloads"`
}

// LedgerPayload is what lies beside an entry. Its data are what people and AWS wrote:
// escape them.
type LedgerPayload struct {
	Name   string    `json:"name"`
	SHA256 string    `json:"sha256" doc:"Of the salt and the data, in hexadecimal: what the entry holds"`
	Erased time.Time `json:"erased,omitzero" doc:"When it was erased; what it said is not proven any more"`
	Salt   []byte    `json:"salt,omitempty" doc:"Left out for whom may not read evidence"`
	Data   []byte    `json:"data,omitempty" doc:"Left out for whom may not read evidence"`
}

// LedgerProof is one entry with its proof.
type LedgerProof struct {
	LedgerEntry
	Leaf    string `json:"leaf" doc:"The entry as the log hashes it, to the byte"`
	Receipt string `json:"receipt" doc:"C2SP tlog-proof: hashes and a signed checkpoint"`
}

// LedgerHead is the head of the ledger.
type LedgerHead struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size" doc:"Entries"`
	Root   string `json:"root" doc:"Hash of the tree, base64"`
	Signed string `json:"signed" doc:"C2SP tlog-checkpoint, a signed note"`
}

// LedgerConsistency proves that the log of an older checkpoint is the start of the log now.
type LedgerConsistency struct {
	From   int64    `json:"from" doc:"Entries of the older checkpoint"`
	To     int64    `json:"to" doc:"Entries of the newer one"`
	Hashes []string `json:"hashes" doc:"Proof of RFC 6962, base64"`
	Signed string   `json:"signed" doc:"The newer checkpoint"`
}

// LedgerAnchor is a place outside that takes checkpoints, and how it stands.
type LedgerAnchor struct {
	Place    string    `json:"place"`
	Kind     string    `json:"kind" enum:"file,webhook,object-lock,timestamp"`
	Target   string    `json:"target"`
	Size     int64     `json:"size" doc:"Entries of its newest checkpoint; 0: it has none"`
	At       time.Time `json:"at,omitzero" doc:"Of its newest checkpoint"`
	Behind   int64     `json:"behind" doc:"Entries since"`
	Tried    time.Time `json:"tried"`
	Failure  string    `json:"failure,omitempty" doc:"Why the last attempt failed"`
	Failures int64     `json:"failures" doc:"Attempts that failed one after the other"`
}
