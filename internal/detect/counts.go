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

// counts counts texts.
type counts struct {
	of   map[string]*rootkeep.Count
	last *rootkeep.Count // of the last call: bursts repeat themselves
	more int             // occurrences of texts beyond distinctValues
}

func (c *counts) add(text []byte) {
	if len(text) > longestText {
		text = text[:longestText]
	}
	if c.last != nil && string(text) == c.last.Text {
		c.last.Count++
		return
	}
	if len(text) == 0 {
		return
	}
	entry, ok := c.of[string(text)] // compiled without a copy of text
	if !ok {
		if entry = c.enter(string(text)); entry == nil {
			c.more++
			return
		}
	}
	entry.Count++
	c.last = entry
}

// enter makes room for one more text, nil when there is none.
func (c *counts) enter(text string) *rootkeep.Count {
	if len(c.of) >= distinctValues {
		return nil
	}
	if c.of == nil {
		c.of = map[string]*rootkeep.Count{}
	}
	entry := &rootkeep.Count{Text: text}
	c.of[text] = entry
	return entry
}

// merge adds the counts of other events.
func (c *counts) merge(o *counts) {
	for text, theirs := range o.of {
		mine, ok := c.of[text]
		if !ok {
			mine = c.enter(text)
		}
		if mine != nil {
			mine.Count += theirs.Count
		} else {
			c.more += theirs.Count
		}
	}
	c.more += o.more
}

// total is the number of occurrences of all texts.
func (c *counts) total() int {
	n := c.more
	for _, entry := range c.of {
		n += entry.Count
	}
	return n
}

// top lists the n most frequent texts, ties by text.
func (c *counts) top(n int) []rootkeep.Count {
	out := make([]rootkeep.Count, 0, len(c.of))
	for _, entry := range c.of {
		out = append(out, *entry)
	}
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
