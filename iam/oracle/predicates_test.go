package oracle

import (
	"encoding/json"
	"strings"
)

func request(c object, field string) string {
	r, _ := c["request"].(object)
	s, _ := r[field].(string)
	return s
}

func isRoot(c object) bool { return strings.HasSuffix(request(c, "principal"), ":root") }

func isAction(action string) func(object) bool {
	return func(c object) bool { return request(c, "action") == action }
}

func hasLayer(name string) func(object) bool {
	return func(c object) bool { return c[name] != nil }
}

func notLayer(name string) func(object) bool {
	return func(c object) bool { return c[name] == nil }
}

func both(a, b func(object) bool) func(object) bool {
	return func(c object) bool { return a(c) && b(c) }
}

// mentions says whether the JSON of v holds text.
func mentions(v any, text string) bool {
	b, err := json.Marshal(v)
	return err == nil && strings.Contains(string(b), text)
}

// anyStatement holds when some statement of some layer does.
func anyStatement(holds func(layer string, policy, statement object) bool) func(object) bool {
	return func(c object) bool {
		for _, layer := range []string{"identity", "boundary", "session", "resource", "endpoint", "scps", "rcps"} {
			if inPolicies(layer, c[layer], holds) {
				return true
			}
		}
		return false
	}
}

// inPolicies walks lists, named policies and policies down to statements.
func inPolicies(layer string, v any, holds func(string, object, object) bool) bool {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if inPolicies(layer, item, holds) {
				return true
			}
		}
	case object:
		if p, ok := v["policy"]; ok {
			return inPolicies(layer, p, holds)
		}
		list, ok := v["Statement"].([]any)
		if !ok {
			list = []any{v["Statement"]}
		}
		for _, item := range list {
			if s, ok := item.(object); ok && holds(layer, v, s) {
				return true
			}
		}
	}
	return false
}

// anyTest holds when some condition of a statement with that effect ("" for any) does.
func anyTest(effect string, holds func(operator, key string, values any) bool) func(object) bool {
	return anyStatement(func(_ string, _, s object) bool {
		if effect != "" && s["Effect"] != effect {
			return false
		}
		condition, _ := s["Condition"].(object)
		for operator, block := range condition {
			keys, _ := block.(object)
			for key, values := range keys {
				if holds(operator, key, values) {
					return true
				}
			}
		}
		return false
	})
}
