package lint

import (
	"slices"
	"strings"
)

// shape is what CloudTrail keeps under a field.
type shape uint8

const (
	unknown shape = iota
	single        // one value
	object        // an object with known members
	open          // anything below it
)

// recordFields are the fields of a record that lie outside the parts which each
// API fills by itself (CloudTrail User Guide, "CloudTrail record contents for
// management, data, and network activity events", "CloudTrail userIdentity
// element", and the pages on Insights events).
var recordFields = map[string]shape{
	"addendum":                      object,
	"addendum.reason":               single,
	"addendum.updatedFields":        single,
	"addendum.originalRequestID":    single,
	"addendum.originalEventID":      single,
	"additionalEventData":           open,
	"apiVersion":                    single,
	"awsRegion":                     single,
	"edgeDeviceDetails":             open,
	"errorCode":                     single,
	"errorMessage":                  single,
	"eventCategory":                 single,
	"eventContext":                  open,
	"eventID":                       single,
	"eventName":                     single,
	"eventSource":                   single,
	"eventTime":                     single,
	"eventType":                     single,
	"eventVersion":                  single,
	"insightDetails":                open,
	"managementEvent":               single,
	"readOnly":                      single,
	"recipientAccountId":            single,
	"requestID":                     single,
	"requestParameters":             open,
	"resources":                     open, // a list; the case of ARN varies
	"responseElements":              open,
	"serviceEventDetails":           open,
	"sessionCredentialFromConsole":  single,
	"sharedEventID":                 single,
	"sourceIPAddress":               single,
	"tlsDetails":                    object,
	"tlsDetails.cipherSuite":        single,
	"tlsDetails.keyExchange":        single,
	"tlsDetails.tlsVersion":         single,
	"userAgent":                     single,
	"userIdentity":                  object,
	"userIdentity.accessKeyId":      single,
	"userIdentity.accountId":        single,
	"userIdentity.arn":              single,
	"userIdentity.credentialId":     single,
	"userIdentity.identityProvider": single,
	"userIdentity.inScopeOf":        open,
	"userIdentity.invokedBy":        single,
	"userIdentity.onBehalfOf":       open,
	"userIdentity.principalId":      single,
	"userIdentity.sessionContext":   object,
	"userIdentity.type":             single,
	"userIdentity.userName":         single,
	"vpcEndpointAccountId":          single,
	"vpcEndpointId":                 single,

	"tlsDetails.clientProvidedHostHeader":                     single,
	"userIdentity.sessionContext.assumedRoot":                 single,
	"userIdentity.sessionContext.attributes":                  open,
	"userIdentity.sessionContext.attributes.mfaAuthenticated": single,
	"userIdentity.sessionContext.ec2IssuedInVpc":              single,
	"userIdentity.sessionContext.ec2RoleDelivery":             single,
	"userIdentity.sessionContext.sessionIssuer":               object,
	"userIdentity.sessionContext.sessionIssuer.accountId":     single,
	"userIdentity.sessionContext.sessionIssuer.arn":           single,
	"userIdentity.sessionContext.sessionIssuer.principalId":   single,
	"userIdentity.sessionContext.sessionIssuer.type":          single,
	"userIdentity.sessionContext.sessionIssuer.userName":      single,
	"userIdentity.sessionContext.sourceIdentity":              single,
	"userIdentity.sessionContext.webIdFederationData":         open,
}

// shapeOf is the shape of a field path.
func shapeOf(path string) shape {
	if s, known := recordFields[path]; known {
		return s
	}
	for i, c := range path {
		if c == '.' && recordFields[path[:i]] == open {
			return open
		}
	}
	return unknown
}

// respelled is the field that a path means but for upper and lower case, or "".
func respelled(path string) string {
	var found []string
	for known := range recordFields {
		if strings.EqualFold(known, path) {
			found = append(found, known)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return slices.Min(found)
}

// path reports a field that no record has.
func (l *linter) path(path string, line int) bool {
	if shapeOf(path) != unknown || slices.Contains(l.set.Derived(), path) {
		return true
	}
	hint := "hint: the outcome of a call is in errorCode, the rest below requestParameters and responseElements"
	if known := respelled(path); known != "" {
		hint = "hint: write " + known
	}
	l.report(line, "unknown-field", Warning, "no CloudTrail record has a field %s, so it is always absent; %s", path, hint)
	return false
}

// isARN and isName know the fields that hold a full ARN and those that hold the
// bare name of a user, role, group or policy, which never has a colon.
func isARN(path string) bool {
	return path == "userIdentity.arn" || path == "userIdentity.sessionContext.sessionIssuer.arn"
}

func isName(path string) bool {
	switch path[strings.LastIndexByte(path, '.')+1:] {
	case "userName", "roleName", "groupName", "policyName":
		return shapeOf(path) != unknown
	}
	return false
}
