// Package event says what a record of CloudTrail stands for: the IAM actions that the
// call needed, the resources that it touched and the roles that it passed. A record and
// a Table of exceptions go in, Demands come out. What a record does not tell is said,
// never guessed: an event of unknown meaning has no demands and a reason, a resource
// that is not named is Derived or Untold.
//
// Source: CloudTrail User Guide, "CloudTrail record contents"; Service Authorization
// Reference; for exceptions, the pages that the lines of content/eventactions name.
package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Call is one record of CloudTrail as far as permissions go.
type Call struct {
	Source, Name string // eventSource and eventName
	Time         time.Time
	Region       string
	Account      string // recipientAccountId, else that of the caller
	Error        string // errorCode, "" for a call that succeeded
	// Via is the AWS service that made the call with the caller's credentials
	// (userIdentity.invokedBy, or a service's name in place of an address).
	Via string
	// Service says that AWS reports an event of its own, which nobody called.
	Service bool

	// Context is what the record tells of the request's context keys. A key without
	// values was absent; what is not there, such as tags, is not known.
	Context map[string][]string

	partition string // of the caller's ARN; aws if it has none
	params    params
	resources []resourceEntry
}

// resourceEntry is one element of the record's resources.
type resourceEntry struct {
	ARN       string `json:"ARN"`
	AccountID string `json:"accountId"`
}

// eventTypes that are calls of a principal; others are events of a service
// (CloudTrail User Guide, "CloudTrail record contents", eventType).
var eventTypes = map[string]bool{"": true, "AwsApiCall": true, "AwsConsoleSignIn": true, "AwsConsoleAction": true}

// record is what is read of a record. Parameters, whose form is each service's own,
// stay raw: one of a wrong form must not cost the record.
type record struct {
	EventSource, EventName, EventType, EventTime, AwsRegion, ErrorCode, RecipientAccountID string
	SourceIPAddress, UserAgent, VpcEndpointID                                              string
	UserIdentity                                                                           struct {
		Type, ARN, AccountID, PrincipalID, UserName, InvokedBy string
		SessionContext                                         struct {
			Attributes struct{ MfaAuthenticated, CreationDate json.RawMessage }
		}
	}
	RequestParameters, Resources, TLSDetails json.RawMessage
}

// partitions are names such as aws and aws-us-gov.
var partitions = regexp.MustCompile(`^aws(-[a-z]+){0,4}$`)

// maxName is the longest name that is kept of a record, in bytes. AWS's are far below.
const maxName = 200

// short cuts a name that is only shown, or compared with names that are short.
func short(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxName)], "") }

// ReadCall reads one record. The error says what is not as CloudTrail writes it.
func ReadCall(raw []byte) (*Call, error) {
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	if r.EventSource == "" || r.EventName == "" {
		return nil, errors.New("record: no eventSource or no eventName")
	}
	if len(r.EventSource) > maxName || len(r.EventName) > maxName {
		return nil, fmt.Errorf("record: eventSource or eventName longer than %d bytes", maxName)
	}
	c := &Call{
		Source: strings.ToLower(r.EventSource), Name: r.EventName, Region: short(r.AwsRegion), Error: short(r.ErrorCode),
		Account: short(r.RecipientAccountID), Via: short(r.UserIdentity.InvokedBy), Service: !eventTypes[r.EventType],
	}
	if c.Account == "" {
		c.Account = short(r.UserIdentity.AccountID)
	}
	c.partition = "aws"
	if a, err := rootkeep.ParseARN(r.UserIdentity.ARN); err == nil && partitions.MatchString(a.Partition) {
		c.partition = a.Partition
	}
	if strings.HasSuffix(r.SourceIPAddress, ".amazonaws.com") && c.Via == "" {
		c.Via = short(r.SourceIPAddress)
	}
	// A time that cannot be read is zero: the call counts, its day does not.
	c.Time, _ = time.Parse(time.RFC3339, r.EventTime)
	c.params = readParams(r.RequestParameters)
	// An element of another form names no resource; the parameters are tried then.
	_ = json.Unmarshal(r.Resources, &c.resources)
	c.Context = r.context(c)
	return c, nil
}

// context makes Call.Context.
//
// Source: IAM User Guide, "AWS global condition context keys".
func (r *record) context(c *Call) map[string][]string {
	keys := map[string][]string{"aws:SourceVpce": nil}
	switch {
	case c.Via == "":
		keys["aws:ViaAWSService"] = []string{"false"}
	case strings.HasSuffix(c.Via, ".amazonaws.com"):
		keys["aws:ViaAWSService"] = []string{"true"}
		// AWS Internal stands for services that are not named; nothing follows from it.
	}
	if r.AwsRegion != "" {
		keys["aws:RequestedRegion"] = []string{r.AwsRegion}
	}
	if !c.Time.IsZero() {
		keys["aws:CurrentTime"] = []string{c.Time.UTC().Format(time.RFC3339)}
		keys["aws:EpochTime"] = []string{fmt.Sprint(c.Time.Unix())}
	}
	if r.UserAgent != "" {
		keys["aws:UserAgent"] = []string{r.UserAgent}
	}
	if r.UserIdentity.PrincipalID != "" {
		keys["aws:userid"] = []string{r.UserIdentity.PrincipalID}
	}
	if r.VpcEndpointID != "" {
		keys["aws:SourceVpce"] = []string{r.VpcEndpointID}
	}
	if len(r.TLSDetails) > 0 && string(r.TLSDetails) != "null" {
		keys["aws:SecureTransport"] = []string{"true"}
	}
	if _, err := netip.ParseAddr(r.SourceIPAddress); err == nil {
		// Through a VPC endpoint the address is the one inside, which is another key.
		key, other := "aws:SourceIp", "aws:VpcSourceIp"
		if r.VpcEndpointID != "" {
			key, other = other, key
		}
		keys[key], keys[other] = []string{r.SourceIPAddress}, nil
	}
	r.session(keys)
	return keys
}

// session enters the keys that only temporary credentials have.
func (r *record) session(keys map[string][]string) {
	attributes := &r.UserIdentity.SessionContext.Attributes
	mfa := strings.Trim(string(attributes.MfaAuthenticated), `"`)
	if mfa == "true" || mfa == "false" {
		keys["aws:MultiFactorAuthPresent"] = []string{mfa}
	}
	if created := strings.Trim(string(attributes.CreationDate), `"`); created != "" {
		keys["aws:TokenIssueTime"] = []string{created}
		return
	}
	if r.UserIdentity.Type == "IAMUser" {
		// Long-term keys carry neither.
		keys["aws:TokenIssueTime"] = nil
		if mfa == "" {
			keys["aws:MultiFactorAuthPresent"], keys["aws:MultiFactorAuthAge"] = nil, nil
		}
	}
}

// Outcome is what became of a call.
type Outcome uint8

// Outcomes.
const (
	Succeeded Outcome = iota
	Refused           // no permission
	Failed            // another error: the permission may have been there or not
)

// Outcome tells errors of authorization from others. A dry run that would have gone
// through reports an error of its own (Amazon EC2 API Reference, "Error codes").
func (c *Call) Outcome() Outcome {
	code := strings.ToLower(c.Error)
	switch {
	case code == "", strings.HasSuffix(code, "dryrunoperation"):
		return Succeeded
	case strings.Contains(code, "accessdenied"), strings.Contains(code, "unauthorized"), strings.Contains(code, "notauthorized"),
		strings.Contains(code, "forbidden"), strings.Contains(code, "authorizationerror"), strings.Contains(code, "explicitdeny"):
		return Refused
	}
	return Failed
}
