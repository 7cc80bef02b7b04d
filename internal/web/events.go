package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/notices"
)

// Sees says whether the actor may learn that the thing with this ID changed.
type Sees func(ctx context.Context, r *store.Reader, a people.Actor, ref string) (bool, error)

const (
	mostListeners = 256              // open streams of one server
	mostOfOne     = 8                // of one actor
	streamFor     = 5 * time.Minute  // then the client comes again, and is asked again who it is
	heartbeat     = 15 * time.Second // so that neither side waits on a dead connection
	atOnce        = 200              // notices that are read together
)

type eventsInput struct {
	Last string `header:"Last-Event-ID" doc:"Number of the last event that was got: the stream goes on after it"`
}

// registerEvents adds the stream of notices.
func (s *Server) registerEvents() {
	Register(s.api, Operation{
		ID: "stream-events", Method: "GET", Path: "/events", Tag: "events", Need: people.SignedIn, Time: streamFor + usualTime,
		Summary: "Stream of what changes",
		Description: "Server-sent events. `ready` comes first; `notice` says that something changed: `{\"topic\", \"ref\", \"at\"}`; `reset` that notices were missed which are not kept any more: " +
			"read again what you show. The stream ends after five minutes, and when your roles change: open it again with `Last-Event-ID`.",
	}, func(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
		last := int64(-1)
		if in.Last != "" {
			var err error
			if last, err = strconv.ParseInt(in.Last, 10, 64); err != nil || last < 0 {
				return nil, &Refusal{Status: http.StatusUnprocessableEntity, Kind: "invalid", Detail: "Last-Event-ID is not one of this stream"}
			}
		}
		leave := s.listeners.join(ActorOf(ctx).ID)
		if leave == nil {
			return nil, &Refusal{Status: http.StatusServiceUnavailable, Kind: "busy", Detail: "too many streams are open", Retry: 30}
		}
		return &huma.StreamResponse{Body: func(c huma.Context) {
			defer leave()
			r, w := humago.Unwrap(c)
			if r.Method == http.MethodHead {
				return
			}
			e := &stream{server: s, w: w, control: http.NewResponseController(w), actor: ActorOf(ctx), last: last}
			if err := e.run(ctx); err != nil && ctx.Err() == nil {
				s.config.Log.WarnContext(ctx, "stream of events ended", "id", RequestID(ctx), "error", err.Error())
			}
		}}, nil
	})
}

// stream is one open stream.
type stream struct {
	server  *Server
	w       http.ResponseWriter
	control *http.ResponseController
	actor   people.Actor
	last    int64 // number of the last event; -1 before the first
	begun   int64 // number of the newest when the stream began
	changed bool  // something of the actor since then: their roles, or whether they may come in
}

// run sends until the client leaves, the server stops, or the stream has lasted enough.
func (e *stream) run(ctx context.Context) error {
	e.w.Header().Set("Content-Type", "text/event-stream")
	e.w.Header().Set("X-Accel-Buffering", "no") // for proxies that would hold events back
	if err := e.begin(ctx); err != nil {
		return err
	}
	poll, beat, end := time.NewTicker(e.server.poll), time.NewTicker(heartbeat), time.NewTimer(streamFor)
	defer poll.Stop()
	defer beat.Stop()
	defer end.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-e.server.stopping:
			return nil
		case <-end.C:
			return nil
		case <-beat.C:
			err = e.write(": \n\n")
		case <-poll.C:
			err = e.news(ctx)
		}
		if err != nil || e.changed { // who comes again is asked again who they are
			return err
		}
	}
}

// begin finds where the stream starts.
func (e *stream) begin(ctx context.Context) error {
	var oldest, newest int64
	err := e.server.config.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		oldest, newest, err = notices.Span(ctx, r)
		return err
	})
	e.begun = newest
	switch {
	case err != nil:
		return err
	case e.last < 0:
		e.last = newest
		return e.event("ready", newest, struct{}{})
	case e.last > newest || e.last < oldest-1: // of another store, or too long ago
		e.last = newest
		return e.event("reset", newest, struct{}{})
	}
	if err := e.event("ready", e.last, struct{}{}); err != nil {
		return err
	}
	return e.news(ctx)
}

// news sends the notices since the last that the actor may see.
func (e *stream) news(ctx context.Context) error {
	for more := true; more; {
		var list, seen []notices.Notice
		err := e.server.config.Store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
			if list, err = notices.After(ctx, r, e.last, atOnce); err != nil {
				return err
			}
			for _, n := range list {
				e.changed = e.changed || n.Seq > e.begun && n.Ref == e.actor.ID
				ok, err := e.server.sees(ctx, r, e.actor, n)
				if err != nil {
					return err
				}
				if ok {
					seen = append(seen, n)
				}
			}
			return nil
		})
		if err != nil || e.changed {
			return err
		}
		for _, n := range seen {
			if err := e.event("notice", n.Seq, client.Notice{Topic: n.Topic, Ref: n.Ref, At: n.At}); err != nil {
				return err
			}
		}
		if len(list) > 0 {
			e.last = list[len(list)-1].Seq
		}
		more = len(list) == atOnce
	}
	return nil
}

// sees asks the topic's area; what no area answers for is for those who read everywhere.
func (s *Server) sees(ctx context.Context, r *store.Reader, a people.Actor, n notices.Notice) (bool, error) {
	if ask, ok := s.topics[n.Topic]; ok {
		return ask(ctx, r, a, n.Ref)
	}
	return a.May(people.Read, people.Place{}), nil
}

func (e *stream) event(kind string, id int64, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return e.write(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", id, kind, body))
}

// write sends now, within the time that a slow client gets.
func (e *stream) write(text string) error {
	_ = e.control.SetWriteDeadline(time.Now().Add(usualTime)) // tests have no connection
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	return e.control.Flush()
}
