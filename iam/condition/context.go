package condition

import (
	"maps"
	"slices"
	"strings"
)

// Context is what is known about a request beyond action, resource and principal:
// the values of its context keys. The zero Context knows nothing: every key is
// unknown. Key names are not case-sensitive, tag keys after the slash included.
// A Context is immutable; it may be shared.
type Context struct {
	values   map[string][]string
	table    []entry // the same, for few keys: open addressing by hash
	complete bool
	closed   []string // prefixes in lower case of which all keys are known
}

// entry is one key; an empty key marks a free place.
type entry struct {
	hash   uint64
	key    string
	values []string
}

// fewKeys is up to how many keys a Context has a table. Requests have about 20; a
// larger one may be made to collide, and is looked up in its map.
const fewKeys = 64

// hashOf is FNV-1a.
func hashOf(key string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	return h
}

func (c *Context) index() {
	_, nameless := c.values[""]
	if len(c.values) == 0 || len(c.values) > fewKeys || nameless {
		return
	}
	size := 4
	for size < 2*len(c.values) {
		size *= 2
	}
	c.table = make([]entry, size)
	for k, v := range c.values {
		h := hashOf(k)
		i := h & uint64(size-1)
		for c.table[i].key != "" {
			i = (i + 1) & uint64(size-1)
		}
		c.table[i] = entry{h, k, v}
	}
}

// lookup is Values for a key whose hash is known.
func (c *Context) lookup(key string, hash uint64) (values []string, there Truth) {
	if c.table == nil {
		return c.Values(key)
	}
	mask := uint64(len(c.table) - 1)
	for i := hash & mask; c.table[i].key != ""; i = (i + 1) & mask {
		e := &c.table[i]
		if e.hash == hash && e.key == key {
			return e.values, Is(len(e.values) > 0)
		}
	}
	return nil, c.otherwise(key)
}

// otherwise is what is known of a key that is not listed.
func (c *Context) otherwise(key string) Truth {
	if c.complete {
		return False
	}
	for _, prefix := range c.closed {
		if strings.HasPrefix(key, prefix) {
			return False
		}
	}
	return Unknown
}

// NewContext is a context that is known completely: a key that is not in values is
// absent from the request. A key without values is absent as well.
func NewContext(values map[string][]string) Context { return newContext(values, true) }

// PartialContext is a context of which only values is known: any other key may be
// there or not, with any value. A key listed without values is known to be absent.
func PartialContext(values map[string][]string) Context { return newContext(values, false) }

func newContext(values map[string][]string, complete bool) Context {
	c := Context{values: make(map[string][]string, len(values)), complete: complete}
	for k, v := range values {
		k = strings.ToLower(k)
		c.values[k] = append(c.values[k], v...)
	}
	c.index()
	return c
}

// With is the context with one more key; a key that is there already is replaced.
func (c Context) With(key string, values ...string) Context {
	m := maps.Clone(c.values)
	if m == nil {
		m = map[string][]string{}
	}
	m[strings.ToLower(key)] = values
	out := Context{values: m, complete: c.complete, closed: c.closed}
	out.index()
	return out
}

// Close is the context with all keys that start with prefix known: one that is not
// listed is absent. The tags of a principal that cannot bring others are such keys.
func (c Context) Close(prefix string) Context {
	c.closed = append(slices.Clip(c.closed), strings.ToLower(prefix))
	return c
}

// Complete says whether a key that is not listed is absent.
func (c *Context) Complete() bool { return c.complete }

// Keys lists the known keys in lower case, sorted.
func (c *Context) Keys() []string { return slices.Sorted(maps.Keys(c.values)) }

// Values are the values of a key, which must be in lower case. There is False for
// an absent key and Unknown for one that is not known.
func (c *Context) Values(key string) (values []string, there Truth) {
	v, ok := c.values[key]
	switch {
	case len(v) > 0:
		return v, True
	case ok:
		return nil, False
	}
	return nil, c.otherwise(key)
}

// HasPrefix says whether a key that starts with prefix (in lower case) is there.
func (c *Context) HasPrefix(prefix string) Truth {
	for k, v := range c.values {
		if len(v) > 0 && strings.HasPrefix(k, prefix) {
			return True
		}
	}
	return c.otherwise(prefix)
}
