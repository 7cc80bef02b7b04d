package report

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/sheet"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Charts stretch to the width they get (preserveAspectRatio none), so all words
// stand beside them in HTML: text in a stretched drawing would be illegible.

// shares draws the severity counts as one bar.
func (p page) shares(l Levels) {
	total := l.Total()
	if total == 0 {
		return
	}
	p.Raw(`<svg class="shares" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img"`)
	p.Attr("aria-label", "Shares of severities: "+levelCounts(l))
	p.Raw(">")
	x := 0.0
	for _, s := range severities() {
		if n := l.Of(s); n > 0 {
			width := 1000 * float64(n) / float64(total)
			p.rect(sheet.Level(s), x, 0, max(width-4, 2), 10)
			x += width
		}
	}
	p.Raw("</svg>")
}

// legend names the colours of the severities that occur.
func (p page) legend(l Levels) {
	p.Raw(`<ul class="legend">`)
	for _, s := range severities() {
		if l.Of(s) > 0 {
			p.El("li", sheet.Level(s), s.String())
		}
	}
	p.Raw("</ul>")
}

func (p page) rect(class markup, x, y, width, height float64) {
	p.Raw(`<rect class="`, class, `" x="`, sheet.Number(x), `" y="`, sheet.Number(y), `" width="`, sheet.Number(width), `" height="`, sheet.Number(height), `"/>`)
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
	p.Raw(`<figure class="chart"><figcaption>Alerts by the time of their first event, a bar is `)
	p.Text(barSpan(width))
	p.Raw("</figcaption>")
	p.legend(h.Totals.Alerts)
	p.bars(buckets, width)
	p.axis(start, end)
	p.lanes(h, start, end)
	p.Raw("</figure></section>\n")
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

// bars are stacked, the most severe at the foot, where lengths compare best.
func (p page) bars(buckets []Bucket, width time.Duration) {
	const high, step, least = 100.0, 10.0, 2.5
	most := 1
	for _, b := range buckets {
		most = max(most, b.Alerts.Total())
	}
	p.Raw(`<div class="plot"><span class="max">`, sheet.Number(most), `</span><svg class="bars" viewBox="0 0 `, sheet.Number(step*float64(len(buckets))),
		` 100" preserveAspectRatio="none" role="img" aria-label="Alerts over time, stacked by severity">`)
	for i, b := range buckets {
		if b.Alerts.Total() == 0 {
			continue
		}
		p.Raw("<g>")
		p.El("title", "", text.Stamp(b.Start)[:timeDigits(width)]+": "+levelCounts(b.Alerts))
		y := high
		for _, s := range severities() {
			if n := b.Alerts.Of(s); n > 0 {
				height := max(high*float64(n)/float64(most), least)
				y -= height
				p.rect(sheet.Level(s), float64(i)*step+1, max(y, 0), step-2, height)
			}
		}
		p.Raw("</g>")
	}
	p.Raw("</svg></div>")
}

// timeDigits is how much of a stamp tells buckets of this width apart.
func timeDigits(width time.Duration) int {
	if width < 24*time.Hour {
		return len("2006-01-02 15:04")
	}
	return len(time.DateOnly)
}

// axis names five points in time; style leaves out two of them on a telephone.
func (p page) axis(start, end time.Time) {
	layout := time.DateOnly
	if end.Sub(start) < 5*24*time.Hour {
		layout = "01-02 15:04"
	}
	p.Raw(`<div class="axis" aria-hidden="true">`)
	for i := range 5 {
		at := start.Add(end.Sub(start) * time.Duration(i) / 4)
		p.El("span", "", at.UTC().Format(layout))
	}
	p.Raw("</div>")
}

// lanes draws the root sessions of each account under the bars, on their axis.
func (p page) lanes(h *Hunt, start, end time.Time) {
	const most, wide = 24, 1000.0
	if len(h.Sessions) == 0 {
		return
	}
	worst := h.levels()
	byAccount := map[rootkeep.AccountID][]int{}
	var order []rootkeep.AccountID
	for i, s := range h.Sessions {
		if byAccount[s.Account] == nil {
			order = append(order, s.Account)
		}
		byAccount[s.Account] = append(byAccount[s.Account], i)
	}
	p.Raw(`<h3>Root sessions</h3><div class="lanes">`)
	for _, account := range order[:min(len(order), most)] {
		p.Raw(`<div class="lane">`)
		p.El("code", "", "root of "+string(account))
		p.Raw(`<svg viewBox="0 0 1000 10" preserveAspectRatio="none" role="img"`)
		p.Attr("aria-label", fmt.Sprintf("%s of root of %s", text.Counted(len(byAccount[account]), "session"), account))
		p.Raw(">")
		for _, i := range byAccount[account] {
			s := h.Sessions[i]
			x := wide * float64(s.Start.Sub(start)) / float64(end.Sub(start))
			width := wide * float64(s.End.Sub(s.Start)) / float64(end.Sub(start))
			p.Raw("<g>")
			p.El("title", "", text.Period(s.Start, s.End)+", MFA "+mfaText(s.MFA))
			p.rect(sheet.Level(s.level(worst)), min(x, wide-6), 0, max(width, 6), 10)
			p.Raw("</g>")
		}
		p.Raw("</svg></div>")
	}
	p.Raw("</div>")
	if n := len(order) - most; n > 0 {
		p.El("p", "fine", fmt.Sprintf("Root sessions of %s more are listed above and not drawn.", text.Counted(n, "account")))
	}
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
		for _, r := range h.Alerts[i].Regions {
			key := [2]string{string(h.Alerts[i].Account), string(r)}
			c := cells[key]
			c.alerts.Add(h.Alerts[i].Level)
			cells[key] = c
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
