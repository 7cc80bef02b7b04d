package inflate

import (
	"encoding/binary"
	"math/bits"
)

// Sizes of the alphabets and of their codes (RFC 1951 section 3.2).
const (
	maxCodeLength    = 15
	maxLitlenSymbols = 288 // the fixed code has two that must not occur
	maxOffsetSymbols = 32  // likewise
	lengthSymbols    = 19  // of the code for code lengths
	endOfBlock       = 256
)

// A decoding table has one entry for each value of the next tableBits bits.
// Codes longer than that share an entry that points to a subtable behind the
// main table. The sizes are the powers of two above the largest tables that
// complete codes need: 2,342 and 402.
const (
	litlenTableBits = 11
	litlenTableSize = 1 << 12
	offsetTableBits = 8
	offsetTableSize = 1 << 9
	lengthTableBits = 7
	lengthTableSize = 1 << 7
)

// A table entry, from the lowest bit:
//
//	0-7    bits to drop: the code, or what of it this table resolves, and extra bits
//	8-11   length of that code alone; of a subtable, the bits of its index
//	13     the end of the block
//	14     a subtable
//	15     neither literal nor length nor offset; without 13 and 14, no valid code
//	16-30  literal, base of a length or offset, or where the subtable starts
//	31     a literal
//
// Entries for code lengths differ: 16-23 is the base of the repeat count, 24-27 the
// length, and 28 tells that it is the previous one instead.
const (
	entryLiteral   = 1 << 31
	entrySpecial   = 1 << 15
	entrySubtable  = 1 << 14
	entryBlockEnd  = 1 << 13
	entryValue     = 16 // shift
	entryValueMask = 0x7fff
	entryCode      = 8 // shift
	entryCodeMask  = 15
	entryDropMask  = 63
	entryLength    = 24 // shift
	entryPrevious  = 1 << 28
)

// Entries without their code, by symbol.
var (
	litlenEntries = makeLitlenEntries()
	offsetEntries = makeOffsetEntries()
	lengthEntries = makeLengthEntries()
)

// makeLitlenEntries follows RFC 1951 section 3.2.5: lengths 3 to 10 have no extra
// bits, then every four symbols have one more.
func makeLitlenEntries() (e [maxLitlenSymbols]uint32) {
	for i := range endOfBlock {
		e[i] = entryLiteral | uint32(i)<<entryValue
	}
	e[endOfBlock] = entrySpecial | entryBlockEnd
	length := uint32(3)
	for i := 257; i < 285; i++ {
		extra := uint32(max(0, (i-261)/4))
		e[i] = length<<entryValue | extra
		length += 1 << extra
	}
	e[285] = 258 << entryValue
	e[286] = entrySpecial
	e[287] = entrySpecial
	return e
}

// makeOffsetEntries: offsets 1 to 4 have no extra bits, then every two symbols
// have one more.
func makeOffsetEntries() (e [maxOffsetSymbols]uint32) {
	offset := uint32(1)
	for i := range 30 {
		extra := uint32(max(0, i/2-1))
		e[i] = offset<<entryValue | extra
		offset += 1 << extra
	}
	e[30] = entrySpecial
	e[31] = entrySpecial
	return e
}

// makeLengthEntries follows RFC 1951 section 3.2.7: 0 to 15 are code lengths, 16 to
// 18 repeat. The entries tell how often, with the extra bits, and what.
func makeLengthEntries() (e [lengthSymbols]uint32) {
	for i := range uint32(16) {
		e[i] = 1<<entryValue | i<<entryLength
	}
	e[16] = 3<<entryValue | 2 | entryPrevious
	e[17] = 3<<entryValue | 3
	e[18] = 11<<entryValue | 7
	return e
}

// A code is a canonical Huffman code (RFC 1951 section 3.2.2), sorted for making
// its table.
type code struct {
	count  [maxCodeLength + 1]int   // codes of each length
	sorted [maxLitlenSymbols]uint32 // entries by length, then symbol; then unused ones
}

// buildTable fills table for the code whose symbols have the given lengths and
// entries. len(lengths) is a multiple of eight. It tells whether the code may be
// used: it must be complete. As in compress/flate it may also be empty, or a single
// code of one bit; the bits that are then no code decode as invalid.
func (c *code) buildTable(table []uint32, tableBits int, lengths []uint8, entries []uint32) bool {
	used := c.sort(lengths, entries)
	if used == 1<<maxCodeLength {
		c.fillTable(table, tableBits)
		return true
	}
	for i := range 1 << tableBits {
		table[i] = entrySpecial
	}
	if used == 1<<(maxCodeLength-1) && c.count[1] == 1 {
		for i := 0; i < 1<<tableBits; i += 2 {
			table[i] = codeEntry(c.sorted[0], 1)
		}
		return true
	}
	return used == 0
}

// sort returns how much of the code space is used, in units of the longest code.
// Both passes skip eight unused symbols at a time: most of the alphabet is unused.
func (c *code) sort(lengths []uint8, entries []uint32) (used int) {
	le := binary.LittleEndian
	c.count = [maxCodeLength + 1]int{}
	for i := 0; i+wordSize <= len(lengths); i += wordSize {
		for word := le.Uint64(lengths[i:]); word != 0; word >>= 8 {
			c.count[word&maxCodeLength]++
		}
	}
	c.count[0] = 0
	var next [maxCodeLength + 1]int
	total := 0
	for n := 1; n <= maxCodeLength; n++ {
		next[n] = total
		total += c.count[n]
		used += c.count[n] << (maxCodeLength - n)
	}
	next[0] = total
	for i := 0; i+wordSize <= len(lengths); i += wordSize {
		for k, word := i, le.Uint64(lengths[i:]); word != 0; word >>= 8 {
			n := word & maxCodeLength
			c.sorted[next[n]] = entries[k]
			next[n]++
			k++
		}
	}
	return used
}

// codeEntry is the entry of a symbol with a code of length bits.
func codeEntry(entry uint32, length int) uint32 {
	return entry + uint32(length)<<entryCode + uint32(length)
}

// fillTable writes each code once, at its reversed value, because DEFLATE packs
// codes from their highest bit. Whenever the code length grows, the filled part is
// copied behind itself: that yields the entries that differ only beyond the code.
func (c *code) fillTable(table []uint32, tableBits int) {
	sorted := c.sorted[:]
	length := 1
	for c.count[length] == 0 {
		length++
	}
	at := 0
	for size := 1 << length; length <= tableBits; length++ {
		for range c.count[length] {
			table[at] = codeEntry(sorted[0], length)
			sorted = sorted[1:]
			at = nextCode(at, length)
		}
		if length < tableBits {
			copy(table[size:2*size], table[:size])
			size *= 2
		}
	}
	c.fillSubtables(table, tableBits, sorted, at)
}

// fillSubtables writes the codes that are longer than tableBits, from the one whose
// reversed value is at.
func (c *code) fillSubtables(table []uint32, tableBits int, sorted []uint32, at int) {
	prefix, start, size := -1, 1<<tableBits, 0
	for length := tableBits + 1; length <= maxCodeLength; length++ {
		for ; c.count[length] > 0; c.count[length]-- {
			if low := at & (1<<tableBits - 1); low != prefix {
				prefix = low
				start += size
				indexBits := c.subtableBits(tableBits, length)
				size = 1 << indexBits
				table[prefix] = entrySpecial | entrySubtable |
					uint32(start)<<entryValue | uint32(indexBits)<<entryCode | uint32(tableBits)
			}
			entry := codeEntry(sorted[0], length-tableBits)
			sorted = sorted[1:]
			for i := at >> tableBits; i < size; i += 1 << (length - tableBits) {
				table[start+i] = entry
			}
			at = nextCode(at, length)
		}
	}
}

// subtableBits returns the index bits of the subtable whose first code has length
// bits: it ends with the codes that complete it.
func (c *code) subtableBits(tableBits, length int) int {
	n := length - tableBits
	for used := c.count[length]; used < 1<<n; n++ {
		used = used<<1 + c.count[tableBits+n+1]
	}
	return n
}

// nextCode increments a reversed code of length bits: it sets the highest bit that
// is clear and clears those above.
func nextCode(code, length int) int {
	free := ^code & (1<<length - 1)
	if free == 0 {
		return 0
	}
	top := 1 << (bits.Len(uint(free)) - 1)
	return code&(top-1) | top
}
