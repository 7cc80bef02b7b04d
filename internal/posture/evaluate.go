package posture

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// Setting is what findings depend on beside the account's own facts.
type Setting struct {
	Now time.Time
	// Peer is the snapshot of another account of the same scan, nil if there is none:
	// an organization's trail is watched where it is kept.
	Peer func(rootkeep.AccountID) *facts.Snapshot
}

// Evaluate judges the snapshot by the controls. Findings come in the order of
// controls, then of resources.
func Evaluate(s *facts.Snapshot, controls []*Control, with Setting) []rootkeep.Finding {
	j := judge{snapshot: s, Setting: with, unknown: map[string]facts.Gap{}}
	for _, g := range s.Unknown() {
		j.unknown[g.Path] = g
	}
	for _, g := range s.Gaps {
		if g.Resource != "" {
			j.partly = append(j.partly, g)
		}
		if g.Permission != "" && !slices.Contains(j.denied, g.Permission) {
			j.denied = append(j.denied, g.Permission)
		}
	}
	for _, session := range s.Sessions {
		j.keys = append(j.keys, session.AccessKey)
	}
	var out []rootkeep.Finding
	for _, c := range controls {
		out = append(out, j.control(c)...)
	}
	return out
}

type judge struct {
	snapshot *facts.Snapshot
	Setting
	unknown map[string]facts.Gap // by path
	partly  []facts.Gap          // of single resources
	denied  []string             // actions that were refused or failed
	keys    []string             // access keys of the scan itself
}

// control judges the account, or each element of the control's list.
func (j *judge) control(c *Control) []rootkeep.Finding {
	if c.Watch != nil {
		return []rootkeep.Finding{j.watch(c)}
	}
	list := collections[c.Each]
	if list.Each == "" {
		return []rootkeep.Finding{j.finding(c, "", reflect.Value{}, nil)}
	}
	// The list is known when the keys of its elements are.
	if g, ok := j.unknown[c.Each+"."+list.Key]; ok {
		f := j.start(c, "")
		f.lack([]facts.Gap{g})
		return []rootkeep.Finding{f.Finding}
	}
	elements := reflect.ValueOf(&j.snapshot.Facts).Elem().FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, strings.ReplaceAll(c.Each, "_", "")) })
	out := make([]rootkeep.Finding, 0, elements.Len())
	for i := range elements.Len() {
		e := elements.Index(i)
		key := e.Field(0).String()
		out = append(out, j.finding(c, key, e, j.snapshot.GapsOf(key)))
	}
	return out
}

// pending is a finding in the making.
type pending struct{ rootkeep.Finding }

func (j *judge) start(c *Control, resource string) pending {
	var region rootkeep.Region
	switch arn, err := rootkeep.ParseARN(resource); {
	case c.Each == "regions" && resource != "":
		region, resource = rootkeep.Region(resource), ""
	case err == nil:
		region = arn.Region
	}
	switch {
	case resource != "":
	case j.snapshot.Account == "":
		resource = "account" // no file says which
	default:
		resource = "arn:aws:iam::" + string(j.snapshot.Account) + ":root"
	}
	return pending{rootkeep.Finding{Control: c.ID, Title: c.Title, Severity: c.severity, Account: j.snapshot.Account, Region: region, Resource: resource}}
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

func (j *judge) finding(c *Control, resource string, element reflect.Value, own []facts.Gap) rootkeep.Finding {
	f := j.start(c, resource)
	values := map[string]any{
		"facts": &j.snapshot.Facts, "now": j.Now, "account": string(j.snapshot.Account), "scan_keys": j.keys, "denied": j.denied,
	}
	maps.Copy(values, c.params)
	if element.IsValid() {
		values[collections[c.Each].Each] = element.Addr().Interface()
	}
	if c.raise != nil && j.ask(c, c.raise, values, own, &pending{}) == rootkeep.Pass {
		f.Severity = c.raised
	}
	applies := rootkeep.Pass
	if c.applies != nil {
		applies = j.ask(c, c.applies, values, own, &f)
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
	f.Status = j.ask(c, c.passes, values, own, &f)
	if f.Status == rootkeep.Fail || f.Status == rootkeep.Pass {
		f.Detail = j.describe(c, values, own)
	}
	return f.Finding
}

// ask evaluates one expression: Pass for true, Fail for false, Unknown with the facts
// that are missing.
func (j *judge) ask(c *Control, e *expression, values map[string]any, own []facts.Gap, f *pending) rootkeep.Status {
	patterns, gaps := j.patterns(c, e, own)
	vars, err := cel.PartialVars(values, patterns...)
	if err != nil {
		f.Missing = []string{err.Error()}
		return rootkeep.Unknown
	}
	v, _, err := e.program.Eval(vars)
	if err != nil {
		f.Missing = []string{fmt.Sprintf("control %s cannot be evaluated: %v", c.ID, err)}
		return rootkeep.Unknown
	}
	switch v := v.(type) {
	case types.Bool:
		if v {
			return rootkeep.Pass
		}
		return rootkeep.Fail
	case *types.Unknown:
		f.lack(named(v, gaps))
	}
	return rootkeep.Unknown
}

// hold judges by other controls: one that fails decides, then one that is unknown.
func (j *judge) hold(c *Control, f *pending) {
	f.Status = rootkeep.NotApplicable
	var fails []string
	for _, held := range c.held {
		for _, other := range j.control(held) {
			switch other.Status {
			case rootkeep.Fail:
				fails = append(fails, held.ID)
			case rootkeep.Unknown:
				f.Missing = append(f.Missing, other.Missing...)
				f.Permissions = append(f.Permissions, other.Permissions...)
			case rootkeep.Pass:
				f.Status = rootkeep.Pass
			}
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

// patterns marks what is not known of the facts that an expression uses. gaps are
// the reasons by the attribute that CEL will name.
func (j *judge) patterns(c *Control, e *expression, own []facts.Gap) (patterns []*cel.AttributePatternType, gaps map[string][]facts.Gap) {
	gaps = map[string][]facts.Gap{}
	mark := func(g facts.Gap, variable string, fields ...string) {
		p := cel.AttributePattern(variable)
		name := variable
		for _, field := range fields {
			p = p.QualString(field)
			name += "." + field
		}
		if len(gaps[name]) == 0 {
			patterns = append(patterns, p)
		}
		gaps[name] = append(gaps[name], g)
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
			if c.Each == branch {
				mark(g, collections[branch].Each, field)
			}
		}
		for _, g := range own {
			if c.Each == branch && g.Path == path {
				mark(g, collections[branch].Each, field)
			}
		}
		for _, g := range j.partly {
			if g.Path == path {
				mark(g, "facts", branch)
			}
		}
	}
	return patterns, gaps
}

// named finds the reasons of the attributes that CEL names.
func named(u *types.Unknown, gaps map[string][]facts.Gap) []facts.Gap {
	var out []facts.Gap
	for _, id := range u.IDs() {
		trails, _ := u.GetAttributeTrails(id)
		for _, t := range trails {
			name := t.Variable()
			for _, q := range t.QualifierPath() {
				name += "." + fmt.Sprint(q)
			}
			if len(gaps[name]) == 0 {
				out = append(out, facts.Gap{Reason: name}) // see undecided
			}
			out = append(out, gaps[name]...)
		}
	}
	return out
}

// describe evaluates the control's detail; what cannot be told is left out.
func (j *judge) describe(c *Control, values map[string]any, own []facts.Gap) string {
	if c.detail == nil {
		return ""
	}
	patterns, _ := j.patterns(c, c.detail, own)
	vars, err := cel.PartialVars(values, patterns...)
	if err != nil {
		return ""
	}
	v, _, err := c.detail.program.Eval(vars)
	if text, ok := v.(types.String); ok && err == nil {
		return string(text)
	}
	return ""
}
