package report

import (
	"fmt"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/sheet"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// openAlerts is how many alerts are unfolded at first; the rest would push the
// second page away from a reader who has not seen the first.
const openAlerts = 3

func (p page) alerts(h *Hunt) {
	p.Section("alerts", "Alerts", len(h.Alerts))
	if len(h.Alerts) == 0 {
		p.Open("p", "none")
		p.Text("No alert at or above " + h.Asked.MinLevel.String() + ".")
		p.Raw("</p></section>\n")
		return
	}
	p.filter(h.Totals.Alerts)
	for i := range h.Alerts {
		p.alert(&h.Alerts[i], i < openAlerts)
	}
	p.Raw("</section>\n")
}

// filter hides levels by style alone: the page has no script.
func (p page) filter(counts Levels) {
	p.Raw(`<fieldset class="filter"><legend>Show</legend>`)
	for _, s := range severities() {
		n := counts.Of(s)
		if n == 0 {
			continue
		}
		p.Raw(`<label class="`, sheet.Level(s), `"><input type="checkbox" checked id="show-`, sheet.Level(s), `">`)
		p.El("span", "", s.String()+" ")
		p.El("span", "n", text.Grouped(n))
		p.Raw("</label>")
	}
	p.Raw("</fieldset>\n")
}

func (p page) alert(a *rootkeep.Alert, unfolded bool) {
	p.Raw(`<details class="card alert `, sheet.Level(a.Level), `"`)
	if unfolded {
		p.Raw(" open")
	}
	p.Raw("><summary>")
	p.El("span", "pill", a.Level.String())
	p.Raw(`<span class="what">`)
	p.El("b", "", text.Visible(a.Title, text.Line))
	p.El("span", "sub", fmt.Sprintf("%s · %s", text.Visible(a.Actor.Principal, text.Short), text.Counted(a.Count, "event")))
	p.Raw("</span>")
	p.El("time", "", text.Stamp(a.First))
	p.Raw("</summary>")
	p.Raw(`<div class="body"`)
	p.Attr("id", a.ID)
	p.Raw(`><div class="now"><h4>What to do now</h4>`)
	p.El("p", "", text.Visible(Next(a), text.Long))
	p.Raw("</div><dl>")
	p.facts(a)
	p.Raw("</dl>")
	p.evidence(a)
	p.Raw("</div></details>\n")
}

func (p page) facts(a *rootkeep.Alert) {
	p.Row("Who", who(a.Actor))
	p.Row("ARN", text.Visible(a.Actor.ARN, text.Line))
	p.origins(a.Addresses)
	p.Row("Agent", text.List(a.Agents, text.Line))
	p.Row("When", text.Period(a.First, a.Last))
	p.Row("What", happened(a))
	p.Row("Where", whereabouts(a))
	if a.State != "open" {
		p.Row("State", text.Visible(a.State, text.Short))
	}
	if len(a.Rules) > 0 {
		p.Raw("<dt>Rules</dt><dd><ul>")
		for _, r := range a.Rules {
			p.Raw("<li>")
			p.Text(text.Visible(r.Title, text.Line) + " ")
			p.El("span", "sub", rulesText([]rootkeep.RuleHit{r}))
			p.Raw("</li>")
		}
		p.Raw("</ul></dd>")
	}
	p.Row("ATT&amp;CK", attack(a))
	if len(a.Notes) > 0 {
		p.Raw("<dt>Notes</dt><dd><ul>")
		for _, n := range a.Notes {
			p.El("li", "", text.Visible(n, text.Long))
		}
		p.Raw("</ul></dd>")
	}
	p.Raw("<dt>Alert</dt><dd><code>")
	p.Text(a.ID)
	p.Raw("</code></dd>")
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
	p.Raw(`<div class="scroll" role="region" aria-label="Evidence" tabindex="0"><table class="evidence stack"><caption>Evidence`)
	if a.EventsOmitted > 0 {
		p.El("span", "sub", fmt.Sprintf("first %s of %s", text.Grouped(len(a.Events)), text.Grouped(a.Count)))
	}
	p.Raw("</caption><thead><tr><th>Time</th><th>Call</th><th>Target</th><th>Outcome</th><th>Address</th><th>Record</th></tr></thead><tbody>")
	for _, e := range a.Events {
		p.Raw("<tr>")
		p.TD("Time", "num", text.Stamp(e.Time), "")
		p.TD("Call", "", text.Visible(e.Name, text.Short), text.Visible(e.Source, text.Short))
		p.TD("Target", "", text.Visible(e.Target, text.Line), "")
		if e.ErrorCode == "" {
			p.TD("Outcome", "", "succeeded", "")
		} else {
			p.TD("Outcome", "failed", text.Visible(e.ErrorCode, text.Short), "")
		}
		p.TD("Address", "", text.Visible(e.Address, text.Short), text.Visible(string(e.Region), text.Short))
		p.TD("Record", "id", text.Visible(e.ID, text.Short), fmt.Sprintf("%s at byte %s", text.Visible(e.File, text.Line), text.Grouped(e.Offset)))
		p.Raw("</tr>")
	}
	p.Raw("</tbody></table></div>")
}
