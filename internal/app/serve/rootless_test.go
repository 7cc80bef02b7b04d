package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/access"
	tale "github.com/rootkeep/rootkeep/internal/access/story"
	"github.com/rootkeep/rootkeep/internal/app/demo"
	"github.com/rootkeep/rootkeep/internal/app/demo/cast"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/app/rootless"
	"github.com/rootkeep/rootkeep/internal/app/scan/record"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/scenario"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	storejobs "github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/web"
	pages "github.com/rootkeep/rootkeep/internal/web/root/rootless"
)

// company is an organization whose members lose their root credentials by a server that may
// die at any request that it makes of AWS.
type company struct {
	*house
	t        *testing.T
	aws      *kinds.World
	plan     *scenario.Plan
	story    *cast.Root
	requests atomic.Int64
	dies     atomic.Int64 // at which request, 0 is never
	kill     atomic.Pointer[context.CancelFunc]
	ended    chan struct{} // of the server that runs
}

func found(t *testing.T, address string) *company {
	t.Helper()
	c := &company{t: t}
	var err error
	if c.plan, err = scenario.Generate(10, 7); err != nil {
		t.Fatal(err)
	}
	if c.aws, err = kinds.WorldOf(t.Context(), c.plan, c.through); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.aws.Close)
	nowhere, key := filepath.Join(t.TempDir(), "none"), c.aws.Keys[c.plan.Accounts[0].ID]
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": c.aws.URL, "AWS_ACCESS_KEY_ID": key.ID, "AWS_SECRET_ACCESS_KEY": key.Secret, "AWS_SESSION_TOKEN": "",
		"AWS_REGION": "us-east-1", "AWS_PROFILE": "", "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	c.house = dwell(t, Settings{Store: address, KeyFile: filepath.Join(t.TempDir(), "ledger.key")}, c.aws.Now)
	staff, err := cast.Hire(t.Context(), c.stage())
	if err != nil {
		t.Fatal(err)
	}
	if c.story, err = cast.NewRoot(staff); err != nil {
		t.Fatal(err)
	}
	if _, err := c.do(t, job.Job{ID: "JO-1M8CH2BH8WHCJ6", Kind: record.ScanKind, Payload: []byte(`{"organization": true}`)}); err != nil {
		t.Fatal(err)
	}
	return c
}

// through counts what is asked, and has the server die at its time.
func (c *company) through(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.requests.Add(1) == c.dies.Load() {
			(*c.kill.Load())()
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	})
}

// begin starts a server that does jobs.
func (c *company) begin() {
	ctx, kill := context.WithCancel(c.t.Context())
	c.kill.Store(&kill)
	h, ended := *c.house, make(chan struct{})
	c.ended = ended
	go func() {
		defer close(ended)
		if err := runJobs(ctx, &h); err != nil {
			c.t.Error(err)
		}
	}()
	c.t.Cleanup(sync.OnceFunc(func() { kill(); <-ended }))
}

func (c *company) until(what string, is func(*client.RootlessStatus) bool, request string) *client.RootlessStatus {
	c.t.Helper()
	look, limit := time.NewTicker(50*time.Millisecond), time.NewTimer(5*time.Minute)
	defer look.Stop()
	defer limit.Stop()
	for {
		s := c.report(request)
		if is(s) {
			return s
		}
		select {
		case <-look.C:
		case <-limit.C:
			c.t.Fatalf("%s: not within five minutes: %+v", what, s)
		}
	}
}

func (c *company) report(request string) *client.RootlessStatus {
	c.t.Helper()
	s, err := c.rootless.Report(c.t.Context(), c.story.Ada.Actor, request)
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

func (c *company) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// holds says how many credentials the root user of an account really has.
func (c *company) holds(account string) (n int) {
	c.aws.Cloud.Do(func() {
		r := c.aws.Cloud.Account(rootkeep.AccountID(account)).Root
		if n = len(r.Keys) + len(r.Certificates) + len(r.MFA); r.Password.Set {
			n++
		}
	})
	return n
}

// prove has all members read again, and waits for it.
func (c *company) prove(request string) *client.RootlessStatus {
	c.t.Helper()
	c.must(c.rootless.Prove(c.t.Context(), c.story.Ada.Actor, request))
	asked := c.report(request).Proving.Job
	s := c.until("the members are read", func(s *client.RootlessStatus) bool { return s.Proving.Job == asked && s.Proving.Over() }, request)
	if s.Proof == nil {
		c.t.Fatalf("got no proof: %+v", s.Proving)
	}
	return s
}

func TestAllMembersLoseTheirRootCredentials(t *testing.T) {
	storetest.EachAddress(t, allMembersLoseTheirRootCredentials)
}

func allMembersLoseTheirRootCredentials(t *testing.T, address string) {
	c := found(t, address)
	ada := c.story.Ada.Actor
	plan, err := c.rootless.Survey(t.Context(), ada, pages.Chosen{})
	c.must(err)
	if plan.Management != string(c.plan.Accounts[0].ID) || plan.Unknown+plan.Old > 0 || len(plan.Steps) < 4 || !plan.Steps[0].Canary {
		t.Fatalf("got %+v, want an order over what was scanned just now", plan)
	}
	if got := len(plan.Steps) + len(plan.Left); got != len(c.plan.Accounts) {
		t.Errorf("got %d accounts, want all %d: none is dropped", got, len(c.plan.Accounts))
	}
	c.begin()
	request, err := c.rootless.Ask(t.Context(), ada, client.RootlessAsk{Justification: "Members need no root credentials."})
	c.must(err)
	s := c.until("it is asked for", func(s *client.RootlessStatus) bool { return s.State != "planning" || s.Planning.State == "dead" }, request)
	if s.State != "requested" || s.Count["refused"] != 1 || s.Count["waits"]+1 != len(plan.Steps) {
		t.Fatalf("got %s, %v, %+v; want one account that refuses, whose key was used two days ago", s.State, s.Count, s.Planning)
	}
	c.must(c.rootless.Jobs()[0].Handler.Handle(t.Context(), c.job(rootless.PlanKind, request), func(string) {})) // at least once
	if again := c.report(request); len(again.Accounts) != len(s.Accounts) {
		t.Errorf("a job that comes again: got %d accounts, want %d", len(again.Accounts), len(s.Accounts))
	}
	c.open(request)
	c.applies(request, s.Count["waits"])
	c.proofs(request)
	c.scoped(request)
	c.told(request)
}

// scoped has the status read by somebody who may read the accounts of the request and the
// one at which it is decided: of those that were left out it tells nothing.
func (c *company) scoped(request string) {
	c.t.Helper()
	whole := c.report(request)
	decided := string(c.plan.Accounts[0].ID)
	reader := people.Actor{ID: "PE-READER", Kind: people.Person}
	sees := map[string]bool{decided: true}
	for _, l := range whole.Accounts {
		sees[l.Account] = sees[l.Account] || l.Change != ""
	}
	for account, may := range sees {
		if may {
			reader.Grants = append(reader.Grants, people.Grant{Role: people.Viewer, Scope: people.Scope("account:" + account)})
		}
	}
	part, err := c.rootless.Report(c.t.Context(), reader, request)
	c.must(err)
	for _, l := range part.Accounts {
		if !sees[l.Account] {
			c.t.Errorf("got %s, %s, want nothing of an account that the reader may not read", l.Account, l.Word)
		}
	}
	if len(part.Accounts) >= len(whole.Accounts) || part.Proof.Members != whole.Proof.Members {
		c.t.Errorf("got %d lines and a proof over %d members, want fewer than %d, and all %d counted", len(part.Accounts), part.Proof.Members, len(whole.Accounts), whole.Proof.Members)
	}
}

// open approves the request and opens its session: before that, nothing is applied.
func (c *company) open(request string) {
	c.t.Helper()
	if err := c.rootless.Apply(c.t.Context(), c.story.Ada.Actor, request, client.RootlessApply{}); err == nil {
		c.t.Error("got changes that are applied without approvals")
	}
	c.must(c.story.Approve(c.t.Context(), c.story.Bruno, request))
	c.must(c.story.Approve(c.t.Context(), c.story.Chiara, request))
	use := demo.Use{Task: rootless.TaskID, Kind: access.Use}
	c.story.IDs[use.Task] = request
	c.must(c.story.Open(c.t.Context(), use))
}

// applies has the server apply the changes, and die in the middle of the second account.
func (c *company) applies(request string, accounts int) {
	t := c.t
	t.Helper()
	c.aws.Cloud.AddFault(cloud.Fault{Kind: cloud.Deny, Service: "iam", Operation: "DeleteLoginProfile", Skip: 2, Times: 1})
	c.dies.Store(c.requests.Load() + 35)
	c.must(c.rootless.Apply(t.Context(), c.story.Ada.Actor, request, client.RootlessApply{}))
	<-c.ended
	c.honest(request)
	if s := c.report(request); s.Count["deleted"] == accounts || s.Count["working"]+s.Count["half-way"] == 0 {
		t.Fatalf("got %v after the server died, want it to have died in the middle of an account", s.Count)
	}
	c.aws.Wait(5 * time.Minute) // its leases run out
	c.begin()
	halted := false
	s := c.until("all are deleted", func(s *client.RootlessStatus) bool {
		c.honest(request)
		if slices.Contains(s.May, "release") && s.Applying.Over() && !halted {
			halted = true // AWS refused one call: it goes on where it is
			if s.Halted == "" || s.Count["half-way"] != 1 {
				t.Errorf("it halted: got %q, %v; want one account half-way", s.Halted, s.Count)
			}
			c.must(c.rootless.Apply(t.Context(), c.story.Ada.Actor, request, client.RootlessApply{}))
		}
		return s.Count["deleted"] == accounts
	}, request)
	if !halted || s.Proof != nil {
		t.Errorf("halted %v, proof %+v: want a halt, and nothing proven yet", halted, s.Proof)
	}
}

// honest compares what is said with what the root users really have.
func (c *company) honest(request string) {
	c.t.Helper()
	for _, l := range c.report(request).Accounts {
		n := c.holds(l.Account)
		if (l.Word == "deleted" || l.Word == "proven") && n > 0 {
			c.t.Errorf("%s is said to be %s, and its root user has %d credentials", l.Account, l.Word, n)
		}
		if (l.Word == "half-way" || l.Word == "refused" || l.Word == "not known") && l.Why == "" {
			c.t.Errorf("%s is %s, and nobody is told why", l.Account, l.Word)
		}
	}
}

// proofs reads all members: while one holds credentials nothing is claimed, nor from memory.
func (c *company) proofs(request string) {
	t := c.t
	t.Helper()
	s := c.prove(request)
	var refused string
	for _, l := range s.Accounts {
		if l.Word == "refused" {
			refused = l.Account
		}
	}
	if s.Proof.Claim || s.Proof.Holding != 1 || s.Proof.Members != len(c.plan.Accounts)-1 || refused == "" || !strings.Contains(s.Proof.Words, "cannot be said") {
		t.Fatalf("got %+v, want no claim: one member holds credentials", s.Proof)
	}
	c.aws.Cloud.Do(func() { // at a sign-in, say
		c.aws.Cloud.Account(rootkeep.AccountID(refused)).Root = cloud.Root{}
	})
	if s = c.prove(request); !s.Proof.Claim || s.Count["proven"] != s.Proof.Members || s.Next != "" {
		t.Errorf("got %+v, %v, next %q; want the claim that all have none", s.Proof, s.Count, s.Next)
	}
	c.aws.Cloud.Do(func() { c.aws.Cloud.Account(rootkeep.AccountID(refused)).Root.Password.Set = true })
	first := rootkeep.AccountID(s.Accounts[0].Account)
	c.aws.Cloud.Do(func() { c.aws.Cloud.Account(first).Root.Password.Set = true })
	if s = c.prove(request); s.Proof.Claim || s.Proof.Holding != 2 || s.Accounts[0].Word != "back" {
		t.Errorf("got %+v, %+v; want no claim once two have a password again", s.Proof, s.Accounts[0])
	}
	if n := c.holds(string(c.plan.Accounts[0].ID)); n == 0 {
		t.Error("the management account lost its credentials")
	}
	var refusal *web.Refusal
	if err := c.rootless.Prove(t.Context(), c.story.Dmitri.Actor, request); !errors.As(err, &refusal) || refusal.Status != http.StatusForbidden {
		t.Errorf("a proof by an auditor, who may not use root: got %v", err)
	}
}

// told reads the ledger: the story of the request has no gap, and tells of its audits.
func (c *company) told(request string) {
	c.t.Helper()
	reader := tale.New(c.now().AddDate(0, 0, -1), c.now().AddDate(0, 0, 1))
	c.must(c.store.View(c.t.Context(), func(ctx context.Context, r *store.Reader) error {
		head, err := c.store.Head(ctx, r)
		for n := int64(0); err == nil && n < head.Size; n++ {
			e := tale.Entry{N: n, Payloads: map[string][]byte{}}
			var entry *entries.Entry
			if entry, err = entries.Get(ctx, r, n); err != nil {
				break
			}
			e.Entry = &entry.Entry
			var list []entries.Payload
			if list, err = entries.Payloads(ctx, r, n); err != nil {
				break
			}
			for _, p := range entries.There(list) {
				e.Payloads[p.Name] = p.Data
			}
			reader.Add(e)
		}
		return err
	}))
	s := reader.Story()
	if len(s.Gaps) > 0 || len(s.Requests) != 1 || s.Requests[0].ID != request {
		c.t.Fatalf("got requests %v, gaps %v; want %s without a gap", s.Requests, s.Gaps, request)
	}
	acts := map[string]int{}
	for _, l := range s.Requests[0].History {
		acts[l.Act]++
	}
	members := len(c.plan.Accounts) - 1
	if absent, audited := s.Requests[0].Absent(); audited != members || absent != members-2 || acts["ordered"] != 1 || acts["audited"] != 3*members {
		c.t.Errorf("got %d of %d absent, acts %v; want what the last proof found", absent, audited, acts)
	}
}

// job is the newest job of a kind about a request.
func (c *company) job(kind, request string) (j *job.Job) {
	c.t.Helper()
	c.must(c.store.View(c.t.Context(), func(ctx context.Context, r *store.Reader) error {
		list, err := storejobs.List(ctx, r, storejobs.Filter{Kind: kind, About: request, Limit: 2})
		if err == nil && len(list) != 1 {
			err = fmt.Errorf("got %d jobs %s of %s, want one", len(list), kind, request)
		}
		if err == nil {
			j = list[0]
		}
		return err
	}))
	return j
}
