package kinds

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/change"
)

// death is the end of a process in the middle of something.
type death struct{}

// trouble is what goes wrong at one call of an apply.
type trouble struct {
	name string
	// at is called around the call of that number; call makes it.
	at func(n int, c change.Call, call func() (map[string]any, error)) (map[string]any, error)
	// unwritten: it dies when the call is to be written down.
	unwritten bool
	// ends is how the first run ends if it does not die.
	ends change.State
	undo bool // then it is undone, and not gone on with
}

func refused(c change.Call, r change.Refusal) (map[string]any, error) {
	r.Call = c
	return nil, &r
}

// troubles are those of the process, of the connection and of AWS.
var troubles = []trouble{
	{name: "dies before the call", at: func(int, change.Call, func() (map[string]any, error)) (map[string]any, error) { panic(death{}) }},
	{name: "dies after the call", at: func(_ int, _ change.Call, call func() (map[string]any, error)) (map[string]any, error) {
		_, _ = call()
		panic(death{})
	}},
	{name: "dies before it is written down", unwritten: true},
	{name: "denied", ends: change.Stopped, at: func(_ int, c change.Call, _ func() (map[string]any, error)) (map[string]any, error) {
		return refused(c, change.Refusal{Code: "AccessDenied", Denied: true})
	}},
	{name: "denied, then undone", ends: change.Stopped, undo: true, at: func(_ int, c change.Call, _ func() (map[string]any, error)) (map[string]any, error) {
		return refused(c, change.Refusal{Code: "AccessDenied", Denied: true})
	}},
	{name: "credentials end", ends: change.Stopped, at: func(_ int, c change.Call, _ func() (map[string]any, error)) (map[string]any, error) {
		return refused(c, change.Refusal{Code: "ExpiredToken", Expired: true})
	}},
	{name: "throttled twice", ends: change.Applied, at: func(n int, c change.Call, call func() (map[string]any, error)) (map[string]any, error) {
		if n < 2 {
			return refused(c, change.Refusal{Code: "Throttling", Throttled: true})
		}
		return call()
	}},
	{name: "cut before it was carried out", ends: change.Applied, at: func(n int, _ change.Call, call func() (map[string]any, error)) (map[string]any, error) {
		if n == 0 {
			return nil, errors.New("connection reset")
		}
		return call()
	}},
	{name: "cut after it was carried out", ends: change.Applied, at: func(n int, _ change.Call, call func() (map[string]any, error)) (map[string]any, error) {
		out, err := call()
		if n == 0 && err == nil {
			return nil, errors.New("connection reset")
		}
		return out, err
	}},
}

// troubled is a trial that meets a trouble at one of its calls, once.
type troubled struct {
	*trial
	trouble *trouble
	number  int // of the call
	done    int // calls that were carried out
	tries   int // of the call
}

// Write is of change.Writer.
func (t *troubled) Write(ctx context.Context, c change.Call) (map[string]any, error) {
	call := func() (map[string]any, error) { return t.writer.Write(ctx, c) }
	if t.trouble == nil || t.trouble.at == nil || t.done != t.number {
		return call()
	}
	t.tries++
	return t.trouble.at(t.tries-1, c, call)
}

// Made is of change.Journal.
func (t *troubled) Made(ctx context.Context, m change.Made) error {
	if t.trouble != nil && t.trouble.unwritten && t.done == t.number {
		panic(death{})
	}
	t.done++
	return t.trial.Made(ctx, m)
}

// apply runs, and says whether it died.
func (t *troubled) apply(ctx context.Context, p *change.Plan, begun bool) (out change.Outcome, died bool, err error) {
	defer func() {
		switch r := recover(); r {
		case nil:
		case death{}:
			died = true
		default:
			panic(r)
		}
	}()
	run := t.run(p, t.made)
	run.Begun, run.Writer, run.Journal = begun, t, t
	out, err = t.kind.Apply(ctx, run)
	return out, false, err
}

// TestEveryCallMeetsTrouble has each call of each kind meet each trouble: in the end the
// state is the wanted one, or after an undo the one before. Without ROOTKEEP_LONG only
// the first case of each kind that is applied, where each call meets a death, and the
// first and the last meet what AWS does.
func TestEveryCallMeetsTrouble(t *testing.T) {
	c, err := Load(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range c.Kinds {
		t.Run(k.ID, func(t *testing.T) {
			t.Parallel()
			for i := range k.Cases {
				if k.Cases[i].Want != "applied" || len(k.Guide) > 0 {
					continue
				}
				everyTrouble(t, k, &k.Cases[i])
				if os.Getenv("ROOTKEEP_LONG") == "" {
					break
				}
			}
		})
	}
}

func everyTrouble(t *testing.T, k *change.Kind, c *change.Case) {
	for i := range troubles {
		x := &troubles[i]
		calls, err := meet(t, k, c, x, 0)
		for n := 1; n < calls && err == nil; n++ {
			if x.ends == "" || n == calls-1 || os.Getenv("ROOTKEEP_LONG") != "" {
				if _, err = meet(t, k, c, x, n); err != nil {
					err = fmt.Errorf("call %d: %w", n+1, err)
				}
			}
		}
		if err != nil {
			t.Errorf("%s: %s: %v", c.Name, x.name, err)
		}
	}
}

// TestEveryFirstCallMayBeInDoubt has the process of every case die after its first call:
// what that call changed is not taken for somebody else's doing.
func TestEveryFirstCallMayBeInDoubt(t *testing.T) {
	c, err := Load(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	dies := troubles[slices.IndexFunc(troubles, func(x trouble) bool { return x.name == "dies after the call" })]
	for _, k := range c.Kinds {
		t.Run(k.ID, func(t *testing.T) {
			t.Parallel()
			for i := range k.Cases {
				if c := &k.Cases[i]; c.Want == "applied" && len(k.Guide) == 0 {
					if _, err := meet(t, k, c, &dies, 0); err != nil {
						t.Errorf("%s: %v", c.Name, err)
					}
				}
			}
		})
	}
}

// start prepares a case and plans it.
func start(ctx context.Context, t *testing.T, k *change.Kind, c *change.Case) (*trial, *change.Plan) {
	t.Helper()
	w, err := NewWorld(ctx, k)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	if err := w.prepare(c, c.World); err != nil {
		t.Fatal(err)
	}
	r := &trial{World: w, kind: k, of: c}
	if err := r.begin(); err != nil {
		t.Fatal(err)
	}
	p, err := r.plan(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return r, p
}

// meet says how many calls the plan has.
func meet(t *testing.T, k *change.Kind, c *change.Case, x *trouble, n int) (calls int, err error) {
	ctx := t.Context()
	r, p := start(ctx, t, k, c)
	defer r.Close()
	first := &troubled{trial: r, trouble: x, number: n}
	out, died, err := first.apply(ctx, p, false)
	calls = len(p.Calls)
	switch {
	case err != nil:
		return calls, err
	case died != (x.ends == ""):
		return calls, fmt.Errorf("died: %v, got %s: %s", died, out.State, out.Why)
	case !died && out.State != x.ends:
		return calls, fmt.Errorf("got %s: %s, want %s", out.State, out.Why, x.ends)
	case out.State == change.Applied:
		return calls, nil
	case !died && out.Calls != n:
		return calls, fmt.Errorf("stopped after %d calls, want %d", out.Calls, n)
	}
	if x.undo {
		return calls, undone(ctx, r, p)
	}
	second := &troubled{trial: r}
	second.done = len(r.made)
	out, _, err = second.apply(ctx, p, true)
	if err == nil && out.State != change.Applied {
		err = fmt.Errorf("gone on with: %s: %s", out.State, out.Why)
	}
	return calls, err
}

func undone(ctx context.Context, r *trial, p *change.Plan) error {
	made := r.made
	u, err := r.kind.Undo(ctx, r.reader, "CH-UNDO", p.For, p, made, false, nil, r.Now())
	switch {
	case errors.Is(err, change.ErrNothing) && len(made) == 0, errors.Is(err, change.ErrFinal) && len(p.Final) > 0:
		return nil
	case err != nil:
		return fmt.Errorf("undo: %w", err)
	}
	out, err := r.kind.Apply(ctx, r.run(u, nil))
	if err == nil && out.State != u.End() {
		err = fmt.Errorf("undo: %s: %s", out.State, out.Why)
	}
	return err
}

// eachApplied runs a test over the first case of each kind that is applied.
func eachApplied(t *testing.T, test func(t *testing.T, k *change.Kind, c *change.Case)) {
	t.Helper()
	all, err := Load(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range all.Kinds {
		i := slices.IndexFunc(k.Cases, func(c change.Case) bool { return c.Want == "applied" })
		if i < 0 || len(k.Guide) > 0 {
			continue
		}
		t.Run(k.ID, func(t *testing.T) {
			t.Parallel()
			test(t, k, &k.Cases[i])
		})
	}
}

// TestTwoPlansOfOneState applies one plan and then another that was made from the same
// state: the second is refused before it calls anything.
func TestTwoPlansOfOneState(t *testing.T) {
	eachApplied(t, func(t *testing.T, k *change.Kind, c *change.Case) {
		r, one := start(t.Context(), t, k, c)
		two, err := r.plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if out, err := k.Apply(t.Context(), r.run(one, nil)); err != nil || out.State != change.Applied {
			t.Fatalf("got %+v, %v", out, err)
		}
		out, err := k.Apply(t.Context(), r.run(two, nil))
		if err != nil || out.State != change.Drifted || len(r.made) > 0 {
			t.Errorf("got %s: %s, %v after %d calls, want drifted", out.State, out.Why, err, len(r.made))
		}
	})
}

// stale is a reader that shows the state before for some seconds after each write, as
// AWS does.
type stale struct {
	*trial
	late    time.Duration
	written time.Time
	seen    map[string]answer
}

type answer struct {
	got map[string]any
	err error
}

func (s *stale) Read(ctx context.Context, c change.Call) (map[string]any, error) {
	key := fmt.Sprint(c)
	if a, ok := s.seen[key]; ok && s.Now().Sub(s.written) < s.late {
		return a.got, a.err
	}
	got, err := s.reader.Read(ctx, c)
	s.seen[key] = answer{got, err}
	return got, err
}

func (s *stale) Write(ctx context.Context, c change.Call) (map[string]any, error) {
	s.written = s.Now()
	return s.writer.Write(ctx, c)
}

// TestAWSShowsAChangeLate applies while what is read is ten seconds old.
func TestAWSShowsAChangeLate(t *testing.T) {
	eachApplied(t, func(t *testing.T, k *change.Kind, c *change.Case) {
		r, p := start(t.Context(), t, k, c)
		s := &stale{trial: r, late: 10 * time.Second, seen: map[string]answer{}}
		run := r.run(p, nil)
		run.Reader, run.Writer = s, s
		if out, err := k.Apply(t.Context(), run); err != nil || out.State != change.Applied {
			t.Errorf("got %s: %s, %v", out.State, out.Why, err)
		}
	})
}
