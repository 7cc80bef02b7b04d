package rootevent

import (
	"bytes"
	"slices"

	"github.com/rootkeep/rootkeep"
)

var (
	root         = []byte("Root")
	federated    = []byte("FederatedUser")
	rootARN      = []byte(":root")
	consoleLogin = []byte("ConsoleLogin")
	signInSource = []byte("signin.amazonaws.com")
	iamSource    = []byte("iam.amazonaws.com")
	rootDevice   = []byte(":mfa/root-account-mfa-device")
)

// byAnybody are calls about root users that others make,
// by source and name.
var byAnybody = map[string]rootkeep.RootKind{
	"sts.amazonaws.com AssumeRoot":                                    rootkeep.RootAssumed,
	"iam.amazonaws.com EnableOrganizationsRootSessions":               rootkeep.RootGovernance,
	"iam.amazonaws.com DisableOrganizationsRootSessions":              rootkeep.RootGovernance,
	"iam.amazonaws.com EnableOrganizationsRootCredentialsManagement":  rootkeep.RootGovernance,
	"iam.amazonaws.com DisableOrganizationsRootCredentialsManagement": rootkeep.RootGovernance,
	"organizations.amazonaws.com LeaveOrganization":                   rootkeep.RootGovernance,
	"organizations.amazonaws.com RemoveAccountFromOrganization":       rootkeep.RootGovernance,
	"organizations.amazonaws.com DetachPolicy":                        rootkeep.RootGovernance,
	"organizations.amazonaws.com DisablePolicyType":                   rootkeep.RootGovernance,
	// A policy that is rewritten, and an account that is moved away from one, lose what a
	// guardrail holds as by DetachPolicy. DeletePolicy is not here: AWS deletes no policy
	// that is attached (Organizations API Reference, PolicyInUseException).
	"organizations.amazonaws.com UpdatePolicy":       rootkeep.RootGovernance,
	"organizations.amazonaws.com MoveAccount":        rootkeep.RootGovernance,
	"account.amazonaws.com StartPrimaryEmailUpdate":  rootkeep.RootCredential,
	"account.amazonaws.com AcceptPrimaryEmailUpdate": rootkeep.RootCredential,
	"account.amazonaws.com PutAccountName":           rootkeep.RootCredential,
	// Of a root user alone, and before anybody is signed in: such a record may come
	// without an identity.
	"signin.amazonaws.com PasswordRecoveryRequested": rootkeep.RootCredential,
	"signin.amazonaws.com PasswordRecoveryCompleted": rootkeep.RootCredential,
	"signin.amazonaws.com EmailUpdated":              rootkeep.RootCredential,
}

// longestCall is that of the longest key of byAnybody: most records are not looked up.
const longestCall = len("iam.amazonaws.com DisableOrganizationsRootCredentialsManagement")

// marks are texts of which every record has one that has to do with a root user: Root as a
// type, in a call or in the name of an identity, or the source of another call of byAnybody; or
// a letter that is written as its number.
var marks = [][]byte{[]byte("oot"), []byte("organizations.amazonaws.com"), []byte("account.amazonaws.com"), []byte("signin.amazonaws.com"), []byte(`\u00`)}

// Mentions says whether a record, by its text, may have to do with a root user: of others Kind
// is "", and no field of theirs says Root. It is much cheaper than to scan them.
func Mentions(raw []byte) bool {
	return slices.ContainsFunc(marks, func(mark []byte) bool { return bytes.Contains(raw, mark) })
}

// Kind is what a record has to do with a root user, "" for nothing.
func (s *Sorter) Kind(v *rootkeep.View) rootkeep.RootKind {
	caller := v.Text(s.n.kindOfCaller)
	if bytes.Equal(caller, root) || len(caller) == 0 && bytes.HasSuffix(v.Text(s.n.arn), rootARN) || s.Federated(v) {
		return s.ofRoot(v)
	}
	source, name := v.Text(s.n.source), v.Text(s.n.name)
	if len(source)+1+len(name) <= longestCall {
		var room [longestCall]byte
		if kind := byAnybody[string(append(append(append(room[:0], source...), ' '), name...))]; kind != "" {
			return kind
		}
	}
	if bytes.HasSuffix(v.Text(s.n.serial), rootDevice) && bytes.Equal(source, iamSource) && ofDevice(name) {
		return rootkeep.RootCredential
	}
	return ""
}

// ofDevice says whether a call changes an MFA device.
func ofDevice(name []byte) bool {
	switch string(name) {
	case "EnableMFADevice", "DeactivateMFADevice", "DeleteVirtualMFADevice", "ResyncMFADevice":
		return true
	}
	return false
}

// ofRoot tells the events of type Root apart. A session of sts:AssumeRoot has that type
// as well, and so have events before anybody is signed in.
func (s *Sorter) ofRoot(v *rootkeep.View) rootkeep.RootKind {
	if bytes.Equal(v.Text(s.n.source), signInSource) {
		switch failed, _ := s.outcome(v); string(v.Text(s.n.name)) {
		case "ConsoleLogin":
			if failed {
				return rootkeep.RootFailedSignIn
			}
			return rootkeep.RootSignIn
		case "PasswordRecoveryRequested", "PasswordRecoveryCompleted", "PasswordUpdated", "EmailUpdated":
			return rootkeep.RootCredential
		}
		return rootkeep.RootSignInStep
	}
	switch {
	case bytes.EqualFold(v.Text(s.n.assumedRoot), []byte("true")):
		return rootkeep.AssumedRootCall
	case len(v.Text(s.n.invokedBy)) > 0:
		return rootkeep.RootByService
	case bytes.HasPrefix(v.Text(s.n.key), []byte("AKIA")): // AWS's prefix of long-term keys (IAM User Guide, "Unique identifiers")
		return rootkeep.RootKeyCall
	}
	return rootkeep.RootCall
}

// Federated says whether the record is of a session that a root user gave to somebody.
func (s *Sorter) Federated(v *rootkeep.View) bool {
	return GivenByRoot(v.Text(s.n.kindOfCaller), v.Text(s.n.issuer))
}

// GivenByRoot says whether a caller has a session that a root user gave to it with
// sts:GetFederationToken, by userIdentity.type and the ARN of its sessionContext.sessionIssuer:
// what it may do root may do, and no other use of root shows it (CloudTrail User Guide,
// "CloudTrail userIdentity element").
func GivenByRoot(caller, issuer []byte) bool {
	return bytes.Equal(caller, federated) && bytes.HasSuffix(issuer, rootARN)
}

// ByRoot says whether the record names a root user as its caller.
func (s *Sorter) ByRoot(v *rootkeep.View) bool { return bytes.Equal(v.Text(s.n.kindOfCaller), root) }

// SignIn says whether the record is a sign-in to the console, by anybody.
func (s *Sorter) SignIn(v *rootkeep.View) bool {
	return bytes.Equal(v.Text(s.n.name), consoleLogin) && bytes.Equal(v.Text(s.n.source), signInSource)
}
