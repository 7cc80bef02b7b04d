package pattern

import (
	"unicode"
	"unicode/utf8"
)

// AppendFold appends the folded form of value to dst. Bytes that are not UTF-8
// stay as they are.
func AppendFold(dst, value []byte, fold Fold) []byte {
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
