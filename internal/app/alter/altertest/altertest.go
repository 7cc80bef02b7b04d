// Package altertest is a small organization for tests, with people who plan and approve
// changes, an engine, and accounts on the simulator that it changes.
package altertest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/alter"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/job/run"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	storejobs "github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

// Accounts of the simulated organization.
const (
	Management = rootkeep.AccountID("111111111111")
	Member     = rootkeep.AccountID("222222222222")
)

// World is an organization in which changes are planned: Ann asks and applies, Bob and
// Gus approve everywhere, Cid in the unit of every account; Fay reads in another account
// only.
type World struct {
	*exceptionstest.World
	Gus    *exceptionstest.Person
	Desk   *changes.Desk
	Engine *alter.Engine
	Sim    *kinds.World
	runner atomic.Pointer[run.Runner]
}

// Open makes the world over a store, for pages at the site. Jobs run until the test ends.
func Open(t testing.TB, s *store.Store, at approval.Site) *World {
	t.Helper()
	w := &World{World: &exceptionstest.World{Store: s}}
	w.At(time.Now())
	w.World.Open(t, at)
	w.World.Desk.Kinds = append(w.World.Desk.Kinds, changes.Kind(0))
	w.Gus = w.Person(t, "Gus", people.Approver, people.Everywhere)
	var err error
	if w.Desk, err = changes.New(changes.Desk{Desk: w.World.Desk.Desk}); err != nil {
		t.Fatal(err)
	}
	if w.Sim, err = kinds.NewWorld(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Sim.Close)
	catalogue, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	key := w.Sim.Keys[Management]
	w.Engine, err = alter.New(alter.Config{
		Store: s, Desk: w.Desk, Catalogue: catalogue, Now: time.Now, Wake: w.wake,
		AWS:   session.Config{Region: "us-east-1", Elsewhere: &session.Elsewhere{URL: w.Sim.URL, KeyID: key.ID, Secret: key.Secret}},
		Sleep: w.sleep,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.work(t)
	return w
}

// sleep lets the time of the organization pass for what waits for AWS. What renews a
// lease waits in earnest: a test is over before that is due.
func (w *World) sleep(ctx context.Context, d time.Duration) error {
	if d >= 15*time.Second {
		<-ctx.Done()
		return ctx.Err()
	}
	w.Sim.Wait(d)
	return ctx.Err()
}

func (w *World) wake() {
	if r := w.runner.Load(); r != nil {
		r.Wake()
	}
}

// work runs jobs.
func (w *World) work(t testing.TB) {
	t.Helper()
	r, err := run.New(run.Config{Keeper: storejobs.Keeper{Store: w.Store}, Kinds: w.Engine.Jobs(), Now: time.Now, Owner: "test"})
	if err != nil {
		t.Fatal(err)
	}
	w.runner.Store(r)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

// Read reads a change as Ann.
func (w *World) Read(t testing.TB, id string) *changes.Change {
	t.Helper()
	var c *changes.Change
	w.View(t, func(ctx context.Context, r *store.Reader) (err error) {
		c, err = w.Desk.Get(ctx, r, w.Ann.Actor, id, time.Now())
		return err
	})
	return c
}

// Approve has persons sign for a request.
func (w *World) Approve(t testing.TB, id string, by ...*exceptionstest.Person) {
	t.Helper()
	for _, p := range by {
		if _, err := w.Decide(t, p, id, approval.Approve); err != nil {
			t.Fatal(err)
		}
	}
}

// Settled waits until a change is applied no more, and gives it.
func (w *World) Settled(t testing.TB, id string) *changes.Change {
	t.Helper()
	return w.until(t, id, func(c *changes.Change) bool { return c.State != changes.Applying })
}

// Begun waits until a job has begun a change.
func (w *World) Begun(t testing.TB, id string) *changes.Change {
	t.Helper()
	return w.until(t, id, func(c *changes.Change) bool { return !c.Begun.IsZero() })
}

// Ended waits until a change that a job will begin has ended, and gives it.
func (w *World) Ended(t testing.TB, id string) *changes.Change {
	t.Helper()
	return w.until(t, id, func(c *changes.Change) bool { return !c.Ended.IsZero() })
}

func (w *World) until(t testing.TB, id string, is func(*changes.Change) bool) *changes.Change {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1500 {
		if c := w.Read(t, id); is(c) {
			return c
		}
		<-tick.C
	}
	t.Fatalf("change %s is still %s", id, w.Read(t, id).State)
	return nil
}

// FinalKind is a kind of change that cannot be undone, with a parameter of every type.
const FinalKind = "group-make"

const finalKind = `id: group-make
kind: change
title: Make a group of users
why: Rights of a group are easier to read than those of each user.
class: identity
risk: medium
breaks: Nothing that works now.
fixes: [PW-08]
source: IAM API Reference, CreateGroup
parameters:
  name: {about: "name, in small letters", type: text, required: true, pattern: '[a-z0-9-]{3,63}'}
  style: {about: how it is written, type: text, default: short, one_of: [short, long]}
  owners: {about: who knows of it, type: texts, default: [jane, tom]}
  loud: {about: whether everybody is told, type: yes-no, default: false}
  keep: {about: how long it stays, type: duration, default: 90d}
  count: {about: how many there may be, type: number, default: 1, least: 1, most: 5}
resource: "'iam/group/' + parameters.name"
reads:
  - {id: group, call: "iam:GetGroup", with: "{'GroupName': parameters.name}", none: [NoSuchEntity], keep: got.Group.GroupName}
requires:
  - {that: "!parameters.loud", else: "'nobody may be told of ' + parameters.name"}
  - {that: "parameters.name != 'taken'", else: "'the name is taken; hint: choose another one'"}
wants:
  group: parameters.name
calls:
  - id: name
    call: iam:CreateGroup
    with: "{'GroupName': parameters.name}"
    already: [EntityAlreadyExists]
    final: Whoever joins the group since would lose its rights.
permissions: ["iam:CreateGroup"]
cases:
  - {name: there is none, parameters: {name: house}, want: applied}
`

// HalfKind is a kind of change of two calls, of which the first cannot be undone.
const HalfKind = "groups-make"

const halfKind = `id: groups-make
kind: change
title: Make a group of users that stays, and one that does not
why: Some of what is done can be taken back.
class: identity
risk: low
breaks: Nothing that works now.
source: IAM API Reference, CreateGroup
resource: "'iam/groups'"
reads:
  - {id: stays, call: "iam:GetGroup", with: "{'GroupName': 'stays'}", none: [NoSuchEntity], keep: got.Group.GroupName}
  - {id: goes, call: "iam:GetGroup", with: "{'GroupName': 'goes'}", none: [NoSuchEntity], keep: got.Group.GroupName}
wants:
  stays: "'stays'"
  goes: "'goes'"
calls:
  - id: stays
    call: iam:CreateGroup
    with: "{'GroupName': 'stays'}"
    already: [EntityAlreadyExists]
    final: Whoever joins the group since would lose its rights.
  - id: goes
    call: iam:CreateGroup
    with: "{'GroupName': 'goes'}"
    already: [EntityAlreadyExists]
    undo: [{call: "iam:DeleteGroup", with: "{'GroupName': 'goes'}", already: [NoSuchEntity]}]
permissions: ["iam:CreateGroup", "iam:DeleteGroup"]
cases:
  - {name: there is none, want: applied}
`

// catalogue has the shipped kinds and those of the tests.
var catalogue = sync.OnceValues(func() (*kinds.Catalogue, error) {
	dir, err := os.MkdirTemp("", "kinds")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for id, text := range map[string]string{FinalKind: finalKind, HalfKind: halfKind} {
		if err := os.WriteFile(filepath.Join(dir, id+".yaml"), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	c, err := kinds.Load([]string{dir}, false)
	if err != nil {
		return nil, err
	}
	return c, errors.Join(c.Problems...)
})
