package sigma

import (
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Digest stands for what a rule asks of a record, with its filters and the values of
// its placeholders: two rules with the same digest match the same records, whatever
// sets they are in.
func (s *Set) Digest(rule int) [sha256.Size]byte {
	h := sha256.New()
	texts := map[int]string{}
	for _, search := range s.programs[rule].searches {
		for _, alternative := range search.alternatives {
			for _, bound := range alternative {
				texts[bound.pred] = s.asks(bound.item)
			}
		}
	}
	writeNode(h, s.programs[rule].root, texts)
	return [sha256.Size]byte(h.Sum(nil))
}

// asks is an item as text.
func (s *Set) asks(it *item) string {
	text := it.identity()
	if !it.mods.Expand {
		return text
	}
	for _, name := range slices.Sorted(maps.Keys(s.placeholders)) {
		text += fmt.Sprintf("\n%q=%q", name, s.placeholders[name])
	}
	return text
}

func writeNode(w io.Writer, n *node, texts map[int]string) {
	fmt.Fprintf(w, "(%d", n.op)
	if n.op == nodeAsk {
		fmt.Fprintf(w, " %q", texts[n.pred])
	}
	for _, kid := range n.kids {
		writeNode(w, kid, texts)
	}
	fmt.Fprint(w, ")")
}
