// Package source finds the policies in a file: a policy alone, what the AWS CLI
// prints around one, a CloudFormation template in JSON or YAML, a Terraform plan in
// JSON. Bytes go in; policies come out with their place, their type and the service
// they belong to, or an Error that says where the file is none of these.
package source

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/rootkeep/rootkeep/iam/jsontree"
	"github.com/rootkeep/rootkeep/iam/lint"
	"github.com/rootkeep/rootkeep/iam/policy"
)

// Policy is one policy of a file. Path is its place there, such as
// Resources.Role.Properties.AssumeRolePolicyDocument; empty when the policy is the
// file. Type and Service are what the place says, or empty.
type Policy struct {
	Path     string
	Type     lint.Type
	Service  string
	Managed  bool // an identity policy that stands by itself, not inside a principal
	Document *policy.Document

	file   []byte
	lines  *index
	inText *jsontree.Value // the JSON string that holds the policy, or nil
}

// Error says where a file is no policy, and what was expected. Line and Column
// count from 1.
type Error struct {
	Line, Column int
	Want         string
}

// Error prints line, column and expectation.
func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Want) }

// want is what a file may be.
const want = "want a policy with Statement, a CloudFormation template with Resources, a Terraform plan, or AWS CLI output with a policy"

// Find lists the policies of a file. A file that is none of the known kinds gives an
// *Error; a template or plan without policies gives none.
func Find(src []byte) ([]Policy, error) {
	f := finder{src: src, lines: newIndex(src)}
	root, err := f.parse()
	if err != nil {
		return nil, err
	}
	if root.Kind != jsontree.Object {
		return nil, f.fail(root.Span, root.Kind.String()+", "+want)
	}
	switch {
	case has(&root, "Statement") || has(&root, "Version") && len(root.Kids) == 1 || bareStatement(&root):
		f.add("", &root, lint.Unknown, "")
	case f.template(&root), f.plan(&root), f.commandOutput(&root):
	default:
		return nil, f.fail(root.Span, "an object without any of them, "+want)
	}
	return f.found, f.err
}

// bareStatement says whether an object is a statement, or a part of one, without the
// policy around it. The linter says what that is worth.
func bareStatement(root *jsontree.Value) bool {
	return has(root, "Effect") && (has(root, "Action") || has(root, "NotAction")) || len(root.Kids) == 1 && has(root, "Condition")
}

// Locate is the line and column of a finding in the file.
func (p *Policy) Locate(l lint.Location) (line, column int) {
	start, _ := l.Offset()
	if p.inText != nil {
		return p.lines.position(outer(p.file, p.inText, start))
	}
	return p.lines.position(start)
}

type finder struct {
	src   []byte
	lines *index
	found []Policy
	err   error
}

func (f *finder) fail(at jsontree.Span, want string) error {
	line, column := f.lines.position(int(at.Start))
	return &Error{line, column, want}
}

// parse reads JSON, or YAML when the text does not start like JSON.
func (f *finder) parse() (jsontree.Value, error) {
	text := bytes.TrimLeft(bytes.TrimPrefix(f.src, []byte("\xEF\xBB\xBF")), " \t\r\n")
	if len(text) == 0 {
		return jsontree.Value{}, &Error{1, 1, "the file is empty, " + want}
	}
	if !strings.ContainsRune("{[\"", rune(text[0])) && looksLikeTemplate(f.src) {
		return f.yaml()
	}
	root, err := jsontree.Parse(f.src)
	var e *jsontree.Error
	if errors.As(err, &e) {
		line, column := f.lines.position(e.Offset)
		return root, &Error{line, column, e.Want}
	}
	return root, err
}

func looksLikeTemplate(src []byte) bool {
	return bytes.Contains(src, []byte("AWSTemplateFormatVersion")) || bytes.Contains(src, []byte("Resources:")) || bytes.Contains(src, []byte("Statement:"))
}

func has(v *jsontree.Value, key string) bool {
	_, ok := v.Member(key)
	return ok
}

// isPolicy says whether an object looks like a policy.
func isPolicy(v *jsontree.Value) bool {
	s, ok := v.Member("Statement")
	return ok && (s.Kind == jsontree.List || s.Kind == jsontree.Object)
}

// add reads a policy that is a part of the tree.
func (f *finder) add(path string, v *jsontree.Value, t lint.Type, service string) {
	doc, err := policy.FromTree(f.src, v)
	if doc == nil {
		f.err = err // not met: a tree always gives a document
		return
	}
	f.found = append(f.found, Policy{Path: path, Type: t, Service: service, Document: doc, file: f.src, lines: f.lines})
}

// addText reads a policy that stands as JSON in a string, URL-encoded or not. It says
// whether it was one.
func (f *finder) addText(path string, v *jsontree.Value, t lint.Type, service string) bool {
	text := v.Text
	encoded := strings.HasPrefix(text, "%7B")
	if encoded {
		if plain, err := url.QueryUnescape(text); err == nil {
			text = plain
		}
	}
	if !strings.Contains(text, `"Statement"`) || !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return false
	}
	src := []byte(text)
	root, err := jsontree.Parse(src)
	if err != nil || !isPolicy(&root) {
		return false
	}
	doc, _ := policy.FromTree(src, &root)
	p := Policy{Path: path, Type: t, Service: service, Document: doc, file: f.src, lines: f.lines, inText: v}
	if encoded {
		p.inText = &jsontree.Value{Span: jsontree.Span{Start: v.Start, End: v.Start}} // every place is the string's
	}
	f.found = append(f.found, p)
	return true
}

// outer is the place in the file of an offset in the decoded text of a JSON string.
func outer(src []byte, v *jsontree.Value, inner int) int {
	at, end := int(v.Start)+1, int(v.End)-1
	for n := 0; n < inner && at < end; {
		if src[at] != '\\' {
			at, n = at+1, n+1
			continue
		}
		if at+1 < end && src[at+1] == 'u' {
			at, n = at+6, n+width(src, at)
			continue
		}
		at, n = at+2, n+1
	}
	return min(at, max(end, int(v.Start)))
}

// width is how many bytes a \u escape decodes to. The halves of a pair count two
// each, so that the pair is four.
func width(src []byte, at int) int {
	if at+6 > len(src) {
		return 1
	}
	switch hex := strings.ToLower(string(src[at+2 : at+6])); {
	case hex < "0080":
		return 1
	case hex < "0800", hex >= "d800" && hex < "e000":
		return 2
	}
	return 3
}

// commandOutput reads what the AWS CLI prints: get-policy-version, get-role-policy,
// get-bucket-policy, get-account-authorization-details and the like.
func (f *finder) commandOutput(root *jsontree.Value) bool {
	before := len(f.found)
	f.walk("", root, func(key string) (lint.Type, string) {
		if key == "AssumeRolePolicyDocument" {
			return lint.Trust, ""
		}
		return lint.Unknown, ""
	})
	return len(f.found) > before
}

// walk adds every policy below a value; kind says what the member of a name holds.
func (f *finder) walk(path string, v *jsontree.Value, kind func(key string) (lint.Type, string)) {
	for i := range v.Kids {
		k := &v.Kids[i]
		at := join(path, k, i)
		t, service := kind(k.Key)
		switch {
		case k.Kind == jsontree.Object && isPolicy(k):
			f.add(at, k, t, service)
		case k.Kind == jsontree.Object || k.Kind == jsontree.List:
			f.walk(at, k, kind)
		case k.Kind == jsontree.String:
			f.addText(at, k, t, service)
		}
	}
}

func join(path string, v *jsontree.Value, i int) string {
	switch {
	case v.Key == "":
		return fmt.Sprintf("%s[%d]", path, i)
	case path == "":
		return v.Key
	}
	return path + "." + v.Key
}
