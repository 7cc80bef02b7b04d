package report

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/chart"
	"github.com/rootkeep/rootkeep/internal/report/sheet"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// shares draws the severity counts as one bar.
func (p page) shares(l Levels) {
	if l.Total() == 0 {
		return
	}
	c := chart.Shares{Title: "Shares of severities: " + levelCounts(l)}
	for _, s := range severities() {
		if n := l.Of(s); n > 0 {
			c.Parts = append(c.Parts, chart.Part{Name: s.String(), Tone: chart.Level(s), N: int64(n)})
		}
	}
	p.Raw(c.Bar())
}

func (p page) timeline(h *Hunt) {
	p.Section("timeline", "Timeline", 0)
	buckets := h.Timeline.Buckets
	if len(h.Alerts) == 0 && len(h.Sessions) == 0 || len(buckets) == 0 {
		p.Raw(`<p class="none">Nothing to draw: no alert and no root session.</p></section>` + "\n")
		return
	}
	width := time.Duration(h.Timeline.Seconds) * time.Second
	start, end := buckets[0].Start, buckets[len(buckets)-1].Start.Add(width)
	p.Raw(h.bars(buckets, width, start, end).HTML())
	if len(h.Sessions) > 0 {
		p.Raw(h.lanes(start, end).HTML())
	}
	p.Raw("</section>\n")
}

// bars are the alerts over time, the most severe at the foot.
func (h *Hunt) bars(buckets []Bucket, width time.Duration, start, end time.Time) chart.Bars {
	c := chart.Bars{Title: "Alerts by the time of their first event", Note: "a bar is " + barSpan(width), Unit: "alert", Axis: chart.Times(start, end)}
	for _, s := range severities() {
		c.Keys = append(c.Keys, chart.Key{Name: s.String(), Tone: chart.Level(s)})
	}
	for _, b := range buckets {
		bar := chart.Bar{Label: text.Stamp(b.Start)[:timeDigits(width)]}
		for _, s := range severities() {
			bar.Counts = append(bar.Counts, int64(b.Alerts.Of(s)))
		}
		c.Bars = append(c.Bars, bar)
	}
	return c
}

func barSpan(width time.Duration) string {
	switch width {
	case time.Hour:
		return "an hour"
	case 24 * time.Hour:
		return "a day"
	default:
		return fmt.Sprintf("%d days", width/(24*time.Hour))
	}
}

// timeDigits is how much of a stamp tells buckets of this width apart.
func timeDigits(width time.Duration) int {
	if width < 24*time.Hour {
		return len("2006-01-02 15:04")
	}
	return len(time.DateOnly)
}

// lanes are the root sessions of each account, on the axis of the bars.
func (h *Hunt) lanes(start, end time.Time) chart.Lanes {
	c := chart.Lanes{Title: "Root sessions", From: start, To: end}
	worst := h.levels()
	place := map[rootkeep.AccountID]int{}
	for _, s := range h.Sessions {
		i, ok := place[s.Account]
		if !ok {
			i = len(c.Lanes)
			place[s.Account] = i
			c.Lanes = append(c.Lanes, chart.Lane{Name: "root of " + string(s.Account)})
		}
		lane := &c.Lanes[i]
		lane.Stretches = append(lane.Stretches, chart.Stretch{
			From: s.Start, To: s.End, Tone: chart.Level(s.level(worst)), Words: text.Period(s.Start, s.End) + ", MFA " + mfaText(s.MFA),
		})
	}
	return c
}

// coverage shows what was seen as a table of accounts and Regions, shaded by the
// number of events, with the alerts of each cell.
func (p page) coverage(h *Hunt) {
	const rows, columns = 60, 24
	p.Section("coverage", "Coverage", 0)
	p.El("p", "", h.CoverageText())
	accounts, regions := h.accounts(), h.regions()
	if len(accounts) == 0 {
		p.Raw("</section>\n")
		return
	}
	cells := newCells(h)
	p.Raw(`<div class="scroll" role="region" aria-label="Events by account and Region" tabindex="0"><table class="map"><caption>Events seen, by account and Region</caption><thead><tr><th>Account</th>`)
	told := regions[:min(len(regions), columns)]
	for _, r := range told {
		p.El("th", "num", string(r.key))
	}
	p.Raw(`<th class="num">All</th></tr></thead><tbody>`)
	for _, a := range accounts[:min(len(accounts), rows)] {
		p.Raw(`<tr><th scope="row"><code>`)
		p.Text(string(a.key))
		p.Raw("</code></th>")
		for _, r := range told {
			p.cell(cells[[2]string{string(a.key), string(r.key)}], cells.most())
		}
		p.El("td", "num all", text.Grouped(a.events))
		p.Raw("</tr>")
	}
	p.Raw("</tbody></table></div>")
	if len(accounts) > rows || len(regions) > columns {
		p.El("p", "fine", fmt.Sprintf("%s and %s were seen; the table shows those with the most events, the JSON output has all.",
			text.Counted(len(accounts), "account"), text.Counted(len(regions), "Region")))
	}
	p.Raw("</section>\n")
}

// spot is what was seen in one account and Region.
type spot struct {
	events int64
	alerts Levels
}

type spots map[[2]string]spot

func newCells(h *Hunt) spots {
	cells := spots{}
	for _, s := range h.Seen {
		key := [2]string{string(s.Account), string(s.Region)}
		c := cells[key]
		c.events += s.Events
		cells[key] = c
	}
	for i := range h.Alerts {
		a := &h.Alerts[i]
		of := a.Accounts
		if len(of) == 0 {
			of = []rootkeep.AccountID{a.Account}
		}
		for _, account := range of {
			for _, r := range a.Regions {
				key := [2]string{string(account), string(r)}
				c := cells[key]
				c.alerts.Add(a.Level)
				cells[key] = c
			}
		}
	}
	return cells
}

func (s spots) most() int64 {
	var most int64
	for _, c := range s {
		most = max(most, c.events)
	}
	return most
}

// cell is shaded in five steps of the logarithm: event counts of Regions differ
// by powers of ten.
func (p page) cell(c spot, most int64) {
	if c.events == 0 && c.alerts.Total() == 0 {
		p.Raw(`<td class="num nil">-</td>`)
		return
	}
	shade := int(math.Ceil(5 * math.Log1p(float64(c.events)) / math.Log1p(float64(max(most, 1)))))
	p.Raw(`<td class="num h`, sheet.Number(shade), `">`)
	p.Text(text.Grouped(c.events))
	if n := c.alerts.Total(); n > 0 {
		all := severities()
		worst := all[slices.IndexFunc(all[:], func(s rootkeep.Severity) bool { return c.alerts.Of(s) > 0 })]
		p.El("span", "mark "+sheet.Level(worst), fmt.Sprintf("%s, %s", text.Counted(n, "alert"), worst))
	}
	p.Raw("</td>")
}
