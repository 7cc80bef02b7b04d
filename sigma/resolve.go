package sigma

import "slices"

// resolver turns the names in correlations into numbers.
type resolver struct {
	*compiler
	rules map[*Rule]int
	// state of a correlation: absent, visiting, failed, or 1 + its number.
	state map[*Correlation]int
}

const (
	visiting = -1
	failed   = -2
)

// visit resolves a correlation after those that it refers to. It returns whether
// the correlation is in the set.
func (r *resolver) visit(cor *Correlation) bool {
	if state, seen := r.state[cor]; seen {
		return state > 0
	}
	r.state[cor] = visiting
	cor.Inputs, cor.InTemporal = nil, false
	ok := true
	for _, name := range cor.Rules {
		in, resolved := r.input(cor, name)
		ok = ok && resolved
		cor.Inputs = append(cor.Inputs, in)
	}
	if !ok {
		r.state[cor] = failed
		return false
	}
	for _, in := range cor.Inputs {
		if in.Correlation >= 0 && cor.Type.Temporal() {
			r.set.correlations[in.Correlation].InTemporal = true
		}
	}
	r.set.correlations = append(r.set.correlations, cor)
	r.state[cor] = len(r.set.correlations)
	return true
}

func (r *resolver) input(cor *Correlation, name string) (Input, bool) {
	in := Input{Name: name, Rule: -1, Correlation: -1, Needed: slices.Contains(cor.Needs, name)}
	fail := func(format string, args ...any) (Input, bool) {
		r.problem(&cor.Header, cor.Line, SeverityError, format, args...)
		return in, false
	}
	ref, ok := r.lookup(name)
	switch {
	case !ok:
		return fail("correlation refers to %s, which is not loaded; hint: add the rule with this name or ID", name)
	case ref.rule != nil:
		in.Rule, ok = r.rules[ref.rule]
	case ref.correlation == nil:
		return fail("correlation refers to %s, which is a filter", name)
	case r.state[ref.correlation] == visiting:
		return fail("correlation refers to itself through %s", name)
	default:
		if ok = r.visit(ref.correlation); ok {
			in.Correlation = r.state[ref.correlation] - 1
		}
	}
	if !ok {
		return fail("correlation refers to %s, which has a fault", name)
	}
	group, missing := r.fields(cor, ref, name, cor.GroupBy)
	if missing != "" {
		return fail("group-by %s has no field in %s", missing, name)
	}
	fields, missing := r.fields(cor, ref, name, cor.Fields)
	if missing != "" {
		return fail("field %s has no field in %s", missing, name)
	}
	in.Group, in.Fields = group, fields
	return in, true
}

// fields resolves paths and aliases for one input: to field numbers for a rule,
// to positions in group-by for a correlation. Missing is a path without one.
func (r *resolver) fields(cor *Correlation, ref reference, name string, paths []string) (out []int, missing string) {
	for _, path := range paths {
		field, n, ok := path, 0, true
		if alias := cor.Aliases[path]; alias != nil {
			if field, ok = alias[name]; !ok {
				return nil, path
			}
		}
		if ref.rule != nil {
			n, ok = r.set.FieldNumber(field)
		} else {
			n = slices.Index(ref.correlation.GroupBy, field)
			ok = n >= 0
		}
		if !ok {
			return nil, path
		}
		out = append(out, n)
	}
	return out, ""
}

// setAlerts silences what only feeds correlations that do not ask for generate, and may be
// silenced by them.
func (r *resolver) setAlerts() {
	feeds, generated := map[*bool]bool{}, map[*bool]bool{}
	for _, cor := range r.set.correlations {
		for _, in := range cor.Inputs {
			var alerts *bool
			var header *Header
			if in.Rule >= 0 {
				alerts, header = &r.set.rules[in.Rule].Alerts, &r.set.rules[in.Rule].Header
			} else {
				alerts, header = &r.set.correlations[in.Correlation].Alerts, &r.set.correlations[in.Correlation].Header
			}
			if r.guards(header, &cor.Header) {
				continue
			}
			feeds[alerts] = true
			generated[alerts] = generated[alerts] || cor.Generate
		}
	}
	for alerts := range feeds {
		*alerts = generated[alerts]
	}
}
