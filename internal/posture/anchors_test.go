package posture_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/intake"
	"github.com/rootkeep/rootkeep/internal/posture"
)

// Decisions on root that known scanners get wrong, each with their logic as it was
// observed, written anew, and with what the controls here say of the same account.

// verdicts judges an account of which only this is known.
func verdicts(t *testing.T, s *facts.Snapshot) map[string]rootkeep.Status {
	t.Helper()
	out := map[string]rootkeep.Status{}
	for _, f := range posture.Evaluate(s, shipped(t), posture.Setting{Now: now}) {
		out[f.Control] = f.Status
	}
	return out
}

// read is an account of which the facts of these calls were read.
func read(f facts.Facts, calls ...string) *facts.Snapshot {
	s := &facts.Snapshot{Format: facts.Format, Account: "111122223333", Facts: f}
	for _, p := range facts.Paths() {
		for _, call := range calls {
			if p.Call == call {
				s.Observe(call, now, "", p.Name)
			}
		}
	}
	return s
}

func days(n int) time.Time { return now.AddDate(0, 0, -n) }

// use is when a root user's password and keys were last used.
type use struct {
	password time.Time
	keys     []time.Time
}

func (u use) snapshot() *facts.Snapshot {
	root := facts.Root{PasswordLastUsed: u.password}
	for _, at := range u.keys {
		root.AccessKeys = append(root.AccessKeys, facts.AccessKey{Active: true, LastUsed: at})
	}
	return read(facts.Facts{Root: root}, "iam:GetCredentialReport")
}

const idle = 90 * 24 * time.Hour

func recent(at time.Time) bool { return !at.IsZero() && now.Sub(at) <= idle }

// firstUseAlone (D1) looks at the first of password and keys that was ever used.
func firstUseAlone(u use) bool {
	for _, at := range append([]time.Time{u.password}, u.keys...) {
		if !at.IsZero() {
			return !recent(at)
		}
	}
	return true
}

// invertedKeyDate (D2) has the comparison of keys' dates the wrong way round.
func invertedKeyDate(u use) bool {
	for _, at := range u.keys {
		if !at.IsZero() && !recent(at) {
			return false
		}
	}
	return !recent(u.password)
}

// passwordAlone (D3) knows of no keys.
func passwordAlone(u use) bool { return !recent(u.password) }

func TestTheLastUseOfRootIsTheLatestOfAll(t *testing.T) {
	for _, c := range []struct {
		name  string
		use   use
		want  rootkeep.Status
		wrong map[string]func(use) bool // that decide otherwise
		right map[string]func(use) bool
	}{
		{"D1: the key was used today, the password last year", use{days(365), []time.Time{now}}, rootkeep.Fail,
			map[string]func(use) bool{"first use alone": firstUseAlone, "inverted date": invertedKeyDate, "password alone": passwordAlone}, nil},
		{"D2: the key was used two years ago, the password never", use{time.Time{}, []time.Time{days(730)}}, rootkeep.Pass,
			map[string]func(use) bool{"inverted date": invertedKeyDate}, map[string]func(use) bool{"first use alone": firstUseAlone, "password alone": passwordAlone}},
		{"D3: the second key was used today, nothing else ever", use{time.Time{}, []time.Time{{}, now}}, rootkeep.Fail,
			map[string]func(use) bool{"password alone": passwordAlone, "inverted date": invertedKeyDate}, map[string]func(use) bool{"first use alone": firstUseAlone}},
		{"the password was used yesterday", use{days(1), nil}, rootkeep.Fail,
			nil, map[string]func(use) bool{"first use alone": firstUseAlone, "inverted date": invertedKeyDate, "password alone": passwordAlone}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := verdicts(t, c.use.snapshot())["RT-08"]; got != c.want {
				t.Errorf("RT-08: got %s, want %s", got, c.want)
			}
			for name, decide := range c.wrong {
				if passes := decide(c.use); passes == (c.want == rootkeep.Pass) {
					t.Errorf("%s: got the right answer, so it is no vector", name)
				}
			}
			for name, decide := range c.right {
				if passes := decide(c.use); passes != (c.want == rootkeep.Pass) {
					t.Errorf("%s: got the wrong answer, which nobody observed", name)
				}
			}
		})
	}
}

// rowsOfReport (D7) finds what to judge in the report's rows, and says nothing without.
func rowsOfReport(users []string) (findings []string) {
	for _, user := range users {
		if user == "<root_account>" {
			findings = append(findings, user)
		}
	}
	return findings
}

func TestAReportThatCouldNotBeReadIsNoSilence(t *testing.T) {
	if found := rowsOfReport(nil); len(found) != 0 {
		t.Errorf("the anchor: got %v, want silence", found)
	}
	s := read(facts.Facts{}, "iam:GetAccountSummary")
	for _, p := range facts.Paths() {
		if p.Call == "iam:GetCredentialReport" {
			s.Gaps = append(s.Gaps, facts.Gap{Path: p.Name, Permission: p.Call, Reason: p.Call + " denied"})
		}
	}
	for _, f := range posture.Evaluate(s, shipped(t), posture.Setting{Now: now}) {
		switch f.Control {
		case "RT-06", "RT-08", "RT-09":
			if f.Status != rootkeep.Unknown || len(f.Permissions) != 1 || f.Permissions[0] != "iam:GetCredentialReport" {
				t.Errorf("%s: got %s %v, want unknown for the report", f.Control, f.Status, f.Permissions)
			}
		}
	}
}

// bySerial (D9) takes a root user's virtual device for one by the name it used to have.
func bySerial(serial string) bool { return strings.HasSuffix(serial, ":mfa/root-account-mfa-device") }

func TestARootDeviceIsToldByItsOwner(t *testing.T) {
	for _, c := range []struct {
		name, serial, owner string
		want                rootkeep.Status
		anchorKnows         bool
	}{
		{"D9: a device with a name of the user's choice", "arn:aws:iam::111122223333:mfa/my-phone", "arn:aws:iam::111122223333:root", rootkeep.Fail, false},
		{"a device with the old name", "arn:aws:iam::111122223333:mfa/root-account-mfa-device", "arn:aws:iam::111122223333:root", rootkeep.Fail, true},
		{"D9: a user's device with the old name", "arn:aws:iam::111122223333:mfa/root-account-mfa-device", "arn:aws:iam::111122223333:user/ann", rootkeep.Pass, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := intake.New(now)
			for _, text := range []string{
				`{"SummaryMap": {"AccountMFAEnabled": 1, "AccountPasswordPresent": 1, "AccountAccessKeysPresent": 0, "AccountSigningCertificatesPresent": 0}}`,
				`{"VirtualMFADevices": [{"SerialNumber": "` + c.serial + `", "User": {"Arn": "` + c.owner + `"}}]}`,
			} {
				if err := in.Add(strings.NewReader(text), "file", now); err != nil {
					t.Fatal(err)
				}
			}
			if got := verdicts(t, in.Snapshot())["RT-02"]; got != c.want {
				t.Errorf("RT-02: got %s, want %s", got, c.want)
			}
			if got := bySerial(c.serial) == (c.want == rootkeep.Fail); got != c.anchorKnows {
				t.Errorf("the anchor is right: got %v, want %v", got, c.anchorKnows)
			}
		})
	}
}

// anyVirtualFails (D10) has one verdict for a key and for an app beside it.
func anyVirtualFails(kinds []string) bool {
	for _, kind := range kinds {
		if kind == "virtual" {
			return false
		}
	}
	return len(kinds) > 0
}

func TestAStrongDeviceAndAWeakOneAreTwoFacts(t *testing.T) {
	for _, c := range []struct {
		name                string
		kinds               []string
		strong, weak, spare rootkeep.Status // RT-04, RT-02, RT-03
		anchor              bool
	}{
		{"D10: a security key and an app as the backup", []string{"fido", "virtual"}, rootkeep.Pass, rootkeep.Fail, rootkeep.Pass, false},
		{"D10: an app alone looks the same to the anchor", []string{"virtual"}, rootkeep.Fail, rootkeep.Fail, rootkeep.Fail, false},
		{"two security keys", []string{"fido", "fido"}, rootkeep.Pass, rootkeep.Pass, rootkeep.Pass, true},
		{"D10: one hardware token is as good as a security key to the anchor", []string{"hardware"}, rootkeep.Fail, rootkeep.Pass, rootkeep.Fail, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := facts.Root{HasPassword: true, MFAEnabled: true}
			for _, kind := range c.kinds {
				root.Devices = append(root.Devices, facts.Device{Kind: kind})
				root.VirtualMFA = root.VirtualMFA || kind == "virtual"
			}
			got := verdicts(t, read(facts.Facts{Root: root}, "iam:GetAccountSummary", "iam:ListVirtualMFADevices", "iam:ListMFADevices in a root session"))
			if got["RT-04"] != c.strong || got["RT-02"] != c.weak || got["RT-03"] != c.spare {
				t.Errorf("RT-04, RT-02, RT-03: got %s, %s, %s; want %s, %s, %s", got["RT-04"], got["RT-02"], got["RT-03"], c.strong, c.weak, c.spare)
			}
			if passes := anyVirtualFails(c.kinds); passes != c.anchor {
				t.Errorf("the anchor: got %v, want %v", passes, c.anchor)
			}
		})
	}
}

// rootWithoutMFA (D13) is the rule that takes every root event without MFA for an attack.
func rootWithoutMFA(events []facts.RootEvent) bool {
	for _, e := range events {
		if !e.MFA {
			return true
		}
	}
	return false
}

func TestASessionOfAssumeRootIsNoSignInWithoutMFA(t *testing.T) {
	own := facts.Session{Account: "111122223333", Root: true, AccessKey: "ASIASCAN", SourceIdentity: "SC-1"}
	event := func(key, session string) facts.RootEvent {
		return facts.RootEvent{ID: key, Time: days(1), Name: "ListAccessKeys", Source: "iam.amazonaws.com", AccessKey: key, Session: session}
	}
	for _, c := range []struct {
		name   string
		events []facts.RootEvent
		want   rootkeep.Status
	}{
		{"D13: the scan's own session", []facts.RootEvent{event("ASIASCAN", facts.SessionAssumeRoot)}, rootkeep.Pass},
		{"D13: a session of an approved task", []facts.RootEvent{{ID: "t", Time: days(10), AccessKey: "ASIATASK", Session: facts.SessionAssumeRoot}}, rootkeep.Pass},
		{"a session that nobody knows", []facts.RootEvent{event("ASIASCAN", facts.SessionAssumeRoot), event("ASIAOTHER", facts.SessionAssumeRoot)}, rootkeep.Fail},
		{"a sign-in without MFA has no key of the scan", []facts.RootEvent{event("", facts.SessionSignIn)}, rootkeep.Fail},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := facts.Facts{Root: facts.Root{Activity: c.events, ActivitySince: days(90)}}
			f.Attested.RootWindows = []facts.RootWindow{{Start: days(11), End: days(9), Reason: "unlock a bucket"}}
			s := read(f, "cloudtrail:LookupEvents", "attestation")
			s.Sessions = []facts.Session{own, {Account: "111122223333", AccessKey: ""}}
			if got := verdicts(t, s)["RT-10"]; got != c.want {
				t.Errorf("RT-10: got %s, want %s", got, c.want)
			}
			if !rootWithoutMFA(c.events) {
				t.Error("the anchor: got quiet, want the alarm that it gives for all of these")
			}
		})
	}
}

// intakeOf is the account of one file of the AWS CLI.
func intakeOf(t *testing.T, text []byte) *facts.Snapshot {
	t.Helper()
	in := intake.New(now)
	if err := in.Add(strings.NewReader(string(text)), "file", now); err != nil {
		t.Fatal(err)
	}
	return in.Snapshot()
}
