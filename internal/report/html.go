package report

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// stylesheet is page.css. It is never written to.
//
//go:embed page.css
var stylesheet string

// policy forbids everything but the style in the page itself: should escaping
// fail one day, the browser still runs and loads nothing.
const policy markup = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'`

// HTML writes one self-contained page: no script, nothing loaded from elsewhere,
// light and dark, legible from 360 px up, printable. Errors are those of w.
func HTML(w io.Writer, h *Hunt) error {
	p := page{bufio.NewWriter(w)}
	p.head(h)
	p.masthead(h)
	p.raw(`<main id="main">`)
	p.verdict(h)
	p.sessions(h)
	p.alerts(h)
	p.timeline(h)
	p.coverage(h)
	p.problems(h)
	p.making(h)
	p.raw("</main>\n</div>\n</body>\n</html>\n")
	return p.Flush()
}

func (p page) head(h *Hunt) {
	p.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
		`<meta http-equiv="Content-Security-Policy" content="`, policy, "\">\n",
		`<meta name="viewport" content="width=device-width, initial-scale=1">`+"\n",
		`<meta name="color-scheme" content="light dark">`+"\n",
		`<meta name="referrer" content="no-referrer">`+"\n",
		`<meta name="robots" content="noindex">`+"\n",
		// Without an icon a browser asks the server for one.
		`<link rel="icon" href="data:,">`+"\n")
	p.el("title", "", "rootkeep hunt: "+h.Verdict())
	p.raw("\n<style>\n", markup(stylesheet), "</style>\n</head>\n<body>\n")
}

func (p page) masthead(h *Hunt) {
	p.raw(`<a class="skip" href="#main">Skip to the report</a>`+"\n", `<div class="sheet">`+"\n",
		`<header class="rail"><p class="mark">rootkeep</p><p class="kind">Hunt report</p>`)
	p.el("p", "made", h.Finished.UTC().Format("2006-01-02 15:04")+" UTC")
	p.raw(`<nav aria-label="Sections"><ul>`)
	entry := func(id, name markup, n int) {
		p.raw(`<li><a href="#`, id, `">`, name)
		if n > 0 {
			p.el("span", "n", text.Grouped(n))
		}
		p.raw("</a></li>")
	}
	entry("verdict", "Verdict", 0)
	entry("sessions", "Root sessions", len(h.Sessions))
	entry("alerts", "Alerts", len(h.Alerts))
	entry("timeline", "Timeline", 0)
	entry("coverage", "Coverage", 0)
	entry("problems", "Problems", len(h.lost()))
	entry("making", "How it was made", 0)
	p.raw("</ul></nav></header>\n")
}

func (p page) verdict(h *Hunt) {
	counts := h.Totals.Alerts
	worst := rootkeep.Informational
	if len(h.Alerts) > 0 {
		worst = h.Alerts[0].Level
	}
	p.raw(`<section id="verdict" class="verdict `, level(worst), `"><h1>`)
	if counts.Total() == 0 {
		p.text(strings.Split(h.Verdict(), " in ")[0])
	}
	sep := ""
	for _, s := range severities() {
		if n := counts.Of(s); n > 0 {
			p.text(sep)
			p.el("span", level(s), text.Grouped(n)+" "+s.String())
			sep = ", "
		}
	}
	p.raw(`</h1><p class="lede">`)
	p.text("in " + h.scope())
	p.raw("</p>")
	p.shares(counts)
	p.figures(h)
	p.open("p", "caveat")
	if counts.Total() == 0 && (h.Interrupted || !h.Coverage.Proven) {
		p.el("strong", "", "This is not proof of absence. ")
	}
	p.text(h.CoverageText())
	p.raw("</p></section>\n")
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
		p.open("li", class)
		p.el("b", "", text.Grouped(n))
		p.el("span", "", what)
		p.raw("</li>")
	}
	p.raw(`<ul class="figures">`)
	figure("", int64(len(h.Sessions)), "root sessions")
	if bare > 0 {
		figure(level(rootkeep.Critical), int64(bare), "without MFA")
	}
	figure("", int64(len(h.accounts())), "accounts")
	figure("", int64(len(h.regions())), "Regions")
	figure("", h.Totals.Objects, "objects read")
	figure("", int64(len(h.lost())), "problems")
	p.raw("</ul>")
}

// section opens a section with a heading and a count beside it.
func (p page) section(id, title markup, n int) {
	p.raw(`<section id="`, id, `"><h2>`, title)
	if n > 0 {
		p.el("span", "n", text.Grouped(n))
	}
	p.raw("</h2>")
}

func (p page) sessions(h *Hunt) {
	p.section("sessions", "Root sessions", len(h.Sessions))
	if len(h.Sessions) == 0 {
		p.raw(`<p class="none">No activity of a root user is among these events.</p>`)
	}
	worst := h.levels()
	for _, s := range h.Sessions {
		p.raw(`<article class="card `, level(s.level(worst)), `"><header><h3>`)
		p.el("code", "", "root of "+string(s.Account))
		p.raw(`</h3><ul class="chips">`)
		p.el("li", mfaClass(s.MFA), "MFA "+strings.ToLower(mfaText(s.MFA)))
		p.el("li", "", s.Approval)
		p.raw("</ul></header><dl>")
		p.row("When", text.Period(s.Start, s.End))
		p.origins(s.Addresses)
		p.row("Agent", text.List(s.Agents, text.Line))
		p.row("Root keys", text.List(s.Keys, text.Short))
		p.row("Regions", text.List(s.Regions, text.Short))
		p.calls(s)
		p.raised(s.Alerts)
		p.raw("</dl></article>\n")
	}
	p.raw("</section>\n")
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
	p.raw("<dt>From</dt><dd><ul>")
	for _, a := range list {
		p.raw("<li>")
		p.el("code", "", text.Visible(a.Text, text.Line))
		// What origin adds to the address itself.
		if about := strings.TrimPrefix(origin(a), text.Visible(a.Text, text.Short)); about != "" {
			p.text(about)
		}
		if a.Count > 0 {
			p.el("span", "n", text.Counted(a.Count, "event"))
		}
		p.raw("</li>")
	}
	p.raw("</ul></dd>")
}

func (p page) calls(s RootSession) {
	p.raw("<dt>Calls</dt><dd>")
	p.text(text.Counted(s.Events, "event"))
	if s.Failed > 0 {
		p.el("b", "l-high", fmt.Sprintf(", %s failed", text.Grouped(s.Failed)))
	}
	p.raw(`<ul class="calls">`)
	for _, c := range s.Calls {
		p.raw("<li>")
		p.el("code", "", c.called())
		p.raw("</li>")
	}
	p.raw("</ul></dd>")
}

// raised links to alerts of the page. A link into a closed alert opens it.
func (p page) raised(ids []string) {
	if len(ids) == 0 {
		return
	}
	p.raw("<dt>Alerts</dt><dd>")
	for _, id := range ids {
		p.raw("<a")
		p.attr("href", "#"+id)
		p.raw("><code>")
		p.text(id)
		p.raw("</code></a> ")
	}
	p.raw("</dd>")
}

func (p page) problems(h *Hunt) {
	lost := h.lost()
	p.section("problems", "Problems", len(lost))
	if len(lost) == 0 {
		p.raw(`<p class="none">Every input was read and every rule loaded.</p></section>` + "\n")
		return
	}
	p.raw(`<p>These were skipped; everything else was processed. An offset counts in the inflated file.</p>`,
		`<div class="scroll" role="region" aria-label="Problems" tabindex="0"><table class="stack"><thead><tr><th>File</th><th>Byte</th><th>Kind</th><th>Found</th></tr></thead><tbody>`)
	for _, q := range lost {
		p.raw("<tr>")
		p.td("File", "", text.Visible(q.File, text.Line), "")
		offset := ""
		if q.Offset >= 0 {
			offset = text.Grouped(q.Offset)
		}
		p.td("Byte", "num", offset, "")
		p.td("Kind", "", text.Visible(q.Kind, text.Short), "")
		p.td("Found", "", text.Visible(q.Detail, text.Long), "")
		p.raw("</tr>")
	}
	p.raw("</tbody></table></div></section>\n")
}

func (p page) making(h *Hunt) {
	p.section("making", "How it was made", 0)
	p.raw("<dl>")
	p.row("Tool", "rootkeep "+h.Version)
	p.row("Run", text.Period(h.Started, h.Finished))
	p.row("Inputs", text.List(h.Inputs, text.Line))
	p.row("Narrowed to", narrowed(h.Asked))
	p.raw("<dt>Read</dt><dd><ul>")
	for _, line := range countLines(h) {
		p.el("li", "", line)
	}
	p.raw("</ul></dd>")
	if remarks := h.remarks(); len(remarks) > 0 {
		p.raw("<dt>Notices</dt><dd><ul>")
		for _, n := range remarks {
			p.el("li", "", text.Visible(n, text.Long))
		}
		p.raw("</ul></dd>")
	}
	p.raw(`</dl><p class="fine">Times are UTC. Text from logs is shown with control, invisible and direction-changing characters replaced by their codes; the JSON output has it exactly.</p></section>` + "\n")
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
