package tally

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Many more texts than glances, of all lengths, some of them twins but for their
// middle: each must keep its number.
func TestNumbersStayWithTheirTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var n Names
	want := map[string]Number{}
	for range 100_000 {
		text := fmt.Sprint(r.IntN(2000))
		if r.IntN(2) == 0 {
			text = "twin-of-" + text + "-others"
		}
		got := n.Number([]byte(text))
		if known, ok := want[text]; ok && got != known {
			t.Fatalf("%s again: got number %d, want %d", text, got, known)
		}
		want[text] = got
		if n.Text(got) != text {
			t.Fatalf("number %d: got text %q, want %q", got, n.Text(got), text)
		}
	}
	if len(n.list) != len(want) {
		t.Errorf("got %d numbers, want %d", len(n.list), len(want))
	}
}
