package diff

import (
	"fmt"
	"slices"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/diff/caller"
	"github.com/rootkeep/rootkeep/iam/diff/values"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// callerBoxes keep the callers that the statement names.
func (sp *space) callerBoxes(st *stmt, base box, unsure bool) []box {
	if st.src.Principal == nil && st.src.NotPrincipal == nil {
		return []box{base}
	}
	sure, open := st.sure, st.open
	var out []box
	if !sure.empty() {
		out = append(out, base.with(callerDim, sure))
	}
	if open.empty() {
		return out
	}
	switch b := base.with(callerDim, open); {
	case !sp.proof && unsure:
		out = append(out, b)
	case sp.proof:
		texts := append(principalTexts(st.principals()), fmt.Sprint(st.denies))
		out = append(out, b.with(sp.freeDim(fmt.Sprintf("P %q", texts), "whom the Principal names"), yes()))
	}
	return out
}

// judgeCallers works out which callers the statement names, once for all spaces.
func (s *stmt) judgeCallers(callers []caller.Caller) {
	s.sure, s.open = newMask(len(callers)), newMask(len(callers))
	for i := range callers {
		c := iam.NewContext(callers[i].Keys)
		switch s.Names(&callers[i].Principal, &c) {
		case iam.True:
			s.sure.set(i)
		case iam.Unknown:
			s.open.set(i)
		}
	}
}

func (s *stmt) principals() *policy.Principal {
	if s.src.Principal != nil {
		return s.src.Principal
	}
	return s.src.NotPrincipal
}

// callerValues are the values of a key that the callers have.
func (sp *space) callerValues(key string) (out []string) {
	if sp.proof || !slices.Contains(caller.Derived[:], key) {
		return nil
	}
	for _, c := range sp.dims[callerDim].callers {
		if v := c.Keys[key]; len(v) == 1 && !slices.Contains(out, v[0]) {
			out = append(out, v[0])
		}
	}
	return out
}

// tieCallers excludes requests whose caller does not have the keys that the request
// says it has.
func (sp *space) tieCallers() {
	d := &sp.dims[callerDim]
	if d.callers[0].ARN == "" {
		return
	}
	for _, key := range caller.Derived {
		g := sp.keys[key]
		if g == nil || g.dim == 0 {
			continue
		}
		for i, c := range d.callers {
			if key == "aws:userid" && c.Keys[key] == nil && c.Kind != iam.Anonymous {
				continue // it has one, which is not known
			}
			truth := values.Truths(key, g.tests, c.Keys[key])
			other := newMask(sp.dims[g.dim].size)
			for cell := range g.truth {
				if g.truth[cell] != truth {
					other.set(cell)
				}
			}
			if !other.empty() {
				who := newMask(d.size)
				who.set(i)
				sp.impossible = append(sp.impossible, box{}.with(callerDim, who).with(g.dim, other))
			}
		}
	}
}
