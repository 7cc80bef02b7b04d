// Package demo makes a believable past: a simulated organization lives through four
// weeks in which people sign in, roles work, settings change and root is used, while
// rootkeep scans it and hunts through its trail. Scans and hunts are the real ones; only
// the organization and its clock are not.
package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/s3"
	"github.com/rootkeep/rootkeep/internal/awssim/scenario"
	"github.com/rootkeep/rootkeep/internal/change"
)

const (
	accounts = 6
	seed     = 7
	// Weeks is how many weeks a whole story has.
	Weeks = 4
)

// regions are those of the simulation. A digest file is signed for each hour of each account
// and Region: of AWS's 17 Regions those of four weeks would take minutes.
var regions = []string{"eu-west-1", "us-east-1"}

// clock is the organization's: it stands where the story set it, and goes with the
// machine's once the story has reached the present.
type clock struct {
	mu   sync.Mutex // guards at
	at   time.Time  // zero: the present
	real func() time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return c.real()
	}
	return c.at
}

func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// pass moves a clock that stands, as if somebody had waited.
func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.at.IsZero() {
		c.at = c.at.Add(d)
	}
}

// World is the simulated organization.
type World struct {
	cloud *cloud.Cloud
	plan  *scenario.Plan
	clock *clock
	start time.Time
	days  int
	fresh []string // log files that the server has not taken in
	// signed are the Regions whose digests were delivered.
	signed map[string]bool
	// Administrator is the user of the management account whose keys scans use.
	Administrator *cloud.AccessKey
}

// New builds the organization as it was so many weeks before now. real is the machine's
// clock.
func New(weeks int, real func() time.Time) (*World, error) {
	days := 7 * weeks
	start := real().UTC().Truncate(time.Hour).AddDate(0, 0, -days)
	k := &clock{real: real, at: start}
	c, err := awssim.New(cloud.Config{Clock: k.now, SigningClock: real, Seed: seed, Regions: regions})
	if err != nil {
		return nil, err
	}
	plan, err := scenario.Generate(accounts, seed)
	if err != nil {
		return nil, err
	}
	for _, name := range workloads {
		addOwnTrail(plan, name)
	}
	for _, call := range plan.Calls {
		if call.Operation == "CreateTrail" {
			// Integrity is switched on in the story: a finding that closes.
			call.With["EnableLogFileValidation"] = false
		}
	}
	keys, err := plan.Apply(c)
	if err != nil {
		return nil, err
	}
	w := &World{cloud: c, plan: plan, clock: k, start: start, days: days, signed: map[string]bool{}, Administrator: keys[plan.Accounts[0].Name]}
	if err := w.roles(); err != nil {
		return nil, err
	}
	// What was delivered before the story begins is gone: nobody reads logs of years there.
	c.Tick()
	w.discard()
	return w, nil
}

// discard forgets what the trail delivered.
func (w *World) discard() { w.cloud.Do(func() { s3.Empty(w.cloud, w.bucket()) }) }

// workloads are the accounts that something happens in.
var workloads = []string{"app-1", "app-2", "app-3"}

// ownTrail is a trail of one Region that an account with workloads has beside the
// organization's; ownBucket is where it delivers.
const ownTrail = "audit"

func ownBucket(a rootkeep.AccountID) string { return "audit-" + string(a) }

// addOwnTrail has a plan make it.
func addOwnTrail(plan *scenario.Plan, account string) {
	at := slices.IndexFunc(plan.Accounts, func(a scenario.Account) bool { return a.Name == account })
	bucket := ownBucket(plan.Accounts[at].ID)
	statement := func(action, resource string) map[string]any {
		return map[string]any{"Effect": "Allow", "Principal": map[string]any{"Service": "cloudtrail.amazonaws.com"}, "Action": action, "Resource": "arn:aws:s3:::" + bucket + resource}
	}
	policy, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{statement("s3:GetBucketAcl", ""), statement("s3:PutObject", "/AWSLogs/*")}}) // text always marshals
	for _, c := range []struct {
		service, operation string
		with               map[string]any
	}{
		{"s3", "CreateBucket", map[string]any{"Bucket": bucket}},
		{"s3", "PutBucketPolicy", map[string]any{"Bucket": bucket, "Policy": string(policy)}},
		{"cloudtrail", "CreateTrail", map[string]any{"Name": ownTrail, "S3BucketName": bucket}},
		{"cloudtrail", "StartLogging", map[string]any{"Name": ownTrail}},
	} {
		plan.Calls = append(plan.Calls, scenario.Call{Account: account, Service: c.service, Operation: c.operation, With: c.with, DaysAgo: 500})
	}
}

// rolesAge is how many days before the story the roles of changes were made: long enough
// to be part of the past, and not so long that they count as unused.
const rolesAge = 30

// roles gives the accounts the roles that changes are planned and applied with, those of
// the organization and of root to the management account alone. The administrator enters
// them.
func (w *World) roles() error {
	shipped, err := kinds.Load(nil, false)
	if err != nil {
		return err
	}
	if err := errors.Join(shipped.Problems...); err != nil {
		return err
	}
	management := w.cloud.Account(w.plan.Accounts[0].ID)
	all, err := shipped.Roles(management.IAM("user/admin"))
	if err != nil {
		return err
	}
	members := slices.DeleteFunc(slices.Clone(all), func(r kinds.Written) bool {
		return r.RoleName == kinds.RoleOf(change.Organization) || r.RoleName == kinds.RoleOf(change.Root)
	})
	w.cloud.InPast(w.start.AddDate(0, 0, -rolesAge), func() {
		for _, a := range w.plan.Accounts {
			list := members
			if a.ID == management.ID {
				list = all
			}
			err = errors.Join(err, kinds.Make(w.cloud, w.cloud.Account(a.ID), list))
		}
	})
	return err
}

// Now is the organization's time: that of the story, then the machine's.
func (w *World) Now() time.Time { return w.clock.now() }

// ServeHTTP answers as AWS does.
func (w *World) ServeHTTP(out http.ResponseWriter, r *http.Request) { w.cloud.ServeHTTP(out, r) }

// account finds an account of the plan by its name.
func (w *World) account(name string) *cloud.Account {
	for _, a := range w.plan.Accounts {
		if a.Name == name {
			return w.cloud.Account(a.ID)
		}
	}
	panic("demo: no account " + name) // a name in the story is wrong: the tests meet it
}

// Account is the number of an account by its name, such as app-1.
func (w *World) Account(name string) rootkeep.AccountID { return w.account(name).ID }

// bucket is where the organization's trail delivers.
func (w *World) bucket() string { return "trail-logs-" + string(w.account("log-archive").ID) }

// before is how long before the present the story ends: what people do in its last hour takes
// some minutes.
const before = time.Hour

// at sets the clock to a day of the story, from 0, and a time of that day, and has
// happen what is due by then. It says whether that is in the past.
func (w *World) at(day int, of time.Duration) bool {
	at := w.start.Truncate(24*time.Hour).AddDate(0, 0, day).Add(of)
	if at.After(w.clock.real().Add(-before)) {
		return false
	}
	if !at.Before(w.clock.now()) { // the story never goes back
		w.clock.set(at)
		w.cloud.Tick()
	}
	return true
}

// do makes a call that has to succeed.
func (w *World) do(who cloud.Caller, service, operation string, with map[string]any) error {
	return w.from(who, "us-east-1", "203.0.113.20", "aws-cli/2.31.2", service, operation, with)
}

func (w *World) from(who cloud.Caller, region, ip, agent, service, operation string, with map[string]any) error {
	_, err := w.cloud.Invoke(cloud.Invocation{Caller: who, Region: region, Service: service, Operation: operation, Parameters: with, SourceIP: ip, UserAgent: agent})
	if err != nil {
		return fmt.Errorf("demo: %s %s: %w", service, operation, err)
	}
	return nil
}
