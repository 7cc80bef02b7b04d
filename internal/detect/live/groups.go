package live

import (
	"fmt"
	"math"
	"time"

	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/span"
	"github.com/rootkeep/rootkeep/internal/wire"
)

// never is a time that does not come.
const never = math.MaxInt64

// runs is a group of alerts at work: matches of one caller and tactic, as runs.
type runs struct {
	key  string
	data []byte // of its row as it stands
	of   detect.GroupKey
	*span.Spans
	told []told
}

const runsVersion = 1

func (s *step) coding() span.Coding {
	return span.Coding{
		Names: s.e.sifter.Names(),
		Rule:  s.e.ruleName,
		Number: func(rule string) (int32, bool) {
			number, ok := s.e.rules[rule]
			return number, ok
		},
	}
}

// runsOf is the group of a share.
func (s *step) runsOf(one *share) *runs {
	if g := s.runs[one.row]; g != nil {
		return g
	}
	g := &runs{key: one.row, data: s.found[one.row], of: one.group, Spans: &span.Spans{}}
	s.runs[one.row] = g
	if g.data == nil {
		return g
	}
	r := wire.NewReader(g.data, runsVersion)
	known, spans := readTold(r), span.Read(r, s.coding())
	if err := r.Close(); err != nil {
		s.unreadable(g.key, err)
		return g
	}
	g.told, g.Spans = known, spans
	return g
}

// settleRuns tells what became of a group, and keeps what later events can touch.
func (s *step) settleRuns(g *runs) {
	var kept []*span.Span
	var known []told
	until := int64(math.MinInt64)
	for _, run := range g.Runs {
		t := s.tellRun(g, run)
		// An event may join for as long as one of its time may come; what itself came
		// late stays for as long, so that its like do not begin alerts of their own.
		last := max(run.Last+span.Gap, t.touched)
		if last < s.settled.time || len(run.Rules) == 0 {
			continue
		}
		kept, known, until = append(kept, run), append(known, t), max(until, last)
	}
	if len(kept) == 0 {
		s.drop(g.key, g.data)
		return
	}
	g.Runs = kept
	w := wire.NewWriter(runsVersion)
	writeTold(w, known)
	g.Spans.Write(w, s.coding())
	s.keep(g.data, Row{Key: g.key, Data: w.Bytes(), Until: until + int64(s.e.options.Lateness/time.Second) + 1, Due: never})
}

// tellRun tells the alert of a run. Runs grow and join, so what was told of one lies in
// one now.
func (s *step) tellRun(g *runs, run *span.Span) told {
	var within []told
	for _, t := range g.told {
		if t.start >= run.First && t.end <= run.Last {
			within = append(within, t)
		}
	}
	if len(run.Rules) == 0 {
		return told{touched: math.MinInt64} // its rules are gone
	}
	a := s.e.hunt.GroupAlert(g.of, run, s.e.sifter.Names())
	return s.tell(told{start: run.First, crossed: run.First, end: run.Last}, within, a, g.told, "live", g.key, fmt.Sprint(run.First), firstID(&a))
}
