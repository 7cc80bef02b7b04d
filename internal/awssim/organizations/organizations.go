// Package organizations is the simulated AWS Organizations: accounts, units, policies,
// trusted access, delegated administrators.
//
// Source: AWS Organizations API Reference, version 2016-11-28.
package organizations

import (
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Service lists the operations.
func Service() *cloud.Service {
	s := &cloud.Service{
		Name: "organizations", Protocol: cloud.JSON, JSON: "1.1", Target: "AWSOrganizationsV20161128", Global: true,
		Codes: cloud.Codes{Throttled: "TooManyRequestsException", Invalid: "InvalidInputException", Token: "InvalidInputException"},
	}
	for _, list := range [][]*cloud.Operation{accountOperations(), unitOperations(), policyOperations(), trustOperations()} {
		s.Operations = append(s.Operations, list...)
	}
	return s
}

// belonging gives the organization of the caller.
func belonging(c *cloud.Call) (*cloud.Organization, error) {
	o := c.Cloud.Organization
	if !o.Member(c.Account) {
		return nil, cloud.Fail("AWSOrganizationsNotInUseException", 400, "Your account is not a member of an organization.")
	}
	return o, nil
}

// reading gives it to the management account and to delegated administrators.
func reading(c *cloud.Call) (*cloud.Organization, error) {
	o, err := belonging(c)
	if err == nil && c.Account.ID != o.Management && len(o.Delegated[c.Account.ID]) == 0 {
		err = cloud.Fail("AccessDeniedException", 400, "You don't have permissions to access this resource.")
	}
	return o, err
}

// managing gives it to the management account alone.
func managing(c *cloud.Call) (*cloud.Organization, error) {
	o, err := belonging(c)
	if err == nil && c.Account.ID != o.Management {
		err = cloud.Fail("AccessDeniedException", 400, "You don't have permissions to access this resource.")
	}
	return o, err
}

// paged is how the service cuts lists; answers carry NextToken.
type paged struct {
	NextToken  string
	MaxResults int
}

func cut[T any](c *cloud.Call, p paged, all []T) ([]T, string, error) {
	return cloud.Page(c, all, p.NextToken, p.MaxResults, 20, 20)
}

// onAccount is the input of an operation on one account.
type onAccount struct {
	AccountId string `aws:",must"`
}

// On is the account's ARN.
func (o *onAccount) On(c *cloud.Call) cloud.Resource { return about(c, "account", o.AccountId) }

// about is a resource of the organization, if there is one.
func about(c *cloud.Call, kind, id string) cloud.Resource {
	if o := c.Cloud.Organization; o != nil {
		return cloud.Resource{ARN: o.ARN(kind, id)}
	}
	return cloud.Resource{ARN: "*"}
}

func find(c *cloud.Call, o *cloud.Organization, id string) (*cloud.Account, error) {
	if a := c.Cloud.Account(rootkeep.AccountID(id)); o.Member(a) {
		return a, nil
	}
	return nil, cloud.Fail("AccountNotFoundException", 400, "You specified an account that doesn't exist.")
}

type accountShape struct {
	Id, Arn, Email, Name, Status, State, JoinedMethod string
	JoinedTimestamp                                   time.Time
}

func show(o *cloud.Organization, a *cloud.Account) accountShape {
	method := "CREATED"
	if a.ID == o.Management {
		method = "INVITED"
	}
	return accountShape{string(a.ID), o.ARN("account", string(a.ID)), a.Email, a.Name, a.Status, a.Status, method, a.Joined}
}

func accountOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("DescribeOrganization", describeOrganization),
		cloud.Op("ListAccounts", listAccounts),
		cloud.Op("DescribeAccount", describeAccount),
		cloud.Op("CreateAccount", createAccount),
		cloud.Op("DescribeCreateAccountStatus", describeCreation),
		cloud.Op("ListCreateAccountStatus", listCreations),
		cloud.Op("CloseAccount", closeAccount),
		cloud.Op("MoveAccount", moveAccount),
	}
}

type typeStatus struct{ Type, Status string }

type organizationOut struct {
	Organization struct {
		Id, Arn, FeatureSet, MasterAccountArn, MasterAccountId, MasterAccountEmail string
		AvailablePolicyTypes                                                       []typeStatus
	}
}

func describeOrganization(c *cloud.Call, _ cloud.None) (out organizationOut, err error) {
	o, err := belonging(c)
	if err != nil {
		return out, err
	}
	m := c.Cloud.Account(o.Management)
	s := &out.Organization
	s.Id, s.Arn, s.FeatureSet = o.ID, o.ARN("organization", ""), "ALL"
	s.MasterAccountArn, s.MasterAccountId, s.MasterAccountEmail = o.ARN("account", string(m.ID)), string(m.ID), m.Email
	if o.BillingOnly {
		s.FeatureSet = "CONSOLIDATED_BILLING"
		return out, nil
	}
	s.AvailablePolicyTypes = []typeStatus{{cloud.ServiceControl, "ENABLED"}}
	return out, nil
}

type listAccountsOut struct {
	Accounts  []accountShape
	NextToken string
}

// members are the accounts of the organization that a function accepts.
func members(c *cloud.Call, o *cloud.Organization, accept func(*cloud.Account) bool) []accountShape {
	var all []accountShape
	for _, a := range c.Cloud.Accounts() {
		if o.Member(a) && accept(a) {
			all = append(all, show(o, a))
		}
	}
	return all
}

func listAccounts(c *cloud.Call, in paged) (out listAccountsOut, err error) {
	o, err := reading(c)
	if err != nil {
		return out, err
	}
	out.Accounts, out.NextToken, err = cut(c, in, members(c, o, func(*cloud.Account) bool { return true }))
	return out, err
}

type accountOut struct{ Account accountShape }

func describeAccount(c *cloud.Call, in onAccount) (out accountOut, err error) {
	o, err := reading(c)
	if err != nil {
		return out, err
	}
	a, err := find(c, o, in.AccountId)
	if err != nil {
		return out, err
	}
	return accountOut{show(o, a)}, nil
}

// creation is a request to create an account.
type creation struct {
	Id, AccountName, State, AccountId, FailureReason string
	RequestedTimestamp, CompletedTimestamp           time.Time
}

// creations are those of the management account, oldest first.
type creations struct{ all []creation }

type createAccountIn struct {
	Email                  string `aws:",must,secret"`
	AccountName            string `aws:",must,secret"`
	RoleName               string
	IamUserAccessToBilling string
	Tags                   []cloud.Tag
}

type creationOut struct{ CreateAccountStatus creation }

// createAccount makes an account without root credentials and with the role that the
// management account may assume. It is there at once; the answer says IN_PROGRESS, as
// AWS's does.
func createAccount(c *cloud.Call, in createAccountIn) (out creationOut, err error) {
	o, err := managing(c)
	if err != nil {
		return out, err
	}
	if in.RoleName == "" {
		in.RoleName = "OrganizationAccountAccessRole"
	}
	done := creation{Id: "car-" + c.Cloud.Hex(32), AccountName: in.AccountName, RequestedTimestamp: c.Now, CompletedTimestamp: c.Now}
	state := cloud.Regional[creations](c.Account, "")
	for _, a := range c.Cloud.Accounts() {
		if a.Email == in.Email {
			done.State, done.FailureReason = "FAILED", "EMAIL_ALREADY_EXISTS"
		}
	}
	if done.State == "" {
		a, err := c.Cloud.AddAccount(c.Cloud.NewAccountID(), in.AccountName, in.Email, c.Now)
		if err != nil {
			return out, err
		}
		a.Tags = in.Tags
		o.Join(a, o.RootID)
		a.Roles[in.RoleName] = accessRole(c, a, in.RoleName)
		done.State, done.AccountId = "SUCCEEDED", string(a.ID)
	}
	state.all = append(state.all, done)
	started := done
	started.State, started.AccountId, started.FailureReason, started.CompletedTimestamp = "IN_PROGRESS", "", "", time.Time{}
	return creationOut{started}, nil
}

func accessRole(c *cloud.Call, a *cloud.Account, name string) *cloud.Role {
	return &cloud.Role{
		Holder: cloud.Holder{
			Name: name, Path: "/", ID: c.Cloud.UniqueID("AROA"), ARN: a.IAM("role/" + name), Created: c.Now, Inline: map[string]string{},
			Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"},
		},
		Trust:      `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + c.Account.IAM("root") + `"},"Action":"sts:AssumeRole"}]}`,
		MaxSession: 3600,
	}
}

type creationIn struct {
	CreateAccountRequestId string `aws:",must"`
}

func describeCreation(c *cloud.Call, in creationIn) (out creationOut, err error) {
	if _, err := managing(c); err != nil {
		return out, err
	}
	for _, d := range cloud.Regional[creations](c.Account, "").all {
		if d.Id == in.CreateAccountRequestId {
			return creationOut{d}, nil
		}
	}
	return out, cloud.Fail("CreateAccountStatusNotFoundException", 400, "We can't find a create account request with the ID that you specified.")
}

type listCreationsIn struct {
	States []string
	paged
}

type listCreationsOut struct {
	CreateAccountStatuses []creation
	NextToken             string
}

func listCreations(c *cloud.Call, in listCreationsIn) (out listCreationsOut, err error) {
	if _, err := managing(c); err != nil {
		return out, err
	}
	var all []creation
	for _, d := range cloud.Regional[creations](c.Account, "").all {
		if len(in.States) == 0 || contains(in.States, d.State) {
			all = append(all, d)
		}
	}
	out.CreateAccountStatuses, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

func closeAccount(c *cloud.Call, in onAccount) (cloud.None, error) {
	o, err := managing(c)
	if err != nil {
		return cloud.None{}, err
	}
	a, err := find(c, o, in.AccountId)
	switch {
	case err != nil:
		return cloud.None{}, err
	case a.ID == o.Management:
		return cloud.None{}, cloud.Fail("ConstraintViolationException", 400, "You can't close the management account.")
	case a.Status != "ACTIVE":
		return cloud.None{}, cloud.Fail("AccountAlreadyClosedException", 400, "You attempted to close an account that is already closed.")
	}
	a.Status = "SUSPENDED"
	return cloud.None{}, nil
}

type moveIn struct {
	onAccount
	SourceParentId      string `aws:",must"`
	DestinationParentId string `aws:",must"`
}

func moveAccount(c *cloud.Call, in moveIn) (cloud.None, error) {
	o, err := managing(c)
	if err != nil {
		return cloud.None{}, err
	}
	a, err := find(c, o, in.AccountId)
	switch {
	case err != nil:
		return cloud.None{}, err
	case a.Parent != in.SourceParentId:
		return cloud.None{}, cloud.Fail("SourceParentNotFoundException", 400, "We can't find a source root or OU with the ParentId that you specified.")
	case !isParent(o, in.DestinationParentId):
		return cloud.None{}, cloud.Fail("DestinationParentNotFoundException", 400, "We can't find the destination container (a root or OU) with the ParentId that you specified.")
	}
	a.Parent = in.DestinationParentId
	return cloud.None{}, nil
}
