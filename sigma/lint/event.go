package lint

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma"
	"github.com/rootkeep/rootkeep/sigma/value"
)

// scope is which event sources a rule allows beside one of its event names.
type scope struct {
	any     bool     // some branch names no source
	open    bool     // some source logs names that nobody documents
	sources []string // that the branches name
}

// events judges the event sources and event names of a rule.
func (j *judge) events(branches []branch) {
	scopes := map[*sigma.Item]*scope{}
	var order []*sigma.Item
	for _, b := range branches {
		for _, l := range b {
			if l.item.Field != "eventName" && l.item.Field != "eventSource" || l.item.Modifiers.FieldRef || l.item.Modifiers.Expand {
				continue
			}
			if scopes[l.item] == nil {
				scopes[l.item] = &scope{}
				order = append(order, l.item)
			}
			scopes[l.item].add(j.api, b)
		}
	}
	for _, it := range order {
		if it.Field == "eventSource" {
			j.sources(it)
		} else if !scopes[it].open {
			j.eventNames(it, scopes[it])
		}
	}
}

// add takes in the event sources that one branch allows.
func (s *scope) add(api *API, b branch) {
	named := false
	for _, l := range b {
		if l.item.Field != "eventSource" || l.negated {
			continue
		}
		for _, f := range l.forms() {
			if f.kind != exact {
				continue
			}
			named = true
			source, known := api.source(f.text)
			s.open = s.open || !known || api.open[source]
			if !slices.Contains(s.sources, source) {
				s.sources = append(s.sources, source)
			}
		}
	}
	s.any = s.any || !named
}

// sources reports event sources that no service has.
func (j *judge) sources(it *sigma.Item) {
	never := true
	for _, v := range it.Values {
		ok := v.Kind != value.TextScalar
		if f := formOf(&it.Modifiers, v); !ok && f.kind == exact {
			_, ok = j.api.source(f.text)
		} else if !ok {
			ok = j.anySource(it, v)
		}
		if !ok {
			j.report(it.Line, "unknown-service", Warning, "no AWS service logs as %s; hint: eventSource is a host such as iam.amazonaws.com", v.Text)
		}
		never = never && !ok
	}
	if never {
		j.impossible[it] = true
	}
}

func (j *judge) anySource(it *sigma.Item, v value.Scalar) bool {
	accepts := accepter(it, v)
	for source := range j.api.open {
		if accepts(source) {
			return true
		}
	}
	return false
}

// eventNames reports event names that no service logs, or none of the services
// that stand beside them.
func (j *judge) eventNames(it *sigma.Item, s *scope) {
	never := true
	for _, v := range it.Values {
		ok := v.Kind != value.TextScalar || j.eventName(it, v, s)
		never = never && !ok
	}
	if never {
		j.impossible[it] = true
	}
}

func (j *judge) eventName(it *sigma.Item, v value.Scalar, s *scope) bool {
	f := formOf(&it.Modifiers, v)
	if f.kind != exact {
		if j.anyEvent(it, v, f) {
			return true
		}
		j.report(it.Line, "unknown-event", Warning, "no API operation and no other event has a name that matches %s: %s", it.Key, v.Text)
		return false
	}
	e, known := j.api.find(f.text)
	if !known {
		j.report(it.Line, "unknown-event", Warning, "%s is no API operation and no other event that CloudTrail logs%s", v.Text, j.similar(f.text))
		return false
	}
	if f.cased && !strings.HasPrefix(f.text, e.name) {
		j.report(it.Line, "event-name-case", Warning, "CloudTrail writes %s, which %s: %s never equals; hint: leave cased out", e.name, it.Key, v.Text)
		return false
	}
	if s.any || slices.ContainsFunc(e.sources, func(source string) bool { return slices.Contains(s.sources, source) }) {
		return true
	}
	j.report(it.Line, "event-of-other-service", Warning, "%s is not logged by %s; hint: %s", v.Text, strings.Join(s.sources, " or "), e.loggedBy())
	return false
}

// maxShown bounds the event sources that a hint lists.
const maxShown = 3

func (e event) loggedBy() string {
	if len(e.sources) > maxShown {
		return "it is an event of other services"
	}
	return "it is an event of " + strings.Join(e.sources, ", ")
}

// anyEvent says whether a pattern matches some event name. The start of a name
// may reach into an API version, which the list does not have.
func (j *judge) anyEvent(it *sigma.Item, v value.Scalar, f form) bool {
	if f.kind == prefix {
		if _, ok := j.api.find(f.text); ok {
			return true
		}
	}
	return slices.ContainsFunc(j.api.names, accepter(it, v))
}

// accepter says whether a value of an item accepts a text, before any negation.
func accepter(it *sigma.Item, v value.Scalar) func(text string) bool {
	tests, err := it.Modifiers.Tests(v, v.Text)
	if err != nil { // Compile has refused the rule
		return func(string) bool { return true }
	}
	return func(text string) bool {
		var s value.Subject
		s.Read(rootkeep.Value{Kind: rootkeep.String, Text: []byte(text)})
		return slices.ContainsFunc(tests, func(t value.Test) bool { return t.Holds(&s) })
	}
}

// similar is a hint at the event name that was meant: one that has the same
// start or end.
func (j *judge) similar(name string) string {
	name = fold(name)
	for _, known := range j.api.names {
		if k := fold(known); len(k) >= 6 && len(name) >= 6 && (strings.HasPrefix(k, name) || strings.HasPrefix(name, k) || strings.HasSuffix(k, name)) {
			return "; hint: there is " + known
		}
	}
	return ""
}
