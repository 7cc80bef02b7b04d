// Package rule decodes content files strictly and prepares their test cases:
// YAML nodes go in, typed structs or errors with file and line come out.
package rule

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep/sigma/yamldoc"
)

// Error is a mistake in a content file.
type Error struct {
	File         string
	Line, Column int // from 1; 0 when unknown
	Msg          string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// Source is one tree of content files.
type Source struct {
	FS   fs.FS
	Dir  string // folder inside FS
	Name string // shown before file names, such as the path the user gave
	// Tested says that the cases of the files have been run, as those of the shipped
	// ones are by the tests: they are not read again, and a file has none.
	Tested bool
}

// Document reads a content file that holds one YAML document, without anchors, aliases
// and tags, and the name by which errors call it.
func Document(src Source, name string) (shown string, body ast.Node, err error) {
	shown = path.Join(src.Name, strings.TrimPrefix(strings.TrimPrefix(name, src.Dir), "/"))
	text, err := ReadFile(src.FS, name)
	if err != nil {
		return shown, nil, fmt.Errorf("%s: %w", shown, err)
	}
	if src.Tested {
		text = WithoutCases(text)
	}
	documents := 0
	err = yamldoc.Read(shown, text, func(_ *yamldoc.Reader, found ast.Node) {
		documents++
		body = found
	})
	if documents > 1 || documents == 0 && len(bytes.TrimSpace(text)) == 0 {
		return shown, nil, fmt.Errorf("%s: want one YAML document", shown)
	}
	return shown, body, err
}

// Member finds the value of a key of a file, for the line of an error; the file itself
// if it has no such key.
func Member(body ast.Node, key string) ast.Node {
	m, ok := body.(*ast.MappingNode)
	if !ok {
		return body
	}
	for _, v := range m.Values {
		if v.Key.String() == key {
			return v.Value
		}
	}
	return body
}

// Decode fills into from a YAML node. Unknown keys, wrong types and repeated
// keys are an *Error that names file, line and column.
func Decode(file string, node ast.Node, into any) error {
	err := yaml.NodeToValue(node, into, yaml.Strict())
	if err == nil {
		return nil
	}
	out := &Error{File: file, Msg: err.Error()}
	var located yaml.Error
	if errors.As(err, &located) {
		out.Msg = located.GetMessage()
		if tok := located.GetToken(); tok != nil && tok.Position != nil {
			out.Line, out.Column = tok.Position.Line, tok.Position.Column
		}
	}
	if out.Line == 0 && node.GetToken() != nil {
		out.Line, out.Column = node.GetToken().Position.Line, node.GetToken().Position.Column
	}
	return out
}

// Duration is a time span in content files: a whole number and one of the units
// s, m, h, d (24 hours), w, as in Sigma's timespan; M (30 days) and y (365 days)
// as well.
type Duration time.Duration

var units = map[byte]time.Duration{
	's': time.Second, 'm': time.Minute, 'h': time.Hour,
	'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour, 'M': 30 * 24 * time.Hour, 'y': 365 * 24 * time.Hour,
}

// ParseDuration reads a Duration.
func ParseDuration(s string) (Duration, error) {
	if len(s) < 2 {
		return 0, fmt.Errorf("duration %q: want a number and one of s m h d w M y", s)
	}
	unit, ok := units[s[len(s)-1]]
	n, err := strconv.ParseInt(s[:len(s)-1], 10, 32)
	if !ok || err != nil || n < 0 {
		return 0, fmt.Errorf("duration %q: want a number and one of s m h d w M y", s)
	}
	if n > int64(math.MaxInt64/unit) {
		return 0, fmt.Errorf("duration %q: longer than 292 years", s)
	}
	return Duration(time.Duration(n) * unit), nil
}

// UnmarshalYAML reads the text form.
func (d *Duration) UnmarshalYAML(text func(any) error) error {
	var s string
	if err := text(&s); err != nil {
		return err
	}
	v, err := ParseDuration(s)
	if err == nil {
		*d = v
	}
	return err
}

// String is the shortest form that ParseDuration reads, in days at most: 90m,
// 24h is 1d.
func (d Duration) String() string {
	for _, unit := range []byte{'d', 'h', 'm'} {
		if size := Duration(units[unit]); d >= size && d%size == 0 {
			return strconv.FormatInt(int64(d/size), 10) + string(unit)
		}
	}
	return strconv.FormatInt(int64(time.Duration(d)/time.Second), 10) + "s"
}
