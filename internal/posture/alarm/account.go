package alarm

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// account is what is known of one account.
type account struct {
	id       rootkeep.AccountID
	snapshot *facts.Snapshot
	*facts.Facts
	unknown map[string]facts.Gap // by path
}

func newAccount(s *facts.Snapshot) *account {
	a := &account{id: s.Account, snapshot: s, Facts: &s.Facts, unknown: map[string]facts.Gap{}}
	for _, g := range s.Unknown() {
		a.unknown[g.Path] = g
	}
	return a
}

// lacks lists why a fact of a list is not known of all its elements. wholly says that
// nothing of it is known; otherwise what is in the list was read.
func (a *account) lacks(path string) (gaps []facts.Gap, wholly bool) {
	for _, g := range a.snapshot.Gaps {
		if g.Path == path || strings.HasPrefix(path, g.Path+".") {
			gaps = append(gaps, g)
			wholly = wholly || g.Resource == "" && g.Regions == ""
		}
	}
	if _, known := a.snapshot.Origin(path); known {
		return gaps, wholly
	}
	if len(gaps) == 0 {
		gaps = append(gaps, a.unknown[path])
	}
	return gaps, true
}

// lacksAll is lacks of several facts together.
func (a *account) lacksAll(paths ...string) (gaps []facts.Gap, wholly bool) {
	for _, p := range paths {
		g, w := a.lacks(p)
		gaps, wholly = append(gaps, g...), wholly || w
	}
	return gaps, wholly
}

// of keeps the gaps that may be about an element of a list: by its key, by its Region,
// or about all.
func of(gaps []facts.Gap, key string) []facts.Gap {
	arn, _ := rootkeep.ParseARN(key)
	var out []facts.Gap
	for _, g := range gaps {
		if g.Resource != "" && g.Resource != key || g.Regions != "" && !slices.Contains(strings.Split(g.Regions, ","), string(arn.Region)) {
			continue
		}
		out = append(out, g)
	}
	return out
}
