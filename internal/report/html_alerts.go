package report

import (
	"fmt"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// openAlerts is how many alerts are unfolded at first; the rest would push the
// second page away from a reader who has not seen the first.
const openAlerts = 3

func (p page) alerts(h *Hunt) {
	p.section("alerts", "Alerts", len(h.Alerts))
	if len(h.Alerts) == 0 {
		p.open("p", "none")
		p.text("No alert at or above " + h.Asked.MinLevel.String() + ".")
		p.raw("</p></section>\n")
		return
	}
	p.filter(h.Totals.Alerts)
	for i := range h.Alerts {
		p.alert(&h.Alerts[i], i < openAlerts)
	}
	p.raw("</section>\n")
}

// filter hides levels by style alone: the page has no script.
func (p page) filter(counts Levels) {
	p.raw(`<fieldset class="filter"><legend>Show</legend>`)
	for _, s := range severities() {
		n := counts.Of(s)
		if n == 0 {
			continue
		}
		p.raw(`<label class="`, level(s), `"><input type="checkbox" checked id="show-`, level(s), `">`)
		p.el("span", "", s.String()+" ")
		p.el("span", "n", text.Grouped(n))
		p.raw("</label>")
	}
	p.raw("</fieldset>\n")
}

func (p page) alert(a *rootkeep.Alert, unfolded bool) {
	p.raw(`<details class="card alert `, level(a.Level), `"`)
	if unfolded {
		p.raw(" open")
	}
	p.raw("><summary>")
	p.el("span", "pill", a.Level.String())
	p.raw(`<span class="what">`)
	p.el("b", "", text.Visible(a.Title, text.Line))
	p.el("span", "sub", fmt.Sprintf("%s · %s", text.Visible(a.Actor.Principal, text.Short), text.Counted(a.Count, "event")))
	p.raw("</span>")
	p.el("time", "", text.Stamp(a.First))
	p.raw("</summary>")
	p.raw(`<div class="body"`)
	p.attr("id", a.ID)
	p.raw(`><div class="now"><h4>What to do now</h4>`)
	p.el("p", "", text.Visible(Next(a), text.Long))
	p.raw("</div><dl>")
	p.facts(a)
	p.raw("</dl>")
	p.evidence(a)
	p.raw("</div></details>\n")
}

func (p page) facts(a *rootkeep.Alert) {
	p.row("Who", who(a.Actor))
	p.row("ARN", text.Visible(a.Actor.ARN, text.Line))
	p.origins(a.Addresses)
	p.row("Agent", text.List(a.Agents, text.Line))
	p.row("When", text.Period(a.First, a.Last))
	p.row("What", happened(a))
	p.row("Where", whereabouts(a))
	if a.State != "open" {
		p.row("State", text.Visible(a.State, text.Short))
	}
	if len(a.Rules) > 0 {
		p.raw("<dt>Rules</dt><dd><ul>")
		for _, r := range a.Rules {
			p.raw("<li>")
			p.text(text.Visible(r.Title, text.Line) + " ")
			p.el("span", "sub", rulesText([]rootkeep.RuleHit{r}))
			p.raw("</li>")
		}
		p.raw("</ul></dd>")
	}
	p.row("ATT&amp;CK", attack(a))
	if len(a.Notes) > 0 {
		p.raw("<dt>Notes</dt><dd><ul>")
		for _, n := range a.Notes {
			p.el("li", "", text.Visible(n, text.Long))
		}
		p.raw("</ul></dd>")
	}
	p.raw("<dt>Alert</dt><dd><code>")
	p.text(a.ID)
	p.raw("</code></dd>")
}

// attack is "privilege-escalation: T1098.003, T1078.004 (v18)".
func attack(a *rootkeep.Alert) string {
	if len(a.Techniques) == 0 {
		return text.Visible(a.Tactic, text.Short)
	}
	ids := joinedBy(", ", a.Techniques, func(t rootkeep.Technique) string {
		if t.Version == "" {
			return text.Visible(t.ID, text.Short)
		}
		return text.Visible(t.ID, text.Short) + " (v" + text.Visible(t.Version, text.Short) + ")"
	})
	if a.Tactic == "" {
		return ids
	}
	return text.Visible(a.Tactic, text.Short) + ": " + ids
}

func (p page) evidence(a *rootkeep.Alert) {
	if len(a.Events) == 0 {
		return
	}
	p.raw(`<div class="scroll" role="region" aria-label="Evidence" tabindex="0"><table class="evidence stack"><caption>Evidence`)
	if a.EventsOmitted > 0 {
		p.el("span", "sub", fmt.Sprintf("first %s of %s", text.Grouped(len(a.Events)), text.Grouped(a.Count)))
	}
	p.raw("</caption><thead><tr><th>Time</th><th>Call</th><th>Target</th><th>Outcome</th><th>Address</th><th>Record</th></tr></thead><tbody>")
	for _, e := range a.Events {
		p.raw("<tr>")
		p.td("Time", "num", text.Stamp(e.Time), "")
		p.td("Call", "", text.Visible(e.Name, text.Short), text.Visible(e.Source, text.Short))
		p.td("Target", "", text.Visible(e.Target, text.Line), "")
		if e.ErrorCode == "" {
			p.td("Outcome", "", "succeeded", "")
		} else {
			p.td("Outcome", "failed", text.Visible(e.ErrorCode, text.Short), "")
		}
		p.td("Address", "", text.Visible(e.Address, text.Short), text.Visible(string(e.Region), text.Short))
		p.td("Record", "id", text.Visible(e.ID, text.Short), fmt.Sprintf("%s at byte %s", text.Visible(e.File, text.Line), text.Grouped(e.Offset)))
		p.raw("</tr>")
	}
	p.raw("</tbody></table></div>")
}
