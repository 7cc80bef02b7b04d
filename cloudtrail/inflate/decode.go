package inflate

// What can be wrong with a symbol, for both decoding loops.
const (
	badCode   = "invalid Huffman code"
	badOffset = "match starts before the data"
)

// decodeBlock decodes symbols until the block ends or out is full, or nearly so.
func (d *Decoder) decodeBlock(out []byte, pos int) (_ int, err error) {
	for err == nil && d.stage == codedBlock && pos < len(out) {
		if d.matchLength > 0 {
			pos = d.copyMatch(out, pos)
			continue
		}
		if d.end-d.next < fastInput {
			d.fill()
		}
		if d.end-d.next < fastInput || len(out)-pos < fastOutput {
			pos, err = d.decodeSymbol(out, pos)
			continue
		}
		pos, err = d.decodeFast(out, pos)
		if len(out)-pos < fastOutput {
			break
		}
	}
	return pos, err
}

// decodeSymbol decodes one literal, one match or the end of the block, near the end
// of the input or of out.
func (d *Decoder) decodeSymbol(out []byte, pos int) (int, error) {
	d.refill()
	entry, value, size := lookup(d.litlen[:], litlenTableBits, d.bits)
	switch {
	case entry&(entrySpecial|entryBlockEnd) == entrySpecial:
		return pos, d.failure(ErrCorrupt, badCode)
	case size > d.bitCount:
		return pos, d.cut()
	}
	d.drop(size)
	switch {
	case entry&entryBlockEnd != 0:
		d.stage = blockHeader
		return pos, nil
	case entry&entryLiteral != 0:
		out[pos] = byte(value)
		return pos + 1, nil
	}
	length := value
	entry, value, size = lookup(d.offset[:], offsetTableBits, d.bits)
	switch {
	case entry&entrySpecial != 0:
		return pos, d.failure(ErrCorrupt, badCode)
	case size > d.bitCount:
		return pos, d.cut()
	case value > pos:
		return pos, d.failure(ErrCorrupt, badOffset)
	}
	d.drop(size)
	d.matchLength, d.matchOffset = length, value
	return d.copyMatch(out, pos), nil
}

// lookup finds the table entry of the code that bits start with, the value of the
// entry and its extra bits, and how many bits that takes.
func lookup(table []uint32, tableBits uint, bits uint64) (entry uint32, value int, size uint) {
	entry = table[bits&(1<<tableBits-1)]
	if entry&entrySubtable != 0 {
		bits >>= tableBits
		size = tableBits
		index := bits & (1<<(entry>>entryCode&entryCodeMask) - 1)
		entry = table[uint64(entry>>entryValue&entryValueMask)+index]
	}
	drop := entry & entryDropMask
	extra := bits & (1<<drop - 1) >> (entry >> entryCode & entryCodeMask)
	return entry, int(entry>>entryValue&entryValueMask) + int(extra), size + uint(drop)
}

// copyMatch copies as much of the pending match as fits into out.
func (d *Decoder) copyMatch(out []byte, pos int) int {
	for d.matchLength > 0 && pos < len(out) {
		out[pos] = out[pos-d.matchOffset]
		d.matchLength--
		pos++
	}
	return pos
}
