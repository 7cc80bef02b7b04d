package diff

import (
	"fmt"
	"slices"
	"strings"

	"time"

	"github.com/rootkeep/rootkeep/iam/diff/partition"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// pursuit looks for requests of one class of actions that to allows and from does not.
type pursuit struct {
	*comparison
	*class
	from, to *side

	changes, open []Change
	last          *Example // that was found, a start for the next
}

// Bounds of one pursuit.
const (
	maxProduct  = 4096 // boxes of Allows that meet over all levels
	classSteps  = 60_000
	maxTries    = 8   // examples in one space that the evaluator refuses
	maxGroups   = 600 // groups of actions by resource types in a class
	maxBindings = 10
)

// allowance is a part of what a side allows, and the statement that does.
type allowance struct {
	box
	by *stmt
}

// tooMuch is the reason when a bound was reached.
const tooMuch = "too many statements and conditions to compare"

func (p *pursuit) run() {
	proof, ok := p.space(&space{proof: true})
	if !ok {
		p.leave(p.actions, nil, tooMuch)
		return
	}
	claim, point, verdict := p.search(proof, nil)
	switch {
	case verdict == No && p.crowded:
		p.leave(p.actions, nil, "too many principals to compare")
		return
	case verdict == No:
		return
	case verdict == Unknown:
		p.leave(p.actions, nil, tooMuch)
		return
	}
	groups := p.groups()
	for i, group := range groups {
		if hopeless := p.group(group, proof, claim, point); hopeless {
			p.leave(slices.Concat(groups[i+1:]...), claim, p.reason(proof, point))
			return
		}
	}
}

// space makes a space of the class's statements, if there is work left for it.
func (p *pursuit) space(sp *space) (*space, bool) {
	if p.steps <= 0 {
		return nil, false
	}
	sp.callers = p.callers
	newSpace(p.class.statements, sp)
	p.steps -= sp.cost
	return sp, !sp.large
}

// leave notes actions as not known.
func (p *pursuit) leave(actions []action, by *claimed, reason string) {
	if len(actions) == 0 {
		return
	}
	ch := Change{Actions: described(actions), Reason: reason}
	if by != nil {
		ch.By, ch.Despite = by.places()
		ch.Conditional = by.conditional()
	}
	p.open = append(p.open, ch)
}

// claimed are the statements on which a find rests.
type claimed struct{ by, despite *stmt }

func (c *claimed) places() (by, despite *Place) {
	if c.by != nil {
		at := c.by.place()
		by = &at
	}
	if c.despite != nil {
		at := c.despite.place()
		despite = &at
	}
	return by, despite
}

func (c *claimed) conditional() bool { return c.by != nil && len(c.by.Tests()) > 0 }

func described(actions []action) []Action {
	out := make([]Action, len(actions))
	for i, a := range actions {
		out[i] = Action{Name: a.name, Unlisted: a.listed == nil}
		if a.listed != nil {
			out[i].Access = a.listed.Access.String()
		}
	}
	return out
}

// groups divides the actions by the resource types that they take.
func (p *pursuit) groups() [][]action {
	at := map[string]int{}
	var out [][]action
	for _, a := range p.actions {
		key := fmt.Sprint(a.star(), a.optional(), p.types(a))
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], a)
	}
	return out
}

// group looks for examples of a group, and for the reason if there is none. It is
// hopeless when there is none on any resource: other groups have none then either.
func (p *pursuit) group(actions []action, proof *space, why *claimed, point []int) (hopeless bool) {
	if len(p.changes)+len(p.open) > maxGroups {
		p.leave(actions, why, "too many resource types to look for examples")
		return false
	}
	rest := actions
	if p.last != nil {
		rest = p.again(rest)
	}
	types := strings.Split(p.types(actions[0]), "\n")
	if types[0] == "" {
		types = nil
	}
	star := actions[0].star()
	misfit := !star && !p.reaches(types)
	hopeless = !misfit && !star
	for _, bound := range p.bindings() {
		if len(rest) == 0 || misfit {
			break
		}
		sp, ok := p.space(&space{star: star, bound: bound, types: types, optional: actions[0].optional()})
		if !ok {
			p.leave(rest, why, tooMuch)
			return false
		}
		var where outcome
		rest, where = p.examples(sp, rest)
		misfit = len(rest) == len(actions) && where == onMisfit
		hopeless = hopeless && where == nowhere
	}
	if len(rest) == 0 {
		return false
	}
	if misfit || star && proof.certain(point) {
		p.leave(rest, why, "only on resources of a form that these actions do not take by the action table of "+metadata.Date().Format(time.DateOnly))
		return false
	}
	p.leave(rest, why, p.reason(proof, point))
	return hopeless
}

// reaches says whether some Allow may cover a resource of these types, judged by the
// service in its ARN: most statements for all actions name resources of one service.
func (p *pursuit) reaches(types []string) bool {
	if p.to.levels == 0 {
		return true
	}
	for _, st := range p.class.statements {
		switch {
		case st.side != p.to || st.denies:
			continue
		case st.src.Resource == nil || len(types) == 0:
			return true
		}
		for _, text := range st.src.Resource.Values() {
			parts := strings.SplitN(text, ":", 4)
			if len(parts) < 4 {
				return true
			}
			service := partition.ParseGlob(parts[2])
			for _, form := range types {
				if of := strings.SplitN(form, ":", 4)[2]; strings.ContainsAny(of, "*?") || service.Match(of) {
					return true
				}
			}
		}
	}
	return false
}

// certain says whether nothing that is free decides about a point.
func (sp *space) certain(point []int) bool { return len(sp.unresolved(point)) == 0 }

func (sp *space) unresolved(point []int) (out []string) {
	for d, cell := range point {
		if what := sp.dims[d].free; what != "" && cell >= 0 && !slices.Contains(out, what) {
			out = append(out, what)
		}
	}
	return out
}

// reason is what keeps the find from being certain.
func (p *pursuit) reason(proof *space, point []int) string {
	parts := proof.unresolved(point)
	if len(parts) == 0 {
		return "the classes of requests overlap, but no single request was found that shows it"
	}
	return "cannot be compared: " + strings.Join(parts, "; ")
}

// outcome says where examples were found.
type outcome uint8

const (
	unsure   outcome = iota // what was found was refused by the evaluator, or the search ended early
	found                   // on a resource that the actions take
	onMisfit                // only on a resource that the actions do not take
	nowhere
)

// examples looks for a request in a space that the evaluator confirms, and returns the
// actions for which there is none.
func (p *pursuit) examples(sp *space, actions []action) (rest []action, where outcome) {
	refused := sp.misfits()
	misfits := len(refused)
	for try := range maxTries {
		claim, point, verdict := p.search(sp, refused)
		switch {
		case verdict == No && try == 0:
			if misfits > 0 {
				if _, _, verdict = p.search(sp, nil); verdict == Yes {
					return actions, onMisfit
				}
			}
			if verdict == No && sp.undivided == "" {
				return actions, nowhere
			}
			return actions, unsure
		case verdict != Yes:
			return actions, unsure
		}
		e := p.realize(sp, point, actions[0])
		if done, left := p.confirm(e, actions); len(done) > 0 {
			who := p.others(sp, point, refused, done[0])
			p.record(claim, p.simplify(e), who, done)
			return left, found
		}
		s := search{sizes: sp.sizes()}
		refused = append(refused, s.cell(point))
	}
	return actions, unsure
}

// others are all callers for whom there is an example like the one found, the first of
// them included.
func (p *pursuit) others(sp *space, point []int, refused []box, a action) (who []string) {
	if !p.to.kind.named() {
		return nil
	}
	callers := sp.dims[callerDim].callers
	left := mask(nil)
	for range callers {
		at := max(point[callerDim], 0)
		if e := p.realize(sp, point, a); p.holds(e) && !slices.Contains(who, callers[at].Stands) {
			who = append(who, callers[at].Stands)
		}
		one := newMask(len(callers))
		one.set(at)
		left = left.without(one, len(callers))
		others := box{}.with(callerDim, mask(nil).without(left, len(callers)))
		var verdict Answer
		if _, point, verdict = p.search(sp, append(refused[:len(refused):len(refused)], others)); verdict != Yes {
			break
		}
	}
	return who
}

// record notes a find.
func (p *pursuit) record(by *claimed, e *Example, who []string, actions []action) {
	at, despite := by.places()
	p.last = e
	p.changes = append(p.changes, Change{Actions: described(actions), Principals: who, By: at, Despite: despite, Conditional: by.conditional(), Example: e.told()})
}

// again tries the last example with resources of the actions' own types.
func (p *pursuit) again(actions []action) (rest []action) {
	if actions[0].star() {
		return actions
	}
	last := &p.changes[len(p.changes)-1]
	for _, a := range actions {
		e := *p.last
		e.Action = a.name
		ok := false
		for form := range strings.SplitSeq(p.types(a), "\n") {
			if form == "" {
				continue
			}
			if e.Resource = p.fill(form); p.holds(&e) {
				ok = true
				break
			}
		}
		if !ok {
			rest = append(rest, a)
			continue
		}
		last.Actions = append(last.Actions, described([]action{a})...)
	}
	return rest
}

// allowances are what a side allows before its Denies, and the Denies.
func (sp *space) allowances(s *side, statements []*stmt, unsureAllow, unsureDeny bool) (allows, denies []allowance, ok bool) {
	levels := make([][]allowance, s.levels)
	for _, st := range statements {
		switch {
		case st.side != s:
		case st.denies:
			for _, b := range sp.boxes(st, unsureDeny) {
				denies = append(denies, allowance{b, st})
			}
		case st.level < s.levels:
			for _, b := range sp.boxes(st, unsureAllow) {
				levels[st.level] = append(levels[st.level], allowance{b, st})
			}
		}
	}
	allows = []allowance{{}}
	for i, level := range levels {
		var next []allowance
		for _, a := range allows {
			for _, b := range level {
				both, meet := a.and(b.box)
				if !meet {
					continue
				}
				by := a.by
				if i == 0 {
					by = b.by
				}
				if next = append(next, allowance{both, by}); len(next) > maxProduct {
					return nil, nil, false
				}
			}
		}
		allows = next
	}
	return allows, denies, true
}

// search finds a point that to allows and from does not, outside of refused.
func (p *pursuit) search(sp *space, refused []box) (*claimed, []int, Answer) {
	toAllows, toDenies, ok := sp.allowances(p.to, p.class.statements, false, true)
	fromAllows, fromDenies, ok2 := sp.allowances(p.from, p.class.statements, true, false)
	if !ok || !ok2 {
		return nil, nil, Unknown
	}
	covers := slices.Concat(refused, sp.impossible)
	for _, d := range toDenies {
		covers = append(covers, d.box)
	}
	all := slices.Clip(covers)
	for _, a := range fromAllows {
		all = append(all, a.box)
	}
	p.steps -= len(all)
	s := search{sizes: sp.sizes(), steps: min(classSteps, p.steps)}
	defer func(before int) { p.steps -= before - max(0, s.steps) }(s.steps)
	for _, a := range toAllows {
		if point, ok := s.outside(a.box, all); ok {
			return &claimed{by: a.by}, point, Yes
		}
		for _, d := range fromDenies {
			both, meet := a.and(d.box)
			if !meet {
				continue
			}
			if point, ok := s.outside(both, covers); ok {
				return &claimed{a.by, d.by}, point, Yes
			}
		}
		if s.steps <= 0 {
			return nil, nil, Unknown
		}
	}
	return nil, nil, No
}
