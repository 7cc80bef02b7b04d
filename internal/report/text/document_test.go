package text_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

type row struct {
	Name string            `json:"name"`
	List []string          `json:"list"`
	More map[string]string `json:"more,omitempty"`
}

type book struct {
	Title string `json:"title"`
	Rows  []row  `json:"rows"`
	Inner struct {
		Rows  []row  `json:"rows"`
		Quote string `json:"quote"`
	} `json:"inner"`
	Last []row `json:"last"`
}

func each(list []row) iter.Seq[any] {
	return func(yield func(any) bool) {
		for i := range list {
			if !yield(&list[i]) {
				return
			}
		}
	}
}

func rows(t *rapid.T, label string) []row {
	words := rapid.SampledFrom([]string{"", "a", "\"rows\": []", "\n  \"rows\": []", "<&>", "é\u202e\x1b\x7f", "]", "{"})
	out := []row{}
	for range rapid.IntRange(0, 4).Draw(t, label) {
		r := row{Name: words.Draw(t, "name"), List: rapid.SliceOfN(words, 0, 3).Draw(t, "list")}
		if rapid.Bool().Draw(t, "more") {
			r.More = map[string]string{"k": words.Draw(t, "value")}
		}
		out = append(out, r)
	}
	return out
}

// A document in parts is the document in one piece, byte for byte, whatever its texts.
func TestADocumentInParts(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		b := book{Title: "\n  \"rows\": []", Rows: rows(t, "rows"), Last: rows(t, "last")}
		b.Inner.Rows, b.Inner.Quote = rows(t, "inner"), `"last": []`
		var whole bytes.Buffer
		e := json.NewEncoder(&whole)
		escape := rapid.Bool().Draw(t, "escape")
		e.SetEscapeHTML(escape)
		e.SetIndent("", "  ")
		if err := e.Encode(b); err != nil {
			t.Fatal(err)
		}
		shell := b
		shell.Rows, shell.Inner.Rows, shell.Last = []row{}, []row{}, []row{}
		d := text.Document{Shell: shell, EscapeHTML: escape, Lists: []text.LongList{{"rows", 1, each(b.Rows)}, {"rows", 2, each(b.Inner.Rows)}, {"last", 1, each(b.Last)}}}
		var parts bytes.Buffer
		if err := d.Write(&parts); err != nil {
			t.Fatal(err)
		}
		if want := text.Inert(whole.Bytes()); !bytes.Equal(parts.Bytes(), want) {
			t.Fatalf("got\n%s\nwant\n%s", parts.Bytes(), want)
		}
	})
}

// broken takes some bytes and no more.
type broken struct{ left int }

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errors.New("gone")
	}
	return len(p), nil
}

func TestADocumentThatCannotBeWritten(t *testing.T) {
	long := slices.Repeat([]row{{Name: strings.Repeat("x", 1000)}}, 100)
	for _, c := range []struct {
		name string
		d    text.Document
		left int
		want string
	}{
		{"a list that is not there", text.Document{Shell: book{Rows: []row{}}, Lists: []text.LongList{{"lines", 1, each(nil)}}}, 1e6, "no empty list lines at depth 1"},
		{"a list at another depth", text.Document{Shell: book{Rows: []row{}}, Lists: []text.LongList{{"title", 2, each(nil)}}}, 1e6, "no empty list title at depth 2"},
		{"a reader that goes away", text.Document{Shell: book{Rows: []row{}}, Lists: []text.LongList{{"rows", 1, each(long)}}}, 9000, "gone"},
		{"a reader that goes away at the end", text.Document{Shell: book{}}, 3, "gone"},
		{"a value that is no JSON", text.Document{Shell: func() {}}, 1e6, "unsupported type"},
	} {
		if err := c.d.Write(&broken{c.left}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}
