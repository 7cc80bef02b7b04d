package answer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/matrix"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// WhoCan says who can do some actions, on one resource or on any.
type WhoCan struct {
	Head
	Resource string   `json:"resource,omitempty"`
	Actions  []Action `json:"actions"`
	// NotApplicable are the actions that do not work on the resource.
	NotApplicable []string `json:"not_applicable"`
}

// Action is one action and who can do it.
type Action struct {
	Name    string   `json:"action"`
	Access  string   `json:"access_level,omitempty"` // "" if the table lacks the action
	Holders []Holder `json:"holders"`
	// Callers of the account by answer.
	Allowed     int `json:"allowed"`
	Conditional int `json:"conditional"`
	Denied      int `json:"denied"`
	// Outside counts callers of other accounts and services that are allowed, or may be.
	Outside int `json:"outside"`
}

// Holder is a caller that is allowed, or allowed only if a condition holds.
type Holder struct {
	Principal  string      `json:"principal"`
	Kind       string      `json:"kind"`
	Outside    bool        `json:"outside"` // named by a resource's policy, not in the account's details
	Decision   iam.Outcome `json:"decision"`
	Everywhere bool        `json:"everywhere,omitempty"` // on every resource that the action works on
	Basis      []Basis     `json:"basis"`
	Except     []string    `json:"except,omitempty"`
}

// AskWhoCan answers. Names are actions or patterns of them; resource is an ARN, an
// ARN pattern, "*" for actions that have no resource, or "" for any resource. The
// error names a pattern that covers no known action.
func AskWhoCan(m *matrix.Matrix, in matrix.Input, names []string, resource string) (*WhoCan, error) {
	d := &WhoCan{Head: NewHead("rootkeep/iam-who-can/1", in), Resource: resource, Actions: []Action{}, NotApplicable: []string{}}
	var actions []string
	for _, name := range names {
		list := matrix.Expand(name)
		if len(list) == 0 {
			return nil, fmt.Errorf("action %s: no known action has such a name; hint: service:Name, such as s3:GetObject, or s3:Delete*", name)
		}
		actions = append(actions, list...)
	}
	slices.Sort(actions)
	actions = slices.Compact(actions)
	if len(actions) > maxActions {
		return nil, fmt.Errorf("%d actions, want at most %d; hint: rootkeep iam can --all --output csv lists what everybody can do", len(actions), maxActions)
	}
	if resource == "" || resource != "*" && strings.ContainsAny(resource, "*?") {
		return d, d.anywhere(m, actions, resource)
	}
	d.TakenForGranted = append(d.TakenForGranted, m.Assumptions(resource)...)
	h, err := m.WhoCan(actions, resource)
	if err != nil {
		return nil, err
	}
	d.NotApplicable = append(d.NotApplicable, h.Elsewhere...)
	for _, name := range actions {
		if slices.Contains(h.Elsewhere, name) {
			continue
		}
		a := newAction(name)
		for _, g := range h.Grants {
			if g.Action == name {
				a.add(Holder{Principal: g.Caller, Kind: g.Kind.String(), Outside: g.Outside, Decision: g.Decision.Outcome, Basis: []Basis{basis(g.Decision, g.OnlyIf)}})
			}
		}
		a.Denied = len(m.Callers()) - a.Allowed - a.Conditional
		d.Actions = append(d.Actions, a)
	}
	if len(d.Actions) == 0 { // a guard that asks nothing must not pass
		name := d.NotApplicable[0]
		return nil, fmt.Errorf("%s does not work on %s%s", name, resource, worksOn(name))
	}
	return d, nil
}

func newAction(name string) Action {
	a := Action{Name: name, Holders: []Holder{}}
	service, rest, _ := strings.Cut(name, ":")
	if known, ok := metadata.FindAction(service, rest); ok {
		a.Access = known.Access.String()
	}
	return a
}

func (a *Action) add(h Holder) {
	a.Holders = append(a.Holders, h)
	switch {
	case h.Outside:
		a.Outside++
	case h.Decision == iam.Allowed:
		a.Allowed++
	default:
		a.Conditional++
	}
}

// anywhere answers about every resource, or those within a pattern.
func (d *WhoCan) anywhere(m *matrix.Matrix, actions []string, within string) error {
	d.TakenForGranted = append(d.TakenForGranted, anyResource)
	q := matrix.Query{Within: within, Where: true}
	for _, name := range actions {
		service, _, _ := strings.Cut(strings.ToLower(name), ":")
		if !slices.Contains(q.Services, service) {
			q.Services = append(q.Services, service)
		}
		if _, ok := m.Actions().Find(name); !ok {
			return fmt.Errorf("action %s: not in the table of %s, so its resources are not known; hint: name a resource", name, d.Table)
		}
		d.Actions = append(d.Actions, newAction(name))
	}
	for _, c := range m.Callers() {
		x, err := m.Reach(c, q)
		if err != nil {
			return err
		}
		for i := range d.Actions {
			a := &d.Actions[i]
			n, _ := m.Actions().Find(a.Name)
			if h, ok := holder(x, n); ok {
				a.add(h)
			}
		}
	}
	for i := range d.Actions {
		a := &d.Actions[i]
		a.Denied = len(m.Callers()) - a.Allowed - a.Conditional
		if err := a.outside(m, within); err != nil {
			return err
		}
	}
	return nil
}

// maxActions bounds the actions of one question.
const maxActions = 2000

// anyResource is what answers without a resource rest on.
const anyResource = "resources are those of the account; one whose policy is not given has none, or, if it is a KMS key, one that names nobody but the account"

// holder is a caller of whom some answer is not no.
func holder(x *matrix.Reach, n int) (Holder, bool) {
	h := Holder{Principal: x.Caller.Principal.ARN, Kind: x.Caller.Principal.Kind.String()}
	switch x.Of(n) {
	case iam.True:
		h.Decision = iam.Allowed
	case iam.Unknown:
		h.Decision = iam.Conditional
	default:
		return h, false
	}
	w := x.Where(n)
	h.Everywhere, h.Basis, h.Except = w.Everywhere, places(w), w.Except
	return h, true
}

// outside adds those who are not of the account, one for each name.
func (a *Action) outside(m *matrix.Matrix, within string) error {
	grants, err := m.Outsiders(a.Name, within)
	if err != nil {
		return err
	}
	at := map[string]int{}
	for _, g := range grants {
		b := basis(g.Decision, g.OnlyIf)
		b.Resource = g.Resource
		i, there := at[g.Caller]
		if !there {
			i = len(a.Holders)
			at[g.Caller] = i
			a.add(Holder{Principal: g.Caller, Kind: g.Kind.String(), Outside: true, Decision: g.Decision.Outcome})
		}
		h := &a.Holders[i]
		h.Basis = append(h.Basis, b)
		h.Decision = max(h.Decision, g.Decision.Outcome) // allowed is the largest
	}
	return nil
}

// Found says whether anyone but the root user of the account, whom no policy of its
// own limits, and those of except may do one of the actions: certainly, or for
// possible also under a condition. Except are principals, or patterns of them with *.
func (d *WhoCan) Found(possible bool, except []string) bool {
	for _, a := range d.Actions {
		for _, h := range a.Holders {
			root := h.Kind == iam.Root.String() && !h.Outside
			if !root && (possible || h.Decision == iam.Allowed) && !slices.ContainsFunc(except, func(p string) bool { return named(p, h.Principal) }) {
				return true
			}
		}
	}
	return false
}

// Text is the document for a person.
func (d *WhoCan) Text(clean func(string) string) string {
	var b strings.Builder
	for _, a := range d.Actions {
		fmt.Fprintf(&b, "%s", clean(a.Name))
		if a.Access != "" {
			fmt.Fprintf(&b, " (%s)", a.Access)
		}
		if d.Resource != "" {
			fmt.Fprintf(&b, " on %s", clean(d.Resource))
		}
		fmt.Fprintf(&b, ": %d allowed, %d conditional, %d denied", a.Allowed, a.Conditional, a.Denied)
		if a.Outside > 0 {
			fmt.Fprintf(&b, ", %d outside", a.Outside)
		}
		b.WriteByte('\n')
		for i := range a.Holders {
			a.Holders[i].write(&b, d.Resource, clean)
		}
	}
	for _, name := range d.NotApplicable {
		fmt.Fprintf(&b, "%s: does not work on %s%s\n", clean(name), clean(d.Resource), worksOn(name))
	}
	for _, text := range d.TakenForGranted {
		fmt.Fprintf(&b, "taken for granted: %s\n", clean(text))
	}
	return b.String()
}

// write is one line, or one for each pattern. Everywhere is within the resource that was
// asked about, if one was: the head of the answer names it.
func (h *Holder) write(b *strings.Builder, asked string, clean func(string) string) {
	fmt.Fprintf(b, "  %-11s  %s", h.Decision, clean(h.Principal))
	if h.Outside {
		b.WriteString(" (outside)")
	}
	switch {
	case len(h.Basis) == 1 && h.Basis[0].Resource == "" || h.Everywhere && len(h.Basis) > 0 && asked != "":
		fmt.Fprintf(b, "  %s\n", h.Basis[0].text(clean))
	case h.Everywhere && len(h.Basis) > 0:
		fmt.Fprintf(b, "  on every resource, %s\n", h.Basis[0].text(clean))
	default:
		b.WriteByte('\n')
		for i := range h.Basis {
			p := &h.Basis[i]
			fmt.Fprintf(b, "    on %s, %s\n", clean(p.Resource), p.text(clean))
		}
		for _, text := range h.Except {
			fmt.Fprintf(b, "    not on %s\n", clean(text))
		}
	}
}

// worksOn lists the resource types of an action, in brackets.
func worksOn(name string) string {
	service, rest, _ := strings.Cut(name, ":")
	a, ok := metadata.FindAction(service, rest)
	if !ok {
		return ""
	}
	if len(a.Resources) == 0 {
		return " (it has no resource: ask with *)"
	}
	types := make([]string, len(a.Resources))
	for i, r := range a.Resources {
		types[i] = r.Type
	}
	return " (but on: " + strings.Join(types, ", ") + ")"
}
