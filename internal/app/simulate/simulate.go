// Package simulate builds a simulated organization from settings.
package simulate

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/scenario"
)

// Settings say what organization to simulate.
type Settings struct {
	Accounts int       // that are generated
	Seed     uint64    // of all identifiers and of what is generated
	Scenario io.Reader // a plan to build instead of a generated one, nil for none
	Now      func() time.Time
	// Propagation is how long changes of identities take to be in force; 0: none.
	Propagation time.Duration
	Late        time.Duration // how much later than they would be events are delivered and found
	Twice       bool          // events are delivered and found a second time
	Unnamed     bool          // events of sessions of sts:AssumeRoot have no source identity
}

// Simulation is a simulated organization that answers requests.
type Simulation struct {
	http.Handler
	// Administrators are one user of each account who may do everything, the management
	// account's first.
	Administrators []Administrator
}

// Administrator is a user of a simulated account with its access key.
type Administrator struct {
	Account         rootkeep.AccountID `json:"account"`
	Name            string             `json:"name"`
	AccessKeyID     string             `json:"access_key_id"`
	SecretAccessKey string             `json:"secret_access_key"`
}

// New builds the organization.
func New(s Settings) (*Simulation, error) {
	plan, err := s.plan()
	if err != nil {
		return nil, err
	}
	c, err := awssim.New(cloud.Config{Clock: s.Now, Seed: s.Seed, Propagation: s.Propagation})
	if err != nil {
		return nil, err
	}
	keys, err := plan.Apply(c)
	if err != nil {
		return nil, err
	}
	out := &Simulation{Handler: c}
	for _, a := range plan.Accounts {
		k := keys[a.Name]
		out.Administrators = append(out.Administrators, Administrator{a.ID, a.Name, k.ID, k.Secret})
	}
	return out, nil
}

func (s Settings) plan() (*scenario.Plan, error) {
	var plan *scenario.Plan
	var err error
	if s.Scenario != nil {
		plan, err = scenario.Read(s.Scenario)
	} else {
		plan, err = scenario.Generate(s.Accounts, s.Seed)
	}
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		kind cloud.FaultKind
		on   bool
	}{{cloud.Late, s.Late > 0}, {cloud.Twice, s.Twice}, {cloud.Unnamed, s.Unnamed}} {
		if f.on {
			plan.Faults = append(plan.Faults, scenario.Fault{Kind: f.kind, Milliseconds: int(s.Late.Milliseconds())})
		}
	}
	return plan, nil
}

// Operation is an operation that the simulator has.
type Operation struct {
	Service string `json:"service"`
	Name    string `json:"operation"`
	Action  string `json:"action"` // the IAM permission that it needs
}

// Operations lists them by service and name.
func Operations() ([]Operation, error) {
	c, err := awssim.New(cloud.Config{Clock: func() time.Time { return time.Time{} }})
	if err != nil {
		return nil, fmt.Errorf("list operations: %w", err)
	}
	var out []Operation
	for _, service := range c.Services() {
		for _, o := range service.Operations {
			out = append(out, Operation{service.Name, o.Name, o.Action})
		}
	}
	return out, nil
}
