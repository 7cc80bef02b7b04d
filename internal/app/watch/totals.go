package watch

import (
	"bytes"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
)

// What a source brought is counted in the change that keeps the mark behind which no object
// comes again: one that is read once more, because its mark was not kept, counts once.

// objectTotals are those of an object that was read.
func objectTotals(stats *cloudtrail.Stats, problems []cloudtrail.Problem) rootlog.Totals {
	return rootlog.Totals{Objects: 1, Records: int64(stats.Records), Undecodable: undecodable(problems)}
}

// undecodable counts the records among what is wrong with an object.
func undecodable(problems []cloudtrail.Problem) (n int64) {
	for _, p := range problems {
		if p.Kind == cloudtrail.NotJSON || p.Kind == cloudtrail.OversizedRecord || p.Kind == cloudtrail.TooDeep {
			n++
		}
	}
	return n
}

// count notes what was read.
func (s *source) count(t rootlog.Totals) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.added = s.added.Plus(t)
}

// claim takes what was read and is in no parcel yet.
func (s *source) claim() rootlog.Totals {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.added
	s.added = rootlog.Totals{}
	return out
}

// load has a parcel count what was read up to its mark. Of a source that shares its deliveries
// there is no mark: what it is given it is not given again.
func (s *source) load(p *parcel) {
	switch {
	case s.shared():
		p.brings, p.covers = s.claim(), true
	case !bytes.Equal(p.mark, s.covered):
		p.brings, p.covers, s.covered = s.claim(), true, p.mark
	}
}

// unload takes back what a parcel was to count that was not kept, but for what its own object
// brought, and what was counted while it was kept: that comes again.
func (s *source) unload(p *parcel, own rootlog.Totals) {
	s.count(p.brings.Minus(own).Minus(p.late))
}

// also counts something of a parcel that shows when it is kept.
func (s *parcel) also(t rootlog.Totals) {
	s.late = s.late.Plus(t)
	if s.covers {
		s.brings = s.brings.Plus(t)
	} else {
		s.source.count(t)
	}
}

// resume has a source go on from a mark. What was read beyond it comes again.
func (s *source) resume(mark []byte) {
	if !s.shared() && !bytes.Equal(mark, s.mark) {
		s.claim()
	}
	s.mark, s.covered = mark, mark
}
