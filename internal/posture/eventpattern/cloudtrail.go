package eventpattern

import (
	"fmt"
	"slices"
	"strings"
)

// types are what EventBridge calls the kinds of CloudTrail records, by their eventType.
var types = map[string]string{
	"AwsApiCall":           "AWS API Call via CloudTrail",
	"AwsConsoleSignIn":     "AWS Console Sign In via CloudTrail",
	"AwsConsoleAction":     "AWS Console Action via CloudTrail",
	"AwsServiceEvent":      "AWS Service Event via CloudTrail",
	"AwsCloudTrailInsight": "AWS Insight via CloudTrail",
}

// Event is the event that EventBridge makes of a CloudTrail record, as Decode gave it:
// the record is its detail.
//
// Source: Amazon EventBridge User Guide, "AWS service events delivered via AWS CloudTrail".
func Event(record map[string]any) map[string]any {
	text := func(name string) string {
		s, _ := record[name].(string)
		return s
	}
	service, _, _ := strings.Cut(text("eventSource"), ".")
	return map[string]any{
		"version": "0", "id": text("eventID"), "detail-type": types[text("eventType")], "source": "aws." + service, "account": text("recipientAccountId"),
		"time": text("eventTime"), "region": text("awsRegion"), "resources": []any{}, "detail": record,
	}
}

// ReadOnly says whether a rule in the state ENABLED does not see the call: its name
// begins with Describe, Get or List and it is none of the calls that AWS counts as
// changes all the same. Sign-ins are seen by every rule.
//
// Source: Amazon EventBridge User Guide, "Receiving read-only management events from AWS services".
func ReadOnly(record map[string]any) bool {
	name := fmt.Sprint(record["eventName"])
	if record["eventType"] != "AwsApiCall" || slices.Contains([]string{"GetFederationToken", "GetSessionToken"}, name) {
		return false
	}
	return strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List")
}

// OfCloudTrail says whether a pattern could take what CloudTrail delivers: it names one
// of its kinds, or none.
func (p *Pattern) OfCloudTrail() bool {
	for _, f := range p.root.fields {
		if f.name != "detail-type" {
			continue
		}
		if f.inner != nil {
			return false // detail-type is a text
		}
		for _, kind := range types {
			if f.leaf(kind) != no {
				return true
			}
		}
		return false
	}
	return true
}
