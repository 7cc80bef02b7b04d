package client

import (
	"encoding/json"
	"time"
)

// ChangeKind is a kind of change: what it does, may break and needs.
type ChangeKind struct {
	ID          string            `json:"id"`
	Title       string            `json:"title"`
	Why         string            `json:"why"`
	Class       string            `json:"class" doc:"Which role applies it and whose approval it needs"`
	Risk        string            `json:"risk" enum:"low,medium,high"`
	Breaks      string            `json:"breaks" doc:"What may break"`
	Fixes       []string          `json:"fixes" doc:"IDs of the controls that it mends"`
	Parameters  []ChangeParameter `json:"parameters"`
	Reads       []string          `json:"reads" doc:"Operations that it asks AWS for"`
	Calls       []string          `json:"calls" doc:"Operations that change the account"`
	Guided      bool              `json:"guided" doc:"A person does it"`
	Permissions []string          `json:"permissions" doc:"IAM actions"`
	Final       []string          `json:"final" doc:"What cannot be undone, and why"`
	Source      string            `json:"source"`
	Hash        string            `json:"sha256" doc:"Of its file, hexadecimal"`
}

// ChangeParameter is what is said when a change of the kind is planned.
type ChangeParameter struct {
	Name     string   `json:"name"`
	About    string   `json:"about"`
	Type     string   `json:"type" enum:"text,number,yes-no,texts,duration"`
	Required bool     `json:"required"`
	Default  any      `json:"default,omitempty"`
	OneOf    []string `json:"one_of,omitempty"`
}

// ChangeKinds are all kinds.
type ChangeKinds struct {
	Kinds []ChangeKind `json:"kinds"`
}

// ChangeWanted is a change that somebody wants planned.
type ChangeWanted struct {
	Kind       string         `json:"kind" maxLength:"64"`
	Account    string         `json:"account" pattern:"^[0-9]{12}$" doc:"Number of the account"`
	Region     string         `json:"region,omitempty" maxLength:"32" doc:"The server's home Region if it is left out"`
	Parameters map[string]any `json:"parameters,omitempty" doc:"By name; a text is read as on a command line, where lists are joined by commas"`
	For        string         `json:"for,omitempty" pattern:"^RR-[0-9A-Z]{1,40}$" doc:"ID of the request for root that will name the plan, of a change that is made as root"`
}

// ChangePlan names the plan that was read.
type ChangePlan struct {
	SHA256 string `json:"plan_sha256" pattern:"^[0-9a-f]{64}$" doc:"Of the plan that you read, hexadecimal"`
}

// AccountChange is a change with where it stands. Texts of AWS are as they are: escape them.
type AccountChange struct {
	ID       string    `json:"id"`
	Revision int64     `json:"revision" doc:"One more with every step; the ETag"`
	State    string    `json:"state" enum:"planned,requested,approved,applying,stopped,applied,partial,unverified,undoing,undone,refused,denied,expired,withdrawn"`
	Account  string    `json:"account"`
	Kind     string    `json:"kind"`
	Class    string    `json:"class"`
	Final    bool      `json:"final" doc:"It cannot wholly be undone, or its risk is high: more people have to approve it"`
	SHA256   string    `json:"plan_sha256" doc:"Of the plan, hexadecimal"`
	Policy   string    `json:"policy" doc:"ID of the policy that says who has to approve it"`
	Planner  string    `json:"planner" doc:"ID of a person"`
	Created  time.Time `json:"created"`
	Expires  time.Time `json:"expires,omitzero" doc:"The first moment at which what it waits for is too late"`
	Approved time.Time `json:"approved,omitzero"`
	Begun    time.Time `json:"begun,omitzero"`
	Ended    time.Time `json:"ended,omitzero"`
	For      string    `json:"for,omitempty" doc:"ID of the request for root that it belongs to, which approves it"`
	Undoes   string    `json:"undoes,omitempty" doc:"ID of the change that it undoes"`
	UndoneBy string    `json:"undone_by,omitempty" doc:"ID of the change that undoes it"`
	Batch    string    `json:"batch,omitempty"`
	Place    int       `json:"place,omitempty" doc:"In the batch, from 1"`
	Canary   bool      `json:"canary,omitempty" doc:"Others of the batch wait until it is applied"`
	Run      int       `json:"run" doc:"How often it was begun or gone on with"`
	Why      string    `json:"why,omitempty" doc:"Why it stopped, was refused or is not proven, and of one that was undone in part what stays"`
	Doubt    bool      `json:"doubt,omitempty" doc:"The call after the last that was made may have been made as well"`
	Replaced string    `json:"replaced_by,omitempty" doc:"ID of the change that was planned in its place"`
}

// AccountChangeDetail is a change with its plan, the calls that were made, and who has to approve
// it.
type AccountChangeDetail struct {
	AccountChange
	Plan      string          `json:"plan" doc:"Canonical JSON, to the byte: what plan_sha256 is the SHA-256 of, and approvers sign"`
	Made      []ChangeCall    `json:"made" doc:"Calls that were carried out, in order"`
	After     json.RawMessage `json:"after,omitempty" doc:"The state as it was read last"`
	Needs     []ApprovalNeed  `json:"needs" doc:"All of these, each by other persons; empty until it is asked for"`
	Approvals []ApprovalGiven `json:"approvals"`
	May       []string        `json:"may" doc:"What you may do now: request, withdraw, approve, apply, give-up, undo, replan"`
}

// ChangeCall is a call that was carried out.
type ChangeCall struct {
	Number    int       `json:"number" doc:"Of the plan's calls, from 1"`
	At        time.Time `json:"at"`
	Operation string    `json:"operation"`
	Account   string    `json:"account"`
	Region    string    `json:"region"`
	Found     bool      `json:"found,omitempty" doc:"An attempt whose answer was lost had made it"`
	Final     string    `json:"final,omitempty" doc:"Why it cannot be undone"`
	UndoneBy  string    `json:"undone_by,omitempty" doc:"ID of the change that has undone it"`
}

// ChangeBatchWanted is one kind of change that somebody wants planned for several
// accounts, or a list of changes.
type ChangeBatchWanted struct {
	About      string         `json:"about" minLength:"1" maxLength:"200" doc:"What it is for"`
	Kind       string         `json:"kind,omitempty" maxLength:"64"`
	Accounts   []string       `json:"accounts,omitempty" minItems:"1" maxItems:"500" doc:"In this order, behind the canaries"`
	Canaries   []string       `json:"canaries,omitempty" maxItems:"500" doc:"Accounts where it goes first; the first account if they are left out"`
	Region     string         `json:"region,omitempty" maxLength:"32"`
	Parameters map[string]any `json:"parameters,omitempty"`
	// Of a deployment; each is planned from the state that is there now.
	Changes []ChangeWanted `json:"changes,omitempty" minItems:"1" maxItems:"500" doc:"Instead of kind, accounts, canaries, region and parameters: in this order, the first is the canary"`
}

// ChangeBatch is changes that are applied one after the other.
type ChangeBatch struct {
	ID      string          `json:"id"`
	About   string          `json:"about" doc:"Typed by people: escape it"`
	Planner string          `json:"planner"`
	Created time.Time       `json:"created"`
	Halted  string          `json:"halted,omitempty" doc:"ID of the change that it halted at"`
	Unseen  bool            `json:"halted_out_of_sight,omitempty" doc:"It halted at a change that you may not read"`
	Undoes  string          `json:"undoes,omitempty" doc:"ID of the batch that it undoes"`
	Undos   []string        `json:"undos" doc:"IDs of the batches that were planned to undo it, the newest first"`
	Next    string          `json:"next,omitempty" doc:"ID of the change that apply begins, or goes on with"`
	Blocked string          `json:"blocked,omitempty" doc:"What stands in the way of apply"`
	Changes []AccountChange `json:"changes" doc:"Those that you may read, in their order"`
	May     []string        `json:"may" doc:"What you may do now: request, apply, release, undo"`
}

// ChangeBatchUndo says what of a batch is left as it is.
type ChangeBatchUndo struct {
	Without []string `json:"without,omitempty" maxItems:"500" doc:"IDs of its changes that are not undone"`
}

// ChangeBatchListed is a batch in a list of batches.
type ChangeBatchListed struct {
	ID      string              `json:"id"`
	About   string              `json:"about" doc:"Typed by people: escape it"`
	Planner string              `json:"planner"`
	Created time.Time           `json:"created"`
	Stands  string              `json:"stands" enum:"halted,applying,planned,requested,approved,ended" doc:"approved: something of it can be applied; ended: nothing is left to do"`
	Halted  string              `json:"halted,omitempty" doc:"ID of the change that it halted at"`
	Unseen  bool                `json:"halted_out_of_sight,omitempty" doc:"It halted at a change that you may not read"`
	Undoes  string              `json:"undoes,omitempty" doc:"ID of the batch that it undoes"`
	Changes []ChangeBatchMember `json:"changes" doc:"Those that you may read, in their order"`
}

// ChangeBatchMember is a change of a batch in a list of batches.
type ChangeBatchMember struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Kind    string `json:"kind"`
	State   string `json:"state" enum:"planned,requested,approved,applying,stopped,applied,partial,unverified,undoing,undone,refused,denied,expired,withdrawn"`
	Canary  bool   `json:"canary,omitempty"`
	Why     string `json:"why,omitempty" doc:"Why it stopped, was refused or is not proven. Of AWS: escape it"`
}
