// Package guardduty is the simulated Amazon GuardDuty: detectors, findings, filters,
// publishing destinations, lists and the organization's configuration. It detects
// nothing: findings are samples, or put there with Add.
//
// Source: Amazon GuardDuty API Reference, version 2017-11-28.
package guardduty

import (
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Service lists the operations.
func Service() *cloud.Service {
	at := cloud.At
	return &cloud.Service{
		Name: "guardduty", Protocol: cloud.RESTJSON, Lower: true,
		Codes: cloud.Codes{Denied: "AccessDeniedException", Throttled: "TooManyRequestsException", Invalid: "BadRequestException", Token: "BadRequestException"},
		Operations: []*cloud.Operation{
			cloud.Op("CreateDetector", createDetector, at("POST /detector")),
			cloud.Op("ListDetectors", listDetectors, at("GET /detector")),
			cloud.Op("GetDetector", getDetector, at("GET /detector/{DetectorId}")),
			cloud.Op("UpdateDetector", updateDetector, at("POST /detector/{DetectorId}")),
			cloud.Op("DeleteDetector", deleteDetector, at("DELETE /detector/{DetectorId}")),
			cloud.Op("CreateSampleFindings", createSamples, at("POST /detector/{DetectorId}/findings/create")),
			cloud.Op("ListFindings", listFindings, at("POST /detector/{DetectorId}/findings")),
			cloud.Op("GetFindings", getFindings, at("POST /detector/{DetectorId}/findings/get")),
			cloud.Op("ArchiveFindings", archive(true), at("POST /detector/{DetectorId}/findings/archive")),
			cloud.Op("UnarchiveFindings", archive(false), at("POST /detector/{DetectorId}/findings/unarchive")),
			cloud.Op("CreateFilter", createFilter, at("POST /detector/{DetectorId}/filter")),
			cloud.Op("ListFilters", listFilters, at("GET /detector/{DetectorId}/filter")),
			cloud.Op("GetFilter", getFilter, at("GET /detector/{DetectorId}/filter/{FilterName}")),
			cloud.Op("DeleteFilter", deleteFilter, at("DELETE /detector/{DetectorId}/filter/{FilterName}")),
			cloud.Op("CreatePublishingDestination", createDestination, at("POST /detector/{DetectorId}/publishingDestination")),
			cloud.Op("ListPublishingDestinations", listDestinations, at("GET /detector/{DetectorId}/publishingDestination")),
			cloud.Op("DescribePublishingDestination", describeDestination, at("GET /detector/{DetectorId}/publishingDestination/{DestinationId}")),
			cloud.Op("DeletePublishingDestination", deleteDestination, cloud.At("DELETE /detector/{DetectorId}/publishingDestination/{DestinationId}")),
			cloud.Op("CreateIPSet", createIPSet, at("POST /detector/{DetectorId}/ipset")),
			cloud.Op("ListIPSets", listIPSets, at("GET /detector/{DetectorId}/ipset")),
			cloud.Op("GetIPSet", getIPSet, at("GET /detector/{DetectorId}/ipset/{IpSetId}")),
			cloud.Op("ListMembers", listMembers, at("GET /detector/{DetectorId}/member")),
			cloud.Op("GetAdministratorAccount", getAdministrator, at("GET /detector/{DetectorId}/administrator")),
			cloud.Op("EnableOrganizationAdminAccount", enableAdmin, at("POST /admin/enable")),
			cloud.Op("DisableOrganizationAdminAccount", disableAdmin, at("POST /admin/disable")),
			cloud.Op("ListOrganizationAdminAccounts", listAdmins, at("GET /admin")),
			cloud.Op("DescribeOrganizationConfiguration", describeOrganization, at("GET /detector/{DetectorId}/admin")),
			cloud.Op("UpdateOrganizationConfiguration", updateOrganization, at("POST /detector/{DetectorId}/admin")),
		},
	}
}

// featureNames are the features of a detector; those of AWS's own logs are always on.
var featureNames = []string{
	"CLOUD_TRAIL", "DNS_LOGS", "FLOW_LOGS", "S3_DATA_EVENTS", "EKS_AUDIT_LOGS", "EBS_MALWARE_PROTECTION", "RDS_LOGIN_EVENTS", "LAMBDA_NETWORK_LOGS", "RUNTIME_MONITORING",
}

// detector is the detector of an account in a Region.
type detector struct {
	id, frequency    string
	enabled          bool
	created, updated time.Time
	features         map[string]string // status by name
	tags             map[string]string
	findings         []*Finding
	filters          map[string]*filterShape
	destinations     map[string]*destinationShape
	sets             map[string]*setShape
	autoEnable       string // ALL, NEW, NONE
	autoFeatures     map[string]string
}

// detectors hold the one detector that a Region has.
type detectors struct{ one *detector }

// admins is who administers GuardDuty for the organization, by Region.
type admins struct{ byRegion map[string]cloud.AccountID }

type onDetector struct {
	DetectorId string `aws:"DetectorId,uri"`
}

// On is the detector's ARN.
func (o *onDetector) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.ARN("detector/" + o.DetectorId)}
}

// below is what a detector has.
func below(c *cloud.Call, detector, kind, id string) cloud.Resource {
	return cloud.Resource{ARN: c.ARN("detector/" + detector + "/" + kind + "/" + id)}
}

func (o *onDetector) detector(c *cloud.Call) (*detector, error) {
	d := cloud.Regional[detectors](c.Account, c.Region).one
	if d == nil || d.id != o.DetectorId {
		return nil, c.Invalid("The request is rejected because the input detectorId is not owned by the current account.")
	}
	return d, nil
}

type paged struct {
	MaxResults int    `aws:"maxResults,query"`
	NextToken  string `aws:"nextToken,query"`
}

func cut[T any](c *cloud.Call, p paged, all []T) ([]T, string, error) {
	return cloud.Page(c, all, p.NextToken, p.MaxResults, 50, 50)
}

type featureIn struct {
	Name, Status            string
	AdditionalConfiguration []struct{ Name, Status string }
}

type settingsIn struct {
	Enable                     *bool
	FindingPublishingFrequency string
	Features                   []featureIn
}

func (in *settingsIn) apply(c *cloud.Call, d *detector) error {
	if in.FindingPublishingFrequency != "" && !slices.Contains([]string{"FIFTEEN_MINUTES", "ONE_HOUR", "SIX_HOURS"}, in.FindingPublishingFrequency) {
		return c.Invalid("The request is rejected because an invalid or out-of-range value is specified as an input parameter.")
	}
	for _, f := range in.Features {
		if !slices.Contains(featureNames[3:], f.Name) || f.Status != "ENABLED" && f.Status != "DISABLED" {
			return c.Invalid("feature %s with status %s is not valid", f.Name, f.Status)
		}
		d.features[f.Name] = f.Status
	}
	if in.Enable != nil {
		d.enabled = *in.Enable
	}
	if in.FindingPublishingFrequency != "" {
		d.frequency = in.FindingPublishingFrequency
	}
	d.updated = c.Now
	return nil
}

type createIn struct {
	settingsIn
	ClientToken string
	Tags        map[string]string
}

type createOut struct{ DetectorId string }

func createDetector(c *cloud.Call, in createIn) (out createOut, err error) {
	s := cloud.Regional[detectors](c.Account, c.Region)
	if s.one != nil {
		return out, c.Invalid("The request is rejected because a detector already exists for the current account.")
	}
	d := &detector{
		id: c.Cloud.Hex(32), frequency: "SIX_HOURS", created: c.Now, features: map[string]string{}, tags: in.Tags, filters: map[string]*filterShape{},
		destinations: map[string]*destinationShape{}, sets: map[string]*setShape{}, autoEnable: "NONE", autoFeatures: map[string]string{},
	}
	for i, name := range featureNames {
		if d.features[name] = "ENABLED"; i > 7 { // RUNTIME_MONITORING is off at first
			d.features[name] = "DISABLED"
		}
	}
	if err := in.apply(c, d); err != nil {
		return out, err
	}
	s.one = d
	return createOut{d.id}, nil
}

type listDetectorsOut struct {
	DetectorIds []string
	NextToken   string
}

func listDetectors(c *cloud.Call, in paged) (out listDetectorsOut, err error) {
	var all []string
	if d := cloud.Regional[detectors](c.Account, c.Region).one; d != nil {
		all = []string{d.id}
	}
	out.DetectorIds, out.NextToken, err = cut(c, in, all)
	return out, err
}

type featureShape struct {
	Name, Status string
	UpdatedAt    time.Time
}

type detectorOut struct {
	CreatedAt, FindingPublishingFrequency, ServiceRole, Status, UpdatedAt string
	Tags                                                                  map[string]string
	Features                                                              []featureShape
}

const isoMillis = "2006-01-02T15:04:05.000Z"

func getDetector(c *cloud.Call, in onDetector) (out detectorOut, err error) {
	d, err := in.detector(c)
	if err != nil {
		return out, err
	}
	status := map[bool]string{true: "ENABLED", false: "DISABLED"}[d.enabled]
	role := c.Account.IAM("role/aws-service-role/guardduty.amazonaws.com/AWSServiceRoleForAmazonGuardDuty")
	out = detectorOut{d.created.Format(isoMillis), d.frequency, role, status, d.updated.Format(isoMillis), d.tags, nil}
	for _, name := range featureNames {
		out.Features = append(out.Features, featureShape{name, d.features[name], d.updated})
	}
	return out, nil
}

type updateIn struct {
	onDetector
	settingsIn
}

func updateDetector(c *cloud.Call, in updateIn) (cloud.None, error) {
	d, err := in.detector(c)
	if err == nil {
		err = in.apply(c, d)
	}
	return cloud.None{}, err
}

func deleteDetector(c *cloud.Call, in onDetector) (cloud.None, error) {
	_, err := in.detector(c)
	if err == nil {
		cloud.Regional[detectors](c.Account, c.Region).one = nil
	}
	return cloud.None{}, err
}

// administers says whether the caller is the organization's GuardDuty administrator in
// its Region.
func administers(c *cloud.Call) bool {
	return cloud.Across[admins](c.Cloud).byRegion[c.Region] == c.Account.ID
}

type adminIn struct {
	AdminAccountId string `aws:",must"`
}

func enableAdmin(c *cloud.Call, in adminIn) (cloud.None, error) {
	o := c.Cloud.Organization
	a := c.Cloud.Account(rootkeep.AccountID(in.AdminAccountId))
	switch {
	case !o.Member(c.Account) || c.Account.ID != o.Management:
		return cloud.None{}, c.Invalid("The request is rejected because it can only be called by the management account of the organization.")
	case !o.Member(a):
		return cloud.None{}, c.Invalid("The request is rejected because the account is not a member of the organization.")
	}
	s := cloud.Across[admins](c.Cloud)
	if s.byRegion == nil {
		s.byRegion = map[string]cloud.AccountID{}
	}
	s.byRegion[c.Region] = a.ID
	for _, name := range []string{"guardduty.amazonaws.com", "malware-protection.guardduty.amazonaws.com"} {
		if o.ServiceAccess[name].IsZero() {
			o.ServiceAccess[name] = c.Now
		}
	}
	if o.Delegated[a.ID] == nil {
		o.Delegated[a.ID] = map[string]time.Time{}
	}
	o.Delegated[a.ID]["guardduty.amazonaws.com"] = c.Now
	return cloud.None{}, nil
}

// disableAdmin takes the Region from the administrator. What was trusted for it stays.
func disableAdmin(c *cloud.Call, in adminIn) (cloud.None, error) {
	s := cloud.Across[admins](c.Cloud)
	switch id := s.byRegion[c.Region]; {
	case c.Account.ID != c.Cloud.Organization.Management:
		return cloud.None{}, c.Invalid("The request is rejected because it can only be called by the management account of the organization.")
	case id == "" || string(id) != in.AdminAccountId:
		return cloud.None{}, c.Invalid("The request is rejected because the account is not the delegated administrator.")
	}
	delete(s.byRegion, c.Region)
	return cloud.None{}, nil
}

type adminShape struct{ AdminAccountId, AdminStatus string }

type adminsOut struct {
	AdminAccounts []adminShape
	NextToken     string
}

func listAdmins(c *cloud.Call, in paged) (out adminsOut, err error) {
	var all []adminShape
	if id := cloud.Across[admins](c.Cloud).byRegion[c.Region]; id != "" {
		all = []adminShape{{string(id), "ENABLED"}}
	}
	out.AdminAccounts, out.NextToken, err = cut(c, in, all)
	return out, err
}

type administratorOut struct {
	Administrator *struct{ AccountId, RelationshipStatus string }
}

func getAdministrator(c *cloud.Call, in onDetector) (out administratorOut, err error) {
	if _, err := in.detector(c); err != nil {
		return out, err
	}
	id := cloud.Across[admins](c.Cloud).byRegion[c.Region]
	if id != "" && id != c.Account.ID && c.Cloud.Organization.Member(c.Account) {
		out.Administrator = &struct{ AccountId, RelationshipStatus string }{string(id), "Enabled"}
	}
	return out, nil
}

type membersIn struct {
	onDetector
	paged
	OnlyAssociated string `aws:"onlyAssociated,query"`
}

type memberShape struct{ AccountId, DetectorId, MasterId, AdministratorId, Email, RelationshipStatus, UpdatedAt string }

type membersOut struct {
	Members   []memberShape
	NextToken string
}

// listMembers are the accounts of the organization with a detector in the Region.
func listMembers(c *cloud.Call, in membersIn) (out membersOut, err error) {
	if _, err := in.detector(c); err != nil {
		return out, err
	}
	var all []memberShape
	if administers(c) {
		for _, a := range c.Account.Organized() {
			if d := cloud.Regional[detectors](a, c.Region).one; d != nil && a != c.Account {
				id := string(c.Account.ID)
				all = append(all, memberShape{string(a.ID), d.id, id, id, a.Email, "Enabled", d.updated.Format(isoMillis)})
			}
		}
	}
	out.Members, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type organizationIn struct {
	onDetector
	paged
}

type autoFeature struct{ Name, AutoEnable string }

type organizationOut struct {
	AutoEnable, MemberAccountLimitReached bool
	AutoEnableOrganizationMembers         string
	Features                              []autoFeature
}

func (o *onDetector) administered(c *cloud.Call) (*detector, error) {
	d, err := o.detector(c)
	if err == nil && !administers(c) {
		err = c.Invalid("The request is rejected because it can only be called by the delegated administrator of the organization.")
	}
	return d, err
}

func describeOrganization(c *cloud.Call, in organizationIn) (out organizationOut, err error) {
	d, err := in.administered(c)
	if err != nil {
		return out, err
	}
	out.AutoEnable, out.AutoEnableOrganizationMembers = d.autoEnable != "NONE", d.autoEnable
	for _, name := range featureNames[3:] {
		auto := d.autoFeatures[name]
		if auto == "" {
			auto = "NONE"
		}
		out.Features = append(out.Features, autoFeature{name, auto})
	}
	return out, nil
}

type updateOrganizationIn struct {
	onDetector
	AutoEnableOrganizationMembers string
	Features                      []autoFeature
}

func updateOrganization(c *cloud.Call, in updateOrganizationIn) (cloud.None, error) {
	d, err := in.administered(c)
	if err != nil {
		return cloud.None{}, err
	}
	words := []string{"ALL", "NEW", "NONE"}
	if in.AutoEnableOrganizationMembers != "" {
		if !slices.Contains(words, in.AutoEnableOrganizationMembers) {
			return cloud.None{}, c.Invalid("AutoEnableOrganizationMembers must be one of %s", strings.Join(words, ", "))
		}
		d.autoEnable = in.AutoEnableOrganizationMembers
	}
	for _, f := range in.Features {
		if !slices.Contains(featureNames[3:], f.Name) || !slices.Contains(words, f.AutoEnable) {
			return cloud.None{}, c.Invalid("feature %s with %s is not valid", f.Name, f.AutoEnable)
		}
		d.autoFeatures[f.Name] = f.AutoEnable
	}
	return cloud.None{}, nil
}
