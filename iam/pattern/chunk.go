package pattern

import "unicode/utf8"

// manySteps is how many comparisons find may cost before a search that follows all
// places at once is cheaper.
const manySteps = 1 << 14

// chunkSearch finds a run of characters and question marks. It keeps one bit for
// each prefix of the run that ends at the current character, so that it reads the
// text once, 64 prefixes at a time (the shift-and method).
type chunkSearch struct {
	masks map[rune][]uint64 // for a character: the places in the run where it may stand
	any   []uint64          // the places of question marks
	state []uint64
	size  int
}

func newChunkSearch(ts []Token) *chunkSearch {
	size := 0
	for _, t := range ts {
		if t.Kind == Any {
			size++
		} else {
			size += len([]rune(t.Text))
		}
	}
	words := (size + 63) / 64
	c := &chunkSearch{masks: map[rune][]uint64{}, any: make([]uint64, words), state: make([]uint64, words), size: size}
	at := 0
	for _, t := range ts {
		if t.Kind == Any {
			c.any[at/64] |= 1 << (at % 64)
			at++
			continue
		}
		for _, r := range t.Text {
			if c.masks[r] == nil {
				c.masks[r] = make([]uint64, words)
			}
			c.masks[r][at/64] |= 1 << (at % 64)
			at++
		}
	}
	return c
}

// next takes one character and says whether the run ends with it.
func (c *chunkSearch) next(r rune) bool {
	mask := c.masks[r]
	carry := uint64(1)
	for i, w := range c.state {
		allowed := c.any[i]
		if mask != nil {
			allowed |= mask[i]
		}
		c.state[i] = (w<<1 | carry) & allowed
		carry = w >> 63
	}
	last := c.size - 1
	return c.state[last/64]&(1<<(last%64)) != 0
}

// findAtOnce is find without going back.
func findAtOnce(ts []Token, s string) (rest string, ok bool) {
	for _, t := range ts {
		if t.Kind == Variable {
			return "", false
		}
	}
	c := newChunkSearch(ts)
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		s = s[n:]
		if c.next(r) {
			return s, true
		}
	}
	return "", false
}
