package ledger

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/anchors"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/ledger"
)

type listIn struct {
	web.Paging
	Type    string    `query:"type" maxLength:"256" doc:"Only this type, or all that begin with it if it ends in a dot"`
	Subject string    `query:"subject" maxLength:"256" doc:"Only entries about the thing with this ID"`
	Actor   string    `query:"actor" maxLength:"256" doc:"Only entries by this ID"`
	From    time.Time `query:"from" doc:"From this time on"`
	To      time.Time `query:"to" doc:"Before this time"`
}

type entryIn struct {
	N int64 `path:"n" minimum:"0" doc:"Number of the entry"`
}

type consistencyIn struct {
	From int64 `query:"from" minimum:"0" required:"true" doc:"Entries of the checkpoint that somebody kept"`
}

type out[T any] struct{ Body T }

func (a *area) register(api *web.API) {
	op := func(id, path, summary string) web.Operation {
		return web.Operation{ID: id, Method: http.MethodGet, Path: "/ledger/" + path, Summary: summary, Tag: "ledger", Need: people.Read}
	}
	web.Register(api, op("list-ledger-entries", "entries", "List entries of the ledger, the newest first"), a.apiList)
	web.Register(api, op("get-ledger-entry", "entries/{n}", "Read an entry with its payloads, its leaf and its receipt"), a.apiEntry)
	web.Register(api, op("get-ledger-checkpoint", "checkpoint", "Read the signed head of the ledger"), a.apiHead)
	web.Register(api, op("get-ledger-consistency", "consistency", "Prove that the ledger extends an older checkpoint"), a.apiConsistency)
	web.Register(api, op("list-ledger-anchors", "anchors", "List the places that hold checkpoints, and how they stand"), a.apiAnchors)
}

func (a *area) apiList(ctx context.Context, in *listIn) (*out[client.Page[client.LedgerEntry]], error) {
	last, err := before(in.Cursor)
	if err != nil {
		return nil, err
	}
	found, err := a.find(ctx, entries.Filter{Type: in.Type, Subject: in.Subject, Actor: in.Actor, From: in.From, To: in.To, Before: last, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	p := web.PageOf(found.list, in.Limit, cursor)
	body := client.Page[client.LedgerEntry]{Items: []client.LedgerEntry{}, Next: p.Next}
	for _, e := range p.Items {
		body.Items = append(body.Items, wire(e))
	}
	return &out[client.Page[client.LedgerEntry]]{body}, nil
}

func wire(e entries.Entry) client.LedgerEntry {
	w := client.LedgerEntry{Entry: e.N, Time: e.Time, Type: e.Type, Subject: e.Subject, Actor: e.Actor, Payloads: []client.LedgerPayload{}}
	for _, d := range e.Payloads {
		w.Payloads = append(w.Payloads, client.LedgerPayload{Name: d.Name, SHA256: fmt.Sprintf("%x", d.SHA256)})
	}
	return w
}

func (a *area) apiEntry(ctx context.Context, in *entryIn) (*out[client.LedgerProof], error) {
	p, err := a.prove(ctx, in.N)
	if err != nil {
		return nil, err
	}
	body := client.LedgerProof{LedgerEntry: wire(p.Entry), Leaf: string(p.Leaf), Receipt: string(p.Receipt.Marshal())}
	for i := range p.Beside {
		load, w := &p.Beside[i], &body.Payloads[i]
		if w.Erased = load.Erased; load.Salt != [16]byte{} {
			w.Salt, w.Data = load.Salt[:], load.Data
		}
	}
	return &out[client.LedgerProof]{body}, nil
}

func (a *area) apiHead(ctx context.Context, _ *struct{}) (*out[client.LedgerHead], error) {
	var body client.LedgerHead
	err := a.view(ctx, func(_ context.Context, _ *store.Reader, h store.Head) error {
		body = client.LedgerHead{Origin: h.Origin, Size: h.Size, Root: h.Root.String(), Signed: string(h.Signed)}
		return nil
	})
	return &out[client.LedgerHead]{body}, err
}

func (a *area) apiConsistency(ctx context.Context, in *consistencyIn) (*out[client.LedgerConsistency], error) {
	body := client.LedgerConsistency{From: in.From, Hashes: []string{}}
	err := a.view(ctx, func(ctx context.Context, r *store.Reader, h store.Head) error {
		if in.From > h.Size {
			return web.Refuse(http.StatusUnprocessableEntity, "invalid", fmt.Sprintf("the ledger has %d entries, fewer than the checkpoint: history was rolled back, or it is another ledger's", h.Size))
		}
		proof, err := ledger.Extends(ledger.Checkpoint{Origin: h.Origin, Size: in.From}, h.Checkpoint, store.Hashes(ctx, r))
		for _, hash := range proof {
			body.Hashes = append(body.Hashes, base64.StdEncoding.EncodeToString(hash[:]))
		}
		body.To, body.Signed = h.Size, string(h.Signed)
		return err
	})
	return &out[client.LedgerConsistency]{body}, err
}

func (a *area) apiAnchors(ctx context.Context, _ *struct{}) (*out[[]client.LedgerAnchor], error) {
	body := []client.LedgerAnchor{}
	err := a.view(ctx, func(ctx context.Context, r *store.Reader, h store.Head) error {
		list, err := anchors.Standings(ctx, r)
		for _, s := range list {
			body = append(body, client.LedgerAnchor{
				Place: s.Name, Kind: s.Kind, Target: s.Target, Size: s.Size, At: s.At, Behind: h.Size - s.Size, Tried: s.Tried, Failure: s.Failure, Failures: s.Failures,
			})
		}
		return err
	})
	return &out[[]client.LedgerAnchor]{body}, err
}
