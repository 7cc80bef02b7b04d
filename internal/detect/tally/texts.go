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

// Texts counts texts; the zero value is empty. A few are found fastest one after another; a map helps
// when there are many.
type Texts struct {
	list  []rootkeep.Count // in the order in which the texts came
	index map[string]int   // into list, once it is long
	last  int              // of the last call: bursts repeat themselves
	more  int              // see More
}

// longList is from when on Texts has an index.
const longList = 8

// Add counts one text; an empty one says nothing and is not counted.
func (c *Texts) Add(text []byte) {
	text = Cut(text)
	if c.last < len(c.list) && c.list[c.last].Text == string(text) {
		c.list[c.last].Count++
		return
	}
	if len(text) == 0 {
		return
	}
	i := c.find(text)
	if i < 0 {
		if i = c.enter(string(text)); i < 0 {
			c.more++
			return
		}
	}
	c.list[i].Count++
	c.last = i
}

// find is the place of a text in the list, -1 when it is not there.
func (c *Texts) find(text []byte) int {
	if c.index != nil {
		if i, ok := c.index[string(text)]; ok { // compiled without a copy of text
			return i
		}
		return -1
	}
	for i := range c.list {
		if c.list[i].Text == string(text) {
			return i
		}
	}
	return -1
}

// enter makes room for one more text, -1 when there is none.
func (c *Texts) enter(text string) int {
	if len(c.list) >= Distinct {
		return -1
	}
	c.list = append(c.list, rootkeep.Count{Text: text})
	switch n := len(c.list); {
	case c.index != nil:
		c.index[text] = n - 1
	case n > longList:
		c.index = make(map[string]int, 2*n)
		for i := range c.list {
			c.index[c.list[i].Text] = i
		}
	}
	return len(c.list) - 1
}

// Of is how often a text occurred.
func (c *Texts) Of(text string) int {
	if i := c.find([]byte(text)); i >= 0 {
		return c.list[i].Count
	}
	return 0
}

// Merge adds the counts of other events.
func (c *Texts) Merge(o *Texts) {
	for _, theirs := range o.list {
		i := c.find([]byte(theirs.Text))
		if i < 0 {
			i = c.enter(theirs.Text)
		}
		if i >= 0 {
			c.list[i].Count += theirs.Count
		} else {
			c.more += theirs.Count
		}
	}
	c.more += o.more
}

// Total is the number of occurrences of all texts.
func (c *Texts) Total() int {
	n := c.more
	for _, entry := range c.list {
		n += entry.Count
	}
	return n
}

// Top lists the n most frequent texts, ties by text.
func (c *Texts) Top(n int) []rootkeep.Count {
	out := slices.Clone(c.list)
	slices.SortFunc(out, func(a, b rootkeep.Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return out[:min(n, len(out))]
}

// Names are the texts of Top alone.
func (c *Texts) Names(n int) []string {
	var out []string
	for _, entry := range c.Top(n) {
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
