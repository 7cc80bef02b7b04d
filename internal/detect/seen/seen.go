// Package seen removes duplicate delivery: it remembers which events, by account
// and event ID, were met and what was made of them.
package seen

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"
)

// Set is the set of account and event ID pairs met so far. It is exact: it
// stores the 16 bytes of the ID and the number of the account, not a hash of
// them. Its budget holds an event for each 24 bytes, and it stops growing there;
// from then on only events that matter are remembered. Safe for several workers.
type Set struct {
	seed   maphash.Seed
	keys   keys
	secret [16]byte // of digests, see digest
	shards [shards]shard

	budget int64
	left   atomic.Int64 // bytes of the budget not yet used; below 0 by what matters
	full   atomic.Bool  // an event that does not matter was once refused

	accountsMu sync.RWMutex
	accounts   map[string]Account
}

const (
	shards    = 16
	shardBits = 4

	longestAccount = 64 // bytes of a text that may be an account
	maxNumber      = 1<<16 - 1
)

// Account is the number of an account in a Set, 0 for one that has none.
type Account uint16

// New makes a set that uses at most budget bytes.
func New(budget int) *Set {
	seed := maphash.MakeSeed()
	s := &Set{
		seed:     seed,
		keys:     keys{maphash.Bytes(seed, []byte("low")), maphash.Bytes(seed, []byte("high"))},
		accounts: map[string]Account{},
		budget:   int64(budget),
	}
	binary.LittleEndian.PutUint64(s.secret[:8], maphash.Bytes(seed, []byte("first")))
	binary.LittleEndian.PutUint64(s.secret[8:], maphash.Bytes(seed, []byte("second")))
	s.left.Store(s.budget)
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

// Add records one event, with the mark of what was made of it. An event with a
// mark matters: it is exact beyond the budget, at 24 bytes each. number is Account
// of the account; callers remember it.
func (s *Set) Add(number Account, account, id []byte, mark Mark) Verdict {
	e := entry{mark: mark}
	if number == 0 || !parseUUID(&e.id, id) {
		e.id, number = s.digest(account, id), 0
	}
	binary.LittleEndian.PutUint16(e.account[:], uint16(number))
	hash := e.hash(s.keys)
	t := &s.shards[hash>>(64-shardBits)]
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.add(s, hash, &e)
}

// Mark is one byte of what was made of an event, 0 for nothing.
type Mark uint8

// Mark of a text that is the same for the same event, such as the rules that
// matched it. It is seeded, so that nobody can forge a record whose mark agrees.
func (s *Set) Mark(judgement []byte) Mark {
	if len(judgement) == 0 {
		return 0
	}
	return Mark(maphash.Bytes(s.seed, judgement)%255) + 1
}

// digest stands for an ID that is no UUID, or one of an account without a number.
// It is half of a SHA-256 with a secret in front: no two such pairs that anybody
// can find share it. Letter case does not count, as it does not in a UUID.
func (s *Set) digest(account, id []byte) [16]byte {
	text := binary.LittleEndian.AppendUint64(s.secret[:len(s.secret):len(s.secret)], uint64(len(account)))
	sum := sha256.Sum256(append(append(text, bytes.ToLower(account)...), bytes.ToLower(id)...))
	return [16]byte(sum[:16])
}

// take asks for room. An event that matters gets it in any case.
func (s *Set) take(size int, matters bool) bool {
	if s.left.Add(-int64(size)) >= 0 || matters {
		return true
	}
	s.left.Add(int64(size))
	s.full.Store(true)
	return false
}

// Account numbers accounts from 1; 0 past 65,535 accounts and for texts that are
// no account.
func (s *Set) Account(account []byte) Account {
	s.accountsMu.RLock()
	n, ok := s.accounts[string(account)]
	s.accountsMu.RUnlock()
	if ok || len(account) > longestAccount {
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

// entry is 19 bytes without padding.
type entry struct {
	id      [16]byte // of a UUID, or a digest when account is 0
	account [2]byte
	mark    Mark
}

// hash is keyed, so that a forged log cannot aim at one shard. IDs are random, so
// one multiplication spreads them.
func (e *entry) hash(k keys) uint64 {
	low := binary.LittleEndian.Uint64(e.id[:8]) ^ k.low
	high := binary.LittleEndian.Uint64(e.id[8:]) ^ k.high ^ uint64(binary.LittleEndian.Uint16(e.account[:]))<<32
	x, y := bits.Mul64(low, high|1)
	x, y = bits.Mul64(x^y^k.low, k.high|1)
	return x ^ y
}

// keys are secrets of a set.
type keys struct{ low, high uint64 }
