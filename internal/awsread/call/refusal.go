package call

import (
	"errors"
	"slices"

	"github.com/aws/smithy-go"
)

// Code is the code of an error of AWS, "" of any other.
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Denied says that a policy is in the way.
func Denied(err error) bool {
	return slices.Contains([]string{"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "UnauthorizedOperation"}, Code(err))
}

// Elsewhere is why a resource is not asked about: it is another account's, which alone
// tells of it.
type Elsewhere string

func (e Elsewhere) Error() string { return string(e) }
