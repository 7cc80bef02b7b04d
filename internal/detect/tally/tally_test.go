package tally

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
)

func TestTextsCountInAnyOrder(t *testing.T) {
	var a, b Texts
	for i := range 100 {
		text := fmt.Appendf(nil, "text-%d", i%20)
		if i%3 == 0 {
			a.Add(text)
		} else {
			b.Add(text)
		}
	}
	a.Merge(&b)
	want := []rootkeep.Count{{Text: "text-0", Count: 5}, {Text: "text-1", Count: 5}}
	if diff := cmp.Diff(want, a.Top(2)); diff != "" {
		t.Errorf("the two most frequent of 20 texts (-want +got):\n%s", diff)
	}
	if got := a.Total(); got != 100 {
		t.Errorf("total: got %d, want 100", got)
	}
	if got := a.Of("text-19"); got != 5 {
		t.Errorf("of one text: got %d, want 5", got)
	}
}

func TestTextsKeepCountingBeyondTheirBound(t *testing.T) {
	var c Texts
	for i := range Distinct + 10 {
		c.Add(fmt.Appendf(nil, "%d", i))
	}
	if c.More() != 10 || c.Total() != Distinct+10 || len(c.Top(2*Distinct)) != Distinct {
		t.Errorf("got %d named, %d more, %d in all, want %d, 10, %d", len(c.Top(2*Distinct)), c.More(), c.Total(), Distinct, Distinct+10)
	}
}

func TestCallersBeyondTheBoundShareOne(t *testing.T) {
	var c Callers
	for i := range maxCallers {
		c.Number([]byte("1"), fmt.Appendf(nil, "%d", i))
	}
	others := c.Number([]byte("1"), []byte("one too many"))
	if again := c.Number([]byte("2"), []byte("another")); again != others || c.Pair(others) != "\x00(others)" {
		t.Errorf("beyond %d callers: got numbers %d and %d for %q, want one for (others)", maxCallers, others, again, c.Pair(others))
	}
	if first := c.Number([]byte("1"), []byte("0")); first != 0 {
		t.Errorf("an early caller: got number %d, want 0", first)
	}
}

func TestPlacesTellSilentHours(t *testing.T) {
	var a, b Places
	start := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC).Unix()
	a.Count([]byte("111122223333"), []byte("eu-west-1"), start)
	b.Count([]byte("111122223333"), []byte("eu-west-1"), start+3*3600)
	places, hours := Sum([]*Places{&a, &b})
	want := []Place{{Account: "111122223333", Region: "eu-west-1", Events: 2, First: unix(start), Last: unix(start + 3*3600), Silent: 2}}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if len(hours) != 2 {
		t.Errorf("got %d hours with events, want 2", len(hours))
	}
}
