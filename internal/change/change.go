// Package change is the one way in which an account is changed: a kind of change, what
// it is to be done to and what was read of it go in, a plan comes out; a plan that was
// approved is applied, read back and, where AWS allows it, undone.
//
// A kind is a content file. Its expressions are CEL; what it calls are AWS's operations
// by their names and the names of their parameters. Planning is given something that
// reads and nothing that writes: no path leads from showing to doing.
package change

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Call is one call of an API operation of AWS.
type Call struct {
	Operation string             `json:"operation"` // such as iam:UpdateAccountPasswordPolicy
	Account   rootkeep.AccountID `json:"account"`   // where it is made
	Region    string             `json:"region"`
	// Root is the task policy of a root session that makes it, such as
	// IAMDeleteRootUserCredentials; "" is the role.
	Root string         `json:"root,omitempty"`
	With map[string]any `json:"with"` // parameters by their names in AWS's API
}

// String names the call and where it is made.
func (c Call) String() string {
	return fmt.Sprintf("%s in %s of %s", c.Operation, c.Region, c.Account)
}

// Reader makes calls that change nothing. An answer is what JSON would decode: maps by
// the names of AWS's API, lists with the elements of all pages, texts, numbers (int64
// where they are whole), times as texts of RFC 3339. What AWS refuses is a *Refusal.
type Reader interface {
	Read(ctx context.Context, c Call) (map[string]any, error)
}

// Writer makes calls that change an account, each once: it never repeats a call by
// itself. What AWS refuses is a *Refusal; any other error leaves open whether the call
// was made.
type Writer interface {
	Write(ctx context.Context, c Call) (map[string]any, error)
}

// Refusal is an answer of AWS that says that a call was not carried out.
type Refusal struct {
	Call    Call
	Code    string // such as NoSuchEntity
	Message string // hostile text
	// Throttled: made later it may be carried out. Denied: a policy is in the way.
	// Expired: the credentials have ended.
	Throttled, Denied, Expired bool
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: %s: %s", r.Call, r.Code, r.Message)
}

// secrets are the names of parameters and of members of answers that hold secrets.
var secrets = []string{"SecretAccessKey", "SessionToken", "ServicePassword", "ServiceCredentialSecret", "Password", "OldPassword", "NewPassword", "PrivateKey"}

// IsSecret says whether AWS calls a secret so: it has no place in a plan or in a ledger.
func IsSecret(name string) bool { return slices.Contains(secrets, name) }

// secretIn is the name of a secret in parameters, "" if there is none.
func secretIn(v any) string {
	switch x := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(x)) {
			if IsSecret(name) {
				return name
			}
			if s := secretIn(x[name]); s != "" {
				return s
			}
		}
	case []any:
		for _, e := range x {
			if s := secretIn(e); s != "" {
				return s
			}
		}
	}
	return ""
}

// Operation is what is known of an API operation.
type Operation struct {
	Writes  bool
	Actions []string // IAM actions that permit it; none: nothing has to
	// Accepts says whether it has parameters of these names and types; nil is not known.
	Accepts func(with map[string]any) error
}

// Operations finds an operation by its name, such as iam:GetUser.
type Operations func(name string) (Operation, bool)

// Clock is the time of whoever applies.
type Clock struct {
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error // ends early with the context's error
}

// Target is what a change is to be done to.
type Target struct {
	Account    rootkeep.AccountID
	Region     string             // where calls are made that name none: the home Region
	Partition  string             // aws, aws-us-gov or aws-cn
	Management rootkeep.AccountID // of the organization; "" where there is none or it is not known
	Role       string             // ARN of the role that applies it, which must not lock itself out; "" is not known
	For        string             // ID of the request for root that the change belongs to, RR-..., or ""
}
