package seen

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func uuidText(n uint64) []byte {
	r := rand.New(rand.NewPCG(n, 7))
	return fmt.Appendf(nil, "%08x-%04x-4%03x-8%03x-%012x", uint32(r.Uint64()), uint16(r.Uint64()), r.Uint64()&0xfff, r.Uint64()&0xfff, r.Uint64()&0xffffffffffff)
}

func TestSetIsExactWithinItsBudget(t *testing.T) {
	const events = 200_000
	s := New(24 * events)
	account := []byte("111122223333")
	for i := range uint64(events) {
		if got := s.Add(s.Account(account), account, uuidText(i), 0); got != Fresh {
			t.Fatalf("event %d of %d: got %v, want Fresh within 24 bytes an event", i, events, got)
		}
	}
	for i := range uint64(events) {
		if got := s.Add(s.Account(account), account, uuidText(i), 0); got != Duplicate {
			t.Fatalf("event %d again: got %v, want Duplicate", i, got)
		}
	}
}

func TestSetKeepsWhatMattersBeyondItsBudget(t *testing.T) {
	s := New(64 << 10)
	account := []byte("111122223333")
	full := uint64(0)
	for i := range uint64(100_000) {
		if s.Add(s.Account(account), account, uuidText(i), 0) == Unknown {
			full = i
			break
		}
	}
	if full == 0 {
		t.Fatal("a budget of 64 KiB never filled")
	}
	if got := s.Add(s.Account(account), account, uuidText(full), s.Mark([]byte("rule"))); got != Fresh {
		t.Errorf("an event that matters, first time: got %v, want Fresh", got)
	}
	if got := s.Add(s.Account(account), account, uuidText(full), s.Mark([]byte("rule"))); got != Duplicate {
		t.Errorf("an event that matters, second time: got %v, want Duplicate", got)
	}
	if got := s.Add(s.Account(account), account, uuidText(0), 0); got != Duplicate {
		t.Errorf("an event from before it filled: got %v, want Duplicate", got)
	}
}

func TestSetComparesAccountAndID(t *testing.T) {
	id := string(uuidText(1))
	tests := []struct {
		name        string
		account, id string
		want        Verdict
	}{
		{"the same pair is a duplicate", "111122223333", id, Duplicate},
		{"the same ID in another account is new", "444455556666", id, Fresh},
		{"the same ID in capitals is a duplicate", "111122223333", strings.ToUpper(id), Duplicate},
		{"an ID that is no UUID is new", "111122223333", "event-1", Fresh},
		{"an ID that is no UUID is remembered", "111122223333", "event-1", Duplicate},
	}
	s := New(1 << 20)
	s.Add(s.Account([]byte("111122223333")), []byte("111122223333"), []byte(id), 0)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.Add(s.Account([]byte(tt.account)), []byte(tt.account), []byte(tt.id), 0); got != tt.want {
				t.Errorf("Add: got %v, want %v", got, tt.want)
			}
		})
	}
}

func BenchmarkAdd(b *testing.B) {
	s := New(256 << 20)
	ids := make([][]byte, 1<<20)
	for i := range ids {
		ids[i] = uuidText(uint64(i))
	}
	account := []byte("111122223333")
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		s.Add(s.Account(account), account, ids[i&(len(ids)-1)], 0)
	}
}

func TestSetTellsAlteredRecords(t *testing.T) {
	s := New(1 << 20)
	account, id := []byte("111122223333"), uuidText(1)
	steps := []struct {
		name      string
		id        []byte
		judgement string
		want      Verdict
	}{
		{"a harmless record comes first", id, "", Fresh},
		{"the same ID with a match is another record", id, "root-console-signin", Altered},
		{"an odd ID is new", []byte("odd"), "a", Fresh},
		{"an odd ID with the same match is a duplicate", []byte("odd"), "a", Duplicate},
		{"an odd ID without a match is another record", []byte("odd"), "", Altered},
	}
	for _, tt := range steps {
		if got := s.Add(s.Account(account), account, tt.id, s.Mark([]byte(tt.judgement))); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func BenchmarkBatch(b *testing.B) {
	ids := make([][]byte, 1<<20)
	for i := range ids {
		ids[i] = uuidText(uint64(i))
	}
	account := []byte("111122223333")
	s := New(256 << 20)
	number := s.Account(account)
	fresh := 0
	batch := NewBatch(s, func(_ *int, _ ID, v Verdict) {
		if v == Fresh {
			fresh++
		}
	})
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		batch.Add(number, ids[i&(len(ids)-1)], 0, &i)
	}
}
