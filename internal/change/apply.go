package change

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/change/difference"
	"github.com/rootkeep/rootkeep/internal/change/expr"
)

// Made is a call that was carried out.
type Made struct {
	Number int            `json:"number"` // of the plan's calls, from 0
	At     time.Time      `json:"at"`
	Parts  map[string]any `json:"parts"` // of the answer that other expressions name, by path
	// Before: AWS said that an attempt whose answer was lost had done it.
	Before bool `json:"before,omitempty"`
	Undone bool `json:"undone,omitempty"` // by an undo that came to its end in part
}

// Journal keeps what was done. It is durable when it returns.
type Journal interface {
	Made(ctx context.Context, m Made) error
}

// State is how an apply ended.
type State string

// The ends of an apply.
const (
	Applied    State = "applied"    // and reading back shows it
	Partial    State = "partial"    // of an undo: all its calls were made, and what cannot be undone stays
	Unverified State = "unverified" // all calls were made, reading back does not show it
	Stopped    State = "stopped"    // a call was not carried out; it can be gone on with, or what was done be undone
	Drifted    State = "drifted"    // nothing was done: the state is not the one that the plan was made from
)

// Outcome is what came of an apply.
type Outcome struct {
	State State          `json:"state"`
	Calls int            `json:"calls"` // that were carried out, of all of the plan
	Why   string         `json:"why"`   // of all but applied; hostile text
	Doubt bool           `json:"doubt"` // of stopped: the next call may have been made all the same
	Drift []Difference   `json:"drift"` // of drifted, and of stopped where the state is nobody's
	After map[string]any `json:"after"` // the state as it was read last; nil if it was not
}

// Run is an apply of a plan.
type Run struct {
	Plan   *Plan
	Made   []Made // by earlier runs, in order
	Begun  bool   // an earlier run may have made a call that is not in Made
	Reader Reader
	Writer Writer
	Clock  Clock
	Journal
}

// pauses before a call is made again. After the last it stops.
var pauses = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second}

// Apply makes the calls of a plan that an earlier run did not make, in order, and reads
// back. The error is of whoever asked: a plan of another kind, a journal that does not
// take an entry. What AWS says is in the outcome.
func (k *Kind) Apply(ctx context.Context, run Run) (Outcome, error) {
	p := run.Plan
	switch {
	case p.Kind != k.ID || p.KindHash != k.hash:
		return Outcome{}, fmt.Errorf("change %s was planned by another version of %s; hint: plan it again", p.ID, p.Kind)
	case run.Reader == nil || run.Writer == nil || run.Journal == nil || run.Clock.Now == nil || run.Clock.Sleep == nil:
		return Outcome{}, errors.New("change: reader, writer, journal and clock are required")
	}
	if err := k.ready(); err != nil {
		return Outcome{}, err
	}
	a := &applying{kind: k, Run: run, wait: time.Duration(k.Wait)}
	if len(run.Made) == 0 {
		if out := a.compare(ctx); out != nil {
			return *out, nil
		}
	}
	for n := len(run.Made); n < len(p.Calls); n++ {
		if out, err := a.make(ctx, n, run.Begun && n == len(run.Made)); out != nil || err != nil {
			return *out, err
		}
	}
	return a.verify(ctx), nil
}

// compare reads the state before the first call. An outcome is that it is another one than
// was planned from; none is that the calls may be made.
func (a *applying) compare(ctx context.Context) *Outcome {
	p := a.Plan
	state, err := a.kind.read(ctx, a.Reader, p)
	if err != nil {
		out := a.stopped(fmt.Sprintf("the state could not be read: %v", err), a.Begun)
		return &out
	}
	switch {
	case len(p.Guide) > 0 || len(p.Calls) == 0:
		return nil
	case !a.Begun:
		if d := difference.Of(state, p.Prior, true); len(d) > 0 {
			return &Outcome{State: Drifted, Why: "the state has changed since it was planned: " + paths(d), Drift: d, After: state}
		}
		return nil
	}
	return a.doubtful(state)
}

// doubtful compares the state in which the first call may have been made already.
func (a *applying) doubtful(state map[string]any) *Outcome {
	p := a.Plan
	s := a.kind.step(p.Calls[0].Step)
	ok, _ := a.kind.fulfilled(p, state)
	switch {
	case ok:
		return nil
	case s != nil && (s.Found != nil || len(s.Already) > 0): // whether it was made is asked where it is made
		return nil
	case p.Undoes != "" && !p.Exact: // nobody knows the state that an undo in part leads to
		return nil
	}
	d := difference.Strays(a.kind.lasting(state), a.kind.lasting(p.Prior), p.Wants)
	if len(d) == 0 {
		return nil
	}
	out := a.stopped(fmt.Sprintf("call 1 of %d, %s: it is not known whether it was carried out, and values are neither as they were nor as they should become: %s; "+
		"hint: find out who changed them, put them back and apply the change again, or undo it or give it up", len(p.Calls), p.Calls[0].Call, paths(d)), true)
	out.Drift, out.After = d, state
	return &out
}

func paths(d []Difference) string {
	var out []string
	for _, x := range d[:min(len(d), 5)] {
		out = append(out, x.Path)
	}
	if len(d) > len(out) {
		out = append(out, fmt.Sprintf("and %d more", len(d)-len(out)))
	}
	return strings.Join(out, ", ")
}

// applying is an apply on its way.
type applying struct {
	kind *Kind
	Run
	wait time.Duration
}

func (a *applying) stopped(why string, doubt bool) Outcome {
	return Outcome{State: Stopped, Calls: len(a.Run.Made), Why: why, Doubt: doubt}
}

// values are those of the plan with the answers so far.
func (a *applying) values(item any) expr.Values {
	got := expr.Answers{}
	for step, list := range a.Plan.Answers {
		got[step] = list
	}
	for _, m := range a.Run.Made {
		c := a.Plan.Calls[m.Number]
		got[c.Step] = append(slices.Clone(got[c.Step]), expr.Answered{Item: c.Item, Parts: m.Parts})
	}
	v := a.Plan.values()
	v["answers"], v["item"] = got, item
	return v
}

// make makes one call, again where it has to. An outcome is where it ended for now; none
// is that the call was carried out. again says that it may have been made before.
func (a *applying) make(ctx context.Context, n int, again bool) (*Outcome, error) {
	c := a.Plan.Calls[n]
	s := a.kind.step(c.Step)
	end := func(why string, doubt bool) (*Outcome, error) {
		out := a.stopped(fmt.Sprintf("call %d of %d, %s: %s", n+1, len(a.Plan.Calls), c.Call, why), doubt)
		return &out, nil
	}
	if s == nil {
		return end("the kind has no step "+c.Step, again)
	}
	call := c.Call
	if c.Later {
		var err error
		if call, err = a.filled(s, c); err != nil {
			return end(err.Error(), again)
		}
	}
	until := a.Clock.Now().Add(a.wait)
	for attempt := 0; ; attempt++ {
		try := a.once(ctx, s, call, c.Item, again)
		if try.done {
			return a.keep(ctx, n, s, try)
		}
		again = again || try.doubt
		pause := pauses[min(attempt, len(pauses)-1)]
		switch {
		case ctx.Err() != nil:
			return end(ctx.Err().Error(), again)
		case try.later && a.Clock.Now().Add(pause).Before(until): // AWS has not seen yet what it needs
		case try.later || !try.repeat || attempt >= len(pauses):
			return end(try.why, again)
		}
		if err := a.Clock.Sleep(ctx, pause); err != nil {
			return end(try.why, again)
		}
	}
}

// filled is a call of the plan with the answers in the places that the plan shows for
// them, and nothing else than that.
func (a *applying) filled(s *Step, c Planned) (Call, error) {
	v := a.values(c.Item)
	call, err := s.call(a.Plan, v)
	if err != nil {
		return call, err
	}
	got := v["answers"].(expr.Answers)
	if call.Account != c.Account || call.Region != c.Region || !got.Fill(s.With.Needs, c.Item, c.With, call.With) {
		return call, errors.New("with the answers of earlier calls it is not the call that the plan shows")
	}
	return call, nil
}

// try is what came of making a call once.
type try struct {
	done, before bool
	answer       map[string]any
	why          string
	doubt        bool // it may have been carried out
	repeat       bool // it may be carried out when it is made again
	later        bool // what it needs is not seen yet
}

func (a *applying) once(ctx context.Context, s *Step, c Call, item any, again bool) try {
	if again && s.Found != nil {
		found, err := a.look(ctx, s.Found, item)
		if err != nil {
			return try{why: "whether it was made could not be read: " + err.Error(), doubt: true, repeat: true}
		}
		if found != nil {
			return try{done: true, before: true, answer: found}
		}
	}
	answer, err := a.Writer.Write(ctx, c)
	if err == nil {
		return try{done: true, answer: answer}
	}
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		return try{why: fmt.Sprintf("it is not known whether it was carried out: %v", err), doubt: true, repeat: true}
	}
	if slices.Contains(s.Already, refusal.Code) && (again || a.Plan.Undoes != "") {
		return try{done: true, before: true, answer: map[string]any{}}
	}
	why := refusal.Code + ": " + refusal.Message
	switch {
	case refusal.Denied:
		why += "; hint: the write role of the class " + a.Plan.Class + " needs this permission: rootkeep role render"
	case refusal.Expired:
		why += "; hint: the credentials have ended; renew them and apply the change again"
	}
	return try{why: why, repeat: refusal.Throttled, later: slices.Contains(s.Later, refusal.Code)}
}

// look asks until AWS may be thought to show what was made; nil is that it was not.
func (a *applying) look(ctx context.Context, q *Read, item any) (map[string]any, error) {
	for _, pause := range append([]time.Duration{0}, pauses...) {
		if pause > 0 {
			if err := a.Clock.Sleep(ctx, pause); err != nil {
				return nil, err
			}
		}
		found, err := q.state(ctx, a.Reader, a.Plan, a.values(item))
		if err != nil {
			return nil, err
		}
		list, ok := found.([]any)
		if !ok {
			list = []any{found}
		}
		for _, e := range list {
			if m, ok := e.(map[string]any); ok {
				return m, nil
			}
		}
	}
	return nil, nil
}

// keep writes down that a call was carried out, with the parts of its answer that others
// name.
func (a *applying) keep(ctx context.Context, n int, s *Step, t try) (*Outcome, error) {
	m := Made{Number: n, At: a.Clock.Now().UTC(), Parts: map[string]any{}, Before: t.before}
	for _, path := range a.kind.parts(s.ID) {
		v := expr.Part(t.answer, path)
		if v == nil {
			out := a.stopped(fmt.Sprintf("call %d of %d, %s: the answer has no %s", n+1, len(a.Plan.Calls), a.Plan.Calls[n].Call, path), true)
			return &out, nil
		}
		m.Parts[path] = v
	}
	if err := a.Journal.Made(ctx, m); err != nil {
		return &Outcome{}, fmt.Errorf("keep call %d of %s: %w", n+1, a.Plan.ID, err)
	}
	a.Run.Made = append(slices.Clone(a.Run.Made), m)
	return nil, nil
}

// verify reads back until the state is as wanted, or AWS had its time.
func (a *applying) verify(ctx context.Context) Outcome {
	until := a.Clock.Now().Add(a.wait)
	out := Outcome{State: Unverified, Calls: len(a.Run.Made)}
	p := *a.Plan
	p.Answers, _ = a.values(nil)["answers"].(expr.Answers)
	for attempt := 0; ; attempt++ {
		state, err := a.kind.read(ctx, a.Reader, &p)
		ok := false
		if err != nil {
			out.Why = "the state could not be read back: " + err.Error()
		} else {
			out.After = state
			ok, out.Why = a.kind.fulfilled(&p, state)
		}
		if ok {
			if out.State = p.End(); out.State == Partial {
				out.Why = "what cannot be undone stays: " + strings.Join(p.Final, "; ")
			}
			return out
		}
		if len(p.Guide) > 0 {
			out.State, out.Why = Stopped, "nobody has done yet what the guide says: "+out.Why
			return out
		}
		pause := pauses[min(attempt, len(pauses)-1)]
		if !a.Clock.Now().Add(pause).Before(until) || a.Clock.Sleep(ctx, pause) != nil {
			return out
		}
	}
}

// step finds a step, or one of an undo, by its ID.
func (k *Kind) step(id string) *Step {
	for i := range k.Calls {
		if k.Calls[i].ID == id {
			return &k.Calls[i]
		}
		for j := range k.Calls[i].Undo {
			if k.Calls[i].Undo[j].ID == id {
				return &k.Calls[i].Undo[j]
			}
		}
	}
	return nil
}

// parts are the paths of a step's answer that expressions name.
func (k *Kind) parts(step string) []string {
	var out []string
	add := func(_ expr.Scope, es ...*expr.Expression) {
		for _, e := range es {
			for _, r := range e.Needs {
				if r.Step == step && !slices.Contains(out, r.Path) {
					out = append(out, r.Path)
				}
			}
		}
	}
	for i := range k.Calls {
		k.Calls[i].expressions(add)
		for j := range k.Calls[i].Undo {
			k.Calls[i].Undo[j].expressions(add)
		}
	}
	add(expr.Checking, &k.Verify)
	return out
}
