package correlate

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"

	"github.com/rootkeep/rootkeep/sigma/correlate/party"
)

// mark is one or more events of one second and one party that count alike.
type mark struct {
	t   int64
	key key
	n   int32 // events; 0 for a further value of an event already counted
	who party.Number
	// failed says of the events that they are calls that failed.
	failed bool
	// bare says that the mark counts as an event and a moment at which to judge,
	// but carries no value: its neighbours imply it (see thin).
	bare bool
}

// key is what a mark counts as: the digest of a value, the bits of a number, the
// place of a rule among the inputs.
type key struct{ hi, lo uint64 }

const digestSize = 16 // bytes of SHA-256 that stand for a text

// neededKey is the further value of an event that matched a rule which the correlation
// needs: no text is known to have a digest of zeros.
var neededKey key

func digestKey(text []byte) key {
	sum := sha256.Sum256(text)
	return key{binary.BigEndian.Uint64(sum[:]), binary.BigEndian.Uint64(sum[8:])}
}

func numberKey(x float64) key {
	return key{lo: math.Float64bits(x + 0)} // + 0 makes negative zero zero
}

func ruleKey(input int) key { return key{lo: uint64(input)} }

func (k key) number() float64 { return math.Float64frombits(k.lo) }
func (k key) rule() int       { return int(k.lo) }

func compareMarks(a, b mark) int {
	if a.bare != b.bare && a.t == b.t {
		if a.bare {
			return 1
		}
		return -1
	}
	c := cmp.Or(cmp.Compare(a.t, b.t), cmp.Compare(a.key.hi, b.key.hi), cmp.Compare(a.key.lo, b.key.lo), cmp.Compare(a.who, b.who))
	switch {
	case c != 0 || a.failed == b.failed:
		return c
	case a.failed:
		return 1
	}
	return -1
}

// fold sorts marks and joins those of one second that count alike.
func fold(marks []mark) []mark {
	slices.SortFunc(marks, compareMarks)
	kept := marks[:0]
	for _, m := range marks {
		if last := len(kept) - 1; last >= 0 && compareMarks(kept[last], m) == 0 {
			kept[last].n += m.n
			continue
		}
		kept = append(kept, m)
	}
	return kept
}

// thin strips the value from sorted marks that do not need it to count distinct
// values in windows of length w. A mark at t keeps its value in the window over
// [t, t+w). If two other marks of the value, at t1 <= t <= t2, lie less than w
// apart, their [t1, t1+w) and [t2, t2+w) cover it: the value is in the window at
// the same times with the mark as without, whatever marks are added later. The
// same holds for what is stripped after it, since only the marks that remain are
// taken as t1 and t2. The bare mark stays as a moment of judgement, a possible
// start and end of an episode, and a count of events, so nothing else changes.
func thin(marks []mark, w int64) {
	type seen struct {
		kept    int64 // time of the last mark that keeps its value
		pending int   // index of the mark after it, -1 for none
	}
	values := map[key]*seen{}
	for i := range marks {
		m := &marks[i]
		if m.bare {
			continue
		}
		v := values[m.key]
		if v == nil {
			values[m.key] = &seen{m.t, -1}
			continue
		}
		if v.pending >= 0 {
			if p := &marks[v.pending]; m.t-v.kept < w {
				p.bare, p.key = true, key{}
			} else {
				v.kept = p.t
			}
		}
		v.pending = i
	}
}
