// Package permission judges what the policies of a snapshot allow: one document, one
// principal, one role's trust. A snapshot goes in; Answers come out, which are
// three-valued: what hangs on a condition, on a policy that could not be read or on a
// fact that was not read is unknown, with the reason.
//
// Who is administrator, and who can become it, is package iam/escalate's to say, with
// the techniques that are shipped. A privileged user is one that is administrator by a
// policy of its own or of a group, or can become it by a path of that package.
package permission

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// Answer is the answer to one question.
type Answer struct {
	Truth iam.Truth
	// Why is what the answer rests on, or of an unknown one what is not known. It may
	// quote policies. It is empty where nothing is to be said.
	Why string
	// Gaps are the facts for want of which the answer is unknown.
	Gaps []facts.Gap
}

// No says that the answer is known, and no.
func (x Answer) No() bool { return x.Truth == iam.False }

// Account answers questions about one snapshot, which must not change, and remembers the
// answers. It must not be used by several goroutines at once.
type Account struct {
	snapshot   *facts.Snapshot
	id         rootkeep.AccountID
	unknown    map[string]facts.Gap // by path
	partly     map[gapKey]facts.Gap // of single resources
	read       *Documents           // what was parsed before
	papers     map[string]*document // by text
	anyRole    iam.Principal        // carries what is judged alone
	owner      *iam.Policy
	ownerErr   error
	requests   map[string]iam.Context     // by the keys that they lack
	may        map[string]map[string]bool // by witness.Actions: actions that may be allowed
	trusts     map[string]*trust          // by the role's ARN
	absent     []string                   // keys that were joined last; must not change
	absentText string                     // the same
	policies   map[facts.Document]*iam.Policy
	forms      map[string]form  // by the resource that is asked about
	known      *account.Account // nil before it is asked for
	managed    map[string]*account.Managed
	holders    map[string]*account.Identity
	standing   map[string]*standing // by ARN
	paths      map[string]Answer    // escalates, by ARN; nil before the search
	loose      map[string]looseList // by the policies of the organization
	searched   Answer               // why the search did not take place; False if it did
}

type gapKey struct{ path, resource string }

// nobody stands for the account that no file names, and for one that nobody knows.
const nobody = "000000000000"

// Of makes an Account ready that parses a policy when it is asked about it.
func Of(s *facts.Snapshot) *Account { return (&Documents{}).Account(s) }

// Account makes an Account ready for the snapshot that the documents were read from.
func (d *Documents) Account(s *facts.Snapshot) *Account {
	a := &Account{
		snapshot: s, id: s.Account, read: d, unknown: map[string]facts.Gap{}, partly: map[gapKey]facts.Gap{}, papers: map[string]*document{}, requests: map[string]iam.Context{}, may: map[string]map[string]bool{}, trusts: map[string]*trust{},
		policies: map[facts.Document]*iam.Policy{}, forms: map[string]form{}, standing: map[string]*standing{},
	}
	if a.id == "" {
		a.id = nobody
	}
	a.anyRole = a.anyHolder()
	a.owner, a.ownerErr = ownerOf(a.anyRole.Account)
	for _, g := range s.Unknown() {
		a.unknown[g.Path] = g
	}
	for _, g := range s.Gaps {
		if g.Resource != "" {
			a.partly[gapKey{g.Path, g.Resource}] = g
		}
	}
	return a
}

// Facts that questions need beside those of the element that they are about.
var (
	documentFacts = []string{"policies.arn", "policies.document"}
	groupFacts    = []string{"groups.arn", "groups.name", "groups.attached_policies", "groups.inline_policies"}
	userFacts     = []string{"users.groups", "users.attached_policies", "users.inline_policies", "users.boundary"}
	roleFacts     = []string{"roles.attached_policies", "roles.inline_policies", "roles.boundary"}
)

// lacks are the gaps in facts that a question about a resource needs.
func (a *Account) lacks(resource string, lists ...[]string) []facts.Gap {
	var out []facts.Gap
	for _, list := range lists {
		for _, path := range list {
			if g, ok := a.unknown[path]; ok {
				out = append(out, g)
			}
			if g, ok := a.partly[gapKey{path, resource}]; ok {
				out = append(out, g)
			}
		}
	}
	return out
}

// Lacks are the gaps in facts about a resource, by path.
func (a *Account) Lacks(resource string, paths ...string) []facts.Gap {
	return a.lacks(resource, paths)
}

// without is the answer for want of facts.
func without(gaps []facts.Gap) Answer { return Answer{Truth: iam.Unknown, Gaps: gaps} }

func undecided(format string, args ...any) Answer {
	return Answer{Truth: iam.Unknown, Why: fmt.Sprintf(format, args...)}
}

// longest bounds text that quotes policies, bytes.
const longest = 400

// one is a text on one line, cut to a bearable length.
func one(s string) string {
	if s = condition.OneLine(s); len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "..."
	}
	return s
}

func partitionOf(arn string) string {
	if a, err := rootkeep.ParseARN(arn); err == nil {
		return a.Partition
	}
	return "aws"
}
