// Package mend measures what the proposed changes do: it scans a simulated organization,
// applies what is proposed for its failures, and scans it again.
package mend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/kinds"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/scenario"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/change/proposal"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/score"
	"github.com/rootkeep/rootkeep/internal/register"
)

// rounds is how often the organization is scanned and mended: what one change makes, such
// as a topic, is what another mends.
const rounds = 3

// Home is the Region that changes are made from.
const Home = "us-east-1"

// Organization is a simulated organization that is mended.
type Organization struct {
	*kinds.World
	plan     *scenario.Plan
	kinds    *kinds.Catalogue
	controls []*posture.Control
	roles    map[*cloud.Account]map[string]*cloud.Role // that write
	keys     map[rootkeep.AccountID][]string           // of root sessions that scans and changes were given
}

// New generates an organization of so many accounts. through may look at each request.
func New(ctx context.Context, accounts int, through func(http.Handler) http.Handler) (*Organization, error) {
	o := &Organization{keys: map[rootkeep.AccountID][]string{}}
	var err error
	if o.plan, err = scenario.Generate(accounts, 1); err != nil {
		return nil, err
	}
	weaken(o.plan)
	if o.kinds, err = kinds.Load(nil, false); err != nil {
		return nil, err
	}
	var problems []error
	if o.controls, problems, err = scan.LoadControls(nil); err == nil {
		err = errors.Join(append(problems, o.kinds.Problems...)...)
	}
	if err != nil {
		return nil, err
	}
	if o.World, err = kinds.WorldOf(ctx, o.plan, through); err != nil {
		return nil, err
	}
	o.Entered = o.entered
	o.grant()
	return o, nil
}

// weaken takes from the generated organization what more people forget: GuardDuty and
// Security Hub are on nowhere.
func weaken(p *scenario.Plan) {
	p.Calls = slices.DeleteFunc(p.Calls, func(c scenario.Call) bool {
		return c.Operation == "CreateDetector" || c.Operation == "EnableSecurityHub"
	})
}

// Environment is what a scan finds of it in the environment: its endpoint, and the keys of
// the management account's administrator.
func (o *Organization) Environment() map[string]string {
	key := o.Keys[o.management()]
	return map[string]string{
		"AWS_ENDPOINT_URL": o.URL, "AWS_ACCESS_KEY_ID": key.ID, "AWS_SECRET_ACCESS_KEY": key.Secret, "AWS_SESSION_TOKEN": "", "AWS_REGION": Home,
		"AWS_DEFAULT_REGION": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": "none", "AWS_SHARED_CREDENTIALS_FILE": "none", "AWS_EC2_METADATA_DISABLED": "true",
	}
}

func (o *Organization) management() rootkeep.AccountID { return o.plan.Accounts[0].ID }

// ID is the number of an account by its name.
func (o *Organization) ID(name string) rootkeep.AccountID {
	return o.plan.Accounts[slices.IndexFunc(o.plan.Accounts, func(a scenario.Account) bool { return a.Name == name })].ID
}

// entered notes a root session, so that later scans take it for nobody else's.
func (o *Organization) entered(s facts.Session) error {
	if s.Root {
		o.keys[s.Account] = append(o.keys[s.Account], s.AccessKey)
	}
	return nil
}

// scan lets five hours pass first: a credential report is made anew after four. It begins
// with the broker role, which has the scan's name where it takes root sessions.
func (o *Organization) scan(ctx context.Context, people *register.Register) ([]rootkeep.Finding, error) {
	o.Wait(5 * time.Hour)
	pass := func(ctx context.Context, d time.Duration) error { o.Wait(d); return ctx.Err() }
	a, err := scan.Run(ctx, scan.Config{
		AWS: &scan.AWSConfig{Region: Home, Now: o.Now, Sleep: pass}, Now: o.Now(), People: people, Keys: maps.Clone(o.keys),
		Organization: &scan.OrganizationConfig{Entry: awsread.Entry{Role: scanRole, Broker: o.Cloud.Account(o.management()).IAM("role/" + scanRole)}, ResumeWithin: time.Hour},
		Took: func(s *facts.Snapshot, _ []rootkeep.Finding) error {
			for _, session := range s.Sessions {
				if err := o.entered(session); err != nil {
					return err
				}
			}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	return a.Findings, nil
}

// Result is what came of mending.
type Result struct {
	Accounts      int
	Before, After int // points of 100
	Alone         int // after the changes, before users did what one of them asks
	Failed        int // failures before
	Applied       int // changes
	Kinds         int // of them
	Given         int // changes whose parameters people gave a part of
	Refused       int // changes that were refused, or had nothing to do
	Stopped       []string
	Left          []Left         // failures afterwards, each with its reason
	Unknown       int            // findings that are not known afterwards
	Held          map[string]int // what each control holds back, hundredths of a point
	Findings      []rootkeep.Finding
}

// Left is a failure that is left.
type Left struct {
	rootkeep.Finding
	Reason string
}

// Answers are what people give: the parameters of a proposal that they know, by name.
type Answers func(p *proposal.Proposal) map[string]any

// Attest reads the register of what people decide and attest; done says whether they have
// seen what was applied.
type Attest func(now time.Time, done bool) (*register.Register, error)

// Mend scans, applies and scans again, some rounds. The first scan has no register.
func (o *Organization) Mend(ctx context.Context, answers Answers, attest Attest) (*Result, error) {
	findings, err := o.scan(ctx, nil)
	if err != nil {
		return nil, err
	}
	r := &Result{Accounts: len(o.plan.Accounts), Before: score.Points(findings), Failed: failures(findings)}
	w := work{Organization: o, result: r, answers: answers, reasons: map[string]string{}, done: map[string]bool{}, applied: map[string]bool{}}
	for round := range rounds {
		o.employ()
		err := w.apply(ctx, proposal.Of(findings, o.controls, o.kinds.Kinds, o.management()))
		o.retire()
		if err != nil {
			return nil, err
		}
		if findings, err = o.again(ctx, attest, round == rounds-1); err != nil {
			return nil, err
		}
	}
	r.Alone = score.Points(findings)
	o.enrol()
	if findings, err = o.again(ctx, attest, true); err != nil {
		return nil, err
	}
	r.Kinds, r.After, r.Held, r.Findings = len(w.applied), score.Points(findings), score.Held(findings), findings
	w.left(proposal.Of(findings, o.controls, o.kinds.Kinds, o.management()), findings)
	return r, nil
}

// again scans with what people attest.
func (o *Organization) again(ctx context.Context, attest Attest, done bool) ([]rootkeep.Finding, error) {
	people, err := attest(o.Now(), done)
	if err != nil {
		return nil, err
	}
	return o.scan(ctx, people)
}

func failures(findings []rootkeep.Finding) (n int) {
	for i := range findings {
		if findings[i].Status == rootkeep.Fail {
			n++
		}
	}
	return n
}

// work is an organization being mended.
type work struct {
	*Organization
	result  *Result
	answers Answers
	reasons map[string]string // by finding: why its change was refused
	done    map[string]bool   // commands of changes that were applied
	applied map[string]bool   // kinds
}

// apply applies what lacks nothing. Management goes first: what is of the whole
// organization need not be mended in members.
func (w *work) apply(ctx context.Context, list *proposal.List) error {
	slices.SortStableFunc(list.Proposals, func(a, b proposal.Proposal) int {
		first := func(p proposal.Proposal) int {
			if p.Account == w.management() {
				return 0
			}
			return 1
		}
		return cmp.Compare(first(a), first(b))
	})
	for _, p := range list.Proposals {
		given := w.answers(&p)
		if slices.ContainsFunc(p.Missing, func(name string) bool { return given[name] == nil }) || p.Undo == "person" || p.Account == "" {
			continue
		}
		with := maps.Clone(p.Parameters)
		for name, v := range given {
			if _, ok := with[name]; !ok {
				with[name] = v
			}
		}
		if command := p.Command(); !w.done[command] {
			if err := w.one(ctx, &p, with, len(p.Missing) > 0); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *work) one(ctx context.Context, p *proposal.Proposal, with map[string]any, given bool) error {
	_, err := w.World.Mend(ctx, w.kinds.Find(p.Kind), p.Account, with)
	refused, refusal := (*change.Refused)(nil), (*change.Refusal)(nil)
	reason := ""
	switch {
	case err == nil:
		w.done[p.Command()], w.applied[p.Kind] = true, true
		for _, f := range p.Fails {
			w.reasons[f.ID] = p.Kind + " is applied; what is left is for people: " + w.advice(f.Control)
		}
		w.result.Applied++
		if given {
			w.result.Given++
		}
		return nil
	case errors.Is(err, change.ErrNothing):
		w.result.Refused++
		for _, f := range p.Fails {
			w.reasons[f.ID] = p.Kind + " finds nothing to do; what is left is for people: " + w.advice(f.Control)
		}
		return nil
	case errors.As(err, &refused), errors.As(err, &refusal):
		reason = err.Error()
		w.result.Refused++
	case ctx.Err() != nil:
		return err
	default:
		reason = err.Error()
		w.result.Stopped = append(w.result.Stopped, fmt.Sprintf("%s in %s: %v", p.Kind, p.Account, err))
	}
	for _, f := range p.Fails {
		w.reasons[f.ID] = reason
	}
	return nil
}

// advice is how a person mends what a control found.
func (w *work) advice(id string) string {
	for _, c := range w.controls {
		if c.ID == id {
			return cmp.Or(c.Fix.Console, c.Fix.CLI)
		}
	}
	return ""
}

// left says of each failure that is left why.
func (w *work) left(list *proposal.List, findings []rootkeep.Finding) {
	for _, p := range list.Proposals {
		for _, f := range p.Fails {
			w.reasons[f.ID] = cmp.Or(w.reasons[f.ID], p.Reason)
		}
	}
	for _, p := range list.People {
		w.reasons[p.ID] = p.Reason
	}
	for _, f := range findings {
		switch f.Status {
		case rootkeep.Fail:
			w.result.Left = append(w.result.Left, Left{f, w.reasons[f.ID()]})
		case rootkeep.Unknown:
			w.result.Unknown++
		}
	}
}
