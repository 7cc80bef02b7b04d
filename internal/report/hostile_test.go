package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// poison is what an attacker who chooses a user agent or a role name would try:
// a formula, markup, an attribute, terminal control, right-to-left override,
// zero-width text, a window title, a link, a second line, broken UTF-8.
const poison = "=cmd|'/C calc'!A1<script>alert(1)</script>\" onmouseover=\"alert(2)\"><img src=x onerror=alert(3)>" +
	"\x1b[2J\x1b]0;owned\x07\u202egnp.exe\u2066\u200bz\u0301\u0301\u0301\u0301\u0301\r\nCRITICAL forged line\u009b31m\u2028\U000e0041\ufeff\xff"

// hostile is the story with poison in every string that AWS or a file controls.
func hostile() *Hunt {
	h := rootStory()
	poisonStrings(reflect.ValueOf(h).Elem())
	return h
}

// poisonStrings appends poison to every string, whatever fields come later. MFA
// is an answer of ours.
func poisonStrings(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() != reflect.TypeFor[MFA]() {
			v.SetString(poison + v.String())
		}
	case reflect.Slice:
		for i := range v.Len() {
			poisonStrings(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			poisonStrings(v.Field(i))
		}
	}
}

func TestHostileTextIsVisibleOnEverySurface(t *testing.T) {
	for name, render := range surfaces() {
		t.Run(name, func(t *testing.T) {
			out := string(rendered(t, render, hostile()))
			if name == "color.txt" {
				out = withoutColors(out)
			}
			for i, r := range out {
				if r != '\n' && !text.Shown(r) {
					t.Fatalf("got %U at byte %d after %q, want visible characters only", r, i, out[max(0, i-40):i])
				}
			}
			if strings.Contains(out, "\nCRITICAL forged") {
				t.Error("got a forged line, want the line end escaped")
			}
		})
	}
}

// withoutColors removes the sequences that the terminal output itself writes:
// ESC [ digits and semicolons m.
func withoutColors(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		rest := strings.TrimLeft(after, "0123456789;")
		if !strings.HasPrefix(rest, "m") {
			return b.String() + "\x1b[" + after // not ours: the caller finds the ESC
		}
		s = rest[1:]
	}
}

func TestHostileTextIsNoMarkup(t *testing.T) {
	page := string(rendered(t, HTML, hostile()))
	for _, bad := range []string{"<script", "<img", `" onmouseover`, "javascript:"} {
		if strings.Contains(page, bad) {
			t.Errorf("got %q in the page, want it escaped", bad)
		}
	}
}

func TestHostileTextIsNoFormula(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(rendered(t, CSV, hostile()))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		for i, c := range row {
			for piece := range strings.SplitSeq(c, ";") {
				if strings.IndexAny(strings.TrimLeft(piece, " "), "=+-@\t\r") == 0 {
					t.Errorf("got cell %q in column %s, want an apostrophe first", c, rows[0][i])
				}
			}
		}
	}
}

func TestCellDisarmsFormulas(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain text stays", "root-signin", "root-signin"},
		{"an equals sign is disarmed", "=1+1", "'=1+1"},
		{"a plus sign is disarmed", "+1", "'+1"},
		{"a minus sign is disarmed", "-1", "'-1"},
		{"an at sign is disarmed", "@SUM(A1)", "'@SUM(A1)"},
		{"a tab is disarmed and shown", "\t=1", `'\x09=1`},
		{"a carriage return is disarmed and shown", "\r=1", `'\x0d=1`},
		{"a wide equals sign is disarmed", "＝1", "'＝1"},
		{"spaces before a formula do not help it", "  =1", "'  =1"},
		{"a formula behind a semicolon is disarmed", "Mozilla;=1;b", "Mozilla;'=1;b"},
		{"a dash inside stays", "eu-west-3", "eu-west-3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := text.Cell(c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestJSONKeepsHostileTextExactly(t *testing.T) {
	h := rootStory()
	exact := strings.ToValidUTF8(poison, "\ufffd")
	h.Alerts[0].Title, h.Alerts[0].Agents = poison, []string{poison}
	for name, c := range map[string]struct {
		render func(io.Writer, *Hunt) error
		title  func([]byte) (string, error)
	}{
		"JSON": {JSON, func(b []byte) (string, error) {
			var got Hunt
			err := json.Unmarshal(b, &got)
			return got.Alerts[0].Title, err
		}},
		"NDJSON": {NDJSON, func(b []byte) (string, error) {
			var got rootkeep.Alert
			err := json.NewDecoder(bytes.NewReader(b)).Decode(&got)
			return got.Title, err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.title(rendered(t, c.render, h))
			if err != nil || got != exact {
				t.Errorf("got %q, %v, want %q", got, err, exact)
			}
		})
	}
}
