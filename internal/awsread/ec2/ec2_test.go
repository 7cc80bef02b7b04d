package ec2

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
)

// endpoints is a source of configuration, as an environment or a profile is.
type endpoints struct {
	ec2    string
	ignore bool
	fips   aws.FIPSEndpointState
}

func (e endpoints) GetServiceBaseEndpoint(_ context.Context, id string) (string, bool, error) {
	return e.ec2, id == "EC2" && e.ec2 != "", nil
}

func (e endpoints) GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error) {
	return e.ignore, e.ignore, nil
}

func (e endpoints) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return e.fips, e.fips != aws.FIPSEndpointStateUnset, nil
}

func TestEC2ListensWhereItsRegionIs(t *testing.T) {
	const sim = "http://127.0.0.1:4566"
	fips := endpoints{fips: aws.FIPSEndpointStateEnabled}
	for _, c := range []struct {
		name, region, base string
		sources            []any
		want               string
	}{
		{"most Regions", "eu-west-3", "", nil, "https://ec2.eu-west-3.amazonaws.com/"},
		{"China", "cn-north-1", "", nil, "https://ec2.cn-north-1.amazonaws.com.cn/"},
		{"GovCloud", "us-gov-west-1", "", nil, "https://ec2.us-gov-west-1.amazonaws.com/"},
		{"an address that the configuration names", "eu-west-3", sim, nil, sim + "/"},
		{"one that it names for EC2", "eu-west-3", sim, []any{1, endpoints{}, endpoints{ec2: "https://ec2.example/"}}, "https://ec2.example/"},
		{"one that is not to be heeded", "eu-west-3", "", []any{endpoints{ignore: true}, endpoints{ec2: "https://ec2.example"}}, "https://ec2.eu-west-3.amazonaws.com/"},
		{"FIPS", "us-east-2", "", []any{endpoints{}, fips}, "https://ec2-fips.us-east-2.amazonaws.com/"},
		{"FIPS is not wanted", "us-east-2", "", []any{endpoints{fips: aws.FIPSEndpointStateDisabled}, fips}, "https://ec2.us-east-2.amazonaws.com/"},
		{"FIPS in GovCloud", "us-gov-west-1", "", []any{fips}, "https://ec2.us-gov-west-1.amazonaws.com/"},
		{"FIPS in China", "cn-north-1", "", []any{fips}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &call.Place{AWS: aws.Config{Region: c.region, ConfigSources: c.sources}}
			if c.base != "" {
				p.AWS.BaseEndpoint = &c.base
			}
			if got, err := (question{p, "Any"}).address(t.Context()); got != c.want || (err != nil) != (c.want == "") {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

// A call goes out in its turn; without one there is none.
func TestEC2WaitsForItsTurn(t *testing.T) {
	calls := 0
	p := &call.Place{
		AWS: aws.Config{Region: "eu-west-3", HTTPClient: client(func(*http.Request) { calls++ })},
		Turn: func(_ context.Context, name string, do func() error) error {
			if name != "EC2:Any" || calls > 0 {
				t.Errorf("got a turn for %s after %d calls, want one for EC2:Any before", name, calls)
			}
			return do()
		},
	}
	p.AWS.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "x"}, nil
	})
	if body, err := (question{p, "Any"}).send(t.Context()); err != nil || string(body) != "answer" || calls != 1 {
		t.Errorf("got %q, %v after %d calls, want the answer of one", body, err, calls)
	}
	p.Turn = func(context.Context, string, func() error) error { return context.Canceled }
	if _, err := (question{p, "Any"}).send(t.Context()); !errors.Is(err, context.Canceled) || calls != 1 {
		t.Errorf("without a turn: got %v after %d calls, want none made", err, calls)
	}
}

// client answers every request.
type client func(*http.Request)

func (c client) Do(r *http.Request) (*http.Response, error) {
	c(r)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("answer"))}, nil
}

const (
	ec2On      = `<GetEbsEncryptionByDefaultResponse><requestId>r</requestId><ebsEncryptionByDefault>true</ebsEncryptionByDefault></GetEbsEncryptionByDefaultResponse>`
	ec2Refused = `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>`
)

func TestAnswersOfEC2AreReadOrRefused(t *testing.T) {
	if out, err := read([]byte(ec2On)); err != nil || !*out.EbsEncryptionByDefault {
		t.Errorf("got %+v, %v, want true", out, err)
	}
	for _, text := range []string{"", "{", "<a/>", ec2Refused, strings.Replace(ec2On, "true", "maybe", 1)} {
		if out, err := read([]byte(text)); out != nil || err == nil {
			t.Errorf("%q: got %+v, %v, want an error", text, out, err)
		}
	}
	if err := refusal([]byte(ec2Refused)); call.Code(err) != "UnauthorizedOperation" || !call.Denied(err) {
		t.Errorf("got %v, want a denial", err)
	}
	for _, text := range []string{"", "<a", ec2On} {
		if err := refusal([]byte(text)); err == nil || call.Code(err) != "" {
			t.Errorf("%q: got %v, want an error without a code", text, err)
		}
	}
}
