package logquery

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

type value struct {
	text     string
	number   float64
	isNumber bool
}

// comparison holds a field against values.
type comparison struct {
	field    string
	operator string // = < <= > >= like in
	values   []value
	regexp   *regexp.Regexp // of like
}

// present asks whether a field is there.
type present string

func (n present) eval(e *Event) (Truth, bool) {
	if strings.HasPrefix(string(n), "@") {
		return yes, false
	}
	_, ok := find(e.Record, string(n))
	return truth(ok), false
}

// find takes a field by its path; the members' own names may hold dots.
func find(v any, path string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		if found, ok := v[path]; ok {
			return found, found != nil
		}
		for i := 0; i < len(path); i++ {
			if path[i] != '.' {
				continue
			}
			if inner, ok := v[path[:i]]; ok {
				return find(inner, path[i+1:])
			}
		}
	case []any:
		head, rest, more := strings.Cut(path, ".")
		i, err := strconv.Atoi(head)
		if err != nil || i < 0 || i >= len(v) {
			return nil, false
		}
		if !more {
			return v[i], v[i] != nil
		}
		return find(v[i], rest)
	}
	return nil, false
}

func (n comparison) eval(e *Event) (Truth, bool) {
	if n.field == "@message" {
		return n.message(e.Text), false
	}
	if strings.HasPrefix(n.field, "@") {
		return unknown, false // the time or the name of a log stream
	}
	found, ok := find(e.Record, n.field)
	if !ok {
		return no, true
	}
	switch v := found.(type) {
	case string:
		return n.compare(v), false
	case json.Number:
		return n.compare(v.String()), false
	}
	return unknown, false // how AWS writes truth values, objects and lists in a comparison
}

// message looks for text in the event as a whole. Members come in an order of their own,
// so that only what lies within one member is certain.
func (n comparison) message(text string) Truth {
	if n.operator != "like" || n.regexp != nil || strings.ContainsAny(n.values[0].text, ", ") {
		return unknown
	}
	return n.compare(text)
}

func (n comparison) compare(text string) Truth {
	if n.regexp != nil {
		return truth(n.regexp.MatchString(text))
	}
	for _, v := range n.values {
		if n.one(text, v) {
			return yes
		}
	}
	return no
}

func (n comparison) one(text string, v value) bool {
	number, err := strconv.ParseFloat(text, 64)
	switch n.operator {
	case "like":
		return strings.Contains(text, v.text)
	case "=", "in":
		return text == v.text || v.isNumber && err == nil && number == v.number
	}
	if !v.isNumber || err != nil {
		return false
	}
	switch n.operator {
	case "<":
		return number < v.number
	case "<=":
		return number <= v.number
	case ">":
		return number > v.number
	}
	return number >= v.number
}
