package wire

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/lot"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	lot.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOf(rapid.SampledFrom([]string{"", "a", "arn:aws:iam::111122223333:root", "\x00", "ä"})).Draw(t, "texts")
		ids := rapid.SliceOf(rapid.SampledFrom([]string{"", "odd", "0b8f4a70-1de5-4c1c-9e52-6f1a3b7c8d9e", "0B8F4A70-1DE5-4C1C-9E52-6F1A3B7C8D9E"})).Draw(t, "ids")
		number, signed, x := rapid.Uint64().Draw(t, "number"), rapid.Int64().Draw(t, "signed"), rapid.Float64().Draw(t, "float")
		w := NewWriter(7)
		w.Uint(number)
		w.Int(signed)
		w.Float(x)
		w.Len(len(texts))
		for i, text := range texts {
			w.Text(text)
			w.Bool(i%2 == 0)
		}
		var events []*rootkeep.Event
		for i, id := range ids {
			e := &rootkeep.Event{ID: id, Time: time.Unix(int64(i)-62135596800, 0).UTC(), Name: "X", Actor: rootkeep.Actor{ARN: "arn"}, Offset: int64(i)}
			events = append(events, e)
			w.Event(e)
			w.Event(e)
		}
		blob := rapid.SliceOf(rapid.Byte()).Draw(t, "blob")
		w.Text("again")
		w.Blob(blob)
		w.Text("again")
		w.Bool(true)
		r := NewReader(w.Bytes(), 7)
		if got := r.Uint(); got != number {
			t.Fatalf("number: got %d, want %d", got, number)
		}
		if got := r.Int(); got != signed {
			t.Fatalf("signed: got %d, want %d", got, signed)
		}
		if got := r.Float(); got != x {
			t.Fatalf("float: got %v, want %v", got, x)
		}
		if got := r.Len(); got != len(texts) {
			t.Fatalf("length: got %d, want %d", got, len(texts))
		}
		for i, text := range texts {
			if got, even := r.Text(), r.Bool(); got != text || even != (i%2 == 0) {
				t.Fatalf("text: got %q %t, want %q", got, even, text)
			}
		}
		for _, e := range events {
			got, again := r.Event(), r.Event()
			if diff := cmp.Diff(e, got); diff != "" {
				t.Fatalf("event (-want +got):\n%s", diff)
			}
			if got != again {
				t.Fatal("the same event is read twice, want one")
			}
		}
		if first, got, text := r.Text(), r.Blob(), r.Blob(); first != "again" || !bytes.Equal(got, blob) || string(text) != "again" || !r.Bool() {
			t.Fatalf("blob: got %q, want %q; then %q", got, blob, text)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestWhatIsNotWholeIsRefused(t *testing.T) {
	w := NewWriter(1)
	w.Text("a text")
	w.Event(&rootkeep.Event{ID: "e"})
	whole := w.Bytes()
	read := func(data []byte, version byte) error {
		r := NewReader(data, version)
		r.Text()
		r.Event()
		return r.Close()
	}
	if err := read(whole, 2); err != ErrVersion {
		t.Errorf("another version: got %v, want %v", err, ErrVersion)
	}
	if err := read(append(whole[:len(whole):len(whole)], 0), 1); err != ErrMalformed {
		t.Errorf("a byte too many: got %v, want %v", err, ErrMalformed)
	}
	for n := range whole {
		if err := read(whole[:n], 1); err != ErrMalformed {
			t.Errorf("%d of %d bytes: got %v, want %v", n, len(whole), err, ErrMalformed)
		}
	}
}

// FuzzReader reads hostile bytes as what the first bytes ask for.
func FuzzReader(f *testing.F) {
	w := NewWriter(1)
	w.Text("a")
	w.Event(&rootkeep.Event{ID: "0b8f4a70-1de5-4c1c-9e52-6f1a3b7c8d9e"})
	f.Add([]byte("tetelufibs"), w.Bytes())
	f.Fuzz(func(t *testing.T, asks, data []byte) {
		r := NewReader(data, 1)
		for _, ask := range asks {
			switch ask {
			case 't':
				r.Text()
			case 'e':
				r.Event()
			case 'l':
				if n := r.Len(); n > len(data) {
					t.Fatalf("length: got %d of %d bytes", n, len(data))
				}
			case 'u':
				r.Uint()
			case 'i':
				r.Int()
			case 'f':
				r.Float()
			case 'b':
				r.Bool()
			case 's':
				r.Small()
			}
		}
		if r.Close() == nil && len(r.data) > 0 {
			t.Fatal("bytes are left over without an error")
		}
	})
}
