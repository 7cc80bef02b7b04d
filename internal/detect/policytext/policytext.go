// Package policytext judges a policy document by small written rules over its
// text. It sees one document: no boundary, no other policy, no condition. What it
// says is said "by text".
package policytext

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
)

// rules says whether a policy is as bad as the rule's name; account is the
// account of the event.
var rules = map[string]func(p policy, account string) bool{
	"admin-policy":   grantsAdmin,
	"broad-policy":   grantsBroadly,
	"external-trust": trustsOutsiders,
}

// Known says whether there is a rule of that name: admin-policy, broad-policy or
// external-trust.
func Known(rule string) bool { return rules[rule] != nil }

// Judge applies a rule. A document that cannot be read is reported, not passed:
// readable is false and bad is true.
func Judge(rule string, document []byte, account string) (bad, readable bool) {
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
	return rules[rule](p, account), true
}

// policy is the part of the IAM policy grammar that the rules read (IAM User
// Guide, "Grammar of the IAM JSON policy language").
type policy struct {
	Statement many[statement] `json:"Statement"`
}

type statement struct {
	Effect       string          `json:"Effect"`
	Action       many[string]    `json:"Action"`
	NotAction    many[string]    `json:"NotAction"`
	Resource     many[string]    `json:"Resource"`
	NotResource  many[string]    `json:"NotResource"`
	Principal    json.RawMessage `json:"Principal"`
	NotPrincipal json.RawMessage `json:"NotPrincipal"`
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

func (s statement) allows() bool { return strings.EqualFold(s.Effect, "Allow") }

// names says whether the statement's actions take in any of the patterns.
func (s statement) names(patterns ...string) bool {
	return slices.ContainsFunc(s.Action, func(action string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return meet(strings.ToLower(action), p) })
	})
}

// everywhere says that the statement is not confined to resources that it names:
// a resource nobody thought of falls under it.
func (s statement) everywhere(account string) bool {
	if len(s.NotResource) > 0 {
		return true
	}
	if account == "" {
		account = "000000000000"
	}
	for _, kind := range []string{
		"iam::" + account + ":user/", "iam::" + account + ":role/", "iam::" + account + ":group/", "iam::" + account + ":policy/",
		"lambda:eu-west-1:" + account + ":function:", "ec2:eu-west-1:" + account + ":instance/i-", "organizations::" + account + ":account/o-",
	} {
		anybody := strings.ToLower("arn:aws:" + kind + "nobody-thought-of-me")
		if slices.ContainsFunc(s.Resource, func(r string) bool { return meet(strings.ToLower(r), anybody) }) {
			return true
		}
	}
	return false
}

func grantsAdmin(p policy, account string) bool {
	return slices.ContainsFunc(p.Statement, func(s statement) bool {
		// An action that no service has falls only under a star that takes in all.
		all := s.names("no-such-service:no-such-action", "iam:no-such-action")
		return s.allows() && (all || len(s.NotAction) > 0) && s.everywhere(account)
	})
}

// escalating are actions that lead to administrator when they are not confined.
var escalating = []string{
	"iam:put*policy", "iam:attach*policy", "iam:put*permissionsboundary", "iam:createpolicyversion", "iam:setdefaultpolicyversion",
	"iam:createaccesskey", "iam:createloginprofile", "iam:updateloginprofile", "iam:updateassumerolepolicy", "iam:addusertogroup",
	"iam:passrole", "iam:delete*permissionsboundary", "iam:createsamlprovider", "iam:updatesamlprovider", "sts:assumerole", "sts:assumeroot",
	"organizations:detachpolicy", "organizations:updatepolicy", "lambda:updatefunctioncode", "ssm:sendcommand",
}

func grantsBroadly(p policy, account string) bool {
	return grantsAdmin(p, account) || slices.ContainsFunc(p.Statement, func(s statement) bool {
		return s.allows() && s.everywhere(account) && s.names(escalating...)
	})
}

// meet says whether two patterns of * and ? have a text in common. It is linear
// in the product of their lengths.
func meet(a, b string) bool {
	const longest = 2048 // AWS keeps policies under 10 KB; a longer pattern is no action or ARN
	if len(a) > longest || len(b) > longest {
		return true
	}
	row := make([]bool, len(b)+1) // row[j]: what follows in a meets b[j:]
	for i := len(a); i >= 0; i-- {
		diagonal := false
		for j := len(b); j >= 0; j-- {
			below := row[j]
			switch {
			case i == len(a) && j == len(b):
				row[j] = true
			case i < len(a) && a[i] == '*':
				row[j] = below || j < len(b) && row[j+1]
			case j < len(b) && b[j] == '*':
				row[j] = row[j+1] || i < len(a) && below
			default:
				row[j] = i < len(a) && j < len(b) && (a[i] == b[j] || a[i] == '?' || b[j] == '?') && diagonal
			}
			diagonal = below
		}
	}
	return row[0]
}

func trustsOutsiders(p policy, account string) bool {
	return slices.ContainsFunc(p.Statement, func(s statement) bool {
		if !s.allows() {
			return false
		}
		if len(s.NotPrincipal) > 0 {
			return true
		}
		var star string
		if json.Unmarshal(s.Principal, &star) == nil {
			return star == "*"
		}
		var named struct{ AWS, Federated many[string] }
		if json.Unmarshal(s.Principal, &named) != nil {
			return len(s.Principal) > 0 // a principal nobody can read is not trusted
		}
		outside := func(p string) bool { return !own(p, account) }
		return slices.ContainsFunc(named.AWS, outside) || slices.ContainsFunc(named.Federated, foreignProvider(account))
	})
}

// own says whether a principal belongs to the account itself.
func own(principal, account string) bool {
	if account == "" || principal == account {
		return account != ""
	}
	if arn, err := rootkeep.ParseARN(principal); err == nil {
		return string(arn.Account) == account
	}
	// The unique ID that AWS puts in place of a principal that was deleted.
	return strings.HasPrefix(principal, "A") && len(principal) > 15 && !strings.ContainsAny(principal, "*?:")
}

// foreignProvider says of a federated principal that it is no identity provider
// of the account: another account's, or a public one that anybody may sign in to.
func foreignProvider(account string) func(string) bool {
	return func(provider string) bool {
		arn, err := rootkeep.ParseARN(provider)
		return err != nil || string(arn.Account) != account
	}
}
