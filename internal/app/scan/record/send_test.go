package record_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/app/scan/record"
	"github.com/rootkeep/rootkeep/internal/app/scan/send"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/job/run"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	kept "github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web/posture"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// asActor is a client that a test's server takes for an actor.
type asActor struct {
	*webtest.Server
	name string
}

// The whole way: a scan here, its snapshots over the API, the judgement as a job of the
// server, and its answer; sender and server come to the same.
func TestAScanIsSentAndJudgedByTheServer(t *testing.T) {
	db := webtest.Store(t)
	r, err := record.New(record.Recorder{Store: db, Version: "test", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	area, err := posture.Area(posture.Config{
		Store: db, Controls: r.Catalogue(), Card: r.Card, Version: "test", Now: time.Now, ScanKind: record.ScanKind, JudgeKind: record.JudgeKind, CheckScan: func([]byte) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	actors := webtest.Everyone(time.Now())
	actors["sender"] = people.Actor{ID: "TK-1", Kind: people.Machine, Grants: []people.Grant{{Role: people.Responder, Scope: "account:" + people.Scope(account)}}}
	server := asActor{webtest.Serve(t, db, actors, area), "sender"}
	work(t, db, r)

	c := scan.Config{Snapshot: save(t, snapshot(time.Now().Add(-time.Hour), true)), Now: time.Now(), Version: "test"}
	sending := send.New(server, c.Names)
	c.Took = func(s *facts.Snapshot, findings []rootkeep.Finding) error {
		return sending.Account(t.Context(), s, findings)
	}
	a, err := scan.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	done, err := sending.Finish(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	if done.State != kept.Finished || len(done.Accounts) != 1 || done.Accounts[0].State != kept.Judged || done.Accounts[0].Problem != "" || done.Accounts[0].Counts.Fail != a.Counts.Fail {
		t.Errorf("got %+v, want a finished scan of one account with the %d failures that the sender came to", done, a.Counts.Fail)
	}
	if got := known(t, db); got["RT-01"] != rootkeep.Fail {
		t.Errorf("got RT-01 %s on the server, want fail", got["RT-01"])
	}
}

// work runs the jobs of the store until the test ends.
func work(t *testing.T, db *store.Store, r *record.Recorder) {
	t.Helper()
	runner, err := run.New(run.Config{Keeper: jobs.Keeper{Store: db}, Kinds: r.Kinds(t.TempDir()), Owner: "test", Poll: 20 * time.Millisecond, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); runner.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
}

// Do is that of send.Caller.
func (a asActor) Do(_ context.Context, call client.Call, out any) (client.Answer, error) {
	return client.Answer{}, a.call(call, out)
}

func (a asActor) call(call client.Call, out any) error {
	method := call.Method
	if method == "" {
		method = "GET"
	}
	body, err := json.Marshal(call.Body)
	if err != nil {
		return err
	}
	if call.Body == nil {
		body = nil
	}
	got := a.JSON(a.name, method, "/api/v1"+call.Path, string(body))
	if got.Status >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, call.Path, got.Status, got.Body)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal([]byte(got.Body), out)
}
