package posture

import (
	"context"
	"net/http"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/framework"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/posture/asked"
)

// judged is a control with what it came to.
type judged struct {
	kept.ControlCount
	Control *posture.Control // nil: it is not among the server's controls any more
}

// counts are those of all controls: the server's, and those that findings are left of.
func (a *area) counts(ctx context.Context, tx *store.Reader, sight kept.Sight, f kept.Filter) ([]judged, error) {
	found, err := kept.ByControls(ctx, tx, sight, f)
	if err != nil {
		return nil, err
	}
	by := map[string]kept.ControlCount{}
	for _, c := range found {
		by[c.Control] = c
	}
	var out []judged
	for _, c := range a.Controls {
		count, ok := by[c.ID]
		if !ok {
			count = kept.ControlCount{Control: c.ID, By: map[rootkeep.Status]int{}}
		}
		count.Title, count.Severity = c.Title, max(c.Level(), count.Severity)
		out = append(out, judged{count, c})
		delete(by, c.ID)
	}
	for _, c := range found {
		if _, left := by[c.Control]; left {
			out = append(out, judged{c, nil})
		}
	}
	return out, nil
}

func (a *area) listControls(w http.ResponseWriter, r *http.Request) error {
	var all []judged
	err := a.look(r.Context(), func(ctx context.Context, tx *store.Reader, sight kept.Sight) (err error) {
		all, err = a.counts(ctx, tx, sight, kept.Filter{})
		return err
	})
	if err != nil {
		return err
	}
	return web.Show(w, r, "Controls", controlsPage(all))
}

// controlView is one control.
type controlView struct {
	judged
	References []framework.Reference
	Findings   []*kept.Finding
	Asking     *asked.Asking
}

func (a *area) control(w http.ResponseWriter, r *http.Request) error {
	v, err := a.readControl(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.Show(w, r, v.ControlCount.Control+" "+v.Title, controlPage(v, a.Now()))
}

func (a *area) readControl(ctx context.Context, id string) (*controlView, error) {
	v := &controlView{References: framework.References(a.Frameworks, id)}
	f := kept.Filter{Controls: []string{id}}
	err := a.look(ctx, func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		all, err := a.counts(ctx, tx, sight, f)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(c judged) bool { return c.ControlCount.Control == id })
		if i < 0 {
			return store.ErrNotFound
		}
		v.judged = all[i]
		if v.Findings, _, err = kept.Findings(ctx, tx, sight, f, kept.Page{Sort: kept.ByUrgency, Limit: web.PageSize}); err != nil {
			return err
		}
		v.Asking, err = asked.Read(ctx, tx, web.ActorOf(ctx), a.Ask, a.Requested, v.Findings...)
		return err
	})
	return v, notThere("such control", err)
}

// covered is what the frameworks come to in the accounts in sight.
type covered struct {
	Coverages []framework.Coverage
	Accounts  int
	Never     int // accounts of which nothing was ever read
	Unread    int // accounts that the newest scan could not read
}

func (a *area) cover(ctx context.Context, chosen []*framework.Framework) (*covered, error) {
	out := &covered{}
	err := a.look(ctx, func(ctx context.Context, tx *store.Reader, sight kept.Sight) error {
		total, err := kept.Sum(ctx, tx, sight, kept.AccountFilter{})
		if err != nil {
			return err
		}
		out.Accounts, out.Never, out.Unread = total.Accounts, total.Never, total.Unread
		counts, err := kept.ByControls(ctx, tx, sight, kept.Filter{})
		if err != nil {
			return err
		}
		by := map[string]map[rootkeep.Status]int{}
		for _, c := range counts {
			by[c.Control] = c.By
		}
		var ids []string
		for _, c := range a.Controls {
			ids = append(ids, c.ID)
		}
		never := total.Never
		if total.Accounts == 0 {
			never = 1 // nothing is known of nothing
		}
		answers := framework.Sum(ids, by, never)
		for _, f := range chosen {
			out.Coverages = append(out.Coverages, f.Cover(answers))
		}
		return nil
	})
	return out, err
}

func (a *area) frameworks(w http.ResponseWriter, r *http.Request) error {
	c, err := a.cover(r.Context(), a.Frameworks)
	if err != nil {
		return err
	}
	return web.Show(w, r, "Frameworks", frameworksPage(c))
}

func (a *area) framework(w http.ResponseWriter, r *http.Request) error {
	f := framework.Find(a.Frameworks, r.PathValue("id"))
	if f == nil {
		return web.NotFound("such framework")
	}
	c, err := a.cover(r.Context(), []*framework.Framework{f})
	if err != nil {
		return err
	}
	return web.Show(w, r, f.Name+" "+f.Version, frameworkPage(c, c.Coverages[0]))
}
