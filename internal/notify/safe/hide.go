package safe

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

const leastHidden = 12 // bytes of a part of an address that may be a token

// Hider takes secrets out of what the other side said: with them the parts of addresses
// that may be tokens, the longest first.
func Hider(secrets ...string) *strings.Replacer {
	all := slices.Clone(secrets)
	for _, s := range secrets {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" {
			continue
		}
		parts := append(strings.Split(u.Path, "/"), u.Path, u.EscapedPath(), u.RequestURI(), u.RawQuery)
		for _, values := range u.Query() {
			parts = append(parts, values...)
		}
		all = append(all, slices.DeleteFunc(parts, func(p string) bool { return len(p) < leastHidden })...)
	}
	slices.SortFunc(all, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	var pairs []string
	for _, s := range slices.Compact(all) {
		if s != "" {
			pairs = append(pairs, s, "redacted")
		}
	}
	return strings.NewReplacer(pairs...)
}
