package source

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/rootkeep/rootkeep/iam/jsontree"
)

// Limits of a YAML file: CloudFormation takes templates of 1 MB, and the YAML
// library takes time that grows faster than its input.
const (
	maxYAML   = 1 << 20
	maxTokens = 1 << 16
	maxDepth  = 64
)

// yaml reads a template in YAML as the tree that its JSON form would give; short
// forms such as !Sub become their long ones.
func (f *finder) yaml() (jsontree.Value, error) {
	if len(f.src) > maxYAML {
		return jsontree.Value{}, &Error{1, 1, fmt.Sprintf("YAML of %d bytes, at most %d are read", len(f.src), maxYAML)}
	}
	if !utf8.Valid(f.src) {
		return jsontree.Value{}, &Error{1, 1, "text is not UTF-8"}
	}
	tokens := lexer.Tokenize(string(f.src))
	if len(tokens) > maxTokens || brackets(tokens) > maxDepth {
		return jsontree.Value{}, &Error{1, 1, fmt.Sprintf("YAML of more than %d tokens, or nested deeper than %d", maxTokens, maxDepth)}
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return jsontree.Value{}, yamlError(err)
	}
	for _, d := range file.Docs {
		if d.Body != nil && d.Body.Type() != ast.NullType {
			y := yamlReader{src: f.src, starts: lineStarts(f.src)}
			root := y.value(d.Body, 0)
			return root, y.err
		}
	}
	return jsontree.Value{}, &Error{1, 1, "the file has no document, " + want}
}

func yamlError(err error) error {
	e := &Error{1, 1, err.Error()}
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		e.Want = syntax.Message
		if t := syntax.Token; t != nil && t.Position != nil {
			e.Line, e.Column = t.Position.Line, t.Position.Column
		}
	}
	e.Want, _, _ = strings.Cut(e.Want, "\n") // the rest is a picture of the source
	e.Want = "YAML: " + e.Want
	return e
}

func brackets(tokens token.Tokens) int {
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

func lineStarts(src []byte) []int {
	out := []int{0}
	for i, b := range src {
		if b == '\n' {
			out = append(out, i+1)
		}
	}
	return out
}

type yamlReader struct {
	src    []byte
	starts []int
	err    error
}

func (y *yamlReader) fail(n ast.Node, what string) jsontree.Value {
	if y.err == nil {
		e := &Error{1, 1, what}
		if t := n.GetToken(); t != nil && t.Position != nil {
			e.Line, e.Column = t.Position.Line, t.Position.Column
		}
		y.err = e
	}
	return jsontree.Value{}
}

// span is the place of a token. The library counts columns in characters.
func (y *yamlReader) span(t *token.Token) jsontree.Span {
	if t == nil || t.Position == nil || t.Position.Line < 1 || t.Position.Line > len(y.starts) {
		return jsontree.Span{Start: 0, End: 1}
	}
	at := y.starts[t.Position.Line-1]
	for range t.Position.Column - 1 {
		if at >= len(y.src) {
			break
		}
		_, n := utf8.DecodeRune(y.src[at:])
		at += n
	}
	return jsontree.Span{Start: int32(at), End: int32(at + max(1, len(t.Value)))}
}

func (y *yamlReader) value(n ast.Node, depth int) jsontree.Value {
	if depth > maxDepth || n == nil {
		return jsontree.Value{}
	}
	v := jsontree.Value{Span: y.span(n.GetToken())}
	switch n := n.(type) {
	case *ast.MappingNode:
		return y.mapping(n.Values, depth)
	case *ast.MappingValueNode:
		return y.mapping([]*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		v.Kind = jsontree.List
		for _, item := range n.Values {
			v.Kids = append(v.Kids, y.value(item, depth+1))
		}
	case *ast.TagNode:
		return y.tagged(n, depth)
	case *ast.NullNode:
		v.Kind = jsontree.Null
	case *ast.BoolNode:
		v.Kind, v.Text = jsontree.Bool, fmt.Sprint(n.Value)
	case *ast.IntegerNode, *ast.FloatNode:
		v.Kind, v.Text = jsontree.Number, n.GetToken().Value
	case *ast.StringNode:
		v.Kind, v.Text = jsontree.String, n.Value
	case *ast.LiteralNode:
		v.Kind = jsontree.String
		if n.Value != nil {
			v.Text = n.Value.Value
		}
	default:
		return y.fail(n, "YAML: anchors, aliases and merges are not read")
	}
	return v
}

func (y *yamlReader) mapping(values []*ast.MappingValueNode, depth int) jsontree.Value {
	v := jsontree.Value{Kind: jsontree.Object, Span: jsontree.Span{Start: 0, End: 1}}
	for i, m := range values {
		key := m.Key.GetToken()
		kid := y.value(m.Value, depth+1)
		kid.Key, kid.KeySpan = m.Key.String(), y.span(key)
		if s, ok := m.Key.(*ast.StringNode); ok {
			kid.Key = s.Value
		}
		// A date such as the Version of a policy is text to CloudFormation.
		if kid.Key == "Version" && kid.Kind == jsontree.Number {
			kid.Kind = jsontree.String
		}
		v.Kids = append(v.Kids, kid)
		if i == 0 {
			v.Span = kid.KeySpan
		}
		v.End = max(v.End, kid.End, kid.KeySpan.End)
	}
	return v
}

// tagged is a short form: !Sub text is {"Fn::Sub": text}.
func (y *yamlReader) tagged(n *ast.TagNode, depth int) jsontree.Value {
	name := strings.TrimPrefix(n.Start.Value, "!")
	kid := y.value(n.Value, depth+1)
	kid.Key, kid.KeySpan = "Fn::"+name, y.span(n.Start)
	if name == "Ref" || name == "Condition" {
		kid.Key = name
	}
	return jsontree.Value{Kind: jsontree.Object, Span: kid.KeySpan, Kids: []jsontree.Value{kid}}
}
