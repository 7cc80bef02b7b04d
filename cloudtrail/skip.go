package cloudtrail

import "math/bits"

// The functions of this file find the end of a JSON value and check it on the
// way, without looking at what it means. They read the padding after the data,
// NUL bytes that no value can contain, and so need no other end.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stringEnds has the high bit of each byte set at which a scan of a string must
// stop: quote, backslash, control character. Bits above the lowest one set may
// be wrong. A quote is 0x22: with bit 1 flipped it and the control characters,
// and no others, are below 0x21. Neither flip touches the high bit, so that one
// mask with the complement of x clears the bytes beyond ASCII for both.
func stringEnds(x uint64) uint64 {
	return ((x ^ 0x02*ones - 0x21*ones) | (x ^ '\\'*ones - ones)) &^ x & highs
}

// stringEnd returns the index of the first byte from b[i] on at which a scan of
// a string must stop, and all the bytes up to there, and some more, or-ed
// together. The padding stops it at the latest.
func stringEnd(b []byte, i int) (end int, seen uint64) {
	for {
		x := word(b, i)
		seen |= x
		if m := stringEnds(x); m != 0 {
			return i + bits.TrailingZeros64(m)>>3, seen
		}
		i += 8
	}
}

// skipString returns the index after the string whose opening quote is b[i].
// Trouble is returned as the complement (^index, negative) of where it is.
func skipString(b []byte, i int) int {
	i++
	for {
		i, _ = stringEnd(b, i)
		switch {
		case b[i] == '"':
			return i + 1
		case b[i] != '\\':
			return ^i
		}
		if i = skipEscape(b, i); i < 0 {
			return i
		}
	}
}

// skipEscape returns the index after the escape whose backslash is b[i].
func skipEscape(b []byte, i int) int {
	switch escapes[b[i+1]] {
	case 0:
		return ^(i + 1)
	case 'u':
		for j := i + 2; j < i+6; j++ {
			if !isHex(b[j]) {
				return ^j
			}
		}
		return i + 6
	}
	return i + 2
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// skipValue returns the index after the value at b[i], in which depth more
// levels may nest.
func skipValue(b []byte, i, depth int) int {
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{':
		return skipObject(b, i, depth)
	case '[':
		return skipArray(b, i, depth)
	case 't', 'f', 'n':
		return skipLiteral(b, i)
	}
	return skipNumber(b, i)
}

// skipObject returns the index after the object at b[i].
func skipObject(b []byte, i, depth int) int {
	if depth == 0 {
		return ^i
	}
	if i = skipSpace(b, i+1); b[i] == '}' {
		return i + 1
	}
	// White space is looked for only where the byte that belongs there is not.
	for b[i] == '"' {
		if i = skipString(b, i); i < 0 {
			return i
		}
		if b[i] != ':' {
			if i = skipSpace(b, i); b[i] != ':' {
				return ^i
			}
		}
		if i++; b[i] == '"' {
			i = skipString(b, i)
		} else {
			i = skipValue(b, skipSpace(b, i), depth-1)
		}
		if i < 0 {
			return i
		}
		if b[i] != ',' {
			if i = skipSpace(b, i); b[i] == '}' {
				return i + 1
			} else if b[i] != ',' {
				return ^i
			}
		}
		if i++; b[i] != '"' {
			i = skipSpace(b, i)
		}
	}
	return ^i
}

// skipArray returns the index after the array at b[i].
func skipArray(b []byte, i, depth int) int {
	if depth == 0 {
		return ^i
	}
	if i = skipSpace(b, i+1); b[i] == ']' {
		return i + 1
	}
	for {
		if i = skipValue(b, i, depth-1); i < 0 {
			return i
		}
		i = skipSpace(b, i)
		if b[i] == ']' {
			return i + 1
		}
		if b[i] != ',' {
			return ^i
		}
		i = skipSpace(b, i+1)
	}
}

// skipLiteral returns the index after the true, false or null at b[i].
func skipLiteral(b []byte, i int) int {
	word := "null"
	switch b[i] {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	}
	for j := range len(word) {
		if b[i+j] != word[j] {
			return ^(i + j)
		}
	}
	return i + len(word)
}

// skipNumber returns the index after the number at b[i] (RFC 8259 section 6).
func skipNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	switch {
	case b[i] == '0':
		i++
	case isDigit(b[i]):
		i = skipDigits(b, i)
	default:
		return ^i
	}
	if b[i] == '.' {
		if i++; !isDigit(b[i]) {
			return ^i
		}
		i = skipDigits(b, i)
	}
	if b[i]|0x20 == 'e' {
		i++
		if b[i] == '+' || b[i] == '-' {
			i++
		}
		if !isDigit(b[i]) {
			return ^i
		}
		i = skipDigits(b, i)
	}
	return i
}

func skipDigits(b []byte, i int) int {
	for isDigit(b[i]) {
		i++
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// skipSpace returns the index of the next byte that is not white space.
func skipSpace(b []byte, i int) int {
	for b[i] <= ' ' && isSpace(b[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }
