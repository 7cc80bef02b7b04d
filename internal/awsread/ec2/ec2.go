// Package ec2 asks EC2 about the encryption of new volumes, and tells it to switch that. The
// SDK's own client is larger than all others together, for calls that take no parameters.
//
// Source: Amazon EC2 API Reference, version 2016-11-15, "Making requests" and
// "Error codes".
package ec2

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

// Encryption is what EC2 answers.
type Encryption struct {
	EbsEncryptionByDefault *bool   `xml:"ebsEncryptionByDefault"`
	SseType                *string `xml:"sseType"`
}

// Ask calls an operation such as GetEbsEncryptionByDefault.
func Ask(ctx context.Context, p *call.Place, action string) (*Encryption, error) {
	body, err := call.Ask(ctx, p, question{p, action}.ask, &struct{}{})
	if err != nil {
		return nil, err
	}
	return read(*body)
}

// read reads an answer. One that does not tell the setting is none.
func read(body []byte) (*Encryption, error) {
	out := &Encryption{}
	if err := xml.Unmarshal(body, out); err != nil || out.EbsEncryptionByDefault == nil {
		return nil, errors.New("an answer without the setting")
	}
	return out, nil
}

type question struct {
	place  *call.Place
	action string
}

// maxAnswer bounds an answer, bytes.
const maxAnswer = 1 << 20

// ask sends the question until it is answered, with the pauses of the SDK's retryer.
// The answer is the body.
func (q question) ask(ctx context.Context, _ *struct{}, _ ...func(*struct{})) (*[]byte, error) {
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

func (q question) send(ctx context.Context) ([]byte, error) {
	address, err := q.address(ctx)
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
	// It has its credentials by now: renewing them is a call that takes a turn too.
	var body []byte
	err = q.place.InTurn(ctx, serviceID+":"+q.action, func() (err error) {
		body, err = q.answer(req)
		return err
	})
	return body, err
}

func (q question) answer(req *http.Request) ([]byte, error) {
	res, err := q.place.AWS.HTTPClient.Do(req)
	if err != nil {
		return nil, &smithyhttp.RequestSendError{Err: err}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
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

// serviceID is the name of the service in the SDK's configuration.
const serviceID = "EC2"

// address is where EC2 listens in a Region, or what the configuration names for EC2 or
// for all services (AWS SDKs and Tools Reference Guide, "Service-specific endpoints" and
// "Dual-stack and FIPS endpoints").
func (q question) address(ctx context.Context) (string, error) {
	base, err := configured(ctx, &q.place.AWS)
	if err != nil {
		return "", err
	}
	if base != "" {
		return strings.TrimSuffix(base, "/") + "/", nil
	}
	partition := rootkeep.Region(q.place.AWS.Region).Partition()
	domain, ok := map[string]string{"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}[partition]
	if !ok {
		return "", fmt.Errorf("where EC2 listens in partition %q is not known", partition)
	}
	host := "ec2"
	fips, err := wantsFIPS(ctx, &q.place.AWS)
	switch {
	case err != nil:
		return "", err
	case fips && partition == "aws-cn":
		return "", errors.New("EC2 has no FIPS endpoint in China, and the configuration wants one")
	case fips && partition == "aws": // those of GovCloud are FIPS endpoints all
		host = "ec2-fips"
	}
	return "https://" + host + "." + q.place.AWS.Region + "." + domain + "/", nil
}

// configured is the address that environment or profile name for EC2, or for all
// services; "" if they name none or are not to be heeded.
func configured(ctx context.Context, c *aws.Config) (string, error) {
	for _, source := range c.ConfigSources {
		if s, ok := source.(interface {
			GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
		}); ok {
			if ignore, found, err := s.GetIgnoreConfiguredEndpoints(ctx); err != nil || found && ignore {
				return "", err
			} else if found {
				break
			}
		}
	}
	for _, source := range c.ConfigSources {
		if s, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}); ok {
			if base, found, err := s.GetServiceBaseEndpoint(ctx, serviceID); err != nil || found {
				return base, err
			}
		}
	}
	return aws.ToString(c.BaseEndpoint), nil
}

// wantsFIPS says whether the configuration wants FIPS endpoints.
func wantsFIPS(ctx context.Context, c *aws.Config) (bool, error) {
	for _, source := range c.ConfigSources {
		if s, ok := source.(interface {
			GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error)
		}); ok {
			if state, found, err := s.GetUseFIPSEndpoint(ctx); err != nil || found {
				return state == aws.FIPSEndpointStateEnabled, err
			}
		}
	}
	return false, nil
}
