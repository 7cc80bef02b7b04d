package inflate

import "encoding/binary"

const (
	// fastInput is how much input decodeFast needs: two refills move by at most
	// seven bytes each, and a third loads a word.
	fastInput = 2*(wordSize-1) + wordSize
	// fastOutput is how much room decodeFast needs: two literals, the longest match
	// and the words that copying it may write too many.
	fastOutput = 2 + 258 + copyAhead
	copyAhead  = 48
)

const (
	litlenMask = 1<<litlenTableBits - 1
	offsetMask = 1<<offsetTableBits - 1
)

// decodeFast decodes symbols while there is so much input and room that neither
// needs checking at every step.
func (d *Decoder) decodeFast(out []byte, pos int) (int, error) {
	le := binary.LittleEndian
	next := uint(d.next)
	nextLimit := uint(d.end - fastInput)
	posLimit := len(out) - fastOutput
	bits, count := d.bits, d.bitCount
	problem := ""
	out = out[:len(out):len(out)]

	bits |= le.Uint64(d.in[next&(inputSize-1):]) << (count & 63)
	next += (63 - count) >> 3 & 7
	count |= 56
	entry := d.litlen[bits&litlenMask]
	for next <= nextLimit && pos <= posLimit {
		saved := bits
		bits >>= entry & 63
		count -= uint(entry & 63)
		if entry&entryLiteral != 0 {
			out[pos] = byte(entry >> entryValue)
			pos++
			entry = d.litlen[bits&litlenMask]
			saved = bits
			bits >>= entry & 63
			count -= uint(entry & 63)
			if entry&entryLiteral != 0 {
				out[pos] = byte(entry >> entryValue)
				pos++
				entry = d.litlen[bits&litlenMask]
				saved = bits
				bits >>= entry & 63
				count -= uint(entry & 63)
				if entry&entryLiteral != 0 {
					out[pos] = byte(entry >> entryValue)
					pos++
					bits |= le.Uint64(d.in[next&(inputSize-1):]) << (count & 63)
					next += (63 - count) >> 3 & 7
					count |= 56
					entry = d.litlen[bits&litlenMask]
					continue
				}
			}
		}
		if entry&entrySpecial != 0 {
			if entry&entrySubtable != 0 {
				index := bits & (1<<(entry>>entryCode&entryCodeMask) - 1)
				entry = d.litlen[(uint64(entry>>entryValue)+index)&(litlenTableSize-1)]
				saved = bits
				bits >>= entry & 63
				count -= uint(entry & 63)
				if entry&entryLiteral != 0 {
					out[pos] = byte(entry >> entryValue)
					pos++
					bits |= le.Uint64(d.in[next&(inputSize-1):]) << (count & 63)
					next += (63 - count) >> 3 & 7
					count |= 56
					entry = d.litlen[bits&litlenMask]
					continue
				}
			}
			if entry&entrySpecial != 0 {
				if entry&entryBlockEnd != 0 {
					d.stage = blockHeader
				} else {
					problem = badCode
				}
				break
			}
		}
		length := int(entry>>entryValue) + int(saved&(1<<(entry&63)-1)>>(entry>>entryCode&entryCodeMask))

		entry = d.offset[bits&offsetMask]
		if count&63 < 28 {
			bits |= le.Uint64(d.in[next&(inputSize-1):]) << (count & 63)
			next += (63 - count) >> 3 & 7
			count |= 56
		}
		if entry&entrySpecial != 0 {
			if entry&entrySubtable == 0 {
				problem = badCode
				break
			}
			bits >>= offsetTableBits
			count -= offsetTableBits
			index := bits & (1<<(entry>>entryCode&entryCodeMask) - 1)
			entry = d.offset[(uint64(entry>>entryValue)+index)&(offsetTableSize-1)]
			if entry&entrySpecial != 0 {
				problem = badCode
				break
			}
		}
		offset := int(entry>>entryValue) + int(bits&(1<<(entry&63)-1)>>(entry>>entryCode&entryCodeMask))
		bits >>= entry & 63
		count -= uint(entry & 63)
		if offset > pos {
			problem = badOffset
			break
		}
		bits |= le.Uint64(d.in[next&(inputSize-1):]) << (count & 63)
		next += (63 - count) >> 3 & 7
		count |= 56
		entry = d.litlen[bits&litlenMask]

		from := pos - offset
		end := pos + length
		if offset >= 16 {
			to, src := (*[48]byte)(out[pos:pos+48]), (*[48]byte)(out[from:from+48])
			*(*[16]byte)(to[:16]) = *(*[16]byte)(src[:16])
			*(*[16]byte)(to[16:32]) = *(*[16]byte)(src[16:32])
			*(*[16]byte)(to[32:]) = *(*[16]byte)(src[32:])
			for pos += 48; pos < end; pos += 32 {
				from = pos - offset
				to, src := (*[32]byte)(out[pos:pos+32]), (*[32]byte)(out[from:from+32])
				*(*[16]byte)(to[:16]) = *(*[16]byte)(src[:16])
				*(*[16]byte)(to[16:]) = *(*[16]byte)(src[16:])
			}
		} else {
			for pos < end {
				out[pos] = out[from]
				pos++
				from++
			}
		}
		pos = end
	}
	d.next = int(next)
	d.bits = bits
	d.bitCount = count & 63
	if problem != "" {
		return pos, d.failure(ErrCorrupt, problem)
	}
	return pos, nil
}
