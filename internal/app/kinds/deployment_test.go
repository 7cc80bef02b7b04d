package kinds

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/awssim/scenario"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/deploy/deploytest"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

// TestEveryCaseOfADeployment runs the cases of every deployment.
func TestEveryCaseOfADeployment(t *testing.T) {
	c, all := deployments(t)
	for _, d := range all {
		for i := range d.Cases {
			t.Run(d.ID+"/"+d.Cases[i].Name, func(t *testing.T) {
				if err := d.Try(&d.Cases[i], c.Find); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func deployments(t *testing.T) (*Catalogue, []*change.Deployment) {
	t.Helper()
	c, err := Load(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	all, problems := c.Deployments(true)
	if err := errors.Join(problems...); err != nil || len(all) == 0 {
		t.Fatalf("%d deployments, %v", len(all), err)
	}
	return c, all
}

// rollout is a deployment that is applied to a bare organization.
type rollout struct {
	deployment string
	options    map[string]any
	mends      []string // controls of the management account that pass afterwards
	security   []string // those of the security account
	archive    []string // those of a third account, which keeps the logs; none: there is none
}

var rollouts = []rollout{
	{
		deployment: "monitoring-account", options: map[string]any{"bucket": "trail-of-the-firm", "lock": "GOVERNANCE", "phones": []any{"+15550100200"}},
		mends: deploytest.Passing,
	},
	{
		deployment: "monitoring-organization",
		options:    map[string]any{"bucket": "trail-of-the-firm", "lock": "GOVERNANCE", "phones": []any{"+15550100200"}, "security": string(member)},
		// Findings come together in the security account.
		mends:    append(slices.DeleteFunc(slices.Clone(deploytest.Passing), func(id string) bool { return id == "SH-04" }), "CT-08", "AA-02", "GD-03"),
		security: []string{"SH-01", "SH-03", "SH-04", "SH-05", "SH-06", "GD-01", "GD-02", "GD-04", "GD-05", "AA-01", "CO-01", "CO-02", "CO-03", "CO-04", "CO-06"},
	},
	{
		deployment: "monitoring-organization",
		options: map[string]any{
			"bucket": "trail-of-the-firm", "lock": "GOVERNANCE", "phones": []any{"+15550100200"}, "security": string(member), "members": []any{string(archive)}, "logs": string(archive),
		},
		mends:    append(slices.DeleteFunc(slices.Clone(deploytest.Passing), func(id string) bool { return id == "SH-04" || slices.Contains(kept, id) }), "CT-08", "AA-02", "GD-03"),
		security: []string{"SH-01", "SH-03", "SH-04", "SH-05", "SH-06", "GD-01", "GD-02", "GD-04", "GD-05", "AA-01", "CO-01", "CO-02", "CO-03", "CO-04", "CO-06"},
		archive:  append(slices.Clone(kept), "SH-01", "GD-01", "AA-01", "CO-01", "CO-02", "CO-03", "CO-04", "CO-06"),
	},
}

// archive is the account that keeps the logs in a world that has one, and kept are the
// controls of what it keeps: the management account has nothing that they ask about.
const archive = rootkeep.AccountID("333333333333")

var kept = []string{"CT-13", "CT-14", "CT-15", "CT-16", "CT-18", "CT-19", "CT-22"}

// bare is an organization in which nothing is set up, with an account for logs if r wants it.
func (r *rollout) bare(t *testing.T) *World {
	t.Helper()
	plan := &scenario.Plan{Accounts: []scenario.Account{
		{ID: management, Name: "management", Email: "aws+management@example.com", AgeDays: 800}, {ID: member, Name: "member", Email: "aws+member@example.com", AgeDays: 400},
	}}
	if r.archive != nil {
		plan.Accounts = append(plan.Accounts, scenario.Account{ID: archive, Name: "archive", Email: "aws+archive@example.com", AgeDays: 400})
	}
	w, err := WorldOf(t.Context(), plan, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// TestADeploymentOfABareAccount applies every stage and scans: the controls pass that pass
// on what is rendered as templates. Then all is undone, the last change first.
func TestADeploymentOfABareAccount(t *testing.T) {
	c, all := deployments(t)
	controls, problems, err := scan.LoadControls(nil)
	if err = errors.Join(append(problems, err)...); err != nil {
		t.Fatal(err)
	}
	for _, r := range rollouts {
		t.Run(r.name(), func(t *testing.T) {
			i := slices.IndexFunc(all, func(d *change.Deployment) bool { return d.ID == r.deployment })
			w := r.bare(t)
			before := w.findings(w.collect(t, management), nil, controls)
			done := w.deploy(t, c, all[i], r.options)
			w.Wait(20 * time.Minute) // CloudTrail delivers within a quarter of an hour
			after := r.judge(t, w, controls)
			var final []string
			for _, x := range slices.Backward(done) {
				if err := undone(t.Context(), x.trial, x.plan); err != nil {
					t.Errorf("undo %s: %v", x.kind.ID, err)
				}
				if len(x.plan.Final) > 0 {
					final = append(final, x.kind.ID)
				}
			}
			t.Logf("%d changes, and not undone are %s", len(done), strings.Join(final, ", "))
			left := w.findings(w.collect(t, management), nil, controls)
			for id := range after {
				// The trail, its bucket, and the one for logs of logs stay.
				if undoable := slices.Contains([]string{"MF", "AL", "GD", "SH", "AA", "CO"}, id[:2]); undoable && passes(left[id]) != passes(before[id]) {
					t.Errorf("%s is not as it was: %s", id, tell(left[id]))
				}
			}
		})
	}
}

func (r *rollout) name() string {
	if r.archive != nil {
		return r.deployment + " with an account for logs"
	}
	return r.deployment
}

// judge has the controls pass that are to, and gives what it found in the management account.
func (r *rollout) judge(t *testing.T, w *World, controls []*posture.Control) map[string][]rootkeep.Finding {
	t.Helper()
	found := map[rootkeep.AccountID]*facts.Snapshot{}
	for _, a := range w.Cloud.Accounts() {
		s := w.collect(t, a.ID)
		if r.archive != nil {
			s.Facts.Decided.LogArchiveAccounts = []string{string(archive)}
		}
		found[a.ID] = s
	}
	peer := func(id rootkeep.AccountID) *facts.Snapshot { return found[id] }
	after := w.findings(found[management], peer, controls)
	want(t, r.mends, after)
	want(t, r.security, w.findings(found[member], peer, controls))
	if r.archive != nil {
		want(t, r.archive, w.findings(found[archive], peer, controls))
	}
	return after
}

// want has controls pass.
func want(t *testing.T, ids []string, found map[string][]rootkeep.Finding) {
	t.Helper()
	for _, id := range ids {
		if !passes(found[id]) {
			t.Errorf("%s is not mended: %s", id, tell(found[id]))
		}
	}
}

// deployed is a change that was applied.
type deployed struct {
	*trial
	plan *change.Plan
}

// deploy plans each stage from one state, and then applies it.
func (w *World) deploy(t *testing.T, c *Catalogue, d *change.Deployment, options map[string]any) []deployed {
	t.Helper()
	var done []deployed
	for i := range d.Stages {
		list, err := d.Stage(i+1, change.Target{Account: management, Region: home, Partition: "aws", Management: management}, options, c.Find)
		if err != nil {
			t.Fatal(err)
		}
		var of []deployed
		for _, wanted := range list {
			x, err := w.planned(t, c, wanted)
			if err != nil && !errors.Is(err, change.ErrNothing) {
				t.Fatalf("stage %d: plan %s: %v", i+1, wanted.Kind, err)
			}
			if err == nil {
				of = append(of, x)
			}
		}
		for _, x := range of {
			out, err := x.kind.Apply(t.Context(), x.run(x.plan, nil))
			if err == nil && out.State != change.Applied {
				err = fmt.Errorf("%s: %s", out.State, out.Why)
			}
			if err != nil {
				t.Fatalf("stage %d: %s: %v", i+1, x.kind.ID, err)
			}
		}
		done = append(done, of...)
	}
	return done
}

func (w *World) planned(t *testing.T, c *Catalogue, wanted change.Wanted) (deployed, error) {
	x := deployed{trial: &trial{World: w, kind: c.Find(wanted.Kind), of: &change.Case{Parameters: wanted.Parameters}, in: wanted.Account}}
	if err := x.begin(); err != nil {
		return x, err
	}
	var err error
	x.plan, err = x.trial.plan(t.Context())
	return x, err
}
