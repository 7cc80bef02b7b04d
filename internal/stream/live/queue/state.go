package queue

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/internal/stream/live"
	"github.com/rootkeep/rootkeep/internal/stream/live/object"
)

const (
	mostIll      = 1000
	longestError = 400 // bytes
	forgetIll    = 2 * longestRetry
	keepDoubt    = 24 * time.Hour // that an event contradicted itself
)

// state is what a source knows of itself.
type state struct {
	mu      sync.Mutex // guards what follows
	health  live.Health
	closed  string               // why the queue cannot be asked
	buckets map[string]error     // those that give nothing, and why
	read    map[string]time.Time // when something of a bucket was last read
	sick    map[string]sickness  // by ID of the message
	waiting int
	late    int       // answers with messages of a backlog that are handled now
	lagged  time.Time // when such a message was last received

	doubts  int       // events whose record names another account than their envelope
	doubted time.Time // when the last of them came
	dubious string    // which that was
}

// sickness is why a message cannot be read, and when that last showed.
type sickness struct {
	why string
	at  time.Time
}

func short(err error) string {
	text := err.Error()
	if len(text) > longestError {
		text = strings.ToValidUTF8(text[:longestError], "") + " ..."
	}
	return text
}

// shut notes why the queue cannot be asked.
func (s *state) shut(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = short(err)
	s.waiting, s.buckets = 0, nil // they come again
}

// heard notes that the queue answered.
func (s *state) heard(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.health.Heard = "", at
}

// begin notes that an answer is handled until done is called.
func (s *state) begin(late bool, at time.Time) (done func()) {
	if !late {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.late, s.lagged = s.late+1, at
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.late--
	}
}

// complete notes that nothing waits, unless messages do that cannot be read yet, or there is
// a backlog: SQS gives old and new as it likes, and hides what somebody has who died.
func (s *state) complete(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == 0 && s.late == 0 && at.Sub(s.lagged) > hidden && at.After(s.health.Complete) {
		s.health.Complete = at
	}
}

func (s *state) delivered(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.Last = at
}

// refuse notes why a bucket gives nothing.
func (s *state) refuse(bucket string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets == nil {
		s.buckets = map[string]error{}
	}
	s.buckets[bucket] = err
}

// silence is why a bucket is not to be asked by a receiver: it did not answer at all. One that
// refuses is asked, which takes no time, because it may refuse one object alone.
func (s *state) silence(bucket string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if silent, ok := errors.AsType[*object.Silent](s.buckets[bucket]); ok {
		return silent
	}
	return nil
}

// good notes that something of a bucket was read.
func (s *state) good(bucket string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read == nil {
		s.read = map[string]time.Time{}
	}
	s.read[bucket] = at
	delete(s.buckets, bucket)
}

func (s *state) goodSince(bucket string, since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read[bucket].After(since)
}

func (s *state) wait(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = n
}

func (s *state) ill(id string, why error, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sick == nil {
		s.sick = map[string]sickness{}
	}
	if _, known := s.sick[id]; known || len(s.sick) < mostIll {
		s.sick[id] = sickness{short(why), at}
	}
}

// doubt notes that an event says two things of whose it is.
func (s *state) doubt(which string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.Sub(s.doubted) > keepDoubt {
		s.doubts = 0
	}
	s.doubts, s.doubted, s.dubious = s.doubts+1, at, short(errors.New(which))
}

func (s *state) isIll(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ill := s.sick[id]
	return ill
}

func (s *state) cured(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sick, id)
}

// show is the health. What another process has since done with a message that was ill
// nobody tells: it is forgotten when it would have come again.
func (s *state) show(now time.Time) live.Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.sick, func(_ string, i sickness) bool { return now.Sub(i.at) > forgetIll })
	h := s.health
	var faults []string
	if s.closed != "" {
		faults = append(faults, "the queue cannot be asked: "+s.closed)
	}
	for _, b := range slices.Sorted(maps.Keys(s.buckets)) {
		faults = append(faults, fmt.Sprintf("bucket %s cannot be read, and %d messages wait: %s", b, s.waiting, short(s.buckets[b])))
	}
	if ids := slices.Sorted(maps.Keys(s.sick)); len(ids) > 0 {
		what := fmt.Sprintf("%d messages cannot be read, such as", len(ids))
		if len(ids) == 1 {
			what = "a message cannot be read,"
		}
		faults = append(faults, fmt.Sprintf("%s %s: %s", what, ids[0], s.sick[ids[0]].why))
	}
	if s.doubts > 0 && now.Sub(s.doubted) <= keepDoubt {
		faults = append(faults, fmt.Sprintf("events that contradict themselves: %d, the last of them %s; hint: who may send to the queue?", s.doubts, s.dubious))
	}
	h.Fault = strings.Join(faults, "; ")
	return h
}
