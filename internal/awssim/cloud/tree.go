package cloud

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Organization is an AWS organization.
type Organization struct {
	ID, RootID string
	Management rootkeep.AccountID
	Units      map[string]*Unit
	Policies   map[string]*Guardrail
	// Types are the policy types that are enabled in the root.
	Types map[string]bool
	// Attached are the IDs of policies by the ID of root, unit or account.
	Attached map[string][]string
	// ServiceAccess is since when a service principal has trusted access.
	ServiceAccess map[string]time.Time
	// Delegated is since when an account is delegated administrator of a service.
	Delegated map[rootkeep.AccountID]map[string]time.Time
	// RootCredentials and RootSessions are the features of centralized root access;
	// BillingOnly says that it has consolidated billing and no other feature.
	RootCredentials, RootSessions, BillingOnly bool
	ResourcePolicy                             string
	Created                                    time.Time
	cloud                                      *Cloud
}

// Unit is an organizational unit.
type Unit struct {
	ID, Name, Parent string
	Tags             []Tag
}

// Guardrail is a policy of the organization.
type Guardrail struct {
	ID, Name, Description, Type, Content string
	AWS                                  bool
	Tags                                 []Tag
}

// Types of organization policies that the evaluator knows.
const (
	ServiceControl  = "SERVICE_CONTROL_POLICY"
	ResourceControl = "RESOURCE_CONTROL_POLICY"
)

// FullAccess are the IDs of AWS's policies that allow everything.
const (
	FullAccess    = "p-FullAWSAccess"
	RCPFullAccess = "p-RCPFullAWSAccess"
)

// NewOrganization makes the organization, with the management account in its root.
func (c *Cloud) NewOrganization(management *Account, created time.Time) (*Organization, error) {
	if c.Organization != nil {
		return nil, errors.New("cloud: the organization exists")
	}
	o := &Organization{
		ID: "o-" + c.Word(10), RootID: "r-" + c.Word(4), Management: management.ID, Units: map[string]*Unit{}, Policies: map[string]*Guardrail{},
		Types: map[string]bool{ServiceControl: true}, Attached: map[string][]string{}, ServiceAccess: map[string]time.Time{},
		Delegated: map[rootkeep.AccountID]map[string]time.Time{}, Created: created, cloud: c,
	}
	o.Policies[FullAccess] = &Guardrail{ID: FullAccess, Name: "FullAWSAccess", Description: "Allows access to every operation", Type: ServiceControl, AWS: true,
		Content: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}
	o.Policies[RCPFullAccess] = &Guardrail{ID: RCPFullAccess, Name: "RCPFullAWSAccess", Description: "Allows access to every resource", Type: ResourceControl, AWS: true,
		Content: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`}
	o.Attached[o.RootID] = []string{FullAccess}
	c.Organization = o
	o.Join(management, o.RootID)
	return o, nil
}

// Join puts an account under a root or unit.
func (o *Organization) Join(a *Account, parent string) {
	a.Parent = parent
	if !slices.Contains(o.Attached[string(a.ID)], FullAccess) {
		o.Attached[string(a.ID)] = append(o.Attached[string(a.ID)], FullAccess)
	}
}

// AddUnit makes a unit.
func (o *Organization) AddUnit(name, parent string) *Unit {
	u := &Unit{ID: "ou-" + strings.TrimPrefix(o.RootID, "r-") + "-" + o.cloud.Word(8), Name: name, Parent: parent}
	o.Units[u.ID] = u
	o.Attached[u.ID] = []string{FullAccess}
	return u
}

// ARN is the name of a thing of the organization, such as account and its ID.
func (o *Organization) ARN(kind, id string) string {
	management := o.cloud.accounts[o.Management]
	if kind == "organization" {
		return management.ARN("organizations", "", "organization/"+o.ID)
	}
	return management.ARN("organizations", "", kind+"/"+o.ID+"/"+id)
}

// Member says whether an account is in the organization.
func (o *Organization) Member(a *Account) bool { return o != nil && a != nil && a.Parent != "" }

// Path are the IDs from the root down to the account.
func (o *Organization) Path(a *Account) []string {
	path := []string{string(a.ID)}
	// A unit's parent exists and no unit is its own ancestor, so this ends.
	for at := a.Parent; at != ""; {
		path = append(path, at)
		if u := o.Units[at]; u != nil {
			at = u.Parent
		} else {
			at = ""
		}
	}
	slices.Reverse(path)
	return path
}

// Guardrails are the policies of a type, one list per level from the root down.
func (o *Organization) Guardrails(a *Account, kind string) [][]Text {
	if !o.Member(a) || !o.Types[kind] {
		return nil
	}
	var out [][]Text
	for _, at := range o.Path(a) {
		level := []Text{}
		for _, id := range o.Attached[at] {
			if p := o.Policies[id]; p != nil && p.Type == kind && id != RCPFullAccess {
				level = append(level, Text{Name: p.Name, Document: p.Content})
			}
		}
		out = append(out, level)
	}
	return out
}

// Administers says whether an account manages the organization or is delegated
// administrator of a service.
func (o *Organization) Administers(a *Account, service string) bool {
	if o == nil {
		return false
	}
	_, delegated := o.Delegated[a.ID][service]
	return a.ID == o.Management || delegated
}
