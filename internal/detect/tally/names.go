package tally

import (
	"encoding/binary"
	"math/bits"
)

// Number stands for a text in a Names.
type Number uint32

const (
	// Empty is the number of the empty text.
	Empty Number = 0
	// Others is the number of every text that a full Names did not know.
	Others Number = 1<<32 - 1
)

const (
	maxNames     = 1 << 20
	maxNameBytes = 64 << 20 // of texts, and nameBytes for each
	nameBytes    = 64
)

// Names numbers texts, so that each is kept once however many groups count it.
// The zero value is empty. A forged log can make up texts without end: a full
// Names takes no further ones.
type Names struct {
	of    map[string]Number
	list  []string // by number less 1
	bytes int

	// recent has, by glance, numbers that were asked for lately: mostly the same
	// again, without the cache misses of a look into the map.
	recent [1 << glanceBits]Number
}

const glanceBits = 12

// glance is a number below 1<<glanceBits that few recent texts share. It takes no
// more than the ends of a text.
func glance(text []byte) uint64 {
	h := uint64(len(text))
	if n := len(text); n >= 8 {
		h ^= bits.RotateLeft64(binary.LittleEndian.Uint64(text), 32) + binary.LittleEndian.Uint64(text[n-8:])
	} else {
		for _, b := range text {
			h = h<<8 ^ uint64(b)
		}
	}
	return h * 0x9e3779b97f4a7c15 >> (64 - glanceBits)
}

// Number is that of a text, which is cut at LongestText: a new one when it was not
// met, Others when there is no room for it.
func (n *Names) Number(text []byte) Number {
	if len(text) == 0 {
		return Empty
	}
	text = Cut(text)
	last := &n.recent[glance(text)]
	if i := *last; i != Empty && n.list[i-1] == string(text) {
		return i
	}
	i, ok := n.of[string(text)] // compiled without a copy of text
	if !ok {
		i = n.enter(string(text))
	}
	if i != Others {
		*last = i
	}
	return i
}

func (n *Names) enter(text string) Number {
	if len(n.list) >= maxNames || n.bytes > maxNameBytes {
		return Others
	}
	if n.of == nil {
		n.of = map[string]Number{}
	}
	n.bytes += len(text) + nameBytes
	n.list = append(n.list, text)
	i := Number(len(n.list))
	n.of[text] = i
	return i
}

// Len is how many texts have numbers.
func (n *Names) Len() int { return len(n.list) }

// Text is the text of a number.
func (n *Names) Text(i Number) string {
	if i == Empty || i == Others {
		return ""
	}
	return n.list[i-1]
}

// Merge takes over the texts of other and returns what their numbers are here, by
// their numbers there.
func (n *Names) Merge(other *Names) []Number {
	to := make([]Number, 1, len(other.list)+1)
	for _, text := range other.list {
		i, ok := n.of[text]
		if !ok {
			i = n.enter(text)
		}
		to = append(to, i)
	}
	return to
}
