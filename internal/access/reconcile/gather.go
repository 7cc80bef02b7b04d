package reconcile

import (
	"sync"

	"github.com/rootkeep/rootkeep"
)

// Bounds of what Gathered keeps. A forged log can be nothing but events of root users.
const (
	MostOfAccount = 100_000
	MostEvents    = 1_000_000
	mostTexts     = 100_000 // distinct texts that events share
)

// Gathered keeps the events that several workers find. The zero value is empty.
type Gathered struct {
	mu      sync.Mutex // guards what follows
	events  []Event
	of      map[rootkeep.AccountID]int
	texts   map[string]string
	omitted int64
}

// Add keeps an event without its text, or counts it when there are too many.
func (g *Gathered) Add(e Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.of == nil {
		g.of, g.texts = map[rootkeep.AccountID]int{}, map[string]string{}
	}
	if g.of[e.Account] >= MostOfAccount || len(g.events) >= MostEvents {
		g.omitted++
		return
	}
	g.of[e.Account]++
	e.Raw = nil
	for _, text := range []*string{&e.Source, &e.Name, &e.Address, &e.Agent, &e.Principal, &e.Target, &e.TaskPolicy, &e.Type, &e.Service, &e.SourceIdentity, &e.Device, &e.AccessKey, &e.Error, &e.File} {
		*text = g.shared(*text)
	}
	e.Account, e.Of = rootkeep.AccountID(g.shared(string(e.Account))), rootkeep.AccountID(g.shared(string(e.Of)))
	e.Region = rootkeep.Region(g.shared(string(e.Region)))
	g.events = append(g.events, e)
}

// shared is the same text in the memory that earlier events use for it.
func (g *Gathered) shared(s string) string {
	if known, ok := g.texts[s]; ok || s == "" {
		return known
	}
	if len(g.texts) < mostTexts {
		g.texts[s] = s
	}
	return s
}

// Events gives what was kept, in no order, and how many were not.
func (g *Gathered) Events() ([]Event, int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.events, g.omitted
}
