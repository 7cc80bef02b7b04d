package rootkeep

import "time"

// RootKind says what an event has to do with a root user.
type RootKind string

// The kinds. What root itself did: a sign-in that succeeded, a call in a console session,
// a call with one of root's access keys, a call in a session that sts:AssumeRoot opened.
// What is about root: the others.
const (
	RootSignIn       RootKind = "sign-in"
	RootCall         RootKind = "console-call"
	RootKeyCall      RootKind = "key-call"
	AssumedRootCall  RootKind = "assumed-root-call"
	RootByService    RootKind = "by-service"     // an AWS service called in root's name
	RootFailedSignIn RootKind = "failed-sign-in" // somebody who has the address, not all that it takes
	RootSignInStep   RootKind = "sign-in-step"   // asked for the second factor, and the like
	RootAssumed      RootKind = "assume-root"    // a session was asked of sts:AssumeRoot, as the caller's account tells it
	RootCredential   RootKind = "credential"     // root's password, address or name, recovered or changed
	RootGovernance   RootKind = "governance"     // the organization's hold over root users, such as leaving it
)

// Used says whether root itself acted.
func (k RootKind) Used() bool {
	switch k {
	case RootSignIn, RootCall, RootKeyCall, AssumedRootCall:
		return true
	}
	return false
}

// RootUse is an event of a root user or about one. Its texts are as delivered.
type RootUse struct {
	Time      time.Time `json:"time"`
	ID        string    `json:"id"` // of the event
	Kind      RootKind  `json:"kind"`
	Account   AccountID `json:"account"` // that the record belongs to
	Region    Region    `json:"region"`
	Source    string    `json:"source"`
	Name      string    `json:"name"`
	Failed    bool      `json:"failed"`
	Error     string    `json:"error,omitempty"`
	Address   string    `json:"address"`
	Country   string    `json:"country,omitempty"` // ISO 3166-1 alpha-2, "" when unknown
	Agent     string    `json:"agent,omitempty"`
	MFA       string    `json:"mfa,omitempty"` // yes, no, "" when the record does not say
	Principal string    `json:"principal"`     // who called: root of an account, a role, a user
	AccessKey string    `json:"access_key_id,omitempty"`
	Target    string    `json:"target,omitempty"` // account that AssumeRoot aims at
	// Raw is the record as delivered, which is not always sound JSON: base64 in JSON. It is
	// empty when it was larger than is kept.
	Raw []byte `json:"raw,omitempty"`
}

// SignIn is one sign-in to the console, by anybody, or the attempt.
type SignIn struct {
	Time      time.Time `json:"time"`
	ID        string    `json:"id"` // of the event
	Account   AccountID `json:"account"`
	Root      bool      `json:"root"`
	Failed    bool      `json:"failed"`
	Address   string    `json:"address"`
	Country   string    `json:"country,omitempty"` // ISO 3166-1 alpha-2, "" when unknown
	MFA       string    `json:"mfa,omitempty"`     // yes, no, "" when the record does not say
	Principal string    `json:"principal"`
}
