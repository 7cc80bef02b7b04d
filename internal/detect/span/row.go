package span

import (
	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
	"github.com/rootkeep/rootkeep/internal/wire"
)

// Coding says what numbers stand for where runs are written.
type Coding struct {
	Names *tally.Names
	Rule  func(number int32) string // its name
	// Number finds a rule by its name; a rule that is not there any more is left out.
	Number func(rule string) (number int32, ok bool)
}

// maxRules is how many rules a run that is read may have.
const maxRules = 1 << 16

// Write writes the runs.
func (s *Spans) Write(w *wire.Writer, by Coding) {
	w.Len(len(s.Runs))
	for _, r := range s.Runs {
		w.Int(r.First)
		w.Int(r.Last)
		w.Len(len(r.Rules))
		for _, c := range r.Rules {
			w.Text(by.Rule(c.Rule))
			w.Len(int(c.Level))
			w.Len(c.Count)
			w.Len(c.Attempts)
		}
		for _, c := range r.texts() {
			c.Write(w, by.Names)
		}
		w.Len(int(r.MFA))
		w.Len(len(r.Notes))
		for _, note := range r.Notes {
			w.Text(note)
		}
		w.Bool(r.MoreNotes)
		w.Len(len(r.Events))
		for i := range r.Events {
			e := r.Events[i].Event(by.Names)
			w.Event(&e)
		}
	}
}

// Read reads what Write wrote. A run of which no rule is left has none.
func Read(r *wire.Reader, by Coding) *Spans {
	s := &Spans{}
	for i := range r.Len() {
		run := readRun(r, by)
		if i > 0 && r.Err() == nil && run.First <= s.Runs[i-1].Last+Gap {
			r.Fail()
		}
		if r.Err() != nil {
			return &Spans{}
		}
		s.Runs = append(s.Runs, run)
	}
	return s
}

func readRun(r *wire.Reader, by Coding) *Span {
	run := &Span{First: r.Int(), Last: r.Int()}
	rules := r.Len()
	if run.First > run.Last || run.First < Untimed || run.Last > -Untimed || rules > maxRules {
		r.Fail()
	}
	for range rules {
		name := r.Text()
		c := RuleCount{Level: rootkeep.Severity(r.Small()), Count: r.Small(), Attempts: r.Small()}
		if c.Level > rootkeep.Critical {
			r.Fail()
		}
		if number, ok := by.Number(name); ok && r.Err() == nil {
			c.Rule = number
			run.Rules = append(run.Rules, c)
		}
	}
	for _, c := range run.texts() {
		c.Read(r, by.Names)
	}
	run.MFA = MFA(r.Small())
	for range r.Len() {
		run.Note(r.Text())
	}
	run.MoreNotes = r.Bool() || run.MoreNotes
	for range r.Len() {
		run.Keep(Whole(r.Event()))
	}
	return run
}
