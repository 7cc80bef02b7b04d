package rules

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/chart"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// view is the page of the catalogue.
type view struct {
	*catalogue
	filter
	all     int      // how many detections hold
	choices []string // their kinds
	fits    int      // how many fit the filter
	stats   []page.Stat

	first, next string // addresses of pages
}

func (v *view) inputs() []page.Input {
	option := func(value, text string) page.Option { return page.Option{Value: value, Text: text} }
	levels, kinds := []page.Option{option("", "all levels")}, []page.Option{option("", "all kinds")}
	for s := rootkeep.Critical; s > 0; s-- {
		levels = append(levels, option(s.String(), s.String()+" or worse"))
	}
	for _, k := range v.choices {
		kinds = append(kinds, option(k, k))
	}
	return []page.Input{
		{Name: "q", Label: "Text", Kind: "search", Value: v.text, Most: longest},
		{Name: "level", Label: "Level", Kind: "select", Value: v.level, Options: levels},
		{Name: "kind", Label: "Kind", Kind: "select", Value: v.kind, Options: kinds},
		{Name: "only", Label: "Only", Kind: "select", Value: v.only, Options: []page.Option{option("", "all"), option(onTrial, "on trial"), option(fired, "matched in 7 days"), option(silent, "silent for 7 days")}},
	}
}

// stats counts the detections, each number a way to them: what matched is for who reads
// everywhere.
func (c *catalogue) stats() []page.Stat {
	matched, trial := 0, 0
	for _, x := range c.rules {
		if x.matches > 0 {
			matched++
		}
		if x.trial {
			trial++
		}
	}
	out := []page.Stat{{Label: "In force", Value: text.Grouped(len(c.rules)), Tone: page.Plain, Path: "/rules"}}
	if c.whole {
		out = append(out, page.Stat{Label: "Matched in 7 days", Value: text.Grouped(matched), Tone: page.Plain, Path: "/rules?only=" + fired})
	}
	out = append(out, page.Stat{Label: "On trial", Value: text.Grouped(trial), Tone: page.Plain, Path: "/rules?only=" + onTrial})
	if n := len(c.problems); n > 0 {
		out = append(out, page.Stat{Label: "Problems in files", Value: text.Grouped(n), Tone: page.Careful, Path: "#problems"})
	}
	return out
}

var (
	columns = []page.Column{
		{Title: "Rule"}, {Title: "Level"}, {Title: "Kind"}, {Title: "ATT&CK"}, {Title: "7 days"}, {Title: "Matches", Number: true}, {Title: "Alerts", Number: true}, {Title: "Last matched"}, {Title: "File"},
	}
	problemColumns = []page.Column{{Title: "File"}, {Title: "Rule"}, {Title: "What became of it"}, {Title: "Problem"}}
)

func (v *view) rows() []page.Row {
	var out []page.Row
	for _, x := range v.rules {
		row := page.Cells(heading(x), page.Severity(x.Level), page.Name(x.Kind), page.Text(techniques(x)))
		if v.whole {
			row.Cells = append(row.Cells, spark(x), page.Text(text.Grouped(x.matches)), alertsOf(x), hour(x.fired))
		} else {
			row.Cells = append(row.Cells, templ.NopComponent, templ.NopComponent, templ.NopComponent, templ.NopComponent)
		}
		row.Cells = append(row.Cells, page.Text(x.File))
		out = append(out, row)
	}
	return out
}

// hour is the hour of a moment: when a rule matched is counted by the hour.
func hour(at time.Time) templ.Component {
	if at.IsZero() {
		return page.Time(at)
	}
	at = at.UTC()
	return page.Text(at.Format("2006-01-02, 15:04") + " to " + at.Add(time.Hour).Format("15:04") + " UTC")
}

func spark(x *rule) templ.Component {
	if x.matches == 0 {
		return templ.NopComponent
	}
	return templ.Raw(string(chart.Spark{Title: "Matches of " + x.Name + " by day", Unit: "match", Values: x.byDay}.HTML()))
}

func alertsOf(x *rule) templ.Component {
	if x.alerts == 0 {
		return page.Text("0")
	}
	return page.To("/alerts?state=all&muted=all&rule="+url.QueryEscape(x.Name), text.Grouped(x.alerts))
}

func techniques(x *rule) string {
	out := []string{}
	if x.Tactic != "" {
		out = append(out, x.Tactic)
	}
	for _, t := range x.Techniques {
		out = append(out, t.ID)
	}
	return strings.Join(out, ", ")
}

func problemRows(list []detect.Problem) []page.Row {
	var out []page.Row
	for _, p := range list[:min(len(list), mostRows)] {
		where, became, tone := p.File, page.Badge(page.Bad, "not loaded"), page.Bad
		if p.Line > 0 {
			where = fmt.Sprintf("%s:%d", p.File, p.Line)
		}
		if p.Warning {
			became, tone = page.Badge(page.Careful, "the rest is used"), page.Careful
		}
		row := page.Cells(page.LongText(where), page.Text(p.Rule), became, page.LongText(p.Msg))
		row.Tone = tone
		out = append(out, row)
	}
	return out
}
