package event

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// handover is a role that a call passes to a service.
type handover struct {
	role Resource
	to   string // service principal, "" if not known
}

func passRole() *metadata.Action {
	a, ok := metadata.FindAction("iam", "PassRole")
	if !ok {
		panic("event: the metadata has no iam:PassRole") // it is part of the binary; a test looks
	}
	return a
}

// passed finds the roles that a call hands to a service. iam:PassRole is checked inside
// such a call and never shows as an event of its own.
func (p *place) passed(actions []named) (out []handover) {
	if !slices.ContainsFunc(actions, func(a named) bool {
		return a.action.Service != "iam" && a.action.Service != "sts" && a.action.Access != metadata.Read && a.action.Access != metadata.List
	}) {
		return nil
	}
	to := p.table.Receiver(p.call.Source, p.call.Name)
	for _, name := range p.call.params.order {
		for _, v := range p.call.params.values[name] {
			if r, ok := p.role(name, v); ok && len(out) < maxPerCall {
				out = append(out, handover{r, to})
			}
		}
	}
	if len(out) == 0 && to == "ec2.amazonaws.com" && p.call.params.has("iamInstanceProfile") {
		out = append(out, handover{p.anyRole(), to}) // named without its ARN
	}
	return out
}

// role reads a parameter that is the ARN of a role, and is called so, or of an instance
// profile, which stands for the role in it. A role ARN under another name, such as the
// principal of a grant or a parameter of a template, is not passed.
func (p *place) role(param, v string) (Resource, bool) {
	parts, ok := condition.SplitARN(v)
	if !ok || !plainHead(parts) || parts[2] != "iam" {
		return Resource{}, false
	}
	kind, name, _ := strings.Cut(parts[5], "/")
	switch {
	case name == "":
	case kind == "role" && strings.Contains(param, "role"):
		return Resource{Text: escaped(v)}, true
	case kind == "instance-profile":
		if role, ok := p.profiles[v]; ok {
			return Resource{Text: escaped(role)}, true
		}
		return p.anyRole(), true
	}
	return Resource{}, false
}

// anyRole is every role of the account: which one an instance profile holds is not in
// the record.
func (p *place) anyRole() Resource {
	return Resource{Text: "arn:" + p.call.partition + ":iam::" + headPart(p.call.Account)[0].Text + ":role/*", Certainty: Derived}
}
