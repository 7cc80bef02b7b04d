// Package notices is the area of the ways by which the server tells people: how each does,
// what nobody took, what quiet hours hold back, and a test of each.
package notices

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Desk knows the ways.
type Desk interface {
	Standing(context.Context, *store.Reader) ([]client.NoticeWay, error)
	// Letters are those that are dead, held, or sent.
	Letters(ctx context.Context, r *store.Reader, which string) ([]client.NoticeLetter, error)
	Again(ctx context.Context, tx *store.Tx, actor, id string) error
	// Test sends a notice that says it is a test; store.ErrNotFound if there is no such way.
	Test(ctx context.Context, actor, way string) (answer string, err error)
}

// Config is what the area is made of.
type Config struct {
	Store *store.Store
	Desk  Desk
	Wake  func() // called when a notice is to be sent again; nil if no job runs in this process
}

type area struct{ Config }

// testTime is how long a test may take: longer than any way does.
const testTime = 90 * time.Second

// testsAtOnce bounds the tests that are under way: each holds a connection.
const testsAtOnce = 4

// Area gives the routes.
func Area(c Config) (web.Area, error) {
	if c.Store == nil || c.Desk == nil {
		return web.Area{}, errors.New("notices: store and desk are required")
	}
	a := &area{c}
	return web.Area{
		Name: "notices",
		Nav:  []page.Link{{Path: "/notices", Text: "Notices", Need: people.Operate}, {Path: "/notices", Text: "Notices", Need: people.ReadEvidence}},
		Routes: []web.Route{
			{Method: "GET", Path: "/notices", Need: people.Read, Handle: a.list},
			{Method: "POST", Path: "/notices/ways/{way}/test", Need: people.Operate, Time: testTime, AtOnce: testsAtOnce, Handle: a.testPage},
			{Method: "POST", Path: "/notices/letters/{id}/again", Need: people.Operate, Handle: a.againPage},
		},
		API:     a.register,
		Metrics: metrics{c},
	}, nil
}

// everywhere refuses an actor who has none of the permissions, or in a part of the
// organization only: a way takes what is of all of it.
func everywhere(ctx context.Context, needs ...people.Permission) error {
	for _, p := range needs {
		if web.ActorOf(ctx).May(p, people.Place{}) {
			return nil
		}
	}
	var names []string
	for _, p := range needs {
		names = append(names, string(p))
	}
	return web.Refuse(http.StatusForbidden, "forbidden", "this needs the permission "+strings.Join(names, " or ")+" on the whole organization")
}

// view is all that the page shows.
type view struct {
	Ways             []client.NoticeWay
	Dead, Held, Sent []client.NoticeLetter
	MayAct           bool // test a way, and send again
}

func (a *area) read(ctx context.Context) (v view, err error) {
	// What people were told is evidence.
	if err := everywhere(ctx, people.Operate, people.ReadEvidence); err != nil {
		return v, err
	}
	v.MayAct = everywhere(ctx, people.Operate) == nil
	err = a.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		if v.Ways, err = a.Desk.Standing(ctx, r); err != nil {
			return err
		}
		if v.Dead, err = a.Desk.Letters(ctx, r, "dead"); err != nil {
			return err
		}
		if v.Held, err = a.Desk.Letters(ctx, r, "held"); err != nil {
			return err
		}
		v.Sent, err = a.Desk.Letters(ctx, r, "sent")
		return err
	})
	return v, err
}

func (a *area) list(w http.ResponseWriter, r *http.Request) error {
	v, err := a.read(r.Context())
	if err != nil {
		return err
	}
	return web.Show(w, r, "Notices", listPage(v))
}

// test sends a test notice; what the way made of it is no error of the request.
func (a *area) test(ctx context.Context, way string) (client.NoticeTrial, error) {
	if err := everywhere(ctx, people.Operate); err != nil {
		return client.NoticeTrial{}, err
	}
	answer, err := a.Desk.Test(ctx, web.ActorOf(ctx).ID, way)
	if errors.Is(err, store.ErrNotFound) {
		return client.NoticeTrial{}, err
	}
	if err != nil {
		return client.NoticeTrial{Answer: answer, Error: err.Error()}, nil
	}
	return client.NoticeTrial{Taken: true, Answer: answer}, nil
}

func (a *area) testPage(w http.ResponseWriter, r *http.Request) error {
	way := r.PathValue("way")
	got, err := a.test(r.Context(), way)
	if err != nil {
		return err
	}
	said := way + " took the test: " + text.Visible(got.Answer, text.Line)
	if !got.Taken {
		said = way + " did not take the test: " + text.Visible(got.Error, text.Line)
	}
	return web.Redirect(w, r, "/notices", said)
}

func (a *area) again(ctx context.Context, id string) error {
	if err := everywhere(ctx, people.Operate); err != nil {
		return err
	}
	err := a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		return a.Desk.Again(ctx, tx, web.ActorOf(ctx).ID, id)
	})
	if err == nil && a.Wake != nil {
		a.Wake()
	}
	return err
}

func (a *area) againPage(w http.ResponseWriter, r *http.Request) error {
	if err := a.again(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return web.Redirect(w, r, "/notices", "It is sent again.")
}

type lettersIn struct {
	State string `query:"state" enum:"dead,held,sent" default:"dead" doc:"Those that nobody took, those that quiet hours hold back, or those that were sent"`
}

func (a *area) register(api *web.API) {
	web.Register(api, web.Operation{ID: "list-notice-ways", Method: "GET", Path: "/notices/ways", Tag: "notices", Need: people.Read, Summary: "List the ways of notices, and how they do"}, a.apiWays)
	web.Register(api, web.Operation{ID: "test-notice-way", Method: "POST", Path: "/notices/ways/{way}/test", Tag: "notices", Need: people.Operate, Time: testTime, AtOnce: testsAtOnce, Summary: "Send a test notice by a way, at once"}, a.apiTest)
	web.Register(api, web.Operation{ID: "list-notice-letters", Method: "GET", Path: "/notices/letters", Tag: "notices", Need: people.Read, Summary: "List notices that were not sent, or that were, the newest 500"}, a.apiLetters)
	web.Register(api, web.Operation{ID: "send-notice-again", Method: "POST", Path: "/notices/letters/{id}/again", Tag: "notices", Need: people.Operate, Summary: "Have a notice that nobody took sent again"}, a.apiAgain)
}

func (a *area) apiWays(ctx context.Context, _ *struct{}) (*struct{ Body client.Page[client.NoticeWay] }, error) {
	v, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	return &struct{ Body client.Page[client.NoticeWay] }{client.Page[client.NoticeWay]{Items: v.Ways}}, nil
}

func (a *area) apiLetters(ctx context.Context, in *lettersIn) (*struct {
	Body client.Page[client.NoticeLetter]
}, error) {
	v, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	list := v.Dead
	switch in.State {
	case "held":
		list = v.Held
	case "sent":
		list = v.Sent
	}
	return &struct {
		Body client.Page[client.NoticeLetter]
	}{client.Page[client.NoticeLetter]{Items: list}}, nil
}

func (a *area) apiTest(ctx context.Context, in *struct {
	Way string `path:"way" maxLength:"64" doc:"Name of the way"`
}) (*struct{ Body client.NoticeTrial }, error) {
	got, err := a.test(ctx, in.Way)
	return &struct{ Body client.NoticeTrial }{got}, err
}

func (a *area) apiAgain(ctx context.Context, in *struct {
	ID string `path:"id" maxLength:"60" doc:"ID of the job"`
}) (*struct{}, error) {
	return nil, a.again(ctx, in.ID)
}
