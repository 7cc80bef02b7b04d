package terraform

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep/internal/deploy"
)

type (
	object = deploy.Object
	list   = deploy.List
)

// expression is HCL that stands as it is, such as local.account; only this package
// writes it.
type expression string

// call is a function with one argument.
type call struct {
	name string
	of   any
}

// block is a block with its arguments and blocks.
type block struct {
	kind   string
	labels []string
	body   []entry
}

// entry is an argument, or a block if it has no name.
type entry struct {
	name  string
	value any
	block *block
}

// args are arguments by name, without those that are nil.
func args(pairs ...any) []entry {
	var out []entry
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != nil {
			out = append(out, entry{name: pairs[i].(string), value: pairs[i+1]})
		}
	}
	return out
}

// within is a block in a block.
func within(kind string, body ...[]entry) []entry {
	b := &block{kind: kind}
	for _, e := range body {
		b.body = append(b.body, e...)
	}
	return []entry{{block: b}}
}

// write writes a block in the form that terraform fmt gives it.
func (b *block) write(out *strings.Builder, depth int) error {
	margin := strings.Repeat("  ", depth)
	out.WriteString(margin + b.kind)
	for _, l := range b.labels {
		out.WriteString(` "` + l + `"`)
	}
	out.WriteString(" {\n")
	run := assignments{margin: margin + "  "}
	for _, e := range b.body {
		if e.block != nil {
			run.flush(out)
			if err := e.block.write(out, depth+1); err != nil {
				return err
			}
			continue
		}
		if err := run.add(out, e.name, e.value, depth+1); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	run.flush(out)
	out.WriteString(margin + "}\n")
	return nil
}

// assignments are lines one below the other, whose equals signs stand in one column. A
// value of several lines stands alone.
type assignments struct {
	margin string
	lines  [][2]string
}

func (a *assignments) add(out *strings.Builder, name string, v any, depth int) error {
	var text strings.Builder
	if err := value(&text, v, depth); err != nil {
		return err
	}
	if strings.Contains(text.String(), "\n") {
		a.flush(out)
		out.WriteString(a.margin + name + " = " + text.String() + "\n")
		return nil
	}
	a.lines = append(a.lines, [2]string{name, text.String()})
	return nil
}

func (a *assignments) flush(out *strings.Builder) {
	width := 0
	for _, l := range a.lines {
		width = max(width, len(l[0]))
	}
	for _, l := range a.lines {
		fmt.Fprintf(out, "%s%-*s = %s\n", a.margin, width, l[0], l[1])
	}
	a.lines = nil
}

// word is a key that stands without quotation marks.
var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func value(out *strings.Builder, v any, depth int) error {
	margin := strings.Repeat("  ", depth)
	switch v := v.(type) {
	case object:
		out.WriteString("{\n")
		run := assignments{margin: margin + "  "}
		for _, m := range v {
			name := m.Name
			if !word.MatchString(name) {
				name = quoted(name)
			}
			if err := run.add(out, name, m.Value, depth+1); err != nil {
				return err
			}
		}
		run.flush(out)
		out.WriteString(margin + "}")
	case list:
		out.WriteString("[\n")
		for _, one := range v {
			out.WriteString(margin + "  ")
			if err := value(out, one, depth+1); err != nil {
				return err
			}
			out.WriteString(",\n")
		}
		out.WriteString(margin + "]")
	case call:
		out.WriteString(v.name + "(")
		if err := value(out, v.of, depth); err != nil {
			return err
		}
		out.WriteString(")")
	case expression:
		out.WriteString(string(v))
	case deploy.Text:
		return fmt.Errorf("the text %q was not resolved", v)
	case string:
		out.WriteString(quoted(v))
	case bool:
		out.WriteString(strconv.FormatBool(v))
	case int:
		out.WriteString(strconv.Itoa(v))
	default:
		return fmt.Errorf("a value of type %T has no form in Terraform", v)
	}
	return nil
}

// quoted is a text in quotation marks in which nothing is a template.
//
// Source: HashiCorp, "Strings and Templates", Escape Sequences.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case (r == '$' || r == '%') && strings.HasPrefix(s[i+1:], "{"):
			b.WriteRune(r)
			b.WriteRune(r)
		case r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
