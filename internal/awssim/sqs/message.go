package sqs

import (
	"crypto/md5"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

type sendIn struct {
	onQueue
	MessageBody  string `aws:",must,secret"`
	DelaySeconds int
}

type sendOut struct{ MD5OfMessageBody, MessageId string }

func sum(body string) string {
	s := md5.Sum([]byte(body))
	return hex.EncodeToString(s[:])
}

func (q *queue) add(c *cloud.Cloud, body string, now time.Time, delay int) *message {
	m := &message{id: c.UUID(), body: body, sent: now, visible: now.Add(time.Duration(delay) * time.Second)}
	q.messages = append(q.messages, m)
	return m
}

func send(c *cloud.Call, in sendIn) (out sendOut, err error) {
	q, err := in.queue(c)
	switch {
	case err != nil:
		return out, err
	case len(in.MessageBody) > q.number("MaximumMessageSize"):
		return out, c.Invalid("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.number("MaximumMessageSize"))
	case in.DelaySeconds < 0 || in.DelaySeconds > 900:
		return out, c.Invalid("DelaySeconds must be 0 to 900")
	}
	m := q.add(c.Cloud, in.MessageBody, c.Now, max(in.DelaySeconds, q.number("DelaySeconds")))
	return sendOut{sum(m.body), m.id}, nil
}

type receiveIn struct {
	onQueue
	AttributeNames, MessageSystemAttributeNames []string
	MaxNumberOfMessages                         int
	VisibilityTimeout                           *int
	WaitTimeSeconds                             int
}

type messageShape struct {
	MessageId, ReceiptHandle, MD5OfBody, Body string
	Attributes                                map[string]string
}

type receiveOut struct {
	Messages []messageShape `aws:",omit"`
}

// receive gives what is visible now. It does not wait: WaitTimeSeconds is the longest
// that a client waits, and an empty answer may always come.
func receive(c *cloud.Call, in receiveIn) (out receiveOut, err error) {
	q, err := in.queue(c)
	if err != nil {
		return out, err
	}
	if in.MaxNumberOfMessages == 0 {
		in.MaxNumberOfMessages = 1
	}
	if in.MaxNumberOfMessages < 0 || in.MaxNumberOfMessages > 10 || in.WaitTimeSeconds < 0 || in.WaitTimeSeconds > 20 {
		return out, c.Invalid("MaxNumberOfMessages must be 1 to 10, WaitTimeSeconds 0 to 20")
	}
	hidden := q.number("VisibilityTimeout")
	if in.VisibilityTimeout != nil {
		hidden = *in.VisibilityTimeout
	}
	q.expire(c.Now)
	for _, m := range q.messages {
		if len(out.Messages) == in.MaxNumberOfMessages {
			break
		}
		if m.visible.After(c.Now) {
			continue
		}
		if m.received++; m.received == 1 {
			m.first = c.Now
		}
		m.receipt, m.visible = c.Cloud.Secret(64), c.Now.Add(time.Duration(hidden)*time.Second)
		out.Messages = append(out.Messages, m.show(append(in.AttributeNames, in.MessageSystemAttributeNames...)))
	}
	return out, nil
}

// expire drops what is older than the queue keeps.
func (q *queue) expire(now time.Time) {
	kept := time.Duration(q.number("MessageRetentionPeriod")) * time.Second
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return now.Sub(m.sent) > kept })
}

func (m *message) show(names []string) messageShape {
	out := messageShape{MessageId: m.id, ReceiptHandle: m.receipt, MD5OfBody: sum(m.body), Body: m.body}
	for name, value := range map[string]string{
		"SentTimestamp": strconv.FormatInt(m.sent.UnixMilli(), 10), "ApproximateReceiveCount": strconv.Itoa(m.received),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
	} {
		if slices.Contains(names, "All") || slices.Contains(names, name) {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = value
		}
	}
	return out
}

type deleteIn struct {
	onQueue
	ReceiptHandle string `aws:",must"`
}

func deleteMessage(c *cloud.Call, in deleteIn) (cloud.None, error) {
	q, err := in.queue(c)
	if err == nil {
		q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.receipt == in.ReceiptHandle })
	}
	return cloud.None{}, err
}

// Deliver sends a message for an AWS service, if the queue is there and its policy lets
// the service. keys are those of the service's request, such as aws:SourceArn.
func Deliver(c *cloud.Cloud, service, arn, body string, keys map[string][]string, now time.Time) bool {
	if !May(c, service, arn, keys) {
		return false
	}
	find(c, arn).add(c, body, now, 0)
	return true
}

// May says whether the queue is there and its policy lets an AWS service send.
func May(c *cloud.Cloud, service, arn string, keys map[string][]string) bool {
	q := find(c, arn)
	if q == nil {
		return false
	}
	r := q.resource()
	r.Keys = keys
	return len(r.Policies) > 0 && c.ServiceMay(service, "sqs:SendMessage", r)
}

// find is the queue of an ARN, nil if there is none.
func find(c *cloud.Cloud, arn string) *queue {
	a, err := rootkeep.ParseARN(arn)
	owner := c.Account(a.Account)
	if err != nil || owner == nil || a.Service != "sqs" {
		return nil
	}
	return state(owner, string(a.Region))[a.Resource]
}
