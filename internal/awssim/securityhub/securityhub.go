// Package securityhub is the simulated AWS Security Hub CSPM, with the switch of the
// newer Security Hub: standards and controls, imported findings, aggregation, the
// organization's configuration. It runs no checks.
//
// Source: AWS Security Hub API Reference, version 2018-10-26.
package securityhub

import (
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

// Service lists the operations.
func Service() *cloud.Service {
	at := cloud.At
	return &cloud.Service{
		Name: "securityhub", Protocol: cloud.RESTJSON, Time: wire.ISO,
		Codes: cloud.Codes{Throttled: "LimitExceededException", Invalid: "InvalidInputException", Token: "InvalidInputException"},
		Operations: []*cloud.Operation{
			cloud.Op("EnableSecurityHub", enable, at("POST /accounts")),
			cloud.Op("DescribeHub", describeHub, at("GET /accounts")),
			cloud.Op("UpdateSecurityHubConfiguration", updateHub, at("PATCH /accounts")),
			cloud.Op("DisableSecurityHub", disable, at("DELETE /accounts")),
			cloud.Op("EnableSecurityHubV2", enableV2, at("POST /hubv2")),
			cloud.Op("DescribeSecurityHubV2", describeV2, at("GET /hubv2")),
			cloud.Op("DisableSecurityHubV2", disableV2, at("DELETE /hubv2")),
			cloud.Op("DescribeStandards", describeStandards, at("GET /standards")),
			cloud.Op("GetEnabledStandards", getEnabled, at("POST /standards/get")),
			cloud.Op("BatchEnableStandards", enableStandards, at("POST /standards/register")),
			cloud.Op("BatchDisableStandards", disableStandards, at("POST /standards/deregister")),
			cloud.Op("DescribeStandardsControls", describeControls, at("GET /standards/controls/{StandardsSubscriptionArn+}")),
			cloud.Op("BatchGetStandardsControlAssociations", getAssociations, at("POST /associations/batchGet"), cloud.Reads),
			cloud.Op("BatchUpdateStandardsControlAssociations", updateAssociations, at("PATCH /associations")),
			cloud.Op("UpdateStandardsControl", updateControl, at("PATCH /standards/control/{StandardsControlArn+}")),
			cloud.Op("BatchImportFindings", importFindings, at("POST /findings/import")),
			cloud.Op("GetFindings", getFindings, at("POST /findings")),
			cloud.Op("BatchUpdateFindings", updateFindings, at("PATCH /findings/batchupdate")),
			cloud.Op("CreateFindingAggregator", createAggregator, at("POST /findingAggregator/create")),
			cloud.Op("ListFindingAggregators", listAggregators, at("GET /findingAggregator/list")),
			cloud.Op("GetFindingAggregator", getAggregator, at("GET /findingAggregator/get/{FindingAggregatorArn+}")),
			cloud.Op("DeleteFindingAggregator", deleteAggregator, at("DELETE /findingAggregator/delete/{FindingAggregatorArn+}")),
			cloud.Op("GetAdministratorAccount", getAdministrator, at("GET /administrator")),
			cloud.Op("EnableOrganizationAdminAccount", enableAdmin, at("POST /organization/admin/enable")),
			cloud.Op("DisableOrganizationAdminAccount", disableAdmin, at("POST /organization/admin/disable")),
			cloud.Op("ListOrganizationAdminAccounts", listAdmins, at("GET /organization/admin")),
			cloud.Op("DescribeOrganizationConfiguration", describeOrganization, at("GET /organization/configuration")),
			cloud.Op("UpdateOrganizationConfiguration", updateOrganization, at("POST /organization/configuration")),
		},
	}
}

// hub is what an account has in a Region.
type hub struct {
	on, v2            bool
	subscribed, newer time.Time
	autoControls      bool
	generator         string // SECURITY_CONTROL, STANDARD_CONTROL
	standards         map[string]*subscription
	findings          []map[string]any // ASFF
	aggregator        *aggregatorShape
	autoEnable        bool
	autoStandards     string
	configuration     string // CENTRAL, LOCAL
}

// admins is who administers Security Hub for the organization.
type admins struct{ id cloud.AccountID }

func of(c *cloud.Call) *hub { return cloud.Regional[hub](c.Account, c.Region) }

// enabled gives the hub of an account that uses Security Hub CSPM.
func enabled(c *cloud.Call) (*hub, error) {
	if h := of(c); h.on {
		return h, nil
	}
	return nil, cloud.Fail("InvalidAccessException", 401, "Account %s is not subscribed to AWS Security Hub", c.Account.ID)
}

type enableIn struct {
	Tags                    map[string]string
	EnableDefaultStandards  *bool
	ControlFindingGenerator string
}

func enable(c *cloud.Call, in enableIn) (cloud.None, error) {
	h := of(c)
	if h.on {
		return cloud.None{}, cloud.Fail("ResourceConflictException", 409, "Account is already subscribed to Security Hub")
	}
	if in.ControlFindingGenerator == "" {
		in.ControlFindingGenerator = "SECURITY_CONTROL"
	}
	h.on, h.subscribed, h.autoControls, h.generator, h.standards = true, c.Now, true, in.ControlFindingGenerator, map[string]*subscription{}
	h.autoStandards, h.configuration = "DEFAULT", "LOCAL"
	if in.EnableDefaultStandards == nil || *in.EnableDefaultStandards {
		for _, s := range standards {
			if s.byDefault {
				h.subscribe(c, s)
			}
		}
	}
	return cloud.None{}, nil
}

type describeIn struct {
	HubArn string `aws:"HubArn,query"`
}

type describeOut struct {
	HubArn                  string
	SubscribedAt            time.Time
	AutoEnableControls      bool
	ControlFindingGenerator string
}

func describeHub(c *cloud.Call, in describeIn) (out describeOut, err error) {
	h, err := enabled(c)
	arn := c.ARN("hub/default")
	switch {
	case err != nil:
		return out, err
	case in.HubArn != "" && in.HubArn != arn:
		return out, cloud.Fail("ResourceNotFoundException", 404, "Hub %s is not found", in.HubArn)
	}
	return describeOut{arn, h.subscribed, h.autoControls, h.generator}, nil
}

type updateHubIn struct {
	AutoEnableControls      *bool
	ControlFindingGenerator string
}

func updateHub(c *cloud.Call, in updateHubIn) (cloud.None, error) {
	h, err := enabled(c)
	if err != nil {
		return cloud.None{}, err
	}
	if in.AutoEnableControls != nil {
		h.autoControls = *in.AutoEnableControls
	}
	if in.ControlFindingGenerator != "" {
		h.generator = in.ControlFindingGenerator
	}
	return cloud.None{}, nil
}

func disable(c *cloud.Call, _ cloud.None) (cloud.None, error) {
	h, err := enabled(c)
	if err == nil {
		*h = hub{v2: h.v2, newer: h.newer}
	}
	return cloud.None{}, err
}

type v2In struct{ Tags map[string]string }

type v2Out struct {
	HubV2Arn     string
	SubscribedAt time.Time
}

func enableV2(c *cloud.Call, _ v2In) (out v2Out, err error) {
	h := of(c)
	if !h.v2 {
		h.v2, h.newer = true, c.Now
	}
	return v2Out{HubV2Arn: c.ARN("hubv2/default")}, nil
}

func describeV2(c *cloud.Call, _ cloud.None) (out v2Out, err error) {
	h := of(c)
	if !h.v2 {
		return out, cloud.Fail("ResourceNotFoundException", 404, "Security Hub V2 is not enabled in this account")
	}
	return v2Out{c.ARN("hubv2/default"), h.newer}, nil
}

func disableV2(c *cloud.Call, _ cloud.None) (cloud.None, error) {
	h := of(c)
	if !h.v2 {
		return cloud.None{}, cloud.Fail("ResourceNotFoundException", 404, "Security Hub V2 is not enabled in this account")
	}
	h.v2 = false
	return cloud.None{}, nil
}

type aggregatorShape struct {
	FindingAggregatorArn, FindingAggregationRegion, RegionLinkingMode string
	Regions                                                           []string `aws:",omit"`
}

type aggregatorIn struct {
	RegionLinkingMode string `aws:",must"`
	Regions           []string
}

func createAggregator(c *cloud.Call, in aggregatorIn) (out aggregatorShape, err error) {
	h, err := enabled(c)
	if err != nil {
		return out, err
	}
	if home := aggregatorOf(c.Account); home != nil {
		return out, cloud.Fail("InvalidInputException", 400, "Finding aggregator already exists in %s", home.FindingAggregationRegion)
	}
	if !slices.Contains([]string{"ALL_REGIONS", "ALL_REGIONS_EXCEPT_SPECIFIED", "SPECIFIED_REGIONS", "NO_REGIONS"}, in.RegionLinkingMode) {
		return out, c.Invalid("RegionLinkingMode %s is not valid", in.RegionLinkingMode)
	}
	h.aggregator = &aggregatorShape{c.ARN("finding-aggregator/" + c.Cloud.UUID()), c.Region, in.RegionLinkingMode, in.Regions}
	return *h.aggregator, nil
}

// aggregatorOf is the one aggregator that an account has, in whatever Region.
func aggregatorOf(a *cloud.Account) *aggregatorShape {
	for _, region := range cloud.RegionsOf[hub](a) {
		if g := cloud.Regional[hub](a, region).aggregator; g != nil {
			return g
		}
	}
	return nil
}

type paged struct {
	NextToken  string `aws:"NextToken,query"`
	MaxResults int    `aws:"MaxResults,query"`
}

func cut[T any](c *cloud.Call, p paged, all []T) ([]T, string, error) {
	return cloud.Page(c, all, p.NextToken, p.MaxResults, 100, 100)
}

type listedAggregator struct{ FindingAggregatorArn string }

type aggregatorsOut struct {
	FindingAggregators []listedAggregator
	NextToken          string
}

func listAggregators(c *cloud.Call, in paged) (out aggregatorsOut, err error) {
	if _, err := enabled(c); err != nil {
		return out, err
	}
	var all []listedAggregator
	if g := aggregatorOf(c.Account); g != nil {
		all = []listedAggregator{{g.FindingAggregatorArn}}
	}
	out.FindingAggregators, out.NextToken, err = cut(c, in, all)
	return out, err
}

type onAggregator struct {
	FindingAggregatorArn string `aws:"FindingAggregatorArn,uri"`
}

// On is the aggregator's ARN.
func (o *onAggregator) On(*cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: o.FindingAggregatorArn}
}

func (o *onAggregator) find(c *cloud.Call) (*aggregatorShape, error) {
	if _, err := enabled(c); err != nil {
		return nil, err
	}
	if g := aggregatorOf(c.Account); g != nil && g.FindingAggregatorArn == o.FindingAggregatorArn {
		return g, nil
	}
	return nil, cloud.Fail("ResourceNotFoundException", 404, "Finding aggregator %s is not found", o.FindingAggregatorArn)
}

func getAggregator(c *cloud.Call, in onAggregator) (out aggregatorShape, err error) {
	g, err := in.find(c)
	if err != nil {
		return out, err
	}
	return *g, nil
}

func deleteAggregator(c *cloud.Call, in onAggregator) (cloud.None, error) {
	g, err := in.find(c)
	if err == nil {
		cloud.Regional[hub](c.Account, g.FindingAggregationRegion).aggregator = nil
	}
	return cloud.None{}, err
}

type adminIn struct {
	AdminAccountId string `aws:",must"`
}

type adminOut struct{ AdminAccountId string }

func enableAdmin(c *cloud.Call, in adminIn) (out adminOut, err error) {
	o := c.Cloud.Organization
	a := c.Cloud.Account(rootkeep.AccountID(in.AdminAccountId))
	switch {
	case !o.Member(c.Account) || c.Account.ID != o.Management:
		return out, cloud.Fail("InvalidAccessException", 401, "Only the management account can designate the administrator.")
	case !o.Member(a):
		return out, c.Invalid("The account is not a member of the organization.")
	}
	cloud.Across[admins](c.Cloud).id = a.ID
	if o.ServiceAccess[principal].IsZero() {
		o.ServiceAccess[principal] = c.Now
	}
	if o.Delegated[a.ID] == nil {
		o.Delegated[a.ID] = map[string]time.Time{}
	}
	o.Delegated[a.ID][principal] = c.Now
	return adminOut{in.AdminAccountId}, nil
}

// disableAdmin takes the organization from its administrator. What was trusted for it stays.
func disableAdmin(c *cloud.Call, in adminIn) (cloud.None, error) {
	s := cloud.Across[admins](c.Cloud)
	switch {
	case c.Account.ID != c.Cloud.Organization.Management:
		return cloud.None{}, cloud.Fail("InvalidAccessException", 401, "Only the management account can remove the administrator.")
	case s.id == "" || string(s.id) != in.AdminAccountId:
		return cloud.None{}, cloud.Fail("ResourceNotFoundException", 404, "Account %s is not the administrator", in.AdminAccountId)
	}
	s.id = ""
	return cloud.None{}, nil
}

const principal = "securityhub.amazonaws.com"

type adminShape struct{ AccountId, Status string }

type adminsOut struct {
	AdminAccounts []adminShape
	NextToken     string
}

func listAdmins(c *cloud.Call, in paged) (out adminsOut, err error) {
	var all []adminShape
	if id := cloud.Across[admins](c.Cloud).id; id != "" {
		all = []adminShape{{string(id), "ENABLED"}}
	}
	out.AdminAccounts, out.NextToken, err = cut(c, in, all)
	return out, err
}

type administratorOut struct {
	Administrator *struct{ AccountId, MemberStatus string }
}

// getAdministrator names the administrator of another account of the organization.
func getAdministrator(c *cloud.Call, _ cloud.None) (out administratorOut, err error) {
	if _, err := enabled(c); err != nil {
		return out, err
	}
	if id := cloud.Across[admins](c.Cloud).id; id != "" && id != c.Account.ID && c.Cloud.Organization.Member(c.Account) {
		out.Administrator = &struct{ AccountId, MemberStatus string }{string(id), "Enabled"}
	}
	return out, nil
}

type configuration struct{ ConfigurationType, Status string }

type organizationOut struct {
	AutoEnable, MemberAccountLimitReached bool
	AutoEnableStandards                   string
	OrganizationConfiguration             configuration
}

func administered(c *cloud.Call) (*hub, error) {
	h, err := enabled(c)
	if err == nil && cloud.Across[admins](c.Cloud).id != c.Account.ID {
		err = cloud.Fail("InvalidAccessException", 401, "Account %s is not an administrator for this organization", c.Account.ID)
	}
	return h, err
}

func describeOrganization(c *cloud.Call, _ cloud.None) (out organizationOut, err error) {
	h, err := administered(c)
	if err != nil {
		return out, err
	}
	return organizationOut{h.autoEnable, false, h.autoStandards, configuration{h.configuration, "ENABLED"}}, nil
}

type updateOrganizationIn struct {
	AutoEnable                bool
	AutoEnableStandards       string
	OrganizationConfiguration *struct{ ConfigurationType string }
}

func updateOrganization(c *cloud.Call, in updateOrganizationIn) (cloud.None, error) {
	h, err := administered(c)
	if err != nil {
		return cloud.None{}, err
	}
	h.autoEnable = in.AutoEnable
	if in.AutoEnableStandards != "" {
		h.autoStandards = in.AutoEnableStandards
	}
	if in.OrganizationConfiguration != nil {
		h.configuration = in.OrganizationConfiguration.ConfigurationType
	}
	return cloud.None{}, nil
}
