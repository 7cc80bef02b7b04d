package sigma

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

// Limits of Parse. Rules come from strangers, and the YAML parser takes time
// that grows faster than its input: the limits keep the worst file at seconds.
const (
	maxFile           = 1 << 20 // bytes
	maxDocument       = 1 << 18 // bytes
	maxFileTokens     = 1 << 16
	maxDocumentTokens = 1 << 14
	maxDepth          = 32
	maxProblems       = 50 // reported per file
)

// Error is one problem of a rule file.
type Error struct {
	File         string
	Line, Column int // from 1
	Msg          string
}

// Error is file:line:column: message.
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// Parse reads a file of one or more YAML documents, each a rule, a correlation
// or a filter. It returns the documents without a fault, and the faults of the
// others as a joined error whose parts are *Error. Top-level keys that Sigma
// does not define are kept in Header.Custom; anchors, aliases and tags are
// refused, as is a file above 1 MiB.
func Parse(file string, src []byte) ([]Document, error) {
	r := &reader{file: file}
	if len(src) > maxFile {
		r.failAt(1, 1, "file has %d bytes, at most %d are read; hint: split it", len(src), maxFile)
		return nil, r.err()
	}
	var docs []Document
	budget := maxFileTokens
	for _, c := range splitDocuments(src) {
		r.offset = c.line - 1
		before := len(r.problems)
		body := r.parseYAML(c.text, &budget)
		if body == nil {
			continue
		}
		doc := r.document(body)
		if len(r.problems) == before {
			docs = append(docs, doc)
		}
	}
	if len(docs) == 0 && len(r.problems) == 0 {
		r.offset = 0
		r.failAt(1, 1, "file holds no document")
	}
	return docs, r.err()
}

// chunk is the text of one YAML document and the line it starts on.
type chunk struct {
	line int
	text []byte
}

// splitDocuments cuts at the lines that start with ---, which YAML reserves for
// this wherever they stand. Parsing the pieces one by one keeps a syntax error
// from hiding the other documents.
func splitDocuments(src []byte) []chunk {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	cur := chunk{line: 1}
	var out []chunk
	line := 1
	for len(src) > 0 {
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
		line++
	}
	return append(out, cur)
}

// parseYAML returns the body of one document, nil when it is empty or faulty.
func (r *reader) parseYAML(text []byte, budget *int) ast.Node {
	if len(text) > maxDocument {
		r.failAt(1, 1, "document has %d bytes, at most %d are read", len(text), maxDocument)
		return nil
	}
	if !utf8.Valid(text) {
		r.failAt(1+bytes.Count(text[:firstInvalid(text)], []byte("\n")), 1, "text is not UTF-8")
		return nil
	}
	tokens := lexer.Tokenize(string(text))
	*budget -= len(tokens)
	if len(tokens) > maxDocumentTokens || *budget < 0 {
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
			r.fail(d.Body, "a second document starts here without ---")
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

// syntaxError keeps the parser's first line: the rest is a picture of the source.
func (r *reader) syntaxError(err error) {
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

// plain refuses what a Sigma file never needs and an attacker may abuse.
func (r *reader) plain(n ast.Node, depth int) bool {
	if depth > maxDepth {
		r.fail(n, "nests deeper than %d", maxDepth)
		return false
	}
	ok := true
	switch n := n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		r.fail(n, "anchors and aliases are not supported; hint: write the value out")
		return false
	case *ast.TagNode:
		r.fail(n, "YAML tags are not supported; hint: quote the value to make it text")
		return false
	case *ast.MappingKeyNode:
		r.fail(n, "complex keys are not supported; hint: write key: value")
		return false
	case *ast.MappingNode:
		for _, v := range n.Values {
			ok = r.plain(v.Key, depth+1) && r.plain(v.Value, depth+1) && ok
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

// document reads one document whose YAML is sound.
func (r *reader) document(body ast.Node) Document {
	top, ok := r.mapping(body, "a Sigma document")
	if !ok {
		return Document{}
	}
	doc := Document{File: r.file, Line: r.line(top[0].key)}
	switch kind := r.kind(top, body); kind {
	case "detection":
		doc.Rule = r.rule(top)
		doc.Rule.Line = doc.Line
	case "correlation":
		doc.Correlation = r.correlation(top)
		doc.Correlation.Line = doc.Line
	case "filter":
		doc.Filter = r.filter(top)
		doc.Filter.Line = doc.Line
	}
	return doc
}

// kind is the one of the three defining keys that the document has.
func (r *reader) kind(top []entry, body ast.Node) string {
	kind := ""
	for _, e := range top {
		switch e.name {
		case "detection", "correlation", "filter":
			if kind != "" {
				r.fail(e.key, "a document has either %s or %s", kind, e.name)
				return ""
			}
			kind = e.name
		}
	}
	if kind == "" {
		r.fail(body, "document has none of detection, correlation and filter")
	}
	return kind
}
