package detect

import (
	"cmp"
	"slices"

	"github.com/rootkeep/rootkeep"
)

const (
	// distinctValues is how many distinct texts are told apart in one place;
	// further ones are only counted. A noisy group names a handful, a hostile one
	// must not fill the memory.
	distinctValues = 1024
	// longestText is how much of a text is kept, bytes.
	longestText = 512
)

// counts counts texts. A few are found fastest one after another; a map helps
// when there are many.
type counts struct {
	list  []rootkeep.Count // in the order in which the texts came
	index map[string]int   // into list, once it is long
	last  int              // of the last call: bursts repeat themselves
	more  int              // occurrences of texts beyond distinctValues
}

// longList is from when on counts has an index.
const longList = 8

func (c *counts) add(text []byte) {
	if len(text) > longestText {
		text = text[:longestText]
	}
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
func (c *counts) find(text []byte) int {
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
func (c *counts) enter(text string) int {
	if len(c.list) >= distinctValues {
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

// of is how often a text occurred.
func (c *counts) of(text string) int {
	if i := c.find([]byte(text)); i >= 0 {
		return c.list[i].Count
	}
	return 0
}

// merge adds the counts of other events.
func (c *counts) merge(o *counts) {
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

// total is the number of occurrences of all texts.
func (c *counts) total() int {
	n := c.more
	for _, entry := range c.list {
		n += entry.Count
	}
	return n
}

// top lists the n most frequent texts, ties by text.
func (c *counts) top(n int) []rootkeep.Count {
	out := slices.Clone(c.list)
	slices.SortFunc(out, func(a, b rootkeep.Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return out[:min(n, len(out))]
}

// texts are those of top alone.
func (c *counts) texts(n int) []string {
	var out []string
	for _, entry := range c.top(n) {
		out = append(out, entry.Text)
	}
	return out
}
