package escalate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/escalate/plan"
	"github.com/rootkeep/rootkeep/iam/escalate/technique"
)

// Report is what a search found. Lists are sorted by ARN, paths by certainty first.
type Report struct {
	Account rootkeep.AccountID `json:"account"`
	// Administrators may do everything already that the organization leaves to the
	// account.
	Administrators []Standing `json:"administrators"`
	Paths          []Path     `json:"paths"`
	// Unreachable have no path: nothing that the techniques know leads on from them.
	Unreachable []string `json:"no_path"`
	// Unused are service-linked roles, which only AWS can use.
	Unused  []string `json:"service_linked_roles"`
	Outside []Path   `json:"outside"` // paths from outside the account, if asked for
	Leads   []Found  `json:"leads"`
	// Cut says what of the search was given up, and why; empty for a whole search.
	Cut []string `json:"cut"`
}

// Standing is a principal that is administrator.
type Standing struct {
	Principal string    `json:"principal"`
	Certainty Certainty `json:"certainty"` // Certain, Conditional or Unknown
	If        *iam.Expr `json:"if,omitempty"`
}

// Path is the best path of one principal: the most certain, then the shortest. From
// each principal on the way it goes on by the best path of that one, so that what is
// not certain comes as rarely as it can.
type Path struct {
	From      string    `json:"from"`
	Certainty Certainty `json:"certainty"`
	Steps     []Step    `json:"steps"`
	// Ends is the administrator at the end.
	Ends Standing `json:"ends"`
	// Others are the techniques that begin another path of the same principal.
	Others []string `json:"other_first_steps"`
}

// Step is one use of a technique.
type Step struct {
	Technique *technique.Technique `json:"-"`
	ID        string               `json:"technique"`
	Actor     string               `json:"actor"` // ARN
	Target    string               `json:"target,omitempty"`
	Text      string               `json:"text"`
	Certainty Certainty            `json:"certainty"`
	Uses      []Use                `json:"uses"`
	Assumes   string               `json:"assumes,omitempty"`
	Note      string               `json:"note,omitempty"`
}

// Use is one permission as a step uses it.
type Use struct {
	Action   string      `json:"action"`
	Resource string      `json:"resource"` // as the policies write it: * is a choice of the actor
	Decision iam.Outcome `json:"decision"`
	// By is the statement that allows it; the zero Ref if AWS asks for none, as for a
	// caller without an account.
	By        iam.Ref   `json:"-"`
	Statement string    `json:"statement,omitempty"`
	Line      int       `json:"line,omitempty"` // in the text of the policy
	If        *iam.Expr `json:"if,omitempty"`   // for a conditional decision
}

// Found is a lead: what somebody may do that may lead on to things outside this graph.
type Found struct {
	Principal string    `json:"principal"`
	Technique string    `json:"technique"`
	Certainty Certainty `json:"certainty"`
	Text      string    `json:"text"`
	Assumes   string    `json:"assumes,omitempty"`
	Uses      []Use     `json:"uses"`
}

// lead is a Found before it is printed.
type lead struct {
	plan      *plan.Plan
	target    target
	certainty Certainty
}

func (g *graph) report() (*Report, error) {
	r := &Report{Account: g.account.ID, Administrators: []Standing{}, Paths: []Path{}, Unreachable: []string{}, Unused: []string{},
		Outside: []Path{}, Leads: []Found{}, Cut: slices.Sorted(maps.Keys(g.cut))}
	for _, i := range g.account.Identities() {
		if serviceLinked(i) {
			r.Unused = append(r.Unused, i.Principal.ARN)
		}
	}
	for _, i := range g.identities {
		s := g.bases[i]
		switch {
		case s.resolved && s.via == nil:
			r.Administrators = append(r.Administrators, g.standing(s))
		case s.resolved:
			p, err := g.path(s)
			if err != nil {
				return nil, err
			}
			r.Paths = append(r.Paths, p)
		default:
			r.Unreachable = append(r.Unreachable, i.Principal.ARN)
		}
		for _, l := range g.leads[s] {
			r.Leads = append(r.Leads, g.found(s, l))
		}
	}
	if g.o.Outside {
		if err := g.fromOutside(r); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(r.Paths, comparePaths)
	return r, nil
}

func comparePaths(a, b Path) int {
	return cmp.Or(cmp.Compare(a.Certainty, b.Certainty), cmp.Compare(len(a.Steps), len(b.Steps)), strings.Compare(a.From, b.From))
}

// Name is what a person calls a thing of the account by, the end of its ARN: user/ann.
// What belongs to another account keeps the whole ARN.
func (r *Report) Name(arn string) string { return nameIn(r.Account, arn) }

func nameIn(id rootkeep.AccountID, arn string) string {
	a, err := rootkeep.ParseARN(arn)
	if err != nil || a.Account != id && a.Account != "aws" {
		return arn
	}
	return a.Resource
}

func (g *graph) name(arn string) string { return nameIn(g.account.ID, arn) }

// Keep leaves in the report only what begins at the named principals: an ARN, or the
// end of one behind a slash or colon. None keeps all. The error names one that the
// account does not have.
func (r *Report) Keep(names []string) error {
	if len(names) == 0 {
		return nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(r.principals(), func(arn string) bool { return ends(arn, name) }) {
			return fmt.Errorf("no user or role %q in the account", name)
		}
	}
	gone := func(arn string) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return ends(arn, name) })
	}
	r.Administrators = slices.DeleteFunc(r.Administrators, func(s Standing) bool { return gone(s.Principal) })
	r.Paths = slices.DeleteFunc(r.Paths, func(p Path) bool { return gone(p.From) })
	r.Unreachable = slices.DeleteFunc(r.Unreachable, gone)
	r.Unused = slices.DeleteFunc(r.Unused, gone)
	r.Leads = slices.DeleteFunc(r.Leads, func(f Found) bool { return gone(f.Principal) })
	return nil
}

func (r *Report) principals() []string {
	out := slices.Concat(r.Unreachable, r.Unused)
	for _, s := range r.Administrators {
		out = append(out, s.Principal)
	}
	for _, p := range r.Paths {
		out = append(out, p.From)
	}
	return out
}

// ends says whether an ARN is a name, or ends in it behind a slash or colon.
func ends(arn, name string) bool {
	head, ok := strings.CutSuffix(arn, name)
	return ok && name != "" && (head == "" || strings.HasSuffix(head, "/") || strings.HasSuffix(head, ":"))
}
