// Package resource matches the resources of requests with the values of Resource and
// NotResource elements, part by part as ARNs are compared.
//
// Source: IAM User Guide, "IAM JSON policy elements: Resource".
package resource

import (
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/pattern"
)

// Pattern is one value of Resource or NotResource.
type Pattern struct {
	Text  string              // as written
	all   bool                // stars only
	head  string              // all up to the fifth colon, if it has no wildcard
	fixed *[5]pattern.Pattern // else the first five parts
	rest  pattern.Pattern     // after the fifth colon; may hold variables
	whole pattern.Pattern     // the same text without regard to colons
}

// Parse reads one value, of a policy that may use variables or not. It splits at the
// first five colons. An ARN with fewer parts stands for any value in those that are
// missing (IAM User Guide, "IAM ARNs").
func Parse(text string, variables bool) Pattern {
	if text != "" && strings.Trim(text, "*") == "" {
		return Pattern{Text: text, all: true}
	}
	p := Pattern{Text: text}
	parts, complete := condition.SplitARN(text)
	rest := parts[5]
	if head := text[:len(text)-len(rest)]; complete && !strings.ContainsAny(head, "*?") {
		p.head = head
	} else {
		p.whole = pattern.Parse(text, pattern.Syntax{Wildcards: true, Variables: variables})
		p.fixed = fixedParts(text)
		if !complete {
			rest = "*"
		}
	}
	p.rest = pattern.Parse(rest, pattern.Syntax{Wildcards: true, Variables: variables})
	return p
}

func fixedParts(text string) *[5]pattern.Pattern {
	var out [5]pattern.Pattern
	parts := strings.SplitN(text, ":", 6)
	for i := range out {
		part := "*"
		if i < len(parts) {
			part = parts[i]
		}
		out[i] = pattern.Parse(part, pattern.Syntax{Wildcards: true})
	}
	return &out
}

// ARN is a resource split into its parts. It need not be an ARN: "*" stands for the
// resource of an action that has none.
type ARN struct {
	Text  string
	Parts [6]string
	Is    bool // Text is an ARN
}

// Split reads a resource.
func Split(text string) (a ARN) {
	a.Text = text
	a.Parts, a.Is = condition.SplitARN(text)
	return a
}

// Match compares with the resource of a request. Broad is the reading in which a star
// may run over a colon; AWS documents both readings. Resolved says whether the
// pattern's variables are known.
func (p *Pattern) Match(a *ARN, c *condition.Context, broad bool) (match, resolved condition.Truth) {
	switch {
	case p.all:
		return condition.True, condition.True
	case !a.Is:
		return condition.False, condition.True
	case p.fixed == nil:
		if !strings.HasPrefix(a.Text, p.head) {
			return condition.False, condition.True
		}
		return condition.MatchPattern(&p.rest, a.Parts[5], c)
	}
	if broad {
		if m, _ := condition.MatchPattern(&p.whole, a.Text, c); m == condition.True {
			return condition.True, condition.True
		}
	}
	for i := range p.fixed {
		if !p.fixed[i].Match(a.Parts[i]) {
			return condition.False, condition.True
		}
	}
	return condition.MatchPattern(&p.rest, a.Parts[5], c)
}
