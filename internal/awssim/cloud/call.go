package cloud

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Call is one call of an operation, as its function sees it.
type Call struct {
	Cloud     *Cloud
	Service   *Service
	Operation *Operation
	Caller    Caller
	Account   *Account // the caller's; nil for an anonymous caller
	Region    string
	Now       time.Time
	RequestID string
	Host      string // that the client asked for

	protocol  Protocol
	sourceIP  string
	userAgent string
	input     any
	resource  Resource
	shared    []*Account
	global    bool
	badToken  bool
	waiting   context.Context // of the client, nil for a call that does not wait
	waited    time.Duration
}

// Error is an answer that says what went wrong.
type Error struct {
	Code    string
	Status  int
	Message string
	// Legacy is the code that the query protocol had, for services that moved to another.
	Legacy string
}

// Error is the code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Fail makes an Error.
func Fail(code string, status int, format string, args ...any) *Error {
	return &Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

// Invalid is the error for a parameter of the wrong form.
func (c *Call) Invalid(format string, args ...any) *Error {
	return Fail(c.code().Invalid, 400, format, args...)
}

// Share has the call recorded in another account as well.
func (c *Call) Share(a *Account) { c.shared = append(c.shared, a) }

// AtGlobalEndpoint says whether the client asked for the endpoint that stands for no
// Region, such as sts.amazonaws.com.
func (c *Call) AtGlobalEndpoint() bool {
	return c.global || c.Host == c.Service.Name+".amazonaws.com"
}

func (c *Call) action() string { return c.Operation.Action }

// ARN is the name of a thing of the caller's account in the Region of the call.
func (c *Call) ARN(resource string) string {
	return c.Account.ARN(c.Service.Prefix, c.Region, resource)
}

// Owner is the account that an ARN names; nil if that is no account.
func (c *Call) Owner(arn string) *Account {
	a, err := rootkeep.ParseARN(arn)
	if err != nil {
		return nil
	}
	return c.Cloud.accounts[a.Account]
}

// NewToken is a token for the page of a list that begins at an offset. It holds for
// the same operation, account and Region.
func (c *Call) NewToken(offset int) string {
	if c.badToken {
		return base64.RawURLEncoding.EncodeToString([]byte("wrong page"))
	}
	return base64.RawURLEncoding.EncodeToString([]byte(c.tokenPrefix() + strconv.Itoa(offset)))
}

func (c *Call) tokenPrefix() string {
	return c.Operation.Name + "/" + string(c.Account.ID) + "/" + c.Region + "/"
}

// Offset reads what NewToken wrote.
func (c *Call) Offset(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	rest, ok := strings.CutPrefix(string(raw), c.tokenPrefix())
	n, err2 := strconv.Atoi(rest)
	if err != nil || !ok || err2 != nil || n < 0 {
		return 0, Fail(c.code().Token, 400, "The specified token is not valid")
	}
	return n, nil
}

// Page cuts the page of a list that a token names: of max elements, or of as many as
// the service gives when max is zero; limit is the most one may ask for. It returns
// the token of the next page, "" at the end.
func Page[T any](c *Call, all []T, token string, max, standard, limit int) ([]T, string, error) {
	offset, err := c.Offset(token)
	if err != nil {
		return nil, "", err
	}
	if max < 0 || max > limit {
		return nil, "", c.Invalid("Value '%d' at the page size failed to satisfy constraint: Member must be between 1 and %d", max, limit)
	}
	if max == 0 {
		max = standard
	}
	offset = min(offset, len(all))
	end := min(offset+max, len(all))
	if end == len(all) {
		return all[offset:end], "", nil
	}
	return all[offset:end], c.NewToken(end), nil
}

// code are the error codes of the service in the protocol of the call.
func (c *Call) code() Codes {
	codes := c.Service.Codes
	standard := Codes{"AccessDeniedException", "ThrottlingException", "ValidationException", "InvalidNextTokenException"}
	switch c.protocol {
	case Query, EC2Query:
		standard = Codes{"AccessDenied", "Throttling", "ValidationError", "InvalidNextToken"}
	case RESTXML:
		standard = Codes{"AccessDenied", "SlowDown", "InvalidRequest", "InvalidArgument"}
	}
	for _, pair := range []struct {
		code  *string
		value string
	}{
		{&codes.Denied, standard.Denied}, {&codes.Throttled, standard.Throttled}, {&codes.Invalid, standard.Invalid}, {&codes.Token, standard.Token},
	} {
		if *pair.code == "" {
			*pair.code = pair.value
		}
	}
	return codes
}
