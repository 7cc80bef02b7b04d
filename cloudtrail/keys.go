package cloudtrail

import (
	"bytes"
	"unicode/utf8"
)

const (
	maxKeys    = 512 // learned at one level
	maxKeyText = 128 // bytes of a learned key
)

// level is one object of the trie of fields as one scanner knows it: the fields
// asked for, and the keys met so far in the order in which they come.
type level struct {
	field    int  // field that ends here, -1 if none
	asked    bool // fields are asked for below
	top      bool // the record itself
	children map[string]*level
	start    key // stands before the first key
	keys     map[string]*key
	spare    key // a key that was not learned
}

// key is a key of an object together with the punctuation around it.
type key struct {
	// The pattern runs from the end of the value before to the start of the key's
	// own: `,"eventName":`, or `{"type":` for a first key, white space as met.
	pattern
	to        *level
	next, alt *key   // what followed last time, and before that
	habit     *habit // what its objects were lately; nil below the top
	identity  bool   // userIdentity of the record
	document  string // name of a field of the record that is an object and may come as text
}

func newLevel(b *branch) *level {
	l := &level{field: b.field, asked: len(b.children) > 0}
	l.children = make(map[string]*level, len(b.children))
	for name, child := range b.children {
		l.children[name] = newLevel(child)
	}
	l.keys = make(map[string]*key)
	return l
}

// key finds the key at b[i], where the value of last ended, when it is not the
// one that was expected. It returns the index of the key's value; without a key
// the index after the object, which ends here, or trouble.
func (s *scanner) key(i int, l *level, last *key) (*key, int) {
	if k := last.alt; k != nil && k.at(s.b, i) {
		last.next, last.alt = k, last.next
		return k, i + len(k.text)
	}
	first := last == &l.start
	name, value := keyName(s.b, i, first)
	if name == nil {
		return nil, value
	}
	text := s.b[i:value]
	k := l.keys[string(text)]
	if k == nil {
		var ok bool
		if k, ok = s.learn(l, name, text); !ok {
			return nil, ^i
		}
	}
	if k != &l.spare {
		last.next, last.alt = k, last.next
	}
	return k, value
}

// keyName reads from the end of a value, or from the start of the object, to
// the start of the next value. It returns the key undecoded; nil if the object
// ends here or in trouble.
func keyName(b []byte, i int, first bool) (name []byte, next int) {
	if first {
		i++
	}
	i = skipSpace(b, i)
	if b[i] == '}' {
		return nil, i + 1
	}
	if !first {
		if b[i] != ',' {
			return nil, ^i
		}
		i = skipSpace(b, i+1)
	}
	if b[i] != '"' {
		return nil, ^i
	}
	end := skipString(b, i)
	if end < 0 {
		return nil, end
	}
	name = b[i+1 : end-1]
	i = skipSpace(b, end)
	if b[i] != ':' {
		return nil, ^i
	}
	return name, skipSpace(b, i+1)
}

// learn makes the key of a name met for the first time. It reports false when
// the name cannot be decoded.
func (s *scanner) learn(l *level, name, text []byte) (*key, bool) {
	if bytes.IndexByte(name, '\\') >= 0 {
		from := len(s.text)
		decoded, ok := unescape(s.text, name)
		if !ok {
			return nil, false
		}
		s.text = decoded
		name = decoded[from:]
	}
	if !utf8.Valid(name) {
		return nil, false
	}
	to := l.children[string(name)]
	if to == nil {
		to = s.nowhere
	}
	document := ""
	if l.top {
		document = documentOf(name)
	}
	if len(l.keys) >= maxKeys || len(text) > maxKeyText {
		l.spare = key{to: to, document: document}
		return &l.spare, true
	}
	k := &key{pattern: newPattern(text), to: to, document: document}
	if l.top {
		k.habit = &habit{}
		k.identity = document == "userIdentity"
	}
	l.keys[k.text] = k
	return k, true
}
