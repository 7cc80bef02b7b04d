package least

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rootkeep/rootkeep/iam/least/event"
)

// volatile is what changes from call to call in names of resources. The order matters:
// a UUID is no run of digits.
var volatile = []struct {
	name string
	is   *regexp.Regexp
}{
	{"UUID", regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)},
	{"time", regexp.MustCompile(`\b20\d{2}-?[01]\d-?[0-3]\d[T_-]?[0-2]\d[:_-]?[0-5]\d(?:[:_-]?[0-5]\d)?Z?\b`)},
	{"date", regexp.MustCompile(`\b20\d{2}([-/_.]?)[01]\d([-/_.]?)[0-3]\d\b`)},
	{"year, month or day", regexp.MustCompile(`\b(?:year|month|day|hour|dt)=[0-9-]+`)},
	{"resource ID", regexp.MustCompile(`\b(?:i|vol|snap|ami|eni|sg|subnet|vpc|rtb|igw|nat|acl|lt|fl|pcx|tgw|vpce|eipalloc|r|s|t)-(?:[0-9a-f]{8}|[0-9a-f]{17})\b`)},
	{"hexadecimal ID", regexp.MustCompile(`(?i)\b[0-9a-f]{16,}\b`)},
	{"number", regexp.MustCompile(`\b\d{6,}\b`)},
}

// generalized replaces what is volatile by a star, in the part of an ARN that names the
// resource, and names what it replaced.
func generalized(r event.Resource) (event.Resource, []string) {
	parts := strings.SplitN(r.Text, ":", 6)
	// The UUID of a KMS key is its name: a star there would be every key.
	if len(parts) != 6 || r.Certainty != event.Named || parts[2] == "kms" || strings.Contains(r.Text, "${") {
		return r, nil
	}
	var found []string
	rest := parts[5]
	for _, v := range volatile {
		if v.is.MatchString(rest) {
			rest = v.is.ReplaceAllString(rest, "*")
			found = append(found, v.name)
		}
	}
	if len(found) == 0 {
		return r, nil
	}
	return event.Resource{Text: strings.Join(parts[:5], ":") + ":" + rest, Certainty: event.Derived}, found
}

// container is everything beside a resource: all objects of a bucket, all functions.
func container(r event.Resource) (event.Resource, bool) {
	parts := strings.SplitN(r.Text, ":", 6)
	if len(parts) != 6 || strings.Contains(r.Text, "${") {
		return r, false
	}
	at := strings.IndexAny(parts[5], "/:")
	if at < 0 || at == len(parts[5])-1 {
		return r, false
	}
	return event.Resource{Text: strings.Join(parts[:5], ":") + ":" + parts[5][:at+1] + "*", Certainty: event.Derived}, true
}

// settle decides the resources of every grant, and says what was widened.
func (g *grants) settle(scope Scope, most int) (notes []string) {
	for _, gr := range g.list {
		if scope == Any {
			gr.asToday = gr.asToday || !onlyStar(gr.resources)
			continue
		}
		if scope == Pattern {
			if note := gr.generalize(); note != "" {
				notes = append(notes, note)
			}
		}
		if !gr.asToday && len(gr.resources) > most {
			notes = append(notes, gr.shrink(most))
		}
	}
	return notes
}

func onlyStar(m map[string]event.Resource) bool {
	r, ok := m["*"]
	return ok && len(m) == 1 && r.Certainty == event.NoneHave
}

// generalize puts patterns in the place of resources, where the statement of today
// covers the pattern too.
func (gr *grant) generalize() string {
	counts := map[string]int{}
	out := map[string]event.Resource{}
	for _, r := range gr.resources {
		wide, what := generalized(r)
		if len(what) > 0 && gr.unit.covers(wide) {
			for _, w := range what {
				counts[w]++
			}
			r = wide
		}
		out[r.Text] = r
	}
	if len(counts) == 0 {
		return ""
	}
	var said []string
	for _, name := range sorted(counts) {
		said = append(said, fmt.Sprintf("%s in %d", name, counts[name]))
	}
	note := fmt.Sprintf("%s: in place of the resources seen, %d, stand patterns, %d (%s)", gr.action, len(gr.resources), len(out), strings.Join(said, ", "))
	gr.resources = out
	return note
}

// shrink brings the resources of a grant down to at most a number: by patterns, then by
// containers, then by what the statement has today.
func (gr *grant) shrink(most int) string {
	before := len(gr.resources)
	if gr.generalize(); len(gr.resources) <= most {
		return fmt.Sprintf("%s: %d resources are more than %d; what changes from name to name became *: %d patterns", gr.action, before, most, len(gr.resources))
	}
	out := map[string]event.Resource{}
	for _, r := range gr.resources {
		if wide, ok := container(r); ok && gr.unit.covers(wide) {
			r = wide
		}
		out[r.Text] = r
	}
	if gr.resources = out; len(out) <= most {
		return fmt.Sprintf("%s: %d resources are more than %d; widened to %d containers such as %s", gr.action, before, most, len(out), sorted(out)[0])
	}
	gr.asToday = true
	return fmt.Sprintf("%s: %d resources are more than %d and have no common part; left on the resources of %s", gr.action, before, most, gr.unit.ref)
}
