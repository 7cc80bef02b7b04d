// Package yamldoc reads files of one or more YAML documents from strangers:
// strictly, within limits, and with the position of every problem. What it hands
// out are maps, lists and scalars without anchors, aliases and tags.
package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits of a file. The YAML parser takes time that grows faster than its input:
// these keep the worst file at seconds.
const (
	maxFile           = 1 << 20 // bytes
	maxDocument       = 1 << 18 // bytes
	maxFileTokens     = 1 << 16
	maxDocumentTokens = 1 << 14
	maxDepth          = 32
	maxBlank          = 1000 // lines; the lexer is quadratic in them within a block
	maxProblems       = 50   // reported per file
)

// Error is one problem of a file.
type Error struct {
	File         string
	Line, Column int // from 1
	Msg          string
}

// Error is file:line:column: message.
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// Read calls each with the body of every sound document. All problems, those of
// the YAML and those that each reports to the Reader, come back joined; the
// parts are *Error. A file above 1 MiB is refused.
func Read(file string, src []byte, each func(r *Reader, body ast.Node)) error {
	r := &Reader{file: file}
	if len(src) > maxFile {
		r.failAt(1, 1, "file has %d bytes, at most %d are read; hint: split it", len(src), maxFile)
		return r.err()
	}
	documents := 0
	for _, c := range split(src) {
		r.offset = c.line - 1
		before := r.Problems()
		body := r.parse(c.text)
		if body != nil {
			each(r, body)
		}
		if body != nil || r.Problems() > before {
			documents++
		}
	}
	if documents == 0 {
		r.offset = 0
		r.failAt(1, 1, "file holds no document")
	}
	return r.err()
}

// chunk is the text of one document and the line it starts on.
type chunk struct {
	line int
	text []byte
}

// split cuts at the lines that start with ---, which YAML reserves for this
// wherever they stand. Parsing the pieces one by one keeps a syntax error from
// hiding the other documents.
func split(src []byte) []chunk {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	cur := chunk{line: 1}
	var out []chunk
	for line := 1; len(src) > 0; line++ {
		n := bytes.IndexByte(src, '\n') + 1
		if n == 0 {
			n = len(src)
		}
		l := src[:n]
		if bytes.HasPrefix(l, []byte("---")) && (len(l) == 3 || strings.IndexByte(" \t\r\n", l[3]) >= 0) {
			out = append(out, cur)
			cur = chunk{line: line}
		}
		cur.text = append(cur.text, l...)
		src = src[n:]
	}
	return append(out, cur)
}

// blankRun is the line where a run of more than maxBlank blank lines begins, 0
// without one.
func blankRun(text []byte) int {
	blank, line := 0, 0
	for l := range bytes.Lines(text) {
		line++
		for range 1 + bytes.Count(l, []byte("\r")) { // a lone \r ends a line, too
			blank++
		}
		if len(bytes.TrimSpace(l)) > 0 {
			blank = 0
		}
		if blank > maxBlank {
			return max(1, line-maxBlank)
		}
	}
	return 0
}

// parse returns the body of one document, nil when it is empty or faulty.
func (r *Reader) parse(text []byte) ast.Node {
	if len(text) > maxDocument {
		r.failAt(1, 1, "document has %d bytes, at most %d are read", len(text), maxDocument)
		return nil
	}
	if !utf8.Valid(text) {
		r.failAt(1+bytes.Count(text[:firstInvalid(text)], []byte("\n")), 1, "text is not UTF-8")
		return nil
	}
	if line := blankRun(text); line > 0 {
		r.failAt(line, 1, "more than %d blank lines follow each other", maxBlank)
		return nil
	}
	tokens := lexer.Tokenize(string(text))
	r.tokens += len(tokens)
	if len(tokens) > maxDocumentTokens || r.tokens > maxFileTokens {
		r.failAt(1, 1, "too many YAML tokens, at most %d in a document and %d in a file", maxDocumentTokens, maxFileTokens)
		return nil
	}
	if flowDepth(tokens) > maxDepth {
		r.failAt(1, 1, "brackets nest deeper than %d", maxDepth)
		return nil
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		r.syntaxError(err)
		return nil
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil || d.Body.Type() == ast.NullType {
			continue
		}
		if body != nil {
			r.Fail(d.Body, "a second document starts here without ---")
			return nil
		}
		body = d.Body
	}
	if body == nil || !r.plain(body, 0) {
		return nil
	}
	return body
}

func firstInvalid(text []byte) int {
	for i := 0; i < len(text); {
		c, n := utf8.DecodeRune(text[i:])
		if c == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(text)
}

func flowDepth(tokens token.Tokens) int {
	depth, deepest := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
			deepest = max(deepest, depth)
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
	}
	return deepest
}

// syntaxError keeps the first line of the parser's message: the rest is a
// picture of the source.
func (r *Reader) syntaxError(err error) {
	msg, line, column := err.Error(), 1, 1
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		msg = syntax.Message
		if t := syntax.Token; t != nil && t.Position != nil {
			line, column = t.Position.Line, t.Position.Column
		}
	}
	msg, _, _ = strings.Cut(msg, "\n")
	r.failAt(line, column, "YAML: %s", msg)
}

// plain refuses what a rule never needs and an attacker may abuse.
func (r *Reader) plain(n ast.Node, depth int) bool {
	if depth > maxDepth {
		r.Fail(n, "nests deeper than %d", maxDepth)
		return false
	}
	ok := true
	switch n := n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		r.Fail(n, "anchors and aliases are not supported; hint: write the value out")
		return false
	case *ast.TagNode:
		r.Fail(n, "YAML tags are not supported; hint: quote the value to make it text")
		return false
	case *ast.MappingKeyNode:
		r.Fail(n, "complex keys are not supported; hint: write key: value")
		return false
	case *ast.MappingNode:
		for _, v := range n.Values {
			ok = r.plain(v, depth) && ok
		}
	case *ast.MappingValueNode:
		return r.plain(n.Key, depth+1) && r.plain(n.Value, depth+1)
	case *ast.SequenceNode:
		for _, v := range n.Values {
			ok = r.plain(v, depth+1) && ok
		}
	}
	return ok
}
