package diff

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/diff/caller"
	"github.com/rootkeep/rootkeep/iam/diff/partition"
	"github.com/rootkeep/rootkeep/iam/diff/values"
	"github.com/rootkeep/rootkeep/iam/pattern"
)

// space is what the statements about one action can tell apart: the resource, the
// caller, each context key, and each thing that is not resolved, as a dimension of its
// own with a cell for every class. A statement is a union of boxes in it.
//
// There are two sorts. In a space for proof what cannot be divided into classes (a
// policy variable, a policy that was not read) is free: true or false whatever the
// rest is. Such a space has every request, and some that cannot be; if nothing is
// found in it, there is nothing. In a space for examples variables are bound to
// values, so that each point is a request.
type space struct {
	proof    bool
	star     bool                // only requests on "*"
	bound    map[string][]string // of variables, by key in lower case
	callers  []caller.Caller     // at least one
	types    []string            // ARNs of the resource types that the action takes
	optional bool                // requests may name no resource

	statements []*stmt
	dims       []dimension
	patterns   []partition.Pattern // that divide resources
	index      map[string]int
	in         [][]bool // by cell of dims[0] and pattern
	atoms      map[*stmt][]resourceAtom
	fits       []partition.Pattern
	keys       map[string]*keyGroup
	uses       map[*stmt][]testUse
	free       map[string]int
	impossible []box // of requests that cannot be
	contexts   map[*side]*iam.Context
	cost       int    // of making it, in steps of search
	large      bool   // it has too many dimensions and was given up
	undivided  string // why some classes are missing, "" if none is
}

// dimension is one respect in which requests differ.
type dimension struct {
	size    int
	texts   []string        // resources
	callers []caller.Caller // callers
	key     string          // context key
	values  [][]string      // of the key; no values: absent
	free    string          // what is not resolved: cell 0 says no, cell 1 yes
}

// maxDims bounds the context keys and unresolved things in one space.
const maxDims = 100

// Costs of what makes a space, in steps of search.
const (
	cellCost   = 8
	failedCost = 200_000 // of a division that was given up
)

// The first two dimensions are always there.
const (
	resourceDim = iota
	callerDim
)

// testUse is one test of a statement.
type testUse struct {
	group *keyGroup
	index int // in the group
	free  int // dimension, 0: none
	never bool
}

// keyGroup are the tests of one key.
type keyGroup struct {
	key   string
	dim   int
	tests []values.Test
	ids   []string
	truth []string // by cell and test
}

// newSpace makes a space for statements. It is of no use if it has more than maxDims
// dimensions; it is then large.
func newSpace(statements []*stmt, sp *space) *space {
	sp.statements = statements
	sp.index, sp.free = map[string]int{}, map[string]int{}
	sp.atoms, sp.uses = map[*stmt][]resourceAtom{}, map[*stmt][]testUse{}
	sp.keys, sp.contexts = map[string]*keyGroup{}, map[*side]*iam.Context{}
	sp.dims = []dimension{{}, {size: len(sp.callers), callers: sp.callers}}
	for _, st := range statements {
		sp.addResources(st)
	}
	sp.divideResources()
	for _, st := range statements {
		sp.cost += 1 + len(sp.atoms[st]) + len(st.Tests())
		sp.addTests(st)
	}
	if sp.large = len(sp.keys)+len(sp.dims) > maxDims; sp.large {
		return sp
	}
	for _, key := range slices.Sorted(maps.Keys(sp.keys)) {
		sp.divideKey(sp.keys[key])
	}
	if !sp.proof {
		sp.tieCallers()
	}
	return sp
}

func (sp *space) sizes() []int {
	out := make([]int, len(sp.dims))
	for i := range sp.dims {
		out[i] = sp.dims[i].size
	}
	return out
}

// context is what is known of a side's requests in this space.
func (sp *space) context(s *side) *iam.Context {
	if c, ok := sp.contexts[s]; ok {
		return c
	}
	c := s.known
	for key, values := range sp.bound {
		if _, there := c.Values(key); there == iam.Unknown {
			c = c.With(key, values...)
		}
	}
	sp.contexts[s] = &c
	return &c
}

// freeDim is the dimension of something unresolved, found by what identifies it.
func (sp *space) freeDim(id, what string) int {
	d, ok := sp.free[id]
	if !ok {
		d = len(sp.dims)
		sp.free[id] = d
		sp.dims = append(sp.dims, dimension{size: 2, free: what})
	}
	return d
}

// yes and no are the masks of a free dimension.
func yes() mask { return mask{2} }
func no() mask  { return mask{1} }

// substitute puts known values for variables. It is False when one has no value, and
// Unknown when one is not known; that one stays.
func substitute(tokens []pattern.Token, c *iam.Context) ([]pattern.Token, iam.Truth) {
	known := iam.True
	out := make([]pattern.Token, 0, len(tokens))
	for _, t := range tokens {
		if t.Kind == pattern.Variable {
			values, there := c.Values(t.Text)
			switch {
			case there == iam.Unknown:
				known = iam.Unknown
			case there == iam.True && len(values) == 1:
				t = pattern.Token{Kind: pattern.Literal, Text: values[0]}
			case there == iam.False && t.HasDefault:
				t = pattern.Token{Kind: pattern.Literal, Text: t.Default}
			default:
				return nil, iam.False
			}
		}
		out = append(out, t)
	}
	return out, known
}

// hull widens variables to stars.
func hull(tokens []pattern.Token) []pattern.Token {
	out := slices.Clone(tokens)
	for i := range out {
		if out[i].Kind == pattern.Variable {
			out[i] = pattern.Token{Kind: pattern.Star}
		}
	}
	return out
}

// addTests notes the conditions of a statement.
func (sp *space) addTests(st *stmt) {
	c := sp.context(st.side)
	tests := st.Tests()
	for i := range tests {
		t := &tests[i]
		switch t.Eval(c) {
		case iam.True:
			continue
		case iam.False:
			sp.uses[st] = append(sp.uses[st], testUse{never: true})
			continue
		}
		id := fmt.Sprintf("%v %v %s %s", st.denies, st.variables, sp.tag(st), writeTest(t))
		if unread := t.Leaf().Unread; unread != "" {
			d := sp.freeDim(fmt.Sprintf("unread %p %d", st.Policy, st.Index), "the policy "+unread+" could not be read")
			sp.uses[st] = append(sp.uses[st], testUse{free: d})
			continue
		}
		kt, known := readTest(t, st.variables, c)
		if known == iam.Unknown {
			sp.uses[st] = append(sp.uses[st], testUse{free: sp.freeDim(id, "the policy variables of condition "+t.Leaf().String())})
			continue
		}
		g := sp.keys[t.LowerKey()]
		if g == nil {
			g = &keyGroup{key: t.LowerKey()}
			sp.keys[t.LowerKey()] = g
		}
		index := slices.Index(g.ids, id)
		if index < 0 {
			index = len(g.ids)
			g.ids, g.tests = append(g.ids, id), append(g.tests, kt)
		}
		sp.uses[st] = append(sp.uses[st], testUse{group: g, index: index})
	}
}

// readTest resolves the values of a test.
func readTest(t *condition.Test, variables bool, c *iam.Context) (values.Test, iam.Truth) {
	kt := values.Test{Test: t, Context: c}
	all := iam.True
	for _, v := range t.Values {
		p := pattern.Parse(v, pattern.Syntax{Wildcards: t.Operator.Wildcards(), Variables: variables && t.Operator.Variables()})
		tokens, known := substitute(p.Tokens(), c)
		if known == iam.Unknown {
			all = iam.Unknown
		}
		kt.Tokens, kt.Absent = append(kt.Tokens, tokens), append(kt.Absent, known == iam.False)
	}
	return kt, all
}

// divideKey makes the dimension of one key.
func (sp *space) divideKey(g *keyGroup) {
	cells, complete := values.Cells(g.key, g.tests, sp.callerValues(g.key))
	sp.cost += cellCost * (len(cells) + 1) * len(g.tests)
	if !complete {
		sp.cost += failedCost / 10
		sp.undivided = "the conditions on " + g.key + " cannot be compared"
		if sp.proof {
			for _, st := range sp.statements {
				for i := range sp.uses[st] {
					if u := &sp.uses[st][i]; u.group == g {
						*u = testUse{free: sp.freeDim("key "+g.ids[u.index], sp.undivided)}
					}
				}
			}
			return
		}
	}
	if len(cells) == 0 {
		cells = [][]string{nil}
	}
	g.dim = len(sp.dims)
	sp.dims = append(sp.dims, dimension{size: len(cells), key: g.key, values: cells})
	for _, list := range cells {
		g.truth = append(g.truth, values.Truths(g.key, g.tests, list))
	}
}

// boxes are the requests that a statement is about. Unsure says how what is not known
// counts: as covered or not.
func (sp *space) boxes(st *stmt, unsure bool) []box {
	base := box{}
	for _, u := range sp.uses[st] {
		switch {
		case u.never:
			return nil
		case u.free != 0 && sp.proof:
			base = base.with(u.free, yes())
		case u.free != 0:
			if !unsure {
				return nil
			}
		default:
			m := newMask(sp.dims[u.group.dim].size)
			for cell, truth := range u.group.truth {
				if truth[u.index] == '0'+byte(iam.True) {
					m.set(cell)
				}
			}
			if base = base.with(u.group.dim, m); base.at(u.group.dim).empty() {
				return nil
			}
		}
	}
	var out []box
	for _, b := range sp.callerBoxes(st, base, unsure) {
		out = append(out, sp.resourceBoxes(st, b)...)
	}
	return out
}
