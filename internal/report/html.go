package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/chart"
	"github.com/rootkeep/rootkeep/internal/report/sheet"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// page is the report in the making.
type page struct{ sheet.Sheet }

type markup = sheet.Markup

// HTML writes one self-contained page: no script, nothing loaded from elsewhere,
// light and dark, legible from 360 px up, printable. Errors are those of w.
func HTML(w io.Writer, h *Hunt) error {
	p := page{sheet.Sheet{Writer: bufio.NewWriter(w)}}
	p.Head("rootkeep hunt: "+h.Verdict(), markup(chart.CSS))
	p.masthead(h)
	p.Raw(`<main id="main">`)
	p.verdict(h)
	p.sessions(h)
	p.alerts(h)
	p.timeline(h)
	p.coverage(h)
	p.problems(h)
	p.making(h)
	p.Raw("</main>\n</div>\n</body>\n</html>\n")
	return p.Flush()
}

func (p page) masthead(h *Hunt) {
	p.Masthead("Hunt report", h.Finished, []sheet.Entry{
		{ID: "verdict", Name: "Verdict"}, {ID: "sessions", Name: "Root sessions", N: len(h.Sessions)}, {ID: "alerts", Name: "Alerts", N: len(h.Alerts)},
		{ID: "timeline", Name: "Timeline"}, {ID: "coverage", Name: "Coverage"}, {ID: "problems", Name: "Problems", N: len(h.lost())},
		{ID: "making", Name: "How it was made"},
	})
}

func (p page) verdict(h *Hunt) {
	counts := h.Totals.Alerts
	worst := rootkeep.Informational
	if len(h.Alerts) > 0 {
		worst = h.Alerts[0].Level
	}
	p.Raw(`<section id="verdict" class="verdict `, sheet.Level(worst), `"><h1>`)
	if counts.Total() == 0 {
		p.Text(strings.Split(h.Verdict(), " in ")[0])
	}
	sep := ""
	for _, s := range severities() {
		if n := counts.Of(s); n > 0 {
			p.Text(sep)
			p.El("span", sheet.Level(s), text.Grouped(n)+" "+s.String())
			sep = ", "
		}
	}
	p.Raw(`</h1><p class="lede">`)
	p.Text("in " + h.scope())
	p.Raw("</p>")
	p.shares(counts)
	p.figures(h)
	p.Open("p", "caveat")
	if counts.Total() == 0 && (h.Interrupted || !h.Coverage.Proven) {
		p.El("strong", "", "This is not proof of absence. ")
	}
	p.Text(h.CoverageText())
	p.Raw("</p></section>\n")
}

// figures are the numbers that a reader asks for next.
func (p page) figures(h *Hunt) {
	bare := 0
	for _, s := range h.Sessions {
		if s.MFA == MFANotUsed {
			bare++
		}
	}
	figure := func(class markup, n int64, what string) {
		p.Open("li", class)
		p.El("b", "", text.Grouped(n))
		p.El("span", "", what)
		p.Raw("</li>")
	}
	p.Raw(`<ul class="figures">`)
	figure("", int64(len(h.Sessions)), "root sessions")
	if bare > 0 {
		figure(sheet.Level(rootkeep.Critical), int64(bare), "without MFA")
	}
	figure("", int64(len(h.accounts())), "accounts")
	figure("", int64(len(h.regions())), "Regions")
	figure("", h.Totals.Objects, "objects read")
	figure("", int64(len(h.lost())), "problems")
	p.Raw("</ul>")
}

func (p page) sessions(h *Hunt) {
	p.Section("sessions", "Root sessions", len(h.Sessions))
	if len(h.Sessions) == 0 {
		p.Raw(`<p class="none">No activity of a root user is among these events.</p>`)
	}
	worst := h.levels()
	for _, s := range h.Sessions {
		p.Raw(`<article class="card `, sheet.Level(s.level(worst)), `"><header><h3>`)
		p.El("code", "", "root of "+string(s.Account))
		p.Raw(`</h3><ul class="chips">`)
		p.El("li", mfaClass(s.MFA), "MFA "+strings.ToLower(mfaText(s.MFA)))
		p.El("li", "", s.Approval)
		p.Raw("</ul></header><dl>")
		p.Row("When", text.Period(s.Start, s.End))
		p.origins(s.Addresses)
		p.Row("Agent", text.List(s.Agents, text.Line))
		p.Row("Root keys", text.List(s.Keys, text.Short))
		p.Row("Regions", text.List(s.Regions, text.Short))
		p.calls(s)
		p.raised(s.Alerts)
		p.Raw("</dl></article>\n")
	}
	p.Raw("</section>\n")
}

func mfaClass(m MFA) markup {
	if m == MFANotUsed {
		return "l-critical"
	}
	return ""
}

func (p page) origins(list []rootkeep.Address) {
	if len(list) == 0 {
		return
	}
	p.Raw("<dt>From</dt><dd><ul>")
	for _, a := range list {
		p.Raw("<li>")
		p.El("code", "", text.Visible(a.Text, text.Line))
		// What origin adds to the address itself.
		if about := strings.TrimPrefix(origin(a), text.Visible(a.Text, text.Short)); about != "" {
			p.Text(about)
		}
		if a.Count > 0 {
			p.El("span", "n", text.Counted(a.Count, "event"))
		}
		p.Raw("</li>")
	}
	p.Raw("</ul></dd>")
}

func (p page) calls(s RootSession) {
	p.Raw("<dt>Calls</dt><dd>")
	p.Text(text.Counted(s.Events, "event"))
	if s.Failed > 0 {
		p.El("b", "l-high", fmt.Sprintf(", %s failed", text.Grouped(s.Failed)))
	}
	p.Raw(`<ul class="calls">`)
	for _, c := range s.Calls {
		p.Raw("<li>")
		p.El("code", "", c.called())
		p.Raw("</li>")
	}
	p.Raw("</ul></dd>")
}

// raised links to alerts of the page. A link into a closed alert opens it.
func (p page) raised(ids []string) {
	if len(ids) == 0 {
		return
	}
	p.Raw("<dt>Alerts</dt><dd>")
	for _, id := range ids {
		p.Raw("<a")
		p.Attr("href", "#"+id)
		p.Raw("><code>")
		p.Text(id)
		p.Raw("</code></a> ")
	}
	p.Raw("</dd>")
}

func (p page) problems(h *Hunt) {
	lost := h.lost()
	p.Section("problems", "Problems", len(lost))
	if len(lost) == 0 {
		p.Raw(`<p class="none">Every input was read and every rule loaded.</p></section>` + "\n")
		return
	}
	p.Raw(`<p>These were skipped; everything else was processed. An offset counts in the inflated file.</p>`,
		`<div class="scroll" role="region" aria-label="Problems" tabindex="0"><table class="stack"><thead><tr><th>File</th><th>Byte</th><th>Kind</th><th>Found</th></tr></thead><tbody>`)
	for _, q := range lost {
		p.Raw("<tr>")
		p.TD("File", "", text.Visible(q.File, text.Line), "")
		offset := ""
		if q.Offset >= 0 {
			offset = text.Grouped(q.Offset)
		}
		p.TD("Byte", "num", offset, "")
		p.TD("Kind", "", text.Visible(q.Kind, text.Short), "")
		p.TD("Found", "", text.Visible(q.Detail, text.Long), "")
		p.Raw("</tr>")
	}
	p.Raw("</tbody></table></div></section>\n")
}

func (p page) making(h *Hunt) {
	p.Section("making", "How it was made", 0)
	p.Raw("<dl>")
	p.Row("Tool", "rootkeep "+h.Version)
	p.Row("Run", text.Period(h.Started, h.Finished))
	p.Row("Inputs", text.List(h.Inputs, text.Line))
	p.Row("Narrowed to", narrowed(h.Asked))
	p.Raw("<dt>Read</dt><dd><ul>")
	for _, line := range countLines(h) {
		p.El("li", "", line)
	}
	p.Raw("</ul></dd>")
	if remarks := h.remarks(); len(remarks) > 0 {
		p.Raw("<dt>Notices</dt><dd><ul>")
		for _, n := range remarks {
			p.El("li", "", text.Visible(n, text.Long))
		}
		p.Raw("</ul></dd>")
	}
	p.Raw(`</dl><p class="fine">Times are UTC. Text from logs is shown with control, invisible and direction-changing characters replaced by their codes; the JSON output has it exactly.</p></section>` + "\n")
}

func narrowed(a Asked) string {
	parts := []string{"alerts at or above " + a.MinLevel.String()}
	if !a.Since.IsZero() {
		parts = append(parts, "since "+text.Stamp(a.Since))
	}
	if !a.Until.IsZero() {
		parts = append(parts, "until "+text.Stamp(a.Until))
	}
	if len(a.Accounts) > 0 {
		parts = append(parts, "accounts "+text.List(a.Accounts, text.Short))
	}
	return strings.Join(parts, ", ")
}
