package cloudtrail

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// counted is an input that counts how often it is opened.
func counted(data string, opened *int) Input {
	return Input{Name: "f", OneMember: true, Hash: true, Open: func() (io.ReadCloser, error) {
		*opened++
		return io.NopCloser(strings.NewReader(data)), nil
	}}
}

func TestHash(t *testing.T) {
	const file = `{"Records":[` + recA + `,` + recB + `]}`
	long := `{"Records":[` + recA + strings.Repeat(","+recB, 10_000) + `]}` // several windows
	noise := make([]byte, 3*windowSize)
	random := rand.New(rand.NewPCG(1, 1))
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	wrongSum := []byte(gzipped(t, file))
	wrongSum[len(wrongSum)-8] ^= 1
	tests := []struct {
		name    string
		data    string
		content string // whose hash is wanted, "" for none
		opened  int
	}{
		{"a log", gzipped(t, file), file, 1},
		{"a log of several windows", gzipped(t, long), long, 1},
		{"white space behind the JSON counts", gzipped(t, file+"\n \n"), file + "\n \n", 1},
		{"other text behind the JSON counts", gzipped(t, file+"appended"), file + "appended", 1},
		{"windows of it too", gzipped(t, file+string(noise)), file + string(noise), 1},
		{"what follows a broken record counts", gzipped(t, `{"Records":[{"eventName":}`+string(noise)), `{"Records":[{"eventName":}` + string(noise), 1},
		{"what is no log has a hash", gzipped(t, string(noise)), string(noise), 1},
		{"half a file, compressed as such", gzipped(t, file[:80]), file[:80], 1},
		{"a record that is skipped for its size", gzipped(t, `{"Records":[{"eventName":"`+strings.Repeat("x", DefaultMaxRecord)+`"}]}`),
			`{"Records":[{"eventName":"` + strings.Repeat("x", DefaultMaxRecord) + `"}]}`, 1},
		{"a second member", gzipped(t, file) + gzipped(t, file), "", 1},
		{"a second member behind a broken record", gzipped(t, `{"Records":[{"eventName":}`) + gzipped(t, file), "", 1},
		{"a second member far behind a broken record", gzipped(t, `{"Records":[{"eventName":}`+string(noise)) + gzipped(t, file), "", 1},
		{"other bytes behind the member", gzipped(t, file) + "appended", "", 2},
		{"cut", gzipped(t, long)[:200], "", 2},
		{"a wrong checksum", string(wrongSum), "", 2},
		{"a wrong checksum behind a broken record", func() string {
			z := []byte(gzipped(t, `{"Records":[{"eventName":}`))
			z[len(z)-8] ^= 1
			return string(z)
		}(), "", 2},
		{"plain text is not what CloudTrail stores", file, "", 1},
		{"nothing", "", "", 1},
		{"gzip of nothing has the hash of nothing", gzipped(t, ""), "nothing", 1},
	}
	r := newReader(t, Options{}, "eventName")
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			var want [sha256.Size]byte
			switch c.content {
			case "":
			case "nothing":
				want = sha256.Sum256(nil)
			default:
				want = sha256.Sum256([]byte(c.content))
			}
			opened := 0
			in := counted(c.data, &opened)
			got, stats := names(t, r, in)
			if stats.SHA256 != want {
				t.Errorf("SHA-256: got %x, want %x", stats.SHA256, want)
			}
			if opened != c.opened {
				t.Errorf("opened %d times, want %d", opened, c.opened)
			}
			in.Hash = false
			unhashed, plain := names(t, r, in)
			if diff := cmp.Diff(unhashed, got); diff != "" {
				t.Errorf("records (-not hashed +hashed)\n%s", diff)
			}
			if diff := cmp.Diff(problems(plain), problems(stats)); diff != "" {
				t.Errorf("problems (-not hashed +hashed)\n%s", diff)
			}
			if plain.SHA256 != [sha256.Size]byte{} {
				t.Errorf("got SHA-256 %x although nobody asked", plain.SHA256)
			}
		})
	}
}

func TestHashOfWhatTheStandardLibraryReads(t *testing.T) {
	var b strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&b, `{"eventID":"%08x","eventName":"%d"}`, uint32(i)*2654435761, i)
	}
	zipped := gzipped(t, b.String())
	tests := []struct {
		name          string
		first, second string
		want          [sha256.Size]byte
	}{
		{"our decoder was in doubt, the other was not", zipped[:len(zipped)/2], zipped, sha256.Sum256([]byte(b.String()))},
		{"the second reading finds less", zipped[:len(zipped)/2], gzipped(t, `{"eventName":"x"}`), [sha256.Size]byte{}},
		{"the second reading finds a second member", zipped[:len(zipped)/2], zipped + zipped, [sha256.Size]byte{}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			opened := 0
			in := Input{Name: "f", OneMember: true, Hash: true, Open: func() (io.ReadCloser, error) {
				if opened++; opened == 1 {
					return io.NopCloser(strings.NewReader(c.first)), nil
				}
				return io.NopCloser(strings.NewReader(c.second)), nil
			}}
			if _, stats := names(t, newReader(t, Options{}, "eventName"), in); stats.SHA256 != c.want {
				t.Errorf("SHA-256: got %x, want %x", stats.SHA256, c.want)
			}
		})
	}
}

func TestWhatWasNotReadHasNoHash(t *testing.T) {
	long := `{"Records":[` + recA + strings.Repeat(","+recB, 10_000) + `]}` // several windows
	opened := 0
	enough := errors.New("enough")
	stats := newReader(t, Options{}, "eventName").Read(t.Context(), counted(gzipped(t, long), &opened), func(*Record) error { return enough })
	if stats.SHA256 != [sha256.Size]byte{} || stats.Err != enough {
		t.Errorf("stopped by the taker: got SHA-256 %x and error %v, want none and his", stats.SHA256, stats.Err)
	}
}

func TestSeveralMembersHaveNoHash(t *testing.T) {
	const file = `{"Records":[` + recA + `,` + recB + `]}`
	in := text(gzipped(t, file) + gzipped(t, file))
	in.Hash = true
	got, stats := names(t, newReader(t, Options{}, "eventName"), in)
	if len(got) != 4 || stats.SHA256 != [sha256.Size]byte{} {
		t.Errorf("got %d records and SHA-256 %x, want the 4 of both members and none", len(got), stats.SHA256)
	}
}
