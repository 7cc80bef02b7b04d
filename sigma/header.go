package sigma

import (
	"regexp"

	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep"
)

// The forms that the JSON schemas of the specification ask for.
var (
	uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	dateForm = regexp.MustCompile(`^\d{4}-(0[1-9]|1[012])-(0[1-9]|[12]\d|3[01])$`)
	tagForm  = regexp.MustCompile(`^[a-z0-9_-]+\.[a-z0-9._-]+$`)
)

// rule reads a detection rule.
func (r *reader) rule(top []entry) *Rule {
	rule := &Rule{Header: r.header(top, "detection"), Alerts: true}
	r.require(top, "title", "logsource")
	for _, e := range top {
		if e.name == "detection" {
			rule.detection = r.detection(e)
		}
	}
	return rule
}

// header reads all top-level keys but the one that defines the document.
func (r *reader) header(top []entry, defining string) Header {
	h := Header{File: r.file, Custom: map[string]ast.Node{}}
	for _, e := range top {
		switch {
		case e.name == defining:
		case e.name == "generate" && defining == "correlation":
		case r.describe(&h, e):
		case r.check(e, defining):
		default:
			h.Custom[e.name] = e.value
		}
	}
	return h
}

// require reports top-level keys that are missing.
func (r *reader) require(top []entry, names ...string) {
	for _, name := range names {
		found := false
		for _, e := range top {
			found = found || e.name == name
		}
		if !found {
			r.fail(top[0].key, "%s is missing", name)
		}
	}
}

// describe reads the keys that Header keeps.
func (r *reader) describe(h *Header, e entry) bool {
	switch e.name {
	case "title":
		h.Title = r.text(e, 256)
	case "id":
		h.ID = r.form(e, uuidForm, "a UUID")
	case "name":
		h.Name = r.text(e, 256)
	case "status":
		h.Status = r.oneOf(e, "stable", "test", "experimental", "deprecated", "unsupported")
	case "description":
		h.Description = r.text(e, 65535)
	case "author":
		h.Author = r.text(e, 0)
	case "level":
		level := r.oneOf(e, "informational", "low", "medium", "high", "critical")
		// oneOf has reported a wrong word already.
		h.Level, _ = rootkeep.ParseSeverity(level)
	case "tags":
		h.Tags = r.texts(e, 0)
		for _, tag := range h.Tags {
			if !tagForm.MatchString(tag) {
				r.fail(e.value, "tag %q: want namespace.name in lower case", tag)
			}
		}
	case "references":
		h.References = r.texts(e, 0)
	case "logsource":
		h.LogSource = r.logSource(e)
	default:
		return false
	}
	return true
}

// check reads the keys that the specification defines and rootkeep only checks.
func (r *reader) check(e entry, defining string) bool {
	switch e.name {
	case "date", "modified":
		r.form(e, dateForm, "a date as 2026-11-22")
	case "taxonomy":
		r.text(e, 256)
	case "license":
		r.text(e, 0)
	case "fields":
		r.texts(e, 0)
	case "scope":
		r.texts(e, 2)
	case "falsepositives":
		if s, ok := scalarOf(e.value); ok && s.kind == textScalar && defining == "correlation" {
			return true
		}
		r.texts(e, 2)
	case "related":
		r.related(e)
	default:
		return false
	}
	return true
}

func (r *reader) form(e entry, form *regexp.Regexp, want string) string {
	s := r.text(e, 0)
	if s != "" && !form.MatchString(s) {
		r.fail(e.value, "%s %q: want %s", e.name, s, want)
	}
	return s
}

func (r *reader) logSource(e entry) LogSource {
	var l LogSource
	keys, _ := r.mapping(e.value, "logsource")
	for _, k := range keys {
		switch k.name {
		case "category":
			l.Category = r.text(k, 0)
		case "product":
			l.Product = r.text(k, 0)
		case "service":
			l.Service = r.text(k, 0)
		case "definition":
			r.text(k, 0)
		}
	}
	return l
}

func (r *reader) related(e entry) {
	list, ok := e.value.(*ast.SequenceNode)
	if !ok {
		r.fail(e.value, "related must be a list, not %s", yamlType(e.value))
		return
	}
	for _, n := range list.Values {
		keys, ok := r.mapping(n, "an entry of related")
		if !ok {
			continue
		}
		r.require(keys, "id", "type")
		for _, k := range keys {
			switch k.name {
			case "id":
				r.form(k, uuidForm, "a UUID")
			case "type":
				r.oneOf(k, "derived", "obsolete", "merged", "renamed", "similar")
			}
		}
	}
}
