package sns

import (
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

type subscribeIn struct {
	onTopic
	Protocol              string `aws:",must"`
	Endpoint              string
	Attributes            map[string]string
	ReturnSubscriptionArn bool
}

type subscriptionOut struct{ SubscriptionArn string }

// confirmedAtOnce are protocols whose owner need not agree: things of AWS.
var confirmedAtOnce = map[string]bool{"sqs": true, "lambda": true, "firehose": true, "application": true, "sms": true}

var otherProtocols = map[string]bool{"http": true, "https": true, "email": true, "email-json": true}

func subscribe(c *cloud.Call, in subscribeIn) (out subscriptionOut, err error) {
	t, err := in.topic(c)
	switch {
	case err != nil:
		return out, err
	case !confirmedAtOnce[in.Protocol] && !otherProtocols[in.Protocol]:
		return out, c.Invalid("Invalid parameter: Does not support this protocol string: %s", in.Protocol)
	case in.strange() || in.raw() && in.Protocol != "sqs":
		return out, c.Invalid("Invalid parameter: of attributes of subscriptions the simulator knows RawMessageDelivery to queues")
	}
	for _, s := range t.subscriptions {
		if s.protocol == in.Protocol && s.endpoint == in.Endpoint {
			return in.answer(s), nil
		}
	}
	s := &subscription{
		arn: t.arn + ":" + c.Cloud.UUID(), token: c.Cloud.Hex(64), protocol: in.Protocol, endpoint: in.Endpoint, owner: c.Account, pending: !confirmedAtOnce[in.Protocol], topic: t,
		raw: in.raw(),
	}
	t.subscriptions = append(t.subscriptions, s)
	return in.answer(s), nil
}

// strange says whether there are attributes that the simulator does not know.
func (in *subscribeIn) strange() bool {
	for name := range in.Attributes {
		if name != "RawMessageDelivery" {
			return true
		}
	}
	return false
}

func (in *subscribeIn) raw() bool { return in.Attributes["RawMessageDelivery"] == "true" }

func (in *subscribeIn) answer(s *subscription) subscriptionOut {
	if s.pending && !in.ReturnSubscriptionArn {
		return subscriptionOut{"pending confirmation"}
	}
	return subscriptionOut{s.arn}
}

// Token is the token that the endpoint of a pending subscription was sent, "" if there
// is none: who reads a mailbox of the simulation confirms with it.
func Token(a *cloud.Account, topicARN, endpoint string) string {
	parts := strings.Split(topicARN, ":")
	if len(parts) != 6 {
		return ""
	}
	t := state(a, parts[3])[topicARN]
	if t == nil {
		return ""
	}
	for _, s := range t.subscriptions {
		if s.endpoint == endpoint && s.pending {
			return s.token
		}
	}
	return ""
}

type confirmIn struct {
	onTopic
	Token                     string `aws:",must,secret"`
	AuthenticateOnUnsubscribe string
}

func confirm(c *cloud.Call, in confirmIn) (out subscriptionOut, err error) {
	t, err := in.topic(c)
	if err != nil {
		return out, err
	}
	for _, s := range t.subscriptions {
		if s.token == in.Token {
			s.pending = false
			return subscriptionOut{s.arn}, nil
		}
	}
	return out, c.Invalid("Invalid parameter: Token")
}

type onSubscription struct {
	SubscriptionArn string `aws:",must"`
}

// On is the topic of the subscription.
func (o *onSubscription) On(c *cloud.Call) cloud.Resource {
	if s := o.find(c); s != nil {
		return resource(c, s.topic.arn)
	}
	return cloud.Resource{ARN: o.SubscriptionArn}
}

func (o *onSubscription) find(c *cloud.Call) *subscription {
	t := look(c, o.SubscriptionArn)
	if t == nil {
		return nil
	}
	for _, s := range t.subscriptions {
		if s.arn == o.SubscriptionArn {
			return s
		}
	}
	return nil
}

func unsubscribe(c *cloud.Call, in onSubscription) (cloud.None, error) {
	if s := in.find(c); s != nil {
		var rest []*subscription
		for _, other := range s.topic.subscriptions {
			if other != s {
				rest = append(rest, other)
			}
		}
		s.topic.subscriptions = rest
	}
	return cloud.None{}, nil
}

type subscriptionShape struct{ SubscriptionArn, Owner, Protocol, Endpoint, TopicArn string }

func show(s *subscription) subscriptionShape {
	return subscriptionShape{s.shown(), string(s.owner.ID), s.protocol, s.endpoint, s.topic.arn}
}

type subscriptionsOut struct {
	Subscriptions []subscriptionShape
	NextToken     string
}

func listSubscriptions(c *cloud.Call, in tokenIn) (out subscriptionsOut, err error) {
	var all []subscriptionShape
	for _, t := range cloud.Sorted(state(c.Account, c.Region)) {
		for _, s := range t.subscriptions {
			all = append(all, show(s))
		}
	}
	out.Subscriptions, out.NextToken, err = cloud.Page(c, all, in.NextToken, 0, pageSize, pageSize)
	return out, err
}

type byTopicIn struct {
	onTopic
	tokenIn
}

func listByTopic(c *cloud.Call, in byTopicIn) (out subscriptionsOut, err error) {
	t, err := in.topic(c)
	if err != nil {
		return out, err
	}
	var all []subscriptionShape
	for _, s := range t.subscriptions {
		all = append(all, show(s))
	}
	out.Subscriptions, out.NextToken, err = cloud.Page(c, all, in.NextToken, 0, pageSize, pageSize)
	return out, err
}

func getSubscription(c *cloud.Call, in onSubscription) (out attributesOut, err error) {
	s := in.find(c)
	if s == nil {
		return out, cloud.Fail("NotFound", 404, "Subscription does not exist")
	}
	out.Attributes = map[string]string{
		"SubscriptionArn": s.arn, "TopicArn": s.topic.arn, "Owner": string(s.owner.ID), "Protocol": s.protocol, "Endpoint": s.endpoint,
		"PendingConfirmation": strconv.FormatBool(s.pending), "RawMessageDelivery": strconv.FormatBool(s.raw),
	}
	return out, nil
}

type onResource struct {
	ResourceArn string `aws:",must"`
}

// On is the topic under its policy.
func (o *onResource) On(c *cloud.Call) cloud.Resource { return resource(c, o.ResourceArn) }

func (o *onResource) topic(c *cloud.Call) (*topic, error) {
	if t := look(c, o.ResourceArn); t != nil {
		return t, nil
	}
	return nil, cloud.Fail("ResourceNotFound", 404, "Resource does not exist")
}

type tagIn struct {
	onResource
	Tags []cloud.Tag
}

func tagTopic(c *cloud.Call, in tagIn) (cloud.None, error) {
	t, err := in.topic(c)
	if err == nil {
		t.tags = cloud.SetTags(t.tags, in.Tags)
	}
	return cloud.None{}, err
}

type untagIn struct {
	onResource
	TagKeys []string
}

func untagTopic(c *cloud.Call, in untagIn) (cloud.None, error) {
	t, err := in.topic(c)
	if err == nil {
		t.tags = cloud.DropTags(t.tags, in.TagKeys)
	}
	return cloud.None{}, err
}

type tagsOut struct{ Tags []cloud.Tag }

func listTags(c *cloud.Call, in onResource) (out tagsOut, err error) {
	t, err := in.topic(c)
	if err != nil {
		return out, err
	}
	return tagsOut{t.tags}, nil
}

type publishIn struct {
	onTopic
	Message string `aws:",must,secret"`
	Subject string `aws:",secret"`
	// MessageAttributes are texts by which subscribers may filter; the simulated ones take all.
	MessageAttributes      map[string]attribute
	MessageGroupId         string
	MessageDeduplicationId string
}

type attribute struct {
	DataType    string `aws:",must"`
	StringValue string
}

// check refuses what SNS does not take.
//
// Source: Amazon SNS API Reference, "Publish".
func (in *publishIn) check(c *cloud.Call) error {
	fifo := strings.HasSuffix(in.TopicArn, ".fifo")
	switch {
	case len(in.Message) > 256<<10:
		return c.Invalid("Invalid parameter: Message too long")
	case len(in.Subject) > 100 || strings.ContainsFunc(in.Subject, func(r rune) bool { return r < ' ' || r > '~' }) || strings.HasPrefix(in.Subject, " "):
		return c.Invalid("Invalid parameter: Subject")
	case fifo && in.MessageGroupId == "":
		return c.Invalid("Invalid parameter: The MessageGroupId parameter is required for FIFO topics")
	case !fifo && in.MessageDeduplicationId != "":
		return c.Invalid("Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	}
	for name, a := range in.MessageAttributes {
		if a.DataType != "String" || a.StringValue == "" {
			return c.Invalid("Invalid parameter: The message attribute %q must contain a non-empty String", name)
		}
	}
	return nil
}

type publishOut struct{ MessageId string }

func publish(c *cloud.Call, in publishIn) (out publishOut, err error) {
	t, err := in.topic(c)
	if err == nil {
		err = in.check(c)
	}
	if err != nil {
		return out, err
	}
	id, err := t.send(c.Cloud, in.Subject, in.Message, c.Now)
	if err != nil {
		return out, err
	}
	return publishOut{id}, nil
}
