package folder

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"time"
)

// mostSeen is how many of the last objects a mark tells one by one. What becomes visible
// late, by another machine's clock or after a folder was unreadable, is still delivered
// as long as its time is not before all of theirs.
const mostSeen = 1024

// entry stands for one state of one object.
type entry struct {
	at  int64  // when it was changed, nanoseconds since 1970
	sum uint64 // of its path
}

func entryOf(path string, at int64) entry {
	sum := sha256.Sum256([]byte(path))
	return entry{at, binary.BigEndian.Uint64(sum[:8])}
}

func (e entry) compare(o entry) int {
	return cmp.Or(cmp.Compare(e.at, o.at), cmp.Compare(e.sum, o.sum))
}

// mark says what was delivered: all up to floor, and the entries above it.
type mark struct {
	floor entry
	seen  []entry // in order
}

const (
	markVersion = 1
	entrySize   = 16 // bytes
)

var errMark = errors.New("a mark that this version does not know; hint: a source with another name begins anew")

// readMark reads what bytes wrote; nothing is the beginning.
func readMark(text []byte) (*mark, error) {
	if len(text) == 0 {
		return &mark{}, nil
	}
	if text[0] != markVersion || len(text)%entrySize != 1 || len(text) < 1+entrySize || len(text) > 1+(mostSeen+1)*entrySize {
		return nil, errMark
	}
	m := &mark{}
	for i := 1; i < len(text); i += entrySize {
		e := entry{int64(binary.BigEndian.Uint64(text[i:])), binary.BigEndian.Uint64(text[i+8:])}
		if i == 1 {
			m.floor = e
			continue
		}
		m.seen = append(m.seen, e)
	}
	if !slices.IsSortedFunc(m.seen, entry.compare) {
		return nil, errMark
	}
	return m, nil
}

func (m *mark) bytes() []byte {
	out := make([]byte, 1, 1+(len(m.seen)+1)*entrySize)
	out[0] = markVersion
	for _, e := range append([]entry{m.floor}, m.seen...) {
		out = binary.BigEndian.AppendUint64(out, uint64(e.at))
		out = binary.BigEndian.AppendUint64(out, e.sum)
	}
	return out
}

func (m *mark) done(e entry) bool {
	if e.compare(m.floor) <= 0 {
		return true
	}
	_, found := slices.BinarySearchFunc(m.seen, e, entry.compare)
	return found
}

// last is when the newest of what was delivered was changed, at the latest now.
func (m *mark) last(now time.Time) time.Time {
	at := m.floor.at
	if n := len(m.seen); n > 0 {
		at = m.seen[n-1].at
	}
	if t := time.Unix(0, at); at != 0 && t.Before(now) {
		return t
	}
	return now
}

// with is the mark once one more was delivered.
func (m *mark) with(e entry) *mark {
	at, _ := slices.BinarySearchFunc(m.seen, e, entry.compare)
	next := &mark{m.floor, slices.Insert(slices.Clone(m.seen), at, e)}
	if len(next.seen) > mostSeen {
		next.floor, next.seen = next.seen[0], next.seen[1:]
	}
	return next
}
