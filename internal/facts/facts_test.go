package facts_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/facts"
)

func snapshot() *facts.Snapshot {
	s := &facts.Snapshot{Format: facts.Format, Account: "111122223333", Taken: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)}
	s.Facts.Root.MFAEnabled = true
	s.Observe("iam:GetAccountSummary", s.Taken, "", "root.mfa_enabled")
	s.Observe("iam:GetAccountPasswordPolicy", s.Taken, "", "password_policy")
	s.Gaps = []facts.Gap{{Path: "password_policy.maximum_age", Reason: "lost"}, {Path: "users.devices", Resource: "arn", Permission: "iam:ListMFADevices", Reason: "denied"}}
	return s
}

func TestASnapshotComesBackAsItWas(t *testing.T) {
	s := snapshot()
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := facts.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnknownIsWhatHasNoOriginOrAGap(t *testing.T) {
	unknown := map[string]string{}
	for _, g := range snapshot().Unknown() {
		unknown[g.Path] = g.Reason
	}
	for path, want := range map[string]string{
		"root.mfa_enabled": "", "password_policy.minimum_length": "", "password_policy.maximum_age": "lost",
		"root.has_password": "not collected: iam:GetAccountSummary tells it", "users.devices": "not collected: iam:ListMFADevices tells it",
	} {
		if got := unknown[path]; got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

func TestReadNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"another file", `{}`, "without a format"},
		{"a newer format", `{"format": 9, "new": 1}`, "format 9"},
		{"a fact that does not exist", `{"format": 1, "facts": {"root": {"mfa": true}}}`, `unknown field "mfa"`},
		{"an origin of no fact", `{"format": 1, "origins": [{"path": "root.mfa"}]}`, "does not exist"},
		{"half a file", `{"format": 1,`, "unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := facts.Read(strings.NewReader(c.text))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// Every fact must say which call tells it, or a finding could not.
func TestEveryFactHasACall(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range facts.Paths() {
		if service, action, ok := strings.Cut(p.Call, ":"); p.Call != "attestation" && p.Call != "decision" && (!ok || service == "" || action == "") {
			t.Errorf("%s: call %q, want service:Action, attestation or decision", p.Name, p.Call)
		}
		if seen[p.Name] {
			t.Errorf("%s: twice", p.Name)
		}
		seen[p.Name] = true
	}
	if !seen["users.access_keys"] || !seen["root.mfa_enabled"] {
		t.Errorf("paths: got %v", facts.Paths())
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := snapshot().Write(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := facts.Read(bytes.NewReader(text)); err == nil {
			s.Unknown()
		}
	})
}
