package assessment_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/report/assessment/assessmenttest"
)

const hostile = "=cmd|' /C calc'!A0\x1b[2J\u202e</testcase><x>"

func findings() []rootkeep.Finding {
	return []rootkeep.Finding{
		{Control: "A-1", Title: "Passes", Severity: rootkeep.Critical, Status: rootkeep.Pass, Resource: "r"},
		{Control: "A-2", Title: "Unknown", Severity: rootkeep.High, Resource: "r", Missing: []string{"root.x: denied"}, Permissions: []string{"iam:X"}},
		{Control: "A-3", Title: "Low", Severity: rootkeep.Low, Status: rootkeep.Fail, Resource: "r"},
		{Control: "A-4", Title: "High", Severity: rootkeep.High, Status: rootkeep.Fail, Resource: hostile, Detail: hostile},
		{Control: "A-5", Title: "Other", Status: rootkeep.NotApplicable, Resource: "r"},
		{Control: "A-6", Title: "Excepted", Status: rootkeep.Excepted, Resource: "r"},
	}
}

// assess makes an assessment of one account, with a fix for one control.
func assess(findings []rootkeep.Finding) *assessment.Assessment {
	a := assessment.New("test", time.Now(), []*posture.Control{{ID: "A-4", Fix: posture.Fix{Console: "Mend it."}}})
	a.Add(&facts.Snapshot{Account: "111122223333"}, findings)
	a.Finish()
	return a
}

func TestFailuresComeFirst(t *testing.T) {
	a := assess(findings())
	var got []string
	for _, f := range a.Findings {
		got = append(got, f.Control)
	}
	if want := "A-4 A-3 A-2 A-6 A-1 A-5"; strings.Join(got, " ") != want {
		t.Errorf("order: got %v, want %s", got, want)
	}
	if want := (assessment.Counts{Fail: 2, Unknown: 1, Pass: 1, NotApplicable: 1, Excepted: 1}); a.Counts != want {
		t.Errorf("counts: got %+v, want %+v", a.Counts, want)
	}
	if got := a.Fails(rootkeep.Medium); got != 1 {
		t.Errorf("failures from medium on: got %d, want 1", got)
	}
}

func TestTextIsHarmlessAndSaysWhatIsMissing(t *testing.T) {
	var b bytes.Buffer
	if err := assess(findings()).Text(&b, assessment.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\u202e") {
		t.Errorf("escape sequences reach the terminal: %q", b.String())
	}
	for _, want := range []string{"HIGH", "fix: Mend it.", "NOT KNOWN (1): neither pass nor fail", "root.x: denied"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
}

func TestAControlMayBeMoreSevereInOneAccount(t *testing.T) {
	both := []rootkeep.Finding{
		{Control: "A-4", Title: "High", Severity: rootkeep.High, Status: rootkeep.Fail, Resource: "member"},
		{Control: "A-4", Title: "High", Severity: rootkeep.Critical, Status: rootkeep.Fail, Resource: "management"},
	}
	var b bytes.Buffer
	if err := assess(both).Text(&b, assessment.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	critical, high := strings.Index(b.String(), "CRITICAL  A-4"), strings.Index(b.String(), "HIGH      A-4")
	if management, member := strings.Index(b.String(), "management"), strings.Index(b.String(), "member"); critical < 0 || management < critical || high < management || member < high {
		t.Errorf("got %s, want the management account under CRITICAL and the member under HIGH", b.String())
	}
}

func TestManyResourcesAreCounted(t *testing.T) {
	var list []rootkeep.Finding
	for range 9 {
		list = append(list, rootkeep.Finding{Control: "A", Title: "T", Status: rootkeep.Fail, Resource: "r"})
	}
	for most, want := range map[int]string{0: "and 4 more", 2: "and 7 more", -1: ""} {
		var b bytes.Buffer
		if err := assess(list).Text(&b, assessment.TextOptions{Most: most}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "more"); got != (want != "") || !strings.Contains(b.String(), want) {
			t.Errorf("at most %d: want %q in:\n%s", most, want, b.String())
		}
	}
}

func TestFormatsReadBack(t *testing.T) {
	a := assess(findings())
	var b bytes.Buffer
	if err := a.CSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 7 {
		t.Fatalf("CSV: got %d rows, %v", len(rows), err)
	}
	if cell := rows[1][6]; !strings.HasPrefix(cell, "'=") {
		t.Errorf("a formula: got %q, want it disarmed", cell)
	}
	b.Reset()
	if err := a.JUnit(&b); err != nil {
		t.Fatal(err)
	}
	var suite struct {
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Skipped  int `xml:"skipped,attr"`
		Cases    []struct {
			Name string `xml:"name,attr"`
		} `xml:"testcase"`
	}
	if err := xml.Unmarshal(b.Bytes(), &suite); err != nil {
		t.Fatal(err)
	}
	if suite.Failures != 2 || suite.Errors != 1 || suite.Skipped != 2 || len(suite.Cases) != 6 {
		t.Errorf("JUnit: got %+v", suite)
	}
	b.Reset()
	if err := json.NewEncoder(&b).Encode(a); err != nil {
		t.Fatal(err)
	}
	var back assessment.Assessment
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || len(back.Findings) != 6 || back.Schema != assessment.Schema {
		t.Errorf("JSON: got %d findings of %s, %v", len(back.Findings), back.Schema, err)
	}
}

// What is accepted of the root user stands among the failures, in every order and format
// of a person; what is accepted elsewhere comes later.
func TestAcceptedRootControlsComeFirst(t *testing.T) {
	a := assessmenttest.Story()
	if got := a.Findings[0].Control + " " + a.Findings[1].Control; got != "RT-01 RT-05" {
		t.Errorf("order: got %s, want the root failure, then what is accepted of root", got)
	}
	var b bytes.Buffer
	if err := a.Text(&b, assessment.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	last := -1
	for _, want := range []string{
		"9 failures, 2 accepted, 1 not known", "FAILS (9), and what is accepted of the root user", "CRITICAL  RT-01", "EXCEPTED  RT-05",
		"accepted by jane@example.com until 2026-12-10: Needed for the old billing export", "HIGH      GD-01", "FIX THESE FIRST", " 1. CRITICAL  RT-01", "7 failures, hours",
		"SCORECARD", "Foundation security: 1 of 2 done, 1 not done", "not known       Compliance-ready documentation (not known: AC-08)",
		"SINCE 2026-10-20 09:30:00 UTC (october.json)", "1 new failure, 1 fixed, 1 gone, 1 newly unknown", "NOT KNOWN (1)", "ACCEPTED (2)", "EXCEPTED  PW-08", "REGISTER", "register.yaml:12",
	} {
		at := strings.Index(b.String(), want)
		if at <= last {
			t.Fatalf("got %q at %d, want it after byte %d of\n%s", want, at, last, &b)
		}
		last = at
	}
	b.Reset()
	if err := a.JUnit(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `<skipped message="accepted by jane@example.com until 2026-12-10: Needed for the old billing export"`) {
		t.Errorf("JUnit: got no owner and end in\n%s", &b)
	}
	b.Reset()
	if err := a.CSV(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "jane@example.com,2026-12-10,Needed for the old billing export") {
		t.Errorf("CSV: got no owner and end in\n%s", &b)
	}
}

func TestColoursAreForTerminalsOnly(t *testing.T) {
	for color, want := range map[bool]bool{true: true, false: false} {
		var b bytes.Buffer
		if err := assessmenttest.Story().Text(&b, assessment.TextOptions{Color: color}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "\x1b["); got != want {
			t.Errorf("color %v: got escape sequences %v", color, got)
		}
	}
}

func TestAHostileScanIsHarmlessInText(t *testing.T) {
	for _, write := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return assessmenttest.Hostile().Text(b, assessment.TextOptions{}) },
		func(b *bytes.Buffer) error { return assessmenttest.Hostile().CSV(b) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\u202e\u200b\u009b\r") {
			t.Errorf("got characters that a terminal obeys in %.300q", b.String())
		}
	}
}

// An attestation is not an old fact: it has an end of its own.
func TestTheAgeOfFactsIsThatOfCalls(t *testing.T) {
	a := assessment.New("v", assessmenttest.Day, nil)
	for _, id := range []rootkeep.AccountID{"000000000001", "000000000002", "000000000003", "000000000004"} {
		s := &facts.Snapshot{Account: id, Taken: assessmenttest.Day}
		s.Observe("iam:GetCredentialReport", assessmenttest.Day.Add(-4*time.Hour), "", "users.mfa_enabled")
		s.Observe("attestation", assessmenttest.Day.AddDate(0, -6, 0), "r.yaml:3", "attested.root_devices")
		a.Add(s, nil)
	}
	a.Finish()
	var b bytes.Buffer
	if err := a.Text(&b, assessment.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if want := "account 000000000004: the oldest of 2026-11-20 05:30:00 UTC"; !strings.Contains(b.String(), want) {
		t.Errorf("got no %q in\n%s", want, &b)
	}
}
