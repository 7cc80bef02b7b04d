package rootless_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/app/alter"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/app/rootless"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/scenario"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/approvals"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	storejobs "github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

// world is an organization whose members' root users have credentials, and a server that
// may die at any request that it makes of AWS.
type world struct {
	*exceptionstest.World
	t        *testing.T
	aws      *kinds.World
	desk     *changes.Desk
	requests atomic.Int64
	dies     atomic.Pointer[death]
	names    []string // of root sessions
	began    time.Time
}

// death is when a server dies: before or after a request is served.
type death struct {
	at    int64
	after bool
	of    context.CancelFunc
}

const request = "RR-ROOTLESS"

func open(t *testing.T, accounts int) *world {
	w := &world{World: &exceptionstest.World{}, t: t, began: time.Now()}
	w.At(exceptionstest.Start)
	o := storetest.Options(t)
	o.Now = w.Now
	w.Store = storetest.Open(t, storetest.SQLite(t), o)
	w.Open(t, exceptionstest.Site)
	w.Desk.Kinds = append(w.Desk.Kinds, changes.Kind(0), approvals.Kind{
		Name: access.RequestKind, Noun: "a use of root", Prefix: access.Prefix, Most: 10,
		Check:   func(subject []byte) error { _, err := access.ParseRequest(subject); return err },
		Decided: changes.Decided,
	})
	var err error
	if w.desk, err = changes.New(changes.Desk{Desk: w.Desk.Desk}); err != nil {
		t.Fatal(err)
	}
	plan := &scenario.Plan{}
	for n := range accounts + 1 {
		a := scenario.Account{ID: id(n + 1), Name: fmt.Sprintf("account-%d", n+1), Email: fmt.Sprintf("aws+%d@example.com", n+1), AgeDays: 800, Root: holds(n)}
		if n > 0 {
			a.Unit = []string{"Sandbox", "Workloads", "Production"}[n%3]
		}
		plan.Accounts = append(plan.Accounts, a)
	}
	if w.aws, err = kinds.WorldOf(t.Context(), plan, w.through); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.aws.Close)
	w.invoke(id(1), "organizations", "EnableAWSServiceAccess", map[string]any{"ServicePrincipal": "iam.amazonaws.com"})
	w.invoke(id(1), "iam", "EnableOrganizationsRootCredentialsManagement", nil)
	return w
}

// holds is what the root users have, each something else.
func holds(n int) scenario.Root {
	old := 200
	r := scenario.Root{Password: &scenario.Use{AgeDays: 400, UsedDaysAgo: &old}}
	if n%2 == 0 {
		r.Keys = []scenario.Key{{Use: scenario.Use{AgeDays: 400, UsedDaysAgo: &old}}}
	}
	if n%3 == 0 {
		r.MFA, r.Certificates = []string{"virtual", "fido"}, 1
	}
	return r
}

func (w *world) invoke(of rootkeep.AccountID, service, operation string, with map[string]any) {
	w.t.Helper()
	a := w.aws.Cloud.Account(of)
	if _, err := w.aws.Cloud.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, a.Users["admin"]), Region: "us-east-1", Service: service, Operation: operation, Parameters: with}); err != nil {
		w.t.Fatal(err)
	}
}

// through counts what is asked, and lets the server die at its time.
func (w *world) through(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		d := w.dies.Load()
		dies := w.requests.Add(1) == at(d)
		if dies && !d.after {
			d.of()
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(rw, r)
		if dies {
			d.of()
		}
	})
}

func at(d *death) int64 {
	if d == nil {
		return 0
	}
	return d.at
}

func (w *world) runner() *rootless.Runner {
	w.t.Helper()
	catalogue, err := kinds.Load(nil, false)
	if err != nil {
		w.t.Fatal(err)
	}
	e, err := alter.New(alter.Config{
		Store: w.Store, Desk: w.desk, Catalogue: catalogue, Now: w.Now, Sleep: func(ctx context.Context, d time.Duration) error {
			if d > 10*time.Second { // a lease: it is renewed while somebody works
				<-ctx.Done()
				return ctx.Err()
			}
			w.At(w.Now().Add(d))
			w.aws.Wait(d)
			return ctx.Err()
		},
		Recorded: func(_ context.Context, _ *store.Tx, name string, s facts.Session) error {
			if s.Root {
				w.names = append(w.names, name+" "+s.Role[strings.LastIndexByte(s.Role, '/')+1:])
			}
			return nil
		},
		AWS: session.Config{Region: "us-east-1", Now: w.Now, Elsewhere: &session.Elsewhere{URL: w.aws.URL, KeyID: w.aws.Keys[id(1)].ID, Secret: w.aws.Keys[id(1)].Secret}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return &rootless.Runner{Engine: e}
}

// wanted is the organization as audits see it.
func (w *world) wanted(r *rootless.Runner, accounts int) rootless.Wanted {
	w.t.Helper()
	out := rootless.Wanted{Members: []rootless.Member{{Account: id(1), Name: "account-1", Management: true}}}
	var members []rootkeep.AccountID
	for n := 2; n <= accounts+1; n++ {
		members = append(members, id(n))
		out.Members = append(out.Members, member(n, []string{"Sandbox", "Workloads", "Production"}[(n-1)%3]))
	}
	var err error
	if out.Holdings, err = r.Audit(w.t.Context(), w.Ann.Actor, "RR-INVENTORY", members, nil); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// grant asks for the plans under one request for root, and has two persons sign.
func (w *world) grant(p *rootless.Planned) {
	w.t.Helper()
	from := w.Now().Truncate(time.Second)
	r := &access.Request{
		Checklist: []access.Item{}, Events: []string{"iam.amazonaws.com *"}, From: from, Until: from.Add(access.LongestWindow), Justification: "Nobody needs them.", Kind: access.Use,
		Networks: []netip.Prefix{}, Schema: access.RequestSchema, Session: 900, Task: "delete-root-credentials", Title: "Delete credentials of root",
	}
	p.Name(r)
	subject, err := r.Bytes()
	if err != nil {
		w.t.Fatal(err)
	}
	err = w.Change(w.t, func(ctx context.Context, tx *store.Tx) error {
		m, err := w.Desk.Desk.Submit(ctx, tx, w.Ann.Actor, approvals.Wanted{Kind: access.RequestKind, ID: request, Account: id(1), Action: r.Action(), Subject: subject, Policy: approval.RootUse})
		if err != nil {
			return err
		}
		return changes.Asked(ctx, tx, m)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range []*exceptionstest.Person{w.Bob, w.Cid} {
		if _, err := w.Decide(w.t, p, request, approval.Approve); err != nil {
			w.t.Fatal(err)
		}
	}
}

// attempt has a server do one job that is due, and die after so many requests of AWS, or
// never. It says whether there was a job, and whether its server died.
func (w *world) attempt(r *rootless.Runner, after int64, served bool) (ran, died bool) {
	w.t.Helper()
	keeper := storejobs.Keeper{Store: w.Store}
	handlers := map[string]job.Handler{}
	var names []string
	for _, k := range r.Engine.Jobs() {
		handlers[k.Name], names = k.Handler, append(names, k.Name)
	}
	j, err := keeper.Claim(w.t.Context(), "server", names, time.Minute)
	if err != nil {
		w.t.Fatal(err)
	}
	if j == nil {
		return false, false
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	w.dies.Store(nil)
	if after > 0 {
		w.dies.Store(&death{w.requests.Load() + after, served, cancel})
	}
	err = handlers[j.Kind].Handle(ctx, j, func(string) {})
	w.dies.Store(nil)
	if ctx.Err() != nil {
		w.At(w.Now().Add(3 * time.Minute)) // its leases run out
		return true, true
	}
	outcome := job.Outcome{State: job.Done}
	if err != nil {
		outcome = job.Outcome{State: job.Dead, Error: err.Error()}
		if !job.IsPermanent(err) {
			outcome = job.Outcome{State: job.Waiting, RunAt: w.Now(), Error: err.Error()}
		}
	}
	if err := keeper.Finish(w.t.Context(), j, outcome); err != nil && !errors.Is(err, job.ErrLost) {
		w.t.Fatal(err)
	}
	return true, false
}

// status is compared with what the accounts really have.
func (w *world) status(r *rootless.Runner) *rootless.Status {
	w.t.Helper()
	s, err := r.Status(w.t.Context(), w.Ann.Actor, request)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range s.Lines {
		var now cloud.Root
		w.aws.Cloud.Do(func() { now = w.aws.Cloud.Account(l.Account).Root })
		number := 0
		fmt.Sscanf(string(l.Account), "%d", &number)
		had := holds(number - 1)
		left, gone := pieces(now), 1+len(had.Keys)+len(had.MFA)+had.Certificates
		gone -= left
		switch {
		case (l.Word == rootless.Deleted || l.Word == rootless.Proven) && left > 0:
			w.t.Errorf("%s is said to be %s, and its root user has %d credentials", l.Account, l.Word, left)
		case (l.Word == rootless.Waits || l.Word == rootless.Ended) && gone > 0:
			w.t.Errorf("%s is said to be as it was, %s, and %d credentials are gone", l.Account, l.Word, gone)
		case l.Word == rootless.HalfWay && l.Why == "":
			w.t.Errorf("%s is half-way, and nobody is told what to do", l.Account)
		}
	}
	return s
}

func pieces(r cloud.Root) int {
	n := len(r.Keys) + len(r.Certificates) + len(r.MFA)
	if r.Password.Set {
		n++
	}
	return n
}

// TestAnOrganizationLosesItsRootCredentials takes the members' credentials while AWS fails
// and servers die. Without ROOTKEEP_LONG it is a small organization.
func TestAnOrganizationLosesItsRootCredentials(t *testing.T) {
	accounts, deaths := 10, 6
	if os.Getenv("ROOTKEEP_LONG") != "" {
		accounts, deaths = 200, 20
	}
	w := open(t, accounts)
	r := w.runner()
	p, err := r.Plan(t.Context(), w.Ann.Actor, request, w.wanted(r, accounts), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Changes) != accounts || p.Steps[0].Rank != rootless.Sandbox || !p.Steps[0].Canary || len(p.LeftOut) != 1 {
		t.Fatalf("got %d changes, %d left out: %+v", len(p.Changes), len(p.LeftOut), p.LeftOut)
	}
	w.grant(p)
	planned := w.requests.Load()
	t.Logf("%d accounts were read and planned with %d requests in %s", accounts, planned, time.Since(w.began).Round(time.Millisecond))
	chance := rand.New(rand.NewPCG(7, 7))
	for n, f := range []cloud.Fault{
		{Kind: cloud.Throttle, Service: "iam", Operation: "DeleteLoginProfile"}, {Kind: cloud.Broken, Service: "iam", Operation: "DeleteAccessKey"},
		{Kind: cloud.Cut, Service: "iam", Operation: "DeactivateMFADevice"}, {Kind: cloud.Deny, Service: "sts", Operation: "AssumeRoot", Times: 3}, {Kind: cloud.Deny, Service: "iam", Operation: "DeleteLoginProfile", Times: 1},
		{Kind: cloud.Deny, Service: "iam", Operation: "DeactivateMFADevice", Times: 1},
	} {
		f.Skip, f.Times = accounts*n/16, max(f.Times, 2)
		w.aws.Cloud.AddFault(f)
	}
	died, went, half := 0, 0, 0
	for round := 0; ; round++ {
		if round > 20*accounts+100 {
			t.Fatalf("it does not come to an end: %+v", w.status(r).Count)
		}
		var after int64
		if died < deaths {
			after = 1 + chance.Int64N(int64(accounts)*12/int64(deaths))
		}
		ran, dead := w.attempt(r, after, chance.IntN(2) == 0)
		if dead {
			died++
		}
		if ran {
			s := w.status(r)
			half += s.Count[rootless.HalfWay]
			if s.Count[rootless.Deleted] == accounts {
				break
			}
			continue
		}
		went++
		if _, err := r.Engine.ApplyBatch(t.Context(), w.Ann.Actor, p.Batch.ID); err != nil {
			t.Fatal(err)
		}
	}
	if died < deaths || half == 0 || went < 2 {
		t.Errorf("%d servers died, %d accounts were half-way, it was asked for %d times: the test has shown less than it is to", died, half, went)
	}
	t.Logf("deleted with %d requests, %d servers that died, asked for %d times, in %s", w.requests.Load()-planned, died, went, time.Since(w.began).Round(time.Millisecond))
	w.aws.Cloud.ClearFaults()
	w.proves(r, p, accounts)
}

// proves audits every account, and looks at what root was used for.
func (w *world) proves(r *rootless.Runner, p *rootless.Planned, accounts int) {
	t := w.t
	t.Helper()
	var members []rootkeep.AccountID
	for _, c := range p.Changes {
		members = append(members, c.Account)
	}
	w.At(w.Now().Add(time.Second)) // what is read at the moment in which a change ends is no proof
	if _, err := r.Audit(t.Context(), w.Ann.Actor, request, members, nil); err != nil {
		t.Fatal(err)
	}
	if s := w.status(r); !s.Whole() || s.Open() || len(s.Lines) != accounts {
		t.Errorf("got %+v, want all proven", s.Count)
	}
	if n := pieces(w.aws.Cloud.Account(id(1)).Root); n == 0 {
		t.Error("the management account lost its credentials")
	}
	for _, name := range w.names {
		scan := strings.HasPrefix(name, "SC-") && strings.HasSuffix(name, " IAMAuditRootUserCredentials")
		ours := strings.HasPrefix(name, request+" ")
		if !scan && !ours {
			t.Errorf("root was used under the name and for the task %s", name)
		}
	}
	before := w.requests.Load()
	if _, err := r.Audit(t.Context(), w.Fay.Actor, request, members[:1], nil); !errors.Is(err, approvals.ErrNotAllowed) || w.requests.Load() > before {
		t.Errorf("an audit by who may not plan: got %v", err)
	}
	w.aws.Cloud.Do(func() { w.aws.Cloud.Account(id(2)).Root.Password.Set = true })
	w.At(w.Now().Add(time.Second))
	if _, err := r.Audit(t.Context(), w.Ann.Actor, request, []rootkeep.AccountID{id(2)}, nil); err != nil {
		t.Fatal(err)
	}
	s, err := r.Status(t.Context(), w.Ann.Actor, request)
	if err != nil {
		t.Fatal(err)
	}
	if s.Whole() || s.Count[rootless.Back] != 1 {
		t.Errorf("an account that has a password again: got %+v", s.Count)
	}
	t.Logf("in all %d requests in %s", w.requests.Load(), time.Since(w.began).Round(time.Millisecond))
}
