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
			sqs.Deliver(c, "sns.amazonaws.com", s.endpoint, string(body), t.arn, now)
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
	arn, err := rootkeep.ParseARN(topicARN)
	owner := c.Account(arn.Account)
	var t *topic
	if err == nil && owner != nil && arn.Service == "sns" {
		t = state(owner, string(arn.Region))[topicARN]
	}
	if t == nil {
		return fmt.Errorf("topic %s does not exist", topicARN)
	}
	if strings.HasSuffix(t.attributes["KmsMasterKeyId"], "alias/aws/sns") {
		return fmt.Errorf("the key of topic %s is AWS's own and cannot be used by %s", topicARN, service)
	}
	r := cloud.Resource{ARN: topicARN, Owner: owner, Policies: []cloud.Text{{Name: "topic policy", Document: t.attributes["Policy"]}}, Keys: map[string][]string{
		"aws:SourceOwner": {string(source.ID)}, "aws:SourceAccount": {string(source.ID)}, "aws:SourceArn": {sourceARN},
	}}
	if !c.ServiceMay(service, "sns:Publish", r) {
		return fmt.Errorf("%s is not authorized to perform: SNS:Publish on resource: %s", service, topicARN)
	}
	_, err = t.send(c, subject, message, now)
	return err
}
