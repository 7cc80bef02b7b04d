// Package cloud is the core of the simulated AWS: accounts and their identities, the
// organization over them, credentials, and the way of a call: signature, routing,
// faults, authorization by the policy evaluator, the operation itself, its CloudTrail
// record. HTTP requests go in, AWS's answers come out. The services are packages of
// their own that register typed functions here.
//
// Nothing reads the machine's clock: time comes from Config.Clock. Equal seeds and
// equal calls give equal identifiers. The keys it makes protect nothing.
package cloud

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/bell"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud/fault"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud/region"
)

// Config says what a Cloud is made of.
type Config struct {
	// Clock tells the time of the simulation.
	Clock func() time.Time
	// SigningClock tells the time that clients sign with; nil is Clock. It differs when
	// the simulation is not in the present.
	SigningClock func() time.Time
	Seed         uint64
	// EventLimit is how many events one account keeps per Region, the newest; 0 is 10,000.
	EventLimit int
	// Propagation is how long changes of services that are Delayed take to be in force
	// for signatures and authorization; 0: none. History made in InPast is not delayed.
	Propagation time.Duration
	// Regions are those that are on in every account, with us-east-1; nil: the 17 of AWS.
	Regions []string
}

// Cloud is a simulated AWS. Its methods may be called at any time; the fields of
// accounts and organization only in Do, or before the first request.
type Cloud struct {
	config   Config
	services map[string]*Service
	past     time.Time // of InPast, zero in the present

	mu       sync.Mutex // guards what follows
	accounts map[rootkeep.AccountID]*Account
	// Organization is nil until NewOrganization.
	Organization *Organization
	keys         map[string]*Credential
	credentials  int // made so far
	random       *rand.Rand
	compiled     map[string]*iam.Policy
	faults       fault.Rules
	counts       map[Count]int
	before       []func(now time.Time)
	hear         []func(*Account, *Event)
	bell         bell.Bell
	global       map[any]any
}

// New makes an empty cloud with services.
func New(config Config, services ...*Service) (*Cloud, error) {
	if config.Clock == nil {
		return nil, errors.New("cloud: clock is required")
	}
	if config.Propagation < 0 {
		return nil, errors.New("cloud: propagation is negative")
	}
	if config.SigningClock == nil {
		config.SigningClock = config.Clock
	}
	if config.EventLimit == 0 {
		config.EventLimit = 10_000
	}
	if config.Regions == nil {
		config.Regions = region.Default()
	}
	c := &Cloud{
		config: config, services: map[string]*Service{}, accounts: map[rootkeep.AccountID]*Account{}, keys: map[string]*Credential{},
		compiled: map[string]*iam.Policy{}, counts: map[Count]int{}, global: map[any]any{},
	}
	c.Reseed(config.Seed)
	for _, s := range services {
		if err := s.index(); err != nil {
			return nil, err
		}
		for _, name := range append([]string{s.Name}, s.Aliases...) {
			if c.services[name] != nil {
				return nil, fmt.Errorf("cloud: two services are called %s", name)
			}
			c.services[name] = s
		}
	}
	return c, nil
}

// Now is the time of the simulation, in UTC and whole milliseconds.
func (c *Cloud) Now() time.Time {
	if !c.past.IsZero() {
		return c.past
	}
	return c.config.Clock().UTC().Truncate(time.Millisecond)
}

// changing keeps in force what the identities of the caller's account are, before an
// operation changes them.
func (c *Call) changing() {
	if c.Service.Delayed && !c.Operation.Read && c.Account != nil && c.Cloud.past.IsZero() {
		c.Account.Changing(c.Now, c.Cloud.config.Propagation)
	}
}

// InPast runs a function as if a moment were now, and what Before asks for is not done.
// It is for building a history before the first request.
func (c *Cloud) InPast(at time.Time, f func()) {
	c.past = at.UTC().Truncate(time.Second)
	defer func() { c.past = time.Time{} }()
	f()
}

// ClientTime is the time of the clients' clocks, which sign and make one-time codes.
func (c *Cloud) ClientTime() time.Time { return c.config.SigningClock().UTC() }

// Do runs a function while no request is served, to read or set the state.
func (c *Cloud) Do(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.bell.Ring()
	f()
}

// Before has a function run at the start of every call, in the lock: what a service
// does as time goes by.
func (c *Cloud) Before(f func(now time.Time)) { c.before = append(c.before, f) }

// Hear has a function hear of every event that is recorded in the present, in the lock.
func (c *Cloud) Hear(f func(*Account, *Event)) { c.hear = append(c.hear, f) }

// Tick does what is due by now, as the next call would.
func (c *Cloud) Tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick(c.Now())
}

func (c *Cloud) tick(now time.Time) {
	if !c.past.IsZero() {
		return
	}
	for _, f := range c.before {
		f(now)
	}
}

// Account finds an account, nil if there is none.
func (c *Cloud) Account(id rootkeep.AccountID) *Account { return c.accounts[id] }

// Accounts are all accounts by their ID.
func (c *Cloud) Accounts() []*Account {
	out := make([]*Account, 0, len(c.accounts))
	for _, id := range slices.Sorted(maps.Keys(c.accounts)) {
		out = append(out, c.accounts[id])
	}
	return out
}

// Services are the services by name.
func (c *Cloud) Services() []*Service {
	seen := map[string]*Service{}
	for _, s := range c.services {
		seen[s.Name] = s
	}
	out := make([]*Service, 0, len(seen))
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		out = append(out, seen[name])
	}
	return out
}

const (
	idLetters  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	hexLetters = "0123456789abcdef"
	lowLetters = "abcdefghijklmnopqrstuvwxyz0123456789"
	allLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)

func (c *Cloud) letters(alphabet string, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[c.random.IntN(len(alphabet))]
	}
	return string(out)
}

// Reseed gives what is made from here on identifiers of another seed.
func (c *Cloud) Reseed(seed uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.random = rand.New(rand.NewPCG(seed, 0x726f6f746b656570))
}

// UniqueID is an identifier of IAM's such as AIDA and 17 capitals and digits.
func (c *Cloud) UniqueID(prefix string) string { return prefix + c.letters(idLetters, 17) }

// Hex is a hexadecimal identifier of n digits.
func (c *Cloud) Hex(n int) string { return c.letters(hexLetters, n) }

// Word is an identifier of n lower-case letters and digits.
func (c *Cloud) Word(n int) string { return c.letters(lowLetters, n) }

// Secret is text of n letters as in secret keys and session tokens.
func (c *Cloud) Secret(n int) string { return c.letters(allLetters, n) }

// FileID is what makes the name of a log file unique: 16 letters and digits.
func (c *Cloud) FileID() string { return c.letters(allLetters[:62], 16) }

// UUID is a random UUID.
func (c *Cloud) UUID() string {
	h := c.Hex(32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// stateKey is where a service keeps its state in an account.
type stateKey struct {
	of     any
	region string
}

type ofType[T any] struct{}

// Regional is the state of type T of an account in a Region, its zero value at first.
func Regional[T any](a *Account, region string) *T {
	key := stateKey{ofType[T]{}, region}
	if s, ok := a.state[key]; ok {
		return s.(*T)
	}
	s := new(T)
	a.state[key] = s
	return s
}

// RegionsOf are the Regions in which an account has state of type T, sorted.
func RegionsOf[T any](a *Account) []string {
	var out []string
	for key := range a.state {
		if key.of == (ofType[T]{}) {
			out = append(out, key.region)
		}
	}
	slices.Sort(out)
	return out
}

// Across is the state of type T that all accounts share, such as the names of buckets.
func Across[T any](c *Cloud) *T {
	key := ofType[T]{}
	if s, ok := c.global[key]; ok {
		return s.(*T)
	}
	s := new(T)
	c.global[key] = s
	return s
}
