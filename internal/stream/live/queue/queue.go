// Package queue is a live source: an SQS queue that is told of new log files in S3, or of
// events and findings by EventBridge, each by itself or through a topic. Messages go in; out
// come the objects they name, the events and the findings they carry, and a message is
// deleted once they are kept.
//
// Whoever may send to the queue decides what it says: objects are read of buckets that the
// configuration names, and of no other.
package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/stream/live"
	"github.com/rootkeep/rootkeep/internal/stream/live/object"
)

// Operations are all that this package calls, by the IAM action that permits each.
func Operations() []string {
	return append(object.Operations(), "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage")
}

const (
	usualReceivers = 4
	mostReceivers  = 32
	// trailDelay is within what AWS delivers to a bucket: about five minutes on average,
	// without a promise (CloudTrail User Guide, "How CloudTrail works").
	trailDelay = 15 * time.Minute
)

// Config says what to read.
type Config struct {
	Name      string
	URL       string // of the queue
	Region    string // of the queue; "" is that of the URL
	Buckets   []string
	Accounts  []rootkeep.AccountID                              // whose objects and events are taken; none is all
	Receivers int                                               // messages that are handled at once; 0 is 4
	Open      func(context.Context) (object.Credentials, error) // called until it gives some
	Now       func() time.Time
}

// Source reads a queue.
type Source struct {
	config   Config
	progress live.Progress
	state    state
}

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// New makes a source. Nothing is asked yet.
func New(c Config) (*Source, error) {
	if c.Name == "" || c.Now == nil || c.Open == nil {
		return nil, errors.New("queue: name, clock and credentials are required")
	}
	region, err := Region(c.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("source %s: %w", c.Name, err)
	case c.Region == "" && region == "":
		return nil, fmt.Errorf("source %s: queue %q: the URL has no Region; hint: region: eu-west-1", c.Name, c.URL)
	case c.Receivers < 0 || c.Receivers > mostReceivers:
		return nil, fmt.Errorf("source %s: %d receivers, want 1 to %d", c.Name, c.Receivers, mostReceivers)
	}
	for _, b := range c.Buckets {
		if !bucketName.MatchString(b) {
			return nil, fmt.Errorf("source %s: bucket %q: want the name of a bucket", c.Name, b)
		}
	}
	c.Region, c.Receivers = cmp.Or(c.Region, region), cmp.Or(c.Receivers, usualReceivers)
	if _, err := rootkeep.ParseRegion(c.Region); err != nil {
		return nil, fmt.Errorf("source %s: %w", c.Name, err)
	}
	s := &Source{config: c}
	s.state.health = live.Health{Source: c.Name, Delay: trailDelay, Gap: c.gap()}
	return s, nil
}

// Account is whose queue a URL names.
func Account(text string) (rootkeep.AccountID, error) {
	parts := strings.Split(strings.Trim(text, "/"), "/")
	if len(parts) < 2 {
		return "", fmt.Errorf("queue %q: want a URL such as https://sqs.eu-west-1.amazonaws.com/111122223333/trail", text)
	}
	account, err := rootkeep.ParseAccountID(parts[len(parts)-2])
	if err != nil {
		return "", fmt.Errorf("queue %q: %w", text, err)
	}
	return account, nil
}

// Region is where the queue of a URL is, "" if its host does not say.
func Region(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || strings.Count(u.Path, "/") != 2 || u.RawQuery != "" || u.User != nil {
		return "", fmt.Errorf("queue %q: want a URL such as https://sqs.eu-west-1.amazonaws.com/111122223333/trail", text)
	}
	if _, err := Account(text); err != nil {
		return "", err
	}
	if strings.HasSuffix(u.Path, ".fifo") {
		return "", fmt.Errorf("queue %q: want a standard queue: one that keeps an order waits for each message", text)
	}
	labels := strings.Split(u.Hostname(), ".")
	if len(labels) > 2 {
		if region, err := rootkeep.ParseRegion(labels[1]); err == nil {
			return string(region), nil
		}
	}
	return "", nil
}

func (c Config) gap() string {
	out := []string{"what nobody read before the queue's retention ended is gone; digests and Insights are left alone"}
	if len(c.Buckets) == 0 {
		out = append(out, "no bucket is named, so that messages about objects are refused")
	}
	out = append(out, "of EventBridge: only the account and Region of the rule, and calls that only read if its state is ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
	return strings.Join(out, "; ")
}

// Name is that of the configuration.
func (s *Source) Name() string { return s.config.Name }

// Shared is true: SQS keeps a message until it is deleted, and gives it to one reader at
// a time.
func (s *Source) Shared() bool { return true }

// Health is how the source stands.
func (s *Source) Health() live.Health {
	h := s.state.show(s.config.Now())
	h.Places = s.progress.Places()
	return h
}

// takes says why an object or event of an account is not taken.
func (c *Config) takes(account rootkeep.AccountID) error {
	if len(c.Accounts) > 0 && !slices.Contains(c.Accounts, account) {
		return fmt.Errorf("of account %s, which accounts of this source does not name", account)
	}
	return nil
}

// Run receives until the context ends or take fails. There is no mark.
func (s *Source) Run(ctx context.Context, _ []byte, take func(context.Context, live.Delivery) error) error {
	for {
		r, err := s.open(ctx)
		if err == nil {
			r.take = take
			err = r.run(ctx)
		}
		if bad, ok := errors.AsType[*taken](err); ok {
			return bad.error
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.state.shut(err)
		if err := pause(ctx, retryAfter); err != nil {
			return err
		}
	}
}

// taken is an error of take: it ends the source.
type taken struct{ error }

func (t *taken) Unwrap() error { return t.error }

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
