package root

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/root/ask"
)

func (a *area) eventAPI(api *web.API) {
	web.Register(api, web.Operation{
		ID: "list-root-events", Method: "GET", Path: "/root/events", Summary: "Events of root users and about them, with verdicts, the newest first", Tag: tag, Need: people.Read,
		Description: "Only those of accounts that you may read. `event` takes the ID that CloudTrail gave it.",
	}, a.apiEvents)
	web.Register(api, web.Operation{
		ID: "get-root-event", Method: "GET", Path: "/root/events/{key}", Summary: "An event with the reason of its verdict, its record and its cases", Tag: tag, Need: people.Read,
	}, a.apiEvent)
	web.Register(api, web.Operation{
		ID: "get-root-claim", Method: "GET", Path: "/root/claim", Summary: "How often root was used in whole days, and what is proven of them", Tag: tag, Need: people.Read,
		Description: "`claim` is true only if every hour of every account that you may read is proven, every event is judged, and none is unexplained.",
	}, a.apiClaim)
}

type eventsInput struct {
	web.Paging
	Account  string    `query:"account" pattern:"^[0-9]{12}$"`
	Verdict  string    `query:"verdict" enum:"UNEXPLAINED,OUT_OF_WINDOW,OUT_OF_SCOPE,DRILL,EXPLAINED,SERVICE"`
	Request  string    `query:"request" maxLength:"64" doc:"RR-..., SC-... or CH-..."`
	Case     string    `query:"case" maxLength:"64" doc:"CS-..."`
	Event    string    `query:"event" maxLength:"128" doc:"ID of the event as its record has it, or RU-..."`
	Since    time.Time `query:"since"`
	Until    time.Time `query:"until" doc:"The first moment behind"`
	Unjudged bool      `query:"unjudged" doc:"Only those that have no verdict yet"`
}

type eventsOutput struct {
	Body client.Page[client.RootEvent]
}

func (a *area) apiEvents(ctx context.Context, in *eventsInput) (*eventsOutput, error) {
	p, err := a.happened(ctx, rootlog.EventFilter{
		Account: rootkeep.AccountID(in.Account), Verdict: rootkeep.Verdict(in.Verdict), Request: in.Request, Case: in.Case, Event: in.Event,
		Since: in.Since, Until: in.Until, Unjudged: in.Unjudged, Before: in.Cursor, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	return &eventsOutput{client.Page[client.RootEvent]{Items: eventsOf(p.Items), Next: p.Next}}, nil
}

// happened reads a page of events that the actor may read.
func (a *area) happened(ctx context.Context, f rootlog.EventFilter) (p client.Page[*rootlog.Event], err error) {
	limit := f.Limit
	f.Limit++
	err = a.seen(ctx, func(ctx context.Context, r *store.Reader, s sight.Sight) error {
		found, err := rootlog.Events(ctx, r, s, f)
		p = web.PageOf(found, limit, (*rootlog.Event).Cursor)
		return err
	})
	return p, err
}

// seen reads one state of the store with the sight of whoever asks.
func (a *area) seen(ctx context.Context, read func(context.Context, *store.Reader, sight.Sight) error) error {
	return a.view(ctx, func(ctx context.Context, r *store.Reader) error {
		s, err := a.Desk.EventSight(ctx, r, web.ActorOf(ctx))
		if err != nil {
			return err
		}
		return read(ctx, r, s)
	})
}

type eventInput struct {
	Key string `path:"key" maxLength:"64"`
}

type eventOutput struct{ Body client.RootEventDetail }

func (a *area) apiEvent(ctx context.Context, in *eventInput) (*eventOutput, error) {
	e, cases, err := a.event(ctx, in.Key)
	if err != nil {
		return nil, err
	}
	return &eventOutput{client.RootEventDetail{RootEvent: EventOf(e), Cases: cases, Record: string(e.Raw)}}, nil
}

// event reads an event with the cases that hold it. Its record is evidence: it is left out
// for who may not read that.
func (a *area) event(ctx context.Context, key string) (e *rootlog.Event, cases []string, err error) {
	err = a.seen(ctx, func(ctx context.Context, r *store.Reader, s sight.Sight) error {
		if e, err = rootlog.EventOf(ctx, r, s, key); err != nil {
			return err
		}
		place, err := a.Desk.Place(ctx, r, e.Account)
		if err != nil {
			return err
		}
		if !web.ActorOf(ctx).May(people.ReadEvidence, place) {
			e.Raw = nil
		}
		cases, err = incident.Of(ctx, r, key)
		return err
	})
	if cases == nil {
		cases = []string{}
	}
	return e, cases, err
}

type claimInput struct {
	From  time.Time `query:"from" doc:"Its day is the first one; 90 days before the end if it is left out"`
	Until time.Time `query:"until" doc:"Its day is the first one behind; today if it is left out"`
}

type claimOutput struct{ Body client.RootClaim }

func (a *area) apiClaim(ctx context.Context, in *claimInput) (*claimOutput, error) {
	until := in.Until
	if until.IsZero() {
		until = a.Now()
	}
	from := in.From
	if from.IsZero() {
		from = until.Add(-usualClaim)
	}
	if !from.UTC().Truncate(24 * time.Hour).Before(until.UTC().Truncate(24 * time.Hour)) {
		return nil, ask.Invalid("a claim is about one whole day or more")
	}
	n, err := a.number(ctx, from, until)
	if err != nil {
		return nil, err
	}
	return &claimOutput{claimOf(n)}, nil
}

func (a *area) number(ctx context.Context, from, until time.Time) (n *rootlog.Number, err error) {
	err = a.seen(ctx, func(ctx context.Context, r *store.Reader, s sight.Sight) error {
		n, err = rootlog.NumberOf(ctx, r, s, from, until)
		return err
	})
	return n, err
}

// Words say how often root was used, and how much of the time is proven: never that it was
// not used where that is not proven.
func Words(n *rootlog.Number) string {
	parts := []string{text.Grouped(n.Explained) + " explained", text.Grouped(n.Unexplained) + " unexplained"}
	if n.Drills > 0 {
		parts = append(parts, text.Counted(n.Drills, "drill"))
	}
	if n.Unjudged > 0 {
		parts = append(parts, text.Grouped(n.Unjudged)+" not judged yet")
	}
	return strings.Join(append(parts, "coverage "+n.Coverage.Percent()), ", ")
}

func parseHash(s string) (approval.Hash, error) {
	var h approval.Hash
	if err := h.UnmarshalText([]byte(s)); err != nil {
		return h, web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
	}
	return h, nil
}

func (a *area) eventsPage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f := rootlog.EventFilter{Request: q.Get("request"), Event: q.Get("event"), Unjudged: q.Get("unjudged") != "", Before: q.Get("cursor"), Limit: web.PageSize}
	var err error
	if s := q.Get("verdict"); s != "" {
		if f.Verdict, err = rootkeep.ParseVerdict(s); err != nil {
			return ask.Invalid("%s", err)
		}
	}
	if s := q.Get("account"); s != "" {
		if f.Account, err = rootkeep.ParseAccountID(s); err != nil {
			return ask.Invalid("%s", err)
		}
	}
	p, err := a.happened(r.Context(), f)
	if err != nil {
		return err
	}
	v := eventsView{at: r.URL, events: p.Items}
	if p.Next != "" {
		v.next = page.AtCursor(r.URL, p.Next)
	}
	return web.Show(w, r, "Events of root users", eventsBody(v))
}

func (a *area) eventPage(w http.ResponseWriter, r *http.Request) error {
	e, cases, err := a.event(r.Context(), r.PathValue("key"))
	if err != nil {
		return err
	}
	return web.Show(w, r, e.Key, eventBody(e, cases))
}
