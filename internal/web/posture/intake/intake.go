// Package intake is how a scan comes in that was made elsewhere: it is begun, its
// accounts are sent one by one, and then it is completed, after which the server judges
// all of them beside each other, by its own controls and register.
package intake

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web"
)

// Intake takes scans in.
type Intake struct {
	Store   *store.Store
	Version string // of the program
	Now     func() time.Time
	Kind    string // of the job that judges what was sent
	Wake    func() // called when that job was asked for; nil if no job runs in this process
}

// mostSent bounds the body of an account that is sent: a snapshot and a little.
const mostSent = kept.MaxSnapshot + 64<<10

// sendTime is how long sending one account may take.
const sendTime = 5 * time.Minute

// atOnce is how many accounts are taken at a time: each is in memory as it came, as a
// snapshot and packed.
const atOnce = 4

// Register adds the operations.
func (a *Intake) Register(api *web.API) {
	operate := func(id, method, path string, status int, summary, more string) web.Operation {
		return web.Operation{ID: id, Method: method, Path: path, Tag: "posture", Need: people.Operate, Status: status, Summary: summary, Description: more}
	}
	web.Register(api, operate("begin-sending", "POST", "/sent-scans", http.StatusCreated, "Begin to send a scan that was made elsewhere", ""), a.begin)
	one := operate("send-account", "PUT", "/sent-scans/{id}/accounts/{account}", http.StatusNoContent, "Send one account of a scan",
		"The body is a Sent: the snapshot as `scan --save` writes it, with what the sender came to. Needs the permission at the account.")
	one.Body, one.Time, one.Raw, one.AtOnce = mostSent, sendTime, true, atOnce
	web.Register(api, one, a.send)
	web.Register(api, operate("complete-sending", "POST", "/sent-scans/{id}/complete", http.StatusAccepted, "Have what was sent judged",
		"The server judges the snapshots by its own controls and register. Read the scan until it is finished; an account that came to something else than its sender said has that as its problem."), a.complete)
}

func (a *Intake) begin(ctx context.Context, _ *struct{}) (*scanOut, error) {
	var chance [5]byte
	rand.Read(chance[:]) // never fails, see crypto/rand
	begin := kept.Begin{ID: rootkeep.NewID("SC", a.Now(), chance[:]), Source: kept.Sent, Actor: web.ActorOf(ctx).ID, Version: a.Version, State: kept.Receiving}
	err := a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error { return kept.Start(ctx, tx, begin) })
	if err != nil {
		return nil, err
	}
	return &scanOut{client.Scan{ID: begin.ID, Source: begin.Source, Actor: begin.Actor, State: begin.State, Began: a.Now()}}, nil
}

type scanOut struct{ Body client.Scan }

type sendIn struct {
	ID      string `path:"id" maxLength:"60" doc:"ID of the scan"`
	Account string `path:"account" maxLength:"12" doc:"Number of the account"`
	RawBody []byte `contentType:"application/json"`
}

func (a *Intake) send(ctx context.Context, in *sendIn) (*struct{}, error) {
	id, err := rootkeep.ParseAccountID(in.Account)
	if err != nil {
		return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
	}
	var sent client.Sent
	d := json.NewDecoder(bytes.NewReader(in.RawBody))
	d.DisallowUnknownFields()
	if err := d.Decode(&sent); err != nil {
		return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", "body: "+err.Error())
	}
	packed, err := kept.Pack(bytes.NewReader(sent.Snapshot))
	if err == nil && packed.Account != id {
		err = fmt.Errorf("snapshot of account %s, sent as %s", packed.Account, id)
	}
	if err != nil {
		return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", "body.snapshot: "+err.Error())
	}
	err = a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := a.sends(ctx, tx, in.ID, id); err != nil {
			return err
		}
		return kept.Receive(ctx, tx, in.ID, sent.Name, packed, kept.Counts(sent.Counts))
	})
	return nil, err
}

// sends checks that the actor began the scan, that it still receives, and that the actor
// may act on the accounts.
func (a *Intake) sends(ctx context.Context, tx *store.Tx, scan string, accounts ...rootkeep.AccountID) error {
	actor, state, err := kept.Began(ctx, &tx.Reader, scan)
	switch {
	case err != nil:
		return err
	case actor != web.ActorOf(ctx).ID:
		return store.ErrNotFound
	case state != kept.Receiving:
		return web.Refuse(http.StatusConflict, "conflict", "the scan is "+state+" and takes no more accounts")
	}
	for _, id := range accounts {
		if may, err := operates(ctx, &tx.Reader, id); err != nil {
			return err
		} else if !may {
			return web.Refuse(http.StatusForbidden, "forbidden", "this needs the permission operate at account "+string(id))
		}
	}
	return nil
}

type completeIn struct {
	ID   string `path:"id" maxLength:"60" doc:"ID of the scan"`
	Body client.Complete
}

func (a *Intake) complete(ctx context.Context, in *completeIn) (*scanOut, error) {
	payload, err := json.Marshal(struct {
		Scan   string `json:"scan"`
		Placed bool   `json:"placed"`
	}{in.ID, web.ActorOf(ctx).May(people.Operate, people.Place{})})
	if err != nil {
		return nil, err
	}
	err = a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		if err := a.miss(ctx, tx, in); err != nil {
			return err
		}
		if err := kept.Advance(ctx, tx, in.ID, kept.Receiving, kept.Judging); err != nil {
			return err
		}
		_, err := jobs.Ask(ctx, tx, web.ActorOf(ctx).ID, job.Job{Kind: a.Kind, Key: in.ID, Payload: payload})
		return err
	})
	if err != nil {
		return nil, err
	}
	if a.Wake != nil {
		a.Wake()
	}
	return &scanOut{client.Scan{ID: in.ID, Source: kept.Sent, Actor: web.ActorOf(ctx).ID, State: kept.Judging}}, nil
}

// miss notes the accounts that the sender could not read.
func (a *Intake) miss(ctx context.Context, tx *store.Tx, in *completeIn) error {
	var ids []rootkeep.AccountID
	for _, m := range in.Body.Missed {
		id, err := rootkeep.ParseAccountID(m.ID)
		if err != nil {
			return web.Refuse(http.StatusUnprocessableEntity, "invalid", "body.missed: "+err.Error())
		}
		ids = append(ids, id)
	}
	if err := a.sends(ctx, tx, in.ID, ids...); err != nil {
		return err
	}
	for i, m := range in.Body.Missed {
		state := kept.Unread
		if m.Left {
			state = kept.Left
		}
		if m.Problem == "" {
			return web.Refuse(http.StatusUnprocessableEntity, "invalid", "body.missed: want the problem of account "+m.ID)
		}
		if err := kept.Miss(ctx, tx, in.ID, ids[i], m.Name, state, m.Problem); err != nil {
			return fmt.Errorf("account %s: %w", m.ID, err)
		}
	}
	return nil
}

// operates says whether the actor may start work on the account.
func operates(ctx context.Context, r *store.Reader, id rootkeep.AccountID) (bool, error) {
	at, err := kept.PlaceOf(ctx, r, id)
	return err == nil && web.ActorOf(ctx).May(people.Operate, at), err
}
