package value

import (
	"fmt"
	"strings"
)

// maxExpansions bounds the values that the placeholders of one value make.
const maxExpansions = 100_000

// Expand replaces the placeholders %name% of a value by all combinations of
// their values. A backslash makes a percent sign plain.
// Missing are the placeholders without values.
func Expand(s string, values map[string][]string) (out, missing []string, err error) {
	out = []string{""}
	appendAll := func(tails []string) {
		var next []string
		for _, head := range out {
			for _, tail := range tails {
				next = append(next, head+tail)
			}
		}
		out = next
	}
	for s != "" {
		text, name, rest := cutPlaceholder(s)
		appendAll([]string{text})
		if name != "" {
			v := values[name]
			if len(v) == 0 {
				missing = append(missing, name)
			}
			if len(out)*len(v) > maxExpansions {
				return nil, nil, fmt.Errorf("placeholders make more than %d values", maxExpansions)
			}
			appendAll(v)
		}
		s = rest
	}
	return out, missing, nil
}

// cutPlaceholder splits s after its first placeholder; name is empty when it has
// none, and text is then all of s with \% resolved.
func cutPlaceholder(s string) (text, name, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			if s[i] != '%' {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		case s[i] == '%':
			name, rest, ok := strings.Cut(s[i+1:], "%")
			if ok && placeholderName(name) {
				return b.String(), name, rest
			}
			b.WriteByte('%')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), "", ""
}

func placeholderName(s string) bool {
	for _, c := range s {
		if c != '_' && c != '-' && c != '.' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != ""
}
