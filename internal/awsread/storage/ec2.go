package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
)

// ec2Question asks EC2 one thing. The SDK's own client is larger than all others
// together, for a call that takes no parameters and answers yes or no.
//
// Source: Amazon EC2 API Reference, version 2016-11-15, "Making requests" and
// "Error codes".
type ec2Question struct {
	place  *call.Place
	action string
}

// maxEC2Answer bounds an answer, bytes.
const maxEC2Answer = 1 << 20

// ask sends the question until it is answered, with the pauses of the SDK's retryer.
// The answer is the body.
func (q ec2Question) ask(ctx context.Context, _ *struct{}, _ ...func(*struct{})) (*[]byte, error) {
	retryer := q.place.AWS.Retryer()
	for attempt := 1; ; attempt++ {
		body, err := q.send(ctx)
		if err == nil || attempt >= retryer.MaxAttempts() || !retryer.IsErrorRetryable(err) {
			return &body, err
		}
		pause, stop := retryer.RetryDelay(attempt, err)
		if stop != nil {
			return nil, err
		}
		if err := q.place.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

func (q ec2Question) send(ctx context.Context) ([]byte, error) {
	address, err := q.address()
	if err != nil {
		return nil, err
	}
	form := "Action=" + q.action + "&Version=2016-11-15"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	credentials, err := q.place.AWS.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(form))
	if err := v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), "ec2", q.place.AWS.Region, time.Now()); err != nil {
		return nil, err
	}
	res, err := q.place.AWS.HTTPClient.Do(req)
	if err != nil {
		return nil, &smithyhttp.RequestSendError{Err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxEC2Answer))
	switch {
	case err != nil:
		return nil, &smithyhttp.RequestSendError{Err: err}
	case res.StatusCode != http.StatusOK:
		return nil, &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: res}, Err: refusal(body)}
	}
	return body, nil
}

// refusal is the error in an answer.
func refusal(body []byte) error {
	var answer struct {
		Errors []struct{ Code, Message string } `xml:"Errors>Error"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil || len(answer.Errors) == 0 {
		return errors.New("an answer that is neither a result nor an error")
	}
	return &smithy.GenericAPIError{Code: answer.Errors[0].Code, Message: answer.Errors[0].Message}
}

// address is where EC2 listens in a Region, or what the configuration names for all
// services.
func (q ec2Question) address() (string, error) {
	if base := aws.ToString(q.place.AWS.BaseEndpoint); base != "" {
		return strings.TrimSuffix(base, "/") + "/", nil
	}
	partition := rootkeep.Region(q.place.AWS.Region).Partition()
	domain, ok := map[string]string{"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}[partition]
	if !ok {
		return "", fmt.Errorf("where EC2 listens in partition %q is not known", partition)
	}
	return "https://ec2." + q.place.AWS.Region + "." + domain + "/", nil
}
