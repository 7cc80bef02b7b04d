package proof_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/proof/prooftest"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/ledger"
)

// A keeper who has the ledger's key can write what they like into it. What does not follow
// from the rest of it is seen.
func TestAKeeperWhoLiesIsNotBelieved(t *testing.T) {
	for name, test := range map[string]struct {
		lie  func(t *testing.T, b *rootBook)
		to   time.Time
		seen func(p *evidence.RootPart) bool
	}{
		"a verdict that nothing leads to": {explainAway, quarterTo, func(p *evidence.RootPart) bool {
			return len(p.Differs) == 1 && p.Differs[0].Told == rootkeep.Explained && p.Differs[0].Again == rootkeep.Unexplained && p.Approvers == evidence.Proven
		}},
		"a request that nobody signed": {grantAlone, quarterTo.AddDate(0, 0, 2), func(p *evidence.RootPart) bool {
			return p.Approvers == evidence.Unproven && len(p.Requests) == 3 && p.Requests[2].Lacking == "too few security keys signed it"
		}},
		"verdicts that are erased": {eraseVerdict, quarterTo, func(p *evidence.RootPart) bool {
			return len(p.Gaps) == 1 && len(p.Verdicts) == 5 && !p.Claims[0].Made && !p.Claims[1].Made
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newRootBook(t, t.TempDir()+"/rootkeep.db")
			test.lie(t, b)
			text, done := b.export(quarterFrom, test.to, nil)
			r := b.check(text, nil)
			if r.State != evidence.Unproven || r.RootUsers.State != evidence.Unproven || len(r.Faults) > 0 || !test.seen(r.RootUsers) {
				t.Errorf("got %s, %v, %+v", r.State, r.Faults, r.RootUsers)
			}
			if name != "a request that nobody signed" && done.Root.Whole() {
				t.Errorf("the export said that nothing is wrong: %+v", done.Root)
			}
		})
	}
}

// explainAway has the ledger say that the newest event was explained.
func explainAway(t *testing.T, b *rootBook) {
	t.Helper()
	err := b.Store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		list, err := rootlog.Events(ctx, &tx.Reader, sight.All(), rootlog.EventFilter{Verdict: rootkeep.Unexplained, Limit: 1})
		if err != nil {
			return err
		}
		e := list[0].Judged
		e.Verdict, e.Rule, e.Request = rootkeep.Explained, "sign-in", b.Approved
		text, err := json.Marshal([]any{map[string]any{"key": list[0].Key, "event": e}})
		if err != nil {
			return err
		}
		return tx.Record("root.verdict", string(prooftest.Account), "system", ledger.NewPayload("verdicts", text))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// grantAlone has the ledger say that a request was granted.
func grantAlone(t *testing.T, b *rootBook) {
	t.Helper()
	id := prooftest.Ask(t, b.Told)
	if err := b.Store.Update(t.Context(), func(_ context.Context, tx *store.Tx) error { return tx.Record("root.granted", id, "system") }); err != nil {
		t.Fatal(err)
	}
}

// eraseVerdict erases the verdicts of what nobody asked for.
func eraseVerdict(t *testing.T, b *rootBook) {
	t.Helper()
	if err := b.Store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.ExecOne(ctx, `UPDATE log_payload SET salt = NULL, data = NULL, erased = $1 WHERE name = 'verdicts' AND n = (SELECT MAX(n) FROM log_entry WHERE type = 'root.verdict')`, store.Micros(time.Now()))
	}); err != nil {
		t.Fatal(err)
	}
}
