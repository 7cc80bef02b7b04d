package watch

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/rootkeep/rootkeep/internal/detect/live"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// matches counts what each rule matched since it was asked last.
type matches struct {
	mu sync.Mutex // guards of
	of map[string]int
}

func (m *matches) add(volume []live.Volume) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil {
		m.of = map[string]int{}
	}
	for _, v := range volume {
		m.of[v.Rule] += v.Matches
	}
}

// mostNamed is how many rules are named that match most.
const mostNamed = 3

// most tells the rules that matched most, none with less than half of the first; "" if none did.
func (m *matches) most() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	rules := slices.SortedFunc(maps.Keys(m.of), func(a, b string) int { return cmp.Or(cmp.Compare(m.of[b], m.of[a]), cmp.Compare(a, b)) })
	var said []string
	for _, rule := range rules[:min(len(rules), mostNamed)] {
		if n := m.of[rule]; n > 0 && 2*n >= m.of[rules[0]] {
			said = append(said, text.Visible(rule, text.Short)+" "+text.Counted(n, "record"))
		}
	}
	return strings.Join(said, ", ")
}

// renew begins to count anew.
func (m *matches) renew() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.of)
}

// holdUp notes that the store had no room for what the source brings.
func (s *source) holdUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heldUp = true
}

// busy says what takes the source long now, and forgets that it was held up; "" if nothing does.
func (s *source) busy(most string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	if s.heldUp && most != "" {
		all = append(all, "it waits until what detections found is kept; matched most: "+most)
	}
	s.heldUp = false
	if len(s.large) > 0 {
		all = append(all, s.largest())
	}
	return strings.Join(all, "; ")
}

// largest names, of the objects that take several turns, that of which most was read. Whoever
// calls it has the source's lock, and some such object.
func (s *source) largest() string {
	first := slices.MinFunc(slices.Collect(maps.Keys(s.large)), func(a, b *reading) int {
		return cmp.Or(cmp.Compare(s.large[b], s.large[a]), cmp.Compare(a.delivery.Input.Name, b.delivery.Input.Name))
	})
	return fmt.Sprintf("%s is read in turns with others: %s so far", shownName(first.delivery.Input.Name), text.Counted(s.large[first], "record"))
}
