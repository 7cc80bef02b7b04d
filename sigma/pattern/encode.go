package pattern

import (
	"encoding/base64"
	"unicode/utf16"
)

// UTF16 is a byte order of the encodings of wide, utf16le, utf16be and utf16.
type UTF16 uint8

// The byte orders; MarkedLittleEndian starts with a byte order mark.
const (
	LittleEndian UTF16 = iota
	BigEndian
	MarkedLittleEndian
)

// EncodeUTF16 replaces the literals by their UTF-16 bytes; wildcards stay.
func (t Text) EncodeUTF16(order UTF16) Text {
	out := make(Text, len(t))
	for i, p := range t {
		out[i] = p
		if p.Wildcard != None {
			continue
		}
		var b []byte
		if order == MarkedLittleEndian && i == 0 {
			b = append(b, 0xff, 0xfe)
		}
		for _, u := range utf16.Encode([]rune(p.Literal)) {
			lo, hi := byte(u), byte(u>>8)
			if order == BigEndian {
				lo, hi = hi, lo
			}
			b = append(b, lo, hi)
		}
		out[i].Literal = string(b)
	}
	return out
}

// EncodeBase64 replaces the text by its base64 form. Wildcards are an error.
func (t Text) EncodeBase64() (Text, error) {
	s, err := t.plain()
	if err != nil {
		return nil, err
	}
	return literal(base64.StdEncoding.EncodeToString([]byte(s))), nil
}

// EncodeBase64Offset returns the three forms that the text takes inside a longer
// base64 text, one for each position modulo three: of each only the characters
// that do not depend on the neighbours. Wildcards are an error.
func (t Text) EncodeBase64Offset() ([]Text, error) {
	s, err := t.plain()
	if err != nil {
		return nil, err
	}
	out := make([]Text, 3)
	for shift := range out {
		enc := base64.StdEncoding.EncodeToString(append(make([]byte, shift), s...))
		// Six bits a character: those that hold bits of a neighbour are cut.
		first := (8*shift + 5) / 6
		last := 8 * (shift + len(s)) / 6
		out[shift] = literal(enc[min(first, last):last])
	}
	return out, nil
}

func literal(s string) Text {
	if s == "" {
		return nil
	}
	return Text{{Literal: s}}
}
