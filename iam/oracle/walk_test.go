package oracle

import (
	"encoding/json"
	"slices"
	"strings"
)

func request(c object, field string) string {
	r, _ := c["request"].(object)
	s, _ := r[field].(string)
	return s
}

func isRoot(c object) bool { return strings.HasSuffix(request(c, "principal"), ":root") }

// signed says whether the caller belongs to an account.
func signed(c object) bool { return strings.HasPrefix(request(c, "principal"), "arn:") }

// contextValues are the values of a context key, whatever its capitals; nil if it is
// absent.
func contextValues(c object, key string) []string {
	r, _ := c["request"].(object)
	context, _ := r["context"].(object)
	for k, v := range context {
		if strings.EqualFold(k, key) {
			return texts(v)
		}
	}
	return nil
}

// texts is one text or a list of them, as a list; numbers and booleans as JSON.
func texts(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return []string{v}
	case []string:
		return v
	case []any:
		var out []string
		for _, item := range v {
			out = append(out, texts(item)...)
		}
		return out
	}
	b, _ := json.Marshal(v) // it came from JSON
	return []string{string(b)}
}

// place is a statement with where it stands.
type place struct {
	layer     string
	policy    object
	statement object
}

func (p place) denies() bool { return p.statement["Effect"] == "Deny" }

// elements are the keys of cases that hold policies.
var elements = []string{"identity", "boundary", "session", "resource", "endpoint", "scps", "rcps"}

// statements lists all statements of a case.
func statements(c object) []place {
	var out []place
	for _, layer := range elements {
		out = appendStatements(out, layer, c[layer])
	}
	return out
}

// appendStatements walks lists, named policies and policies down to statements.
func appendStatements(out []place, layer string, v any) []place {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			out = appendStatements(out, layer, item)
		}
	case object:
		if p, ok := v["policy"]; ok {
			return appendStatements(out, layer, p)
		}
		for _, item := range asList(v["Statement"]) {
			if s, ok := item.(object); ok {
				out = append(out, place{layer, v, s})
			}
		}
	}
	return out
}

// silence makes a statement one about a call that no case makes.
func (p place) silence() {
	for _, element := range []string{"NotAction", "NotResource", "NotPrincipal", "Condition"} {
		delete(p.statement, element)
	}
	p.statement["Action"] = "sqs:PurgeQueue"
	if p.statement["Resource"] == nil && !(p.layer == "resource" && p.statement["Principal"] != nil) {
		p.statement["Resource"] = "*"
	}
	if p.layer == "resource" || p.layer == "rcps" || p.layer == "endpoint" {
		p.statement["Principal"] = "*"
	}
}

// verdict says what becomes of a test of a condition.
type verdict uint8

const (
	keep verdict = iota
	holds
	fails
)

// judge asks about every test of the statement. A test that holds is taken out, one
// that fails silences the statement. It says whether anything changed.
func (p place) judge(about func(operator, key string, values []string) verdict) (changed bool) {
	condition, _ := p.statement["Condition"].(object)
	for operator, block := range condition {
		keys, _ := block.(object)
		for key, values := range keys {
			switch about(operator, key, texts(values)) {
			case fails:
				p.silence()
				return true
			case holds:
				delete(keys, key)
				changed = true
			}
		}
		if len(keys) == 0 {
			delete(condition, operator)
		}
	}
	if condition != nil && len(condition) == 0 {
		delete(p.statement, "Condition")
	}
	return changed
}

// replace rewrites texts in place: those of Resource and NotResource, and the values
// of tests for whose operator values says so.
func (p place) replace(resources bool, operators func(string) bool, rewrite func(string) string) (changed bool) {
	each := func(in object, key string) {
		var out []any
		old := texts(in[key])
		for _, text := range old {
			out = append(out, rewrite(text))
		}
		if !slices.Equal(old, texts(out)) {
			in[key], changed = out, true
		}
	}
	if resources {
		for _, element := range []string{"Resource", "NotResource"} {
			if p.statement[element] != nil {
				each(p.statement, element)
			}
		}
	}
	condition, _ := p.statement["Condition"].(object)
	for operator, block := range condition {
		if keys, _ := block.(object); operators(operator) {
			for key := range keys {
				each(keys, key)
			}
		}
	}
	return changed
}

// asList is a list as it is and anything else as a list of one.
func asList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// copied is a deep copy.
func copied(o object) object { return deep(o).(object) }

func deep(v any) any {
	switch v := v.(type) {
	case object:
		out := make(object, len(v))
		for k, item := range v {
			out[k] = deep(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = deep(item)
		}
		return out
	}
	return v
}

// clone is a case that may be rewritten.
func clone(line string) object {
	var c object
	if err := json.Unmarshal([]byte(line), &c); err != nil {
		panic(err) // the generator wrote it
	}
	return c
}
