package lint

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/lint/form"
	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// cond is one key under one operator, with what is known of both.
type cond struct {
	st    *statement
	block *policy.ConditionBlock
	key   *policy.ConditionKey
	lower string // the key in lower case
	op    condition.Operator
	opOK  bool
	info  metadata.ConditionKey
	known bool
}

func readConditions(s *statement) []cond {
	if s.Condition == nil {
		return nil
	}
	var out []cond
	for i := range s.Condition.Blocks {
		b := &s.Condition.Blocks[i]
		op, ok := condition.ParseOperator(b.Operator.Value)
		for j := range b.Keys {
			k := cond{st: s, block: b, key: &b.Keys[j], lower: strings.ToLower(b.Keys[j].Key.Value), op: op, opOK: ok}
			k.info, k.known = metadata.FindKey(k.lower)
			out = append(out, k)
		}
	}
	return out
}

func (k *cond) element() string { return "Condition." + k.block.Operator.Value + "." + k.key.Key.Value }
func (k *cond) place() place    { return place{k.key.Key.Span, k.st.path(k.element())} }
func (k *cond) name() string    { return k.key.Key.Value }

func (k *cond) valueAt(i int) place { return k.st.at(k.element(), &k.key.Values, i) }

func (k *cond) test() form.Test {
	return form.Test{Name: k.name(), Op: k.op, Values: k.key.Values.Values()}
}

// like says whether wildcards count in the values.
func (k *cond) like() bool { return k.opOK && k.op.Wildcards() }

// negatedOrLenient says whether the operator is true for a request without the key.
func (k *cond) negatedOrLenient() bool { return k.op.Negated || k.op.IfExists }

// find is the first condition on a key; the name is in lower case.
func (s *statement) find(lower string) *cond {
	for i := range s.conditions {
		if s.conditions[i].lower == lower {
			return &s.conditions[i]
		}
	}
	return nil
}

// finds says whether any of the keys is compared.
func (s *statement) finds(lower ...string) bool {
	for _, name := range lower {
		if s.find(name) != nil {
			return true
		}
	}
	return false
}

func (c *checker) conditionBlocks() {
	if c.st.Condition == nil {
		return
	}
	c.emptyConditions()
	for i := range c.st.Condition.Blocks {
		b := &c.st.Condition.Blocks[i]
		if _, ok := condition.ParseOperator(b.Operator.Value); !ok {
			c.badOperator(b)
		}
	}
	for i := range c.st.conditions {
		k := &c.st.conditions[i]
		c.conditionKey(k)
		if !k.opOK {
			continue
		}
		c.qualifier(k)
		c.keyType(k)
		c.values(k)
		c.wildcards(k)
		c.sensitive(k)
		c.keyFormats(k)
		c.addresses(k)
		c.securityOfKey(k)
	}
}

func (c *checker) badOperator(b *policy.ConditionBlock) {
	at := place{b.Operator.Span, c.st.path("Condition." + b.Operator.Value)}
	lower := strings.ToLower(b.Operator.Value)
	if _, name, ok := strings.Cut(lower, ":"); ok {
		lower = name
	}
	if lower == "nullifexists" {
		c.add("NULL_WITH_IF_EXISTS", "Null cannot have IfExists", at)
		return
	}
	c.add("INVALID_CONDITION_OPERATOR", fmt.Sprintf("%q is no condition operator", b.Operator.Value), at)
}

func (c *checker) emptyConditions() {
	s := c.st
	if len(s.Condition.Blocks) == 0 {
		c.add("EMPTY_OBJECT_CONDITION", "", place{s.Condition.Span, s.path("Condition")})
	}
	for i := range s.Condition.Blocks {
		b := &s.Condition.Blocks[i]
		if len(b.Keys) == 0 {
			c.add("EMPTY_OBJECT_CONDITION", "", place{b.Span, s.path("Condition." + b.Operator.Value)})
		}
	}
	for i := range s.conditions {
		k := &s.conditions[i]
		if len(k.key.Values.Items) > 0 || !k.opOK {
			continue
		}
		code := "EMPTY_ARRAY_CONDITION"
		switch {
		case k.op.Set == condition.ForAllValues:
			code = "EMPTY_ARRAY_CONDITION_FORALLVALUES"
		case k.op.Set == condition.ForAnyValue:
			code = "EMPTY_ARRAY_CONDITION_FORANYVALUE"
		case k.op.IfExists:
			code = "EMPTY_ARRAY_CONDITION_IFEXISTS"
		}
		c.add(code, fmt.Sprintf("%s is compared with no value", k.name()), k.place())
	}
}

// conditionKey judges the name of a key.
func (c *checker) conditionKey(k *cond) {
	prefix, rest, ok := strings.Cut(k.lower, ":")
	switch {
	case jsonMarker(k.lower):
	case !ok || prefix == "" || rest == "":
		c.add("INVALID_CONDITION_KEY_FORMAT", fmt.Sprintf("%q has no form service:name", k.name()), k.place())
	case k.lower == "aws:arn":
		c.add("UNSUPPORTED_GLOBAL_CONDITION_KEY", "aws:ARN is not supported any more", k.place())
	case known.NeedsTagKey(k.lower):
		c.add("MISSING_TAG_KEY_IN_CONDITION", fmt.Sprintf("%s names no tag", k.name()), k.place())
	case k.known || known.DocumentedKey(k.lower):
	case prefix == "aws":
		c.add("INVALID_GLOBAL_CONDITION_KEY", fmt.Sprintf("there is no global condition key %s", k.name()), k.place())
	case metadata.KeyPrefix(prefix) || known.Service(prefix):
		if !strings.Contains(prefix, ".") { // claims of an identity provider: nobody lists them
			c.add("INVALID_SERVICE_CONDITION_KEY", fmt.Sprintf("%s has no condition key %s", prefix, k.name()), k.place())
		}
	case !strings.Contains(prefix, "."):
		c.add("INVALID_SERVICE", fmt.Sprintf("there is no service %s", prefix), k.place())
	}
}

// qualifier judges ForAllValues and ForAnyValue against the kind of key.
func (c *checker) qualifier(k *cond) {
	audience := strings.HasSuffix(k.lower, ":aud") && strings.Contains(k.lower, ".")
	switch {
	case k.op.Family == condition.Null:
		if k.op.Set != condition.Single {
			c.add("NULL_WITH_QUALIFIER", "", k.place())
		}
	case audience && k.op.Set == condition.ForAnyValue:
		c.add("FORANYVALUE_WITH_AUDIENCE_CLAIM_TYPE", fmt.Sprintf("%s has one value: ForAnyValue does not belong there", k.name()), k.place())
	case audience && k.op.Set == condition.ForAllValues && !k.known:
		c.add("CONFIRM_AUDIENCE_CLAIM_TYPE", fmt.Sprintf("%s has one value with most providers", k.name()), k.place())
	case !k.known:
	case k.op.Set == condition.Single && k.info.Type.Multivalued():
		c.add("MISSING_QUALIFIER", fmt.Sprintf("%s may have several values: use ForAnyValue or ForAllValues", k.name()), k.place())
	case k.op.Set == condition.ForAllValues && !k.info.Type.Multivalued():
		c.add("FORALLVALUES_WITH_SINGLE_VALUED_KEY", fmt.Sprintf("%s has one value: ForAllValues is true without it", k.name()), k.place())
	}
}

// keyType compares the operator with the type of the key.
func (c *checker) keyType(k *cond) {
	if !k.known || k.op.Family == condition.Null {
		return
	}
	element := k.info.Type.Element()
	if form.OperatorFits(k.op.Family, element, k.lower) {
		return
	}
	if element == metadata.ARN && k.op.Family == condition.StringLike {
		c.add("STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS", fmt.Sprintf("%s holds an ARN: use %s", k.name(), form.ARNOperator(k.op)), k.place())
		return
	}
	c.add("TYPE_MISMATCH", fmt.Sprintf("%s holds a value of type %s, %s does not compare that", k.name(), element, k.block.Operator.Value), k.place())
}

// jsonMarker says whether text holds a value that only the deployment knows.
func jsonMarker(s string) bool { return strings.Contains(s, Placeholder) }

// Placeholder stands in a policy for text that is not known before deployment, such
// as a reference in a template. Checks leave values that hold it alone.
const Placeholder = "\uFFFC"
