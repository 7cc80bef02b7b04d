package web_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/assessment/assessmenttest"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// poison is text that breaks out of HTML, JavaScript, a terminal, a reading direction.
const poison = assessmenttest.Poison

// parts is an area whose page has every part, filled with a text.
func parts(words string) web.Area {
	body := templ.Join(
		page.Trail(page.Link{Text: "Accounts", Path: "/accounts"}, page.Link{Text: words, Path: "/accounts/1"}),
		page.Head("Findings of "+words, "What the controls came to. "+words),
		page.Notice(page.Careful, "2 accounts were not read: "+words),
		page.Stats(
			page.Stat{Label: "Root uses in 90 days", Value: "4 seen", Note: "approval not checked, coverage 97 %", Tone: page.Unsure, Path: "/hunts"},
			page.Stat{Label: "Critical findings", Value: "3", Note: words, Tone: page.Critical, Path: "/findings?severity=critical"},
			page.Stat{Label: "Accounts with MFA on root", Value: "18 of 20", Tone: page.Careful},
			page.Stat{Label: "Score", Value: "71", Note: "foundation", Tone: page.Plain},
		),
		page.Tabs("Views", page.Tab{Text: "Findings", Path: "/parts", Current: true}, page.Tab{Text: "Accounts", Path: "/accounts"}, page.Tab{Text: "Frameworks", Path: "/frameworks"}),
		page.Filter("/parts",
			page.Input{Name: "text", Label: "Text", Kind: "search", Value: words},
			page.Input{Name: "severity", Label: "Severity", Kind: "select", Value: "high", Options: []page.Option{{Value: "", Text: "any"}, {Value: "high", Text: "high"}, {Value: words, Text: words}}},
			page.Input{Name: "from", Label: "From", Kind: "date", Value: "2026-11-01"},
			page.Input{Name: "root", Label: "Root only", Kind: "checkbox", Checked: true},
		),
		table(words),
		page.More("/parts", "/parts?cursor=abc"),
		section("facts", "Facts", page.Facts(
			page.Fact{Term: "Account", Value: page.ID("111122223333")}, page.Fact{Term: words, Value: page.Text(words)},
			page.Fact{Term: "Last read", Value: page.Time(time.Date(2026, 11, 26, 17, 44, 1, 0, time.UTC))}, page.Fact{Term: "Alarm", Value: page.Time(time.Time{})},
		)),
		section("source", "Source", page.Code("Answer of AWS", "{\n\t\"UserName\": \""+words+"\"\n}")),
		section("form", "Ask for an exception", templ.Join(
			page.Faults(page.Input{Name: "owner", Label: "Owner", Fault: words}),
			children(page.Form("/parts"), templ.Join(
				page.Field(page.Input{Name: "owner", Label: "Owner", Kind: "text", Value: words, Fault: words, Hint: "Who answers for it", Required: true, Most: 100}),
				page.Field(page.Input{Name: "reason", Label: "Reason", Kind: "textarea", Value: words}),
			)),
			page.Act("/parts", "Withdraw", "Withdraw "+words+"?", page.Bad, page.Input{Name: "id", Value: words}),
		)),
		section("none", "Nothing yet", children(page.Empty("No scan has run yet", "Scan an account to see what its controls come to."), page.Command("rootkeep scan --aws --send"))),
		children(page.Live("live", "scan finding"), page.Text(words)),
	)
	return web.Area{
		Name: "parts",
		Nav: []page.Link{{Text: "Home", Path: "/", Need: people.Read}, {Text: "Findings", Path: "/parts", Need: people.Read},
			{Text: "Ledger", Path: "/ledger", Need: people.ReadEvidence}, {Text: "People", Path: "/people", Need: people.ManagePeople}},
		Banner: func(_ context.Context, a people.Actor) (page.Banner, error) {
			return page.Banner{Text: "An enrolment link for an administrator was made on the host: " + words, Action: "/parts", Button: "I know"}, nil
		},
		Routes: []web.Route{
			{Method: "GET", Path: "/parts", Need: people.Read, Handle: func(w http.ResponseWriter, r *http.Request) error {
				return web.Show(w, r, "Findings "+words, body)
			}},
			{Method: "POST", Path: "/parts", Need: people.Read, Handle: func(w http.ResponseWriter, r *http.Request) error {
				return web.Redirect(w, r, "/parts", "Done: "+words)
			}},
		},
	}
}

func table(words string) templ.Component {
	var rows []page.Row
	for i, s := range []rootkeep.Severity{rootkeep.Critical, rootkeep.High, rootkeep.Medium, rootkeep.Low} {
		status := rootkeep.Status(i)
		rows = append(rows, page.Row{Tone: page.SeverityTone(s), Cells: []templ.Component{
			page.To("/findings/1", "RT-01 "+words), page.Severity(s), page.Status(status), page.ID("111122223333"),
			page.Text(words), page.Time(time.Date(2026, 11, 26, 17, 44, 1, 0, time.UTC)), page.Text(fmt.Sprint(i * 1000)),
		}})
	}
	return page.Table("Findings of "+words, []page.Column{
		{Title: "Control", Path: "/parts?sort=control", Sorted: "ascending"}, {Title: "Severity"}, {Title: "Status"}, {Title: "Account"}, {Title: "Resource"}, {Title: "Seen"}, {Title: "Calls", Number: true},
	}, rows)
}

// children puts a component into one that has room for it.
func children(outer, inner templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return outer.Render(templ.WithChildren(ctx, inner), w)
	})
}

func section(id, title string, inside templ.Component) templ.Component {
	return children(page.Section(id, title), inside)
}

func TestHostileTextIsWrittenOut(t *testing.T) {
	s := webtest.Serve(t, webtest.Store(t), webtest.Actors{"viewer": webtest.Person(poison, time.Now(), people.Grant{Role: people.Viewer, Scope: "*"})}, parts(poison))
	done := s.Form("viewer", "/parts", nil)
	cookie, _, _ := strings.Cut(done.Header.Get("Set-Cookie"), ";")
	got := s.Do("viewer", "GET", "/parts", "", "Cookie", cookie)
	if got.Status != 200 || !strings.Contains(got.Body, "Done: =cmd|x&lt;script") {
		t.Fatalf("got %d, want the page with its message", got.Status)
	}
	// The value of an input is sent back as it is: only there the text stands raw.
	got.Body = regexp.MustCompile(`(?s) value="[^"]*"|<textarea.*?</textarea>`).ReplaceAllString(got.Body, "")
	for _, bad := range []string{"<script>alert", "\x1b", "\u202e", "\u200b", "\u009b", "\U000e0041", "javascript:", "'&"} {
		if i := strings.Index(got.Body, bad); i >= 0 {
			t.Errorf("got %q in ...%q", bad, got.Body[max(0, i-60):min(len(got.Body), i+60)])
		}
	}
}

func TestPagesInABrowser(t *testing.T) {
	s := webtest.Serve(t, webtest.Store(t), nil, parts("the account of a team"))
	hostile := webtest.Serve(t, webtest.Store(t), nil, parts(strings.Repeat(poison, 3)))
	b := s.Browser(t)
	b.Photograph("viewer", "parts", "/parts")
	b.Photograph("viewer", "not-found", "/nothing")
	hostile.Browser(t).Photograph("viewer", "parts-hostile", "/parts")
}

func TestLinksStayOnTheServer(t *testing.T) {
	for path, want := range map[string]string{
		"/findings?a=b": "/findings?a=b", "#facts": "#facts", "?page=2": "?page=2",
		"javascript:alert(1)": "#", "//evil.example": "#", `/\evil.example`: "#", "https://evil.example": "#", "": "#",
	} {
		var out strings.Builder
		if err := page.To(path, "words").Render(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), `href="`+want+`"`) {
			t.Errorf("%q: got %s, want %s", path, out.String(), want)
		}
	}
}

func TestNavigationShowsWhatTheActorMayOpen(t *testing.T) {
	s := webtest.Serve(t, webtest.Store(t), nil, parts("words"))
	for actor, want := range map[string]string{"viewer": "/ /parts", "auditor": "/ /parts /ledger", "admin": "/ /parts /people"} {
		body := s.Get(actor, "/parts").Body
		_, menu, _ := strings.Cut(body, `<nav id="menu"`)
		menu, _, _ = strings.Cut(menu, "</nav>")
		var got []string
		for _, path := range []string{"/", "/parts", "/ledger", "/people"} {
			if strings.Contains(menu, `href="`+path+`"`) {
				got = append(got, path)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", actor, got, want)
		}
	}
}
