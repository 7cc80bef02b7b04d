package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/ledger"
)

// Given is what events are judged by, Found what they came to: a verdict for each event,
// and what became of each request.
type (
	Given struct {
		Events   []reconcile.Event
		Requests []reconcile.Request
		Scans    []reconcile.Scan
		Now      time.Time
	}
	Found struct {
		Judged   []reconcile.Judged
		Outcomes map[string]reconcile.Outcome // by ID of the request
	}
)

// Engine judges events: package reconcile does.
type Engine func(Given) Found

// Bounds of one judgement.
const (
	reach      = access.LongestWindow + time.Hour // what is further from an event does not bear on it
	mostJudged = 20000                            // events of an account within twice that and a day
)

// Changes are the verdicts that a judgement changed, in the order of their events, and the
// cases that it opened or changed.
type Changes struct {
	Events []*rootlog.Event
	Cases  []string // CS-..., each once
}

// Judge judges anew what was touched, and all that it bears on. It writes what changed: a
// verdict is an entry root.verdict, one that is not harmless opens a case or adds to one,
// and one that becomes harmless is told to its case. What changes nothing writes nothing.
func (d *Desk) Judge(ctx context.Context, tx *store.Tx, touched rootlog.Touched) (*Changes, error) {
	out := &Changes{}
	for _, account := range slices.Sorted(maps.Keys(touched)) {
		s := touched[account]
		for from := s.First.Add(-reach); !from.After(s.Last.Add(reach)); from = from.Add(24 * time.Hour) {
			to := from.Add(24 * time.Hour)
			if end := s.Last.Add(reach).Add(time.Microsecond); to.After(end) {
				to = end
			}
			if err := d.judge(ctx, tx, account, rootlog.Span{First: from, Last: to}, out); err != nil {
				return nil, fmt.Errorf("judge the root user of account %q: %w", account, err)
			}
		}
	}
	return out, nil
}

// JudgeRequest judges anew what a request bears on: after it was granted, opened, closed
// or overridden.
func (d *Desk) JudgeRequest(ctx context.Context, tx *store.Tx, x *Request) (*Changes, error) {
	touched := rootlog.Touched{}
	for _, a := range x.Accounts() {
		touched.Add(a, x.Begins)
		touched.Add(a, x.Ends)
		touched.Add(a, x.Over)
	}
	return d.Judge(ctx, tx, touched)
}

// judge judges the events of an account from a moment until before another.
func (d *Desk) judge(ctx context.Context, tx *store.Tx, account rootkeep.AccountID, core rootlog.Span, out *Changes) error {
	wide := rootlog.Span{First: core.First.Add(-reach), Last: core.Last.Add(reach)}
	all, err := rootlog.Around(ctx, &tx.Reader, account, wide, 2*mostJudged)
	if err != nil {
		return err
	}
	near, rest := all[:min(len(all), mostJudged)], all[min(len(all), mostJudged):]
	g := Given{Now: tx.Now()}
	if g.Requests, err = Requests(ctx, &tx.Reader, wide, tx.Now()); err != nil {
		return err
	}
	if g.Scans, err = rootlog.Scans(ctx, &tx.Reader, wide); err != nil {
		return err
	}
	byKey := map[string]*rootlog.Event{}
	for _, e := range near {
		byKey[hunts.KeyOf(&e.RootUse)] = e
		g.Events = append(g.Events, e.Event)
	}
	var changed []change
	found := d.Engine(g)
	for i := range found.Judged {
		j := &found.Judged[i]
		e := byKey[hunts.KeyOf(&j.RootUse)]
		if e == nil || e.Account != account || e.Time.Before(core.First) || !e.Time.Before(core.Last) {
			continue
		}
		changed = rule(changed, e, rootlog.Ruling{Verdict: j.Verdict, Rule: j.Rule, Why: j.Why, Request: j.Request, Session: j.Session})
	}
	for _, e := range rest { // unknown is not explained
		if e.Time.Before(core.First) || !e.Time.Before(core.Last) {
			continue
		}
		why := fmt.Sprintf("account %s has more than %d events of its root user within days: this one was not compared with requests", account, mostJudged)
		changed = rule(changed, e, rootlog.Ruling{Verdict: rootkeep.Unexplained, Rule: "too-many", Why: why, Session: "too-many " + e.Time.Format(time.DateOnly)})
	}
	if err := d.outcomes(ctx, tx, found.Outcomes); err != nil {
		return err
	}
	return d.tell(ctx, tx, account, changed, out)
}

// change is an event whose verdict, or what it rests on, is another one than before.
type change struct {
	*rootlog.Event
	before rootkeep.Verdict // "" if it had none
}

func rule(changed []change, e *rootlog.Event, to rootlog.Ruling) []change {
	before := e.Verdict
	if e.Take(to) {
		changed = append(changed, change{e, before})
	}
	return changed
}

// outcomes keeps what became of requests. A change is root.outcome.
func (d *Desk) outcomes(ctx context.Context, tx *store.Tx, found map[string]reconcile.Outcome) error {
	for _, id := range slices.Sorted(maps.Keys(found)) {
		x, err := get(ctx, &tx.Reader, id, tx.Now())
		if errors.Is(err, store.ErrNotFound) || err == nil && x.Outcome == found[id] {
			continue
		}
		if err != nil {
			return err
		}
		x.Outcome = found[id]
		if err := tx.ExecOne(ctx, `UPDATE root_request SET outcome = $2 WHERE id = $1`, id, string(x.Outcome)); err != nil {
			return fmt.Errorf("keep what became of request %s: %w", id, err)
		}
		if err := x.say(tx, "outcome", people.SystemActor.ID, struct {
			Outcome reconcile.Outcome `json:"outcome"`
		}{x.Outcome}); err != nil {
			return err
		}
	}
	return nil
}

// verdict is what the ledger tells of an event.
type verdict struct {
	Key    string           `json:"key"`
	Before rootkeep.Verdict `json:"before,omitempty"`
	Event  reconcile.Judged `json:"event"`
}

// tell writes the verdicts that changed, their entry, and what they mean for cases.
func (d *Desk) tell(ctx context.Context, tx *store.Tx, account rootkeep.AccountID, changed []change, out *Changes) error {
	if len(changed) == 0 {
		return nil
	}
	var told []verdict
	for _, e := range changed {
		if err := e.KeepVerdict(ctx, tx); err != nil {
			return err
		}
		out.Events = append(out.Events, e.Event)
		told = append(told, verdict{e.Key, e.before, e.Judged})
	}
	text, err := json.Marshal(told)
	if err != nil {
		return err
	}
	subject := string(account)
	if _, err := rootkeep.ParseAccountID(subject); err != nil {
		subject = "unknown" // what a record says of its account may be anything
	}
	if err := tx.Record(access.RequestKind+".verdict", subject, people.SystemActor.ID, ledger.NewPayload("verdicts", text)); err != nil {
		return err
	}
	return cases(ctx, tx, changed, out)
}
