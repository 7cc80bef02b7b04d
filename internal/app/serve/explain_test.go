package serve

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
)

// The whole way: a server scans an organization and watches the trail of it. What its own
// scan did as root is explained by the access keys that it was given; what a stranger does
// is a case.
func TestAServerKnowsItsOwnScan(t *testing.T) {
	sim := simtest.Start(t, 4, simtest.In("us-east-1"))
	g := guard(t)
	if _, err := g.do(t, job.Job{ID: "JO-1", Attempt: 1, Kind: "scan", Payload: []byte(`{"organization": true, "role": "` + simtest.Role + `"}`)}); err != nil {
		t.Fatal(err)
	}
	var records []json.RawMessage
	for _, a := range sim.Accounts() {
		for _, region := range a.EventRegions() {
			for _, e := range a.Events(region) {
				records = append(records, json.RawMessage(e.JSON))
			}
		}
	}
	text, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(g.folder, "trail.json"), string(text))
	members := len(sim.IDs()) - 1
	asked, called := 0, 0
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for end := time.Now().Add(2 * time.Minute); (asked < members || called < members) && time.Now().Before(end); <-look.C {
		asked, called = 0, 0
		for _, e := range g.of(t, rootlog.EventFilter{Verdict: rootkeep.Explained, Limit: 1000}) {
			switch {
			case e.Rule != reconcile.ByScan || !strings.HasPrefix(e.Request, "SC-"):
			case e.Kind == rootkeep.RootAssumed:
				asked++
			case e.Kind == rootkeep.AssumedRootCall:
				called++
			}
		}
	}
	if asked < members || called < members {
		t.Errorf("got %d sessions of the scan and %d calls in them explained, want some of each of %d members", asked, called, members)
	}
	for _, e := range g.of(t, rootlog.EventFilter{Verdict: rootkeep.Unexplained, Limit: 1000}) {
		if e.Kind == rootkeep.AssumedRootCall {
			t.Errorf("%s of %s in a session of sts:AssumeRoot: got %s by %s: %s", e.Name, e.Account, e.Verdict, e.Rule, e.Why)
		}
	}
	write(t, filepath.Join(g.folder, "stranger.json"), rootSignIn)
	timeout := time.After(2 * time.Minute)
	for {
		select {
		case n := <-g.posts:
			if n.Topic == "root-unexplained" && n.Account == "111122223333" {
				return
			}
		case <-timeout:
			t.Fatal("nobody was told of the stranger")
		}
	}
}

func (g *guarded) of(t *testing.T, f rootlog.EventFilter) (out []*rootlog.Event) {
	t.Helper()
	err := g.store.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		out, err = rootlog.Events(ctx, r, sight.All(), f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
