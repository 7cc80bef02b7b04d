package diff_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/diff"
)

type object = map[string]any

// document is a policy in a form that is easy to change.
type document struct {
	name       string
	statements []object
}

func (d document) parse(t testing.TB) *iam.Policy {
	t.Helper()
	text, err := json.Marshal(object{"Version": "2012-10-17", "Statement": d.statements})
	if err != nil {
		t.Fatal(err)
	}
	p, err := iam.Parse(d.name, text)
	if err != nil {
		t.Fatalf("%s: %v\n%s", d.name, err, text)
	}
	return p
}

// corpus reads AWS's managed policies.
func corpus(t testing.TB) (out []document) {
	files, err := filepath.Glob("../../../shared/corpora/access-analyzer/policies/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("skipped: ../shared/corpora/access-analyzer is absent")
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var raw struct{ Statement json.RawMessage }
		d := document{name: filepath.Base(file)}
		if err := json.Unmarshal(text, &raw); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if json.Unmarshal(raw.Statement, &d.statements) != nil {
			d.statements = make([]object, 1)
			if err := json.Unmarshal(raw.Statement, &d.statements[0]); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
		out = append(out, d)
	}
	return out
}

func values(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, s := range v {
			out = append(out, s.(string))
		}
		return out
	case []string:
		return v
	}
	return nil
}

func with(s object, changes object) object {
	out := object{}
	for k, v := range s {
		out[k] = v
	}
	for k, v := range changes {
		if out[k] = v; v == nil {
			delete(out, k)
		}
	}
	return out
}

// replaced is the document with other statements in the place of one.
func (d document) replaced(i int, by ...object) document {
	return document{d.name, slices.Concat(d.statements[:i], by, d.statements[i+1:])}
}

// alone says whether no other statement speaks of the actions of one, so that a change
// of it is a change of what the policy allows.
func (d document) alone(t testing.TB, i int) bool {
	s := d.statements[i]
	if s["Effect"] != "Allow" || s["Action"] == nil {
		return false
	}
	if len(d.statements) == 1 {
		return true
	}
	others := d.replaced(i)
	for j, o := range others.statements {
		if o["Effect"] == "Deny" || o["NotAction"] != nil {
			return false
		}
		others.statements[j] = o
	}
	p := others.parse(t)
	for _, a := range values(s["Action"]) {
		for _, o := range others.statements {
			for _, b := range values(o["Action"]) {
				service, _, _ := strings.Cut(a, ":")
				if b == "*" || strings.ContainsAny(a+b, "*") && strings.HasPrefix(b, service+":") {
					return false
				}
			}
		}
		if p.MayAllow(a) {
			return false
		}
	}
	return true
}

// mutation is a change that adds access.
type mutation struct{ old, new document }

// mutations are at most one of each sort a policy.
func (d document) mutations(t testing.TB) map[string]mutation {
	out := map[string]mutation{}
	p := d.parse(t)
	for i, s := range d.statements {
		if s["Effect"] == "Deny" {
			continue
		}
		for _, action := range []string{"cloudtrail:StopLogging", "sts:AssumeRole", "braket:CreateJob"} {
			if s["Action"] != nil && !p.MayAllow(action) && len(values(s["Resource"])) > 0 && slices.Contains(values(s["Resource"]), "*") && s["Condition"] == nil {
				out["an action more"] = mutation{d, d.replaced(i, with(s, object{"Action": append(values(s["Action"]), action)}))}
				break
			}
		}
		if actions := values(s["Action"]); len(actions) > 0 && !d.denies() {
			stop := object{"Effect": "Deny", "Action": actions[len(actions)-1:], "Resource": "*"}
			out["a Deny of one action less"] = mutation{document{d.name, append(slices.Clone(d.statements), stop)}, d}
		}
		if !d.alone(t, i) {
			continue
		}
		if r := values(s["Resource"]); len(r) > 0 && !slices.Contains(r, "*") {
			out["a wider resource"] = mutation{d, d.replaced(i, with(s, object{"Resource": "*"}))}
		}
		if s["Condition"] != nil {
			out["a condition less"] = mutation{d, d.replaced(i, with(s, object{"Condition": nil}))}
		}
	}
	for i, s := range d.statements {
		if s["Effect"] == "Deny" && s["Action"] != nil && s["Condition"] == nil && p.MayAllow(values(s["Action"])[0]) && len(d.statements) > 1 {
			out["a Deny less"] = mutation{d, d.replaced(i)}
		}
	}
	return out
}

func (d document) denies() bool {
	return slices.ContainsFunc(d.statements, func(s object) bool { return s["Effect"] == "Deny" })
}

// rewrites say the same in other words.
func (d document) rewrites() map[string]document {
	out := map[string]document{}
	split := func(element string) document {
		n := document{name: d.name}
		for _, s := range d.statements {
			v := values(s[element])
			if len(v) < 2 {
				n.statements = append(n.statements, s)
				continue
			}
			half := len(v) / 2
			n.statements = append(n.statements, with(s, object{element: v[:half], "Sid": nil}), with(s, object{element: v[half:], "Sid": nil}))
		}
		return n
	}
	out["split by action"], out["split by resource"] = split("Action"), split("Resource")
	turned := document{name: d.name}
	for _, s := range slices.Backward(d.statements) {
		turned.statements = append(turned.statements, s)
	}
	out["in another order"] = turned
	listed, starred, doubled := document{name: d.name}, document{name: d.name}, document{name: d.name}
	for _, s := range d.statements {
		changes, stars := object{}, object{}
		for _, element := range []string{"Action", "NotAction", "Resource", "NotResource"} {
			v := values(s[element])
			if v == nil {
				continue
			}
			changes[element] = append(slices.Clone(v), v[0])
			var twice []string
			for _, text := range v {
				if strings.HasSuffix(element, "Action") {
					text = strings.ToUpper(text)
				}
				twice = append(twice, strings.ReplaceAll(text, "*", "**"))
			}
			stars[element] = twice
		}
		listed.statements = append(listed.statements, with(s, changes))
		starred.statements = append(starred.statements, with(s, stars))
		doubled.statements = append(doubled.statements, s, with(s, object{"Sid": nil}))
	}
	out["single values as lists"], out["stars doubled"], out["said twice"] = listed, starred, doubled
	return out
}

// TestManagedPolicies changes AWS's policies in ways that add access and in ways that do
// not, and counts the answers. It takes every eighth policy, unless
// ROOTKEEP_ALL_POLICIES is set.
func TestManagedPolicies(t *testing.T) {
	type count struct{ yes, no, unknown int }
	found, same := map[string]*count{}, map[string]*count{}
	var slowest time.Duration
	add := func(counts map[string]*count, name string, d, changed document) diff.Answer {
		start := time.Now()
		old, new := d.parse(t), changed.parse(t)
		r, err := diff.Compare(diff.Side{Kind: diff.Identity, Policies: []*iam.Policy{old}}, diff.Side{Kind: diff.Identity, Policies: []*iam.Policy{new}})
		if err != nil {
			t.Fatalf("%s, %s: %v", d.name, name, err)
		}
		slowest = max(slowest, time.Since(start))
		was, is := setOf(t, diff.Identity, old), setOf(t, diff.Identity, new)
		for _, ch := range r.New.Changes {
			if err := shown(t, ch.Example, was, is); err != nil {
				t.Errorf("%s, %s: %v: %+v", d.name, name, err, ch.Example)
			}
		}
		c := counts[name]
		if c == nil {
			c = &count{}
			counts[name] = c
		}
		switch r.New.Answer {
		case diff.Yes:
			c.yes++
		case diff.No:
			c.no++
		default:
			c.unknown++
		}
		if r.New.Answer == diff.Unknown {
			t.Logf("%s, %s: %s", d.name, name, r.New.Open[0].Reason)
		}
		return r.New.Answer
	}
	every := 8
	if os.Getenv("ROOTKEEP_ALL_POLICIES") != "" {
		every = 1
	}
	for i, d := range corpus(t) {
		if i%every != 0 {
			continue
		}
		for name, m := range d.mutations(t) {
			if got := add(found, name, m.old, m.new); got != diff.Yes {
				t.Logf("%s, %s: got %s", d.name, name, got)
			}
		}
		for name, changed := range d.rewrites() {
			if got := add(same, name, d, changed); got != diff.No {
				t.Logf("%s, %s: got %s", d.name, name, got)
			}
		}
	}
	var sum, equal count
	for name, c := range found {
		t.Logf("%s: %d found, %d unknown, %d not", name, c.yes, c.unknown, c.no)
		sum = count{sum.yes + c.yes, sum.no + c.no, sum.unknown + c.unknown}
	}
	for name, c := range same {
		t.Logf("%s: %d proven equal, %d unknown, %d not", name, c.no, c.unknown, c.yes)
		equal = count{equal.yes + c.yes, equal.no + c.no, equal.unknown + c.unknown}
	}
	t.Logf("%d mutations: %d found, %d unknown, %d not; %d rewrites: %d proven, %d unknown, %d not; slowest %v",
		sum.yes+sum.no+sum.unknown, sum.yes, sum.unknown, sum.no, equal.yes+equal.no+equal.unknown, equal.no, equal.unknown, equal.yes, slowest)
	if n := sum.yes + sum.no + sum.unknown; n < 400/every || 100*sum.unknown > max(100, n) || sum.no > 0 {
		t.Errorf("mutations that add access: got %+v, want 99%% of them found, or all but one", sum)
	}
	if n := equal.yes + equal.no + equal.unknown; 100*equal.no < 95*n || equal.yes > 0 {
		t.Errorf("rewrites that say the same: got %+v, want 95%% of them proven", equal)
	}
}
