package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// scene is what a record is about: its place and the things it names. A thing
// keeps its name through the record, so that request and response agree.
type scene struct {
	dice   dice
	place  *place
	caller *caller
	at     time.Time
	things map[string]string // word to text
}

// template is JSON with <words> that are filled in: <bucket> is one of the
// buckets of the place, <bucket.2> another one, <hex:17> random digits.
type template struct {
	literals []string // one more than fills
	fills    []func(*scene, []byte) []byte
}

func parseTemplate(text string, words map[string]word) (template, error) {
	var t template
	for {
		before, rest, found := strings.Cut(text, "<")
		t.literals = append(t.literals, before)
		if !found {
			return t, nil
		}
		name, after, closed := strings.Cut(rest, ">")
		if !closed {
			return t, fmt.Errorf("no > after <%.20s", rest)
		}
		fill, err := fillOf(name, words)
		if err != nil {
			return t, err
		}
		t.fills = append(t.fills, fill)
		text = after
	}
}

// fillOf finds what a word stands for.
func fillOf(name string, words map[string]word) (func(*scene, []byte) []byte, error) {
	if kind, arg, ok := strings.Cut(name, ":"); ok {
		return freshFill(kind, arg)
	}
	bare, _, _ := strings.Cut(name, ".")
	if w, ok := words[bare]; ok {
		return func(s *scene, dst []byte) []byte { return append(dst, s.thing(name, w)...) }, nil
	}
	switch name {
	case "account":
		return func(s *scene, dst []byte) []byte { return append(dst, s.place.account.id...) }, nil
	case "stage":
		return func(s *scene, dst []byte) []byte { return append(dst, s.place.account.name...) }, nil
	case "region":
		return func(s *scene, dst []byte) []byte { return append(dst, s.place.region.name...) }, nil
	case "caller":
		return func(s *scene, dst []byte) []byte { return append(dst, s.caller.arn...) }, nil
	case "callername":
		return func(s *scene, dst []byte) []byte { return append(dst, s.caller.role...) }, nil
	case "time":
		return func(s *scene, dst []byte) []byte { return s.at.AppendFormat(dst, time.RFC3339) }, nil
	case "clock": // as CloudTrail writes times inside responses
		return func(s *scene, dst []byte) []byte { return s.at.AppendFormat(dst, "Jan 2, 2006, 3:04:05 PM") }, nil
	case "expiry":
		return func(s *scene, dst []byte) []byte {
			return s.at.Add(time.Hour).AppendFormat(dst, "Jan 2, 2006, 3:04:05 PM")
		}, nil
	case "millis":
		return func(s *scene, dst []byte) []byte { return strconv.AppendInt(dst, s.at.UnixMilli(), 10) }, nil
	case "uuid":
		return func(s *scene, dst []byte) []byte { return s.dice.appendUUID(dst) }, nil
	}
	return nil, fmt.Errorf("unknown word <%s>", name)
}

// freshFill draws anew each time: <hex:8>, <base32:16>, <base64:400>, <int:9>.
func freshFill(kind, arg string) (func(*scene, []byte) []byte, error) {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 1 {
		return nil, fmt.Errorf("<%s:%s>: want a number above 0", kind, arg)
	}
	alphabet := map[string]string{"hex": hexDigits, "base32": base32Digits, "base64": base64Digits}[kind]
	switch {
	case alphabet != "":
		return func(s *scene, dst []byte) []byte { return s.dice.appendDigits(dst, alphabet, n) }, nil
	case kind == "int":
		return func(s *scene, dst []byte) []byte { return strconv.AppendInt(dst, int64(s.dice.IntN(n)), 10) }, nil
	}
	return nil, fmt.Errorf("unknown word <%s:%s>", kind, arg)
}

// fill appends the template's text.
func (t template) fill(s *scene, dst []byte) []byte {
	for i, literal := range t.literals {
		dst = append(dst, literal...)
		if i < len(t.fills) {
			dst = t.fills[i](s, dst)
		}
	}
	return dst
}

// thing names one of the things that a word stands for.
func (s *scene) thing(name string, w word) string {
	if text, ok := s.things[name]; ok {
		return text
	}
	k := uint64(s.dice.skewed(w.pool))
	scope := s.place.number
	if w.global {
		scope = hashText(s.place.account.id)
	}
	text := w.text(s, hash(scope, hashText(w.kind), k), k)
	s.things[name] = text
	return text
}
