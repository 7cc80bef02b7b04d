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
	WaitTimeSeconds                             *int
}

type messageShape struct {
	MessageId, ReceiptHandle, MD5OfBody, Body string
	Attributes                                map[string]string
}

type receiveOut struct {
	Messages []messageShape `aws:",omit"`
}

// receive gives what is visible, and waits for something as long as the call or the queue
// says (long polling). A message that was received as often as the redrive policy lets
// goes to the dead-letter queue instead.
//
// Source: Amazon SQS Developer Guide, "Amazon SQS short and long polling" and "Using
// dead-letter queues in Amazon SQS".
func receive(c *cloud.Call, in receiveIn) (out receiveOut, err error) {
	q, err := in.queue(c)
	if err != nil {
		return out, err
	}
	if in.MaxNumberOfMessages == 0 {
		in.MaxNumberOfMessages = 1
	}
	wait := q.number("ReceiveMessageWaitTimeSeconds")
	if in.WaitTimeSeconds != nil {
		wait = *in.WaitTimeSeconds
	}
	if in.MaxNumberOfMessages < 0 || in.MaxNumberOfMessages > 10 || wait < 0 || wait > 20 {
		return out, c.Invalid("MaxNumberOfMessages must be 1 to 10, WaitTimeSeconds 0 to 20")
	}
	hidden := q.number("VisibilityTimeout")
	if in.VisibilityTimeout != nil {
		hidden = *in.VisibilityTimeout
	}
	q.expire(c.Now)
	if c.Gone() {
		return out, nil
	}
	names := append(in.AttributeNames, in.MessageSystemAttributeNames...)
	for _, m := range slices.Clone(q.messages) {
		if len(out.Messages) == in.MaxNumberOfMessages {
			break
		}
		if m.visible.After(c.Now) || q.redrive(c.Cloud, m) {
			continue
		}
		if m.received++; m.received == 1 {
			m.first = c.Now
		}
		m.receipt, m.visible = c.Cloud.Secret(64), c.Now.Add(time.Duration(hidden)*time.Second)
		m.flying = hidden > 0
		out.Messages = append(out.Messages, m.show(names))
	}
	if len(out.Messages) == 0 {
		err = c.Later(time.Duration(wait) * time.Second)
	}
	return out, err
}

// redrive moves a message that was received too often to the dead-letter queue, if there
// is one. It keeps when it was sent.
func (q *queue) redrive(c *cloud.Cloud, m *message) bool {
	policy, err := redrivePolicy(q.attributes["RedrivePolicy"])
	if err != nil || policy == nil || m.received < policy.most {
		return false
	}
	dead := find(c, policy.target)
	if dead == nil {
		return false
	}
	q.messages = slices.DeleteFunc(q.messages, func(o *message) bool { return o == m })
	m.flying, m.received = false, 0
	dead.messages = append(dead.messages, m)
	return true
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

type onMessage struct {
	onQueue
	ReceiptHandle string `aws:",must"`
}

// deleteMessage takes the handle of the last receipt, of a message that may be gone: AWS
// says nothing then.
func deleteMessage(c *cloud.Call, in onMessage) (cloud.None, error) {
	q, err := in.queue(c)
	if err == nil {
		q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.receipt == in.ReceiptHandle })
	}
	return cloud.None{}, err
}

type visibilityIn struct {
	onMessage
	VisibilityTimeout *int `aws:",must"`
}

// longestHidden is how long a message may be hidden after it was received.
const longestHidden = 12 * time.Hour

// changeVisibility hides a message that was received from now on for so long.
func changeVisibility(c *cloud.Call, in visibilityIn) (cloud.None, error) {
	q, err := in.queue(c)
	if err != nil {
		return cloud.None{}, err
	}
	i := slices.IndexFunc(q.messages, func(m *message) bool { return m.receipt == in.ReceiptHandle })
	hidden := time.Duration(*in.VisibilityTimeout) * time.Second
	switch {
	case hidden < 0 || hidden > longestHidden:
		return cloud.None{}, c.Invalid("Value %d for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200.", *in.VisibilityTimeout)
	case i < 0:
		return cloud.None{}, c.Invalid("Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", in.ReceiptHandle)
	case !q.messages[i].flying || !q.messages[i].visible.After(c.Now):
		return cloud.None{}, &cloud.Error{Code: "MessageNotInflight", Status: 400, Message: "The specified message isn't in flight.", Legacy: "AWS.SimpleQueueService.MessageNotInflight"}
	}
	m := q.messages[i]
	m.visible, m.flying = c.Now.Add(hidden), hidden > 0
	return cloud.None{}, nil
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
