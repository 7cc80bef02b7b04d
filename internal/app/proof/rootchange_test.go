package proof_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/proof/prooftest"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
	"github.com/rootkeep/rootkeep/internal/store"
)

// A guardrail that a change detached is explained by that change: who has the bundle finds
// the same without the store.
func TestWhatAChangeDidIsJudgedAgain(t *testing.T) {
	eachRoot(t, func(t *testing.T, b *rootBook) {
		id := prooftest.Guardrail(t, b.Told)
		text, done := b.export(prooftest.GuardrailDay, prooftest.GuardrailDay.AddDate(0, 0, 1), nil)
		if !done.Root.Whole() || done.Root.Verdicts[rootkeep.Explained] != 1 {
			t.Errorf("got %+v, want one explained event", done.Root)
		}
		r := b.check(text, nil)
		p := r.RootUsers
		if r.State != evidence.Proven || p.State != evidence.Proven || p.Approvers != evidence.Proven || p.Apart != 0 || len(p.Differs) != 0 || p.Hashed != 1 {
			told, _ := json.MarshalIndent(r, "", " ")
			t.Fatalf("got %s", told)
		}
		if len(p.Changes) != 1 || p.Changes[0].ID != id || len(p.Changes[0].Signatures) != 2 || p.Changes[0].Sessions != 1 || p.Changes[0].Calls != 1 || p.Verdicts[0].Request != id {
			t.Errorf("got %+v of %+v, want the change with its approvals, session and call", p.Changes, p.Verdicts)
		}
		if names, _ := files(t, text); !slices.Contains(names, "root/changes.json") {
			t.Errorf("got %v, want the file of changes", names)
		}
	})
}

// A session of sts:AssumeRoot is judged as the store judged it: by the access key and the
// refusal that were recorded, not by a name that anybody can write.
func TestSessionsOfARequestAreJudgedAgainByWhatWasRecorded(t *testing.T) {
	eachRoot(t, func(t *testing.T, b *rootBook) {
		id := prooftest.Assumed(t, b.Told)
		text, done := b.export(prooftest.AssumedDay, prooftest.AssumedDay.AddDate(0, 0, 1), nil)
		if !done.Root.Whole() || done.Root.Verdicts[rootkeep.Explained] != 3 || done.Root.Verdicts[rootkeep.Unexplained] != 2 {
			t.Errorf("got %+v, want what was given and refused explained, and no more", done.Root)
		}
		r := b.check(text, nil)
		if p := r.RootUsers; r.State != evidence.Proven || len(p.Differs) != 0 || p.Apart != 0 || len(p.Verdicts) != 5 {
			t.Fatalf("got %s: %v, %+v", r.State, r.Faults, p)
		}
		for _, v := range r.RootUsers.Verdicts {
			if v.Verdict == rootkeep.Explained && v.Request != id {
				t.Errorf("got %+v, want it to be of %s", v, id)
			}
		}
	})
}

// What a change explained comes out otherwise if the ledger does not tell its session any
// more, or who approved it.
func TestAChangeOfWhichNotAllIsTold(t *testing.T) {
	for name, test := range map[string]struct {
		kind, payload string
		seen          func(p *evidence.RootPart) bool
	}{
		"its session is erased": {"change.entered", "session", func(p *evidence.RootPart) bool {
			return len(p.Differs) == 1 && p.Differs[0].Told == rootkeep.Explained && p.Differs[0].Again == rootkeep.Unexplained
		}},
		"its plan is erased": {"change.requested", "subject", func(p *evidence.RootPart) bool { return len(p.Differs) == 1 && len(p.Changes) == 0 }},
		"an approval is erased": {"change.approved", "approval", func(p *evidence.RootPart) bool {
			return len(p.Differs) == 0 && p.Approvers == evidence.Unproven && strings.Contains(p.Changes[0].Lacking, "too few")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newRootBook(t, t.TempDir()+"/rootkeep.db")
			prooftest.Guardrail(t, b.Told)
			erase(t, b, test.kind, test.payload)
			text, _ := b.export(prooftest.GuardrailDay, prooftest.GuardrailDay.AddDate(0, 0, 1), nil)
			r := b.check(text, nil)
			if r.State != evidence.Unproven || r.RootUsers.State != evidence.Unproven || !test.seen(r.RootUsers) {
				t.Errorf("got %s, %v, %+v", r.State, r.Faults, r.RootUsers)
			}
		})
	}
}

// erase erases a payload of the newest entry of a type.
func erase(t *testing.T, b *rootBook, kind, name string) {
	t.Helper()
	if err := b.Store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.ExecOne(ctx, `UPDATE log_payload SET salt = NULL, data = NULL, erased = $1 WHERE name = $2 AND n = (SELECT MAX(n) FROM log_entry WHERE type = $3)`, store.Micros(prooftest.Day), name, kind)
	}); err != nil {
		t.Fatal(err)
	}
}

// A record that is not the one that was judged is named, whoever wrote it anew.
func TestARecordThatIsAnotherOneIsNamed(t *testing.T) {
	b := newRootBook(t, t.TempDir()+"/rootkeep.db")
	text, _ := b.export(quarterFrom, quarterTo, nil)
	names, all := files(t, text)
	at := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, "root/events/") })
	name := names[at]
	all[name] = []byte(strings.Replace(string(all[name]), `"managementEvent":true`, `"managementEvent":false`, 1))
	r := b.check(packed(t, names, all, true), nil)
	if r.State != evidence.Broken || len(r.Faults) != 1 || !strings.Contains(r.Faults[0].Text, name+": its SHA-256 is") {
		t.Errorf("got %s, %v, want the record named", r.State, r.Faults)
	}
	delete(all, name)
	r = b.check(packed(t, slices.Delete(names, at, at+1), all, true), nil)
	if r.State != evidence.Unproven || len(r.Faults) != 0 || r.RootUsers.Lost != 1 {
		t.Errorf("got %s, %v, %d lost; want a record that is missing", r.State, r.Faults, r.RootUsers.Lost)
	}
}

// A store that rewrites a record is seen by the export, too.
func TestARecordThatTheStoreWroteAnew(t *testing.T) {
	b := newRootBook(t, t.TempDir()+"/rootkeep.db")
	if err := b.Store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.ExecOne(ctx, `UPDATE root_event SET raw = $1 WHERE id = (SELECT MIN(id) FROM root_event)`, []byte(`{}`))
	}); err != nil {
		t.Fatal(err)
	}
	if _, done := b.export(quarterFrom, quarterTo, nil); done.Root.Unlike != 1 || done.Root.Whole() {
		t.Errorf("got %+v, want one record unlike the ledger's", done.Root)
	}
}
