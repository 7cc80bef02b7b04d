package trail

import (
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

type dataResource struct {
	Type   string
	Values []string
}

type selector struct {
	ReadWriteType                 string
	IncludeManagementEvents       bool
	DataResources                 []dataResource
	ExcludeManagementEventSources []string
}

// standard says whether the selector is the one that every trail begins with.
func (s selector) standard() bool {
	return s.ReadWriteType == "All" && s.IncludeManagementEvents && len(s.DataResources) == 0 && len(s.ExcludeManagementEventSources) == 0
}

type fieldSelector struct {
	Field                                                               string
	Equals, StartsWith, EndsWith, NotEquals, NotStartsWith, NotEndsWith []string `aws:",omit"`
}

type advancedSelector struct {
	Name           string
	FieldSelectors []fieldSelector
}

type insight struct {
	InsightType     string
	EventCategories []string `aws:",omit"`
}

// named is the input of operations that call the trail TrailName.
type named struct {
	TrailName string `aws:",must"`
}

// On is the trail's ARN.
func (o *named) On(c *cloud.Call) cloud.Resource { return resource(c, o.TrailName) }

type selectorsOut struct {
	TrailARN               string
	EventSelectors         []selector         `aws:",omit"`
	AdvancedEventSelectors []advancedSelector `aws:",omit"`
}

func getSelectors(c *cloud.Call, in named) (out selectorsOut, err error) {
	t, err := find(c, in.TrailName)
	if err != nil {
		return out, err
	}
	return selectorsOut{t.TrailARN, t.selectors, t.advanced}, nil
}

type putSelectorsIn struct {
	named
	EventSelectors []struct {
		ReadWriteType                 string
		IncludeManagementEvents       *bool
		DataResources                 []dataResource
		ExcludeManagementEventSources []string
	}
	AdvancedEventSelectors []advancedSelector
}

func putSelectors(c *cloud.Call, in putSelectorsIn) (out selectorsOut, err error) {
	t, err := own(c, in.TrailName)
	if err != nil {
		return out, err
	}
	if (len(in.EventSelectors) == 0) == (len(in.AdvancedEventSelectors) == 0) || len(in.EventSelectors) > 5 {
		return out, cloud.Fail("InvalidEventSelectorsException", 400, "Specify 1 to 5 event selectors, or advanced event selectors.")
	}
	var plain []selector
	for _, s := range in.EventSelectors {
		one := selector{s.ReadWriteType, s.IncludeManagementEvents == nil || *s.IncludeManagementEvents, s.DataResources, s.ExcludeManagementEventSources}
		if one.ReadWriteType == "" {
			one.ReadWriteType = "All"
		}
		if !slices.Contains([]string{"All", "ReadOnly", "WriteOnly"}, one.ReadWriteType) {
			return out, cloud.Fail("InvalidEventSelectorsException", 400, "ReadWriteType must be All, ReadOnly or WriteOnly")
		}
		plain = append(plain, one)
	}
	for _, s := range in.AdvancedEventSelectors {
		if !slices.ContainsFunc(s.FieldSelectors, func(f fieldSelector) bool { return f.Field == "eventCategory" && len(f.Equals) == 1 }) {
			return out, cloud.Fail("InvalidEventSelectorsException", 400, "Every advanced event selector needs the field eventCategory with Equals")
		}
	}
	t.selectors, t.advanced = plain, in.AdvancedEventSelectors
	return selectorsOut{t.TrailARN, t.selectors, t.advanced}, nil
}

// logs says whether the trail keeps an event.
func (t *trail) logs(e *cloud.Event) bool {
	for _, s := range t.selectors {
		if s.keeps(e) {
			return true
		}
	}
	for _, s := range t.advanced {
		if s.keeps(e) {
			return true
		}
	}
	return false
}

func (s selector) keeps(e *cloud.Event) bool {
	switch {
	case s.ReadWriteType == "ReadOnly" && !e.Read, s.ReadWriteType == "WriteOnly" && e.Read:
		return false
	case e.Data:
		return slices.ContainsFunc(s.DataResources, func(r dataResource) bool {
			return r.Type == "AWS::S3::Object" && slices.ContainsFunc(r.Values, func(v string) bool {
				return v == "arn:aws:s3" || strings.HasPrefix(resourceOf(e), v)
			})
		})
	}
	return s.IncludeManagementEvents && !slices.Contains(s.ExcludeManagementEventSources, e.Source)
}

func resourceOf(e *cloud.Event) string {
	if len(e.Resources) == 0 {
		return ""
	}
	return e.Resources[0].Name
}

// keeps judges an event by all fields of an advanced selector.
func (s advancedSelector) keeps(e *cloud.Event) bool {
	values := map[string]string{
		"eventCategory": "Management", "readOnly": "false", "eventSource": e.Source, "eventName": e.Name, "resources.ARN": resourceOf(e), "resources.type": "",
	}
	if e.Data {
		values["eventCategory"], values["resources.type"] = "Data", "AWS::S3::Object"
	}
	if e.Read {
		values["readOnly"] = "true"
	}
	for _, f := range s.FieldSelectors {
		if !f.holds(values[f.Field]) {
			return false
		}
	}
	return true
}

// holds says whether a value satisfies every operator of a field.
func (f fieldSelector) holds(value string) bool {
	equal := func(a, b string) bool { return a == b }
	for _, o := range []struct {
		list []string
		test func(value, pattern string) bool
		want bool
	}{
		{f.Equals, equal, true}, {f.StartsWith, strings.HasPrefix, true}, {f.EndsWith, strings.HasSuffix, true},
		{f.NotEquals, equal, false}, {f.NotStartsWith, strings.HasPrefix, false}, {f.NotEndsWith, strings.HasSuffix, false},
	} {
		if len(o.list) > 0 && slices.ContainsFunc(o.list, func(p string) bool { return o.test(value, p) }) != o.want {
			return false
		}
	}
	return true
}

type insightsOut struct {
	TrailARN         string
	InsightSelectors []insight
}

func getInsights(c *cloud.Call, in named) (out insightsOut, err error) {
	t, err := find(c, in.TrailName)
	switch {
	case err != nil:
		return out, err
	case len(t.insights) == 0:
		return out, cloud.Fail("InsightNotEnabledException", 400, "Trail %s does not have Insights enabled. Edit the trail settings to enable Insights, and then try the operation again.", t.TrailARN)
	}
	return insightsOut{t.TrailARN, t.insights}, nil
}

type putInsightsIn struct {
	named
	InsightSelectors []insight
}

func putInsights(c *cloud.Call, in putInsightsIn) (out insightsOut, err error) {
	t, err := own(c, in.TrailName)
	if err != nil {
		return out, err
	}
	for _, s := range in.InsightSelectors {
		if s.InsightType != "ApiCallRateInsight" && s.InsightType != "ApiErrorRateInsight" {
			return out, cloud.Fail("InvalidInsightSelectorsException", 400, "InsightType must be ApiCallRateInsight or ApiErrorRateInsight")
		}
	}
	t.insights = in.InsightSelectors
	return insightsOut{t.TrailARN, t.insights}, nil
}

type onResource struct {
	ResourceId string `aws:",must"`
}

// On is the trail's ARN.
func (o *onResource) On(c *cloud.Call) cloud.Resource { return resource(c, o.ResourceId) }

type tagsIn struct {
	onResource
	TagsList []cloud.Tag
}

func addTags(c *cloud.Call, in tagsIn) (cloud.None, error) {
	t, err := own(c, in.ResourceId)
	if err == nil {
		t.tags = cloud.SetTags(t.tags, in.TagsList)
	}
	return cloud.None{}, err
}

func removeTags(c *cloud.Call, in tagsIn) (cloud.None, error) {
	t, err := own(c, in.ResourceId)
	if err == nil {
		var keys []string
		for _, tag := range in.TagsList {
			keys = append(keys, tag.Key)
		}
		t.tags = cloud.DropTags(t.tags, keys)
	}
	return cloud.None{}, err
}

type listTagsIn struct {
	ResourceIdList []string `aws:",must"`
	NextToken      string
}

type tagged struct {
	ResourceId string
	TagsList   []cloud.Tag
}

type listTagsOut struct {
	ResourceTagList []tagged
	NextToken       string
}

func listTags(c *cloud.Call, in listTagsIn) (out listTagsOut, err error) {
	var all []tagged
	for _, arn := range in.ResourceIdList {
		t, err := find(c, arn)
		if err != nil {
			return out, cloud.Fail("ResourceNotFoundException", 400, "Unknown trail: %s", arn)
		}
		all = append(all, tagged{arn, t.tags})
	}
	out.ResourceTagList, out.NextToken, err = cloud.Page(c, all, in.NextToken, 0, 20, 20)
	return out, err
}

type publicKeysIn struct {
	StartTime, EndTime time.Time
	NextToken          string
}

type publicKey struct {
	Value                              []byte
	ValidityStartTime, ValidityEndTime time.Time
	Fingerprint                        string
}

type publicKeysOut struct {
	PublicKeyList []publicKey
	NextToken     string
}

// listPublicKeys gives the key that digests of the Region are signed with, if any was.
func listPublicKeys(c *cloud.Call, in publicKeysIn) (out publicKeysOut, err error) {
	if _, err := c.Offset(in.NextToken); err != nil {
		return out, err
	}
	k := cloud.Across[signers](c.Cloud).byRegion[c.Region]
	if k == nil || !in.EndTime.IsZero() && k.from.After(in.EndTime) || !in.StartTime.IsZero() && k.to.Before(in.StartTime) {
		return out, nil
	}
	return publicKeysOut{PublicKeyList: []publicKey{{k.signer.DER(), k.from, k.to, k.signer.Fingerprint()}}}, nil
}
