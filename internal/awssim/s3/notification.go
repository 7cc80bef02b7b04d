package s3

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/events"
	"github.com/rootkeep/rootkeep/internal/awssim/sns"
	"github.com/rootkeep/rootkeep/internal/awssim/sqs"
)

// notifications are what S3 tells of a bucket's objects, and whom.
type notifications struct {
	TopicConfiguration         []notification `aws:",flat"`
	QueueConfiguration         []notification `aws:",flat"`
	CloudFunctionConfiguration []notification `aws:",flat"`
	EventBridgeConfiguration   *struct{}
}

// notification has one of the three places.
type notification struct {
	Id            string
	Topic         string             `aws:",omit"`
	Queue         string             `aws:",omit"`
	CloudFunction string             `aws:",omit"`
	Event         []string           `aws:",flat"`
	Filter        *notificationMatch `aws:",omit"`
}

type notificationMatch struct {
	S3Key struct {
		FilterRule []struct{ Name, Value string } `aws:",flat"`
	}
}

// ends are what keys begin and end with.
func (n *notification) ends() (prefix, suffix string) {
	if n.Filter == nil {
		return "", ""
	}
	for _, r := range n.Filter.S3Key.FilterRule {
		if strings.EqualFold(r.Name, "prefix") {
			prefix = r.Value
		} else {
			suffix = r.Value
		}
	}
	return prefix, suffix
}

// meets says whether both could be told of one event, which S3 does not take.
func (n *notification) meets(o *notification) bool {
	events := slices.ContainsFunc(n.Event, func(a string) bool {
		return slices.ContainsFunc(o.Event, func(b string) bool { return within(a, b) || within(b, a) })
	})
	p, s := n.ends()
	q, t := o.ends()
	return events && (strings.HasPrefix(p, q) || strings.HasPrefix(q, p)) && (strings.HasSuffix(s, t) || strings.HasSuffix(t, s))
}

// within says whether a type of event is one of those that another type stands for.
func within(event, of string) bool {
	return event == of || strings.HasSuffix(of, "*") && strings.HasPrefix(event, strings.TrimSuffix(of, "*"))
}

func (n *notifications) all() []*notification {
	var out []*notification
	for _, list := range [][]notification{n.TopicConfiguration, n.QueueConfiguration, n.CloudFunctionConfiguration} {
		for i := range list {
			out = append(out, &list[i])
		}
	}
	return out
}

type notificationsOut struct {
	NotificationConfiguration notifications `aws:",payload"`
}

func getNotifications(c *cloud.Call, in onBucket) (out notificationsOut, err error) {
	b, err := in.bucket(c)
	if err != nil {
		return out, err
	}
	return notificationsOut{b.notifications}, nil
}

type putNotificationsIn struct {
	onBucket
	Skip                      bool          `aws:"x-amz-skip-destination-validation,header"`
	NotificationConfiguration notifications `aws:",payload"`
}

// putNotifications sets all of them: what is not sent is gone.
func putNotifications(c *cloud.Call, in putNotificationsIn) (cloud.None, error) {
	return setting(c, in.onBucket, func(b *bucket) error {
		list := in.NotificationConfiguration.all()
		for i, n := range list {
			switch {
			case len(n.Event) == 0:
				return cloud.Fail("MalformedXML", 400, "want an Event")
			case slices.ContainsFunc(list[:i], n.meets):
				return cloud.Fail("InvalidArgument", 400, "Configurations overlap. Configurations on the same bucket cannot share a common event type.")
			case !in.Skip && n.CloudFunction == "" && !b.mayTell(c.Cloud, n):
				return cloud.Fail("InvalidArgument", 400, "Unable to validate the following destination configurations")
			}
			if n.Id == "" {
				n.Id = c.Cloud.UUID()
			}
		}
		b.notifications = in.NotificationConfiguration
		for _, n := range list {
			b.send(c.Cloud, n, testEvent(c, b), c.Now)
		}
		return nil
	})
}

// testEvent is what S3 sends to each place that it is told of.
//
// Source: Amazon S3 User Guide, "Granting permissions to publish event notification
// messages to a destination".
func testEvent(c *cloud.Call, b *bucket) string {
	text, err := json.Marshal(map[string]string{
		"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": c.Now.Format("2006-01-02T15:04:05.000Z"), "Bucket": b.name, "RequestId": c.RequestID, "HostId": c.Cloud.Secret(76),
	})
	if err != nil {
		return "{}" // texts can always be written
	}
	return string(text)
}

// asBucket are the keys of a request that S3 makes for the bucket.
func (b *bucket) asBucket() map[string][]string {
	return map[string][]string{"aws:SourceArn": {"arn:aws:s3:::" + b.name}, "aws:SourceAccount": {string(b.owner.ID)}, "aws:SecureTransport": {"true"}}
}

func (b *bucket) mayTell(c *cloud.Cloud, n *notification) bool {
	if n.Queue != "" {
		return sqs.May(c, "s3.amazonaws.com", n.Queue, b.asBucket())
	}
	return sns.May(c, "s3.amazonaws.com", n.Topic, b.asBucket())
}

// announce tells of a new object whoever is to hear of it.
func (b *bucket) announce(c *cloud.Cloud, key string, o *object, how string) {
	event := "s3:ObjectCreated:" + how
	for _, n := range b.notifications.all() {
		prefix, suffix := n.ends()
		if !slices.ContainsFunc(n.Event, func(of string) bool { return within(event, of) }) || !strings.HasPrefix(key, prefix) || !strings.HasSuffix(key, suffix) {
			continue
		}
		b.send(c, n, b.message(n, key, o, how), o.modified)
	}
	if b.notifications.EventBridgeConfiguration != nil {
		b.toEventBridge(c, key, o, how)
	}
}

func (b *bucket) send(c *cloud.Cloud, n *notification, body string, now time.Time) {
	switch {
	case n.Queue != "":
		sqs.Deliver(c, "s3.amazonaws.com", n.Queue, body, b.asBucket(), now)
	case n.Topic != "":
		// Nobody hears why: S3 drops what it cannot send.
		_ = sns.Notify(c, "s3.amazonaws.com", b.owner, "arn:aws:s3:::"+b.name, n.Topic, "Amazon S3 Notification", body, now)
	}
}

// toEventBridge tells the rules of the bucket's account. The key is as it is, not encoded
// as in a notification.
//
// Source: Amazon S3 User Guide, "Amazon EventBridge event mapping".
func (b *bucket) toEventBridge(c *cloud.Cloud, key string, o *object, how string) {
	type values = map[string]any
	events.Send(c, b.owner, b.region, "aws.s3", "Object Created", []string{"arn:aws:s3:::" + b.name}, values{
		"version": "0", "bucket": values{"name": b.name}, "reason": how + "Object",
		"object": values{"key": key, "size": len(o.body), "etag": strings.Trim(o.etag, `"`), "sequencer": strconv.FormatInt(o.modified.UnixNano(), 16)},
	}, o.modified)
}

// message is the notification of an object.
//
// Source: Amazon S3 User Guide, "Event message structure".
func (b *bucket) message(n *notification, key string, o *object, how string) string {
	type values = map[string]any
	text, err := json.Marshal(values{"Records": []any{values{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": b.region, "eventTime": o.modified.UTC().Format(time.RFC3339), "eventName": "ObjectCreated:" + how,
		"s3": values{"s3SchemaVersion": "1.0", "configurationId": n.Id, "bucket": values{"name": b.name, "arn": "arn:aws:s3:::" + b.name},
			"object": values{"key": strings.ReplaceAll(url.QueryEscape(key), "%2F", "/"), "size": len(o.body), "eTag": strings.Trim(o.etag, `"`), "sequencer": strconv.FormatInt(o.modified.UnixNano(), 16)}},
	}}})
	if err != nil {
		return "{}" // texts and numbers can always be written
	}
	return string(text)
}
