package notify

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/rootkeep/rootkeep"
)

// Topic is what notices are about.
type Topic struct{ Name, About string }

// Topics lists them: a route that names another would never take anything.
func Topics() []Topic {
	return []Topic{
		{"root-unexplained", "an event of a root user, or about one, that no approved request and no recorded scan covers"},
		{"root-override", "root was used without approvals, in an emergency"},
		{"root-overrun", "a root session is open for longer than was approved"},
		{"approval-wanted", "a request waits for somebody's approval"},
		{"source-silent", "a source of events has not answered for long, or nobody reads it"},
		{"source-fault", "a source of events cannot read something"},
		{"alert", "a detection found something"},
		{"alert-escalated", "an alert that nobody took in time, or that became more severe"},
		{"alert-handled", "somebody took an alert, or closed it"},
		{"alert-storm", "so many alerts of one kind that they are told of as one"},
		{"suppression-ending", "a suppression of alerts ends soon"},
		{"test", "a try of the ways, asked for by an operator"},
	}
}

// Route says which notices go by which ways. What is left empty takes all.
type Route struct {
	Topics   []string `yaml:"topics"`   // names, or patterns such as root-*
	Severity string   `yaml:"severity"` // this one and those above it
	Accounts []string `yaml:"accounts"`
	Ways     []string `yaml:"ways"`
}

// Router finds the ways of a notice.
type Router struct {
	ways   []string
	routes []route
}

type route struct {
	Route
	least rootkeep.Severity
}

// NewRouter checks routes. Without any, every notice goes by every way.
func NewRouter(ways []string, routes []Route) (*Router, error) {
	r := &Router{ways: ways}
	for i, given := range routes {
		at := fmt.Sprintf("route %d", i+1)
		checked := route{Route: given}
		if given.Severity != "" {
			least, err := rootkeep.ParseSeverity(given.Severity)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", at, err)
			}
			checked.least = least
		}
		if err := given.check(ways); err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		r.routes = append(r.routes, checked)
	}
	return r, nil
}

func (r *Route) check(ways []string) error {
	if len(r.Ways) == 0 {
		return errors.New("no way; hint: ways: [NAME]")
	}
	for _, w := range r.Ways {
		if !slices.Contains(ways, w) {
			return fmt.Errorf("way %q is not configured", w)
		}
	}
	for _, pattern := range r.Topics {
		if !slices.ContainsFunc(Topics(), func(t Topic) bool { return fits(pattern, t.Name) }) {
			return fmt.Errorf("topic %q: there is none; hint: rootkeep notify list shows the topics", pattern)
		}
	}
	for _, a := range r.Accounts {
		if _, err := rootkeep.ParseAccountID(a); err != nil {
			return err
		}
	}
	return nil
}

func fits(pattern, topic string) bool {
	ok, err := path.Match(pattern, topic)
	return err == nil && ok
}

// Ways are those that a notice goes by, in the order of the configuration.
func (r *Router) Ways(n Notice) []string {
	if len(r.routes) == 0 {
		return r.ways
	}
	var out []string
	for _, w := range r.ways {
		if slices.ContainsFunc(r.routes, func(to route) bool { return slices.Contains(to.Ways, w) && to.takes(n) }) {
			out = append(out, w)
		}
	}
	return out
}

func (r *route) takes(n Notice) bool {
	topic := len(r.Topics) == 0 || slices.ContainsFunc(r.Topics, func(p string) bool { return fits(p, n.Topic) })
	account := len(r.Accounts) == 0 || slices.Contains(r.Accounts, n.Account)
	return topic && account && n.Severity >= r.least
}
