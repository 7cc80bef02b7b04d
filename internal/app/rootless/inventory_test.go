package rootless_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/rootless"
	"github.com/rootkeep/rootkeep/internal/facts"
)

var taken = time.Date(2026, 7, 3, 9, 0, 0, 0, time.UTC)

// scanned is a snapshot of an account in an organization, "" for none.
func scanned(n int, organization string, management, password bool) *facts.Snapshot {
	s := &facts.Snapshot{Format: facts.Format, Account: id(n), Taken: taken, Gaps: []facts.Gap{}}
	s.Facts.Root.HasPassword = password
	s.Facts.Organization = facts.Organization{Member: organization != "", ID: organization, Management: management}
	s.Observe("iam:X", taken, "", "root", "organization")
	return s
}

func words(o *rootless.Organization, t *testing.T, c rootless.Chosen, now time.Time) (out []string) {
	t.Helper()
	p, err := o.Outline(c, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Steps {
		word := "known"
		if s.Unknown {
			word = "unknown"
		}
		out = append(out, s.Account+" "+word)
	}
	for _, l := range p.Left {
		word := "left"
		if l.Unknown {
			word = "left, unknown"
		}
		out = append(out, l.Account+" "+word)
	}
	return out
}

func TestWhatIsNotKnownIsNeverDropped(t *testing.T) {
	v := &rootless.Inventory{}
	v.Add(rootless.Member{Account: id(1)}, scanned(1, "o-1", true, true), "")
	v.Add(rootless.Member{Account: id(2), Name: "prod"}, scanned(2, "o-1", false, true), "")
	v.Add(rootless.Member{Account: id(3)}, scanned(3, "o-1", false, false), "")
	v.Add(rootless.Member{Account: id(4)}, nil, "sts:AssumeRole denied")
	v.Add(rootless.Member{Account: id(5), Suspended: true}, nil, "its state is SUSPENDED")
	v.Add(rootless.Member{Account: id(6)}, scanned(6, "", false, true), "")
	unread := scanned(7, "o-1", false, false)
	unread.Origins = unread.Origins[1:] // nothing of root
	v.Add(rootless.Member{Account: id(7)}, unread, "")
	o, err := v.Of("")
	if err != nil {
		t.Fatal(err)
	}
	if o.ID != "o-1" || o.Management != id(1) {
		t.Errorf("got organization %s of %s", o.ID, o.Management)
	}
	for _, tt := range []struct {
		name string
		now  time.Time
		of   rootless.Chosen
		want []string
	}{
		{"read just now", taken, rootless.Chosen{}, []string{string(id(4)) + " unknown", string(id(7)) + " unknown", string(id(2)) + " known", string(id(1)) + " left", string(id(3)) + " left", string(id(5)) + " left, unknown", string(id(6)) + " left"}},
		{"read too long ago: nothing proves nothing", taken.AddDate(0, 1, 0), rootless.Chosen{Accounts: []rootkeep.AccountID{id(2), id(3)}}, []string{string(id(3)) + " unknown", string(id(2)) + " known"}},
		{"long ago, and that is no matter", taken.AddDate(0, 1, 0), rootless.Chosen{Accounts: []rootkeep.AccountID{id(2), id(3)}, OldAfter: 400 * 24 * time.Hour}, []string{string(id(2)) + " known", string(id(3)) + " left"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, words(o, t, tt.of, tt.now)); d != "" {
				t.Errorf("accounts (-want +got):\n%s", d)
			}
		})
	}
	if _, err := o.Outline(rootless.Chosen{First: []rootkeep.AccountID{id(9)}}, taken); err == nil || !strings.Contains(err.Error(), "none that a scan has seen") {
		t.Errorf("a canary that nobody knows: got %v", err)
	}
}

func TestTwoOrganizationsAreNotMixed(t *testing.T) {
	v := &rootless.Inventory{}
	for n, of := range []string{"o-1", "o-1", "o-2", "o-2"} {
		v.Add(rootless.Member{Account: id(n + 1)}, scanned(n+1, of, n%2 == 0, true), "")
	}
	v.Add(rootless.Member{Account: id(5)}, nil, "denied") // of which one, nobody knows
	if _, err := v.Of(""); !errors.Is(err, rootless.ErrWhich) || !strings.Contains(err.Error(), "o-1 of "+string(id(1))) {
		t.Errorf("got %v, want both named", err)
	}
	o, err := v.Of(id(3))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{string(id(4)) + " known", string(id(3)) + " left"}, words(o, t, rootless.Chosen{}, taken)); d != "" {
		t.Errorf("accounts of the second (-want +got):\n%s", d)
	}
	if _, err := v.Of(id(2)); err == nil {
		t.Error("a member was taken for a management account")
	}
}

func TestSnapshotsOfAFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, s *facts.Snapshot) {
		t.Helper()
		var b strings.Builder
		if err := s.Write(&b); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.json", scanned(1, "o-1", true, true))
	write(string(id(2))+".json", scanned(2, "o-1", false, true))
	if err := os.WriteFile(filepath.Join(dir, string(id(3))+".json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := rootless.FromFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	o, err := v.Of("")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{string(id(2)) + " known", string(id(3)) + " unknown", string(id(1)) + " left"}, words(o, t, rootless.Chosen{}, taken)); d != "" {
		t.Errorf("a file that is broken is an account of which nothing is known (-want +got):\n%s", d)
	}
	write("b.json", scanned(1, "o-1", true, true))
	if _, err := rootless.FromFiles(dir); err == nil || !strings.Contains(err.Error(), "a second snapshot of account") {
		t.Errorf("an account twice: got %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.json"), []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rootless.FromFiles(dir); err == nil || !strings.Contains(err.Error(), "b.json") {
		t.Errorf("a file that is no snapshot: got %v", err)
	}
}
