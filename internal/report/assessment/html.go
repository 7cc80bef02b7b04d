package assessment

import (
	"bufio"
	_ "embed"
	"io"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/posture/score"
	"github.com/rootkeep/rootkeep/internal/report/sheet"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// style is scan.css: what a scan's page has beside the sheet's own. It is never written
// to.
//
//go:embed scan.css
var style string

// page is the HTML report in the making.
type page struct {
	sheet.Sheet
	scan *Assessment
}

// HTML writes one self-contained page: failures of the root user and what is accepted of
// it first, what to fix first, the scorecard, what has changed, what is not known, and
// how old the facts are. Errors are those of w.
func (a *Assessment) HTML(w io.Writer) error {
	p := page{sheet.Sheet{Writer: bufio.NewWriter(w)}, a}
	p.Head("rootkeep scan: "+a.Verdict(), sheet.Markup(style))
	p.Masthead("Scan report", a.Judged, p.entries())
	p.Raw(`<main id="main">`)
	p.verdict()
	p.failures()
	p.plan()
	p.score()
	p.since()
	p.unknown()
	p.accepted()
	p.register()
	p.passed()
	p.origins()
	p.problems()
	p.Raw("</main>\n</div>\n</body>\n</html>\n")
	return p.Flush()
}

func (p page) entries() []sheet.Entry {
	out := []sheet.Entry{{ID: "verdict", Name: "Verdict"}, {ID: "failures", Name: "Failures", N: p.scan.Counts.Fail}, {ID: "plan", Name: "Fix first", N: len(p.scan.Plan)}}
	if p.scan.Score != nil {
		out = append(out, sheet.Entry{ID: "score", Name: "Scorecard"})
	}
	if p.scan.Since != nil {
		out = append(out, sheet.Entry{ID: "since", Name: "Changes"})
	}
	out = append(out, sheet.Entry{ID: "unknown", Name: "Not known", N: p.scan.Counts.Unknown}, sheet.Entry{ID: "accepted", Name: "Accepted", N: p.scan.Counts.Excepted})
	if p.scan.Register != nil {
		out = append(out, sheet.Entry{ID: "register", Name: "Register", N: len(p.scan.Register.Notices)})
	}
	return append(out, sheet.Entry{ID: "passed", Name: "Passed", N: p.scan.Counts.Pass}, sheet.Entry{ID: "facts", Name: "Facts"}, sheet.Entry{ID: "problems", Name: "Problems", N: len(p.scan.Problems)})
}

// severities counts failures by severity.
func (a *Assessment) severities() (counts [rootkeep.Critical + 1]int) {
	for i := range a.Findings {
		if f := &a.Findings[i]; f.Status == rootkeep.Fail {
			counts[min(f.Severity, rootkeep.Critical)]++
		}
	}
	return counts
}

func (p page) verdict() {
	counts := p.scan.severities()
	p.Raw(`<section id="verdict" class="verdict"><h1>`)
	sep := ""
	for s := int(rootkeep.Critical); s >= 0; s-- {
		if n := counts[s]; n > 0 {
			p.Text(sep)
			p.El("span", sheet.Level(rootkeep.Severity(s)), text.Grouped(n)+" "+rootkeep.Severity(s).String())
			sep = ", "
		}
	}
	if p.scan.Counts.Fail == 0 {
		p.Text("No failure is known")
	}
	p.Raw(`</h1><p class="lede">`)
	p.Text("in " + p.scan.what())
	if len(p.scan.Accounts) == 1 && p.scan.Accounts[0].Alias != "" {
		p.Text(" (" + p.scan.Accounts[0].Alias + ")")
	}
	p.Text(", judged by " + text.Counted(p.scan.Controls, "control"))
	p.Raw("</p>")
	p.shares()
	p.Raw(`<ul class="figures">`)
	for _, f := range p.parts() {
		p.Open("li", f.class)
		p.El("b", "", text.Grouped(f.n))
		p.El("span", "", f.word)
		p.Raw("</li>")
	}
	p.Raw("</ul>")
	p.caveat()
	p.Raw("</section>\n")
}

// part is a status with its count and colour.
type part struct {
	n     int
	word  string
	class sheet.Markup
}

func (p page) parts() []part {
	c := p.scan.Counts
	return []part{{c.Fail, "fail", "s-fail"}, {c.Excepted, "accepted", "s-excepted"}, {c.Unknown, "not known", "s-unknown"}, {c.Pass, "pass", "s-pass"}, {c.NotApplicable, "do not apply", "s-none"}}
}

// shares draws the statuses as one bar.
func (p page) shares() {
	if len(p.scan.Findings) == 0 {
		return
	}
	p.Raw(`<svg class="shares" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img"`)
	p.Attr("aria-label", "Shares of findings: "+p.scan.Verdict())
	p.Raw(">")
	x := 0.0
	for _, f := range p.parts() {
		if f.n == 0 {
			continue
		}
		width := 1000 * float64(f.n) / float64(len(p.scan.Findings))
		p.Raw(`<rect class="`, f.class, `" x="`, sheet.Number(x), `" y="0" width="`, sheet.Number(max(width-4, 2)), `" height="10"/>`)
		x += width
	}
	p.Raw("</svg>")
}

// caveat says what the numbers do not: what is not known, and what is accepted of root.
func (p page) caveat() {
	var root []rootkeep.Finding
	for _, f := range p.scan.Findings {
		if f.Status == rootkeep.Excepted && f.IsRoot() {
			root = append(root, f)
		}
	}
	if p.scan.Counts.Unknown == 0 && len(root) == 0 && p.scan.Unread() == 0 {
		return
	}
	p.Open("div", "caveat")
	if n := p.scan.Unread(); n > 0 {
		p.Open("p", "")
		p.El("strong", "", text.Counted(n, "account")+" not read. ")
		p.Text("What is wrong there is not known: see Problems.")
		p.Raw("</p>")
	}
	if n := p.scan.Counts.Unknown; n > 0 {
		p.Open("p", "")
		p.El("strong", "", "Not known is not a pass. ")
		p.Text("For " + text.Counted(n, "finding") + " a fact that decides was not read.")
		p.Raw("</p>")
	}
	for i := range root {
		p.Open("p", "")
		p.El("strong", "", "Accepted of the root user: ")
		p.Text(root[i].Title + about(&root[i]) + ".")
		p.Raw("</p>")
	}
	p.Raw("</div>")
}

// openCards is how many failing controls are unfolded at first.
const openCards = 3

func (p page) failures() {
	p.Section("failures", "Failures", p.scan.Counts.Fail)
	failed, root := p.scan.groups(rootkeep.Fail), p.scan.groups(rootkeep.Excepted)
	root = slices.DeleteFunc(root, func(g group) bool { return !g.IsRoot() })
	if len(failed)+len(root) == 0 {
		p.Raw(`<p class="none">No control is known to fail.</p></section>` + "\n")
		return
	}
	p.filter()
	others := 0
	for others < len(failed) && failed[others].IsRoot() {
		others++
	}
	for i, g := range slices.Concat(failed[:others], root, failed[others:]) {
		p.card(&g, i < openCards)
	}
	p.Raw("</section>\n")
}

// filter hides levels by style alone: the page has no script.
func (p page) filter() {
	counts := p.scan.severities()
	p.Raw(`<fieldset class="filter"><legend>Show</legend>`)
	for s := int(rootkeep.Critical); s >= 0; s-- {
		if counts[s] == 0 {
			continue
		}
		level := sheet.Level(rootkeep.Severity(s))
		p.Raw(`<label class="`, level, `"><input type="checkbox" checked id="show-`, level, `">`)
		p.El("span", "", rootkeep.Severity(s).String()+" ")
		p.El("span", "n", text.Grouped(counts[s]))
		p.Raw("</label>")
	}
	p.Raw("</fieldset>\n")
}

// card is one control that fails, or that somebody accepts of the root user.
func (p page) card(g *group, unfolded bool) {
	p.Raw(`<details class="card alert `, sheet.Level(g.Severity), `"`)
	if unfolded {
		p.Raw(" open")
	}
	p.Raw("><summary>")
	word := g.Severity.String()
	if g.Status == rootkeep.Excepted {
		word = "accepted"
	}
	p.El("span", "pill", word)
	p.Raw(`<span class="what">`)
	p.El("b", "", g.Title)
	p.El("span", "sub", g.Control+" · "+text.Counted(len(g.all), "resource"))
	p.Raw(`</span></summary><div class="body">`)
	if c := p.scan.controls[g.Control]; c != nil {
		if g.Status == rootkeep.Fail {
			p.Raw(`<div class="now"><h4>What to do</h4>`)
			if c.Fix.Console != "" {
				p.El("p", "", c.Fix.Console)
			}
			if c.Fix.CLI != "" {
				p.El("pre", "", c.Fix.CLI)
			}
			if planned := strings.TrimPrefix(g.planned(c), "; or: "); planned != "" {
				p.El("pre", "", planned)
			}
			p.Raw("</div>")
		}
		p.El("p", "why", c.Why)
	}
	p.findings("Resources", g.all)
	p.Raw("</div></details>\n")
}

// mostRows is how many findings a table has; the JSON form has all.
const mostRows = 100

// findings lists what a control found.
func (p page) findings(caption string, list []rootkeep.Finding) {
	p.table(caption, "Resource", "Account", "Region", "Seen")
	for i := range list[:min(len(list), mostRows)] {
		f := &list[i]
		p.Raw("<tr>")
		p.TD("Resource", "id", f.Resource, "")
		p.TD("Account", "num", string(f.Account), "")
		p.TD("Region", "", string(f.Region), "")
		under := ""
		if e := f.Exception; e != nil {
			under = acceptance(e)
		}
		p.TD("Seen", "", f.Detail, under)
		p.Raw("</tr>")
	}
	p.end(len(list) - mostRows)
}

// table opens a table whose name is its caption.
func (p page) table(caption string, columns ...sheet.Markup) {
	p.Raw(`<div class="scroll" role="region" tabindex="0"`)
	p.Attr("aria-label", caption)
	p.Raw(`><table class="stack"><thead><tr>`)
	for _, c := range columns {
		p.Raw("<th>", c, "</th>")
	}
	p.Raw("</tr></thead><tbody>")
}

// end closes a table and says how many rows are left out.
func (p page) end(more int) {
	p.Raw("</tbody></table></div>")
	if more > 0 {
		p.El("p", "fine", "and "+text.Grouped(more)+" more, which the JSON output has")
	}
}

func (p page) plan() {
	p.Section("plan", "Fix these first", len(p.scan.Plan))
	if len(p.scan.Plan) == 0 {
		p.Raw(`<p class="none">Nothing that is known fails.</p></section>` + "\n")
		return
	}
	p.Raw(`<p class="fine">Ordered by the risk that the fix removes per hour of work.</p>`)
	p.table("Fixes", "Control", "What", "Severity", "Failures", "Effort")
	for i := range p.scan.Plan {
		f := &p.scan.Plan[i]
		p.Raw("<tr>")
		p.TD("Control", "num", f.Control, "")
		p.TD("What", "wide", f.Title, strings.TrimSpace(f.Console))
		p.TD("Severity", sheet.Level(f.Severity)+" word", f.Severity.String(), "")
		p.TD("Failures", "", failing(f), "")
		p.TD("Effort", "", f.Effort, "")
		p.Raw("</tr>")
	}
	p.end(0)
	p.Raw("</section>\n")
}

func (p page) score() {
	if p.scan.Score == nil {
		return
	}
	p.Section("score", "Scorecard", 0)
	p.Raw(`<div class="levels">`)
	for i := range p.scan.Score.Levels {
		l := &p.scan.Score.Levels[i]
		p.Raw(`<article class="card"><header><h3>`)
		p.Text(l.Title)
		p.Raw(`</h3>`)
		p.El("p", "sub", levelCounts(l))
		p.Raw(`</header><ul class="items">`)
		for j := range l.Items {
			item := &l.Items[j]
			p.Raw(`<li class="`, stateClasses[item.State], `">`)
			p.El("b", "state", stateWords[item.State])
			p.El("span", "", item.Text)
			p.El("span", "sub", strings.Trim(because(item), " ()"))
			p.Raw("</li>")
		}
		p.Raw("</ul></article>")
	}
	p.Raw("</div></section>\n")
}

// stateClasses carry the colours of an item's states.
var stateClasses = map[string]sheet.Markup{score.Done: "s-pass", score.NotDone: "s-fail", score.Unknown: "s-unknown", score.NotApplicable: "s-none"}
