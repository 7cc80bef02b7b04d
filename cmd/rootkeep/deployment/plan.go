package deployment

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/change"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	core "github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/deploy"
)

const planLong = `Plan has a server plan a stage of a deployment: changes of several kinds, in one batch.
A plan holds the state that it was made from, and people sign it, so that what needs a
log group cannot be planned before the log group is there. Plan stage 1, have its changes
approved, apply the batch, then plan stage 2. What is as it should be is left out.

Deployments are monitoring-account and monitoring-organization, whose account is the
management account. The roles that changes are applied with have to be there first:
rootkeep role render.

--list prints the options and the stages, and with --account and options every change
with its parameters, and asks no server.`

const planExample = `  rootkeep deploy plan monitoring-account --list
  rootkeep deploy plan monitoring-account --account 111122223333 --stage 1 --set bucket=trail-of-the-firm --set emails=security@example.com
  rootkeep deploy plan monitoring-organization --account 111122223333 --stage 1 --set bucket=trail-of-the-firm --set security=222233334444 \
    --set members=333344445555,444455556666 --set emails=security@example.com`

// planFlags are those of rootkeep deploy plan.
type planFlags struct {
	cli.ServerFlags
	account string
	home    string
	stage   int
	set     []string
	skip    []string
	list    bool
}

func planCommand(s cli.Streams) *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:     "plan DEPLOYMENT",
		Short:   "Plan a stage of the monitoring as changes of accounts",
		Long:    planLong,
		Example: planExample,
		Args:    cobra.ExactArgs(1),

		ValidArgsFunction: cli.Names(deploymentNames),
		RunE:              func(c *cobra.Command, args []string) error { return f.run(c, s, args[0]) },
	}
	f.Register(c)
	fl := c.Flags()
	fl.StringVar(&f.account, "account", "", "account that is deployed to; of an organization its management account")
	fl.StringVar(&f.home, "home", "us-east-1", "Region of the trail")
	fl.IntVar(&f.stage, "stage", 0, "stage that is planned, from 1")
	fl.StringArrayVar(&f.set, "set", nil, "an option, as name=value; lists are joined by commas (repeatable)")
	fl.StringSliceVar(&f.skip, "skip", nil, "kinds of change that are left out, by comma, because what they make is there already")
	fl.BoolVar(&f.list, "list", false, "print options, stages and changes, and ask no server")
	return c
}

func applyCommand(s cli.Streams) *cobra.Command {
	var f cli.ServerFlags
	c := &cobra.Command{
		Use:   "apply BATCH",
		Short: "Apply a planned stage, one change after the other",
		Long: `Apply has the batch of a stage applied, as rootkeep change batch apply does: in its order,
until a change does not end applied or is not approved. Then plan the next stage. It takes
a pass made within the last five minutes. A stage is undone as a whole, the last change
first: rootkeep change batch undo.`,
		Example: "  rootkeep deploy apply CB-1KB2Z7Q0MX7F3A",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return change.Batch(c, s, f, args[0], "apply") },
	}
	f.Register(c)
	return c
}

// shipped reads the deployments that come with rootkeep.
func shipped() (*kinds.Catalogue, []*core.Deployment, error) {
	catalogue, err := kinds.Load(nil, false)
	if err != nil {
		return nil, nil, err
	}
	all, problems := catalogue.Deployments(false)
	return catalogue, all, errors.Join(problems...)
}

func deploymentNames() []string {
	_, all, err := shipped()
	if err != nil {
		return nil
	}
	var out []string
	for _, d := range all {
		out = append(out, d.ID+"\t"+d.Title)
	}
	return out
}

func (f *planFlags) run(c *cobra.Command, s cli.Streams, id string) error {
	if err := cli.OutputIs(f.Output); err != nil {
		return err
	}
	catalogue, all, err := shipped()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(d *core.Deployment) bool { return d.ID == id })
	if i < 0 {
		return cli.Usage("deployment %q does not exist; hint: monitoring-account or monitoring-organization", id)
	}
	d := all[i]
	if f.list && f.account == "" {
		return f.about(s, d)
	}
	target, options, err := f.target()
	if err != nil {
		return err
	}
	if f.list {
		return f.changes(s, d, target, options, catalogue)
	}
	if f.stage < 1 || f.stage > len(d.Stages) {
		return cli.Usage("--stage %d: %s has stages 1 to %d; hint: each is planned once the one before is applied", f.stage, d.ID, len(d.Stages))
	}
	list, err := f.wanted(d, f.stage, target, options, catalogue)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return cli.Usage("stage %d: every change is left out", f.stage)
	}
	w := client.ChangeBatchWanted{About: fmt.Sprintf("%s of %s, stage %d: %s", d.ID, target.Account, f.stage, d.Stages[f.stage-1].Title)}
	w.Changes = list
	return change.PlanBatch(c, s, f.ServerFlags, w)
}

// target is where it is deployed to, and the options as they were said.
func (f *planFlags) target() (core.Target, map[string]any, error) {
	account, err := rootkeep.ParseAccountID(f.account)
	if err != nil {
		return core.Target{}, nil, cli.Usage("--account: %w", err)
	}
	if err := deploy.CheckHome(f.home); err != nil {
		return core.Target{}, nil, cli.Usage("--home: %w", err)
	}
	options, err := change.Parameters(f.set)
	return core.Target{Account: account, Region: f.home, Partition: rootkeep.Region(f.home).Partition()}, options, err
}

// wanted is what a stage comes to, without what is to be skipped.
func (f *planFlags) wanted(d *core.Deployment, stage int, t core.Target, options map[string]any, catalogue *kinds.Catalogue) ([]client.ChangeWanted, error) {
	for _, id := range f.skip {
		if !makes(d, id) {
			return nil, cli.Usage("--skip %s: %s has no such kind of change; hint: rootkeep deploy plan %s --list", id, d.ID, d.ID)
		}
	}
	list, err := d.Stage(stage, t, options, catalogue.Find)
	if err != nil {
		return nil, cli.Usage("%w", err)
	}
	out := []client.ChangeWanted{}
	for _, w := range list {
		if !slices.Contains(f.skip, w.Kind) {
			out = append(out, client.ChangeWanted{Kind: w.Kind, Account: string(w.Account), Region: w.Region, Parameters: w.Parameters})
		}
	}
	return out, nil
}

// makes says whether a stage of the deployment has a change of the kind.
func makes(d *core.Deployment, kind string) bool {
	for _, stage := range d.Stages {
		for _, p := range stage.Steps {
			if p.Change == kind {
				return true
			}
		}
	}
	return false
}

// about prints what a deployment is.
func (f *planFlags) about(s cli.Streams, d *core.Deployment) error {
	if f.Output == "json" {
		return cli.Usage("--output json goes with --account and the options")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n%s\n\noptions:\n", d.ID, d.Title, strings.TrimSpace(d.Why))
	for _, name := range slices.Sorted(maps.Keys(d.Options)) {
		p := d.Options[name]
		usual := "required"
		if !p.Required {
			usual = fmt.Sprintf("default %v", p.Default)
		}
		fmt.Fprintf(&b, "  %-10s  %s (%s)\n", name, p.About, usual)
	}
	for i, stage := range d.Stages {
		fmt.Fprintf(&b, "\nstage %d: %s\n", i+1, stage.Title)
		for _, p := range stage.Steps {
			fmt.Fprintf(&b, "  %s\n", p.Change)
		}
	}
	return cli.PrintVisible(s.Out, b.String())
}

// stageView is a stage for programs.
type stageView struct {
	Stage   int                   `json:"stage"`
	Title   string                `json:"title"`
	Changes []client.ChangeWanted `json:"changes"`
}

// changes prints what the stages come to.
func (f *planFlags) changes(s cli.Streams, d *core.Deployment, t core.Target, options map[string]any, catalogue *kinds.Catalogue) error {
	stages := []stageView{}
	for i, stage := range d.Stages {
		list, err := f.wanted(d, i+1, t, options, catalogue)
		if err != nil {
			return err
		}
		v := stageView{Stage: i + 1, Title: stage.Title, Changes: list}
		if f.stage == 0 || f.stage == i+1 {
			stages = append(stages, v)
		}
	}
	if f.Output == "json" {
		return cli.WriteJSON(s.Out, struct {
			Schema     string      `json:"schema"`
			Deployment string      `json:"deployment"`
			Account    string      `json:"account"`
			Stages     []stageView `json:"stages"`
		}{"rootkeep/deploy-stages/1", d.ID, string(t.Account), stages})
	}
	var b strings.Builder
	for _, v := range stages {
		fmt.Fprintf(&b, "stage %d: %s\n", v.Stage, v.Title)
		for _, w := range v.Changes {
			fmt.Fprintf(&b, "  %s  %s", w.Account, w.Kind)
			for _, name := range slices.Sorted(maps.Keys(w.Parameters)) {
				fmt.Fprintf(&b, " %s=%v", name, w.Parameters[name])
			}
			b.WriteString("\n")
		}
	}
	return cli.PrintVisible(s.Out, b.String())
}
