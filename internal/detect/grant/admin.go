package grant

import (
	"fmt"
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// rights answers questions about an identity policy: what may its holder do?
type rights struct {
	*probe
	set     *iam.Set // the document alone
	trusted *iam.Set // the document, on a role that trusts the whole account
	holder  iam.Principal

	contexts map[[3]string]iam.Context
}

func newRights(p *probe) (*rights, error) {
	compiled, err := iam.CompileAs("policy", p.doc, iam.Literal)
	if err != nil {
		return nil, err
	}
	trust, err := iam.Parse("trust", fmt.Appendf(nil, `{"Statement":{"Effect":"Allow","Principal":{"AWS":%q},"Action":"sts:AssumeRole"}}`, p.Account))
	if err != nil {
		return nil, err
	}
	r := &rights{probe: p, contexts: map[[3]string]iam.Context{}}
	if r.set, err = iam.NewSet(iam.Policies{Identity: []*iam.Policy{compiled}}); err != nil {
		return nil, err
	}
	if r.trusted, err = iam.NewSet(iam.Policies{Identity: []*iam.Policy{compiled}, Resource: []*iam.Policy{trust}}); err != nil {
		return nil, err
	}
	// The kind of holder makes no difference to an identity policy but for the keys
	// of its context, and those are given beside it.
	r.holder, err = iam.ParsePrincipal(p.fill("arn:${Partition}:iam::${Account}:user/${Name}", "holder-"+p.name))
	return r, err
}

// may asks whether the holder may do an action on a resource. A username of "" is for
// a role; key and value are what the call says beside it, if anything.
func (r *rights) may(set *iam.Set, action, resource, username, key, value string) hit {
	h := hit{set: set, request: iam.Request{
		Action: action, Resource: resource, ResourceAccount: r.Account, Principal: r.holder, Context: r.context(username, key, value),
	}}
	h.decision = r.ask(set, &h.request)
	return h
}

// context is what is known of a call; the same few are asked for again and again.
func (r *rights) context(username, key, value string) iam.Context {
	of := [3]string{username, key, value}
	c, ok := r.contexts[of]
	if !ok {
		known := map[string][]string{
			"aws:PrincipalAccount": {string(r.Account)},
			"aws:ResourceAccount":  {string(r.Account)},
			"aws:username":         nil, // a role has none
		}
		if username != "" {
			known["aws:username"] = []string{username}
		}
		if key != "" {
			known[key] = []string{value}
		}
		c = iam.PartialContext(known)
		r.contexts[of] = c
	}
	return c
}

// administrator says whether a policy is administrator in effect: it allows changes
// in most of AWS's services, or everything that gives rights to any user, any role or
// any group.
func administrator(p *probe) (Judgement, error) {
	r, err := newRights(p)
	if err != nil {
		return Judgement{}, err
	}
	if h, ok := r.everything(); ok {
		return Judgement{true, p.say(h)}, nil
	}
	if h, ok := r.ruling(); ok {
		return Judgement{true, p.say(h)}, nil
	}
	return Judgement{}, nil
}

// writes holds an action of each service that changes something, with the ARN
// template of what it changes.
var writes = sync.OnceValue(func() (out []struct{ action, arn string }) {
	for _, service := range metadata.Services() {
		templates := map[string]string{}
		for _, t := range metadata.ResourceTypes(service) {
			templates[t.Name] = t.ARN
		}
		for _, a := range metadata.Actions(service) {
			if a.Access != metadata.Write && a.Access != metadata.PermissionsManagement {
				continue
			}
			arn := "*"
			if len(a.Resources) > 0 && templates[a.Resources[0].Type] != "" {
				arn = templates[a.Resources[0].Type]
			}
			out = append(out, struct{ action, arn string }{a.String(), arn})
			break
		}
	}
	return out
})

// everything asks for one change in every service on a resource nobody has thought
// of. A policy that spares or denies a few services is still administrator; one that
// lists the services of a project is not.
func (r *rights) everything() (hit, bool) {
	var sample hit
	certain, maybe := 0, 0
	for _, w := range writes() {
		h := r.may(r.set, w.action, r.fill(w.arn, r.name), r.name, "", "")
		switch h.decision.Outcome {
		case iam.Allowed:
			certain++
		case iam.Conditional:
			maybe++
		default:
			continue
		}
		if sample.set == nil || h.decision.Outcome > sample.decision.Outcome {
			sample = h
		}
	}
	if total := len(writes()); (certain+maybe)*2 > total {
		sample.what = fmt.Sprintf("changes on any resource in %d of %d AWS services", certain+maybe, total)
		if certain > 0 && maybe > certain {
			sample.what += fmt.Sprintf(" (%d under conditions)", maybe)
		}
		return sample, true
	}
	return hit{}, false
}

// A way is an action that leads to administrator when it is not confined.
type way struct {
	action string
	kind   string // of resource, a key of kinds
	self   bool   // so it does when allowed only on the holder
	rules  bool   // one of those that together rule all resources of the kind
	// key and values are what the call says: an Allow that is confined to harmless
	// values does not cover it. Any one value is enough.
	key    string
	values []string
}

// kinds are resources as ways name them.
var kinds = map[string]string{
	"user": "arn:${Partition}:iam::${Account}:user/${Name}", "role": "arn:${Partition}:iam::${Account}:role/${Name}",
	"group": "arn:${Partition}:iam::${Account}:group/${Name}", "policy": "arn:${Partition}:iam::${Account}:policy/${Name}",
	"SAML provider": "arn:${Partition}:iam::${Account}:saml-provider/${Name}", "account": "arn:${Partition}:iam::${Stranger}:root",
	"organization policy": "arn:${Partition}:organizations::${Account}:policy/o-${Name}/service_control_policy/p-${Name}",
	"function":            "arn:${Partition}:lambda:${Region}:${Account}:function:${Name}",
	"instance":            "arn:${Partition}:ec2:${Region}:${Account}:instance/i-${Name}",
}

// takers are services that run code with the role that they are passed.
var takers = []string{
	"ec2.amazonaws.com", "lambda.amazonaws.com", "ecs-tasks.amazonaws.com", "cloudformation.amazonaws.com", "codebuild.amazonaws.com",
	"glue.amazonaws.com", "sagemaker.amazonaws.com", "states.amazonaws.com", "ssm.amazonaws.com", "datapipeline.amazonaws.com",
	"elasticmapreduce.amazonaws.com", "batch.amazonaws.com", "tasks.apprunner.amazonaws.com", "scheduler.amazonaws.com", "pods.eks.amazonaws.com",
	"bedrock-agentcore.amazonaws.com", "codepipeline.amazonaws.com", "imagebuilder.amazonaws.com",
}

// The ways are those that need nothing but the action itself, or a role or instance
// that any account has.
func ways() []way {
	attached := []string{"arn:aws:iam::aws:policy/AdministratorAccess"}
	return []way{
		{action: "iam:PutUserPolicy", kind: "user", self: true, rules: true},
		{action: "iam:AttachUserPolicy", kind: "user", self: true, rules: true, key: "iam:PolicyARN", values: attached},
		{action: "iam:CreateAccessKey", kind: "user", rules: true},
		{action: "iam:PutRolePolicy", kind: "role", self: true, rules: true},
		{action: "iam:AttachRolePolicy", kind: "role", self: true, rules: true, key: "iam:PolicyARN", values: attached},
		{action: "iam:UpdateAssumeRolePolicy", kind: "role", rules: true},
		{action: "iam:PutGroupPolicy", kind: "group", self: true, rules: true},
		{action: "iam:AttachGroupPolicy", kind: "group", self: true, rules: true, key: "iam:PolicyARN", values: attached},
		{action: "iam:AddUserToGroup", kind: "group", rules: true},
		{action: "iam:CreatePolicyVersion", kind: "policy", self: true},
		{action: "iam:SetDefaultPolicyVersion", kind: "policy", self: true},
		{action: "iam:CreateLoginProfile", kind: "user"},
		{action: "iam:UpdateLoginProfile", kind: "user"},
		{action: "iam:PutUserPermissionsBoundary", kind: "user", self: true},
		{action: "iam:DeleteUserPermissionsBoundary", kind: "user", self: true},
		{action: "iam:PutRolePermissionsBoundary", kind: "role", self: true},
		{action: "iam:DeleteRolePermissionsBoundary", kind: "role", self: true},
		{action: "iam:PassRole", kind: "role", key: "iam:PassedToService", values: takers},
		{action: "iam:CreateSAMLProvider", kind: "SAML provider"},
		{action: "iam:UpdateSAMLProvider", kind: "SAML provider"},
		{action: "sts:AssumeRole", kind: "role"},
		{action: "sts:AssumeRoot", kind: "account"},
		{action: "organizations:DetachPolicy", kind: "organization policy"},
		{action: "organizations:UpdatePolicy", kind: "organization policy"},
		{action: "lambda:UpdateFunctionCode", kind: "function"},
		{action: "ssm:SendCommand", kind: "instance"},
	}
}

// ruling asks whether the holder may do all that gives rights to users, to roles or
// to groups that nobody has thought of.
func (r *rights) ruling() (hit, bool) {
	for _, kind := range []string{"role", "user", "group"} {
		var weakest hit
		var names []string
		all := true
		for _, w := range ways() {
			if !w.rules || w.kind != kind || !all {
				continue
			}
			h := r.any(w)
			if weakest.set == nil || h.decision.Outcome < weakest.decision.Outcome {
				weakest = h
			}
			names = append(names, w.action)
			all = granted(h.decision)
		}
		if all {
			weakest.what = strings.Join(names, ", ") + " on any " + kind
			return weakest, true
		}
	}
	return hit{}, false
}

// any asks for a way on a resource that nobody has thought of.
func (r *rights) any(w way) hit {
	h := r.each(w, func(region string) string {
		template := strings.ReplaceAll(kinds[w.kind], "${Region}", region)
		return r.fill(strings.ReplaceAll(template, "${Stranger}", string(r.stranger)), r.name)
	}, r.usernames())
	h.what = w.action + " on any " + w.kind
	if w.action == "iam:PassRole" && granted(h.decision) {
		to, _ := h.request.Context.Values("iam:passedtoservice")
		h.what += " to " + strings.Join(to, ", ")
	}
	return h
}

// own asks for a way on the holder itself.
func (r *rights) own(w way) hit {
	arn, username := r.Holder, ""
	if !strings.Contains(arn, ":"+w.kind+"/") {
		if w.kind != "user" || strings.Contains(arn, ":role/") {
			return hit{} // who else holds the policy is not known
		}
		arn = r.fill(kinds["user"], "holder-"+r.name)
	}
	if w.kind == "user" {
		username = arn[strings.LastIndexByte(arn, '/')+1:]
	}
	h := r.each(w, func(string) string { return arn }, []string{username})
	h.what = w.action + " on the holder itself"
	return h
}

// usernames are values of aws:username to ask with: the holder's if it is a user,
// else those that conditions of the document name and one that none does.
func (r *rights) usernames() []string {
	if _, path, ok := strings.Cut(r.Holder, ":user/"); ok {
		return []string{path[strings.LastIndexByte(path, '/')+1:]}
	}
	if strings.Contains(r.Holder, ":role/") {
		return []string{""}
	}
	out := []string{"", "holder-" + r.name}
	r.conditionValues("aws:username", func(v string) {
		if len(out) < 8 && !strings.ContainsAny(v, "*?$") {
			out = append(out, v)
		}
	})
	return out
}

// each tries the Regions, user names and values that a way may come with and keeps
// the most permissive answer.
func (r *rights) each(w way, resource func(region string) string, usernames []string) hit {
	regions, values, set := []string{""}, w.values, r.set
	if w.kind == "function" || w.kind == "instance" {
		regions = r.regions()
	}
	if len(values) == 0 {
		values = []string{""}
	}
	if w.action == "sts:AssumeRole" {
		set = r.trusted
	}
	best := hit{}
	for _, region := range regions {
		for _, username := range usernames {
			for _, value := range values {
				h := r.may(set, w.action, resource(region), username, w.key, value)
				if w.action == "ssm:SendCommand" { // authorized on the document as well
					document := r.may(set, w.action, r.fill("arn:${Partition}:ssm:"+region+"::document/AWS-RunShellScript", r.name), username, w.key, value)
					if document.decision.Outcome < h.decision.Outcome {
						h = document
					}
				}
				if best.set == nil || h.decision.Outcome > best.decision.Outcome {
					best = h
				}
				if best.decision.Outcome == iam.Allowed {
					return best
				}
			}
		}
	}
	return best
}

// regions are the event's Region and those that the document's resources name.
func (r *rights) regions() []string {
	out := []string{string(r.Region)}
	for i := range r.doc.Statements {
		for _, list := range []*policy.Texts{r.doc.Statements[i].Resource, r.doc.Statements[i].NotResource} {
			for _, text := range list.Values() {
				parts := strings.SplitN(text, ":", 6)
				if len(parts) == 6 && len(out) < 40 && strings.Contains(parts[3], "-") && !strings.ContainsAny(parts[3], "*?") {
					out = append(out, parts[3])
				}
			}
		}
	}
	return out
}

// escalating says whether a policy is administrator in effect or allows, on any
// resource or on its own holder, an action that leads there.
func escalating(p *probe) (Judgement, error) {
	if j, err := administrator(p); err != nil || j.Bad {
		return j, err
	}
	r, err := newRights(p)
	if err != nil {
		return Judgement{}, err
	}
	const shown = 3
	var found []string
	more := 0
	for _, w := range ways() {
		h := r.any(w)
		if !granted(h.decision) && w.self {
			h = r.own(w)
		}
		switch {
		case !granted(h.decision):
		case len(found) < shown:
			found = append(found, p.say(h))
		default:
			more++
		}
	}
	if more > 0 {
		found = append(found, fmt.Sprintf("and %d more actions that lead to administrator", more))
	}
	return Judgement{len(found) > 0, strings.Join(found, "; ")}, nil
}
