// Package app builds what the commands run: it reads settings and files, wires
// the engines to the adapters and gives results back.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/rootuse"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/stream/s3"
)

// HuntConfig is a hunt as the user asked for it.
type HuntConfig struct {
	Paths        []string // files, folders, zips, globs, s3://BUCKET/PREFIX, - for standard input
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
	Inventory    string   // file, a snapshot, or a folder of snapshots
	Keys         []string // files with CloudTrail's public keys; when given, the digest chains are verified
	OnMatch      func(detect.Match)
	Bucket       s3.Config // as whom s3:// is read; its period and accounts are those of the hunt
	Elsewhere    Elsewhere // other processes read; nil: this one does
	Version      string
	Now          func() time.Time
	// Memory, when set, is filled with what a server remembers beside the report.
	Memory *Memory
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
	source, err := c.source(ctx)
	if err != nil {
		return nil, err
	}
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
	proof, err := c.proof()
	if err != nil {
		return nil, err
	}
	h := &hunting{Hunt: hunt}
	if c.Memory != nil {
		if h.uses, err = rootuse.New(hunt, rootuse.Options{Since: c.Since, Until: c.Until, Accounts: c.Accounts}); err != nil {
			return nil, err
		}
	}
	p := &pass{audience: h, source: source, config: c, started: c.Now()}
	if proof != nil {
		p.sums = proof.sums
	}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	out.Interrupted = ctx.Err() != nil
	result, err := hunt.Finish(h.workers)
	if err != nil {
		return nil, err
	}
	for _, e := range result.Altered {
		p.journal.add(report.Problem{File: e.File, Offset: e.Offset, Kind: "same-id", Detail: fmt.Sprintf(
			"event %s of account %s was met before with other content: one of the two was altered or forged; both were judged", e.ID, e.Account)})
	}
	p.journal.omit(int(result.Totals.Altered) - len(result.Altered))
	fill(out, result, c.MinLevel)
	p.account(out)
	rulesOf(out, pack)
	if proof != nil && !out.Interrupted {
		proof.conclude(ctx, out)
	}
	c.remember(h.uses, proof, out)
	out.Finished = c.Now().UTC()
	out.Derive()
	return out, nil
}

func (c HuntConfig) hunt(pack *detect.Pack) (*detect.Hunt, error) {
	atlas, err := Atlas(c.GeoIP, c.ThreatLists, c.RelayLists)
	if err != nil {
		return nil, err
	}
	watched, scans, err := Inventory(c.Inventory)
	if err != nil {
		return nil, err
	}
	return detect.NewHunt(pack, detect.Options{
		Since: c.Since, Until: c.Until, ReadFrom: c.readFrom(), Accounts: c.Accounts, Inventory: watched, Scans: scans, Atlas: atlas,
		DedupMemory: c.DedupMemory, OnMatch: c.OnMatch,
	})
}

// readFrom is the first day of which everything is read, zero if nothing is left out: a
// bucket is listed from the day on with which the period begins.
func (c HuntConfig) readFrom() time.Time {
	narrows := func(path string) bool {
		place, err := s3.Parse(path)
		return s3.Is(path) && err == nil && place.Narrows()
	}
	if c.Since.IsZero() || !slices.ContainsFunc(c.Paths, narrows) {
		return time.Time{}
	}
	return c.Since.UTC().Truncate(24 * time.Hour)
}

// fill translates what the engine found.
func fill(out *report.Hunt, r *detect.Result, least rootkeep.Severity) {
	out.First, out.Last = r.Totals.First, r.Totals.Last
	shown := map[string]bool{}
	for _, a := range r.Alerts {
		if a.Level < least {
			out.Totals.Hidden.Add(a.Level)
			continue
		}
		shown[a.ID] = true
		out.Alerts = append(out.Alerts, a)
	}
	if n := len(r.Alerts) - len(out.Alerts); n > 0 {
		out.Notices = append(out.Notices, fmt.Sprintf("not shown: %s below %s; hint: --min-level informational", text.Counted(n, "alert"), least))
	}
	for _, p := range r.Places {
		out.Seen = append(out.Seen, report.Seen{Account: p.Account, Region: p.Region, Events: p.Events, First: p.First, Last: p.Last})
	}
	for _, s := range r.Sessions {
		out.Sessions = append(out.Sessions, session(s, shown))
	}
	t := &out.Totals
	t.Events, t.Duplicates, t.Matches = r.Totals.Events, r.Totals.Duplicates, r.Totals.Matches
	t.DedupApproximateFrom = r.Totals.Approximate
	out.Notices = append(out.Notices, r.Notices...)
	if n := r.Totals.Untimed; n > 0 {
		out.Notices = append(out.Notices, fmt.Sprintf("%d events have no readable eventTime: rules saw them, windows could not", n))
	}
	if n := r.Totals.Before; n > 0 {
		out.Notices = append(out.Notices, text.Counted(n, "event")+" from before the asked period raised no alert; windows, root sessions and first-seen baselines may begin with them")
	}
	if n := r.Totals.Outside; n > 0 {
		out.Notices = append(out.Notices, fmt.Sprintf("%d events lie outside the asked period or accounts", n))
	}
	out.Coverage.Detail = "Hint: rootkeep trail verify proves it from the digest chain."
}

func session(s detect.Session, shown map[string]bool) report.RootSession {
	mfa := map[string]report.MFA{"yes": report.MFAUsed, "no": report.MFANotUsed}[s.MFA]
	if mfa == "" {
		mfa = report.MFAUnknown
	}
	out := report.RootSession{
		Account: s.Account, Start: s.Start, End: s.End, MFA: mfa, Addresses: s.Addresses, Agents: s.Agents, Keys: s.Keys,
		Regions: s.Regions, Events: s.Events, Failed: s.Failed, Approval: s.Approval,
	}
	if shown[s.AlertID] {
		out.Alerts = []string{s.AlertID}
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
		out.Totals.Unread++
		out.Problems = append(out.Problems, report.Problem{File: fmt.Sprintf("%s:%d", p.File, p.Line), Offset: -1, Kind: "rule", Detail: p.Msg})
	}
}
