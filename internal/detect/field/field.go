// Package field knows the fields of a record that a hunt always reads: their numbers, and
// what they come to - who called, with which outcome, on what.
package field

import (
	"bytes"
	"slices"

	"github.com/rootkeep/rootkeep"
)

// The fields that every record is scanned for, in the order of their numbers.
const (
	Time = iota
	ID
	Recipient
	Name
	Source
	Region
	Address
	Agent
	Error
	Message
	Type
	ARN
	PrincipalID
	Account
	AccessKey
	UserName
	InvokedBy
	IssuerARN
	IssuedMFA
	AssumedRoot
	SignIn
	SignInMFA
	TargetPrincipal
	RoleARN
	FirstTarget // what a call touched, the most telling first
	Scanned     = FirstTarget + len(targetPaths)
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

// Paths are the paths of all scanned fields.
func Paths() []string { return slices.Concat(ownPaths[:], targetPaths[:]) }

var ownPaths = [FirstTarget]string{
	Time:            "eventTime",
	ID:              "eventID",
	Recipient:       "recipientAccountId",
	Name:            "eventName",
	Source:          "eventSource",
	Region:          "awsRegion",
	Address:         "sourceIPAddress",
	Agent:           "userAgent",
	Error:           "errorCode",
	Message:         "errorMessage",
	Type:            "userIdentity.type",
	ARN:             "userIdentity.arn",
	PrincipalID:     "userIdentity.principalId",
	Account:         "userIdentity.accountId",
	AccessKey:       "userIdentity.accessKeyId",
	UserName:        "userIdentity.userName",
	InvokedBy:       "userIdentity.invokedBy",
	IssuerARN:       "userIdentity.sessionContext.sessionIssuer.arn",
	IssuedMFA:       "userIdentity.sessionContext.attributes.mfaAuthenticated",
	AssumedRoot:     "userIdentity.sessionContext.assumedRoot",
	SignIn:          "responseElements.ConsoleLogin",
	SignInMFA:       "additionalEventData.MFAUsed",
	TargetPrincipal: "requestParameters.targetPrincipal",
	RoleARN:         "requestParameters.roleArn",
}

// Outcomes of a call.
const (
	Succeeded = "success"
	Failed    = "failure"
	Denied    = "denied"
)

// Outcome judges whether the call did what it asked for. Success has three
// encodings: errorCode absent, null, or the old text "Success". A failed
// sign-in has no errorCode at all.
func Outcome(v *rootkeep.View) string {
	code := v.At(Error)
	switch {
	case code.Kind == rootkeep.String && len(code.Text) > 0 && !bytes.EqualFold(code.Text, []byte("Success")):
		if bytes.Contains(code.Text, []byte("AccessDenied")) || bytes.Contains(code.Text, []byte("Unauthorized")) {
			return Denied
		}
		return Failed
	case bytes.EqualFold(v.Text(SignIn), []byte("Failure")):
		return Failed
	}
	return Succeeded
}

// TargetAccount is the other account that an AssumeRole or AssumeRoot aims at.
func TargetAccount(v *rootkeep.View) []byte {
	for _, field := range []int{TargetPrincipal, RoleARN} {
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

// Failure is the code of the error, or what a failed sign-in says instead.
func Failure(v *rootkeep.View) []byte {
	if code := v.Text(Error); len(code) > 0 || Outcome(v) != Failed {
		return code
	}
	return v.Text(Message)
}

// Target finds what the call touched in the request; nil when it is not said.
func Target(v *rootkeep.View) []byte {
	for field := FirstTarget; field < Scanned; field++ {
		if val := v.At(field); val.Kind == rootkeep.String && len(val.Text) > 0 {
			return val.Text
		}
	}
	return nil
}
