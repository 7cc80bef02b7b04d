package posture

import (
	"context"
	"net/http"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// scansView is the list of scans.
type scansView struct {
	Scans       []*kept.Scan
	MayStart    bool
	First, Next string
}

func (a *area) scans(w http.ResponseWriter, r *http.Request) error {
	v := scansView{MayStart: web.ActorOf(r.Context()).May(people.Operate, people.Place{})}
	after := r.URL.Query().Get("cursor")
	err := a.look(r.Context(), func(ctx context.Context, tx *store.Reader, sight kept.Sight) (err error) {
		v.Scans, v.Next, err = kept.Scans(ctx, tx, sight, kept.Page{After: after, Limit: web.PageSize})
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
	return web.Show(w, r, "Scans", scansPage(v))
}

// startScan asks for a job that scans.
func (a *area) startScan(w http.ResponseWriter, r *http.Request) error {
	j, err := a.start(r.Context(), []byte(r.PostFormValue("settings")))
	if err != nil {
		return err
	}
	return web.Redirect(w, r, "/scans", "The scan begins as soon as a server is free: job "+j.ID+".")
}

// start asks for a job that scans, on behalf of who asks. It reads with the server's own
// credentials, so that it needs the permission on the whole organization.
func (a *area) start(ctx context.Context, settings []byte) (*job.Job, error) {
	if !web.ActorOf(ctx).May(people.Operate, people.Place{}) {
		return nil, web.Refuse(http.StatusForbidden, "forbidden", "this needs the permission operate on the whole organization; hint: rootkeep scan --send works with less")
	}
	if len(settings) == 0 {
		settings = []byte("{}")
	}
	if err := a.CheckScan(settings); err != nil {
		return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
	}
	var out *job.Job
	err := a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		out, err = jobs.Ask(ctx, tx, web.ActorOf(ctx).ID, job.Job{Kind: a.ScanKind, Payload: settings})
		return err
	})
	if err == nil && a.Wake != nil {
		a.Wake()
	}
	return out, err
}

// scanView is one scan, and what is otherwise in it than in an earlier one.
type scanView struct {
	Scan       *kept.Scan
	Total      kept.Counts
	Earlier    []kept.ScanAccount // to compare with: those of one of its accounts
	Since      string
	Difference *kept.Difference
}

// comparable is how many earlier scans are offered.
const comparable = 30

func (a *area) scan(w http.ResponseWriter, r *http.Request) error {
	v := scanView{Since: r.URL.Query().Get("since")}
	err := a.look(r.Context(), func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		var err error
		if v.Scan, err = kept.ScanOf(ctx, tx, sight, r.PathValue("id")); err != nil {
			return err
		}
		for i := range v.Scan.Accounts {
			v.Total.Plus(&v.Scan.Accounts[i].Summary.Counts)
		}
		return a.compare(ctx, tx, sight, &v)
	})
	if err != nil {
		return notThere("such scan", err)
	}
	return web.Show(w, r, "Scan "+v.Scan.ID, scanPage(v))
}

// compare gives the difference to the scan that was asked for, or to the one before of
// the same accounts.
func (a *area) compare(ctx context.Context, tx *store.Reader, sight kept.Sight, v *scanView) error {
	at := slices.IndexFunc(v.Scan.Accounts, func(a kept.ScanAccount) bool { return a.State == kept.Judged })
	if at < 0 {
		return nil
	}
	first := v.Scan.Accounts[at]
	var err error
	if v.Earlier, err = kept.Before(ctx, tx, sight, first.Account, first.Taken, comparable); err != nil {
		return err
	}
	if v.Since == "" && len(v.Earlier) > 0 {
		v.Since = v.Earlier[0].Scan
	}
	if v.Since == "" {
		return nil
	}
	earlier, err := kept.ScanOf(ctx, tx, sight, v.Since)
	if err != nil {
		return err
	}
	v.Difference, err = kept.Compare(ctx, tx, earlier, v.Scan)
	return err
}

// statusWord is the name of a status in a change.
func statusWord(n int) string {
	if n < 0 {
		return "was not there"
	}
	return rootkeep.Status(n).String()
}
