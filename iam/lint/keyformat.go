package lint

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/lint/form"
	"github.com/rootkeep/rootkeep/iam/lint/known"
)

// keyFormats judges values whose form the key fixes. Patterns are left alone: a
// part of a value may be of any form.
func (c *checker) keyFormats(k *cond) {
	if k.op.Family == condition.Null {
		return
	}
	for i, item := range k.key.Values.Items {
		text := item.Value
		if text == "" || jsonMarker(text) || strings.Contains(text, "${") || k.like() && strings.ContainsAny(text, "*?") {
			continue
		}
		code, want := form.Wrong(k.lower, text)
		if code != "" {
			c.add(code, fmt.Sprintf("%s is compared with %q, want %s", k.name(), text, want), k.valueAt(i))
		}
	}
}

// sensitive judges wildcards and variables in keys that keep strangers out. A
// pattern * alone is another finding's subject.
func (c *checker) sensitive(k *cond) {
	if k.op.Family == condition.Null || k.op.Negated && !c.st.Denies() && !known.Sensitive(k.lower) {
		return
	}
	secret, prefixed := known.Sensitive(k.lower), known.Prefixed(k.lower)
	if !secret && !prefixed && k.lower != "aws:userid" {
		return
	}
	for i, item := range k.key.Values.Items {
		text := item.Value
		if strings.Trim(text, "*") == "" || jsonMarker(text) {
			continue
		}
		if at := strings.IndexAny(form.WithoutVariables(text), "*?"); at >= 0 && k.like() && form.TooOpen(k.lower, text, at) {
			c.add("WILDCARD_USAGE_TOO_PERMISSIVE", fmt.Sprintf("the wildcard in %q lets strangers meet %s", text, k.name()), k.valueAt(i))
		}
		if at := strings.Index(text, "${"); at >= 0 && c.doc.HasVariables() && !form.OwnVariable(text) && form.TooOpen(k.lower, text, at) {
			c.add("VARIABLE_USAGE_TOO_PERMISSIVE", fmt.Sprintf("the variable in %q decides %s", text, k.name()), k.valueAt(i))
		}
	}
}

// securityOfKey is what a key cannot be trusted for.
func (c *checker) securityOfKey(k *cond) {
	switch k.lower {
	case "aws:referer", "aws:useragent":
		c.add("UNTRUSTWORTHY_CONDITION_KEY", fmt.Sprintf("the caller chooses %s", k.name()), k.place())
	case "aws:vpcsourceip":
		if !c.st.finds("aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn") {
			c.add("MISSING_PAIRED_CONDITION_KEYS", "aws:VpcSourceIp says nothing without aws:SourceVpc or aws:SourceVpce", k.place())
		}
	case "dynamodb:attributes":
		if c.st.allows() && !c.st.finds("dynamodb:select") {
			c.add("DYNAMODB_ATTRIBUTES_WITHOUT_SELECT", "dynamodb:Attributes without dynamodb:Select lets a read return every attribute", k.place())
		}
	case "s3:prefix":
		strings := k.op.Family <= condition.StringLike
		if strings && k.op.Negated == c.st.allows() {
			c.add("S3_PREFIX_IN_NEGATIVE_CONTEXT", "a shorter s3:prefix does not meet the condition and lists the same objects", k.place())
		}
	case "aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths":
		c.endpointServices(k)
	}
}

func (c *checker) endpointServices(k *cond) {
	bad := c.st.NotAction != nil
	for _, a := range c.st.Action.Values() {
		service, _, _ := strings.Cut(strings.ToLower(a), ":")
		bad = bad || strings.ContainsAny(service, "*?") || !known.EndpointService(service)
	}
	if bad {
		c.add("USE_CONDITION_KEY_ONLY_WITH_SUPPORTED_SERVICES", fmt.Sprintf("%s is sent by some services only, and the statement names others", k.name()), k.place())
	}
}
