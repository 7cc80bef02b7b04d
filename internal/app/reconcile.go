package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/stream"
	"github.com/rootkeep/rootkeep/internal/sweep"
)

// ReconcileConfig is a reconciliation of files as the user asked for it.
type ReconcileConfig struct {
	Paths        []string // of logs, as of a hunt
	Stdin        io.Reader
	Requests     []string // files of requests, or folders of them
	Scans        []string // snapshots, or folders of scans
	Keys         []string // files with CloudTrail's public keys
	Since, Until time.Time
	Workers      int
	Now          func() time.Time
	Progress     func(report.Progress)
}

// Reconciliation is what the events of root users in the logs came to.
type Reconciliation struct {
	Since    time.Time          `json:"since,omitzero"` // of the period asked for
	Until    time.Time          `json:"until,omitzero"`
	Records  int64              `json:"records"` // read
	Events   []reconcile.Judged `json:"events"`  // of the period, earliest first
	Requests []reconcile.Fate   `json:"requests"`
	Claim    *reconcile.Claim   `json:"claim"`   // nil if absence is not claimed
	Missing  []string           `json:"missing"` // what a claim lacks
	Problems []report.Problem   `json:"problems"`
	Unread   int64              `json:"unread"`
	Notices  []string           `json:"notices"`
	// Interrupted says that not all was read.
	Interrupted bool `json:"interrupted"`
}

// Reconcile reads logs, judges the events of root users in them by what files say, and
// claims that none lacks an explanation where the trail is proven.
func Reconcile(ctx context.Context, c ReconcileConfig) (*Reconciliation, error) {
	if c.Now == nil {
		return nil, errors.New("app: a clock is required")
	}
	in, err := c.known()
	if err != nil {
		return nil, err
	}
	r, err := c.read(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	in.Events, in.Now = r.events, c.Now()
	out := &Reconciliation{
		Since: c.Since, Until: c.Until, Records: r.records, Problems: orEmpty(r.hunt.Problems), Unread: r.hunt.Totals.Unread + r.omitted,
		Notices: orEmpty(r.hunt.Notices), Interrupted: ctx.Err() != nil, Missing: []string{},
	}
	if r.omitted > 0 {
		out.Notices = append(out.Notices, fmt.Sprintf("%d events of root users beyond what is kept were not judged", r.omitted))
	}
	c.conclude(r.trust, &in, out)
	return out, nil
}

// rootReading is what reading logs for events of root users came to.
type rootReading struct {
	*trust
	events  []reconcile.Event
	omitted int64 // events beyond what is kept
	records int64
	hunt    report.Hunt // problems, notices and what was not read
}

// read reads the logs once, and verifies what can be. Of folders with CloudTrail's layout
// it is the days from a time on.
func (c ReconcileConfig) read(ctx context.Context, from time.Time) (*rootReading, error) {
	paths, err := stream.Open(c.Paths, c.Stdin)
	if err != nil {
		return nil, err
	}
	if !from.IsZero() {
		paths.From(from)
	}
	intake, err := reconcile.NewIntake()
	if err != nil {
		return nil, err
	}
	hunt := HuntConfig{Paths: c.Paths, Keys: c.Keys, Since: c.Since, Until: c.Until, Workers: c.Workers, Now: c.Now, Progress: c.Progress}
	proof, err := hunt.proof()
	if err != nil {
		return nil, err
	}
	gathering := &reconciling{intake: intake}
	p := &pass{audience: gathering, source: paths, config: hunt, started: c.Now()}
	if proof != nil {
		p.sums = proof.sums
	}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	out := &rootReading{records: p.events.Load()}
	p.account(&out.hunt)
	out.events, out.omitted = gathering.gathered.Events()
	out.trust = &trust{proof: proof, problems: p.journal.byFile(), unread: p.journal.omitted + out.omitted}
	if ctx.Err() != nil {
		out.lacks = "the reading was interrupted"
	}
	out.look(ctx, out.events)
	return out, nil
}

func orEmpty[T any](list []T) []T { return append([]T{}, list...) }

// conclude judges, and claims what is proven.
func (c ReconcileConfig) conclude(t *trust, in *reconcile.Input, out *Reconciliation) {
	in.Coverage = t.covered
	if t.lacks != "" {
		out.Missing = append(out.Missing, t.lacks)
	}
	if t.bad > 0 {
		out.Notices = append(out.Notices, fmt.Sprintf("%s invalid, missing or named by no digest: their hours are not proven, and events in them explain no others; hint: rootkeep trail verify names them",
			text.Counted(int64(t.bad), "file")))
	}
	t.doubt(in.Events, anyLog)
	result := reconcile.Judge(*in)
	if in.Coverage != nil {
		var missing []string
		t.doubt(in.Events, provenLogs) // absence is claimed by what is proven alone
		strict := reconcile.Judge(*in).Events
		out.Claim, missing = reconcile.Absence(c.period(in, strict, t.unread), strict, in.Coverage)
		out.Missing = append(out.Missing, missing...)
	}
	out.Events = slices.DeleteFunc(result.Events, func(e reconcile.Judged) bool {
		return !e.Time.IsZero() && (e.Time.Before(c.Since) || !c.Until.IsZero() && !e.Time.Before(c.Until))
	})
	asked := map[string]bool{}
	for _, r := range in.Requests {
		if r.Until.After(c.Since) && (c.Until.IsZero() || r.From.Before(c.Until)) {
			asked[r.ID] = true
		}
	}
	out.Requests = slices.DeleteFunc(result.Requests, func(f reconcile.Fate) bool { return !asked[f.Request] })
}

// The logs whose events explain others.
const (
	anyLog     = false // but for those that CloudTrail is known not to have written
	provenLogs = true
)

// period is what absence is claimed about: what was asked for, or else the time for which
// every Region is proven, of all accounts that have coverage or events.
func (c ReconcileConfig) period(in *reconcile.Input, events []reconcile.Judged, unread int64) reconcile.Period {
	p := reconcile.Period{From: c.Since, To: c.Until, Now: in.Now, Unread: unread}
	var from, to time.Time
	for _, r := range in.Coverage {
		p.Accounts = append(p.Accounts, r.Account)
		if spans := slices.DeleteFunc(slices.Clone(r.Spans), func(s digest.Span) bool { return s.State != digest.Proven }); len(spans) > 0 {
			from = later(from, spans[0].From)
			if end := spans[len(spans)-1].To.Add(-reconcile.Delay); to.IsZero() || end.Before(to) {
				to = end
			}
		}
	}
	for i := range events {
		p.Accounts = append(p.Accounts, events[i].Account)
	}
	slices.Sort(p.Accounts)
	p.Accounts = slices.Compact(p.Accounts)
	p.From, p.To = orTime(p.From, from), orTime(p.To, to)
	return p
}

// reconciling is a reconciliation as an audience.
type reconciling struct {
	intake   *reconcile.Intake
	gathered reconcile.Gathered
}

func (r *reconciling) Fields() []string { return r.intake.Fields() }
func (r *reconciling) Derived() int     { return 0 }
func (r *reconciling) observer() observer {
	return r // whose intake keeps nothing from record to record
}
func (r *reconciling) NewReader() {}

func (r *reconciling) Observe(rec *cloudtrail.Record, file string) {
	if e, ok := r.intake.Event(rec); ok {
		e.File = file
		r.gathered.Add(e)
	}
}

// known reads what explains events.
func (c ReconcileConfig) known() (in reconcile.Input, err error) {
	for _, path := range c.Requests {
		if err := readRequests(path, &in); err != nil {
			return in, err
		}
	}
	if err := single(&in); err != nil {
		return in, err
	}
	for _, path := range c.Scans {
		sessions, err := sessionsOf(path)
		if err != nil {
			return in, err
		}
		in.Scans = append(in.Scans, sessions...)
	}
	return in, nil
}

// single drops copies of requests. Two with one ID that say different things are refused:
// what one of them explains would count for what the other one was approved for.
func single(in *reconcile.Input) error {
	first := map[string]*reconcile.Request{}
	var out []reconcile.Request
	for i := range in.Requests {
		r := &in.Requests[i]
		switch known := first[r.ID]; {
		case known == nil:
			first[r.ID], out = r, append(out, *r)
		case !reflect.DeepEqual(known, r):
			return fmt.Errorf("request %s is there twice, and says different things; hint: an ID is that of one request", r.ID)
		}
	}
	in.Requests = out
	return nil
}

// readRequests reads a file of requests, or all of a folder.
func readRequests(path string, in *reconcile.Input) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("read requests: %w", err)
	}
	if !info.IsDir() {
		return reconcile.ReadFile(os.DirFS(filepath.Dir(path)), filepath.Base(path), filepath.Dir(path), in)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("read requests: %w", err)
	}
	found := false
	for _, e := range entries {
		if e.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(e.Name()))) {
			continue
		}
		found = true
		if err := reconcile.ReadFile(os.DirFS(path), e.Name(), path, in); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("read requests: %s holds no file of requests; hint: *.yaml or *.json", path)
	}
	return nil
}

// sessionsOf are the root sessions that a snapshot, or the folder of a scan, recorded.
func sessionsOf(path string) ([]reconcile.Scan, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read scans: %w", err)
	}
	names := []string{path}
	var sessions []facts.Session
	if info.IsDir() {
		// Those of a scan that was killed are on record from before they were used.
		if sessions, err = sweep.SessionsIn(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if names, err = scan.SnapshotsIn(path); err != nil && len(sessions) == 0 {
			return nil, err
		}
	}
	for _, name := range names {
		s, err := scan.ReadSnapshot(name)
		if err != nil {
			return nil, err
		}
		sessions = append(sessions, s.Sessions...)
	}
	var out []reconcile.Scan
	for _, s := range sessions {
		if s.Root {
			out = append(out, reconcile.Scan{Name: s.SourceIdentity, Account: s.Account, AccessKey: s.AccessKey, Start: s.Start, End: s.End})
		}
	}
	return out, nil
}
