package client

import (
	"encoding/json"
	"time"

	"github.com/rootkeep/rootkeep"
)

// HuntUploadSchema names the JSON form of HuntUpload.
const HuntUploadSchema = "rootkeep/hunt-upload/1"

// MostUpload bounds the body of a hunt that is sent, bytes.
const MostUpload = 48 << 20

// HuntUpload is a hunt that is sent to a server.
type HuntUpload struct {
	Schema   string             `json:"schema"`
	Hunt     json.RawMessage    `json:"hunt"` // what rootkeep hunt --output json writes
	RootUses []rootkeep.RootUse `json:"root_uses"`
	SignIns  []rootkeep.SignIn  `json:"sign_ins"`
	Proven   []ProvenHours      `json:"proven"`
}

// ProvenHours are whole hours of an account of which the log is complete and was read to
// the end, from From up to but not including To.
type ProvenHours struct {
	Account rootkeep.AccountID `json:"account"`
	From    time.Time          `json:"from"`
	To      time.Time          `json:"to"`
}

// HuntTaken is the answer to a hunt that was sent.
type HuntTaken struct {
	ID    string `json:"id"`
	Known bool   `json:"known" doc:"The same was sent before; nothing changed"`
}

// Hunt is a hunt that the server keeps. Counts are those of the accounts that the caller
// may read.
type Hunt struct {
	ID          string    `json:"id"`
	Actor       string    `json:"actor" doc:"ID of who sent it"`
	Version     string    `json:"version" doc:"Of the program that hunted, and so of its rules"`
	Taken       time.Time `json:"taken"`
	Started     time.Time `json:"started"`
	Finished    time.Time `json:"finished"`
	First       time.Time `json:"first,omitzero" doc:"Earliest event"`
	Last        time.Time `json:"last,omitzero" doc:"Latest event"`
	Accounts    int       `json:"accounts"`
	Events      int64     `json:"events"`
	Unread      int64     `json:"unread" doc:"Problems that cost something; 1 stands for any number if the caller does not read everywhere"`
	Interrupted bool      `json:"interrupted"`
	Proven      bool      `json:"proven" doc:"The log is proven to be complete for the whole period"`
	SHA256      string    `json:"sha256,omitempty" doc:"Of what was sent, hexadecimal; the ledger has it too"`
}

// KeptRootUse is an event of a root user or about one, as the server keeps it.
type KeptRootUse struct {
	ID    string           `json:"id"`
	Hunt  string           `json:"hunt" doc:"ID of the hunt that sent it first"`
	Event rootkeep.RootUse `json:"event"`
	Twins int64            `json:"twins,omitempty" doc:"Other events of the account with the same event ID: one of them is forged"`
}

// RootSummary is the one number: how often root was used.
type RootSummary struct {
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	Sessions int64     `json:"sessions" doc:"Uses: events of root itself in one account without a gap of an hour"`
	Events   int64     `json:"events"`
	Approval string    `json:"approval" doc:"What is known of the requests behind them"`
	Coverage struct {
		Accounts    int   `json:"accounts" doc:"That hunts told of and the caller may read"`
		ProvenHours int64 `json:"proven_hours"`
		Hours       int64 `json:"hours" doc:"Of these accounts in the whole days of the period"`
		Complete    bool  `json:"complete" doc:"Only then do no sessions mean that there were none"`
	} `json:"coverage"`
}
