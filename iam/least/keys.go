package least

import (
	"strings"

	"github.com/rootkeep/rootkeep/iam"
)

// only keeps the keys that are asked for, in lower case.
func only(keys map[string][]string, wanted map[string]bool) map[string][]string {
	out := map[string][]string{}
	for k, v := range keys {
		if wanted[strings.ToLower(k)] {
			out[k] = v
		}
	}
	return out
}

// conditionKeys are the context keys in the conditions and variables of policies, in
// lower case.
func conditionKeys(p iam.Policies) map[string]bool {
	out := map[string]bool{}
	lists := [][]*iam.Policy{p.Identity, p.Boundary, p.Session}
	lists = append(append(lists, p.SCPs...), p.RCPs...)
	for _, list := range lists {
		for _, policy := range list {
			addKeys(out, policy)
		}
	}
	return out
}

func addKeys(out map[string]bool, p *iam.Policy) {
	for i := range p.Document.Statements {
		s := &p.Document.Statements[i]
		for _, texts := range [][]string{s.Resource.Values(), s.NotResource.Values()} {
			for _, text := range texts {
				addVariables(out, text)
			}
		}
		if s.Condition == nil {
			continue
		}
		for _, b := range s.Condition.Blocks {
			for k := range b.Keys {
				out[strings.ToLower(b.Keys[k].Key.Value)] = true
				for _, text := range b.Keys[k].Values.Values() {
					addVariables(out, text)
				}
			}
		}
	}
}

// addVariables adds the names in ${name} and ${name, 'default'}.
func addVariables(out map[string]bool, text string) {
	for {
		_, rest, ok := strings.Cut(text, "${")
		if !ok {
			return
		}
		name, after, _ := strings.Cut(rest, "}")
		name, _, _ = strings.Cut(name, ",")
		out[strings.ToLower(strings.TrimSpace(name))] = true
		text = after
	}
}
