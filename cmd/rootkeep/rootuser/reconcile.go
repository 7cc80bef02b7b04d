package rootuser

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// logFlags say which logs are read, and what explains uses of root in them.
type logFlags struct {
	config       app.ReconcileConfig
	since, until cli.Moment
	noProgress   bool
}

func (f *logFlags) register(c *cobra.Command) {
	f.since.Now, f.until.Now = time.Now, time.Now
	fl := c.Flags()
	fl.StringArrayVar(&f.config.Requests, "requests", nil, "file of approved requests, YAML or JSON, or a folder of them (repeatable)")
	fl.StringArrayVar(&f.config.Scans, "scans", nil, "snapshot of a scan, or the folder of one: its sessions explain what they read (repeatable)")
	fl.StringArrayVar(&f.config.Keys, "keys", nil, "public keys as list-public-keys prints them: verify the folders' digest chains, so that absence can be claimed (repeatable)")
	fl.Var(&f.since, "since", "events from here on: a day, a time, or a span back such as 7d")
	fl.Var(&f.until, "until", "events before this time")
	fl.IntVar(&f.config.Workers, "workers", 0, "parallel readers, 0: one for each processor")
	fl.BoolVar(&f.noProgress, "no-progress", false, "no progress line on a terminal")
	cli.CompleteFiles(c, "requests", "yaml", "yml", "json")
	cli.CompleteFiles(c, "scans", "json")
	cli.CompleteFiles(c, "keys", "json", "pem")
}

func (f *logFlags) read(ctx context.Context, s cli.Streams, paths []string) (*app.Reconciliation, error) {
	if !f.since.IsZero() && !f.until.IsZero() && !f.since.Before(f.until.Time) {
		return nil, cli.Usage("--since %s is not before --until %s", &f.since, &f.until)
	}
	if f.config.Workers < 0 {
		return nil, cli.Usage("--workers %d: want 0 or more", f.config.Workers)
	}
	c := f.config
	c.Paths, c.Stdin, c.Since, c.Until, c.Now = paths, s.In, f.since.Time, f.until.Time, time.Now
	clear := func() {}
	if width, ok := cli.TerminalWidth(s.Err); ok && !f.noProgress {
		c.Progress, clear = cli.ProgressLine(s.Err, width)
	}
	defer clear()
	r, err := app.Reconcile(ctx, c)
	if err != nil {
		return nil, &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	return r, nil
}

func reconcileCommand(s cli.Streams) *cobra.Command {
	var f logFlags
	var output, file string
	c := &cobra.Command{
		Use:   "reconcile PATH...",
		Short: "Give each event of a root user in CloudTrail's logs a verdict",
		Long: `Reconcile reads logs as hunt does and judges every event of a root user, or about one:
EXPLAINED or DRILL by an approved request or a recorded scan, SERVICE for what AWS did on
its own, and else OUT_OF_SCOPE, OUT_OF_WINDOW or UNEXPLAINED. It then says what became of
each request.

With --keys it verifies the digest chains as well, and claims that no use of root lacks an
explanation where the log is proven complete, or says what that claim lacks.

Exit codes: 3 an event is not explained; 4 absence was to be claimed and is not proven; 5
some input could not be read.`,
		Example: `  rootkeep root reconcile --requests requests.yaml --scans ./scan ./AWSLogs
  rootkeep root reconcile --requests ./requests --keys keys.json --since 2026-07-01 --until 2026-08-01 ./bucket
  rootkeep root reconcile --requests requests.yaml --output csv --file root.csv ./AWSLogs`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if output != "text" && output != "json" && output != "csv" {
				return cli.Usage("--output %s: want text, json or csv", output)
			}
			out, err := cli.OpenOutput(file, s.Out, slices.Concat(args, f.config.Requests, f.config.Scans, f.config.Keys)...)
			if err != nil {
				return err
			}
			defer out.Discard()
			r, err := f.read(c.Context(), s, args)
			if err != nil {
				return err
			}
			codes := f.codes(r)
			if err := write(out, output, r, codes); err != nil {
				return err
			}
			if err := out.Commit(); err != nil {
				return err
			}
			sayProblems(s.Err, r)
			return cli.ExitWith(codes)
		},
	}
	f.register(c)
	c.Flags().StringVar(&output, "output", "text", "text, json or csv (an event a row)")
	c.Flags().StringVarP(&file, "file", "o", "", "write the report to this file instead of standard output")
	cli.CompleteValues(c, "output", []string{"text", "json", "csv"})
	return c
}

// codes are all exit codes that apply, the deciding one first.
func (f *logFlags) codes(r *app.Reconciliation) []int {
	codes := []int{}
	if slices.ContainsFunc(r.Events, func(e reconcile.Judged) bool { return !e.Verdict.Harmless() }) {
		codes = append(codes, cli.ExitRoot)
	}
	if len(f.config.Keys) > 0 && r.Claim == nil || slices.ContainsFunc(r.Requests, func(f reconcile.Fate) bool { return f.Outcome == reconcile.NoCoverage }) {
		codes = append(codes, cli.ExitNoCoverage)
	}
	if r.Interrupted || r.Unread > 0 {
		codes = append(codes, cli.ExitUnread)
	}
	return codes
}

func sayProblems(w io.Writer, r *app.Reconciliation) {
	for _, p := range r.Problems {
		if !p.Notice {
			fmt.Fprintf(w, "%s:%d: %s: %s\n", cli.Visible(p.File), p.Offset, p.Kind, cli.Visible(p.Detail))
		}
	}
	for _, n := range r.Notices {
		fmt.Fprintln(w, cli.Visible(n))
	}
}

func write(w io.Writer, output string, r *app.Reconciliation, codes []int) error {
	switch output {
	case "json":
		return writeDocument(w, r, codes)
	case "csv":
		return writeRows(w, r)
	}
	return cli.PrintVisible(w, page(r))
}

// writeDocument writes JSON event by event, of which an organization has many.
func writeDocument(w io.Writer, r *app.Reconciliation, codes []int) error {
	shell := *r
	shell.Events = []reconcile.Judged{}
	d := text.Document{
		Shell: struct {
			Schema    string `json:"schema"`
			ExitCodes []int  `json:"exit_codes"`
			app.Reconciliation
		}{"rootkeep/root-reconcile/1", codes, shell},
		Lists: []text.LongList{{Key: "events", Depth: 1, Each: func(yield func(any) bool) {
			for i := range r.Events {
				if !yield(&r.Events[i]) {
					return
				}
			}
		}}},
	}
	return d.Write(w)
}

// writeRows writes one event a row (RFC 4180), with nothing that a spreadsheet would take
// for a formula.
func writeRows(w io.Writer, r *app.Reconciliation) error {
	rows := [][]string{{"time", "verdict", "rule", "request", "session", "account", "root_of", "region", "kind", "source", "name", "failed", "address", "principal", "event_id", "why"}}
	for i := range r.Events {
		e := &r.Events[i]
		row := []string{
			stamp(e.Time), string(e.Verdict), e.Rule, e.Request, e.Session, string(e.Account), string(e.Of), string(e.Region),
			string(e.Kind), e.Source, e.Name, fmt.Sprint(e.Failed), e.Address, e.Principal, e.ID, e.Why,
		}
		for i, cell := range row {
			row[i] = text.Cell(cell)
		}
		rows = append(rows, row)
	}
	if err := csv.NewWriter(w).WriteAll(rows); err != nil {
		return fmt.Errorf("write events as CSV: %w", err)
	}
	return nil
}

// stamp is a time in a cell, "" if the record has none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// count counts the events of each verdict.
func count(events []reconcile.Judged) map[rootkeep.Verdict]int {
	n := map[rootkeep.Verdict]int{}
	for i := range events {
		n[events[i].Verdict]++
	}
	return n
}
