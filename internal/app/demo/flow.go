package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/trail"
)

// Flow is the present of a world whose past is over: a few events every few seconds, and now
// and then an act, something out of the ordinary. It needs no more memory the longer it goes.
type Flow struct {
	world   *World
	folder  string
	chance  *rand.Rand
	beats   int
	acted   int
	next    int    // beat of the next act
	stopped string // account whose own trail the last act stopped; "" for none
}

// Act is something out of the ordinary that happened.
type Act struct {
	At   time.Time
	What string // a sentence
}

const (
	quick     = 5 * time.Second  // between beats while somebody is likely to look on
	slow      = 30 * time.Second // afterwards
	quickTill = 180              // beats: a quarter of an hour
	actEvery  = 15 * time.Minute
)

// firstActs are the beats of the first acts: within a minute and a half whoever looks on has
// seen one of each kind. Later ones come every quarter of an hour.
var firstActs = []int{2, 8, 14}

// Flow begins the present. What the trail delivers is put below a folder, as that of History,
// and its log files once more where a live source finds nothing else; the trail delivers at once, and not after minutes as at AWS.
func (w *World) Flow(folder string) *Flow {
	return &Flow{world: w, folder: folder, chance: rand.New(rand.NewPCG(seed, 2)), next: firstActs[0]}
}

// Run goes on until the context ends. told hears of each act, failed of what went wrong: a
// visitor may have changed the organization so that somebody is refused.
func (f *Flow) Run(ctx context.Context, told func(Act), failed func(error)) {
	for {
		act, wait, err := f.Beat()
		if act != nil {
			told(*act)
		}
		if err != nil {
			failed(err)
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// Beat is the next moment: what people and programs do in it, what the trail delivers of it,
// and how long to wait for the one after.
func (f *Flow) Beat() (act *Act, wait time.Duration, err error) {
	err = f.ordinary()
	if f.beats == f.next {
		var wrong error
		act, wrong = f.act()
		err = errors.Join(err, wrong)
	}
	if wait = quick; f.beats >= quickTill {
		wait = slow
	}
	f.beats++
	trail.Flush(f.world.cloud)
	_, wrong := f.world.deliver(filepath.Join(f.folder, Trail), filepath.Join(f.folder, Live))
	f.world.fresh = nil
	return act, wait, errors.Join(err, wrong)
}

// ordinary is a program of one account, and now and then somebody who signs in with MFA.
func (f *Flow) ordinary() error {
	w := f.world
	a := w.cloud.Account(w.plan.Accounts[f.beats%len(w.plan.Accounts)].ID)
	admin := cloud.UserCaller(a, a.Users["admin"])
	err := w.from(admin, regions[f.chance.IntN(len(regions))], office, "APN/1.0 HashiCorp/1.0 Terraform/1.9.8", "s3", "ListBuckets", nil)
	var people []*cloud.User
	w.cloud.Do(func() {
		for _, u := range cloud.Sorted(a.Users) {
			if u.Password.Set {
				people = append(people, u)
			}
		}
	})
	if len(people) == 0 || f.chance.IntN(3) > 0 {
		return err
	}
	who := cloud.UserCaller(a, people[f.chance.IntN(len(people))])
	w.cloud.Do(func() { w.cloud.SignIn(who, "us-east-1", office, browser, true, true) })
	return errors.Join(err, w.from(who, "eu-west-1", office, browser, "sts", "GetCallerIdentity", nil))
}

// act does the next of the acts, in another account each time round.
func (f *Flow) act() (*Act, error) {
	account := workloads[f.acted/len(acts)%len(workloads)]
	err := f.mend()
	out := &Act{At: f.world.Now()}
	what, wrong := acts[f.acted%len(acts)](f.world, account)
	out.What, err = what, errors.Join(err, wrong)
	if f.stopped = ""; f.acted%len(acts) == len(acts)-1 {
		f.stopped = account
	}
	if f.acted++; f.acted < len(firstActs) {
		f.next = firstActs[f.acted]
	} else {
		beat := quick
		if f.beats >= quickTill {
			beat = slow
		}
		f.next = f.beats + int(actEvery/beat)
	}
	return out, err
}

// mend starts the trail again that the last act stopped.
func (f *Flow) mend() error {
	if f.stopped == "" {
		return nil
	}
	a := f.world.account(f.stopped)
	return f.world.from(cloud.UserCaller(a, a.Users["admin"]), "us-east-1", office, browser, "cloudtrail", "StartLogging", map[string]any{"Name": ownTrail})
}

// acts are what goes wrong in an account, in turn.
var acts = []func(w *World, account string) (what string, err error){guessed, intruded, blinded} // blinded is the last: see mend

// guessed is somebody who tries passwords of a root user.
func guessed(w *World, account string) (string, error) {
	root := cloud.RootCaller(w.account(account))
	w.cloud.Do(func() {
		for range 5 {
			w.cloud.SignIn(root, "us-east-1", stranger, browser, false, false)
		}
	})
	return fmt.Sprintf("five sign-ins as the root user of %s (%s) fail", account, w.Account(account)), nil
}

// intruded is a sign-in as root that nobody asked for.
func intruded(w *World, account string) (string, error) {
	return fmt.Sprintf("somebody signs in as the root user of %s (%s) without a request and without MFA", account, w.Account(account)), signInAsRoot(account, stranger, false)(w)
}

// blinded is an administrator, from where nobody works, who stops a trail.
func blinded(w *World, account string) (string, error) {
	a := w.account(account)
	admin := cloud.UserCaller(a, a.Users["admin"])
	what := fmt.Sprintf("an administrator of %s (%s) stops the account's own trail", account, w.Account(account))
	return what, w.from(admin, "us-east-1", abroad, "aws-cli/2.31.2", "cloudtrail", "StopLogging", map[string]any{"Name": ownTrail})
}
