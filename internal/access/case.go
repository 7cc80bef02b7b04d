package access

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
)

// Case is what a request for a task comes to: what somebody with the root user of a
// holder gets.
type Case struct {
	Name    string   `yaml:"name"`
	Holder  Holder   `yaml:"holder"`
	Kind    Kind     `yaml:"kind"`    // "": as Ask
	Path    Path     `yaml:"path"`    // of the request, unless it is refused
	Refused string   `yaml:"refused"` // part of why
	Policy  string   `yaml:"policy"`  // that decides; "": not compared
	Covers  []string `yaml:"covers"`  // events in scope, "SOURCE NAME"
	Leaves  []string `yaml:"leaves"`  // events that are not
}

// CaseResult is a case as it went; Err is nil if it came out as it says.
type CaseResult struct {
	Case Case
	Err  error
}

// RunCases asks for the task as each of its cases does.
func (t *Task) RunCases() []CaseResult {
	var out []CaseResult
	for _, c := range t.cases {
		out = append(out, CaseResult{c, t.run(&c)})
	}
	return out
}

func (t *Task) run(c *Case) error {
	if (c.Path == "") == (c.Refused == "") {
		return fmt.Errorf("path %q, refused %q: want one of them", c.Path, c.Refused)
	}
	r, err := t.Prepare(t.example(c), example)
	if c.Refused != "" {
		if err == nil || !strings.Contains(err.Error(), c.Refused) {
			return fmt.Errorf("got %v, want a refusal that says %q", err, c.Refused)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("got %w, want the path %s", err, c.Path)
	}
	if r.Path != c.Path {
		return fmt.Errorf("got the path %s, want %s", r.Path, c.Path)
	}
	if got := t.Policy(r.Kind); c.Policy != "" && got != c.Policy {
		return fmt.Errorf("got the policy %s, want %s", got, c.Policy)
	}
	for want, events := range map[bool][]string{true: c.Covers, false: c.Leaves} {
		for _, e := range events {
			source, name, _ := strings.Cut(e, " ")
			if r.Covers(source, name) != want {
				return fmt.Errorf("%s is in scope: got %v, want %v", e, !want, want)
			}
		}
	}
	return nil
}

// example is the time at which cases ask. No case depends on it.
var example = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)

// example is what a case asks for.
func (t *Task) example(c *Case) Ask {
	a := Ask{Holder: c.Holder, Accounts: []rootkeep.AccountID{"111122223333"}, Justification: "It is a case of the task's file.", Kind: c.Kind}
	if t.Ways[c.Holder].Path == Assumed {
		a.Changes = []Change{{Account: a.Accounts[0], ID: "CH-EXAMPLE", Plan: approval.Sum(nil)}}
		return a
	}
	a.Custodian, a.Networks = "PE-EXAMPLE", []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	return a
}

// unproved refuses a file whose cases leave out a holder, a kind of request or an event
// that the task causes: nobody would see that it is wrong.
func (t *Task) unproved(shown string) error {
	covered := []string{}
	for _, h := range Holders() {
		asked := slices.DeleteFunc(slices.Clone(t.cases), func(c Case) bool { return c.Holder != h })
		if len(asked) == 0 {
			return fmt.Errorf("%s: no case says what a %s gets", shown, h)
		}
		for _, k := range t.Requests {
			if _, ok := t.Ways[h]; ok && !slices.ContainsFunc(asked, func(c Case) bool { return c.Path != "" && cmp.Or(c.Kind, t.Requests[0]) == k }) {
				return fmt.Errorf("%s: no case of a %s asks for it as %s", shown, h, k)
			}
		}
		for _, c := range asked {
			covered = append(covered, c.Covers...)
		}
	}
	for _, e := range t.Events {
		if !slices.ContainsFunc(covered, func(c string) bool {
			source, name, _ := strings.Cut(c, " ")
			return Covers([]string{e}, source, name)
		}) {
			return fmt.Errorf("%s: no case covers the event %q", shown, e)
		}
	}
	return nil
}
