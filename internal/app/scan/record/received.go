package record

import (
	"context"
	"fmt"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/register"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
)

// Judge judges the snapshots of a scan that were sent, each with the others beside it,
// as of now, by the server's own controls and register, and ends the scan. It may be
// called again after it was interrupted.
func (r *Recorder) Judge(ctx context.Context, id string, placed bool, report func(string)) error {
	var actor string
	var accounts []kept.ScanAccount
	var keys map[rootkeep.AccountID][]string
	now := r.Now()
	err := r.Store.View(ctx, func(ctx context.Context, tx *store.Reader) error {
		s, err := kept.Whole(ctx, tx, id)
		if err != nil {
			return err
		}
		actor, accounts = s.Actor, s.Accounts
		keys, err = kept.OwnKeys(ctx, tx, now)
		return err
	})
	if err != nil {
		return err
	}
	people, err := r.people(ctx, now)
	if err != nil {
		return err
	}
	waiting := slices.DeleteFunc(slices.Clone(accounts), func(a kept.ScanAccount) bool { return a.State != kept.Received })
	j := judging{r, id, placed, people.Use(now), posture.Setting{Now: now}, map[rootkeep.AccountID]*facts.Snapshot{}}
	j.setting.Peer = func(of rootkeep.AccountID) *facts.Snapshot { return j.peer(ctx, of) }
	for n, a := range waiting {
		if err := ctx.Err(); err != nil {
			return err
		}
		j.setting.Keys = keys[a.Account]
		if err := j.account(ctx, a); err != nil {
			return err
		}
		if report != nil {
			report(fmt.Sprintf("%d of %d accounts judged", n+1, len(waiting)))
		}
	}
	end := kept.End{ID: id, Actor: actor, Controls: r.ids(), Version: r.Version}
	return r.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := kept.Finish(ctx, tx, end)
		return err
	})
}

// judging is what the accounts of one scan share.
type judging struct {
	*Recorder
	id      string
	placed  bool
	use     *register.Use
	setting posture.Setting
	peers   map[rootkeep.AccountID]*facts.Snapshot
}

// mostPeers is how many snapshots of other accounts are kept: many ask for the same.
const mostPeers = 4

func (j *judging) peer(ctx context.Context, id rootkeep.AccountID) *facts.Snapshot {
	if s, known := j.peers[id]; known {
		return s
	}
	if len(j.peers) >= mostPeers {
		clear(j.peers)
	}
	s, err := j.snapshot(ctx, id)
	if err != nil {
		s = nil // was not sent, or is broken, which is said where it is judged itself
	}
	j.peers[id] = s
	return s
}

func (j *judging) snapshot(ctx context.Context, id rootkeep.AccountID) (out *facts.Snapshot, err error) {
	err = j.Store.View(ctx, func(ctx context.Context, tx *store.Reader) error {
		out, err = kept.Snapshot(ctx, tx, j.id, id)
		return err
	})
	return out, err
}

// account judges one; what is wrong with it is noted and stops no other.
func (j *judging) account(ctx context.Context, a kept.ScanAccount) error {
	s, err := j.snapshot(ctx, a.Account)
	if err != nil {
		return err
	}
	findings := scan.Judged(s, j.catalogue, j.use, j.setting)
	found := kept.CountsOf(findings)
	problem := ""
	if claimed := a.Summary.Counts; claimed != found && claimed != (kept.Counts{}) {
		problem = fmt.Sprintf("its sender came to %s, this server to %s; the server's controls and register count", counted(&claimed), counted(&found))
	}
	return j.take(ctx, j.id, kept.Account{
		Name: a.Name, Snapshot: s, Findings: findings, Controls: j.ids(), Card: j.Card, Problem: problem, Placed: j.placed,
	})
}

func counted(c *kept.Counts) string {
	return fmt.Sprintf("%d failures, %d accepted, %d unknown and %d passes", c.Of(rootkeep.Fail), c.Of(rootkeep.Excepted), c.Of(rootkeep.Unknown), c.Of(rootkeep.Pass))
}
