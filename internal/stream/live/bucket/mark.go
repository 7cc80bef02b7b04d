package bucket

import (
	"encoding/json"
	"errors"
	"maps"
	"sync"
	"time"
)

// mark says until when everything was delivered: by the time at which S3 has it. Behind
// are the accounts and Regions that could not be read until then.
type mark struct {
	Since  time.Time            `json:"since"`
	Deep   time.Time            `json:"deep"`   // until when of what came late
	Looked time.Time            `json:"looked"` // when it was last looked for accounts and Regions
	Behind map[string]time.Time `json:"behind,omitempty"`
}

// mostBehind bounds a mark: more than these begin together where the last of them is, and
// what is then delivered twice does no harm.
const mostBehind = 400

var errMark = errors.New("a mark that this version does not know; hint: a source with another name begins anew")

func readMark(text []byte) (mark, error) {
	var m mark
	if len(text) == 0 {
		return m, nil
	}
	if err := json.Unmarshal(text, &m); err != nil || m.Since.IsZero() || m.Deep.IsZero() || m.Looked.IsZero() || len(m.Behind) > mostBehind {
		return mark{}, errMark
	}
	return m, nil
}

// begin is where a source without a mark begins.
func (m *mark) begin(at time.Time) {
	if m.Since.IsZero() {
		m.Since, m.Deep, m.Looked = at, at, at
	}
}

func (m mark) bytes() []byte {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // times of this century and texts: nothing that JSON refuses
	}
	return text
}

// since is until when a place was read.
func (m mark) since(p string) time.Time {
	if t, ok := m.Behind[p]; ok {
		return t
	}
	return m.Since
}

// oldest is until when everything was delivered everywhere.
func (m mark) oldest() time.Time {
	out := m.Since
	for _, t := range []time.Time{m.Deep, m.Looked} {
		if t.Before(out) {
			out = t
		}
	}
	for t := range maps.Values(m.Behind) {
		if t.Before(out) {
			out = t
		}
	}
	return out
}

// with is the mark once places were read until these times.
func (m mark) with(until time.Time, reached map[string]time.Time) mark {
	m.Since, m.Behind = until, map[string]time.Time{}
	for p, t := range reached {
		if t.Before(until) {
			m.Behind[p] = t
		}
	}
	if len(m.Behind) > mostBehind {
		for t := range maps.Values(m.Behind) {
			if t.Before(m.Since) {
				m.Since = t
			}
		}
		m.Behind = nil
	}
	return m
}

// seen are the keys that were delivered, with when S3 has them: those that a round lists
// again.
type seen struct {
	mu   sync.Mutex // guards keys
	keys map[uint64]time.Time
}

const mostSeen = 500_000 // keys; more are delivered again, which does no harm

func (s *seen) has(key uint64, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.keys[key]
	return ok && t.Equal(at)
}

func (s *seen) add(key uint64, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil || len(s.keys) >= mostSeen {
		s.keys = map[uint64]time.Time{}
	}
	s.keys[key] = at
}

// forget drops what no round lists again.
func (s *seen) forget(before time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.keys, func(_ uint64, at time.Time) bool { return at.Before(before) })
}
