package wire

import (
	"fmt"
	"net/url"
	"strings"
)

// ParseForm turns the parameters of the query protocol, such as
// Tags.member.1.Key=team, into maps by the parts of their names.
func ParseForm(form url.Values) (any, error) {
	root := map[string]any{}
	for name, values := range form {
		if len(values) != 1 {
			return nil, fmt.Errorf("parameter %s is there %d times", name, len(values))
		}
		parts := strings.Split(name, ".")
		if len(parts) > maxDepth {
			return nil, fmt.Errorf("parameter %s is nested too deep", name)
		}
		if err := put(root, parts, values[0]); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	return root, nil
}

func put(at map[string]any, parts []string, value string) error {
	for _, p := range parts[:len(parts)-1] {
		next, ok := at[p].(map[string]any)
		if !ok {
			if at[p] != nil {
				return fmt.Errorf("%s is a value and has parts", p)
			}
			next = map[string]any{}
			at[p] = next
		}
		at = next
	}
	last := parts[len(parts)-1]
	if _, ok := at[last]; ok {
		return fmt.Errorf("%s is a value and has parts", last)
	}
	at[last] = value
	return nil
}
