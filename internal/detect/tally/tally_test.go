package tally

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
)

// Two workers number the texts as they meet them; their counts must add up.
func TestTextsOfTwoWorkersAddUp(t *testing.T) {
	var a, b, joint Names
	var ofA, ofB Texts
	for i := range 100 {
		text := fmt.Appendf(nil, "text-%d", i%40)
		if i%3 == 0 {
			ofA.Add(a.Number(text), 1)
		} else {
			ofB.Add(b.Number(text), 1)
		}
	}
	ofA.Renumber(joint.Merge(&a))
	ofB.Renumber(joint.Merge(&b))
	ofA.Merge(&ofB)
	want := []rootkeep.Count{{Text: "text-0", Count: 3}, {Text: "text-1", Count: 3}}
	if diff := cmp.Diff(want, ofA.Top(2, &joint)); diff != "" {
		t.Errorf("the two most frequent of 40 texts (-want +got):\n%s", diff)
	}
	if got := ofA.Total(); got != 100 {
		t.Errorf("total: got %d, want 100", got)
	}
}

func TestAFullNamesKnowsOnlyWhatItHas(t *testing.T) {
	n := Names{bytes: maxNameBytes + 1 - nameBytes - len("early")}
	early := n.Number([]byte("early"))
	if late := n.Number([]byte("late")); late != Others || n.Text(late) != "" {
		t.Errorf("a text too many: got number %d, %q, want %d and no text", late, n.Text(late), Others)
	}
	if again := n.Number([]byte("early")); again != early || n.Text(again) != "early" {
		t.Errorf("an early text again: got number %d, %q, want %d", again, n.Text(again), early)
	}
	var c Texts
	c.Add(early, 2)
	c.Add(Others, 3)
	c.Add(n.Number(nil), 4)
	if c.Total() != 5 || c.More() != 3 {
		t.Errorf("got %d in all, %d more, want 5 and 3: an empty text does not count", c.Total(), c.More())
	}
}

func TestTextsKeepCountingBeyondTheirBound(t *testing.T) {
	var n Names
	var c Texts
	for i := range Distinct + 10 {
		c.Add(n.Number(fmt.Appendf(nil, "%d", i)), 1)
	}
	if c.More() != 10 || c.Total() != Distinct+10 || len(c.Top(2*Distinct, &n)) != Distinct {
		t.Errorf("got %d named, %d more, %d in all, want %d, 10, %d", len(c.Top(2*Distinct, &n)), c.More(), c.Total(), Distinct, Distinct+10)
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
	a.At([]byte("111122223333"), []byte("eu-west-1")).Count(start)
	b.At([]byte("111122223333"), []byte("eu-west-1")).Count(start + 3*3600)
	places, hours := Sum([]*Places{&a, &b})
	want := []Place{{Account: "111122223333", Region: "eu-west-1", Events: 2, First: unix(start), Last: unix(start + 3*3600), Silent: 2}}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	if len(hours) != 2 {
		t.Errorf("got %d hours with events, want 2", len(hours))
	}
}
