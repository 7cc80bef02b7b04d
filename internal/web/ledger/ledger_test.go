package ledger_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/anchors"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	area "github.com/rootkeep/rootkeep/internal/web/ledger"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
	"github.com/rootkeep/rootkeep/ledger"
)

const hostile = "<script>alert(1)</script>\x1b[31m\u202e"

// serve starts a server over a ledger of so many entries, each with a hostile payload.
func serve(t *testing.T, n int, change func(*area.Config)) *webtest.Server {
	t.Helper()
	s := webtest.Store(t)
	for i := range n {
		if err := s.Update(t.Context(), func(_ context.Context, tx *store.Tx) error {
			return tx.Record([]string{"exception.requested", "scan.finished"}[i%2], fmt.Sprintf("EX-%d", i), "PE-1", ledger.NewPayload("request", fmt.Appendf(nil, "because %d %s", i, hostile)))
		}); err != nil {
			t.Fatal(err)
		}
	}
	actors := webtest.Everyone(time.Now())
	actors["local"] = webtest.Person("local", time.Now(), people.Grant{Role: people.Viewer, Scope: "account:111122223333"})
	actors["local-auditor"] = webtest.Person("local-auditor", time.Now(),
		people.Grant{Role: people.Auditor, Scope: "account:111122223333"}, people.Grant{Role: people.Viewer, Scope: people.Everywhere})
	c := area.Config{Store: s, Keys: []string{"test.example/ledger+00000000+key"}, Now: time.Now}
	if change != nil {
		change(&c)
	}
	return webtest.Serve(t, s, actors, area.Area(c))
}

func TestWhoReadsTheLedger(t *testing.T) {
	s := serve(t, 3, func(c *area.Config) {
		c.Evidence = func(_ context.Context, _, _ time.Time, w io.Writer) error {
			_, err := io.WriteString(w, "zip")
			return err
		}
	})
	paths := []string{
		"/ledger", "/ledger/entries/1", "/ledger/entries/1/receipt", "/ledger/entries/1/leaf", "/ledger/keys", "/ledger/checkpoint", "/ledger/tile/0/000.p/3", "/ledger/tile/entries/000.p/3",
		"/api/v1/ledger/entries", "/api/v1/ledger/entries/1", "/api/v1/ledger/checkpoint", "/api/v1/ledger/consistency?from=1", "/api/v1/ledger/anchors",
	}
	for actor, want := range map[string]int{
		"viewer": 200, "auditor": 200, "admin": 200, "machine": 200, "requester": 200, "nobody": 403, "local": 403, "": 303,
	} {
		for _, path := range paths {
			want := want
			if actor == "" && strings.HasPrefix(path, "/api/") {
				want = 401
			}
			if got := s.Get(actor, path); got.Status != want {
				t.Errorf("%q gets %s: got %d, want %d", actor, path, got.Status, want)
			}
		}
	}
	for actor, want := range map[string]int{"viewer": 403, "admin": 403, "local-auditor": 403, "nobody": 403, "": 303, "auditor": 200} {
		got := s.Form(actor, "/ledger/evidence", url.Values{"from": {"2026-07-01"}, "to": {"2026-09-30"}})
		if got.Status != want {
			t.Errorf("%q makes a bundle: got %d, want %d", actor, got.Status, want)
		}
		if want == 200 && (got.Body != "zip" || !strings.Contains(got.Header.Get("Content-Disposition"), "evidence-20260701-20260930.zip")) {
			t.Errorf("bundle: got %q, %v", got.Body, got.Header)
		}
	}
	list := s.Get("viewer", "/api/v1/ledger/entries?type=evidence.exported")
	if !strings.Contains(list.Body, `"subject":"2026-07-01/2026-09-30"`) || !strings.Contains(list.Body, `"actor":"PE-auditor"`) {
		t.Errorf("the export is not in the ledger: %s", list.Body)
	}
}

func TestPayloadsAreForAuditors(t *testing.T) {
	s := serve(t, 3, nil)
	for _, path := range []string{"/ledger/entries/1", "/api/v1/ledger/entries/1"} {
		for actor, want := range map[string]bool{"viewer": false, "admin": false, "local-auditor": false, "auditor": true} {
			got := s.Get(actor, path)
			shown := strings.Contains(got.Body, "because 1") || strings.Contains(got.Body, base64.StdEncoding.EncodeToString([]byte("because 1 "))[:12])
			if got.Status != http.StatusOK || shown != want {
				t.Errorf("%s gets %s: got %d, payload shown %v, want %v", actor, path, got.Status, shown, want)
			}
			if strings.Contains(got.Body, `"salt"`) != (want && strings.HasPrefix(path, "/api")) {
				t.Errorf("%s gets %s: the salt", actor, path)
			}
		}
	}
}

func TestHostileTextIsEscaped(t *testing.T) {
	s := serve(t, 3, nil)
	failing := anchors.Place{Name: "paper", Kind: "file", Target: hostile, Tried: time.Now(), Failure: hostile}
	if err := anchors.Tried(t.Context(), s.Store, failing, nil); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"/ledger": 200, "/ledger/entries/1": 200, "/ledger?type=" + url.QueryEscape(hostile): 422, "/ledger?subject=" + url.QueryEscape(`"><img src=x>`): 422, "/ledger?actor=%e2%80%ae": 422,
	} {
		got := s.Get("auditor", path)
		if got.Status != want || strings.Contains(got.Body, "<script>alert") || strings.Contains(got.Body, "<img src=x") || strings.ContainsAny(got.Body, "\x1b\u202e") {
			t.Errorf("%s: got %d\n%s", path, got.Status, got.Body)
		}
	}
}

// What the API gives is enough to check an entry, and the log against an older head.
func TestProofsFromTheAPI(t *testing.T) {
	s := serve(t, 5, nil)
	var older, newer client.LedgerHead
	read := func(path string, to any) {
		t.Helper()
		got := s.Get("machine", path)
		if err := json.Unmarshal([]byte(got.Body), to); err != nil || got.Status != http.StatusOK {
			t.Fatalf("%s: got %d %s", path, got.Status, got.Body)
		}
	}
	read("/api/v1/ledger/checkpoint", &older)
	var proof client.LedgerProof
	read("/api/v1/ledger/entries/2", &proof)
	receipt, err := ledger.ParseReceipt([]byte(proof.Receipt))
	if err != nil {
		t.Fatal(err)
	}
	head, err := ledger.ReadCheckpoint([]byte(older.Signed))
	if err != nil || receipt.Index != 2 || receipt.In(head, []byte(proof.Leaf)) != nil || older.Size != 5 {
		t.Errorf("the receipt does not prove its entry: %v", err)
	}
	if download := s.Get("viewer", "/ledger/entries/2/receipt"); download.Body != proof.Receipt || !strings.HasPrefix(download.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("download: got %q", download.Body)
	}
	if err := s.Store.Update(t.Context(), func(_ context.Context, tx *store.Tx) error { return tx.Record("test.more", "TE-1", "system") }); err != nil {
		t.Fatal(err)
	}
	var consistency client.LedgerConsistency
	read("/api/v1/ledger/consistency?from=5", &consistency)
	read("/api/v1/ledger/checkpoint", &newer)
	var hashes tlog.TreeProof
	for _, h := range consistency.Hashes {
		raw, err := base64.StdEncoding.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, tlog.Hash(raw))
	}
	now, err := ledger.ReadCheckpoint([]byte(newer.Signed))
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.CheckExtends(head, now, hashes); err != nil {
		t.Error(err)
	}
	if got := s.Get("machine", "/api/v1/ledger/consistency?from=99"); got.Status != http.StatusUnprocessableEntity {
		t.Errorf("a longer log than there is: got %d", got.Status)
	}
}

func TestTheListIsFilteredByItsAddress(t *testing.T) {
	s := serve(t, 120, nil)
	pages, next := 0, "/ledger?type=scan."
	for next != "" {
		got := s.Get("viewer", next)
		if got.Status != http.StatusOK || strings.Contains(got.Body, "exception.requested</") {
			t.Fatalf("%s: got %d", next, got.Status)
		}
		pages++
		next = ""
		if _, rest, found := strings.Cut(got.Body, `rel="next"`); found {
			before := got.Body[:len(got.Body)-len(rest)]
			before = before[strings.LastIndex(before, "href=\"")+6:]
			next, _, _ = strings.Cut(before, `"`)
			next = strings.ReplaceAll(next, "&amp;", "&")
		}
	}
	if pages != 2 { // 60 entries
		t.Errorf("got %d pages, want 2", pages)
	}
	for _, bad := range []string{"/ledger?cursor=x", "/ledger?cursor=WyJhIl0", "/ledger?from=yesterday"} {
		if got := s.Get("viewer", bad); got.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d, want 422", bad, got.Status)
		}
	}
	for _, none := range []string{"/ledger/entries/120", "/ledger/entries/-1", "/ledger/entries/01", "/ledger/entries/x", "/ledger/tile/0/001", "/ledger/tile/0/000.p/121", "/ledger/tile/8/000", "/api/v1/ledger/entries/120"} {
		if got := s.Get("viewer", none); got.Status != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", none, got.Status)
		}
	}
}

func TestTilesForWitnesses(t *testing.T) {
	s := serve(t, 300, func(c *area.Config) { c.PublicTiles = true })
	signed := s.Get("", "/ledger/checkpoint")
	head, err := ledger.ReadCheckpoint([]byte(signed.Body))
	if err != nil || head.Size != 300 {
		t.Fatalf("got %d %q, %v", signed.Status, signed.Body, err)
	}
	full := s.Get("", "/ledger/tile/0/000")
	if len(full.Body) != 8192 || !strings.Contains(full.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("a full tile: got %d bytes, %v", len(full.Body), full.Header)
	}
	if part := s.Get("", "/ledger/tile/0/001.p/44"); len(part.Body) != 44*32 || strings.Contains(part.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("a part of a tile: got %d bytes, %v", len(part.Body), part.Header)
	}
	bundle := s.Get("", "/ledger/tile/entries/000")
	leaves, err := ledger.ParseEntries([]byte(bundle.Body))
	if err != nil || len(leaves) != 256 || bytes.Contains([]byte(bundle.Body), []byte("because")) {
		t.Errorf("entries: got %d, %v", len(leaves), err)
	}
	if got := s.Get("", "/ledger"); got.Status != http.StatusSeeOther {
		t.Errorf("the page for nobody: got %d", got.Status)
	}
}

func TestABundleThatFailsIsAnAnswer(t *testing.T) {
	s := serve(t, 1, func(c *area.Config) {
		c.Evidence = func(_ context.Context, _, _ time.Time, w io.Writer) error {
			_, err := io.WriteString(w, "half")
			return errors.Join(err, errors.New("disk"))
		}
	})
	got := s.Form("auditor", "/ledger/evidence", url.Values{"from": {"2026-07-01"}, "to": {"2026-07-01"}})
	if got.Status != http.StatusInternalServerError || strings.Contains(got.Body, "half") || strings.Contains(got.Body, "disk") {
		t.Errorf("got %d %q", got.Status, got.Body)
	}
	for _, bad := range []url.Values{{}, {"from": {"2026-07-02"}, "to": {"2026-07-01"}}, {"from": {"x"}, "to": {"2026-07-01"}}} {
		if got := s.Form("auditor", "/ledger/evidence", bad); got.Status != http.StatusUnprocessableEntity {
			t.Errorf("%v: got %d, want 422", bad, got.Status)
		}
	}
}

func TestABrokenEntryIsNotShown(t *testing.T) {
	s := serve(t, 3, nil)
	if err := s.Store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.ExecOne(ctx, `UPDATE log_payload SET data = $1 WHERE n = 1`, []byte("forged"))
	}); err != nil {
		t.Fatal(err)
	}
	if got := s.Get("auditor", "/ledger/entries/1"); got.Status != http.StatusInternalServerError || strings.Contains(got.Body, "forged") {
		t.Errorf("got %d", got.Status)
	}
	err := s.Store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		_, err := entries.Prove(ctx, s.Store, r, 1)
		return err
	})
	var fault *ledger.Fault
	if !errors.As(err, &fault) || fault.Entry != 1 {
		t.Errorf("got %v, want a fault of entry 1", err)
	}
}

func TestPagesInABrowser(t *testing.T) {
	empty := serve(t, 0, nil)
	b := empty.Browser(t)
	b.Photograph("auditor", "ledger-empty", "/ledger")
	s := serve(t, 70, func(c *area.Config) {
		c.Evidence = func(context.Context, time.Time, time.Time, io.Writer) error { return nil }
	})
	at := time.Now().Add(-time.Hour)
	held := &anchors.Anchor{Place: "paper", Kind: "file", Size: 60, Signed: []byte("signed"), At: at}
	if err := anchors.Tried(t.Context(), s.Store, anchors.Place{Name: "paper", Kind: "file", Target: "/mnt/anchors", Tried: at}, held); err != nil {
		t.Fatal(err)
	}
	if err := anchors.Tried(t.Context(), s.Store, anchors.Place{Name: "vault", Kind: "object-lock", Target: "s3://vault", Tried: at, Failure: "AccessDenied " + hostile}, nil); err != nil {
		t.Fatal(err)
	}
	b = s.Browser(t)
	b.Photograph("auditor", "ledger", "/ledger")
	b.Photograph("auditor", "ledger-entry", "/ledger/entries/17")
}
