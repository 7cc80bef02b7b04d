package event

import (
	"strings"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// Demand is one permission that a call needed.
type Demand struct {
	Action   *metadata.Action
	Resource Resource
	// PassedTo is the service principal that receives the role of an iam:PassRole, ""
	// if it is not known.
	PassedTo string
}

// Surroundings are what is known of the account beside its log.
type Surroundings struct {
	// Entities are ARNs of users, groups, roles and policies, so that a name in a
	// request finds its path.
	Entities []string
	Profiles map[string]string // role ARNs of instance profiles by ARN
}

// Finder finds the demands of calls. It is not safe for several goroutines.
type Finder struct {
	table    *Table
	known    map[string]string // ARNs of IAM entities by account:kind/name
	profiles map[string]string
	shapes   map[string][]shape // by service prefix, made when first asked for
}

// NewFinder makes a finder.
func NewFinder(t *Table, s Surroundings) *Finder {
	f := &Finder{table: t, known: map[string]string{}, profiles: s.Profiles, shapes: map[string][]shape{}}
	for _, arn := range s.Entities {
		a, err := rootkeep.ParseARN(arn)
		if err != nil {
			continue // an entity that cannot be named by its ARN is not found by its name
		}
		kind, path, _ := strings.Cut(a.Resource, "/")
		f.known[string(a.Account)+":"+kind+"/"+path[strings.LastIndexByte(path, '/')+1:]] = arn
	}
	return f
}

// Table is the table that the finder reads.
func (f *Finder) Table() *Table { return f.table }

// Demands are the permissions that a call needed. Without any, the meaning says why.
func (f *Finder) Demands(c *Call) (Meaning, []Demand) {
	if c.Service {
		return Meaning{Nothing: true, Reason: "AWS reports on its own work"}, nil
	}
	m := f.table.Mean(c.Source, c.Name, c.params.has)
	p := &place{Finder: f, call: c}
	var out []Demand
	for _, a := range m.actions {
		for _, r := range p.resources(a) {
			out = append(out, Demand{Action: a.action, Resource: r})
		}
	}
	for _, pass := range p.passed(m.actions) {
		out = append(out, Demand{passRole(), pass.role, pass.to})
	}
	return m, out
}
