package diff

import (
	"maps"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/diff/caller"
	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/iam/pattern"
)

// realize makes a request of a point.
func (p *pursuit) realize(sp *space, point []int, a action) *Example {
	e := &Example{Action: a.name, Context: map[string][]string{}, contexts: map[*side]iam.Context{}}
	maps.Copy(e.Context, sp.bound)
	for d, cell := range point {
		dim := &sp.dims[d]
		switch {
		case d == resourceDim:
			e.Resource = sp.resource(cell)
		case d == callerDim:
			e.caller = &dim.callers[max(cell, 0)]
		case dim.key != "" && cell >= 0:
			e.Context[dim.key] = dim.values[cell]
		}
	}
	p.name(e)
	return e
}

// resource is the text of a cell; where any will do, one that the action takes.
func (sp *space) resource(cell int) string {
	texts := sp.dims[resourceDim].texts
	if cell >= 0 {
		return texts[cell]
	}
	for i, in := range sp.in {
		if slices.Contains(in[len(sp.patterns):], true) {
			return texts[i]
		}
	}
	return texts[len(texts)-1]
}

// name fills in who asks and whose the resource is: whatever its ARN says, the account
// in which the policies alone decide.
func (p *pursuit) name(e *Example) {
	who := p.caller(e)
	e.Principal, e.Issuer, e.ResourceAccount = who.ARN, who.Issuer, string(p.to.owner)
}

// caller is who makes the request of an example.
func (p *pursuit) caller(e *Example) iam.Principal {
	switch {
	case p.to.principal.ARN != "":
		return p.to.principal
	case e.caller != nil && e.caller.ARN != "":
		return e.caller.Principal
	}
	if arn := e.Context["aws:principalarn"]; len(arn) == 1 {
		if who, err := iam.ParsePrincipal(arn[0]); err == nil && who.Account == p.to.own && who.Kind != iam.Root {
			return who
		}
	}
	return iam.Principal{Kind: iam.User, ARN: exampleUser, Account: caller.Example, Name: "someone"}
}

// decide asks the evaluator about a side.
func (p *pursuit) decide(s *side, e *Example) iam.Outcome {
	c, ok := e.contexts[s]
	if !ok {
		c = e.context(s)
		e.contexts[s] = c
	}
	return s.set.Decide(&iam.Request{
		Action: e.Action, Resource: e.Resource, ResourceAccount: rootkeep.AccountID(e.ResourceAccount), Principal: p.caller(e), Context: c,
	}).Outcome
}

// context is all that is known of an example's request on one side.
func (e *Example) context(s *side) iam.Context {
	context := map[string][]string{}
	maps.Copy(context, e.Context)
	if e.caller != nil {
		for _, key := range caller.Derived {
			if e.caller.ARN != "" && (key != "aws:userid" || e.caller.Keys[key] != nil) {
				delete(context, key)
			}
		}
		maps.Copy(context, e.caller.Keys)
	}
	for _, key := range s.known.Keys() {
		context[key], _ = s.known.Values(key)
	}
	return iam.NewContext(context)
}

// holds says whether the evaluator confirms an example.
func (p *pursuit) holds(e *Example) bool {
	if p.decide(p.to, e) != iam.Allowed {
		return false
	}
	was := p.decide(p.from, e)
	return was == iam.ImplicitlyDenied || was == iam.ExplicitlyDenied
}

// confirm divides actions by whether the example holds for them.
func (p *pursuit) confirm(e *Example, actions []action) (done, left []action) {
	for _, a := range actions {
		with := *e
		if with.Action = a.name; p.holds(&with) {
			done = append(done, a)
		} else {
			left = append(left, a)
		}
	}
	if len(done) > 0 {
		e.Action = done[0].name
	}
	return done, left
}

// simplify takes out of an example what it does not need, and puts names that look
// real where any name will do.
func (p *pursuit) simplify(e *Example) *Example {
	try := func(change func(*Example)) bool {
		next := *e
		next.Context, next.contexts = maps.Clone(e.Context), map[*side]iam.Context{}
		change(&next)
		p.name(&next)
		ok := p.holds(&next)
		if ok {
			*e = next
		}
		return ok
	}
	for _, key := range slices.Sorted(maps.Keys(e.Context)) {
		try(func(next *Example) { delete(next.Context, key) })
	}
	if e.Context["aws:principalarn"] != nil {
		for _, arn := range p.likely(e.Context["aws:principalarn"]) {
			if try(func(next *Example) { next.Context["aws:principalarn"] = []string{arn} }) {
				break
			}
		}
	}
	parts := strings.SplitN(e.Resource, ":", 6)
	for i, value := range [...]string{1: "aws", 3: "eu-west-3", 4: string(p.to.own)} {
		if len(parts) == 6 && value != "" && parts[i] != "" {
			try(func(next *Example) {
				parts := strings.SplitN(next.Resource, ":", 6)
				parts[i] = value
				next.Resource = strings.Join(parts, ":")
			})
		}
	}
	return e
}

// likely are ARNs that a caller may really have, to take the place of a made one.
func (p *pursuit) likely(made []string) []string {
	account := "arn:aws:iam::" + string(p.to.own) + ":"
	out := []string{account + "user/someone", account + "role/somerole"}
	for _, arn := range made {
		if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
			out = append(out, account+parts[5])
		}
	}
	return out
}

// told is an example as a report shows it: with the keys that follow from the caller,
// without those that are absent, and with names as AWS writes them.
func (e *Example) told() *Example {
	out := *e
	out.Context = map[string][]string{}
	keys := maps.Clone(e.Context)
	if e.caller != nil {
		maps.Copy(keys, e.caller.Keys)
	}
	for key, values := range keys {
		if len(values) == 0 {
			continue
		}
		if k, ok := metadata.FindKey(key); ok && strings.EqualFold(k.Name, key) {
			key = k.Name
		}
		out.Context[key] = values
	}
	return &out
}

// fill puts names for the wildcards of an ARN's form.
func (p *pursuit) fill(form string) string {
	parts := strings.SplitN(form, ":", 6)
	for i := range parts {
		value := "x"
		switch i {
		case 1:
			value = "aws"
		case 3:
			value = "eu-west-3"
		case 4:
			value = string(p.to.own)
		}
		parts[i] = strings.ReplaceAll(parts[i], "?*", value)
	}
	return strings.Join(parts, ":")
}

// bindings are values for the policy variables of the class's statements: first names
// that nobody else has, then those that conditions name, then none.
func (p *pursuit) bindings() []map[string][]string {
	keys := p.variables()
	if len(keys) == 0 {
		return []map[string][]string{nil}
	}
	fresh, absent := map[string][]string{}, map[string][]string{}
	for i, key := range keys {
		fresh[key], absent[key] = []string{freshValue(key, i)}, nil
	}
	out := []map[string][]string{fresh}
	for _, st := range p.class.statements {
		for _, t := range st.Tests() {
			if !slices.Contains(keys, t.LowerKey()) {
				continue
			}
			for _, v := range t.Values {
				if len(out) < maxBindings-1 && !strings.ContainsAny(v, "*?$") {
					with := maps.Clone(fresh)
					with[t.LowerKey()] = []string{v}
					out = append(out, with)
				}
			}
		}
	}
	return append(out, absent)
}

func freshValue(key string, i int) string {
	switch key {
	case "aws:username":
		return "someone"
	case "aws:principalaccount", "aws:resourceaccount", "aws:sourceaccount":
		return string(caller.Example)
	}
	return "name" + string(rune('a'+i%26))
}

// variables are the keys of the class's policy variables that are not known.
func (p *pursuit) variables() (keys []string) {
	add := func(st *stmt, key string) {
		if _, there := st.side.known.Values(key); there == iam.Unknown && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, st := range p.class.statements {
		if !st.variables {
			continue
		}
		for _, text := range append(st.src.Resource.Values(), st.src.NotResource.Values()...) {
			v := pattern.Parse(text, pattern.Syntax{Wildcards: true, Variables: true})
			for _, token := range v.Tokens() {
				if token.Kind == pattern.Variable {
					add(st, token.Text)
				}
			}
		}
		for i := range st.Tests() {
			for _, key := range st.Tests()[i].VariableKeys() {
				add(st, key)
			}
		}
	}
	slices.Sort(keys)
	return keys
}
