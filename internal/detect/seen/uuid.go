package seen

import (
	"encoding/binary"

	"github.com/rootkeep/rootkeep/internal/wire"
)

// ID is an event ID that is a UUID.
type ID [16]byte

// ParseID reads the form in which CloudTrail writes IDs, and no other: String gives back
// what was read.
func ParseID(text []byte) (id ID, ok bool) {
	ok = parseUUID((*[16]byte)(&id), text)
	for _, c := range text {
		ok = ok && c&0x60 != 0x40 // a capital letter
	}
	return id, ok
}

// String is the form in which CloudTrail writes it.
func (id ID) String() string { return wire.FormatUUID(id[:]) }

// parseUUID reads the 36-character form; other forms are kept by their digest.
func parseUUID(out *[16]byte, s []byte) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	four := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(s[i:])) }
	a, okA := hexadecimal(four(0) | four(4)<<32)
	b, okB := hexadecimal(four(9) | four(14)<<32)
	c, okC := hexadecimal(four(19) | four(24)<<32)
	d, okD := hexadecimal(four(28) | four(32)<<32)
	binary.LittleEndian.PutUint32(out[0:], a)
	binary.LittleEndian.PutUint32(out[4:], b)
	binary.LittleEndian.PutUint32(out[8:], c)
	binary.LittleEndian.PutUint32(out[12:], d)
	return okA && okB && okC && okD
}

// hexadecimal reads eight digits in either case, the first in the lowest byte of
// x, all at once: no sum below carries from one byte into the next.
func hexadecimal(x uint64) (value uint32, ok bool) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	atLeast := func(x uint64, c byte) uint64 { return x + (0x80-uint64(c))*ones } // sets the high bit
	lower := x | 0x20*ones
	digit := atLeast(x, '0') &^ atLeast(x, '9'+1) & highs
	letter := atLeast(lower, 'a') &^ atLeast(lower, 'f'+1) & highs
	v := x&(0x0f*ones) + letter>>7*9
	v = (v<<4 | v>>8) & 0x00ff00ff00ff00ff // two digits make a byte
	v = (v | v>>8) & 0x0000ffff0000ffff
	return uint32(v | v>>16), x&highs == 0 && digit|letter == highs
}
