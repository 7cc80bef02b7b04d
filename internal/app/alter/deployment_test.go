package alter_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/store/changes"
	web "github.com/rootkeep/rootkeep/internal/web/changes"
)

// TestADeploymentGoesInStages plans each stage of the monitoring of an account as one
// batch, has it approved and applies it. A stage cannot be planned before the one that it
// needs is applied, and an applied one has nothing left to change.
func TestADeploymentGoesInStages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		stages := monitoring(t)
		if _, err := w.stage(stages[1]); err == nil || !strings.Contains(err.Error(), "account "+string(account)) {
			t.Fatalf("stage 2 before stage 1: got %v, want it refused", err)
		}
		for i, list := range stages {
			of, err := w.stage(list)
			if err != nil {
				t.Fatalf("stage %d: %v", i+1, err)
			}
			for _, c := range of {
				if c = w.read(c.ID); c.State != changes.Applied {
					t.Errorf("stage %d: %s: got %s: %s", i+1, c.Kind, c.State, c.Why)
				}
			}
		}
		// A trail that is there is refused by its kind, and is left out of another run.
		again := slices.DeleteFunc(slices.Clone(stages[0]), func(x web.Wanted) bool { return x.Kind == "trail-create" })
		if _, err := w.stage(again); !errors.Is(err, change.ErrNothing) {
			t.Errorf("stage 1 again: got %v, want nothing to change", err)
		}
	})
}

// monitoring is the stages of the monitoring of an account.
func monitoring(t *testing.T) [][]web.Wanted {
	t.Helper()
	catalogue, err := kinds.Load(nil, false)
	if err != nil {
		t.Fatal(err)
	}
	all, problems := catalogue.Deployments(false)
	i := slices.IndexFunc(all, func(d *change.Deployment) bool { return d.ID == "monitoring-account" })
	if i < 0 {
		t.Fatalf("no such deployment: %v", problems)
	}
	var out [][]web.Wanted
	for n := range all[i].Stages {
		list, err := all[i].Stage(n+1, change.Target{Account: account, Region: "us-east-1", Partition: "aws"}, map[string]any{
			"bucket": "trail-of-the-firm", "phones": []any{"+15550100200"},
		}, catalogue.Find)
		if err != nil {
			t.Fatal(err)
		}
		var stage []web.Wanted
		for _, x := range list {
			stage = append(stage, web.Wanted{Kind: x.Kind, Account: x.Account, Region: x.Region, Parameters: x.Parameters})
		}
		out = append(out, stage)
	}
	return out
}

// stage plans a batch, has it approved and works until all is done.
func (w *world) stage(list []web.Wanted) ([]*changes.Change, error) {
	w.t.Helper()
	b, of, err := w.engine.PlanBatch(w.t.Context(), w.Ann.Actor, "monitoring", list, 1)
	if err != nil {
		return nil, err
	}
	for _, c := range of {
		if c = w.approved(c); c.State == changes.Requested { // what is final takes two
			if _, err := w.Decide(w.t, w.Cid, c.ID, approval.Approve); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	if _, err := w.engine.ApplyBatch(w.t.Context(), w.Ann.Actor, b.ID); err != nil {
		w.t.Fatal(err)
	}
	w.work(w.engine)
	return of, nil
}
