package cast

import (
	"context"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// answers are what the responder learns of alerts that hunts sent, by the rule that leads
// them. Of others nobody knows yet.
var answers = map[string]string{
	"user-console-login-without-mfa": "It was they themselves, who answered on the telephone. Their keys are handed out by the end of the month (OPS-118).",
	"impossible-travel":              "On the road with a telephone, and the laptop on the office's VPN: both were theirs.",
	"login-from-new-country":         "A journey for the company, as the calendar has it.",
	"assume-root":                    "The weekly scan: each of its sessions carries its name.",
}

// waits is how long an alert stands before the responder has asked everybody.
const waits = 24 * time.Hour

// Triage has the responder work through what hunts found: what somebody stands by is closed
// with what they said, and uses of root go to their case.
func (r *Root) Triage(ctx context.Context) error {
	return r.Store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		f := alerts.Filter{States: []alert.State{alert.New}, Muted: []alert.Mute{alert.ByHunt}}
		var all []*alerts.Alert
		for cursor, more := "", true; more; more = cursor != "" {
			list, next, err := alerts.List(ctx, &tx.Reader, sight.All(), f, cursor, 100)
			if err != nil {
				return err
			}
			all, cursor = append(all, list...), next
		}
		for _, a := range all {
			if err := r.settle(ctx, tx, a); err != nil {
				return fmt.Errorf("alert %s: %w", a.ID, err)
			}
		}
		return nil
	})
}

func (r *Root) settle(ctx context.Context, tx *store.Tx, a *alerts.Alert) (err error) {
	answer := answers[alert.Rule(&a.Found)]
	switch {
	case alert.OfRoot(&a.Found):
		return r.settleRoot(ctx, tx, a)
	case answer != "" && tx.Now().Sub(a.Found.Last) >= waits:
		_, err = r.Alerts.Close(ctx, tx, r.Esi.Actor, a.ID, a.Revision, answer)
	}
	return err
}

// settleRoot compares an alert of a root user with what became of its events. One of which
// the server knows no event stays as it is.
func (r *Root) settleRoot(ctx context.Context, tx *store.Tx, a *alerts.Alert) error {
	at := rootlog.EventFilter{Account: a.Found.Account, Since: a.Found.First, Until: a.Found.Last.Add(time.Second), Limit: 200}
	events, err := rootlog.Events(ctx, &tx.Reader, sight.All(), at)
	if err != nil || len(events) == 0 {
		return err
	}
	explained, request := true, ""
	for _, e := range events {
		explained = explained && e.Verdict.Harmless()
		if e.Request != "" {
			request = e.Request
		}
	}
	if explained && request != "" {
		_, err = r.Alerts.Close(ctx, tx, r.Esi.Actor, a.ID, a.Revision, request+" explains every event of it.")
		return err
	}
	cases, err := incident.List(ctx, &tx.Reader, sight.All(), incident.Filter{Account: a.Found.Account, Limit: 50})
	if err != nil {
		return err
	}
	for _, c := range cases {
		at.Case, at.Limit = c.ID, 1
		tells, err := rootlog.Events(ctx, &tx.Reader, sight.All(), at)
		if err != nil {
			return err
		}
		if len(tells) > 0 {
			_, err = r.Alerts.Acknowledge(ctx, tx, r.Esi.Actor, a.ID, a.Revision, c.ID+" tells of it.")
			return err
		}
	}
	return nil
}
