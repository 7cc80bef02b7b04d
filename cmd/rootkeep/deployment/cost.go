// Package deployment is rootkeep cost and deploy: what the guide's monitoring costs, and
// its text for CloudFormation and Terraform.
package deployment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/cost"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/rule"
)

const (
	usualTable   = "aws-us-east-1"
	usualRegions = 17 // that are on in a new account
)

// estimateFlags are what an estimate is made from.
type estimateFlags struct {
	snapshot          string
	accounts, regions int64
	assume            []string
	dirs              []string
	table             string
	at                cli.Moment
}

func (f *estimateFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.snapshot, "snapshot", "", "count in this snapshot file, or in the folder of an organization's scan")
	fl.Int64Var(&f.accounts, "accounts", 1, "how many accounts, without --snapshot")
	fl.Int64Var(&f.regions, "regions", usualRegions, "how many Regions are enabled in an account of which no snapshot tells it")
	fl.StringArrayVar(&f.assume, "assume", nil, "use this number, as NAME=N (repeatable)")
	fl.StringArrayVar(&f.dirs, "prices", nil, "folder with further price tables (repeatable)")
	fl.StringVar(&f.table, "table", usualTable, "price table, by its ID")
	fl.Var(&f.at, "at", "take this for today: a day, a time, or a span back (7d)")
	cli.CompleteFiles(c, "snapshot", "json")
	cli.CompleteValues(c, "assume", cost.QuantityIDs())
	cli.CompleteNames(c, "table", func() []string {
		var out []string
		for _, t := range shippedTables() {
			out = append(out, t.ID)
		}
		return out
	})
}

func shippedTables() []*cost.Table {
	all, _ := cost.Load(rule.Source{FS: content.Files, Dir: "prices", Tested: true}) // tested with the program
	return all
}

// estimate is an estimate with what the facts tell beside it.
type estimate struct {
	*cost.Estimate
	count    *cost.Count // nil without a snapshot
	problems []string    // accounts and files that could not be read
	old      bool
	now      time.Time
}

// make counts, and computes. stack are numbers that a stack has itself.
func (f *estimateFlags) make(ctx context.Context, given map[string]bool, stack ...cost.Quantity) (*estimate, error) {
	out := &estimate{now: f.at.Or(time.Now())}
	t, err := f.chosen(out)
	if err != nil {
		return nil, err
	}
	out.old = t.Old(out.now)
	all, unknown := cost.Usual(), map[string]string{}
	for _, q := range stack {
		if err := all.Set(q.ID, q.Value, q.Basis, q.Why); err != nil {
			return nil, err
		}
	}
	switch {
	case f.snapshot != "" && given["accounts"]:
		return nil, cli.Usage("--accounts: --snapshot has the accounts")
	case f.snapshot != "":
		if err := f.counted(ctx, t, all, out); err != nil {
			return nil, err
		}
		unknown = out.count.Unknown()
	case given["accounts"]:
		if err := all.Set("accounts", f.accounts, cost.Given, ""); err != nil {
			return nil, cli.Usage("--%w", err)
		}
	}
	if f.regions < 1 || f.regions > 100 {
		return nil, cli.Usage("--regions %d: want 1 to 100", f.regions)
	}
	if given["regions"] && f.snapshot == "" {
		if err := all.Set("account_regions", f.accounts*f.regions, cost.Given, ""); err != nil {
			return nil, cli.Usage("--accounts: %w", err)
		}
	}
	for _, text := range f.assume {
		id, number, ok := strings.Cut(text, "=")
		n, err := strconv.ParseInt(number, 10, 64)
		if !ok || err != nil {
			return nil, cli.Usage("--assume %s: want NAME=N, a whole number", text)
		}
		if err := all.Set(id, n, cost.Given, ""); err != nil {
			return nil, cli.Usage("--assume: %w", err)
		}
		if id == "data_events" {
			delete(unknown, "cloudtrail-data")
		}
	}
	all.Follow(f.regions)
	out.Estimate, err = cost.Compute(t, all, unknown)
	switch {
	case errors.Is(err, cost.ErrNoMeter):
		return nil, &cli.Error{Code: cli.ExitUnread, Err: err}
	case err != nil:
		return nil, cli.Usage("%w", err)
	}
	return out, nil
}

// chosen is the table to compute by.
func (f *estimateFlags) chosen(out *estimate) (*cost.Table, error) {
	all := shippedTables()
	for _, dir := range f.dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return nil, &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("read prices: %s is no folder", dir)}
		}
		own, problems := cost.Load(rule.Source{FS: os.DirFS(dir), Dir: ".", Name: dir})
		for _, p := range problems {
			out.problems = append(out.problems, p.Error())
		}
		for _, t := range own {
			if cost.Find(all, t.ID) != nil {
				out.problems = append(out.problems, fmt.Sprintf("%s: table %s is there already; want another id", dir, t.ID))
				continue
			}
			all = append(all, t)
		}
	}
	if t := cost.Find(all, f.table); t != nil {
		return t, nil
	}
	var ids []string
	for _, t := range all {
		ids = append(ids, t.ID)
	}
	for _, p := range out.problems {
		return nil, &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("no price table %q, and not all could be read: %s", f.table, p)}
	}
	return nil, cli.Usage("--table %s: want one of %s", f.table, strings.Join(ids, ", "))
}

// counted counts in the snapshots.
func (f *estimateFlags) counted(ctx context.Context, t *cost.Table, all cost.Quantities, out *estimate) error {
	out.count = cost.NewCount(t)
	read := 0
	problems, err := scan.Snapshots(ctx, f.snapshot, func(s *facts.Snapshot) {
		read++
		out.count.Add(s)
	})
	if err != nil {
		return &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	for _, p := range problems {
		out.count.Missing()
		out.problems = append(out.problems, p.File+": "+p.Reason)
	}
	if read == 0 {
		return &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("%s: no account could be read", f.snapshot)}
	}
	if err := out.count.Into(all, f.regions); err != nil {
		return &cli.Error{Code: cli.ExitUnread, Err: fmt.Errorf("%s: %w", f.snapshot, err)}
	}
	return nil
}

// codes are the exit codes that apply.
func (e *estimate) codes() []int {
	if len(e.problems) > 0 {
		return []int{cli.ExitUnread}
	}
	return []int{}
}

// warn says on the other stream what a reader of the amounts has to know.
func (e *estimate) warn(w io.Writer) {
	if e.old {
		fmt.Fprintf(w, "rootkeep: the prices are of %s, more than a year ago; hint: --prices DIR takes newer ones\n", e.Table.Date)
	}
	for _, p := range e.problems {
		fmt.Fprintf(w, "rootkeep: %s\n", cli.Visible(p))
	}
}

const costLong = `Cost prints what the guide's monitoring costs a month, by dated list prices: trail and
bucket, key, log group, alarms, Config, Security Hub, GuardDuty and the rest of what
deploy render writes, and the security keys for root users, once.

With --snapshot accounts, Regions, further trails and missing security keys are counted
in what a scan saved. AWS tells nobody by API how many events an account makes, so that
these are assumed, and every line says which numbers it rests on: counted, of the stack
itself, given with --assume, or assumed. What is there and cannot be counted is unknown,
and in no total. List prices are before discounts, taxes and free trials.

The names for --assume, and the prices with how sure each is, are in the JSON.

Exit code 5 when an account or a price table could not be read.`

// CostCommand is rootkeep cost.
func CostCommand(s cli.Streams) *cobra.Command {
	f := estimateFlags{at: cli.Moment{Now: time.Now}}
	var output string
	c := &cobra.Command{
		Use:   "cost",
		Short: "Estimate what the guide's monitoring costs",
		Long:  costLong,
		Example: `  rootkeep cost
  rootkeep cost --accounts 40 --regions 6 --assume management_events=2000000
  rootkeep cost --snapshot scan-of-today --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return cli.Usage("--output %s: want text or json", output)
			}
			e, err := f.make(c.Context(), changed(c, "accounts", "regions"))
			if err != nil {
				return err
			}
			e.warn(s.Err)
			if output == "json" {
				err = e.json(s.Out)
			} else {
				err = e.text(s.Out)
			}
			return cmp.Or(err, cli.ExitWith(e.codes()))
		},
	}
	f.add(c)
	c.Flags().StringVar(&output, "output", "text", "text or json")
	cli.CompleteValues(c, "output", []string{"text", "json"})
	return c
}

// changed says which of the flags were given.
func changed(c *cobra.Command, names ...string) map[string]bool {
	out := map[string]bool{}
	for _, n := range names {
		out[n] = c.Flags().Changed(n)
	}
	return out
}

func (e *estimate) json(w io.Writer) error {
	out := struct {
		Schema    string            `json:"schema"`
		Time      time.Time         `json:"time"`
		ExitCodes []int             `json:"exit_codes"`
		Prices    *cost.Table       `json:"prices"`
		Old       bool              `json:"prices_old"`
		Elsewhere *int64            `json:"regions_without_prices"` // null if it was not counted
		InPlace   map[string]string `json:"in_place"`
		*cost.Estimate
		Problems []string `json:"problems"`
	}{"rootkeep/cost/1", e.now.UTC(), e.codes(), e.Table, e.old, nil, map[string]string{}, e.Estimate, append([]string{}, e.problems...)}
	if e.count != nil {
		n := e.count.Elsewhere()
		out.Elsewhere, out.InPlace = &n, e.count.InPlace()
	}
	return cli.WriteJSON(w, out)
}

func (e *estimate) text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "What the guide's monitoring costs. %s, %s\n\n", cli.Visible(e.Table.Title), e.Table.Date)
	tab := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tab, "part\twhat\ta month\tonce\tbasis\tunits")
	for _, l := range e.Lines {
		month, once := l.Monthly.String(), ""
		switch {
		case l.Unknown != "":
			month = "unknown"
		case l.Once > 0 || e.Table.Meter(l.Meter).Once:
			month, once = "", l.Once.String()
		}
		fmt.Fprintf(tab, "%s\t%s: %s\t%s\t%s\t%s\t%s\n", l.Part, cli.Visible(l.Service), cli.Visible(l.Title), month, once, l.Basis, units(l.Units, cli.Visible(l.Unit)))
	}
	fmt.Fprintf(tab, "\ttotal\t%s\t%s\t\t\n", e.Monthly, e.Once)
	// A strings.Builder takes everything.
	_ = tab.Flush()
	e.footer(&b)
	_, err := io.WriteString(w, trimLines(b.String()))
	return err
}

// units is a number with its unit; GB has no plural.
func units(n int64, unit string) string {
	if strings.HasPrefix(unit, "GB") {
		return text.Grouped(n) + " " + unit
	}
	return text.Counted(n, unit)
}

// recalled is how many lines rest on a price that is to be looked up.
func (e *estimate) recalled() (n int) {
	for _, l := range e.Lines {
		if l.Confidence == "recalled" {
			n++
		}
	}
	return n
}

// footer tells what the numbers are and rest on.
func (e *estimate) footer(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s of the monthly total rests on an assumption.", e.Assumed)
	if e.Unknown > 0 {
		fmt.Fprintf(b, " In no total: %s.", text.Counted(e.Unknown, "unknown line"))
	}
	if n := e.recalled(); n > 0 {
		fmt.Fprintf(b, " The prices of %d of %d lines are recalled, not looked up.", n, len(e.Lines))
	}
	fmt.Fprintf(b, "\n\nformulas\n")
	for _, l := range e.Lines {
		fmt.Fprintf(b, "  %s: %s\n", l.Meter, cmp.Or(cli.Visible(l.Unknown), l.Formula))
	}
	fmt.Fprintf(b, "\nnumbers\n")
	for _, q := range e.Quantities {
		fmt.Fprintf(b, "  %s %s (%s): %s", q.ID, text.Grouped(q.Value), q.Basis, q.What)
		if q.Why != "" {
			fmt.Fprintf(b, "; %s", q.Why)
		}
		b.WriteString("\n")
	}
	if e.count != nil {
		fmt.Fprintf(b, "\nthere already\n")
		in := e.count.InPlace()
		for _, part := range slices.Sorted(maps.Keys(in)) {
			fmt.Fprintf(b, "  %s: %s\n", part, in[part])
		}
		if n := e.count.Elsewhere(); n > 0 {
			fmt.Fprintf(b, "\nthese prices do not hold in %s of accounts, priced by them all the same\n", text.Counted(n, "Region"))
		}
	}
	if len(e.Table.Guide) > 0 {
		fmt.Fprintf(b, "\nthe guide says\n")
		for _, g := range e.Table.Guide {
			fmt.Fprintf(b, "  %s: %s", cli.Visible(g.About), cli.Visible(g.Says))
			if g.But != "" {
				fmt.Fprintf(b, "; %s", cli.Visible(g.But))
			}
			b.WriteString("\n")
		}
	}
}

// trimLines takes the padding off the ends of lines.
func trimLines(s string) string {
	var out strings.Builder
	for line := range strings.Lines(s) {
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return out.String()
}
