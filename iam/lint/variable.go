package lint

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam/lint/form"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// variables judges the syntax and the place of policy variables.
func (c *checker) variables() {
	s := c.st
	for _, e := range []struct {
		name string
		list *policy.Texts
	}{{"Action", s.Action}, {"NotAction", s.NotAction}} {
		c.noVariables(e.name, e.list)
	}
	for _, e := range []struct {
		name string
		p    *policy.Principal
	}{{"Principal", s.Principal}, {"NotPrincipal", s.NotPrincipal}} {
		if e.p == nil {
			continue
		}
		for i := range e.p.Entries {
			c.noVariables(e.name+"."+e.p.Entries[i].Type.Value, &e.p.Entries[i].Values)
		}
	}
	if list, name := s.resources(); list != nil {
		for i := range list.Items {
			c.variable(list.Items[i].Value, s.at(name, list, i))
		}
	}
	for i := range s.conditions {
		k := &s.conditions[i]
		for j, item := range k.key.Values.Items {
			if k.opOK && !k.op.Variables() && policy.IsVariable(item.Value) {
				c.add("INVALID_VARIABLE_FOR_OPERATOR", fmt.Sprintf("%s does not replace %q", k.block.Operator.Value, item.Value), k.valueAt(j))
				continue
			}
			c.variable(item.Value, k.valueAt(j))
		}
	}
}

func (c *checker) noVariables(name string, list *policy.Texts) {
	if list == nil {
		return
	}
	for i, item := range list.Items {
		if policy.IsVariable(item.Value) {
			c.add("VARIABLE_UNSUPPORTED_IN_ELEMENT", fmt.Sprintf("%s does not replace the variable in %q", name, item.Value), c.st.at(name, list, i))
		}
	}
}

// variable judges every ${...} of one value.
func (c *checker) variable(text string, at place) {
	if !strings.Contains(text, "${") {
		return
	}
	if !c.doc.HasVariables() {
		if policy.IsVariable(text) {
			c.add("VARIABLE_UNSUPPORTED_IN_VERSION", fmt.Sprintf("%q is plain text in version %s", text, policy.Version2008), at)
		}
		return
	}
	rest := text
	for {
		_, tail, ok := strings.Cut(rest, "${")
		if !ok {
			return
		}
		body, after, closed := form.VariableBody(tail)
		if !closed {
			c.add("MISSING_BRACE_IN_VARIABLE", fmt.Sprintf("%q has a variable without }", text), at)
			return
		}
		if code, message := form.VariableProblem(body); code != "" {
			c.add(code, message, at)
		}
		rest = after
	}
}
