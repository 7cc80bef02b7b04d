package access

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/ledger"
)

// Bounds of one judgement.
const (
	reach      = access.LongestWindow + time.Hour // what is further from an event does not bear on it
	mostEvents = 20000                            // about one root user within twice that and a day
	mostOfOne  = 2000                             // events of a request, to tell what became of it
	mostOfPart = 2000                             // events beyond mostEvents, which get a verdict together
)

// bounds are how much one judgement compares.
type bounds struct{ events, requests int }

// Changes are the verdicts that a judgement changed, in the order of their events, and the
// cases that it opened or changed.
type Changes struct {
	Events []*rootlog.Event
	Cases  []string // CS-..., each once
}

// Judge judges anew what was touched, and all that it bears on. It writes what changed: a
// verdict is an entry root.verdict, one that is not harmless opens a case or adds to one,
// and one that becomes harmless is told to its case. What changes nothing writes nothing.
func Judge(ctx context.Context, tx *store.Tx, touched rootlog.Touched) (*Changes, error) {
	return judgeFor(ctx, tx, touched, map[string]*Request{})
}

// judgeFor is Judge with requests that are settled whatever was touched: as they are now,
// not as their rows are.
func judgeFor(ctx context.Context, tx *store.Tx, touched rootlog.Touched, bearing map[string]*Request) (*Changes, error) {
	out := &Changes{}
	for _, account := range slices.Sorted(maps.Keys(touched)) {
		s := rootlog.Span{First: touched[account].First.Add(-reach), Last: touched[account].Last.Add(reach)}
		if err := judgeAll(ctx, tx, account, s, bounds{mostEvents, mostRequests}, out); err != nil {
			return nil, fmt.Errorf("judge the root user of account %q: %w", account, err)
		}
		if err := near(ctx, tx, account, s, bearing); err != nil {
			return nil, err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(bearing)) {
		if err := settle(ctx, tx, bearing[id]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// judgeAll judges the events about the root user of an account in a span, those of a day
// together. It goes from event to event: what a record says of its time may be far from
// any other.
func judgeAll(ctx context.Context, tx *store.Tx, account rootkeep.AccountID, s rootlog.Span, most bounds, out *Changes) error {
	for from := s.First; ; {
		first, found, err := rootlog.Next(ctx, &tx.Reader, account, rootlog.Span{First: from, Last: s.Last})
		if err != nil || !found {
			return err
		}
		to := first.Add(24 * time.Hour)
		if err := judge(ctx, tx, account, rootlog.Span{First: first, Last: to}, most, out); err != nil {
			return err
		}
		from = to
	}
}

// JudgeRequest judges anew the events that a request bears on, and what became of it. Every
// transition does so.
func JudgeRequest(ctx context.Context, tx *store.Tx, x *Request) (*Changes, error) {
	last := x.Ends
	if x.Over.After(last) {
		last = x.Over
	}
	touched, err := rootlog.Touch(ctx, &tx.Reader, x.Accounts(), rootlog.Span{First: x.Begins.Add(-reach), Last: last.Add(reach)})
	if err != nil {
		return nil, err
	}
	return judgeFor(ctx, tx, touched, map[string]*Request{x.ID: x})
}

// judge judges the events about the root user of an account from a moment until before
// another, compared with most others at most.
func judge(ctx context.Context, tx *store.Tx, account rootkeep.AccountID, core rootlog.Span, most bounds, out *Changes) error {
	wide := rootlog.Span{First: core.First.Add(-reach), Last: core.Last.Add(reach)}
	some, err := rootlog.Around(ctx, &tx.Reader, account, wide, most.events)
	if err != nil {
		return err
	}
	in, cut, err := known(ctx, &tx.Reader, account, wide, some, most.requests, tx.Now())
	if err != nil {
		return err
	}
	found := reconcile.Judge(*in)
	var changed []change
	for _, e := range some {
		if e.Moment().Before(core.First) || !e.Moment().Before(core.Last) {
			continue
		}
		j := found.Of(&e.Event)
		to := rootlog.Ruling{Verdict: j.Verdict, Rule: j.Rule, Why: j.Why, Request: j.Request, Session: j.Session}
		if cut && !to.Verdict.Harmless() {
			to.Rule, to.Why = tooManyRule, fmt.Sprintf("Account %s has more requests, or sessions of rootkeep, within days than are compared: this event was compared with those that count first. %s", account, j.Why)
		}
		changed = rule(changed, e, to)
	}
	if err := tell(ctx, tx, account, changed, out); err != nil || len(some) < most.events {
		return err
	}
	return tooMany(ctx, tx, account, core, most.events, out)
}

// known is all that events about the root user of an account are judged by. cut says that
// there is more of it than is compared.
func known(ctx context.Context, r *store.Reader, account rootkeep.AccountID, wide rootlog.Span, events []*rootlog.Event, most int, now time.Time) (in *reconcile.Input, cut bool, err error) {
	in = &reconcile.Input{Now: now}
	s := &search{account: account, at: wide, most: most}
	if in.Requests, err = requests(ctx, r, s, events, now); err != nil {
		return nil, false, err
	}
	var scansCut, changesCut bool
	if in.Scans, scansCut, err = rootlog.Scans(ctx, r, account, wide); err != nil {
		return nil, false, err
	}
	if in.Changes, changesCut, err = rootlog.Changes(ctx, r, account, wide); err != nil {
		return nil, false, err
	}
	for _, e := range events {
		in.Events = append(in.Events, e.Event)
	}
	return in, s.cut || scansCut || changesCut, nil
}

// tooManyRule is the rule of events that were not compared with everything.
const tooManyRule = "too-many"

// tooMany gives the events of a span that were too many to be compared with anything a
// verdict, part by part: what is not known is not explained. Those that were compared once
// keep theirs.
func tooMany(ctx context.Context, tx *store.Tx, account rootkeep.AccountID, core rootlog.Span, most int, out *Changes) error {
	why := fmt.Sprintf("account %s has more than %d events of its root user within days: this one was not compared with requests", account, most)
	for {
		part, err := rootlog.Unjudged(ctx, &tx.Reader, account, core, mostOfPart)
		if err != nil || len(part) == 0 {
			return err
		}
		var changed []change
		for _, e := range part {
			changed = rule(changed, e, rootlog.Ruling{Verdict: rootkeep.Unexplained, Rule: tooManyRule, Why: why, Session: "too-many " + e.Time.Format(time.DateOnly)})
		}
		if err := tell(ctx, tx, account, changed, out); err != nil {
			return err
		}
	}
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

// near adds the granted requests of an account in a span.
func near(ctx context.Context, tx *store.Tx, account rootkeep.AccountID, at rootlog.Span, to map[string]*Request) error {
	found, err := list(ctx, &tx.Reader, tx.Now(), query+` JOIN root_request_account o ON o.request = q.id
		WHERE o.account = $1 AND q.granted > 0 AND q.begins <= $2 AND q.ends > $3 ORDER BY q.id LIMIT $4`, string(account), store.Micros(at.Last), store.Micros(at.First), mostRequests)
	for _, x := range found {
		if to[x.ID] == nil {
			to[x.ID] = x
		}
	}
	return err
}

// Settle says what became of requests of which that was still to be seen, now that time
// has passed, and gives how many there were; as long as that is not 0 there may be more.
func Settle(ctx context.Context, tx *store.Tx) (int, error) {
	now := tx.Now()
	due := now.Add(-reconcile.Delay - time.Minute) // longer than events take, and clocks differ
	found, err := list(ctx, &tx.Reader, now, query+` WHERE q.granted > 0 AND q.outcome IN ('', 'PENDING') AND (q.ends <= $1 OR q.over > 0 AND q.over <= $1 OR q.ended > 0 AND q.ended <= $1)
		ORDER BY q.id LIMIT $2`, store.Micros(due), mostAtOnce)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, x := range found {
		before := x.Outcome
		if err := settle(ctx, tx, x); err != nil {
			return n, err
		}
		if x.Outcome != before {
			n++
		}
	}
	return n, nil
}

// settle says what became of a request, by its events and by what is proven of the time. A
// change is root.outcome.
func settle(ctx context.Context, tx *store.Tx, x *Request) error {
	if x.Granted.IsZero() {
		return nil
	}
	given, err := rootlog.Sessions(ctx, &tx.Reader, x.ID)
	if err != nil {
		return err
	}
	q := x.judgedBy(given)
	used, _, err := rootlog.OfRequest(ctx, &tx.Reader, x.ID, mostOfOne)
	if err != nil {
		return err
	}
	in := reconcile.Input{Now: tx.Now(), Requests: []reconcile.Request{q}}
	for _, e := range used {
		in.Events = append(in.Events, e.Event)
	}
	if in.Coverage, err = rootlog.Proof(ctx, &tx.Reader, x.Accounts(), q.From, q.Until.Add(reach)); err != nil {
		return err
	}
	for _, f := range reconcile.Judge(in).Requests {
		if f.Request != x.ID || f.Outcome == x.Outcome {
			continue
		}
		if err := tx.ExecOne(ctx, `UPDATE root_request SET outcome = $2 WHERE id = $1`, x.ID, string(f.Outcome)); err != nil {
			return fmt.Errorf("keep what became of request %s: %w", x.ID, err)
		}
		x.Outcome = f.Outcome
		return x.say(tx, "outcome", people.SystemActor.ID, f)
	}
	return nil
}

// verdict is what the ledger tells of an event. Entries of before there was a hash have
// none.
type verdict struct {
	Key    string           `json:"key"`
	Before rootkeep.Verdict `json:"before,omitempty"`
	Event  reconcile.Judged `json:"event"`
	Record string           `json:"record_sha256"` // of the record as it is kept; "" if it is not
}

// tell writes the verdicts that changed, their entry, and what they mean for cases.
func tell(ctx context.Context, tx *store.Tx, account rootkeep.AccountID, changed []change, out *Changes) error {
	if len(changed) == 0 {
		return nil
	}
	var told []verdict
	for _, e := range changed {
		if err := e.KeepVerdict(ctx, tx); err != nil {
			return err
		}
		record, err := rootlog.RecordHash(ctx, &tx.Reader, e.Key)
		if err != nil {
			return err
		}
		out.Events = append(out.Events, e.Event)
		told = append(told, verdict{e.Key, e.before, e.Judged, record})
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
