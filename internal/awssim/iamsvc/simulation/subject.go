package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// source is one policy of a simulation: its name in answers, where it comes from in
// IAM's words (user, group, role, aws-managed, user-managed, resource, none), its text.
type source struct{ name, kind, text string }

// subject is whose calls are simulated, and with which policies.
type subject struct {
	who        iam.Principal
	real       bool // who is an identity of the account, not one that stands for any
	user       bool // it is a user
	identity   []source
	boundary   []source
	resource   []source
	guardrails [][]source // nil: SCPs take no part
	management rootkeep.AccountID
}

// newSubject is a user of the caller's account about whom nothing is known.
func newSubject(c *cloud.Call) *subject {
	return &subject{who: iam.Principal{Kind: iam.User, ARN: c.Account.IAM("user/simulation"), Account: c.Account.ID, Name: "simulation"}}
}

// takes gives the subject the policies of a user, group or role; if it is a user or a
// role, the calls are its own.
func (s *subject) takes(a *cloud.Account, arn string) error {
	for _, u := range a.Users {
		if u.ARN == arn {
			s.who, s.real, s.user = cloud.UserCaller(a, u).Principal, true, true
			s.holds(a, &u.Holder, "user")
			for _, name := range u.Groups {
				if g := a.Groups[name]; g != nil {
					s.holds(a, &g.Holder, "group")
				}
			}
			return nil
		}
	}
	for _, r := range a.Roles {
		if r.ARN == arn {
			s.who, s.real = cloud.RoleCaller(a, r, "simulation").Principal, true
			s.holds(a, &r.Holder, "role")
			return nil
		}
	}
	for _, g := range a.Groups {
		if g.ARN == arn {
			s.holds(a, &g.Holder, "group")
			return nil
		}
	}
	return cloud.Fail("NoSuchEntity", 404, "The entity %s cannot be found.", arn)
}

func (s *subject) holds(a *cloud.Account, h *cloud.Holder, kind string) {
	for _, arn := range h.Attached {
		if p := a.Find(arn); p != nil {
			s.identity = append(s.identity, managed(p))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.Inline)) {
		s.identity = append(s.identity, source{name, kind, h.Inline[name]})
	}
	if p := a.Find(h.Boundary); p != nil {
		s.boundary = []source{managed(p)}
	}
}

func managed(p *cloud.Policy) source {
	kind := "user-managed"
	if p.AWS() {
		kind = "aws-managed"
	}
	return source{p.Name, kind, p.Default().Document}
}

// add takes in what the question brings: policies, a boundary in place of the subject's
// own, the resource's policy, another caller.
func (s *subject) add(c *cloud.Call, q *question) error {
	for i, text := range q.PolicyInputList {
		s.identity = append(s.identity, source{fmt.Sprintf("PolicyInputList.%d", i+1), "none", text})
	}
	switch boundary := q.PermissionsBoundaryPolicyInputList; len(boundary) {
	case 0:
	case 1:
		s.boundary = []source{{"PermissionsBoundaryPolicyInputList.1", "none", boundary[0]}}
	default:
		return invalid("PermissionsBoundaryPolicyInputList has more than one policy")
	}
	if q.CallerArn != "" {
		if err := s.calls(c, q.CallerArn); err != nil {
			return err
		}
	}
	if q.ResourcePolicy == "" {
		return nil
	}
	if !s.user {
		return invalid("CallerArn is required with ResourcePolicy if PolicySourceArn is not a user")
	}
	s.resource = []source{{"ResourcePolicy", "resource", q.ResourcePolicy}}
	return nil
}

// calls has another user make the calls, with the policies of the subject.
func (s *subject) calls(c *cloud.Call, arn string) error {
	p, err := iam.ParsePrincipal(arn)
	if err != nil || p.Kind != iam.User || !strings.HasPrefix(arn, "arn:") {
		return invalid("CallerArn must be the ARN of a user")
	}
	owner := c.Cloud.Account(p.Account)
	if owner == nil {
		return cloud.Fail("NoSuchEntity", 404, "The user %s cannot be found.", arn)
	}
	for _, u := range owner.Users {
		if u.ARN == arn {
			s.who, s.real, s.user = cloud.UserCaller(owner, u).Principal, true, true
			return nil
		}
	}
	return cloud.Fail("NoSuchEntity", 404, "The user %s cannot be found.", arn)
}

// compile makes the policies and the request of which action and resource are open.
func (s *subject) compile(q *question) (*evaluation, error) {
	keys, err := s.keys(q)
	if err != nil {
		return nil, err
	}
	e := &evaluation{kinds: map[*iam.Policy]string{}, given: map[string]bool{}, bounded: len(s.boundary) > 0, org: s.guardrails != nil}
	for k := range keys {
		e.given[strings.ToLower(k)] = true
	}
	var p iam.Policies
	if p.Identity, err = e.parse(s.identity); err != nil {
		return nil, err
	}
	if p.Identity == nil {
		p.Identity = []*iam.Policy{} // no policy denies, where nil would be no such layer
	}
	if p.Boundary, err = e.parse(s.boundary); err != nil {
		return nil, err
	}
	if p.Resource, err = e.parse(s.resource); err != nil {
		return nil, err
	}
	for _, level := range s.guardrails {
		list, err := e.parse(level)
		if err != nil {
			return nil, err
		}
		p.SCPs = append(p.SCPs, list)
	}
	if e.set, err = iam.NewSet(p); err != nil {
		return nil, invalid("%v", err)
	}
	e.request = iam.Request{Principal: s.who, Context: iam.NewContext(keys), Facts: iam.Facts{ManagementAccount: s.management}, ResourceAccount: s.who.Account}
	if q.ResourceOwner != "" {
		if e.request.ResourceAccount, err = ownerOf(q.ResourceOwner); err != nil {
			return nil, invalid("ResourceOwner: %v", err)
		}
	}
	return e, nil
}

func (e *evaluation) parse(list []source) ([]*iam.Policy, error) {
	var out []*iam.Policy
	for _, s := range list {
		p, err := iam.Parse(s.name, []byte(s.text))
		if err != nil {
			return nil, invalid("policy %s: %v", s.name, err)
		}
		e.kinds[p] = s.kind
		out = append(out, p)
	}
	return out, nil
}
