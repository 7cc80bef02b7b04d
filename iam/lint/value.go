package lint

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/lint/form"
)

// values judges what a key is compared with by what the operator reads.
func (c *checker) values(k *cond) {
	items := k.key.Values.Items
	if len(items) == 0 {
		return
	}
	if form.MixedTypes(&k.key.Values) {
		c.add("INVALID_CONDITION_DATA_TYPE", fmt.Sprintf("the values of %s are of several JSON types", k.name()), k.place())
	}
	if k.op.Family == condition.Bool && len(items) > 1 && k.op.Set == condition.Single {
		c.add("INVALID_CONDITION_MULTIPLE_BOOLEAN", fmt.Sprintf("%s is compared with %d values", k.name(), len(items)), k.place())
	}
	for i := range items {
		text := items[i].Value
		if jsonMarker(text) || strings.Contains(text, "${") {
			continue
		}
		c.value(k, i, text)
	}
	c.redundantNumbers(k)
}

func (c *checker) value(k *cond, i int, text string) {
	f := k.op.Family
	switch {
	case f == condition.Bool || f == condition.Null:
		if t := strings.ToLower(text); t != "true" && t != "false" {
			c.add("TYPE_MISMATCH_BOOLEAN", fmt.Sprintf("%q is neither true nor false", text), k.valueAt(i))
		}
	case f >= condition.NumericEquals && f <= condition.NumericGreaterEquals:
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			c.add("TYPE_MISMATCH_NUMBER", fmt.Sprintf("%q is no number", text), k.valueAt(i))
		}
	case f >= condition.DateEquals && f <= condition.DateGreaterEquals:
		c.date(k, i, text)
	case f == condition.Binary:
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			c.add("TYPE_MISMATCH_STRING", fmt.Sprintf("%q is not base64", text), k.valueAt(i))
		}
	case f == condition.IPAddress:
		c.addressRange(k, i, text)
	}
}

func (c *checker) date(k *cond, i int, text string) {
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		if len(text) != 4 { // a year alone is ISO 8601
			c.add("INVALID_DATE_VALUE", fmt.Sprintf("%s is a number of seconds", text), k.valueAt(i))
		}
		return
	}
	when, ok := form.Date(text)
	if !ok {
		c.add("TYPE_MISMATCH_DATE", fmt.Sprintf("%q is no date", text), k.valueAt(i))
		return
	}
	if !c.now.IsZero() && when.Before(c.now) && k.lower == "aws:currenttime" {
		c.datePassed(k, i, text)
	}
}

// datePassed speaks of dates that decide nothing any more, unless the statement
// also has an end: a window that is over says so by the end.
func (c *checker) datePassed(k *cond, i int, text string) {
	greater := k.op.Family == condition.DateGreater || k.op.Family == condition.DateGreaterEquals
	if greater {
		for j := range c.st.conditions {
			o := &c.st.conditions[j]
			if o.lower == k.lower && (o.op.Family == condition.DateLess || o.op.Family == condition.DateLessEquals) {
				return
			}
		}
		c.add("RK_DATE_PASSED", fmt.Sprintf("%s has passed: the condition is always true", text), k.valueAt(i))
		return
	}
	c.add("RK_DATE_PASSED", fmt.Sprintf("%s has passed: the condition is never true", text), k.valueAt(i))
}

func (c *checker) addressRange(k *cond, i int, text string) {
	prefix, ok := form.Range(text)
	if !ok {
		c.add("TYPE_MISMATCH_IP_RANGE", fmt.Sprintf("%q is no IP address or range", text), k.valueAt(i))
		return
	}
	if prefix != prefix.Masked() {
		c.add("IMPROVE_IP_RANGE", fmt.Sprintf("%s is %s", text, prefix.Masked()), k.valueAt(i))
	}
}

// redundantNumbers speaks of several bounds in one direction: one decides.
func (c *checker) redundantNumbers(k *cond) {
	f := k.op.Family
	less := f == condition.NumericLess || f == condition.NumericLessEquals
	greater := f == condition.NumericGreater || f == condition.NumericGreaterEquals
	if !less && !greater || len(k.key.Values.Items) < 2 {
		return
	}
	which := "greatest"
	if greater {
		which = "least"
	}
	c.add("REDUNDANT_CONDITION_VALUE_NUM", fmt.Sprintf("only the %s value of %s counts", which, k.name()), k.place())
}

// addresses judges aws:SourceIp, which is a public address.
func (c *checker) addresses(k *cond) {
	if k.op.Family != condition.IPAddress {
		return
	}
	private, documentation, all := 0, []int{}, 0
	for i, item := range k.key.Values.Items {
		p, ok := form.Range(item.Value)
		if !ok {
			continue
		}
		all++
		if form.Inside(p, form.PrivateRanges()) {
			private++
		}
		if form.Inside(p, form.DocumentationRanges()) {
			documentation = append(documentation, i)
		}
	}
	for _, i := range documentation {
		c.add("RK_DOCUMENTATION_ADDRESS", fmt.Sprintf("%s is reserved for documentation", k.key.Values.Items[i].Value), k.valueAt(i))
	}
	if k.lower != "aws:sourceip" || private == 0 {
		return
	}
	code := "PRIVATE_IP_ADDRESS"
	if k.op.Negated {
		code = "PRIVATE_NOT_IP_ADDRESS"
	}
	if private < all {
		code += "_SUBSET"
	}
	c.add(code, fmt.Sprintf("%d of %d ranges of aws:SourceIp are private", private, all), k.place())
}

// wildcards judges * and ? in values: where they do not count, and where the value
// is nothing else.
func (c *checker) wildcards(k *cond) {
	f := k.op.Family
	if f == condition.StringEquals || f == condition.StringEqualsIgnoreCase {
		for i, item := range k.key.Values.Items {
			plain := form.WithoutVariables(item.Value)
			if strings.ContainsAny(plain, "*?") && !jsonMarker(plain) {
				c.add("WILDCARD_WITHOUT_LIKE_OPERATOR", fmt.Sprintf("%s takes the wildcard in %q as a plain character", k.block.Operator.Value, item.Value), k.valueAt(i))
			}
		}
	}
	if !k.like() {
		return
	}
	for i, item := range k.key.Values.Items {
		if item.Value != "" && strings.Trim(item.Value, "*") == "" {
			c.onlyStar(k, i)
			return
		}
	}
}

// onlyStar says what a pattern that matches everything asks.
func (c *checker) onlyStar(k *cond, i int) {
	all, any := k.op.Set == condition.ForAllValues, k.op.Set == condition.ForAnyValue
	switch {
	case !k.op.Negated && (k.op.IfExists || all):
		c.add("REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION", fmt.Sprintf("%s %s always matches", k.block.Operator.Value, k.name()), k.place())
	case !k.op.Negated:
		c.add("EQUIVALENT_TO_NULL_FALSE", fmt.Sprintf("%s %s with * asks only whether the key is there: write Null with false", k.block.Operator.Value, k.name()), k.valueAt(i))
	case any && !k.op.IfExists:
		c.add("REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION", fmt.Sprintf("%s %s never matches", k.block.Operator.Value, k.name()), k.place())
	default:
		c.add("EQUIVALENT_TO_NULL_TRUE", fmt.Sprintf("%s %s with * asks only whether the key is absent: write Null with true", k.block.Operator.Value, k.name()), k.valueAt(i))
	}
}
