// Package awsread reads an AWS account, and nothing else here asks AWS: the
// caller's own credentials go in, a snapshot of facts comes out. It says where each
// fact came from and when, and what could not be read and why. It changes nothing.
//
// Global services are asked once, regional ones in every Region that is enabled, and
// no call goes to a Region that is not.
package awsread

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awsread/credential"
	"github.com/rootkeep/rootkeep/internal/awsread/pace"
	"github.com/rootkeep/rootkeep/internal/facts"
)

const (
	attempts       = 10               // of one call, with growing pauses between them
	attemptTimeout = 30 * time.Second // of one attempt
	usualWorkers   = 8                // calls at once of one account
)

// Config says as whom to read and from where. The zero value takes everything from
// the environment and the shared configuration, as the AWS CLI does.
type Config struct {
	Profile string // of the shared configuration
	Region  string // where to begin; AWS names the others
	Workers int    // calls at once; 0 is 8
	// Progress hears after each call how many are done and how many are planned, which
	// grows with every further page. It is never called twice at once.
	Progress func(done, planned int)
	Now      func() time.Time                           // nil is the machine's clock
	Sleep    func(context.Context, time.Duration) error // between two looks at a report or tries of EC2, and for the turn of a call; nil is a timer

	entered func(facts.Session) error // see Entry
	scan    string                    // its ID, which is the source identity of its sessions
}

// reader is one account being read.
type reader struct {
	config  Config // with a clock and a Sleep
	aws     aws.Config
	account rootkeep.AccountID // "" until AWS said whose the credentials are
	caller  string             // ARN of whose the first credentials are
	told    bool               // somebody else asks for what is of the whole organization
	pace    *pace.Limiter
	options []func(*middleware.Stack) error // of the configuration, without this reader's own

	mu            sync.Mutex // guards what follows
	done, planned int
	sessions      []facts.Session // that AWS gave to read the account
}

// Collect reads the account of the credentials. A call that is denied or fails leaves
// gaps and stops no other. The error says what to do: there are no credentials, they
// have expired, there is no Region; or it is the context's.
func Collect(ctx context.Context, c Config) (*facts.Snapshot, error) {
	r := newReader(c, workers(c), nil)
	if err := r.open(ctx); err != nil {
		return nil, interrupted(ctx, err)
	}
	if err := r.identify(ctx); err != nil {
		return nil, interrupted(ctx, err)
	}
	s, err := r.collect(ctx)
	return s, interrupted(ctx, err)
}

// newReader makes a reader with the limiter of another one, or with one of its own for
// so many calls at once.
func newReader(c Config, calls int, l *pace.Limiter) *reader {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = call.Sleep
	}
	if l == nil {
		l = pace.New(calls, ceiling, c.Sleep)
	}
	return &reader{config: c, pace: l}
}

func workers(c Config) int { return cmp.Or(max(c.Workers, 0), usualWorkers) }

// interrupted prefers the context's error over what it made of a call.
func interrupted(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("read AWS: %w", ctx.Err())
	}
	return err
}

// open finds credentials and a Region.
func (r *reader) open(ctx context.Context) error {
	client := awshttp.NewBuildableClient().WithTimeout(attemptTimeout).WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = idleConnections
	})
	retries := retryer() // keeps no state, so all clients share it
	var err error
	r.aws, err = credential.Load(ctx, credential.Settings{Profile: r.config.Profile, Region: r.config.Region},
		config.WithRetryer(func() aws.Retryer { return retries }), config.WithHTTPClient(client))
	if err != nil {
		return err
	}
	r.options = r.aws.APIOptions
	r.aws.APIOptions = append(slices.Clip(r.options), r.paced)
	return nil
}

// identify asks AWS whose the credentials are.
func (r *reader) identify(ctx context.Context) error {
	r.plan(1)
	p := r.place(r.aws.Region)
	who, err := call.Ask(ctx, p, sts.NewFromConfig(p.AWS).GetCallerIdentity, &sts.GetCallerIdentityInput{})
	switch {
	case refused(err):
		return fmt.Errorf("AWS does not accept these credentials in %s: %w; hint: check the keys, and that the Region is enabled", r.aws.Region, err)
	case expired(err):
		return stale(err)
	case err != nil:
		return fmt.Errorf("ask AWS whose credentials these are: %w", err)
	}
	r.caller = aws.ToString(who.Arn)
	r.account, err = rootkeep.ParseAccountID(aws.ToString(who.Account))
	return err
}

func (r *reader) place(region string) *call.Place {
	c := r.aws.Copy()
	c.Region = region
	return &call.Place{AWS: c, Account: r.account, Now: r.config.Now, Sleep: r.config.Sleep, Calls: r.count, Turn: func(ctx context.Context, name string, do func() error) error {
		return r.pace.Do(ctx, pace.Kind{Account: string(r.account), Region: region, Call: name}, do, throttled)
	}}
}

func (r *reader) plan(calls int) { r.count(0, calls) }

func (r *reader) count(done, planned int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += done
	r.planned += planned
	if r.config.Progress != nil {
		r.config.Progress(r.done, r.planned)
	}
}

// run runs tasks, some at once, and waits for them. Only what ends the whole reading
// is an error: the context, and credentials that expire.
func (r *reader) run(ctx context.Context, tasks []*task) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	queue := make(chan *task)
	var wg sync.WaitGroup
	for range min(workers(r.config), len(tasks)) {
		wg.Go(func() {
			for t := range queue {
				if t.run(ctx, r); expired(t.err) {
					stop(stale(t.err))
				}
			}
		})
	}
	r.plan(len(tasks))
send:
	for _, t := range tasks {
		select {
		case queue <- t:
		case <-ctx.Done():
			break send
		}
	}
	close(queue)
	wg.Wait()
	return context.Cause(ctx)
}
