package assessment_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/rule"
)

const handbook = `id: mine
kind: framework
name: "Mine\e[2J"
version: "1"
owner: Us
source: Our handbook
date: 2026-11-26
scope: All of it.
clauses:
  - {clause: "1", title: "=One\e[31m", controls: [A-4, A-1], basis: ours, why: Because., part: the rest}
  - {clause: "2", title: Two, controls: [A-1], basis: published, source: Them}
  - {clause: "3", title: Three, controls: [], why: Nobody can tell.}
  - {clause: "4", title: Four, controls: [A-2, X-9], basis: published}
`

// covered is an assessment whose findings answer a framework.
func covered(t *testing.T) *assessment.Assessment {
	t.Helper()
	all, problems := framework.Load(nil, rule.Source{FS: fstest.MapFS{"mine.yaml": {Data: []byte(handbook)}}, Dir: "."})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	a := assessment.New("test", time.Now(), nil)
	a.Add(&facts.Snapshot{Account: "111122223333"}, findings())
	a.Finish()
	a.Cover(all, []string{"A-1", "A-2", "A-3", "A-4", "A-5", "A-6"})
	return a
}

func TestAFrameworkHasASectionWithItsBasis(t *testing.T) {
	var b bytes.Buffer
	a := covered(t)
	if err := a.Text(&b, assessment.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Errorf("escape sequences reach the terminal: %q", b.String())
	}
	for _, want := range []string{
		"FRAMEWORK mine: Mine", "Clauses: 1 fail, 1 unknown, 1 pass, 1 not-covered\n", "Source: Our handbook, as of 2026-11-26.\n", framework.Meaning,
		"A-4 fail, A-1 pass\n      ours: Because.\n      not judged: the rest\n", "A-1 pass\n      published: Them\n", "Nobody can tell.", "A-2 unknown, X-9 unknown\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
}

func TestAnAccountThatWasNotReadIsSaidWithTheFramework(t *testing.T) {
	a := covered(t)
	a.Frameworks, a.Problems = nil, []assessment.Problem{{Account: "444455556666", File: "account 444455556666", Reason: "denied"}, {File: "f", Reason: "lost"}}
	all, _ := framework.Load(nil, rule.Source{FS: fstest.MapFS{"mine.yaml": {Data: []byte(handbook)}}, Dir: "."})
	a.Cover(all, []string{"A-1"})
	var b bytes.Buffer
	if err := a.Text(&b, assessment.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Nothing was read of 1 account, see below: there no clause is known.\n", "  unknown         2           Two\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
}

func TestClausesAsCSVAndJSON(t *testing.T) {
	a := covered(t)
	var b bytes.Buffer
	if err := a.CSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 5 {
		t.Fatalf("got %d lines and %v, want 5", len(rows), err)
	}
	for i, want := range []string{
		`mine|1|1|'=One\x1b[31m|fail|fail|ours||Because.|the rest||A-4 A-1|A-4|`,
		`mine|1|2|Two|pass|pass|published|Them||||A-1||`,
		`mine|1|3|Three|not-covered|not-covered|||Nobody can tell.|||||`,
		`mine|1|4|Four|unknown|unknown|published|Our handbook||||A-2 X-9||A-2 X-9`,
	} {
		if got := strings.Join(rows[i+1], "|"); got != want {
			t.Errorf("line %d: got %s, want %s", i+1, got, want)
		}
	}
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	var back assessment.Assessment
	if err := json.Unmarshal(text, &back); err != nil || len(back.Frameworks) != 1 || len(back.Frameworks[0].Clauses) != 4 {
		t.Errorf("JSON: got %v and %+v, want one framework of four clauses", err, back.Frameworks)
	}
	a.Frameworks = nil
	if text, err = json.Marshal(a); err != nil || bytes.Contains(text, []byte("frameworks")) {
		t.Errorf("without a framework: got %v and %s, want no such key", err, text)
	}
}
