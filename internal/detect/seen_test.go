package detect

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

func TestSeenIsExactWithinItsBudget(t *testing.T) {
	const events = 200_000
	s := NewSeen(24 * events)
	account := []byte("111122223333")
	for i := range uint64(events) {
		if got := s.Add(account, uuidText(i), false); got != New {
			t.Fatalf("event %d of %d: got %v, want New within 24 bytes an event", i, events, got)
		}
	}
	for i := range uint64(events) {
		if got := s.Add(account, uuidText(i), false); got != Duplicate {
			t.Fatalf("event %d again: got %v, want Duplicate", i, got)
		}
	}
}

func TestSeenKeepsWhatMattersBeyondItsBudget(t *testing.T) {
	s := NewSeen(64 << 10)
	account := []byte("111122223333")
	full := uint64(0)
	for i := range uint64(100_000) {
		if s.Add(account, uuidText(i), false) == Unknown {
			full = i
			break
		}
	}
	if full == 0 {
		t.Fatal("a budget of 64 KiB never filled")
	}
	if got := s.Add(account, uuidText(full), true); got != New {
		t.Errorf("an event that matters, first time: got %v, want New", got)
	}
	if got := s.Add(account, uuidText(full), true); got != Duplicate {
		t.Errorf("an event that matters, second time: got %v, want Duplicate", got)
	}
	if got := s.Add(account, uuidText(0), false); got != Duplicate {
		t.Errorf("an event from before it filled: got %v, want Duplicate", got)
	}
}

func TestSeenComparesAccountAndID(t *testing.T) {
	id := string(uuidText(1))
	tests := []struct {
		name        string
		account, id string
		want        Verdict
	}{
		{"the same pair is a duplicate", "111122223333", id, Duplicate},
		{"the same ID in another account is new", "444455556666", id, New},
		{"the same ID in capitals is a duplicate", "111122223333", strings.ToUpper(id), Duplicate},
		{"an ID that is no UUID is new", "111122223333", "event-1", New},
		{"an ID that is no UUID is remembered", "111122223333", "event-1", Duplicate},
	}
	s := NewSeen(1 << 20)
	s.Add([]byte("111122223333"), []byte(id), false)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.Add([]byte(tt.account), []byte(tt.id), false); got != tt.want {
				t.Errorf("Add: got %v, want %v", got, tt.want)
			}
		})
	}
}

func BenchmarkSeenAdd(b *testing.B) {
	s := NewSeen(256 << 20)
	ids := make([][]byte, 1<<20)
	for i := range ids {
		ids[i] = uuidText(uint64(i))
	}
	account := []byte("111122223333")
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		s.Add(account, ids[i&(len(ids)-1)], false)
	}
}
