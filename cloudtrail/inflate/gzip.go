package inflate

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// gzipMagic is ID1, ID2 and the only compression method, DEFLATE (RFC 1952
// section 2.3).
const gzipMagic = "\x1f\x8b\x08"

// Bits of the gzip header's FLG byte.
const (
	flagHeaderCRC = 1 << 1
	flagExtra     = 1 << 2
	flagName      = 1 << 3
	flagComment   = 1 << 4
)

// maxHeaderText bounds file name and comment, each with its final zero byte, as
// compress/gzip does.
const maxHeaderText = 512

// readGzipHeader reads over a member header: nothing in it is needed.
func (d *Decoder) readGzipHeader() error {
	d.crc = 0 // lent to the header's own checksum
	fixed, err := d.headerBytes(10)
	if err != nil {
		return err
	}
	if string(fixed[:3]) != gzipMagic {
		return d.failure(ErrCorrupt, fmt.Sprintf("header starts with %x, want %x", fixed[:3], gzipMagic))
	}
	flags := fixed[3]
	if flags&flagExtra != 0 {
		if err := d.skipExtra(); err != nil {
			return err
		}
	}
	for _, flag := range []byte{flagName, flagComment} {
		if flags&flag != 0 {
			if err := d.skipText(); err != nil {
				return err
			}
		}
	}
	if flags&flagHeaderCRC != 0 {
		want := uint16(d.crc)
		b, err := d.headerBytes(2)
		if err != nil {
			return err
		}
		if got := binary.LittleEndian.Uint16(b); got != want {
			return d.failure(ErrCorrupt, fmt.Sprintf("header checksum is %04x, want %04x", got, want))
		}
	}
	d.crc = 0
	d.stage = blockHeader
	return nil
}

// headerBytes takes n bytes of the header into its checksum.
func (d *Decoder) headerBytes(n int) ([]byte, error) {
	b, err := d.take(n)
	if err == nil {
		d.crc = crc32.Update(d.crc, crc32.IEEETable, b)
	}
	return b, err
}

func (d *Decoder) skipExtra() error {
	b, err := d.headerBytes(2)
	if err != nil {
		return err
	}
	for left := int(binary.LittleEndian.Uint16(b)); left > 0; {
		n := min(left, maxTake)
		if _, err := d.headerBytes(n); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// skipText reads over text that a zero byte ends.
func (d *Decoder) skipText() error {
	for range maxHeaderText {
		b, err := d.headerBytes(1)
		if err != nil {
			return err
		}
		if b[0] == 0 {
			return nil
		}
	}
	return d.failure(ErrCorrupt, fmt.Sprintf("name or comment in the header exceeds %d bytes", maxHeaderText))
}

// readGzipTrailer compares checksum and length (RFC 1952 section 2.3.1) and
// returns io.EOF if both agree.
func (d *Decoder) readGzipTrailer() error {
	b, err := d.take(8)
	if err != nil {
		return err
	}
	crc, size := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if crc != d.crc && !d.skipChecksum {
		return d.failure(ErrChecksum, fmt.Sprintf("CRC-32 of the data is %08x, the trailer says %08x", d.crc, crc))
	}
	if size != uint32(d.member) {
		return d.failure(ErrChecksum, fmt.Sprintf("length of the data modulo 2^32 is %d, the trailer says %d", uint32(d.member), size))
	}
	return io.EOF
}
