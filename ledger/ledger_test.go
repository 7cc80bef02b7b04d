package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/ledger"
)

const origin = "rootkeep.example/ledger"

// book is a log in memory.
type book struct {
	t       testing.TB
	leaves  [][]byte
	hashes  []tlog.Hash
	beside  [][]ledger.Payload
	head    ledger.Checkpoint
	private string
	public  string
	signed  []byte
}

func newBook(t testing.TB) *book {
	t.Helper()
	private, public, err := ledger.NewKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	return &book{t: t, head: ledger.Checkpoint{Origin: origin}, private: private, public: public}
}

func (b *book) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, n := range indexes {
		if n >= int64(len(b.hashes)) {
			return nil, fmt.Errorf("no hash %d", n)
		}
		out[i] = b.hashes[n]
	}
	return out, nil
}

func (b *book) leaf(n int64) ([]byte, error) { return b.leaves[n], nil }

func (b *book) hash(n int64) (tlog.Hash, error) { return b.hashes[n], nil }

// add appends n entries at once.
func (b *book) add(n int) {
	b.t.Helper()
	var leaves [][]byte
	for range n {
		i := len(b.leaves) + len(leaves)
		p := []ledger.Payload{ledger.NewPayload("reason", fmt.Appendf(nil, "because %d", i)), ledger.NewPayload("who", []byte("somebody"))}
		e := &ledger.Entry{
			Type: "exception.approved", Subject: fmt.Sprintf("EX-%d", i), Actor: "user/1", Time: time.Date(2026, 11, 1, 0, 0, i, 0, time.UTC),
			Payloads: []ledger.Digest{p[0].Digest(), p[1].Digest()},
		}
		leaf, err := e.Leaf()
		if err != nil {
			b.t.Fatal(err)
		}
		leaves, b.beside = append(leaves, leaf), append(b.beside, p)
	}
	a, err := ledger.Append(b.head, leaves, b)
	if err != nil {
		b.t.Fatal(err)
	}
	if a.First != int64(len(b.hashes)) {
		b.t.Fatalf("hashes from %d on, want %d", a.First, len(b.hashes))
	}
	b.leaves, b.hashes, b.head = append(b.leaves, leaves...), append(b.hashes, a.Hashes...), a.Head
	b.sign()
}

func (b *book) sign() {
	b.t.Helper()
	s, err := ledger.Signer(b.private)
	if err != nil {
		b.t.Fatal(err)
	}
	if b.signed, err = b.head.Sign(s); err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) known() note.Verifiers {
	b.t.Helper()
	v, err := ledger.Known(b.public)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// The tree is that of RFC 6962 whatever the sizes of batches: equal to the head that is
// defined by recursion over the leaves.
func TestTheHeadIsThatOfRFC6962(t *testing.T) {
	b := newBook(t)
	for _, n := range []int{1, 1, 2, 5, 64, 3, 200} {
		b.add(n)
		if want := naive(b.leaves); b.head.Root != want || b.head.Size != int64(len(b.leaves)) {
			t.Errorf("%d entries: got %v, want %v", len(b.leaves), b.head.Root, want)
		}
	}
}

// naive is MTH of RFC 6962, section 2.1.
func naive(leaves [][]byte) tlog.Hash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	l, r := naive(leaves[:k]), naive(leaves[k:])
	return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
}

func TestAReceiptProvesItsEntryAndNoOther(t *testing.T) {
	b := newBook(t)
	b.add(77)
	for n := range int64(77) {
		r, err := ledger.NewReceipt(n, b.head, b.signed, b)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ledger.ParseReceipt(r.Marshal())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := back.Verify(b.leaves[n], origin, b.known()); err != nil {
			t.Errorf("entry %d: %v", n, err)
		}
		if _, err := back.Verify(b.leaves[(n+1)%77], origin, b.known()); err == nil {
			t.Errorf("entry %d: the receipt proves another leaf", n)
		}
		if _, err := back.Verify(b.leaves[n], "other.example", b.known()); err == nil {
			t.Errorf("entry %d: the receipt is of another log", n)
		}
		if _, err := back.Verify(b.leaves[n], origin, newBook(t).known()); err == nil {
			t.Errorf("entry %d: signed by a key that is not known", n)
		}
	}
}

func TestALaterLogExtendsAnEarlierOne(t *testing.T) {
	b := newBook(t)
	heads := []ledger.Checkpoint{b.head}
	for range 12 {
		b.add(7)
		heads = append(heads, b.head)
	}
	for i, older := range heads {
		for _, newer := range heads[i:] {
			p, err := ledger.Extends(older, newer, b)
			if err != nil {
				t.Fatal(err)
			}
			if err := ledger.CheckExtends(older, newer, p); err != nil {
				t.Error(err)
			}
			if older.Size == 0 {
				continue
			}
			forged := older
			forged.Root[3] ^= 1
			if err := ledger.CheckExtends(forged, newer, p); err == nil {
				t.Errorf("%d and %d entries: a rewritten history passes", older.Size, newer.Size)
			}
		}
	}
	if err := ledger.CheckExtends(heads[2], heads[1], nil); err == nil {
		t.Error("a shorter log extends a longer one")
	}
}

func TestEveryFlippedByteOfTheStoreIsNamedByItsEntry(t *testing.T) {
	b := newBook(t)
	b.add(21)
	if err := ledger.Check(b.head, b.leaf, b.hash); err != nil {
		t.Fatal(err)
	}
	fault := func(what string, want int64) {
		t.Helper()
		var f *ledger.Fault
		if err := ledger.Check(b.head, b.leaf, b.hash); !errors.As(err, &f) || f.Entry != want {
			t.Errorf("%s: got %v, want a fault of entry %d", what, err, want)
		}
	}
	for n := range b.leaves {
		for i := range b.leaves[n] {
			b.leaves[n][i] ^= 0x20
			fault(fmt.Sprintf("byte %d of entry %d", i, n), int64(n))
			b.leaves[n][i] ^= 0x20
		}
	}
	for n := range int64(21) {
		for i := tlog.StoredHashIndex(0, n); i < tlog.StoredHashCount(n+1); i++ {
			b.hashes[i][n%32] ^= 1
			fault(fmt.Sprintf("hash %d", i), n)
			b.hashes[i][n%32] ^= 1
		}
	}
	b.head.Root[0] ^= 1
	fault("the head", -1)
}

func TestTheCanonicalFormIsTheOnlyOne(t *testing.T) {
	e := &ledger.Entry{Type: "scan.done", Subject: "SC-1", Actor: "system", Time: time.Date(2026, 11, 1, 12, 0, 0, 5e6, time.UTC)}
	leaf, err := e.Leaf()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"actor":"system","payloads":{},"schema":1,"subject":"SC-1","time":"2026-11-01T12:00:00.005Z","type":"scan.done"}`
	if string(leaf) != want {
		t.Errorf("got %s, want %s", leaf, want)
	}
	for name, text := range map[string]string{
		"another order":    `{"type":"scan.done","actor":"system","payloads":{},"schema":1,"subject":"SC-1","time":"2026-11-01T12:00:00.005Z"}`,
		"white space":      strings.Replace(want, `":`, `": `, 1),
		"a member twice":   strings.Replace(want, `"schema":1`, `"schema":1,"schema":1`, 1),
		"an unknown one":   strings.Replace(want, `"schema":1`, `"more":1,"schema":1`, 1),
		"another time":     strings.Replace(want, ".005Z", ".0050Z", 1),
		"an escape":        strings.Replace(want, "system", `s\u0079stem`, 1),
		"a hostile actor":  strings.Replace(want, "system", `s\u001bystem`, 1),
		"trailing text":    want + "\n",
		"a newer schema":   strings.Replace(want, `"schema":1`, `"schema":2`, 1),
		"no digest":        strings.Replace(want, `{}`, `{"a":"YQ=="}`, 1),
		"payloads missing": strings.Replace(want, `"payloads":{}`, `"payloads":null`, 1),
	} {
		if _, err := ledger.ParseEntry([]byte(text)); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
}

func TestAKeyIsRolledOverWithTwoSignatures(t *testing.T) {
	b := newBook(t)
	b.add(3)
	private, public, err := ledger.NewKey(origin)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := ledger.Signer(b.private)
	second, _ := ledger.Signer(private)
	signed, err := b.head.Sign(first, second)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{b.public, public} {
		known, err := ledger.Known(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ledger.OpenCheckpoint(signed, origin, known); err != nil {
			t.Errorf("one of two keys: %v", err)
		}
	}
	if _, err := ledger.OpenCheckpoint(bytes.Replace(signed, []byte("\n3\n"), []byte("\n4\n"), 1), origin, b.known()); err == nil {
		t.Error("an edited checkpoint passes")
	}
}

// bothReadTheSame checks that what reads leaves quickly takes no text that decoding JSON
// refuses, and reads the same in what it takes.
func bothReadTheSame(t interface{ Errorf(string, ...any) }, text []byte) (taken bool) {
	quick := ledger.ScanEntry(string(text))
	slow, err := ledger.DecodeEntry(text)
	if quick != nil && (err != nil || !cmp.Equal(quick, slow)) {
		t.Errorf("%q: got %+v, want %+v, %v", text, quick, slow, err)
	}
	return quick != nil
}

func TestLeavesAreReadQuicklyAsTheyAreDecoded(t *testing.T) {
	words := rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,20}`)
	lot.Check(t, func(t *rapid.T) {
		e := &ledger.Entry{Type: words.Draw(t, "type"), Subject: words.Draw(t, "subject"), Actor: words.Draw(t, "actor"),
			Time: time.UnixMilli(rapid.Int64Range(946684800000, 253402300799999).Draw(t, "time")).UTC()}
		for _, name := range rapid.SliceOfNDistinct(words, 0, 4, rapid.ID).Draw(t, "payloads") {
			e.Payloads = append(e.Payloads, ledger.NewPayload(name, []byte(name)).Digest())
		}
		leaf, err := e.Leaf()
		if err != nil {
			t.Fatal(err)
		}
		if !bothReadTheSame(t, leaf) {
			t.Errorf("%s is not read quickly", leaf)
		}
		at := rapid.IntRange(0, len(leaf)-1).Draw(t, "place")
		change := rapid.SampledFrom([]string{"", `"`, ",", "{", "}", "0", "9", ".", " ", "Z", "=", "\n", "é", `\u0041`, string(leaf[at]) + string(leaf[at]), string(leaf[at] ^ 1)}).Draw(t, "change")
		bothReadTheSame(t, slices.Concat(leaf[:at], []byte(change), leaf[at+1:]))
		bothReadTheSame(t, leaf[:at])
		bothReadTheSame(t, slices.Concat(leaf, leaf[at:]))
	})
}
