// Package simulation holds the operations of IAM that say what policies would allow:
// SimulatePrincipalPolicy and SimulateCustomPolicy. The answers are those of the
// evaluator that authorizes every call.
//
// There is one result for each action with each resource, and no resource-specific
// results below it. SCPs take part with their conditions, RCPs do not. A context key
// that is not given is absent; those that a caller has by being who it is, such as
// aws:username, are filled in.
//
// Source: IAM API Reference, "SimulatePrincipalPolicy", "SimulateCustomPolicy" and
// "EvaluationResult".
package simulation

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/entity"
)

// Operations lists them.
func Operations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("SimulatePrincipalPolicy", simulatePrincipal),
		cloud.Op("SimulateCustomPolicy", simulateCustom),
	}
}

// question is what both operations ask.
type question struct {
	PolicyInputList                    []string
	PermissionsBoundaryPolicyInputList []string
	ActionNames                        []string `aws:",must"`
	ResourceArns                       []string
	ResourcePolicy                     string
	ResourceOwner                      string
	CallerArn                          string
	ContextEntries                     []contextEntry
	entity.Paged
}

type contextEntry struct {
	ContextKeyName   string
	ContextKeyValues []string
	ContextKeyType   string
}

type principalIn struct {
	PolicySourceArn string `aws:",must"`
	question
}

// On is the user, group or role whose policies are simulated.
func (in *principalIn) On(*cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: in.PolicySourceArn}
}

type customIn struct{ question }

func simulatePrincipal(c *cloud.Call, in principalIn) (resultsOut, error) {
	s := newSubject(c)
	if err := s.takes(c.Account, in.PolicySourceArn); err != nil {
		return resultsOut{}, err
	}
	if o := c.Cloud.Organization; o.Member(c.Account) {
		s.management = o.Management
		for _, level := range o.Guardrails(c.Account, cloud.ServiceControl) {
			texts := []source{}
			for _, t := range level {
				texts = append(texts, source{t.Name, "none", t.Document})
			}
			s.guardrails = append(s.guardrails, texts)
		}
	}
	return s.answer(c, in.question)
}

func simulateCustom(c *cloud.Call, in customIn) (resultsOut, error) {
	if len(in.PolicyInputList) == 0 {
		return resultsOut{}, c.Invalid("PolicyInputList must have at least one policy")
	}
	return newSubject(c).answer(c, in.question)
}

func invalid(format string, args ...any) error {
	return cloud.Fail("InvalidInput", 400, format, args...)
}

// maxResults bounds the actions times the resources of one call. It is a limit of the
// simulator's own.
const maxResults = 10_000

// answer evaluates the page of the question that is asked for.
func (s *subject) answer(c *cloud.Call, q question) (out resultsOut, err error) {
	if len(q.ResourceArns) == 0 {
		q.ResourceArns = []string{"*"}
	}
	if len(q.ActionNames) > maxResults/len(q.ResourceArns) {
		return out, invalid("more than %d actions with resources are asked for", maxResults)
	}
	for _, name := range q.ActionNames {
		if service, operation, ok := strings.Cut(name, ":"); !ok || service == "" || operation == "" || strings.ContainsAny(name, "*? ") {
			return out, invalid("%s is not the name of an action", name)
		}
	}
	if err := s.add(c, &q); err != nil {
		return out, err
	}
	e, err := s.compile(&q)
	if err != nil {
		return out, err
	}
	all := make([]int, len(q.ActionNames)*len(q.ResourceArns))
	for i := range all {
		all[i] = i
	}
	part, page, err := entity.Cut(c, q.Paged, all)
	if err != nil {
		return out, err
	}
	for _, i := range part {
		r, err := e.evaluate(q.ActionNames[i/len(q.ResourceArns)], q.ResourceArns[i%len(q.ResourceArns)])
		if err != nil {
			return out, err
		}
		out.EvaluationResults = append(out.EvaluationResults, r)
	}
	out.Page = page
	return out, nil
}

// contextTypes are the types that a context entry may have.
var contextTypes = []string{"string", "stringList", "numeric", "numericList", "boolean", "booleanList", "ip", "ipList", "binary", "binaryList", "date", "dateList"}

// keys are the context of the simulated calls.
func (s *subject) keys(q *question) (map[string][]string, error) {
	keys := map[string][]string{}
	if s.real {
		keys = s.who.ContextKeys()
	}
	for _, e := range q.ContextEntries {
		switch {
		case e.ContextKeyName == "":
			return nil, invalid("a context entry has no ContextKeyName")
		case !slices.Contains(contextTypes, e.ContextKeyType):
			return nil, invalid("context key %s has the type %q", e.ContextKeyName, e.ContextKeyType)
		case len(e.ContextKeyValues) > 1 && !strings.HasSuffix(e.ContextKeyType, "List"):
			return nil, invalid("context key %s has several values and is no list", e.ContextKeyName)
		}
		for k := range keys {
			if strings.EqualFold(k, e.ContextKeyName) {
				delete(keys, k)
			}
		}
		keys[e.ContextKeyName] = e.ContextKeyValues
	}
	return keys, nil
}

// evaluation is what every result of a call shares.
type evaluation struct {
	set     *iam.Set
	request iam.Request
	kinds   map[*iam.Policy]string
	given   map[string]bool // context keys in lower case
	bounded bool
	org     bool // SCPs take part
}

func (e *evaluation) evaluate(action, resource string) (result, error) {
	r := e.request
	r.Action, r.Resource = action, resource
	x := e.set.Explain(&r, iam.Matching)
	out := result{EvalActionName: action, EvalResourceName: resource, MatchedStatements: []statement{}, MissingContextValues: e.missing(action)}
	switch x.Outcome {
	case iam.Allowed:
		out.EvalDecision = "allowed"
	case iam.ExplicitlyDenied:
		out.EvalDecision = "explicitDeny"
	case iam.ImplicitlyDenied:
		out.EvalDecision = "implicitDeny"
	default:
		return result{}, cloud.Fail("PolicyEvaluation", 500, "The simulator cannot decide %s on %s", action, resource)
	}
	if x.Outcome != iam.ImplicitlyDenied {
		out.MatchedStatements = e.matched(x)
	}
	organizations, boundary := true, true
	for _, l := range x.Layers {
		allows := !l.Active || l.Allows == iam.True && l.Denies == iam.False
		switch l.Layer {
		case iam.SCP:
			organizations = organizations && allows
		case iam.Boundary:
			boundary = boundary && allows
		}
	}
	if e.org {
		out.OrganizationsDecisionDetail = &organizationsDetail{organizations}
	}
	if e.bounded {
		out.PermissionsBoundaryDecisionDetail = &boundaryDetail{boundary}
	}
	return out, nil
}

// matched are the statements that decided: the matching Denies, or the Allows of
// identity and resource policies.
func (e *evaluation) matched(x *iam.Explanation) []statement {
	out := []statement{}
	for _, l := range x.Layers {
		for _, s := range l.Statements {
			if s.Match != iam.True || s.Denies != (x.Outcome == iam.ExplicitlyDenied) {
				continue
			}
			if s.Denies || l.Layer == iam.Identity || l.Layer == iam.Resource {
				out = append(out, e.show(s.Ref))
			}
		}
	}
	return out
}

func (e *evaluation) show(r iam.Ref) statement {
	out := statement{SourcePolicyId: r.Policy.Name, SourcePolicyType: e.kinds[r.Policy]}
	doc := r.Policy.Document
	span := doc.Statements[r.Index].Span
	out.StartPosition.Line, out.StartPosition.Column = doc.Position(span.Start)
	out.EndPosition.Line, out.EndPosition.Column = doc.Position(span.End)
	return out
}

// missing are the context keys that statements about the action name and the question
// does not give, in lower case as the evaluator compares them.
func (e *evaluation) missing(action string) []string {
	out := []string{}
	add := func(key string) {
		if key = strings.ToLower(key); !e.given[key] && !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	for _, ref := range e.set.Covering(action) {
		for _, t := range ref.Tests() {
			test(&t, add)
		}
	}
	slices.Sort(out)
	return out
}

func test(t *condition.Test, add func(string)) {
	add(t.Key)
	for _, key := range t.VariableKeys() {
		add(key)
	}
}

// The shapes of an answer.
type (
	position  struct{ Line, Column int }
	statement struct {
		SourcePolicyId, SourcePolicyType string
		StartPosition, EndPosition       position
	}
	organizationsDetail struct{ AllowedByOrganizations bool }
	boundaryDetail      struct{ AllowedByPermissionsBoundary bool }
	result              struct {
		EvalActionName, EvalResourceName, EvalDecision string
		MatchedStatements                              []statement
		MissingContextValues                           []string
		OrganizationsDecisionDetail                    *organizationsDetail
		PermissionsBoundaryDecisionDetail              *boundaryDetail
	}
	resultsOut struct {
		EvaluationResults []result
		entity.Page
	}
)

// ownerOf is the account that a ResourceOwner names, by its number or an ARN.
func ownerOf(text string) (rootkeep.AccountID, error) {
	if a, err := rootkeep.ParseARN(text); err == nil {
		return a.Account, nil
	}
	return rootkeep.ParseAccountID(text)
}
