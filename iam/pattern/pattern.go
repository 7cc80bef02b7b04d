// Package pattern matches the wildcards of AWS policies: * stands for any text, ?
// for one character. A pattern may hold policy variables such as ${aws:username};
// who knows the request turns them into literal tokens first. Matching never goes
// back over an earlier star, so *a*a*a*b costs one pass.
package pattern

import (
	"strings"
	"unicode/utf8"
)

// Kind is what a token stands for.
type Kind uint8

// Kinds of token.
const (
	Literal  Kind = iota
	Star          // any text, also none
	Any           // one character
	Variable      // a policy variable, Text is its key in lower case
)

// Token is a part of a pattern. A Variable's Default holds what follows the comma
// in ${key, 'default'}.
type Token struct {
	Text, Default string
	Kind          Kind
	HasDefault    bool
}

// Syntax says which characters of a pattern are special.
type Syntax struct {
	Wildcards bool // * and ?
	Variables bool // ${key}, ${key, 'default'}, ${*}, ${?}, ${$}: policy version 2012-10-17
}

type shape uint8

const (
	general shape = iota
	exact         // one literal, or nothing
	prefix        // literal then star
	all           // only stars
)

// Pattern is a parsed pattern. The zero Pattern matches the empty text.
type Pattern struct {
	tokens []Token
	text   string
	shape  shape
	vars   bool
}

// Parse reads a pattern. Every text is a pattern: a variable that does not close
// is literal text.
func Parse(s string, syntax Syntax) Pattern {
	var p Pattern
	if n := strings.Count(s, "*"); s != "" {
		p.tokens = make([]Token, 0, 2*n+1) // what few patterns have more of
	}
	rest := s
	literal := func(t string) {
		if n := len(p.tokens); t != "" && n > 0 && p.tokens[n-1].Kind == Literal {
			p.tokens[n-1].Text += t
		} else if t != "" {
			p.tokens = append(p.tokens, Token{Kind: Literal, Text: t})
		}
	}
	for rest != "" {
		i := strings.IndexAny(rest, "*?$")
		if i < 0 {
			literal(rest)
			break
		}
		literal(rest[:i])
		rest = rest[i:]
		switch token, n, ok := special(rest, syntax); {
		case !ok:
			literal(rest[:1])
			rest = rest[1:]
		case token.Kind == Literal:
			literal(token.Text)
			rest = rest[n:]
		default:
			p.vars = p.vars || token.Kind == Variable
			p.tokens = append(p.tokens, token)
			rest = rest[n:]
		}
	}
	p.shape, p.text = shapeOf(p.tokens)
	return p
}

// special reads the token that starts with *, ? or $.
func special(s string, syntax Syntax) (t Token, n int, ok bool) {
	switch s[0] {
	case '*':
		return Token{Kind: Star}, 1, syntax.Wildcards
	case '?':
		return Token{Kind: Any}, 1, syntax.Wildcards
	}
	end := strings.IndexByte(s, '}')
	if !syntax.Variables || !strings.HasPrefix(s, "${") || end < 0 {
		return Token{}, 0, false
	}
	body := s[2:end]
	if body == "*" || body == "?" || body == "$" {
		return Token{Kind: Literal, Text: body}, end + 1, true
	}
	key, rest, comma := strings.Cut(body, ",")
	if comma {
		// A default may hold a brace: it ends at its quote.
		start := 2 + len(key) + 1
		if blank, text, ok := strings.Cut(s[start:], "'"); ok && strings.TrimSpace(blank) == "" {
			if e := strings.Index(text, "'}"); e >= 0 {
				return Token{Kind: Variable, Text: strings.ToLower(key), Default: text[:e], HasDefault: true}, start + len(blank) + 1 + e + 2, true
			}
		}
		if rest = strings.TrimSpace(rest); len(rest) < 2 || rest[0] != '\'' || rest[len(rest)-1] != '\'' {
			key = body // malformed: no key has this name, so it stays unresolved
		} else {
			return Token{Kind: Variable, Text: strings.ToLower(key), Default: rest[1 : len(rest)-1], HasDefault: true}, end + 1, true
		}
	}
	return Token{Kind: Variable, Text: strings.ToLower(key)}, end + 1, true
}

func shapeOf(ts []Token) (shape, string) {
	switch {
	case len(ts) == 0:
		return exact, ""
	case len(ts) == 1 && ts[0].Kind == Literal:
		return exact, ts[0].Text
	case len(ts) == 2 && ts[0].Kind == Literal && ts[1].Kind == Star:
		return prefix, ts[0].Text
	}
	for _, t := range ts {
		if t.Kind != Star {
			return general, ""
		}
	}
	return all, ""
}

// Tokens are the pattern's parts; they must not be changed.
func (p *Pattern) Tokens() []Token { return p.tokens }

// HasVariables says whether a Variable token is among the parts.
func (p *Pattern) HasVariables() bool { return p.vars }

// Exact is the only text that the pattern matches, if there is only one.
func (p *Pattern) Exact() (string, bool) { return p.text, p.shape == exact }

// MatchesAll says whether the pattern is stars only.
func (p *Pattern) MatchesAll() bool { return p.shape == all }

// Match reports whether the pattern covers all of s. A Variable matches nothing.
func (p *Pattern) Match(s string) bool {
	switch p.shape {
	case all:
		return true
	case exact:
		return s == p.text
	case prefix:
		return strings.HasPrefix(s, p.text)
	}
	return Match(p.tokens, s)
}

// Match reports whether the tokens cover all of s. A Variable matches nothing.
func Match(ts []Token, s string) bool {
	n := chunk(ts)
	rest, ok := head(ts[:n], s)
	if !ok || n == len(ts) {
		return ok && rest == ""
	}
	ts, s = ts[n:], rest
	for {
		for len(ts) > 0 && ts[0].Kind == Star {
			ts = ts[1:]
		}
		if len(ts) == 0 {
			return true
		}
		n = chunk(ts)
		if n == len(ts) {
			return tail(ts, s)
		}
		// The leftmost place is always right: what follows is a star.
		if s, ok = find(ts[:n], s); !ok {
			return false
		}
		ts = ts[n:]
	}
}

// chunk is the number of tokens before the next star.
func chunk(ts []Token) int {
	for i, t := range ts {
		if t.Kind == Star {
			return i
		}
	}
	return len(ts)
}

// head takes a chunk off the front of s.
func head(ts []Token, s string) (rest string, ok bool) {
	for _, t := range ts {
		switch t.Kind {
		case Literal:
			if !strings.HasPrefix(s, t.Text) {
				return "", false
			}
			s = s[len(t.Text):]
		case Any:
			if s == "" {
				return "", false
			}
			_, n := utf8.DecodeRuneInString(s)
			s = s[n:]
		default:
			return "", false
		}
	}
	return s, true
}

// tail reports whether s ends with a chunk.
func tail(ts []Token, s string) bool {
	for i := len(ts) - 1; i >= 0; i-- {
		switch t := ts[i]; t.Kind {
		case Literal:
			if !strings.HasSuffix(s, t.Text) {
				return false
			}
			s = s[:len(s)-len(t.Text)]
		case Any:
			if s == "" {
				return false
			}
			_, n := utf8.DecodeLastRuneInString(s)
			s = s[:len(s)-n]
		default:
			return false
		}
	}
	return true
}

// find looks for the first place of a chunk in s and returns what follows it.
func find(ts []Token, s string) (rest string, ok bool) {
	if size := len(ts); size > 1 && size*len(s) > manySteps {
		return findAtOnce(ts, s)
	}
	for {
		if ts[0].Kind == Literal {
			i := strings.Index(s, ts[0].Text)
			if i < 0 {
				return "", false
			}
			s = s[i:]
		}
		if rest, ok = head(ts, s); ok {
			return rest, true
		}
		if s == "" {
			return "", false
		}
		_, n := utf8.DecodeRuneInString(s)
		s = s[n:]
	}
}
