package trail

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// activityOperations tell what root did.
func activityOperations() []call.Operation {
	return []call.Operation{
		{Action: "cloudtrail:LookupEvents", Regional: true, Read: rootActivity},
	}
}

const (
	history      = 90 * 24 * time.Hour // that AWS keeps in the event history
	historyPages = 40                  // of one Region, 50 events each: an account that uses root more need not be read to the end
)

// rootActivity reads the events of root in one Region, the newest first. Where there
// are too many, what is told is complete from the oldest that was read.
//
// Source: CloudTrail API Reference, LookupEvents.
func rootActivity(ctx context.Context, p *call.Place) (any, error) {
	since := p.Now().UTC().Add(-history).Truncate(time.Second)
	client := cloudtrail.NewFromConfig(p.AWS)
	in := &cloudtrail.LookupEventsInput{
		LookupAttributes: []trailtypes.LookupAttribute{{AttributeKey: trailtypes.LookupAttributeKeyUsername, AttributeValue: aws.String("root")}},
		StartTime:        &since, MaxResults: aws.Int32(50),
	}
	var events []facts.RootEvent
	pages, begin := 0, since
	err := p.Pages(func(token *string) (*string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.LookupEvents, in)
		if err != nil {
			return nil, err
		}
		for _, e := range out.Events {
			event, own, err := readRootEvent([]byte(aws.ToString(e.CloudTrailEvent)))
			switch {
			case err != nil:
				return nil, fmt.Errorf("event %s: %w", aws.ToString(e.EventId), err)
			case own:
				events = append(events, event)
			}
		}
		if pages++; pages == historyPages && aws.ToString(out.NextToken) != "" && len(out.Events) > 0 {
			begin = aws.ToTime(out.Events[len(out.Events)-1].EventTime)
			return nil, nil
		}
		return out.NextToken, nil
	})
	return call.Direct(func(f *facts.Facts) {
		f.Root.Activity = append(f.Root.Activity, events...)
		slices.SortStableFunc(f.Root.Activity, func(a, b facts.RootEvent) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
		if begin.After(f.Root.ActivitySince) {
			f.Root.ActivitySince = begin
		}
	}), err
}

// rootRecord is what is read of a CloudTrail record.
//
// Source: CloudTrail User Guide, "CloudTrail record contents" and "CloudTrail
// userIdentity element".
type rootRecord struct {
	EventID, EventName, EventSource, EventType, AWSRegion, ErrorCode, ErrorMessage string
	EventTime                                                                      time.Time
	UserIdentity                                                                   struct {
		Type, AccessKeyID, InvokedBy string
		SessionContext               struct {
			AssumedRoot string
			Attributes  struct{ MFAAuthenticated string }
		}
	}
	AdditionalEventData json.RawMessage // an object, where there is any
	ResponseElements    json.RawMessage
}

// readRootEvent reads one record. It is root's own unless an AWS service made it.
func readRootEvent(text []byte) (event facts.RootEvent, own bool, err error) {
	var r rootRecord
	if err := json.Unmarshal(text, &r); err != nil {
		return event, false, err
	}
	if r.UserIdentity.Type != "Root" || r.UserIdentity.InvokedBy != "" || r.EventType == "AwsServiceEvent" {
		return event, false, nil
	}
	context := r.UserIdentity.SessionContext
	return facts.RootEvent{
		ID: r.EventID, Time: r.EventTime.UTC(), Name: r.EventName, Source: r.EventSource, Region: r.AWSRegion, AccessKey: r.UserIdentity.AccessKeyID,
		MFA:     context.Attributes.MFAAuthenticated == "true" || strings.EqualFold(member(r.AdditionalEventData, "MFAUsed"), "yes"),
		Session: r.session(), Error: cmp.Or(r.ErrorCode, r.ErrorMessage),
	}, true, nil
}

// session says what kind of session the event comes from.
func (r *rootRecord) session() string {
	switch key := r.UserIdentity.AccessKeyID; {
	case r.UserIdentity.SessionContext.AssumedRoot == "true":
		return facts.SessionAssumeRoot
	case r.EventName == "AuthorizeOAuth2Access" || r.EventName == "CreateOAuth2Token":
		return facts.SessionLogin
	case member(r.ResponseElements, r.EventName) == "Failure":
		return facts.SessionRefused
	case r.EventSource == "signin.amazonaws.com":
		return facts.SessionSignIn
	case strings.HasPrefix(key, "AKIA"):
		return facts.SessionKey
	}
	return facts.SessionTemporary
}

// member is a text in a JSON object, "" if there is no such.
func member(object json.RawMessage, name string) string {
	var fields map[string]json.RawMessage
	var text string
	if json.Unmarshal(object, &fields) != nil || json.Unmarshal(fields[name], &text) != nil {
		return ""
	}
	return text
}
