package kinds

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/ask"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awswrite"
	"github.com/rootkeep/rootkeep/internal/change"
)

// Tried is what came of a case.
type Tried struct {
	Kind string `json:"kind"`
	Case string `json:"case"`
	Err  string `json:"error,omitempty"` // "": as the case says
}

// Try runs the cases of a kind, each in a world of its own.
func Try(ctx context.Context, k *change.Kind) []Tried {
	out := []Tried{}
	for i := range k.Cases {
		t := Tried{Kind: k.ID, Case: k.Cases[i].Name}
		if err := try(ctx, k, &k.Cases[i]); err != nil {
			t.Err = err.Error()
		}
		out = append(out, t)
	}
	return out
}

// trial is one case on its way.
type trial struct {
	*World
	kind *change.Kind
	of   *change.Case
	in   rootkeep.AccountID // "" for the account of the case
	made []change.Made

	reader *ask.Reader
	writer *awswrite.Writer
}

// IDs of the change that a case makes, and of the request for root that it belongs to if
// it needs one; caseScan names the sessions that only look at a root user.
const (
	caseID      = "CH-CASE"
	caseRequest = "RR-CASE"
	caseScan    = "SC-CASE"
)

func (t *trial) begin() (err error) {
	reads, writes := caseID, caseID
	if t.kind.ReadsAsRoot() {
		reads = caseScan
	}
	if t.kind.WritesAsRoot() {
		writes = caseRequest
	}
	if t.reader, err = ask.Begin(t.base, session.Entry{Role: ReadRole, Name: reads, Entered: t.Entered}); err != nil {
		return err
	}
	t.writer, err = awswrite.Begin(t.base, session.Entry{Role: RoleOf(t.kind.Class), Name: writes, Entered: t.Entered})
	return err
}

// Made is of change.Journal.
func (t *trial) Made(_ context.Context, m change.Made) error {
	t.made = append(t.made, m)
	return nil
}

func try(ctx context.Context, k *change.Kind, c *change.Case) error {
	w, err := NewWorld(ctx, k)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.prepare(c, c.World); err != nil {
		return fmt.Errorf("world: %w", err)
	}
	t := &trial{World: w, kind: k, of: c}
	if err := t.begin(); err != nil {
		return err
	}
	p, err := t.plan(ctx)
	switch {
	case c.Want == "nothing" && errors.Is(err, change.ErrNothing):
		return nil
	case c.Want == "refused":
		return t.refused(err)
	case err != nil:
		return err
	case c.Want == "nothing":
		return fmt.Errorf("planned %d calls, want nothing to do", len(p.Calls))
	}
	return t.apply(ctx, p)
}

func (t *trial) refused(err error) error {
	if r := (*change.Refused)(nil); !errors.As(err, &r) {
		return fmt.Errorf("got %v, want it refused", err)
	}
	if !strings.Contains(err.Error(), t.of.Says) {
		return fmt.Errorf("got %q, want a reason with %q", err, t.of.Says)
	}
	return nil
}

// plan plans while every call that would change something is refused.
func (t *trial) plan(ctx context.Context) (*change.Plan, error) {
	given, err := t.filled(t.of, t.of.Parameters)
	if err != nil {
		return nil, fmt.Errorf("parameters: %w", err)
	}
	t.Cloud.AddFault(cloud.Fault{Kind: cloud.Deny, Writes: true})
	defer t.Cloud.ClearFaults()
	p, err := t.kind.Plan(ctx, t.reader, caseID, t.target(), given, t.Now())
	if err != nil {
		return nil, err
	}
	text, err := p.Bytes() // as the store keeps it
	if err != nil {
		return nil, err
	}
	return change.ParsePlan(text)
}

// at is where a kind is applied.
func (w *World) at(id rootkeep.AccountID, k *change.Kind) change.Target {
	t := change.Target{Account: id, Region: home, Partition: "aws", Management: w.manager, Role: "arn:aws:iam::" + string(id) + ":role/" + RoleOf(k.Class)}
	if k.WritesAsRoot() {
		t.For = caseRequest
	}
	return t
}

func (t *trial) target() change.Target {
	return t.at(cmp.Or(t.in, account(t.of)), t.kind)
}

func (t *trial) run(p *change.Plan, made []change.Made) change.Run {
	t.made = made
	return change.Run{Plan: p, Made: made, Reader: t.reader, Writer: t.writer, Journal: t, Clock: change.Clock{
		Now: t.Now, Sleep: func(ctx context.Context, d time.Duration) error { t.Wait(d); return ctx.Err() },
	}}
}

func (t *trial) apply(ctx context.Context, p *change.Plan) error {
	var calls []string
	for _, c := range p.Calls {
		calls = append(calls, c.Operation)
	}
	if len(t.of.Calls) > 0 && !slices.Equal(calls, t.of.Calls) {
		return fmt.Errorf("plans the calls %v, want %v", calls, t.of.Calls)
	}
	if err := t.prepare(t.of, t.of.Then); err != nil {
		return fmt.Errorf("then: %w", err)
	}
	out, err := t.kind.Apply(ctx, t.run(p, nil))
	switch {
	case err != nil:
		return err
	case t.of.Want == "waiting":
		if out.State != change.Stopped || out.Calls > 0 {
			return fmt.Errorf("got %s: %s, want it waiting for a person", out.State, out.Why)
		}
		return nil
	case out.State != change.Applied:
		return fmt.Errorf("%s: %s", out.State, out.Why)
	}
	if _, err := t.plan(ctx); !errors.Is(err, change.ErrNothing) && len(p.Final) == 0 {
		return fmt.Errorf("planned again: got %v, want nothing to do", err)
	}
	if len(p.Guide) > 0 {
		return nil
	}
	return t.undo(ctx, p, out)
}

// undo undoes what can be undone; the engine compares the state with the one before.
func (t *trial) undo(ctx context.Context, p *change.Plan, out change.Outcome) error {
	u, err := t.kind.Undo(ctx, t.reader, "CH-UNDO", p.For, p, t.made, false, out.After, t.Now())
	switch {
	case errors.Is(err, change.ErrFinal) && len(p.Final) > 0:
		return nil
	case err != nil:
		return fmt.Errorf("undo: %w", err)
	case len(u.Drift) > 0:
		return fmt.Errorf("undo: the state is not the one that was read back: %s", u.Drift[0].Path)
	}
	out, err = t.kind.Apply(ctx, t.run(u, nil))
	if err != nil {
		return fmt.Errorf("undo: %w", err)
	}
	if out.State != u.End() {
		return fmt.Errorf("undo: %s: %s", out.State, out.Why)
	}
	return nil
}
