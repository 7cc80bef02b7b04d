package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/app/alter"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/app/rootless"
	"github.com/rootkeep/rootkeep/internal/app/roottask"
	"github.com/rootkeep/rootkeep/internal/app/rootuse"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/app/scan/record"
	"github.com/rootkeep/rootkeep/internal/awsread"
	awssession "github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/scenario"
	jobrun "github.com/rootkeep/rootkeep/internal/job/run"
	"github.com/rootkeep/rootkeep/internal/people"
	storejobs "github.com/rootkeep/rootkeep/internal/store/jobs"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	pages "github.com/rootkeep/rootkeep/internal/web/root/rootless"
)

// membersWorld is a server over a simulated organization: its members' root users have
// credentials, and it does jobs.
type membersWorld struct {
	*rootWorld
	aws  *kinds.World
	plan *scenario.Plan
}

func membersServer(t *testing.T) *membersWorld {
	t.Helper()
	m := &membersWorld{}
	var err error
	if m.plan, err = scenario.Generate(9, 7); err != nil {
		t.Fatal(err)
	}
	if m.aws, err = kinds.WorldOf(t.Context(), m.plan, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.aws.Close)
	m.rootWorld = rootServerOn(t, func(w *rootWorld) { m.build(t, w) })
	recorder, err := record.New(record.Recorder{Store: m.Store, Now: m.Now})
	if err != nil {
		t.Fatal(err)
	}
	nowhere, key := filepath.Join(t.TempDir(), "none"), m.aws.Keys[m.plan.Accounts[0].ID]
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": m.aws.URL, "AWS_ACCESS_KEY_ID": key.ID, "AWS_SECRET_ACCESS_KEY": key.Secret, "AWS_SESSION_TOKEN": "",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	err = recorder.Do(t.Context(), record.Run{ID: "SC-1M8CH2BH8WHCJ6", Source: posture.Job, Actor: people.SystemActor.ID, Placed: true, Config: scan.Config{
		Now: m.Now(), Save: t.TempDir(), AWS: &scan.AWSConfig{Region: "us-east-1"},
		Organization: &scan.OrganizationConfig{Entry: awsread.Entry{Role: scan.UsualRole}, ResumeWithin: time.Hour},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// build makes the engine, and a runner of its jobs.
func (m *membersWorld) build(t *testing.T, w *rootWorld) {
	t.Helper()
	catalogue, err := kinds.Load(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	key := m.aws.Keys[m.plan.Accounts[0].ID]
	engine, err := alter.New(alter.Config{
		Store: w.Store, Desk: w.changes, Catalogue: catalogue, Now: func() time.Time { w.later(time.Millisecond); return w.Now() }, Recorded: rootuse.Recorded,
		Sleep: func(ctx context.Context, d time.Duration) error {
			if d > 10*time.Second { // a lease: it is renewed while somebody works
				<-ctx.Done()
				return ctx.Err()
			}
			w.later(d)
			m.aws.Wait(d)
			return ctx.Err()
		},
		AWS: awssession.Config{Region: "us-east-1", Now: w.Now, Elsewhere: &awssession.Elsewhere{URL: m.aws.URL, KeyID: key.ID, Secret: key.Secret}},
	})
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := roottask.Load()
	if err != nil {
		t.Fatal(err)
	}
	runner, err := rootless.New(rootless.Runner{Engine: engine, Root: w.root, Task: tasks.Find(rootless.TaskID)})
	if err != nil {
		t.Fatal(err)
	}
	area, err := pages.Area(pages.Config{Engine: runner})
	if err != nil {
		t.Fatal(err)
	}
	w.engine, w.holder, w.more = rootuse.Planner{Engine: engine}, rootuse.HolderOf, append(w.more, area)
	jobs, err := jobrun.New(jobrun.Config{Keeper: storejobs.Keeper{Store: w.Store}, Kinds: append(engine.Jobs(), runner.Jobs()...), Owner: "server", Poll: 20 * time.Millisecond, Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		jobs.Run(ctx)
	}()
	t.Cleanup(func() { stop(); <-ended })
}

// holders are the members whose root users have credentials, without those that refuse.
func (m *membersWorld) holders() (ready, refuse []string) {
	for _, a := range m.plan.Accounts[1:] {
		var r cloud.Root
		m.aws.Cloud.Do(func() { r = m.aws.Cloud.Account(a.ID).Root })
		switch {
		case len(r.Keys) > 0 && !r.Keys[0].Used.IsZero():
			refuse = append(refuse, string(a.ID))
		case r.Password.Set || len(r.Keys)+len(r.MFA)+len(r.Certificates) > 0:
			ready = append(ready, string(a.ID))
		}
	}
	return ready, refuse
}

func TestMembersLoseTheirRootCredentialsFromTheCommandLine(t *testing.T) {
	w := membersServer(t)
	ready, refuse := w.holders()
	if len(ready) < 2 || len(refuse) != 1 {
		t.Fatalf("got members %v and %v, want some with credentials, and one that refuses", ready, refuse)
	}
	w.as(w.Ann)
	out, _ := runs(t, 0, "root", "rootless", "plan", "--first", ready[1])
	contains(t, out, "  1  "+ready[1], "canary: the others wait for it", "it was named to come first", "lost: the password", string(w.plan.Accounts[0].ID), "the management account")
	_, errs := runs(t, 1, "root", "rootless", "plan", "--first", "999988887777")
	contains(t, errs, "999988887777 is none that a scan has seen")
	_, errs = runs(t, 1, "root", "rootless", "request", "--justification", "x", "--param", "unused=1d")
	contains(t, errs, `no parameter "unused"`)
	out, _ = runs(t, 0, "root", "rootless", "request", "--justification", "Members need none", "--ticket", "SEC-40", "--first", ready[1])
	id := regexp.MustCompile(`RR-[0-9A-Z]+`).FindString(out)
	contains(t, out, id+" is requested", fmt.Sprintf("%d waits", len(ready)), refuse[0]+"  refused", "Next: others approve it: rootkeep approve "+id)
	out, _ = runs(t, 0, "root", "show", id)
	contains(t, out, "Account is a member of an organization, as a scan read it at ")
	_, errs = runs(t, 1, "root", "rootless", "apply", id)
	contains(t, errs, "rootkeep: ")
	w.approve(id, w.Bob, w.Cid)
	w.as(w.Ann)
	w.answers(id)
	runs(t, 0, "root", "open", id)
	out, _ = runs(t, 4, "root", "rootless", "proof", id)
	contains(t, out, "It cannot be said", "Next: rootkeep root rootless apply "+id)
	w.as(w.Ann)
	out, _ = runs(t, 0, "root", "rootless", "apply", id, "--wait")
	contains(t, out, fmt.Sprintf("%d deleted", len(ready)), "Next: rootkeep root rootless proof "+id)
	w.as(w.Ann)
	out, _ = runs(t, 4, "root", "rootless", "proof", id, "--output", "json")
	var x struct {
		Schema string
		client.RootlessStatus
		Codes []int `json:"exit_codes"`
	}
	if err := json.Unmarshal([]byte(out), &x); err != nil || x.Proof == nil || x.Proof.Claim || x.Proof.Holding != 1 || len(x.Codes) != 1 {
		t.Errorf("got %v, proof %+v, codes %v; want no claim while %s refuses", err, x.Proof, x.Codes, refuse[0])
	}
	w.aws.Cloud.Do(func() { w.aws.Cloud.Account(rootkeep.AccountID(refuse[0])).Root = cloud.Root{} })
	w.as(w.Ann)
	out, _ = runs(t, 0, "root", "rootless", "proof", id)
	contains(t, out, "The root users of all 8 members have no credentials")
	out, _ = runs(t, 0, "root", "rootless", "status", id)
	contains(t, out, "8 proven")
	w.as(w.Fay)
	_, errs = runs(t, 1, "root", "rootless", "status", id)
	contains(t, errs, "rootkeep: ")
}

// TestOneRequestOverSeveralAccounts asks with root request itself, with a parameter of the
// change, and lets scans say what the accounts are.
func TestOneRequestOverSeveralAccounts(t *testing.T) {
	w := membersServer(t)
	ready, refuse := w.holders()
	manager := string(w.plan.Accounts[0].ID)
	ask := func(more ...string) []string {
		return append([]string{"root", "request", "--task", "delete-root-credentials", "--justification", "Members need none"}, more...)
	}
	w.as(w.Ann)
	_, errs := runs(t, 64, ask("--account", ready[0]+","+refuse[0])...)
	contains(t, errs, "--decided-at is missing", "2 accounts")
	_, errs = runs(t, 1, ask("--account", ready[0], "--holder", "management")...)
	contains(t, errs, "account "+ready[0]+" is a member of an organization, as a scan read it at ", "and not the management account", "leave the holder out")
	out, _ := runs(t, 0, ask("--account", manager)...)
	contains(t, out, "The account is the management account of an organization, as a scan read it at", "You do not need root for this.")
	_, errs = runs(t, 1, ask("--account", "999988887777")...)
	contains(t, errs, "no scan says what account 999988887777 is to its organization", "say the holder")
	out, _ = runs(t, 0, ask("--account", "999988887777", "--holder", "member", "--dry-run")...)
	contains(t, out, "says who asked; not verified")
	both := ask("--account", ready[0]+","+refuse[0], "--decided-at", manager)
	_, errs = runs(t, 1, both...)
	contains(t, errs, "account "+refuse[0]+": ") // its key was used two days ago
	_, errs = runs(t, 1, append(both, "--param", "unused_for=soon")...)
	contains(t, errs, "unused_for")
	out, _ = runs(t, 0, append(both, "--param", "unused_for=1d")...)
	id := regexp.MustCompile(`RR-[0-9A-Z]+`).FindString(out)
	contains(t, out, id+" is asked for", ready[0], refuse[0], "Account is a member of an organization, as a scan read it at")
	out, _ = runs(t, 0, "root", "show", id, "--output", "json")
	var x client.RootRequestDetail
	if err := json.Unmarshal([]byte(out), &x); err != nil || len(x.Changes) != 2 || x.Decided != manager {
		t.Errorf("got %v, changes %v, decided at %s; want one of each account, decided at %s", err, x.Changes, x.Decided, manager)
	}
	out, _ = runs(t, 0, "root", "rootless", "status", id)
	contains(t, out, "2 waits")
}
