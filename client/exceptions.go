package client

import "time"

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
	Needs     []ApprovalNeed    `json:"needs" doc:"All of these, each by other persons"`
	Approvals []ApprovalGiven   `json:"approvals"`
	Documents ApprovalDocuments `json:"documents"`
}
