// Package action matches the names of actions: the values of Action and NotAction
// elements go in, and whether they cover an action comes out, for one name or for
// all names of a Table at once.
//
// A name is service:Name, without regard to case; service and name are matched
// apart. Source: IAM User Guide, "IAM JSON policy elements: Action".
package action

import (
	"strings"
	"unicode/utf8"
)

// Pattern is one value of Action or NotAction, in lower case, split at its colon.
type Pattern struct {
	Text    string
	Service Glob
	Name    Glob
	All     bool // stars only: every action
	Never   bool // no colon: no action has this name
}

// Parse reads one value. Every text is a pattern.
func Parse(text string) Pattern {
	p := Pattern{Text: lower(text), All: text != "" && strings.Trim(text, "*") == ""}
	service, name, ok := strings.Cut(p.Text, ":")
	p.Never = !ok && !p.All
	p.Service, p.Name = newGlob(service), newGlob(name)
	return p
}

// Match compares with an action in lower case, split at its colon.
func (p *Pattern) Match(service, name []byte) bool {
	if p.All || p.Never {
		return p.All
	}
	return p.Service.Match(service) && p.Name.Match(name)
}

// Glob is text with * and ?. Most are a name, or a prefix and a star.
type Glob struct {
	Text    string // what stands before the star, if that is the only one and the last
	Literal bool   // no wildcard
	prefix  bool
}

func newGlob(text string) Glob {
	head, tail, star := strings.Cut(text, "*")
	switch {
	case !strings.ContainsAny(text, "*?"):
		return Glob{Text: text, Literal: true}
	case star && tail == "" && !strings.Contains(head, "?"):
		return Glob{Text: head, prefix: true}
	}
	return Glob{Text: text}
}

// Match compares with all of s.
func (g *Glob) Match(s []byte) bool {
	switch {
	case g.Literal:
		return g.Text == string(s)
	case g.prefix:
		return len(s) >= len(g.Text) && string(s[:len(g.Text)]) == g.Text
	}
	return globBytes(g.Text, s)
}

// lower changes ASCII letters only: no action has others.
func lower(s string) string {
	ascii := true
	for i := range len(s) {
		ascii = ascii && s[i] < utf8.RuneSelf
	}
	if ascii {
		return strings.ToLower(s)
	}
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// globBytes matches * and ?. On a mismatch it goes back to the last star only, which
// is enough: what an earlier star could take, the last one can.
func globBytes(p string, s []byte) bool {
	star, back := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, back = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j]):
			i++
			j++
		case star >= 0:
			back++
			i, j = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(p[i:], "*") == ""
}
