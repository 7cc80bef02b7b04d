package cloudformation

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep/internal/deploy"
)

// plainKey is a key that YAML reads as a text without quotation marks.
var plainKey = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(::[A-Za-z0-9]+)?$`)

// encode is YAML in block form. Every text stands in quotation marks, in the form that
// JSON and YAML share, so that none is read as something else.
func encode(root object) (string, error) {
	var b strings.Builder
	err := write(&b, root, 0, "\n")
	return strings.TrimPrefix(b.String(), "\n"), err
}

// write writes a value behind its key or dash. gap goes before the first member of an
// object: a new line behind a key, nothing behind a dash.
func write(b *strings.Builder, v any, depth int, gap string) error {
	switch v := v.(type) {
	case object:
		if len(v) == 0 {
			b.WriteString(" {}\n")
			return nil
		}
		b.WriteString(gap)
		for i, m := range v {
			if i > 0 || gap == "\n" {
				b.WriteString(strings.Repeat("  ", depth))
			}
			b.WriteString(key(m.Name) + ":")
			if err := write(b, m.Value, depth+1, "\n"); err != nil {
				return err
			}
		}
	case list:
		if len(v) == 0 {
			b.WriteString(" []\n")
			return nil
		}
		b.WriteString("\n")
		for _, one := range v {
			b.WriteString(strings.Repeat("  ", depth) + "-")
			if err := write(b, one, depth+1, " "); err != nil {
				return err
			}
		}
	case deploy.Text:
		return write(b, text(v), depth, gap)
	case string:
		b.WriteString(" " + quoted(v) + "\n")
	case bool:
		b.WriteString(" " + strconv.FormatBool(v) + "\n")
	case int:
		b.WriteString(" " + strconv.Itoa(v) + "\n")
	default:
		return fmt.Errorf("a value of type %T has no form in a template", v)
	}
	return nil
}

func key(name string) string {
	if plainKey.MatchString(name) {
		return name
	}
	return quoted(name)
}

// quoted is the text in quotation marks.
func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// Every text has a JSON form.
	_ = e.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}
