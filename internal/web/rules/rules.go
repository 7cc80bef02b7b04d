// Package rules is the catalogue of what the server detects with: the detections that hold,
// what each came to in live events, and what is wrong with their files.
package rules

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Loaded are the detections of a process, and what is wrong with the files that they came
// from.
type Loaded struct {
	Detections []detect.Detection
	Problems   []detect.Problem
	OnTrial    func(name string) bool
	Guarded    func(name string) bool
	Fault      error // why files that changed since are not used
}

// Config is what the area is made of.
type Config struct {
	Store  *store.Store
	Loaded func() Loaded
	Now    func() time.Time
}

// Area is the page and the API of detections.
func Area(c Config) (web.Area, error) {
	if c.Store == nil || c.Loaded == nil || c.Now == nil {
		return web.Area{}, errors.New("rules: a store, detections and a clock are required")
	}
	a := &area{c}
	return web.Area{
		Name: "rules", API: a.api,
		Nav:    []page.Link{{Text: "Rules", Path: "/rules", Need: people.Read}},
		Routes: []web.Route{{Method: "GET", Path: "/rules", Need: people.Read, Handle: a.page}},
	}, nil
}

type area struct{ Config }

func (a *area) api(api *web.API) {
	web.Register(api, web.Operation{
		ID: "get-rule-catalogue", Method: "GET", Path: "/rules", Tag: "alerts", Need: people.Read, Summary: "What the server detects with",
		Description: "The detections that hold in the process that answers, with what each came to in live events of seven days, when it last matched, and what is wrong with their files.",
	}, a.apiCatalogue)
}

// days is how far back the volume of a rule is shown.
const days = 7

// rule is a detection with what it came to.
type rule struct {
	detect.Detection
	trial, guarded  bool
	byDay           []float64 // matches; nil: it is not for the actor
	matches, alerts int
	fired           time.Time // zero: not as far as is known
}

// catalogue is everything that is known of the detections.
type catalogue struct {
	rules    []*rule
	problems []detect.Problem
	fault    error
	whole    bool // with volumes: they are of all accounts
}

func (a *area) read(ctx context.Context, actor people.Actor) (*catalogue, error) {
	l := a.Loaded()
	c := &catalogue{problems: l.Problems, fault: l.Fault, whole: actor.May(people.Read, people.Place{})}
	for _, d := range l.Detections {
		c.rules = append(c.rules, &rule{Detection: d, trial: l.OnTrial(d.Name), guarded: l.Guarded(d.Name)})
	}
	if !c.whole {
		return c, nil
	}
	return c, a.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		until := a.Now().Truncate(time.Hour).Add(time.Hour)
		volumes, err := alerts.Spread(ctx, r, until.AddDate(0, 0, -days), 24, days)
		if err != nil {
			return err
		}
		fired, err := alerts.Fired(ctx, r)
		for _, x := range c.rules {
			x.take(volumes[x.Name])
			x.fired = fired[x.Name]
		}
		return err
	})
}

func (x *rule) take(list []alert.Volume) {
	x.byDay = make([]float64, days)
	for i, v := range list {
		x.byDay[i] = float64(v.Matches)
		x.matches += v.Matches
		x.alerts += v.Alerts
	}
}

func (a *area) apiCatalogue(ctx context.Context, _ *struct{}) (*struct{ Body client.RuleCatalogue }, error) {
	c, err := a.read(ctx, web.ActorOf(ctx))
	if err != nil {
		return nil, err
	}
	out := &struct{ Body client.RuleCatalogue }{client.RuleCatalogue{Rules: []client.Rule{}, Problems: []client.RuleProblem{}}}
	for _, x := range c.rules {
		w := client.Rule{
			Name: x.Name, ID: x.ID, Title: x.Title, Level: x.Level.String(), Kind: x.Kind, Tactic: x.Tactic, Techniques: []string{}, Author: x.Author, Opens: x.Opens, File: x.File,
			DryRun: x.trial, Guarded: x.guarded, Matches: x.matches, Alerts: x.alerts, ByDay: []int{}, Fired: x.fired,
		}
		for _, t := range x.Techniques {
			w.Techniques = append(w.Techniques, t.ID)
		}
		for _, n := range x.byDay {
			w.ByDay = append(w.ByDay, int(n))
		}
		out.Body.Rules = append(out.Body.Rules, w)
	}
	for _, p := range c.problems {
		out.Body.Problems = append(out.Body.Problems, client.RuleProblem{File: p.File, Line: p.Line, Rule: p.Rule, Warning: p.Warning, Message: p.Msg})
	}
	if c.fault != nil {
		out.Body.Fault = c.fault.Error()
	}
	return out, nil
}

// filter narrows the page. Its values are those of the address.
type filter struct{ text, level, kind, only string }

// Values of filter.only.
const (
	onTrial  = "trial"
	fired    = "fired"
	silent   = "silent"
	longest  = 200 // bytes of a value
	mostRows = 500
)

func (a *area) page(w http.ResponseWriter, r *http.Request) error {
	c, err := a.read(r.Context(), web.ActorOf(r.Context()))
	if err != nil {
		return err
	}
	q := r.URL.Query()
	v := view{catalogue: c, filter: filter{q.Get("q"), q.Get("level"), q.Get("kind"), q.Get("only")}, all: len(c.rules), choices: c.kinds(), stats: c.stats()}
	if err := v.narrow(); err != nil {
		return err
	}
	if err := v.turn(r.URL); err != nil {
		return err
	}
	return web.Show(w, r, "Rules", body(v))
}

// narrow keeps the rules that fit the filter. A value that is none of the form's is refused.
func (v *view) narrow() error {
	f := v.filter
	var least rootkeep.Severity
	if f.level != "" {
		var err error
		if least, err = rootkeep.ParseSeverity(f.level); err != nil {
			return web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
		}
	}
	for name, ok := range map[string]bool{
		"q": len(f.text) <= longest, "kind": f.kind == "" || slices.Contains(v.choices, f.kind), "only": f.only == "" || slices.Contains([]string{onTrial, fired, silent}, f.only),
	} {
		if !ok {
			return web.Refuse(http.StatusUnprocessableEntity, "invalid", "the filter "+name+" has a value that it cannot have")
		}
	}
	text := strings.ToLower(f.text)
	v.rules = slices.DeleteFunc(slices.Clone(v.rules), func(x *rule) bool {
		words := strings.ToLower(strings.Join([]string{x.Name, x.Title, x.Tactic, x.File, techniques(x)}, "\n"))
		return !strings.Contains(words, text) || x.Level < least || f.kind != "" && x.Kind != f.kind ||
			f.only == onTrial && !x.trial || f.only == fired && x.matches == 0 || f.only == silent && x.matches > 0
	})
	return nil
}

// turn cuts the page of the address out of the rules, which are in order of name and file.
func (v *view) turn(at *url.URL) error {
	after, err := web.ReadCursor(at.Query().Get("cursor"), 2)
	if err != nil {
		return err
	}
	v.fits, v.first = len(v.rules), page.First(at)
	if after != nil {
		v.rules = slices.DeleteFunc(v.rules, func(x *rule) bool { return cmp.Or(cmp.Compare(x.Name, after[0]), cmp.Compare(x.File, after[1])) <= 0 })
	}
	p := web.PageOf(v.rules, web.PageSize, func(x *rule) string { return web.Cursor(x.Name, x.File) })
	if v.rules = p.Items; p.Next != "" {
		v.next = page.AtCursor(at, p.Next)
	}
	return nil
}

// kinds are those of the detections, each once.
func (c *catalogue) kinds() []string {
	var out []string
	for _, x := range c.rules {
		if !slices.Contains(out, x.Kind) {
			out = append(out, x.Kind)
		}
	}
	slices.Sort(out)
	return out
}
