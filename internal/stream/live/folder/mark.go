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

// mark says what was delivered: all up to floor but the large objects that are open, and the
// entries above it.
type mark struct {
	floor entry
	seen  []entry // in order
	open  []entry // in order
}

// The versions of a mark. The second names, before the rest, the open objects up to its floor:
// without such objects a mark is as it was before there were any.
const (
	markVersion = 1
	openVersion = 2
	entrySize   = 16 // bytes
)

var errMark = errors.New("a mark that this version does not know; hint: a source with another name begins anew")

// readMark reads what bytes wrote; nothing is the beginning.
func readMark(text []byte) (*mark, error) {
	if len(text) == 0 {
		return &mark{}, nil
	}
	m := &mark{}
	rest := text[1:]
	if text[0] == openVersion && len(rest) > 0 {
		n := int(rest[0])
		if rest = rest[1:]; n == 0 || n > mostLarge || len(rest) < n*entrySize {
			return nil, errMark
		}
		m.open, rest = readEntries(rest[:n*entrySize]), rest[n*entrySize:]
	} else if text[0] != markVersion {
		return nil, errMark
	}
	if len(rest)%entrySize != 0 || len(rest) < entrySize || len(rest) > (mostSeen+1)*entrySize {
		return nil, errMark
	}
	all := readEntries(rest)
	if m.floor, m.seen = all[0], all[1:]; !slices.IsSortedFunc(m.seen, entry.compare) || !slices.IsSortedFunc(m.open, entry.compare) {
		return nil, errMark
	}
	return m, nil
}

func readEntries(text []byte) (all []entry) {
	for e := range slices.Chunk(text, entrySize) {
		all = append(all, entry{int64(binary.BigEndian.Uint64(e)), binary.BigEndian.Uint64(e[8:])})
	}
	return all
}

func (m *mark) bytes() []byte {
	below, _ := slices.BinarySearchFunc(m.open, m.floor, entry.compare)
	if below < len(m.open) && m.open[below] == m.floor {
		below++
	}
	out := make([]byte, 0, 2+(below+1+len(m.seen))*entrySize)
	if below == 0 {
		out = append(out, markVersion)
	} else {
		out = append(out, openVersion, byte(below))
	}
	for _, e := range slices.Concat(m.open[:below], []entry{m.floor}, m.seen) {
		out = binary.BigEndian.AppendUint64(out, uint64(e.at))
		out = binary.BigEndian.AppendUint64(out, e.sum)
	}
	return out
}

func (m *mark) done(e entry) bool {
	if slices.Contains(m.open, e) {
		return false
	}
	if e.compare(m.floor) <= 0 {
		return true
	}
	_, found := slices.BinarySearchFunc(m.seen, e, entry.compare)
	return found
}

// last is when the newest of what was delivered was changed, or the oldest that is open, at the
// latest now.
func (m *mark) last(now time.Time) time.Time {
	at := m.floor.at
	if len(m.open) > 0 {
		at = m.open[0].at
	} else if n := len(m.seen); n > 0 {
		at = m.seen[n-1].at
	}
	if t := time.Unix(0, at); at != 0 && t.Before(now) {
		return t
	}
	return now
}

// with is the mark once one more was delivered.
func (m *mark) with(e entry) *mark {
	next := &mark{floor: m.floor, seen: slices.Clone(m.seen), open: slices.Clone(m.open)}
	if at, open := slices.BinarySearchFunc(next.open, e, entry.compare); open {
		next.open = slices.Delete(next.open, at, at+1)
	}
	if next.done(e) {
		return next
	}
	at, _ := slices.BinarySearchFunc(next.seen, e, entry.compare)
	next.seen = slices.Insert(next.seen, at, e)
	if len(next.seen) > mostSeen {
		next.floor, next.seen = next.seen[0], next.seen[1:]
	}
	return next
}

// without is the mark once one was begun that stays open while others are delivered.
func (m *mark) without(e entry) *mark {
	at, open := slices.BinarySearchFunc(m.open, e, entry.compare)
	if open {
		return m
	}
	return &mark{floor: m.floor, seen: m.seen, open: slices.Insert(slices.Clone(m.open), at, e)}
}
