package ledger_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/ledger"
)

// bundle makes one of the entries from first on; drop removes payloads.
func (b *book) bundle(first int64, drop bool) []byte {
	b.t.Helper()
	var out bytes.Buffer
	w := ledger.NewBundle(&out, origin, []string{b.public}, time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC), first)
	for n := first; n < int64(len(b.leaves)); n++ {
		r, err := ledger.NewReceipt(n, b.head, b.signed, b)
		if err != nil {
			b.t.Fatal(err)
		}
		beside := b.beside[n]
		if drop {
			beside = beside[:1]
		}
		if err := w.Add(b.leaves[n], r, beside); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := w.Put("README.txt", []byte("Evidence.\n")); err != nil {
		b.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		b.t.Fatal(err)
	}
	return out.Bytes()
}

func check(t *testing.T, text []byte, trusted ...string) *ledger.Verdict {
	t.Helper()
	v, err := ledger.CheckBundle(bytes.NewReader(text), int64(len(text)), trusted)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestABundleIsCheckedWithoutItsServer(t *testing.T) {
	b := newBook(t)
	b.add(9)
	text := b.bundle(4, false)
	v := check(t, text, b.public)
	if len(v.Faults) > 0 || v.Count != 5 || v.First != 4 || v.OwnKeys || v.Erased != 0 || v.Head != b.head || !slices.Equal(v.Others, []string{"README.txt"}) {
		t.Errorf("got %+v", v)
	}
	if readme, err := v.Read("README.txt"); err != nil || string(readme) != "Evidence.\n" {
		t.Errorf("README.txt: got %q, %v", readme, err)
	}
	if !bytes.Equal(text, b.bundle(4, false)) {
		t.Error("equal content makes other bytes")
	}
	if v := check(t, text); !v.OwnKeys || len(v.Faults) > 0 {
		t.Errorf("without a key from elsewhere: got %+v, want own keys", v)
	}
	if v := check(t, text, newBook(t).public); len(v.Faults) == 0 || v.Count != 0 {
		t.Errorf("with a stranger's key: got %d entries proven", v.Count)
	}
	if v := check(t, b.bundle(4, true), b.public); v.Erased != 5 || len(v.Faults) > 0 {
		t.Errorf("an erased payload: got %d, %v", v.Erased, v.Faults)
	}
}

func TestEveryFlippedByteOfABundleIsFound(t *testing.T) {
	b := newBook(t)
	b.add(3)
	text := b.bundle(0, false)
	for i := range text {
		text[i] ^= 1
		v, err := ledger.CheckBundle(bytes.NewReader(text), int64(len(text)), []string{b.public})
		if err == nil && len(v.Faults) == 0 {
			t.Errorf("byte %d of %d: nothing was found", i, len(text))
		}
		text[i] ^= 1
	}
	for _, cut := range []int{1, len(text) / 2, len(text) - 1} {
		if v, err := ledger.CheckBundle(bytes.NewReader(text[:cut]), int64(cut), nil); err == nil && len(v.Faults) == 0 {
			t.Errorf("cut at byte %d: nothing was found", cut)
		}
	}
	if v, err := ledger.CheckBundle(bytes.NewReader(append(text, 0)), int64(len(text)+1), nil); err == nil && len(v.Faults) == 0 {
		t.Error("a byte more: nothing was found")
	}
}

// A byte of an entry, its receipt or its payload is reported with the entry's number.
func TestAFaultOfABundleNamesItsEntry(t *testing.T) {
	b := newBook(t)
	b.add(3)
	for _, part := range []string{`"subject":"EX-1"`, "because 1", "index 1\n"} {
		text := b.bundle(0, false)
		at := bytes.Index(text, []byte(part))
		text[at+2] ^= 1
		v, err := ledger.CheckBundle(bytes.NewReader(text), int64(len(text)), []string{b.public})
		if err != nil || len(v.Faults) == 0 || !strings.HasPrefix(v.Faults[0].Error(), "ledger: entry 1: ") {
			t.Errorf("%q: got %v, %+v, want a fault of entry 1", part, err, v)
		}
	}
}

func TestWhatIsNoBundleIsRefused(t *testing.T) {
	for name, text := range map[string][]byte{"nothing": nil, "text": []byte("no zip"), "another zip": emptyZip()} {
		if _, err := ledger.CheckBundle(bytes.NewReader(text), int64(len(text)), nil); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

func emptyZip() []byte { return append([]byte("PK\x05\x06"), make([]byte, 18)...) }

func TestABundleHasNoGap(t *testing.T) {
	b := newBook(t)
	b.add(3)
	w := ledger.NewBundle(&bytes.Buffer{}, origin, []string{b.public}, time.Now(), 0)
	r, err := ledger.NewReceipt(1, b.head, b.signed, b)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Add(b.leaves[1], r, b.beside[1]); err == nil || !strings.Contains(err.Error(), "want 0 next") {
		t.Errorf("entry 0 left out: got %v", err)
	}
}

func FuzzCheckBundle(f *testing.F) {
	b := newBook(f)
	b.add(2)
	f.Add(b.bundle(0, false))
	f.Add(emptyZip())
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := ledger.CheckBundle(bytes.NewReader(text), int64(len(text)), nil)
		if err == nil && v == nil {
			t.Error("neither a verdict nor an error")
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	b := newBook(f)
	b.add(5)
	r, err := ledger.NewReceipt(2, b.head, b.signed, b)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.Marshal())
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := ledger.ParseReceipt(text); err == nil {
			again, err := ledger.ParseReceipt(r.Marshal())
			if err != nil || again.Index != r.Index || len(again.Proof) != len(r.Proof) || !bytes.Equal(again.Checkpoint, r.Checkpoint) {
				t.Errorf("%q does not come back: %v", text, err)
			}
		}
	})
}

func FuzzParseEntry(f *testing.F) {
	b := newBook(f)
	b.add(1)
	f.Add(b.leaves[0])
	f.Fuzz(func(t *testing.T, text []byte) {
		bothReadTheSame(t, text)
		e, err := ledger.ParseEntry(text)
		if err != nil {
			return
		}
		if again, err := e.Leaf(); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%q is not the only form of its entry: %q, %v", text, again, err)
		}
	})
}
