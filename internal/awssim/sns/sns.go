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
	raw                            bool // without the envelope
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
