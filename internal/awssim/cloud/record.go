package cloud

import (
	"encoding/json"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

// Event is the CloudTrail record of one call in one account.
type Event struct {
	ID, Name, Source, Username, AccessKey string
	Time                                  time.Time
	Read, Data                            bool
	Region                                string
	Resources                             []EventResource
	Number                                int // of the account's events in the Region, from 1
	JSON                                  []byte
}

// EventResource is a thing that an event is about.
type EventResource struct{ Type, Name string }

// Events are the events of the account in a Region, oldest first.
func (a *Account) Events(region string) []*Event { return a.events[region] }

// EventRegions are the Regions that have events.
func (a *Account) EventRegions() []string {
	var out []string
	for _, r := range a.Regions() {
		if len(a.events[r.Name]) > 0 {
			out = append(out, r.Name)
		}
	}
	return out
}

// Record is a record of CloudTrail in the order in which CloudTrail writes it.
// Source: CloudTrail User Guide, "CloudTrail record contents".
type record struct {
	EventVersion        string           `json:"eventVersion"`
	UserIdentity        userIdentity     `json:"userIdentity"`
	EventTime           string           `json:"eventTime"`
	EventSource         string           `json:"eventSource"`
	EventName           string           `json:"eventName"`
	AWSRegion           string           `json:"awsRegion"`
	SourceIPAddress     string           `json:"sourceIPAddress"`
	UserAgent           string           `json:"userAgent"`
	ErrorCode           string           `json:"errorCode,omitempty"`
	ErrorMessage        string           `json:"errorMessage,omitempty"`
	RequestParameters   json.RawMessage  `json:"requestParameters"`
	ResponseElements    json.RawMessage  `json:"responseElements"`
	AdditionalEventData map[string]any   `json:"additionalEventData,omitempty"`
	RequestID           string           `json:"requestID"`
	EventID             string           `json:"eventID"`
	ReadOnly            bool             `json:"readOnly"`
	Resources           []recordResource `json:"resources,omitempty"`
	EventType           string           `json:"eventType"`
	ManagementEvent     bool             `json:"managementEvent"`
	RecipientAccountID  string           `json:"recipientAccountId"`
	SharedEventID       string           `json:"sharedEventID,omitempty"`
	EventCategory       string           `json:"eventCategory"`
}

type recordResource struct {
	AccountID string `json:"accountId,omitempty"`
	Type      string `json:"type"`
	ARN       string `json:"ARN"`
}

type userIdentity struct {
	Type           string          `json:"type"`
	PrincipalID    string          `json:"principalId,omitempty"`
	ARN            string          `json:"arn,omitempty"`
	AccountID      string          `json:"accountId,omitempty"`
	AccessKeyID    string          `json:"accessKeyId,omitempty"`
	UserName       string          `json:"userName,omitempty"`
	SessionContext *sessionContext `json:"sessionContext,omitempty"`
	InvokedBy      string          `json:"invokedBy,omitempty"`
}

type sessionContext struct {
	SessionIssuer  *issuer           `json:"sessionIssuer,omitempty"`
	Attributes     map[string]string `json:"attributes"`
	SourceIdentity string            `json:"sourceIdentity,omitempty"`
	AssumedRoot    string            `json:"assumedRoot,omitempty"`
}

type issuer struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn"`
	AccountID   string `json:"accountId"`
	UserName    string `json:"userName"`
}

// identityOf is the userIdentity of a caller.
func identityOf(w *Caller) userIdentity {
	id := userIdentity{Type: "AWSAccount", AccountID: "anonymous"}
	if w.Owner == nil {
		return id
	}
	id = userIdentity{PrincipalID: w.UserID, ARN: w.ARN, AccountID: string(w.Owner.ID), AccessKeyID: w.Key}
	switch w.Kind {
	case iam.Root:
		id.Type = "Root"
	case iam.User:
		id.Type, id.UserName = "IAMUser", w.Name
	case iam.FederatedUser:
		id.Type = "FederatedUser"
	default:
		id.Type = "AssumedRole"
	}
	if s := w.Session; s != nil {
		id.SessionContext = s.record(w)
	}
	return id
}

func (s *Session) record(w *Caller) *sessionContext {
	mfa := "false"
	if s.MFA {
		mfa = "true"
	}
	out := &sessionContext{Attributes: map[string]string{"creationDate": s.Issued.Format(time.RFC3339), "mfaAuthenticated": mfa}, SourceIdentity: s.SourceIdentity}
	if s.AssumedRoot {
		out.AssumedRoot = "true"
	}
	if r := w.Role; r != nil {
		out.SessionIssuer = &issuer{"Role", r.ID, r.ARN, string(w.Owner.ID), r.Name}
	}
	return out
}

// record keeps the CloudTrail record of a call in the accounts that see it.
func (c *Call) record(out any, failure *Error) {
	r := record{
		EventVersion: "1.11", UserIdentity: identityOf(&c.Caller), EventTime: c.Now.Format("2006-01-02T15:04:05Z"), EventSource: c.Service.Source + ".amazonaws.com",
		EventName: c.Operation.Event, AWSRegion: c.Region, SourceIPAddress: c.sourceIP, UserAgent: c.userAgent,
		RequestParameters: recorded(c.input, c.Service.style(c.protocol, false)), ResponseElements: json.RawMessage("null"), RequestID: c.RequestID,
		ReadOnly: c.Operation.Read, EventType: "AwsApiCall", ManagementEvent: !c.Operation.Data, EventCategory: "Management",
	}
	if c.Operation.Data {
		r.EventCategory = "Data"
	}
	if failure != nil {
		r.ErrorCode, r.ErrorMessage = failure.Code, failure.Message
	} else if !c.Operation.Read || c.Operation.Answer {
		r.ResponseElements = recorded(out, c.Service.style(c.protocol, true))
	}
	if s := r.UserIdentity.SessionContext; s != nil && s.AssumedRoot != "" && c.Caller.Owner.EventFault(Unnamed, c.Region) != nil {
		s.SourceIdentity = ""
	}
	var seen []*Account
	if c.Account != nil {
		seen = append(seen, c.Account)
	}
	if owner := c.resource.Owner; owner != nil && owner != c.Account {
		seen = append(seen, owner)
	}
	seen = append(seen, c.shared...)
	if len(seen) > 1 {
		r.SharedEventID = c.Cloud.UUID()
	}
	for _, a := range seen {
		c.keep(a, r)
	}
}

// recorded is the JSON of parameters or answer, null if there are none.
func recorded(v any, s wire.Style) json.RawMessage {
	if v == nil {
		return json.RawMessage("null")
	}
	s.Time = wire.ISO
	n := wire.Everything(v, s).Recorded()
	if n.Empty() {
		return json.RawMessage("null")
	}
	return n.JSON()
}

func (c *Call) keep(a *Account, r record) {
	r.EventID, r.RecipientAccountID = c.Cloud.UUID(), string(a.ID)
	e := &Event{
		ID: r.EventID, Name: r.EventName, Source: r.EventSource, Username: r.UserIdentity.name(&c.Caller), AccessKey: c.Caller.Key, Time: c.Now.Truncate(time.Second),
		Read: c.Operation.Read, Data: c.Operation.Data, Region: r.AWSRegion,
	}
	if c.resource.ARN != "" && c.resource.ARN != "*" && !c.Operation.Read {
		e.Resources = []EventResource{{Name: c.resource.ARN}}
	}
	e.JSON, _ = json.Marshal(r) // a struct of text always marshals
	a.Add(e)
}

// Add keeps an event; the oldest goes when there are more than the limit. Who asked to
// hear of events does now.
func (a *Account) Add(e *Event) {
	a.numbers[e.Region]++
	e.Number = a.numbers[e.Region]
	list := append(a.events[e.Region], e)
	if over := len(list) - a.cloud.config.EventLimit; over > 0 {
		list = append([]*Event(nil), list[over:]...)
	}
	a.events[e.Region] = list
	if a.cloud.past.IsZero() {
		for _, f := range a.cloud.hear {
			f(a, e)
		}
	}
}

func (i userIdentity) name(w *Caller) string {
	switch w.Kind {
	case iam.Root:
		return "root"
	case iam.RoleSession:
		return w.Principal.Session
	}
	return w.Name
}

// SignIn records a console sign-in, which is no call of an API.
func (c *Cloud) SignIn(who Caller, region, sourceIP, userAgent string, success, mfa bool) {
	k := Console{Region: region, SourceIP: sourceIP, UserAgent: userAgent}
	r := k.record(c, who, "ConsoleLogin", success)
	r.AdditionalEventData = landing(mfa)
	k.keep(c, who, r)
}
