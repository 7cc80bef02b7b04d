package cloud

import (
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud/region"
	"github.com/rootkeep/rootkeep/internal/awssim/identity"
)

// Account is one AWS account.
type Account struct {
	ID     rootkeep.AccountID
	Name   string
	Email  string
	Status string // ACTIVE, SUSPENDED
	Joined time.Time
	Parent string // the organization's root or unit
	Tags   []Tag
	// OptedIn are the Regions that were enabled beside those that always are.
	OptedIn map[string]bool

	Alias string
	identity.Set
	events  map[string][]*Event
	numbers map[string]int // of the newest event by Region
	state   map[stateKey]any
	cloud   *Cloud
}

// TagMap turns tags into a map.
func TagMap(tags []Tag) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	return out
}

// AddAccount makes an account. Its name and mail address are as given.
func (c *Cloud) AddAccount(id rootkeep.AccountID, name, email string, created time.Time) (*Account, error) {
	if _, err := rootkeep.ParseAccountID(string(id)); err != nil {
		return nil, fmt.Errorf("cloud: %w", err)
	}
	if c.accounts[id] != nil {
		return nil, fmt.Errorf("cloud: account %s exists", id)
	}
	a := &Account{
		ID: id, Name: name, Email: email, Status: "ACTIVE", Joined: created, OptedIn: map[string]bool{}, Set: identity.NewSet(identity.Root{Created: created}),
		events: map[string][]*Event{}, numbers: map[string]int{}, state: map[stateKey]any{}, cloud: c,
	}
	c.accounts[id] = a
	return a, nil
}

// NewAccountID is an account number that is not taken.
func (c *Cloud) NewAccountID() rootkeep.AccountID {
	for {
		id := rootkeep.AccountID(c.letters("123456789", 1) + c.letters("0123456789", 11))
		if c.accounts[id] == nil {
			return id
		}
	}
}

// ARN is the name of a thing of the account.
func (a *Account) ARN(service, region, resource string) string {
	return "arn:aws:" + service + ":" + region + ":" + string(a.ID) + ":" + resource
}

// IAM is the ARN of a thing of IAM, such as user/ann.
func (a *Account) IAM(resource string) string { return a.ARN("iam", "", resource) }

// RegionStatus is a Region and whether an account may use it.
type RegionStatus struct {
	Name   string
	Status string // ENABLED_BY_DEFAULT, ENABLED, DISABLED
}

// Enabled says whether the account may use the Region.
func (r RegionStatus) Enabled() bool { return strings.HasPrefix(r.Status, "ENABLED") }

// Regions are all Regions with their status in the account.
func (a *Account) Regions() []RegionStatus {
	var out []RegionStatus
	for _, r := range region.OptIn() {
		status := "DISABLED"
		if a.OptedIn[r] {
			status = "ENABLED"
		}
		out = append(out, RegionStatus{r, status})
	}
	for _, r := range a.cloud.config.Regions {
		out = append(out, RegionStatus{r, "ENABLED_BY_DEFAULT"})
	}
	return out
}

// Region finds a Region of the account.
func (a *Account) Region(name string) (RegionStatus, bool) {
	for _, r := range a.Regions() {
		if r.Name == name {
			return r, true
		}
	}
	return RegionStatus{}, false
}

// AccountID is the number of an account.
type AccountID = rootkeep.AccountID

// OrganizationID is the organization of the account, "" if it is in none.
func (a *Account) OrganizationID() string {
	if o := a.cloud.Organization; o.Member(a) {
		return o.ID
	}
	return ""
}

// Organized are the accounts of the account's organization.
func (a *Account) Organized() []*Account {
	var out []*Account
	for _, other := range a.cloud.Accounts() {
		if a.cloud.Organization.Member(other) {
			out = append(out, other)
		}
	}
	return out
}
