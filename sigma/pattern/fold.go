package pattern

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// AppendFold appends the folded form of value to dst. Bytes that are not UTF-8
// stay as they are.
func AppendFold(dst, value []byte, fold Fold) []byte {
	if fold == FoldCase {
		var n int
		dst, n = appendLower(dst, value)
		value = value[n:]
	}
	for i := 0; i < len(value); {
		c := value[i]
		if c < utf8.RuneSelf {
			dst = append(dst, foldASCII(c, fold))
			i++
			continue
		}
		r, n := utf8.DecodeRune(value[i:])
		if r == utf8.RuneError && n <= 1 {
			dst = append(dst, c)
			i++
			continue
		}
		dst = utf8.AppendRune(dst, foldRune(r, fold))
		i += n
	}
	return dst
}

// appendLower folds the case of the ASCII text that value starts with, eight
// bytes at a time, and returns how many it took.
func appendLower(dst, value []byte) ([]byte, int) {
	const ones = 0x0101010101010101
	n := 0
	for ; len(value)-n >= 8; n += 8 {
		w := binary.LittleEndian.Uint64(value[n:])
		if w&(0x80*ones) != 0 {
			break
		}
		// The top bit of each byte tells whether the byte is in A..Z: adding 0x3f
		// carries into it from A on, adding 0x25 from beyond Z on.
		upper := (w + 0x3f*ones) &^ (w + 0x25*ones) & (0x80 * ones)
		dst = binary.LittleEndian.AppendUint64(dst, w|upper>>2)
	}
	return dst, n
}

func foldASCII(c byte, fold Fold) byte {
	if fold&FoldCase != 0 && 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	if fold&FoldDash != 0 && c == '/' {
		return '-'
	}
	return c
}

// foldRune: the dashes are those of the windash modifier (Sigma Modifiers
// Appendix): hyphen, slash, en dash, em dash and horizontal bar.
func foldRune(r rune, fold Fold) rune {
	if fold&FoldDash != 0 && (r == '–' || r == '—' || r == '―') {
		return '-'
	}
	if fold&FoldCase != 0 {
		return unicode.ToLower(r)
	}
	return r
}
