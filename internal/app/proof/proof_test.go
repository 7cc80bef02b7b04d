package proof_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/anchor"
	"github.com/rootkeep/rootkeep/internal/app/proof"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/anchors"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/timestamp/timestamptest"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
	"github.com/rootkeep/rootkeep/ledger"
)

const origin = "keep.example/ledger"

// book makes a store with a key file, of so many entries.
type book struct {
	*proof.Book
	t       *testing.T
	address string
}

// each runs a test on each database.
func each(t *testing.T, test func(t *testing.T, b *book)) {
	storetest.EachAddress(t, func(t *testing.T, address string) { test(t, newBook(t, address)) })
}

func newBook(t *testing.T, address string) *book {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.key")
	keys, err := keyfile.Create(path, origin)
	if err != nil {
		t.Fatal(err)
	}
	signers, err := keys.Signers()
	if err != nil {
		t.Fatal(err)
	}
	known, err := keys.Known()
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), address, store.Options{Origin: origin, Signers: signers, Known: known, Migrate: true, Now: time.Now})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	b := &book{t: t, address: address}
	b.open(path)
	return b
}

func (b *book) open(path string) {
	b.t.Helper()
	opened, err := proof.Open(b.t.Context(), proof.Config{Store: b.address, KeyFile: path, Now: time.Now})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Book = opened
	b.t.Cleanup(func() { _ = opened.Close() }) // a change of keys closed it before
}

func (b *book) add(n int) {
	b.t.Helper()
	for range n {
		if err := b.Store.Update(b.t.Context(), func(_ context.Context, tx *store.Tx) error {
			return tx.Record("test.made", "TE-1", "system", ledger.NewPayload("body", []byte("text")))
		}); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *book) verify(places ...proof.Place) *proof.Verified {
	b.t.Helper()
	v, err := b.Verify(b.t.Context(), proof.VerifyConfig{Places: places})
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

func (b *book) bundle(from, to time.Time) []byte {
	b.t.Helper()
	var out bytes.Buffer
	if _, err := proof.Evidence(b.t.Context(), b.Store, proof.Export{Keys: b.Keys.Verifier, From: from, To: to}, &out); err != nil {
		b.t.Fatal(err)
	}
	return out.Bytes()
}

func checked(text []byte, keys ...string) *evidence.Report {
	return proof.CheckBundle(context.Background(), bytes.NewReader(text), int64(len(text)), keys, evidence.Trust{})
}

func TestAChangeOfKeysThatIsCutOffGoesOn(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		b.add(2)
		old := b.Keys.Verifier[0]
		// As if the process had ended once the file was written.
		cut, err := keyfile.Open(b.Keys.Path)
		if err != nil {
			t.Fatal(err)
		}
		public, err := cut.Begin()
		if err != nil {
			t.Fatal(err)
		}
		b.open(cut.Path)
		if _, err := b.FinishRotation(t.Context()); err == nil || !strings.Contains(err.Error(), "no entry of the ledger names") {
			t.Errorf("finished before it was named: %v", err)
		}
		for range 2 {
			r, err := b.BeginRotation(t.Context(), b.address)
			if err != nil || r.Verifier != public || r.Entry != 2 || len(r.Signing) != 2 {
				t.Fatalf("got %+v, %v, want the key of the file, named once", r, err)
			}
		}
		if _, err := b.FinishRotation(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.open(cut.Path)
		b.add(1)
		if v := b.verify(); v.State != proof.Holds || len(v.Keys) != 1 || len(v.SignedBy) != 1 {
			t.Errorf("got %+v", v)
		}
		from := time.Now().Add(-time.Hour)
		if r := checked(b.bundle(from, from.Add(2*time.Hour)), old); r.State != evidence.Proven || len(r.Ledger.Keys) != 2 {
			t.Errorf("by the old key: got %+v", r)
		}
	})
}

func TestAServerThatStillSignsWithTheOldKey(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		b.add(1)
		old := &book{t: t, address: b.address}
		old.open(b.Keys.Path)
		if _, err := b.BeginRotation(t.Context(), b.address); err != nil {
			t.Fatal(err)
		}
		old.add(1) // signs with the key that it read at its start
		if _, err := b.FinishRotation(t.Context()); err == nil || !strings.Contains(err.Error(), "restart every server") {
			t.Errorf("got %v, want that a server is to be restarted", err)
		}
		b.add(1)
		if _, err := b.FinishRotation(t.Context()); err != nil {
			t.Errorf("after a head of both: %v", err)
		}
	})
}

func places(t *testing.T, list ...anchor.Config) []proof.Place {
	t.Helper()
	if err := anchor.CheckConfig(list); err != nil {
		t.Fatal(err)
	}
	out, err := proof.Places(t.Context(), list, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAPlaceThatFailsStopsNoOther(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		b.add(3)
		blocked := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(blocked, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		list := places(t, anchor.Config{Name: "blocked", File: blocked}, anchor.Config{Name: "paper", File: filepath.Join(t.TempDir(), "held")})
		got, err := proof.Anchor(t.Context(), b.Store, list, time.Now)
		if err != nil || len(got) != 2 || got[0].Failed == "" || got[0].Behind != 3 || got[1].Failed != "" || got[1].Size != 3 || got[1].Behind != 0 {
			t.Fatalf("got %+v, %v", got, err)
		}
		v := b.verify(list...)
		if v.State != proof.Unknown || v.Anchors[0].State != proof.Unknown || v.Anchors[1].State != proof.Holds {
			t.Errorf("got %+v", v)
		}
		// Somebody removes a checkpoint from the folder.
		if err := os.Remove(filepath.Join(list[1].File, anchor.Name(3))); err != nil {
			t.Fatal(err)
		}
		if v := b.verify(list...); v.State != proof.Broken {
			t.Errorf("a checkpoint that is gone: got %+v", v.Anchors)
		}
	})
}

func TestAnchoringSeesThatHistoryWasRolledBack(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		b.add(3)
		list := places(t, anchor.Config{Name: "paper", File: filepath.Join(t.TempDir(), "held")})
		head, err := b.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		later := head.Checkpoint
		later.Size = 5
		signers, err := b.Keys.Signers()
		if err != nil {
			t.Fatal(err)
		}
		signed, err := later.Sign(signers...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := list[0].Put(t.Context(), later, signed); err != nil {
			t.Fatal(err)
		}
		got, err := proof.Anchor(t.Context(), b.Store, list, time.Now)
		if err != nil || !strings.Contains(got[0].Failed, "rolled back") || got[0].Size != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// A log whose end was cut off, with the head of that time, holds: it must be said when
// nothing from outside would show that.
func TestWhetherAnythingFromOutsideWasComparedIsSaid(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		b.add(3)
		list := places(t, anchor.Config{Name: "paper", File: filepath.Join(t.TempDir(), "held")})
		if v := b.verify(list...); v.State != proof.Holds || v.Outside {
			t.Errorf("a place that holds nothing: got %+v", v)
		}
		if _, err := proof.Anchor(t.Context(), b.Store, list, time.Now); err != nil {
			t.Fatal(err)
		}
		if v := b.verify(); v.Outside {
			t.Errorf("a place that was not asked: got %+v", v)
		}
		if v := b.verify(list...); v.State != proof.Holds || !v.Outside {
			t.Errorf("a place that was asked: got %+v", v)
		}
		head, err := b.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if v, err := b.Verify(t.Context(), proof.VerifyConfig{Older: head.Signed}); err != nil || !v.Outside {
			t.Errorf("a checkpoint that somebody kept: got %+v, %v", v, err)
		}
	})
}

// Another history of the same length is told by the checkpoint that was kept.
func TestHistoryThatWasWrittenAnew(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		b.add(3)
		list := places(t, anchor.Config{Name: "paper", File: filepath.Join(t.TempDir(), "held")})
		if _, err := proof.Anchor(t.Context(), b.Store, list, time.Now); err != nil {
			t.Fatal(err)
		}
		head, err := b.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// Whoever has the key signs another tree of three entries.
		forged := head.Checkpoint
		forged.Root[0] ^= 1
		signers, err := b.Keys.Signers()
		if err != nil {
			t.Fatal(err)
		}
		signed, err := forged.Sign(signers...)
		if err != nil {
			t.Fatal(err)
		}
		v, err := b.Verify(t.Context(), proof.VerifyConfig{Older: signed})
		if err != nil || v.State != proof.Broken || v.Older.State != proof.Broken || !strings.Contains(v.Older.Text, "history was rewritten") {
			t.Errorf("got %+v, %v", v, err)
		}
		path := filepath.Join(list[0].File, anchor.Name(3))
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, signed, 0o600); err != nil {
			t.Fatal(err)
		}
		if v := b.verify(list...); v.State != proof.Broken || v.Anchors[0].State != proof.Broken {
			t.Errorf("got %+v", v.Anchors)
		}
	})
}

func TestAStampIsInTheBundle(t *testing.T) {
	authority := timestamptest.Start(t, "ec")
	server := httptest.NewServer(authority)
	defer server.Close()
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, authority.RootPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, b *book) {
		from := time.Now().Add(-time.Hour)
		b.add(4)
		list := places(t, anchor.Config{Name: "stamp", Timestamp: server.URL, Roots: roots})
		if got, err := proof.Anchor(t.Context(), b.Store, list, time.Now); err != nil || got[0].Failed != "" {
			t.Fatalf("got %+v, %v", got, err)
		}
		b.add(2)
		if v := b.verify(list...); v.State != proof.Holds || !strings.Contains(v.Anchors[0].Shown, "stamped at 20") {
			t.Errorf("got %+v", v)
		}
		text := b.bundle(from, from.Add(2*time.Hour))
		if !bytes.Equal(text, b.bundle(from, from.Add(2*time.Hour))) {
			t.Error("the same ledger gives other bytes")
		}
		r := proof.CheckBundle(t.Context(), bytes.NewReader(text), int64(len(text)), b.Keys.Verifier, evidence.Trust{Stamps: authority.Roots()})
		if r.State != evidence.Proven || len(r.Ledger.Anchors) != 1 || r.Ledger.Anchors[0].State != evidence.Proven {
			t.Errorf("got %+v", r)
		}
		if r := checked(text, b.Keys.Verifier...); r.State != evidence.Proven || r.Ledger.Anchors[0].State != evidence.Unproven {
			t.Errorf("without the authority's roots: got %+v", r.Ledger)
		}
		stranger := timestamptest.Start(t, "ec")
		if r := proof.CheckBundle(t.Context(), bytes.NewReader(text), int64(len(text)), b.Keys.Verifier, evidence.Trust{Stamps: stranger.Roots()}); r.State != evidence.Broken {
			t.Errorf("a stranger's roots: got %+v", r.Ledger)
		}
	})
}

func TestErasedPayloadsAreNamed(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		from := time.Now().Add(-time.Hour)
		b.add(3)
		if err := b.Store.EraseLoad(t.Context(), 1, "body", "asked for", "PE-1"); err != nil {
			t.Fatal(err)
		}
		r := checked(b.bundle(from, from.Add(2*time.Hour)), b.Keys.Verifier...)
		if r.State != evidence.Proven || len(r.Erased) != 1 || r.Erased[0] != (evidence.Erased{Entry: 1, Name: "body"}) {
			t.Errorf("got %+v", r)
		}
		if v := b.verify(); v.State != proof.Holds || len(v.Erased) != 1 {
			t.Errorf("got %+v", v)
		}
		e, err := b.Show(t.Context(), 1)
		if err != nil || e.Payloads[0].Erased == nil || e.Payloads[0].Text != "" {
			t.Errorf("got %+v, %v", e, err)
		}
		var out bytes.Buffer
		if err := r.WriteText(&out); err != nil || !strings.Contains(out.String(), "payload body of entry 1") {
			t.Errorf("got %v\n%s", err, out.String())
		}
	})
}

// Approvals in a bundle are checked by the approvers' keys, whoever keeps the ledger.
func TestApprovalsOfABundle(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		w := &exceptionstest.World{Store: b.Store}
		w.At(time.Now())
		w.Open(t, exceptionstest.Site)
		x := w.Submit(t, "RT-01") // of root: two approvers
		for _, p := range []*exceptionstest.Person{w.Bob, w.Cid} {
			if _, err := w.Decide(t, p, x.ID, approval.Approve); err != nil {
				t.Fatal(err)
			}
		}
		from := time.Now().Add(-time.Hour)
		check := func() *evidence.Report { return checked(b.bundle(from, from.Add(2*time.Hour)), b.Keys.Verifier...) }
		r := check()
		if r.State != evidence.Proven || r.Approvers.State != evidence.Proven || len(r.Approvers.Approvals) != 2 || r.Approvers.Approvals[0].Approver != w.Bob.ID {
			t.Fatalf("got %+v", r)
		}
		real, err := b.Show(t.Context(), r.Approvers.Approvals[0].Entry)
		if err != nil {
			t.Fatal(err)
		}
		// A keeper of the ledger who forges an approval has its key, and no approver's.
		forge := func(actor, record string) {
			t.Helper()
			if err := b.Store.Update(t.Context(), func(_ context.Context, tx *store.Tx) error {
				return tx.Record("exception.approved", x.ID, actor, ledger.NewPayload("approval", []byte(record)))
			}); err != nil {
				t.Fatal(err)
			}
		}
		record := real.Payloads[0].Text
		forge(w.Dan.ID, record)                                                   // another's signature
		forge(w.Dan.ID, strings.ReplaceAll(record, w.Bob.ID, w.Dan.ID))           // another's name in it
		forge(w.Bob.ID, strings.ReplaceAll(record, x.ID, "EX-OTHERONE"))          // another request in it
		forge(w.Bob.ID, record[:len(record)/2])                                   // half of one
		forge(w.Bob.ID, strings.Replace(record, `"schema"`, `"x":1,"schema"`, 1)) // more in it than signed
		r = check()
		if r.State != evidence.Broken || r.Approvers.State != evidence.Broken || r.Ledger.State != evidence.Proven || len(r.Approvers.Approvals) != 2 || len(r.Faults) != 4 {
			t.Errorf("forged approvals: got %+v", r)
		}
		if len(r.Approvers.Unsigned) != 1 {
			t.Errorf("half of an approval: got %v", r.Approvers.Unsigned)
		}
		for _, f := range r.Faults {
			if f.Entry == nil || !strings.Contains(f.Text, "approval: ") {
				t.Errorf("fault: got %+v, want it with its entry", f)
			}
		}
	})
}

func TestPeriodsThatHoldNothing(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		b.add(3)
		later := time.Now().Add(24 * time.Hour)
		r := checked(b.bundle(later, later.Add(time.Hour)), b.Keys.Verifier...)
		if r.State != evidence.Proven || r.Entries != 0 || r.Period == nil || !r.OpenEnd {
			t.Errorf("a period to come: got %+v", r)
		}
		before := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		if r := checked(b.bundle(before, before.Add(time.Hour)), b.Keys.Verifier...); r.State != evidence.Proven || r.Entries != 0 || r.OpenEnd {
			t.Errorf("a period before the first entry: got %+v", r)
		}
		if _, err := proof.Evidence(t.Context(), b.Store, proof.Export{Keys: b.Keys.Verifier, From: later, To: later}, &bytes.Buffer{}); err == nil {
			t.Error("a period without time is taken")
		}
	})
}

func TestNothingIsProvenOfAnEmptyLedger(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		if v := b.verify(); v.State != proof.Holds || v.Size != 0 {
			t.Errorf("got %+v", v)
		}
		if _, err := b.Head(t.Context()); err == nil {
			t.Error("an empty ledger has a signed head")
		}
		if _, err := b.Export(t.Context(), t.TempDir(), nil); err == nil {
			t.Error("an empty ledger was exported")
		}
		if got, err := proof.Anchor(t.Context(), b.Store, places(t, anchor.Config{Name: "paper", File: filepath.Join(t.TempDir(), "x")}), time.Now); err != nil || got[0].Size != 0 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// What a place answers is hostile: it is kept as text that every database takes.
func TestAFailureOfHostileBytesIsKept(t *testing.T) {
	each(t, func(t *testing.T, b *book) {
		b.add(1)
		if err := anchors.Tried(t.Context(), b.Store, anchors.Place{Name: "x", Kind: "webhook", Tried: time.Now(), Failure: "\x1b[2J\x00\xff"}, nil); err != nil {
			t.Fatal(err)
		}
		v := b.verify()
		text, err := json.Marshal(v)
		if err != nil || v.State != proof.Holds || !strings.Contains(string(text), `"last":"\u001b[2J??"`) {
			t.Errorf("got %s, %v", text, err)
		}
	})
}
