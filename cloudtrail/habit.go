package cloudtrail

import (
	"bytes"

	"github.com/rootkeep/rootkeep"
)

const (
	maxNoted       = 8 << 10 // bytes of an object worth remembering
	maxNotedValues = 1024    // in one noted object
	trial          = 64      // objects after which a habit is judged
	minHits        = trial / 8
	restFor        = 4096 // objects that a bad habit rests
	notedKeep      = 4
)

// habit remembers the last few objects of one key of the record. CloudTrail
// comes in bursts of calls by one caller, so that userIdentity and tlsDetails
// are often the same to the byte; comparing bytes is far cheaper than scanning
// them. It rests for a while when that does not pay.
type habit struct {
	noted  [notedKeep]noted
	recent int // index of the last one used
	oldest int // index of the next one to overwrite
	tried  int
	hits   int
	rest   int
}

// noted is one object and the values found in it.
type noted struct {
	serial uint64
	raw    []byte
	text   []byte // decoded strings
	values []notedValue
	full   bool // it is larger than is noted
}

type notedValue struct {
	field    int32
	from, to int32 // in raw or in text
	kind     rootkeep.Kind
	decoded  bool // in text
}

// repeated scans an object of a key at the top of the record, or takes its
// values from an equal one met before.
func (s *scanner) repeated(i int, k *key, depth int) int {
	h := k.habit
	if k.identity {
		s.identities++
		s.identity = 0
	}
	if h.rest > 0 {
		h.rest--
		return s.element(i, k.to, depth)
	}
	n := h.find(s.b[i:])
	if n == nil {
		n = &h.noted[h.oldest]
		h.recent, h.oldest = h.oldest, (h.oldest+1)%notedKeep
		next := s.note(n, i, k.to, depth)
		if next < 0 || len(n.raw) == 0 {
			return next
		}
	} else {
		s.replay(n)
	}
	if k.identity && s.identities == 1 {
		s.identity = n.serial
	}
	return i + len(n.raw)
}

// find returns the noted object that b starts with: an object ends where its
// brackets say, so a common front means that all of it is equal.
func (h *habit) find(b []byte) *noted {
	if h.tried++; h.tried > trial {
		if h.hits < minHits {
			h.rest = restFor
		}
		h.tried, h.hits = 0, 0
	}
	at := h.recent
	for range notedKeep {
		if n := &h.noted[at]; len(n.raw) > 0 && bytes.HasPrefix(b, n.raw) {
			h.recent = at
			h.hits++
			return n
		}
		at = (at + 1) % notedKeep
	}
	return nil
}

// note scans the object at b[i] and remembers it in n, unless it is large.
func (s *scanner) note(n *noted, i int, l *level, depth int) int {
	n.raw, n.text, n.values, n.full = n.raw[:0], n.text[:0], n.values[:0], false
	s.noting, s.notingFrom = n, i
	next := s.element(i, l, depth)
	s.noting = nil
	if next < 0 || next-i > maxNoted || n.full {
		return next
	}
	s.notes++
	n.serial = s.notes
	n.raw = append(n.raw, s.b[i:next]...)
	return next
}

// replay adds the values of a noted object to the view.
func (s *scanner) replay(n *noted) {
	for i := range n.values {
		v := &n.values[i]
		from := n.raw
		if v.decoded {
			from = n.text
		}
		s.view.Add(int(v.field), value(v.kind, from[v.from:v.to:v.to]))
	}
}

func (n *noted) add(field int, kind rootkeep.Kind, from, to int) {
	if n.overflows(0) {
		return
	}
	n.values = append(n.values, notedValue{field: int32(field), kind: kind, from: int32(from), to: int32(to)})
}

// overflows says that no more is noted: the object is large, and what a hostile
// record makes us keep stays with the reader.
func (n *noted) overflows(text int) bool {
	n.full = n.full || len(n.values) >= maxNotedValues || len(n.text)+text > maxNoted
	return n.full
}

func (n *noted) addText(field int, text []byte) {
	if n.overflows(len(text)) {
		return
	}
	from := len(n.text)
	n.text = append(n.text, text...)
	n.values = append(n.values, notedValue{
		field: int32(field), kind: rootkeep.String, from: int32(from), to: int32(len(n.text)), decoded: true,
	})
}
