package coverage

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/chart"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// view is the page of a year.
type view struct {
	*calendar
	client.Coverage
	now time.Time
}

const (
	mostRows  = 200 // of accounts on the page
	yearsBack = 7   // that the form offers
)

func (a *area) page(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	year := 0
	if v := q.Get("year"); v != "" {
		var err error
		if year, err = strconv.Atoi(v); err != nil || year == 0 {
			return web.Refuse(http.StatusUnprocessableEntity, "invalid", "year: want a number such as 2026")
		}
	}
	c, err := a.read(r.Context(), year, rootkeep.AccountID(q.Get("account")))
	if err != nil {
		return err
	}
	return web.Show(w, r, "Coverage", body(view{c, c.wire(), a.Now()}))
}

func (v *view) inputs() []page.Input {
	this := v.now.UTC().Year()
	years := []page.Option{}
	for y := this; y > this-yearsBack; y-- {
		years = append(years, page.Option{Value: strconv.Itoa(y), Text: strconv.Itoa(y)})
	}
	chosen := strconv.Itoa(v.year)
	if !slices.ContainsFunc(years, func(o page.Option) bool { return o.Value == chosen }) {
		years = append(years, page.Option{Value: chosen, Text: chosen})
	}
	return []page.Input{
		{Name: "year", Label: "Year", Kind: "select", Value: chosen, Options: years},
		{Name: "account", Label: "Account (empty: all)", Kind: "text", Value: string(v.account), Most: 12},
	}
}

// grid draws the days of the year, a row for each month.
func (v *view) grid() chart.Grid {
	c := chart.Grid{
		Title: "Proven hours of " + strconv.Itoa(v.year), Note: "by day, UTC; without colour: not yet, or no such day", Axis: []string{"1", "8", "16", "24", "31"},
		Keys: []chart.Key{{Name: "all hours proven", Tone: chart.Good}, {Name: "some proven", Tone: chart.Low}, {Name: "read, not proven", Tone: chart.Medium}, {Name: "not known", Tone: chart.Unknown}},
	}
	for d := range 31 {
		c.Columns = append(c.Columns, strconv.Itoa(d+1))
	}
	for m := time.January; m <= time.December; m++ {
		c.Rows = append(c.Rows, m.String()[:3])
		row := make([]chart.Cell, 31)
		for d := range row {
			row[d] = v.cell(m, d+1)
		}
		c.Cells = append(c.Cells, row)
	}
	return c
}

func (v *view) cell(m time.Month, d int) chart.Cell {
	at := time.Date(v.year, m, d, 0, 0, 0, 0, time.UTC)
	i := v.index(at)
	switch {
	case at.Month() != m:
		return chart.Cell{Tone: chart.Plain, Words: "no such day"}
	case i >= len(v.days):
		return chart.Cell{Tone: chart.Plain, Words: "not yet"}
	}
	x, all := v.days[i], v.hours()
	words := fmt.Sprintf("%s of %s proven", text.Grouped(x.proven), text.Counted(all, "hour"))
	if x.partly > 0 {
		words += ", " + text.Grouped(x.partly) + " more in single Regions"
	}
	if x.read > 0 {
		words += ", " + text.Grouped(x.read) + " read and not proven"
	}
	switch {
	case all == 0:
		return chart.Cell{Tone: chart.Unknown, Words: "not known"}
	case x.proven >= all:
		return chart.Cell{Tone: chart.Good, Words: words}
	case x.proven > 0 || x.partly > 0:
		return chart.Cell{Tone: chart.Low, Words: words}
	case x.read > 0:
		return chart.Cell{Tone: chart.Medium, Words: words}
	}
	return chart.Cell{Tone: chart.Unknown, Words: "not known"}
}

var (
	accountColumns = []page.Column{{Title: "Account"}, {Title: "Proven"}, {Title: "Hours proven", Number: true}, {Title: "Read, not proven", Number: true}, {Title: "Not known", Number: true}}
	regionColumns  = []page.Column{{Title: "Region"}, {Title: "Proven"}, {Title: "Hours proven", Number: true}}
)

func (v *view) accountRows() []page.Row {
	var out []page.Row
	for _, a := range v.Accounts[:min(len(v.Accounts), mostRows)] {
		out = append(out, page.Cells(page.To(fmt.Sprintf("/coverage?year=%d&account=%s", v.year, a.Account), a.Account), v.share(a.Proven), page.Text(text.Grouped(a.Proven)),
			page.Text(text.Grouped(a.Read)), page.Text(text.Grouped(a.Missing))))
	}
	return out
}

func (v *view) regionRows() []page.Row {
	var out []page.Row
	for _, r := range v.Regions {
		out = append(out, page.Cells(page.Text(r.Region), v.share(r.Proven), page.Text(text.Grouped(r.Proven))))
	}
	return out
}
