package lookup

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/rootkeep/rootkeep"
)

// mark says until when every place was asked: Since, and for those that could not be
// asked since, Behind.
type mark struct {
	Since  time.Time            `json:"since"`
	Behind map[string]time.Time `json:"behind,omitempty"` // by account/Region
}

// mostBehind bounds a mark. When more places are behind, all begin where the last of them
// is: what is then delivered twice does no harm.
const mostBehind = 500

func readMark(text []byte) (mark, error) {
	var m mark
	if len(text) == 0 {
		return m, nil
	}
	if err := json.Unmarshal(text, &m); err != nil || m.Since.IsZero() {
		return mark{}, fmt.Errorf("a mark that this version does not know; hint: a source with another name begins anew")
	}
	return m, nil
}

func (m mark) bytes() []byte {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err) // times of this century and texts: nothing that JSON refuses
	}
	return text
}

// since is until when a place was asked.
func (m mark) since(p Place) time.Time {
	if t, ok := m.Behind[p.String()]; ok {
		return t
	}
	return m.Since
}

// after is the mark once a round is over that began at a moment.
func (m mark) after(begun time.Time, failed []Place) mark {
	next := mark{Since: begun, Behind: map[string]time.Time{}}
	for _, p := range failed {
		next.Behind[p.String()] = m.since(p)
	}
	if len(next.Behind) <= mostBehind {
		return next
	}
	for t := range maps.Values(next.Behind) {
		if t.Before(next.Since) {
			next.Since = t
		}
	}
	next.Behind = nil
	return next
}

// seen are the events that were delivered, by when: those that a round asks for again.
type seen struct {
	mu     sync.Mutex // guards events
	events map[seenKey]time.Time
}

type seenKey struct {
	account rootkeep.AccountID
	event   string
}

const mostSeen = 100_000 // events; more are delivered again, which does no harm

// keyOf is what tells an event of a place apart: its ID, or what it says.
func keyOf(p Place, e *types.Event) seenKey {
	id := aws.ToString(e.EventId)
	if id == "" {
		sum := sha256.Sum256([]byte(aws.ToString(e.CloudTrailEvent)))
		id = "an event without an ID " + hex.EncodeToString(sum[:16])
	}
	return seenKey{p.Account, id}
}

func (s *seen) has(k seenKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.events[k]
	return ok
}

func (s *seen) add(keys []seenKey, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.events == nil || len(s.events)+len(keys) > mostSeen {
		s.events = map[seenKey]time.Time{}
	}
	for _, k := range keys {
		s.events[k] = at
	}
}

// forget drops what was delivered before a moment: no round asks for it again.
func (s *seen) forget(before time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.events, func(_ seenKey, at time.Time) bool { return at.Before(before) })
}
