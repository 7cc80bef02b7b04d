// Package seen removes duplicate delivery: it remembers which events, by account
// and event ID, were met and what was made of them.
package seen

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"strings"
	"sync"
)

// Set is the set of account and event ID pairs met so far. It is exact: it
// stores the 16 bytes of the ID and the number of the account, not a hash of
// them. Its budget holds an event for each 24 bytes, and it stops growing there;
// from then on only events that matter are remembered. Safe for several workers.
type Set struct {
	seed   maphash.Seed
	keys   keys
	shards [shards]shard

	accountsMu sync.RWMutex
	accounts   map[string]Account

	overflowMu sync.Mutex
	overflow   map[string]byte // print of odd IDs, and of all that matters beyond the budget
	spare      int             // bytes left for overflow entries of events that do not matter
}

const (
	shards     = 64
	groupSlots = 8
	// A slot is an entry and a control byte. A large shard grows by 8 percent when
	// it is 95 percent full, which keeps the whole under 21 * 1.08 / 0.95 = 23.9
	// bytes an event; up to an eighth of its budget it doubles, because moving
	// entries is most of what the set costs.
	slotBytes = 21
	emptySlot = 0

	longestID = 64 // bytes of an account or ID kept as text
	maxNumber = 1<<16 - 1
)

type shard struct {
	mu      sync.Mutex
	control []byte // 0 empty, else 0x80 and 7 bits of the hash
	entries []entry
	used    int
	limit   int // slots this shard may have
}

// entry is 20 bytes, of which one is padding.
type entry struct {
	id      [16]byte
	account Account
	print   byte
}

// Account is the number of an account in a Set, 0 for one that has none.
type Account uint16

// New makes a set that uses at most budget bytes.
func New(budget int) *Set {
	seed := maphash.MakeSeed()
	s := &Set{
		seed:     seed,
		keys:     keys{maphash.Bytes(seed, []byte("low")), maphash.Bytes(seed, []byte("high"))},
		accounts: map[string]Account{},
		overflow: map[string]byte{},
		spare:    budget / 32,
	}
	slots := (budget - budget/32) / slotBytes / shards / groupSlots * groupSlots
	for i := range s.shards {
		s.shards[i].limit = slots
	}
	return s
}

// Verdict of Add.
type Verdict uint8

// The verdicts.
const (
	Fresh     Verdict = iota // not met before
	Duplicate                // met before, and the same was made of it
	// Altered says that an event of the same account and ID was met before and
	// something else was made of it. CloudTrail does not use an ID twice: one of
	// the two records was altered or forged.
	Altered
	// Unknown says that the set is full and the event did not matter enough to be
	// remembered: it may be a duplicate.
	Unknown
)

// Add records one event. judgement is what was made of it: nothing, or text that
// is the same for the same event, such as the rules that matched it. An event
// with a judgement matters: it is exact beyond the budget. number is Account of
// the account; callers remember it.
func (s *Set) Add(number Account, account, id, judgement []byte) Verdict {
	mark := s.print(judgement)
	e := entry{account: number, print: mark}
	if number == 0 || !parseUUID(&e.id, id) {
		return s.addText(account, id, mark)
	}
	hash := e.hash(s.keys)
	verdict := s.shards[hash>>58].add(s.keys, hash, e)
	if verdict == Unknown && mark != 0 {
		return s.addText(account, id, mark)
	}
	return verdict
}

// print is one byte of a judgement, 0 for none. It is seeded, so that nobody can
// forge a record whose print agrees.
func (s *Set) print(judgement []byte) byte {
	if len(judgement) == 0 {
		return 0
	}
	return byte(maphash.Bytes(s.seed, judgement)%255) + 1
}

func compare(before, now byte) Verdict {
	if before == now {
		return Duplicate
	}
	return Altered
}

// addText is the slow way for odd IDs and for what matters beyond the budget.
func (s *Set) addText(account, id []byte, mark byte) Verdict {
	key := s.short(account) + "/" + s.short(id)
	s.overflowMu.Lock()
	defer s.overflowMu.Unlock()
	if before, ok := s.overflow[key]; ok {
		return compare(before, mark)
	}
	if mark == 0 {
		const mapEntry = 40 // of a map slot, beside the text
		if s.spare -= len(key) + mapEntry; s.spare < 0 {
			return Unknown
		}
	}
	s.overflow[key] = mark
	return Fresh
}

// short keeps text of an attacker's length out of the set; what is longer than
// any ID is hashed.
func (s *Set) short(text []byte) string {
	if len(text) <= longestID {
		return strings.ToLower(string(text))
	}
	var sum [16]byte
	binary.LittleEndian.PutUint64(sum[:8], maphash.Bytes(s.seed, text))
	binary.LittleEndian.PutUint64(sum[8:], maphash.Bytes(s.seed, text[1:]))
	return "#" + string(sum[:])
}

// Account numbers accounts from 1; 0 past 65,535 accounts and for texts that are
// no account, which the set then keeps as text.
func (s *Set) Account(account []byte) Account {
	s.accountsMu.RLock()
	n, ok := s.accounts[string(account)]
	s.accountsMu.RUnlock()
	if ok || len(account) > longestID {
		return n
	}
	s.accountsMu.Lock()
	defer s.accountsMu.Unlock()
	if n, ok = s.accounts[string(account)]; ok || len(s.accounts) >= maxNumber {
		return n
	}
	n = Account(len(s.accounts) + 1)
	s.accounts[string(account)] = n
	return n
}

// add looks for the event and stores it. Unknown means full.
func (t *shard) add(k keys, hash uint64, e entry) Verdict {
	t.mu.Lock()
	defer t.mu.Unlock()
	slot, found := t.find(hash, &e)
	if found {
		return compare(t.entries[slot].print, e.print)
	}
	if (t.used+1)*100 > len(t.control)*95 {
		if !t.grow(k) {
			return Unknown
		}
		slot, _ = t.find(hash, &e)
	}
	t.put(slot, hash, e)
	return Fresh
}

func (t *shard) put(slot int, hash uint64, e entry) {
	t.control[slot] = 0x80 | byte(hash&0x7f)
	t.entries[slot] = e
	t.used++
}

// find returns the slot of the event, or the empty slot where it belongs. It
// compares eight control bytes at a time.
func (t *shard) find(hash uint64, e *entry) (int, bool) {
	groups := len(t.control) / groupSlots
	if groups == 0 {
		return 0, false
	}
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	want := ones * (0x80 | hash&0x7f)
	high, _ := bits.Mul64(hash<<6, uint64(groups)) // the top 6 bits chose the shard
	for g := int(high); ; {
		word := binary.LittleEndian.Uint64(t.control[g*groupSlots:])
		x := word ^ want
		for m := (x - ones) &^ x & highs; m != 0; m &= m - 1 {
			slot := g*groupSlots + bits.TrailingZeros64(m)/8
			if known := &t.entries[slot]; known.id == e.id && known.account == e.account {
				return slot, true
			}
		}
		if free := ^word & highs; free != 0 {
			return g*groupSlots + bits.TrailingZeros64(free)/8, false
		}
		if g++; g == groups {
			g = 0
		}
	}
}

// grow enlarges the shard; false when its budget is used up.
func (t *shard) grow(k keys) bool {
	control, entries := t.control, t.entries
	size := len(control) * 108 / 100
	if len(control) < t.limit/8 {
		size = 2 * len(control)
	}
	size = min(max(size/groupSlots*groupSlots, len(control)+groupSlots), t.limit)
	if size <= len(control) {
		return false
	}
	t.control, t.entries, t.used = make([]byte, size), make([]entry, size), 0
	for i, c := range control {
		if c == emptySlot {
			continue
		}
		hash := entries[i].hash(k)
		slot, _ := t.find(hash, &entries[i])
		t.put(slot, hash, entries[i])
	}
	return true
}

// hash is keyed, so that a forged log cannot aim at one shard. IDs are random, so
// one multiplication spreads them.
func (e *entry) hash(k keys) uint64 {
	low := binary.LittleEndian.Uint64(e.id[:8]) ^ k.low
	high := binary.LittleEndian.Uint64(e.id[8:]) ^ k.high ^ uint64(e.account)<<32
	x, y := bits.Mul64(low, high|1)
	x, y = bits.Mul64(x^y^k.low, k.high|1)
	return x ^ y
}

// keys are secrets of a set.
type keys struct{ low, high uint64 }

// parseUUID reads the 36-character form; other forms are kept as text.
func parseUUID(out *[16]byte, s []byte) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	for i, at := range [16]int{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34} {
		h, l := hexValue[s[at]], hexValue[s[at+1]]
		if h|l > 15 {
			return false
		}
		out[i] = h<<4 | l
	}
	return true
}

// hexValue is the value of a hexadecimal digit, 0xff for other bytes.
var hexValue = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range 10 {
		t['0'+i] = byte(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = byte(10+i), byte(10+i)
	}
	return t
}()
