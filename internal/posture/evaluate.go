package posture

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/permission"
	"github.com/rootkeep/rootkeep/internal/posture/alarm"
)

// Setting is what findings depend on beside the account's own facts.
type Setting struct {
	Now time.Time
	// Peer is the snapshot of another account of the same scan, nil if there is none:
	// an organization's trail is watched where it is kept.
	Peer func(rootkeep.AccountID) *facts.Snapshot
	// Keys are IDs of access keys of root sessions that earlier scans were given in the
	// account: what they did is no intruder's.
	Keys []string
}

// Evaluate judges the snapshot by the controls. Findings come in the order of
// controls, then of resources. Controls that ask what policies allow cost more than all
// others, so they are judged beside them and beside each other, by judges that share
// nothing but the facts and the parsed policies.
func Evaluate(s *facts.Snapshot, controls []*Control, with Setting) []rootkeep.Finding {
	if peer := with.Peer; peer != nil {
		var mu sync.Mutex
		with.Peer = func(id rootkeep.AccountID) *facts.Snapshot {
			mu.Lock()
			defer mu.Unlock()
			return peer(id)
		}
	}
	var shares [parts][]*Control
	for _, c := range controls {
		shares[c.part()] = append(shares[c.part()], c)
	}
	documents := &permission.Documents{}
	if len(shares[askDocuments])+len(shares[askHolders]) > 0 {
		documents = permission.Read(s)
	}
	var found [parts][][]rootkeep.Finding
	var wg sync.WaitGroup
	for i, share := range shares {
		if len(share) > 0 {
			wg.Go(func() { found[i] = judgeOf(s, documents, share, with).all(share) })
		}
	}
	wg.Wait()
	total := 0
	for _, share := range found {
		for _, list := range share {
			total += len(list)
		}
	}
	out := make([]rootkeep.Finding, 0, total)
	for _, c := range controls {
		i := c.part()
		out = append(out, found[i][0]...)
		found[i] = found[i][1:]
	}
	return out
}

// Parts of the controls: what those of one ask is remembered for the others of it.
const (
	askNothing   = iota // of policies
	askDocuments        // what single documents say
	askHolders          // who is administrator, or can become it, and whom roles trust
	parts
)

// part is where a control is judged.
func (c *Control) part() int {
	switch text := c.Applies + c.Passes + c.Detail + c.Raise.When; {
	case strings.Contains(text, "iam.limited(") || strings.Contains(text, "iam.written("):
		return askDocuments
	case strings.Contains(text, "iam."):
		return askHolders
	}
	return askNothing
}

// all gives the findings of each control.
func (j *judge) all(controls []*Control) [][]rootkeep.Finding {
	out := make([][]rootkeep.Finding, len(controls))
	for i, c := range controls {
		from := len(j.out)
		j.control(c)
		out[i] = j.out[from:len(j.out):len(j.out)]
	}
	return out
}

func judgeOf(s *facts.Snapshot, documents *permission.Documents, controls []*Control, with Setting) *judge {
	j := &judge{
		snapshot: s, Setting: with, unknown: map[string]facts.Gap{}, own: map[string][]facts.Gap{}, marked: map[*expression]*marks{}, lists: map[string][]element{},
		adapter: adapter(), root: rootOf(s),
	}
	j.iam = newAuthority(s, documents, j.adapter)
	for _, g := range s.Unknown() {
		j.unknown[g.Path] = g
	}
	for _, g := range s.Gaps {
		if g.Resource != "" {
			j.partly = append(j.partly, g)
			j.own[g.Resource] = append(j.own[g.Resource], g)
		}
		if g.Permission != "" && !slices.Contains(j.denied, g.Permission) {
			j.denied = append(j.denied, g.Permission)
		}
	}
	for _, session := range s.Sessions {
		j.keys = append(j.keys, session.AccessKey)
	}
	j.keys = slices.DeleteFunc(append(j.keys, with.Keys...), func(key string) bool { return key == "" }) // of sessions that were refused
	j.common = j.values()
	j.out = make([]rootkeep.Finding, 0, j.expected(controls))
	return j
}

// expected is at least how many findings there will be.
func (j *judge) expected(controls []*Control) (n int) {
	for _, c := range controls {
		n++ // of the account, or for want of facts
		for _, v := range c.views {
			if v.branch != "" {
				n += len(j.elements(v.branch))
			}
		}
	}
	return n
}

type judge struct {
	out      []rootkeep.Finding
	snapshot *facts.Snapshot
	Setting
	unknown map[string]facts.Gap   // by path
	partly  []facts.Gap            // of single resources
	own     map[string][]facts.Gap // the same by resource
	iam     *authority
	marked  map[*expression]*marks // of elements without gaps of their own
	prover  *alarm.Prover          // nil until a control asks for proof
	denied  []string               // actions that were refused or failed
	keys    []string               // access keys of this scan and of earlier ones
	adapter types.Adapter
	common  map[string]any       // what all expressions may name
	lists   map[string][]element // by branch
	root    string               // the account, as findings name it
}

// marks are what is not known of the facts that an expression uses. gaps are the
// reasons by the attribute that CEL will name.
type marks struct {
	patterns []*cel.AttributePatternType
	gaps     map[string][]facts.Gap
	vars     cel.Activation // over the values of a view, which change under it
}

// control judges the account, or each element of the control's lists.
func (j *judge) control(c *Control) {
	if c.Watch != nil {
		j.out = append(j.out, j.watch(c))
		return
	}
	var lost []facts.Gap
	for _, v := range c.views {
		// A list is known when the keys of its elements are.
		if g, ok := j.unknown[v.branch+"."+v.list.Key]; ok && v.branch != "" {
			lost = append(lost, g)
			continue
		}
		j.view(c, v)
	}
	if len(lost) > 0 { // of several lists one finding: it names the account
		f := j.start(c, place{resource: j.root})
		f.lack(lost)
		j.out = append(j.out, f.Finding)
	}
}

func (j *judge) view(c *Control, v *view) {
	values := maps.Clone(j.common)
	for name, value := range c.params {
		values[name] = j.adapter.NativeToValue(value)
	}
	if v.branch == "" {
		j.out = append(j.out, j.finding(c, v, place{resource: j.root}, values, nil))
		return
	}
	for _, e := range j.elements(v.branch) {
		if e.keeper != "" {
			f := j.start(c, e.place)
			f.Status, f.Detail = rootkeep.NotApplicable, "judged in account "+string(e.keeper)+", which owns it"
			j.out = append(j.out, f.Finding)
			continue
		}
		values[v.variable] = e.value
		j.out = append(j.out, j.finding(c, v, e.place, values, e.own))
	}
}

// pending is a finding in the making.
type pending struct{ rootkeep.Finding }

func (j *judge) start(c *Control, at place) pending {
	return pending{rootkeep.Finding{Control: c.ID, Title: c.Title, Severity: c.severity, Account: j.snapshot.Account, Region: at.region, Resource: at.resource}}
}

// lack makes the finding unknown for want of facts.
func (f *pending) lack(gaps []facts.Gap) {
	f.Status = rootkeep.Unknown
	for _, g := range gaps {
		f.Missing = append(f.Missing, strings.TrimPrefix(g.Path+": "+g.Reason, ": "))
		if g.Permission != "" && !slices.Contains(f.Permissions, g.Permission) {
			f.Permissions = append(f.Permissions, g.Permission)
		}
	}
	slices.Sort(f.Missing)
	f.Missing = slices.Compact(f.Missing)
	slices.Sort(f.Permissions)
	f.Permissions = slices.Compact(f.Permissions)
}

func (j *judge) finding(c *Control, v *view, at place, values map[string]any, own []facts.Gap) rootkeep.Finding {
	f := j.start(c, at)
	if v.raise != nil && j.ask(c, v, v.raise, values, own, &pending{}) == rootkeep.Pass {
		f.Severity = c.raised
	}
	applies := rootkeep.Pass
	if v.applies != nil {
		applies = j.ask(c, v, v.applies, values, own, &f)
	}
	switch applies {
	case rootkeep.Unknown:
		return f.Finding
	case rootkeep.Fail:
		f.Status = rootkeep.NotApplicable
		return f.Finding
	}
	if len(c.held) > 0 {
		j.hold(c, &f)
		return f.Finding
	}
	f.Status = j.ask(c, v, v.passes, values, own, &f)
	if f.Status == rootkeep.Fail {
		f.Detail = j.iam.because()
	}
	if v.detail != nil && (f.Status == rootkeep.Fail || f.Status == rootkeep.Pass) {
		f.Detail = j.describe(v, values, own)
	}
	return f.Finding
}

// ask evaluates one expression: Pass for true, Fail for false, Unknown with the facts
// that are missing.
func (j *judge) ask(c *Control, v *view, e *expression, values map[string]any, own []facts.Gap, f *pending) rootkeep.Status {
	m := j.marks(v, e, values, own)
	j.iam.begin()
	got, _, err := e.program.Eval(m.vars)
	if err != nil {
		f.Missing = []string{fmt.Sprintf("control %s cannot be evaluated: %v", c.ID, err)}
		return rootkeep.Unknown
	}
	switch got := got.(type) {
	case types.Bool:
		if got {
			return rootkeep.Pass
		}
		return rootkeep.Fail
	case *types.Unknown:
		f.lack(named(got, m.gaps, j.iam.reasons))
	}
	return rootkeep.Unknown
}

// hold judges by other controls: one that fails decides, then one that is unknown.
func (j *judge) hold(c *Control, f *pending) {
	f.Status = rootkeep.NotApplicable
	var fails []string
	for _, other := range j.held(c) {
		switch other.Status {
		case rootkeep.Fail:
			fails = append(fails, other.Control)
		case rootkeep.Unknown:
			f.Missing = append(f.Missing, other.Missing...)
			f.Permissions = append(f.Permissions, other.Permissions...)
		case rootkeep.Pass:
			f.Status = rootkeep.Pass
		}
	}
	switch {
	case len(fails) > 0:
		f.Status, f.Detail = rootkeep.Fail, "fails: "+strings.Join(fails, ", ")
		f.Missing, f.Permissions = nil, nil
	case len(f.Missing) > 0:
		f.lack(nil)
	}
}

// held are the findings of the controls that a control holds.
func (j *judge) held(c *Control) []rootkeep.Finding {
	before := j.out
	j.out = nil
	for _, held := range c.held {
		j.control(held)
	}
	found := j.out
	j.out = before
	return found
}

// marks are those of an expression, worked out once for all elements that have no gaps
// of their own. values is the same map for all elements of a view.
func (j *judge) marks(v *view, e *expression, values map[string]any, own []facts.Gap) *marks {
	m := j.marked[e]
	if len(own) > 0 || m == nil {
		m = j.patterns(v, e, own)
		var err error
		if len(m.patterns) == 0 {
			m.vars, err = cel.NewActivation(values)
		} else {
			m.vars, err = cel.PartialVars(values, m.patterns...)
		}
		if err != nil {
			panic(err) // for values that are no map
		}
	}
	if len(own) == 0 {
		j.marked[e] = m
	}
	return m
}

// patterns marks what is not known of the facts that an expression uses.
func (j *judge) patterns(v *view, e *expression, own []facts.Gap) *marks {
	m := &marks{gaps: map[string][]facts.Gap{}}
	mark := func(g facts.Gap, variable string, fields ...string) {
		p := cel.AttributePattern(variable)
		name := variable
		for _, field := range fields {
			p = p.QualString(field)
			name += "." + field
		}
		if len(m.gaps[name]) == 0 {
			m.patterns = append(m.patterns, p)
		}
		m.gaps[name] = append(m.gaps[name], g)
	}
	for _, path := range e.uses {
		branch, field, _ := strings.Cut(path, ".")
		if !facts.IsList(branch) {
			if g, ok := j.unknown[path]; ok {
				mark(g, "facts", branch, field)
			}
			continue
		}
		if g, ok := j.unknown[path]; ok {
			// Of elements that an expression runs over CEL cannot tell which is
			// unknown, so the whole list is.
			mark(g, "facts", branch)
			if v.branch == branch {
				mark(g, v.variable, field)
			}
		}
		for _, g := range own {
			if v.branch == branch && g.Path == path {
				mark(g, v.variable, field)
			}
		}
		for _, g := range j.partly {
			if g.Path == path {
				mark(g, "facts", branch)
			}
		}
	}
	return m
}

// named finds the reasons of the attributes that CEL names.
func named(u *types.Unknown, known ...map[string][]facts.Gap) []facts.Gap {
	var out []facts.Gap
	for _, id := range u.IDs() {
		trails, _ := u.GetAttributeTrails(id)
		for _, t := range trails {
			name := t.Variable()
			for _, q := range t.QualifierPath() {
				name += "." + fmt.Sprint(q)
			}
			found := false
			for _, gaps := range known {
				if list, ok := gaps[name]; ok {
					out, found = append(out, list...), true
				}
			}
			if !found {
				out = append(out, facts.Gap{Reason: name}) // see undecided
			}
		}
	}
	return out
}

// describe evaluates the control's detail; what cannot be told is left out.
func (j *judge) describe(v *view, values map[string]any, own []facts.Gap) string {
	got, _, err := v.detail.program.Eval(j.marks(v, v.detail, values, own).vars)
	if text, ok := got.(types.String); ok && err == nil {
		return string(text)
	}
	return ""
}
