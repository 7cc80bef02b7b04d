package ledger_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/ledger"
)

// zipOf packs files, each a name and a text, compressed by a method.
func zipOf(t testing.TB, method uint16, files ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f[0], Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// overlapping is a zip of many files that are all the same bytes of it.
func overlapping(n, size int) []byte {
	var b bytes.Buffer
	body := bytes.Repeat([]byte("x"), size)
	sum := crc32.ChecksumIEEE(body)
	header := func(signature uint32, name string, central bool) {
		le := binary.LittleEndian
		h := le.AppendUint32(nil, signature)
		if central {
			h = le.AppendUint16(h, 20)
		}
		h = append(h, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		h = le.AppendUint32(h, sum)
		h = le.AppendUint32(h, uint32(size))
		h = le.AppendUint32(h, uint32(size))
		h = le.AppendUint16(h, uint16(len(name)))
		h = le.AppendUint16(h, 0)
		if central {
			h = append(h, make([]byte, 14)...) // all at offset 0
		}
		b.Write(append(h, name...))
	}
	header(0x04034b50, "0000000", false)
	b.Write(body)
	start := b.Len()
	for i := range n {
		header(0x02014b50, fmt.Sprintf("%07d", i), true)
	}
	le := binary.LittleEndian
	end := le.AppendUint32(nil, 0x06054b50)
	end = append(end, 0, 0, 0, 0)
	end = le.AppendUint16(end, uint16(n))
	end = le.AppendUint16(end, uint16(n))
	end = le.AppendUint32(end, uint32(b.Len()-start))
	end = le.AppendUint32(end, uint32(start))
	b.Write(append(end, 0, 0))
	return b.Bytes()
}

func TestAHostileZipIsRefused(t *testing.T) {
	b := newBook(t)
	const manifest = `{"schema":"rootkeep/bundle/1","origin":"o","keys":["%s"],"created":"2026-11-26T12:00:00Z","first":0,"entries":[%s],"files":[]}`
	many := fmt.Sprintf(manifest, b.public, strings.Repeat("{},", 2_000_000)+"{}")
	for name, text := range map[string][]byte{
		"a name with ..":                       zipOf(t, zip.Store, [2]string{"../evil", "x"}),
		"an absolute name":                     zipOf(t, zip.Store, [2]string{"/etc/passwd", "x"}),
		"a name of Windows":                    zipOf(t, zip.Store, [2]string{`a\..\b`, "x"}),
		"a drive":                              zipOf(t, zip.Store, [2]string{`C:evil`, "x"}),
		"a name that a terminal obeys":         zipOf(t, zip.Store, [2]string{"\x1b[2J", "x"}),
		"a name of a thousand letters":         zipOf(t, zip.Store, [2]string{strings.Repeat("n", 1000), "x"}),
		"a folder":                             zipOf(t, zip.Store, [2]string{"folder/", ""}),
		"a name twice":                         zipOf(t, zip.Store, [2]string{"a", "x"}, [2]string{"a", "y"}),
		"a bomb":                               zipOf(t, zip.Deflate, [2]string{"manifest.json", strings.Repeat(" ", 64<<20)}),
		"files that lie one in another":        overlapping(50_000, 1<<20),
		"a manifest of two million entries":    zipOf(t, zip.Store, [2]string{"manifest.json", many}),
		"a manifest of two million small keys": zipOf(t, zip.Store, [2]string{"manifest.json", `{"keys":[` + strings.Repeat(`"",`, 2_000_000) + `""]}`}),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			v, err := ledger.CheckBundle(bytes.NewReader(text), int64(len(text)), nil)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Fatalf("got %+v, want a refusal", v)
			}
			if took, used := time.Since(start), after.TotalAlloc-before.TotalAlloc; took > 2*time.Minute || used > 200<<20 {
				t.Errorf("refused after %s and %d MiB", took, used>>20)
			}
			if strings.ContainsRune(err.Error(), '\x1b') {
				t.Errorf("the error holds an escape: %q", err)
			}
		})
	}
}

func TestManyFaultsEnd(t *testing.T) {
	b := newBook(t)
	b.add(3)
	var files [][2]string
	for i := range 4000 {
		files = append(files, [2]string{fmt.Sprintf("f%d", i), ""})
	}
	files = append(files, [2]string{"manifest.json", fmt.Sprintf(`{"schema":"rootkeep/bundle/1","origin":"o","keys":["%s"],"created":"2026-11-26T12:00:00Z","first":0,"entries":[%s{}],"files":[]}`, b.public, strings.Repeat("{},", 50_000))})
	text := zipOf(t, zip.Store, files...)
	v, err := ledger.CheckBundle(bytes.NewReader(text), int64(len(text)), nil)
	if err != nil || len(v.Faults) == 0 || len(v.Faults) > 5100 {
		t.Errorf("got %v and %d faults", err, len(v.Faults))
	}
}

// whole is a bundle with everything in it: a period, a change of keys, anchors.
func (b *book) whole(from, to time.Time, change func(*ledger.Bundle)) []byte {
	b.t.Helper()
	var out bytes.Buffer
	w := ledger.NewBundle(&out, origin, []string{b.public}, time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC), 3)
	w.Covers(from, to)
	for n := int64(3); n < 9; n++ {
		r, err := ledger.NewReceipt(n, b.head, b.signed, b)
		if err == nil && (n == 3 || n == 8) {
			err = w.AddBorder(b.leaves[n], r)
		} else if err == nil {
			err = w.Add(b.leaves[n], r, b.beside[n])
		}
		if err != nil {
			b.t.Fatal(err)
		}
	}
	if err := w.PutHead(b.signed); err != nil {
		b.t.Fatal(err)
	}
	if change != nil {
		change(w)
	}
	if err := w.Close(); err != nil {
		b.t.Fatal(err)
	}
	return out.Bytes()
}

// second is the time of an entry of a book.
func second(n int) time.Time { return time.Date(2026, 11, 1, 0, 0, n, 0, time.UTC) }

func TestAPeriodIsWholeOrSaysNot(t *testing.T) {
	b := newBook(t)
	b.add(12)
	if v := check(t, b.whole(second(4), second(8), nil), b.public); len(v.Faults) > 0 || v.Period == nil || v.Count != 6 || !v.Entries[0].Border || v.Entries[1].Border {
		t.Errorf("got %+v", v)
	}
	for name, span := range map[string][2]int{
		"an entry before is left out":   {3, 8},
		"an entry after is left out":    {4, 9},
		"an entry is not of the period": {5, 8},
		"and at the end":                {4, 7},
	} {
		if v := check(t, b.whole(second(span[0]), second(span[1]), nil), b.public); len(v.Faults) == 0 || v.Period != nil {
			t.Errorf("%s: got %+v", name, v)
		}
	}
}

func TestAnchorsOfABundle(t *testing.T) {
	b := newBook(t)
	b.add(5)
	older, olderSigned := b.head, b.signed
	b.add(7)
	anchored := func(a ledger.Anchor, signed []byte, edit func(older ledger.Checkpoint) ledger.Checkpoint) func(*ledger.Bundle) {
		return func(w *ledger.Bundle) {
			proof, err := ledger.Extends(edit(older), b.head, b)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.AddAnchor(a, signed, []byte("proof"), proof); err != nil {
				t.Fatal(err)
			}
		}
	}
	same := func(c ledger.Checkpoint) ledger.Checkpoint { return c }
	a := ledger.Anchor{Place: "paper", Kind: "file", Size: 5, At: second(6)}
	v := check(t, b.whole(second(4), second(8), anchored(a, olderSigned, same)), b.public)
	if len(v.Faults) > 0 || len(v.Anchors) != 1 || string(v.Anchors[0].Proof) != "proof" || v.Anchors[0].Size != 5 {
		t.Errorf("got %+v", v)
	}
	wrong := a
	wrong.Size = 6
	if v := check(t, b.whole(second(4), second(8), anchored(wrong, olderSigned, same)), b.public); len(v.Faults) == 0 {
		t.Error("an anchor of another size is taken")
	}
	if v := check(t, b.whole(second(4), second(8), anchored(a, olderSigned, func(c ledger.Checkpoint) ledger.Checkpoint { c.Size = 4; return c })), b.public); len(v.Faults) == 0 {
		t.Error("a proof from another size is taken")
	}
	// A log that was written anew has the anchor of another history.
	other := newBook(t)
	other.private, other.public = b.private, b.public
	other.add(5)
	if v := check(t, b.whole(second(4), second(8), anchored(a, other.signed, same)), b.public); len(v.Faults) == 0 || !strings.Contains(v.Faults[0].Error(), "paper") {
		t.Errorf("another history's anchor: got %v", v.Faults)
	}
	before := *b
	b.add(3)
	newer := ledger.Anchor{Place: "paper", Kind: "file", Size: 15}
	text := before.whole(second(4), second(8), func(w *ledger.Bundle) {
		if err := w.AddAnchor(newer, b.signed, nil, nil); err != nil {
			t.Fatal(err)
		}
	})
	if v := check(t, text, b.public); len(v.Faults) == 0 || !strings.Contains(v.Faults[0].Error(), "rolled back") {
		t.Errorf("an anchor newer than the head: got %v", v.Faults)
	}
}

func TestANewKeyIsTrustedByTheOneBefore(t *testing.T) {
	b := newBook(t)
	b.add(2)
	private, public, err := ledger.NewKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	load := ledger.NewPayload(ledger.KeyPayload, []byte(public+"\n"))
	e := &ledger.Entry{Type: ledger.KeyEntry, Subject: "k", Actor: "system", Time: second(2), Payloads: []ledger.Digest{load.Digest()}}
	leaf, err := e.Leaf()
	if err != nil {
		t.Fatal(err)
	}
	a, err := ledger.Append(b.head, [][]byte{leaf}, b)
	if err != nil {
		t.Fatal(err)
	}
	b.leaves, b.hashes, b.head, b.beside = append(b.leaves, leaf), append(b.hashes, a.Hashes...), a.Head, append(b.beside, []ledger.Payload{load})
	b.sign()
	old := b.public
	receipt, err := ledger.NewReceipt(2, b.head, b.signed, b)
	if err != nil {
		t.Fatal(err)
	}
	b.private, b.public = private, public
	b.add(9)
	change := &ledger.KeyChange{Leaf: leaf, Verifier: load, Receipt: receipt}
	with := func(k *ledger.KeyChange) func(*ledger.Bundle) {
		return func(w *ledger.Bundle) {
			if err := w.AddChange(k); err != nil {
				t.Fatal(err)
			}
		}
	}
	if v := check(t, b.whole(second(4), second(8), nil), old); len(v.Faults) == 0 {
		t.Error("without the change of keys the new key is trusted")
	}
	if v := check(t, b.whole(second(4), second(8), with(change)), old); len(v.Faults) > 0 || len(v.Keys) != 2 {
		t.Errorf("got %v, keys %v", v.Faults, v.Keys)
	}
	self, err := ledger.NewReceipt(2, b.head, b.signed, b) // signed by the new key alone
	if err != nil {
		t.Fatal(err)
	}
	if v := check(t, b.whole(second(4), second(8), with(&ledger.KeyChange{Leaf: leaf, Verifier: load, Receipt: self})), old); len(v.Faults) == 0 {
		t.Error("a key that nobody but itself stands behind is trusted")
	}
	other := load
	other.Data = []byte(newBook(t).public)
	if v := check(t, b.whole(second(4), second(8), with(&ledger.KeyChange{Leaf: leaf, Verifier: other, Receipt: receipt})), old); len(v.Faults) == 0 {
		t.Error("a key that the entry does not name is trusted")
	}
	if ids := ledger.SignedBy(b.signed); len(ids) != 1 || !strings.HasPrefix(ids[0], origin+"+") {
		t.Errorf("signed by: got %v", ids)
	}
}
