package tally

import (
	"math"

	"github.com/rootkeep/rootkeep/internal/wire"
)

// Write writes the counts under the texts that their numbers have in names.
func (c *Texts) Write(w *wire.Writer, names *Names) {
	w.Len(len(c.list))
	for _, entry := range c.list {
		w.Text(names.Text(entry.number))
		w.Len(entry.count)
	}
	w.Len(c.more)
}

// Read adds what Write wrote; names gets the texts.
func (c *Texts) Read(r *wire.Reader, names *Names) {
	n := r.Len()
	if n > Distinct {
		r.Fail()
		return
	}
	for range n {
		text, count := r.Text(), r.Uint()
		if text == "" || count > math.MaxInt32 {
			r.Fail()
			return
		}
		c.Add(names.Number([]byte(text)), int(count))
	}
	c.more += r.Small()
}
