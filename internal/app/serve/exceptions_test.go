package serve

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/app/scan/record"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// scanned records a scan of an account whose root user has a password and no MFA.
func scanned(t *testing.T, h *house, id string, taken time.Time) {
	t.Helper()
	s := &facts.Snapshot{Format: facts.Format, Account: exceptionstest.Account, Taken: taken, Origins: []facts.Origin{}, Gaps: []facts.Gap{}}
	s.Facts.Root.HasPassword = true
	s.Observe("iam:GetAccountSummary", taken, "", "root.has_password", "root.has_access_keys", "root.has_certificates", "root.mfa_enabled")
	path := filepath.Join(t.TempDir(), "snapshot.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(f); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := h.recorder.Do(t.Context(), record.Run{ID: id, Source: posture.Imported, Actor: "PE-1", Config: scan.Config{Snapshot: path}}); err != nil {
		t.Fatal(err)
	}
}

// rootFinding is what the store says of root's MFA.
func rootFinding(t *testing.T, w *exceptionstest.World) *posture.Finding {
	t.Helper()
	var found *posture.Finding
	w.View(t, func(ctx context.Context, r *store.Reader) error {
		sight, err := posture.SightOf(ctx, r, people.Actor{ID: "PE-1", Kind: people.Person, Grants: []people.Grant{{Role: people.Viewer, Scope: people.Everywhere}}})
		if err != nil {
			return err
		}
		list, _, err := posture.Findings(ctx, r, sight, posture.Filter{Controls: []string{"RT-01"}}, posture.Page{Sort: posture.ByUrgency, Limit: 10})
		if err == nil && len(list) == 1 {
			found = list[0]
		}
		return err
	})
	if found == nil {
		t.Fatal("got no finding of RT-01, want one")
	}
	return found
}

// TestAGrantedExceptionIsOnTheFinding takes an exception the whole path on a server's own
// desk: asked for, approved by two keys, on the finding at once and after the next scan,
// and gone when it ends.
func TestAGrantedExceptionIsOnTheFinding(t *testing.T) {
	w := &exceptionstest.World{Store: webtest.Store(t)}
	w.At(time.Now())
	w.Open(t, exceptionstest.Site)
	h, err := newHouse(&deps{settings: Settings{Changes: Changes{Within: usualWithin}}, store: w.Store, now: time.Now, log: slog.New(slog.DiscardHandler)}, &url.URL{Scheme: "https", Host: "root.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	w.Desk = h.desk
	scanned(t, h, "SC-1", time.Now().Add(-2*time.Hour))
	if f := rootFinding(t, w); f.Status != rootkeep.Fail {
		t.Fatalf("got %s before anything was asked for, want fail", f.Status)
	}
	x := w.Submit(t, "RT-01")
	for _, p := range []*exceptionstest.Person{w.Bob, w.Dan} {
		if f := rootFinding(t, w); f.Status != rootkeep.Fail {
			t.Errorf("got %s before both had approved, want fail", f.Status)
		}
		if _, err := w.Decide(t, p, x.ID, approval.Approve); err != nil {
			t.Fatal(err)
		}
	}
	excepted := func(when string) {
		f := rootFinding(t, w)
		if f.Status != rootkeep.Excepted || f.Exception == nil || f.Exception.Owner != x.Subject.Owner || f.Exception.Reason != x.Subject.Reason || !f.Exception.Until.Equal(x.Subject.Until) {
			t.Errorf("%s: got %s, %+v, want it excepted with owner, reason and end", when, f.Status, f.Exception)
		}
	}
	excepted("at once")
	scanned(t, h, "SC-2", time.Now().Add(-time.Hour))
	excepted("after the next scan")
	err = w.Change(t, func(ctx context.Context, tx *store.Tx) error { // the day has come
		_, err := tx.Exec(ctx, `UPDATE exception SET until = $1`, store.Micros(tx.Now()))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.expire(t.Context(), nil, func(string) {}); err != nil {
		t.Fatal(err)
	}
	if f := rootFinding(t, w); f.Status != rootkeep.Fail || f.Exception != nil {
		t.Errorf("got %s, %+v once it has ended, want fail", f.Status, f.Exception)
	}
}
