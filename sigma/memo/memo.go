// Package memo remembers, for one field of records, what is known about its
// values: the rules that a value may be a witness for and the answers of
// predicates. Values of CloudTrail fields repeat, so most questions about them
// have been answered before.
package memo

import (
	"bytes"
	"hash/maphash"

	"github.com/rootkeep/rootkeep"
)

// Bounds of one memo. Values of CloudTrail fields repeat, most of them far more
// often than this many others come between.
const (
	maxSlots   = 4096
	maxText    = 1 << 18 // bytes of values
	maxRules   = 1 << 16
	maxBits    = 1 << 18 // words
	maxValue   = 512     // a longer value only passes through slot 0
	maxPassing = 4096    // a longer one is not recognised when it repeats
)

// Memo is bounded: when it is full it forgets all and starts again. Slot 0
// serves values that are not kept. It belongs to one goroutine.
type Memo struct {
	seed  maphash.Seed
	table []uint16 // open addressing by hash: slot number, 0 for free
	slots []slot
	text  []byte   // of all slots
	rules []int32  // of all slots
	bits  []uint64 // of all slots: words of known answers, then words of answers
	words int
	last  int // the slot found last: calls come in bursts

	passingKind rootkeep.Kind // of the value in slot 0
	passingText []byte        // empty when it is too long
}

type slot struct {
	hash    uint64
	text    [2]uint32 // range in memo.text
	rules   [2]uint32 // range in memo.rules
	indexed bool      // rules is filled
}

// New makes a memo for a field that so many predicates ask about.
func New(predicates int) *Memo {
	m := &Memo{seed: maphash.MakeSeed(), words: (predicates + 63) / 64}
	m.reset()
	return m
}

func (m *Memo) reset() {
	if m.table == nil {
		m.table = make([]uint16, 64)
	}
	clear(m.table)
	m.slots = append(m.slots[:0], slot{})
	m.text, m.rules = m.text[:0], m.rules[:0]
	m.bits = append(m.bits[:0], make([]uint64, 2*m.words)...)
	m.last = 0
	m.passingText = m.passingText[:0]
}

// Find returns the slot of a value, a new one when it is not known.
func (m *Memo) Find(v rootkeep.Value) int {
	if len(v.Text) > maxValue || v.Kind == rootkeep.Object {
		return m.passing(v)
	}
	if s := &m.slots[m.last]; m.last > 0 && bytes.Equal(m.text[s.text[0]:s.text[1]], v.Text) {
		return m.last
	}
	h := maphash.Bytes(m.seed, v.Text)
	mask := uint64(len(m.table) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		n := int(m.table[i])
		if n == 0 {
			m.last = m.insert(h, v.Text)
			return m.last
		}
		s := &m.slots[n]
		if s.hash == h && bytes.Equal(m.text[s.text[0]:s.text[1]], v.Text) {
			m.last = n
			return n
		}
	}
}

// passing gives slot 0 to a value: long ones and objects, which rarely come
// again but at once, when a call is repeated.
func (m *Memo) passing(v rootkeep.Value) int {
	if len(v.Text) > 0 && v.Kind == m.passingKind && bytes.Equal(v.Text, m.passingText) {
		return 0
	}
	clear(m.bits[:2*m.words])
	m.passingText = m.passingText[:0]
	if len(v.Text) <= maxPassing {
		m.passingText = append(m.passingText, v.Text...)
		m.passingKind = v.Kind
	}
	return 0
}

// Rules are the rules stored for the value of a slot.
func (m *Memo) Rules(slot int) (rules []int32, known bool) {
	s := &m.slots[slot]
	return m.rules[s.rules[0]:s.rules[1]], s.indexed
}

// SetRules stores the rules of a slot, except of slot 0.
func (m *Memo) SetRules(slot int, rules []int32) {
	if slot == 0 {
		return
	}
	s := &m.slots[slot]
	s.rules[0] = uint32(len(m.rules))
	m.rules = append(m.rules, rules...)
	s.rules[1] = uint32(len(m.rules))
	s.indexed = true
}

func (m *Memo) insert(h uint64, text []byte) int {
	if len(m.slots) == maxSlots || len(m.text)+len(text) > maxText || len(m.rules) > maxRules || len(m.bits) > maxBits {
		m.reset()
	}
	if 2*len(m.slots) >= len(m.table) {
		m.grow()
	}
	start := uint32(len(m.text))
	m.text = append(m.text, text...)
	n := len(m.slots)
	m.slots = append(m.slots, slot{hash: h, text: [2]uint32{start, uint32(len(m.text))}})
	for range 2 * m.words {
		m.bits = append(m.bits, 0)
	}
	m.place(h, n)
	return n
}

func (m *Memo) grow() {
	m.table = make([]uint16, 2*len(m.table))
	for n := 1; n < len(m.slots); n++ {
		m.place(m.slots[n].hash, n)
	}
}

func (m *Memo) place(h uint64, n int) {
	mask := uint64(len(m.table) - 1)
	i := h & mask
	for m.table[i] != 0 {
		i = (i + 1) & mask
	}
	m.table[i] = uint16(n)
}

// Answer returns what a predicate of the field said about the value of a slot.
func (m *Memo) Answer(slot, predicate int) (holds, known bool) {
	w, bit := slot*2*m.words+predicate/64, uint64(1)<<(predicate%64)
	return m.bits[w+m.words]&bit != 0, m.bits[w]&bit != 0
}

// SetAnswer stores what a predicate said about the value of a slot.
func (m *Memo) SetAnswer(slot, predicate int, holds bool) {
	w, bit := slot*2*m.words+predicate/64, uint64(1)<<(predicate%64)
	m.bits[w] |= bit
	if holds {
		m.bits[w+m.words] |= bit
	}
}
