package template

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rootkeep/rootkeep/iam/jsontree"
	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// Render fills in the parameters; those that set does not name take their defaults.
// The text keeps the template's lines. The error joins a *ValueError for each value
// that is missing or not allowed, or says which quota of AWS the policy exceeds.
func (t *Template) Render(set map[string]Values) ([]byte, error) {
	out, _, err := t.render(t.Type, set)
	return out, err
}

// RenderAs renders the form of another type. The statements of a service control
// policy are also an identity policy; a boundary needs an Allow beside them.
func (t *Template) RenderAs(as lint.Type, set map[string]Values) ([]byte, error) {
	out, _, err := t.render(as, set)
	return out, err
}

func (t *Template) render(as lint.Type, set map[string]Values) ([]byte, *policy.Document, error) {
	if as != t.Type && (t.Type != lint.SCP || t.NoTwin != "" || as != lint.Boundary && as != lint.Identity) {
		return nil, nil, fmt.Errorf("template %s has no form of type %s", t.ID, as)
	}
	values, err := t.values(set)
	if err != nil {
		return nil, nil, err
	}
	tree, err := jsontree.Parse([]byte(t.Policy))
	if err != nil {
		return nil, nil, fmt.Errorf("template %s: policy: %w", t.ID, err)
	}
	w := writer{src: t.Policy, values: values}
	w.value(&tree, false)
	out := w.finish()
	if as != t.Type && as == lint.Boundary {
		if out, err = allowAll(out); err != nil {
			return nil, nil, fmt.Errorf("template %s: %w", t.ID, err)
		}
	}
	doc, err := policy.Parse(out)
	if err != nil {
		return nil, nil, fmt.Errorf("template %s: the filled-in policy: %w", t.ID, err)
	}
	if n, quota := utf8.RuneCount(doc.Compact()), quota(as); n > quota {
		return nil, nil, fmt.Errorf("template %s: the filled-in policy has %d characters, a policy of type %s may have %d; hint: fewer values", t.ID, n, as, quota)
	}
	return out, doc, nil
}

// quota is how many characters AWS stores of a policy, white space aside. Service
// control policies keep to the older quota, which every partition has.
func quota(typ lint.Type) int {
	switch typ {
	case lint.SCP:
		return known.OldSCPQuota
	case lint.RCP:
		return known.RCPQuota
	case lint.Trust:
		return known.TrustQuota
	case lint.Resource:
		return known.ResourceQuota
	}
	return known.ManagedQuota
}

// placeholder is {{name}}.
var placeholder = regexp.MustCompile(`\{\{([a-z][a-z0-9_]*)\}\}`)

// names are the parameters that a string stands for.
func names(text string) []string {
	var out []string
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// writer copies the template's text and replaces the strings with placeholders.
type writer struct {
	src    string
	done   int // bytes of src that are in out
	out    bytes.Buffer
	values map[string]Values
}

func (w *writer) replace(at jsontree.Span, text string) {
	w.out.WriteString(w.src[w.done:at.Start])
	w.out.WriteString(text)
	w.done = int(at.End)
}

func (w *writer) finish() []byte {
	w.out.WriteString(w.src[w.done:])
	return bytes.TrimSpace(w.out.Bytes())
}

func (w *writer) value(v *jsontree.Value, inList bool) {
	if v.Kind == jsontree.Object || v.Kind == jsontree.List {
		for i := range v.Kids {
			kid := &v.Kids[i]
			if v.Kind == jsontree.Object && len(names(kid.Key)) > 0 {
				w.replace(kid.KeySpan, quote(w.expand(kid.Key)[0]))
			}
			w.value(kid, v.Kind == jsontree.List)
		}
		return
	}
	if v.Kind != jsontree.String || len(names(v.Text)) == 0 {
		return
	}
	var items []string
	for _, text := range w.expand(v.Text) {
		items = append(items, quote(text))
	}
	text := strings.Join(items, ", ")
	if len(items) > 1 && !inList {
		text = "[" + text + "]"
	}
	w.replace(v.Span, text)
}

// expand is one text for each value of the list parameter in it, or one text. Values
// are not looked through again: a placeholder in a value stays text.
func (w *writer) expand(text string) []string {
	n := 1
	for _, name := range names(text) {
		n = max(n, len(w.values[name]))
	}
	out := make([]string, n)
	for i := range out {
		out[i] = placeholder.ReplaceAllStringFunc(text, func(m string) string {
			values := w.values[m[2:len(m)-2]]
			return values[min(i, len(values)-1)]
		})
	}
	return out
}

// quote writes a JSON string.
func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""` // no string fails to encode
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// allowAll adds the Allow without which a boundary allows nothing.
func allowAll(text []byte) ([]byte, error) {
	tree, err := jsontree.Parse(text)
	if err != nil {
		return nil, err
	}
	list, ok := tree.Member("Statement")
	if !ok || len(list.Kids) == 0 {
		return nil, fmt.Errorf("no list of statements")
	}
	const allow = ",\n    {\n      \"Sid\": \"AllowTheRest\",\n      \"Effect\": \"Allow\",\n      \"Action\": \"*\",\n      \"Resource\": \"*\"\n    }"
	return slices.Insert(text, int(list.Kids[len(list.Kids)-1].End), []byte(allow)...), nil
}
