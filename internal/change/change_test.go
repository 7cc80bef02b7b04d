package change_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// shelf is a service of the tests: things by name, each a text, and made things that get
// an ID of their own. It answers as AWS would.
type shelf struct {
	things map[string]string
	made   int
	calls  []string
	// before is asked before a call is carried out, after once it was: an error is what
	// the caller gets.
	before, after func(n int, c change.Call) error
}

func newShelf(names ...string) *shelf {
	s := &shelf{things: map[string]string{}}
	for i := 0; i < len(names); i += 2 {
		s.things[names[i]] = names[i+1]
	}
	return s
}

func (s *shelf) Read(_ context.Context, c change.Call) (map[string]any, error) {
	name := c.With["Name"].(string)
	v, ok := s.things[name]
	if !ok {
		return nil, &change.Refusal{Call: c, Code: "NoSuchThing", Message: name}
	}
	return map[string]any{"Thing": map[string]any{"Name": name, "Text": v, "Seen": int64(len(s.calls))}}, nil
}

func (s *shelf) Write(_ context.Context, c change.Call) (map[string]any, error) {
	n := len(s.calls)
	s.calls = append(s.calls, c.Operation+" "+fmt.Sprint(c.With["Name"]))
	if s.before != nil {
		if err := s.before(n, c); err != nil {
			return nil, err
		}
	}
	out, err := s.write(c)
	if s.after != nil && err == nil {
		err = s.after(n, c)
	}
	return out, err
}

func (s *shelf) write(c change.Call) (map[string]any, error) {
	name := c.With["Name"].(string)
	switch c.Operation {
	case "shelf:PutThing":
		s.things[name] = c.With["Text"].(string)
		return map[string]any{}, nil
	case "shelf:CreateThing":
		if _, ok := s.things[name]; ok {
			return nil, &change.Refusal{Call: c, Code: "ThingExists", Message: name}
		}
		s.made++
		s.things[name] = c.With["Text"].(string)
		return map[string]any{"Thing": map[string]any{"ID": fmt.Sprintf("T%d", s.made)}}, nil
	case "shelf:DeleteThing":
		if _, ok := s.things[name]; !ok {
			return nil, &change.Refusal{Call: c, Code: "NoSuchThing", Message: name}
		}
		delete(s.things, name)
		return map[string]any{}, nil
	}
	panic(c.Operation)
}

func operations(name string) (change.Operation, bool) {
	switch name {
	case "shelf:GetThing":
		return change.Operation{Actions: []string{name}}, true
	case "shelf:PutThing", "shelf:CreateThing", "shelf:DeleteThing":
		return change.Operation{Writes: true, Actions: []string{name}}, true
	}
	return change.Operation{}, false
}

// two is a kind that makes a thing, and puts what that was answered into another.
const two = `id: two-things
kind: change
title: Make one thing and write it into another
why: A test.
class: logging
risk: low
breaks: Nothing.
source: none
parameters:
  text: {about: what the first holds, type: text, default: hello}
  label: {about: the second, type: text, default: label}
resource: "'shelf/' + parameters.label"
reads:
  - {id: first, call: "shelf:GetThing", with: "{'Name': 'first'}", none: [NoSuchThing], keep: "{'text': got.Thing.Text}"}
  - {id: label, call: "shelf:GetThing", with: "{'Name': parameters.label}", none: [NoSuchThing], keep: "{'text': got.Thing.Text}"}
requires:
  - {that: "prior.first == null || prior.first.text != 'locked'", else: "'the first thing is locked: ' + prior.first.text"}
wants:
  first: "{'text': parameters.text}"
verify: after.label.text == 'see ' + answer('make', 'Thing.ID')
wait: 30s
calls:
  - id: make
    call: shelf:CreateThing
    with: "{'Name': 'first', 'Text': parameters.text}"
    already: [ThingExists]
    found: {call: "shelf:GetThing", with: "{'Name': 'first'}", none: [NoSuchThing], keep: "{'Thing': {'ID': 'T1'}}"}
    undo: [{call: "shelf:DeleteThing", with: "{'Name': 'first'}", already: [NoSuchThing]}]
  - id: write
    call: shelf:PutThing
    about: "'writes the label'"
    with: "{'Name': parameters.label, 'Text': 'see ' + answer('make', 'Thing.ID')}"
    undo:
      - {when: prior.label == null, call: "shelf:DeleteThing", with: "{'Name': parameters.label}", already: [NoSuchThing]}
      - {when: prior.label != null, call: "shelf:PutThing", with: "{'Name': parameters.label, 'Text': prior.label.text}"}
permissions: ["shelf:CreateThing", "shelf:PutThing", "shelf:DeleteThing"]
cases: [{name: one, want: applied}]
`

func load(t *testing.T, text string) *change.Kind {
	t.Helper()
	kinds, problems := loadAll(text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return kinds[0]
}

func loadAll(text string) ([]*change.Kind, []error) {
	id, _, _ := strings.Cut(strings.TrimPrefix(text, "id: "), "\n")
	return change.Load(operations, rule.Source{FS: fstest.MapFS{"d/" + id + ".yaml": {Data: []byte(text)}}, Dir: "d", Name: "d"})
}

var (
	target = change.Target{Account: "111122223333", Region: "us-east-1", Partition: "aws"}
	start  = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
)

// runner applies a plan as a server would, and may die.
type runner struct {
	t     *testing.T
	kind  *change.Kind
	shelf *shelf
	made  []change.Made
	keep  func(n int) error // before a call is written down
	slept time.Duration
}

func (r *runner) Made(_ context.Context, m change.Made) error {
	if r.keep != nil {
		if err := r.keep(len(r.made)); err != nil {
			return err
		}
	}
	r.made = append(r.made, m)
	return nil
}

func (r *runner) plan(given map[string]any) *change.Plan {
	r.t.Helper()
	p, err := r.kind.Plan(r.t.Context(), r.shelf, "CH-1", target, given, start)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.again(p)
}

// again writes the plan and reads it, as the store does.
func (r *runner) again(p *change.Plan) *change.Plan {
	r.t.Helper()
	text, err := p.Bytes()
	if err != nil {
		r.t.Fatal(err)
	}
	again, err := change.ParsePlan(text)
	if err != nil {
		r.t.Fatal(err)
	}
	if d := cmp.Diff(p, again, cmp.AllowUnexported(change.Plan{})); d != "" && p.Answers == nil {
		r.t.Errorf("the plan as it was read again differs:\n%s", d)
	}
	return again
}

func (r *runner) apply(p *change.Plan, begun bool) (change.Outcome, error) {
	clock := change.Clock{
		Now:   func() time.Time { return start.Add(r.slept) },
		Sleep: func(_ context.Context, d time.Duration) error { r.slept += d; return nil },
	}
	return r.kind.Apply(r.t.Context(), change.Run{Plan: p, Made: r.made, Begun: begun, Reader: r.shelf, Writer: r.shelf, Clock: clock, Journal: r})
}

func (r *runner) mustApply(p *change.Plan) change.Outcome {
	r.t.Helper()
	out, err := r.apply(p, false)
	if err != nil || out.State != change.Applied {
		r.t.Fatalf("got %+v, %v, want applied", out, err)
	}
	return out
}

func TestAPlanShowsAndDoesNothing(t *testing.T) {
	r := &runner{t: t, kind: load(t, two), shelf: newShelf("label", "old ${aws:username} <Thing.ID of make>")}
	p := r.plan(nil)
	if len(r.shelf.calls) > 0 {
		t.Fatalf("planning made the calls %v", r.shelf.calls)
	}
	if len(p.Calls) != 2 || p.Calls[0].Later || !p.Calls[1].Later || p.Calls[1].With["Text"] != "see <Thing.ID of make>" {
		t.Errorf("got calls %+v", p.Calls)
	}
	if got := p.Calls[1].Undo[0].With["Text"]; got != "old ${aws:username} <Thing.ID of make>" {
		t.Errorf("the undo would write %q", got)
	}
	want := []change.Difference{{Path: "first", Before: nil, After: map[string]any{"text": "hello"}}}
	if d := cmp.Diff(want, p.Diff); d != "" {
		t.Error(d)
	}
	if !p.Undoable() || len(p.Resources) != 1 || p.Resources[0] != "111122223333/shelf/label" {
		t.Errorf("got final %v, resources %v", p.Final, p.Resources)
	}
	if p.Calls[1].About != "writes the label" {
		t.Errorf("got about %q", p.Calls[1].About)
	}
}

func TestAppliedAndUndone(t *testing.T) {
	for name, before := range map[string][]string{"nothing before": nil, "a label before": {"label", "old ${aws:username}"}} {
		t.Run(name, func(t *testing.T) {
			r := &runner{t: t, kind: load(t, two), shelf: newShelf(before...)}
			prior := maps.Clone(r.shelf.things)
			p := r.plan(nil)
			out := r.mustApply(p)
			if r.shelf.things["label"] != "see T1" {
				t.Errorf("got %v", r.shelf.things)
			}
			undo, err := r.kind.Undo(t.Context(), r.shelf, "CH-3", "", p, r.made, false, out.After, start)
			if err != nil {
				t.Fatal(err)
			}
			if len(undo.Drift) > 0 || undo.Undoes != "CH-1" {
				t.Errorf("got drift %v, undoes %s", undo.Drift, undo.Undoes)
			}
			r.made = nil
			r.mustApply(r.again(undo))
			if d := cmp.Diff(prior, r.shelf.things); d != "" {
				t.Errorf("undone, the state differs from the one before:\n%s", d)
			}
		})
	}
}

func TestUndoSaysWhatOthersChangedSince(t *testing.T) {
	r := &runner{t: t, kind: load(t, two), shelf: newShelf()}
	p := r.plan(nil)
	out := r.mustApply(p)
	r.shelf.things["label"] = "mine"
	undo, err := r.kind.Undo(t.Context(), r.shelf, "CH-3", "", p, r.made, false, out.After, start)
	if err != nil {
		t.Fatal(err)
	}
	want := []change.Difference{{Path: "label.text", Before: "mine", After: "see T1"}}
	if d := cmp.Diff(want, undo.Drift); d != "" {
		t.Error(d)
	}
}

// TestWhatIsLeftAfterAnUndoInPart undoes a call beside one that cannot be undone: what
// the change verified need not hold any more.
func TestWhatIsLeftAfterAnUndoInPart(t *testing.T) {
	making := `    undo: [{call: "shelf:DeleteThing", with: "{'Name': 'first'}", already: [NoSuchThing]}]`
	r := &runner{t: t, kind: load(t, strings.Replace(two, making, "    final: There is no way back.", 1)), shelf: newShelf("label", "old")}
	p := r.plan(nil)
	out := r.mustApply(p)
	undo, err := r.kind.Undo(t.Context(), r.shelf, "CH-2", "", p, r.made, false, out.After, start)
	if err != nil {
		t.Fatal(err)
	}
	made := r.made
	r.made = nil
	got, err := r.apply(r.again(undo), false)
	if err != nil || got.State != change.Partial || !strings.Contains(got.Why, "There is no way back.") {
		t.Errorf("got %+v, %v, want it partial, with what stays", got, err)
	}
	if want := map[string]string{"first": "hello", "label": "old"}; !maps.Equal(r.shelf.things, want) {
		t.Errorf("got %v, want %v", r.shelf.things, want)
	}
	made[1].Undone = true // as the store says
	if _, err := r.kind.Undo(t.Context(), r.shelf, "CH-3", "", p, made, false, out.After, start); !errors.Is(err, change.ErrFinal) {
		t.Errorf("undone again: got %v, want ErrFinal", err)
	}
}

// TestAnUndoGoesOnWhereOneEnded undoes what an undo that was given up left.
func TestAnUndoGoesOnWhereOneEnded(t *testing.T) {
	r := &runner{t: t, kind: load(t, two), shelf: newShelf("label", "old")}
	p := r.plan(nil)
	out := r.mustApply(p)
	undo, err := r.kind.Undo(t.Context(), r.shelf, "CH-2", "", p, r.made, false, out.After, start)
	if err != nil || len(undo.Calls) != 2 || undo.Calls[0].Back != 2 || undo.Calls[1].Back != 1 {
		t.Fatalf("got %+v, %v, want the second call undone first", undo, err)
	}
	if _, err := r.shelf.Write(t.Context(), undo.Calls[0].Call); err != nil {
		t.Fatal(err)
	}
	r.made[1].Undone = true
	rest, err := r.kind.Undo(t.Context(), r.shelf, "CH-3", "", p, r.made, false, out.After, start)
	if err != nil || len(rest.Calls) != 1 || rest.Calls[0].Back != 1 {
		t.Fatalf("got %+v, %v, want the first call alone", rest, err)
	}
	r.made = nil
	r.mustApply(r.again(rest))
	if want := map[string]string{"label": "old"}; !maps.Equal(r.shelf.things, want) {
		t.Errorf("got %v, want %v", r.shelf.things, want)
	}
}

// TestUndoDoesNotAskForWhatPasses has a part of the state change by itself: before the
// change it is drift, afterwards it is not.
func TestUndoDoesNotAskForWhatPasses(t *testing.T) {
	text := strings.Replace(two, "  - {id: label,", "  - {id: mood, passing: true, call: \"shelf:GetThing\", with: \"{'Name': 'mood'}\", none: [NoSuchThing], keep: got.Thing.Text}\n  - {id: label,", 1)
	r := &runner{t: t, kind: load(t, text), shelf: newShelf("mood", "good")}
	p := r.plan(nil)
	r.shelf.things["mood"] = "bad"
	if out, err := r.apply(p, false); err != nil || out.State != change.Drifted {
		t.Fatalf("got %+v, %v", out, err)
	}
	p = r.plan(nil)
	r.mustApply(p)
	r.shelf.things["mood"] = "worse"
	undo, err := r.kind.Undo(t.Context(), r.shelf, "CH-2", "", p, r.made, false, map[string]any{"mood": "bad", "first": nil}, start)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range append(undo.Diff, undo.Drift...) {
		if d.Path == "mood" {
			t.Errorf("the undo asks for %+v", d)
		}
	}
	r.made = nil
	r.mustApply(undo)
	if d := cmp.Diff(map[string]string{"mood": "worse"}, r.shelf.things); d != "" {
		t.Error(d)
	}
}

func TestADriftedStateIsRefused(t *testing.T) {
	r := &runner{t: t, kind: load(t, two), shelf: newShelf()}
	p := r.plan(nil)
	r.shelf.things["label"] = "somebody was here"
	out, err := r.apply(p, false)
	if err != nil || out.State != change.Drifted || len(out.Drift) != 1 || len(r.shelf.calls) > 0 {
		t.Errorf("got %+v, %v, calls %v", out, err, r.shelf.calls)
	}
}

var errDead = errors.New("the process died")

// TestADeathAtEachStep kills the apply before a call, after it, and before it is written
// down, of each call, and goes on in another process.
func TestADeathAtEachStep(t *testing.T) {
	for n := range 2 {
		for _, when := range []string{"before the call", "after the call", "before it is written down"} {
			t.Run(fmt.Sprintf("call %d, %s", n+1, when), func(t *testing.T) {
				r := &runner{t: t, kind: load(t, two), shelf: newShelf("label", "old")}
				p := r.plan(nil)
				die := func(i int) error {
					if i == n {
						panic(errDead)
					}
					return nil
				}
				switch when {
				case "before the call":
					r.shelf.before = func(i int, _ change.Call) error { return die(i) }
				case "after the call":
					r.shelf.after = func(i int, _ change.Call) error { return die(i) }
				default:
					r.keep = die
				}
				func() {
					defer func() {
						if recover() != errDead {
							t.Fatal("it did not die")
						}
					}()
					_, _ = r.apply(p, false)
				}()
				r.shelf.before, r.shelf.after, r.keep = nil, nil, nil
				out, err := r.apply(p, true)
				if err != nil || out.State != change.Applied {
					t.Fatalf("gone on with: got %+v, %v", out, err)
				}
				want := map[string]string{"first": "hello", "label": "see T1"}
				if d := cmp.Diff(want, r.shelf.things); d != "" || r.shelf.made != 1 {
					t.Errorf("made %d things:\n%s", r.shelf.made, d)
				}
			})
		}
	}
}

func TestWhatAWSAnswers(t *testing.T) {
	refuse := func(r change.Refusal, times int) func(int, change.Call) error {
		return func(n int, c change.Call) error {
			if n < times {
				r.Call = c
				return &r
			}
			return nil
		}
	}
	cut := func(times int) func(int, change.Call) error {
		return func(n int, _ change.Call) error {
			if n < times {
				return errors.New("connection reset")
			}
			return nil
		}
	}
	for name, tt := range map[string]struct {
		before, after func(int, change.Call) error
		state         change.State
		calls         int
		doubt         bool
		why           string
	}{
		"throttled twice":                  {before: refuse(change.Refusal{Code: "Throttling", Throttled: true}, 2), state: change.Applied, calls: 2},
		"throttled for good":               {before: refuse(change.Refusal{Code: "Throttling", Throttled: true}, 99), state: change.Stopped, why: "Throttling"},
		"denied":                           {before: refuse(change.Refusal{Code: "AccessDenied", Denied: true}, 99), state: change.Stopped, why: "rootkeep role render"},
		"credentials that ended":           {before: refuse(change.Refusal{Code: "ExpiredToken", Expired: true}, 99), state: change.Stopped, why: "renew them"},
		"cut before it was carried out":    {before: cut(1), state: change.Applied, calls: 2},
		"cut after it was carried out":     {after: cut(1), state: change.Applied, calls: 2},
		"cut for good, nothing is done":    {before: cut(99), state: change.Stopped, doubt: true, why: "not known"},
		"the thing is somebody else's now": {before: refuse(change.Refusal{Code: "ThingExists"}, 1), state: change.Stopped, why: "ThingExists"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &runner{t: t, kind: load(t, two), shelf: newShelf()}
			p := r.plan(nil)
			r.shelf.before, r.shelf.after = tt.before, tt.after
			out, err := r.apply(p, false)
			if err != nil || out.State != tt.state || out.Calls != tt.calls || out.Doubt != tt.doubt || !strings.Contains(out.Why, tt.why) {
				t.Errorf("got %+v, %v", out, err)
			}
			if r.shelf.made > 1 {
				t.Errorf("made %d things", r.shelf.made)
			}
		})
	}
}

// TestWhatWasMadeIsFoundInAList looks for a thing by a list that is asked first.
func TestWhatWasMadeIsFoundInAList(t *testing.T) {
	found := `found: {call: "shelf:GetThing", with: "{'Name': 'first'}", none: [NoSuchThing], keep: "{'Thing': {'ID': 'T1'}}"}`
	listed := `found: {first: {id: names, call: "shelf:GetThing", with: "{'Name': 'names'}", keep: "got.Thing.Text.split(' ')"}, each: prior.names, call: "shelf:GetThing",
      with: "{'Name': item}", none: [NoSuchThing], keep: "item != 'first' ? null : dyn({'Thing': {'ID': 'T1'}})"}`
	r := &runner{t: t, kind: load(t, strings.Replace(two, found, listed, 1)), shelf: newShelf("names", "other gone first", "other", "hello")}
	p := r.plan(nil)
	r.shelf.after = func(n int, _ change.Call) error {
		if n == 0 {
			return errors.New("connection reset")
		}
		return nil
	}
	if out, err := r.apply(p, false); err != nil || out.State != change.Applied || r.shelf.made != 1 || r.shelf.things["label"] != "see T1" {
		t.Errorf("got %+v, %v, made %d things, %v", out, err, r.shelf.made, r.shelf.things)
	}
	_, problems := loadAll(strings.Replace(two, found, strings.Replace(listed, "GetThing", "PutThing", 1), 1))
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "changes the account, and this is a read") {
		t.Errorf("got %v, want that a list is read", problems)
	}
}

func TestWhatIsNotSeenInTimeIsUnverified(t *testing.T) {
	r := &runner{t: t, kind: load(t, two), shelf: newShelf()}
	p := r.plan(nil)
	r.shelf.after = func(n int, _ change.Call) error {
		if n == 1 {
			r.shelf.things["label"] = "not what was written"
		}
		return nil
	}
	out, err := r.apply(p, false)
	if err != nil || out.State != change.Unverified || out.Calls != 2 || out.Why == "" || r.slept > 30*time.Second {
		t.Errorf("got %+v, %v after %s", out, err, r.slept)
	}
}

func TestAStoppedChangeIsUndone(t *testing.T) {
	r := &runner{t: t, kind: load(t, two), shelf: newShelf("label", "old")}
	p := r.plan(nil)
	r.shelf.before = func(n int, c change.Call) error {
		if n > 0 {
			return &change.Refusal{Call: c, Code: "AccessDenied", Denied: true}
		}
		return nil
	}
	if out, err := r.apply(p, false); err != nil || out.State != change.Stopped || out.Calls != 1 {
		t.Fatalf("got %+v, %v", out, err)
	}
	r.shelf.before = nil
	undo, err := r.kind.Undo(t.Context(), r.shelf, "CH-2", "", p, r.made, false, nil, start)
	if err != nil {
		t.Fatal(err)
	}
	r.made = nil
	r.mustApply(undo)
	if d := cmp.Diff(map[string]string{"label": "old"}, r.shelf.things); d != "" {
		t.Error(d)
	}
}

func TestWhatIsNotPlanned(t *testing.T) {
	for name, tt := range map[string]struct {
		things []string
		given  map[string]any
		want   string
	}{
		"what it requires does not hold": {things: []string{"first", "locked"}, want: "the first thing is locked: locked"},
		"a parameter that it has not":    {given: map[string]any{"colour": "red"}, want: `no parameter "colour"; hint: it has label, text`},
		"a parameter of another type":    {given: map[string]any{"text": int64(5)}, want: "parameter text: 5: want a text"},
	} {
		t.Run(name, func(t *testing.T) {
			k, s := load(t, two), newShelf(tt.things...)
			_, err := k.Plan(t.Context(), s, "CH-1", target, tt.given, start)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	t.Run("a read that is denied", func(t *testing.T) {
		_, err := load(t, two).Plan(t.Context(), denied{}, "CH-1", target, nil, start)
		if r := (*change.Refusal)(nil); !errors.As(err, &r) || !strings.Contains(err.Error(), "read first") {
			t.Errorf("got %v", err)
		}
	})
}

type denied struct{}

func (denied) Read(_ context.Context, c change.Call) (map[string]any, error) {
	return nil, &change.Refusal{Call: c, Code: "AccessDenied", Denied: true}
}

func TestAKindThatIsWrongIsNamed(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, want string }{
		"an unknown call":               {"call: shelf:CreateThing", "call: shelf:StealThing", `call make: unknown call "shelf:StealThing"`},
		"a read that writes":            {`id: label, call: "shelf:GetThing"`, `id: label, call: "shelf:PutThing"`, "read label: shelf:PutThing changes the account"},
		"a call that only reads":        {"call: shelf:CreateThing", "call: shelf:GetThing", "call make: shelf:GetThing changes nothing"},
		"a permission that is missing":  {`"shelf:CreateThing", "shelf:PutThing"`, `"shelf:CreateThing"`, "permissions: shelf:PutThing is missing"},
		"a misspelt name":               {"parameters.text}\"\nverify", "paramters.text}\"\nverify", "d/two-things.yaml:19:10: "},
		"an answer in a read":           {"with: \"{'Name': parameters.label}\", none", "with: \"{'Name': answer('make', 'x')}\", none", "undeclared reference"},
		"an answer of no step":          {"answer('make', 'Thing.ID')}", "answer('bake', 'Thing.ID')}", `answer("bake", "Thing.ID"): no call is called so`},
		"an answer that is not a text":  {"answer('make', 'Thing.ID')}", "answer(parameters.text, 'Thing.ID')}", "want two texts in quotation marks"},
		"neither undo nor final":        {"    undo: [{call: \"shelf:DeleteThing\", with: \"{'Name': 'first'}\", already: [NoSuchThing]}]\n", "", "call make: want either undo, or final"},
		"a wanted thing that is unread": {"wants:\n  first", "wants:\n  third", "wants third: no read is called so"},
		"an unknown key":                {"class: logging", "class: logging\ncolour: red", "colour"},
		"an unknown class":              {"class: logging", "class: magic", `class "magic": want one of identity`},
		"no case":                       {"cases: [{name: one, want: applied}]\n", "", "no cases"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(two, tt.old) {
				t.Fatalf("the kind has no %q", tt.old)
			}
			_, problems := loadAll(strings.Replace(two, tt.old, tt.new, 1))
			if len(problems) != 1 || !strings.Contains(problems[0].Error(), tt.want) || !strings.Contains(problems[0].Error(), "d/two-things.yaml") {
				t.Errorf("got %v, want %q", problems, tt.want)
			}
		})
	}
}

// guided is a change that a person makes.
const guided = `id: guided
kind: change
title: Have a person empty the shelf
why: A test.
class: root
risk: low
breaks: Nothing.
source: none
resource: "'shelf'"
reads: [{id: thing, call: "shelf:GetThing", with: "{'Name': 'first'}", none: [NoSuchThing], keep: got.Thing.Text}]
wants: {thing: "null"}
guide:
  - "'Sign in to ' + account + '.'"
  - "'Take away the thing that holds ' + prior.thing + '.'"
cases: [{name: one, want: waiting}]
`

func TestAGuideWaitsForAPerson(t *testing.T) {
	r := &runner{t: t, kind: load(t, guided), shelf: newShelf("first", "x")}
	p := r.plan(nil)
	if len(p.Guide) != 2 || p.Guide[1] != "Take away the thing that holds x." || p.Undoable() {
		t.Errorf("got %q", p.Guide)
	}
	if out, err := r.apply(p, false); err != nil || out.State != change.Stopped || !strings.Contains(out.Why, "nobody has done yet") || r.slept > 0 {
		t.Errorf("got %+v, %v after %s", out, err, r.slept)
	}
	delete(r.shelf.things, "first")
	out, err := r.apply(p, true)
	if err != nil || out.State != change.Applied {
		t.Errorf("got %+v, %v", out, err)
	}
	if _, err := r.kind.Undo(t.Context(), r.shelf, "CH-2", "", p, nil, false, out.After, start); !errors.Is(err, change.ErrFinal) {
		t.Errorf("undo: got %v", err)
	}
}

func TestAPlanIsHeldToItsKind(t *testing.T) {
	r := &runner{t: t, kind: load(t, two), shelf: newShelf()}
	p := r.plan(nil)
	r.kind = load(t, strings.Replace(two, "'see '", "'look at '", 2))
	if _, err := r.apply(p, false); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Errorf("got %v", err)
	}
}

func TestAPlanThatWasAlteredIsNoPlan(t *testing.T) {
	r := &runner{t: t, kind: load(t, two), shelf: newShelf()}
	text, err := r.plan(nil).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for name, altered := range map[string]string{
		"a space":       strings.Replace(string(text), ":", ": ", 1),
		"a member more": strings.Replace(string(text), `{"account"`, `{"a":1,"account"`, 1),
		"another order": strings.Replace(string(text), `"account":"111122223333","breaks":"Nothing."`, `"breaks":"Nothing.","account":"111122223333"`, 1),
		"half of it":    string(text[:len(text)/2]),
	} {
		if altered == string(text) {
			t.Fatalf("%s: nothing was altered", name)
		}
		if _, err := change.ParsePlan([]byte(altered)); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
