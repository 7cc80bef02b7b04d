package memo

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/lot"
)

func text(s string) rootkeep.Value {
	return rootkeep.Value{Kind: rootkeep.String, Text: []byte(s)}
}

// TestAMemoNeverTellsWhatIsNotTrue asks about random values, few and many,
// and compares with what was stored for them.
func TestAMemoNeverTellsWhatIsNotTrue(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		const predicates = 130
		distinct := rapid.SampledFrom([]int{3, 200, 3 * maxSlots}).Draw(t, "distinct")
		padding := strings.Repeat("x", rapid.SampledFrom([]int{0, 300, maxValue}).Draw(t, "padding"))
		m := New(predicates)
		for range 2000 {
			n := rapid.IntRange(0, distinct).Draw(t, "value")
			p := rapid.IntRange(0, predicates-1).Draw(t, "predicate")
			slot := m.Find(text(fmt.Sprint(n, padding)))
			truth := (n+p)%3 == 0
			if holds, known := m.Answer(slot, p); known && holds != truth {
				t.Fatalf("predicate %d of value %d: got %v, want %v", p, n, holds, truth)
			}
			m.SetAnswer(slot, p, truth)
			if holds, known := m.Answer(slot, p); !known || holds != truth {
				t.Fatalf("predicate %d of value %d after storing: got %v %v, want %v true", p, n, holds, known, truth)
			}
			rules := []int32{int32(n), int32(n + 1)}
			if got, known := m.Rules(slot); known && !slices.Equal(got, rules) {
				t.Fatalf("rules of value %d: got %v, want %v", n, got, rules)
			}
			m.SetRules(slot, rules)
		}
	})
}

func TestAMemoRemembers(t *testing.T) {
	m := New(1)
	for _, s := range []string{"a", "b", "c"} {
		m.SetAnswer(m.Find(text(s)), 0, s == "b")
	}
	for _, s := range []string{"c", "b", "a", "a"} {
		holds, known := m.Answer(m.Find(text(s)), 0)
		if want := s == "b"; !known || holds != want {
			t.Errorf("%s: got %v %v, want %v true", s, holds, known, want)
		}
	}
}

func TestLongValuesAndObjectsAreKeptOnlyWhileTheyRepeat(t *testing.T) {
	m := New(1)
	object := text("{}")
	object.Kind = rootkeep.Object
	for _, v := range []rootkeep.Value{text(strings.Repeat("x", maxValue+1)), object} {
		m.SetAnswer(m.Find(v), 0, true)
		if _, known := m.Answer(m.Find(v), 0); !known {
			t.Errorf("%.10s at once: got no answer, want one", v.Text)
		}
		m.Find(text(strings.Repeat("y", maxValue+1)))
		if _, known := m.Answer(m.Find(v), 0); known {
			t.Errorf("%.10s after another: got an answer, want none", v.Text)
		}
	}
	m.SetAnswer(m.Find(object), 0, true)
	if _, known := m.Answer(m.Find(text("{}")), 0); known {
		t.Error("a string with the text of an object: got its answer, want none")
	}
}

func TestAMemoStaysBounded(t *testing.T) {
	m := New(3000)
	for i := range 5 * maxSlots {
		m.SetRules(m.Find(text(strings.Repeat("v", i%400)+fmt.Sprint(i))), make([]int32, i%50))
	}
	if len(m.slots) > maxSlots || len(m.text) > maxText || len(m.rules) > maxRules+50 || len(m.table) > 4*maxSlots || len(m.bits) > maxBits+2*m.words {
		t.Errorf("size: got %d slots, %d bytes, %d rules, %d entries, want at most the limits", len(m.slots), len(m.text), len(m.rules), len(m.table))
	}
}
