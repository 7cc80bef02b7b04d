package invoke

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awsread/credential"
	"github.com/rootkeep/rootkeep/internal/change"
)

// throttles are the codes of calls that came too fast, or while something else is being
// done to the same thing: nothing was done, and later it may be. The SDK's own list has
// LimitExceededException as well, which most services here say of a quota.
//
// Source: the API references of the services, "Common Errors" and the errors of the
// operations.
var throttles = []string{
	"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded",
	"SlowDown", "EC2ThrottledException", "KMSThrottlingException",
	"ConcurrentModification", "ConcurrentModificationException", "EntityTemporarilyUnmodifiable", "OperationAborted", "FinalizingOrganizationException",
}

// expiries are the codes of credentials that have ended.
var expiries = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}

// NotSent is the code of a refusal that is not AWS's own: the call cannot have reached it.
const NotSent = "NotSent"

// Unsent makes a refusal of an error before a call was sent, such as one of getting
// credentials. What AWS refused there keeps its code.
func Unsent(c change.Call, err error) error {
	if r, ok := refusal(c, err); ok {
		r.Message = err.Error()
		return r
	}
	_, gone := errors.AsType[*credential.Error](err)
	return &change.Refusal{Call: c, Code: NotSent, Message: err.Error(), Expired: gone, Throttled: !gone}
}

// Unknown is the refusal of a call of an operation that is not in a table.
func Unknown(c change.Call, does string) error {
	return &change.Refusal{Call: c, Code: NotSent, Message: "it is no operation that " + does + " here"}
}

// mistaken is the refusal of a call with parameters that the operation does not have.
func mistaken(c change.Call, err error) error {
	return &change.Refusal{Call: c, Code: invalid, Message: err.Error()}
}

// invalid is the code of a call whose parameters were not sent.
const invalid = "InvalidParameters"

// failure makes a *change.Refusal of an error that says for sure that the call was not
// carried out. Any other error leaves that open: the connection ended, the service broke
// down, the time was up, the answer cannot be read.
func failure(c change.Call, err error) error {
	if r, ok := refusal(c, err); ok {
		return r
	}
	var missing smithy.InvalidParamsError
	if errors.As(err, &missing) {
		return mistaken(c, missing)
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return Unsent(c, err)
	}
	return fmt.Errorf("%s: %w", c, err)
}

// refusal is what AWS answered, if that is certain: an error of its own with a status
// that does not mean that something broke, or a code that means that it came too fast.
func refusal(c change.Call, err error) (*change.Refusal, bool) {
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() == "" || api.ErrorCode() == "UnknownError" {
		return nil, false
	}
	r := &change.Refusal{
		Call: c, Code: api.ErrorCode(), Message: api.ErrorMessage(),
		Throttled: slices.Contains(throttles, api.ErrorCode()), Denied: call.Denied(err), Expired: slices.Contains(expiries, api.ErrorCode()),
	}
	var answer *smithyhttp.ResponseError
	status := 0
	if errors.As(err, &answer) && answer.Response != nil && answer.Response.Response != nil {
		status = answer.HTTPStatusCode()
	}
	certain := status >= 300 && status < 500 && status != http.StatusRequestTimeout
	return r, certain || r.Throttled || r.Expired
}

// maxAnswer bounds what all answers to one call may come to, bytes.
const maxAnswer = 64 << 20

var errTooLarge = fmt.Errorf("AWS answered more than %d MiB", maxAnswer>>20)

// bounded is a configuration whose answers are bounded together.
func bounded(c aws.Config) aws.Config {
	c = c.Copy()
	c.HTTPClient = &bound{c.HTTPClient, maxAnswer}
	return c
}

// bound is a client for one call, which sends its requests one after another.
type bound struct {
	aws.HTTPClient
	left int64
}

// Do is of aws.HTTPClient.
func (b *bound) Do(req *http.Request) (*http.Response, error) {
	res, err := b.HTTPClient.Do(req)
	if res != nil && res.Body != nil {
		res.Body = &body{res.Body, b}
	}
	return res, err
}

type body struct {
	io.ReadCloser
	bound *bound
}

func (b *body) Read(p []byte) (int, error) {
	if b.bound.left <= 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > b.bound.left {
		p = p[:b.bound.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.bound.left -= int64(n)
	return n, err
}
