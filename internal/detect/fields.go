package detect

import (
	"bytes"
	"slices"

	"github.com/rootkeep/rootkeep"
)

// The fields that every record is scanned for, in the order of their numbers.
const (
	fTime = iota
	fID
	fRecipient
	fName
	fSource
	fRegion
	fAddress
	fAgent
	fError
	fMessage
	fType
	fARN
	fPrincipalID
	fAccount
	fAccessKey
	fUserName
	fInvokedBy
	fIssuerARN
	fIssuedMFA
	fAssumedRoot
	fSignIn
	fSignInMFA
	fTargetPrincipal
	fRoleARN
	firstTarget   // what a call touched, the most telling first
	scannedFields = firstTarget + len(targetPaths)
)

// targetPaths name what a call touched, in the order in which they are believed.
var targetPaths = [...]string{
	"requestParameters.userName", "requestParameters.roleName", "requestParameters.groupName", "requestParameters.policyArn",
	"requestParameters.bucketName", "requestParameters.trailName", "requestParameters.name", "requestParameters.secretId",
	"requestParameters.keyId", "requestParameters.functionName", "requestParameters.instanceId", "requestParameters.groupId",
	"requestParameters.snapshotId", "requestParameters.imageId", "requestParameters.dBSnapshotIdentifier",
	"requestParameters.dBInstanceIdentifier", "requestParameters.detectorId", "requestParameters.topicArn",
	"requestParameters.logGroupName", "requestParameters.serialNumber", "requestParameters.accountId",
	"requestParameters.regionName", "requestParameters.resourceArn", "requestParameters.modelId",
}

// scannedPaths are the paths of all scanned fields.
func scannedPaths() []string { return slices.Concat(ownPaths[:], targetPaths[:]) }

var ownPaths = [firstTarget]string{
	fTime:            "eventTime",
	fID:              "eventID",
	fRecipient:       "recipientAccountId",
	fName:            "eventName",
	fSource:          "eventSource",
	fRegion:          "awsRegion",
	fAddress:         "sourceIPAddress",
	fAgent:           "userAgent",
	fError:           "errorCode",
	fMessage:         "errorMessage",
	fType:            "userIdentity.type",
	fARN:             "userIdentity.arn",
	fPrincipalID:     "userIdentity.principalId",
	fAccount:         "userIdentity.accountId",
	fAccessKey:       "userIdentity.accessKeyId",
	fUserName:        "userIdentity.userName",
	fInvokedBy:       "userIdentity.invokedBy",
	fIssuerARN:       "userIdentity.sessionContext.sessionIssuer.arn",
	fIssuedMFA:       "userIdentity.sessionContext.attributes.mfaAuthenticated",
	fAssumedRoot:     "userIdentity.sessionContext.assumedRoot",
	fSignIn:          "responseElements.ConsoleLogin",
	fSignInMFA:       "additionalEventData.MFAUsed",
	fTargetPrincipal: "requestParameters.targetPrincipal",
	fRoleARN:         "requestParameters.roleArn",
}

// The derived fields, computed from scanned ones when a rule or a window asks.
// Rules name them with the prefix rootkeep.
const (
	dPrincipal = iota // the role, user or root behind the call, never a session
	dCountry          // ISO 3166-1 alpha-2, "relay" for an address on a relay list
	dASN
	dNetwork // AS number when known, else the /24 or /48 of the address
	dAddress // a real IP address that is on no relay list
	dRelay   // name of the relay list that holds the address
	dOutcome // success, failure, denied
	dTargetAccount
	derivedFields
)

var derivedNames = [derivedFields]string{
	dPrincipal:     "rootkeep.principal",
	dCountry:       "rootkeep.country",
	dASN:           "rootkeep.asn",
	dNetwork:       "rootkeep.network",
	dAddress:       "rootkeep.address",
	dRelay:         "rootkeep.relay",
	dOutcome:       "rootkeep.outcome",
	dTargetAccount: "rootkeep.target_account",
}

// Outcomes of a call.
const (
	outcomeSuccess = "success"
	outcomeFailure = "failure"
	outcomeDenied  = "denied"
)

// outcome judges whether the call did what it asked for. Success has three
// encodings: errorCode absent, null, or the old text "Success". A failed
// sign-in has no errorCode at all.
func outcome(v *rootkeep.View) string {
	code := v.At(fError)
	switch {
	case code.Kind == rootkeep.String && len(code.Text) > 0 && !bytes.EqualFold(code.Text, []byte("Success")):
		if bytes.Contains(code.Text, []byte("AccessDenied")) || bytes.Contains(code.Text, []byte("Unauthorized")) {
			return outcomeDenied
		}
		return outcomeFailure
	case bytes.EqualFold(v.Text(fSignIn), []byte("Failure")):
		return outcomeFailure
	}
	return outcomeSuccess
}

// targetAccount is the other account that an AssumeRole or AssumeRoot aims at.
func targetAccount(v *rootkeep.View) []byte {
	for _, field := range []int{fTargetPrincipal, fRoleARN} {
		text := v.Text(field)
		if bytes.HasPrefix(text, []byte("arn:")) {
			if parts := bytes.SplitN(text, []byte(":"), 6); len(parts) == 6 {
				text = parts[4]
			}
		}
		if _, err := rootkeep.ParseAccountID(string(text)); err == nil {
			return text
		}
	}
	return nil
}
