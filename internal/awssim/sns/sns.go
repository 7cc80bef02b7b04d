// Package sns is the simulated Amazon Simple Notification Service: topics, their
// policies, subscriptions and their confirmation. What is published is kept with the
// topic and delivered to queues of the simulation alone.
//
// Source: Amazon SNS API Reference, version 2010-03-31.
package sns

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/sqs"
)

// Service lists the operations.
func Service() *cloud.Service {
	return &cloud.Service{
		Name: "sns", Version: "2010-03-31", Protocol: cloud.Query, Codes: cloud.Codes{Denied: "AuthorizationError", Invalid: "InvalidParameter", Token: "InvalidParameter"},
		Operations: []*cloud.Operation{
			cloud.Op("CreateTopic", createTopic),
			cloud.Op("DeleteTopic", deleteTopic),
			cloud.Op("ListTopics", listTopics),
			cloud.Op("GetTopicAttributes", getAttributes),
			cloud.Op("SetTopicAttributes", setAttributes),
			cloud.Op("Subscribe", subscribe),
			cloud.Op("ConfirmSubscription", confirm),
			cloud.Op("Unsubscribe", unsubscribe),
			cloud.Op("ListSubscriptions", listSubscriptions),
			cloud.Op("ListSubscriptionsByTopic", listByTopic),
			cloud.Op("GetSubscriptionAttributes", getSubscription),
			cloud.Op("TagResource", tagTopic),
			cloud.Op("UntagResource", untagTopic),
			cloud.Op("ListTagsForResource", listTags),
			cloud.Op("Publish", publish, cloud.Data),
		},
	}
}

// topic is one topic.
type topic struct {
	arn           string
	owner         *cloud.Account
	attributes    map[string]string
	tags          []cloud.Tag
	subscriptions []*subscription
	published     int
}

// subscription is one subscription; it is pending until it is confirmed.
type subscription struct {
	arn, token, protocol, endpoint string
	owner                          *cloud.Account
	pending                        bool
	topic                          *topic
}

const pendingARN = "PendingConfirmation"

func (s *subscription) shown() string {
	if s.pending {
		return pendingARN
	}
	return s.arn
}

// topics are those of an account in a Region, by ARN.
type topics struct{ byARN map[string]*topic }

func state(a *cloud.Account, region string) map[string]*topic {
	s := cloud.Regional[topics](a, region)
	if s.byARN == nil {
		s.byARN = map[string]*topic{}
	}
	return s.byARN
}

// look finds a topic of any account.
func look(c *cloud.Call, arn string) *topic {
	parts := strings.Split(arn, ":")
	if owner := c.Owner(arn); owner != nil && len(parts) >= 6 && parts[2] == "sns" {
		return state(owner, parts[3])[strings.Join(parts[:6], ":")]
	}
	return nil
}

type onTopic struct {
	TopicArn string `aws:",must"`
}

// On is the topic under its policy.
func (o *onTopic) On(c *cloud.Call) cloud.Resource { return resource(c, o.TopicArn) }

func resource(c *cloud.Call, arn string) cloud.Resource {
	r := cloud.Resource{ARN: arn}
	if t := look(c, arn); t != nil {
		r.Owner, r.Tags, r.Policies = t.owner, t.tags, []cloud.Text{{Name: "topic policy", Document: t.attributes["Policy"]}}
	}
	return r
}

func (o *onTopic) topic(c *cloud.Call) (*topic, error) {
	if t := look(c, o.TopicArn); t != nil {
		return t, nil
	}
	return nil, cloud.Fail("NotFound", 404, "Topic does not exist")
}

// ownPolicy is the policy that a new topic has: its account may use it.
func ownPolicy(a *cloud.Account, arn string) string {
	text, _ := json.Marshal(map[string]any{"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": []any{map[string]any{
		"Sid": "__default_statement_ID", "Effect": "Allow", "Principal": map[string]string{"AWS": "*"}, "Resource": arn,
		"Action": []string{
			"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission", "SNS:DeleteTopic", "SNS:Subscribe",
			"SNS:ListSubscriptionsByTopic", "SNS:Publish",
		},
		"Condition": map[string]any{"StringEquals": map[string]string{"AWS:SourceOwner": string(a.ID)}},
	}}})
	return string(text)
}

type createIn struct {
	Name       string `aws:",must"`
	Attributes map[string]string
	Tags       []cloud.Tag
}

// On is the ARN that the topic will have.
func (in *createIn) On(c *cloud.Call) cloud.Resource { return cloud.Resource{ARN: c.ARN(in.Name)} }

type topicOut struct{ TopicArn string }

func createTopic(c *cloud.Call, in createIn) (out topicOut, err error) {
	plain := strings.TrimSuffix(in.Name, ".fifo")
	if len(in.Name) > 256 || plain == "" || strings.Trim(strings.ToLower(plain), "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return out, c.Invalid("Invalid parameter: Topic Name")
	}
	arn := c.ARN(in.Name)
	if state(c.Account, c.Region)[arn] != nil {
		return topicOut{arn}, nil
	}
	t := &topic{arn: arn, owner: c.Account, attributes: map[string]string{"Policy": ownPolicy(c.Account, arn), "DisplayName": ""}, tags: in.Tags}
	for name, value := range in.Attributes {
		if err := t.set(c, name, value); err != nil {
			return out, err
		}
	}
	state(c.Account, c.Region)[arn] = t
	return topicOut{arn}, nil
}

// set changes an attribute of a topic.
func (t *topic) set(c *cloud.Call, name, value string) error {
	switch name {
	case "Policy":
		if err := cloud.CheckPolicy(iam.Resource, value); err != nil {
			return c.Invalid("Invalid parameter: Policy Error: %v", err)
		}
	case "DisplayName", "KmsMasterKeyId", "SignatureVersion", "TracingConfig", "DeliveryPolicy", "FifoTopic", "ContentBasedDeduplication":
	default:
		return c.Invalid("Invalid parameter: AttributeName %s", name)
	}
	t.attributes[name] = value
	return nil
}

func deleteTopic(c *cloud.Call, in onTopic) (cloud.None, error) {
	t := look(c, in.TopicArn)
	if t != nil {
		delete(state(t.owner, strings.Split(t.arn, ":")[3]), t.arn)
	}
	return cloud.None{}, nil
}

type tokenIn struct{ NextToken string }

// pageSize is how many topics or subscriptions one page has.
const pageSize = 100

type topicsOut struct {
	Topics    []topicOut
	NextToken string
}

func listTopics(c *cloud.Call, in tokenIn) (out topicsOut, err error) {
	var all []topicOut
	for _, t := range cloud.Sorted(state(c.Account, c.Region)) {
		all = append(all, topicOut{t.arn})
	}
	out.Topics, out.NextToken, err = cloud.Page(c, all, in.NextToken, 0, pageSize, pageSize)
	return out, err
}

type attributesOut struct{ Attributes map[string]string }

func getAttributes(c *cloud.Call, in onTopic) (out attributesOut, err error) {
	t, err := in.topic(c)
	if err != nil {
		return out, err
	}
	confirmed, pending := 0, 0
	for _, s := range t.subscriptions {
		if s.pending {
			pending++
		} else {
			confirmed++
		}
	}
	out.Attributes = maps.Clone(t.attributes)
	maps.Copy(out.Attributes, map[string]string{
		"TopicArn": t.arn, "Owner": string(t.owner.ID), "SubscriptionsConfirmed": strconv.Itoa(confirmed), "SubscriptionsPending": strconv.Itoa(pending),
		"SubscriptionsDeleted": "0",
	})
	return out, nil
}

type setIn struct {
	onTopic
	AttributeName  string `aws:",must"`
	AttributeValue string
}

func setAttributes(c *cloud.Call, in setIn) (cloud.None, error) {
	t, err := in.topic(c)
	if err == nil {
		err = t.set(c, in.AttributeName, in.AttributeValue)
	}
	return cloud.None{}, err
}

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
	case len(in.Attributes) > 0:
		return out, c.Invalid("Invalid parameter: the simulator keeps no attributes of subscriptions")
	}
	for _, s := range t.subscriptions {
		if s.protocol == in.Protocol && s.endpoint == in.Endpoint {
			return in.answer(s), nil
		}
	}
	s := &subscription{
		arn: t.arn + ":" + c.Cloud.UUID(), token: c.Cloud.Hex(64), protocol: in.Protocol, endpoint: in.Endpoint, owner: c.Account, pending: !confirmedAtOnce[in.Protocol], topic: t,
	}
	t.subscriptions = append(t.subscriptions, s)
	return in.answer(s), nil
}

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
		"PendingConfirmation": strconv.FormatBool(s.pending), "RawMessageDelivery": "false",
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
}

type publishOut struct{ MessageId string }

func publish(c *cloud.Call, in publishIn) (out publishOut, err error) {
	t, err := in.topic(c)
	if err != nil {
		return out, err
	}
	id := c.Cloud.UUID()
	t.published++
	body, err := json.Marshal(map[string]string{
		"Type": "Notification", "MessageId": id, "TopicArn": t.arn, "Subject": in.Subject, "Message": in.Message, "Timestamp": c.Now.Format("2006-01-02T15:04:05.000Z"),
	})
	if err != nil {
		return out, err
	}
	for _, s := range t.subscriptions {
		if s.protocol == "sqs" && !s.pending {
			sqs.Deliver(c.Cloud, "sns.amazonaws.com", s.endpoint, string(body), t.arn, c.Now)
		}
	}
	return publishOut{id}, nil
}
