package inflate

import "encoding/binary"

// lengthOrder is the order of the code lengths for the code that the other code
// lengths are in (RFC 1951 section 3.2.7).
var lengthOrder = [lengthSymbols]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// readBlockHeader starts the next block (RFC 1951 section 3.2.3), or the trailer
// behind the last block.
func (d *Decoder) readBlockHeader() error {
	if d.final {
		d.final = false
		d.stage = gzipTrailer
		return nil
	}
	d.refill()
	if d.bitCount < 3 {
		return d.cut()
	}
	d.final = d.bits&1 != 0
	kind := d.bits >> 1 & 3
	d.drop(3)
	switch kind {
	case 0:
		return d.readStoredHeader()
	case 1:
		d.useFixedCodes()
		d.stage = codedBlock
		return nil
	case 2:
		d.fixedCodes = false
		d.stage = codedBlock
		return d.readCodes()
	}
	return d.failure(ErrCorrupt, "block of the reserved type 3")
}

func (d *Decoder) readStoredHeader() error {
	b, err := d.take(4)
	if err != nil {
		return err
	}
	size, complement := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
	if complement != ^size {
		return d.failure(ErrCorrupt, "length of a stored block disagrees with its complement")
	}
	d.stored = int(size)
	d.stage = storedBlock
	return nil
}

// copyStored copies stored bytes until the block or out ends.
func (d *Decoder) copyStored(out []byte, pos int) (int, error) {
	for d.stored > 0 && pos < len(out) {
		if d.next == d.end && !d.fill() {
			return pos, d.cut()
		}
		n := copy(out[pos:], d.in[d.next:min(d.next+d.stored, d.end)])
		d.next += n
		d.stored -= n
		pos += n
	}
	if d.stored == 0 {
		d.stage = blockHeader
	}
	return pos, nil
}

// useFixedCodes sets the codes of RFC 1951 section 3.2.6.
func (d *Decoder) useFixedCodes() {
	if d.fixedCodes {
		return
	}
	d.fixedCodes = true
	for i := range maxLitlenSymbols {
		switch {
		case i < 144:
			d.lengths[i] = 8
		case i < 256:
			d.lengths[i] = 9
		case i < 280:
			d.lengths[i] = 7
		default:
			d.lengths[i] = 8
		}
	}
	for i := range maxOffsetSymbols {
		d.lengths[maxLitlenSymbols+i] = 5
	}
	d.buildTables(maxLitlenSymbols, maxOffsetSymbols)
}

// buildTables makes the decoding tables from d.lengths, and tells whether both
// codes may be used.
func (d *Decoder) buildTables(litlens, offsets int) bool {
	var offsetLengths [maxOffsetSymbols]uint8
	copy(offsetLengths[:], d.lengths[litlens:litlens+offsets])
	clear(d.lengths[litlens:maxLitlenSymbols])
	return d.code.buildTable(d.litlen[:], litlenTableBits, d.lengths[:maxLitlenSymbols], litlenEntries[:]) &&
		d.code.buildTable(d.offset[:], offsetTableBits, offsetLengths[:], offsetEntries[:])
}

// readCodes reads the codes of a block (RFC 1951 section 3.2.7).
func (d *Decoder) readCodes() error {
	d.refill()
	if d.bitCount < 14 {
		return d.cut()
	}
	litlens := int(d.bits&31) + 257
	offsets := int(d.bits>>5&31) + 1
	codeLengths := int(d.bits>>10&15) + 4
	d.drop(14)
	if litlens > 286 || offsets > 30 {
		return d.failure(ErrCorrupt, "more codes than there are symbols")
	}
	var lengths [(lengthSymbols + 7) &^ 7]uint8
	for _, symbol := range lengthOrder[:codeLengths] {
		if d.bitCount < 3 {
			if d.refill(); d.bitCount < 3 {
				return d.cut()
			}
		}
		lengths[symbol] = uint8(d.bits & 7)
		d.drop(3)
	}
	if !d.code.buildTable(d.lengthTable[:], lengthTableBits, lengths[:], lengthEntries[:]) {
		return d.failure(ErrCorrupt, "code for code lengths is incomplete or over-subscribed")
	}
	if err := d.readLengths(litlens + offsets); err != nil {
		return err
	}
	if !d.buildTables(litlens, offsets) {
		return d.failure(ErrCorrupt, "Huffman code is incomplete or over-subscribed")
	}
	return nil
}

// readLengths reads n code lengths into d.lengths. A single length and a repeated one
// take the same path, because a processor cannot predict which comes next.
func (d *Decoder) readLengths(n int) error {
	bits, count := d.bits, d.bitCount
	previous := uint64(0)
	for i := 0; i < n; {
		// A code and its repeat count have at most 14 bits.
		if count < 14 {
			d.bits, d.bitCount = bits, count
			d.refill()
			bits, count = d.bits, d.bitCount
		}
		entry := d.lengthTable[bits&(lengthTableSize-1)]
		size := uint(entry & entryDropMask)
		length := uint64(entry >> entryLength & maxCodeLength)
		if entry&entryPrevious != 0 {
			length = previous
		}
		end := i + int(entry>>entryValue&0xff) + int(bits&(1<<size-1)>>(entry>>entryCode&entryCodeMask))
		switch {
		case entry&entrySpecial != 0:
			return d.failure(ErrCorrupt, "invalid code for a code length")
		case size > count:
			return d.cut()
		case entry&entryPrevious != 0 && i == 0:
			return d.failure(ErrCorrupt, "repeats a code length before the first")
		case end > n:
			return d.failure(ErrCorrupt, "repeats a code length beyond the last")
		}
		bits >>= size
		count -= size
		previous = length
		for ; i < end; i += wordSize {
			binary.LittleEndian.PutUint64(d.lengths[i:], length*0x0101010101010101)
		}
		i = end
	}
	d.bits, d.bitCount = bits, count
	return nil
}
