package framework

import (
	"slices"

	"github.com/rootkeep/rootkeep"
)

// Status is what a clause came to.
type Status string

// Statuses, the one that counts first.
const (
	Fail          Status = "fail"           // a control fails somewhere
	Unknown       Status = "unknown"        // none fails, and one could not be judged somewhere
	Excepted      Status = "excepted"       // what fails was accepted by an owner until a day
	Partial       Status = "partial"        // all pass, and they judge a part of the clause only
	Pass          Status = "pass"           // all pass in all accounts, or do not apply
	NotApplicable Status = "not-applicable" // none applies to any account
	NotCovered    Status = "not-covered"    // no control answers it, or those of a part of it do not apply
)

// Statuses lists them in that order.
func Statuses() []Status {
	return []Status{Fail, Unknown, Excepted, Partial, Pass, NotApplicable, NotCovered}
}

// Meaning is what a reader of a coverage has to know.
const Meaning = "A clause passes when every control mapped to it passes in every account. That is evidence for the clause, no proof that it is met: what people and other systems do is not judged."

// Coverage is a framework as the findings answer it.
type Coverage struct {
	Heading
	Meaning string         `json:"meaning"`
	Counts  map[Status]int `json:"counts"`
	Clauses []Clause       `json:"clauses"`
}

// Clause is one clause with its mappings.
type Clause struct {
	Clause   string    `json:"clause"`
	Title    string    `json:"title"`
	Status   Status    `json:"status"`
	Why      string    `json:"why,omitempty"` // there is no control
	Mappings []Mapping `json:"mappings"`
}

// Mapping is what one row of the file says, with what its controls came to.
type Mapping struct {
	Basis    Basis    `json:"basis"`
	Source   string   `json:"source,omitempty"`
	Why      string   `json:"why,omitempty"`
	Part     string   `json:"part,omitempty"`
	Through  string   `json:"through,omitempty"`
	Status   Status   `json:"status"`
	Controls []Answer `json:"controls"`
}

// Says is the basis in words: who publishes the mapping, or why it is ours.
func (m Mapping) Says() string {
	said := string(m.Basis) + ": " + m.Source + m.Why
	if m.Through != "" {
		said += " (through " + m.Through + ")"
	}
	return said
}

// Answer is what one control came to over all accounts and resources.
type Answer struct {
	Control string `json:"control"`
	Status  Status `json:"status"`
	Fail    int    `json:"fail"`    // findings
	Unknown int    `json:"unknown"` // findings, and accounts of which nothing was read
}

// Answers are what controls came to, by ID.
type Answers map[string]Answer

// Judge sums findings up. controls are the IDs that were judged: one of them without
// a finding had no resource to judge. unread are accounts of which nothing was read; in
// each of them every control is unknown.
func Judge(controls []string, findings []rootkeep.Finding, unread int) Answers {
	by := map[string]map[rootkeep.Status]int{}
	for i := range findings {
		f := &findings[i]
		if by[f.Control] == nil {
			by[f.Control] = map[rootkeep.Status]int{}
		}
		by[f.Control][f.Status]++
	}
	return Sum(controls, by, unread)
}

// Sum is Judge of findings that are counted already: by control and status.
func Sum(controls []string, by map[string]map[rootkeep.Status]int, unread int) Answers {
	out := Answers{}
	for _, id := range controls {
		out[id] = Answer{Control: id, Status: NotApplicable}
	}
	for id := range by {
		out[id] = Answer{Control: id, Status: NotApplicable}
	}
	for id, a := range out {
		a.Fail = by[id][rootkeep.Fail]
		var statuses []Status
		for status, n := range by[id] {
			switch {
			case n == 0:
			case status == rootkeep.Fail:
				statuses = append(statuses, Fail)
			case status == rootkeep.Pass:
				statuses = append(statuses, Pass)
			case status == rootkeep.Excepted:
				statuses = append(statuses, Excepted)
			case status != rootkeep.NotApplicable:
				statuses = append(statuses, Unknown)
				a.Unknown += n
			}
		}
		if unread > 0 && slices.Contains(controls, id) {
			statuses = append(statuses, Unknown)
			a.Unknown += unread
		}
		a.Status = worst(statuses)
		out[id] = a
	}
	return out
}

// worst is the status that counts; of none, not applicable.
func worst(of []Status) Status {
	for _, s := range Statuses() {
		if slices.Contains(of, s) {
			return s
		}
	}
	return NotApplicable
}

// Cover is the framework as the answers have it. A control that was not judged is
// unknown: its file was broken, or it belongs to another version.
func (f *Framework) Cover(answers Answers) Coverage {
	out := Coverage{
		Heading: f.Heading, Meaning: Meaning, Counts: map[Status]int{}, Clauses: []Clause{},
	}
	for _, r := range f.Rows {
		last := len(out.Clauses) - 1
		if last < 0 || out.Clauses[last].Clause != r.Clause {
			out.Clauses = append(out.Clauses, Clause{Clause: r.Clause, Title: r.Title, Mappings: []Mapping{}})
			last++
		}
		c := &out.Clauses[last]
		if len(r.Controls) == 0 {
			c.Why = r.Why
			continue
		}
		c.Mappings = append(c.Mappings, f.mapping(r, answers))
	}
	for i := range out.Clauses {
		c := &out.Clauses[i]
		c.Status = NotCovered
		if len(c.Mappings) > 0 {
			c.Why = ""
			c.Status = worst(collect(c.Mappings, func(m Mapping) Status { return m.Status }))
		}
		out.Counts[c.Status]++
	}
	return out
}

func (f *Framework) mapping(r Row, answers Answers) Mapping {
	m := Mapping{Basis: r.Basis, Source: r.Source, Why: r.Why, Part: r.Part, Through: r.Through}
	if m.Basis == Published && m.Source == "" {
		m.Source = f.Source
	}
	for _, id := range r.Controls {
		a, ok := answers[id]
		if !ok {
			a = Answer{Control: id, Status: Unknown}
		}
		m.Controls = append(m.Controls, a)
	}
	m.Status = worst(collect(m.Controls, func(a Answer) Status { return a.Status }))
	if m.Status == Pass && m.Part != "" {
		m.Status = Partial
	}
	if m.Status == NotApplicable && m.Part != "" {
		m.Status = NotCovered // what the controls do not judge may well apply
	}
	return m
}

func collect[T any](list []T, status func(T) Status) []Status {
	out := make([]Status, len(list))
	for i, item := range list {
		out[i] = status(item)
	}
	return out
}

// Controls are the IDs that the framework maps, sorted.
func (f *Framework) Controls() []string {
	var out []string
	for _, r := range f.Rows {
		out = append(out, r.Controls...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Reference is a clause that a control answers.
type Reference struct {
	Framework string `json:"framework"`
	Clause    string `json:"clause"`
	Basis     Basis  `json:"basis"`
}

// References are the clauses that the control answers, by framework.
func References(all []*Framework, control string) []Reference {
	out := []Reference{}
	for _, f := range all {
		for _, r := range f.Rows {
			if slices.Contains(r.Controls, control) {
				out = append(out, Reference{f.ID, r.Clause, r.Basis})
			}
		}
	}
	return out
}
