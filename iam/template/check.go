package template

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/jsontree"
	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/policy"
	"github.com/rootkeep/rootkeep/sigma/yamldoc"
)

// checker judges what decoding alone does not see.
type checker struct {
	*Template
	reader *yamldoc.Reader
	body   ast.Node
}

// fail reports a problem at a place such as cases[2].want, or at what is left of it
// when the file has no such place.
func (c *checker) fail(place, format string, args ...any) {
	at := c.body
	for ; place != ""; place = place[:max(0, strings.LastIndexAny(place, ".["))] {
		p, err := yaml.PathString("$." + place)
		if err != nil {
			continue
		}
		if n, err := p.FilterNode(c.body); err == nil && n != nil {
			at = n
			break
		}
	}
	c.reader.Fail(at, format, args...)
}

var (
	idForm   = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

func (c *checker) check() {
	if c.Kind != "policy-template" {
		c.fail("kind", "kind is %q, want policy-template", c.Kind)
	}
	if !idForm.MatchString(c.ID) {
		c.fail("id", "id %q: want lower-case words joined by -", c.ID)
	}
	for _, text := range []struct{ name, value string }{
		{"title", c.Title}, {"why", c.Why}, {"attach.to", c.Attach.To}, {"attach.not_to", c.Attach.NotTo}, {"source.title", c.Source.Title},
	} {
		if strings.TrimSpace(text.value) == "" {
			c.fail(text.name, "%s is missing", text.name)
		}
	}
	if len(c.DoesNot) == 0 {
		c.fail("does_not", "does_not is missing: say what a reader may wrongly expect")
	}
	if _, err := time.Parse(time.DateOnly, c.Source.Date); err != nil {
		c.fail("source.date", "source.date is %q, want YYYY-MM-DD", c.Source.Date)
	}
	if !slices.Contains(lint.Types(), c.Type) {
		c.fail("type", "type is %q, want one of %v", c.Type, lint.Types())
	}
	if c.NoTwin != "" && c.Type != lint.SCP {
		c.fail("no_twin", "no_twin is for type scp")
	}
	c.acceptedCodes()
	before := c.reader.Problems()
	for i := range c.Parameters {
		c.parameter(i)
	}
	c.placeholders()
	sound := c.reader.Problems() == before
	if sound {
		c.policy()
	}
	c.cases(sound)
}

func (c *checker) acceptedCodes() {
	for i, a := range c.Accepts {
		place := fmt.Sprintf("accepts[%d]", i)
		if !slices.ContainsFunc(lint.Codes(), func(k lint.Code) bool { return k.Name == a.Code && k.Reported }) {
			c.fail(place+".code", "%q is no code of the linter; hint: rootkeep iam lint --codes", a.Code)
		}
		if a.Reason == "" {
			c.fail(place, "reason is missing")
		}
	}
}

func (c *checker) parameter(i int) {
	p := &c.Parameters[i]
	place := fmt.Sprintf("parameters[%d]", i)
	switch first, _ := c.Parameter(p.Name); {
	case !nameForm.MatchString(p.Name):
		c.fail(place+".name", "name %q: want lower-case letters, digits and _", p.Name)
	case first != p:
		c.fail(place+".name", "parameter %s stands twice", p.Name)
	}
	if p.Description == "" {
		c.fail(place, "description is missing")
	}
	before := c.reader.Problems()
	c.bounds(p, place)
	if c.reader.Problems() > before {
		return
	}
	if len(p.Default) > 0 == (len(p.Example) > 0) {
		c.fail(place, "parameter %s: want either a default or an example", p.Name)
		return
	}
	if err := p.check(p.Sample()); err != nil {
		c.fail(place, "%s", err)
	}
}

// bounds judges whether the bounds fit the type.
func (c *checker) bounds(p *Parameter, place string) {
	if !slices.Contains(parameterTypes(), p.Type) {
		c.fail(place+".type", "type is %q, want one of %v", p.Type, parameterTypes())
	}
	if p.Type == Text && p.Pattern == "" && len(p.Choices) == 0 {
		c.fail(place, "text needs a pattern or choices")
	}
	var err error
	if p.whole, err = wholeValue(p.Pattern); err != nil {
		c.fail(place+".pattern", "pattern: %s", err)
	}
	if (p.Type == Number) != (p.Min != nil) || (p.Type == Number) != (p.Max != nil) {
		c.fail(place, "a number has min and max, other types have neither")
	}
	if p.Wildcards && p.Type != Text && p.Type != ARN {
		c.fail(place+".wildcards", "wildcards are for text and arn")
	}
	if p.MaxValues < 0 || p.MaxValues > 0 && !p.List {
		c.fail(place+".max_values", "max_values is for lists and above 0")
	}
	if p.After == "" {
		return
	}
	if o, ok := c.Parameter(p.After); !ok || o.Type != Date || p.Type != Date || o.List || p.List {
		c.fail(place+".after", "after: want two dates")
	}
}

// placeholders compares the policy's placeholders with the parameters, both ways.
func (c *checker) placeholders() {
	tree, err := jsontree.Parse([]byte(c.Policy))
	if err != nil {
		c.fail("policy", "policy: %s", policySyntax(c.Policy))
		return
	}
	used := map[string]bool{}
	c.strings(&tree, 0, used)
	for i, p := range c.Parameters {
		if !used[p.Name] {
			c.fail(fmt.Sprintf("parameters[%d]", i), "the policy does not use parameter %s", p.Name)
		}
	}
}

// policySyntax says what is wrong with a text that is no JSON, by its own lines.
func policySyntax(text string) string {
	_, err := policy.Parse([]byte(text))
	return err.Error()
}

// conditionKeyDepth is where condition keys stand: policy, Statement, statement,
// Condition, operator.
const conditionKeyDepth = 4

func (c *checker) strings(v *jsontree.Value, depth int, used map[string]bool) {
	for i := range v.Kids {
		kid := &v.Kids[i]
		if strings.Contains(kid.Key, "{{") && depth != conditionKeyDepth {
			c.fail("policy", "policy: a placeholder stands in the key %q; only condition keys take one", kid.Key)
		}
		c.text(kid.Key, true, used)
		c.strings(kid, depth+1, used)
	}
	if v.Kind == jsontree.String {
		c.text(v.Text, false, used)
	}
}

func (c *checker) text(text string, key bool, used map[string]bool) {
	if rest := placeholder.ReplaceAllString(text, ""); strings.Contains(rest, "{{") || strings.Contains(rest, "}}") {
		c.fail("policy", "policy: %q: want {{name}} with a parameter's name", text)
	}
	if strings.ContainsFunc(text, hidden) {
		c.fail("policy", "policy: %q has characters that cannot be seen", text)
	}
	if strings.Contains(text, "${{") {
		c.fail("policy", "policy: %q: a parameter cannot stand in a policy variable", text)
	}
	lists := 0
	for _, name := range names(text) {
		used[name] = true
		p, ok := c.Parameter(name)
		switch {
		case !ok:
			c.fail("policy", "policy: there is no parameter %s", name)
		case p.List && key:
			c.fail("policy", "policy: parameter %s is a list, which no key takes", name)
		case p.List:
			lists++
		}
	}
	if lists > 1 {
		c.fail("policy", "policy: %q holds two lists", text)
	}
}

// policy judges the policy with example values.
func (c *checker) policy() {
	_, doc, err := c.render(c.Type, c.Samples())
	if err != nil {
		c.fail("policy", "%s", err)
		return
	}
	if doc.SingleStatement {
		c.fail("policy", "policy: want Statement as a list")
	}
	var sids []string
	for _, s := range doc.Statements {
		if s.Sid.Value == "" || slices.Contains(sids, s.Sid.Value) {
			c.fail("policy", "policy: every statement needs a Sid of its own; got %q", s.Sid.Value)
		}
		sids = append(sids, s.Sid.Value)
	}
	for i, u := range c.Untested {
		if !slices.Contains(sids, u.Statement) || u.Reason == "" {
			c.fail(fmt.Sprintf("untested[%d]", i), "want the Sid of a statement and a reason")
		}
	}
}

// maxRequests bounds the requests of a table: each is asked again without every part
// of the policy.
const maxRequests = 500

// cases judges the table without running it; values only when the parameters are
// sound.
func (c *checker) cases(sound bool) {
	allowed, denied := false, false
	seen := map[string]bool{}
	requests := 0
	for i := range c.Cases {
		k := &c.Cases[i]
		place := fmt.Sprintf("cases[%d]", i)
		if requests += len(k.Action); requests > maxRequests {
			c.fail(place, "the table has more than %d requests", maxRequests)
			return
		}
		if k.Name == "" || seen[k.Name] {
			c.fail(place, "a case needs a name of its own; got %q", k.Name)
		}
		seen[k.Name] = true
		if !slices.Contains(outcomes(), k.Want) {
			c.fail(place+".want", "want is %q, want one of %s", k.Want, words(outcomes()))
		}
		if len(k.Action) == 0 || k.Resource == "" || k.Caller(c.Template) == "" {
			c.fail(place, "a case needs action, resource and principal")
		}
		for _, b := range k.beside(c.Template) {
			if _, ok := companions[b]; !ok {
				c.fail(place, "beside %q: want one of %s", b, words(companionNames()))
			}
		}
		if sound {
			if _, err := c.values(k.parameters(c.Template)); err != nil {
				c.fail(place+".set", "%s", err)
			}
		}
		allowed = allowed || k.Want == iam.Allowed.String()
		denied = denied || k.Want != iam.Allowed.String() && k.Want != iam.Conditional.String()
	}
	if !allowed || !denied {
		c.fail("cases", "want at least one case that is allowed and one that is denied")
	}
}
