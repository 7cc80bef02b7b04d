package cases

import (
	"fmt"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// memo keeps compiled policies: lines of one file mostly repeat them.
type memo struct {
	policies map[string]*iam.Policy
	bytes    int
	reading  iam.Reading
}

// memoBytes bounds the source text that a memo keeps.
const memoBytes = 64 << 20

func newMemo(reading iam.Reading) *memo {
	return &memo{policies: map[string]*iam.Policy{}, reading: reading}
}

func (m *memo) policy(name string, p Policy) (*iam.Policy, error) {
	if p.Name != "" {
		name = p.Name
	}
	key := name + "\x00" + string(p.Policy)
	if c, ok := m.policies[key]; ok {
		return c, nil
	}
	doc, err := policy.Parse(p.Policy)
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", name, err)
	}
	c, err := iam.CompileAs(name, doc, m.reading)
	if err != nil {
		return nil, fmt.Errorf("policy %s: %w", name, err)
	}
	if m.bytes += len(key); m.bytes > memoBytes {
		clear(m.policies)
		m.bytes = len(key)
	}
	m.policies[key] = c
	return c, nil
}

func (m *memo) list(layer string, ps []Policy) ([]*iam.Policy, error) {
	out := make([]*iam.Policy, len(ps))
	for i, p := range ps {
		var err error
		name := layer
		if len(ps) > 1 {
			name = fmt.Sprintf("%s[%d]", layer, i)
		}
		if out[i], err = m.policy(name, p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (m *memo) levels(layer string, levels [][]Policy) ([][]*iam.Policy, error) {
	var out [][]*iam.Policy
	for i, ps := range levels {
		list, err := m.list(fmt.Sprintf("%s[%d]", layer, i), ps)
		if err != nil {
			return nil, err
		}
		out = append(out, list)
	}
	return out, nil
}

func (c *Case) set(m *memo) (*iam.Set, error) {
	var p iam.Policies
	var err error
	for _, layer := range []struct {
		name string
		from []Policy
		to   *[]*iam.Policy
	}{
		{"identity", c.Identity, &p.Identity}, {"boundary", c.Boundary, &p.Boundary}, {"session", c.Session, &p.Session},
		{"resource", c.Resource, &p.Resource}, {"endpoint", c.Endpoint, &p.Endpoint},
	} {
		if *layer.to, err = m.list(layer.name, layer.from); err != nil {
			return nil, err
		}
	}
	if p.SCPs, err = m.levels("scps", c.SCPs); err != nil {
		return nil, err
	}
	if p.RCPs, err = m.levels("rcps", c.RCPs); err != nil {
		return nil, err
	}
	return iam.NewSet(p)
}
