package app

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/rootkeep/rootkeep/internal/report"
)

const (
	// maxProblems is how many problems are kept word for word, maxMinor how many of
	// those that cost nothing: a thousand empty files must not push out the one that
	// could not be read.
	maxProblems = 1000
	maxMinor    = 100
)

// journal collects what was wrong with the input. The zero value is empty; it is
// safe for several workers.
type journal struct {
	mu       sync.Mutex
	problems []report.Problem
	minor    []report.Problem
	lost     int64 // problems that cost something, kept or not
	omitted  int64
}

func (j *journal) add(p report.Problem) {
	j.mu.Lock()
	defer j.mu.Unlock()
	list, most := &j.problems, maxProblems
	if p.Notice {
		list, most = &j.minor, maxMinor
	} else {
		j.lost++
	}
	if len(*list) >= most {
		j.omitted++
		return
	}
	*list = append(*list, p)
}

// omit counts problems that a reader counted without keeping them.
func (j *journal) omit(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lost += int64(n)
	j.omitted += int64(n)
}

// byFile lists what was kept.
func (j *journal) byFile() []report.Problem {
	all := slices.Concat(j.problems, j.minor)
	slices.SortStableFunc(all, func(a, b report.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Offset, b.Offset))
	})
	return all
}

// close writes the journal into the report.
func (j *journal) close(out *report.Hunt) {
	out.Problems = append(out.Problems, j.byFile()...)
	out.Totals.Unread += j.lost
	if j.omitted > 0 {
		out.Notices = append(out.Notices, fmt.Sprintf("%d further problems are counted but not listed", j.omitted))
	}
}
