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
	if err := assess(findings()).Text(&b, 0); err != nil {
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
	if err := assess(both).Text(&b, 0); err != nil {
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
		if err := assess(list).Text(&b, most); err != nil {
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
