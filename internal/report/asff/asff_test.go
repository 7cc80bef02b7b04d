package asff_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/report/asff"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/report/assessment/assessmenttest"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

func of(t *testing.T, a *assessment.Assessment, region rootkeep.Region) []asff.Finding {
	t.Helper()
	list, err := asff.Of(a, region)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestStatusesAreMapped(t *testing.T) {
	var got []string
	for _, f := range of(t, assessmenttest.Story(), "eu-west-1") {
		if line := fmt.Sprintf("%s %s %s %s %s", f.Title[:5], f.Compliance.Status, f.RecordState, f.Severity.Label, f.Resources[0].Type); len(got) == 0 || got[len(got)-1] != line {
			got = append(got, line)
		}
	}
	want := []string{
		"RT-01 FAILED ACTIVE CRITICAL AwsAccount", "RT-05 WARNING ACTIVE CRITICAL AwsAccount", "GD-01 FAILED ACTIVE HIGH AwsAccount", "IU-01 FAILED ACTIVE HIGH AwsIamUser",
		"GD-01 WARNING ACTIVE HIGH AwsAccount", "PW-08 WARNING ACTIVE LOW AwsAccount", "CT-01 PASSED ARCHIVED INFORMATIONAL AwsAccount",
		"MF-03 NOT_AVAILABLE ARCHIVED INFORMATIONAL AwsAccount", "IU-01 NOT_AVAILABLE ARCHIVED INFORMATIONAL AwsIamUser",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestIDsAreStableAndApart(t *testing.T) {
	first, second := of(t, assessmenttest.Story(), "eu-west-1"), of(t, assessmenttest.Story(), "eu-west-1")
	seen := map[string]bool{}
	for i := range first {
		if first[i].ID != second[i].ID || seen[first[i].ID] {
			t.Errorf("%s: got %s, want the same in both scans, and once", first[i].Title, first[i].ID)
		}
		seen[first[i].ID] = true
	}
}

// The later of two imports of one ID wins, so a pass must not follow a failure.
func TestOfTwoFindingsWithOneIDTheWorseIsKept(t *testing.T) {
	a := assessment.New("v", assessmenttest.Day, nil)
	a.Add(&facts.Snapshot{Account: "111122223333"}, []rootkeep.Finding{
		{Control: "A", Status: rootkeep.Pass, Account: "111122223333", Resource: "r"}, {Control: "A", Status: rootkeep.Fail, Account: "111122223333", Resource: "r"},
	})
	a.Finish()
	if got := of(t, a, "eu-west-1"); len(got) != 1 || got[0].Compliance.Status != "FAILED" {
		t.Errorf("got %+v, want the failure alone", got)
	}
}

func TestTheProductIsInTheRegionOfTheImport(t *testing.T) {
	for region, want := range map[rootkeep.Region]string{
		"eu-west-1":     "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default",
		"cn-north-1":    "arn:aws-cn:securityhub:cn-north-1:111122223333:product/111122223333/default",
		"us-gov-west-1": "arn:aws-us-gov:securityhub:us-gov-west-1:111122223333:product/111122223333/default",
	} {
		if got := of(t, assessmenttest.Story(), region)[0].ProductARN; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestLimitsOfTheFormat(t *testing.T) {
	for name, a := range map[string]*assessment.Assessment{"story": assessmenttest.Story(), "hostile": assessmenttest.Hostile()} {
		for _, f := range of(t, a, "eu-west-1") {
			for _, c := range []struct {
				what, text string
				most       int
			}{{"title", f.Title, 256}, {"description", f.Description, 1024}, {"id", f.ID, 512}, {"generator", f.GeneratorID, 512}, {"resource", f.Resources[0].ID, 512}} {
				if n := utf8.RuneCountInString(c.text); n == 0 || n > c.most {
					t.Errorf("%s: %s: got %d characters, want 1 to %d", name, c.what, n, c.most)
				}
			}
			if b, err := json.Marshal(f); err != nil || len(b) > 32<<10 {
				t.Errorf("%s: got %d bytes, %v, want at most 32 KB", name, len(b), err)
			}
		}
	}
}

func TestAnAccountWithoutANumberIsRefused(t *testing.T) {
	a := assessment.New("v", assessmenttest.Day, nil)
	a.Add(&facts.Snapshot{}, []rootkeep.Finding{{Control: "A", Resource: "account"}})
	if _, err := asff.Of(a, "eu-west-1"); err == nil || !strings.Contains(err.Error(), "no file tells the account's number") {
		t.Errorf("got %v, want it refused", err)
	}
}

func written(t *testing.T, a *assessment.Assessment) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := asff.Write(&b, a, "eu-west-1"); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHostileTextIsInert(t *testing.T) {
	for i, r := range string(written(t, assessmenttest.Hostile())) {
		if r != '\n' && !text.Shown(r) {
			t.Fatalf("got %U at byte %d, want visible characters only", r, i)
		}
	}
}

// TestBotocoreAcceptsTheFindings has AWS's own Python client check the parameters of the
// call, and the patterns, lengths and enumerations that its model has.
func TestBotocoreAcceptsTheFindings(t *testing.T) {
	python, err := filepath.Abs("../../../.venv/python/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(python); err != nil {
		t.Skip("skipped: .venv/python is not there; hint: make setup")
	}
	story := written(t, assessmenttest.Story())
	cases := map[string]struct {
		document []byte
		want     string
	}{
		"story":           {story, "ok"},
		"hostile":         {written(t, assessmenttest.Hostile()), "ok"},
		"alerts":          {alerts(t), "ok"},
		"a wrong status":  {bytes.ReplaceAll(story, []byte(`"FAILED"`), []byte(`"FAIL"`)), "FAIL is none of"},
		"no generator":    {bytes.ReplaceAll(story, []byte(`"GeneratorId"`), []byte(`"Generator"`)), `Missing required parameter in Findings[0]: "GeneratorId"`},
		"a blank product": {bytes.ReplaceAll(story, []byte(`"ProductName": "rootkeep"`), []byte(`"ProductName": " "`)), "does not match"},
	}
	documents := map[string]json.RawMessage{}
	for name, c := range cases {
		documents[name] = c.document
	}
	input, err := json.Marshal(documents)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(python, "-B", "testdata/validate.py")
	command.Stdin, command.Stderr = bytes.NewReader(input), os.Stderr
	out, err := command.Output()
	got := map[string]string{}
	if err = errors.Join(err, json.Unmarshal(out, &got)); err != nil {
		t.Fatal(err)
	}
	for name, c := range cases {
		if !strings.HasPrefix(got[name], c.want) && (c.want == "ok" || !strings.Contains(got[name], c.want)) {
			t.Errorf("%s: got %.600s, want %q", name, got[name], c.want)
		}
	}
}
