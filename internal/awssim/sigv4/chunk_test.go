package sigv4

import (
	"bytes"
	"errors"
	"testing"
)

// A trailer with a checksum follows unsigned chunks, as clients send over TLS.
func TestTrailersAreChecked(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       error
	}{
		{"the checksum is right", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", nil},
		{"two chunks", "2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", nil},
		{"the checksum is of something else", "5\r\nhallo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", ErrPayload},
		{"the checksum is missing", "5\r\nhello\r\n0\r\n\r\n", ErrIncomplete},
		{"another trailer than announced", "5\r\nhello\r\n0\r\nx-amz-meta-a:b\r\n\r\n", ErrIncomplete},
		{"a chunk is longer than it says", "4\r\nhello\r\n0\r\n\r\n", ErrIncomplete},
		{"the size is no number", "x\r\nhello\r\n", ErrIncomplete},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := chunkReader{signature: &Signature{}, trailer: "x-amz-checksum-crc32"}
			got, err := r.read([]byte(c.body), unsignedTrailer)
			if !errors.Is(err, c.want) || err == nil && !bytes.Equal(got, []byte("hello")) {
				t.Errorf("got %q and %v, want hello and %v", got, err, c.want)
			}
		})
	}
}

func TestChecksums(t *testing.T) {
	for name, value := range map[string]string{ // of the text 123456789, by openssl and the catalogue of CRC algorithms
		"x-amz-checksum-crc32": "y/Q5Jg==", "x-amz-checksum-crc32c": "4waSgw==", "x-amz-checksum-sha1": "98O8HYCOBHMq32eZZczDTKeuNEE=",
		"x-amz-checksum-sha256": "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
	} {
		if err := Checksum(name, value, []byte("123456789")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := Checksum(name, value, []byte("123456780")); !errors.Is(err, ErrPayload) {
			t.Errorf("%s of another text: got %v, want %v", name, err, ErrPayload)
		}
	}
	if err := Checksum("x-amz-checksum-crc64nvme", "", nil); !errors.Is(err, ErrIncomplete) {
		t.Errorf("an unknown checksum: got %v, want %v", err, ErrIncomplete)
	}
}
