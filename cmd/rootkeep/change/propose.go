package change

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/change/proposal"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// proposeFlags are those of rootkeep change propose.
type proposeFlags struct {
	catalogueFlags
	cli.Connection
	config        scan.Config
	management    string
	scan, account string // on a server
}

// proposed is what there is to do, and of which scan.
type proposed struct {
	Schema string              `json:"schema"`
	Asked  string              `json:"asked"`
	Scans  []client.ProposedOf `json:"scans"`         // of a server
	Since  []client.ProposedOf `json:"scanned_since"` // accounts that are left out
	*proposal.List
	ExitCodes []int `json:"exit_codes"`
}

func proposeCommand(s cli.Streams) *cobra.Command {
	f := proposeFlags{}
	c := &cobra.Command{
		Use:   "propose --snapshot FILE|FOLDER | --account NUMBER | --scan ID",
		Short: "List the changes that mend what a scan found",
		Long: `Propose judges the snapshot of a scan, or the folder of an organization's, and lists for
everything that fails the change that mends it: where it is planned, with which
parameters, what it risks and what of it can be undone. Changes of one kind are together:
they make a batch. What lacks something says what a person has to give, and what no
change mends says what a person has to do. Nothing is asked of AWS, and nothing is
changed; plan reads the account again.

With --account, the newest scan of the account that the server keeps is taken, with --scan
a scan of the server: what it found is judged by the server's controls, and mended by the
server's kinds of change. Accounts that were scanned again since are named, and left out.

Exit code 5 when the snapshot or a file of yours could not be read.`,
		Example: `  rootkeep scan --aws --organization --save scan-of-today
  rootkeep change propose --snapshot scan-of-today
  rootkeep change propose --snapshot account.json --register register.yaml --output json
  rootkeep change propose --account 111122223333 --server https://rootkeep.example.com
  rootkeep change propose --scan SC-1KB2Z7Q0MX7F3A`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return f.run(c, s) },
	}
	f.register(c)
	f.Connection.Register(c)
	fl := c.Flags()
	fl.StringVar(&f.account, "account", "", "number of an account: its newest scan that the server keeps")
	fl.StringVar(&f.scan, "scan", "", "ID of a scan that the server keeps")
	fl.StringVar(&f.config.Snapshot, "snapshot", "", "snapshot file of a scan, or the folder of an organization's scan")
	fl.StringVar(&f.config.Register, "register", "", "file of decisions, attestations and exceptions")
	fl.StringArrayVar(&f.config.Controls, "controls", nil, "folder with further controls (repeatable)")
	fl.StringVar(&f.management, "management", "", "number of the management account (default the one among the snapshots)")
	cli.CompleteFiles(c, "snapshot", "json")
	cli.CompleteFiles(c, "register", "yaml")
	return c
}

func (f *proposeFlags) run(c *cobra.Command, s cli.Streams) error {
	if f.management != "" {
		if _, err := rootkeep.ParseAccountID(f.management); err != nil {
			return cli.Usage("--management: %w", err)
		}
	}
	get, err := f.source(c)
	if err != nil {
		return err
	}
	out, codes, err := get(c, s)
	if err != nil {
		return err
	}
	out.Schema, out.ExitCodes = "rootkeep/change-proposals/1", append([]int{}, codes...)
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, out)
	} else {
		err = cli.PrintVisible(s.Out, out.text())
	}
	return cmp.Or(err, cli.ExitWith(codes))
}

// source says where the scan is: in files, or on a server.
func (f *proposeFlags) source(c *cobra.Command) (func(*cobra.Command, cli.Streams) (*proposed, []int, error), error) {
	given := 0
	for _, text := range []string{f.config.Snapshot, f.account, f.scan} {
		if text != "" {
			given++
		}
	}
	switch {
	case given == 0:
		return nil, cli.Usage("which scan? hint: --snapshot FILE, which rootkeep scan --aws --save FILE makes, or --account NUMBER of a server")
	case given > 1:
		return nil, cli.Usage("--snapshot, --account and --scan: want one of them")
	case f.config.Snapshot != "":
		return f.ofFiles, nil
	}
	for _, name := range []string{"register", "controls", "changes"} {
		if c.Flags().Changed(name) {
			return nil, cli.Usage("--%s goes with --snapshot: a server has its own", name)
		}
	}
	if f.account != "" {
		if _, err := rootkeep.ParseAccountID(f.account); err != nil {
			return nil, cli.Usage("--account: %w", err)
		}
	}
	if f.scan != "" && !scanIDs.MatchString(f.scan) {
		return nil, cli.Usage("--scan %q: want the ID of a scan, such as SC-1KB2Z7Q0MX7F3A", f.scan)
	}
	return f.ofServer, nil
}

var scanIDs = regexp.MustCompile(`^SC-[0-9A-Z]{1,40}$`)

// ofServer asks the server what it proposes for a scan that it keeps.
func (f *proposeFlags) ofServer(c *cobra.Command, _ cli.Streams) (*proposed, []int, error) {
	if err := cli.OutputIs(f.output); err != nil {
		return nil, nil, err
	}
	server, err := f.Connection.Client()
	if err != nil {
		return nil, nil, err
	}
	query := url.Values{}
	for name, value := range map[string]string{"account": f.account, "scan": f.scan, "management": f.management} {
		if value != "" {
			query.Set(name, value)
		}
	}
	out, err := client.Get[proposed](c.Context(), server, "/changes/proposals", query)
	if client.Is(err, "not-found") {
		err = fmt.Errorf("%s keeps no scan of %s that you may read: %w; hint: rootkeep scan --aws --send", server, cmp.Or(f.scan, "account "+f.account), err)
	}
	if err != nil {
		return nil, nil, err
	}
	if out.List == nil {
		return nil, nil, fmt.Errorf("%s answered with no proposals; hint: it is of another version", server)
	}
	out.Asked = server.Server()
	return &out, nil, nil
}

// ofFiles judges snapshots.
func (f *proposeFlags) ofFiles(c *cobra.Command, s cli.Streams) (*proposed, []int, error) {
	management := rootkeep.AccountID(f.management)
	catalogue, codes, err := f.load(s, false)
	if err != nil {
		return nil, nil, err
	}
	controls, problems, err := scan.LoadControls(f.config.Controls)
	if err != nil {
		return nil, nil, &cli.Error{Code: cli.ExitUnread, Err: err}
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
		return nil, nil, &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	if len(a.Problems) > 0 && len(codes) == 0 {
		codes = append(codes, cli.ExitUnread)
	}
	for _, p := range a.Problems {
		fmt.Fprintf(s.Err, "rootkeep: %s: %s\n", cli.Visible(p.File), cli.Visible(p.Reason))
	}
	list := proposal.Of(a.Findings, controls, catalogue.Kinds, management)
	return &proposed{Asked: thisProgram, Scans: []client.ProposedOf{}, Since: []client.ProposedOf{}, List: list}, codes, nil
}

// text is what there is to do for a person, with the scans that a server took.
func (p *proposed) text() string {
	var b strings.Builder
	for _, of := range p.Scans {
		fmt.Fprintf(&b, "%s, scanned %s: %s of %s\n", cli.Visible(of.Account), of.Taken.UTC().Format(time.DateTime), cli.Visible(of.Scan), p.Asked)
	}
	for _, of := range p.Since {
		fmt.Fprintf(&b, "%s is left out: %s scanned it since; hint: --account %s\n", cli.Visible(of.Account), cli.Visible(of.Scan), cli.Visible(of.Account))
	}
	return b.String() + proposals(p.List)
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
