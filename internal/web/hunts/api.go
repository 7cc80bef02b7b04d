package hunts

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	"github.com/rootkeep/rootkeep/internal/web"
)

type idIn struct {
	ID string `path:"id" maxLength:"60" doc:"ID"`
}

type takeIn struct {
	RawBody []byte // what the digest is of
	Body    client.HuntUpload
}

type usesIn struct {
	web.Paging
	Account string    `query:"account" maxLength:"12" doc:"Only of this account"`
	Kind    string    `query:"kind" maxLength:"40" doc:"Only of this kind: sign-in, key-call, ..."`
	Used    bool      `query:"used" doc:"Only where root itself acted"`
	Country string    `query:"country" maxLength:"10" doc:"Only from this country; - is unknown"`
	Event   string    `query:"event" maxLength:"300" doc:"Only with this event ID"`
	Text    string    `query:"q" maxLength:"200" doc:"Only with this text in the name, the address, the principal or the event ID"`
	Since   time.Time `query:"since" doc:"Not before this time"`
	Until   time.Time `query:"until" doc:"Before this time"`
}

type summaryIn struct {
	Days int `query:"days" minimum:"1" maximum:"400" default:"90" doc:"Whole days before today"`
}

// answer is an output with a body.
type answer[T any] struct{ Body T }

func (a *area) register(api *web.API) {
	op := func(id, method, path, summary string, need people.Permission) web.Operation {
		return web.Operation{ID: id, Method: method, Path: path, Tag: "hunts", Need: need, Summary: summary}
	}
	send := op("send-hunt", "POST", "/hunts", "Send the result of a hunt", people.Operate)
	send.Body, send.Status, send.Time, send.AtOnce = client.MostUpload, http.StatusCreated, 5*time.Minute, atOnce
	send.Description = "The body is a HuntUpload, as `rootkeep hunt --send` makes it. What was sent before changes nothing. The sender must hold the permission for every account that the hunt tells of."
	web.Register(api, send, a.apiTake)
	web.Register(api, op("list-hunts", "GET", "/hunts", "List hunts, the latest first", people.Read), a.apiList)
	web.Register(api, op("get-hunt", "GET", "/hunts/{id}", "Read a hunt", people.Read), a.apiGet)
	report := op("get-hunt-report", "GET", "/hunts/{id}/report", "Read the report of a hunt, without its alerts", people.Read)
	report.Description = "The report tells of all accounts of the hunt: it is for who reads everywhere."
	web.Register(api, report, a.apiReport)
	web.Register(api, op("list-root-uses", "GET", "/root-uses", "List events of root users, the latest first, without their records", people.Read), a.apiUses)
	web.Register(api, op("get-root-use", "GET", "/root-uses/{id}", "Read an event of a root user, with its record", people.Read), a.apiUse)
	web.Register(api, op("get-root-summary", "GET", "/root-summary", "Count the uses of root, and how much of the time is proven", people.Read), a.apiSummary)
}

func (a *area) apiTake(ctx context.Context, in *takeIn) (*answer[client.HuntTaken], error) {
	taken, err := a.take(ctx, &in.Body, sha256.Sum256(in.RawBody))
	if err != nil {
		return nil, err
	}
	return &answer[client.HuntTaken]{*taken}, nil
}

func wireHunt(h *hunts.Hunt) client.Hunt {
	return client.Hunt{
		ID: h.ID, Actor: h.Actor, Version: h.Version, Taken: h.Taken, Started: h.Started, Finished: h.Finished, First: h.First, Last: h.Last,
		Accounts: h.Accounts, Events: h.Events, Unread: h.Unread, Interrupted: h.Interrupted, Proven: h.Proven, SHA256: h.Digest,
	}
}

func wireUse(u *hunts.Use) client.KeptRootUse {
	return client.KeptRootUse{ID: u.Key, Hunt: u.Hunt, Event: u.RootUse}
}

// paged makes a page of wire values.
func paged[T, W any](list []T, next string, wire func(T) W) *answer[client.Page[W]] {
	out := client.Page[W]{Items: make([]W, 0, len(list)), Next: next}
	for _, v := range list {
		out.Items = append(out.Items, wire(v))
	}
	return &answer[client.Page[W]]{out}
}

func (a *area) apiList(ctx context.Context, in *struct{ web.Paging }) (out *answer[client.Page[client.Hunt]], err error) {
	err = a.view(ctx, func(ctx context.Context, r *store.Reader, s hunts.Sight) error {
		list, next, err := hunts.List(ctx, r, s, in.Cursor, in.Limit)
		out = paged(list, next, wireHunt)
		return err
	})
	return out, err
}

func (a *area) apiGet(ctx context.Context, in *idIn) (out *answer[client.Hunt], err error) {
	err = a.view(ctx, func(ctx context.Context, r *store.Reader, s hunts.Sight) error {
		h, err := hunts.ByID(ctx, r, s, in.ID)
		if err == nil {
			out = &answer[client.Hunt]{wireHunt(h)}
		}
		return err
	})
	return out, err
}

func (a *area) apiReport(ctx context.Context, in *idIn) (out *answer[json.RawMessage], err error) {
	err = a.view(ctx, func(ctx context.Context, r *store.Reader, s hunts.Sight) error {
		summary, err := hunts.Summary(ctx, r, s, in.ID)
		out = &answer[json.RawMessage]{summary}
		return err
	})
	return out, err
}

func (a *area) apiUses(ctx context.Context, in *usesIn) (out *answer[client.Page[client.KeptRootUse]], err error) {
	f := hunts.UseFilter{
		Account: rootkeep.AccountID(in.Account), Kind: rootkeep.RootKind(in.Kind), Used: in.Used, Country: in.Country, Event: in.Event, Text: in.Text, Since: in.Since, Until: in.Until,
	}
	err = a.view(ctx, func(ctx context.Context, r *store.Reader, s hunts.Sight) error {
		list, next, err := hunts.Uses(ctx, r, s, f, in.Cursor, in.Limit)
		out = paged(list, next, wireUse)
		return err
	})
	return out, err
}

func (a *area) apiUse(ctx context.Context, in *idIn) (out *answer[client.KeptRootUse], err error) {
	err = a.view(ctx, func(ctx context.Context, r *store.Reader, s hunts.Sight) error {
		u, twins, err := hunts.UseByKey(ctx, r, s, in.ID)
		if err == nil {
			out = &answer[client.KeptRootUse]{wireUse(u)}
			out.Body.Twins = twins
		}
		return err
	})
	return out, err
}

func (a *area) apiSummary(ctx context.Context, in *summaryIn) (out *answer[client.RootSummary], err error) {
	now := a.Now()
	err = a.view(ctx, func(ctx context.Context, r *store.Reader, s hunts.Sight) error {
		n, err := hunts.NumberOf(ctx, r, s, now, in.Days)
		body := client.RootSummary{Since: n.Since, Until: n.Until, Sessions: n.Sessions, Events: n.Events, Approval: hunts.Approval}
		body.Coverage.Accounts, body.Coverage.ProvenHours, body.Coverage.Hours, body.Coverage.Complete = n.Coverage.Accounts, n.Coverage.Proven, n.Coverage.Hours, n.Coverage.Complete()
		out = &answer[client.RootSummary]{body}
		return err
	})
	return out, err
}
