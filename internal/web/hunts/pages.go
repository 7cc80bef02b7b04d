package hunts

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	"github.com/rootkeep/rootkeep/internal/web"
)

// listView is the page of hunts.
type listView struct {
	Hunts       []*hunts.Hunt
	First, Next string
}

func (a *area) list(w http.ResponseWriter, r *http.Request) error {
	var v listView
	err := a.view(r.Context(), func(ctx context.Context, s *store.Reader, sight hunts.Sight) error {
		list, next, err := hunts.List(ctx, s, sight, r.URL.Query().Get("cursor"), web.PageSize)
		v = listView{list, first(r), after(r, next)}
		return err
	})
	if err != nil {
		return err
	}
	return web.Show(w, r, "Hunts", listPage(v))
}

// huntView is the page of one hunt.
type huntView struct {
	*hunts.Hunt
	Levels   [rootkeep.Critical + 1]int64
	Read     []hunts.Account
	More     int          // accounts that are not listed
	Report   *report.Hunt // without alerts; nil for who may not see all of it
	MayWhole bool
}

const mostAccounts = 200

func (a *area) show(w http.ResponseWriter, r *http.Request) error {
	var v huntView
	id := r.PathValue("id")
	err := a.view(r.Context(), func(ctx context.Context, s *store.Reader, sight hunts.Sight) (err error) {
		if v.Hunt, err = hunts.ByID(ctx, s, sight, id); err != nil {
			return err
		}
		if v.Levels, err = alerts.Levels(ctx, s, web.ActorOf(ctx), alerts.Filter{Hunt: id}); err != nil {
			return err
		}
		if v.Read, err = hunts.AccountsOf(ctx, s, sight, id, mostAccounts); err != nil {
			return err
		}
		v.More = v.Accounts - len(v.Read)
		if v.MayWhole = sight.Everything(); !v.MayWhole {
			return nil
		}
		summary, err := hunts.Summary(ctx, s, sight, id)
		if err != nil {
			return err
		}
		v.Report = &report.Hunt{}
		return json.Unmarshal(summary, v.Report)
	})
	if err != nil {
		return err
	}
	return web.Show(w, r, "Hunt "+id, huntPage(v))
}

// usesView is the page of root events.
type usesView struct {
	Filter      hunts.UseFilter
	Days        int
	Number      hunts.Number
	Uses        []*hunts.Use
	Period      hunts.Period
	Proven      [][24]int
	First, Next string
}

// shownDays is how many days the grid of proven hours has.
const shownDays = 31

func (a *area) uses(w http.ResponseWriter, r *http.Request) error {
	q, now := queryOf(r), a.Now()
	v := usesView{Days: q.days("days", 90, 7, 30, 365), First: first(r)}
	v.Filter = hunts.UseFilter{
		Account: q.account("account"), Kind: rootkeep.RootKind(q.one("kind", kinds...)), Used: q.one("used", "yes") != "", Country: q.text("country"), Text: q.text("q"),
		Since: period(now, v.Days+1, "").Since,
	}
	if q.err != nil {
		return q.err
	}
	v.Period = period(now, shownDays, v.Filter.Account)
	err := a.view(r.Context(), func(ctx context.Context, s *store.Reader, sight hunts.Sight) (err error) {
		var next string
		if v.Uses, next, err = hunts.Uses(ctx, s, sight, v.Filter, q.values.Get("cursor"), web.PageSize); err != nil {
			return err
		}
		v.Next = after(r, next)
		if v.Number, err = hunts.NumberOf(ctx, s, sight, now, v.Days); err != nil {
			return err
		}
		v.Proven, err = hunts.ProvenDays(ctx, s, sight, v.Period)
		return err
	})
	if err != nil {
		return err
	}
	return web.Show(w, r, "Root uses", usesPage(v))
}

// useView is the page of one root event.
type useView struct {
	*hunts.Use
	Twins   int64
	Session []*hunts.Use
	Cut     bool
	Record  string
}

func (a *area) use(w http.ResponseWriter, r *http.Request) error {
	var v useView
	err := a.view(r.Context(), func(ctx context.Context, s *store.Reader, sight hunts.Sight) (err error) {
		if v.Use, v.Twins, err = hunts.UseByKey(ctx, s, sight, r.PathValue("id")); err != nil {
			return err
		}
		v.Session, v.Cut, err = hunts.SessionOf(ctx, s, sight, v.Use)
		return err
	})
	if err != nil {
		return err
	}
	v.Record = indented(v.Raw)
	return web.Show(w, r, "Root event "+v.Key, usePage(v))
}

// indented is a record for a reader, or as it came if it is no JSON.
func indented(raw []byte) string {
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return string(raw)
	}
	return out.String()
}

// signInsView is the page of sign-ins.
type signInsView struct {
	Account rootkeep.AccountID
	Days    int
	ByDay   []hunts.SignInDay
	Origins []hunts.Origin
}

func (a *area) signIns(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	v := signInsView{Account: q.account("account"), Days: q.days("days", 30, 7, 90, 365)}
	if q.err != nil {
		return q.err
	}
	p := period(a.Now(), v.Days, v.Account)
	err := a.view(r.Context(), func(ctx context.Context, s *store.Reader, sight hunts.Sight) (err error) {
		if v.ByDay, err = hunts.SignInDays(ctx, s, sight, p); err != nil {
			return err
		}
		v.Origins, err = hunts.Origins(ctx, s, sight, p)
		return err
	})
	if err != nil {
		return err
	}
	return web.Show(w, r, "Sign-ins", signInsPage(v))
}

// sums are the counts of all days together.
func (v signInsView) sums() (all hunts.SignInDay) {
	for _, d := range v.ByDay {
		all.Root += d.Root
		all.RootFailed += d.RootFailed
		all.Others += d.Others
		all.Failed += d.Failed
	}
	return all
}
