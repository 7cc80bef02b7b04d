// Package account is the simulated AWS Account Management: contacts, Regions, name and
// the mail address of root.
//
// Source: AWS Account Management Reference Guide, API Reference, version 2021-02-01.
package account

import (
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

// Service lists the operations.
func Service() *cloud.Service {
	return &cloud.Service{
		Name: "account", Protocol: cloud.RESTJSON, Global: true, Time: wire.ISO, Codes: cloud.Codes{Throttled: "TooManyRequestsException", Token: "ValidationException"},
		Operations: []*cloud.Operation{
			cloud.Op("GetAccountInformation", getInformation, cloud.At("POST /getAccountInformation")),
			cloud.Op("PutAccountName", putName, cloud.At("POST /putAccountName")),
			cloud.Op("GetPrimaryEmail", getEmail, cloud.At("POST /getPrimaryEmail")),
			cloud.Op("GetContactInformation", getContact, cloud.At("POST /getContactInformation")),
			cloud.Op("PutContactInformation", putContact, cloud.At("POST /putContactInformation")),
			cloud.Op("GetAlternateContact", getAlternate, cloud.At("POST /getAlternateContact")),
			cloud.Op("PutAlternateContact", putAlternate, cloud.At("POST /putAlternateContact")),
			cloud.Op("DeleteAlternateContact", deleteAlternate, cloud.At("POST /deleteAlternateContact")),
			cloud.Op("ListRegions", listRegions, cloud.At("POST /listRegions")),
			cloud.Op("GetRegionOptStatus", getRegion, cloud.At("POST /getRegionOptStatus")),
			cloud.Op("EnableRegion", enableRegion, cloud.At("POST /enableRegion")),
			cloud.Op("DisableRegion", disableRegion, cloud.At("POST /disableRegion")),
		},
	}
}

// contacts is what an account says of the people behind it.
type contacts struct {
	primary   *contactShape
	alternate map[string]alternateShape
}

// onAccount is the input of every operation: the caller's own account, or a member of
// the organization.
type onAccount struct{ AccountId string }

// On is the account's ARN: the plain one of the caller's, that of a member within the
// organization.
func (o *onAccount) On(c *cloud.Call) cloud.Resource {
	org := c.Cloud.Organization
	if o.AccountId == "" || org == nil {
		return cloud.Resource{ARN: c.Account.ARN("account", "", "account")}
	}
	id := string(org.Management)
	return cloud.Resource{ARN: "arn:aws:account::" + id + ":account/" + org.ID + "/" + o.AccountId}
}

func (o *onAccount) find(c *cloud.Call) (*cloud.Account, error) {
	if o.AccountId == "" {
		return c.Account, nil
	}
	org := c.Cloud.Organization
	a := c.Cloud.Account(rootkeep.AccountID(o.AccountId))
	switch {
	case !org.Member(c.Account) || !org.Administers(c.Account, "account.amazonaws.com") || org.ServiceAccess["account.amazonaws.com"].IsZero():
		return nil, cloud.Fail("AccessDeniedException", 403, "User: %s is not authorized to perform: %s (You must be the management account or a delegated administrator, with trusted access enabled)", c.Caller.ARN, c.Operation.Action)
	case !org.Member(a):
		return nil, cloud.Fail("AccessDeniedException", 403, "%s is not an account of your organization", o.AccountId)
	case a.ID == org.Management:
		return nil, c.Invalid("The management account can't specify its own AccountId.")
	}
	return a, nil
}

func (o *onAccount) contacts(c *cloud.Call) (*contacts, error) {
	a, err := o.find(c)
	if err != nil {
		return nil, err
	}
	s := cloud.Regional[contacts](a, "")
	if s.alternate == nil {
		s.alternate = map[string]alternateShape{}
	}
	return s, nil
}

func notFound(what string) error {
	return cloud.Fail("ResourceNotFoundException", 404, "No %s found.", what)
}

type informationOut struct {
	AccountId, AccountName, AccountState string
	AccountCreatedDate                   time.Time
}

func getInformation(c *cloud.Call, in onAccount) (out informationOut, err error) {
	a, err := in.find(c)
	if err != nil {
		return out, err
	}
	return informationOut{string(a.ID), a.Name, a.Status, a.Joined}, nil
}

type nameIn struct {
	onAccount
	AccountName string `aws:",must,secret"`
}

func putName(c *cloud.Call, in nameIn) (cloud.None, error) {
	a, err := in.find(c)
	if err == nil {
		a.Name = in.AccountName
	}
	return cloud.None{}, err
}

type emailOut struct{ PrimaryEmail string }

func getEmail(c *cloud.Call, in onAccount) (out emailOut, err error) {
	if in.AccountId == "" {
		return out, c.Invalid("AccountId is required")
	}
	a, err := in.find(c)
	if err != nil {
		return out, err
	}
	return emailOut{a.Email}, nil
}

type contactShape struct {
	FullName, AddressLine1, City, PostalCode, CountryCode, PhoneNumber                   string `aws:",must,secret"`
	AddressLine2, AddressLine3, StateOrRegion, DistrictOrCounty, CompanyName, WebsiteUrl string `aws:",secret"`
}

type contactOut struct{ ContactInformation contactShape }

func getContact(c *cloud.Call, in onAccount) (out contactOut, err error) {
	s, err := in.contacts(c)
	switch {
	case err != nil:
		return out, err
	case s.primary == nil:
		return out, notFound("contact information")
	}
	return contactOut{*s.primary}, nil
}

type putContactIn struct {
	onAccount
	ContactInformation contactShape `aws:",must,secret"`
}

func putContact(c *cloud.Call, in putContactIn) (cloud.None, error) {
	s, err := in.contacts(c)
	if err == nil {
		s.primary = &in.ContactInformation
	}
	return cloud.None{}, err
}

type kindIn struct {
	onAccount
	AlternateContactType string `aws:",must"`
}

func (in *kindIn) find(c *cloud.Call) (*contacts, error) {
	if !slices.Contains([]string{"BILLING", "OPERATIONS", "SECURITY"}, in.AlternateContactType) {
		return nil, c.Invalid("AlternateContactType must be BILLING, OPERATIONS or SECURITY")
	}
	return in.contacts(c)
}

type alternateShape struct {
	Name, Title, EmailAddress, PhoneNumber string `aws:",must,secret"`
	AlternateContactType                   string
}

type alternateOut struct{ AlternateContact alternateShape }

func getAlternate(c *cloud.Call, in kindIn) (out alternateOut, err error) {
	s, err := in.find(c)
	if err != nil {
		return out, err
	}
	a, ok := s.alternate[in.AlternateContactType]
	if !ok {
		return out, notFound("contact of the inputted alternate contact type")
	}
	return alternateOut{a}, nil
}

type putAlternateIn struct {
	kindIn
	Name, Title, EmailAddress, PhoneNumber string `aws:",must,secret"`
}

func putAlternate(c *cloud.Call, in putAlternateIn) (cloud.None, error) {
	s, err := in.find(c)
	if err == nil {
		s.alternate[in.AlternateContactType] = alternateShape{in.Name, in.Title, in.EmailAddress, in.PhoneNumber, in.AlternateContactType}
	}
	return cloud.None{}, err
}

func deleteAlternate(c *cloud.Call, in kindIn) (cloud.None, error) {
	s, err := in.find(c)
	if err != nil {
		return cloud.None{}, err
	}
	if _, ok := s.alternate[in.AlternateContactType]; !ok {
		return cloud.None{}, notFound("contact of the inputted alternate contact type")
	}
	delete(s.alternate, in.AlternateContactType)
	return cloud.None{}, nil
}

type regionShape struct{ RegionName, RegionOptStatus string }

type listRegionsIn struct {
	onAccount
	MaxResults              int
	NextToken               string
	RegionOptStatusContains []string
}

type listRegionsOut struct {
	NextToken string
	Regions   []regionShape
}

func listRegions(c *cloud.Call, in listRegionsIn) (out listRegionsOut, err error) {
	a, err := in.find(c)
	if err != nil {
		return out, err
	}
	var all []regionShape
	for _, r := range a.Regions() {
		if len(in.RegionOptStatusContains) == 0 || slices.Contains(in.RegionOptStatusContains, r.Status) {
			all = append(all, regionShape{r.Name, r.Status})
		}
	}
	out.Regions, out.NextToken, err = cloud.Page(c, all, in.NextToken, in.MaxResults, 50, 50)
	return out, err
}

type regionIn struct {
	onAccount
	RegionName string `aws:",must"`
}

func (in *regionIn) region(c *cloud.Call) (*cloud.Account, cloud.RegionStatus, error) {
	a, err := in.find(c)
	if err != nil {
		return nil, cloud.RegionStatus{}, err
	}
	r, ok := a.Region(in.RegionName)
	if !ok {
		return nil, r, c.Invalid("%s is not a Region", in.RegionName)
	}
	return a, r, nil
}

func getRegion(c *cloud.Call, in regionIn) (out regionShape, err error) {
	_, r, err := in.region(c)
	if err != nil {
		return out, err
	}
	return regionShape{r.Name, r.Status}, nil
}

// enableRegion turns a Region on at once; AWS takes minutes to hours.
func enableRegion(c *cloud.Call, in regionIn) (cloud.None, error) {
	a, r, err := in.region(c)
	if err == nil && r.Status == "DISABLED" {
		a.OptedIn[r.Name] = true
	}
	return cloud.None{}, err
}

func disableRegion(c *cloud.Call, in regionIn) (cloud.None, error) {
	a, r, err := in.region(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case r.Status == "ENABLED_BY_DEFAULT":
		return cloud.None{}, c.Invalid("%s is enabled by default and cannot be disabled", r.Name)
	}
	delete(a.OptedIn, r.Name)
	return cloud.None{}, nil
}
