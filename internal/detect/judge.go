package detect

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// judgment reads a policy document of a record and says whether it is as bad as
// its name. account is the account of the event.
type judgment func(p policy, account string) bool

// judgments are small written rules over the text of a policy. They see one
// document, no boundary, no other policy: their alerts say "by text".
var judgments = map[string]judgment{
	"admin-policy":   grantsAdmin,
	"broad-policy":   grantsBroadly,
	"external-trust": trustsOutsiders,
}

// policy is the part of the IAM policy grammar that the written rules read
// (IAM User Guide, "Grammar of the IAM JSON policy language").
type policy struct {
	Statement many[statement] `json:"Statement"`
}

type statement struct {
	Effect    string          `json:"Effect"`
	Action    many[string]    `json:"Action"`
	NotAction many[string]    `json:"NotAction"`
	Resource  many[string]    `json:"Resource"`
	NotRes    many[string]    `json:"NotResource"`
	Principal json.RawMessage `json:"Principal"`
	NotPrinc  json.RawMessage `json:"NotPrincipal"`
}

// many is one value or a list of them.
type many[T any] []T

func (m *many[T]) UnmarshalJSON(b []byte) error {
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]T)(m))
	}
	var one T
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*m = many[T]{one}
	return nil
}

// judgePolicy applies a judgment. A document that cannot be read is reported,
// not passed: readable is false and bad is true.
func judgePolicy(by string, document []byte, account string) (bad, readable bool) {
	text := document
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("%")) {
		if plain, err := url.QueryUnescape(string(text)); err == nil {
			text = []byte(plain)
		}
	}
	var p policy
	if err := json.Unmarshal(text, &p); err != nil || len(p.Statement) == 0 {
		return true, false
	}
	return judgments[by](p, account), true
}

func (s statement) allows() bool { return strings.EqualFold(s.Effect, "Allow") }

// everywhere says that the statement is not confined to named resources.
func (s statement) everywhere() bool {
	return len(s.NotRes) > 0 || slices.ContainsFunc(s.Resource, func(r string) bool {
		return strings.Trim(r, "*:") == "" || strings.HasPrefix(r, "arn:aws:iam::*:") || strings.HasSuffix(r, ":*")
	})
}

func grantsAdmin(p policy, _ string) bool {
	return slices.ContainsFunc(p.Statement, func(s statement) bool {
		all := slices.ContainsFunc(s.Action, func(a string) bool {
			return strings.Trim(a, "*:") == "" || strings.EqualFold(a, "iam:*")
		})
		return s.allows() && (all || len(s.NotAction) > 0) && s.everywhere()
	})
}

// escalating are actions that lead to administrator when they are not confined.
var escalating = []string{
	"iam:put*", "iam:attach*", "iam:createpolicyversion", "iam:setdefaultpolicyversion", "iam:createaccesskey",
	"iam:createloginprofile", "iam:updateloginprofile", "iam:updateassumerolepolicy", "iam:addusertogroup",
	"iam:passrole", "iam:create*", "iam:update*", "iam:delete*permissionsboundary", "sts:assumerole", "sts:*", "organizations:*", "lambda:updatefunctioncode", "ssm:sendcommand",
}

func grantsBroadly(p policy, account string) bool {
	return grantsAdmin(p, account) || slices.ContainsFunc(p.Statement, func(s statement) bool {
		return s.allows() && s.everywhere() && slices.ContainsFunc(s.Action, func(a string) bool {
			return slices.ContainsFunc(escalating, func(e string) bool { return actionsMeet(strings.ToLower(a), e) })
		})
	})
}

// actionsMeet says whether two action patterns can name the same action; both
// may end in a star.
func actionsMeet(a, b string) bool {
	a, aStar := strings.CutSuffix(a, "*")
	b, bStar := strings.CutSuffix(b, "*")
	return a == b || aStar && strings.HasPrefix(b, a) || bStar && strings.HasPrefix(a, b)
}

func trustsOutsiders(p policy, account string) bool {
	return slices.ContainsFunc(p.Statement, func(s statement) bool {
		if !s.allows() {
			return false
		}
		if len(s.NotPrinc) > 0 {
			return true
		}
		var star string
		if json.Unmarshal(s.Principal, &star) == nil {
			return star == "*"
		}
		var named struct {
			AWS, Federated many[string]
		}
		if json.Unmarshal(s.Principal, &named) != nil {
			return len(s.Principal) > 0 // a principal nobody can read is not trusted
		}
		return slices.ContainsFunc(named.AWS, func(p string) bool { return !ownPrincipal(p, account) })
	})
}

func ownPrincipal(principal, account string) bool {
	if account == "" || principal == account {
		return account != ""
	}
	parts := strings.SplitN(principal, ":", 6)
	// An ARN of this account, or the unique ID that AWS puts in place of a deleted principal.
	return len(parts) == 6 && parts[4] == account || len(parts) == 1 && strings.HasPrefix(principal, "A") && len(principal) > 15
}
