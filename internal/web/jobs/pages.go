package jobs

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

func (a *area) list(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	after, err := web.ReadCursor(q.Get("cursor"), 1)
	if err != nil {
		return err
	}
	f := jobs.Filter{Kind: q.Get("kind"), State: job.State(q.Get("state")), Limit: web.PageSize}
	if after != nil {
		f.Before = after[0]
	}
	found, err := a.read(r.Context(), f)
	if err != nil {
		return err
	}
	p := web.PageOf(found, web.PageSize, cursor)
	v := listView{URL: r.URL, Jobs: p.Items, Kinds: a.Kinds, Filter: f}
	if v.Offers, err = a.offers(r.Context()); err != nil {
		return err
	}
	if after != nil {
		v.First = page.AtCursor(r.URL, "")
	}
	if p.Next != "" {
		v.Next = page.AtCursor(r.URL, p.Next)
	}
	return web.Show(w, r, "Jobs", listPage(v))
}

func cursor(j *job.Job) string { return web.Cursor(j.ID) }

// listView is the page of jobs.
type listView struct {
	URL         *url.URL
	Jobs        []*job.Job
	Kinds       []Kind
	Offers      []offer
	Filter      jobs.Filter
	First, Next string
}

func (a *area) ask(w http.ResponseWriter, r *http.Request) error {
	if err := everywhere(r.Context(), people.Operate); err != nil {
		return err
	}
	kind := r.PostFormValue("kind")
	payload, err := a.payload(r, kind)
	if err != nil {
		return err
	}
	j, err := a.start(r.Context(), kind, payload)
	if err != nil {
		return err
	}
	return web.Redirect(w, r, "/jobs/"+j.ID, "The job was asked for.")
}

func (a *area) show(w http.ResponseWriter, r *http.Request) error {
	j, err := a.get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.Show(w, r, "Job "+j.ID, jobPage(j))
}

func (a *area) retry(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := a.again(r.Context(), id); err != nil {
		return err
	}
	return web.Redirect(w, r, "/jobs/"+url.PathEscape(id), "The job waits again.")
}

// schedulesView is the page of schedules.
type schedulesView struct {
	Schedules []*job.Schedule
	Kinds     []Kind
	MayChange bool
}

func (a *area) schedules(w http.ResponseWriter, r *http.Request) error {
	all, err := a.allSchedules(r.Context())
	if err != nil {
		return err
	}
	return web.Show(w, r, "Schedules", schedulesPage(schedulesView{all, a.Kinds, web.May(r, people.ManageSettings)}))
}

func (a *area) schedule(w http.ResponseWriter, r *http.Request) error {
	s, err := a.readSchedule(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return web.Show(w, r, "Schedule "+s.ID, schedulePage(a.Kinds, s))
}

func (a *area) setSchedule(w http.ResponseWriter, r *http.Request) error {
	s := job.Schedule{
		ID: r.PostFormValue("id"), Kind: r.PostFormValue("kind"), Payload: []byte(r.PostFormValue("payload")),
		Cron: r.PostFormValue("cron"), Zone: r.PostFormValue("zone"), Enabled: r.PostFormValue("enabled") == "yes",
	}
	if text := r.PostFormValue("version"); text != "" {
		var err error
		if s.Version, err = strconv.ParseInt(text, 10, 64); err != nil || s.Version < 0 {
			return web.Refuse(http.StatusUnprocessableEntity, "invalid", "version: want a number")
		}
	}
	if err := a.keepSchedule(r.Context(), s); err != nil {
		return err
	}
	return web.Redirect(w, r, "/schedules", "The schedule was kept.")
}

func (a *area) removeSchedule(w http.ResponseWriter, r *http.Request) error {
	if err := a.dropSchedule(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return web.Redirect(w, r, "/schedules", "The schedule was removed.")
}

// examples are what the kinds take, for whoever types a payload.
func examples(kinds []Kind) string {
	out := "{} for a kind that takes nothing"
	for _, k := range kinds {
		if k.Example != "" {
			out += "; " + k.Name + ": " + k.Example
		}
	}
	return out
}

func stateTone(s job.State) page.Tone {
	switch s {
	case job.Done:
		return page.Good
	case job.Dead:
		return page.Bad
	case job.Running:
		return page.Careful
	}
	return page.Plain
}

func kindOptions(kinds []Kind, all bool) []page.Option {
	var out []page.Option
	if all {
		out = append(out, page.Option{Text: "all kinds"})
	}
	for _, k := range kinds {
		out = append(out, page.Option{Value: k.Name, Text: k.Name})
	}
	return out
}
