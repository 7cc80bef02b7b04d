// Package rootless takes the root users of an organization's members their credentials:
// what each has goes in; who comes first, what is lost for good, one request for root over
// all accounts, and how far it is come out. The management account is never among them.
package rootless

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// Member is an account of the organization.
type Member struct {
	Account    rootkeep.AccountID
	Name       string   // hostile text
	Units      []string // names of the units that it lies in, from the root; nil is not known
	Management bool
	Suspended  bool
	Standalone bool // in no organization
	Told       bool // a scan says in which it is
}

// Holding is what the root user of an account has.
type Holding struct {
	Account      rootkeep.AccountID `json:"account"`
	Password     bool               `json:"password"`
	Keys         int                `json:"keys"`
	Certificates int                `json:"certificates"`
	Devices      int                `json:"devices"`
	KeyUsed      time.Time          `json:"key_used,omitzero"` // the last use of a key, zero for none that is known
	At           time.Time          `json:"at"`                // when it was asked
	Unknown      string             `json:"unknown,omitempty"` // why it is not known; what is said then proves nothing
}

// Absent says whether it is known that nobody can sign in or call as the root user.
func (h *Holding) Absent() bool {
	return h.Unknown == "" && !h.Password && h.Keys == 0 && h.Certificates == 0 && h.Devices == 0
}

// String names what is there.
func (h *Holding) String() string {
	if h.Unknown != "" {
		return "not known: " + h.Unknown
	}
	var parts []string
	if h.Password {
		parts = append(parts, "a password")
	}
	for _, p := range []struct {
		n    int
		what string
	}{{h.Keys, "access key"}, {h.Certificates, "signing certificate"}, {h.Devices, "MFA device"}} {
		if p.n == 1 {
			parts = append(parts, "1 "+p.what)
		} else if p.n > 1 {
			parts = append(parts, fmt.Sprintf("%d %ss", p.n, p.what))
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// Losses say what of it cannot be restored once it is deleted.
func (h *Holding) Losses() []string {
	var out []string
	if h.Keys > 0 {
		out = append(out, "access keys: nobody can restore them, and no session of sts:AssumeRoot makes new ones")
	}
	if h.Certificates > 0 {
		out = append(out, "signing certificates: nobody can restore them")
	}
	if h.Password {
		out = append(out, "the password: it cannot be restored; root-recovery-allow lets a new one be made by the mailbox of the root user")
	}
	if h.Devices > 0 {
		out = append(out, "MFA devices: only the root user itself can enrol them again")
	}
	return out
}

// OfSnapshot is what a scan saw. What it could not read makes it unknown.
func OfSnapshot(s *facts.Snapshot) Holding {
	r := &s.Facts.Root
	h := Holding{Account: s.Account, Password: r.HasPassword, Keys: len(r.AccessKeys), Devices: len(r.Devices), At: s.Taken}
	if r.HasAccessKeys && h.Keys == 0 {
		h.Keys = 1
	}
	if r.HasCertificates {
		h.Certificates = 1 // or more: a scan keeps no number
	}
	for _, k := range r.AccessKeys {
		if k.LastUsed.After(h.KeyUsed) {
			h.KeyUsed = k.LastUsed
		}
	}
	for _, path := range []string{"root.has_password", "root.access_keys", "root.has_certificates", "root.devices"} {
		if _, known := s.Origin(path); !known {
			h.Unknown = path + " was not read; hint: rootkeep scan --aws --organization"
			break
		}
	}
	return h
}

// Step is an account in its turn.
type Step struct {
	Member
	Holding
	Canary bool
	Rank   Rank
	By     string // the name of a unit, or of the account, that says the rank; hostile text, "" for none
}

// Why says why the account comes at its place.
func (s *Step) Why(named bool) string {
	var out string
	switch {
	case named:
		out = "it was named to come first"
	case s.By != "":
		out = fmt.Sprintf("%q sounds like %s", s.By, s.Rank)
	default:
		out = "no name says what it is for"
	}
	if s.Unknown != "" {
		return out + "; what its root user has is read when its change is planned"
	}
	return out + "; those with the least come first"
}

// Rank is how soon an account comes, by the names of its units.
type Rank int

// The ranks. What goes wrong is to go wrong where it costs least.
const (
	Sandbox Rank = iota
	Test
	Other // or nothing is known
	Production
)

// String is the rank as people read it.
func (r Rank) String() string { return [...]string{"sandbox", "test", "other", "production"}[r] }

// words are parts of the names of units, by what they say of their accounts.
var words = []struct {
	rank  Rank
	parts []string
}{
	{Production, []string{"prod", "security", "infrastructure", "log archive"}},
	{Sandbox, []string{"sandbox", "playground", "experiment", "suspended"}},
	{Test, []string{"dev", "test", "stag", "sdlc", "preview", "nonprod", "non-prod"}},
}

// rankOf reads the names of an account's units, and of the account where they say nothing.
// What sounds like two things is the later one, except that "nonprod" is no production.
func rankOf(m *Member) (Rank, string) {
	if out, by := sounds(m.Units); by != "" {
		return out, by
	}
	return sounds([]string{m.Name})
}

// sounds is the rank that names say, and the name that says it.
func sounds(names []string) (out Rank, by string) {
	out = Other
	for _, u := range names {
		name := strings.NewReplacer("non-prod", "test", "nonprod", "test", "preprod", "test", "pre-prod", "test").Replace(strings.ToLower(u))
		for _, w := range words {
			if !slices.ContainsFunc(w.parts, func(p string) bool { return strings.Contains(name, p) }) {
				continue
			}
			if by == "" || w.rank > out {
				out, by = w.rank, u
			}
		}
	}
	return out, by
}

// LeftOut is an account that is not taken its credentials, and why.
type LeftOut struct {
	Member
	Why     string // may have text of AWS
	Unknown bool   // nobody knows whether there is something to be taken
	Refused bool   // there is, and what stands in the way is named
}

// Most is how many accounts one request is over.
const Most = 500

// Wanted is what is to be ordered.
type Wanted struct {
	Members  []Member
	Holdings []Holding
	First    []rootkeep.AccountID // canaries, in their order; none: the first of all
	Before   time.Time            // what was read before is old: that there was nothing proves nothing
	Shown    bool                 // it is only looked at: more than one request is over are ordered too
	Unread   bool                 // those of which it is not known what they have come too, and are read when they are planned
}

// Order says who comes when: canaries first, then by rank, those with the least first. It
// refuses a management account among the canaries, and an account twice.
func Order(w Wanted) ([]Step, []LeftOut, error) {
	held := map[rootkeep.AccountID]Holding{}
	for _, h := range w.Holdings {
		held[h.Account] = h
	}
	var steps []Step
	var left []LeftOut
	seen := map[rootkeep.AccountID]bool{}
	for _, m := range w.Members {
		if seen[m.Account] {
			return nil, nil, fmt.Errorf("account %s is listed twice", m.Account)
		}
		seen[m.Account] = true
		h, known := held[m.Account]
		why, unknown := w.leaves(&m, &h, known)
		if why != "" && !(unknown && w.Unread && !m.Suspended) {
			left = append(left, LeftOut{Member: m, Why: why, Unknown: unknown})
			continue
		}
		h.Account, h.Unknown = m.Account, why
		s := Step{Member: m, Holding: h}
		s.Rank, s.By = rankOf(&m)
		steps = append(steps, s)
	}
	first := func(s *Step) int {
		if i := slices.Index(w.First, s.Member.Account); i >= 0 {
			return i
		}
		return len(w.First)
	}
	slices.SortFunc(steps, func(a, b Step) int {
		return cmp.Or(cmp.Compare(first(&a), first(&b)), cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.weight(), b.weight()), strings.Compare(string(a.Member.Account), string(b.Member.Account)))
	})
	slices.SortFunc(left, func(a, b LeftOut) int { return strings.Compare(string(a.Account), string(b.Account)) })
	for _, id := range w.First {
		if !slices.ContainsFunc(steps, func(s Step) bool { return s.Member.Account == id }) {
			return nil, nil, fmt.Errorf("account %s is to come first, and has nothing that is taken away; hint: name one of those that have", id)
		}
	}
	for i := range steps {
		steps[i].Canary = i < max(1, len(w.First))
	}
	if len(steps) > Most && !w.Shown {
		return nil, nil, fmt.Errorf("%d accounts, and one request is over %d at most; hint: name some of them, those of one organizational unit after the other", len(steps), Most)
	}
	if len(steps) == 0 {
		return nil, left, ErrNothing
	}
	return steps, left, nil
}

// ErrNothing is an organization whose members have nothing that could be taken away.
var ErrNothing = errors.New("no root user of a member is known to have credentials")

// weight is how much there is to be taken. What is not known weighs the most.
func (s *Step) weight() int {
	if s.Unknown != "" {
		return math.MaxInt
	}
	n := s.Keys + s.Certificates + s.Devices
	if s.Password {
		n++
	}
	return n
}

// leaves says why an account is left out, "" if it is not.
func (w *Wanted) leaves(m *Member, h *Holding, known bool) (why string, unknown bool) {
	switch {
	case m.Standalone:
		return "it is in no organization: AWS gives no root session of it", false
	case m.Management:
		return "the management account: AWS gives no root session of it, and its root user is what is left when all else is lost", false
	case m.Suspended:
		return "it is suspended: AWS answers nothing for it", true
	case !known:
		return "nobody asked what its root user has", true
	case h.Unknown != "":
		return h.Unknown, true
	case h.Absent() && h.At.Before(w.Before):
		return "its root user had nothing at " + h.At.Format(time.RFC3339) + ", which is too long ago to be relied on", true
	case h.Absent():
		return "its root user has nothing", false
	}
	return "", false
}
