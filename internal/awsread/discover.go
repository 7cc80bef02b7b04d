package awsread

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awsread/identity"
	"github.com/rootkeep/rootkeep/internal/awsread/organization"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// UsualRole is the role that is entered in each account unless another is named.
const UsualRole = "RootkeepReadOnly"

// Entry says how the accounts of an organization are entered.
type Entry struct {
	Scan       string // ID of the scan, which is the source identity of all its sessions
	Role       string // name of the role in each account, with its path; "" is UsualRole
	ExternalID string // that the roles ask for, "" for none
	Broker     string // ARN of a role to enter before all others, "" for none
	Calls      int    // at once over all accounts; 0 is 64
	// Earlier are the sessions of the same scan before it was interrupted. They go into
	// the snapshots of their accounts.
	Earlier []facts.Session
	// Entered hears of each session before it is used, which an error prevents. It may
	// be called at the same time for several.
	Entered func(facts.Session) error
	// Progress hears after each call. It is never called twice at once.
	Progress func(Progress)
}

// Progress is how far the reading of an organization is.
type Progress struct {
	Done, Accounts int     // accounts that are read or given up, of those to read
	Calls          int     // answered so far
	Part           float64 // of the whole that is done, estimated; 0 to 1
}

const (
	usualCalls      = 64
	callsPerAccount = 4 // that an account has under way on average; the rest of its time it waits
	listAccounts    = "organizations:ListAccounts"
)

// OrganizationOperations are what reading an organization asks with the credentials
// with which it begins, or with the broker role, and so the permissions these need.
func OrganizationOperations() []call.Operation {
	out := slices.DeleteFunc(organization.Operations(), func(o call.Operation) bool { return o.Action == "organizations:ListParents" })
	return append(out, call.Operation{Action: listAccounts}, call.Operation{Action: "organizations:ListAccountsForParent"},
		call.Operation{Action: "organizations:ListOrganizationalUnitsForParent"}, call.Operation{Action: "sts:AssumeRole"}, call.Operation{Action: assumeRoot})
}

// RootOperations are what is asked in the root sessions of accounts, which the audit task
// permits.
func RootOperations() []call.Operation { return identity.RootOperations() }

// Account is an account as its organization lists it.
type Account struct {
	ID    rootkeep.AccountID
	Name  string
	State string // ACTIVE, SUSPENDED, PENDING_CLOSURE and others of AWS

	email string // of its root user
}

// Active says whether the account can be entered.
func (a Account) Active() bool { return a.State == string(orgtypes.AccountStateActive) }

// Organization is an organization with all its accounts.
type Organization struct {
	ID         string
	Management rootkeep.AccountID
	Accounts   []Account // by number

	entry  Entry
	base   *reader    // of the credentials, or of the broker role
	listed time.Time  // when AWS listed the accounts
	wide   *wideFacts // that every member is told
	paths  map[rootkeep.AccountID][]string

	mu       sync.Mutex // guards what follows
	progress Progress
	parts    map[rootkeep.AccountID]float64 // of accounts under way
}

// Discover finds the organization of the credentials and its accounts. The error says
// what to do, as that of Collect.
func Discover(ctx context.Context, c Config, e Entry) (*Organization, error) {
	e.Role, e.Calls = cmp.Or(e.Role, UsualRole), cmp.Or(max(e.Calls, 0), usualCalls)
	o := &Organization{entry: e, parts: map[rootkeep.AccountID]float64{}}
	c.Progress, c.entered, c.scan = o.counter(""), e.Entered, e.Scan
	o.base = newReader(c, e.Calls, nil)
	return o, interrupted(ctx, o.discover(ctx))
}

func (o *Organization) discover(ctx context.Context) error {
	if err := o.base.open(ctx); err != nil {
		return err
	}
	if err := o.base.identify(ctx); err != nil {
		return err
	}
	if o.entry.Broker != "" {
		broker, err := o.base.enter(ctx, o.config(""), o.entry.Broker, o.entry.ExternalID, o.entry.Scan)
		if err != nil {
			return err
		}
		broker.caller, o.base = o.entry.Broker, broker
	}
	if err := o.describe(ctx); err != nil {
		return err
	}
	if err := o.list(ctx); expired(err) {
		return stale(err)
	} else if err != nil {
		return fmt.Errorf("%s %s; hint: use credentials of the management account or of a delegated administrator", listAccounts, why(err))
	}
	o.wide = o.base.organizationWide(ctx)
	if err := o.wide.expired(); err != nil {
		return stale(err)
	}
	var err error
	if o.paths, err = organization.Paths(ctx, o.base.place(o.base.aws.Region)); expired(err) {
		return stale(err)
	} else if err != nil {
		o.wide.lose(organization.ListPolicies, err) // without the tree nobody knows which of them bind an account
	}
	return ctx.Err()
}

func (o *Organization) describe(ctx context.Context) error {
	p := o.base.place(o.base.aws.Region)
	out, err := call.Ask(ctx, p, organizations.NewFromConfig(p.AWS).DescribeOrganization, &organizations.DescribeOrganizationInput{})
	if _, ok := errors.AsType[*orgtypes.AWSOrganizationsNotInUseException](err); ok {
		return fmt.Errorf("account %s is in no organization; hint: rootkeep scan --aws without --organization reads it alone", o.base.account)
	}
	if expired(err) {
		return stale(err)
	}
	if err == nil && out.Organization == nil {
		err = errors.New("an answer without an organization")
	}
	if err != nil {
		return fmt.Errorf("%s %s; hint: docs/scan.md lists the permissions", organization.Describe, why(err))
	}
	o.ID = aws.ToString(out.Organization.Id)
	o.Management, err = rootkeep.ParseAccountID(aws.ToString(out.Organization.MasterAccountId))
	return err
}

func (o *Organization) list(ctx context.Context) error {
	p, in := o.base.place(o.base.aws.Region), &organizations.ListAccountsInput{}
	client := organizations.NewFromConfig(p.AWS)
	all, err := call.Gather(p, func(token *string) ([]orgtypes.Account, *string, error) {
		in.NextToken = token
		out, err := call.Ask(ctx, p, client.ListAccounts, in)
		if err != nil {
			return nil, nil, err
		}
		return out.Accounts, out.NextToken, nil
	})
	if err != nil {
		return err
	}
	for _, a := range all {
		id, err := rootkeep.ParseAccountID(aws.ToString(a.Id))
		if err != nil {
			return err
		}
		o.Accounts = append(o.Accounts, Account{id, aws.ToString(a.Name), cmp.Or(string(a.State), string(a.Status)), aws.ToString(a.Email)})
	}
	o.listed = p.At
	slices.SortFunc(o.Accounts, func(a, b Account) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return nil
}

// Read reads accounts of the organization, many at once, and calls each with the facts
// of one, or with why it cannot be entered; never twice at once, in the order in which
// they are done. Facts are not kept. An error of each ends the reading, as the context
// and expired credentials do.
func (o *Organization) Read(ctx context.Context, accounts []rootkeep.AccountID, each func(rootkeep.AccountID, *facts.Snapshot, error) error) error {
	whole := ctx
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	o.mu.Lock()
	o.progress.Accounts = len(accounts)
	o.mu.Unlock()
	queue := make(chan rootkeep.AccountID)
	var mu sync.Mutex // one call of each at a time
	var wg sync.WaitGroup
	for range min(max(o.entry.Calls/callsPerAccount, 1), len(accounts)) {
		wg.Go(func() {
			for id := range queue {
				s, err := o.account(ctx, id)
				if ctx.Err() != nil {
					continue // what was begun is not to be relied on
				}
				if _, ok := errors.AsType[*signedOut](err); ok {
					stop(err)
					continue
				}
				mu.Lock()
				if err = each(id, s, err); err != nil {
					stop(err)
				}
				mu.Unlock()
				o.finished(id)
			}
		})
	}
send:
	for _, id := range accounts {
		select {
		case queue <- id:
		case <-ctx.Done():
			break send
		}
	}
	close(queue)
	wg.Wait()
	return interrupted(whole, context.Cause(ctx))
}

// account reads one account. The error is a *signedOut if no other can be read either.
func (o *Organization) account(ctx context.Context, id rootkeep.AccountID) (*facts.Snapshot, error) {
	defer o.base.pace.Forget(string(id))
	member, err := o.member(ctx, o.config(id), id)
	if err != nil {
		return nil, o.ends(nil, err)
	}
	var root []*task
	var rootErr error
	var wg sync.WaitGroup
	if o.audits(id) {
		wg.Go(func() { root, rootErr = o.base.rootTasks(ctx, member, o.config("")) })
	}
	member.told = true
	s, err := member.collect(ctx)
	wg.Wait()
	switch {
	case rootErr != nil:
		return nil, rootErr // without a snapshot the account is read again
	case err != nil:
		return nil, o.ends(member, err)
	}
	o.tellMember(s, id)
	takeRoot(s, root)
	if reason := o.unaudited(id); reason != "" {
		for _, path := range pathsOf(identity.RootOperations()[0].Action) {
			s.Gaps = append(s.Gaps, facts.Gap{Path: path, Reason: reason})
		}
		sortGaps(s)
	}
	s.Sessions = o.sessions(member)
	return s, nil
}

// ends makes a *signedOut of an error of an account that comes from the credentials with
// which all accounts are entered. member is its reader, nil if it was not entered.
func (o *Organization) ends(member *reader, err error) error {
	if e, ok := errors.AsType[*entryError](err); ok && expired(e.err) {
		return &signedOut{stale(e.err)}
	}
	if member != nil && member.aws.Credentials == o.base.aws.Credentials && expired(err) {
		return &signedOut{err}
	}
	return err
}

// sessions are what led to an account: the broker's role, its own, its root's; and those
// that were given before the scan was interrupted, of which it has traces.
func (o *Organization) sessions(member *reader) []facts.Session {
	var out []facts.Session
	for _, s := range o.entry.Earlier {
		if s.Account == member.account {
			out = append(out, s)
		}
	}
	if o.entry.Broker != "" {
		out = append(out, o.base.entries()...)
	}
	return append(out, member.entries()...)
}

// member makes a reader of an account by its role. The account of the credentials
// themselves is read with them where the role is not there or not for them.
func (o *Organization) member(ctx context.Context, c Config, id rootkeep.AccountID) (*reader, error) {
	self, err := rootkeep.ParseARN(o.base.caller)
	if err != nil {
		return nil, err
	}
	arn := rootkeep.ARN{Partition: self.Partition, Service: "iam", Account: id, Resource: "role/" + o.entry.Role}
	member, err := o.base.enter(ctx, c, arn.String(), o.entry.ExternalID, o.entry.Scan)
	if id == o.base.account && call.Denied(err) {
		return o.base.as(c, id, o.base.aws.Credentials), nil
	}
	return member, err
}

// tellMember puts into a snapshot what the organization says of the account.
func (o *Organization) tellMember(s *facts.Snapshot, id rootkeep.AccountID) {
	wide, path := o.wide, o.paths[id]
	if path == nil { // as of an account that joined while the tree was read
		wide, path = &wideFacts{wide.by, slices.Clone(wide.answers)}, []string{string(id)}
		wide.lose(organization.ListPolicies, errors.New("AWS lists the account in no unit"))
	}
	wide.tell(s, path)
	for _, a := range o.Accounts {
		if a.ID == id && a.email != "" {
			s.Facts.Root.Email = a.email
			s.Gaps = withoutGap(s.Gaps, "root.email")
			s.Origins = append(s.Origins, facts.Origin{Path: "root.email", Call: listAccounts, At: o.listed, Account: o.base.account})
		}
	}
}

// audits says whether a root session of the account is to be asked for. If AWS did not
// say whether it gives any, it is asked for one, and says itself what is in the way.
func (o *Organization) audits(id rootkeep.AccountID) bool {
	features, known := o.wide.features()
	return id != o.Management && (!known || slices.Contains(features, string(iamtypes.FeatureTypeRootCredentialsManagement)))
}

// unaudited says why no root session tells of an account's root user, "" if one does.
func (o *Organization) unaudited(id rootkeep.AccountID) string {
	switch {
	case id == o.Management:
		return "AWS gives no root session of the management account, so only people can attest it"
	case !o.audits(id):
		return "the organization has not enabled RootCredentialsManagement, so AWS gives no root session"
	}
	return ""
}

// config is that of one reader, each of which counts by itself.
func (o *Organization) config(id rootkeep.AccountID) Config {
	c := o.base.config
	c.Progress = o.counter(id)
	return c
}

// counter counts the calls of one reader, and notes how much of its account is done.
func (o *Organization) counter(id rootkeep.AccountID) func(done, planned int) {
	last := 0
	return func(done, planned int) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.progress.Calls += done - last
		last = done
		if id != "" {
			o.parts[id] = float64(done) / float64(max(planned, 1))
		}
		o.tell()
	}
}

func (o *Organization) finished(id rootkeep.AccountID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.progress.Done++
	delete(o.parts, id)
	o.tell()
}

func (o *Organization) tell() {
	if o.entry.Progress == nil {
		return
	}
	p := o.progress
	p.Part = float64(p.Done)
	for _, part := range o.parts {
		p.Part += part
	}
	p.Part /= float64(max(p.Accounts, 1))
	o.entry.Progress(p)
}
