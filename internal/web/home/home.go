// Package home is the first page of the console: how often root was used and how much of
// the time that is proven of, what changed since yesterday, and what to do next.
package home

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Config is what the page is made of.
type Config struct {
	Store *store.Store
	Now   func() time.Time
	// Note is what the page tells an actor first, if its title is not empty; nil for nothing.
	// It is asked again when a notice of NoteTopic comes.
	Note func(people.Actor) Note
	// Root says in which accounts an actor may read events of root users; nil for a server
	// that watches nothing and compares nothing with requests.
	Root func(ctx context.Context, r *store.Reader, actor people.Actor) (sight.Sight, error)
}

// Note is what the page tells first.
type Note struct {
	Title, Text string
	Lines       []string    // below the text
	Links       []page.Link // below the lines
}

// NoteTopic is the topic of notices that Config.Note has something else to say.
const NoteTopic = "note"

// Area gives the page at /.
func Area(c Config) web.Area {
	return web.Area{
		Name:   "home",
		Nav:    []page.Link{{Path: "/", Text: "Home", Need: people.SignedIn}},
		Routes: []web.Route{{Method: "GET", Path: "/{$}", Need: people.SignedIn, Handle: c.show}},
	}
}

// days of the one number.
const days = 90

// view is the page. Of what the actor may not see it holds nothing.
type view struct {
	Now    time.Time
	Number hunts.Number
	Judged *rootlog.Number // nil if nothing is compared with requests
	Seen   rootlog.Seen    // since yesterday

	Note Note

	NewAlerts, OpenAlerts [rootkeep.Critical + 1]int64 // by severity
	NewUses               int64                        // sessions of root that began since yesterday, as hunts saw
	Changed               []*posture.Finding           // since yesterday, the newest first
	Counts                posture.Counts               // of findings
	LastHunt              *hunts.Hunt                  // nil for none
	LastScan              *posture.Scan                // nil for none

	Everywhere bool           // the actor reads everything: what follows is shown
	Entries    int64          // in the ledger
	Newest     *entries.Entry // nil for none
	MayOperate bool
	MayRead    bool
}

// shownChanges bounds the list of findings that changed.
const shownChanges = 5

func (c Config) show(w http.ResponseWriter, r *http.Request) error {
	actor := web.ActorOf(r.Context())
	v := view{Now: c.Now().UTC(), MayOperate: actor.MayAnywhere(people.Operate), MayRead: actor.MayAnywhere(people.Read)}
	if c.Note != nil {
		v.Note = c.Note(actor)
	}
	err := c.Store.View(r.Context(), func(ctx context.Context, s *store.Reader) error {
		for _, part := range []func(context.Context, *store.Reader, people.Actor) error{v.hunted, c.judged(&v), v.scanned, c.ledger(&v)} {
			if err := part(ctx, s, actor); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return web.Show(w, r, "Home", homePage(v))
}

func (v *view) yesterday() time.Time { return v.Now.Add(-24 * time.Hour) }

// hunted reads what hunts tell.
func (v *view) hunted(ctx context.Context, r *store.Reader, actor people.Actor) (err error) {
	sight, err := hunts.SightOf(ctx, r, actor)
	if err != nil {
		return err
	}
	if v.Number, err = hunts.NumberOf(ctx, r, sight, v.Now, days); err != nil {
		return err
	}
	if v.NewAlerts, err = alerts.Levels(ctx, r, actor, alerts.Filter{SeenFrom: v.yesterday(), Muted: alerts.Inbox()}); err != nil {
		return err
	}
	if v.OpenAlerts, err = alerts.Levels(ctx, r, actor, alerts.Filter{States: []alert.State{alert.New}, Muted: alerts.Inbox()}); err != nil {
		return err
	}
	if v.NewUses, _, err = hunts.CountSessions(ctx, r, sight, v.yesterday(), v.Now.Add(time.Hour)); err != nil {
		return err
	}
	list, _, err := hunts.List(ctx, r, sight, "", 1)
	if err == nil && len(list) > 0 {
		v.LastHunt = list[0]
	}
	return err
}

// judged reads how uses of root compare with requests, and what watching saw of them.
func (c Config) judged(v *view) func(context.Context, *store.Reader, people.Actor) error {
	return func(ctx context.Context, r *store.Reader, actor people.Actor) error {
		sightOf := hunts.SightOf
		if c.Root != nil {
			sightOf = c.Root
		}
		s, err := sightOf(ctx, r, actor)
		if err != nil {
			return err
		}
		if c.Root != nil {
			if v.Judged, err = rootlog.Lately(ctx, r, s, v.Now, days); err != nil {
				return err
			}
		}
		seen, err := rootlog.SeenSince(ctx, r, s, v.yesterday(), v.Now)
		if err == nil {
			v.Seen = *seen
		}
		return err
	}
}

// compared counts the uses of root that were compared with requests.
func (v *view) compared() int64 {
	if v.Judged == nil {
		return 0
	}
	return v.Judged.Explained + v.Judged.Drills + v.Judged.Unexplained
}

// scanned reads what scans tell.
func (v *view) scanned(ctx context.Context, r *store.Reader, actor people.Actor) (err error) {
	sight, err := posture.SightOf(ctx, r, actor)
	if err != nil {
		return err
	}
	if v.Counts, err = posture.Count(ctx, r, sight, posture.Filter{}); err != nil {
		return err
	}
	list, _, err := posture.Findings(ctx, r, sight, posture.Filter{}, posture.Page{Sort: posture.ByChange, Limit: shownChanges})
	if err != nil {
		return err
	}
	for _, f := range list {
		if !f.Changed.Before(v.yesterday()) {
			v.Changed = append(v.Changed, f)
		}
	}
	scans, _, err := posture.Scans(ctx, r, sight, posture.Page{Limit: 1})
	if err == nil && len(scans) > 0 {
		v.LastScan = scans[0]
	}
	return err
}

// ledger reads how old the head of the ledger is. Its size tells of everybody's doings.
func (c Config) ledger(v *view) func(context.Context, *store.Reader, people.Actor) error {
	return func(ctx context.Context, r *store.Reader, actor people.Actor) error {
		if v.Everywhere = actor.May(people.Read, people.Place{}); !v.Everywhere {
			return nil
		}
		head, err := c.Store.Head(ctx, r)
		if err != nil {
			return err
		}
		v.Entries = head.Size
		newest, err := entries.List(ctx, r, entries.Filter{Limit: 1})
		if err == nil && len(newest) > 0 {
			v.Newest = &newest[0]
		}
		return err
	}
}

// severe counts what is high or critical.
func severe(by [rootkeep.Critical + 1]int64) int64 { return by[rootkeep.Critical] + by[rootkeep.High] }

// failing counts the failures that are high or critical.
func (v *view) failing() int {
	c := v.Counts[rootkeep.Fail]
	return c[rootkeep.Critical] + c[rootkeep.High]
}

// step is one thing to do next.
type step struct {
	Title, Why string
	Path, Link string // where it is done; empty for nowhere
	Command    string // or the command that does it
	Tone       page.Tone
}

// steps lists what to do next, the most urgent first.
func (v *view) steps() []step {
	var out []step
	if n := severe(v.OpenAlerts); n > 0 {
		out = append(out, step{Title: text.Counted(n, "high or critical alert") + " open", Why: "Find out who stands by them, or treat them as an incident.",
			Path: "/alerts?state=new&level=high", Link: "Open alerts", Tone: page.Bad})
	}
	if v.Judged != nil && v.Judged.Unexplained > 0 {
		out = append(out, step{Title: text.Counted(v.Judged.Unexplained, "use") + " of root that nothing explains", Why: "Each is in a case: find out who it was.", Path: "/incidents?state=open", Link: "Open cases", Tone: page.Critical})
	}
	if v.Number.Sessions > v.compared() {
		out = append(out, step{Title: "Look at each use of root", Why: "Nobody has compared them with a request: " + hunts.Approval + ".", Path: "/root-uses?used=yes", Link: "Root uses", Tone: page.Careful})
	}
	if n := v.failing(); n > 0 {
		out = append(out, step{Title: text.Counted(n, "high or critical failure") + " of controls", Why: "Fix what fails, or ask for an exception that ends.",
			Path: "/findings?status=fail", Link: "Failures", Tone: page.Bad})
	}
	if v.LastHunt == nil {
		out = append(out, step{Title: "Send a hunt", Why: "Without one, nothing is known of root.", Command: "rootkeep hunt --send --keys keys.json ./AWSLogs", Tone: page.Unsure})
	} else if !v.Number.Coverage.Complete() {
		out = append(out, step{Title: "Prove the hours that are not proven", Why: v.Number.Coverage.Words() + ". Only of proven hours is it known that there was nothing else.",
			Path: "/root-uses", Link: "Proven hours", Tone: page.Unsure})
	}
	if v.LastScan == nil {
		out = append(out, step{Title: "Scan your accounts", Why: "No scan has come to this server, so nothing is known of posture.", Path: "/scans", Link: "Scans", Tone: page.Unsure})
	}
	return out
}

// age is how long ago something was, in words.
func age(v *view, at time.Time) string {
	if d := v.Now.Sub(at); d >= time.Second {
		return text.Span(d) + " ago"
	}
	return "just now"
}

// seen says what watching and hunts saw of root since yesterday: no more than that.
func (v *view) seen() string {
	hunted := "Hunts saw " + uses(v.NewUses) + " begin; one that comes later may tell of more."
	if !v.Seen.Watched {
		return hunted + " No source is watched."
	}
	return "Watching saw " + uses(v.Seen.Sessions) + " begin. " + hunted
}

func uses(n int64) string {
	if n == 0 {
		return "no use of root"
	}
	return text.Counted(n, "use") + " of root"
}

// unknown says of how much of the time since yesterday it is not known whether there were
// others.
func (v *view) unknown() string {
	c := v.Seen.Coverage
	switch {
	case c.Hours == 0:
		return "Whether root was used is unknown: no hour is proven."
	case c.Complete():
		return "There was no other in these hours: " + c.Words() + "."
	}
	return c.Words() + "; of the other " + text.Grouped(c.Hours-c.Proven) + " it is unknown whether root was used otherwise."
}

func newAlerts(by [rootkeep.Critical + 1]int64) string {
	if words := levelWords(by); words != "none" {
		return "New alerts: " + words + "."
	}
	return "No new alert."
}

func total(by [rootkeep.Critical + 1]int64) (sum int64) {
	for _, n := range by {
		sum += n
	}
	return sum
}

// levelWords counts alerts by severity: 2 critical, 1 high.
func levelWords(by [rootkeep.Critical + 1]int64) string {
	var out []string
	for s := rootkeep.Critical; ; s-- {
		if by[s] > 0 {
			out = append(out, text.Grouped(by[s])+" "+s.String())
		}
		if s == 0 {
			break
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

func changeRows(v view) []page.Row {
	var out []page.Row
	for _, f := range v.Changed {
		out = append(out, page.Cells(page.To("/findings/"+f.ID, f.Title), page.Status(f.Status), page.Severity(f.Severity), page.Text(string(f.Account)), page.Text(age(&v, f.Changed))))
	}
	return out
}
