// Package app builds what the commands run: it reads settings and files, wires
// the engines to the adapters and gives results back.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/stream"
)

// HuntConfig is a hunt as the user asked for it.
type HuntConfig struct {
	Paths        []string // files, folders, zips, globs, - for standard input
	Stdin        io.Reader
	Rules        RuleConfig
	Pack         *detect.Pack // detections loaded before; nil: those of Rules
	Since, Until time.Time
	Accounts     []rootkeep.AccountID
	MinLevel     rootkeep.Severity
	Workers      int // 0: one for each processor
	DedupMemory  int // bytes, 0: the default
	GeoIP        []string
	ThreatLists  []string
	RelayLists   []string
	Inventory    string   // file
	Keys         []string // files with CloudTrail's public keys; when given, coverage is proven
	OnMatch      func(detect.Match)
	Version      string
	Now          func() time.Time
	// Progress, when set, is called a few times a second until the input is read.
	Progress func(report.Progress)
}

// Hunt reads all input and reports. An object that cannot be read is a problem
// in the report, not an error; when ctx ends, what was found so far is reported
// and marked as interrupted.
func Hunt(ctx context.Context, c HuntConfig) (*report.Hunt, error) {
	if c.Now == nil {
		return nil, errors.New("app: a clock is required")
	}
	out := &report.Hunt{
		Version: c.Version, Started: c.Now().UTC(), Inputs: c.Paths,
		Asked: report.Asked{MinLevel: c.MinLevel, Since: c.Since, Until: c.Until, Accounts: c.Accounts},
	}
	paths, err := stream.Open(c.Paths, c.Stdin)
	if err != nil {
		return nil, err
	}
	defer paths.Close()
	pack := c.Pack
	if pack == nil {
		if pack, err = LoadRules(c.Rules); err != nil {
			return nil, err
		}
	}
	hunt, err := c.hunt(pack)
	if err != nil {
		return nil, err
	}
	p := &pass{hunt: hunt, paths: paths, config: c, started: c.Now()}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	out.Interrupted = ctx.Err() != nil
	result := hunt.Finish(context.WithoutCancel(ctx), p.workers)
	fill(out, result, c.MinLevel)
	p.account(out)
	rulesOf(out, pack)
	if len(c.Keys) > 0 && !out.Interrupted {
		if err := c.prove(ctx, out); err != nil {
			return nil, err
		}
	}
	out.Finished = c.Now().UTC()
	out.Derive()
	return out, nil
}

func (c HuntConfig) hunt(pack *detect.Pack) (*detect.Hunt, error) {
	atlas, err := readAtlas(c.GeoIP, c.ThreatLists, c.RelayLists)
	if err != nil {
		return nil, err
	}
	inventory, err := readInventory(c.Inventory)
	if err != nil {
		return nil, err
	}
	return detect.NewHunt(pack, detect.Options{
		Since: c.Since, Until: c.Until, Accounts: c.Accounts, Inventory: inventory, Atlas: atlas,
		DedupMemory: c.DedupMemory, OnMatch: c.OnMatch,
	})
}

// pass is one reading of all input by several workers.
type pass struct {
	hunt    *detect.Hunt
	paths   *stream.Paths
	config  HuntConfig
	started time.Time
	workers []*detect.Worker

	mu       sync.Mutex // guards what follows
	totals   report.Totals
	problems []report.Problem
	omitted  int
	digests  int64
	reread   int64
	formats  map[cloudtrail.Container]int64

	done, stored, inflated, events atomic.Int64 // for the progress bar
}

// maxProblems is how many problems are kept word for word in a report; the rest
// is counted.
const maxProblems = 1000

func (p *pass) run(ctx context.Context) error {
	fields, err := cloudtrail.CompileFields(p.hunt.Fields())
	if err != nil {
		return err
	}
	p.formats = map[cloudtrail.Container]int64{}
	n := p.config.Workers
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	objects := make(chan stream.Object, 4*n)
	var wg sync.WaitGroup
	for range n {
		w := p.hunt.NewWorker()
		p.workers = append(p.workers, w)
		wg.Go(func() { p.work(ctx, w, fields, objects) })
	}
	stop := p.progress(ctx)
	p.paths.Send(ctx, objects)
	wg.Wait()
	stop()
	return nil
}

// work reads objects with one worker until there are no more.
func (p *pass) work(ctx context.Context, w *detect.Worker, fields *cloudtrail.Fields, objects <-chan stream.Object) {
	reader := cloudtrail.NewReader(fields, cloudtrail.Options{Derived: p.hunt.Derived()})
	for o := range objects {
		switch {
		case ctx.Err() != nil:
			return
		case o.Err != nil:
			p.problem(report.Problem{File: o.Input.Name, Offset: -1, Kind: string(cloudtrail.ReadError), Detail: o.Err.Error()})
		case o.Digest:
			p.mu.Lock()
			p.digests++
			p.mu.Unlock()
		default:
			stats := reader.Read(ctx, o.Input, func(rec *cloudtrail.Record) error {
				w.Observe(rec, o.Input.Name)
				return nil
			})
			p.tally(stats)
		}
	}
}

func (p *pass) tally(s cloudtrail.Stats) {
	p.done.Add(1)
	p.stored.Add(s.StoredBytes)
	p.inflated.Add(s.InflatedBytes)
	p.events.Add(int64(s.Records))
	p.mu.Lock()
	p.totals.Objects++
	p.totals.StoredBytes += s.StoredBytes
	p.totals.InflatedBytes += s.InflatedBytes
	p.totals.GzipMembers += int64(s.Members)
	p.formats[s.Container]++
	if s.Reread {
		p.reread++
	}
	p.omitted += s.ProblemsOmitted
	p.mu.Unlock()
	for _, problem := range s.Problems {
		p.problem(report.Problem{File: problem.File, Offset: problem.Offset, Kind: string(problem.Kind), Detail: problem.Detail, Notice: problem.Notice()})
	}
}

func (p *pass) problem(problem report.Problem) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.problems) >= maxProblems {
		p.omitted++
		return
	}
	p.problems = append(p.problems, problem)
}

// progress calls back four times a second; the returned function ends it.
func (p *pass) progress(ctx context.Context) (stop func()) {
	if p.config.Progress == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var objects, bytes atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		n, size := p.paths.Count(ctx)
		if ctx.Err() == nil {
			objects.Store(int64(n))
			bytes.Store(size)
		}
	})
	wg.Go(func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				p.config.Progress(report.Progress{
					FilesDone: p.done.Load(), FilesTotal: objects.Load(),
					StoredDone: p.stored.Load(), StoredTotal: bytes.Load(),
					Inflated: p.inflated.Load(), Events: p.events.Load(),
					Elapsed: p.config.Now().Sub(p.started),
				})
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// account adds to the report what the reading itself came to.
func (p *pass) account(out *report.Hunt) {
	t := &out.Totals
	t.Objects, t.StoredBytes, t.InflatedBytes, t.GzipMembers = p.totals.Objects, p.totals.StoredBytes, p.totals.InflatedBytes, p.totals.GzipMembers
	out.Problems = append(out.Problems, p.problems...)
	if p.omitted > 0 {
		out.Notices = append(out.Notices, fmt.Sprintf("%d further problems are counted but not listed", p.omitted))
	}
	if p.digests > 0 {
		out.Notices = append(out.Notices, fmt.Sprintf("%d digest files hold no events and were passed over; hint: rootkeep trail verify reads them", p.digests))
	}
	if p.reread > 0 {
		out.Notices = append(out.Notices, fmt.Sprintf("%d objects were read again by the standard library because our decoder was in doubt", p.reread))
	}
	if t.GzipMembers > t.Objects {
		out.Notices = append(out.Notices, fmt.Sprintf("%d gzip members were read in %d objects", t.GzipMembers, t.Objects))
	}
	if t.Objects == 0 {
		out.Notices = append(out.Notices, "nothing was read: the paths hold no file")
	}
}

// fill translates what the engine found.
func fill(out *report.Hunt, r *detect.Result, least rootkeep.Severity) {
	out.First, out.Last = r.Totals.First, r.Totals.Last
	for _, a := range r.Alerts {
		if a.Level >= least {
			out.Alerts = append(out.Alerts, a)
		}
	}
	if n := len(r.Alerts) - len(out.Alerts); n > 0 {
		out.Notices = append(out.Notices, fmt.Sprintf("%d alerts below %s are not shown; hint: --min-level informational", n, least))
	}
	for _, p := range r.Places {
		out.Seen = append(out.Seen, report.Seen{Account: p.Account, Region: p.Region, Events: p.Events, First: p.First, Last: p.Last})
	}
	for _, s := range r.Sessions {
		out.Sessions = append(out.Sessions, session(s))
	}
	t := &out.Totals
	t.Events, t.Duplicates, t.Matches = r.Totals.Events, r.Totals.Duplicates, r.Totals.Matches
	t.DedupApproximateFrom = r.Totals.Approximate
	out.Notices = append(out.Notices, r.Notices...)
	if n := r.Totals.Untimed; n > 0 {
		out.Notices = append(out.Notices, fmt.Sprintf("%d events have no readable eventTime: rules saw them, windows could not", n))
	}
	if n := r.Totals.Outside; n > 0 {
		out.Notices = append(out.Notices, fmt.Sprintf("%d events lie outside the asked period or accounts", n))
	}
	out.Coverage.Detail = "Hint: rootkeep trail verify proves it from the digest chain."
}

func session(s detect.Session) report.RootSession {
	mfa := map[string]report.MFA{"yes": report.MFAUsed, "no": report.MFANotUsed}[s.MFA]
	if mfa == "" {
		mfa = report.MFAUnknown
	}
	out := report.RootSession{
		Account: s.Account, Start: s.Start, End: s.End, MFA: mfa, Addresses: s.Addresses, Agents: s.Agents, Keys: s.Keys,
		Regions: s.Regions, Events: s.Events, Failed: s.Failed, Approval: s.Approval, Alerts: []string{s.AlertID},
	}
	for _, a := range s.Actions {
		out.Calls = append(out.Calls, report.Call{Name: a.Name, Source: a.Source, Count: a.Count, Failed: a.Failed})
	}
	return out
}

func rulesOf(out *report.Hunt, pack *detect.Pack) {
	out.Rules.Single, out.Rules.Correlations = len(pack.Set.Rules()), len(pack.Set.Correlations())
	for _, p := range pack.Problems {
		if p.Warning {
			out.Notices = append(out.Notices, p.String())
			continue
		}
		out.Rules.Failed++
		out.Problems = append(out.Problems, report.Problem{File: fmt.Sprintf("%s:%d", p.File, p.Line), Offset: -1, Kind: "rule", Detail: p.Msg})
	}
}
