package pattern

import (
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
	inString := false
	for i := 0; i < len(json); i++ {
		c := json[i]
		if c > '\\' || c == ':' || c == ',' { // most bytes: plain in a string and out
			dst = append(dst, c)
			continue
		}
		switch {
		case !inString && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
		case inString && c == '\\' && i+1 < len(json):
			var n int
			dst, n = appendEscape(dst, json[i+1:])
			i += n
		default:
			if c == '"' {
				inString = !inString
			}
			dst = append(dst, c)
		}
	}
	return dst
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
