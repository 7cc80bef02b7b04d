package posture

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/posture/asked"
)

// findingsView is the list of findings.
type findingsView struct {
	Filter      Filter
	Inputs      []page.Input
	Findings    []*kept.Finding
	Counts      kept.Counts
	First, Next string
	Now         time.Time
	Asking      *asked.Asking
}

func (a *area) findings(w http.ResponseWriter, r *http.Request) error {
	v := findingsView{Filter: filterOf(r.URL.Query()), Now: a.Now()}
	f, order, err := a.filter(v.Filter)
	if err != nil {
		return err
	}
	after := r.URL.Query().Get("cursor")
	err = a.look(r.Context(), func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		units, err := kept.Units(ctx, tx, sight)
		if err != nil {
			return err
		}
		v.Inputs = a.inputs(v.Filter, units)
		if v.Counts, err = kept.Count(ctx, tx, sight, f); err != nil {
			return err
		}
		if v.Findings, v.Next, err = kept.Findings(ctx, tx, sight, f, kept.Page{Sort: order, After: after, Limit: web.PageSize}); err != nil {
			return err
		}
		v.Asking, err = asked.Read(ctx, tx, web.ActorOf(ctx), a.Ask, a.Requested, v.Findings...)
		return err
	})
	if err != nil {
		return notThere("such list", err)
	}
	if v.Next != "" {
		v.Next = page.AtCursor(r.URL, v.Next)
	}
	if after != "" {
		v.First = page.AtCursor(r.URL, "")
	}
	return web.Show(w, r, "Findings", findingsPage(v))
}

// findingRows are rows of a table of findings.
func findingRows(list []*kept.Finding, now time.Time, q *asked.Asking) []page.Row {
	var out []page.Row
	for _, f := range list {
		where := f.Resource
		if f.Region != "" {
			where += " in " + string(f.Region)
		}
		row := page.Cells(findingLink(f), statusAndRequest(f, now, q), page.Severity(f.Severity), accountLink(f.Account), page.Text(where), ageCell(f))
		if f.Status == rootkeep.Fail {
			row.Tone = page.SeverityTone(f.Severity)
		}
		out = append(out, row)
	}
	return out
}

func findingColumns() []page.Column {
	return []page.Column{{Title: "Finding"}, {Title: "Status"}, {Title: "Severity"}, {Title: "Account"}, {Title: "Resource"}, {Title: "Since"}}
}

func accountPath(id rootkeep.AccountID) string { return "/posture/" + url.PathEscape(string(id)) }
func controlPath(id string) string             { return "/controls/" + url.PathEscape(id) }
func findingPath(id string) string             { return "/findings/" + url.PathEscape(id) }
func scanPath(id string) string                { return "/scans/" + url.PathEscape(id) }

// A download reads one state of the store for as long as the client takes to read it, and
// holds one of the store's few readers meanwhile: two slow ones must not stop the pages.
const (
	downloadTime    = 5 * time.Minute
	downloadsAtOnce = 2
)

// download writes the whole list, as CSV or as JSON, page by page.
func (a *area) download(w http.ResponseWriter, r *http.Request) error {
	f, order, err := a.filter(filterOf(r.URL.Query()))
	if err != nil {
		return err
	}
	var out listing
	switch format := r.URL.Query().Get("format"); format {
	case "csv":
		out = &csvListing{w: csv.NewWriter(w)}
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	case "json":
		out = &jsonListing{w: w}
		w.Header().Set("Content-Type", "application/json")
	default:
		return web.Refuse(http.StatusUnprocessableEntity, "invalid", "format: want csv or json")
	}
	begun := false
	err = a.look(r.Context(), func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		for p := (kept.Page{Sort: order, Limit: 1000}); ; {
			list, next, err := kept.Findings(ctx, tx, sight, f, p)
			if err != nil {
				return err
			}
			if !begun {
				begun = true
				w.Header().Set("Content-Disposition", `attachment; filename="findings.`+r.URL.Query().Get("format")+`"`)
				if err := out.begin(); err != nil {
					return err
				}
			}
			if err := out.write(list); err != nil {
				return err
			}
			if p.After = next; next == "" {
				return out.end()
			}
		}
	})
	if err != nil && begun {
		panic(http.ErrAbortHandler) // half a list must not look like a whole one
	}
	return err
}

// listing writes findings in some format.
type listing interface {
	begin() error
	write([]*kept.Finding) error
	end() error
}

type csvListing struct{ w *csv.Writer }

func (l *csvListing) begin() error {
	return l.w.Write([]string{
		"id", "status", "severity", "control", "title", "account", "region", "resource", "detail", "missing", "permissions", "owner", "until", "reason", "first_seen", "changed", "last_seen",
	})
}

func (l *csvListing) write(list []*kept.Finding) error {
	for _, f := range list {
		x := f.Exception
		until := ""
		if x == nil {
			x = &rootkeep.Exception{}
		} else {
			until = moment(x.Until)
		}
		line := []string{
			f.ID, f.Status.String(), f.Severity.String(), f.Control, f.Title, string(f.Account), string(f.Region), f.Resource, f.Detail, strings.Join(f.Missing, "; "),
			strings.Join(f.Permissions, " "), x.Owner, until, x.Reason, moment(f.FirstSeen), moment(f.Changed), moment(f.LastSeen),
		}
		for i := range line {
			line[i] = text.Cell(line[i])
		}
		if err := l.w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

func (l *csvListing) end() error {
	l.w.Flush()
	return l.w.Error()
}

// moment is a time in a cell, "" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// jsonListing writes {"schema": ..., "findings": [...]}.
type jsonListing struct {
	w    http.ResponseWriter
	some bool
}

// findingsSchema names the JSON form of a list of findings.
const findingsSchema = "rootkeep/findings/1"

func (l *jsonListing) begin() error {
	_, err := l.w.Write([]byte(`{"schema": "` + findingsSchema + `", "findings": [`))
	return err
}

func (l *jsonListing) write(list []*kept.Finding) error {
	for _, f := range list {
		line, err := json.Marshal(wireFinding(f))
		if err != nil {
			return err
		}
		separator := ",\n"
		if !l.some {
			separator, l.some = "\n", true
		}
		if _, err := l.w.Write(append([]byte(separator), text.Inert(line)...)); err != nil {
			return err
		}
	}
	return nil
}

func (l *jsonListing) end() error {
	_, err := l.w.Write([]byte("\n]}\n"))
	return err
}

// statusCell is the status with the end of an exception, and whether that has passed.
func statusCell(f *kept.Finding, now time.Time) templ.Component {
	if f.Exception == nil {
		return page.Status(f.Status)
	}
	if !now.Before(f.Exception.Until) {
		return page.Badge(page.Bad, "exception ended "+f.Exception.Until.UTC().Format(time.DateOnly))
	}
	return page.Badge(page.Careful, "excepted until "+f.Exception.Until.UTC().Format(time.DateOnly))
}
