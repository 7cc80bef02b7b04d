package text

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
)

// Document is indented JSON with long lists, which are written an element at a time: an
// organization has hundreds of thousands of findings, whose text would take more memory
// than they do. Characters that Shown refuses are written as escapes, as Inert does.
type Document struct {
	Shell      any        // the document with its long lists empty, but not nil
	Lists      []LongList // in the order of the text
	EscapeHTML bool       // <, > and & are written as escapes, as json.Marshal does
}

// LongList is a list in a Document.
type LongList struct {
	Key   string // its name; of all lists at this depth the only one
	Depth int    // of the object that has it: 1 is the document itself
	Each  iter.Seq[any]
}

// Write writes what json.MarshalIndent would write of the whole, with two spaces for
// each level and a line end. Errors are those of w and of values that are no JSON.
func (d *Document) Write(w io.Writer) error {
	shell := newEncoding(d.EscapeHTML)
	rest, err := shell.of(d.Shell, "")
	if err != nil {
		return err
	}
	out, one := bufio.NewWriter(w), newEncoding(d.EscapeHTML)
	for i := range d.Lists {
		l := &d.Lists[i]
		// Text has no line end inside strings, so this is a key and nothing else.
		mark := "\n" + strings.Repeat("  ", l.Depth) + `"` + l.Key + `": [`
		head, tail, ok := bytes.Cut(rest, []byte(mark+"]"))
		if !ok {
			return fmt.Errorf("the document has no empty list %s at depth %d", l.Key, l.Depth)
		}
		out.Write(Inert(head)) // an error stays until Flush
		out.WriteString(mark)
		if err := l.write(out, one); err != nil {
			return err
		}
		rest = tail
	}
	out.Write(Inert(rest))
	out.WriteByte('\n')
	return out.Flush()
}

// write writes a list from behind its bracket.
func (l *LongList) write(out *bufio.Writer, one *encoding) error {
	indent, any := strings.Repeat("  ", l.Depth+1), false
	for e := range l.Each {
		b, err := one.of(e, indent)
		if err != nil {
			return err
		}
		if any {
			out.WriteByte(',')
		}
		any = true
		out.WriteString("\n" + indent)
		if _, err := out.Write(Inert(b)); err != nil {
			return err // whoever reads went away: the others need not be made
		}
	}
	if any {
		out.WriteString("\n" + strings.Repeat("  ", l.Depth))
	}
	out.WriteByte(']')
	return nil
}

// encoding makes the text of one value after the other in the same room.
type encoding struct {
	room bytes.Buffer
	*json.Encoder
}

func newEncoding(escapeHTML bool) *encoding {
	e := &encoding{}
	e.Encoder = json.NewEncoder(&e.room)
	e.SetEscapeHTML(escapeHTML)
	return e
}

// of is the text of a value without its line end, until the next call.
func (e *encoding) of(v any, prefix string) ([]byte, error) {
	e.room.Reset()
	e.SetIndent(prefix, "  ")
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(e.room.Bytes(), []byte("\n")), nil
}
