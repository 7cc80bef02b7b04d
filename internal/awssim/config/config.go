// Package config is the simulated AWS Config: recorder, delivery channel, rules,
// aggregators. It evaluates no rules: compliance is INSUFFICIENT_DATA until Comply says
// otherwise.
//
// Source: AWS Config API Reference, version 2014-11-12.
package config

import (
	"cmp"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Service lists the operations.
func Service() *cloud.Service {
	return &cloud.Service{
		Name: "config", Protocol: cloud.JSON, JSON: "1.1", Target: "StarlingDoveService",
		Codes: cloud.Codes{Invalid: "InvalidParameterValueException"},
		Operations: []*cloud.Operation{
			cloud.Op("PutConfigurationRecorder", putRecorder),
			cloud.Op("DescribeConfigurationRecorders", describeRecorders),
			cloud.Op("DescribeConfigurationRecorderStatus", describeRecorderStatus),
			cloud.Op("StartConfigurationRecorder", switchRecorder(true)),
			cloud.Op("StopConfigurationRecorder", switchRecorder(false)),
			cloud.Op("DeleteConfigurationRecorder", deleteRecorder),
			cloud.Op("PutDeliveryChannel", putChannel),
			cloud.Op("DescribeDeliveryChannels", describeChannels),
			cloud.Op("DescribeDeliveryChannelStatus", describeChannelStatus),
			cloud.Op("DeleteDeliveryChannel", deleteChannel),
			cloud.Op("PutConfigRule", putRule),
			cloud.Op("DescribeConfigRules", describeRules),
			cloud.Op("DeleteConfigRule", deleteRule),
			cloud.Op("DescribeComplianceByConfigRule", describeCompliance),
			cloud.Op("DescribeConfigRuleEvaluationStatus", describeEvaluation),
			cloud.Op("PutConfigurationAggregator", putAggregator),
			cloud.Op("DescribeConfigurationAggregators", describeAggregators),
			cloud.Op("DeleteConfigurationAggregator", deleteAggregator),
		},
	}
}

type group struct {
	AllSupported               bool     `aws:"allSupported"`
	IncludeGlobalResourceTypes bool     `aws:"includeGlobalResourceTypes"`
	ResourceTypes              []string `aws:"resourceTypes"`
	ExclusionByResourceTypes   *struct {
		ResourceTypes []string `aws:"resourceTypes"`
	} `aws:"exclusionByResourceTypes"`
	RecordingStrategy *struct {
		UseOnly string `aws:"useOnly"`
	} `aws:"recordingStrategy"`
}

// strategy says what a group that names no strategy comes to.
func (g *group) strategy() {
	if g.RecordingStrategy != nil {
		return
	}
	use := "INCLUSION_BY_RESOURCE_TYPES"
	switch {
	case g.AllSupported:
		use = "ALL_SUPPORTED_RESOURCE_TYPES"
	case g.ExclusionByResourceTypes != nil:
		use = "EXCLUSION_BY_RESOURCE_TYPES"
	}
	g.RecordingStrategy = &struct {
		UseOnly string `aws:"useOnly"`
	}{use}
}

type recorderShape struct {
	Arn            string `aws:"arn"`
	Name           string `aws:"name"`
	RoleARN        string `aws:"roleARN"`
	RecordingGroup *group `aws:"recordingGroup"`
	RecordingMode  any    `aws:"recordingMode"`
	RecordingScope string `aws:"recordingScope"`
}

type channelShape struct {
	Name         string `aws:"name"`
	S3BucketName string `aws:"s3BucketName"`
	S3KeyPrefix  string `aws:"s3KeyPrefix"`
	S3KmsKeyArn  string `aws:"s3KmsKeyArn"`
	SnsTopicARN  string `aws:"snsTopicARN"`
	Properties   *struct {
		DeliveryFrequency string `aws:"deliveryFrequency"`
	} `aws:"configSnapshotDeliveryProperties"`
}

type ruleShape struct {
	ConfigRuleName, ConfigRuleArn, ConfigRuleId, Description string
	Scope                                                    any
	Source                                                   struct {
		Owner               string `aws:",must"`
		SourceIdentifier    string
		SourceDetails       []any `aws:",omit"`
		CustomPolicyDetails any
	}
	InputParameters, MaximumExecutionFrequency, ConfigRuleState string
	EvaluationModes                                             []any `aws:",omit"`
}

type rule struct {
	shape      ruleShape
	compliance string
	evaluated  time.Time
	failed     time.Time
	code       string // of the failure
	activated  time.Time
}

type aggregatorShape struct {
	ConfigurationAggregatorName, ConfigurationAggregatorArn string
	AccountAggregationSources                               []accountSource `aws:",omit"`
	OrganizationAggregationSource                           *organizationSource
	CreationTime, LastUpdatedTime                           time.Time
}

type accountSource struct {
	AccountIds    []string `aws:",must"`
	AllAwsRegions bool
	AwsRegions    []string `aws:",omit"`
}

type organizationSource struct {
	RoleArn       string `aws:",must"`
	AllAwsRegions bool
	AwsRegions    []string `aws:",omit"`
}

// state is what an account has in a Region: one recorder and one channel at most.
type state struct {
	recorder         *recorderShape
	recording        bool
	started, stopped time.Time
	channel          *channelShape
	undelivered      string // error code of deliveries, "" if they arrive
	rules            map[string]*rule
	aggregators      map[string]*aggregatorShape
}

func of(c *cloud.Call) *state {
	s := cloud.Regional[state](c.Account, c.Region)
	if s.rules == nil {
		s.rules, s.aggregators = map[string]*rule{}, map[string]*aggregatorShape{}
	}
	return s
}

type putRecorderIn struct {
	ConfigurationRecorder recorderShape `aws:",must"`
}

// onRecorder is the recorder of the name, whose ARN has an ID of its own.
func onRecorder(c *cloud.Call, name string) cloud.Resource {
	if r := of(c).recorder; r != nil && r.Name == name {
		return cloud.Resource{ARN: r.Arn}
	}
	return cloud.Resource{ARN: c.ARN("configuration-recorder/" + name + "/*")}
}

// On is the recorder's ARN.
func (in *putRecorderIn) On(c *cloud.Call) cloud.Resource {
	return onRecorder(c, cmp.Or(in.ConfigurationRecorder.Name, "default"))
}

func putRecorder(c *cloud.Call, in putRecorderIn) (cloud.None, error) {
	s, r := of(c), in.ConfigurationRecorder
	if r.Name == "" {
		r.Name = "default"
	}
	if s.recorder != nil && s.recorder.Name != r.Name {
		return cloud.None{}, cloud.Fail("MaxNumberOfConfigurationRecordersExceededException", 400, "Failed to put configuration recorder '%s' because the maximum number of customer managed configuration recorders: 1 is reached.", r.Name)
	}
	if err := passRole(c, r.RoleARN); err != nil {
		return cloud.None{}, err
	}
	if r.RecordingGroup == nil {
		r.RecordingGroup = &group{AllSupported: true}
	}
	r.RecordingGroup.strategy()
	if r.RecordingMode == nil {
		r.RecordingMode = map[string]any{"recordingFrequency": "CONTINUOUS"}
	}
	if r.RecordingGroup.AllSupported && len(r.RecordingGroup.ResourceTypes) > 0 {
		return cloud.None{}, cloud.Fail("InvalidRecordingGroupException", 400, "The recording group provided is not valid")
	}
	if s.recorder != nil {
		r.Arn = s.recorder.Arn
	} else {
		r.Arn = c.ARN("configuration-recorder/" + r.Name + "/" + c.Cloud.Word(16))
	}
	r.RecordingScope = "PAID"
	s.recorder = &r
	return cloud.None{}, nil
}

// passRole asks whether the caller may give AWS Config the role.
func passRole(c *cloud.Call, arn string) error {
	return c.Authorize("iam:PassRole", cloud.Resource{ARN: arn, Keys: map[string][]string{"iam:PassedToService": {"config.amazonaws.com"}}})
}

type recordersIn struct{ ConfigurationRecorderNames []string }

// OnEach are the recorders that are asked for by name, or all.
func (in *recordersIn) OnEach(c *cloud.Call) []cloud.Resource {
	if len(in.ConfigurationRecorderNames) == 0 {
		return []cloud.Resource{{ARN: c.ARN("configuration-recorder/*")}}
	}
	var out []cloud.Resource
	for _, name := range in.ConfigurationRecorderNames {
		out = append(out, onRecorder(c, name))
	}
	return out
}

// check refuses names that are not there.
func check(names []string, have ...string) error {
	for _, n := range names {
		if !slices.Contains(have, n) {
			return cloud.Fail("NoSuchConfigurationRecorderException", 400, "Cannot find configuration recorder with the specified name '%s'.", n)
		}
	}
	return nil
}

func (s *state) recorders(names []string) ([]recorderShape, error) {
	if s.recorder == nil {
		return nil, check(names)
	}
	return []recorderShape{*s.recorder}, check(names, s.recorder.Name)
}

type recordersOut struct{ ConfigurationRecorders []recorderShape }

func describeRecorders(c *cloud.Call, in recordersIn) (out recordersOut, err error) {
	out.ConfigurationRecorders, err = of(c).recorders(in.ConfigurationRecorderNames)
	return out, err
}

type recorderStatus struct {
	Arn                  string    `aws:"arn"`
	Name                 string    `aws:"name"`
	LastStartTime        time.Time `aws:"lastStartTime"`
	LastStopTime         time.Time `aws:"lastStopTime"`
	Recording            bool      `aws:"recording"`
	LastStatus           string    `aws:"lastStatus"`
	LastStatusChangeTime time.Time `aws:"lastStatusChangeTime"`
}

type recorderStatusOut struct{ ConfigurationRecordersStatus []recorderStatus }

func describeRecorderStatus(c *cloud.Call, in recordersIn) (out recorderStatusOut, err error) {
	s := of(c)
	list, err := s.recorders(in.ConfigurationRecorderNames)
	for _, r := range list {
		status := "PENDING"
		if s.recording {
			status = "SUCCESS"
		}
		out.ConfigurationRecordersStatus = append(out.ConfigurationRecordersStatus, recorderStatus{r.Arn, r.Name, s.started, s.stopped, s.recording, status, s.started})
	}
	return out, err
}

type recorderIn struct {
	ConfigurationRecorderName string `aws:",must"`
}

// On is the recorder's ARN.
func (in *recorderIn) On(c *cloud.Call) cloud.Resource {
	return onRecorder(c, in.ConfigurationRecorderName)
}

func (in *recorderIn) check(s *state) error {
	_, err := s.recorders([]string{in.ConfigurationRecorderName})
	return err
}

func switchRecorder(on bool) func(*cloud.Call, recorderIn) (cloud.None, error) {
	return func(c *cloud.Call, in recorderIn) (cloud.None, error) {
		s := of(c)
		if err := in.check(s); err != nil {
			return cloud.None{}, err
		}
		switch {
		case on && s.channel == nil:
			return cloud.None{}, cloud.Fail("NoAvailableDeliveryChannelException", 400, "Delivery channel is not available to start configuration recorder.")
		case on:
			s.started = c.Now
		default:
			s.stopped = c.Now
		}
		s.recording = on
		return cloud.None{}, nil
	}
}

func deleteRecorder(c *cloud.Call, in recorderIn) (cloud.None, error) {
	s := of(c)
	err := in.check(s)
	if err == nil {
		s.recorder, s.recording = nil, false
	}
	return cloud.None{}, err
}

type putChannelIn struct {
	DeliveryChannel channelShape `aws:",must"`
}

func putChannel(c *cloud.Call, in putChannelIn) (cloud.None, error) {
	s, ch := of(c), in.DeliveryChannel
	if ch.Name == "" {
		ch.Name = "default"
	}
	switch {
	case s.recorder == nil:
		return cloud.None{}, cloud.Fail("NoAvailableConfigurationRecorderException", 400, "Configuration recorder is not available to put delivery channel.")
	case ch.S3BucketName == "":
		return cloud.None{}, cloud.Fail("NoSuchBucketException", 400, "Cannot find an S3 bucket with an empty bucket name.")
	case s.channel != nil && s.channel.Name != ch.Name:
		return cloud.None{}, cloud.Fail("MaxNumberOfDeliveryChannelsExceededException", 400, "The maximum number of delivery channels: 1 is reached.")
	}
	s.channel = &ch
	return cloud.None{}, nil
}

type channelsIn struct{ DeliveryChannelNames []string }

func (s *state) channels(names []string) (out []channelShape, err error) {
	if s.channel != nil {
		out = append(out, *s.channel)
	}
	for _, n := range names {
		if s.channel == nil || s.channel.Name != n {
			return nil, cloud.Fail("NoSuchDeliveryChannelException", 400, "Cannot find delivery channel with specified name '%s'.", n)
		}
	}
	return out, nil
}

// FailDelivery has the deliveries of an account in a Region fail with a code, such as
// AccessDenied.
func FailDelivery(a *cloud.Account, region, code string) {
	cloud.Regional[state](a, region).undelivered = code
}

type channelsOut struct{ DeliveryChannels []channelShape }

func describeChannels(c *cloud.Call, in channelsIn) (out channelsOut, err error) {
	out.DeliveryChannels, err = of(c).channels(in.DeliveryChannelNames)
	return out, err
}

type deliveryInfo struct {
	LastStatus           string    `aws:"lastStatus"`
	LastStatusChangeTime time.Time `aws:"lastStatusChangeTime"`
}

type exportInfo struct {
	LastStatus         string    `aws:"lastStatus"`
	LastErrorCode      string    `aws:"lastErrorCode"`
	LastAttemptTime    time.Time `aws:"lastAttemptTime"`
	LastSuccessfulTime time.Time `aws:"lastSuccessfulTime"`
}

type channelStatus struct {
	Name    string       `aws:"name"`
	History exportInfo   `aws:"configHistoryDeliveryInfo"`
	Stream  deliveryInfo `aws:"configStreamDeliveryInfo"`
}

type channelStatusOut struct{ DeliveryChannelsStatus []channelStatus }

func describeChannelStatus(c *cloud.Call, in channelsIn) (out channelStatusOut, err error) {
	s := of(c)
	list, err := s.channels(in.DeliveryChannelNames)
	for _, ch := range list {
		shape := channelStatus{Name: ch.Name, Stream: deliveryInfo{"NOT_APPLICABLE", s.started}}
		switch {
		case !s.recording:
		case s.undelivered != "":
			shape.History = exportInfo{LastStatus: "FAILURE", LastErrorCode: s.undelivered, LastAttemptTime: c.Now}
		default:
			shape.Stream.LastStatus = "SUCCESS"
			shape.History = exportInfo{LastStatus: "SUCCESS", LastAttemptTime: s.started, LastSuccessfulTime: s.started}
		}
		out.DeliveryChannelsStatus = append(out.DeliveryChannelsStatus, shape)
	}
	return out, err
}

type channelIn struct {
	DeliveryChannelName string `aws:",must"`
}

func deleteChannel(c *cloud.Call, in channelIn) (cloud.None, error) {
	s := of(c)
	_, err := s.channels([]string{in.DeliveryChannelName})
	switch {
	case err != nil:
		return cloud.None{}, err
	case s.recording:
		return cloud.None{}, cloud.Fail("LastDeliveryChannelDeleteFailedException", 400, "Failed to delete last specified delivery channel because there is a running configuration recorder.")
	}
	s.channel = nil
	return cloud.None{}, nil
}
