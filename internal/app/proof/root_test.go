package proof_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/proof"
	"github.com/rootkeep/rootkeep/internal/app/proof/prooftest"
	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// rootBook is a ledger with the story of prooftest.
type rootBook struct {
	*book
	*prooftest.Told
}

func eachRoot(t *testing.T, test func(t *testing.T, b *rootBook)) {
	t.Helper()
	storetest.EachAddress(t, func(t *testing.T, address string) { test(t, newRootBook(t, address)) })
}

func newRootBook(t *testing.T, address string) *rootBook {
	t.Helper()
	keys, err := keyfile.Create(filepath.Join(t.TempDir(), "ledger.key"), origin)
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
	clock := prooftest.Clock()
	s := storetest.Open(t, address, store.Options{Origin: origin, Signers: signers, Known: known, Migrate: true, Now: clock.Now})
	return &rootBook{&book{Book: &proof.Book{Store: s, Keys: keys}, t: t, address: address}, prooftest.Tell(t, clock, s)}
}

var quarterFrom, quarterTo = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)

func (b *rootBook) export(from, to time.Time, trail *proof.TrailConfig) ([]byte, *proof.Bundled) {
	b.t.Helper()
	var out bytes.Buffer
	done, err := proof.Evidence(b.t.Context(), b.Store, proof.Export{Keys: b.Keys.Verifier, From: from, To: to, Trail: trail, Root: true}, &out)
	if err != nil {
		b.t.Fatal(err)
	}
	return out.Bytes(), done
}

func TestAQuarterOfRoot(t *testing.T) {
	eachRoot(t, func(t *testing.T, b *rootBook) {
		text, done := b.export(quarterFrom, quarterTo, nil)
		if again, _ := b.export(quarterFrom, quarterTo, nil); !bytes.Equal(text, again) {
			t.Error("the same ledger gives other bytes")
		}
		want := map[rootkeep.Verdict]int{rootkeep.Explained: 4, rootkeep.OutOfScope: 1, rootkeep.Unexplained: 2}
		for v, n := range want {
			if done.Root.Verdicts[v] != n {
				t.Errorf("%s: got %d, want %d", v, done.Root.Verdicts[v], n)
			}
		}
		if !done.Root.Whole() || done.Root.Records != 7 || done.Root.Accounts != 2 || done.Root.Claims != 0 {
			t.Errorf("got %+v", done.Root)
		}
		r := b.check(text, nil)
		if r.State != evidence.Proven || r.RootUsers == nil || r.RootUsers.State != evidence.Proven || r.RootUsers.Approvers != evidence.Proven || r.RootUsers.AWS != evidence.Absent || r.RootUsers.OtherPage {
			told, _ := json.MarshalIndent(r, "", " ")
			t.Fatalf("got %s", told)
		}
		for _, x := range r.RootUsers.Requests {
			switch x.ID {
			case b.Approved:
				if len(x.Signatures) != 2 || x.Signatures[0].Key == x.Signatures[1].Key || x.Override || x.State != "closed" {
					t.Errorf("approved: got %+v", x)
				}
			case b.Override:
				if len(x.Signatures) != 1 || !x.Override || x.State != "closing" {
					t.Errorf("override: got %+v", x)
				}
			default:
				t.Errorf("got request %+v", x)
			}
		}
	})
}
