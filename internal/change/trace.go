package change

import (
	"path"
	"strings"

	"github.com/rootkeep/rootkeep"
)

// Grave says whether it cannot be undone, or is of high risk: more people have to sign it.
func (p *Plan) Grave() bool { return !p.Undoable() || p.Risk == "high" }

// Action is the line that statements of approvers carry.
func (p *Plan) Action() string { return ActionOf(p.Kind, p.Undoes) }

// ActionOf is Action of a change by its kind and by the change that it undoes, if it does.
func ActionOf(kind, undoes string) string {
	if undoes != "" {
		return "undo " + undoes + ", change " + kind
	}
	return "change " + kind
}

// AppliedIn says whether sessions of a role are those that it is applied in: in those of
// others it only reads. Roles are compared by name.
func (p *Plan) AppliedIn(role string) bool { return path.Base(role) == path.Base(p.Role) }

// Events are what the log of an account has of its calls there, each a source and a name.
// What it does as root is done under a request for root.
func (p *Plan) Events(account rootkeep.AccountID) []string {
	out := []string{}
	for _, call := range p.Calls {
		if service, name, _ := strings.Cut(call.Operation, ":"); call.Root == "" && call.Account == account {
			out = append(out, service+".amazonaws.com "+name)
		}
	}
	return out
}
