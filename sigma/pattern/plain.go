package pattern

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendPlain appends the text of a JSON value as rules see it: without
// insignificant white space and with the escapes of its strings decoded, so that
// quoted strings inside a policy document, which is JSON inside a JSON string,
// can be matched as they were written. Invalid JSON is copied as far as it goes.
func AppendPlain(dst, json []byte) []byte {
	dst = slices.Grow(dst, len(json))
	for i := 0; i < len(json); i++ {
		switch c := json[i]; c {
		case ' ', '\t', '\n', '\r':
		case '"':
			var n int
			dst, n = appendString(append(dst, c), json[i+1:])
			i += n
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendString decodes the rest of a string after its opening quote, up to and
// with the closing one, and returns its length.
func appendString(dst, s []byte) ([]byte, int) {
	i := 0
	for i < len(s) {
		n := plainRun(s[i:])
		dst = append(dst, s[i:i+n]...)
		i += n
		switch {
		case i == len(s):
		case s[i] == '"':
			return append(dst, '"'), i + 1
		case i+1 == len(s):
			return append(dst, '\\'), i + 1
		default:
			dst, n = appendEscape(dst, s[i+1:])
			i += 1 + n
		}
	}
	return dst, i
}

// plainRun is the length of s before its first quote or backslash. It looks at
// eight bytes at a time: x-ones&^x has a top bit set only above a zero byte of x,
// the lowest of which is true.
func plainRun(s []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; len(s)-i >= 8; i += 8 {
		w := binary.LittleEndian.Uint64(s[i:])
		quote, escape := w^'"'*ones, w^'\\'*ones
		if hit := ((quote-ones)&^quote | (escape-ones)&^escape) & tops; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
	}
	for ; i < len(s) && s[i] != '"' && s[i] != '\\'; i++ {
	}
	return i
}

// appendEscape decodes what follows a backslash and returns its length.
func appendEscape(dst, s []byte) ([]byte, int) {
	switch s[0] {
	case 'b':
		return append(dst, '\b'), 1
	case 'f':
		return append(dst, '\f'), 1
	case 'n':
		return append(dst, '\n'), 1
	case 'r':
		return append(dst, '\r'), 1
	case 't':
		return append(dst, '\t'), 1
	case 'u':
		r, ok := hex4(s[1:])
		if !ok {
			break
		}
		if utf16.IsSurrogate(r) {
			if len(s) >= 11 && s[5] == '\\' && s[6] == 'u' {
				if low, ok := hex4(s[7:]); ok {
					if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
						return utf8.AppendRune(dst, pair), 11
					}
				}
			}
			r = utf8.RuneError
		}
		return utf8.AppendRune(dst, r), 5
	}
	return append(dst, s[0]), 1
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s[:4]), 16, 16)
	return rune(n), err == nil
}
