package posture

import (
	"time"

	"github.com/rootkeep/rootkeep"
)

// Merge is merge without a database.
func Merge(before map[string]*Finding, found []rootkeep.Finding, controls []string, since, taken time.Time) map[string]*Finding {
	return merge(before, found, controls, since, taken).all
}

// ReadCursor reads a cursor of an order of findings, and gives how many values it has.
func ReadCursor(order Sort, after string) (int, error) {
	w := &where{}
	err := w.after(Page{Sort: order, After: after}, orders[order].columns, orders[order].falls)
	return len(w.args), err
}
