// Package bucket is a live source: the bucket of a trail, listed again and again. Its
// accounts and Regions are found by CloudTrail's key layout, of one account or of an
// organization; out comes each new log file once, however late it was put there.
//
// S3 lists keys in their order, in which a log file has its place by account, Region, day
// and minute. A round begins in each account and Region shortly before the files that it
// knows, which is one call; once an hour all of two days is listed, for what came late.
package bucket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/stream/live"
	"github.com/rootkeep/rootkeep/internal/stream/live/object"
)

// Operations are all that this package calls, by the IAM action that permits each.
func Operations() []string { return append(object.Operations(), "s3:ListBucket") }

const (
	usualEvery   = time.Minute
	usualBegin   = 24 * time.Hour
	longestBegin = 366 * 24 * time.Hour
	// trailDelay is within what AWS delivers to a bucket: about five minutes on average,
	// without a promise (CloudTrail User Guide, "How CloudTrail works").
	trailDelay  = 15 * time.Minute
	overlap     = 10 * time.Minute // listed again by each round: clocks, and puts that take long
	lateBy      = time.Hour        // of a file after the minute in its name, until a round misses it
	veryLateBy  = 24 * time.Hour   // and until the hourly look does
	deepEvery   = time.Hour
	lookEvery   = 10 * time.Minute // for accounts and Regions that are new
	atOnce      = 16               // accounts and Regions that are listed at the same time
	window      = 24 * time.Hour   // that a round catches up at most
	markEvery   = 10 * time.Minute // a mark is left even if nothing came
	mostPlaces  = 20_000           // more take longer than the files need to come
	callTimeout = time.Minute
)

// Config says what to list.
type Config struct {
	Name     string
	Bucket   string
	Prefix   string               // before AWSLogs, without a slash at its end
	Region   string               // of the bucket
	Accounts []rootkeep.AccountID // whose files are read; none is all
	Every    time.Duration        // between two rounds; 0 is a minute
	Begin    time.Duration        // how far back a source without a mark begins; 0 is a day
	Open     func(context.Context) (object.Credentials, error)
	Now      func() time.Time
}

// Source lists a bucket.
type Source struct {
	config   Config
	progress live.Progress
	seen     seen

	// of Run alone
	client *s3.Client
	reader *object.Reader
	places []place
	deep   time.Time // when all was listed last

	mu      sync.Mutex // guards what follows
	health  live.Health
	closed  string           // why nothing can be listed
	faults  map[string]error // by place
	refused map[string]*refusal
	good    time.Time // when an object was last opened
}

// refusal is an object that S3 does not give.
type refusal struct {
	since time.Time
	tries int
}

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefixForm = regexp.MustCompile(`^[A-Za-z0-9!_.*'()/-]{0,200}$`) // CloudTrail User Guide, "CreateTrail": S3KeyPrefix
)

// New makes a source. Nothing is asked yet.
func New(c Config) (*Source, error) {
	if c.Name == "" || c.Now == nil || c.Open == nil {
		return nil, errors.New("bucket: name, clock and credentials are required")
	}
	c.Prefix = strings.Trim(c.Prefix, "/")
	switch {
	case !bucketName.MatchString(c.Bucket):
		return nil, fmt.Errorf("source %s: bucket %q: want the name of a bucket", c.Name, c.Bucket)
	case !prefixForm.MatchString(c.Prefix):
		return nil, fmt.Errorf("source %s: prefix %q: want at most 200 characters that CloudTrail takes", c.Name, c.Prefix)
	case c.Begin < 0 || c.Begin > longestBegin || c.Every < 0:
		return nil, fmt.Errorf("source %s: begin %s: want at most a year; hint: rootkeep hunt reads what is older", c.Name, c.Begin)
	}
	if _, err := rootkeep.ParseRegion(c.Region); err != nil {
		return nil, fmt.Errorf("source %s: %w", c.Name, err)
	}
	c.Every, c.Begin = cmp.Or(c.Every, usualEvery), cmp.Or(c.Begin, usualBegin)
	return &Source{
		config: c, faults: map[string]error{}, refused: map[string]*refusal{},
		health: live.Health{
			Source: c.Name, Delay: trailDelay + c.Every,
			Gap: fmt.Sprintf("digests and Insights are left alone; a file that was put there more than %s after the minute in its name is not seen; an account or Region that is new is found within %s", veryLateBy, lookEvery),
		},
	}, nil
}

// Name is that of the configuration.
func (s *Source) Name() string { return s.config.Name }

// Health is how the source stands.
func (s *Source) Health() live.Health {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.health
	h.Places = s.progress.Places()
	var first string
	for p := range s.faults {
		if first == "" || p < first {
			first = p
		}
	}
	if h.Fault = s.closed; len(s.faults) > 0 {
		fault := fmt.Sprintf("%d accounts and Regions cannot be read, such as %s: %s", len(s.faults), first, short(s.faults[first]))
		h.Fault = strings.TrimPrefix(h.Fault+"; "+fault, "; ")
	}
	return h
}

const longestError = 400 // bytes

func short(err error) string {
	text := err.Error()
	if len(text) > longestError {
		text = strings.ToValidUTF8(text[:longestError], "") + " ..."
	}
	return text
}

// Run lists in rounds until the context ends or take fails. What a round found carries the
// mark of the round before: when it is cut off, the next lists it again.
func (s *Source) Run(ctx context.Context, text []byte, take func(context.Context, live.Delivery) error) error {
	m, err := readMark(text)
	if err != nil {
		return fmt.Errorf("source %s: %w", s.config.Name, err)
	}
	m.begin(s.config.Now().UTC().Add(-s.config.Begin))
	first := true // what was found out before is only in the mark
	var kept time.Time
	for {
		r := &round{Source: s, mark: m, begun: s.config.Now().UTC(), first: first, take: take}
		done, err := r.run(ctx)
		if err != nil {
			return err
		}
		if done {
			m, first = r.after(), false
			s.seen.forget(m.oldest().Add(-overlap - 5*time.Minute))
			if r.delivered > 0 || r.begun.Sub(kept) >= markEvery {
				if err := take(ctx, live.Delivery{Source: s.config.Name, Arrived: s.config.Now(), Mark: m.bytes()}); err != nil {
					return err
				}
				kept = r.begun
			}
			if r.failed == 0 && m.Since.Before(r.begun) {
				continue // it is still catching up
			}
			if r.failed == 0 {
				s.completed(r.begun)
			}
		}
		if err := pause(ctx, s.config.Every); err != nil {
			return err
		}
	}
}

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

// shut notes why nothing can be listed, nil if it can.
func (s *Source) shut(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed = ""; err != nil {
		s.closed = fmt.Sprintf("bucket %s cannot be listed: %s", s.config.Bucket, short(err))
	}
}

func (s *Source) completed(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.Complete = at
}

// heard notes that S3 answered.
func (s *Source) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.Heard = s.config.Now()
}

// state notes how a place stands.
func (s *Source) state(p place, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		delete(s.faults, p.String())
	} else {
		s.faults[p.String()] = err
	}
}
