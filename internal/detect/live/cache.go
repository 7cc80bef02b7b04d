package live

import (
	"bytes"
	"container/list"
	"context"
	"fmt"
)

// cache keeps the rows that were used last.
type cache struct {
	budget, size int
	of           map[string]*list.Element
	order        list.List // of entry, the last used first
}

type entry struct {
	key  string
	data []byte
}

const entryBytes = 200 // of a map entry, a list element and a slice

func newCache(budget int) *cache { return &cache{budget: budget, of: map[string]*list.Element{}} }

func (c *cache) get(key string) ([]byte, bool) {
	at, ok := c.of[key]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(at)
	return at.Value.(entry).data, true
}

func (c *cache) put(key string, data []byte) {
	c.drop(key)
	if cap(data) > len(data)+len(data)/8 { // as it grew while it was written
		data = bytes.Clone(data)
	}
	c.of[key] = c.order.PushFront(entry{key, data})
	c.size += len(key) + len(data) + entryBytes
	for c.size > c.budget && c.order.Len() > 1 {
		c.drop(c.order.Back().Value.(entry).key)
	}
}

func (c *cache) drop(key string) {
	if at, ok := c.of[key]; ok {
		old := c.order.Remove(at).(entry)
		c.size -= len(old.key) + len(old.data) + entryBytes
		delete(c.of, key)
	}
}

// load gives the rows of the keys that there are; those that are remembered, from
// memory.
func (e *Engine) load(ctx context.Context, keys []string) (map[string][]byte, error) {
	found := make(map[string][]byte, len(keys))
	var ask []string
	for _, key := range keys {
		if data, ok := e.rows.get(key); ok {
			found[key] = data
		} else {
			ask = append(ask, key)
		}
	}
	if len(ask) == 0 {
		return found, nil
	}
	loaded, err := e.options.Load(ctx, ask)
	if err != nil {
		return nil, fmt.Errorf("load %d rows of detections: %w", len(ask), err)
	}
	for key, data := range loaded {
		found[key] = data
	}
	return found, nil
}
