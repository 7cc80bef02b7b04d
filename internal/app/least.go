package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/least"
	"github.com/rootkeep/rootkeep/iam/least/event"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/stream"
)

// LeastConfig asks what a principal needs. Proposal carries all but the log and what
// follows from it.
type LeastConfig struct {
	Subject      least.Subject
	Paths        []string // as of HuntConfig
	Stdin        io.Reader
	Since, Until time.Time
	Workers      int // 0: one for each processor
	Surroundings event.Surroundings
	Proposal     least.Input
	Now          func() time.Time
	Progress     func(report.Progress)
}

// Of takes the subject's policies of today from its account, and what the account tells
// of the names in requests. The error says that the account does not have the subject.
func (c *LeastConfig) Of(a *account.Account, g account.Guardrails) error {
	var owner *account.Identity
	for _, i := range a.Identities() {
		if c.Subject.Owner(i.Principal) {
			owner = i
			break
		}
	}
	if owner == nil {
		return fmt.Errorf("account %s has no %s; hint: give the dump of the principal's own account", a.ID, c.Subject)
	}
	in := &c.Proposal
	in.Principal, in.Policies, in.Facts = owner.Principal, owner.Policies(g), g.Facts()
	in.Context = func(known map[string][]string) iam.Context { return owner.Context(g, known) }
	c.Surroundings.Profiles = map[string]string{}
	for _, i := range a.Identities() {
		c.Surroundings.Entities = append(c.Surroundings.Entities, i.Principal.ARN)
		for _, profile := range i.Profiles {
			c.Surroundings.Profiles[profile] = i.Principal.ARN
		}
	}
	for _, g := range a.Groups {
		c.Surroundings.Entities = append(c.Surroundings.Entities, g.ARN)
	}
	for _, m := range a.Policies {
		if !m.AWS() {
			c.Surroundings.Entities = append(c.Surroundings.Entities, m.ARN)
		}
	}
	return nil
}

// Least is a proposal with what was wrong with the log.
type Least struct {
	Proposal *least.Proposal
	Problems []report.Problem
	Unread   int64 // parts of the input that could not be read
}

// ProposeLeast reads all input and proposes policies. An object that cannot be read is
// a problem, not an error; when ctx ends, nothing is proposed: half a log would take
// away what the other half needs.
func ProposeLeast(ctx context.Context, c LeastConfig) (*Least, error) {
	if c.Now == nil {
		return nil, errors.New("app: a clock is required")
	}
	if err := c.fill(); err != nil {
		return nil, err
	}
	paths, err := stream.Open(c.Paths, c.Stdin)
	if err != nil {
		return nil, err
	}
	table, err := event.ReadTable(content.Files, "eventactions")
	if err != nil {
		return nil, err
	}
	watch := &watch{config: c, principals: map[string]int{}, log: least.NewLog(least.Setting{
		Finder: event.NewFinder(table, c.Surroundings), Keys: least.ContextKeys(c.Proposal.Policies),
	})}
	p := &pass{audience: watch, source: paths, started: c.Now(), config: HuntConfig{Workers: c.Workers, Now: c.Now, Progress: c.Progress}}
	watch.journal = &p.journal
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, errors.New("interrupted: part of the log is not enough for a proposal")
	}
	out := &Least{Problems: p.journal.byFile(), Unread: p.journal.lost}
	in := c.Proposal
	in.Log, in.Window = watch.log, watch.window()
	in.Window.Unread = out.Unread
	if in.Principal.Kind == iam.Anonymous {
		if in.Principal, err = watch.principal(); err != nil {
			return nil, err
		}
	}
	if out.Proposal, err = least.Propose(in); err != nil {
		return nil, err
	}
	return out, nil
}

// fill takes the principal from the subject's ARN, unless it is there.
func (c *LeastConfig) fill() (err error) {
	if c.Subject.ARN != "" && c.Proposal.Principal.Kind == iam.Anonymous {
		c.Proposal.Principal, err = c.Subject.Principal()
	}
	return err
}

// watch listens for the calls of one principal.
type watch struct {
	config  LeastConfig
	journal *journal

	mu         sync.Mutex // guards what follows
	log        *least.Log
	principals map[string]int // matching principals by ARN, the role of a session
	watchers   []*watcher
}

// Numbers of the fields that a watcher asks for.
const (
	watchTime = iota
	watchType
	watchARN
	watchIssuer
	watchCategory
	watchManagement
)

// Fields implements audience.
func (*watch) Fields() []string {
	return []string{
		watchTime: cloudtrail.FieldEventTime, watchType: cloudtrail.FieldIdentityType, watchARN: cloudtrail.FieldIdentityARN,
		watchIssuer: cloudtrail.FieldSessionIssuerARN, watchCategory: "eventCategory", watchManagement: "managementEvent",
	}
}

// Derived implements audience.
func (*watch) Derived() int { return 0 }

func (w *watch) observer() observer {
	o := &watcher{watch: w, days: map[int64]bool{}}
	w.watchers = append(w.watchers, o)
	return o
}

// watcher is the observer of one worker.
type watcher struct {
	watch        *watch
	window       least.Window
	days         map[int64]bool
	identity     uint64 // the last that was judged
	mine         bool
	principalARN string
}

// maxARN is the longest ARN of a principal (IAM User Guide, "IAM and AWS STS quotas").
const maxARN = 2048

// maxDays bounds the set of days: no log covers a century.
const maxDays = 40_000

// NewReader does nothing: a watcher keeps nothing of a reader.
func (o *watcher) NewReader() {}

// Observe implements observer.
func (o *watcher) Observe(rec *cloudtrail.Record, file string) {
	v := rec.View
	at, err := time.Parse(time.RFC3339, string(v.Text(watchTime)))
	if err == nil {
		c := &o.watch.config
		if !c.Since.IsZero() && at.Before(c.Since) || !c.Until.IsZero() && !at.Before(c.Until) {
			return
		}
		if o.window.First.IsZero() || at.Before(o.window.First) {
			o.window.First = at
		}
		if at.After(o.window.Last) {
			o.window.Last = at
		}
		if len(o.days) < maxDays {
			o.days[at.Unix()/(24*60*60)] = true
		}
	}
	o.window.Events++
	if string(v.Text(watchCategory)) == "Data" || string(v.Text(watchManagement)) == "false" {
		o.window.DataEvents++
	}
	if rec.Identity == 0 || rec.Identity != o.identity {
		o.identity = rec.Identity
		arn, issuer := string(v.Text(watchARN)), string(v.Text(watchIssuer))
		// An ARN of IAM has at most 2,048 characters; no principal has a longer one.
		o.mine = len(arn) <= maxARN && len(issuer) <= maxARN && o.watch.config.Subject.Matches(string(v.Text(watchType)), arn, issuer)
		o.principalARN = principalARN(arn, issuer)
	}
	if o.mine {
		o.take(rec, file)
	}
}

// principalARN is whose policies count: the issuer of a session; without one the role
// that the session's ARN names, whose path is then not known.
func principalARN(arn, issuer string) string {
	if issuer != "" {
		return issuer
	}
	p, err := iam.ParsePrincipal(arn)
	if err != nil || p.Kind != iam.RoleSession {
		return arn
	}
	partition, _, _ := strings.Cut(strings.TrimPrefix(arn, "arn:"), ":")
	return fmt.Sprintf("arn:%s:iam::%s:role/%s", partition, p.Account, p.Name)
}

func (o *watcher) take(rec *cloudtrail.Record, file string) {
	call, err := event.ReadCall(rec.Raw)
	if err != nil {
		o.watch.journal.add(report.Problem{File: file, Offset: rec.Offset, Kind: string(cloudtrail.NotJSON), Detail: err.Error()})
		return
	}
	o.watch.mu.Lock()
	defer o.watch.mu.Unlock()
	o.watch.log.Add(call)
	if len(o.watch.principals) < 100 {
		o.watch.principals[o.principalARN]++
	}
}

// window joins what the watchers saw.
func (w *watch) window() least.Window {
	var out least.Window
	days := map[int64]bool{}
	for _, o := range w.watchers {
		if !o.window.First.IsZero() && (out.First.IsZero() || o.window.First.Before(out.First)) {
			out.First = o.window.First
		}
		if o.window.Last.After(out.Last) {
			out.Last = o.window.Last
		}
		out.Events += o.window.Events
		out.DataEvents += o.window.DataEvents
		for d := range o.days {
			days[d] = true
		}
	}
	out.Days = len(days)
	return out
}

// principal is the one whose calls were found, when its ARN was not given.
func (w *watch) principal() (iam.Principal, error) {
	var arns []string
	for arn := range w.principals {
		arns = append(arns, arn)
	}
	switch len(arns) {
	case 0:
		return iam.Principal{}, fmt.Errorf("no event of %s; hint: name it by its ARN, as userIdentity.arn or sessionContext.sessionIssuer.arn has it", w.config.Subject)
	case 1:
		return iam.ParsePrincipal(arns[0])
	}
	slices.Sort(arns)
	return iam.Principal{}, fmt.Errorf("%s is %d principals, %s among them; hint: name one by its ARN", w.config.Subject, len(arns), strings.Join(arns[:2], " and "))
}
