package sigv4

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"
)

const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	streaming       = "STREAMING-"
	signedChunks    = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	signedTrailer   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// chunkReader takes the framing of aws-chunked off a body and checks the signature of
// every chunk and of the trailer.
type chunkReader struct {
	key       []byte
	signature *Signature
	previous  string // signature
	trailer   string // names of the headers that follow the last chunk
	rest      []byte
}

func (c *chunkReader) read(body []byte, payload string) ([]byte, error) {
	if payload != signedChunks && payload != signedTrailer && payload != unsignedTrailer {
		return nil, fmt.Errorf("%w: %s", ErrIncomplete, payload)
	}
	c.rest = body
	var out []byte
	for {
		chunk, signature, err := c.next()
		if err != nil {
			return nil, err
		}
		if payload != unsignedTrailer {
			if err := c.check("-PAYLOAD", hexSum(nil)+"\n"+hexSum(chunk), signature); err != nil {
				return nil, err
			}
		}
		if len(chunk) == 0 {
			break
		}
		out = append(out, chunk...)
	}
	if payload == signedChunks {
		return out, nil
	}
	return out, c.trailers(out, payload)
}

// next reads SIZE[;chunk-signature=...]\r\nDATA\r\n; the last chunk is empty.
func (c *chunkReader) next() (chunk []byte, signature string, err error) {
	head, rest, ok := bytes.Cut(c.rest, []byte("\r\n"))
	size, extension, _ := strings.Cut(string(head), ";")
	n, err := strconv.ParseUint(size, 16, 31)
	if !ok || err != nil || int(n) > len(rest) {
		return nil, "", fmt.Errorf("%w: chunk of an aws-chunked body", ErrIncomplete)
	}
	chunk, c.rest = rest[:n], rest[n:]
	if n > 0 {
		if c.rest, ok = bytes.CutPrefix(c.rest, []byte("\r\n")); !ok {
			return nil, "", fmt.Errorf("%w: a chunk is longer than it says", ErrIncomplete)
		}
	}
	return chunk, strings.TrimPrefix(extension, "chunk-signature="), nil
}

// check compares one signature of the chain; each covers the one before.
func (c *chunkReader) check(kind, digest, signature string) error {
	text := algorithm + kind + "\n" + c.signature.Time.Format(stamp) + "\n" + c.signature.scope() + "\n" + c.previous + "\n" + digest
	want := hex.EncodeToString(mac(c.key, text))
	if !hmac.Equal([]byte(want), []byte(signature)) {
		return fmt.Errorf("%w: chunk", ErrMismatch)
	}
	c.previous = signature
	return nil
}

// trailers checks the checksum that follows the last chunk and its signature.
func (c *chunkReader) trailers(body []byte, payload string) error {
	var signature string
	var signed strings.Builder
	for line := range strings.SplitSeq(string(c.rest), "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case line == "":
		case !ok:
			return fmt.Errorf("%w: trailer %q", ErrIncomplete, line)
		case name == "x-amz-trailer-signature":
			signature = value
		case name != c.trailer:
			return fmt.Errorf("%w: trailer %s is not announced", ErrIncomplete, name)
		default:
			signed.WriteString(name + ":" + value + "\n")
			if err := Checksum(name, value, body); err != nil {
				return err
			}
		}
	}
	if signed.Len() == 0 {
		return fmt.Errorf("%w: trailer %s is missing", ErrIncomplete, c.trailer)
	}
	if payload == unsignedTrailer {
		return nil
	}
	return c.check("-TRAILER", hexSum([]byte(signed.String())), signature)
}

// Checksum compares the value of a header such as x-amz-checksum-crc32 with the body.
func Checksum(name, value string, body []byte) error {
	var sum []byte
	switch name {
	case "x-amz-checksum-crc32":
		sum = binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
	case "x-amz-checksum-crc32c":
		sum = binary.BigEndian.AppendUint32(nil, crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	case "x-amz-checksum-sha1":
		s := sha1.Sum(body)
		sum = s[:]
	case "x-amz-checksum-sha256":
		s := sha256.Sum256(body)
		sum = s[:]
	default:
		return fmt.Errorf("%w: checksum %s is not known", ErrIncomplete, name)
	}
	if base64.StdEncoding.EncodeToString(sum) != value {
		return fmt.Errorf("%w: %s", ErrPayload, name)
	}
	return nil
}

// Checksums compares the checksums that a client sent with the body.
func Checksums(h http.Header, body []byte) error {
	for name := range h {
		lower := strings.ToLower(name)
		switch {
		case lower == "content-md5":
			if sum := md5.Sum(body); base64.StdEncoding.EncodeToString(sum[:]) != h.Get(name) {
				return errors.New("the Content-MD5 you specified did not match what we received")
			}
		case lower == "x-amz-checksum-mode", lower == "x-amz-checksum-algorithm", lower == "x-amz-checksum-type":
		case strings.HasPrefix(lower, "x-amz-checksum-"):
			if err := Checksum(lower, h.Get(name), body); err != nil {
				return err
			}
		}
	}
	return nil
}
