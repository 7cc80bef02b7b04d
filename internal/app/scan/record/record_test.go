package record_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/app/scan/record"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

const account = rootkeep.AccountID("111122223333")

var admin = people.Actor{ID: "PE-1", Kind: people.Person, Grants: []people.Grant{{Role: people.Admin, Scope: people.Everywhere}}}

// snapshot is an account whose root user has keys and no MFA, and of which little else
// is known.
func snapshot(taken time.Time, keys bool) *facts.Snapshot {
	s := &facts.Snapshot{Format: facts.Format, Account: account, Taken: taken, Origins: []facts.Origin{}, Gaps: []facts.Gap{}}
	s.Facts.Root.HasPassword, s.Facts.Root.HasAccessKeys = true, keys
	s.Observe("iam:GetAccountSummary", taken, "", "root.has_password", "root.has_access_keys", "root.has_certificates", "root.mfa_enabled")
	s.Gaps = append(s.Gaps, facts.Gap{Path: "users", Permission: "iam:GetAccountAuthorizationDetails", Reason: "iam:GetAccountAuthorizationDetails denied"})
	return s
}

func save(t *testing.T, s *facts.Snapshot) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "snapshot.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := s.Write(f); err != nil {
		t.Fatal(err)
	}
	return path
}

func recorder(t *testing.T, now time.Time) *record.Recorder {
	t.Helper()
	r, err := record.New(record.Recorder{
		Store: storetest.Open(t, storetest.SQLite(t), storetest.Options(t)), Version: "test", Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// known are the findings of the store, by control; of several the last.
func known(t *testing.T, s *store.Store) map[string]rootkeep.Status {
	t.Helper()
	out := map[string]rootkeep.Status{}
	view(t, s, func(ctx context.Context, r *store.Reader, sight kept.Sight) error {
		list, _, err := kept.Findings(ctx, r, sight, kept.Filter{}, kept.Page{Sort: kept.ByUrgency, Limit: 1000})
		for _, f := range list {
			out[f.Control] = f.Status
		}
		return err
	})
	return out
}

func view(t *testing.T, s *store.Store, read func(context.Context, *store.Reader, kept.Sight) error) {
	t.Helper()
	err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		sight, err := kept.SightOf(ctx, r, admin)
		if err != nil {
			return err
		}
		return read(ctx, r, sight)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAScanOfAFileIsRecorded(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	r := recorder(t, now)
	run := record.Run{ID: "SC-1", Source: kept.Imported, Actor: "PE-1", Config: scan.Config{Snapshot: save(t, snapshot(now.Add(-time.Hour), true))}}
	if err := r.Do(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	got := known(t, r.Store)
	if got["RT-01"] != rootkeep.Fail || len(got) != len(r.Catalogue()) {
		t.Errorf("got RT-01 %s of %d controls, want a failure of all %d", got["RT-01"], len(got), len(r.Catalogue()))
	}
	view(t, r.Store, func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		s, err := kept.ScanOf(ctx, tx, sight, "SC-1")
		if err != nil {
			return err
		}
		a := s.Accounts[0].Summary
		if s.State != kept.Finished || len(s.Digest) != 64 || a.MFA.Root != "no" || a.MFA.Known || len(a.Bands) != 3 || a.Bands[0].NotDone == 0 {
			t.Errorf("got %+v with %+v, want a finished scan, root without MFA, users not known, and an item of the first band that is not done", s, a)
		}
		return nil
	})
	run.ID, run.Config.Snapshot = "SC-2", filepath.Join(t.TempDir(), "none.json")
	if err := r.Do(t.Context(), run); err == nil {
		t.Error("a file that is not there: got no error")
	}
	view(t, r.Store, func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		s, err := kept.ScanOf(ctx, tx, sight, "SC-2")
		if err == nil && (s.State != kept.Failed || !strings.Contains(s.Error, "none.json")) {
			t.Errorf("got %s %q, want a failed scan that names the file", s.State, s.Error)
		}
		return err
	})
}

// A job that is run again takes up the scan that its attempts left as failed.
func TestAJobThatFailedCanBeRunAgain(t *testing.T) {
	r := recorder(t, time.Now())
	run := record.Run{ID: "SC-1", Source: kept.Job, Actor: "system", Again: true, Config: scan.Config{Snapshot: filepath.Join(t.TempDir(), "none.json")}}
	state := func() (out string) {
		view(t, r.Store, func(ctx context.Context, tx *store.Reader, _ kept.Sight) (err error) {
			_, out, err = kept.Began(ctx, tx, "SC-1")
			return err
		})
		return out
	}
	for _, c := range []struct {
		name  string
		again bool
		path  string
		want  string
	}{
		{"an attempt that is not the last", true, run.Config.Snapshot, kept.Judging},
		{"the last", false, run.Config.Snapshot, kept.Failed},
		{"somebody has it run again", true, save(t, snapshot(time.Now().Add(-time.Hour), true)), kept.Finished},
	} {
		run.Again, run.Config.Snapshot = c.again, c.path
		if err := r.Do(t.Context(), run); (err == nil) != (c.want == kept.Finished) || state() != c.want {
			t.Errorf("%s: got %v and a scan that is %s, want %s", c.name, err, state(), c.want)
		}
	}
}

// What was sent comes to what the server itself finds in it, whatever its sender says.
func TestWhatIsSentIsJudgedHere(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Second)
	r := recorder(t, now)
	send := func(id string, s *facts.Snapshot, claimed kept.Counts) {
		t.Helper()
		var file strings.Builder
		if err := s.Write(&file); err != nil {
			t.Fatal(err)
		}
		packed, err := kept.Pack(strings.NewReader(file.String()))
		if err != nil {
			t.Fatal(err)
		}
		err = r.Store.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := kept.Start(ctx, tx, kept.Begin{ID: id, Source: kept.Sent, Actor: "TK-1", State: kept.Receiving}); err != nil {
				return err
			}
			return kept.Receive(ctx, tx, id, "production", packed, claimed)
		})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := json.Marshal(record.JudgeJob{Scan: id})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // at least once: a job may come again when it is done
			if err := r.Kinds(t.TempDir())[1].Handler.Handle(t.Context(), &job.Job{ID: "JO-1", Payload: payload}, func(string) {}); err != nil {
				t.Fatal(err)
			}
		}
	}
	problem := func(id string) (out string) {
		view(t, r.Store, func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
			s, err := kept.ScanOf(ctx, tx, sight, id)
			if err == nil {
				out = s.Accounts[0].State + ": " + s.Accounts[0].Problem
			}
			return err
		})
		return out
	}
	claimed := kept.Counts{}
	claimed[rootkeep.Pass][rootkeep.High] = 180
	send("SC-1", snapshot(now.Add(-2*time.Hour), true), claimed)
	if got := problem("SC-1"); !strings.HasPrefix(got, "judged: its sender came to 0 failures, 0 accepted, 0 unknown and 180 passes, this server to ") {
		t.Errorf("a sender who claims that all passes: got %q", got)
	}
	sent := known(t, r.Store)
	if sent["RT-01"] != rootkeep.Fail {
		t.Errorf("got RT-01 %s, want fail", sent["RT-01"])
	}
	if err := r.Do(t.Context(), record.Run{ID: "SC-2", Source: kept.Imported, Actor: "PE-1", Config: scan.Config{Snapshot: save(t, snapshot(now.Add(-time.Hour), true))}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sent, known(t, r.Store)); diff != "" {
		t.Errorf("the same facts sent (-) and scanned (+) came to different findings\n%s", diff)
	}
	send("SC-3", snapshot(now, false), kept.Counts{})
	if got := problem("SC-3"); got != "judged: " {
		t.Errorf("a sender who claims nothing: got %q", got)
	}
}

func TestSettingsOfAScan(t *testing.T) {
	r := recorder(t, time.Now())
	for _, c := range []struct{ name, payload, want string }{
		{"nothing is a scan of the account of the credentials", `{}`, ""},
		{"an organization with a role", `{"organization": true, "role": "audit/reader", "accounts": ["111122223333"]}`, ""},
		{"an unknown setting", `{"organisation": true}`, "unknown field"},
		{"who asked, which nobody says of themselves", `{"actor": "PE-1"}`, "unknown field"},
		{"a role without an organization", `{"role": "reader"}`, "go with organization"},
		{"an account that is none", `{"organization": true, "accounts": ["1"]}`, "want 12 digits"},
		{"something behind them", `{} {"organization": true}`, "more than one JSON value"},
		{"no JSON", `organization`, "settings of a scan"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := record.ParseScanJob([]byte(c.payload))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if c.want == "" {
				return
			}
			if err := r.Kinds(t.TempDir())[0].Handler.Handle(t.Context(), &job.Job{ID: "JO-1", Payload: []byte(c.payload)}, func(string) {}); !job.IsPermanent(err) {
				t.Errorf("as a job: got %v, want an error that no further attempt mends", err)
			}
		})
	}
}

// The server reads an organization by a job, keeps its accounts with their names and
// places, and leaves nothing of them in its folder.
func TestAJobScansAnOrganization(t *testing.T) {
	simtest.Start(t, 3, simtest.In("us-east-1"))
	r := recorder(t, time.Now())
	folder := t.TempDir()
	var progress []string
	work := &job.Job{ID: "JO-1", Attempt: 1, Payload: []byte(`{"organization": true, "role": "` + simtest.Role + `"}`)}
	handler := r.Kinds(folder)[0].Handler
	for range 2 { // at least once: it may come again when it is done
		if err := handler.Handle(t.Context(), work, func(s string) { progress = append(progress, s) }); err != nil {
			t.Fatal(err)
		}
	}
	view(t, r.Store, func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		s, err := kept.ScanOf(ctx, tx, sight, record.ScanOf(work))
		if err != nil {
			return err
		}
		if s.State != kept.Finished || len(s.Accounts) != 3 {
			t.Errorf("got a scan that is %s, of %d accounts; want a finished one of 3", s.State, len(s.Accounts))
		}
		for _, a := range s.Accounts {
			at, err := kept.PlaceOf(ctx, tx, a.Account)
			if err != nil {
				return err
			}
			if a.State != kept.Judged || a.Name == "" || len(at.Path) == 0 || !strings.HasPrefix(at.Path[0], "r-") {
				t.Errorf("account %s: got %s, name %q, in %v; want it judged, named, and below the root", a.Account, a.State, a.Name, at.Path)
			}
		}
		keys, err := kept.OwnKeys(ctx, tx, time.Now())
		if len(keys) == 0 {
			t.Error("got no sessions of the scan's own, want those of root in the members")
		}
		return err
	})
	left, err := os.ReadDir(folder)
	if err != nil || len(left) > 0 || len(progress) == 0 {
		t.Errorf("got %v and %d files left in the folder, and %d reports", err, len(left), len(progress))
	}
}
