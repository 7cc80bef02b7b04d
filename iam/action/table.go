package action

import (
	"bytes"
	"slices"
	"strings"
)

// Table numbers actions in alphabetical order, so that those of a service follow
// each other. It is immutable.
type Table struct {
	names    []string // in lower case
	text     [][]byte // the same
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
		if strings.Contains(n, ":") {
			t.names = append(t.names, lower(n))
		}
	}
	slices.Sort(t.names) // a service's actions have a prefix in common, so they follow each other
	t.names = slices.Compact(t.names)
	t.text = make([][]byte, len(t.names))
	for i, n := range t.names {
		t.text[i] = []byte(n)
		service, _, _ := strings.Cut(n, ":")
		span, there := t.spans[service]
		if !there {
			t.services = append(t.services, service)
			span.From = i
		}
		span.To = i + 1
		t.spans[service] = span
	}
	return t
}

// Len is how many actions there are.
func (t *Table) Len() int { return len(t.names) }

// All is the span of all actions.
func (t *Table) All() Span { return Span{0, len(t.names)} }

// Name is an action in lower case.
func (t *Table) Name(i int) string { return t.names[i] }

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
	i, ok := slices.BinarySearchFunc(t.names[span.From:span.To], p.Name.Text, func(n, name string) int {
		return strings.Compare(n[len(p.Service.Text)+1:], name)
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
	if span.From == span.To {
		return
	}
	name := bytes.IndexByte(t.text[span.From], ':') + 1
	for i := span.From; i < span.To; i++ {
		if p.All || p.Name.Match(t.text[i][name:]) {
			bits[i/64] |= 1 << (i % 64)
		}
	}
}
