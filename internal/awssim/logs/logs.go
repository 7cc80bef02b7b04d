// Package logs is the simulated Amazon CloudWatch Logs: log groups, metric filters and
// subscription filters. Events that a trail delivers are counted and not kept.
//
// Source: CloudWatch Logs API Reference, version 2014-03-28.
package logs

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Service lists the operations.
func Service() *cloud.Service {
	return &cloud.Service{
		Name: "logs", Protocol: cloud.JSON, JSON: "1.1", Target: "Logs_20140328", Lower: true, Codes: cloud.Codes{Invalid: "InvalidParameterException", Token: "InvalidParameterException"},
		Operations: []*cloud.Operation{
			cloud.Op("CreateLogGroup", createGroup),
			cloud.Op("DeleteLogGroup", deleteGroup),
			cloud.Op("DescribeLogGroups", describeGroups),
			cloud.Op("CreateLogStream", createStream),
			cloud.Op("DescribeLogStreams", describeStreams),
			cloud.Op("PutRetentionPolicy", putRetention),
			cloud.Op("DeleteRetentionPolicy", deleteRetention),
			cloud.Op("AssociateKmsKey", associateKey),
			cloud.Op("PutMetricFilter", putMetricFilter),
			cloud.Op("DeleteMetricFilter", deleteMetricFilter),
			cloud.Op("DescribeMetricFilters", describeMetricFilters),
			cloud.Op("TestMetricFilter", testFilter),
			cloud.Op("PutSubscriptionFilter", putSubscription),
			cloud.Op("DeleteSubscriptionFilter", deleteSubscription),
			cloud.Op("DescribeSubscriptionFilters", describeSubscriptions),
			cloud.Op("TagResource", tagResource),
			cloud.Op("ListTagsForResource", listTags),
		},
	}
}

// group is one log group.
type group struct {
	name, class, key string
	created          int64 // milliseconds since 1970
	retention        int   // days, 0: for ever
	protected        bool
	tags             map[string]string
	filters          map[string]*metricFilter
	subscriptions    map[string]*subscription
	streams          map[string]*streamShape
}

// groups are those of an account in a Region, by name.
type groups struct{ byName map[string]*group }

func state(c *cloud.Call) map[string]*group {
	s := cloud.Regional[groups](c.Account, c.Region)
	if s.byName == nil {
		s.byName = map[string]*group{}
	}
	return s.byName
}

type onGroup struct {
	LogGroupName string `aws:",must"`
}

// On is the group's ARN.
func (o *onGroup) On(c *cloud.Call) cloud.Resource {
	r := cloud.Resource{ARN: c.ARN("log-group:" + o.LogGroupName + ":*")}
	if g := state(c)[o.LogGroupName]; g != nil {
		for k, v := range g.tags {
			r.Tags = append(r.Tags, cloud.Tag{Key: k, Value: v})
		}
	}
	return r
}

func (o *onGroup) group(c *cloud.Call) (*group, error) {
	if g := state(c)[o.LogGroupName]; g != nil {
		return g, nil
	}
	return nil, cloud.Fail("ResourceNotFoundException", 400, "The specified log group does not exist.")
}

type createIn struct {
	onGroup
	KmsKeyId                  string
	Tags                      map[string]string
	LogGroupClass             string
	DeletionProtectionEnabled bool
}

func createGroup(c *cloud.Call, in createIn) (cloud.None, error) {
	switch {
	case state(c)[in.LogGroupName] != nil:
		return cloud.None{}, cloud.Fail("ResourceAlreadyExistsException", 400, "The specified log group already exists")
	case len(in.LogGroupName) > 512 || strings.Trim(strings.ToLower(in.LogGroupName), "abcdefghijklmnopqrstuvwxyz0123456789._-/#") != "":
		return cloud.None{}, c.Invalid("1 validation error detected: Value '%s' at 'logGroupName' failed to satisfy constraint", in.LogGroupName)
	}
	if in.LogGroupClass == "" {
		in.LogGroupClass = "STANDARD"
	}
	state(c)[in.LogGroupName] = &group{
		name: in.LogGroupName, class: in.LogGroupClass, key: in.KmsKeyId, created: c.Now.UnixMilli(), protected: in.DeletionProtectionEnabled, tags: in.Tags,
		filters: map[string]*metricFilter{}, subscriptions: map[string]*subscription{}, streams: map[string]*streamShape{},
	}
	return cloud.None{}, nil
}

func deleteGroup(c *cloud.Call, in onGroup) (cloud.None, error) {
	g, err := in.group(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case g.protected:
		return cloud.None{}, cloud.Fail("OperationAbortedException", 400, "The log group is protected from deletion.")
	}
	delete(state(c), g.name)
	return cloud.None{}, nil
}

type groupShape struct {
	LogGroupName, Arn, LogGroupArn, KmsKeyId, LogGroupClass string
	CreationTime                                            int64
	RetentionInDays                                         int `aws:",omit"`
	MetricFilterCount                                       int
	StoredBytes                                             int64
	DeletionProtectionEnabled                               bool
}

type describeIn struct {
	AccountIdentifiers    []string
	LogGroupNamePrefix    string
	LogGroupNamePattern   string
	NextToken             string
	Limit                 int
	IncludeLinkedAccounts bool
	LogGroupClass         string
	LogGroupIdentifiers   []string
}

// On are the groups with the prefix.
func (in *describeIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.ARN("log-group:" + in.LogGroupNamePrefix + "*")}
}

type describeOut struct {
	LogGroups []groupShape
	NextToken string
}

func describeGroups(c *cloud.Call, in describeIn) (out describeOut, err error) {
	if len(in.AccountIdentifiers) > 0 || in.IncludeLinkedAccounts {
		return out, c.Invalid("the simulator has no linked accounts")
	}
	var all []groupShape
	for _, g := range cloud.Sorted(state(c)) {
		arn := c.ARN("log-group:" + g.name)
		if !strings.HasPrefix(g.name, in.LogGroupNamePrefix) || !strings.Contains(g.name, in.LogGroupNamePattern) || in.LogGroupClass != "" && in.LogGroupClass != g.class ||
			len(in.LogGroupIdentifiers) > 0 && !slices.Contains(in.LogGroupIdentifiers, g.name) && !slices.Contains(in.LogGroupIdentifiers, arn) {
			continue
		}
		all = append(all, groupShape{g.name, arn + ":*", arn, g.key, g.class, g.created, g.retention, len(g.filters), 0, g.protected})
	}
	out.LogGroups, out.NextToken, err = cloud.Page(c, all, in.NextToken, in.Limit, 50, 50)
	return out, err
}

type streamShape struct {
	LogStreamName, Arn string
	CreationTime       int64
	StoredBytes        int64
}

type streamIn struct {
	onGroup
	LogStreamName string `aws:",must"`
}

func createStream(c *cloud.Call, in streamIn) (cloud.None, error) {
	g, err := in.group(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case g.streams[in.LogStreamName] != nil:
		return cloud.None{}, cloud.Fail("ResourceAlreadyExistsException", 400, "The specified log stream already exists")
	}
	g.streams[in.LogStreamName] = &streamShape{in.LogStreamName, c.ARN("log-group:" + g.name + ":log-stream:" + in.LogStreamName), c.Now.UnixMilli(), 0}
	return cloud.None{}, nil
}

type streamsIn struct {
	onGroup
	LogStreamNamePrefix, OrderBy string
	Descending                   bool
	NextToken                    string
	Limit                        int
}

type streamsOut struct {
	LogStreams []streamShape
	NextToken  string
}

func describeStreams(c *cloud.Call, in streamsIn) (out streamsOut, err error) {
	g, err := in.group(c)
	if err != nil {
		return out, err
	}
	var all []streamShape
	for _, s := range cloud.Sorted(g.streams) {
		if strings.HasPrefix(s.LogStreamName, in.LogStreamNamePrefix) {
			all = append(all, *s)
		}
	}
	if in.Descending {
		slices.Reverse(all) // streams without events are in the order of their names by either key
	}
	out.LogStreams, out.NextToken, err = cloud.Page(c, all, in.NextToken, in.Limit, 50, 50)
	return out, err
}

// retentions are the days that a retention policy may give.
var retentions = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

type retentionIn struct {
	onGroup
	RetentionInDays int `aws:",must"`
}

func putRetention(c *cloud.Call, in retentionIn) (cloud.None, error) {
	g, err := in.group(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case !slices.Contains(retentions, in.RetentionInDays):
		return cloud.None{}, c.Invalid("retentionInDays must be one of %v", retentions)
	}
	g.retention = in.RetentionInDays
	return cloud.None{}, nil
}

func deleteRetention(c *cloud.Call, in onGroup) (cloud.None, error) {
	g, err := in.group(c)
	if err == nil {
		g.retention = 0
	}
	return cloud.None{}, err
}

type keyIn struct {
	onGroup
	KmsKeyId string `aws:",must"`
}

func associateKey(c *cloud.Call, in keyIn) (cloud.None, error) {
	g, err := in.group(c)
	if err == nil {
		g.key = in.KmsKeyId
	}
	return cloud.None{}, err
}

type onARN struct {
	ResourceArn string `aws:",must"`
}

// On is the ARN itself.
func (o *onARN) On(*cloud.Call) cloud.Resource { return cloud.Resource{ARN: o.ResourceArn} }

func (o *onARN) group(c *cloud.Call) (*group, error) {
	named := onGroup{strings.TrimPrefix(strings.TrimSuffix(o.ResourceArn, ":*"), c.ARN("log-group:"))}
	return named.group(c)
}

type tagIn struct {
	onARN
	Tags map[string]string `aws:",must"`
}

func tagResource(c *cloud.Call, in tagIn) (cloud.None, error) {
	g, err := in.group(c)
	if err != nil {
		return cloud.None{}, err
	}
	if g.tags == nil {
		g.tags = map[string]string{}
	}
	for k, v := range in.Tags {
		g.tags[k] = v
	}
	return cloud.None{}, nil
}

type tagsOut struct{ Tags map[string]string }

func listTags(c *cloud.Call, in onARN) (out tagsOut, err error) {
	g, err := in.group(c)
	if err != nil {
		return out, err
	}
	out.Tags = g.tags
	if out.Tags == nil {
		out.Tags = map[string]string{}
	}
	return out, nil
}
