package assessment_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/report/assessment/assessmenttest"
	"github.com/rootkeep/rootkeep/internal/report/sheet/sheettest"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

func page(t *testing.T, a *assessment.Assessment) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := a.HTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPagesInABrowser(t *testing.T) {
	ctx := sheettest.Browser(t)
	for _, c := range []struct {
		name, scheme string
		scan         *assessment.Assessment
		width        int64
	}{
		{"story", "light", assessmenttest.Story(), 360},
		{"story", "dark", assessmenttest.Story(), 1920},
		{"hostile", "light", assessmenttest.Hostile(), 360},
	} {
		t.Run(fmt.Sprintf("%s %s at %d px", c.name, c.scheme, c.width), func(t *testing.T) {
			sheettest.Photograph(t, ctx, "scan-"+c.name, c.scheme, page(t, c.scan), c.width, nil)
		})
	}
}

func TestThePageWorksWithoutScript(t *testing.T) {
	tab := sheettest.Browser(t)
	sheettest.Open(t, tab, page(t, assessmenttest.Story()), 1024)
	sheettest.Holds(t, tab, append([]sheettest.Claim{
		{Name: "the first card is of root", Expression: `document.querySelector('.alert .sub').textContent.startsWith('RT-01')`},
		{Name: "what is accepted of root comes second", Expression: `document.querySelectorAll('.alert .sub')[1].textContent.startsWith('RT-05')`},
		{Name: "what is accepted of root is in the verdict, with owner and end", Expression: `/jane@example.com until 2026-12-10/.test(document.querySelector('#verdict').textContent)`},
		{Name: "an unticked level is hidden", Expression: `document.querySelector('#show-l-high').click(), getComputedStyle(document.querySelector('.alert.l-high')).display === 'none'`},
	}, sheettest.Accessible()...)...)
}

func TestThePrintedPageShowsFoldedCards(t *testing.T) {
	sheettest.PrintsFolded(t, page(t, assessmenttest.Story()))
}

// What only a browser would tell otherwise holds without one, too.
func TestAHostilePageIsEscaped(t *testing.T) {
	got := string(page(t, assessmenttest.Hostile()))
	for i, r := range got {
		if r != '\n' && !text.Shown(r) {
			t.Fatalf("got %U at byte %d, want visible characters only", r, i)
		}
	}
	if strings.Contains(got, "<script") || regexp.MustCompile(`<[^>]* on[a-z]+=`).MatchString(got) {
		t.Error("got a script, want none")
	}
	if !strings.Contains(got, `http-equiv="Content-Security-Policy"`) {
		t.Error("got no policy, want one")
	}
}

// Of root nothing accepted is left out, however long the list is.
func TestManyRowsAreCounted(t *testing.T) {
	var list []rootkeep.Finding
	for i := range 300 {
		list = append(list, rootkeep.Finding{Control: "A-1", Title: "T", Status: rootkeep.Fail, Resource: fmt.Sprint("r", i)},
			rootkeep.Finding{Control: "RT-01", Title: "R", Status: rootkeep.Excepted, Account: rootkeep.AccountID(fmt.Sprintf("%012d", i)), Resource: "root",
				Exception: &rootkeep.Exception{Owner: fmt.Sprint("owner-", i, "."), Until: assessmenttest.Day}})
	}
	got := string(page(t, assess(list)))
	if !strings.Contains(got, "and 200 more, which the JSON output has") {
		t.Error("got no count of what is left out")
	}
	for i := range 300 {
		if !strings.Contains(got, fmt.Sprint("owner-", i, ".")) {
			t.Errorf("got no owner-%d, want every exception of root", i)
		}
	}
}
