package form

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Member finds a member of JSON by a path such as errors.0.code.
func Member(v any, path string) (any, bool) {
	for name := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			next, ok := in[name]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(in) {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// Same compares a value of JSON with one of YAML.
func Same(got, want any) bool {
	if g, ok := got.(float64); ok {
		w, err := strconv.ParseFloat(Written(want), 64)
		_, isText := want.(string)
		return err == nil && !isText && g == w
	}
	return cmp.Compare(fmt.Sprintf("%T %v", got, got), fmt.Sprintf("%T %v", want, want)) == 0
}
