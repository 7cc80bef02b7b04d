package organizations

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

func trustOperations() []*cloud.Operation {
	return []*cloud.Operation{
		cloud.Op("ListAWSServiceAccessForOrganization", listServiceAccess),
		cloud.Op("EnableAWSServiceAccess", enableServiceAccess),
		cloud.Op("DisableAWSServiceAccess", disableServiceAccess),
		cloud.Op("ListDelegatedAdministrators", listDelegated),
		cloud.Op("ListDelegatedServicesForAccount", listDelegatedServices),
		cloud.Op("RegisterDelegatedAdministrator", register),
		cloud.Op("DeregisterDelegatedAdministrator", deregister),
		cloud.Op("DescribeResourcePolicy", describeResourcePolicy),
		cloud.Op("PutResourcePolicy", putResourcePolicy),
		cloud.Op("DeleteResourcePolicy", deleteResourcePolicy),
		cloud.Op("InviteAccountToOrganization", invite),
		cloud.Op("ListHandshakesForOrganization", listHandshakes),
		cloud.Op("CancelHandshake", cancelHandshake),
	}
}

type enabledService struct {
	ServicePrincipal string
	DateEnabled      time.Time
}

type serviceAccessOut struct {
	EnabledServicePrincipals []enabledService
	NextToken                string
}

func listServiceAccess(c *cloud.Call, in paged) (out serviceAccessOut, err error) {
	o, err := reading(c)
	if err != nil {
		return out, err
	}
	var all []enabledService
	for _, name := range slices.Sorted(maps.Keys(o.ServiceAccess)) {
		all = append(all, enabledService{name, o.ServiceAccess[name]})
	}
	out.EnabledServicePrincipals, out.NextToken, err = cut(c, in, all)
	return out, err
}

type serviceIn struct {
	ServicePrincipal string `aws:",must"`
}

func (in serviceIn) check(c *cloud.Call) (*cloud.Organization, error) {
	o, err := managing(c)
	if err == nil && !strings.HasSuffix(in.ServicePrincipal, ".amazonaws.com") {
		err = c.Invalid("You specified an unrecognized service principal.")
	}
	return o, err
}

func enableServiceAccess(c *cloud.Call, in serviceIn) (cloud.None, error) {
	o, err := in.check(c)
	if err == nil && o.ServiceAccess[in.ServicePrincipal].IsZero() {
		o.ServiceAccess[in.ServicePrincipal] = c.Now
	}
	return cloud.None{}, err
}

func disableServiceAccess(c *cloud.Call, in serviceIn) (cloud.None, error) {
	o, err := in.check(c)
	if err == nil {
		delete(o.ServiceAccess, in.ServicePrincipal)
	}
	return cloud.None{}, err
}

type delegatedIn struct {
	ServicePrincipal string
	paged
}

type delegatedShape struct {
	accountShape
	DelegationEnabledDate time.Time
}

type delegatedOut struct {
	DelegatedAdministrators []delegatedShape
	NextToken               string
}

func listDelegated(c *cloud.Call, in delegatedIn) (out delegatedOut, err error) {
	o, err := reading(c)
	if err != nil {
		return out, err
	}
	var all []delegatedShape
	for _, id := range slices.Sorted(maps.Keys(o.Delegated)) {
		for _, name := range slices.Sorted(maps.Keys(o.Delegated[id])) {
			if in.ServicePrincipal == "" || in.ServicePrincipal == name {
				all = append(all, delegatedShape{show(o, c.Cloud.Account(id)), o.Delegated[id][name]})
				break
			}
		}
	}
	out.DelegatedAdministrators, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type delegatedServicesIn struct {
	onAccount
	paged
}

type delegatedService struct {
	ServicePrincipal      string
	DelegationEnabledDate time.Time
}

type delegatedServicesOut struct {
	DelegatedServices []delegatedService
	NextToken         string
}

func notRegistered() error {
	return cloud.Fail("AccountNotRegisteredException", 400, "The provided account is not a registered delegated administrator for your organization.")
}

func listDelegatedServices(c *cloud.Call, in delegatedServicesIn) (out delegatedServicesOut, err error) {
	o, err := reading(c)
	if err != nil {
		return out, err
	}
	services := o.Delegated[rootkeep.AccountID(in.AccountId)]
	if len(services) == 0 {
		return out, notRegistered()
	}
	var all []delegatedService
	for _, name := range slices.Sorted(maps.Keys(services)) {
		all = append(all, delegatedService{name, services[name]})
	}
	out.DelegatedServices, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type registerIn struct {
	onAccount
	serviceIn
}

func (in *registerIn) find(c *cloud.Call) (*cloud.Organization, *cloud.Account, error) {
	o, err := in.check(c)
	if err != nil {
		return nil, nil, err
	}
	a, err := find(c, o, in.AccountId)
	return o, a, err
}

func register(c *cloud.Call, in registerIn) (cloud.None, error) {
	o, a, err := in.find(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case a.ID == o.Management:
		return cloud.None{}, cloud.Fail("ConstraintViolationException", 400, "You cannot register the management account as a delegated administrator.")
	case o.ServiceAccess[in.ServicePrincipal].IsZero():
		return cloud.None{}, cloud.Fail("ConstraintViolationException", 400, "You must enable trusted access for the service first.")
	case !o.Delegated[a.ID][in.ServicePrincipal].IsZero():
		return cloud.None{}, cloud.Fail("AccountAlreadyRegisteredException", 400, "The provided account is already a delegated administrator for your organization.")
	}
	if o.Delegated[a.ID] == nil {
		o.Delegated[a.ID] = map[string]time.Time{}
	}
	o.Delegated[a.ID][in.ServicePrincipal] = c.Now
	return cloud.None{}, nil
}

func deregister(c *cloud.Call, in registerIn) (cloud.None, error) {
	o, a, err := in.find(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case o.Delegated[a.ID][in.ServicePrincipal].IsZero():
		return cloud.None{}, notRegistered()
	}
	if delete(o.Delegated[a.ID], in.ServicePrincipal); len(o.Delegated[a.ID]) == 0 {
		delete(o.Delegated, a.ID)
	}
	return cloud.None{}, nil
}

type resourcePolicyOut struct {
	ResourcePolicy struct {
		ResourcePolicySummary struct{ Id, Arn string }
		Content               string
	}
}

func showResourcePolicy(o *cloud.Organization) (out resourcePolicyOut) {
	s := &out.ResourcePolicy.ResourcePolicySummary
	s.Id = "rp-" + strings.TrimPrefix(o.ID, "o-")
	s.Arn, out.ResourcePolicy.Content = o.ARN("resourcepolicy", s.Id), o.ResourcePolicy
	return out
}

func describeResourcePolicy(c *cloud.Call, _ cloud.None) (out resourcePolicyOut, err error) {
	o, err := reading(c)
	switch {
	case err != nil:
		return out, err
	case o.ResourcePolicy == "":
		return out, cloud.Fail("ResourcePolicyNotFoundException", 400, "We can't find a resource policy request with the parameter that you specified.")
	}
	return showResourcePolicy(o), nil
}

type putResourcePolicyIn struct {
	Content string `aws:",must"`
}

// On is the ARN of the organization's resource policy.
func (in *putResourcePolicyIn) On(c *cloud.Call) cloud.Resource {
	if o := c.Cloud.Organization; o != nil {
		return cloud.Resource{ARN: showResourcePolicy(o).ResourcePolicy.ResourcePolicySummary.Arn}
	}
	return cloud.Resource{ARN: "*"}
}

func putResourcePolicy(c *cloud.Call, in putResourcePolicyIn) (out resourcePolicyOut, err error) {
	o, err := managing(c)
	if err != nil {
		return out, err
	}
	if err := cloud.CheckPolicy(iam.Resource, in.Content); err != nil {
		return out, cloud.Fail("MalformedPolicyDocumentException", 400, "%v", err)
	}
	o.ResourcePolicy = in.Content
	return showResourcePolicy(o), nil
}

func deleteResourcePolicy(c *cloud.Call, _ cloud.None) (cloud.None, error) {
	o, err := managing(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case o.ResourcePolicy == "":
		return cloud.None{}, cloud.Fail("ResourcePolicyNotFoundException", 400, "We can't find a resource policy request with the parameter that you specified.")
	}
	o.ResourcePolicy = ""
	return cloud.None{}, nil
}

type party struct{ Id, Type string }

// handshake is an invitation to the organization.
type handshake struct {
	Id, Arn, State, Action                  string
	Parties                                 []party
	RequestedTimestamp, ExpirationTimestamp time.Time
}

// handshakes are those of the management account, oldest first.
type handshakes struct{ all []*handshake }

// invitationLife is how long an account may accept.
const invitationLife = 15 * 24 * time.Hour

type inviteIn struct {
	Target struct {
		Id   string `aws:",secret"`
		Type string
	} `aws:",must"`
	Notes string `aws:",secret"`
}

type handshakeOut struct{ Handshake handshake }

func invite(c *cloud.Call, in inviteIn) (out handshakeOut, err error) {
	o, err := managing(c)
	switch {
	case err != nil:
		return out, err
	case in.Target.Type != "ACCOUNT" && in.Target.Type != "EMAIL":
		return out, c.Invalid("Target must be of type ACCOUNT or EMAIL")
	}
	if a := c.Cloud.Account(rootkeep.AccountID(in.Target.Id)); o.Member(a) {
		return out, cloud.Fail("HandshakeConstraintViolationException", 400, "The account is already a member of the organization.")
	}
	h := &handshake{
		Id: "h-" + c.Cloud.Hex(32), State: "OPEN", Action: "INVITE", RequestedTimestamp: c.Now, ExpirationTimestamp: c.Now.Add(invitationLife),
		Parties: []party{{strings.TrimPrefix(o.ID, "o-"), "ORGANIZATION"}, {in.Target.Id, in.Target.Type}},
	}
	h.Arn = o.ARN("handshake", "invite/"+h.Id)
	state := cloud.Regional[handshakes](c.Account, "")
	state.all = append(state.all, h)
	return handshakeOut{*h}, nil
}

type listHandshakesIn struct {
	Filter struct{ ActionType, ParentHandshakeId string }
	paged
}

type handshakesOut struct {
	Handshakes []handshake
	NextToken  string
}

func listHandshakes(c *cloud.Call, in listHandshakesIn) (out handshakesOut, err error) {
	if _, err := reading(c); err != nil {
		return out, err
	}
	var all []handshake
	management := c.Cloud.Account(c.Cloud.Organization.Management)
	for _, h := range cloud.Regional[handshakes](management, "").all {
		if h.State == "OPEN" && c.Now.After(h.ExpirationTimestamp) {
			h.State = "EXPIRED"
		}
		if in.Filter.ParentHandshakeId == "" && (in.Filter.ActionType == "" || in.Filter.ActionType == h.Action) {
			all = append(all, *h)
		}
	}
	out.Handshakes, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type handshakeIn struct {
	HandshakeId string `aws:",must"`
}

// On is the handshake's ARN.
func (in *handshakeIn) On(c *cloud.Call) cloud.Resource {
	for _, h := range cloud.Regional[handshakes](c.Account, "").all {
		if h.Id == in.HandshakeId {
			return cloud.Resource{ARN: h.Arn}
		}
	}
	return about(c, "handshake", "invite/"+in.HandshakeId)
}

func cancelHandshake(c *cloud.Call, in handshakeIn) (out handshakeOut, err error) {
	if _, err := managing(c); err != nil {
		return out, err
	}
	for _, h := range cloud.Regional[handshakes](c.Account, "").all {
		if h.Id != in.HandshakeId {
			continue
		}
		if h.State != "OPEN" {
			return out, cloud.Fail("InvalidHandshakeTransitionException", 400, "You can't perform the operation on the handshake in its current state.")
		}
		h.State = "CANCELED"
		return handshakeOut{*h}, nil
	}
	return out, cloud.Fail("HandshakeNotFoundException", 400, "We can't find a handshake with the HandshakeId that you specified.")
}
