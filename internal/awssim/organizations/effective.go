package organizations

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// effective joins management policies of the levels of an organization with the
// operators @@assign, @@append and @@remove; what controls the operators of children is
// left out, as the operators are.
//
// Source: AWS Organizations User Guide, "Management policy inheritance operators".
func effective(levels [][]cloud.Text) (text string, found bool, err error) {
	out := map[string]any{}
	for _, level := range levels {
		for _, p := range level {
			var tree map[string]any
			if err := json.Unmarshal([]byte(p.Document), &tree); err != nil {
				return "", false, fmt.Errorf("policy %s: %w", p.Name, err)
			}
			found = true
			join(out, tree)
		}
	}
	raw, err := json.Marshal(out)
	return string(raw), found, err
}

// join puts the settings of a policy over those from above.
func join(into, from map[string]any) {
	for key, value := range from {
		if strings.HasPrefix(key, "@@") {
			continue
		}
		inner, ok := value.(map[string]any)
		if !ok {
			into[key] = value
			continue
		}
		if setting, ok := assigned(into[key], inner); ok {
			into[key] = setting
			continue
		}
		below, ok := into[key].(map[string]any)
		if !ok {
			below = map[string]any{}
			into[key] = below
		}
		join(below, inner)
	}
}

// assigned applies the value operators of a setting to the value from above.
func assigned(above any, setting map[string]any) (any, bool) {
	if v, ok := setting["@@assign"]; ok {
		return v, true
	}
	add, appends := setting["@@append"]
	drop, removes := setting["@@remove"]
	if !appends && !removes {
		return nil, false
	}
	list := asList(above)
	for _, v := range asList(add) {
		if !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	gone := asList(drop)
	return slices.DeleteFunc(list, func(v any) bool { return slices.Contains(gone, v) }), true
}

// asList is a list of the texts in a value; other values cannot be appended.
func asList(v any) []any {
	out := []any{}
	switch v := v.(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}
