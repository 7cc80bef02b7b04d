package action

import (
	"bytes"
	"slices"
)

// Table numbers actions in alphabetical order, so that those of a service follow
// each other. It is immutable.
type Table struct {
	names    [][]byte // in lower case
	services []string
	spans    map[string]Span
}

// Span is a range of action numbers, To excluded.
type Span struct{ From, To int }

// Words are the 64-bit words that hold the span, the last one excluded.
func (s Span) Words() (from, to int) { return s.From / 64, (s.To + 63) / 64 }

// NewTable numbers names of the form service:Name. Case does not matter; a name
// without a colon is left out.
func NewTable(names []string) *Table {
	t := &Table{spans: map[string]Span{}}
	for _, n := range names {
		if l := []byte(lower(n)); bytes.IndexByte(l, ':') >= 0 {
			t.names = append(t.names, l)
		}
	}
	slices.SortFunc(t.names, func(a, b []byte) int {
		as, an := split(a)
		bs, bn := split(b)
		if c := bytes.Compare(as, bs); c != 0 {
			return c
		}
		return bytes.Compare(an, bn)
	})
	t.names = slices.CompactFunc(t.names, bytes.Equal)
	for i, n := range t.names {
		service, _ := split(n)
		span, there := t.spans[string(service)]
		if !there {
			t.services = append(t.services, string(service))
			span.From = i
		}
		span.To = i + 1
		t.spans[string(service)] = span
	}
	return t
}

func split(name []byte) (service, rest []byte) {
	i := bytes.IndexByte(name, ':')
	return name[:i], name[i+1:]
}

// Len is how many actions there are.
func (t *Table) Len() int { return len(t.names) }

// All is the span of all actions.
func (t *Table) All() Span { return Span{0, len(t.names)} }

// Name is an action in lower case.
func (t *Table) Name(i int) string { return string(t.names[i]) }

// Service is the span of a service's actions; the prefix is in lower case.
func (t *Table) Service(prefix string) (Span, bool) {
	s, ok := t.spans[prefix]
	return s, ok
}

// Find is the number of an action; case does not matter.
func (t *Table) Find(name string) (int, bool) {
	p := Parse(name)
	if p.Never || !p.Service.Literal || !p.Name.Literal {
		return 0, false
	}
	return t.find(&p)
}

func (t *Table) find(p *Pattern) (int, bool) {
	span := t.spans[p.Service.Text]
	i, ok := slices.BinarySearchFunc(t.names[span.From:span.To], p.Name.Text, func(n []byte, name string) int {
		_, rest := split(n)
		return bytes.Compare(rest, []byte(name))
	})
	return span.From + i, ok
}

// Mask is a set of actions of a Table: the words of a bit set that are not zero, in
// order. Most statements cover a few services only.
type Mask []Word

// Word is 64 actions, from number 64*At.
type Word struct {
	At   int
	Bits uint64
}

// Within is the part of the mask that lies in words from to to.
func (m Mask) Within(from, to int) Mask {
	at := func(w Word, at int) int { return w.At - at }
	i, _ := slices.BinarySearchFunc(m, from, at)
	j, _ := slices.BinarySearchFunc(m[i:], to, at)
	return m[i : i+j]
}

// Cover is the set of the actions that one of the patterns covers, or none of them
// if excluded is set.
func (t *Table) Cover(ps []Pattern, excluded bool) Mask {
	bits := make([]uint64, (len(t.names)+63)/64)
	for i := range ps {
		t.cover(&ps[i], bits)
	}
	var out Mask
	for w, b := range bits {
		if excluded {
			b = ^b
			if rest := len(t.names) - 64*w; rest < 64 {
				b &= 1<<rest - 1
			}
		}
		if b != 0 {
			out = append(out, Word{w, b})
		}
	}
	return slices.Clip(out)
}

func (t *Table) cover(p *Pattern, bits []uint64) {
	switch {
	case p.Never:
	case p.Service.Literal && p.Name.Literal:
		if i, ok := t.find(p); ok {
			bits[i/64] |= 1 << (i % 64)
		}
	case p.Service.Literal:
		t.coverSpan(p, t.spans[p.Service.Text], bits)
	default:
		for _, service := range t.services {
			if p.All || p.Service.Match([]byte(service)) {
				t.coverSpan(p, t.spans[service], bits)
			}
		}
	}
}

func (t *Table) coverSpan(p *Pattern, span Span, bits []uint64) {
	for i := span.From; i < span.To; i++ {
		if _, name := split(t.names[i]); p.All || p.Name.Match(name) {
			bits[i/64] |= 1 << (i % 64)
		}
	}
}
