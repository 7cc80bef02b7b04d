package cloudtrail

import (
	"unicode/utf8"

	"github.com/rootkeep/rootkeep"
)

// scanner reads the values of the asked fields out of one record in one pass,
// which also checks it: what it accepts is JSON. Whatever it does not understand
// at once it leaves to reread, whose verdict is final.
//
// Scanning methods take the index of a value and return the index after it, or,
// in trouble, the complement of the index of the byte that cannot be there.
type scanner struct {
	fields  *branch
	root    *level
	nowhere *level // of keys that nobody asked for
	view    *rootkeep.View
	b       []byte // the window: the data and pad NUL bytes
	text    []byte // decoded strings of the current record
	texts   []literal

	noting     *noted // where values found are noted besides, nil if nowhere
	notingFrom int    // index in b that notes count from
	notes      uint64 // objects noted so far
	complaint  string // of encoding/json about the record
	identities int    // objects called userIdentity in the record
	identity   uint64 // see Record.Identity
}

// outcome of scanning a record.
type outcome uint8

const (
	complete outcome = iota
	short            // the data ends inside the record
	wrong            // it is not JSON
	deep             // it nests deeper than MaxDepth
)

func (s *scanner) init(f *Fields, v *rootkeep.View) {
	s.fields = f.root
	s.view = v
	s.nowhere = &level{field: -1}
	s.root = newLevel(f.root)
	s.root.top = true
}

// record fills the view from the record at b[i], of which data ends at end. It
// returns the index after the record, or with outcome wrong the index of the
// byte that cannot be there.
func (s *scanner) record(b []byte, i, end int) (int, outcome) {
	s.b = b
	s.view.Reset()
	s.text, s.texts = s.text[:0], s.texts[:0]
	s.noting, s.identities, s.identity = nil, 0, 0
	next := s.object(i, s.root, 1)
	if next > 0 {
		return next, complete
	}
	if ^next >= end {
		return end, short
	}
	s.view.Reset()
	s.identity = 0
	return s.reread(i, end)
}

// object scans the object at b[i], guided by what l says about its keys.
func (s *scanner) object(i int, l *level, depth int) int {
	if depth > MaxDepth {
		return ^i
	}
	b := s.b
	last := &l.start
	for {
		// Nearly always the key is the one that came after last the time before.
		k := last.next
		if k != nil && (k.wordsAt(b, i) || k.middle == 0 && k.textAt(b, i)) {
			i += len(k.text)
		} else if k, i = s.key(i, l, last); k == nil {
			return i
		}
		if b[i] != '"' {
			i = s.value(i, k, depth)
		} else if k.document != "" {
			from := i
			if i = s.element(i, k.to, depth); i > 0 {
				s.texts = append(s.texts, literal{k.document, from, i})
			}
		} else if k.to.field < 0 {
			i = skipString(b, i)
		} else {
			i = s.str(i, k.to.field)
		}
		if i < 0 {
			return i
		}
		if b[i] == '}' {
			return i + 1
		}
		last = k
	}
}

// value scans the value of a key.
func (s *scanner) value(i int, k *key, depth int) int {
	if k.habit != nil && (s.b[i] == '{' || s.b[i] == '[') {
		return s.repeated(i, k, depth)
	}
	return s.element(i, k.to, depth)
}

// element scans a value for the fields at and below l.
func (s *scanner) element(i int, l *level, depth int) int {
	switch b := s.b; b[i] {
	case '"':
		if l.field < 0 {
			return skipString(b, i)
		}
		return s.str(i, l.field)
	case '{':
		next := 0
		if l.asked {
			next = s.object(i, l, depth+1)
		} else {
			next = skipValue(b, i, MaxDepth-depth)
		}
		return s.plain(l.field, rootkeep.Object, i, next)
	case '[':
		if l.field < 0 && !l.asked {
			return skipValue(b, i, MaxDepth-depth)
		}
		return s.array(i, l, depth+1)
	case 'n':
		return s.plain(l.field, rootkeep.Null, i, skipLiteral(b, i))
	case 't', 'f':
		return s.plain(l.field, rootkeep.Bool, i, skipLiteral(b, i))
	default:
		return s.plain(l.field, rootkeep.Number, i, skipNumber(b, i))
	}
}

// array scans the elements of the array at b[i], each as if it stood there
// itself.
func (s *scanner) array(i int, l *level, depth int) int {
	if depth > MaxDepth {
		return ^i
	}
	start := i
	i = skipSpace(s.b, i+1)
	if s.b[i] == ']' {
		return s.plain(l.field, rootkeep.Array, start, i+1)
	}
	for {
		if i = s.element(i, l, depth); i < 0 {
			return i
		}
		i = skipSpace(s.b, i)
		switch s.b[i] {
		case ']':
			return i + 1
		case ',':
			i = skipSpace(s.b, i+1)
		default:
			return ^i
		}
	}
}

// plain adds b[i:next], if that went well and the field was asked for.
func (s *scanner) plain(field int, kind rootkeep.Kind, i, next int) int {
	if field >= 0 && next >= 0 {
		s.add(field, kind, i, next)
	}
	return next
}

// str adds the string at b[i].
func (s *scanner) str(i, field int) int {
	b := s.b
	start := i + 1
	i, seen := stringEnd(b, start)
	if b[i] != '"' {
		return s.escaped(start, field)
	}
	if seen&highs != 0 && !utf8.Valid(b[start:i]) {
		return ^start
	}
	s.add(field, rootkeep.String, start, i)
	return i + 1
}

// escaped adds the string whose first character is b[i], which has escapes or
// is in trouble.
func (s *scanner) escaped(i, field int) int {
	next := skipString(s.b, i-1)
	if next < 0 {
		return next
	}
	from := len(s.text)
	text, ok := unescape(s.text, s.b[i:next-1])
	if s.text = text; !ok || !utf8.Valid(text[from:]) {
		return ^i
	}
	s.addText(field, text[from:len(text):len(text)])
	return next
}

// add gives a field the value b[from:to].
func (s *scanner) add(field int, kind rootkeep.Kind, from, to int) {
	s.view.Add(field, value(kind, s.b[from:to:to]))
	if s.noting != nil {
		s.noting.add(field, kind, from-s.notingFrom, to-s.notingFrom)
	}
}

// addText gives a field a decoded string.
func (s *scanner) addText(field int, text []byte) {
	s.view.Add(field, rootkeep.Value{Kind: rootkeep.String, Text: text})
	if s.noting != nil {
		s.noting.addText(field, text)
	}
}

// value makes a Value of what was delivered.
func value(kind rootkeep.Kind, text []byte) rootkeep.Value {
	if kind == rootkeep.Null {
		text = nil
	}
	return rootkeep.Value{Kind: kind, Text: text}
}
