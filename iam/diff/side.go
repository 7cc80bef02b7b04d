package diff

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/diff/caller"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// Kind is what the policies of a Side are.
type Kind string

// Kinds of policy.
const (
	Identity Kind = "identity" // of users, groups and roles
	Boundary Kind = "boundary" // permissions boundaries
	SCP      Kind = "scp"      // service control policies of one level
	RCP      Kind = "rcp"      // resource control policies of one level
	Resource Kind = "resource" // of buckets, keys, queues
	Trust    Kind = "trust"    // of roles
)

// Kinds lists the kinds.
func Kinds() []Kind { return []Kind{Identity, Boundary, SCP, RCP, Resource, Trust} }

// named says whether policies of the kind name principals.
func (k Kind) named() bool { return k == RCP || k == Resource || k == Trust }

// Side is one of the two things that are compared: the policies of one layer, all of
// which apply, and for identity policies what limits them.
type Side struct {
	Kind     Kind
	Policies []*iam.Policy
	Boundary []*iam.Policy   // nil: none
	SCPs     [][]*iam.Policy // by level
	// Principal and Known tell whose policies these are and what is known of each of
	// its requests; the zero values are any caller, of whom nothing is known.
	Principal iam.Principal
	Known     iam.Context
}

// deniesOnly says whether no policy of the side allows anything.
func (s Side) deniesOnly() bool {
	for _, p := range s.Policies {
		for i := range p.Document.Statements {
			if !p.Document.Statements[i].Denies() {
				return false
			}
		}
	}
	return true
}

// withEverything is the side when something else allows everything.
func (s Side) withEverything() Side {
	who := ""
	if s.Kind.named() {
		who = "*"
	}
	all := everything(who)
	s.Policies = append(slices.Clip(s.Policies), all)
	if s.Boundary != nil {
		s.Boundary = append(slices.Clip(s.Boundary), all)
	}
	levels := make([][]*iam.Policy, len(s.SCPs))
	for i, level := range s.SCPs {
		levels[i] = append(slices.Clip(level), all)
	}
	s.SCPs = levels
	return s
}

// stmt is a statement at its place in a side.
type stmt struct {
	iam.Ref
	src       *policy.Statement
	side      *side
	level     int // of which it is an Allow; a Deny counts whatever its level
	denies    bool
	variables bool
	sure      mask   // of the callers that it names
	open      mask   // of the callers that it may name
	written   string // what it says beside its Action, the same for the same meaning
}

// side is a Side made ready.
type side struct {
	name       string // old or new
	kind       Kind
	levels     int // each must allow
	statements []*stmt
	known      iam.Context
	principal  iam.Principal
	set        *iam.Set
	own        rootkeep.AccountID // of the caller
	owner      rootkeep.AccountID // of resources whose ARN does not say
}

// exampleUser makes the requests of examples where any user will do.
const exampleUser = "arn:aws:iam::" + string(caller.Example) + ":user/someone"

func newSide(name string, s Side) (*side, error) {
	out := &side{name: name, kind: s.Kind, known: s.Known, principal: s.Principal, own: caller.Example}
	if s.Kind == Boundary && len(s.Policies) == 0 {
		return nil, fmt.Errorf("the %s side has no boundary: want one policy or more", name)
	}
	if s.Principal.Account != "" {
		out.own = s.Principal.Account
	}
	out.owner = out.own
	layers := [][]*iam.Policy{s.Policies}
	if s.Boundary != nil {
		layers = append(layers, s.Boundary)
	}
	layers = append(layers, s.SCPs...)
	for level, policies := range layers {
		for _, p := range policies {
			out.add(p, level)
		}
	}
	if out.levels = len(layers); s.Kind == RCP {
		out.levels = 0 // RCPFullAWSAccess allows; these only deny
	}
	if s.Kind.named() {
		out.owner = out.stranger()
	}
	var err error
	if out.set, err = iam.NewSet(out.surrounded(s)); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

func (s *side) add(p *iam.Policy, level int) {
	for i := range p.Statements() {
		st := &stmt{
			Ref: iam.Ref{Policy: p, Index: i}, src: &p.Document.Statements[i], side: s, level: level,
			denies: p.Document.Statements[i].Denies(), variables: p.Document.HasVariables(),
		}
		st.written = st.write()
		s.statements = append(s.statements, st)
	}
}

// surrounded puts the policies where they alone decide: all else allows everything. A
// resource belongs to another account than the caller, because within one account
// identity policies may allow past the resource's.
func (s *side) surrounded(of Side) iam.Policies {
	all := []*iam.Policy{everything("")}
	out := iam.Policies{Identity: all, Resource: []*iam.Policy{everything(string(s.own))}}
	switch of.Kind {
	case Boundary:
		out.Boundary = of.Policies
	case SCP:
		out.SCPs = [][]*iam.Policy{of.Policies}
	case RCP:
		out.Resource, out.RCPs = []*iam.Policy{everything("*")}, [][]*iam.Policy{of.Policies}
	case Resource, Trust:
		out.Resource = of.Policies
	default:
		out.Identity, out.Boundary, out.SCPs = of.Policies, of.Boundary, of.SCPs
	}
	return out
}

// everything allows all actions on all resources, as an identity policy or to a
// principal.
func everything(principal string) *iam.Policy {
	who := ""
	if principal != "" {
		who = fmt.Sprintf(`"Principal":{"AWS":%q},`, principal)
	}
	p, err := iam.Parse("FullAWSAccess", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow",`+who+`"Action":"*","Resource":"*"}}`))
	if err != nil {
		panic("diff: " + err.Error()) // the text above is a policy; every test compiles it
	}
	return p
}

// stranger is an account that no statement names.
func (s *side) stranger() rootkeep.AccountID {
	for _, id := range []rootkeep.AccountID{"000000000000", "000000000001", "000000000002"} {
		named := false
		for _, st := range s.statements {
			named = named || strings.Contains(st.written, string(id))
		}
		if !named {
			return id
		}
	}
	return "000000000003"
}

// write is the statement without Sid and Action, in one order and notation.
func (s *stmt) write() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %v", s.denies, s.variables)
	write := func(name string, values []string) {
		values = slices.Compact(slices.Sorted(slices.Values(values)))
		fmt.Fprintf(&b, "\n%s %q", name, values)
	}
	for _, e := range []struct {
		name string
		list *policy.Texts
	}{{"R", s.src.Resource}, {"-R", s.src.NotResource}} {
		if e.list != nil {
			write(e.name, shortStars(e.list.Values()))
		}
	}
	for _, e := range []struct {
		name string
		who  *policy.Principal
	}{{"P", s.src.Principal}, {"-P", s.src.NotPrincipal}} {
		if e.who != nil {
			write(e.name, principalTexts(e.who))
		}
	}
	var tests []string
	for _, t := range s.Tests() {
		tests = append(tests, writeTest(&t))
	}
	sort.Strings(tests)
	fmt.Fprintf(&b, "\n%q", tests)
	if s.Tests() != nil && s.Tests()[0].Leaf().Unread != "" {
		fmt.Fprintf(&b, "\nunread %s %p", s.side.name, s.Policy) // equal to nothing else
	}
	return b.String()
}

// whole is what the statement says, with its actions.
func (s *stmt) whole() string {
	actions := append(s.src.Action.Values(), s.src.NotAction.Values()...)
	return fmt.Sprintf("%v %q\n%s", s.src.NotAction != nil, slices.Sorted(slices.Values(actions)), s.written)
}

// shortStars writes a run of stars as one.
func shortStars(values []string) []string {
	for i, v := range values {
		for strings.Contains(v, "**") {
			v = strings.ReplaceAll(v, "**", "*")
		}
		values[i] = v
	}
	return values
}

func principalTexts(p *policy.Principal) []string {
	if p.Anyone {
		return []string{"AWS *"}
	}
	var out []string
	for _, e := range p.Entries {
		for _, v := range e.Values.Values() {
			out = append(out, e.Type.Value+" "+v)
		}
	}
	return out
}

func writeTest(t *condition.Test) string {
	values := slices.Compact(slices.Sorted(slices.Values(t.Values)))
	return fmt.Sprintf("%s %s %q", strings.ToLower(t.Name), t.LowerKey(), values)
}

// place tells where a statement stands.
func (s *stmt) place() Place {
	line, column := s.Policy.Document.Position(s.src.Start)
	return Place{Policy: s.Policy.Name, Statement: s.Index, Sid: s.Sid(), Line: line, Column: column}
}
