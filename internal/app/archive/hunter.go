package archive

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	webhunts "github.com/rootkeep/rootkeep/internal/web/hunts"
)

// Kind is the kind of jobs that hunt through a place of logs.
const Kind = "hunt"

// Hunter hunts through places of logs for a server, and keeps what it finds.
type Hunter struct {
	Store   *store.Store
	Places  string // file that names them
	Version string // of the program
	Now     func() time.Time
}

// Run hunts through a place of logs and keeps what it found. A job that comes again when
// its hunt is kept already does nothing.
func (h *Hunter) Run(ctx context.Context, j *job.Job, say func(string)) error {
	place, err := Find(h.Places, j.Payload)
	if err != nil {
		return job.Permanent(err)
	}
	id := "HU-" + strings.TrimPrefix(j.ID, "JO-")
	if known, err := h.Known(ctx, id); err != nil || known {
		return err
	}
	c := place.Hunt(h.Now())
	c.Now = h.Now
	c.Progress = func(p report.Progress) { say(fmt.Sprintf("%s: %s events read", place.Name, text.Grouped(p.Events))) }
	found, err := h.Keep(ctx, id, c)
	if err != nil {
		return err
	}
	said := fmt.Sprintf("%s: %s events, %s", place.Name, text.Grouped(found.Totals.Events), text.Counted(len(found.Alerts), "alert"))
	if n := found.Totals.Unread; n > 0 {
		said += fmt.Sprintf("; %d objects were not read: see %s", n, id)
	}
	say(said)
	return nil
}

func (h *Hunter) Known(ctx context.Context, id string) (known bool, err error) {
	err = h.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		sight, err := hunts.SightOf(ctx, r, people.Actor{ID: people.SystemActor.ID, Kind: people.System, Grants: []people.Grant{{Role: people.Viewer, Scope: people.Everywhere}}})
		if err != nil {
			return err
		}
		_, err = hunts.ByID(ctx, r, sight, id)
		known = err == nil
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	return known, err
}

// Keep hunts, and keeps the result as if it had been sent.
func (h *Hunter) Keep(ctx context.Context, id string, c app.HuntConfig) (*report.Hunt, error) {
	var memory app.Memory
	c.Memory, c.Version = &memory, h.Version
	found, err := app.Hunt(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err // what was found so far is not all: the next attempt reads it all
	}
	up, err := app.Upload(found, &memory)
	if err != nil {
		return nil, err
	}
	result, err := webhunts.Read(up)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(up)
	if err != nil {
		return nil, err
	}
	result.ID, result.Actor, result.Digest = id, people.SystemActor.ID, sha256.Sum256(body)
	return found, h.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, _, err := hunts.Take(ctx, tx, result)
		return err
	})
}
