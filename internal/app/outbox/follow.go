package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	asked "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/alert"
	cases "github.com/rootkeep/rootkeep/internal/incident"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/incident"
	kept "github.com/rootkeep/rootkeep/internal/store/letters"
	"github.com/rootkeep/rootkeep/internal/store/notices"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

const (
	lookEvery  = time.Second
	atOnce     = 500 // changes of the store read at once
	mostEvents = 10  // of a case that a notice shows
	// mostForgotten bounds the open cases that are gone through after a long standstill.
	mostForgotten    = 10_000
	mostCases        = 50 // of one severity that are told one by one within an hour
	mostNamedAlone   = 8  // accounts of further ones that a way is told of as they come
	unexplainedTopic = "root-unexplained"
	overrideTopic    = "root-override"
	overridden       = "override " // before the request's ID: the cause of a case of internal/store/access
)

// Follow tells of cases that are opened, whoever opened them, until the context ends. It
// begins with all changes that the store still knows of: what was told before is not told
// again.
func (o *Outbox) Follow(ctx context.Context, link string, log *slog.Logger) {
	var seen int64
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		next, err := o.look(ctx, seen, link)
		if err != nil && ctx.Err() == nil {
			log.Error("notices of cases", "error", err) // the next look tries again
		}
		if err == nil {
			seen = next
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-o.nudge:
		}
	}
}

// look tells of the cases that changed after a change of the store, and gives the last
// change that it saw. The error is also that one of them cannot be told of: that is tried
// again by the next look, and keeps no other waiting.
func (o *Outbox) look(ctx context.Context, seen int64, link string) (int64, error) {
	ids, bad := o.left, error(nil)
	o.left = nil
	for {
		var list []notices.Notice
		var forgotten []string
		err := o.store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
			if list, err = notices.After(ctx, r, seen, atOnce); err == nil && len(list) > 0 && list[0].Seq > seen+1 {
				forgotten, err = openCases(ctx, r)
			}
			return err
		})
		if err != nil {
			o.left = append(o.left, ids...)
			return seen, err
		}
		ids = append(ids, forgotten...)
		for _, n := range list {
			request := n.Topic == access.Topic && strings.HasPrefix(n.Ref, asked.Prefix+"-")
			if (request || n.Topic == incident.Topic) && !slices.Contains(ids, n.Ref) {
				ids = append(ids, n.Ref)
			}
		}
		if err := o.tell(ctx, ids, link); err != nil {
			bad = err
		}
		if len(list) == 0 {
			return seen, bad
		}
		ids, seen = nil, list[len(list)-1].Seq
	}
}

// openCases are those that changes may have told of which the store has forgotten since.
func openCases(ctx context.Context, r *store.Reader) ([]string, error) {
	var ids []string
	for f := (incident.Filter{State: cases.Open, Limit: atOnce}); ; {
		page, err := incident.List(ctx, r, sight.All(), f)
		for _, c := range page {
			ids = append(ids, c.ID)
		}
		if err != nil || len(page) < atOnce || len(ids) >= mostForgotten {
			return ids, err
		}
		f.Before = page[len(page)-1].Cursor()
	}
}

// tell puts a notice of each case that is open, and of each request for root that waits
// for somebody: all in one change or, when that fails, each in one of its own.
func (o *Outbox) tell(ctx context.Context, ids []string, link string) error {
	if len(ids) == 0 || len(o.ways) == 0 {
		return nil
	}
	var bad error
	if o.tellOf(ctx, ids, link) != nil {
		for _, id := range ids {
			if err := o.tellOf(ctx, []string{id}, link); err != nil {
				bad = cmp.Or(bad, fmt.Errorf("%s: %w", id, err))
				o.left = append(o.left, id)
			}
		}
	}
	if o.wake != nil {
		o.wake()
	}
	return bad
}

func (o *Outbox) tellOf(ctx context.Context, ids []string, link string) error {
	return o.store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, id := range ids {
			n, err := o.of(ctx, &tx.Reader, id, link, tx.Now())
			if errors.Is(err, store.ErrNotFound) || err == nil && n == nil {
				continue
			}
			if err == nil && !strings.HasPrefix(id, asked.Prefix+"-") && n.Acts() != notify.Close {
				err = o.putCase(ctx, tx, *n, link)
			} else if err == nil {
				err = o.Put(ctx, tx, *n)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// putCase puts the notice of a case or, when many of its severity were opened within an
// hour, one that says so: failed sign-ins, which anybody can make, must not bury a use.
func (o *Outbox) putCase(ctx context.Context, tx *store.Tx, n notify.Notice, link string) error {
	now := tx.Now()
	storm := alert.Storm{Most: mostCases, Within: time.Hour}
	recent := slices.DeleteFunc(o.recent[n.Severity], func(at time.Time) bool { return now.Sub(at) >= storm.Within })
	o.recent[n.Severity] = recent
	if storm.Breaks(len(recent)) {
		return o.putMany(ctx, tx, n, link)
	}
	fresh, err := o.put(ctx, tx, n)
	if fresh {
		o.recent[n.Severity] = append(recent, now)
	}
	return err
}

// manyKey is a way that is told of many cases of a severity as one.
type manyKey struct {
	way      string
	severity rootkeep.Severity
}

// many are the accounts of such cases within an hour of the clock, in the order in which they
// came.
type many struct {
	hour     time.Time
	accounts []string
}

// putMany has each way that a case would go by told that there are many: of each of the first
// accounts, and then when there are twice as many. The same case again changes nothing.
func (o *Outbox) putMany(ctx context.Context, tx *store.Tx, n notify.Notice, link string) error {
	ways, err := o.waysOf(ctx, &tx.Reader, n, tx.Clock())
	if err != nil {
		return err
	}
	hour := tx.Now().UTC().Truncate(time.Hour)
	for _, way := range ways {
		known, err := isKnown(ctx, &tx.Reader, way, n.Thread, n.ID)
		if err != nil {
			return err
		}
		if known {
			continue // told by itself, before there were many, or counted
		}
		if err := kept.Stood(ctx, tx, way, n.Thread, n.ID); err != nil {
			return err
		}
		key := manyKey{way, n.Severity}
		m := o.many[key]
		if m == nil || !m.hour.Equal(hour) {
			m = &many{hour: hour}
			o.many[key] = m
		}
		at := slices.Index(m.accounts, n.Account)
		if at < 0 {
			at = len(m.accounts)
			m.accounts = append(m.accounts, n.Account)
		}
		if nth := uint(at + 1); nth > mostNamedAlone && bits.OnesCount(nth) != 1 {
			continue
		}
		all, err := notify.Notice{
			ID: ID(n.Topic, "many", n.Severity.String(), hour.Format(time.RFC3339), way, n.Account), Topic: n.Topic, Severity: n.Severity, At: hour, Link: strings.TrimSuffix(link, "/") + "/incidents",
			Accounts: slices.Clone(m.accounts), Tags: n.Tags,
			Title: fmt.Sprintf("More than %d cases of severity %s within an hour", mostCases, n.Severity),
			Text:  fmt.Sprintf("They are not told of one by one. Those beyond are of %s so far. The console has all of them.", text.Counted(len(m.accounts), "account")),
		}.Bounded()
		if err != nil {
			return err
		}
		if _, err := o.putLetter(ctx, tx, letter{Way: way, Notice: all}); err != nil {
			return fmt.Errorf("tell of many cases: %w", err)
		}
	}
	return nil
}

// of is the notice of a case or a request, with the tags of its account; nil if nobody has to
// be told.
func (o *Outbox) of(ctx context.Context, r *store.Reader, id, link string, now time.Time) (n *notify.Notice, err error) {
	if strings.HasPrefix(id, asked.Prefix+"-") {
		n, err = o.aboutRequest(ctx, r, id, link, now)
	} else {
		n, err = o.aboutCase(ctx, r, id, link, now)
	}
	if err == nil && n != nil {
		err = o.tag(ctx, r, n)
	}
	return n, err
}

// tag gives a notice the tags of its account, by which routes take it.
func (o *Outbox) tag(ctx context.Context, r *store.Reader, n *notify.Notice) (err error) {
	if o.Tags != nil {
		n.Tags, err = o.Tags(ctx, r, rootkeep.AccountID(n.Account))
	}
	return err
}

func (o *Outbox) aboutRequest(ctx context.Context, r *store.Reader, id, link string, now time.Time) (*notify.Notice, error) {
	x, err := access.Read(ctx, r, id, now)
	if err != nil {
		return nil, err
	}
	n := ofRequest(x, link)
	if n == nil {
		return nil, nil
	}
	n.To, err = o.concerned(ctx, r, x)
	return n, err
}

func (o *Outbox) aboutCase(ctx context.Context, r *store.Reader, id, link string, now time.Time) (*notify.Notice, error) {
	c, err := incident.Read(ctx, r, id)
	if err != nil {
		return nil, err
	}
	told, err := o.told(ctx, r, id)
	if err != nil || c.State != cases.Open && !told {
		return nil, err
	}
	if c.State != cases.Open {
		return ofEnd(c, link), nil
	}
	events, err := rootlog.Events(ctx, r, sight.All(), rootlog.EventFilter{Case: id, Limit: mostEvents})
	if err != nil {
		return nil, err
	}
	n := ofCase(c, events, link)
	if at, had := c.Reopening(); told && !at.IsZero() { // what was told ended with the case
		if told, err = o.toldSince(ctx, r, c, at); err == nil && !told && had != "" {
			desk := incident.Desk{Place: posture.PlaceOf}
			n.To, err = ownerAddress(ctx, r, had, now, func(a people.Actor) (bool, error) { return desk.May(ctx, r, a, c) })
		}
	}
	if told {
		n.Action = string(notify.Update)
	}
	if err == nil && c.Request != "" {
		err = address(ctx, r, &n, c.Request, now)
	}
	return &n, err
}

// toldSince says whether a case was told of, as less severe, since it was opened at a moment.
func (o *Outbox) toldSince(ctx context.Context, r *store.Reader, c *incident.Case, at time.Time) (bool, error) {
	for severity := range c.Severity {
		for _, w := range o.ways {
			known, err := isKnown(ctx, r, w.Name(), c.ID, idOf(c, at, severity))
			if known || err != nil {
				return known, err
			}
		}
	}
	return false, nil
}

// told says whether a way has a message of a case.
func (o *Outbox) told(ctx context.Context, r *store.Reader, id string) (bool, error) {
	for _, w := range o.ways {
		_, err := kept.Read(ctx, r, w.Name(), id)
		if err == nil || !errors.Is(err, store.ErrNotFound) {
			return err == nil, err
		}
	}
	return false, nil
}

// ofEnd is the notice that a case was closed: its message is brought up to date.
func ofEnd(c *incident.Case, link string) *notify.Notice {
	return &notify.Notice{
		ID: ID(topicOf(c), c.ID, "closed", c.Closed.Format(time.RFC3339Nano)), Topic: topicOf(c), Severity: c.Severity, Title: c.Title, Text: "Closed: " + text.Visible(c.Reason, text.Long),
		Subject: c.ID, Account: string(c.Account), Link: strings.TrimSuffix(link, "/") + "/incidents/" + c.ID, At: c.Closed.UTC().Truncate(time.Second), Thread: c.ID, Action: string(notify.Close),
	}
}

func topicOf(c *incident.Case) string {
	if strings.HasPrefix(c.Cause, overridden) {
		return overrideTopic
	}
	return unexplainedTopic
}

// ofRequest is the notice of a request for root that waits for approvals, once for each
// form that it had, or whose session nobody closed in time.
func ofRequest(x *access.Request, link string) *notify.Notice {
	var form string // told of once
	n := notify.Notice{Subject: x.ID, Account: string(x.Matter.Request.Account), Link: strings.TrimSuffix(link, "/") + "/root/" + x.ID}
	task := text.Visible(x.Asked.Action(), text.Line)
	switch {
	case x.State == access.Closing && !x.Overrun.IsZero():
		form = x.Overrun.Format(time.RFC3339Nano)
		n.Topic, n.Severity, n.At = "root-overrun", rootkeep.High, x.Overrun
		n.Title = "The root session of " + x.ID + " was not closed in time"
		n.Text = fmt.Sprintf("%s\nIt was to end %s. What root does from then on is out of its window.", task, text.Stamp(x.Due))
	case x.State == access.Requested:
		body, err := x.Asked.Bytes()
		if err != nil {
			return nil // what was read from JSON is written as JSON
		}
		form = string(body)
		n.Topic, n.Severity, n.At = "approval-wanted", rootkeep.Medium, x.Begins
		n.Title = "A request for root waits for approval: " + x.ID
		n.Text = fmt.Sprintf("%s\n%s to %s\n%s", task, text.Stamp(x.Asked.From), text.Stamp(x.Asked.Until), text.Visible(x.Asked.Justification, text.Long))
	default:
		return nil
	}
	n.ID, n.At = ID(n.Topic, x.ID, form), n.At.UTC().Truncate(time.Second)
	return &n
}

// idOf is the ID of the notice that a case was opened at a moment, as severe as that.
func idOf(c *incident.Case, opened time.Time, severity rootkeep.Severity) string {
	return ID(topicOf(c), c.ID, opened.Format(time.RFC3339Nano), severity.String())
}

// ofCase is the notice of a case: one for each time it was opened, and one more when it
// became more severe.
func ofCase(c *incident.Case, events []*rootlog.Event, link string) notify.Notice {
	opened := c.Opened
	if at, _ := c.Reopening(); !at.IsZero() {
		opened = at
	}
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%s %s %s by %s from %s in %s: %s\n    %s\n", text.Stamp(e.Time), text.Visible(e.Source, text.Short), text.Visible(e.Name, text.Short),
			text.Visible(e.Principal, text.Line), text.Visible(e.Address, text.Short), text.Visible(string(e.Region), text.Short), e.Verdict, text.Visible(e.Why, text.Long))
	}
	if c.Events > len(events) {
		fmt.Fprintf(&b, "and %s\n", text.Counted(c.Events-len(events), "earlier event"))
	}
	if b.Len() == 0 && len(c.History) > 0 {
		b.WriteString(text.Visible(c.History[len(c.History)-1].About, text.Long))
	}
	return notify.Notice{
		ID: idOf(c, opened, c.Severity), Topic: topicOf(c), Severity: c.Severity, Title: c.Title, Text: strings.TrimSpace(b.String()),
		Subject: c.ID, Account: string(c.Account), Link: strings.TrimSuffix(link, "/") + "/incidents/" + c.ID, At: opened.UTC().Truncate(time.Second), Thread: c.ID,
	}
}
