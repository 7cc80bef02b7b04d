package least

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// MaxPolicy is how many characters a managed policy may have, white space not counted
// (IAM User Guide, "IAM and AWS STS quotas").
const MaxPolicy = 6144

// Statement is one statement of a proposal.
type Statement struct {
	Sid         string     `json:"Sid,omitempty"`
	Effect      string     `json:"Effect"`
	Action      []string   `json:"Action,omitzero"`
	NotAction   []string   `json:"NotAction,omitzero"`
	Resource    []string   `json:"Resource,omitzero"`
	NotResource []string   `json:"NotResource,omitzero"`
	Condition   conditions `json:"Condition,omitzero"`
}

// conditions are operator, key, values. A list is written even for one value.
type conditions map[string]map[string][]string

// Document is one policy of a proposal, as AWS takes it.
type Document struct {
	Version   string      `json:"Version"`
	Statement []Statement `json:"Statement"`
}

// compact is the policy without white space.
func (d Document) compact() []byte { return compact(d) }

// compact is JSON without white space. Statements are made of texts, which marshal.
func compact(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("least: " + err.Error())
	}
	return bytes.TrimSpace(b.Bytes())
}

// Size is the number of characters that count towards MaxPolicy.
func (d Document) Size() int { return size(d.compact()) }

func size(text []byte) int {
	n := 0
	for _, r := range string(text) {
		if !strings.ContainsRune(" \t\r\n", r) {
			n++
		}
	}
	return n
}

// conditionOf copies the condition of a statement. Where its document has no policy
// variables, ${ becomes the escape for it: the copy stands in one that has them.
func conditionOf(s *policy.Statement, variables bool) conditions {
	if s.Condition == nil {
		return nil
	}
	out := conditions{}
	for _, b := range s.Condition.Blocks {
		operator := out[b.Operator.Value]
		if operator == nil {
			operator = map[string][]string{}
			out[b.Operator.Value] = operator
		}
		for i := range b.Keys {
			operator[b.Keys[i].Key.Value] = copied(b.Keys[i].Values.Values(), variables)
		}
	}
	return out
}

func copied(texts []string, variables bool) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		if !variables {
			t = strings.ReplaceAll(t, "${", "${$}{")
		}
		out[i] = t
	}
	return out
}

// denial copies a Deny statement of today.
func denial(ref iam.Ref) Statement {
	s := &ref.Policy.Document.Statements[ref.Index]
	variables := ref.Policy.Document.HasVariables()
	out := Statement{Effect: policy.Deny, Condition: conditionOf(s, variables)}
	out.Action, out.NotAction = list(s.Action, true), list(s.NotAction, true)
	out.Resource, out.NotResource = list(s.Resource, variables), list(s.NotResource, variables)
	return out
}

func list(t *policy.Texts, variables bool) []string {
	if t == nil {
		return nil
	}
	return copied(t.Values(), variables)
}

// statements writes grants as statements: actions of one service with the same
// resources and conditions stand in one.
func (g *grants) statements() []Statement {
	merged := map[string]*Statement{}
	for _, gr := range g.list {
		s := gr.statement()
		service, _, _ := strings.Cut(gr.action, ":")
		key := service + " " + string(compact(s))
		if merged[key] == nil {
			merged[key] = &s
		}
		if !slices.Contains(merged[key].Action, gr.action) {
			merged[key].Action = append(merged[key].Action, gr.action)
		}
	}
	var out []Statement
	numbers := map[string]int{}
	for _, key := range sorted(merged) {
		s := *merged[key]
		s.Action = withoutCovered(s.Action)
		service, _, _ := strings.Cut(key, " ")
		numbers[service]++
		s.Sid = fmt.Sprintf("%s%d", sid(service), numbers[service])
		out = append(out, s)
	}
	return out
}

// withoutCovered sorts actions and leaves out those that a pattern of the list has.
func withoutCovered(actions []string) []string {
	slices.Sort(actions)
	return slices.DeleteFunc(actions, func(a string) bool {
		return slices.ContainsFunc(actions, func(p string) bool {
			head, pattern := strings.CutSuffix(p, "*")
			return pattern && a != p && strings.HasPrefix(a, head)
		})
	})
}

// statement is the grant without its action.
func (gr *grant) statement() Statement {
	u := gr.unit
	s := Statement{Effect: policy.Allow, Condition: conditionOf(u.statement, u.variables)}
	if gr.asToday {
		s.Resource, s.NotResource = list(u.statement.Resource, u.variables), list(u.statement.NotResource, u.variables)
	} else if _, all := gr.resources["*"]; all {
		s.Resource = []string{"*"}
	} else {
		s.Resource = sorted(gr.resources)
	}
	if len(gr.passedTo) > 0 {
		if s.Condition == nil {
			s.Condition = conditions{}
		}
		if s.Condition["StringEquals"] == nil {
			s.Condition["StringEquals"] = map[string][]string{}
		}
		s.Condition["StringEquals"]["iam:PassedToService"] = slices.Sorted(slices.Values(gr.passedTo))
	}
	return s
}

// sid makes a Sid of a service prefix: letters and digits only.
func sid(service string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(service, "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// split deals statements out to policies that stay within MaxPolicy. A statement that
// is too long by itself is cut by its resources or actions; one that cannot be is
// returned as oversized, in a policy of its own.
func split(all []Statement) (out []Document, oversized []string) {
	empty := size(Document{Version: policy.Version2012, Statement: []Statement{}}.compact())
	room := 0
	for i, s := range cut(all, MaxPolicy-empty) {
		n := size(compact(s)) + 1 // and a comma
		if n > MaxPolicy-empty {
			oversized = append(oversized, fmt.Sprintf("statement %d (%s) has %d characters and cannot be cut; managed policies take %d", i+1, s.Sid, n, MaxPolicy))
		}
		if len(out) == 0 || n > room {
			out = append(out, Document{Version: policy.Version2012})
			room = MaxPolicy - empty
		}
		last := &out[len(out)-1]
		last.Statement = append(last.Statement, s)
		room -= n
	}
	return out, oversized
}

// cut halves the longest list of a statement until each piece fits. Only lists that
// are joined by OR can be halved: Action and Resource, and not their Not forms.
func cut(all []Statement, most int) []Statement {
	var out []Statement
	for len(all) > 0 {
		s := all[0]
		all = all[1:]
		if size(compact(s))+1 <= most || len(s.Action) < 2 && len(s.Resource) < 2 {
			out = append(out, s)
			continue
		}
		a, b := s, s
		if len(s.Resource) >= len(s.Action) {
			half := len(s.Resource) / 2
			a.Resource, b.Resource = s.Resource[:half], s.Resource[half:]
		} else {
			half := len(s.Action) / 2
			a.Action, b.Action = s.Action[:half], s.Action[half:]
		}
		if s.Sid != "" {
			a.Sid, b.Sid = s.Sid+"a", s.Sid+"b"
		}
		all = append([]Statement{a, b}, all...)
	}
	return out
}
