package app

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
	"github.com/rootkeep/rootkeep/internal/report"
)

func TestAHuntRemembersWhatRootDid(t *testing.T) {
	for _, c := range []struct {
		name, base string
		set        map[string]any
		kind       rootkeep.RootKind // "" for none
		used       bool
		signIn     bool
	}{
		{"a sign-in", "root-signin", nil, rootkeep.RootSignIn, true, true},
		{"a failed sign-in is no use", "root-signin-failure", nil, rootkeep.RootFailedSignIn, false, true},
		{"a call in the console", "root-call", nil, rootkeep.RootCall, true, false},
		{"a call with root's access key", "root-key-call", nil, rootkeep.RootKeyCall, true, false},
		{"a call in a session of AssumeRoot", "assumed-root-call", nil, rootkeep.AssumedRootCall, true, false},
		{"AssumeRoot in the caller's account", "assume-root", nil, rootkeep.RootAssumed, false, false},
		{"a password recovery", "root-password-recovery", nil, rootkeep.RootCredential, false, false},
		{"an account that leaves", "leave-organization", nil, rootkeep.RootGovernance, false, false},
		{"root sessions switched", "organizations-root-sessions", nil, rootkeep.RootGovernance, false, false},
		{"a service in root's name", "root-call", map[string]any{"userIdentity.invokedBy": "support.amazonaws.com"}, rootkeep.RootByService, false, false},
		{"a failed sign-in of a user", "user-signin-failure", nil, "", false, true},
		{"a call of somebody else", "stop-logging", nil, "", false, false},
		{"a name longer than any that is looked for", "stop-logging", map[string]any{"eventName": "DisableOrganizationsRootCredentialsManagementAndMuchMore"}, "", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, m := t.TempDir(), &Memory{}
			once := records(t, 1, step{base: c.base, set: c.set})
			logFile(t, filepath.Join(dir, "1.json"), once)
			logFile(t, filepath.Join(dir, "2.json"), once)
			hunted(t, HuntConfig{Paths: []string{dir}, Memory: m, Workers: 2})
			if (len(m.SignIns) == 1) != c.signIn {
				t.Errorf("got %d sign-ins, want one: %v", len(m.SignIns), c.signIn)
			}
			if c.kind == "" {
				if len(m.Uses) != 0 {
					t.Errorf("got %v, want no use of root", m.Uses)
				}
				return
			}
			if len(m.Uses) != 1 {
				t.Fatalf("got %d uses of root, want the one event once", len(m.Uses))
			}
			if u := m.Uses[0]; u.Kind != c.kind || u.Kind.Used() != c.used || u.Account == "" || u.ID == "" || u.Principal == "" || len(u.Raw) == 0 {
				t.Errorf("got %+v, want kind %s, used %v, and who, where, what", u, c.kind, c.used)
			}
		})
	}
}

func TestOneIDDoesNotHideAnotherEvent(t *testing.T) {
	dir, m := t.TempDir(), &Memory{}
	logFile(t, filepath.Join(dir, "1.json"), records(t, 1, step{base: "root-signin"}))
	logFile(t, filepath.Join(dir, "2.json"), records(t, 1, step{base: "root-signin", set: map[string]any{"sourceIPAddress": "198.51.100.66"}}))
	hunted(t, HuntConfig{Paths: []string{dir}, Memory: m})
	if len(m.Uses) != 2 {
		t.Errorf("got %d uses, want both: one of the two is forged, and nobody knows which", len(m.Uses))
	}
}

func TestWhatIsRememberedLiesInTheAskedPeriod(t *testing.T) {
	dir, m := t.TempDir(), &Memory{}
	logFile(t, filepath.Join(dir, "1.json"), records(t, 1, step{base: "root-signin"}, step{base: "root-signin", at: time.Hour}))
	hunted(t, HuntConfig{Paths: []string{dir}, Memory: m, Since: monday.Add(time.Minute)})
	if len(m.Uses) != 1 || !m.Uses[0].Time.Equal(monday.Add(time.Hour)) {
		t.Errorf("got %v, want the second sign-in alone", m.Uses)
	}
	m = &Memory{}
	hunted(t, HuntConfig{Paths: []string{dir}, Memory: m, Accounts: []rootkeep.AccountID{"999999999999"}})
	if len(m.Uses)+len(m.SignIns) != 0 {
		t.Errorf("got %v, %v of an account that was not asked for, want none", m.Uses, m.SignIns)
	}
}

func TestProvenHoursAreRememberedWhenAllWasRead(t *testing.T) {
	b := &bucket{}
	b.add(t, digesttest.Chain{Hours: 4, Logs: 2})
	folder, keys := b.write(t)
	m := &Memory{}
	h := hunted(t, HuntConfig{Paths: []string{folder}, Keys: []string{keys}, Memory: m})
	if len(m.Proven) != 1 || m.Proven[0].Account != "111122223333" || m.Proven[0].To.Sub(m.Proven[0].From) < 2*time.Hour || m.Proven[0].To.Sub(m.Proven[0].From) > 4*time.Hour {
		t.Errorf("got %v of %q, want most of four hours", m.Proven, h.Coverage.Detail)
	}
	m = &Memory{}
	hunted(t, HuntConfig{Paths: []string{folder}, Memory: m})
	if len(m.Proven) != 0 {
		t.Errorf("got %v without keys, want nothing proven", m.Proven)
	}
	b.files[b.paths("/CloudTrail/")[0]] = []byte("no log")
	folder, keys = b.write(t)
	m = &Memory{}
	hunted(t, HuntConfig{Paths: []string{folder}, Keys: []string{keys}, Memory: m})
	if len(m.Proven) != 0 {
		t.Errorf("got %v of a damaged log, want nothing proven", m.Proven)
	}
}

func TestProvenHours(t *testing.T) {
	at := func(minutes int) time.Time { return monday.Add(time.Duration(minutes) * time.Minute) }
	in := func(account rootkeep.AccountID, region rootkeep.Region, from, to int) digest.RegionCoverage {
		return digest.RegionCoverage{Account: account, Region: region, Spans: []digest.Span{{From: at(from), To: at(to), State: digest.Proven}}}
	}
	for _, c := range []struct {
		name string
		all  digest.Coverage
		seen []report.Seen
		want []Stretch
	}{
		{"an hour needs its delivery proven", digest.Coverage{in("1", "us-east-1", 0, 120)}, nil, []Stretch{{"1", at(0), at(60)}}},
		{"with a quarter of an hour more it counts", digest.Coverage{in("1", "us-east-1", 0, 135)}, nil, []Stretch{{"1", at(0), at(120)}}},
		{"an hour begun before the proof does not count", digest.Coverage{in("1", "us-east-1", 10, 200)}, nil, []Stretch{{"1", at(60), at(180)}}},
		{"every Region has to be proven", digest.Coverage{in("1", "eu-west-1", 60, 400), in("1", "us-east-1", 0, 200)}, nil, []Stretch{{"1", at(60), at(180)}}},
		{"without the Region of global services nothing is", digest.Coverage{in("1", "eu-west-1", 0, 400)}, nil, nil},
		{"an event of a Region without digests takes all", digest.Coverage{in("1", "us-east-1", 0, 400)}, []report.Seen{{Account: "1", Region: "eu-west-1"}}, nil},
		{"another account's does not", digest.Coverage{in("1", "us-east-1", 0, 135)}, []report.Seen{{Account: "2", Region: "eu-west-1"}}, []Stretch{{"1", at(0), at(120)}}},
		{"spans that touch are one", digest.Coverage{{Account: "1", Region: "us-east-1", Spans: []digest.Span{
			{From: at(0), To: at(30), State: digest.Proven}, {From: at(30), To: at(135), State: digest.Proven}, {From: at(135), To: at(300), State: digest.Seen}}}}, nil, []Stretch{{"1", at(0), at(120)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, provenHours(c.all, c.seen)); diff != "" {
				t.Errorf("proven hours (-want +got):\n%s", diff)
			}
		})
	}
}
