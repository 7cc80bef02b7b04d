package client

import (
	"encoding/json"
	"time"
)

// RootTask is something that people ask root for, with what it comes to for each holder of
// a root user.
type RootTask struct {
	ID      string       `json:"id"`
	Title   string       `json:"title"`
	Why     string       `json:"why" doc:"What it is for"`
	Need    string       `json:"need" enum:"root,not-root,never"`
	Source  string       `json:"source" doc:"Title of the page that says so"`
	Checked time.Time    `json:"checked" doc:"The day on which somebody read that page"`
	SHA256  string       `json:"sha256" doc:"Of its file, hexadecimal"`
	Advice  []RootAdvice `json:"advice" doc:"One of each holder that was asked about"`
}

// RootTasks are all tasks.
type RootTasks struct {
	Tasks []RootTask `json:"tasks"`
}

// RootAdvice is what a task comes to for the root user of a holder. Says and Instead come
// before anything else.
type RootAdvice struct {
	Holder  string           `json:"holder" enum:"member,management,standalone"`
	Says    string           `json:"says" doc:"What to do first, in one sentence"`
	Instead string           `json:"instead,omitempty" doc:"The way without root"`
	Change  string           `json:"change,omitempty" doc:"Kind of change that does it without root"`
	Refused bool             `json:"refused,omitempty" doc:"Root must not be used for it"`
	Needs   *RootRequirement `json:"needs,omitempty" doc:"What a request needs; left out if none is taken"`
}

// RootRequirement is what a request for root needs.
type RootRequirement struct {
	Path      string            `json:"path" enum:"assumed,sign-in"`
	Change    string            `json:"change,omitempty" doc:"Kind of change that each account has one of"`
	Recovery  bool              `json:"recovery,omitempty" doc:"The credential is made first and taken away afterwards"`
	Custodian bool              `json:"custodian" doc:"Somebody who neither asks nor approves hands the credential out"`
	Networks  bool              `json:"networks" doc:"It has to be said where it will be done from"`
	Policies  map[string]string `json:"policies" doc:"ID of the policy that decides, by kind of request"`
	Accounts  int               `json:"accounts" doc:"At most"`
	Session   int               `json:"session_seconds" doc:"At most"`
	Window    int               `json:"window_seconds" doc:"At most"`
	Expected  int               `json:"expected_seconds" doc:"How long it takes"`
	Before    []RootItem        `json:"before" doc:"Answered before the session"`
	After     []RootItem        `json:"after" doc:"Answered after it"`
	Events    []string          `json:"events" doc:"What it may do: SOURCE NAME, where NAME may end in *"`
	Asks      []RootQuestion    `json:"asks"`
}

// RootQuestion is one thing that a requester is asked.
type RootQuestion struct {
	Name     string `json:"name"`
	Text     string `json:"text"`
	Optional bool   `json:"optional,omitempty"`
}

// RootItem is one thing to be done or looked at, with what was said of it.
type RootItem struct {
	ID     string      `json:"id"`
	Phase  string      `json:"phase" enum:"environment,authentication,session,clean-up,documentation"`
	Text   string      `json:"text"`
	Answer *RootAnswer `json:"answer,omitempty"`
}

// RootAnswer is what a person said of an item.
type RootAnswer struct {
	By      string    `json:"by" doc:"ID of a person"`
	At      time.Time `json:"at"`
	Skipped string    `json:"skipped,omitempty" doc:"Why it was not done; left out if it was. Typed by people: escape it"`
}

// RootOutlook is who would have to approve a request, and who could.
type RootOutlook struct {
	Policy     string            `json:"policy"`
	Needs      []RootOutlookNeed `json:"needs" doc:"All of these, each by other persons"`
	Could      []RootPerson      `json:"could" doc:"Who could approve it now"`
	Custodians []RootPerson      `json:"custodians" doc:"Who could hand the credential out"`
	Short      string            `json:"short,omitempty" doc:"Why nobody could approve it. The way without approvals is the override"`
	Task       RootTask          `json:"task"`
	Holder     string            `json:"holder" enum:"member,management,standalone" doc:"What the account is to its organization"`
	Standing   string            `json:"standing,omitempty" doc:"Which scan says so, or that it is not verified"`
}

// RootOutlookNeed is how many of a group would have to approve.
type RootOutlookNeed struct {
	Group string `json:"group"`
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// RootPerson is a person by ID and name, which people typed: escape it.
type RootPerson struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// RootAsk is what somebody asks root for. What is left out has a usual value, where there
// is one.
type RootAsk struct {
	Task          string         `json:"task" maxLength:"63" doc:"ID of a task"`
	Accounts      []string       `json:"accounts" minItems:"1" maxItems:"500" doc:"One, except for changes"`
	Decided       string         `json:"decided_at,omitempty" pattern:"^[0-9]{12}$" doc:"Account at which a request over several is decided: the management account"`
	Holder        string         `json:"holder,omitempty" enum:"member,management,standalone" doc:"What the accounts are to their organization; left out, the newest scans say it. One that they contradict is refused"`
	Kind          string         `json:"kind,omitempty" enum:"use,drill" doc:"use, unless the task is only for drills"`
	From          time.Time      `json:"from,omitzero" doc:"The first moment of the window; now if it is left out"`
	Until         time.Time      `json:"until,omitzero" doc:"The first moment behind it; four hours later if it is left out"`
	Session       int            `json:"session_seconds,omitempty" minimum:"60" maximum:"86400" doc:"How long a session lasts at most"`
	Justification string         `json:"justification" minLength:"1" maxLength:"2000" doc:"Why, and why now. Approvers sign this text"`
	Ticket        string         `json:"ticket,omitempty" maxLength:"200"`
	Networks      []string       `json:"networks,omitempty" maxItems:"20" doc:"Where a sign-in comes from, such as 198.51.100.0/24"`
	Custodian     string         `json:"custodian,omitempty" maxLength:"64" doc:"ID of the person who hands the credential out, for a sign-in"`
	Parameters    map[string]any `json:"parameters,omitempty" doc:"Of the change that is planned for each account"`
	Urgent        bool           `json:"urgent,omitempty" doc:"Ask even if nobody could approve it: you are about to override it"`
}

// RootRequest is a request for root with where it stands. Texts of people are as they are:
// escape them.
type RootRequest struct {
	ID            string       `json:"id"`
	Revision      int64        `json:"revision" doc:"One more with every change; the ETag"`
	State         string       `json:"state" enum:"requested,approved,open,closing,closed,lapsed,denied,expired,withdrawn"`
	Outcome       string       `json:"outcome,omitempty" enum:"USED,UNUSED,NO_COVERAGE,PENDING" doc:"What became of it, apart from the state"`
	Override      bool         `json:"override" doc:"It went without approvals"`
	Kind          string       `json:"kind" enum:"use,drill"`
	Path          string       `json:"path" enum:"assumed,sign-in"`
	Task          string       `json:"task"`
	Title         string       `json:"title"`
	Accounts      []string     `json:"accounts"`
	Decided       string       `json:"decided_at" doc:"Account at which it is decided"`
	Changes       []RootChange `json:"changes"`
	Networks      []string     `json:"networks"`
	Justification string       `json:"justification"`
	Ticket        string       `json:"ticket,omitempty"`
	Requester     string       `json:"requester" doc:"ID of a person"`
	Editors       []string     `json:"editors"`
	Custodian     string       `json:"custodian,omitempty" doc:"ID of a person"`
	Session       int          `json:"session_seconds"`
	From          time.Time    `json:"from" doc:"Of the window that holds: that of an override is short"`
	Until         time.Time    `json:"until"`
	Created       time.Time    `json:"created"`
	Expires       time.Time    `json:"expires" doc:"The first moment at which it cannot be approved any more"`
	Granted       time.Time    `json:"granted,omitzero" doc:"Approved or overridden"`
	Opened        time.Time    `json:"opened,omitzero"`
	Due           time.Time    `json:"due,omitzero" doc:"The session is over by then"`
	Over          time.Time    `json:"over,omitzero" doc:"The session was over"`
	Overrun       time.Time    `json:"overrun,omitzero" doc:"It was seen that nobody had closed the session in time"`
	Sealed        time.Time    `json:"sealed,omitzero" doc:"Somebody said that all is put back"`
	Ended         time.Time    `json:"ended,omitzero"`
	Device        string       `json:"device,omitempty" doc:"MFA device that was handed out"`
	Policy        string       `json:"policy"`
}

// RootChange is a change that a request is for.
type RootChange struct {
	Account string `json:"account"`
	ID      string `json:"id"`
	SHA256  string `json:"plan_sha256"`
}

// RootRequestDetail is a request for root with everything that is known of it.
type RootRequestDetail struct {
	RootRequest
	Now        time.Time         `json:"now" doc:"By the server's clock: what countdowns begin from"`
	Standing   string            `json:"standing,omitempty" doc:"What the accounts were to their organization when it was asked for, and whether a scan says so"`
	Before     []RootItem        `json:"before" doc:"Answered before the session"`
	After      []RootItem        `json:"after" doc:"Answered after it"`
	Scope      []string          `json:"scope" doc:"What it may do: SOURCE NAME"`
	Events     []RootEvent       `json:"events" doc:"What its root users did, the earliest first"`
	Left       int               `json:"events_left_off" doc:"Events that are not listed"`
	Overridden *RootOverride     `json:"overridden,omitempty"`
	Record     *RootRecord       `json:"record,omitempty" doc:"The record that is confirmed, once the session is sealed"`
	Cases      []string          `json:"cases" doc:"IDs of the cases about it"`
	Needs      []ApprovalNeed    `json:"needs" doc:"All of these, each by other persons"`
	Approvals  []ApprovalGiven   `json:"approvals"`
	Documents  ApprovalDocuments `json:"documents"`
	May        []string          `json:"may" doc:"What you may do now: approve, edit, withdraw, override, open, answer, close, confirm, review"`
}

// RootEvent is an event of a root user, or about one, with its verdict. All texts of it
// are AWS's, so anybody's: escape them.
type RootEvent struct {
	Key        string    `json:"key" doc:"RU-..."`
	ID         string    `json:"id" doc:"As the record has it"`
	Time       time.Time `json:"time"`
	Arrived    time.Time `json:"arrived"`
	Account    string    `json:"account"`
	Region     string    `json:"region"`
	Kind       string    `json:"kind"`
	Source     string    `json:"source"`
	Name       string    `json:"name"`
	Address    string    `json:"address,omitempty"`
	Error      string    `json:"error,omitempty"`
	Verdict    string    `json:"verdict,omitempty" enum:"UNEXPLAINED,OUT_OF_WINDOW,OUT_OF_SCOPE,DRILL,EXPLAINED,SERVICE" doc:"Left out before it is judged"`
	Rule       string    `json:"rule,omitempty" doc:"Short name of what decided"`
	Why        string    `json:"why,omitempty"`
	Request    string    `json:"request,omitempty" doc:"RR-..., SC-... or CH-..."`
	Session    string    `json:"session,omitempty"`
	Deliveries int       `json:"deliveries"`
	Sources    []string  `json:"sources" doc:"Names of who delivered it"`
}

// RootEventDetail is an event with its record and the cases that hold it.
type RootEventDetail struct {
	RootEvent
	Cases  []string `json:"cases"`
	Record string   `json:"record,omitempty" doc:"To the byte, as it was delivered; left out if it was too large, or if you may not read evidence"`
}

// RootRecord is the record of a session, written from its events.
type RootRecord struct {
	Text      string    `json:"text" doc:"Canonical JSON, to the byte"`
	SHA256    string    `json:"sha256" doc:"Of the text, hexadecimal: what is confirmed"`
	From      time.Time `json:"confirm_from" doc:"Before that, events may still arrive"`
	Confirmed bool      `json:"confirmed"`
}

// RootRecordHash names the record that was read.
type RootRecordHash struct {
	SHA256 string `json:"record_sha256" pattern:"^[0-9a-f]{64}$" doc:"Of the record that you read, hexadecimal"`
}

// RootOpening begins the session.
type RootOpening struct {
	Device string `json:"device,omitempty" maxLength:"256" doc:"MFA device that the custodian handed out"`
}

// RootItemAnswer says of an item that it is done, or why it is skipped.
type RootItemAnswer struct {
	Item    string `json:"item" maxLength:"63"`
	Skipped string `json:"skipped,omitempty" maxLength:"500" doc:"Why it is not done; left out if it is"`
}

// RootOverrideReason is why nobody is waited for.
type RootOverrideReason struct {
	Reason string `json:"reason" minLength:"1" maxLength:"2000"`
}

// RootOverrideStatement is the statement that waits for the signature of who overrides,
// and what comes with it.
type RootOverrideStatement struct {
	ApprovalStatement
	Skipped []RootPerson `json:"skipped" doc:"Who could have approved it, and is not waited for"`
	Page    string       `json:"page" doc:"Path of the page on which the security key signs"`
}

// RootOverride is a use of root that nobody approved.
type RootOverride struct {
	Revision int64           `json:"revision" doc:"What a review names"`
	State    string          `json:"state" enum:"waiting,granted,reviewed,void"`
	By       string          `json:"by" doc:"ID of a person"`
	Reason   string          `json:"reason" doc:"Typed by people: escape it"`
	Signed   time.Time       `json:"signed"`
	Second   string          `json:"second,omitempty" doc:"Request to a second person, RO-..., if an earlier override is not reviewed"`
	Granted  time.Time       `json:"granted,omitzero"`
	Skipped  []string        `json:"skipped" doc:"IDs of who could have approved it"`
	Due      time.Time       `json:"review_due,omitzero"`
	Late     bool            `json:"review_late"`
	Reviewer string          `json:"reviewer,omitempty"`
	Reviewed time.Time       `json:"reviewed,omitzero"`
	Verdict  string          `json:"verdict,omitempty" enum:"justified,not-justified"`
	Review   string          `json:"review,omitempty" doc:"Typed by people: escape it"`
	Record   json.RawMessage `json:"record,omitempty" doc:"The signature with all that is needed to check it, for who may read evidence"`
}

// RootReview is what a reviewer says of an override.
type RootReview struct {
	Revision int64  `json:"revision" doc:"Of the override that was read"`
	Verdict  string `json:"verdict" enum:"justified,not-justified"`
	Review   string `json:"review" minLength:"1" maxLength:"2000"`
}

// RootClaim is how often root was used in whole days, and what is proven of them.
type RootClaim struct {
	Since       time.Time `json:"since"`
	Until       time.Time `json:"until" doc:"The first moment behind the last whole day"`
	Explained   int64     `json:"explained" doc:"Sessions of root; drills are not among them"`
	Drills      int64     `json:"drills"`
	Unexplained int64     `json:"unexplained" doc:"Sessions with an event that nothing covers"`
	Unjudged    int64     `json:"unjudged" doc:"Sessions with an event that has no verdict yet"`
	Accounts    int       `json:"accounts"`
	Hours       int64     `json:"hours" doc:"Of all accounts together"`
	Proven      int64     `json:"proven_hours"`
	Claim       bool      `json:"claim" doc:"Whether it may be said that root was not used without an explanation: every hour is proven, every event is judged, and none is unexplained"`
	Words       string    `json:"words"`
}
