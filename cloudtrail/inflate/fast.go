package inflate

import "encoding/binary"

const (
	// fastInput is how much input decodeFast needs: two refills move by at most
	// seven bytes each, and a third loads a word.
	fastInput = 2*(wordSize-1) + wordSize
	// fastOutput is how much room decodeFast needs: two literals, the longest match
	// and what copying it may write too much.
	fastOutput = 2 + 258 + copySize

	// A match is copied by four vectors at a time, whatever its length: that costs
	// less than to branch on the length or to call memmove.
	vectorSize = 16
	copySize   = 4 * vectorSize

	litlenMask = 1<<litlenTableBits - 1
	offsetMask = 1<<offsetTableBits - 1

	// maxOffsetBits is the longest code of an offset in the main table with the most
	// extra bits.
	maxOffsetBits = offsetTableBits + 13
)

type vector = [vectorSize]byte

// decodeFast decodes literals and matches while there is so much input and room that
// neither needs a check at each step. It leaves whatever is rare to decodeSymbol: ends
// of blocks, codes beyond the main tables, and all errors.
//
// After a refill there are 56 bits or more. Three literals take at most 33 of them; two
// and a length 38, which leaves enough to look up the offset. Each entry is looked up as
// soon as its bits are there, so that copying goes on while the next one is fetched.
// Only the low six bits of count count: what entries bring in above costs no masking.
func (d *Decoder) decodeFast(out []byte, pos int) int {
	out = out[:len(out):len(out)]
	nextLimit, posLimit := uint(d.end-fastInput), len(out)-fastOutput
	bits, count, next := d.word(d.bits, d.bitCount, uint(d.next))
	entry := d.litlen[bits&litlenMask]
	for next <= nextLimit && pos <= posLimit {
		saved := bits
		bits, count = bits>>(entry&entryDropMask), count-uint(entry)
		if entry&entryLiteral != 0 {
			out[pos] = byte(entry >> entryValue)
			pos++
			entry = d.litlen[bits&litlenMask]
			saved = bits
			bits, count = bits>>(entry&entryDropMask), count-uint(entry)
			if entry&entryLiteral != 0 {
				out[pos] = byte(entry >> entryValue)
				pos++
				entry = d.litlen[bits&litlenMask]
				saved = bits
				bits, count = bits>>(entry&entryDropMask), count-uint(entry)
				if entry&entryLiteral != 0 {
					out[pos] = byte(entry >> entryValue)
					pos++
					bits, count, next = d.word(bits, count, next)
					entry = d.litlen[bits&litlenMask]
					continue
				}
			}
		}
		if entry&entrySpecial != 0 {
			bits, count = saved, count+uint(entry)
			break
		}
		length := entryWithExtra(entry, saved)
		entry = d.offset[bits&offsetMask]
		if count&63 < maxOffsetBits {
			bits, count, next = d.word(bits, count, next)
		}
		offset := entryWithExtra(entry, bits)
		if entry&entrySpecial != 0 || offset > pos {
			d.matchLength, d.matchOffset = length, 0
			break
		}
		bits, count = bits>>(entry&entryDropMask), count-uint(entry)
		bits, count, next = d.word(bits, count, next)
		entry = d.litlen[bits&litlenMask]

		end := pos + length
		if offset < vectorSize {
			pos = repeat(out, pos, offset, end)
		}
		for ; pos < end; pos += copySize {
			copyVectors(out, pos, pos-offset)
		}
		pos = end
	}
	d.bits, d.bitCount, d.next = bits, count&63, int(next)
	return pos
}

// word is refill without checks. in is longer than any masked index by a word.
func (r *input) word(bits uint64, count, next uint) (uint64, uint, uint) {
	bits |= binary.LittleEndian.Uint64(r.in[next&(inputSize-1):]) << (count & 63)
	return bits, count | 56, next + ^count>>3&7
}

// entryWithExtra is the value of a length or offset with the extra bits that follow
// its code, of bits that start with that code.
func entryWithExtra(entry uint32, bits uint64) int {
	extra := bits & (1<<(entry&entryDropMask) - 1) >> (entry >> entryCode & 63)
	return int(entry>>entryValue) + int(extra)
}

// copyVectors copies copySize bytes, one vector after the other, so that from may be
// a single vector before to. Arrays of this size are moved without a call.
func copyVectors(out []byte, to, from int) {
	dst, src := (*[copySize]byte)(out[to:to+copySize]), (*[copySize]byte)(out[from:from+copySize])
	*(*vector)(dst[:]) = *(*vector)(src[:])
	*(*vector)(dst[vectorSize:]) = *(*vector)(src[vectorSize:])
	*(*vector)(dst[2*vectorSize:]) = *(*vector)(src[2*vectorSize:])
	*(*vector)(dst[3*vectorSize:]) = *(*vector)(src[3*vectorSize:])
}

// repeat copies a match that may overlap itself: from out[pos-offset:pos], again and
// again, to out[pos:end]. Each turn doubles what can be copied at once.
func repeat(out []byte, pos, offset, end int) int {
	for from := pos - offset; pos < end; {
		pos += copy(out[pos:end], out[from:pos])
	}
	return pos
}
