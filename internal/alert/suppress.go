package alert

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/approval"
)

// SuppressionPrefix is what IDs of suppressions begin with.
const SuppressionPrefix = "SU"

// Bounds of a suppression.
const (
	LongestSuppression = 90 * 24 * time.Hour
	Expiring           = 3 * 24 * time.Hour // before its end somebody is told
)

// Suppression keeps alerts that somebody answers for from being told.
type Suppression struct {
	ID      string
	Owner   string // ID of the person who answers for it
	Reason  string
	Scope   Scope
	By      string // who made it
	Made    time.Time
	Expires time.Time
	Ended   time.Time // when somebody ended it before, zero if nobody did
	EndedBy string
	Hidden  int       // how many alerts it hid
	Last    time.Time // when it last did
	Told    time.Time // when it was told that it expires
}

// Scope says which alerts a suppression is for: those that fit all that is given. Values are
// exact: there are no patterns, so that nobody hides more than they read.
type Scope struct {
	Rule      string             // name, "" for every rule that may be suppressed
	Account   rootkeep.AccountID // "" for all
	Principal string             // "" for all
	Addresses string             // a CIDR block, "" for all
}

// Guarded says whether the alerts of a rule may never be suppressed, by its name: those on
// root users, on what watches, and every rule that is not known.
type Guarded func(rule string) bool

// Rules is what is known of rules by their names.
type Rules struct {
	Guarded Guarded
	// Own says which rules are detections. Any other whose name has a slash is another
	// service's, and without Own so is every one.
	Own func(rule string) bool
}

// anothers says whether a rule is another service's: the name of the service comes before a
// slash. A detection may be named so too.
func (r *Rules) anothers(rule string) bool {
	return strings.Contains(rule, "/") && (r.Own == nil || !r.Own(rule))
}

// Active says whether the suppression hides alerts at a moment.
func (s *Suppression) Active(now time.Time) bool { return s.Ended.IsZero() && now.Before(s.Expires) }

// ErrGuarded is a suppression of what is never suppressed.
var ErrGuarded = errors.New("alerts on root users and on what watches are never suppressed; hint: close them with a reason, or explain the use by a request")

// Check refuses a suppression that hides too much, for too long, or for no reason.
func (s *Suppression) Check(r Rules, now time.Time) error {
	if err := s.Scope.check(&r); err != nil {
		return err
	}
	if err := approval.CheckText("reason", s.Reason, LongestReason); err != nil {
		return fmt.Errorf("suppression: %w: %w", ErrInvalid, err)
	}
	switch left := s.Expires.Sub(now); {
	case left <= 0 || left > LongestSuppression:
		return fmt.Errorf("suppression: it expires in the future, within 90 days: %w", ErrInvalid)
	case s.Owner == "":
		return fmt.Errorf("suppression: it needs an owner, who answers for it: %w", ErrInvalid)
	}
	return nil
}

func (c *Scope) check(r *Rules) error {
	const longest = 2048 // bytes; an ARN is shorter
	switch {
	case *c == Scope{}:
		return fmt.Errorf("suppression: it names neither rule, account, principal nor addresses, and would hide everything: %w", ErrInvalid)
	case c.Rule != "" && r.Guarded(c.Rule):
		return fmt.Errorf("suppression of rule %s: %w", c.Rule, ErrGuarded)
	case r.anothers(c.Rule) && c.Account == "" && c.Principal == "":
		return fmt.Errorf("suppression of rule %s, which is no detection of this server and so another service's: it names neither account nor principal: %w; hint: give one of them", c.Rule, ErrInvalid)
	case rootPrincipal(c.Principal):
		return fmt.Errorf("suppression of %s: %w", c.Principal, ErrGuarded)
	}
	if c.Account != "" {
		if _, err := rootkeep.ParseAccountID(string(c.Account)); err != nil {
			return fmt.Errorf("suppression: %w: %w", ErrInvalid, err)
		}
	}
	if c.Principal != "" {
		if err := approval.CheckText("principal", c.Principal, longest); err != nil {
			return fmt.Errorf("suppression: %w: %w", ErrInvalid, err)
		}
	}
	return c.checkAddresses()
}

// checkAddresses refuses blocks that are wide: a /8 of IPv4 and a /16 of IPv6 are the widest.
func (c *Scope) checkAddresses() error {
	if c.Addresses == "" {
		return nil
	}
	block, err := netip.ParsePrefix(c.Addresses)
	least := 8
	if err == nil && block.Addr().Is6() {
		least = 16
	}
	if err != nil || block.Bits() < least || block.Masked() != block || block.Addr().Is4In6() {
		return fmt.Errorf("suppression: addresses %q: want a CIDR block such as 192.0.2.0/24, at least /8, or /16 of IPv6: %w", c.Addresses, ErrInvalid)
	}
	return nil
}

func rootPrincipal(principal string) bool {
	p := strings.ToLower(principal)
	return strings.HasPrefix(p, "root of ") || strings.HasSuffix(p, ":root")
}

// Fits says whether all of an alert lies within the scope, its rules aside. What is not
// known does not fit: an alert about several principals is not hidden by the one it names,
// one about several accounts by none of them, and one that names fewer addresses than it has
// events not by its addresses.
func (c *Scope) Fits(f *rootkeep.Alert) bool {
	if c.Principal != "" && (f.Several || f.Actor.Principal != c.Principal) {
		return false
	}
	if c.Account != "" && (f.Account != c.Account || slices.ContainsFunc(f.Events, func(e rootkeep.Event) bool { return e.Account != c.Account })) {
		return false
	}
	return c.Addresses == "" || c.within(f)
}

func (c *Scope) within(f *rootkeep.Alert) bool {
	block, err := netip.ParsePrefix(c.Addresses)
	if err != nil {
		return false
	}
	named := 0
	for _, a := range f.Addresses {
		addr, err := netip.ParseAddr(a.Text)
		if err != nil || !block.Contains(addr.Unmap()) {
			return false
		}
		named += a.Count
	}
	return named > 0 && named >= f.Count
}

// MostRules is how many rules of an alert are kept: one that has as many may have others.
const MostRules = 50

// Never says why an alert is never suppressed, "" for one that may be.
func Never(f *rootkeep.Alert, guarded Guarded) string {
	switch {
	case OfRoot(f) || rootPrincipal(f.Actor.Principal) || slices.ContainsFunc(f.Events, byRoot):
		return "it is about a root user"
	case len(f.Rules) == 0:
		return "it is not of a rule"
	case len(f.Rules) >= MostRules:
		return "it has more rules than are kept"
	}
	for _, hit := range f.Rules {
		if guarded(hit.Name) {
			return "its rule " + hit.Name + " is about root users, or about what watches"
		}
	}
	return ""
}

func byRoot(e rootkeep.Event) bool { return e.Actor.OfRoot() }

// Suppressed finds the suppression that hides an alert, nil if it is told. Each of its rules
// has to be suppressed by somebody; one that is guarded, and a root user's, never is. What
// another service found is suppressed by the name of its rule alone, with an account or a
// principal: nobody meant it who named none. active are those that hide at the time.
func Suppressed(f *rootkeep.Alert, active []*Suppression, r Rules) *Suppression {
	if Never(f, r.Guarded) != "" {
		return nil
	}
	var first *Suppression
	for _, hit := range f.Rules {
		anothers := f.Kind == FindingKind || r.anothers(hit.Name)
		i := slices.IndexFunc(active, func(s *Suppression) bool { return s.Scope.names(hit.Name, anothers) && s.Scope.Fits(f) })
		if i < 0 {
			return nil
		}
		if first == nil {
			first = active[i]
		}
	}
	return first
}

// names says whether the scope is for alerts of a rule, which may be another service's.
func (c *Scope) names(rule string, anothers bool) bool {
	if anothers {
		return c.Rule == rule && (c.Account != "" || c.Principal != "")
	}
	return c.Rule == "" || c.Rule == rule
}
