package inflate

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// FuzzInflate takes a member, and the same bytes as bare DEFLATE data: few inputs
// would pass header and trailer otherwise.
func FuzzInflate(f *testing.F) {
	for _, level := range []int{gzip.HuffmanOnly, gzip.NoCompression, gzip.BestSpeed, gzip.BestCompression} {
		f.Add(gzipped(f, cloudTrailLog(2000), level), uint16(0))
		f.Add(gzipped(f, bytes.Repeat([]byte("abc"), 5000), level)[10:], uint16(300))
	}
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 8 {
		var w bitWriter
		randomBlock(rnd, 3000, &w)
		f.Add(w.out, uint16(400))
	}
	f.Fuzz(func(t *testing.T, compressed []byte, room uint16) {
		var judge referee
		judge.check(t, compressed)
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(compressed)), 1<<16))
		member := deflated(compressed, want)
		if wantErr == nil && len(want) < 1<<16 {
			judge.check(t, member)
		}
		var d Decoder
		d.Reset(iotest.HalfReader(bytes.NewReader(member)))
		got, err := inflateMember(&d, 1+int(room))
		whole, wholeErr := inflateBytes(member)
		if !bytes.Equal(got, whole) || errors.Is(err, ErrCorrupt) != errors.Is(wholeErr, ErrCorrupt) {
			t.Errorf("room %d: got %d bytes and %v, want %d bytes and %v", room, len(got), err, len(whole), wholeErr)
		}
	})
}
