package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// API holds the names that CloudTrail uses for event sources and events.
type API struct {
	open   map[string]bool  // by event source in lower case: logs calls that nobody documents
	events map[string]event // by lower-case name
	names  []string         // of events, sorted
}

// event is one event name with the services that log it.
type event struct {
	name    string
	sources []string
}

// ReadAPI reads lists of events. Each line holds event sources separated by
// commas, then event names, or * for a source whose names are not all known.
// Lines that start with # are comments.
func ReadAPI(texts ...string) (*API, error) {
	a := &API{open: map[string]bool{}, events: map[string]event{}}
	for _, text := range texts {
		n := 0
		for line := range strings.Lines(text) {
			n++
			words := strings.Fields(line)
			if len(words) == 0 || strings.HasPrefix(line, "#") {
				continue
			}
			if len(words) == 1 {
				return nil, fmt.Errorf("line %d: event source %s has no events", n, words[0])
			}
			for source := range strings.SplitSeq(words[0], ",") {
				a.add(strings.ToLower(source), words[1:])
			}
		}
	}
	for _, e := range a.events {
		a.names = append(a.names, e.name)
	}
	slices.Sort(a.names)
	return a, nil
}

func (a *API) add(source string, names []string) {
	a.open[source] = a.open[source] || slices.Contains(names, "*")
	for _, name := range names {
		if name == "*" {
			continue
		}
		e := a.events[strings.ToLower(name)]
		if e.name == "" {
			e.name = name
		}
		if !slices.Contains(e.sources, source) {
			e.sources = append(e.sources, source)
		}
		a.events[strings.ToLower(name)] = e
	}
}

// Has says whether CloudTrail logs an event of this name, with or without the API
// version that some services append.
func (a *API) Has(name string) bool {
	_, known := a.find(name)
	return known
}

// apiVersion is how some services end their event names: 20150331v2, or as much
// of it as a prefix gives.
var apiVersion = regexp.MustCompile(`2[0-9_]*(v[0-9]*)?$`)

// find looks an event up by its name, or by its name with an API version.
func (a *API) find(name string) (event, bool) {
	name = strings.ToLower(name)
	e, ok := a.events[name]
	if !ok {
		e, ok = a.events[apiVersion.ReplaceAllString(name, "")]
	}
	return e, ok
}

// source is an event source as the lists write it. The partition of China ends
// its hosts in .cn.
func (a *API) source(host string) (source string, known bool) {
	source = strings.TrimSuffix(strings.ToLower(host), ".cn")
	_, known = a.open[source]
	return source, known
}
