package change

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/change/proposal"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// proposeFlags are those of rootkeep change propose.
type proposeFlags struct {
	catalogueFlags
	config     scan.Config
	management string
}

func proposeCommand(s cli.Streams) *cobra.Command {
	f := proposeFlags{}
	c := &cobra.Command{
		Use:   "propose --snapshot FILE|FOLDER",
		Short: "List the changes that mend what a scan found",
		Long: `Propose judges the snapshot of a scan, or the folder of an organization's, and lists for
everything that fails the change that mends it: where it is planned, with which
parameters, what it risks and what of it can be undone. Changes of one kind are together:
they make a batch. What lacks something says what a person has to give, and what no
change mends says what a person has to do. Nothing is asked of AWS, and nothing is
changed; plan reads the account again.

Exit code 5 when the snapshot or a file of yours could not be read.`,
		Example: `  rootkeep scan --aws --organization --save scan-of-today
  rootkeep change propose --snapshot scan-of-today
  rootkeep change propose --snapshot account.json --register register.yaml --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c, s) },
	}
	f.register(c)
	fl := c.Flags()
	fl.StringVar(&f.config.Snapshot, "snapshot", "", "snapshot file of a scan, or the folder of an organization's scan")
	fl.StringVar(&f.config.Register, "register", "", "file of decisions, attestations and exceptions")
	fl.StringArrayVar(&f.config.Controls, "controls", nil, "folder with further controls (repeatable)")
	fl.StringVar(&f.management, "management", "", "number of the management account (default the one among the snapshots)")
	cli.CompleteFiles(c, "snapshot", "json")
	cli.CompleteFiles(c, "register", "yaml")
	return c
}

func (f *proposeFlags) run(c *cobra.Command, s cli.Streams) error {
	if f.config.Snapshot == "" {
		return cli.Usage("--snapshot is missing; hint: rootkeep scan --aws --save FILE makes one")
	}
	management := rootkeep.AccountID(f.management)
	if management != "" {
		if _, err := rootkeep.ParseAccountID(f.management); err != nil {
			return cli.Usage("--management: %w", err)
		}
	}
	catalogue, codes, err := f.load(s, false)
	if err != nil {
		return err
	}
	controls, problems, err := scan.LoadControls(f.config.Controls)
	if err != nil {
		return &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	codes = append(codes, cli.Unread(s, problems)...)
	f.config.Version, f.config.Now = cli.Version(), time.Now()
	f.config.Took = func(snapshot *facts.Snapshot, _ []rootkeep.Finding) error {
		if snapshot.Facts.Organization.Management {
			management = cmp.Or(management, snapshot.Account)
		}
		return nil
	}
	a, err := scan.Run(c.Context(), f.config)
	if err != nil {
		return &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	if len(a.Problems) > 0 && len(codes) == 0 {
		codes = append(codes, cli.ExitUnread)
	}
	for _, p := range a.Problems {
		fmt.Fprintf(s.Err, "rootkeep: %s: %s\n", cli.Visible(p.File), cli.Visible(p.Reason))
	}
	list := proposal.Of(a.Findings, controls, catalogue.Kinds, management)
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, struct {
			Schema string `json:"schema"`
			*proposal.List
			ExitCodes []int `json:"exit_codes"`
		}{"rootkeep/change-proposals/1", list, append([]int{}, codes...)})
	} else {
		err = cli.PrintVisible(s.Out, proposals(list))
	}
	return cmp.Or(err, cli.ExitWith(codes))
}

// undoWords are what proposals say of undoing.
var undoWords = map[string]string{"all": "can be undone", "part": "can be undone in part", "none": "cannot be undone", "person": "a person does it"}

// proposals is the list for a person.
func proposals(list *proposal.List) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d of them ready to be planned; %s that no change mends\n",
		text.Counted(len(list.Proposals), "change"), len(list.Ready()), text.Counted(len(list.People), "failure"))
	kind := ""
	for i := range list.Proposals {
		p := &list.Proposals[i]
		if p.Kind != kind {
			kind = p.Kind
			fmt.Fprintf(&b, "\n%s  %s\n  class %s, risk %s, %s\n", cli.Visible(p.Kind), cli.Visible(p.Title), p.Class, p.Risk, undoWords[p.Undo])
		}
		fmt.Fprintf(&b, "  %s\n      %s\n", mended(p), cli.Visible(p.Command()))
		if p.Reason != "" {
			fmt.Fprintf(&b, "      needs a person: %s\n", cli.Visible(p.Reason))
		}
	}
	if len(list.People) > 0 {
		b.WriteString("\nNO CHANGE MENDS THESE\n")
	}
	for i := range list.People {
		p := &list.People[i]
		fmt.Fprintf(&b, "  %-8s  %s  %s\n      needs a person: %s\n", strings.ToUpper(p.Severity.String()), cli.Visible(p.Control), cli.Visible(placed(&p.Failure)), cli.Visible(p.Reason))
	}
	return b.String()
}

// mended names the controls of a proposal, each once, with how many failures they have.
func mended(p *proposal.Proposal) string {
	counts, order := map[string]int{}, []string{}
	for _, f := range p.Fails {
		if counts[f.Control]++; counts[f.Control] == 1 {
			order = append(order, f.Control)
		}
	}
	for i, id := range order {
		if n := counts[id]; n > 1 {
			order[i] = fmt.Sprintf("%s (%d)", id, n)
		}
	}
	return cli.Visible("account " + cmp.Or(string(p.Account), "of unknown number") + ", mends " + strings.Join(order, ", "))
}

// placed is what a failure is about.
func placed(f *proposal.Failure) string {
	if f.Region != "" && !strings.Contains(f.Resource, string(f.Region)) {
		return f.Resource + " in " + string(f.Region)
	}
	return f.Resource
}
