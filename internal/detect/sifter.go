package detect

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect/field"
	"github.com/rootkeep/rootkeep/internal/detect/inventory"
	"github.com/rootkeep/rootkeep/internal/detect/span"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
	"github.com/rootkeep/rootkeep/sigma/correlate"
)

// Sifter takes one record after another and hands over what each adds to which groups,
// for who keeps groups between records: a Worker whose shares are taken at once. It
// does not tell duplicates apart.
type Sifter struct {
	w              *Worker
	watched, given *inventory.Index
}

// Sifted is what rules made of a record.
type Sifted struct {
	Time        int64 // Unix seconds; span.Untimed if it cannot be read
	Account, ID string
	Rules       []int32 // that matched after all, ascending
	// Verdict is the same for copies of a record that the same rules match, Content
	// for copies that say the same, whatever rules there are.
	Verdict, Content uint64
}

// Named says that a record has an event ID, which tells copies of it.
func Named(v *rootkeep.View) bool { return len(v.Text(field.ID)) > 0 }

// NewSifter makes a sifter with the rules and options of a hunt.
func (h *Hunt) NewSifter() *Sifter {
	list := h.options.Inventory
	return &Sifter{w: h.NewWorker(), watched: inventory.NewIndex(list), given: inventory.NewIndex(list)}
}

// Learnt are the watched resources that records told of.
func (s *Sifter) Learnt() *inventory.Index { return s.w.inventory }

// Learn takes over what records told of before.
func (s *Sifter) Learn(x *inventory.Index) {
	s.w.inventory.Merge(x)
	s.watched.Merge(x)
}

// Teaches learns from a record that tells of watched resources, and says whether it is
// such a record.
func (s *Sifter) Teaches(rec *cloudtrail.Record) bool {
	v := rec.View
	name := string(v.Text(field.Name))
	if !inventory.Tells(name) || string(v.Text(field.Source)) != "cloudtrail.amazonaws.com" || field.Outcome(v) != field.Succeeded {
		return false
	}
	s.w.inventory.Learn(name, rec.Raw)
	s.watched.Learn(name, rec.Raw)
	return true
}

// WatchedUnknown says that a rule on a watched resource is taken to match whatever the
// resource: another knows the inventory.
type WatchedUnknown bool

// Sift judges one record of a file; false if nothing is left of its matches. What it
// adds is then to be taken with Groups and Windows. It keeps nothing of rec.
func (s *Sifter) Sift(rec *cloudtrail.Record, file string, unknown WatchedUnknown) (Sifted, bool) {
	w := s.w
	w.NewReader()
	w.begin(rec, file)
	w.matched = w.matcher.Match(rec.View, w.matched[:0])
	if len(w.matched) == 0 {
		return Sifted{}, false
	}
	out := Sifted{Time: w.time, Account: string(tally.Cut(w.account(rec.View))), ID: string(tally.Cut(rec.View.Text(field.ID)))}
	out.Verdict, out.Content = s.marks(rec.View)
	if !unknown {
		w.leaveUnwatched(s.watched, s.given)
	}
	if len(w.matched) == 0 || !w.take(rec.View) {
		return Sifted{}, false
	}
	out.Rules = slices.Clone(w.matched)
	return out, true
}

// marks are Verdict and Content of the record at hand.
func (s *Sifter) marks(v *rootkeep.View) (verdict, content uint64) {
	w := s.w
	h := sha256.New()
	text := func(b []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	text(v.Text(field.Address))
	text(v.Text(field.ARN))
	sum := h.Sum(nil)
	for _, number := range w.matched {
		r := w.hunt.pack.Set.Rules()[number]
		text([]byte(r.ID))
		text([]byte(RuleName(&r.Header)))
	}
	verdict = binary.BigEndian.Uint64(h.Sum(nil))
	h.Reset()
	h.Write(sum)
	for _, field := range []int{field.Name, field.Source, field.Time, field.Error} {
		text(v.Text(field))
	}
	return verdict, binary.BigEndian.Uint64(h.Sum(nil))
}

// Groups hands over what the last record adds to groups of alerts: its texts have
// numbers of Names.
func (s *Sifter) Groups(visit func(GroupKey, *span.Spans)) {
	w := s.w
	for k, runs := range w.groups {
		visit(w.keyOf(k), runs)
	}
	clear(w.groups)
	*w.call = call{}
	w.who, w.lastSpans, w.spare = tally.Callers{}, nil, nil
	w.hunt.room.Store(maxGroups)
}

// Windows hands over what the last record adds to windows.
func (s *Sifter) Windows(visit func(*correlate.Group)) { s.w.correlator.Take(visit) }

// Names are the texts of groups since Renew.
func (s *Sifter) Names() *tally.Names { return &s.w.names }

// Renew forgets texts when there are many; groups that were handed over are void.
func (s *Sifter) Renew() {
	const many = 1 << 14
	if s.w.names.Len() > many {
		s.w.names = tally.Names{}
	}
}

// Scans is how many records own scans explained since it was asked last.
func (s *Sifter) Scans() int {
	n := s.w.totals.Scans
	s.w.totals.Scans = 0
	return int(n)
}
