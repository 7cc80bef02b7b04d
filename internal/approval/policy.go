package approval

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/rule"
)

// Approvers is the ID of the group that is always there: everybody who may approve at
// the account, whoever that is when a decision is made.
const Approvers = "approvers"

// Bounds of what is configured.
const (
	maxGroups  = 64
	maxMembers = 1000 // of a group, nested ones resolved
	maxAll     = 5000 // of all groups of a policy
	maxCount   = 20   // approvals of one group
	shortest   = 10 * time.Minute
	longest    = 30 * 24 * time.Hour // that a request stays open
	usual      = 72 * time.Hour      // that it does if nobody says otherwise
)

// Group is a group of persons as it is configured. Two groups with one name are two
// groups: only the ID tells them apart.
type Group struct {
	ID      string   `yaml:"id"`
	Name    string   `yaml:"name"`    // for people
	Members []string `yaml:"members"` // IDs of persons
	Groups  []string `yaml:"groups"`  // IDs of groups whose members are members too
}

// Rule is a policy as it is configured.
type Rule struct {
	ID       string        `yaml:"id"`
	Version  int           `yaml:"version"`  // from 1, raised when the rule changes
	Require  []Want        `yaml:"require"`  // all of them
	Valid    rule.Duration `yaml:"valid"`    // how long a request stays open
	Accounts []string      `yaml:"accounts"` // numbers of those that it is for; none: all that no other one names
}

// Want is how many of a group have to approve. A count that is missing is 0, and 0 is
// refused: it must never mean that nobody has to.
type Want struct {
	Group string `yaml:"group"`
	Count int    `yaml:"count"`
}

// Configuration is who has to approve what, as a server's configuration says it.
type Configuration struct {
	Groups   []Group `yaml:"groups"`
	Policies []Rule  `yaml:"policies"`
}

// Requirement is how many of a group have to approve, with the group as it was when the
// request was made. Members are in order; there are none for the group Approvers.
type Requirement struct {
	Count   int      `json:"count"`
	Group   string   `json:"group"`
	Members []string `json:"members"`
	Name    string   `json:"name"`
}

// has says whether a person belongs to the group.
func (q *Requirement) has(person string) bool {
	if q.Group == Approvers {
		return true
	}
	_, found := slices.BinarySearch(q.Members, person)
	return found
}

// Policy is who has to approve a request. It is frozen into each request.
type Policy struct {
	ID      string        `json:"id"`
	Require []Requirement `json:"require"` // all of them, each by other persons
	Schema  string        `json:"schema"`
	Valid   int           `json:"valid_seconds"`
	Version int           `json:"version"`
}

// Open is how long a request stays open, as it is written in a file of policies: 3d.
func (p *Policy) Open() string {
	return rule.Duration(time.Duration(p.Valid) * time.Second).String()
}

// PolicySchema names the canonical JSON of a policy.
const PolicySchema = "rootkeep/approval-policy/1"

// Bytes is the canonical JSON of the policy, of which requests and statements hold the
// SHA-256.
func (p *Policy) Bytes() []byte { return canonical(p) }

// ParsePolicy reads the canonical JSON of a policy, and nothing else.
func ParsePolicy(text []byte) (*Policy, error) {
	p := &Policy{}
	if err := Parse(text, "policy", p); err != nil {
		return nil, err
	}
	return p, p.check()
}

// check refuses a policy that would let a request through with fewer approvals than one,
// or that cannot be read the same by everybody.
func (p *Policy) check() error {
	switch {
	case p.Schema != PolicySchema:
		return fmt.Errorf("policy: schema %q, want %s", p.Schema, PolicySchema)
	case !word.MatchString(p.ID):
		return fmt.Errorf("policy %q: want an ID of small letters, digits and hyphens", p.ID)
	case p.Version < 1:
		return fmt.Errorf("policy %s: version %d, want 1 or more", p.ID, p.Version)
	case len(p.Require) == 0:
		return fmt.Errorf("policy %s: requires no approval; hint: require: [{group: %s, count: 1}]", p.ID, Approvers)
	case len(p.Require) > maxGroups:
		return fmt.Errorf("policy %s: requires %d groups, at most %d", p.ID, len(p.Require), maxGroups)
	}
	if valid := time.Duration(p.Valid) * time.Second; p.Valid > int(longest/time.Second) || valid < shortest {
		return fmt.Errorf("policy %s: a request stays open for %ds, want %s to %s", p.ID, p.Valid, rule.Duration(shortest), rule.Duration(longest))
	}
	seen, members := map[string]bool{}, 0
	for i := range p.Require {
		q := &p.Require[i]
		if err := q.check(); err != nil {
			return fmt.Errorf("policy %s: %w", p.ID, err)
		}
		if members += len(q.Members); members > maxAll {
			return fmt.Errorf("policy %s: groups with more than %d members", p.ID, maxAll)
		}
		if seen[q.Group] {
			return fmt.Errorf("policy %s: group %s twice; hint: raise its count", p.ID, q.Group)
		}
		seen[q.Group] = true
	}
	return nil
}

func (q *Requirement) check() error {
	switch {
	case !word.MatchString(q.Group):
		return fmt.Errorf("group %q: want an ID of small letters, digits and hyphens", q.Group)
	case q.Count < 1:
		return fmt.Errorf("group %s: count %d or missing, want 1 or more", q.Group, q.Count)
	case q.Count > maxCount:
		return fmt.Errorf("group %s: count %d, at most %d", q.Group, q.Count, maxCount)
	case q.Members == nil:
		return fmt.Errorf("group %s: no list of members", q.Group)
	case q.Group == Approvers && len(q.Members) > 0:
		return fmt.Errorf("group %s: its members are those who may approve, and are not listed", q.Group)
	case q.Group != Approvers && len(q.Members) < q.Count:
		return fmt.Errorf("group %s: %d approvals of %d members", q.Group, q.Count, len(q.Members))
	case len(q.Members) > maxMembers:
		return fmt.Errorf("group %s: %d members, at most %d", q.Group, len(q.Members), maxMembers)
	case !slices.IsSorted(q.Members) || len(slices.Compact(slices.Clone(q.Members))) < len(q.Members):
		return fmt.Errorf("group %s: members are not in order, or twice", q.Group)
	}
	for _, m := range q.Members {
		if !id.MatchString(m) {
			return fmt.Errorf("group %s: member %q: want the ID of a person", q.Group, m)
		}
	}
	return CheckText("name of group "+q.Group, q.Name, 100)
}

// word is the form of IDs of policies and groups, id that of persons and requests.
var (
	word = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	id   = regexp.MustCompile(`^[A-Z]{2}-[0-9A-Z]{1,40}$`)
)

// resolver finds the members of groups.
type resolver struct {
	groups map[string]*Group
	done   map[string][]string
}

func (r *resolver) add(groups []Group) error {
	if len(groups) > maxGroups {
		return fmt.Errorf("%d groups, at most %d", len(groups), maxGroups)
	}
	for i := range groups {
		g := &groups[i]
		switch {
		case !word.MatchString(g.ID):
			return fmt.Errorf("group %q: want an ID of small letters, digits and hyphens", g.ID)
		case g.ID == Approvers:
			return fmt.Errorf("group %s is always there: everybody who may approve at the account", Approvers)
		case r.groups[g.ID] != nil:
			return fmt.Errorf("group %s twice", g.ID)
		}
		r.groups[g.ID] = g
	}
	for i := range groups {
		if _, err := r.members(groups[i].ID, nil); err != nil {
			return err
		}
	}
	return nil
}

// members gives the members of a group and of those nested in it, in order, each once.
// within are the groups that it was reached through: a group within itself is refused.
func (r *resolver) members(id string, within []string) ([]string, error) {
	if slices.Contains(within, id) {
		return nil, fmt.Errorf("group %s is within itself: %s", id, strings.Join(append(within, id), " > "))
	}
	if known, ok := r.done[id]; ok {
		return known, nil
	}
	g := r.groups[id]
	if g == nil {
		return nil, fmt.Errorf("group %q, named by %s, is not configured", id, within[len(within)-1])
	}
	all := append([]string{}, g.Members...)
	for _, nested := range g.Groups {
		if nested == Approvers {
			return nil, fmt.Errorf("group %s: %s cannot be nested: who they are depends on the account", id, Approvers)
		}
		more, err := r.members(nested, append(slices.Clone(within), id))
		if err != nil {
			return nil, err
		}
		if all = append(all, more...); len(all) > 2*maxMembers {
			return nil, fmt.Errorf("group %s: more than %d members", id, maxMembers)
		}
	}
	slices.Sort(all)
	r.done[id] = slices.Compact(all)
	return r.done[id], nil
}

// policy resolves a rule.
func (r *resolver) policy(given Rule) (Policy, error) {
	p := Policy{ID: given.ID, Require: []Requirement{}, Schema: PolicySchema, Version: given.Version}
	valid := time.Duration(given.Valid)
	if valid == 0 {
		valid = usual
	}
	p.Valid = int(valid / time.Second)
	for _, w := range given.Require {
		q := Requirement{Count: w.Count, Group: w.Group, Members: []string{}, Name: "Approvers of the account"}
		if w.Group != Approvers {
			g := r.groups[w.Group]
			if g == nil {
				return Policy{}, fmt.Errorf("policy %s: group %q is not configured", given.ID, w.Group)
			}
			members, err := r.members(w.Group, nil)
			if err != nil {
				return Policy{}, err
			}
			q.Members, q.Name = members, g.Name
			if g.Name == "" {
				q.Name = g.ID
			}
		}
		p.Require = append(p.Require, q)
	}
	return p, p.check()
}
