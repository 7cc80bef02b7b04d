package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	caseof "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/incident"
)

// cases opens the cases of events whose verdict is not harmless, one for each session, and
// tells cases of events that have an explanation by now.
func cases(ctx context.Context, tx *store.Tx, changed []change, out *Changes) error {
	bySession := map[string][]change{}
	var order []string
	var eased []change
	for _, e := range changed {
		if e.Verdict.Harmless() {
			if e.before != "" && !e.before.Harmless() {
				eased = append(eased, e)
			}
			continue
		}
		cause, err := causeOf(ctx, tx, e)
		if err != nil {
			return err
		}
		if bySession[cause] == nil {
			order = append(order, cause)
		}
		bySession[cause] = append(bySession[cause], e)
	}
	for _, cause := range order {
		id, err := raise(ctx, tx, cause, bySession[cause])
		if err != nil {
			return err
		}
		out.touch(id)
	}
	return ease(ctx, tx, eased, out)
}

func (c *Changes) touch(id string) {
	if id != "" && !slices.Contains(c.Cases, id) {
		c.Cases = append(c.Cases, id)
	}
}

// causeOf is what the case of an event is told apart by: a session of root. An event that
// is in a case stays there, whichever session it turns out to be of.
func causeOf(ctx context.Context, tx *store.Tx, e change) (string, error) {
	if e.before != "" && !e.before.Harmless() {
		known, err := incident.Of(ctx, &tx.Reader, e.Key)
		if err != nil {
			return "", err
		}
		if len(known) > 0 {
			c, err := incident.Read(ctx, &tx.Reader, known[0])
			if err != nil {
				return "", err
			}
			return c.Cause, nil
		}
	}
	return fmt.Sprintf("root %s %s", e.Account, e.Session), nil
}

// raise opens the case of a session, or adds to it. It gives "" if that changed nothing.
func raise(ctx context.Context, tx *store.Tx, cause string, events []change) (string, error) {
	f := caseof.Finding{Cause: cause, Account: events[0].Account}
	var keys, requests []string
	worse := false
	for _, e := range events {
		keys = append(keys, e.Key)
		worse = worse || e.before != "" && e.before.Harmless()
		if s := severity(e); s > f.Severity {
			f.Severity, f.Title = s, title(e)
		}
		if strings.HasPrefix(e.Request, access.Prefix+"-") && !slices.Contains(requests, e.Request) {
			requests = append(requests, e.Request)
		}
	}
	for _, id := range requests {
		x, err := get(ctx, &tx.Reader, id, tx.Now())
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		f.Request, f.Parties = cmp.Or(f.Request, id), append(f.Parties, x.Parties()...)
	}
	f.About = text.Counted(int64(len(events)), "event") + " not covered: " + tally(events)
	c, changed, err := incident.Take(ctx, tx, f, keys)
	if err != nil {
		return "", err
	}
	if worse {
		again, err := incident.Again(ctx, tx, c.ID, "an explanation does not hold any more: "+tally(events))
		if err != nil {
			return "", err
		}
		changed = changed || again
	}
	if !changed {
		return "", nil
	}
	return c.ID, nil
}

// severity of an event that nothing covers: what root itself did is critical.
func severity(e change) rootkeep.Severity {
	switch {
	case e.Verdict == rootkeep.Unexplained && e.Kind.Used():
		return rootkeep.Critical
	case e.Verdict == rootkeep.Unexplained && e.Kind == rootkeep.RootFailedSignIn:
		return rootkeep.Medium
	}
	return rootkeep.High
}

// title says in rootkeep's own words what a case is about.
func title(e change) string {
	account := "account " + string(e.Account)
	if _, err := rootkeep.ParseAccountID(string(e.Account)); err != nil {
		account = "an account that cannot be told"
	}
	switch e.Verdict {
	case rootkeep.OutOfScope:
		return "Root of " + account + " did more than was approved"
	case rootkeep.OutOfWindow:
		return "Root of " + account + " outside the time that was approved"
	}
	if e.Kind.Used() {
		return "Unexplained use of root of " + account
	}
	return "Unexplained event about root of " + account
}

// tally counts events by verdict, the worst first.
func tally(events []change) string {
	n := map[rootkeep.Verdict]int{}
	for _, e := range events {
		n[e.Verdict]++
	}
	var parts []string
	for _, v := range rootkeep.Verdicts() {
		if n[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[v], v))
		}
	}
	return strings.Join(parts, ", ")
}

// ease tells the cases of events that are explained by now. A case of which all are is
// closed, unless somebody has taken it: in either case its history says so.
func ease(ctx context.Context, tx *store.Tx, events []change, out *Changes) error {
	told := map[string][]change{}
	var order []string
	for _, e := range events {
		ids, err := incident.Of(ctx, &tx.Reader, e.Key)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if told[id] == nil {
				order = append(order, id)
			}
			told[id] = append(told[id], e)
		}
	}
	for _, id := range order {
		var left int
		err := tx.Row(ctx, `SELECT COUNT(*) FROM incident_event i JOIN root_event e ON e.id = i.event
			WHERE i.incident = $1 AND e.verdict NOT IN ('EXPLAINED', 'DRILL', 'SERVICE')`, id).Scan(&left)
		if err != nil {
			return fmt.Errorf("count what case %s waits for: %w", id, err)
		}
		about := "explained by what arrived later: " + tally(told[id])
		if left > 0 {
			if err := incident.Tell(ctx, tx, id, about); err != nil {
				return err
			}
		} else if _, err := incident.Explain(ctx, tx, id, about); err != nil {
			return err
		}
		out.touch(id)
	}
	return nil
}
