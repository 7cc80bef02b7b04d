package witness

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// ConditionValues are the values that conditions compare a key with, in lower case.
func ConditionValues(p *iam.Policy, key string) []string {
	var out []string
	EachCondition(p, func(name string, values []string) {
		if name == key {
			out = append(out, values...)
		}
	})
	return out
}

// EachCondition calls do for every condition of a policy, with its key in lower case.
func EachCondition(p *iam.Policy, do func(key string, values []string)) {
	for i := range p.Document.Statements {
		c := p.Document.Statements[i].Condition
		if c == nil {
			continue
		}
		for _, block := range c.Blocks {
			for k := range block.Keys {
				do(strings.ToLower(block.Keys[k].Key.Value), block.Keys[k].Values.Values())
			}
		}
	}
}

// Trusted are the values of Principal in Allow statements, without services.
func Trusted(p *iam.Policy) []string {
	var out []string
	for i := range p.Document.Statements {
		s := &p.Document.Statements[i]
		if s.Denies() || s.Principal == nil {
			continue
		}
		if s.Principal.Anyone {
			out = append(out, "*")
		}
		for _, e := range s.Principal.Entries {
			if kind := e.Type.Value; kind == policy.PrincipalAWS || kind == policy.PrincipalFederated {
				out = append(out, e.Values.Values()...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Written are the resource patterns of the Allow statements of policies,
// without those that leave everything free.
func Written(ps []*iam.Policy) []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range ps {
		for i := range p.Document.Statements {
			s := &p.Document.Statements[i]
			if s.Denies() {
				continue
			}
			for _, text := range s.Resource.Values() {
				if strings.Trim(text, "*") != "" && !seen[text] {
					seen[text] = true
					out = append(out, text)
				}
			}
		}
	}
	return out
}
