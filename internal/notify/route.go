package notify

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/notify/hours"
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
		{"alert-escalated", "an alert that nobody took in time, or that became more severe or passed the second threshold of its rule, at once or later"},
		{"alert-handled", "somebody took an alert, or closed it"},
		{"alert-storm", "so many alerts of one kind that they are told of as one"},
		{"notice-failed", "a way takes no notices: it is told by the others"},
		{"suppression-ending", "a suppression of alerts ends soon"},
		{"test", "a try of the ways, asked for by an operator"},
	}
}

// Also is the topic whose routes take all notices of another one too, "" for none.
func Also(topic string) string {
	if topic == "alert-storm" {
		return "alert"
	}
	return ""
}

// Route says which notices go by which ways. What is left empty takes all.
type Route struct {
	Topics   []string     `yaml:"topics"`   // names, or patterns such as root-*
	Severity string       `yaml:"severity"` // this one and those above it
	Accounts []string     `yaml:"accounts"`
	Tags     []string     `yaml:"tags"` // names, or patterns such as team-*: one of them
	Hours    *hours.Hours `yaml:"hours"`
	Ways     []string     `yaml:"ways"`
}

// Quiet says when notices are held until its hours end. Critical notices, those that are
// urgent, and those whose topic begins with root- or source- are never held.
type Quiet struct {
	Below string       `yaml:"below"` // severity from which on nothing is held
	Hours *hours.Hours `yaml:"hours"`
	Ways  []string     `yaml:"ways"` // empty: all
}

// Router finds the ways of a notice.
type Router struct {
	ways   []string
	routes []route
	quiet  []quiet
}

type route struct {
	Route
	least rootkeep.Severity
	hours *hours.Span // nil for all
}

type quiet struct {
	Quiet
	below rootkeep.Severity
	hours *hours.Span
}

// NewRouter checks routes and quiet hours. Without any route, every notice goes by every
// way.
func NewRouter(ways []string, routes []Route, still ...Quiet) (*Router, error) {
	r := &Router{ways: ways}
	for i, given := range routes {
		checked, err := given.check(ways)
		if err != nil {
			return nil, fmt.Errorf("route %d: %w", i+1, err)
		}
		r.routes = append(r.routes, *checked)
	}
	for i, given := range still {
		checked, err := given.check(ways)
		if err != nil {
			return nil, fmt.Errorf("quiet %d: %w", i+1, err)
		}
		r.quiet = append(r.quiet, *checked)
	}
	return r, nil
}

func (r *Route) check(ways []string) (*route, error) {
	out := &route{Route: *r}
	var err error
	if r.Severity != "" {
		if out.least, err = rootkeep.ParseSeverity(r.Severity); err != nil {
			return nil, err
		}
	}
	if len(r.Ways) == 0 {
		return nil, errors.New("no way; hint: ways: [NAME]")
	}
	if err := configured(r.Ways, ways); err != nil {
		return nil, err
	}
	for _, pattern := range r.Topics {
		if !slices.ContainsFunc(Topics(), func(t Topic) bool { return fits(pattern, t.Name) }) {
			return nil, fmt.Errorf("topic %q: there is none; hint: rootkeep notify list shows the topics", pattern)
		}
	}
	for _, pattern := range r.Tags {
		if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
			return nil, fmt.Errorf("tag %q: want a name, or a pattern such as team-*", pattern)
		}
	}
	for _, a := range r.Accounts {
		if _, err := rootkeep.ParseAccountID(a); err != nil {
			return nil, err
		}
	}
	if r.Hours != nil {
		out.hours, err = r.Hours.Check()
	}
	return out, err
}

func configured(named, ways []string) error {
	for _, w := range named {
		if !slices.Contains(ways, w) {
			return fmt.Errorf("way %q is not configured", w)
		}
	}
	return nil
}

func (q *Quiet) check(ways []string) (*quiet, error) {
	out := &quiet{Quiet: *q}
	var err error
	switch {
	case q.Hours == nil:
		return nil, errors.New("no hours; hint: hours: {from: \"22:00\", to: \"07:00\", zone: Europe/Berlin}")
	case q.Below == "":
		return nil, errors.New("no severity; hint: below: high holds medium and what is below it")
	}
	if out.below, err = rootkeep.ParseSeverity(q.Below); err != nil {
		return nil, err
	}
	if err := configured(q.Ways, ways); err != nil {
		return nil, err
	}
	if out.hours, err = q.Hours.Check(); err != nil {
		return nil, err
	}
	if _, ends := out.hours.End(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); !ends {
		return nil, errors.New("hours that never end: nothing would be told; hint: leave the route out")
	}
	return out, nil
}

func fits(pattern, topic string) bool {
	ok, err := path.Match(pattern, topic)
	return err == nil && ok
}

// Ways are those that a notice goes by, in the order of the configuration. The zero time
// leaves the hours of routes aside.
func (r *Router) Ways(n Notice, at time.Time) []string {
	if len(r.routes) == 0 {
		return r.ways
	}
	var out []string
	for _, w := range r.ways {
		if slices.ContainsFunc(r.routes, func(to route) bool { return slices.Contains(to.Ways, w) && to.refuses(n, at) == "" }) {
			out = append(out, w)
		}
	}
	return out
}

// Held is until when a notice is held back on a way, the zero time if it is not.
func (r *Router) Held(n Notice, way string, at time.Time) time.Time {
	until := at
	for again := true; again && until.Sub(at) < hours.Longest; {
		again = false
		for i := range r.quiet {
			if q := &r.quiet[i]; q.holds(n, way, until) {
				if end, ends := q.hours.End(until); ends {
					until, again = end, true
				}
			}
		}
	}
	if until.Equal(at) {
		return time.Time{}
	}
	return until
}

func (q *quiet) holds(n Notice, way string, at time.Time) bool {
	loud := n.Urgent || n.Severity >= rootkeep.Critical || strings.HasPrefix(n.Topic, "root-") || strings.HasPrefix(n.Topic, "source-")
	return !loud && n.Severity < q.below && (len(q.Ways) == 0 || slices.Contains(q.Ways, way)) && q.hours.Have(at)
}

// Decision is what a route makes of a notice.
type Decision struct {
	Route int      `json:"route"` // counted from 1
	Ways  []string `json:"ways"`
	Not   string   `json:"not,omitempty"` // why it does not take the notice; empty: it does
}

// Explain says what each route makes of a notice.
func (r *Router) Explain(n Notice, at time.Time) []Decision {
	out := []Decision{}
	for i := range r.routes {
		out = append(out, Decision{i + 1, r.routes[i].Ways, r.routes[i].refuses(n, at)})
	}
	return out
}

// refuses says why the route does not take a notice, "" if it does.
func (r *route) refuses(n Notice, at time.Time) string {
	switch {
	case len(r.Topics) > 0 && !slices.ContainsFunc(r.Topics, func(p string) bool { return fits(p, n.Topic) || n.Also != "" && fits(p, n.Also) }):
		return "topic " + n.Topic + " is not " + strings.Join(r.Topics, " or ")
	case n.Severity < r.least:
		return "severity " + n.Severity.String() + " is below " + r.least.String()
	case len(r.Accounts) > 0 && !n.Unnamed && !slices.ContainsFunc(r.Accounts, n.concerns):
		return "account " + cmp.Or(n.Account, n.accounts(), "none") + " is not " + strings.Join(r.Accounts, " or ")
	case len(r.Tags) > 0 && !n.Untagged && !slices.ContainsFunc(r.Tags, func(p string) bool {
		return slices.ContainsFunc(n.Tags, func(tag string) bool { return fits(p, tag) })
	}):
		return "no tag is " + strings.Join(r.Tags, " or ")
	case r.hours != nil && !at.IsZero() && !r.hours.Have(at):
		return r.hours.Clock(at) + " is not within " + r.hours.String()
	}
	return ""
}
