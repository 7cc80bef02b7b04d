package rule

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Bases holds named JSON objects that cases patch instead of pasting one.
type Bases map[string]map[string]any

// LoadBases reads every *.json file of dir; the name is the file name without
// its extension.
func LoadBases(fsys fs.FS, dir string) (Bases, error) {
	names, err := fs.Glob(fsys, path.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	out := Bases{}
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		var object map[string]any
		if err := json.Unmarshal(text, &object); err != nil {
			return nil, fmt.Errorf("base event %s: %w", name, err)
		}
		out[strings.TrimSuffix(path.Base(name), ".json")] = object
	}
	return out, nil
}

// Patch turns a base into the object that a case means.
type Patch struct {
	Base  string         `yaml:"base"`
	Set   map[string]any `yaml:"set"`   // dotted path: new value, any YAML value
	Unset []string       `yaml:"unset"` // dotted paths
}

// Apply copies the base and patches the copy. Paths create the objects they
// cross; crossing anything else is an error.
func (p Patch) Apply(bases Bases) (map[string]any, error) {
	base, ok := bases[p.Base]
	if !ok {
		return nil, fmt.Errorf("base event %q does not exist; there are %s", p.Base, strings.Join(slices.Sorted(maps.Keys(bases)), ", "))
	}
	out := clone(base)
	for _, dotted := range p.Unset {
		if err := unset(out, dotted); err != nil {
			return nil, err
		}
	}
	for _, dotted := range slices.Sorted(maps.Keys(p.Set)) {
		if err := set(out, dotted, p.Set[dotted]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func clone(m map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if inner, ok := v.(map[string]any); ok {
			v = clone(inner)
		}
		out[k] = v
	}
	return out
}

func set(m map[string]any, dotted string, v any) error {
	keys := strings.Split(dotted, ".")
	for _, key := range keys[:len(keys)-1] {
		inner, ok := m[key].(map[string]any)
		if !ok {
			if m[key] != nil {
				return fmt.Errorf("set %s: %s is no object in the base event", dotted, key)
			}
			inner = map[string]any{}
			m[key] = inner
		}
		m = inner
	}
	m[keys[len(keys)-1]] = v
	return nil
}

// unset refuses a path that is not there: a case that removes nothing tests
// something else than its author thought.
func unset(m map[string]any, dotted string) error {
	keys := strings.Split(dotted, ".")
	for _, key := range keys[:len(keys)-1] {
		inner, ok := m[key].(map[string]any)
		if !ok {
			return fmt.Errorf("unset %s: the base event has no object %s", dotted, key)
		}
		m = inner
	}
	last := keys[len(keys)-1]
	if _, ok := m[last]; !ok {
		return fmt.Errorf("unset %s: the base event has no such field", dotted)
	}
	delete(m, last)
	return nil
}
