// Package sqs is the simulated Amazon Simple Queue Service: standard queues with their
// policies and messages, dead-letter queues among them.
//
// Source: Amazon SQS API Reference, version 2012-11-05.
package sqs

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Service lists the operations.
func Service() *cloud.Service {
	return &cloud.Service{
		Name: "sqs", Protocol: cloud.JSON, JSON: "1.0", Target: "AmazonSQS", Codes: cloud.Codes{Invalid: "InvalidParameterValue", Token: "InvalidParameterValue"},
		Operations: []*cloud.Operation{
			cloud.Op("CreateQueue", createQueue),
			cloud.Op("DeleteQueue", deleteQueue),
			cloud.Op("ListQueues", listQueues),
			cloud.Op("GetQueueUrl", getURL),
			cloud.Op("GetQueueAttributes", getAttributes),
			cloud.Op("SetQueueAttributes", setAttributes),
			cloud.Op("TagQueue", tagQueue),
			cloud.Op("UntagQueue", untagQueue),
			cloud.Op("ListQueueTags", listTags),
			cloud.Op("PurgeQueue", purge),
			cloud.Op("SendMessage", send, cloud.Data),
			cloud.Op("ReceiveMessage", receive, cloud.Data),
			cloud.Op("DeleteMessage", deleteMessage, cloud.Data),
			cloud.Op("ChangeMessageVisibility", changeVisibility, cloud.Data),
		},
	}
}

// queue is one queue.
type queue struct {
	name, arn         string
	owner             *cloud.Account
	created, modified time.Time
	attributes        map[string]string // that may be set
	tags              map[string]string
	messages          []*message
}

type message struct {
	id, body, receipt string
	sent, visible     time.Time
	received          int
	first             time.Time
	flying            bool // received, and hidden since
}

// queues are those of an account in a Region, by name.
type queues struct{ byName map[string]*queue }

func state(a *cloud.Account, region string) map[string]*queue {
	s := cloud.Regional[queues](a, region)
	if s.byName == nil {
		s.byName = map[string]*queue{}
	}
	return s.byName
}

func (q *queue) url(c *cloud.Call) string {
	return "http://" + c.Host + "/" + string(q.owner.ID) + "/" + q.name
}

type onQueue struct {
	QueueUrl string `aws:",must"`
}

// find looks for the queue at the end of a URL: /account/name.
func (o *onQueue) find(c *cloud.Call) *queue {
	parts := strings.Split(o.QueueUrl, "/")
	if len(parts) < 2 {
		return nil
	}
	owner := c.Cloud.Account(rootkeep.AccountID(parts[len(parts)-2]))
	if owner == nil {
		return nil
	}
	return state(owner, c.Region)[parts[len(parts)-1]]
}

// On is the queue under its policy.
func (o *onQueue) On(c *cloud.Call) cloud.Resource {
	q := o.find(c)
	if q == nil {
		return cloud.Resource{ARN: c.ARN(o.QueueUrl[strings.LastIndexByte(o.QueueUrl, '/')+1:])}
	}
	return q.resource()
}

func (q *queue) resource() cloud.Resource {
	r := cloud.Resource{ARN: q.arn, Owner: q.owner}
	for _, k := range slices.Sorted(maps.Keys(q.tags)) {
		r.Tags = append(r.Tags, cloud.Tag{Key: k, Value: q.tags[k]})
	}
	if text := q.attributes["Policy"]; text != "" {
		r.Policies = []cloud.Text{{Name: "queue policy", Document: text}}
	}
	return r
}

func missing() error {
	return &cloud.Error{Code: "QueueDoesNotExist", Status: 400, Message: "The specified queue does not exist.", Legacy: "AWS.SimpleQueueService.NonExistentQueue"}
}

func (o *onQueue) queue(c *cloud.Call) (*queue, error) {
	if q := o.find(c); q != nil {
		return q, nil
	}
	return nil, missing()
}

// standard are the attributes of a new queue.
var standard = map[string]string{
	"VisibilityTimeout": "30", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0",
	"SqsManagedSseEnabled": "true",
}

// settable are attributes beside the standard ones.
var settable = []string{"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"}

func (q *queue) set(c *cloud.Call, attributes map[string]string) error {
	for name, value := range attributes {
		_, known := standard[name]
		switch {
		case !known && !slices.Contains(settable, name):
			return cloud.Fail("InvalidAttributeName", 400, "Unknown Attribute %s.", name)
		case name == "Policy" && value != "":
			if err := cloud.CheckPolicy(iam.Resource, value); err != nil {
				return cloud.Fail("InvalidAttributeValue", 400, "Invalid value for the parameter Policy: %v", err)
			}
		case name == "RedrivePolicy":
			if err := q.checkRedrive(c, value); err != nil {
				return err
			}
		case known && name != "SqsManagedSseEnabled":
			if n, err := strconv.Atoi(value); err != nil || n < 0 {
				return cloud.Fail("InvalidAttributeValue", 400, "Invalid value for the parameter %s.", name)
			}
		}
	}
	for name, value := range attributes {
		if q.attributes[name] = value; value == "" {
			delete(q.attributes, name)
		}
		if name == "KmsMasterKeyId" && value != "" {
			q.attributes["SqsManagedSseEnabled"] = "false"
		}
	}
	q.modified = c.Now
	return nil
}

// redrive is where messages go that were received too often.
type redrive struct {
	target string
	most   int
}

// redrivePolicy reads one; nil is none.
func redrivePolicy(text string) (*redrive, error) {
	if text == "" {
		return nil, nil
	}
	var policy struct {
		Target string      `json:"deadLetterTargetArn"`
		Most   json.Number `json:"maxReceiveCount"` // as a number, or in quotes
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(string(policy.Most))
	if err == nil && (n < 1 || n > 1000) {
		err = errors.New("maxReceiveCount must be 1 to 1000")
	}
	return &redrive{policy.Target, n}, err
}

// checkRedrive wants a queue of the same account and Region.
func (q *queue) checkRedrive(c *cloud.Call, text string) error {
	policy, err := redrivePolicy(text)
	if err == nil && policy != nil {
		if dead := find(c.Cloud, policy.target); dead == nil || dead.owner != q.owner || dead == q {
			err = errors.New("dead-letter target does not exist")
		}
	}
	if err != nil {
		return cloud.Fail("InvalidParameterValue", 400, "Value %s for parameter RedrivePolicy is invalid. Reason: %v.", text, err)
	}
	return nil
}

func (q *queue) number(name string) int {
	n, _ := strconv.Atoi(q.attributes[name])
	return n
}

type createIn struct {
	QueueName  string `aws:",must"`
	Attributes map[string]string
	Tags       map[string]string `aws:"tags"`
}

// On is the ARN that the queue will have.
func (in *createIn) On(c *cloud.Call) cloud.Resource { return cloud.Resource{ARN: c.ARN(in.QueueName)} }

type urlOut struct{ QueueUrl string }

func createQueue(c *cloud.Call, in createIn) (out urlOut, err error) {
	if len(in.QueueName) > 80 || strings.Trim(strings.ToLower(in.QueueName), "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		return out, c.Invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	if q := state(c.Account, c.Region)[in.QueueName]; q != nil {
		return urlOut{q.url(c)}, nil
	}
	q := &queue{name: in.QueueName, arn: c.ARN(in.QueueName), owner: c.Account, created: c.Now, attributes: maps.Clone(standard), tags: in.Tags}
	if err := q.set(c, in.Attributes); err != nil {
		return out, err
	}
	state(c.Account, c.Region)[q.name] = q
	return urlOut{q.url(c)}, nil
}

func deleteQueue(c *cloud.Call, in onQueue) (cloud.None, error) {
	q, err := in.queue(c)
	if err == nil {
		delete(state(q.owner, c.Region), q.name)
	}
	return cloud.None{}, err
}

type listIn struct {
	QueueNamePrefix, NextToken string
	MaxResults                 int
}

type listOut struct {
	QueueUrls []string `aws:",omit"`
	NextToken string
}

func listQueues(c *cloud.Call, in listIn) (out listOut, err error) {
	var all []string
	for _, q := range cloud.Sorted(state(c.Account, c.Region)) {
		if strings.HasPrefix(q.name, in.QueueNamePrefix) {
			all = append(all, q.url(c))
		}
	}
	out.QueueUrls, out.NextToken, err = cloud.Page(c, all, in.NextToken, in.MaxResults, 1000, 1000)
	return out, err
}

type getURLIn struct {
	QueueName              string `aws:",must"`
	QueueOwnerAWSAccountId string
}

func (in *getURLIn) find(c *cloud.Call) *queue {
	owner := c.Account
	if in.QueueOwnerAWSAccountId != "" {
		owner = c.Cloud.Account(rootkeep.AccountID(in.QueueOwnerAWSAccountId))
	}
	if owner == nil {
		return nil
	}
	return state(owner, c.Region)[in.QueueName]
}

// On is the queue under its policy.
func (in *getURLIn) On(c *cloud.Call) cloud.Resource {
	if q := in.find(c); q != nil {
		return q.resource()
	}
	return cloud.Resource{ARN: c.ARN(in.QueueName)}
}

func getURL(c *cloud.Call, in getURLIn) (out urlOut, err error) {
	q := in.find(c)
	if q == nil {
		return out, missing()
	}
	return urlOut{q.url(c)}, nil
}

type attributesIn struct {
	onQueue
	AttributeNames []string
}

type attributesOut struct{ Attributes map[string]string }

func getAttributes(c *cloud.Call, in attributesIn) (out attributesOut, err error) {
	q, err := in.queue(c)
	if err != nil {
		return out, err
	}
	waiting, flying := 0, 0
	for _, m := range q.messages {
		if m.visible.After(c.Now) {
			flying++
		} else {
			waiting++
		}
	}
	all := maps.Clone(q.attributes)
	maps.Copy(all, map[string]string{
		"QueueArn": q.arn, "CreatedTimestamp": strconv.FormatInt(q.created.Unix(), 10), "LastModifiedTimestamp": strconv.FormatInt(q.modified.Unix(), 10),
		"ApproximateNumberOfMessages": strconv.Itoa(waiting), "ApproximateNumberOfMessagesNotVisible": strconv.Itoa(flying), "ApproximateNumberOfMessagesDelayed": "0",
	})
	out.Attributes = map[string]string{}
	for name, value := range all {
		if slices.Contains(in.AttributeNames, "All") || slices.Contains(in.AttributeNames, name) {
			out.Attributes[name] = value
		}
	}
	return out, nil
}

type setIn struct {
	onQueue
	Attributes map[string]string `aws:",must"`
}

func setAttributes(c *cloud.Call, in setIn) (cloud.None, error) {
	q, err := in.queue(c)
	if err == nil {
		err = q.set(c, in.Attributes)
	}
	return cloud.None{}, err
}

type tagIn struct {
	onQueue
	Tags map[string]string `aws:",must"`
}

func tagQueue(c *cloud.Call, in tagIn) (cloud.None, error) {
	q, err := in.queue(c)
	if err != nil {
		return cloud.None{}, err
	}
	if q.tags == nil {
		q.tags = map[string]string{}
	}
	maps.Copy(q.tags, in.Tags)
	return cloud.None{}, nil
}

type untagIn struct {
	onQueue
	TagKeys []string `aws:",must"`
}

func untagQueue(c *cloud.Call, in untagIn) (cloud.None, error) {
	q, err := in.queue(c)
	if err == nil {
		for _, k := range in.TagKeys {
			delete(q.tags, k)
		}
	}
	return cloud.None{}, err
}

type tagsOut struct{ Tags map[string]string }

func listTags(c *cloud.Call, in onQueue) (out tagsOut, err error) {
	q, err := in.queue(c)
	if err != nil {
		return out, err
	}
	return tagsOut{q.tags}, nil
}

func purge(c *cloud.Call, in onQueue) (cloud.None, error) {
	q, err := in.queue(c)
	if err == nil {
		q.messages = nil
	}
	return cloud.None{}, err
}
