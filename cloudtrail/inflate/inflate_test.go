package inflate

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"
)

// inflateMember decodes one member, at most room bytes at a time.
func inflateMember(d *Decoder, room int) ([]byte, error) {
	buf := make([]byte, WindowSize+max(room, WindowSize))
	var out []byte
	pos := 0
	for {
		if pos+room > len(buf) {
			pos = copy(buf, buf[pos-WindowSize:pos])
		}
		n, err := d.Inflate(buf[:pos+room], pos)
		out = append(out, buf[pos:pos+n]...)
		pos += n
		if err != nil {
			return out, err
		}
	}
}

func inflateBytes(compressed []byte) ([]byte, error) {
	var d Decoder
	d.Reset(bytes.NewReader(compressed))
	return inflateMember(&d, 3*WindowSize)
}

// stdMember is the reference: compress/gzip reading a single member.
func stdMember(z *gzip.Reader, compressed []byte) ([]byte, error) {
	if err := z.Reset(bytes.NewReader(compressed)); err != nil {
		return nil, err
	}
	z.Multistream(false)
	return io.ReadAll(z)
}

// A referee compares verdict and bytes with those of compress/gzip.
type referee struct {
	std gzip.Reader
	d   Decoder
}

func (r *referee) check(t *testing.T, compressed []byte) {
	t.Helper()
	want, wantErr := stdMember(&r.std, compressed)
	r.d.Reset(bytes.NewReader(compressed))
	got, err := inflateMember(&r.d, WindowSize)
	if accepted, wantAccepted := err == io.EOF, wantErr == nil; accepted != wantAccepted {
		t.Fatalf("%d bytes %.60x: got error %v, want %v", len(compressed), compressed, err, wantErr)
	}
	// Of cut input compress/flate may decode some symbols less.
	if wantErr == nil && len(got) != len(want) || !bytes.HasPrefix(got, want) {
		t.Fatalf("%d bytes %.60x: got %d bytes %.60x, want %d bytes %.60x", len(compressed), compressed, len(got), got, len(want), want)
	}
}

// samples are data that bring out different blocks, codes and matches.
func samples() map[string][]byte {
	rnd := rand.New(rand.NewPCG(3, 4))
	noise := make([]byte, 150_000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	skewed := make([]byte, 150_000)
	for i := range skewed {
		// A wide spread of frequencies makes codes longer than the main tables.
		skewed[i] = byte(rnd.ExpFloat64() * 12)
	}
	periods := []byte{}
	for period := 1; period < 80; period++ {
		periods = append(periods, bytes.Repeat(noise[:period], 2+600/period)...)
		periods = append(periods, noise[1000+period:1010+period]...)
	}
	far := append(bytes.Clone(noise[:WindowSize]), noise[:300]...)
	return map[string][]byte{
		"nothing":                      nil,
		"one byte":                     {42},
		"zeros":                        make([]byte, 200_000),
		"noise":                        noise,
		"skewed bytes":                 skewed,
		"every short period":           periods,
		"matches a whole window apart": far,
		"a CloudTrail log":             cloudTrailLog(300_000),
		"a log then noise then a log":  append(append(cloudTrailLog(50_000), noise[:70_000]...), cloudTrailLog(50_000)...),
	}
}

func TestInflateReturnsWhatWasCompressed(t *testing.T) {
	for name, data := range samples() {
		for level := gzip.HuffmanOnly; level <= gzip.BestCompression; level++ {
			got, err := inflateBytes(gzipped(t, data, level))
			if err != io.EOF || !bytes.Equal(got, data) {
				t.Errorf("%s at level %d: got %d bytes and %v, want %d bytes and io.EOF", name, level, len(got), err, len(data))
			}
		}
	}
}

func TestInflateIntoTinyRoomFromTinyReads(t *testing.T) {
	data := append(cloudTrailLog(40_000), samples()["every short period"][:20_000]...)
	readers := map[string]func(io.Reader) io.Reader{
		"whole":                  func(r io.Reader) io.Reader { return r },
		"one byte at a time":     iotest.OneByteReader,
		"half":                   iotest.HalfReader,
		"end with the last byte": iotest.DataErrReader,
		"now and then nothing":   func(r io.Reader) io.Reader { return &stutteringReader{r: r} },
	}
	for _, level := range []int{gzip.HuffmanOnly, gzip.NoCompression, gzip.BestSpeed, gzip.DefaultCompression} {
		compressed := gzipped(t, data, level)
		for name, wrap := range readers {
			for _, room := range []int{1, 2, 3, 7, 8, 9, 63, 257, 258, 299, 300, 301, 1000, 40_000} {
				var d Decoder
				d.Reset(wrap(bytes.NewReader(compressed)))
				got, err := inflateMember(&d, room)
				if err != io.EOF || !bytes.Equal(got, data) {
					t.Errorf("level %d, reader %q, room %d: got %d bytes and %v, want %d bytes and io.EOF", level, name, room, len(got), err, len(data))
				}
			}
		}
	}
}

// A stutteringReader returns nothing, without an error, at every other call.
type stutteringReader struct {
	r     io.Reader
	empty bool
}

func (s *stutteringReader) Read(p []byte) (int, error) {
	s.empty = !s.empty
	if s.empty {
		return 0, nil
	}
	return s.r.Read(p[:min(len(p), 100)])
}

// deflated puts raw DEFLATE data between gzip header and trailer.
func deflated(raw, data []byte) []byte {
	out := append([]byte(gzipMagic), 0, 0, 0, 0, 0, 0, 255)
	out = append(out, raw...)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(data))
	return binary.LittleEndian.AppendUint32(out, uint32(len(data)))
}

// A bitWriter writes DEFLATE by hand.
type bitWriter struct {
	out   []byte
	count int
}

// bits appends values of so many bits: value, size, value, size...
func (w *bitWriter) bits(pairs ...int) *bitWriter {
	for i := 0; i < len(pairs); i += 2 {
		for b := range pairs[i+1] {
			if w.count%8 == 0 {
				w.out = append(w.out, 0)
			}
			w.out[len(w.out)-1] |= byte(pairs[i]>>b&1) << (w.count % 8)
			w.count++
		}
	}
	return w
}

// dynamic starts a final block with the given code lengths, each written as such:
// the code for code lengths gives four bits to each of 0 to 15.
func (w *bitWriter) dynamic(litlens, offsets []int) *bitWriter {
	w.bits(1, 1, 2, 2, len(litlens)-257, 5, len(offsets)-1, 5, 15, 4)
	for _, symbol := range lengthOrder {
		if symbol < 16 {
			w.bits(4, 3)
		} else {
			w.bits(0, 3)
		}
	}
	for _, n := range append(append([]int{}, litlens...), offsets...) {
		for b := 3; b >= 0; b-- {
			w.bits(n>>b&1, 1)
		}
	}
	return w
}

// litlens returns 286 code lengths, zero but for pairs of symbol and length.
func litlens(pairs ...int) []int {
	lengths := make([]int, 286)
	for i := 0; i < len(pairs); i += 2 {
		lengths[pairs[i]] = pairs[i+1]
	}
	return lengths
}

func TestInflateJudgesHandmadeBlocksAsCompressFlateDoes(t *testing.T) {
	tests := []struct {
		name string
		raw  *bitWriter
		data string
		want error
	}{
		{"an empty fixed block is accepted", new(bitWriter).bits(1, 1, 1, 2, 0, 7), "", io.EOF},
		{"an empty stored block is accepted", new(bitWriter).bits(1, 1, 0, 2, 0, 5, 0, 16, 0xffff, 16), "", io.EOF},
		{"a stored block is accepted", new(bitWriter).bits(1, 1, 0, 2, 0, 5, 2, 16, 0xfffd, 16, 'o', 8, 'k', 8), "ok", io.EOF},
		{"a stored length with a wrong complement is corrupt", new(bitWriter).bits(1, 1, 0, 2, 0, 5, 2, 16, 0xfffc, 16, 'o', 8, 'k', 8), "ok", ErrCorrupt},
		{"block type 3 is corrupt", new(bitWriter).bits(1, 1, 3, 2, 0, 13), "", ErrCorrupt},
		{"fixed symbol 286 is corrupt", new(bitWriter).bits(1, 1, 1, 2, 0b01100011, 8, 0, 5, 0, 7), "", ErrCorrupt},
		{"fixed offset symbol 30 is corrupt", new(bitWriter).bits(1, 1, 1, 2, 0b10001100, 8, 0b1000000, 7, 0b01111, 5, 0, 7), "", ErrCorrupt},
		{"a match before the start is corrupt", new(bitWriter).bits(1, 1, 1, 2, 0b10001100, 8, 0b1000000, 7, 0b10000, 5, 0, 7), "", ErrCorrupt},
		{"a match over itself is accepted", new(bitWriter).bits(1, 1, 1, 2, 0b10001110, 8, 0b1000000, 7, 0, 5, 0, 7), "AAAA", io.EOF},
		{"codes of one length with no offset code are accepted", new(bitWriter).dynamic(litlens('a', 1, 256, 1), []int{0}).bits(0, 1, 1, 1), "a", io.EOF},
		{"a match with no offset code is corrupt", new(bitWriter).dynamic(litlens('a', 1, 256, 2, 257, 2), []int{0}).bits(0, 1, 3, 2, 0, 8), "a", ErrCorrupt},
		{"a single offset code is accepted", new(bitWriter).dynamic(litlens('a', 1, 256, 2, 257, 2), []int{1}).bits(0, 1, 3, 2, 0, 1, 1, 2), "aaaa", io.EOF},
		{"the other bit of a single offset code is corrupt", new(bitWriter).dynamic(litlens('a', 1, 256, 2, 257, 2), []int{1}).bits(0, 1, 3, 2, 1, 1, 1, 2), "a", ErrCorrupt},
		{"a single offset code of two bits is corrupt", new(bitWriter).dynamic(litlens('a', 1, 256, 1), []int{2}).bits(0, 1, 1, 1), "a", ErrCorrupt},
		{"a single literal code is accepted", new(bitWriter).dynamic(litlens(256, 1), []int{0}).bits(0, 1), "", io.EOF},
		{"no literal code is corrupt", new(bitWriter).dynamic(litlens(), []int{0}).bits(0, 8), "", ErrCorrupt},
		{"an incomplete literal code is corrupt", new(bitWriter).dynamic(litlens('a', 1, 256, 2), []int{0}).bits(0, 8), "", ErrCorrupt},
		{"an over-subscribed literal code is corrupt", new(bitWriter).dynamic(litlens('a', 1, 'b', 1, 256, 1), []int{0}).bits(0, 8), "", ErrCorrupt},
		{"an over-subscribed offset code is corrupt", new(bitWriter).dynamic(litlens('a', 1, 256, 1), []int{1, 1, 1}).bits(0, 8), "", ErrCorrupt},
		{"no code for the end of the block ends in cut input", new(bitWriter).dynamic(litlens('a', 1, 'b', 1), []int{0}).bits(0, 8), "", io.ErrUnexpectedEOF},
		{"more than 286 literal codes are corrupt", new(bitWriter).bits(1, 1, 2, 2, 30, 5, 0, 5, 0, 4, 0, 32), "", ErrCorrupt},
		{"more than 30 offset codes are corrupt", new(bitWriter).bits(1, 1, 2, 2, 0, 5, 30, 5, 0, 4, 0, 32), "", ErrCorrupt},
		{"an incomplete code for code lengths is corrupt", new(bitWriter).bits(1, 1, 2, 2, 0, 5, 0, 5, 0, 4, 2, 3, 0, 41), "", ErrCorrupt},
		{"a first code length that repeats is corrupt", new(bitWriter).bits(1, 1, 2, 2, 0, 5, 0, 5, 0, 4, 1, 3, 0, 41), "", ErrCorrupt},
		{"code lengths beyond the last are corrupt", new(bitWriter).bits(1, 1, 2, 2, 0, 5, 0, 5, 0, 4, 0, 6, 1, 3, 0, 3).bits(0b11111110, 8, 0b11111110, 8, 0b11111110, 8), "", ErrCorrupt},
		{"codes of fifteen bits are accepted", new(bitWriter).dynamic(litlens('a', 1, 'b', 2, 'c', 3, 'd', 4, 'e', 5, 'f', 6, 'g', 7, 'h', 8, 'i', 9, 'j', 10, 'k', 11, 'l', 12, 'm', 13, 'n', 14, 'o', 15, 256, 15), []int{0}).
			bits(1<<13-1, 14, 1<<14-1, 15, 1<<15-1, 15), "no"[:1] + "o", io.EOF},
	}
	var judge referee
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			compressed := deflated(tt.raw.out, []byte(tt.data))
			got, err := inflateBytes(compressed)
			if !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			if tt.want == io.EOF && string(got) != tt.data {
				t.Errorf("got %q, want %q", got, tt.data)
			}
			judge.check(t, compressed)
		})
	}
}

func TestEveryCutAndEveryChangedByteIsJudgedAsByCompressGzip(t *testing.T) {
	data := cloudTrailLog(1500)
	var judge referee
	for _, level := range []int{gzip.HuffmanOnly, gzip.NoCompression, gzip.DefaultCompression} {
		good := gzipped(t, data, level)
		for i := range good {
			judge.check(t, good[:i])
			bad := bytes.Clone(good)
			for _, change := range []byte{1, 0x80, 0xff} {
				bad[i] = good[i] ^ change
				judge.check(t, bad)
			}
		}
	}
}

func TestConsumedAndProducedCountTheStream(t *testing.T) {
	data := cloudTrailLog(200_000)
	member := gzipped(t, data, 6)
	var d Decoder
	d.Reset(bytes.NewReader(append(append(bytes.Clone(member), member...), "rest"...)))
	for i := int64(1); i <= 2; i++ {
		if _, err := inflateMember(&d, WindowSize); err != io.EOF {
			t.Fatal(err)
		}
		if got, want := d.Consumed(), i*int64(len(member)); got != want {
			t.Errorf("consumed after member %d: got %d, want %d", i, got, want)
		}
		if got, want := d.Produced(), i*int64(len(data)); got != want {
			t.Errorf("produced after member %d: got %d, want %d", i, got, want)
		}
		if more, err := d.NextMember(); more != (i == 1) || (err != nil) != (i == 2) {
			t.Errorf("next member after %d: got %v and %v", i, more, err)
		}
	}
}

func TestInflateRefusesMisuse(t *testing.T) {
	data := cloudTrailLog(10_000)
	compressed := gzipped(t, data, 6)
	buf := make([]byte, 4*WindowSize)
	tests := []struct {
		name string
		call func(d *Decoder) error
		want string
	}{
		{"no source", func(d *Decoder) error { d.Reset(nil); _, err := d.Inflate(buf, 0); return err }, "inflate: no source; call Reset first"},
		{"no room", func(d *Decoder) error { _, err := d.Inflate(buf, len(buf)); return err }, "short buffer"},
		{"the window is not kept", func(d *Decoder) error {
			if _, err := d.Inflate(buf[:100], 0); err != nil {
				return err
			}
			_, err := d.Inflate(buf, 99)
			return err
		}, "inflate: window of 99 bytes before the position, want 100"},
		{"next member too early", func(d *Decoder) error { _, err := d.NextMember(); return err }, "inflate: NextMember before the end of a member"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			d.Reset(bytes.NewReader(compressed))
			if got := tt.call(&d); got == nil || got.Error() != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

func TestInflateWritesOnlyBetweenPositionAndEnd(t *testing.T) {
	compressed := gzipped(t, cloudTrailLog(50_000), 6)
	for room := 1; room < 2000; room += 37 {
		buf := bytes.Repeat([]byte{0xee}, 4*WindowSize)
		before := bytes.Clone(buf[:100])
		var d Decoder
		d.Reset(bytes.NewReader(compressed))
		for pos, n := 100, 1; n > 0; pos += n {
			n, _ = d.Inflate(buf[:pos+room], pos)
			if !bytes.Equal(buf[:pos], before) || buf[pos+room] != 0xee {
				t.Fatalf("room %d: bytes outside [%d:%d] changed", room, pos, pos+room)
			}
			before = append(before, buf[pos:pos+n]...)
		}
	}
}

func TestSourceErrorsComeThrough(t *testing.T) {
	compressed := gzipped(t, cloudTrailLog(50_000), 6)
	broken := errors.New("disk on fire")
	for _, cut := range []int{0, 5, 12, 100, len(compressed) - 4} {
		var d Decoder
		d.Reset(io.MultiReader(bytes.NewReader(compressed[:cut]), iotest.ErrReader(broken)))
		if _, err := inflateMember(&d, WindowSize); !errors.Is(err, broken) {
			t.Errorf("broken at byte %d: got %v, want %v", cut, err, broken)
		}
	}
	var stuck Decoder
	stuck.Reset(emptyReader{})
	if _, err := inflateMember(&stuck, WindowSize); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a source that returns nothing: got %v, want %v", err, io.ErrNoProgress)
	}
	var d Decoder
	d.Reset(io.MultiReader(bytes.NewReader(compressed), iotest.ErrReader(broken)))
	if _, err := inflateMember(&d, WindowSize); err != io.EOF {
		t.Errorf("broken behind the member: got %v, want io.EOF", err)
	}
	if _, err := d.NextMember(); !errors.Is(err, broken) {
		t.Errorf("next member: got %v, want %v", err, broken)
	}
}

func TestReaderReadsAllMembers(t *testing.T) {
	data := cloudTrailLog(400_000)
	member := gzipped(t, data, 6)
	r := NewReader(bytes.NewReader(append(bytes.Clone(member), member...)))
	if err := iotest.TestReader(r, append(bytes.Clone(data), data...)); err != nil {
		t.Error(err)
	}
	_, err := io.ReadAll(NewReader(bytes.NewReader(append(bytes.Clone(member), "rest"...))))
	if !errors.Is(err, ErrTrailing) {
		t.Errorf("trailing data: got %v, want %v", err, ErrTrailing)
	}
}

func TestReusedDecoderAllocatesNothing(t *testing.T) {
	compressed := gzipped(t, cloudTrailLog(100_000), 6)
	buf := make([]byte, 8*WindowSize)
	var d Decoder
	src := bytes.NewReader(nil)
	allocs := testing.AllocsPerRun(10, func() {
		src.Reset(compressed)
		d.Reset(src)
		for pos, n := 0, 1; n > 0; pos += n {
			n, _ = d.Inflate(buf, pos)
		}
	})
	if allocs != 0 || d.Produced() < 100_000 {
		t.Errorf("got %v allocations for %d bytes, want none for at least 100,000", allocs, d.Produced())
	}
}

// An emptyReader never returns anything.
type emptyReader struct{}

func (emptyReader) Read([]byte) (int, error) { return 0, nil }
