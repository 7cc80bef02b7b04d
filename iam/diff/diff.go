// Package diff says whether changed policies allow anything that the old ones did not,
// and what they no longer allow. Two sides of policies go in, a Report comes out.
//
//	report, err := diff.Compare(
//		diff.Side{Kind: diff.Identity, Policies: before},
//		diff.Side{Kind: diff.Identity, Policies: after})
//	fmt.Println(report.New.Answer) // no, yes or unknown
//
// The answer "no" is proven: requests fall into finitely many classes that the
// policies can tell apart (by action, resource, caller and each context key), and none
// is allowed now that was not. The answer "yes" comes with an example for each claim, a
// request that package iam allows by the new policies and denies by the old. What is
// neither proven nor shown by an example is "unknown", with the reason.
//
// Names of actions are those of package metadata, and of each pattern one name that is
// not listed. A proof rests on nothing else of that table: what holds only for a resource
// that an action does not take by the table is unknown. Policies must be compiled in the safer reading.
//
// Source: IAM User Guide, "Policy evaluation logic" and "Validate policies with custom
// policy checks" (CheckNoNewAccess, CheckAccessNotGranted), which this follows where it
// can be followed offline.
package diff

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/diff/caller"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// Answer to a question about access.
type Answer string

// Answers.
const (
	No      Answer = "no"
	Yes     Answer = "yes"
	Unknown Answer = "unknown"
)

// Report is what changed.
type Report struct {
	New  Access `json:"new"`  // allowed now, not before
	Lost Access `json:"lost"` // allowed before, not now
	// Lifted is what a Deny stopped before and nothing stops now, if some other policy
	// allows it. It is empty unless a Deny changed.
	Lifted Access `json:"lifted"`
	// Assumed says that both sides were taken with an Allow for everything, as service
	// control policies that only deny are.
	Assumed bool `json:"full_access_assumed,omitempty"`
}

// Access is the difference in one direction.
type Access struct {
	Answer  Answer   `json:"answer"`
	Changes []Change `json:"changes"` // each with an example
	Open    []Change `json:"unknown"` // possible, each with the reason why it is not known
}

// Change is a set of actions that are allowed on one side and not on the other.
type Change struct {
	Actions []Action `json:"actions"`
	// Principals are the callers, for policies that name some.
	Principals []string `json:"principals,omitempty"`
	// By is the Allow of the side that allows; Despite is the Deny of the other that
	// stops it there, if one does.
	By      *Place `json:"by,omitempty"`
	Despite *Place `json:"denied_by,omitempty"`
	// Conditional says that By has conditions.
	Conditional bool `json:"conditional,omitempty"`
	// Example is for one of the actions. It is nil if Reason is set.
	Example *Example `json:"example,omitempty"`
	Reason  string   `json:"reason,omitempty"`
}

// Action is one permission with its access level. Unlisted names stand for all names
// of their pattern that the table of actions does not have.
type Action struct {
	Name     string `json:"name"`
	Access   string `json:"access,omitempty"`
	Unlisted bool   `json:"unlisted,omitempty"`
}

// Place is where a statement stands. Line and column count from 1.
type Place struct {
	Policy    string `json:"policy"`
	Statement int    `json:"statement"` // from 0
	Sid       string `json:"sid,omitempty"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
}

// String is policy, statement number and Sid.
func (p *Place) String() string {
	s := fmt.Sprintf("%s statement %d", p.Policy, p.Statement)
	if p.Sid != "" {
		s += " (" + p.Sid + ")"
	}
	return s
}

// Example is a request that one side allows and the other denies. Context is complete:
// keys that are not listed are absent.
type Example struct {
	Action          string              `json:"action"`
	Resource        string              `json:"resource"`
	ResourceAccount string              `json:"resourceAccount,omitempty"`
	Principal       string              `json:"principal"`
	Issuer          string              `json:"issuer,omitempty"` // user behind a federated user's session
	Context         map[string][]string `json:"context,omitempty"`

	caller   *caller.Caller
	contexts map[*side]iam.Context // of the request, made once
}

// maxStatements bounds the statements of both sides. An account's quotas allow about
// ten policies of a few hundred.
const maxStatements = 20_000

// Compare compares two sides of the same kind. The error names a policy that cannot be
// of its kind.
func Compare(old, new Side) (*Report, error) {
	report := &Report{}
	if old.Kind == SCP && old.deniesOnly() && new.deniesOnly() {
		report.Assumed = true
		old, new = old.withEverything(), new.withEverything()
	}
	c, err := newComparison(old, new)
	if err != nil {
		return nil, err
	}
	classes, err := c.classes()
	if err != nil {
		return nil, err
	}
	report.New = c.direction(classes, c.old, c.new)
	report.Lost = c.direction(classes, c.new, c.old)
	report.Lifted = Access{Answer: No, Changes: []Change{}, Open: []Change{}}
	if old.Kind == RCP || report.Assumed || !c.denyGone() {
		return report, nil
	}
	if c, err = newComparison(old.withEverything(), new.withEverything()); err != nil {
		return nil, err
	}
	if classes, err = c.classes(); err != nil {
		return nil, err
	}
	report.Lifted = c.direction(classes, c.old, c.new)
	for _, list := range [][]Change{report.Lifted.Changes, report.Lifted.Open} {
		for i := range list {
			list[i].By = nil // it is what was added
		}
	}
	return report, nil
}

// denyGone says whether a Deny of the old side is not there, word for word, in the new.
func (c *comparison) denyGone() bool {
	has := map[string]bool{}
	for _, st := range c.new.statements {
		if st.denies {
			has[st.whole()] = true
		}
	}
	for _, st := range c.old.statements {
		if st.denies && !has[st.whole()] {
			return true
		}
	}
	return false
}

// comparison is two sides made ready.
type comparison struct {
	old, new     *side
	knownDiffers bool
	callers      []caller.Caller // one without a name if the policies name none
	crowded      bool            // there are more than callers
	forms        map[*metadata.Action]string
	overflow     string // why actions may be missing, "" if none is
	steps        int    // of search that are left, over all classes
}

// maxSteps is the work that one direction may cost.
const maxSteps = 2_000_000

func newComparison(old, new Side) (*comparison, error) {
	if old.Kind != new.Kind {
		return nil, fmt.Errorf("policies of kind %s and %s: want one kind", old.Kind, new.Kind)
	}
	c := comparison{forms: map[*metadata.Action]string{}}
	var err error
	if c.old, err = newSide("old", old); err != nil {
		return nil, err
	}
	if c.new, err = newSide("new", new); err != nil {
		return nil, err
	}
	if n := len(c.old.statements) + len(c.new.statements); n > maxStatements {
		return nil, fmt.Errorf("%d statements, want at most %d", n, maxStatements)
	}
	if old.Principal.Account != new.Principal.Account {
		return nil, errors.New("principals of different accounts")
	}
	c.callers = []caller.Caller{{}}
	if old.Kind.named() {
		var complete bool
		var statements []caller.Statement
		for _, st := range c.all() {
			statements = append(statements, caller.Statement{Principal: st.principals(), Tests: st.Tests()})
		}
		c.callers, complete = caller.Of(statements)
		c.crowded = !complete
		for _, st := range c.all() {
			st.judgeCallers(c.callers)
		}
	}
	c.knownDiffers = !sameContext(&c.old.known, &c.new.known)
	return &c, nil
}

// sameContext says whether the same is known. What is known of keys by their prefix
// only is compared by a key that nobody uses.
func sameContext(a, b *iam.Context) bool {
	keys := append(a.Keys(), b.Keys()...)
	for _, key := range append(keys, "aws:principaltag/\x00") {
		v, there := a.Values(key)
		w, there2 := b.Values(key)
		if there != there2 || len(v) != len(w) {
			return false
		}
		for i := range v {
			if v[i] != w[i] {
				return false
			}
		}
	}
	return true
}

func (c *comparison) all() []*stmt {
	return append(c.old.statements[:len(c.old.statements):len(c.old.statements)], c.new.statements...)
}

// direction finds what to allows and from does not.
func (c *comparison) direction(classes []*class, from, to *side) Access {
	out := Access{Answer: No, Changes: []Change{}, Open: []Change{}}
	c.steps = maxSteps
	for _, cl := range classes {
		p := pursuit{comparison: c, class: cl, from: from, to: to}
		p.run()
		out.Changes = append(out.Changes, p.changes...)
		out.Open = append(out.Open, p.open...)
	}
	if c.overflow != "" {
		out.Open = append(out.Open, Change{Actions: []Action{}, Reason: c.overflow})
	}
	out.Changes, out.Open = merge(out.Changes), merge(out.Open)
	switch {
	case len(out.Changes) > 0:
		out.Answer = Yes
	case len(out.Open) > 0:
		out.Answer = Unknown
	}
	return out
}

// merge joins the changes that the same statements make to the same principals.
func merge(list []Change) []Change {
	type cause struct {
		by, despite Place
		reason, who string
	}
	place := func(p *Place) Place {
		if p == nil {
			return Place{Statement: -1}
		}
		return *p
	}
	at := map[cause]int{}
	out := []Change{}
	for _, ch := range list {
		key := cause{place(ch.By), place(ch.Despite), ch.Reason, strings.Join(ch.Principals, "\n")}
		i, ok := at[key]
		if !ok {
			at[key] = len(out)
			out = append(out, ch)
			continue
		}
		out[i].Actions = append(out[i].Actions, ch.Actions...)
	}
	for i := range out {
		slices.SortStableFunc(out[i].Actions, func(a, b Action) int { return a.rank() - b.rank() })
	}
	slices.SortStableFunc(out, func(a, b Change) int { return a.rank() - b.rank() })
	return out
}

// rank is the order of reading: what gives most power first.
func (a *Action) rank() int {
	return slices.Index([]string{
		metadata.PermissionsManagement.String(), metadata.Write.String(), "", metadata.Tagging.String(), metadata.Read.String(), metadata.List.String(),
	}, a.Access)
}

func (c *Change) rank() int {
	if len(c.Actions) == 0 {
		return 0 // it may be any
	}
	return c.Actions[0].rank()
}
