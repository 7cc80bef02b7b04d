package alerts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/store"
)

// use is what is known of the events of a root user behind an alert.
type use struct {
	cases     string            // CS-... that tells of them already, "" if none does
	grave     rootkeep.Severity // of that case
	request   string            // RR-... or SC-... of one of them
	verdict   rootkeep.Verdict  // the worst, "" if one has none yet
	explained bool              // every one is there, and has an explanation
}

// mostEvents bounds the events that one alert is compared with; an alert with more is not
// explained by them.
const mostEvents = 5000

// useOf compares an alert of a root user with the events that were judged: those of its
// account and time at which root itself acted, and those that the alert names. It is nothing
// for other alerts.
func useOf(ctx context.Context, r *store.Reader, f *rootkeep.Alert) (use, error) {
	var u use
	if !alert.OfRoot(f) || f.Account == "" {
		return u, nil
	}
	named := map[string]bool{}
	for _, e := range f.Events {
		named[e.ID] = false
	}
	var found, judged, bad, all int
	worst := len(rootkeep.Verdicts())
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var event, kind, verdict, request string
		if err := rows.Scan(&event, &kind, &verdict, &request); err != nil {
			return err
		}
		all++
		_, of := named[event]
		if !of && !rootkeep.RootKind(kind).Used() {
			return nil
		}
		if of {
			named[event] = true
		}
		found++
		v := rootkeep.Verdict(verdict)
		if v == "" {
			return nil
		}
		judged++
		if !v.Harmless() {
			bad++
		}
		if request != "" {
			u.request = request
		}
		if at := slices.Index(rootkeep.Verdicts(), v); at >= 0 && at < worst {
			worst, u.verdict = at, v
		}
		return nil
	}, `SELECT event, kind, verdict, request FROM root_event WHERE account = $1 AND at >= $2 AND at <= $3 ORDER BY at LIMIT $4`,
		string(f.Account), store.Micros(f.First), store.Micros(f.Last), mostEvents)
	if err != nil {
		return u, fmt.Errorf("read what root of account %s did: %w", f.Account, err)
	}
	missing := false
	for _, there := range named {
		missing = missing || !there
	}
	whole := found >= max(1, f.Count) && judged == found && all < mostEvents && !missing
	if !whole && u.verdict.Harmless() {
		u.verdict = "" // not all of them have one
	}
	u.explained = whole && bad == 0 && alert.Explainable(f)
	u.cases, u.grave, err = caseOf(ctx, r, f)
	return u, err
}

// caseOf is the case that tells of the same account and time, with its severity: an open one
// first, "" if there is none.
func caseOf(ctx context.Context, r *store.Reader, f *rootkeep.Alert) (id string, severity rootkeep.Severity, err error) {
	err = r.Row(ctx, telling, string(f.Account), store.Micros(f.First), store.Micros(f.Last), mostEvents).Scan(&id, &severity)
	if errors.Is(err, sql.ErrNoRows) {
		return "", 0, nil
	}
	return id, severity, err
}

// telling finds the case by the events that useOf compares.
const telling = `SELECT i.id, i.severity FROM incident i WHERE i.id IN (SELECT h.incident FROM incident_event h WHERE h.event IN (
		SELECT e.id FROM root_event e WHERE e.account = $1 AND e.at >= $2 AND e.at <= $3 ORDER BY e.at LIMIT $4))
	ORDER BY CASE i.state WHEN 'open' THEN 0 ELSE 1 END, i.opened DESC, i.id LIMIT 1`

// link notes what is known of a root user's events, and ends the alert once all of them are
// explained. One that comes to be about several accounts is no more of the case of one: what is
// done with that says nothing of it. It is false if that changes nothing.
func (r *round) link(a *Alert, u use) bool {
	changed := u.verdict != a.Verdict || u.request != a.Request && u.request != ""
	a.Verdict, a.grave = u.verdict, u.grave
	if u.request != "" {
		a.Request = u.request
	}
	if a.Case != "" && a.Found.Account == "" {
		a.Say(alert.Linked, alert.System, "case "+a.Case+" does not tell of it any more: it is about several accounts", r.now)
		a.Case, changed = "", true
	}
	if u.cases != "" && u.cases != a.Case {
		a.Case, changed = u.cases, true
		a.Say(alert.Linked, alert.System, "case "+u.cases+" tells of the same use of root", r.now)
	}
	switch {
	case u.explained && a.State != alert.Closed:
		changed = true
		about := alert.Explained + "every root event in it is " + string(u.verdict)
		if a.Request != "" {
			about += ", by " + a.Request
		}
		a.End(about, r.now)
	case !u.explained && a.ByExplanation():
		changed = true
		a.Again("an explanation does not hold any more", r.now)
	}
	return changed
}

// Judged compares alerts of root users anew with events that got a verdict since a moment:
// those that are explained by now end, and those whose explanation holds no more open again.
func (r *round) judged(ctx context.Context, since time.Time) error {
	type span struct {
		account     string
		first, last int64
	}
	var spans []span
	err := store.Each(ctx, &r.tx.Reader, func(rows *sql.Rows) error {
		var s span
		err := rows.Scan(&s.account, &s.first, &s.last)
		spans = append(spans, s)
		return err
	}, newlyJudged, store.Micros(since))
	if err != nil {
		return fmt.Errorf("look for new verdicts: %w", err)
	}
	for _, s := range spans {
		list, err := query(ctx, &r.tx.Reader, ` WHERE a.root = 1 AND a.account = $1 AND a.first <= $2 AND a.last >= $3 AND a.muted <> 'hunt' ORDER BY a.last DESC LIMIT $4`,
			s.account, s.last, s.first, atOnce)
		if err != nil {
			return fmt.Errorf("look for alerts of root of account %s: %w", s.account, err)
		}
		for _, a := range list {
			if err := r.compare(ctx, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// newlyJudged goes by when events were judged: events are kept for good, so that no index of their
// account may be taken.
const newlyJudged = `SELECT account || '', MIN(at), MAX(at) FROM root_event WHERE judged >= $1 GROUP BY account || '' ORDER BY account || ''`

// compare links one alert anew. One that was told of by its case alone stays so.
func (r *round) compare(ctx context.Context, a *Alert) error {
	u, err := useOf(ctx, &r.tx.Reader, &a.Found)
	if err != nil {
		return err
	}
	if !r.link(a, u) {
		return nil
	}
	unmuted := r.mute(a, a.Muted == alert.ByDryRun)
	if err := r.announce(ctx, a, unmuted); err != nil {
		return err
	}
	return a.keep(ctx, r.tx)
}
