package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/lint/glob"
	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// oldTable says whether the table of actions is so old that an unknown name is more
// likely new than wrong.
func (c *checker) oldTable() bool { return !c.now.IsZero() && c.now.Sub(metadata.Date()) > stale }

// actionNames judges each entry of Action or NotAction by the table.
func (c *checker) actionNames() {
	list, name := c.st.actions()
	if list == nil {
		return
	}
	for i, item := range list.Items {
		if item.Value == "*" || jsonMarker(item.Value) || policy.IsVariable(item.Value) {
			continue
		}
		c.action(item.Value, c.st.at(name, list, i))
	}
}

func (c *checker) action(value string, at place) {
	service, action, ok := strings.Cut(value, ":")
	lower := strings.ToLower(service)
	switch {
	case strings.Trim(value, "*") == "":
	case !ok:
		c.add("INVALID_ACTION", fmt.Sprintf("%q has no form service:Action", value), at)
	case strings.ContainsAny(service, "*?"):
		if service != "*" || action != "*" {
			c.add("WILDCARD_IN_SERVICE_NAME", fmt.Sprintf("%q has a wildcard in the service", value), at)
		}
	case !known.Service(lower):
		c.add("INVALID_SERVICE_IN_ACTION", fmt.Sprintf("there is no service %s%s%s", service, c.suggest(lower, metadata.Services()), c.asOf()), at)
	case strings.Trim(action, "*") == "":
	case c.unknownAction(lower, action, value):
		c.add("INVALID_ACTION", fmt.Sprintf("there is no action %s%s%s", value, c.suggestAction(lower, action), c.asOf()), at)
	}
}

// unknownAction says whether a value covers no action of its service.
func (c *checker) unknownAction(service, action, value string) bool {
	if !strings.ContainsAny(action, "*?") {
		_, ok := metadata.FindAction(service, action)
		return !ok
	}
	return c.spend(len(metadata.Actions(service))) && len(metadata.MatchActions(value)) == 0
}

// asOf says how old the table is, when that matters.
func (c *checker) asOf() string {
	if c.oldTable() {
		return fmt.Sprintf(" in the table of %s", metadata.Date().Format("2006-01-02"))
	}
	return ""
}

func (c *checker) suggestAction(service, action string) string {
	if c.guesses >= maxGuesses {
		return ""
	}
	var names []string
	for _, a := range metadata.Actions(service) {
		names = append(names, a.Name)
	}
	return c.suggest(action, names)
}

// suggest is a known name that differs little, as a question.
func (c *checker) suggest(name string, names []string) string {
	if c.guesses++; c.guesses > maxGuesses {
		return ""
	}
	if best, ok := known.Nearest(name, names); ok {
		return ", did you mean " + best + "?"
	}
	return ""
}

func (c *checker) redundantActions() {
	list, name := c.st.actions()
	if list == nil || len(list.Items) < 2 {
		return
	}
	c.redundant("REDUNDANT_ACTION", name, list, c.st.entries())
}

func (c *checker) redundantResources() {
	list, name := c.st.resources()
	if list == nil || len(list.Items) < 2 {
		return
	}
	c.redundant("REDUNDANT_RESOURCE", name, list, glob.Compile(list.Values(), false))
}

func (c *checker) redundant(code, name string, list *policy.Texts, all []glob.Entry) {
	wild := 0
	for i := range all {
		if all[i].Wild() {
			wild++
		}
	}
	if !c.spend(wild * len(all)) {
		return
	}
	found, covering := glob.Groups(all)
	for g, members := range found {
		slices.Sort(members)
		var at []place
		for _, i := range members {
			if !jsonMarker(all[i].Text()) {
				at = append(at, c.st.at(name, list, i))
			}
		}
		if len(at) > 1 {
			c.add(code, fmt.Sprintf("%q covers %d other entries", list.Items[covering[g]].Value, len(at)-1), at...)
		}
	}
}

// coversAction is the first entry of Action that covers an action, in lower case.
func (s *statement) coversAction(action string) (index int, wild, ok bool) {
	if s.Action == nil {
		return 0, false, false
	}
	entries := s.entries()
	target := glob.Plain(action)
	for i := range entries {
		if !entries[i].Wild() && entries[i].Text() == action {
			return i, false, true
		}
	}
	for i := range entries {
		if entries[i].Wild() && entries[i].Covers(&target) {
			return i, true, true
		}
	}
	return 0, false, false
}

// excepts says whether NotAction leaves the action out.
func (s *statement) excepts(action string) bool {
	target := glob.Plain(action)
	entries := s.entries()
	for i := range entries {
		if entries[i].Covers(&target) {
			return true
		}
	}
	return false
}

// entries are Action or NotAction as patterns in lower case.
func (s *statement) entries() []glob.Entry {
	if s.compiled == nil {
		list, _ := s.actions()
		s.compiled = glob.Compile(list.Values(), true)
	}
	return s.compiled
}
