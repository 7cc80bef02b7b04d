// Package trail is the simulated AWS CloudTrail: trails with their settings, the
// delivery of log files and digests to S3, and LookupEvents over the calls made.
//
// Source: CloudTrail API Reference, version 2013-11-01.
package trail

import (
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/s3"
)

// Service lists the operations.
func Service() *cloud.Service {
	return &cloud.Service{
		Name: "cloudtrail", Protocol: cloud.JSON, JSON: "1.1", Target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101",
		Codes: cloud.Codes{Invalid: "InvalidParameterException"},
		Operations: []*cloud.Operation{
			cloud.Op("CreateTrail", createTrail),
			cloud.Op("UpdateTrail", updateTrail),
			cloud.Op("DeleteTrail", deleteTrail),
			cloud.Op("DescribeTrails", describeTrails),
			cloud.Op("ListTrails", listTrails),
			cloud.Op("GetTrail", getTrail),
			cloud.Op("GetTrailStatus", getStatus),
			cloud.Op("StartLogging", startLogging),
			cloud.Op("StopLogging", stopLogging),
			cloud.Op("GetEventSelectors", getSelectors),
			cloud.Op("PutEventSelectors", putSelectors),
			cloud.Op("GetInsightSelectors", getInsights),
			cloud.Op("PutInsightSelectors", putInsights),
			cloud.Op("AddTags", addTags),
			cloud.Op("RemoveTags", removeTags),
			cloud.Op("ListTags", listTags),
			cloud.Op("ListPublicKeys", listPublicKeys),
			cloud.Op("LookupEvents", lookupEvents),
		},
	}
}

// service is who delivers.
const service = "cloudtrail.amazonaws.com"

// trailShape is a trail as answers show it; Trail settings are its first part.
type trailShape struct {
	Name, S3BucketName, S3KeyPrefix, SnsTopicName, SnsTopicARN string
	IncludeGlobalServiceEvents, IsMultiRegionTrail             bool
	HomeRegion                                                 string
	TrailARN                                                   string
	LogFileValidationEnabled                                   bool
	CloudWatchLogsLogGroupArn, CloudWatchLogsRoleArn, KmsKeyId string
	HasCustomEventSelectors, HasInsightSelectors               *bool
	IsOrganizationTrail                                        bool
}

// trail is one trail in its home Region.
type trail struct {
	trailShape
	owner            *cloud.Account
	logging          bool
	started, stopped time.Time
	selectors        []selector
	advanced         []advancedSelector
	insights         []insight
	tags             []cloud.Tag
	delivery
}

// trails are those of an account in their home Region, by name.
type trails struct{ byName map[string]*trail }

func homed(a *cloud.Account, region string) map[string]*trail {
	t := cloud.Regional[trails](a, region)
	if t.byName == nil {
		t.byName = map[string]*trail{}
	}
	return t.byName
}

// every are all trails of an account, by home Region and name.
func every(a *cloud.Account) []*trail {
	var out []*trail
	for _, r := range a.Regions() {
		out = append(out, cloud.Sorted(homed(a, r.Name))...)
	}
	return out
}

// visible are the trails that the caller sees in its Region: those at home there, and
// the shadows of trails of all Regions and of the organization.
func visible(c *cloud.Call, shadows bool) []*trail {
	var out []*trail
	for _, t := range every(c.Account) {
		if t.HomeRegion == c.Region || shadows && t.IsMultiRegionTrail {
			out = append(out, t)
		}
	}
	o := c.Cloud.Organization
	if !o.Member(c.Account) || c.Account.ID == o.Management {
		return out
	}
	for _, t := range every(c.Cloud.Account(o.Management)) {
		if t.IsOrganizationTrail && (t.HomeRegion == c.Region || shadows && t.IsMultiRegionTrail) {
			out = append(out, t)
		}
	}
	return out
}

// onTrail is the input of an operation on one trail, named by name or ARN.
type onTrail struct {
	Name string `aws:",must"`
}

// On is the trail's ARN.
func (o *onTrail) On(c *cloud.Call) cloud.Resource { return resource(c, o.Name) }

func resource(c *cloud.Call, name string) cloud.Resource {
	r := cloud.Resource{ARN: name}
	if !strings.HasPrefix(name, "arn:") {
		r.ARN = c.ARN("trail/" + name)
	}
	if t, err := find(c, name); err == nil {
		// The shadow of an organization's trail is read under the member's own policies.
		r.ARN, r.Tags = t.TrailARN, t.tags
		if t.owner != c.Account {
			r.ARN = c.ARN("trail/" + t.Name)
		}
	}
	return r
}

// find looks for a trail: by name at home, by ARN wherever it is visible.
func find(c *cloud.Call, name string) (*trail, error) {
	for _, t := range visible(c, true) {
		if t.TrailARN == name || t.Name == name && (t.HomeRegion == c.Region || t.owner != c.Account) {
			return t, nil
		}
	}
	return nil, cloud.Fail("TrailNotFoundException", 400, "Unknown trail: %s for the user: %s", name, c.Account.ID)
}

// own finds a trail that the caller may change: its account's, in its home Region.
func own(c *cloud.Call, name string) (*trail, error) {
	t, err := find(c, name)
	switch {
	case err != nil:
		return nil, err
	case t.owner != c.Account:
		return nil, cloud.Fail("NotOrganizationMasterAccountException", 400, "The trail belongs to the organization; only its management account can change it.")
	case t.HomeRegion != c.Region:
		return nil, cloud.Fail("InvalidHomeRegionException", 400, "Trail %s was created in %s; use that Region.", t.Name, t.HomeRegion)
	}
	return t, nil
}

type settingsIn struct {
	S3BucketName, S3KeyPrefix, SnsTopicName                    *string
	IncludeGlobalServiceEvents, IsMultiRegionTrail             *bool
	EnableLogFileValidation                                    *bool
	CloudWatchLogsLogGroupArn, CloudWatchLogsRoleArn, KmsKeyId *string
	IsOrganizationTrail                                        *bool
}

// settingsOut is the answer of CreateTrail and UpdateTrail.
type settingsOut struct {
	Name, S3BucketName, S3KeyPrefix, SnsTopicName, SnsTopicARN string
	IncludeGlobalServiceEvents, IsMultiRegionTrail             bool
	TrailARN                                                   string
	LogFileValidationEnabled                                   bool
	CloudWatchLogsLogGroupArn, CloudWatchLogsRoleArn, KmsKeyId string
	IsOrganizationTrail                                        bool
}

func (t *trail) settings() settingsOut {
	return settingsOut{
		t.Name, t.S3BucketName, t.S3KeyPrefix, t.SnsTopicName, t.SnsTopicARN, t.IncludeGlobalServiceEvents, t.IsMultiRegionTrail, t.TrailARN,
		t.LogFileValidationEnabled, t.CloudWatchLogsLogGroupArn, t.CloudWatchLogsRoleArn, t.KmsKeyId, t.IsOrganizationTrail,
	}
}

// apply checks and sets the settings on a copy, so that a refusal changes nothing.
func (in settingsIn) apply(c *cloud.Call, t *trail) error {
	next := t.trailShape
	for _, s := range []struct {
		from *string
		to   *string
	}{
		{in.S3BucketName, &next.S3BucketName}, {in.S3KeyPrefix, &next.S3KeyPrefix}, {in.SnsTopicName, &next.SnsTopicName},
		{in.CloudWatchLogsLogGroupArn, &next.CloudWatchLogsLogGroupArn}, {in.CloudWatchLogsRoleArn, &next.CloudWatchLogsRoleArn}, {in.KmsKeyId, &next.KmsKeyId},
	} {
		if s.from != nil {
			*s.to = *s.from
		}
	}
	for _, s := range []struct {
		from *bool
		to   *bool
	}{
		{in.IncludeGlobalServiceEvents, &next.IncludeGlobalServiceEvents}, {in.IsMultiRegionTrail, &next.IsMultiRegionTrail},
		{in.EnableLogFileValidation, &next.LogFileValidationEnabled}, {in.IsOrganizationTrail, &next.IsOrganizationTrail},
	} {
		if s.from != nil {
			*s.to = *s.from
		}
	}
	if next.SnsTopicName != "" {
		if next.SnsTopicARN = next.SnsTopicName; !strings.HasPrefix(next.SnsTopicName, "arn:") {
			next.SnsTopicARN = c.Account.ARN("sns", c.Region, next.SnsTopicName)
		}
	}
	if err := check(c, t, next); err != nil {
		return err
	}
	if next.KmsKeyId != t.KmsKeyId && next.KmsKeyId != "" {
		arn, err := checkKey(c, next)
		if err != nil {
			return err
		}
		next.KmsKeyId = arn
	}
	t.trailShape = next
	return nil
}

// check holds the settings of a trail to what CloudTrail asks for.
func check(c *cloud.Call, t *trail, next trailShape) error {
	o := c.Cloud.Organization
	switch {
	case next.IsMultiRegionTrail && !next.IncludeGlobalServiceEvents:
		return cloud.Fail("InvalidParameterCombinationException", 400, "Multi-Region trail must include global service events.")
	case (next.CloudWatchLogsLogGroupArn == "") != (next.CloudWatchLogsRoleArn == ""):
		return cloud.Fail("InvalidParameterCombinationException", 400, "You must specify both a log group ARN and a role ARN.")
	case next.IsOrganizationTrail && (!o.Member(c.Account) || c.Account.ID != o.Management):
		return cloud.Fail("NotOrganizationMasterAccountException", 400, "Only the management account can create an organization trail.")
	case next.IsOrganizationTrail && o.ServiceAccess[service].IsZero():
		return cloud.Fail("CloudTrailAccessNotEnabledException", 400, "Trusted access for CloudTrail is not enabled in the organization.")
	}
	if next.CloudWatchLogsRoleArn != "" {
		r := cloud.Resource{ARN: next.CloudWatchLogsRoleArn, Keys: map[string][]string{"iam:PassedToService": {service}}}
		if err := c.Authorize("iam:PassRole", r); err != nil {
			return err
		}
	}
	key := t.prefix(next) + string(c.Account.ID) + "/probe"
	switch err := s3.CheckDelivery(c.Cloud, service, next.S3BucketName, key, map[string][]string{"aws:SourceArn": {next.TrailARN}}); code(err) {
	case "":
		return nil
	case "NoSuchBucket":
		return cloud.Fail("S3BucketDoesNotExistException", 400, "S3 bucket %s does not exist!", next.S3BucketName)
	}
	return cloud.Fail("InsufficientS3BucketPolicyException", 400, "Incorrect S3 bucket policy is detected for bucket: %s", next.S3BucketName)
}

func code(err error) string {
	if e, ok := err.(*cloud.Error); ok {
		return e.Code
	}
	return ""
}

type createIn struct {
	onTrail
	settingsIn
	TagsList []cloud.Tag
}

// maxTrails is the quota of trails in a Region.
const maxTrails = 5

func createTrail(c *cloud.Call, in createIn) (out settingsOut, err error) {
	home := homed(c.Account, c.Region)
	switch {
	case len(in.Name) < 3 || len(in.Name) > 128 || strings.Trim(strings.ToLower(in.Name), "abcdefghijklmnopqrstuvwxyz0123456789._-") != "":
		return out, cloud.Fail("InvalidTrailNameException", 400, "Trail name must have 3 to 128 letters, numbers, periods, underscores or dashes.")
	case home[in.Name] != nil:
		return out, cloud.Fail("TrailAlreadyExistsException", 400, "Trail %s already exists for customer: %s", in.Name, c.Account.ID)
	case len(home) >= maxTrails:
		return out, cloud.Fail("MaximumNumberOfTrailsExceededException", 400, "User: %s already has %d trails in %s.", c.Account.ID, len(home), c.Region)
	}
	t := &trail{
		owner:      c.Account,
		trailShape: trailShape{Name: in.Name, IncludeGlobalServiceEvents: true, HomeRegion: c.Region, TrailARN: c.ARN("trail/" + in.Name)},
		selectors:  []selector{{ReadWriteType: "All", IncludeManagementEvents: true}}, tags: in.TagsList,
	}
	if err := in.apply(c, t); err != nil {
		return out, err
	}
	home[t.Name] = t
	return t.settings(), nil
}

type updateIn struct {
	onTrail
	settingsIn
}

func updateTrail(c *cloud.Call, in updateIn) (out settingsOut, err error) {
	t, err := own(c, in.Name)
	if err == nil {
		err = in.apply(c, t)
	}
	if err != nil {
		return out, err
	}
	return t.settings(), nil
}

func deleteTrail(c *cloud.Call, in onTrail) (cloud.None, error) {
	t, err := own(c, in.Name)
	if err == nil {
		delete(homed(c.Account, c.Region), t.Name)
	}
	return cloud.None{}, err
}

type describeIn struct {
	TrailNameList       []string `aws:"trailNameList"`
	IncludeShadowTrails *bool    `aws:"includeShadowTrails"`
}

type describeOut struct {
	TrailList []trailShape `aws:"trailList"`
}

// show is the trail with what follows from its selectors.
func (t *trail) show() trailShape {
	out := t.trailShape
	custom := len(t.advanced) > 0 || len(t.selectors) != 1 || !t.selectors[0].standard()
	insights := len(t.insights) > 0
	out.HasCustomEventSelectors, out.HasInsightSelectors = &custom, &insights
	return out
}

func describeTrails(c *cloud.Call, in describeIn) (out describeOut, err error) {
	shadows := in.IncludeShadowTrails == nil || *in.IncludeShadowTrails || len(in.TrailNameList) > 0
	for _, t := range visible(c, shadows) {
		named := t.Name
		if t.HomeRegion != c.Region {
			named = t.TrailARN
		}
		if len(in.TrailNameList) == 0 || slices.Contains(in.TrailNameList, named) || slices.Contains(in.TrailNameList, t.TrailARN) {
			out.TrailList = append(out.TrailList, t.show())
		}
	}
	return out, nil
}

type listIn struct{ NextToken string }

type listed struct{ TrailARN, Name, HomeRegion string }

type listOut struct {
	Trails    []listed
	NextToken string
}

func listTrails(c *cloud.Call, in listIn) (out listOut, err error) {
	var all []listed
	for _, r := range c.Account.Regions() {
		for _, t := range cloud.Sorted(homed(c.Account, r.Name)) {
			all = append(all, listed{t.TrailARN, t.Name, t.HomeRegion})
		}
	}
	out.Trails, out.NextToken, err = cloud.Page(c, all, in.NextToken, 0, 100, 100)
	return out, err
}

type trailOut struct{ Trail trailShape }

func getTrail(c *cloud.Call, in onTrail) (out trailOut, err error) {
	t, err := find(c, in.Name)
	if err != nil {
		return out, err
	}
	return trailOut{t.show()}, nil
}

func startLogging(c *cloud.Call, in onTrail) (cloud.None, error) {
	t, err := own(c, in.Name)
	if err == nil && !t.logging {
		t.logging, t.started = true, c.Now
		t.begin(c.Now)
	}
	return cloud.None{}, err
}

func stopLogging(c *cloud.Call, in onTrail) (cloud.None, error) {
	t, err := own(c, in.Name)
	if err == nil && t.logging {
		t.logging, t.stopped = false, c.Now
	}
	return cloud.None{}, err
}
