package clause

import (
	"fmt"
	"strings"
	"testing"
)

func TestStatements(t *testing.T) {
	for _, c := range []struct {
		name string
		make func() (string, []any)
		want string
		args string
	}{
		{"no condition is nothing", func() (string, []any) { w := &Where{}; return w.String(), w.Args }, "", "[]"},
		{"conditions are numbered on", func() (string, []any) {
			w := &Where{}
			w.And("a = ? OR b = ?", 1, "x")
			w.And("c > 0")
			w.And("d < ?", 2)
			return w.String() + " LIMIT " + w.Next(9), w.Args
		}, " WHERE a = $1 OR b = $2 AND c > 0 AND d < $3 LIMIT $4", "[1 x 2 9]"},
		{"one of several", func() (string, []any) { w := &Where{}; In(w, "a", []string{"x", "y"}); return w.String(), w.Args }, " WHERE a IN ($1, $2)", "[x y]"},
		{"one of none is never", func() (string, []any) { w := &Where{}; In(w, "a", []string{}); return w.String(), w.Args }, " WHERE 1 = 0", "[]"},
		{"rows", func() (string, []any) { r := &Rows{}; r.Add(1, "a"); r.Add(2, "b"); return r.String(), r.Args }, "($1, $2), ($3, $4)", "[1 a 2 b]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, args := c.make()
			if got != c.want || fmt.Sprint(args) != c.args {
				t.Errorf("got %q %v, want %q %s", got, args, c.want, c.args)
			}
		})
	}
}

func TestLikeTakesSignsLiterally(t *testing.T) {
	if got, want := Like(`50%_\`), `%50\%\_\\%`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzPlace(f *testing.F) {
	type place struct {
		N int64
		S string
	}
	f.Add("")
	f.Add(Cursor(place{7, "x"}))
	f.Add(strings.Repeat("A", 2000))
	f.Fuzz(func(t *testing.T, cursor string) {
		var p, again place
		if !Place(cursor, &p) {
			return
		}
		if !Place(Cursor(p), &again) || again != p {
			t.Fatalf("got %v from the cursor of %v, want the same", again, p)
		}
	})
}
