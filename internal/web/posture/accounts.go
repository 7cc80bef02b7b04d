package posture

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/chart"
	"github.com/rootkeep/rootkeep/internal/posture/score"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/posture/asked"
)

// overviewView is the posture of all accounts in sight.
type overviewView struct {
	Text, Unit  string
	Units       []string
	Total       *kept.Total
	Accounts    []*kept.Row
	Trend       []kept.Point
	First, Next string
	From, To    time.Time
}

func (a *area) overview(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	v := overviewView{Text: strings.TrimSpace(q.Get("q")), Unit: q.Get("unit"), To: a.Now()}
	v.From = v.To.Add(-span)
	if len(v.Text) > most || len(v.Unit) > most {
		return invalid("q", fmt.Errorf("at most %d", most))
	}
	f := kept.AccountFilter{Text: v.Text, Unit: v.Unit}
	err := a.look(r.Context(), func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		var err error
		if v.Units, err = kept.Units(ctx, tx, sight); err != nil {
			return err
		}
		if v.Total, err = kept.Sum(ctx, tx, sight, f); err != nil {
			return err
		}
		if v.Accounts, v.Next, err = kept.Accounts(ctx, tx, sight, f, kept.Page{After: q.Get("cursor"), Limit: web.PageSize}); err != nil {
			return err
		}
		if v.Text == "" && v.Unit == "" {
			v.Trend, err = kept.Trend(ctx, tx, sight, "", v.From, v.To)
		}
		return err
	})
	if err != nil {
		return notThere("such list", err)
	}
	if v.Next != "" {
		v.Next = page.AtCursor(r.URL, v.Next)
	}
	if q.Get("cursor") != "" {
		v.First = page.AtCursor(r.URL, "")
	}
	return web.Show(w, r, "Posture", overviewPage(v))
}

// accountView is the posture of one account.
type accountView struct {
	Account  *kept.Row
	Score    *score.Score
	Controls []kept.ControlCount
	Worst    []*kept.Finding
	Asking   *asked.Asking
	Trend    []kept.Point
	From, To time.Time
}

// worstShown is how many findings the page of an account has.
const worstShown = 15

func (a *area) account(w http.ResponseWriter, r *http.Request) error {
	id := rootkeep.AccountID(r.PathValue("account"))
	v := accountView{To: a.Now()}
	v.From = v.To.Add(-span)
	err := a.look(r.Context(), func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		var err error
		if v.Account, err = kept.AccountOf(ctx, tx, sight, id); err != nil {
			return err
		}
		of := kept.Filter{Accounts: []rootkeep.AccountID{id}}
		if v.Controls, err = kept.ByControls(ctx, tx, sight, of); err != nil {
			return err
		}
		of.Statuses = []rootkeep.Status{rootkeep.Fail, rootkeep.Excepted}
		if v.Worst, _, err = kept.Findings(ctx, tx, sight, of, kept.Page{Sort: kept.ByUrgency, Limit: worstShown}); err != nil {
			return err
		}
		if v.Asking, err = asked.Read(ctx, tx, web.ActorOf(ctx), a.Ask, a.Requested, v.Worst...); err != nil {
			return err
		}
		v.Trend, err = kept.Trend(ctx, tx, sight, id, v.From, v.To)
		return err
	})
	if err != nil {
		return notThere("such account", err)
	}
	v.Score = a.score(v.Controls)
	return web.Show(w, r, "Account "+string(id), accountPage(v))
}

// score fills the scorecard in by what controls came to.
func (a *area) score(counts []kept.ControlCount) *score.Score {
	var list []rootkeep.Finding
	var ids []string
	for _, c := range counts {
		ids = append(ids, c.Control)
		for status, n := range c.By {
			if n > 0 {
				list = append(list, rootkeep.Finding{Control: c.Control, Status: status})
			}
		}
	}
	return a.Card.Of(list, ids, false)
}

// failing are the failures of a severity.
func failing(c *kept.Counts, s rootkeep.Severity) int { return c[rootkeep.Fail][s] }

// postureChart draws the open failures over time.
func postureChart(points []kept.Point, from, to time.Time) templ.Component {
	l := chart.Lines{Title: "Failures over time", Note: "At the end of each day, of the accounts that had been scanned by then.", From: from, To: to}
	for _, s := range []rootkeep.Severity{rootkeep.Critical, rootkeep.High, rootkeep.Medium, rootkeep.Low} {
		line := chart.Line{Name: s.String(), Tone: chart.Level(s)}
		for _, p := range points {
			line.Points = append(line.Points, chart.Point{At: p.Day, Value: float64(failing(&p.Summary.Counts, s))})
		}
		l.Series = append(l.Series, line)
	}
	return drawn(l)
}

// mfaChart draws how many users with a password have MFA.
func mfaChart(points []kept.Point, from, to time.Time) templ.Component {
	l := chart.Lines{Title: "MFA coverage", Note: "Users with a password who have MFA, of the accounts in which both are known.", Unit: "%", Most: 100, Area: true, From: from, To: to}
	line := chart.Line{Name: "with MFA", Tone: chart.Good}
	for _, p := range points {
		value := math.NaN() // no users, or none known
		if p.Users > 0 {
			value = math.Round(1000*float64(p.With)/float64(p.Users)) / 10
		}
		line.Points = append(line.Points, chart.Point{At: p.Day, Value: value})
	}
	l.Series = []chart.Line{line}
	return drawn(l)
}

func drawn(c chart.Chart) templ.Component { return templ.Raw(string(chart.Described(c))) }

func number(n int) templ.Component { return page.Text(text.Grouped(n)) }

// mfaWords is "12 of 14 users", or that it is not known.
func mfaWords(m kept.MFA) string {
	switch {
	case !m.Known:
		return "not known"
	case m.Users == 0:
		return "no users with a password"
	}
	return strconv.Itoa(m.With) + " of " + text.Counted(m.Users, "user")
}

// rootWords says whether root has MFA.
func rootWords(answer string) string {
	return map[string]string{"yes": "has MFA", "no": "no MFA", "none": "has no credentials"}[answer]
}

// bandWords is "Foundation security 2 of 3".
func bandWords(bands []kept.Band) string {
	var out []string
	for _, b := range bands {
		first, _, _ := strings.Cut(b.Title, " ")
		out = append(out, fmt.Sprintf("%s %d of %d", first, b.Done, b.Done+b.NotDone+b.Unknown+b.NotApplicable))
	}
	return strings.Join(out, ", ")
}

// nameWords are the name and the alias of an account.
func nameWords(a *kept.Row) string {
	switch {
	case a.Name == "" || a.Name == a.Alias:
		return a.Alias
	case a.Alias == "":
		return a.Name
	}
	return a.Name + " (" + a.Alias + ")"
}
