package cloud

import (
	"encoding/json"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud/event"
)

// The record of a call has a package of its own; services know it by these names.
type (
	Event         = event.Event
	EventResource = event.Resource
)

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

// identityOf is the userIdentity of a caller.
func identityOf(w *Caller) event.Identity {
	id := event.Identity{Type: "AWSAccount", AccountID: "anonymous"}
	if w.Owner == nil {
		return id
	}
	id = event.Identity{PrincipalID: w.UserID, ARN: w.ARN, AccountID: string(w.Owner.ID), AccessKeyID: w.Key}
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

func (s *Session) record(w *Caller) *event.Session {
	mfa := "false"
	if s.MFA {
		mfa = "true"
	}
	out := &event.Session{Attributes: map[string]string{"creationDate": s.Issued.Format(time.RFC3339), "mfaAuthenticated": mfa}, SourceIdentity: s.SourceIdentity}
	if s.AssumedRoot {
		out.AssumedRoot = "true"
	}
	if s.Federated != "" {
		out.SessionIssuer = federator(w)
	}
	if r := w.Role; r != nil {
		out.SessionIssuer = &event.Issuer{Type: "Role", PrincipalID: r.ID, ARN: r.ARN, AccountID: string(w.Owner.ID), UserName: r.Name}
	}
	return out
}

// federator is who gave a federated session: root, or a user.
func federator(w *Caller) *event.Issuer {
	if u := w.User; u != nil {
		return &event.Issuer{Type: "IAMUser", PrincipalID: u.ID, ARN: w.Issuer, AccountID: string(w.Owner.ID), UserName: u.Name}
	}
	return &event.Issuer{Type: "Root", PrincipalID: string(w.Owner.ID), ARN: w.Issuer, AccountID: string(w.Owner.ID)}
}

// record keeps the CloudTrail record of a call in the accounts that see it.
func (c *Call) record(out any, failure *Error) {
	r := event.Record{
		EventVersion: "1.11", UserIdentity: identityOf(&c.Caller), EventTime: c.Now.Format("2006-01-02T15:04:05Z"), EventSource: c.Service.Source + ".amazonaws.com",
		EventName: c.Operation.Event, AWSRegion: c.Region, SourceIPAddress: c.sourceIP, UserAgent: c.userAgent,
		RequestParameters: event.JSON(c.input, c.Service.style(c.protocol, false)), ResponseElements: json.RawMessage("null"), RequestID: c.RequestID,
		ReadOnly: c.Operation.Read, EventType: "AwsApiCall", ManagementEvent: !c.Operation.Data, EventCategory: "Management",
	}
	if c.Operation.Data {
		r.EventCategory = "Data"
	}
	if failure != nil {
		r.ErrorCode, r.ErrorMessage = failure.Code, failure.Message
	} else if !c.Operation.Read || c.Operation.Answer {
		r.ResponseElements = event.JSON(out, c.Service.style(c.protocol, true))
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

func (c *Call) keep(a *Account, r event.Record) {
	r.EventID, r.RecipientAccountID = c.Cloud.UUID(), string(a.ID)
	e := &Event{
		ID: r.EventID, Name: r.EventName, Source: r.EventSource, Username: c.Caller.username(), AccessKey: c.Caller.Key, Time: c.Now.Truncate(time.Second),
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

// username is the name under which the event history finds the caller's events.
func (w *Caller) username() string {
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
