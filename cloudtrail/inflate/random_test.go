package inflate

import (
	"math/bits"
	"math/rand/v2"
	"testing"
)

// TestRandomBlocksAreJudgedAsByCompressGzip makes what no compressor writes: codes of
// any shape, up to fifteen bits, with symbols and extra bits at random. Every third
// stream is then damaged.
func TestRandomBlocksAreJudgedAsByCompressGzip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	var judge referee
	accepted := 0
	for i := range 300 {
		var w bitWriter
		data := randomBlock(rnd, rnd.IntN(40_000), &w)
		if i%3 == 2 {
			w.out[rnd.IntN(len(w.out))] ^= 1 << rnd.IntN(8)
		}
		member := deflated(w.out, data)
		judge.check(t, member)
		if _, err := stdMember(&judge.std, member); err == nil {
			accepted++
		}
	}
	if accepted < 190 {
		t.Errorf("accepted streams: got %d, want about 200", accepted)
	}
}

// randomBlock writes one block of about size bytes and returns its data.
func randomBlock(rnd *rand.Rand, size int, w *bitWriter) (data []byte) {
	litlens := randomLengths(rnd, make([]int, 286), 2+rnd.IntN(200), endOfBlock)
	offsets := randomLengths(rnd, make([]int, 30), 2+rnd.IntN(29), 0)
	w.dynamic(litlens, offsets)
	litlenCodes, offsetCodes := canonicalCodes(litlens), canonicalCodes(offsets)
	for len(data) < size {
		symbol := rnd.IntN(len(litlens))
		if rnd.IntN(3) > 0 {
			symbol = rnd.IntN(endOfBlock)
		}
		if litlens[symbol] == 0 || symbol == endOfBlock {
			size-- // ends even if there is nothing but the end of the block
			continue
		}
		if symbol < endOfBlock {
			w.bits(litlenCodes[symbol], litlens[symbol])
			data = append(data, byte(symbol))
			continue
		}
		offsetSymbol := rnd.IntN(len(offsets))
		offset, offsetExtra := randomValue(rnd, offsetEntries[offsetSymbol])
		if offsets[offsetSymbol] == 0 || offset > len(data) {
			continue
		}
		length, lengthExtra := randomValue(rnd, litlenEntries[symbol])
		w.bits(litlenCodes[symbol], litlens[symbol], lengthExtra, int(litlenEntries[symbol]&entryDropMask))
		w.bits(offsetCodes[offsetSymbol], offsets[offsetSymbol], offsetExtra, int(offsetEntries[offsetSymbol]&entryDropMask))
		for range length {
			data = append(data, data[len(data)-offset])
		}
	}
	w.bits(litlenCodes[endOfBlock], litlens[endOfBlock])
	return data
}

// randomLengths gives n random symbols, and the one wanted, the lengths of a complete
// code: leaves of a tree in which a random leaf is split until there are enough.
func randomLengths(rnd *rand.Rand, lengths []int, n, wanted int) []int {
	depths := []int{1, 1}
	for len(depths) < n {
		i := rnd.IntN(len(depths))
		if rnd.IntN(2) == 0 {
			i = len(depths) - 1 // makes some codes long
		}
		if depths[i] < maxCodeLength {
			depths[i]++
			depths = append(depths, depths[i])
		}
	}
	symbols := rnd.Perm(len(lengths))
	for i, symbol := range symbols {
		if symbol == wanted {
			symbols[0], symbols[i] = symbols[i], symbols[0]
		}
	}
	for i, depth := range depths {
		lengths[symbols[i]] = depth
	}
	return lengths
}

// canonicalCodes returns the code of each symbol with its first bit lowest.
func canonicalCodes(lengths []int) []int {
	codes := make([]int, len(lengths))
	next := 0
	for length := 1; length <= maxCodeLength; length++ {
		next <<= 1
		for symbol, n := range lengths {
			if n == length {
				codes[symbol] = int(bits.Reverse16(uint16(next)) >> (16 - length))
				next++
			}
		}
	}
	return codes
}

// randomValue chooses extra bits for a length or offset symbol.
func randomValue(rnd *rand.Rand, entry uint32) (value, extra int) {
	extra = rnd.IntN(1 << (entry & entryDropMask))
	return int(entry>>entryValue&entryValueMask) + extra, extra
}
