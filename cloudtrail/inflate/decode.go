package inflate

// decodeBlock decodes symbols until the block ends or out is full, or nearly so.
func (d *Decoder) decodeBlock(out []byte, pos int) (_ int, err error) {
	for err == nil && d.stage == codedBlock && pos < len(out) {
		if d.matchLength == 0 {
			if d.end-d.next < fastInput {
				d.fill()
			}
			if d.end-d.next >= fastInput && len(out)-pos >= fastOutput {
				pos = d.decodeFast(out, pos)
				if len(out)-pos < fastOutput {
					break
				}
			}
		}
		pos, err = d.decodeSymbol(out, pos)
	}
	return pos, err
}

// decodeSymbol decodes one literal, one match or the end of the block, or what is left
// of a match. It serves all that decodeFast does not.
func (d *Decoder) decodeSymbol(out []byte, pos int) (int, error) {
	d.refill()
	if d.matchLength == 0 {
		entry, value, size := lookup(d.litlen[:], litlenTableBits, d.bits)
		switch {
		case entry&(entrySpecial|entryBlockEnd) == entrySpecial:
			return pos, d.failure(ErrCorrupt, "invalid Huffman code")
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
		d.matchLength, d.matchOffset = value, 0
	}
	if d.matchOffset == 0 {
		entry, value, size := lookup(d.offset[:], offsetTableBits, d.bits)
		switch {
		case entry&entrySpecial != 0:
			return pos, d.failure(ErrCorrupt, "invalid Huffman code")
		case size > d.bitCount:
			return pos, d.cut()
		case value > pos:
			return pos, d.failure(ErrCorrupt, "match starts before the data")
		}
		d.drop(size)
		d.matchOffset = value
	}
	end := min(pos+d.matchLength, len(out))
	d.matchLength -= end - pos
	return repeat(out, pos, d.matchOffset, end), nil
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
	return entry, entryWithExtra(entry&^entryLiteral, bits), size + uint(entry&entryDropMask)
}
