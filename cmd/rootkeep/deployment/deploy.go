package deployment

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/cost"
	"github.com/rootkeep/rootkeep/internal/deploy"
	"github.com/rootkeep/rootkeep/internal/deploy/cloudformation"
	"github.com/rootkeep/rootkeep/internal/deploy/terraform"
)

// DeployCommand is rootkeep deploy.
func DeployCommand(s cli.Streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "deploy",
		Short: "Make the guide's monitoring: as changes, or as text for CloudFormation or Terraform",
	}
	c.AddCommand(renderCommand(s), planCommand(s), applyCommand(s))
	return c
}

const renderLong = `Render writes the guide's monitoring, corrected: a trail of all Regions with digest
files, its bucket with versions and a lock, key and log group; a metric filter and an
alarm for each event of the CIS benchmark, which one event takes to ALARM; EventBridge
rules for root where AWS logs its sign-ins; topics with mail or webhook; AWS Config with
the guide's four rules under their real names; Security Hub with two standards, not all;
GuardDuty with S3 protection; Access Analyzer; the role that scans read with; a queue of
new log files, and one of findings. It speaks to nobody and creates nothing.

A CloudFormation template makes things in one Region, so that there are several: home,
signin where root's sign-ins are logged if that is another Region, regions for all
others, and members for the other accounts of an organization. --template says which is
written, --dir writes all. Terraform is one file, for members another.

Parts can be left out with --without. --list says what each part is and what it comes to
a month, as rootkeep cost computes it with the same options.

--threat-list has GuardDuty watch for the addresses of the lists that hunts read: with
--dir it writes them in GuardDuty's plain form as threat-list.txt, which you copy to a
bucket of the account before the stack is made. --threat-set says what the list is there:
an entity list, which AWS recommends, or an address list, the older kind.

A lock in mode compliance ends for nobody, not even root, before its days are over.`

const renderExample = `  rootkeep deploy render --email security@example.com > home.yaml
  rootkeep deploy render --home eu-west-1 --lock governance --dir templates
  rootkeep deploy render --format terraform --home eu-west-1 --webhook > monitoring.tf
  rootkeep deploy render --organization o-a1b2c3d4e5 --account 222233334444 --management 111122223333 --dir templates
  rootkeep deploy render --list --snapshot scan-of-today --without securityhub`

type renderFlags struct {
	options             deploy.Options
	without             []string
	threats             []string
	format              string
	template            string
	dir                 string
	list                bool
	output              string
	account, management cli.Accounts
	archive             cli.Accounts
	estimate            estimateFlags
}

func formats() []string { return []string{"cloudformation", "terraform"} }

func templates() []string { return []string{"home", "archive", "signin", "regions", "members"} }

func renderCommand(s cli.Streams) *cobra.Command {
	f := renderFlags{estimate: estimateFlags{at: cli.Moment{Now: time.Now}}}
	c := &cobra.Command{
		Use:     "render",
		Short:   "Write the monitoring stack as text",
		Long:    renderLong,
		Example: renderExample,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c, s) },
	}
	fl := c.Flags()
	fl.StringVar(&f.format, "format", "cloudformation", "cloudformation or terraform")
	fl.StringVar(&f.template, "template", "home", "template to write: home, archive, signin, regions or members")
	fl.StringVar(&f.dir, "dir", "", "write every file into this folder, which must have none of them")
	fl.BoolVar(&f.list, "list", false, "list the parts with what they cost a month, and write no template")
	fl.StringVar(&f.output, "output", "text", "text or json, with --list")
	o := &f.options
	fl.StringVar(&o.Name, "name", "rootkeep", "what every name begins with")
	fl.StringVar(&o.Home, "home", "us-east-1", "Region of trail and bucket")
	fl.StringVar(&o.Organization, "organization", "", "ID of the organization whose accounts all are recorded")
	fl.Var(&f.account, "account", "account that keeps trail and bucket; needed with --organization")
	fl.Var(&f.management, "management", "management account, if --account is its delegated administrator for CloudTrail")
	fl.Var(&f.archive, "archive", "account that keeps the trail's bucket and key instead of --account")
	fl.StringSliceVar(&f.without, "without", nil, "leave out these parts, by comma")
	fl.StringArrayVar(&f.threats, "threat-list", nil, "file of addresses and ranges that GuardDuty watches for, as of rootkeep hunt (repeatable; with --dir or --list)")
	fl.StringVar(&o.ThreatSet, "threat-set", "", "what --threat-list is in GuardDuty: entity or address (entity)")
	fl.IntVar(&o.KeepDays, "keep-days", 2557, "days until log files are deleted")
	fl.IntVar(&o.LogDays, "log-days", 365, "days until the log group drops events")
	fl.StringVar(&o.LockMode, "lock", "", "lock new log files: governance or compliance")
	fl.IntVar(&o.LockDays, "lock-days", 0, "days of the lock (365 with --lock)")
	fl.IntVar(&o.Period, "period", 300, "seconds that an alarm looks at: 60 to 300")
	fl.StringArrayVar(&o.Emails, "email", nil, "mail address that is told (repeatable); without one it is asked for when the stack is made")
	fl.BoolVar(&o.Webhook, "webhook", false, "tell an https address as well, which is asked for when the stack is made: it may hold a secret")
	fl.StringVar(&o.ExternalID, "external-id", "", "external ID that the scanner has to give")
	f.estimate.add(c)
	c.Flag("accounts").Usage += "; with --list, as the flags of rootkeep cost"
	cli.CompleteValues(c, "format", formats())
	cli.CompleteValues(c, "template", templates())
	cli.CompleteValues(c, "threat-set", deploy.ThreatSets())
	cli.CompleteValues(c, "lock", []string{"governance", "compliance"})
	cli.CompleteValues(c, "output", []string{"text", "json"})
	cli.CompleteValues(c, "without", partNames())
	return c
}

func partNames() []string {
	var out []string
	for _, a := range deploy.Parts() {
		out = append(out, string(a.Part))
	}
	return out
}

// ofList are flags that say what the list rests on.
var ofList = []string{"output", "snapshot", "accounts", "regions", "assume", "prices", "table", "at"}

func (f *renderFlags) run(c *cobra.Command, s cli.Streams) error {
	switch {
	case !slices.Contains(formats(), f.format):
		return cli.Usage("--format %s: want cloudformation or terraform", f.format)
	case !slices.Contains(templates(), f.template):
		return cli.Usage("--template %s: want home, archive, signin, regions or members", f.template)
	case f.output != "text" && f.output != "json":
		return cli.Usage("--output %s: want text or json", f.output)
	case len(f.account) > 1 || len(f.management) > 1 || len(f.archive) > 1:
		return cli.Usage("--account, --management and --archive: want one each")
	case f.list && (f.dir != "" || c.Flags().Changed("template") || c.Flags().Changed("format")):
		return cli.Usage("--list writes no template: it does not go with --dir, --template or --format")
	case f.dir != "" && c.Flags().Changed("template"):
		return cli.Usage("--dir writes all templates: it does not go with --template")
	case len(f.threats) > 0 && f.dir == "" && !f.list:
		return cli.Usage("--threat-list: want --dir, into which the list is written for GuardDuty")
	case f.format == "terraform" && !slices.Contains(terraform.Configurations(), f.template):
		return cli.Usage("--template %s: Terraform has home, which is all Regions, archive and members", f.template)
	}
	for _, name := range ofList {
		if !f.list && c.Flags().Changed(name) {
			return cli.Usage("--%s goes with --list", name)
		}
	}
	stack, err := f.stack()
	if err != nil {
		return err
	}
	if f.list {
		return f.parts(c, s, stack)
	}
	files, err := f.files(stack)
	if err != nil {
		return err
	}
	if len(f.threats) > 0 {
		list, err := f.threatList(s)
		if err != nil {
			return err
		}
		files = append(files, *list)
	}
	if f.dir != "" {
		return writeAll(s, f.dir, files)
	}
	for _, one := range files {
		if one.template == f.template {
			_, err := s.Out.Write(one.text)
			return err
		}
	}
	_, err = stack.Place(f.template)
	return cli.Usage("--template: %w", cmp.Or(err, errors.New("there is no such file")))
}

// stack builds it from the flags.
func (f *renderFlags) stack() (*deploy.Stack, error) {
	o := f.options
	o.ThreatList = len(f.threats) > 0
	o.Account, o.Management, o.Archive = f.account.String(), f.management.String(), f.archive.String()
	for _, p := range f.without {
		o.Without = append(o.Without, deploy.Part(p))
	}
	for _, op := range awsread.Operations() {
		o.Actions = append(o.Actions, op.Action)
	}
	s, err := deploy.Build(o)
	if err != nil {
		return nil, cli.Usage("%w", err)
	}
	return s, nil
}

// threatList is the list that GuardDuty reads, of those that hunts read.
func (f *renderFlags) threatList(s cli.Streams) (*rendered, error) {
	atlas, err := app.Atlas(nil, f.threats, nil)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	left, err := deploy.WriteThreatList(&b, atlas.Threats.Ranges(time.Now()))
	if err != nil {
		return nil, err
	}
	if left > 0 {
		fmt.Fprintf(s.Err, "rootkeep: %d ranges are left out of %s: GuardDuty takes public addresses of IPv4\n", left, deploy.ThreatListFile)
	}
	return &rendered{deploy.ThreatListFile, deploy.ThreatListFile, b.Bytes()}, nil
}

// rendered is one file.
type rendered struct {
	template string
	name     string
	text     []byte
}

func (f *renderFlags) files(s *deploy.Stack) ([]rendered, error) {
	var out []rendered
	if f.format == "cloudformation" {
		for _, p := range s.Places {
			var b bytes.Buffer
			if err := cloudformation.Write(&b, s, p); err != nil {
				return nil, err
			}
			out = append(out, rendered{p.Name, p.Name + ".yaml", b.Bytes()})
		}
		return out, nil
	}
	for _, name := range terraform.Configurations() {
		if _, err := s.Place(name); err != nil {
			continue
		}
		var b bytes.Buffer
		if err := terraform.Write(&b, s, name); err != nil {
			return nil, err
		}
		// Each is a configuration of its own, with its own state.
		out = append(out, rendered{name, filepath.Join(name, "main.tf"), b.Bytes()})
	}
	return out, nil
}

// writeAll writes files that are not there yet, and says which.
func writeAll(s cli.Streams, dir string, files []rendered) error {
	for _, one := range files {
		path := filepath.Join(dir, one.name)
		if _, err := os.Lstat(path); err == nil {
			return fmt.Errorf("write %s: it is there already; hint: name a new folder", path)
		}
	}
	for _, one := range files {
		path := filepath.Join(dir, one.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		o, err := cli.OpenOutput(path, s.Out)
		if err != nil {
			return err
		}
		defer o.Discard()
		if _, err := o.Write(one.text); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		if err := o.Commit(); err != nil {
			return err
		}
		fmt.Fprintf(s.Out, "%s\n", cli.Visible(path))
	}
	return nil
}

// partView is a part for programs.
type partView struct {
	Part    deploy.Part   `json:"part"`
	Title   string        `json:"title"`
	Needs   []deploy.Part `json:"needs"`
	On      bool          `json:"on"`
	Monthly cost.Money    `json:"monthly"`
	Known   bool          `json:"known"` // false: a line of it is unknown and in no amount
}

// parts lists the parts with what they come to.
func (f *renderFlags) parts(c *cobra.Command, s cli.Streams, stack *deploy.Stack) error {
	e, err := f.estimate.make(c.Context(), changed(c, "accounts", "regions"), stackQuantities(stack)...)
	if err != nil {
		return err
	}
	e.warn(s.Err)
	list := []partView{}
	var total cost.Money
	for _, a := range deploy.Parts() {
		v := partView{Part: a.Part, Title: a.Title, Needs: append([]deploy.Part{}, a.Needs...), On: !slices.Contains(stack.Without, a.Part)}
		v.Monthly, v.Known = e.Part(string(a.Part))
		if v.On {
			total += v.Monthly // at most the total of the estimate
		}
		list = append(list, v)
	}
	if f.output == "json" {
		err = cli.WriteJSON(s.Out, struct {
			Schema    string     `json:"schema"`
			ExitCodes []int      `json:"exit_codes"`
			Prices    string     `json:"prices"`
			Date      string     `json:"prices_date"`
			Old       bool       `json:"prices_old"`
			Parts     []partView `json:"parts"`
			Monthly   cost.Money `json:"monthly"`
		}{"rootkeep/deploy-parts/1", e.codes(), e.Table.ID, e.Table.Date, e.old, list, total})
	} else {
		err = listText(s.Out, list, total, e)
	}
	return cmp.Or(err, cli.ExitWith(e.codes()))
}

func listText(w io.Writer, list []partView, total cost.Money, e *estimate) error {
	var b strings.Builder
	tab := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "part\ta month\tis\tneeds")
	for _, v := range list {
		amount := v.Monthly.String()
		switch {
		case !v.On:
			amount = "left out"
		case !v.Known:
			amount += " and more"
		}
		var needs []string
		for _, n := range v.Needs {
			needs = append(needs, string(n))
		}
		fmt.Fprintf(tab, "%s\t%s\t%s\t%s\n", v.Part, amount, v.Title, strings.Join(needs, ", "))
	}
	fmt.Fprintf(tab, "total\t%s\t\t\n", total)
	// A strings.Builder takes everything.
	_ = tab.Flush()
	fmt.Fprintf(&b, "\nBy list prices of %s. Most of it rests on assumptions: rootkeep cost has the lines, the numbers and their basis.\n", e.Table.Date)
	_, err := io.WriteString(w, trimLines(b.String()))
	return err
}

// stackQuantities are the numbers that a stack has itself.
func stackQuantities(s *deploy.Stack) []cost.Quantity {
	count := map[string]int64{"keys": 0, "filters": 0, "alarms": 0}
	for _, p := range s.Places {
		if p.Name == "members" || p.Name == "regions" {
			continue
		}
		for _, r := range p.Resources {
			switch r.(type) {
			case deploy.KMSKey:
				count["keys"]++
			case deploy.MetricFilter:
				count["filters"]++
			case deploy.Alarm:
				count["alarms"]++
			}
		}
	}
	months := func(days int) int64 { return int64((days*12 + 182) / 365) } // to the nearest
	count["bucket_months"], count["group_months"] = months(s.KeepDays), months(s.LogDays)
	var out []cost.Quantity
	for _, id := range []string{"keys", "filters", "alarms", "bucket_months", "group_months"} {
		out = append(out, cost.Quantity{ID: id, Value: count[id], Basis: cost.Stack})
	}
	return out
}
