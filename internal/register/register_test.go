package register_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/register"
)

var now = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

func read(t *testing.T, text string) *register.Register {
	t.Helper()
	r, problems := register.Read("r.yaml", strings.NewReader(text), now, now)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return r
}

func TestMistakesAreNamedWithTheirPlace(t *testing.T) {
	attest := func(fields string) string {
		return "attestations:\n  - account: \"*\"\n    by: j\n    on: 2026-11-01\n    expires: 2027-01-01\n" + fields
	}
	except := func(fields string) string {
		return "exceptions:\n  - control: A-1\n    owner: j\n    reason: because\n" + fields
	}
	for _, c := range []struct{ name, text, want string }{
		{"an empty file is none", "", "want one YAML document"},
		{"a section that does not exist", "exemptions: []", `r.yaml:1:1: unknown section "exemptions"`},
		{"a misspelt decision", "decisions:\n  owned_domain: [a]", `r.yaml:2:3: no fact "owned_domain": want one of approved_regions,`},
		{"a misspelt fact", attest("    fact: root_device\n    value: 2\n"), `no fact "root_device": want one of alarm_tested, custodian_changed,`},
		{"a text for a number", attest("    fact: root_devices\n    value: two\n"), "r.yaml:7:12: want a whole number"},
		{"a number in quotation marks for a number", attest("    fact: root_devices\n    value: \"2\"\n"), "r.yaml:7:12: want a whole number"},
		{"a negative number", attest("    fact: root_devices\n    value: -1\n"), "r.yaml:7:12: want a whole number"},
		{"a number for true or false", attest("    fact: group_mailbox\n    value: 1\n"), "r.yaml:7:12: want true or false"},
		{"a number for a time", attest("    fact: drill_passed\n    value: 2026\n"), "r.yaml:7:12: want a day"},
		{"a day that is still to come", attest("    fact: drill_passed\n    value: 2026-12-24\n"), "2026-12-24 is still to come"},
		{"an account number without quotation marks", "decisions:\n  known_accounts: [012345670123]", `hint: "012345670123"`},
		{"an account that is none", "attestations:\n  - {account: me, fact: root_devices, value: 2, by: j, on: 2026-11-01, expires: 2027-01-01}", `account "me": want twelve digits, or *`},
		{"an unknown key", attest("    fact: root_devices\n    value: 2\n    note: x\n"), `unknown key "note": want one of account, by,`},
		{"a key twice", attest("    fact: root_devices\n    value: 2\n    value: 3\n"), `mapping key "value" already defined`},
		{"an alias", "decisions: {owned_domains: &a [b], approved_regions: *a}", "want a list"},
		{"no value", attest("    fact: root_devices\n"), "an attestation wants account, fact, value"},
		{"attested tomorrow", "attestations:\n  - {account: \"*\", fact: root_devices, value: 2, by: j, on: 2026-11-21, expires: 2027-01-01}", "attested on 2026-11-21, which is still to come"},
		{"attested for two years", "attestations:\n  - {account: \"*\", fact: root_devices, value: 2, by: j, on: 2026-11-01, expires: 2028-11-01}", "at most 366 days later"},
		{"an exception without an end", except(""), "an exception wants control, owner, reason and expires"},
		{"an exception without an owner", "exceptions:\n  - {control: A-1, owner: ' ', reason: r, expires: 2027-01-01}", "an exception wants control, owner"},
		{"an exception of two years", except("    expires: 2028-11-01\n"), "at most 366 days ahead, by 2027-11-21"},
		{"an empty pattern", except("    expires: 2027-01-01\n    region: ''\n"), "an empty pattern covers nothing"},
		{"no list of exceptions", "exceptions: {control: A}", "want a list of exceptions"},
		{"two documents", "decisions:\n---\ndecisions:\n", "want one YAML document"},
		{"too long", strings.Repeat("#", 1<<20+1), "more than 1048576 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, problems := register.Read("r.yaml", strings.NewReader(c.text), now, now)
			if got := fmt.Sprint(problems); !strings.Contains(got, c.want) || len(problems) == 0 {
				t.Errorf("got %s, want %q", got, c.want)
			}
		})
	}
}

const attested = `
decisions:
  owned_domains: [example.com]
  log_retention_days: 365
attestations:
  - {account: "*", fact: root_devices, value: 1, by: all, on: 2026-11-02, expires: 2027-11-01}
  - {account: "111122223333", fact: root_devices, value: 2, by: jane, on: 2026-10-01, expires: 2026-12-01}
  - {account: ["111122223333"], fact: root_devices, value: 3, by: older, on: 2026-09-01, expires: 2027-09-01}
  - {account: "*", fact: drill_passed, value: 2026-08-01T10:00:00Z, by: tom, on: 2026-08-02, expires: 2026-11-20}
  - {account: "999988887777", fact: group_mailbox, value: true, by: other, on: 2026-08-02, expires: 2026-10-20}
`

func TestFactsComeFromTheRegister(t *testing.T) {
	u := read(t, attested).Use(now)
	s := &facts.Snapshot{Account: "111122223333"}
	other := &facts.Snapshot{Account: "222233334444"}
	nameless := &facts.Snapshot{}
	for _, each := range []*facts.Snapshot{s, other, nameless} {
		u.Apply(each)
	}
	if got := s.Facts.Decided; len(got.OwnedDomains) != 1 || got.LogRetentionDays != 365 {
		t.Errorf("decided: got %+v", got)
	}
	for _, c := range []struct {
		name string
		s    *facts.Snapshot
		want int
	}{{"an account's own attestation goes before a later one of all", s, 2}, {"another account has that of all", other, 1}, {"so has one without a number", nameless, 1}} {
		if got := c.s.Facts.Attested.RootDevices; got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
	if o, ok := s.Origin("attested.root_devices"); !ok || o.Call != "attestation" || o.File != "r.yaml:7" || o.At.Format(time.DateOnly) != "2026-10-01" {
		t.Errorf("origin: got %+v, %v", o, ok)
	}
	unknown := map[string]string{}
	for _, g := range s.Unknown() {
		unknown[g.Path] = g.Reason
	}
	for path, want := range map[string]string{
		"attested.drill_passed":  "attested by tom on 2026-08-02, expired 2026-11-20: attest again",
		"attested.group_mailbox": "no attestation in the register", "attested.root_devices": "", "decided.owned_domains": "",
		"decided.approved_regions": "no decision in the register",
	} {
		if got := unknown[path]; got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	var notices []string
	for _, n := range u.Notices() {
		notices = append(notices, fmt.Sprint(n.Line, " ", n.Kind))
	}
	if diff := cmp.Diff([]string{"7 expiring", "9 expired"}, notices); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

const excepted = `
exceptions:
  - {control: "*", owner: all, reason: everything, expires: 2027-11-01}
  - {control: RT-01, owner: ann, reason: root, expires: 2026-12-01}
  - {control: [A-1], resource: "arn:aws:iam::*:user/old-*", region: eu-?est-1, account: "1111*", owner: bob, reason: old, expires: 2027-01-20}
  - {control: B-1, owner: cid, reason: gone by, expires: 2026-11-01}
  - {control: C-1, owner: dan, reason: passes, expires: 2027-01-20}
  - {control: D-1, owner: eve, reason: misspelt, expires: 2027-01-20}
  - {control: E-1, owner: fay, reason: unknown, expires: 2027-01-20}
`

func TestExceptionsCoverFailuresOnly(t *testing.T) {
	text := strings.Replace(excepted, "  - {control: \"*\", owner: all, reason: everything, expires: 2027-11-01}\n", "", 1)
	u := read(t, text).Use(now)
	find := func(control string, status rootkeep.Status, resource string) rootkeep.Finding {
		return rootkeep.Finding{Control: control, Status: status, Account: "111122223333", Region: "eu-west-1", Resource: resource}
	}
	list := []rootkeep.Finding{
		find("RT-01", rootkeep.Fail, "root"), find("A-1", rootkeep.Fail, "arn:aws:iam::111122223333:user/old-1"), find("A-1", rootkeep.Fail, "arn:aws:iam::111122223333:user/new"),
		find("B-1", rootkeep.Fail, "b"), find("C-1", rootkeep.Pass, "c"), find("E-1", rootkeep.Unknown, "e"),
	}
	u.Except(list)
	var got []string
	for _, f := range list {
		owner := ""
		if f.Exception != nil {
			owner = " " + f.Exception.Owner + " " + f.Exception.Until.Format(time.DateOnly)
		}
		got = append(got, f.Control+" "+f.Status.String()+owner)
	}
	want := []string{"RT-01 excepted ann 2026-12-01", "A-1 excepted bob 2027-01-20", "A-1 fail", "B-1 fail", "C-1 pass", "E-1 unknown"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var notices []string
	for _, n := range u.Notices() {
		notices = append(notices, fmt.Sprint(n.Line, " ", n.Kind))
	}
	if diff := cmp.Diff([]string{"3 expiring", "5 expired", "6 unneeded", "7 unused", "8 undecided"}, notices); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

func TestAPatternOfAllCoversNoRootControl(t *testing.T) {
	for pattern, want := range map[string]rootkeep.Status{"*": rootkeep.Fail, "?T-01": rootkeep.Fail, "R*": rootkeep.Fail, "RT-*": rootkeep.Excepted, "RT-01": rootkeep.Excepted} {
		u := read(t, "exceptions:\n  - {control: \""+pattern+"\", owner: o, reason: r, expires: 2027-01-20}").Use(now)
		list := []rootkeep.Finding{{Control: "RT-01", Status: rootkeep.Fail}}
		if u.Except(list); list[0].Status != want {
			t.Errorf("%s: got %s, want %s", pattern, list[0].Status, want)
		}
	}
}

func TestGrantedExceptions(t *testing.T) {
	granted := func(control, region, resource string, until time.Time) register.Granted {
		return register.Granted{ID: "EX-1", Control: control, Account: "111122223333", Region: rootkeep.Region(region), Resource: resource, Owner: "ann", Reason: "because", Until: until}
	}
	later := now.Add(90 * 24 * time.Hour)
	fail := rootkeep.Finding{Control: "RT-01", Status: rootkeep.Fail, Account: "111122223333", Region: "eu-west-1", Resource: "arn:aws:iam::111122223333:root"}
	tests := []struct {
		name    string
		granted register.Granted
		want    rootkeep.Status
	}{
		{"a root control is covered by its ID", granted("RT-01", "", "", later), rootkeep.Excepted},
		{"another control is not", granted("RT-02", "", "", later), rootkeep.Fail},
		{"a star is only a star", granted("*", "", "", later), rootkeep.Fail},
		{"a star behind RT- is only a star", granted("RT-*", "", "", later), rootkeep.Fail},
		{"the Region is the one that was named", granted("RT-01", "eu-west-1", "", later), rootkeep.Excepted},
		{"another Region is not covered", granted("RT-01", "us-east-1", "", later), rootkeep.Fail},
		{"the resource is the one that was named", granted("RT-01", "", "arn:aws:iam::111122223333:root", later), rootkeep.Excepted},
		{"another resource is not covered", granted("RT-01", "", "arn:aws:iam::111122223333:*", later), rootkeep.Fail},
		{"one that has ended covers nothing", granted("RT-01", "", "", now), rootkeep.Fail},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list := []rootkeep.Finding{fail, {Control: "RT-01", Status: rootkeep.Fail, Account: "222233334444"}, {Control: "RT-01", Status: rootkeep.Unknown, Account: "111122223333"}}
			u := (&register.Register{}).With([]register.Granted{tt.granted}).Use(now)
			if u.Except(list); list[0].Status != tt.want {
				t.Errorf("got %s, want %s", list[0].Status, tt.want)
			}
			if list[1].Status != rootkeep.Fail || list[2].Status != rootkeep.Unknown {
				t.Errorf("got %s in another account and %s of an unknown, want them as they were", list[1].Status, list[2].Status)
			}
			if x := list[0].Exception; tt.want == rootkeep.Excepted && (x == nil || x.Owner != "ann" || x.Reason != "because" || !x.Until.Equal(later)) {
				t.Errorf("got exception %+v", x)
			}
		})
	}
	t.Run("a register is not changed by those added to it", func(t *testing.T) {
		file := read(t, excepted)
		_, _, before := file.Size()
		both := file.With([]register.Granted{granted("A-2", "", "", now.Add(time.Hour))})
		if _, _, n := file.Size(); n != before {
			t.Errorf("got %d exceptions in the file, want %d", n, before)
		}
		u := both.Use(now)
		u.Except([]rootkeep.Finding{{Control: "A-2", Status: rootkeep.Fail, Account: "111122223333"}})
		if got := u.Notices()[0]; got.ID != "EX-1" || got.Kind != "expiring" {
			t.Errorf("got %+v, want a notice of EX-1", got)
		}
	})
}

// The example has to be right once its comments are taken away.
func TestTheExampleIsARegister(t *testing.T) {
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for name, text := range map[string]string{"as it is": register.Example, "with its entries": strings.ReplaceAll(register.Example, "\n#  ", "\n  ")} {
		r, problems := register.Read("example", strings.NewReader(text), day, day)
		if len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
			continue
		}
		d, a, e := r.Size()
		if want := name == "with its entries"; (d > 0 && a > 0 && e > 0) != want {
			t.Errorf("%s: got %d decisions, %d attestations, %d exceptions", name, d, a, e)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{attested, excepted, register.Example, "exceptions: [{control: &a *a}]", "decisions: {<<: {a: b}}", "? [a]\n: b", "attestations:\n - {fact: root_devices, value: {a: [1]}}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, problems := register.Read("r.yaml", strings.NewReader(text), now, now)
		if len(problems) > 0 {
			return
		}
		u := r.Use(now)
		u.Apply(&facts.Snapshot{Account: "111122223333"})
		u.Except([]rootkeep.Finding{{Control: "RT-01", Status: rootkeep.Fail, Account: "111122223333", Resource: "r"}})
		u.Notices()
		r.Entries(now)
	})
}
