package serve

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/archive"
	"github.com/rootkeep/rootkeep/internal/app/backup"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	storejobs "github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/web"
)

// dwell is a house over a new store.
func dwell(t *testing.T, c Settings, now func() time.Time) *house {
	t.Helper()
	if c.Store == "" {
		c.Store = filepath.Join(t.TempDir(), "rootkeep.db")
	}
	if err := c.resolve(); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	s, keys, err := openStore(t.Context(), c, log, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	h, err := newHouse(&deps{settings: c, store: s, keys: keys, now: now, log: log}, &url.URL{Scheme: "https", Host: "rootkeep.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// do runs a job and gives the last that it reported.
func (h *house) do(t *testing.T, j job.Job) (said string, err error) {
	t.Helper()
	for _, k := range h.kinds() {
		if k.Name == j.Kind {
			err := k.Handler.Handle(t.Context(), &j, func(progress string) { said = progress })
			return said, err
		}
	}
	t.Fatalf("no kind %s", j.Kind)
	return "", nil
}

const rootSignIn = `{"Records": [{"eventVersion": "1.11", "eventID": "8f3f8b0e-0000-4000-8000-000000000001", "eventTime": "2026-11-20T10:00:00Z",
	"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin", "eventType": "AwsConsoleSignIn", "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.9",
	"recipientAccountId": "111122223333", "userIdentity": {"type": "Root", "principalId": "111122223333", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333"},
	"responseElements": {"ConsoleLogin": "Success"}, "additionalEventData": {"MFAUsed": "No"}}]}`

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAJobHuntsThroughLogsThatTheSettingsName(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	folder := t.TempDir()
	write(t, filepath.Join(folder, "trail", "1.json"), rootSignIn)
	file := write(t, filepath.Join(folder, "hunts.yaml"), fmt.Sprintf("hunts:\n  - {name: trail, paths: [%q]}\n  - {name: lately, paths: [%q], days: 2}\n  - {name: gone, paths: [%q]}\n",
		filepath.Join(folder, "trail"), filepath.Join(folder, "trail"), filepath.Join(folder, "gone")))
	h := dwell(t, Settings{Hunts: file}, func() time.Time { return now })
	count := func() (events int) {
		t.Helper()
		err := h.store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			return r.Row(ctx, `SELECT COUNT(*) FROM root_use`).Scan(&events)
		})
		if err != nil {
			t.Fatal(err)
		}
		return events
	}
	lately := job.Job{ID: "JO-1M8CH2BH8WHCJ5", Kind: archive.Kind, Payload: []byte(`{"logs": "lately"}`)}
	if said, err := h.do(t, lately); err != nil || count() != 0 {
		t.Errorf("the last two days: got %q, %v and %d uses of root, want none", said, err, count())
	}
	j := job.Job{ID: "JO-1M8CH2BH8WHCJ6", Kind: archive.Kind, Payload: []byte(`{"logs": "trail"}`)}
	for range 2 { // at least once: a job may come again when it is done
		if said, err := h.do(t, j); err != nil || count() != 1 {
			t.Fatalf("got %q, %v and %d uses of root, want one", said, err, count())
		}
	}
	if known, err := h.hunter().Known(t.Context(), "HU-1M8CH2BH8WHCJ6"); err != nil || !known {
		t.Errorf("got %v, %v, want the hunt to have the name of its job", known, err)
	}
	for name, payload := range map[string]string{
		"a path": `{"logs": "/etc"}`, "a member with a path": `{"paths": ["/etc"]}`, "nothing": `{}`, "another place": `{"logs": "other"}`, "no object": `[]`,
	} {
		j.ID, j.Payload = "JO-1M8CH2BH8WHCJ7", []byte(payload)
		if _, err := h.do(t, j); !job.IsPermanent(err) {
			t.Errorf("%s: got %v, want an error that no attempt mends", name, err)
		}
		if err := h.ask(payload); err == nil {
			t.Errorf("%s: nobody refuses it when it is asked for", name)
		}
	}
	j.Payload = []byte(`{"logs": "gone"}`)
	if _, err := h.do(t, j); err == nil || job.IsPermanent(err) {
		t.Errorf("a folder that is not there: got %v, want an error, after which it is tried again", err)
	}
}

// ask checks the payload of a hunt as the console and the API do.
func (h *house) ask(payload string) error {
	for _, k := range h.askable() {
		if k.Name == archive.Kind {
			return k.Check([]byte(payload))
		}
	}
	return web.NotFound("such kind")
}

func TestAJobBacksTheStoreUp(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	folder := filepath.Join(t.TempDir(), "backups")
	other := write(t, filepath.Join(folder, "rootkeep-by-hand.db"), "")
	h := dwell(t, Settings{Backup: backup.Settings{Folder: folder, Keep: "2"}}, func() time.Time { return now })
	names := func() (out []string) {
		t.Helper()
		all, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			out = append(out, f.Name())
		}
		return out
	}
	var last string
	for n := range 3 {
		j := job.Job{ID: fmt.Sprintf("JO-1M8CH2BH8WHCJ%d", n), Kind: backup.Kind, Created: now.Add(time.Duration(n) * time.Hour)}
		last = "rootkeep-" + j.Created.Format("20060102T150405Z") + "-" + j.ID[3:] + ".db"
		write(t, filepath.Join(folder, last+".part"), "what an attempt left that was killed")
		for range 2 {
			if said, err := h.do(t, j); err != nil || !strings.Contains(said, last+", whose ledger verifies") {
				t.Fatalf("got %q, %v, want a backup", said, err)
			}
		}
	}
	if got := names(); len(got) != 3 || got[1] != last || got[2] != filepath.Base(other) {
		t.Errorf("got %v, want the two newest, and the file that is no backup of a job", got)
	}
	o, err := storeOptions(h.keys)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := store.Open(t.Context(), filepath.Join(folder, last), o)
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if v, err := copied.VerifyLedger(t.Context(), nil); err != nil || v.Head.Size != 2 {
		t.Errorf("got %+v, %v, want a ledger with the backups before it", v, err)
	}
	var kinds []string
	err = h.store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		list, err := entries.List(ctx, r, entries.Filter{Limit: 10})
		for _, e := range list {
			kinds = append(kinds, e.Type)
		}
		return err
	})
	if err != nil || strings.Join(kinds, " ") != "store.backed-up store.backed-up store.backed-up" {
		t.Errorf("got %v, %v, want an entry for each backup, once", kinds, err)
	}
	if _, err := dwell(t, Settings{}, time.Now).do(t, job.Job{ID: "JO-1M8CH2BH8WHCJ6", Kind: backup.Kind}); !job.IsPermanent(err) || !strings.Contains(err.Error(), "backup.folder") {
		t.Errorf("without a folder: got %v, want the setting named", err)
	}
}

func TestBackupsAreScheduledWhereThereIsAFolder(t *testing.T) {
	for folder, want := range map[string]bool{"": false, t.TempDir(): true} {
		h := dwell(t, Settings{Backup: backup.Settings{Folder: folder}}, time.Now)
		if err := h.keepOwn(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := false
		err := h.store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			list, err := storejobs.Schedules(ctx, r)
			for _, s := range list {
				got = got || s.ID == "backup" && s.Enabled && s.Kind == backup.Kind
			}
			return err
		})
		if err != nil || got != want {
			t.Errorf("folder %q: got %v, %v, want a schedule: %v", folder, got, err, want)
		}
	}
}

func TestTidyForgetsNoticesAndIdempotencyKeys(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	h := dwell(t, Settings{}, func() time.Time { return now })
	count := func(table string) (n int) {
		t.Helper()
		err := h.store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
			return r.Row(ctx, `SELECT COUNT(*) FROM `+table).Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	err := h.store.Touch(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		tx.Announce("scan", "SC-1")
		tx.Announce("scan", "SC-2")
		_, err := tx.Exec(ctx, `INSERT INTO idempotency (actor, route, token, request, status, headers, body, whole, at) VALUES ('a', 'r', 't', $1, 0, '', $1, 0, $2)`, []byte{}, store.Micros(now))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		after         time.Duration
		notices, keys int
	}{{time.Hour, 2, 1}, {25 * time.Hour, 1, 0}} { // the newest notice stays: numbers go on after it
		now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC).Add(c.after)
		if _, err := h.do(t, job.Job{Kind: "tidy"}); err != nil {
			t.Fatal(err)
		}
		if n, k := count("notice"), count("idempotency"); n != c.notices || k != c.keys {
			t.Errorf("after %v: got %d notices and %d keys, want %d and %d", c.after, n, k, c.notices, c.keys)
		}
	}
}
