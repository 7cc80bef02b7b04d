package inflate

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGzipHeaderIsReadOver(t *testing.T) {
	header := gzip.Header{Name: "log.json", Comment: "caf\u00e9", Extra: bytes.Repeat([]byte("x"), 5000), ModTime: time.Unix(1e9, 0), OS: 3}
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Header = header
	if _, err := w.Write([]byte("data")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	body := deflated([]byte{3, 0}, nil)[10:]
	withFields := func(flags byte, fields string) []byte {
		out := append([]byte(gzipMagic), flags, 0, 0, 0, 0, 0, 255)
		return append(append(out, fields...), body...)
	}
	checked := append([]byte(gzipMagic), flagHeaderCRC|flagName, 0, 0, 0, 0, 0, 255, 'n', 0)
	checked = binary.LittleEndian.AppendUint16(checked, uint16(crc32.ChecksumIEEE(checked)))
	checked = append(checked, body...)
	wrongCheck := bytes.Clone(checked)
	wrongCheck[12]++
	tests := []struct {
		name       string
		compressed []byte
		want       error
	}{
		{"extra field, name and comment are skipped", buf.Bytes(), io.EOF},
		{"a right header checksum is accepted", checked, io.EOF},
		{"a wrong header checksum is corrupt", wrongCheck, ErrCorrupt},
		{"reserved flags are ignored", withFields(0xe1, ""), io.EOF},
		{"a name of 511 bytes is accepted", withFields(flagName, strings.Repeat("n", 511)+"\x00"), io.EOF},
		{"a name of 512 bytes is corrupt", withFields(flagName, strings.Repeat("n", 512)+"\x00"), ErrCorrupt},
		{"a comment of 512 bytes is corrupt", withFields(flagComment, strings.Repeat("n", 512)+"\x00"), ErrCorrupt},
		{"an extra field of 65,535 bytes is accepted", withFields(flagExtra, "\xff\xff"+strings.Repeat("n", 0xffff)), io.EOF},
		{"an extra field beyond the end is cut", withFields(flagExtra, "\xff\xff"), io.ErrUnexpectedEOF},
		{"another method is corrupt", []byte("\x1f\x8b\x07\x00\x00\x00\x00\x00\x00\xff\x03\x00"), ErrCorrupt},
		{"plain text is corrupt", []byte(`{"Records":[]}`), ErrCorrupt},
		{"short plain text is cut", []byte(`{}`), io.ErrUnexpectedEOF},
		{"nothing is cut", nil, io.ErrUnexpectedEOF},
	}
	var judge referee
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := inflateBytes(tt.compressed); !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			judge.check(t, tt.compressed)
		})
	}
}

func TestGzipTrailerIsChecked(t *testing.T) {
	good := gzipped(t, []byte("some data"), 6)
	change := func(fromEnd int) []byte {
		bad := bytes.Clone(good)
		bad[len(bad)-fromEnd] ^= 1
		return bad
	}
	tests := []struct {
		name       string
		compressed []byte
		skip       bool
		want       error
	}{
		{"right checksum and length are accepted", good, false, io.EOF},
		{"a wrong checksum is refused", change(8), false, ErrChecksum},
		{"a wrong length is refused", change(4), false, ErrChecksum},
		{"a wrong checksum passes if checksums are skipped", change(8), true, io.EOF},
		{"a wrong length is refused if checksums are skipped", change(4), true, ErrChecksum},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			d.SkipChecksum(tt.skip)
			d.Reset(bytes.NewReader(tt.compressed))
			got, err := inflateMember(&d, WindowSize)
			if !errors.Is(err, tt.want) || string(got) != "some data" {
				t.Errorf("got %q and %v, want %q and %v", got, err, "some data", tt.want)
			}
		})
	}
}

func TestNextMember(t *testing.T) {
	one, two := gzipped(t, []byte("one"), 6), gzipped(t, cloudTrailLog(100_000), 6)
	// This member starts with a match into the member before it.
	reaching := deflated(new(bitWriter).bits(1, 1, 1, 2, 0b1000000, 7, 0, 5, 0, 7).out, []byte("eee"))
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	tests := []struct {
		name       string
		compressed []byte
		members    []int // bytes of each accepted one
		want       error // nil for a clean end
	}{
		{"a single member ends cleanly", one, []int{3}, nil},
		{"members follow one another", join(one, two, one), []int{3, len(cloudTrailLog(100_000)), 3}, nil},
		{"an empty member counts", join(one, gzipped(t, nil, 6), one), []int{3, 0, 3}, nil},
		{"text behind a member is trailing data", join(one, []byte("text")), []int{3}, ErrTrailing},
		{"one zero behind a member is trailing data", join(one, []byte{0}), []int{3}, ErrTrailing},
		{"half a magic number is trailing data", join(one, []byte("\x1f\x8b")), []int{3}, ErrTrailing},
		{"a header that is cut is cut", join(one, []byte(gzipMagic)), []int{3}, io.ErrUnexpectedEOF},
		{"a match into the previous member is corrupt", join(one, reaching), []int{3}, ErrCorrupt},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			d.Reset(iotest.HalfReader(bytes.NewReader(tt.compressed)))
			members, err := inflateMembers(&d)
			if !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			if diff := cmp.Diff(tt.members, members); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
		})
	}
}

// inflateMembers keeps one window over all members, as a caller would.
func inflateMembers(d *Decoder) (members []int, err error) {
	buf := make([]byte, 4*WindowSize)
	pos, size := 0, 0
	for {
		if len(buf)-pos < WindowSize {
			pos = copy(buf, buf[pos-WindowSize:pos])
		}
		n, err := d.Inflate(buf, pos)
		pos += n
		size += n
		if err == io.EOF {
			members = append(members, size)
			size = 0
			var more bool
			if more, err = d.NextMember(); err == nil && !more {
				return members, nil
			}
		}
		if err != nil {
			return members, err
		}
	}
}
