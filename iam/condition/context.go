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
	complete bool
}

// NewContext is a context that is known completely: a key that is not in values is
// absent from the request. A key without values is absent as well.
func NewContext(values map[string][]string) Context { return newContext(values, true) }

// PartialContext is a context of which only values is known: any other key may be
// there or not, with any value. A key listed without values is known to be absent.
func PartialContext(values map[string][]string) Context { return newContext(values, false) }

func newContext(values map[string][]string, complete bool) Context {
	c := Context{make(map[string][]string, len(values)), complete}
	for k, v := range values {
		k = strings.ToLower(k)
		c.values[k] = append(c.values[k], v...)
	}
	return c
}

// With is the context with one more key; a key that is there already is replaced.
func (c Context) With(key string, values ...string) Context {
	m := maps.Clone(c.values)
	if m == nil {
		m = map[string][]string{}
	}
	m[strings.ToLower(key)] = values
	return Context{m, c.complete}
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
	case ok || c.complete:
		return nil, False
	}
	return nil, Unknown
}

// HasPrefix says whether a key that starts with prefix (in lower case) is there.
func (c *Context) HasPrefix(prefix string) Truth {
	for k, v := range c.values {
		if len(v) > 0 && strings.HasPrefix(k, prefix) {
			return True
		}
	}
	if c.complete {
		return False
	}
	return Unknown
}
