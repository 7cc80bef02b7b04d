package awsout

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rootkeep/rootkeep"
)

// A notice is tried again by whoever sends it: one call tries little, and ends soon.
const (
	tellAttempts = 2
	tellTimeout  = 40 * time.Second
)

// Post sends mail by Amazon SES in a Region.
type Post struct{ client *sesv2.Client }

// OpenPost finds credentials and a Region. The error says what to do.
func OpenPost(ctx context.Context, c Config) (*Post, error) {
	loaded, err := load(ctx, c, "Amazon SES")
	if err != nil {
		return nil, err
	}
	return &Post{sesv2.NewFromConfig(loaded, func(o *sesv2.Options) { o.RetryMaxAttempts = tellAttempts })}, nil
}

// Mail hands a whole message (RFC 5322) over and gives the ID that SES has for it.
func (p *Post) Mail(ctx context.Context, from string, to []string, message []byte) (string, error) {
	ctx, stop := context.WithTimeout(ctx, tellTimeout)
	defer stop()
	answer, err := p.client.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: &from, Destination: &types.Destination{ToAddresses: to}, Content: &types.EmailContent{Raw: &types.RawMessage{Data: message}},
	})
	if err != nil {
		return "", advise("send mail by SES", err, map[string]string{
			"MessageRejected":       "verify the address or its domain in this Region",
			"AccessDeniedException": "allow ses:SendEmail and ses:SendRawEmail for the identity",
		})
	}
	return given("SES", answer.MessageId)
}

// Topic publishes to a topic of Amazon SNS.
type Topic struct {
	client *sns.Client
	arn    string
}

// OpenTopic finds credentials; the Region is the topic's.
func OpenTopic(ctx context.Context, c Config, arn string) (*Topic, error) {
	a, err := rootkeep.ParseARN(arn)
	if err != nil || a.Service != "sns" || a.Region == "" || a.Resource == "" {
		return nil, fmt.Errorf("topic %q: want an ARN such as arn:aws:sns:eu-west-1:111122223333:alerts", arn)
	}
	c.Region = string(a.Region)
	loaded, err := load(ctx, c, "Amazon SNS")
	if err != nil {
		return nil, err
	}
	return &Topic{sns.NewFromConfig(loaded, func(o *sns.Options) { o.RetryMaxAttempts = tellAttempts }), arn}, nil
}

// Publish publishes a message with attributes, by which subscribers can filter, and gives
// the ID that SNS has for it. A FIFO topic keeps the order of a thread and takes the same
// ID once within five minutes.
func (t *Topic) Publish(ctx context.Context, id, thread, subject, message string, attributes map[string]string) (string, error) {
	ctx, stop := context.WithTimeout(ctx, tellTimeout)
	defer stop()
	in := &sns.PublishInput{TopicArn: &t.arn, Subject: &subject, Message: &message, MessageAttributes: map[string]snstypes.MessageAttributeValue{}}
	for name, value := range attributes {
		if value != "" {
			in.MessageAttributes[name] = snstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
		}
	}
	if strings.HasSuffix(t.arn, ".fifo") {
		in.MessageDeduplicationId, in.MessageGroupId = &id, &thread
	}
	answer, err := t.client.Publish(ctx, in)
	if err != nil {
		return "", advise("publish to "+t.arn, err, map[string]string{
			"AuthorizationError": "allow sns:Publish on the topic, and kms:GenerateDataKey and kms:Decrypt on the key that encrypts it",
			"NotFound":           "check the topic's name and Region",
		})
	}
	return given("SNS", answer.MessageId)
}

// given is an ID that AWS must have given: without it nobody knows that it took anything.
func given(service string, id *string) (string, error) {
	if aws.ToString(id) == "" {
		return "", fmt.Errorf("%s answered without an ID of the message", service)
	}
	return *id, nil
}

// advise adds what a person can do.
func advise(what string, err error, hints map[string]string) error {
	err = fmt.Errorf("%s: %w", what, err)
	var api smithy.APIError
	if errors.As(err, &api) && hints[api.ErrorCode()] != "" {
		return fmt.Errorf("%w; hint: %s", err, hints[api.ErrorCode()])
	}
	return err
}

// Refused says whether AWS said no to what was sent, which no further attempt mends: not
// that it is busy, that it cannot be reached or that credentials are missing.
func Refused(err error) bool {
	var api smithy.APIError
	var response *smithyhttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &response) || response.HTTPStatusCode()/100 != 4 || response.HTTPStatusCode() == 429 {
		return false
	}
	code := api.ErrorCode()
	for _, passing := range []string{"Throttl", "TooManyRequests", "ExpiredToken", "RequestExpired", "LimitExceeded", "AccountSuspended", "SendingPaused"} {
		if strings.Contains(code, passing) {
			return false
		}
	}
	return true
}
