package evidence

import (
	"bufio"
	"fmt"
	"io"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/story"
	"github.com/rootkeep/rootkeep/internal/report/sheet"
)

// mostRows is how many rows one table of the page about root has; the JSON has all.
const mostRows = 5000

const rootStyle sheet.Markup = `table.days td{text-align:center;padding:.1em .2em;font-variant-numeric:tabular-nums}table.days td.whole{background:color-mix(in srgb,currentColor 12%,transparent)}` +
	`table.days th{text-align:left;white-space:nowrap}.bad{font-weight:700}`

// WriteRoot writes the page about root users in a bundle. Equal stories give equal bytes.
func WriteRoot(out io.Writer, origin string, s *story.Story) error {
	p := sheet.Sheet{Writer: bufio.NewWriter(out)}
	p.Head("rootkeep evidence: root users", style+rootStyle)
	p.Masthead("Root users", s.AsOf, []sheet.Entry{
		{ID: "about", Name: "About"}, {ID: "claims", Name: "Accounts", N: len(s.Claims)}, {ID: "requests", Name: "Requests", N: len(s.Requests)},
		{ID: "changes", Name: "Changes", N: len(s.Changes)},
		{ID: "verdicts", Name: "Events", N: len(s.Verdicts)}, {ID: "coverage", Name: "Coverage", N: len(s.Coverage)}, {ID: "cases", Name: "Cases", N: len(s.Cases)},
	})
	p.Raw(`<main id="main">`)
	aboutRoot(p, origin, s)
	claimsOf(p, s)
	requestsOf(p, s)
	changesOf(p, s)
	verdictsOf(p, s)
	coverageOf(p, s)
	casesOf(p, s)
	p.Raw("</main>\n</div>\n</body>\n</html>\n")
	return p.Flush()
}

func aboutRoot(p sheet.Sheet, origin string, s *story.Story) {
	p.Raw(`<section id="about"><h1>Root users</h1><p class="lede">`)
	p.Text("What the ledger " + origin + " tells of root users from " + moment(s.From) + " to " + moment(s.To) + ".")
	p.Raw(`</p><p class="caveat">This page proves nothing: anybody can write a page. <code>rootkeep verify</code> tells all of it again from the entries. `)
	p.Raw(`<a href="../index.html">All of the bundle</a>.</p><dl>`)
	p.Row("Told from", fmt.Sprintf("entries %d to %d, the newest of %s", s.First, s.Last, moment(s.AsOf)))
	tally := s.Tally()
	for _, v := range rootkeep.Verdicts() {
		if tally[v] > 0 {
			p.Row(verdictTerm(v), strconv.Itoa(tally[v]))
		}
	}
	for _, g := range s.Gaps {
		p.Row("Not known", fmt.Sprintf("entry %d: %s", g.Entry, g.Text))
	}
	p.Raw("</dl></section>\n")
}

// verdictTerm is a verdict as a term of a list: markup of rootkeep's own.
func verdictTerm(v rootkeep.Verdict) sheet.Markup {
	for _, known := range rootkeep.Verdicts() {
		if v == known {
			return sheet.Markup(known)
		}
	}
	return "Other"
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "no time"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func table(p sheet.Sheet, columns ...sheet.Markup) {
	p.Raw("<table><thead><tr>")
	for _, c := range columns {
		p.Raw("<th>", c, "</th>")
	}
	p.Raw("</tr></thead><tbody>\n")
}

// closing ends a table, and says how many of its rows are elsewhere.
func closing(p sheet.Sheet, rows int, file string) {
	p.Raw("</tbody></table>")
	if rows > mostRows {
		p.Raw(`<p class="caveat">`)
		p.Text(fmt.Sprintf("%d more are in %s.", rows-mostRows, file))
		p.Raw("</p>")
	}
	p.Raw("</section>\n")
}

func claimsOf(p sheet.Sheet, s *story.Story) {
	p.Section("claims", "Accounts", len(s.Claims))
	p.Raw(`<p>Absence is claimed only where the ledger tells that the log is proven complete for the whole period, and every event in it is explained.</p>`)
	table(p, "Account", "Claim", "Explained", "Drills", "Services")
	for i := range s.Claims[:min(len(s.Claims), mostRows)] {
		c := &s.Claims[i]
		p.Raw("<tr>")
		p.TD("Account", "", string(c.Account), "")
		if c.Made {
			p.TD("Claim", "", "No unexplained use of root", "")
		} else {
			p.TD("Claim", "bad", "Not claimed", strings.Join(c.Missing[:min(len(c.Missing), 3)], "; "))
		}
		p.TD("Explained", "", strconv.Itoa(c.Explained), "")
		p.TD("Drills", "", strconv.Itoa(c.Drills), "")
		p.TD("Services", "", strconv.Itoa(c.Services), "")
		p.Raw("</tr>\n")
	}
	closing(p, len(s.Claims), story.PeriodFile)
}

func requestsOf(p sheet.Sheet, s *story.Story) {
	p.Section("requests", "Requests", len(s.Requests))
	table(p, "Request", "For", "Window", "Session", "Signed by", "Checklist", "Came to")
	for _, x := range s.Requests[:min(len(s.Requests), mostRows)] {
		p.Raw("<tr>")
		p.TD("Request", "", x.ID, x.State+", asked by "+x.Requester)
		p.TD("For", "", x.Asked.Title, x.Asked.Justification)
		p.TD("Window", "", moment(x.Begins), moment(x.Ends))
		session := "not opened"
		if !x.Opened.IsZero() {
			session = moment(x.Opened)
		}
		p.TD("Session", "", session, when(!x.Over.IsZero(), "to "+moment(x.Over))+when(x.Overrun, ", nobody closed it in time"))
		p.TD("Signed by", "", signerNames(x.Signatures), overriding(x))
		skipped := 0
		for _, a := range x.Answers {
			if a.Skipped != "" {
				skipped++
			}
		}
		p.TD("Checklist", "", count(len(x.Answers), "answer", "answers"), when(skipped > 0, count(skipped, "skipped", "skipped")))
		outcome := "not known yet"
		if x.Outcome != nil {
			outcome = string(x.Outcome.Outcome)
		}
		p.TD("Came to", "", outcome, strings.TrimPrefix(when(len(x.Activity) > 0, "; its record is confirmed")+audits(x), "; "))
		p.Raw("</tr>\n")
	}
	closing(p, len(s.Requests), story.RequestsFile)
}

// audits says what was read of the root users that a request takes their credentials, "" if
// nothing was.
func audits(x *story.Request) string {
	absent, audited := x.Absent()
	return when(audited > 0, fmt.Sprintf("; %d of %d root users that were read have no credentials", absent, audited))
}

// changesOf are the changes that events of the period are of.
func changesOf(p sheet.Sheet, s *story.Story) {
	p.Section("changes", "Changes", len(s.Changes))
	p.Raw(`<p>What these did about root users, such as detaching a guardrail, is explained by the access keys of the sessions that they were applied in.</p>`)
	table(p, "Change", "What", "Account", "Signed by", "Calls", "Sessions")
	for _, c := range s.Changes[:min(len(s.Changes), mostRows)] {
		p.Raw("<tr>")
		p.TD("Change", "", c.ID, "asked by "+c.Requester)
		p.TD("What", "", c.Kind, "plan "+c.Plan.String()[:16])
		p.TD("Account", "", string(c.Account), "")
		p.TD("Signed by", "", signerNames(c.Signatures), c.Lacking)
		p.TD("Calls", "", count(len(c.Calls), "call", "calls"), "")
		under := ""
		if n := len(c.Sessions); n > 0 {
			under = "the last to " + moment(c.Sessions[n-1].End)
		}
		p.TD("Sessions", "", count(len(c.Sessions), "session", "sessions"), under)
		p.Raw("</tr>\n")
	}
	closing(p, len(s.Changes), story.ChangesFile)
}

func signerNames(signatures []story.Signature) string {
	var names []string
	for _, s := range signatures {
		names = append(names, fmt.Sprintf("%s (%s, key %s)", s.Approver, s.Decision, s.Key[:16]))
	}
	return strings.Join(names, ", ")
}

// overriding is what lies below the names of who decided a request.
func overriding(x *story.Request) string {
	under := x.Lacking
	if o := x.Override; o != nil {
		under = strings.TrimPrefix(under+"; override: "+o.Reason, "; ")
		if o.Verdict != "" {
			under += "; reviewed by " + o.Reviewer + ": " + o.Verdict
		} else {
			under += "; not reviewed"
		}
	}
	return under
}

func verdictsOf(p sheet.Sheet, s *story.Story) {
	p.Section("verdicts", "Events", len(s.Verdicts))
	table(p, "Time", "Account", "Event", "Verdict", "Why", "Entry")
	for _, v := range s.Verdicts[:min(len(s.Verdicts), mostRows)] {
		e := &v.Event
		p.Raw("<tr>")
		p.TD("Time", "", moment(e.Time), e.ID)
		p.TD("Account", "", string(e.Account), string(e.Region))
		p.TD("Event", "", e.Source+" "+e.Name, e.Address+when(e.Error != "", ", "+e.Error))
		class := sheet.Markup("")
		if !e.Verdict.Harmless() {
			class = "bad"
		}
		p.TD("Verdict", class, string(e.Verdict), e.Request)
		p.TD("Why", "", e.Why, e.Rule)
		p.Raw(`<td data-column="Entry">`)
		link(p, fmt.Sprintf("../entries/%d.json", v.Entry), strconv.FormatInt(v.Entry, 10))
		p.Raw("</td></tr>\n")
	}
	closing(p, len(s.Verdicts), story.VerdictsFile)
}

// coverageOf is a calendar: a row for each account, Region and month, a cell for each day.
func coverageOf(p sheet.Sheet, s *story.Story) {
	p.Section("coverage", "Coverage", len(s.Coverage))
	p.Raw(`<p>Hours of each day of which the log was proven complete, by AWS's signatures, as the ledger tells. An empty cell is a day of which nothing is proven.</p>`)
	p.Raw(`<table class="days"><thead><tr><th>Account, Region, month</th>`)
	for d := 1; d <= 31; d++ {
		p.Raw("<th>", sheet.Number(d), "</th>")
	}
	p.Raw("</tr></thead><tbody>\n")
	months, at := 0, 0
	for at < len(s.Coverage) {
		c := s.Coverage[at]
		hours := [32]int{}
		for ; at < len(s.Coverage) && same(&s.Coverage[at], &c); at++ {
			hours[s.Coverage[at].Day.Day()] = bits.OnesCount64(uint64(s.Coverage[at].Mask))
		}
		if months++; months > mostRows {
			continue
		}
		region := string(c.Region)
		if region == "" {
			region = "all Regions"
		}
		p.Raw("<tr><th>")
		p.Text(string(c.Account) + ", " + region + ", " + c.Day.Format("2006-01"))
		p.Raw("</th>")
		for _, n := range hours[1:] {
			switch n {
			case 0:
				p.Raw("<td></td>")
			case 24:
				p.Raw(`<td class="whole">24</td>`)
			default:
				p.Raw("<td>", sheet.Number(n), "</td>")
			}
		}
		p.Raw("</tr>\n")
	}
	closing(p, months, story.CoverageFile)
}

func same(a, b *story.Covered) bool {
	return a.Account == b.Account && a.Region == b.Region && a.Day.Year() == b.Day.Year() && a.Day.Month() == b.Day.Month()
}

func casesOf(p sheet.Sheet, s *story.Story) {
	p.Section("cases", "Cases", len(s.Cases))
	table(p, "Case", "About", "Severity", "State", "History")
	for _, c := range s.Cases[:min(len(s.Cases), mostRows)] {
		p.Raw("<tr>")
		p.TD("Case", "", c.ID, c.Request)
		p.TD("About", "", c.Title, string(c.Account))
		p.TD("Severity", "", c.Severity.String(), "")
		p.TD("State", "", string(c.State), "")
		last := c.History[len(c.History)-1]
		p.TD("History", "", count(len(c.History), "line", "lines"), string(last.Act)+" by "+last.By+", "+moment(last.At)+": "+last.About)
		p.Raw("</tr>\n")
	}
	closing(p, len(s.Cases), story.CasesFile)
}
