package client

import "time"

// RootlessPlan is in which order the root users of an organization's members would lose
// their credentials, and what is not known of them. Names are typed by people: escape them.
type RootlessPlan struct {
	Organization string         `json:"organization,omitempty" doc:"ID; left out if no snapshot says it"`
	Management   string         `json:"management,omitempty" doc:"Number of the management account, at which a request is decided; left out if no snapshot says it"`
	At           time.Time      `json:"at" doc:"Ages are told as of then"`
	OldAfter     int            `json:"old_after_seconds" doc:"What was read longer ago is old"`
	Steps        []RootlessStep `json:"steps" doc:"Accounts in the order in which they come"`
	Left         []RootlessLeft `json:"left" doc:"Accounts that are not among them, by number"`
	Unknown      int            `json:"unknown" doc:"Accounts of which it is not known what their root users have"`
	Old          int            `json:"old" doc:"Accounts that were read too long ago"`
}

// RootlessStep is an account in its turn.
type RootlessStep struct {
	Account string    `json:"account"`
	Name    string    `json:"name,omitempty"`
	Canary  bool      `json:"canary" doc:"The others wait until it is done"`
	Rank    string    `json:"rank" enum:"sandbox,test,other,production"`
	Why     string    `json:"why" doc:"Why it comes at this place"`
	Has     string    `json:"has" doc:"What its root user has, or why that is not known"`
	KeyUsed time.Time `json:"key_used,omitzero" doc:"The last use of an access key; left out if none is known"`
	Lost    []string  `json:"lost" doc:"What nobody can restore afterwards"`
	Read    time.Time `json:"read,omitzero" doc:"When that was read; left out if it was not"`
	Old     bool      `json:"old" doc:"It was read too long ago to be relied on"`
	Unknown bool      `json:"unknown" doc:"It is read when its change is planned"`
}

// RootlessLeft is an account that does not lose anything, and why.
type RootlessLeft struct {
	Account string `json:"account"`
	Name    string `json:"name,omitempty"`
	Why     string `json:"why"`
	Unknown bool   `json:"unknown" doc:"Nobody knows whether there is something to be taken"`
}

// RootlessAsk asks for root of all members at once, to delete their credentials. What is
// left out has a usual value, where there is one.
type RootlessAsk struct {
	Accounts      []string       `json:"accounts,omitempty" maxItems:"500" doc:"Only these members; all if it is left out"`
	First         []string       `json:"first,omitempty" maxItems:"50" doc:"Canaries, in their order; the first of all if it is left out"`
	Management    string         `json:"management,omitempty" pattern:"^[0-9]{12}$" doc:"Management account of the organization; left out where the server knows one alone"`
	Justification string         `json:"justification" minLength:"1" maxLength:"2000" doc:"Why, and why now. Approvers sign this text"`
	Ticket        string         `json:"ticket,omitempty" maxLength:"200"`
	From          time.Time      `json:"from,omitzero" doc:"The first moment of the window; when all is planned if it is left out"`
	Until         time.Time      `json:"until,omitzero" doc:"The first moment behind it; long enough for all accounts if it is left out"`
	Parameters    map[string]any `json:"parameters,omitempty" doc:"Of root-credentials-delete, such as unused_for"`
	Urgent        bool           `json:"urgent,omitempty" doc:"Ask even if nobody could approve it: you are about to override it"`
}

// RootlessApply has the changes of a request applied.
type RootlessApply struct {
	Release bool `json:"release,omitempty" doc:"Go on without the account that it halted at"`
}

// RootlessWork is a piece of work on many accounts that the server does by a job.
type RootlessWork struct {
	Job      string    `json:"job" doc:"JO-..."`
	State    string    `json:"state" enum:"waiting,running,done,dead"`
	Progress string    `json:"progress,omitempty"`
	Error    string    `json:"error,omitempty" doc:"Of the last attempt. May have text of AWS: escape it"`
	Asked    time.Time `json:"asked"`
	Ended    time.Time `json:"ended,omitzero"`
}

// Over says whether nothing more comes of it by itself.
func (w *RootlessWork) Over() bool { return w == nil || w.State == "done" || w.State == "dead" }

// RootlessStatus is where the accounts of a request are.
type RootlessStatus struct {
	Request  string         `json:"request" doc:"RR-..."`
	State    string         `json:"state" enum:"planning,requested,approved,open,closing,closed,lapsed,denied,expired,withdrawn" doc:"Of the request; planning before it is there"`
	Now      time.Time      `json:"now" doc:"By the server's clock"`
	Batch    string         `json:"batch,omitempty" doc:"CB-..., of its changes"`
	Halted   string         `json:"halted,omitempty" doc:"Change that the batch halted at"`
	Planning *RootlessWork  `json:"planning,omitempty"`
	Applying *RootlessWork  `json:"applying,omitempty" doc:"The newest"`
	Proving  *RootlessWork  `json:"proving,omitempty" doc:"The newest"`
	Accounts []RootlessLine `json:"accounts" doc:"In the order in which they come, then those that are left out"`
	Count    map[string]int `json:"count" doc:"Accounts by word"`
	Proof    *RootlessProof `json:"proof,omitempty" doc:"Of the newest proof that was done"`
	Next     string         `json:"next,omitempty" doc:"What comes next"`
	May      []string       `json:"may" doc:"What you may do now: apply, release, prove"`
}

// RootlessLine is where one account is.
type RootlessLine struct {
	Account string    `json:"account"`
	Name    string    `json:"name,omitempty"`
	Change  string    `json:"change,omitempty" doc:"CH-...; left out if it has none"`
	Canary  bool      `json:"canary"`
	Word    string    `json:"word" enum:"waits,working,half-way,open,deleted,proven,back,ended,refused,holds,left out,not known"`
	Why     string    `json:"why,omitempty" doc:"What is to be done, or what kept it. May have text of AWS: escape it"`
	Had     string    `json:"had,omitempty" doc:"What its root user had when it was asked for"`
	Has     string    `json:"has,omitempty" doc:"What the newest audit found"`
	Read    time.Time `json:"read,omitzero" doc:"When that audit was"`
}

// RootlessProof is what was read of the root users of all members.
type RootlessProof struct {
	Claim   bool      `json:"claim" doc:"Every member that can be read was read, and has nothing"`
	Words   string    `json:"words" doc:"What can be said"`
	Members int       `json:"members" doc:"Accounts that were to be read"`
	Absent  int       `json:"absent" doc:"Of these, those whose root users have nothing"`
	Holding int       `json:"holding" doc:"Of these, those whose root users have credentials"`
	Unread  int       `json:"unread" doc:"Of these, those that could not be read"`
	Beside  int       `json:"beside" doc:"Members that nobody can read: suspended ones"`
	Asked   time.Time `json:"asked" doc:"No answer is older"`
	Ended   time.Time `json:"ended"`
}
