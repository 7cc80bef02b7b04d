// Package lookup is a live source: events of root users, and about them, that CloudTrail's
// event history gives when it is asked again and again. Accounts and Regions go in with
// the credentials to ask there; out come pages of events that were not delivered before.
//
// It needs no trail, and it is the slower and the narrower source: AWS tells an event after
// minutes, takes two questions a second of an account and Region, and one attribute in each.
package lookup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

// Operations are all that this package calls, by the IAM action that permits each.
func Operations() []string { return []string{"cloudtrail:LookupEvents"} }

const (
	usualEvery = time.Minute
	usualBegin = 24 * time.Hour
	history    = 90 * 24 * time.Hour // that AWS keeps (CloudTrail API Reference, "LookupEvents")
	// eventDelay is how late AWS says events come into the history: usually within 15
	// minutes (CloudTrail User Guide, "Working with CloudTrail event history").
	eventDelay  = 15 * time.Minute
	overlap     = eventDelay + 5*time.Minute // asked again by each round, for what came late
	deepOverlap = 6 * time.Hour              // and once an hour, for what came very late
	deepEvery   = time.Hour
	spacing     = 500 * time.Millisecond // between two calls of one place: AWS takes two a second
	atOnce      = 32                     // places
	markEvery   = 10 * time.Minute       // a mark is left even if nothing came
)

// Place is an account in a Region.
type Place struct {
	Account rootkeep.AccountID
	Region  string
}

func (p Place) String() string { return string(p.Account) + "/" + p.Region }

// Sessions say how an account is called in a Region. task is always "": no session of a
// root user is opened.
type Sessions interface {
	Config(ctx context.Context, account rootkeep.AccountID, region, task string) (aws.Config, error)
}

// Config says what to ask.
type Config struct {
	Name   string
	Places []Place
	Open   func(context.Context) (Sessions, error) // called until it gives some
	Every  time.Duration                           // between two rounds; 0 is a minute
	Begin  time.Duration                           // how far back a source without a mark begins; 0 is a day, at most 90
	Now    func() time.Time
}

// Source asks the event history.
type Source struct {
	config   Config
	sessions Sessions // of Run alone; nil before there are any
	seen     seen
	progress live.Progress

	mu     sync.Mutex // guards what follows
	health live.Health
	faults map[Place]error
	shut   error // why there are no sessions
}

// New makes a source. Nothing is asked yet.
func New(c Config) (*Source, error) {
	switch {
	case c.Name == "" || c.Now == nil || c.Open == nil:
		return nil, errors.New("lookup: name, clock and credentials are required")
	case len(c.Places) == 0:
		return nil, fmt.Errorf("source %s: no account and Region to ask", c.Name)
	case c.Begin < 0 || c.Begin > history || c.Every < 0:
		return nil, fmt.Errorf("source %s: begin %s: want at most 90 days, which is what AWS keeps", c.Name, c.Begin)
	}
	c.Every, c.Begin = cmp.Or(c.Every, usualEvery), cmp.Or(c.Begin, usualBegin)
	return &Source{
		config: c, faults: map[Place]error{},
		health: live.Health{
			Source: c.Name, Delay: eventDelay,
			Gap: fmt.Sprintf("management events of the accounts and Regions that are named; what comes into the event history more than %s late is not seen", deepOverlap),
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
	var first Place
	for p := range s.faults {
		if first == (Place{}) || p.String() < first.String() {
			first = p
		}
	}
	if s.shut != nil {
		h.Fault = "no credentials to ask with: " + short(s.shut)
	} else if err := s.faults[first]; err != nil {
		h.Fault = fmt.Sprintf("%d of %d places cannot be asked, such as %s: %s", len(s.faults), len(s.config.Places), first, short(err))
	}
	return h
}

const longestError = 400 // bytes

func short(err error) string {
	text := err.Error()
	if len(text) > longestError {
		text = text[:longestError] + " ..."
	}
	return text
}

// Run asks in rounds until the context ends or take fails. What a round found carries the
// mark of the round before: when it is cut off, the next asks for it again.
func (s *Source) Run(ctx context.Context, text []byte, take func(context.Context, live.Delivery) error) error {
	m, err := readMark(text)
	if err != nil {
		return fmt.Errorf("source %s: %w", s.config.Name, err)
	}
	if m.Since.IsZero() {
		m.Since = s.config.Now().UTC().Add(-s.config.Begin)
	}
	var deep, kept time.Time
	for {
		if !s.open(ctx) {
			if err := pause(ctx, s.config.Every); err != nil {
				return err
			}
			continue
		}
		begun := s.config.Now().UTC()
		back := overlap
		if begun.Sub(deep) >= deepEvery {
			back, deep = deepOverlap, begun
		}
		r := &round{Source: s, mark: m, back: back, begun: begun, take: take}
		if err := r.run(ctx); err != nil {
			return err
		}
		m = m.after(begun, r.failed)
		if len(r.failed) == 0 {
			s.completed(begun)
		}
		if len(r.failed) == len(s.config.Places) {
			s.sessions = nil // what they began with may be over, and others may be there by now
		}
		s.seen.forget(begun.Add(-deepOverlap - overlap))
		if r.delivered > 0 || begun.Sub(kept) >= markEvery {
			if err := take(ctx, live.Delivery{Source: s.config.Name, Arrived: begun, Mark: m.bytes()}); err != nil {
				return err
			}
			kept = begun
		}
		if err := pause(ctx, s.config.Every); err != nil {
			return err
		}
	}
}

func (s *Source) completed(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.Complete = at
}

// open gets sessions, unless there are some. It is false if there are none.
func (s *Source) open(ctx context.Context) bool {
	if s.sessions != nil {
		return true
	}
	sessions, err := s.config.Open(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut = err; err != nil {
		return false
	}
	s.sessions = sessions
	return true
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

// home is the Region that has the events of global services in each partition of AWS.
func home(region string) bool {
	return region == "us-east-1" || region == "cn-north-1" || region == "us-gov-west-1"
}

// Attributes are what is asked for in a Region, one in each call. Root's own events have
// the user name root; a failed sign-in does not always, and so all of sign-in is read.
// The others tell what is done about root users, by anybody.
func Attributes(region string) []types.LookupAttribute {
	out := []types.LookupAttribute{
		{AttributeKey: types.LookupAttributeKeyUsername, AttributeValue: aws.String("root")},
		{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String("AssumeRoot")},
	}
	if home(region) {
		for _, name := range global {
			out = append(out, types.LookupAttribute{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String(name)})
		}
	}
	// Last: anybody can make sign-ins that fail, so many that the others would wait.
	return append(out, types.LookupAttribute{AttributeKey: types.LookupAttributeKeyEventSource, AttributeValue: aws.String("signin.amazonaws.com")})
}

// global are calls about root users to services that leave their events in one Region.
var global = []string{
	"EnableOrganizationsRootSessions", "DisableOrganizationsRootSessions", "EnableOrganizationsRootCredentialsManagement", "DisableOrganizationsRootCredentialsManagement",
	"LeaveOrganization", "RemoveAccountFromOrganization", "DetachPolicy", "DisablePolicyType", "UpdatePolicy", "MoveAccount",
	"StartPrimaryEmailUpdate", "AcceptPrimaryEmailUpdate", "PutAccountName",
	"EnableMFADevice", "DeactivateMFADevice", "DeleteVirtualMFADevice", "ResyncMFADevice", // whose serial number may be root's
}

func client(c aws.Config) *cloudtrail.Client {
	return cloudtrail.NewFromConfig(c, func(o *cloudtrail.Options) { o.RetryMaxAttempts = 4 })
}
