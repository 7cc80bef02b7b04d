package cloudtrail

import "encoding/binary"

// pattern is a short text that is compared with the same text over and over:
// between 8 and 24 bytes three words, overlapping as they may, are enough, and
// no call is needed.
type pattern struct {
	text   string
	middle int // index of the second word; 0 if words are not used
	words  [3]uint64
}

func newPattern(text []byte) pattern {
	p := pattern{text: string(text), words: [3]uint64{0, 1}} // which no one word is
	if n := len(text); n > 8 && n <= 24 {
		p.middle = min(8, n-8)
		p.words = [3]uint64{word(text, 0), word(text, p.middle), word(text, n-8)}
	}
	return p
}

// at says whether the text stands at b[i].
func (p *pattern) at(b []byte, i int) bool {
	return p.wordsAt(b, i) || p.middle == 0 && p.textAt(b, i)
}

// wordsAt is at for a text of three words, false for any other. It is small enough to
// be inlined, once for each key of a record.
func (p *pattern) wordsAt(b []byte, i int) bool {
	end := i + len(p.text)
	return end <= len(b) && word(b, i) == p.words[0] && word(b, i+p.middle) == p.words[1] && word(b, end-8) == p.words[2]
}

func (p *pattern) textAt(b []byte, i int) bool {
	end := i + len(p.text)
	return end <= len(b) && string(b[i:end]) == p.text
}

func word(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i : i+8]) }
