package condition

import (
	"strings"

	"github.com/rootkeep/rootkeep/iam/pattern"
)

// room is how many parts of a pattern are resolved without allocation.
const room = 16

// Resolve writes the tokens into buf with every variable replaced by its value,
// which is literal text: a tag value * is no wildcard. The answer is True when all
// variables have a value, False when one has none (its key is absent, or has more
// than one value), Unknown when a key is not known.
func Resolve(ts []pattern.Token, c *Context, buf []pattern.Token) ([]pattern.Token, Truth) {
	out := buf[:0]
	known := True
	for _, t := range ts {
		if t.Kind != pattern.Variable {
			out = append(out, t)
			continue
		}
		values, there := c.Values(t.Text)
		switch {
		case there == True && len(values) == 1:
			out = append(out, pattern.Token{Kind: pattern.Literal, Text: values[0]})
		case there == False && t.HasDefault:
			out = append(out, pattern.Token{Kind: pattern.Literal, Text: t.Default})
		case there == Unknown:
			known = min(known, Unknown)
		default:
			return out, False
		}
	}
	return out, known
}

// MatchPattern compares text with a pattern that may hold variables. A variable
// without a value matches nothing; resolved tells that case apart.
func MatchPattern(p *pattern.Pattern, text string, c *Context) (match, resolved Truth) {
	if !p.HasVariables() {
		return Is(p.Match(text)), True
	}
	var buf [room]pattern.Token
	ts, known := Resolve(p.Tokens(), c, buf[:])
	if known != True {
		return known, known
	}
	return Is(pattern.Match(ts, text)), True
}

// arnParts is how many parts an ARN has.
const arnParts = 6

// SplitARN cuts an ARN at its first five colons; ok says that it has them.
func SplitARN(s string) (parts [arnParts]string, ok bool) {
	for i := range arnParts - 1 {
		at := strings.IndexByte(s, ':')
		if at < 0 {
			parts[i] = s
			return parts, false
		}
		parts[i], s = s[:at], s[at+1:]
	}
	parts[arnParts-1] = s
	return parts, true
}

// matchARN compares part by part: a wildcard stays in its part.
func matchARN(ts []pattern.Token, text string) bool {
	parts, ok := SplitARN(text)
	if !ok {
		return false
	}
	var buf [room]pattern.Token
	for i := range arnParts - 1 {
		part := buf[:0]
		ended := false
		for !ended {
			if len(ts) == 0 {
				return false
			}
			if ts[0].Kind != pattern.Literal {
				part = append(part, ts[0])
				ts = ts[1:]
				continue
			}
			head, tail, colon := strings.Cut(ts[0].Text, ":")
			if head != "" {
				part = append(part, pattern.Token{Kind: pattern.Literal, Text: head})
			}
			if ended = colon; !colon {
				ts = ts[1:]
				continue
			}
			rest := make([]pattern.Token, 0, len(ts))
			if tail != "" {
				rest = append(rest, pattern.Token{Kind: pattern.Literal, Text: tail})
			}
			ts = append(rest, ts[1:]...)
		}
		if !pattern.Match(part, parts[i]) {
			return false
		}
	}
	return pattern.Match(ts, parts[arnParts-1])
}
