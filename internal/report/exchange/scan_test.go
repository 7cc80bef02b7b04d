package exchange

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/report/assessment/assessmenttest"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

func scanned(t *testing.T, write func(io.Writer, *assessment.Assessment) error, a *assessment.Assessment) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out, a); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestScansFollowTheirSchemas(t *testing.T) {
	for name, a := range map[string]*assessment.Assessment{"story": assessmenttest.Story(), "hostile": assessmenttest.Hostile(), "empty": assessmenttest.Empty()} {
		t.Run(name+" as SARIF", func(t *testing.T) {
			conforms(t, "testdata/sarif.scan.schema.json", scanned(t, ScanSARIF, a))
		})
		t.Run(name+" as OCSF", func(t *testing.T) {
			n := 0
			for line := range bytes.Lines(scanned(t, ScanOCSF, a)) {
				conforms(t, "testdata/ocsf.compliance.schema.json", line)
				n++
			}
			if n != len(a.Findings) {
				t.Errorf("got %d lines, want one for each of %d findings", n, len(a.Findings))
			}
		})
	}
}

func TestHostileScansAreInert(t *testing.T) {
	for name, write := range map[string]func(io.Writer, *assessment.Assessment) error{"SARIF": ScanSARIF, "OCSF": ScanOCSF} {
		out := string(scanned(t, write, assessmenttest.Hostile()))
		for i, r := range out {
			if r != '\n' && !text.Shown(r) {
				t.Fatalf("%s: got %U at byte %d, want visible characters only", name, r, i)
			}
		}
		if strings.Contains(out, "<script") {
			t.Errorf("%s: got markup, want it escaped", name)
		}
	}
}

// What is not known and what is accepted must not look like a pass to any reader.
func TestStatusesKeepTheirMeaning(t *testing.T) {
	a := assessmenttest.Story()
	var log sarifLog
	if err := json.Unmarshal(scanned(t, ScanSARIF, a), &log); err != nil {
		t.Fatal(err)
	}
	var got []string
	lines := slices.Collect(bytes.Lines(scanned(t, ScanOCSF, a)))
	for i, r := range log.Runs[0].Results {
		f := a.Findings[i]
		if f.Control == "IU-01" {
			continue
		}
		var o ocsfCompliance
		if err := json.Unmarshal(lines[i], &o); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %s: %s %s %d; %s %s %s", f.Control, f.Status, r.Kind, r.Level, len(r.Suppressions), o.Compliance.Status, o.Status, o.Severity))
		if id := log.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID; id != r.RuleID || r.RuleID != f.Control {
			t.Errorf("rule: got %s at index %d, want %s", id, r.RuleIndex, f.Control)
		}
		if r.Locations[0].Physical != nil || r.Locations[0].Logical[0].Name != f.Resource {
			t.Errorf("location: got %+v, want %s", r.Locations[0], f.Resource)
		}
	}
	want := []string{
		"RT-01 fail: fail error 0; Fail New Critical", "RT-05 excepted: fail error 1; Fail Suppressed Critical", "GD-01 fail: fail error 0; Fail New High",
		"GD-01 unknown: open none 0; Warning New High", "PW-08 excepted: fail note 1; Fail Suppressed Low", "CT-01 pass: pass none 0; Pass Resolved Informational",
		"MF-03 not-applicable: notApplicable none 0; Not applicable Resolved Informational",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(log.Runs[0].Invocations[0].Notifications); n != 1 {
		t.Errorf("got %d notifications, want the problem", n)
	}
}

func TestFingerprintsAreStable(t *testing.T) {
	f := rootkeep.Finding{Control: "A", Account: "111122223333", Region: "eu-west-1", Resource: "r", Detail: "then"}
	same, other := f, f
	same.Detail, same.Status, same.Title = "now", rootkeep.Pass, "Said in other words"
	other.Region, other.Resource = "", "eu-west-1r"
	if f.ID() != same.ID() || f.ID() == other.ID() {
		t.Errorf("got %s, %s and %s, want the first two equal", f.ID(), same.ID(), other.ID())
	}
}
