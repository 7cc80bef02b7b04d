package grant

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// user is some user of an account.
func (o *openness) user(account rootkeep.AccountID, partition string) string {
	return "arn:" + partition + ":iam::" + string(account) + ":user/" + o.name
}

// callerOf turns a principal of an Allow into a caller. The own account's principals
// and AWS's services are no outsiders; neither is a unique ID, which stands for a
// user or role that was deleted.
func (o *openness) callerOf(kind, text string) (c outsider, outside, readable bool) {
	switch kind {
	case policy.PrincipalFederated:
		c, outside = o.provider(text)
		return c, outside, true
	case policy.PrincipalAWS:
	default:
		return c, false, true
	}
	if account, err := rootkeep.ParseAccountID(text); err == nil {
		return o.someoneOf(account, o.Partition), account != o.Account, true
	}
	if text == "*" || strings.HasPrefix(text, "A") && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" {
		return c, false, true
	}
	caller, err := iam.ParsePrincipal(text)
	if err != nil || caller.Account == "" || strings.ContainsAny(text, "*?") {
		return c, false, false
	}
	if caller.Kind == iam.Root {
		arn, _ := rootkeep.ParseARN(text) // ParsePrincipal has read it
		return o.someoneOf(caller.Account, arn.Partition), caller.Account != o.Account, true
	}
	keys := map[string][]string{}
	if caller.Kind != iam.RoleSession { // a session does not show its role's path
		keys["aws:PrincipalArn"] = []string{text}
	}
	return o.outsider(text, caller, keys), caller.Account != o.Account, true
}

// outsider is a caller of an account with what follows from the account alone.
func (o *openness) outsider(who string, caller iam.Principal, keys map[string][]string) outsider {
	keys["aws:PrincipalAccount"] = []string{string(caller.Account)}
	keys["aws:PrincipalIsAWSService"] = []string{"false"}
	keys["aws:ResourceAccount"] = []string{string(o.Account)}
	for _, key := range []string{"aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths"} {
		keys[key] = nil // set in calls of services only
	}
	return outsider{who, caller, iam.PartialContext(keys)}
}

// someoneOf is a caller of an account of which nothing else is known.
func (o *openness) someoneOf(account rootkeep.AccountID, partition string) outsider {
	caller := iam.Principal{Kind: iam.User, ARN: o.user(account, partition), Account: account, Name: o.name}
	return o.outsider("account "+string(account), caller, map[string][]string{})
}

// sharedProviders are OIDC issuers that serve everybody: whose token is let in is
// decided by the subject alone.
var sharedProviders = []string{
	"token.actions.githubusercontent.com", "gitlab.com", "app.terraform.io", "api.pulumi.com/oidc", "agent.buildkite.com", "oidc.vercel.com",
}

// provider is a caller that signs in by an identity provider: by one that is none of
// the account's, or as a stranger by one that serves everybody.
func (o *openness) provider(text string) (outsider, bool) {
	keys := map[string][]string{"aws:ResourceAccount": {string(o.Account)}}
	caller := iam.Principal{Kind: iam.Provider, ARN: text}
	arn, err := rootkeep.ParseARN(text)
	if err != nil || arn.Account != o.Account {
		return outsider{"whoever signs in by " + text, caller, iam.PartialContext(keys)}, true
	}
	host, oidc := strings.CutPrefix(arn.Resource, "oidc-provider/")
	if !oidc || !slices.Contains(sharedProviders, strings.ToLower(host)) {
		return outsider{}, false
	}
	subject := "repo:" + o.name + "/" + o.name + ":ref:refs/heads/main"
	switch host {
	case "gitlab.com":
		subject = "project_path:" + o.name + "/" + o.name + ":ref_type:branch:ref:main"
	case "app.terraform.io":
		subject = "organization:" + o.name + ":project:p:workspace:w:run_phase:apply"
	}
	keys[host+":sub"] = []string{subject}
	return outsider{"any customer of " + host, caller, iam.PartialContext(keys)}, true
}

// byCondition is a caller of another account that a condition on aws:PrincipalAccount
// or aws:PrincipalArn names.
func (o *openness) byCondition(value string) (outsider, bool) {
	account := accountIn(value)
	if account == "" || account == o.Account {
		return outsider{}, false
	}
	caller, err := iam.ParsePrincipal(o.concrete(value))
	if err != nil || caller.Kind == iam.Root || caller.Kind == iam.RoleSession {
		return o.someoneOf(account, o.Partition), true
	}
	return o.outsider("account "+string(account), caller, map[string][]string{"aws:PrincipalArn": {caller.ARN}}), true
}

// accountIn is the account that a value is or that its ARN holds, "" if there is none.
func accountIn(value string) rootkeep.AccountID {
	if parts, ok := condition.SplitARN(value); ok {
		value = parts[4]
	}
	account, err := rootkeep.ParseAccountID(value)
	if err != nil {
		return ""
	}
	return account
}

// concrete is a text that a pattern matches and that nobody has thought of.
func (o *openness) concrete(pattern string) string {
	return o.fill(strings.ReplaceAll(strings.ReplaceAll(pattern, "*", o.name), "?", "0"), o.name)
}

// throughServices are calls that the services of the document's principals make for
// another account, which a condition on aws:SourceAccount or aws:SourceArn names.
func (o *openness) throughServices(value string) (out []outsider) {
	account := accountIn(value)
	if account == "" || account == o.Account {
		return nil
	}
	keys := map[string][]string{
		"aws:PrincipalIsAWSService": {"true"}, "aws:SourceAccount": {string(account)}, "aws:ResourceAccount": {string(o.Account)},
	}
	if strings.Contains(value, ":") {
		keys["aws:SourceArn"] = []string{o.concrete(value)}
	}
	const anyService = "sns.amazonaws.com" // for a principal that is a star
	for _, service := range append(o.services(), anyService) {
		caller := iam.Principal{Kind: iam.AWSService, ARN: service}
		out = append(out, outsider{"account " + string(account) + " through AWS services", caller, iam.PartialContext(keys)})
	}
	return out
}

// services are the service principals of the document's Allow statements.
func (o *openness) services() (out []string) {
	for i := range o.doc.Statements {
		s := &o.doc.Statements[i]
		if s.Denies() || s.Principal == nil {
			continue
		}
		for _, entry := range s.Principal.Entries {
			if entry.Type.Value != policy.PrincipalService {
				continue
			}
			for _, text := range entry.Values.Values() {
				if !slices.Contains(out, text) && len(out) < 10 {
					out = append(out, text)
				}
			}
		}
	}
	return out
}

// maxQuestions bounds the calls that one document is asked about.
const maxQuestions = 20000

// ask lists the calls that the document may allow: every known action that an Allow
// covers, on resources that its patterns match. A role's trust has one.
func (o *openness) ask() []question {
	if o.Service == "iam" {
		role := o.Holder
		if role == "" {
			role = o.fill(kinds["role"], o.name)
		}
		return []question{{"sts:AssumeRole", role}}
	}
	var out, odd []question
	seen := map[question]bool{}
	kinds := map[*metadata.Action][]string{} // ARNs of what an action works on
	for i := range o.doc.Statements {
		s := &o.doc.Statements[i]
		if s.Denies() {
			continue
		}
		fixed, any := o.resources(s)
		for _, a := range o.actions(s) {
			resources := fixed
			if any {
				if kinds[a] == nil {
					kinds[a] = o.kindsOf(a)
				}
				resources = slices.Concat(fixed, kinds[a])
			}
			for _, resource := range resources {
				q := question{a.String(), resource}
				if seen[q] {
					continue
				}
				seen[q] = true
				switch {
				case len(seen) > maxQuestions:
					o.partial = true
					return append(out, odd...)
				case fits(a, resource):
					out = append(out, q)
				default:
					odd = append(odd, q)
				}
			}
		}
	}
	return append(out, odd...)
}

// fits says whether the resource looks like one that the action works on: findings
// shall name a call that makes sense. Names with slashes are objects, not buckets.
func fits(a *metadata.Action, resource string) bool {
	shape := func(arn string) [4]int {
		parts, _ := condition.SplitARN(arn)
		return [4]int{min(len(parts[3]), 1), min(len(parts[4]), 1), strings.Count(parts[5], "/"), strings.Count(parts[5], ":")}
	}
	types := metadata.ResourceTypes(strings.ToLower(a.Service))
	return slices.ContainsFunc(a.Resources, func(r metadata.ActionResource) bool {
		i := slices.IndexFunc(types, func(t metadata.ResourceType) bool { return t.Name == r.Type })
		return i >= 0 && shape(types[i].ARN) == shape(resource)
	})
}

// actions are the known actions that a statement may cover, and the names that it
// writes out: they may be newer than the table.
func (o *openness) actions(s *policy.Statement) (out []*metadata.Action) {
	if s.NotAction != nil {
		return metadata.MatchActions(o.Service + ":*") // the evaluator knows which are left out
	}
	for _, text := range s.Action.Values() {
		service, name, ok := strings.Cut(text, ":")
		if !ok || strings.ContainsAny(service, "*?") {
			service = o.Service
		}
		if !ok {
			name = "*"
		}
		known := metadata.MatchActions(service + ":" + name)
		if len(known) == 0 && ok {
			known = []*metadata.Action{{Service: service, Name: o.concrete(name)}}
		}
		out = append(out, known...)
	}
	return out
}

// resources are texts that the statement's patterns match. The second result says
// that it covers resources of every kind as well.
func (o *openness) resources(s *policy.Statement) (out []string, any bool) {
	if s.Resource == nil {
		return nil, true
	}
	for _, text := range s.Resource.Values() {
		if strings.Trim(text, "*?") == "" {
			any = true
			continue
		}
		out = append(out, o.concrete(text))
	}
	return out, any
}

// kindsOf are resources of each kind that an action works on, and the one that the
// document was put on.
func (o *openness) kindsOf(a *metadata.Action) []string {
	out := []string{"*"}
	types := metadata.ResourceTypes(strings.ToLower(a.Service))
	for _, r := range a.Resources {
		if i := slices.IndexFunc(types, func(t metadata.ResourceType) bool { return t.Name == r.Type }); i >= 0 {
			out = append(out, o.fill(types[i].ARN, o.name))
		}
	}
	if len(out) > 1 {
		out = out[1:] // such an action is never asked about on a star
	}
	if o.Holder != "" {
		out = append(out, o.Holder)
	}
	return out
}
