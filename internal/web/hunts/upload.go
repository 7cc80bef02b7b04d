package hunts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	"github.com/rootkeep/rootkeep/internal/web"
)

// take keeps a hunt that was sent.
func (a *area) take(ctx context.Context, up *client.HuntUpload, digest [sha256.Size]byte) (*client.HuntTaken, error) {
	result, err := Read(up)
	if err != nil {
		return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", err.Error())
	}
	actor := web.ActorOf(ctx)
	result.Actor, result.Digest = actor.ID, digest
	var chance [5]byte
	rand.Read(chance[:]) // never fails, see crypto/rand
	result.ID = rootkeep.NewID("HU", a.Now(), chance[:])
	var out client.HuntTaken
	err = a.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		if err := mayOperate(ctx, &tx.Reader, actor, result.Touches()...); err != nil {
			return err
		}
		out.ID, out.Known, err = hunts.Take(ctx, tx, result)
		return err
	})
	if err != nil {
		return nil, told(err)
	}
	return &out, nil
}

// Read makes what was sent into what is kept. The report may hold fields of a newer
// program: its schema says that the known ones mean the same.
func Read(up *client.HuntUpload) (*hunts.Result, error) {
	if up.Schema != client.HuntUploadSchema {
		return nil, fmt.Errorf("schema %.60q: want %s", up.Schema, client.HuntUploadSchema)
	}
	var h struct {
		Schema string `json:"schema"`
		report.Hunt
	}
	if err := json.Unmarshal(up.Hunt, &h); err != nil {
		return nil, fmt.Errorf("hunt: %w", err)
	}
	if h.Schema != report.Schema {
		return nil, fmt.Errorf("hunt.schema %.60q: want %s; hint: a newer rootkeep on the server", h.Schema, report.Schema)
	}
	out := &hunts.Result{
		Version: h.Version, Started: h.Started, Finished: h.Finished, First: h.First, Last: h.Last, Events: h.Totals.Events, Unread: h.Totals.Unread,
		Interrupted: h.Interrupted, Proven: h.Coverage.Proven, Detail: h.CoverageText(),
		Rules:    hunts.Rules{Single: h.Rules.Single, Correlations: h.Rules.Correlations, Failed: h.Rules.Failed},
		Accounts: accountsOf(h.Seen), Alerts: h.Alerts, Uses: up.RootUses, SignIns: up.SignIns,
	}
	for _, p := range up.Proven {
		out.Hours = append(out.Hours, hunts.Stretch{Account: p.Account, From: p.From, To: p.To})
	}
	h.Alerts = []rootkeep.Alert{}
	var err error
	out.Summary, err = json.Marshal(h)
	return out, err
}

// accountsOf puts the Regions of each account together.
func accountsOf(seen []report.Seen) []hunts.Account {
	var out []hunts.Account
	place := map[rootkeep.AccountID]int{}
	for _, s := range seen {
		i, ok := place[s.Account]
		if !ok {
			i = len(out)
			place[s.Account] = i
			out = append(out, hunts.Account{ID: s.Account, First: s.First, Last: s.Last})
		}
		a := &out[i]
		a.Events += s.Events
		if s.First.Before(a.First) {
			a.First = s.First
		}
		if s.Last.After(a.Last) {
			a.Last = s.Last
		}
	}
	slices.SortFunc(out, func(a, b hunts.Account) int { return int(b.Events - a.Events) })
	return out
}
