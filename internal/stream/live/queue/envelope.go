package queue

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/finding"
	"github.com/rootkeep/rootkeep/internal/stream/live/object"
)

// news is what a message tells. All empty is a message that asks for nothing, such as
// S3's test of a notification.
type news struct {
	objects []placed
	event   *event
	found   []alert.Sighting // by GuardDuty or Security Hub
	test    string           // the bucket that S3 tested, "" if it is no test
}

// placed is an object and the Region of its bucket, "" if the message has none.
type placed struct {
	object.Name
	region string
}

// event is a record of CloudTrail that EventBridge sent.
type event struct {
	record  json.RawMessage
	id      string
	account rootkeep.AccountID // whose event it is, by the record
	said    rootkeep.AccountID // by the envelope
	region  string
	at      time.Time
}

// mostObjects bounds the objects of one message: S3 sends one, and a message of 1 MiB has
// room for thousands.
const mostObjects = 1000

// envelope is every form of a message at once; which of them it is its members say.
//
// Source: Amazon S3 User Guide, "Event message structure"; Amazon SNS Developer Guide,
// "HTTP/HTTPS notification JSON format"; Amazon EventBridge User Guide, "AWS service event
// metadata".
type envelope struct {
	// of SNS
	Type     string
	TopicArn string
	Message  string
	// of S3
	Event   string
	Bucket  string
	Records []notification
	// of EventBridge
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Region     string          `json:"region"`
	Time       string          `json:"time"`
	Detail     json.RawMessage `json:"detail"`
}

type notification struct {
	EventSource string
	EventName   string
	AWSRegion   string
	S3          struct {
		Bucket struct{ Name string }
		Object struct{ Key string }
	}
}

var (
	errShape     = errors.New("neither a notification of S3 nor an event of EventBridge, by itself or from a topic")
	errSubscribe = errors.New("a topic asks whether the queue wants its messages; hint: confirm the subscription in the account of the topic, and nobody else's")
)

// read reads a message: of S3 or EventBridge, or either in the envelope of a topic.
func read(body []byte) (*news, error) {
	e, err := decode(body)
	if err != nil {
		return nil, err
	}
	switch {
	case e.TopicArn != "" && e.Type == "SubscriptionConfirmation":
		return nil, errSubscribe
	case e.TopicArn != "" && e.Type == "Notification":
		if e, err = decode([]byte(e.Message)); err != nil {
			return nil, fmt.Errorf("from a topic: %w", err)
		}
	}
	switch {
	case e.Event == "s3:TestEvent":
		return &news{test: e.Bucket}, nil
	case len(e.Records) > 0:
		return e.created()
	case e.DetailType != "":
		return e.told()
	}
	return nil, errShape
}

func decode(body []byte) (*envelope, error) {
	e := &envelope{}
	if err := json.Unmarshal(body, e); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("no JSON: %w", err)
		}
		return nil, errShape // JSON, whose members are of other types
	}
	return e, nil
}

// created are the objects of a notification. S3 writes spaces in keys as plus signs, and
// other characters as in a form.
func (e *envelope) created() (*news, error) {
	out := &news{}
	for _, r := range e.Records {
		switch {
		case r.EventSource != "aws:s3":
			return nil, errShape
		case !strings.HasPrefix(r.EventName, "ObjectCreated:"):
			continue // somebody asked for more than is read here, such as what was removed
		}
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil {
			return nil, fmt.Errorf("the key of an object: %w", err)
		}
		if err := out.add(r.S3.Bucket.Name, key, r.AWSRegion); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (n *news) add(bucket, key, region string) error {
	switch {
	case bucket == "" || key == "":
		return errShape
	case len(n.objects) == mostObjects:
		return fmt.Errorf("more than %d objects", mostObjects)
	}
	n.objects = append(n.objects, placed{object.Name{Bucket: bucket, Key: key}, region})
	return nil
}

// told is what EventBridge tells: an object, whose key is as it is, findings, or a record.
func (e *envelope) told() (*news, error) {
	if e.Source == "aws.s3" && e.DetailType == "Object Created" {
		var d struct {
			Bucket struct{ Name string }
			Object struct{ Key string }
		}
		if err := json.Unmarshal(e.Detail, &d); err != nil {
			return nil, errShape
		}
		out := &news{}
		return out, out.add(d.Bucket.Name, d.Object.Key, e.Region)
	}
	if finding.Is(e.DetailType) {
		found, err := finding.Read(e.DetailType, e.Detail)
		if err != nil {
			return nil, err
		}
		// BatchUpdateFindings leaves UpdatedAt as it was (Security Hub API Reference): what was
		// sent later holds.
		if at, err := time.Parse(time.RFC3339, e.Time); err == nil {
			for i := range found {
				if at.After(found[i].Heard) {
					found[i].Heard = at.UTC()
				}
			}
		}
		return &news{found: found}, nil
	}
	if !strings.HasSuffix(e.DetailType, " via CloudTrail") {
		return nil, fmt.Errorf("an event of EventBridge of the kind %.80q, which is none of CloudTrail and no finding; hint: the pattern of the rule", e.DetailType)
	}
	if e.DetailType == "AWS Insight via CloudTrail" {
		return &news{}, nil // left alone, as in a bucket
	}
	out, err := e.record()
	if err != nil {
		return nil, err
	}
	return &news{event: out}, nil
}

// record is a record of CloudTrail. Its account is what the record says, as in a log file:
// the account that received it or, where it names none, that of the caller.
func (e *envelope) record() (*event, error) {
	// As detections read it: of two members that differ in case alone, or that are there
	// twice, another reader may take the other one.
	fields, err := cloudtrail.CompileFields([]string{cloudtrail.FieldEventID, cloudtrail.FieldEventSource, cloudtrail.FieldRegion, cloudtrail.FieldRecipientAccount, cloudtrail.FieldIdentityAccount})
	if err != nil {
		return nil, err
	}
	rec, err := cloudtrail.NewReader(fields, cloudtrail.Options{}).One(e.Detail)
	if err != nil {
		return nil, fmt.Errorf("the record of an event of EventBridge: %w", err)
	}
	text := func(field int) string { return string(rec.View.Text(field)) }
	id, source, region := text(0), text(1), text(2)
	if id == "" || source == "" {
		return nil, errors.New("an event of EventBridge whose detail is no record of CloudTrail")
	}
	said, err := rootkeep.ParseAccountID(e.Account)
	if err != nil {
		return nil, fmt.Errorf("an event of EventBridge: %w", err)
	}
	account, err := rootkeep.ParseAccountID(cmp.Or(text(3), text(4), e.Account))
	if err != nil {
		return nil, fmt.Errorf("an event of EventBridge, by its record: %w", err)
	}
	at, err := time.Parse(time.RFC3339, e.Time)
	if err != nil {
		return nil, errors.New("an event of EventBridge without a time")
	}
	return &event{e.Detail, id, account, said, region, at}, nil
}
