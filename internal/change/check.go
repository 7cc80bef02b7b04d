package change

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/change/expr"
	"github.com/rootkeep/rootkeep/internal/rule"
)

var risks = []string{"low", "medium", "high"}

// usualWait is how long AWS may take to show a change if the kind says nothing.
const usualWait = rule.Duration(time.Minute)

// check looks at what the types do not say.
func (k *Kind) check(tested bool) error {
	switch {
	case !kindID.MatchString(k.ID):
		return fmt.Errorf("id %q: want lower-case words joined by -", k.ID)
	case k.Kind != "change":
		return fmt.Errorf("kind %q, want change", k.Kind)
	case k.Title == "" || k.Why == "" || k.Breaks == "" || k.Source == "":
		return errors.New("title, why, breaks and source are all needed")
	case !slices.Contains(Classes(), k.Class):
		return fmt.Errorf("class %q: want one of %s", k.Class, strings.Join(Classes(), ", "))
	case !slices.Contains(risks, k.Risk):
		return fmt.Errorf("risk %q: want low, medium or high", k.Risk)
	case k.In != "" && k.In != InManagement && k.In != InOwner:
		return fmt.Errorf("in %q: want %s, %s or nothing", k.In, InManagement, InOwner)
	case (len(k.Calls) == 0) == (len(k.Guide) == 0):
		return errors.New("want either calls, or a guide for a person")
	case len(k.Reads) == 0:
		return errors.New("no reads: what is to be changed has to be read first")
	case len(k.Wants) == 0 && k.Verify.None():
		return errors.New("neither wants nor verify: nobody could say whether it worked")
	case k.Resource.None():
		return errors.New("no resource: two changes of one thing could not exclude each other")
	case tested != (len(k.Cases) == 0):
		return errors.New("no cases: at least one has to run on the simulator")
	}
	if k.Wait == 0 {
		k.Wait = usualWait
	}
	if err := k.checkParameters(); err != nil {
		return err
	}
	if err := k.checkNames(); err != nil {
		return err
	}
	return k.checkCases()
}

func (k *Kind) checkParameters() error {
	for _, name := range slices.Sorted(maps.Keys(k.Parameters)) {
		p := k.Parameters[name]
		if err := p.check(); err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
		if !partID.MatchString(name) {
			return fmt.Errorf("parameter %q: want lower-case words joined by _", name)
		}
		if p.Pattern != "" {
			re, err := regexp.Compile(`^(?:` + p.Pattern + `)$`)
			if err != nil {
				return fmt.Errorf("parameter %s: %w", name, err)
			}
			p.pattern = re
			k.Parameters[name] = p
		}
		if p.Default != nil {
			if _, err := p.Read(p.Default); err != nil {
				return fmt.Errorf("default of parameter %s: %w", name, err)
			}
		}
		if err := p.checkFinding(k.Fixes); err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	return nil
}

// checkNames refuses two parts of one name, and what names a part that is not there.
func (k *Kind) checkNames() error {
	seen := map[string]bool{}
	once := func(what, id string) error {
		if !partID.MatchString(id) || seen[what+id] {
			return fmt.Errorf("%s %q: want lower-case words joined by _, each once", what, id)
		}
		seen[what+id] = true
		return nil
	}
	for i := range k.Reads {
		if err := once("read", k.Reads[i].ID); err != nil {
			return err
		}
	}
	for id := range k.Wants {
		if !seen["read"+id] {
			return fmt.Errorf("wants %s: no read is called so", id)
		}
	}
	for i := range k.Calls {
		s := &k.Calls[i]
		if err := once("call", s.ID); err != nil {
			return err
		}
		if (len(s.Undo) == 0) == (s.Final == "") {
			return fmt.Errorf("call %s: want either undo, or final with why it cannot be undone", s.ID)
		}
		for j := range s.Undo {
			u := &s.Undo[j]
			if u.Undo != nil || u.Final != "" {
				return fmt.Errorf("undo of call %s: an undo has neither undo nor final", s.ID)
			}
			if u.ID == "" {
				u.ID = fmt.Sprintf("undo_%s_%d", s.ID, j+1)
			}
		}
	}
	return nil
}

func (k *Kind) checkCases() error {
	names := map[string]bool{}
	for _, c := range k.Cases {
		switch {
		case c.Name == "" || names[c.Name]:
			return fmt.Errorf("case %q: want a name, each once", c.Name)
		case !slices.Contains([]string{"applied", "refused", "nothing", "waiting"}, c.Want):
			return fmt.Errorf("case %q: want %q is not applied, refused, nothing or waiting", c.Name, c.Want)
		case len(k.Guide) == 0 && (len(c.Then) > 0 || c.Want == "waiting"):
			return fmt.Errorf("case %q: then and waiting are for a guide", c.Name)
		case (c.Want == "refused") != (c.Says != ""):
			return fmt.Errorf("case %q: says is for what is refused, and needed there", c.Name)
		}
		names[c.Name] = true
	}
	return nil
}

// checkCalls looks at the operations: what reads may not write, and what is needed is
// written down.
func (k *Kind) checkCalls(known Operations) error {
	needs := map[string]bool{}
	for _, c := range k.operations() {
		o, ok := known(c.name)
		switch {
		case !ok:
			return fmt.Errorf("%s: unknown call %q; hint: docs/changes.md lists the operations", c.where, c.name)
		case o.Writes && c.reads:
			return fmt.Errorf("%s: %s changes the account, and this is a read", c.where, c.name)
		case !o.Writes && !c.reads:
			return fmt.Errorf("%s: %s changes nothing; hint: reads are for that", c.where, c.name)
		}
		if err := k.checkRoot(c); err != nil {
			return fmt.Errorf("%s: %w", c.where, err)
		}
		if o.Writes {
			for _, a := range o.Actions {
				needs[a] = true
			}
		}
	}
	for a := range needs {
		if !slices.Contains(k.Needs, a) {
			return fmt.Errorf("permissions: %s is missing, which its calls need", a)
		}
	}
	return nil
}

// Audit is the only task of a root session that a read may be made in: it is asked for
// before anybody approved, and the sessions of all other tasks can do more than look.
const Audit = "IAMAuditRootUserCredentials"

// checkRoot refuses root sessions that the policy of the class root does not decide about.
func (k *Kind) checkRoot(c operation) error {
	switch {
	case c.root == "":
		return nil
	case k.Class != Root:
		return fmt.Errorf("root sessions are for the class %s alone, whose policy their approval is", Root)
	case c.reads && c.root != Audit:
		return fmt.Errorf("a read in a session for %s: want one for %s, or denied for what the role may not see", c.root, Audit)
	}
	return nil
}

// WritesAsRoot says whether a call of the kind, or one that undoes it, is made in a session
// of sts:AssumeRoot. It is planned under a request for root.
func (k *Kind) WritesAsRoot() bool { return k.asRoot(false) }

// ReadsAsRoot says whether a read of the kind is made in such a session.
func (k *Kind) ReadsAsRoot() bool { return k.asRoot(true) }

func (k *Kind) asRoot(reads bool) bool {
	return slices.ContainsFunc(k.operations(), func(o operation) bool { return o.root != "" && o.reads == reads })
}

// operation is one use of an operation in a kind.
type operation struct {
	where, name, root string
	reads             bool
}

func (k *Kind) operations() []operation {
	var out []operation
	asked := func(where string, q *Read) {
		for ; q != nil; q = q.First {
			out = append(out, operation{where, q.Call, q.At.Root, true})
		}
	}
	for i := range k.Reads {
		asked("read "+k.Reads[i].ID, &k.Reads[i])
	}
	for i := range k.Calls {
		s := &k.Calls[i]
		out = append(out, operation{"call " + s.ID, s.Call, s.At.Root, false})
		asked("found of call "+s.ID, s.Found)
		for j := range s.Undo {
			out = append(out, operation{"undo of call " + s.ID, s.Undo[j].Call, s.Undo[j].At.Root, false})
			asked("found of undo of call "+s.ID, s.Undo[j].Found)
		}
	}
	return out
}

// Operations are the names of all operations that the kind calls, in order, each once:
// those that change the account, or those that only read.
func (k *Kind) Operations(writes bool) []string {
	var out []string
	for _, c := range k.operations() {
		if c.reads != writes && !slices.Contains(out, c.name) {
			out = append(out, c.name)
		}
	}
	slices.Sort(out)
	return out
}

// Reading is what a role needs that plans the kind and reads back: operations, and tasks
// of the root sessions in which the others are made.
func (k *Kind) Reading() (operations, tasks []string) {
	for _, c := range k.operations() {
		switch {
		case !c.reads:
		case c.root != "":
			tasks = append(tasks, c.root)
		default:
			operations = append(operations, c.name)
		}
	}
	return operations, tasks
}

// Final is what of the kind cannot be undone, and why.
func (k *Kind) Final() []string {
	var out []string
	for i := range k.Calls {
		if f := k.Calls[i].Final; f != "" && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// compile makes every expression ready, and looks whether the answers that it names are
// those of steps.
func (k *Kind) compile() error {
	var err error
	k.expressions(func(s expr.Scope, es ...*expr.Expression) {
		for _, e := range es {
			if err == nil {
				err = e.Compile(k.file, s)
			}
			if err == nil {
				err = k.known(e)
			}
		}
	})
	for i := range k.Calls {
		if s := &k.Calls[i]; err == nil && len(s.Each.Needs)+len(s.When.Needs) > 0 {
			err = s.When.Wrong(k.file, "call "+s.ID+": whether and how often it is made is said by the plan, and an answer is not there yet")
		}
	}
	return err
}

// expressions goes through all that are not of cases.
func (k *Kind) expressions(do func(expr.Scope, ...*expr.Expression)) {
	for i := range k.Reads {
		k.Reads[i].expressions(do, expr.Reading)
	}
	for i := range k.Requires {
		do(expr.Planning, &k.Requires[i].That, &k.Requires[i].Else)
	}
	for _, id := range slices.Sorted(maps.Keys(k.Wants)) {
		e := k.Wants[id]
		do(expr.Reading, &e)
		k.Wants[id] = e
	}
	do(expr.Checking, &k.Verify)
	do(expr.Planning, &k.Resource)
	for i := range k.Guide {
		do(expr.Planning, &k.Guide[i])
	}
	for i := range k.Calls {
		k.Calls[i].expressions(do)
		for j := range k.Calls[i].Undo {
			k.Calls[i].Undo[j].expressions(do)
		}
	}
}

func (r *Read) expressions(do func(expr.Scope, ...*expr.Expression), s expr.Scope) {
	if r.First != nil {
		r.First.expressions(do, s)
	}
	do(s, &r.Each, &r.When, &r.With, &r.At.Account, &r.At.Region)
	do(max(s, expr.Keeping), &r.Keep)
	do(s, &r.Denied)
}

func (s *Step) expressions(do func(expr.Scope, ...*expr.Expression)) {
	do(expr.Planning, &s.Each, &s.When, &s.With, &s.At.Account, &s.At.Region, &s.About)
	if s.Found != nil {
		s.Found.expressions(do, expr.Planning)
	}
}

// known refuses an answer of a step that is not there.
func (k *Kind) known(e *expr.Expression) error {
	for _, r := range e.Needs {
		if !slices.ContainsFunc(k.Calls, func(s Step) bool { return s.ID == r.Step }) {
			return e.Wrong(k.file, fmt.Sprintf("answer(%q, %q): no call is called so", r.Step, r.Path))
		}
		if IsSecret(r.Path[strings.LastIndexByte(r.Path, '.')+1:]) {
			return e.Wrong(k.file, fmt.Sprintf("answer(%q, %q): a secret, and answers are kept", r.Step, r.Path))
		}
	}
	return nil
}
