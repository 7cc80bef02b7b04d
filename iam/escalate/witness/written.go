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

// Actions is what the Allow statements of a policy write for actions: policies of which
// it is the same may allow the same actions, on whatever resources.
func Actions(p *iam.Policy) string {
	var b strings.Builder
	b.Grow(200) // most policies are done with that
	for i := range p.Document.Statements {
		s := &p.Document.Statements[i]
		if s.Denies() {
			continue
		}
		list, mark := s.Action, byte(1)
		if list == nil {
			list, mark = s.NotAction, 2
		}
		b.WriteByte(mark) // no action's name has a control character
		for i := range list.Items {
			b.WriteString(list.Items[i].Value)
			b.WriteByte(0)
		}
	}
	return b.String()
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

// Issuer is a provider's name in condition keys.
func Issuer(provider string) string {
	if _, rest, ok := strings.Cut(provider, ":oidc-provider/"); ok {
		return rest
	}
	return provider
}

// Audience adds to a context the audience that a trust policy asks for: whoever asks for
// a token chooses it. What must not follow is that the subject does not matter either.
func Audience(p *iam.Policy, issuer string, context map[string][]string) {
	key := strings.ToLower(issuer + ":aud")
	if list := ConditionValues(p, key); len(list) > 0 {
		context[key] = list[:1]
	}
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
