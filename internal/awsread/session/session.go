package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awsread/credential"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// attemptTimeout is how long one attempt of a call may take.
const attemptTimeout = 30 * time.Second

// Config says with which credentials to begin. The zero value takes everything from the
// environment and the shared configuration, as the AWS CLI does.
type Config struct {
	Profile    string // of the shared configuration
	Region     string // where STS is asked
	Broker     string // ARN of a role to enter before all others, "" for none
	ExternalID string // that the roles ask for, "" for none
	Now        func() time.Time
	// Elsewhere asks an endpoint with these keys, and nothing of the environment: a
	// simulated organization.
	Elsewhere *Elsewhere
}

// Elsewhere is something that answers as AWS does.
type Elsewhere struct{ URL, KeyID, Secret string }

// options are those of the SDK's configuration.
func (c Config) options() []func(*config.LoadOptions) error {
	out := []func(*config.LoadOptions) error{config.WithHTTPClient(awshttp.NewBuildableClient().WithTimeout(attemptTimeout))}
	if e := c.Elsewhere; e != nil {
		out = append(out, config.WithBaseEndpoint(e.URL), config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(e.KeyID, e.Secret, "")),
			config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}))
	}
	return out
}

// Base is the credentials with which all sessions begin.
type Base struct {
	config  Config
	aws     aws.Config
	caller  string             // ARN of whose they are, or of the broker
	account rootkeep.AccountID // that they are of
}

// Open finds the credentials and asks AWS whose they are. The error says what to do.
func Open(ctx context.Context, c Config) (*Base, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	b := &Base{config: c}
	var err error
	b.aws, err = credential.Load(ctx, credential.Settings{Profile: c.Profile, Region: c.Region}, c.options()...)
	if err != nil {
		return nil, err
	}
	p := b.place(b.aws)
	who, err := call.Ask(ctx, p, sts.NewFromConfig(p.AWS).GetCallerIdentity, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, fmt.Errorf("ask AWS whose credentials these are: %w; hint: sign in again, and check the Region %s", err, b.aws.Region)
	}
	b.caller = aws.ToString(who.Arn)
	if b.account, err = rootkeep.ParseAccountID(aws.ToString(who.Account)); err != nil || c.Broker == "" {
		return b, err
	}
	b.caller = c.Broker
	if b.account, err = (Role{ARN: c.Broker}).Account(); err != nil {
		return nil, fmt.Errorf("broker role %q: %w", c.Broker, err)
	}
	return b, nil
}

func (b *Base) place(c aws.Config) *call.Place {
	return &call.Place{AWS: c, Account: b.account, Now: b.config.Now}
}

// Account is whose the credentials, or those of the broker, are.
func (b *Base) Account() rootkeep.AccountID { return b.account }

// Region is where STS is asked, and where calls are made that name none.
func (b *Base) Region() string { return b.aws.Region }

// Partition is the part of AWS that the account lies in, such as aws.
func (b *Base) Partition() string {
	self, _ := rootkeep.ParseARN(b.caller)
	return cmp.Or(self.Partition, "aws")
}

// Entry says how accounts are entered for one thing, such as a change.
type Entry struct {
	Role string // name of the role in each account, with its path
	Name string // of all sessions, and their source identity: the ID of what they are for
	// Own: where the role of the base's account refuses, the base's credentials are used.
	Own bool
	// Longest is how long a root session lasts at most, 0 is MaxRoot; Until is when the last
	// one has ended, zero is open.
	Longest time.Duration
	Until   time.Time
	// Entered hears of each session before it is used, which an error prevents; nil is
	// nobody. It may be called at the same time for several.
	Entered func(facts.Session) error
	// Refused hears of each root session that AWS refused, which has no access key: AWS logs
	// that it was asked for. An error takes the place of the refusal; nil is nobody.
	Refused func(facts.Session) error
}

// names is STS's form of a source identity (AWS STS API Reference, AssumeRole).
var names = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// roles is IAM's form of a role's name behind its path (IAM API Reference, CreateRole).
var roles = regexp.MustCompile(`^([\x21-\x7e]{1,511}/)?[\w+=,.@-]{1,64}$`)

// Sessions are those for one thing. They are kept, and renewed before they end, until End.
type Sessions struct {
	base  *Base
	entry Entry

	mu    sync.Mutex // guards what follows
	kept  map[place]*aws.CredentialsCache
	ended bool
}

// place is what a session is of: an account, and the task of a root session there; the
// zero value is the broker.
type place struct {
	account rootkeep.AccountID
	task    string
}

// Begin begins sessions. Nothing is asked yet.
func (b *Base) Begin(e Entry) (*Sessions, error) {
	switch {
	case !names.MatchString(e.Name):
		return nil, fmt.Errorf("name of sessions %q: want 2 to 64 letters, digits and +=,.@_-", e.Name)
	case !roles.MatchString(e.Role):
		return nil, fmt.Errorf("role name %q: want up to 64 letters, digits and +=,.@_-, behind a path or not", e.Role)
	}
	return &Sessions{base: b, entry: e, kept: map[place]*aws.CredentialsCache{}}, nil
}

// End forgets all sessions. None is given any more.
func (s *Sessions) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept, s.ended = nil, true
}

// Config is how an account is called in a Region: in its role, or as its root user for a
// task such as IAMDeleteRootUserCredentials. Root sessions are asked for in the role in
// the account of the base, so that they have its source identity too. The error is that
// there is no session; no call is to be made.
func (s *Sessions) Config(ctx context.Context, account rootkeep.AccountID, region, task string) (aws.Config, error) {
	if _, err := rootkeep.ParseAccountID(string(account)); err != nil {
		return aws.Config{}, err
	}
	c := s.base.aws.Copy()
	c.Region = cmp.Or(region, c.Region)
	if _, err := rootkeep.ParseRegion(c.Region); err != nil { // it becomes a host, which is sent the session's token
		return aws.Config{}, err
	}
	credentials, err := s.of(ctx, place{account, task})
	c.Credentials = credentials
	return c, err
}

// of is the session of a place, entered now unless it is kept.
func (s *Sessions) of(ctx context.Context, p place) (aws.CredentialsProvider, error) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return nil, errors.New("its sessions have ended")
	}
	c := s.kept[p]
	if c == nil {
		enter := aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) { return s.enter(ctx, p) })
		c = aws.NewCredentialsCache(enter, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = s.entry.renew(p) })
		s.kept[p] = c
	}
	s.mu.Unlock()
	_, err := c.Retrieve(ctx)
	if e, ok := errors.AsType[*EntryError](err); ok {
		err = e // without what the SDK says around it
	}
	return c, err
}

// longest is how long a root session may last.
func (e Entry) longest() time.Duration {
	if e.Longest > 0 {
		return min(e.Longest, MaxRoot)
	}
	return MaxRoot
}

// renew is how long before its end a session is renewed: a short one would be renewed with
// each call otherwise.
func (e Entry) renew(p place) time.Duration {
	if p.task == "" {
		return RenewBefore
	}
	return min(RenewBefore, e.longest()/3)
}

// EntryError is that a session was not to be had.
type EntryError struct {
	Of     string // ARN of the role, or root and its task
	Caller string // ARN of who asked
	Err    error
}

// Unwrap is the error of the call.
func (e *EntryError) Unwrap() error { return e.Err }

// Error says what cannot be entered and, if a policy is in the way, what has to be there.
func (e *EntryError) Error() string {
	out := fmt.Sprintf("%s cannot be entered: %s", e.Of, why(e.Err))
	if call.Denied(e.Err) {
		out += fmt.Sprintf("; hint: it has to be there, and its trust policy and the policies of %s have to allow it with this source identity", e.Caller)
	}
	return out
}

// why is an error of a call without what the SDK says around it.
func why(err error) string {
	if code := call.Code(err); code != "" {
		return code
	}
	return err.Error()
}

func (s *Sessions) enter(ctx context.Context, p place) (aws.Credentials, error) {
	switch {
	case p.task != "":
		return s.enterRoot(ctx, p)
	case p == place{}:
		return s.enterRole(ctx, s.base.aws.Credentials, s.base.account, s.base.config.Broker)
	}
	from, err := s.from(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	arn := rootkeep.ARN{Partition: s.base.Partition(), Service: "iam", Account: p.account, Resource: "role/" + s.entry.Role}
	out, err := s.enterRole(ctx, from, p.account, arn.String())
	if s.entry.Own && p.account == s.base.account && call.Denied(err) {
		return from.Retrieve(ctx)
	}
	return out, err
}

// from is whose the roles of accounts are entered by: the base's credentials, or the
// broker.
func (s *Sessions) from(ctx context.Context) (aws.CredentialsProvider, error) {
	if s.base.config.Broker == "" {
		return s.base.aws.Credentials, nil
	}
	return s.of(ctx, place{})
}

func (s *Sessions) partition() string {
	self, _ := rootkeep.ParseARN(s.base.caller)
	return cmp.Or(self.Partition, "aws")
}

func (s *Sessions) enterRole(ctx context.Context, from aws.CredentialsProvider, account rootkeep.AccountID, arn string) (aws.Credentials, error) {
	c := s.base.aws.Copy()
	c.Credentials = from
	start := s.base.config.Now().UTC()
	out, err := Enter(ctx, s.base.place(c), Role{ARN: arn, ExternalID: s.base.config.ExternalID, Name: s.entry.Name})
	if err != nil {
		return aws.Credentials{}, &EntryError{"role " + arn, s.base.caller, err}
	}
	given := facts.Session{Account: account, Role: arn, SourceIdentity: aws.ToString(out.SourceIdentity), Start: start}
	return s.entered(given, Issued(out.Credentials, "AssumeRole"))
}

func (s *Sessions) enterRoot(ctx context.Context, p place) (aws.Credentials, error) {
	policy, err := TaskPolicy(s.partition(), p.task)
	if err != nil {
		return aws.Credentials{}, err
	}
	from, err := s.of(ctx, place{account: s.base.account})
	if err != nil {
		return aws.Credentials{}, err
	}
	c := s.base.aws.Copy()
	c.Credentials = from
	start := s.base.config.Now().UTC()
	of, life := fmt.Sprintf("the root user of %s for %s", p.account, p.task), s.entry.longest()
	if !s.entry.Until.IsZero() {
		life = min(life, s.entry.Until.Sub(start)).Truncate(time.Second)
	}
	if life <= 0 {
		return aws.Credentials{}, &EntryError{of, s.base.caller, fmt.Errorf("the time for it ended %s", s.entry.Until.UTC().Format(time.RFC3339))}
	}
	out, err := EnterRoot(ctx, s.base.place(c), p.account, policy, life)
	given := facts.Session{Account: p.account, Role: policy, Root: true, Start: start}
	if err != nil {
		return aws.Credentials{}, s.refused(given, &EntryError{of, s.base.caller, err})
	}
	given.SourceIdentity = aws.ToString(out.SourceIdentity)
	return s.entered(given, Issued(out.Credentials, "AssumeRoot"))
}

// entered tells of a session. It is not to be used after an error: nobody would know
// whose it was.
func (s *Sessions) entered(given facts.Session, c aws.Credentials) (aws.Credentials, error) {
	if s.entry.Entered == nil {
		return c, nil
	}
	given.AccessKey, given.End = c.AccessKeyID, c.Expires
	if err := s.entry.Entered(given); err != nil {
		return aws.Credentials{}, fmt.Errorf("a session in %s could not be noted: %w", given.Account, err)
	}
	return c, nil
}

// refused tells of a root session that AWS refused.
func (s *Sessions) refused(asked facts.Session, err *EntryError) error {
	if s.entry.Refused == nil || call.Code(err.Err) == "" {
		return err
	}
	asked.SourceIdentity, asked.End = s.entry.Name, s.base.config.Now().UTC()
	if noted := s.entry.Refused(asked); noted != nil {
		return fmt.Errorf("a refused session in %s could not be noted: %w", asked.Account, noted)
	}
	return err
}
