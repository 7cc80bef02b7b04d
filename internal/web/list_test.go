package web_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/internal/web"
)

func TestCursorsComeBackAsTheyWent(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.StringMatching(`[ -~äöü/+"]{0,20}`), 1, 4).Draw(t, "values")
		got, err := web.ReadCursor(web.Cursor(values...), len(values))
		if err != nil || !slices.Equal(got, values) {
			t.Fatalf("got %q, %v, want %q", got, err, values)
		}
		if _, err := web.ReadCursor(web.Cursor(values...), len(values)+1); err == nil {
			t.Fatal("got the cursor of another list")
		}
	})
	if got, err := web.ReadCursor("", 3); got != nil || err != nil {
		t.Errorf("got %v, %v for the first page", got, err)
	}
	if _, err := web.ReadCursor(web.Cursor(strings.Repeat("a", 1000)), 1); err == nil {
		t.Error("got a cursor that is longer than any of ours")
	}
}

func FuzzReadCursor(f *testing.F) {
	for _, seed := range []string{"", "W10", "WyJhIl0", web.Cursor("a", "b"), "bnVsbA", "!!!"} {
		f.Add(seed, 1)
	}
	f.Fuzz(func(t *testing.T, cursor string, n int) {
		if values, err := web.ReadCursor(cursor, n); err == nil && values != nil && len(values) != n {
			t.Errorf("%q: got %d values, want %d", cursor, len(values), n)
		}
	})
}

func TestIfMatch(t *testing.T) {
	for header, want := range map[string]bool{`"7"`: true, ` "7" `: true, `"6"`: false, "": false, "7": false, `W/"7"`: false, "*": false} {
		if err := web.IfMatch(header, 7); (err == nil) != want {
			t.Errorf("%q: got %v, want fits %v", header, err, want)
		}
	}
	if got := web.ETag(7); got != `"7"` {
		t.Errorf("got %s", got)
	}
}
