// Package proposal says which changes would mend findings, with their parameters, and
// of what no change mends, why it needs a person. Findings, controls and kinds go in; it
// asks nobody.
package proposal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/posture"
)

// Proposal is one change of one account, and what it would mend.
type Proposal struct {
	Kind       string             `json:"kind"`
	Title      string             `json:"title"`
	Class      string             `json:"class"`
	Risk       string             `json:"risk"`
	Undo       string             `json:"undo"`    // all, part, none, or person: a person does it, and undoes it
	Final      []string           `json:"final"`   // what cannot be undone, and why
	Account    rootkeep.AccountID `json:"account"` // where it is planned; "" if nothing says which
	Parameters map[string]any     `json:"parameters"`
	Missing    []string           `json:"missing"` // parameters that a person has to give
	Reason     string             `json:"needs_a_person,omitempty"`
	Severity   rootkeep.Severity  `json:"severity"` // of the worst failure
	Fails      []Failure          `json:"mends"`
}

// Failure is a finding that a change would mend, or that a person has to.
type Failure struct {
	ID       string             `json:"id"`
	Control  string             `json:"control"`
	Title    string             `json:"title"`
	Severity rootkeep.Severity  `json:"severity"`
	Account  rootkeep.AccountID `json:"account"`
	Region   rootkeep.Region    `json:"region,omitempty"`
	Resource string             `json:"resource"`
}

// Person is a failure that no change mends.
type Person struct {
	Failure
	Reason string `json:"needs_a_person"`
}

// List is what there is to do.
type List struct {
	Proposals []Proposal `json:"proposals"` // those of one kind are together: a batch
	People    []Person   `json:"people"`
}

// Ready are the proposals that lack nothing.
func (l *List) Ready() []Proposal {
	return slices.DeleteFunc(slices.Clone(l.Proposals), func(p Proposal) bool { return p.Reason != "" })
}

// Of proposes for all findings that fail. management is the organization's management
// account, "" if that is not known.
func Of(findings []rootkeep.Finding, controls []*posture.Control, kinds []*change.Kind, management rootkeep.AccountID) *List {
	m := maker{out: &List{Proposals: []Proposal{}, People: []Person{}}, controls: map[string]*posture.Control{}, kinds: map[string]*change.Kind{}, known: map[string]int{}, management: management}
	for _, c := range controls {
		m.controls[c.ID] = c
	}
	for _, k := range kinds {
		m.kinds[k.ID] = k
	}
	for i := range findings {
		if findings[i].Status == rootkeep.Fail {
			m.add(&findings[i])
		}
	}
	slices.SortStableFunc(m.out.Proposals, func(a, b Proposal) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Account, b.Account), -cmp.Compare(a.Severity, b.Severity))
	})
	return m.out
}

type maker struct {
	out        *List
	controls   map[string]*posture.Control
	kinds      map[string]*change.Kind
	known      map[string]int // proposals by kind, account and parameters that are no lists
	management rootkeep.AccountID
}

func (m *maker) add(f *rootkeep.Finding) {
	failure := Failure{f.ID(), f.Control, f.Title, f.Severity, f.Account, f.Region, f.Resource}
	c := m.controls[f.Control]
	if c == nil {
		m.out.People = append(m.out.People, Person{failure, "the control is not loaded, so how it is mended is not known"})
		return
	}
	k := m.kinds[c.Fix.Change]
	if k == nil {
		m.out.People = append(m.out.People, Person{failure, cmp.Or(c.Fix.Console, c.Fix.CLI)})
		return
	}
	m.propose(k, f, failure, k.For(f), nil)
}

// propose adds a change, behind those that make what it needs. seen are the kinds on the
// way, of which none is proposed for itself.
func (m *maker) propose(k *change.Kind, f *rootkeep.Finding, failure Failure, filled change.Filled, seen []string) {
	for _, id := range k.First {
		if first := m.kinds[id]; first != nil && !slices.Contains(seen, id) {
			m.propose(first, f, failure, first.For(f), append(slices.Clone(seen), k.ID))
		}
	}
	account := f.Account
	if k.In == change.InManagement || k.In == change.InOwner && m.owns(f.Resource) {
		account = m.management
	}
	key := keyOf(k.ID, account, filled.Parameters)
	i, ok := m.known[key]
	if !ok {
		i = len(m.out.Proposals)
		m.known[key] = i
		m.out.Proposals = append(m.out.Proposals, start(k, account, filled))
	}
	p := &m.out.Proposals[i]
	if ok {
		merge(p.Parameters, filled.Parameters)
	}
	p.Severity = max(p.Severity, f.Severity)
	if !slices.ContainsFunc(p.Fails, func(other Failure) bool { return other.ID == failure.ID }) {
		p.Fails = append(p.Fails, failure)
	}
}

// owns says whether a resource is one of the management account. No other account is taken
// from an ARN: who writes a name into a setting does not say where a change is planned.
func (m *maker) owns(resource string) bool {
	a, err := rootkeep.ParseARN(resource)
	return err == nil && m.management != "" && a.Account == m.management
}

// keyOf tells changes apart: by kind, account and parameters that are no lists.
func keyOf(kind string, account rootkeep.AccountID, parameters map[string]any) string {
	single := map[string]any{}
	for name, v := range parameters {
		if _, list := v.([]any); !list {
			single[name] = v
		}
	}
	text, err := json.Marshal(single) // of texts, numbers and truth values alone: it cannot fail
	if err != nil {
		panic(err)
	}
	return kind + " " + string(account) + " " + string(text)
}

func start(k *change.Kind, account rootkeep.AccountID, filled change.Filled) Proposal {
	p := Proposal{Kind: k.ID, Title: k.Title, Class: k.Class, Risk: k.Risk, Account: account, Parameters: filled.Parameters, Missing: filled.Missing, Final: k.Final(), Fails: []Failure{}}
	switch {
	case len(k.Guide) > 0:
		p.Undo = "person"
	case len(p.Final) == 0:
		p.Undo = "all"
	case len(p.Final) < len(k.Calls):
		p.Undo = "part"
	default:
		p.Undo = "none"
	}
	var reasons []string
	switch {
	case account == "" && k.In == change.InManagement:
		reasons = append(reasons, "it is planned in the management account, and nothing that was read says which that is")
	case account == "":
		reasons = append(reasons, "nothing that was read says which account this is")
	}
	for _, name := range p.Missing {
		reasons = append(reasons, fmt.Sprintf("give %s: %s", name, k.Parameters[name].About))
	}
	if len(k.Guide) > 0 {
		reasons = append(reasons, "AWS lets nobody but a person do it; hint: rootkeep change plan "+k.ID+" says how")
	}
	p.Reason = strings.Join(reasons, "; ")
	return p
}

// merge makes one change of two that differ in what their lists hold. A list that one of
// them leaves out means all there is.
func merge(into, from map[string]any) {
	for name, v := range into {
		list, ok := v.([]any)
		if !ok {
			continue
		}
		more, ok := from[name].([]any)
		if !ok {
			delete(into, name)
			continue
		}
		for _, e := range more {
			if !slices.Contains(list, e) {
				list = append(list, e)
			}
		}
		into[name] = list
	}
}

// Command is how the change is planned by hand.
func (p *Proposal) Command() string {
	out := "rootkeep change plan " + p.Kind + " --account " + cmp.Or(string(p.Account), "ACCOUNT")
	for _, name := range sorted(p.Parameters) {
		out += " --set " + quoted(name+"="+value(p.Parameters[name]))
	}
	for _, name := range p.Missing {
		out += " --set " + name + "=..."
	}
	return out
}
