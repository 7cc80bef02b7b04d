// Package event is the record that CloudTrail keeps of a call, in the form and the order in
// which CloudTrail writes it: what is known of a call goes in, JSON comes out.
package event

import (
	"encoding/json"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

// Event is the CloudTrail record of one call in one account.
type Event struct {
	ID, Name, Source, Username, AccessKey string
	Time                                  time.Time
	Read, Data                            bool
	Region                                string
	Resources                             []Resource
	Number                                int // of the account's events in the Region, from 1
	JSON                                  []byte
}

// Resource is a thing that an event is about.
type Resource struct{ Type, Name string }

// Record is a record of CloudTrail in the order in which CloudTrail writes it.
// Source: CloudTrail User Guide, "CloudTrail record contents".
type Record struct {
	EventVersion        string          `json:"eventVersion"`
	UserIdentity        Identity        `json:"userIdentity"`
	EventTime           string          `json:"eventTime"`
	EventSource         string          `json:"eventSource"`
	EventName           string          `json:"eventName"`
	AWSRegion           string          `json:"awsRegion"`
	SourceIPAddress     string          `json:"sourceIPAddress"`
	UserAgent           string          `json:"userAgent"`
	ErrorCode           string          `json:"errorCode,omitempty"`
	ErrorMessage        string          `json:"errorMessage,omitempty"`
	RequestParameters   json.RawMessage `json:"requestParameters"`
	ResponseElements    json.RawMessage `json:"responseElements"`
	AdditionalEventData map[string]any  `json:"additionalEventData,omitempty"`
	RequestID           string          `json:"requestID"`
	EventID             string          `json:"eventID"`
	ReadOnly            bool            `json:"readOnly"`
	Resources           []Touched       `json:"resources,omitempty"`
	EventType           string          `json:"eventType"`
	ManagementEvent     bool            `json:"managementEvent"`
	RecipientAccountID  string          `json:"recipientAccountId"`
	SharedEventID       string          `json:"sharedEventID,omitempty"`
	EventCategory       string          `json:"eventCategory"`
}

// Touched is a resource that a record names.
type Touched struct {
	AccountID string `json:"accountId,omitempty"`
	Type      string `json:"type"`
	ARN       string `json:"ARN"`
}

// Identity is the userIdentity of a record: who made the call.
type Identity struct {
	Type           string   `json:"type"`
	PrincipalID    string   `json:"principalId,omitempty"`
	ARN            string   `json:"arn,omitempty"`
	AccountID      string   `json:"accountId,omitempty"`
	AccessKeyID    string   `json:"accessKeyId,omitempty"`
	UserName       string   `json:"userName,omitempty"`
	SessionContext *Session `json:"sessionContext,omitempty"`
	InvokedBy      string   `json:"invokedBy,omitempty"`
}

// Session is the sessionContext of an Identity: what a temporary credential brings.
type Session struct {
	SessionIssuer  *Issuer           `json:"sessionIssuer,omitempty"`
	Attributes     map[string]string `json:"attributes"`
	SourceIdentity string            `json:"sourceIdentity,omitempty"`
	AssumedRoot    string            `json:"assumedRoot,omitempty"`
}

// Issuer is the sessionIssuer of a Session: whose credentials it was made with.
type Issuer struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn"`
	AccountID   string `json:"accountId"`
	UserName    string `json:"userName,omitempty"`
}

// JSON is the JSON of parameters or answer, null if there are none.
func JSON(v any, s wire.Style) json.RawMessage {
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
