package rootuse

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep"
)

// fields are the numbers of what a record is asked for.
type fields struct {
	time, id, recipient, name, source, region, address, agent, err, message int
	kindOfCaller, account, key, invokedBy, issuedMFA                        int
	assumedRoot, signIn, signInMFA, target                                  int
	principal, country                                                      int // computed
}

// paths are where a record has the fields, each with its number.
func (f *fields) paths() map[string]*int {
	return map[string]*int{
		"eventTime": &f.time, "eventID": &f.id, "recipientAccountId": &f.recipient, "eventName": &f.name, "eventSource": &f.source,
		"awsRegion": &f.region, "sourceIPAddress": &f.address, "userAgent": &f.agent, "errorCode": &f.err, "errorMessage": &f.message,
		"userIdentity.type": &f.kindOfCaller, "userIdentity.accountId": &f.account, "userIdentity.accessKeyId": &f.key,
		"userIdentity.invokedBy":                                  &f.invokedBy,
		"userIdentity.sessionContext.attributes.mfaAuthenticated": &f.issuedMFA,
		"userIdentity.sessionContext.assumedRoot":                 &f.assumedRoot,
		"responseElements.ConsoleLogin":                           &f.signIn,
		"additionalEventData.MFAUsed":                             &f.signInMFA,
		"requestParameters.targetPrincipal":                       &f.target,
	}
}

// fieldsOf finds the numbers among the paths that records are scanned for.
func fieldsOf(scanned []string) (fields, error) {
	var f fields
	for path, number := range f.paths() {
		if *number = slices.Index(scanned, path); *number < 0 {
			return fields{}, fmt.Errorf("root uses: records are not scanned for %s", path)
		}
	}
	return f, nil
}

// Sorter tells records that have to do with a root user from others, without a hunt. It
// may be used by several goroutines.
type Sorter struct{ fields fields }

// NewSorter makes a sorter, with the paths that the records given to it are scanned for.
func NewSorter() (*Sorter, []string) {
	s := &Sorter{}
	numbers := s.fields.paths()
	scanned := slices.Sorted(maps.Keys(numbers))
	for i, path := range scanned {
		*numbers[path] = i
	}
	return s, scanned
}

// Kind is what a record has to do with a root user, "" for nothing.
func (s *Sorter) Kind(v *rootkeep.View) rootkeep.RootKind { return s.fields.kind(v) }

var (
	root         = []byte("Root")
	consoleLogin = []byte("ConsoleLogin")
	signInSource = []byte("signin.amazonaws.com")
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
	"account.amazonaws.com StartPrimaryEmailUpdate":                   rootkeep.RootCredential,
	"account.amazonaws.com AcceptPrimaryEmailUpdate":                  rootkeep.RootCredential,
	"account.amazonaws.com PutAccountName":                            rootkeep.RootCredential,
}

// longestCall is that of the longest key of byAnybody: most records are not looked up.
const longestCall = len("iam.amazonaws.com DisableOrganizationsRootCredentialsManagement")

// kind is what the record has to do with a root user, "" for nothing.
func (f *fields) kind(v *rootkeep.View) rootkeep.RootKind {
	if bytes.Equal(v.Text(f.kindOfCaller), root) {
		return f.ofRoot(v)
	}
	source, name := v.Text(f.source), v.Text(f.name)
	if len(source)+1+len(name) > longestCall {
		return ""
	}
	var room [longestCall]byte
	return byAnybody[string(append(append(append(room[:0], source...), ' '), name...))]
}

// ofRoot tells the events of type Root apart. A session of sts:AssumeRoot has that type
// as well, and so have events before anybody is signed in.
func (f *fields) ofRoot(v *rootkeep.View) rootkeep.RootKind {
	if bytes.Equal(v.Text(f.source), signInSource) {
		switch failed, _ := f.outcome(v); string(v.Text(f.name)) {
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
	case bytes.EqualFold(v.Text(f.assumedRoot), []byte("true")):
		return rootkeep.AssumedRootCall
	case len(v.Text(f.invokedBy)) > 0:
		return rootkeep.RootByService
	case bytes.HasPrefix(v.Text(f.key), []byte("AKIA")): // AWS's prefix of long-term keys (IAM User Guide, "Unique identifiers")
		return rootkeep.RootKeyCall
	}
	return rootkeep.RootCall
}

// outcome says whether the call failed, and with what. A failed sign-in has a message
// and no code.
func (f *fields) outcome(v *rootkeep.View) (failed bool, err string) {
	code := string(v.Text(f.err))
	switch {
	case code != "" && !bytes.EqualFold(v.Text(f.err), []byte("Success")):
		return true, code
	case bytes.EqualFold(v.Text(f.signIn), []byte("Failure")):
		return true, string(v.Text(f.message))
	}
	return false, ""
}

// mfa is what the record says of a second factor: the sign-in's own word, or the
// session's.
func (f *fields) mfa(v *rootkeep.View) string {
	for _, field := range []int{f.signInMFA, f.issuedMFA} {
		switch text := v.Text(field); {
		case bytes.EqualFold(text, []byte("yes")), bytes.EqualFold(text, []byte("true")):
			return "yes"
		case len(text) > 0:
			return "no"
		}
	}
	return ""
}
