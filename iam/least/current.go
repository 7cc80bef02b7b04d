package least

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/least/event"
	"github.com/rootkeep/rootkeep/iam/lint/glob"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// unit is one Allow statement of a current identity policy, from which statements of a
// proposal are made.
type unit struct {
	ref       iam.Ref
	statement *policy.Statement
	variables bool     // ${...} is a policy variable in its document
	alone     *iam.Set // as if it were the principal's only statement
	single    *iam.Policy
}

// conditional says whether the statement has a Condition.
func (u *unit) conditional() bool { return u.statement.Condition != nil }

// current is what the principal may today.
type current struct {
	input  *Input
	set    *iam.Set
	units  []*unit
	denies []iam.Ref
	unread []string // names of policies whose text is not known
}

// everything stands for the policies of a principal of whom none are given.
const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

func newCurrent(in *Input) (*current, error) {
	c := &current{input: in}
	identity := in.Policies.Identity
	if identity == nil {
		p, err := iam.Parse("no policy given", []byte(everything))
		if err != nil {
			return nil, err
		}
		identity = []*iam.Policy{p}
	}
	var err error
	if c.set, err = c.with(identity); err != nil {
		return nil, err
	}
	for _, p := range identity {
		if p.Unread {
			c.unread = append(c.unread, p.Name)
			continue
		}
		for i := range p.Document.Statements {
			if p.Document.Statements[i].Denies() {
				c.denies = append(c.denies, iam.Ref{Policy: p, Index: i})
				continue
			}
			u, err := c.unit(p, i)
			if err != nil {
				return nil, err
			}
			c.units = append(c.units, u)
		}
	}
	return c, nil
}

// with compiles the layers around the principal with other identity policies. What a
// policy of the resource must say is not known to us: it is taken to leave the decision
// to the principal's account, so that answers are about the principal's own policies.
func (c *current) with(identity []*iam.Policy) (*iam.Set, error) {
	resource, err := delegation(c.input.Principal)
	if err != nil {
		return nil, err
	}
	p := c.input.Policies
	p.Identity, p.Resource = identity, []*iam.Policy{resource}
	return iam.NewSet(p)
}

func delegation(p iam.Principal) (*iam.Policy, error) {
	return iam.Parse("the resource's policy", fmt.Appendf(nil,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":"*","Resource":"*"}]}`, p.Account))
}

func (c *current) unit(p *iam.Policy, i int) (*unit, error) {
	doc := policy.Document{Version: p.Document.Version, Statements: p.Document.Statements[i : i+1]}
	single, err := iam.Parse(p.Name, doc.Compact())
	if err != nil {
		return nil, fmt.Errorf("policy %s, statement %d: %w", p.Name, i, err)
	}
	resource, err := delegation(c.input.Principal)
	if err != nil {
		return nil, err
	}
	alone, err := iam.NewSet(iam.Policies{Identity: []*iam.Policy{single}, Resource: []*iam.Policy{resource}})
	if err != nil {
		return nil, err
	}
	return &unit{iam.Ref{Policy: p, Index: i}, &p.Document.Statements[i], p.Document.HasVariables(), alone, single}, nil
}

// request is the question whether the principal may do what an entry says.
func (c *current) request(action string, r event.Resource, context map[string][]string) *iam.Request {
	return &iam.Request{
		Action: action, Resource: r.Literal(), ResourceAccount: c.input.Principal.Account,
		Principal: c.input.Principal, Context: c.input.Context(overlaid(c.input.Known, context)), Facts: c.input.Facts,
	}
}

// patterns are the values of Resource, or of NotResource.
func (u *unit) patterns() []string {
	if u.statement.Resource != nil {
		return u.statement.Resource.Values()
	}
	return u.statement.NotResource.Values()
}

// variable says whether a value holds a policy variable.
func (u *unit) variable(text string) bool { return u.variables && policy.IsVariable(text) }

// covers says whether the statement is about every resource that a pattern stands for.
// It may say no where a closer look would show that it is.
func (u *unit) covers(r event.Resource) bool {
	if u.statement.NotResource != nil {
		for _, p := range u.patterns() {
			if u.variable(p) || meets(p, r.Text) {
				return false
			}
		}
		return true
	}
	for _, p := range u.patterns() {
		if !u.variable(p) && coversPattern(p, r) {
			return true
		}
	}
	return false
}

// coversPattern compares part by part, because a star does not run over the first five
// colons of an ARN.
func coversPattern(wide string, r event.Resource) bool {
	if strings.Trim(wide, "*") == "" && wide != "" {
		return true
	}
	if r.Text == "*" {
		return false
	}
	if r.Certainty != event.Named && strings.Contains(r.Text, "${") {
		return false // escapes beside wildcards: no closer look
	}
	w, n := strings.SplitN(wide, ":", 6), strings.SplitN(r.Literal(), ":", 6)
	if len(w) != 6 || len(n) != 6 {
		return false
	}
	for i := range w {
		list := glob.Compile([]string{w[i], n[i]}, false)
		narrow := list[1]
		if r.Certainty == event.Named {
			narrow = glob.Plain(n[i])
		}
		if !list[0].Covers(&narrow) {
			return false
		}
	}
	return true
}

// meets says whether some ARN may be matched by both patterns; when in doubt, yes.
func meets(a, b string) bool {
	if strings.Contains(a, "${") || strings.Contains(b, "${") {
		return true
	}
	return glob.Meets(a, b)
}

// own are the statement's resources that a pattern may be about.
func (u *unit) own(r event.Resource) []event.Resource {
	var out []event.Resource
	for _, p := range u.patterns() {
		if r.Text == "*" || u.variable(p) || meets(p, r.Text) {
			text := p
			if !u.variables {
				text = strings.ReplaceAll(text, "${", "${$}{")
			}
			out = append(out, event.Resource{Text: text, Certainty: event.Derived})
		}
	}
	return out
}
