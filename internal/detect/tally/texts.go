// Package tally counts what a hunt meets, in bounded memory and without garbage:
// texts, callers, places. It belongs to one worker until its shares are merged.
package tally

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/rootkeep/rootkeep"
)

const (
	// Distinct is how many distinct texts a Texts tells apart; further ones are only
	// counted. A noisy group names a handful, a hostile one must not fill the memory.
	Distinct = 1024
	// LongestText is how much of a text is kept, bytes.
	LongestText = 512
)

// Texts counts the numbers of texts; the zero value is empty. A few are found
// fastest one after another; a map helps when there are many.
type Texts struct {
	list  []counted        // in the order in which they came
	index map[Number]int32 // into list, once it is long
	last  int32            // of the last call: bursts repeat themselves
	more  int              // see More
}

type counted struct {
	number Number
	count  int
}

// longList is from when on Texts has an index.
const longList = 32

// Add counts n events with one text; an empty one says nothing and is not counted.
func (c *Texts) Add(text Number, n int) {
	if text == Empty {
		return
	}
	i := c.last
	if int(i) >= len(c.list) || c.list[i].number != text {
		if i = c.find(text); i < 0 {
			i = c.enter(text)
		}
	}
	if i < 0 {
		c.more += n
		return
	}
	c.list[i].count += n
	c.last = i
}

// AddKnown counts n events like Add, but tells no further texts apart.
func (c *Texts) AddKnown(text Number, n int) {
	if text != Empty && c.find(text) < 0 {
		text = Others
	}
	c.Add(text, n)
}

// Len is how many texts are told apart.
func (c *Texts) Len() int { return len(c.list) }

// find is the place of a text in the list, -1 when it is not there.
func (c *Texts) find(text Number) int32 {
	if c.index != nil {
		if i, ok := c.index[text]; ok {
			return i
		}
		return -1
	}
	for i := range c.list {
		if c.list[i].number == text {
			return int32(i)
		}
	}
	return -1
}

// enter makes room for one more text, -1 when there is none.
func (c *Texts) enter(text Number) int32 {
	if len(c.list) >= Distinct || text == Others {
		return -1
	}
	c.list = append(c.list, counted{number: text})
	switch n := len(c.list); {
	case c.index != nil:
		c.index[text] = int32(n - 1)
	case n > longList:
		c.index = make(map[Number]int32, 2*n)
		for i := range c.list {
			c.index[c.list[i].number] = int32(i)
		}
	}
	return int32(len(c.list) - 1)
}

// Merge adds the counts of other events, whose texts have numbers of the same
// Names.
func (c *Texts) Merge(o *Texts) {
	for _, theirs := range o.list {
		c.Add(theirs.number, theirs.count)
	}
	c.more += o.more
}

// Renumber gives every text the number that to has for its own.
func (c *Texts) Renumber(to []Number) {
	old := *c
	*c = Texts{more: old.more}
	for _, entry := range old.list {
		c.Add(to[entry.number], entry.count)
	}
}

// Total is the number of occurrences of all texts.
func (c *Texts) Total() int {
	n := c.more
	for _, entry := range c.list {
		n += entry.count
	}
	return n
}

// Top lists the n most frequent texts by their names, ties by text.
func (c *Texts) Top(n int, names *Names) []rootkeep.Count {
	out := make([]rootkeep.Count, 0, len(c.list))
	for _, entry := range c.list {
		out = append(out, rootkeep.Count{Text: names.Text(entry.number), Count: entry.count})
	}
	slices.SortFunc(out, func(a, b rootkeep.Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return out[:min(n, len(out))]
}

// TopTexts are the texts of Top alone.
func (c *Texts) TopTexts(n int, names *Names) []string {
	var out []string
	for _, entry := range c.Top(n, names) {
		out = append(out, entry.Text)
	}
	return out
}

// More is the number of occurrences of texts beyond the first Distinct ones.
func (c *Texts) More() int { return c.more }

// Cut shortens text at LongestText without leaving half a rune.
func Cut(b []byte) []byte {
	if len(b) <= LongestText {
		return b
	}
	return bytes.ToValidUTF8(b[:LongestText], nil)
}
