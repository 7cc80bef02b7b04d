package seen

import (
	"math/rand/v2"
	"sync"
	"testing"
)

// Several workers with batches must count every event once, whoever meets it
// first, and tell each event that comes with another mark.
func TestBatchesOfSeveralWorkersCountEachEventOnce(t *testing.T) {
	const events, workers = 20_000, 4
	s := New(64 << 20)
	account := []byte("111122223333")
	number := s.Account(account)
	var mu sync.Mutex // guards what follows
	verdicts := map[Verdict]int{}
	ids := map[string]int{}
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(worker), 3))
			b := NewBatch(s, func(event *int, id ID, v Verdict) {
				mu.Lock()
				defer mu.Unlock()
				verdicts[v]++
				if want := string(uuidText(uint64(*event))); id.String() != want {
					t.Errorf("event %d: got ID %s, want %s", *event, id, want)
				}
				if v == Fresh {
					ids[id.String()]++
				}
			})
			for _, event := range r.Perm(events) {
				mark := Mark(event % 3)
				if worker == 0 && event%100 == 0 {
					mark = 9 // altered by whoever comes second
				}
				if !b.Add(number, uuidText(uint64(event)), mark, &event) {
					t.Errorf("event %d was refused", event)
				}
			}
			odd := 0
			if b.Add(number, []byte("odd"), 0, &odd) || b.Add(0, uuidText(1), 0, &odd) {
				t.Error("an event without a UUID or an account was taken, want it refused")
			}
			b.Flush()
		})
	}
	wg.Wait()
	if len(ids) != events || verdicts[Fresh] != events {
		t.Errorf("got %d fresh of %d different events, want %d each", verdicts[Fresh], len(ids), events)
	}
	if n := verdicts[Altered]; n < events/100 || n > events/100*(workers-1) {
		t.Errorf("got %d altered, want one to three for each of %d", n, events/100)
	}
	if got := verdicts[Fresh] + verdicts[Duplicate] + verdicts[Altered]; got != events*workers {
		t.Errorf("got %d verdicts, want %d", got, events*workers)
	}
}
