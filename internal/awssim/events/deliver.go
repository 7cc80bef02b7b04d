package events

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/sns"
	"github.com/rootkeep/rootkeep/internal/awssim/sqs"
	"github.com/rootkeep/rootkeep/internal/posture/eventpattern"
	"github.com/rootkeep/rootkeep/internal/posture/filterpattern"
)

const (
	service   = "events.amazonaws.com"
	allEvents = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
)

// Listens says whether an account has rules with targets in a Region: most have none.
func Listens(a *cloud.Account, region string) bool {
	b := cloud.Regional[buses](a, region).byName[defaultBus]
	if b == nil {
		return false
	}
	for _, r := range b.rules {
		if len(r.targets) > 0 {
			return true
		}
	}
	return false
}

// Trail gives rules the record of a call that a trail logs. Rules that are enabled
// without more see no call that only reads.
//
// Source: Amazon EventBridge User Guide, "AWS service events delivered via AWS CloudTrail".
func Trail(c *cloud.Cloud, a *cloud.Account, e *cloud.Event, now time.Time) {
	v, err := eventpattern.Decode(e.JSON)
	record, ok := v.(map[string]any)
	if err != nil || !ok {
		return
	}
	send(c, a, e.Region, eventpattern.Event(record), eventpattern.ReadOnly(record), now)
}

// Send gives rules of an account an event of a service.
func Send(c *cloud.Cloud, a *cloud.Account, region, source, kind string, resources []string, detail any, now time.Time) {
	text, err := json.Marshal(map[string]any{
		"version": "0", "id": c.UUID(), "detail-type": kind, "source": source, "account": string(a.ID), "time": now.UTC().Format(time.RFC3339), "region": region,
		"resources": resources, "detail": detail,
	})
	if err != nil {
		return // texts and numbers can always be written
	}
	v, err := eventpattern.Decode(text)
	if event, ok := v.(map[string]any); ok && err == nil {
		send(c, a, region, event, false, now)
	}
}

func send(c *cloud.Cloud, a *cloud.Account, region string, event map[string]any, reads bool, now time.Time) {
	b := cloud.Regional[buses](a, region).byName[defaultBus]
	if b == nil {
		return
	}
	body, err := json.Marshal(event)
	if err != nil {
		return
	}
	for _, r := range cloud.Sorted(b.rules) {
		if r.shape.EventPattern == "" || r.shape.State == "DISABLED" || reads && r.shape.State != allEvents {
			continue
		}
		if p, err := eventpattern.Parse(r.shape.EventPattern); err != nil || p.Match(event) != filterpattern.True {
			continue
		}
		for _, t := range r.targets {
			t.deliver(c, a, r.shape.Arn, string(body), now)
		}
	}
}

// deliver sends to queues and topics, whose policies must let the rule; targets that want
// another text than the event, and others, get nothing.
func (t target) deliver(c *cloud.Cloud, a *cloud.Account, rule, body string, now time.Time) {
	if t.Input != "" || t.InputPath != "" || t.InputTransformer != nil {
		return
	}
	switch {
	case strings.Contains(t.Arn, ":sqs:"):
		sqs.Deliver(c, service, t.Arn, body, map[string][]string{"aws:SourceArn": {rule}, "aws:SourceAccount": {string(a.ID)}, "aws:SecureTransport": {"true"}}, now)
	case strings.Contains(t.Arn, ":sns:"):
		// EventBridge tries again for a day and then drops the event: nobody hears why.
		_ = sns.Notify(c, service, a, rule, t.Arn, "", body, now)
	}
}
