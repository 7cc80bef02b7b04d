package sns

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/sqs"
)

// send gives a message to the confirmed subscribers that the simulation can reach, and
// returns its ID.
func (t *topic) send(c *cloud.Cloud, subject, message string, now time.Time) (string, error) {
	id := c.UUID()
	t.published++
	body, err := json.Marshal(map[string]string{
		"Type": "Notification", "MessageId": id, "TopicArn": t.arn, "Subject": subject, "Message": message, "Timestamp": now.Format("2006-01-02T15:04:05.000Z"),
	})
	if err != nil {
		return "", err
	}
	for _, s := range t.subscriptions {
		if s.protocol == "sqs" && !s.pending {
			text := string(body)
			if s.raw {
				text = message
			}
			sqs.Deliver(c, "sns.amazonaws.com", s.endpoint, text, map[string][]string{"aws:SourceArn": {t.arn}}, now)
		}
	}
	return id, nil
}

// Notify publishes for an AWS service such as cloudwatch.amazonaws.com, which the
// topic's policy must let, on behalf of a thing of an account. The error says why it
// could not. A topic encrypted with the key of AWS cannot be published to by a service;
// the policy of another key is not asked.
//
// Source: Amazon SNS Developer Guide, "Enable compatibility between event sources from
// AWS services and encrypted topics".
func Notify(c *cloud.Cloud, service string, source *cloud.Account, sourceARN, topicARN, subject, message string, now time.Time) error {
	t := find(c, topicARN)
	switch {
	case t == nil:
		return fmt.Errorf("topic %s does not exist", topicARN)
	case t.own():
		return fmt.Errorf("the key of topic %s is AWS's own and cannot be used by %s", topicARN, service)
	case !May(c, service, topicARN, map[string][]string{"aws:SourceOwner": {string(source.ID)}, "aws:SourceAccount": {string(source.ID)}, "aws:SourceArn": {sourceARN}}):
		return fmt.Errorf("%s is not authorized to perform: SNS:Publish on resource: %s", service, topicARN)
	}
	_, err := t.send(c, subject, message, now)
	return err
}

// May says whether the topic is there and lets an AWS service publish. keys are those of
// the service's request.
func May(c *cloud.Cloud, service, topicARN string, keys map[string][]string) bool {
	t := find(c, topicARN)
	if t == nil || t.own() {
		return false
	}
	arn, err := rootkeep.ParseARN(topicARN)
	return err == nil && c.ServiceMay(service, "sns:Publish", cloud.Resource{
		ARN: topicARN, Owner: c.Account(arn.Account), Policies: []cloud.Text{{Name: "topic policy", Document: t.attributes["Policy"]}}, Keys: keys,
	})
}

// find is the topic of an ARN, nil if there is none.
func find(c *cloud.Cloud, topicARN string) *topic {
	arn, err := rootkeep.ParseARN(topicARN)
	owner := c.Account(arn.Account)
	if err != nil || owner == nil || arn.Service != "sns" {
		return nil
	}
	return state(owner, string(arn.Region))[topicARN]
}

// own says whether AWS's own key encrypts the topic.
func (t *topic) own() bool { return strings.HasSuffix(t.attributes["KmsMasterKeyId"], "alias/aws/sns") }
