// Package ledger is the area of the ledger: its entries and the proof of any of them, the
// head and the places that hold it, bundles of evidence, and the log as tiles for
// witnesses.
package ledger

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/anchors"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// Config is what the area is made of.
type Config struct {
	Store *store.Store
	// Keys are the verifier keys of the ledger, the oldest first.
	Keys []string
	// Evidence writes a bundle of a period; nil offers none.
	Evidence func(ctx context.Context, from, to time.Time, w io.Writer) error
	// PublicTiles lets anybody read checkpoint and tiles, so that witnesses need no token.
	// They tell who did what kind of thing when, by IDs.
	PublicTiles bool
	Now         func() time.Time
}

type area struct{ Config }

// A bundle takes long to make, and lies on the server's disk until it is sent.
const (
	evidenceTime   = 15 * time.Minute
	evidenceAtOnce = 2
)

// Area gives the routes.
func Area(c Config) web.Area {
	a := &area{c}
	tiles := people.Read
	if c.PublicTiles {
		tiles = people.Public
	}
	routes := []web.Route{
		{Method: "GET", Path: "/ledger", Need: people.Read, Handle: a.list},
		{Method: "GET", Path: "/ledger/entries/{n}", Need: people.Read, Handle: a.show},
		{Method: "GET", Path: "/ledger/entries/{n}/receipt", Need: people.Read, Handle: a.receipt},
		{Method: "GET", Path: "/ledger/entries/{n}/leaf", Need: people.Read, Handle: a.leaf},
		{Method: "GET", Path: "/ledger/keys", Need: people.Read, Handle: a.keys},
		{Method: "GET", Path: "/ledger/checkpoint", Need: tiles, Handle: a.checkpoint},
		{Method: "GET", Path: "/ledger/tile/{path...}", Need: tiles, Handle: a.tile},
	}
	if c.Evidence != nil {
		routes = append(routes, web.Route{Method: "POST", Path: "/ledger/evidence", Need: people.ReadEvidence, Time: evidenceTime, AtOnce: evidenceAtOnce, Handle: a.evidence})
	}
	return web.Area{
		Name: "ledger", Routes: routes, API: a.register,
		Nav: []page.Link{{Path: "/ledger", Text: "Ledger", Need: people.Read}},
	}
}

// everywhere refuses an actor whose role holds in a part of the organization only: the
// ledger tells of all of it.
func everywhere(ctx context.Context, p people.Permission) error {
	if !web.ActorOf(ctx).May(p, people.Place{}) {
		return web.Refuse(http.StatusForbidden, "forbidden", "the ledger tells of the whole organization: this needs the permission "+string(p)+" there")
	}
	return nil
}

// view reads one state of the ledger, for whom may.
func (a *area) view(ctx context.Context, read func(context.Context, *store.Reader, store.Head) error) error {
	if err := everywhere(ctx, people.Read); err != nil {
		return err
	}
	return a.read(ctx, read)
}

func (a *area) read(ctx context.Context, read func(context.Context, *store.Reader, store.Head) error) error {
	return a.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		head, err := a.Store.Head(ctx, r)
		if err != nil {
			return err
		}
		return read(ctx, r, head)
	})
}

// prove reads an entry with its proof, and leaves out what lies beside it for whom may
// not read evidence.
func (a *area) prove(ctx context.Context, n int64) (*entries.Proved, error) {
	var p *entries.Proved
	err := a.view(ctx, func(ctx context.Context, r *store.Reader, _ store.Head) (err error) {
		p, err = entries.Prove(ctx, a.Store, r, n)
		return err
	})
	if errors.Is(err, entries.ErrNotFound) {
		return nil, web.NotFound("such entry of the ledger")
	}
	if err != nil {
		return nil, err
	}
	if !web.ActorOf(ctx).May(people.ReadEvidence, people.Place{}) {
		for i := range p.Beside {
			p.Beside[i].Data, p.Beside[i].Salt = nil, [16]byte{}
		}
	}
	return p, nil
}

// found is one page of entries, with one more if there is a next page, and how the
// ledger stands.
type found struct {
	list   []entries.Entry
	head   store.Head
	newest time.Time // of the newest entry
	places []anchors.Standing
}

func (a *area) find(ctx context.Context, f entries.Filter) (out found, err error) {
	f.Limit++
	err = a.view(ctx, func(ctx context.Context, r *store.Reader, head store.Head) (err error) {
		out.head = head
		if out.list, err = entries.List(ctx, r, f); err != nil {
			return err
		}
		if head.Size > 0 {
			last, err := entries.Get(ctx, r, head.Size-1)
			if err != nil {
				return err
			}
			out.newest = last.Time
		}
		out.places, err = anchors.Standings(ctx, r)
		return err
	})
	return out, err
}
