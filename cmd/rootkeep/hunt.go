package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	serving "github.com/rootkeep/rootkeep/cmd/rootkeep/server"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/app/share"
	"github.com/rootkeep/rootkeep/internal/app/spread"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/exchange"
	"github.com/rootkeep/rootkeep/internal/stream"
	"github.com/rootkeep/rootkeep/internal/stream/broker"
)

// huntFlags is the command line of hunt.
type huntFlags struct {
	output, file  string
	allMatches    bool
	noProgress    bool
	color         string
	failOn        cli.Level
	minLevel      cli.Level
	since, until  cli.Moment
	accounts      cli.Accounts
	dedup         cli.Size
	config        app.HuntConfig
	maxAlerts     int
	terminalWidth int
	send          bool
	connection    cli.Connection
	distribute    bool
	nats          share.Settings
}

// renderers are the output formats by name.
var renderers = map[string]func(io.Writer, *report.Hunt) error{
	"json": report.JSON, "ndjson": report.NDJSON, "csv": report.CSV, "html": report.HTML, "sarif": exchange.SARIF, "ocsf": exchange.OCSF,
}

func huntCommand(s cli.Streams) *cobra.Command {
	f := huntFlags{dedup: detect.DefaultDedupMemory}
	f.since.Now, f.until.Now = time.Now, time.Now
	f.minLevel.Severity = rootkeep.Low
	c := &cobra.Command{
		Use:   "hunt PATH...",
		Short: "Hunt through CloudTrail logs for root misuse and attacks",
		Long: `Hunt reads every file below the given paths - gzip or plain, any container that
CloudTrail records come in, folders, zips, globs, s3://BUCKET/PREFIX, - for standard
input - and tells what happened: root sessions first, then alerts, the most severe first.

A file that cannot be read is named, counted and skipped; the exit code is 5 then.
Ctrl-C prints what was found so far.

With --send a server keeps what was found: alerts, each event of a root user with its
record, sign-ins to the console, and which hours are proven. The token needs the
permission operate for every account that the logs tell of. The same hunt sent twice
changes nothing; an interrupted one is not sent.`,
		Example: `  rootkeep hunt ./AWSLogs
  rootkeep hunt --since 7d --output html --file report.html ./AWSLogs
  rootkeep hunt --since 30d --account 111122223333 s3://my-trail-bucket/AWSLogs
  rootkeep hunt --distribute --nats nats://broker:4222 s3://my-trail-bucket/AWSLogs
  rootkeep hunt --output ndjson --min-level high logs.zip | jq .title
  aws cloudtrail lookup-events | rootkeep hunt -
  rootkeep hunt --keys keys.json --since 30d ./bucket
  rootkeep hunt --keys keys.json --send --server https://rootkeep.example.com ./bucket
  rootkeep hunt --rules ./sigma/rules/cloud/aws --fail-on high ./AWSLogs`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), s, args) },
	}
	fl := c.Flags()
	fl.StringVar(&f.output, "output", "text", "text, json, ndjson (an alert a line), csv, html, sarif or ocsf")
	fl.StringVarP(&f.file, "file", "o", "", "write the report to this file instead of standard output")
	fl.BoolVar(&f.allMatches, "all-matches", false, "with --output ndjson: every rule match instead of grouped alerts")
	fl.Var(&f.minLevel, "min-level", "leave out alerts below this level (informational, low, medium, high, critical)")
	fl.Var(&f.failOn, "fail-on", "exit 2 when an alert is at or above this level")
	fl.Var(&f.since, "since", "events from here on: a day, a time, or a span back such as 7d")
	fl.Var(&f.until, "until", "events before this time")
	fl.Var(&f.accounts, "account", "only events of these accounts (repeat or separate by commas)")
	fl.StringArrayVar(&f.config.Rules.Dirs, "rules", nil, "folder or file with further Sigma rules (repeatable)")
	fl.BoolVar(&f.config.Rules.OnlyDirs, "no-shipped-rules", false, "use the rules of --rules alone")
	fl.StringVar(&f.config.Rules.Placeholders, "placeholders", "", "YAML file with the values of %name% placeholders")
	fl.StringArrayVar(&f.config.GeoIP, "geoip", nil, "MaxMind-format database for countries or AS numbers (repeatable)")
	fl.StringArrayVar(&f.config.ThreatLists, "threat-list", nil, "file of addresses, ranges, AS numbers, user agents that raise the level (repeatable)")
	fl.StringArrayVar(&f.config.RelayLists, "relay-list", nil, "file of relay and VPN ranges that stay out of baselines (repeatable)")
	fl.StringVar(&f.config.Inventory, "inventory", "", "YAML file of watched buckets, keys, topics, trails, rules, log-groups; or a snapshot of a scan, or a folder of them")
	fl.StringArrayVar(&f.config.Keys, "keys", nil, "public keys as list-public-keys prints them: verify the folders' digest chains in the same reading, so that absence can be claimed (repeatable)")
	fl.Var(&f.dedup, "dedup-memory", "memory for event IDs; beyond it the total may count duplicates")
	f.registerBuckets(c)
	fl.IntVar(&f.config.Workers, "workers", 0, "parallel readers, 0: one for each processor")
	fl.IntVar(&f.maxAlerts, "max-alerts", 0, "alerts told in full on the terminal, 0: 50, -1: all")
	fl.BoolVar(&f.noProgress, "no-progress", false, "no progress line on a terminal")
	fl.StringVar(&f.color, "color", "auto", "auto, always or never")
	fl.BoolVar(&f.send, "send", false, "send what was found to a rootkeep server, which keeps it")
	f.connection.Register(c)
	completeHunt(c)
	return c
}

// registerBuckets adds the flags of hunts through buckets.
func (f *huntFlags) registerBuckets(c *cobra.Command) {
	fl := c.Flags()
	fl.StringVar(&f.config.Bucket.Profile, "profile", "", "profile of the AWS configuration that s3:// is read with")
	fl.StringVar(&f.config.Bucket.Region, "region", "", "AWS Region to begin with; the bucket's own is found")
	fl.StringVar(&f.config.Bucket.Role, "role", "", "ARN of a role that s3:// is read as")
	fl.BoolVar(&f.distribute, "distribute", false, "have other processes read as well, those of rootkeep serve --role hunt at the broker of --nats")
	serving.RegisterNATS(c, &f.nats)
}

func completeHunt(c *cobra.Command) {
	cli.CompleteValues(c, "output", slices.Sorted(maps.Keys(renderers)), "text")
	cli.CompleteValues(c, "min-level", cli.Levels())
	cli.CompleteValues(c, "fail-on", cli.Levels())
	cli.CompleteValues(c, "color", []string{"auto", "always", "never"})
	cli.CompleteFiles(c, "geoip", "mmdb")
	cli.CompleteFiles(c, "placeholders", "yaml", "yml")
	cli.CompleteFiles(c, "inventory", "yaml", "yml", "json")
}

func (f *huntFlags) check() error {
	if _, ok := renderers[f.output]; !ok && f.output != "text" {
		return cli.Usage("--output %s: want text, %s", f.output, strings.Join(slices.Sorted(maps.Keys(renderers)), ", "))
	}
	if f.allMatches && f.output != "ndjson" {
		return cli.Usage("--all-matches goes with --output ndjson")
	}
	if !slices.Contains([]string{"auto", "always", "never"}, f.color) {
		return cli.Usage("--color %s: want auto, always or never", f.color)
	}
	if f.distribute != (f.nats.URL != "") {
		return cli.Usage("--distribute and --nats: want both, or neither")
	}
	if f.config.Workers < 0 {
		return cli.Usage("--workers %d: want 0 or more", f.config.Workers)
	}
	if !f.since.IsZero() && !f.until.IsZero() && !f.since.Before(f.until.Time) {
		return cli.Usage("--since %s is not before --until %s", &f.since, &f.until)
	}
	return nil
}

// collectLate lets the collector begin when there is something to save: most hunts never
// have as much memory in use, and each collection before costs more than it frees. Who sets
// GOGC or GOMEMLIMIT decides otherwise.
func collectLate() {
	const (
		first  = 64 << 20 // bytes of memory in use
		growth = 100      // percent, from then on; what Go takes by itself
	)
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(-1)
	before := debug.SetMemoryLimit(first)
	unused := &struct{ _ *int }{} // the first collection finds it
	runtime.AddCleanup(unused, func(limit int64) {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(growth)
	}, before)
}

func (f *huntFlags) run(ctx context.Context, s cli.Streams, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	collectLate()
	c := f.config
	var server *client.Client
	if f.send {
		var err error
		if server, err = f.connection.Client(); err != nil {
			return err // before a long reading, not after it
		}
		c.Memory = &app.Memory{}
	}
	c.Paths, c.Stdin, c.Version, c.Now = args, s.In, cli.Version(), time.Now
	c.Since, c.Until, c.Accounts = f.since.Time, f.until.Time, f.accounts
	c.MinLevel, c.DedupMemory = f.minLevel.Severity, int(f.dedup)
	out, err := cli.OpenOutput(f.file, s.Out, f.reads(args)...)
	if err != nil {
		return err
	}
	defer out.Discard()
	if f.allMatches {
		c.OnMatch = matchWriter(out, c.MinLevel)
	}
	clear := func() {}
	if width, ok := cli.TerminalWidth(s.Err); ok && !f.noProgress {
		c.Progress, clear = cli.ProgressLine(s.Err, width)
	}
	hunt, err := f.hunt(ctx, s, c)
	clear()
	if errors.Is(err, stream.ErrNotThere) {
		return &cli.Error{Code: cli.ExitUnread, Err: err}
	}
	if err != nil {
		return err
	}
	codes := f.codes(hunt)
	hunt.ExitCodes = codes
	if err := f.render(out, s, hunt); err != nil {
		return err
	}
	if err := out.Commit(); err != nil {
		return err
	}
	f.sayProblems(s.Err, hunt)
	if server != nil {
		if err := sendHunt(ctx, s.Err, server, hunt, c.Memory); err != nil {
			return err
		}
	}
	return cli.ExitWith(codes)
}

// reads are the files and folders that the report is made of.
func (f *huntFlags) reads(paths []string) []string {
	c := &f.config
	return slices.Concat(paths, c.Rules.Dirs, []string{c.Rules.Placeholders, c.Inventory}, c.GeoIP, c.ThreatLists, c.RelayLists, c.Keys)
}

// hunt hunts, with other processes if that was asked for.
func (f *huntFlags) hunt(ctx context.Context, s cli.Streams, c app.HuntConfig) (*report.Hunt, error) {
	if !f.distribute {
		return app.Hunt(ctx, c)
	}
	where, _, err := f.nats.Broker()
	if err != nil {
		return nil, &cli.Error{Code: cli.ExitUsage, Err: err}
	}
	conn, err := broker.Connect(where, "rootkeep hunt")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	h, err := spread.New(ctx, conn, c, "hunt-"+strings.ToLower(rand.Text()), slog.New(slog.NewTextHandler(s.Err, nil)))
	if err != nil {
		return nil, err
	}
	c.Elsewhere = h
	return app.Hunt(ctx, c)
}

// sendHunt sends what a hunt found, and says under which ID the server keeps it.
func sendHunt(ctx context.Context, w io.Writer, server *client.Client, h *report.Hunt, m *app.Memory) error {
	if h.Interrupted {
		return errors.New("the hunt was interrupted, so it was not sent")
	}
	up, err := app.Upload(h, m)
	if err != nil {
		return err
	}
	var taken client.HuntTaken
	if _, err := server.Do(ctx, client.Call{Method: http.MethodPost, Path: "/hunts", Body: up}, &taken); err != nil {
		return fmt.Errorf("send the hunt to %s: %s", server.Server(), cli.Visible(err.Error()))
	}
	state := "sent to"
	if taken.Known {
		state = "was sent before to"
	}
	fmt.Fprintf(w, "%s %s as %s\n", state, server.Server(), cli.Visible(taken.ID))
	return nil
}

// sayProblems names what could not be read, or was not, beside a format that has no
// place for it.
func (f *huntFlags) sayProblems(w io.Writer, h *report.Hunt) {
	if f.output != "ndjson" && f.output != "csv" && f.output != "ocsf" {
		return
	}
	for _, p := range h.Problems {
		if p.Notice {
			continue
		}
		where := p.File
		if p.Offset >= 0 {
			where += fmt.Sprintf(":%d", p.Offset)
		}
		fmt.Fprintf(w, "%s: %s: %s\n", cli.Visible(where), p.Kind, cli.Visible(p.Detail))
	}
	if h.Interrupted {
		fmt.Fprintln(w, "interrupted: this is what was found so far")
	}
}

func (f *huntFlags) render(out *cli.Output, s cli.Streams, hunt *report.Hunt) error {
	switch {
	case f.allMatches:
		return nil // written as they were found
	case f.output == "text":
		width, onTerminal := cli.TerminalWidth(s.Out)
		onTerminal = onTerminal && f.file == ""
		color := f.color == "always" || f.color == "auto" && onTerminal && os.Getenv("NO_COLOR") == ""
		if !onTerminal {
			width = 0
		}
		return report.Terminal(out, hunt, report.TerminalOptions{Color: color, Width: min(width, 120), MaxAlerts: f.maxAlerts})
	}
	return renderers[f.output](out, hunt)
}

// codes are all exit codes that apply, the deciding one first.
func (f *huntFlags) codes(h *report.Hunt) []int {
	var out []int
	if f.failOn.Given && h.Reaches(f.failOn.Severity) {
		out = append(out, cli.ExitFindings)
	}
	if len(f.config.Keys) > 0 && !h.Coverage.Proven {
		out = append(out, cli.ExitNoCoverage)
	}
	if h.Interrupted || h.Totals.Unread > 0 {
		out = append(out, cli.ExitUnread)
	}
	return out
}

// matchWriter prints matches as they are found, from any worker.
func matchWriter(out io.Writer, least rootkeep.Severity) func(detect.Match) {
	var mu sync.Mutex
	return func(m detect.Match) {
		if m.Level < least {
			return
		}
		e := m.Event
		mu.Lock()
		defer mu.Unlock()
		// A failed write stays in the buffered writer and comes out at commit.
		_ = report.WriteMatch(out, &report.Match{
			Time: e.Time, Event: e.ID, Rule: m.Rule, Level: m.Level, Account: e.Account, Region: e.Region,
			Actor: e.Actor.Principal, Name: e.Name, Address: e.Address, File: e.File, Offset: e.Offset,
		})
	}
}
