package live

import (
	"context"
	"fmt"

	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/inventory"
	"github.com/rootkeep/rootkeep/internal/wire"
)

// What an engine as a whole remembers is in two rows of its own.

// The versions of the row that says how far time has come. The second says apart how far
// everything was observed, where that is not the same.
const (
	ownVersion = 1
	behindOwn  = 2
)

func (e *Engine) ownKey() string       { return OwnRows + e.options.Part }
func (e *Engine) inventoryKey() string { return "i/" + e.options.Part }

// generation stands for all rules of a pack and what they match.
func generation(pack *detect.Pack) uint64 {
	var texts []string
	for i := range pack.Set.Rules() {
		digest := pack.Set.Digest(i)
		texts = append(texts, detect.RuleName(&pack.Set.Rules()[i].Header), string(digest[:]))
	}
	return hashOf(texts...)
}

// ownRow says how far time has come and which windows there are.
func (e *Engine) ownRow() Row {
	version := byte(ownVersion)
	if e.whole != e.now {
		version = behindOwn
	}
	w := wire.NewWriter(version)
	w.Int(e.now)
	if version == behindOwn {
		w.Int(e.whole)
	}
	w.Len(len(e.ways.all))
	for _, one := range e.ways.all {
		w.Text(one.name)
		w.Text(one.id)
	}
	return Row{Key: e.ownKey(), Data: w.Bytes(), Until: never, Due: never}
}

// OwnRows is what the keys of the rows begin with that say how far engines have come.
const OwnRows = "m/"

// Reached reads such a row: up to when, Unix seconds, the engine's time has come. What a row
// says it may be dropped from is in this time, not that of a wall.
func Reached(data []byte) (int64, error) {
	now, _, r := readOwn(data)
	return now, r.Err()
}

// readOwn begins to read the row that ownRow makes.
func readOwn(data []byte) (now, whole int64, r *wire.Reader) {
	if len(data) > 0 && data[0] == behindOwn {
		r = wire.NewReader(data, behindOwn)
		now, whole = r.Int(), r.Int()
		return now, whole, r
	}
	r = wire.NewReader(data, ownVersion)
	now = r.Int()
	return now, now, r
}

// start takes up what was left, once.
func (e *Engine) start(ctx context.Context) error {
	if e.started {
		return nil
	}
	rows, err := e.options.Load(ctx, []string{e.ownKey(), e.inventoryKey()})
	if err != nil {
		return fmt.Errorf("load what detections left: %w", err)
	}
	e.started = true
	if data := rows[e.inventoryKey()]; data != nil {
		r := wire.NewReader(data, ownVersion)
		if x := inventory.ReadIndex(r); r.Close() == nil {
			e.sifter.Learn(x)
		} else {
			e.changes.Notices = append(e.changes.Notices, "the watched resources that records told of could not be read: only those that are given are known; hint: list them in the inventory")
		}
	}
	if data := rows[e.ownKey()]; data != nil {
		e.takeUp(data)
	}
	return nil
}

// takeUp compares the windows that were left with those of the rules.
func (e *Engine) takeUp(data []byte) {
	now, whole, r := readOwn(data)
	names := map[string]bool{}
	for _, one := range e.ways.all {
		names[one.name] = true
	}
	said := map[string]bool{}
	var stale, notices []string
	for range r.Len() {
		name, id := r.Text(), r.Text()
		if r.Err() != nil || e.ways.by[id] != nil {
			continue
		}
		stale = append(stale, "w/"+id+"/")
		switch {
		case said[name]:
		case names[name]:
			notices = append(notices, fmt.Sprintf("%s was changed: its windows and baselines begin anew", name))
		default:
			notices = append(notices, fmt.Sprintf("%s is no longer loaded: its windows and baselines are dropped", name))
		}
		said[name] = true
	}
	if err := r.Close(); err != nil {
		e.changes.Notices = append(e.changes.Notices, fmt.Sprintf("how far detections had come could not be read: events that come late count in windows until the next step: %v", err))
		return
	}
	e.now, e.whole = now, min(whole, now)
	e.changes.Stale = append(e.changes.Stale, stale...)
	e.changes.Notices = append(e.changes.Notices, notices...)
}
