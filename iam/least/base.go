package least

import (
	"slices"
	"strings"
	"unicode"

	"github.com/rootkeep/rootkeep/iam/lint/glob"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// addBase grants the Read and List actions of the services used as far as today's
// policies have them, without risky ones: the content of stores is no part of a base.
func (c *current) addBase(g *grants) {
	services := map[string]bool{}
	for _, gr := range g.list {
		service, _, _ := strings.Cut(gr.action, ":")
		services[service] = true
	}
	base := map[string]bool{}
	for _, service := range sorted(services) {
		for _, a := range metadata.Actions(service) {
			reads := a.Access == metadata.Read || a.Access == metadata.List
			base[a.String()] = reads && c.input.Log.set.Finder.Table().Risk(a.String()) == ""
		}
	}
	for _, gr := range g.list {
		// The base has it on all that the statement is about.
		gr.asToday = gr.asToday || base[gr.action]
	}
	for _, u := range c.units {
		for _, service := range sorted(services) {
			u.addReads(g, service+":", metadata.Actions(service), base)
		}
	}
}

// addReads grants the actions of a list that are in the base. All of them begin with
// the prefix; if no other action does, and the statement has a pattern for them itself,
// one pattern says it. Else it is tried word by word.
func (u *unit) addReads(g *grants, prefix string, list []metadata.Action, base map[string]bool) {
	any := false
	words := map[string][]metadata.Action{} // by what they begin with, one word longer
	for _, a := range list {
		any = any || base[a.String()]
		word := prefix + firstWord(strings.TrimPrefix(a.String(), prefix))
		words[word] = append(words[word], a)
	}
	switch {
	case !any:
	case len(list) == 1:
		if name := list[0].String(); u.single.MayAllow(name) {
			g.get(u, name, nil).asToday = true
		}
	case len(list) > 2 && !strings.HasSuffix(prefix, ":") && u.allowsPattern(prefix+"*") && onlyOf(prefix+"*", base):
		g.get(u, prefix+"*", nil).asToday = true
	default:
		for _, word := range sorted(words) {
			u.addReads(g, word, words[word], base)
		}
	}
}

// onlyOf says whether every action that a pattern covers is in the base.
func onlyOf(pattern string, base map[string]bool) bool {
	return !slices.ContainsFunc(metadata.MatchActions(pattern), func(a *metadata.Action) bool { return !base[a.String()] })
}

// firstWord of DescribeInstances is Describe. Letters that are all upper case are one
// word each.
func firstWord(name string) string {
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) {
			return name[:i]
		}
	}
	return name
}

// allowsPattern says whether one value of the statement's Action covers all that a
// pattern of actions stands for, actions of the future among them.
func (u *unit) allowsPattern(pattern string) bool {
	for _, value := range u.statement.Action.Values() {
		list := glob.Compile([]string{value, pattern}, true)
		if strings.Contains(value, ":") && list[0].Covers(&list[1]) || strings.Trim(value, "*") == "" && value != "" {
			return true
		}
	}
	return false
}
