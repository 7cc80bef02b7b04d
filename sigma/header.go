package sigma

import (
	"regexp"

	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma/value"
	"github.com/rootkeep/rootkeep/sigma/yamldoc"
)

// The forms that the JSON schemas of the specification ask for.
var (
	uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	dateForm = regexp.MustCompile(`^\d{4}-(0[1-9]|1[012])-(0[1-9]|[12]\d|3[01])$`)
	tagForm  = regexp.MustCompile(`^[a-z0-9_-]+\.[a-z0-9._-]+$`)
)

// rule reads a detection rule.
func (r *reader) rule(top []yamldoc.Entry) *Rule {
	rule := &Rule{Header: r.header(top, "detection"), Alerts: true}
	r.Require(top, "title", "logsource")
	for _, e := range top {
		if e.Name == "detection" {
			rule.detection = r.detection(e)
		}
	}
	return rule
}

// header reads all top-level keys but the one that defines the document.
func (r *reader) header(top []yamldoc.Entry, defining string) Header {
	h := Header{File: r.file, Line: r.Line(top[0].Key), Custom: map[string]ast.Node{}}
	for _, e := range top {
		switch {
		case e.Name == defining:
		case e.Name == "generate" && defining == "correlation":
		case r.describe(&h, e):
		case r.check(e, defining):
		default:
			h.Custom[e.Name] = e.Value
		}
	}
	return h
}

// describe reads the keys that Header keeps.
func (r *reader) describe(h *Header, e yamldoc.Entry) bool {
	switch e.Name {
	case "title":
		h.Title = r.Text(e, 256)
	case "id":
		h.ID = r.Form(e, uuidForm, "a UUID")
	case "name":
		h.Name = r.Text(e, 256)
	case "status":
		h.Status = r.OneOf(e, "stable", "test", "experimental", "deprecated", "unsupported")
	case "description":
		h.Description = r.Text(e, 65535)
	case "author":
		h.Author = r.Text(e, 0)
	case "level":
		level := r.OneOf(e, "informational", "low", "medium", "high", "critical")
		// oneOf has reported a wrong word already.
		h.Level, _ = rootkeep.ParseSeverity(level)
	case "tags":
		h.Tags = r.Texts(e, 0)
		for _, tag := range h.Tags {
			if !tagForm.MatchString(tag) {
				r.Fail(e.Value, "tag %q: want namespace.name in lower case", tag)
			}
		}
	case "references":
		h.References = r.Texts(e, 0)
	case "logsource":
		h.LogSource = r.logSource(e)
	default:
		return false
	}
	return true
}

// check reads the keys that the specification defines and rootkeep only checks.
func (r *reader) check(e yamldoc.Entry, defining string) bool {
	switch e.Name {
	case "date", "modified":
		r.Form(e, dateForm, "a date as 2026-11-22")
	case "taxonomy":
		r.Text(e, 256)
	case "license":
		r.Text(e, 0)
	case "fields":
		r.Texts(e, 0)
	case "scope":
		r.Texts(e, 2)
	case "falsepositives":
		if s, ok := yamldoc.Scalar(e.Value); ok && s.Kind == value.TextScalar && defining == "correlation" {
			return true
		}
		r.Texts(e, 2)
	case "related":
		r.related(e)
	default:
		return false
	}
	return true
}

func (r *reader) logSource(e yamldoc.Entry) LogSource {
	var l LogSource
	keys, _ := r.Mapping(e.Value, "logsource")
	for _, k := range keys {
		switch k.Name {
		case "category":
			l.Category = r.Text(k, 0)
		case "product":
			l.Product = r.Text(k, 0)
		case "service":
			l.Service = r.Text(k, 0)
		case "definition":
			r.Text(k, 0)
		}
	}
	return l
}

func (r *reader) related(e yamldoc.Entry) {
	list, ok := e.Value.(*ast.SequenceNode)
	if !ok {
		r.Fail(e.Value, "related must be a list, not %s", yamldoc.TypeOf(e.Value))
		return
	}
	for _, n := range list.Values {
		keys, ok := r.Mapping(n, "an entry of related")
		if !ok {
			continue
		}
		r.Require(keys, "id", "type")
		for _, k := range keys {
			switch k.Name {
			case "id":
				r.Form(k, uuidForm, "a UUID")
			case "type":
				r.OneOf(k, "derived", "obsolete", "merged", "renamed", "similar")
			}
		}
	}
}
