package config

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

type putRuleIn struct {
	ConfigRule ruleShape `aws:",must"`
}

// On is the rule's ARN, if it is there.
func (in *putRuleIn) On(c *cloud.Call) cloud.Resource {
	if r := of(c).rules[in.ConfigRule.ConfigRuleName]; r != nil {
		return cloud.Resource{ARN: r.shape.ConfigRuleArn}
	}
	return cloud.Resource{ARN: c.ARN("config-rule/*")}
}

func putRule(c *cloud.Call, in putRuleIn) (cloud.None, error) {
	s, r := of(c), in.ConfigRule
	var parameters map[string]any
	switch {
	case s.recorder == nil:
		return cloud.None{}, cloud.Fail("NoAvailableConfigurationRecorderException", 400, "Configuration recorder is not available to put config rule.")
	case r.ConfigRuleName == "":
		return cloud.None{}, c.Invalid("ConfigRuleName is required")
	case !slices.Contains([]string{"AWS", "CUSTOM_LAMBDA", "CUSTOM_POLICY"}, r.Source.Owner):
		return cloud.None{}, c.Invalid("Source.Owner must be AWS, CUSTOM_LAMBDA or CUSTOM_POLICY")
	case r.Source.Owner == "AWS" && (r.Source.SourceIdentifier == "" || r.Source.SourceIdentifier != strings.ToUpper(r.Source.SourceIdentifier)):
		return cloud.None{}, c.Invalid("The sourceIdentifier %s is invalid. Please refer to the documentation for a list of valid sourceIdentifiers that can be used when AWS is the Owner.", r.Source.SourceIdentifier)
	case r.InputParameters != "" && json.Unmarshal([]byte(r.InputParameters), &parameters) != nil:
		return cloud.None{}, c.Invalid("InputParameters is not a JSON object")
	}
	r.ConfigRuleState = "ACTIVE"
	old := s.rules[r.ConfigRuleName]
	if old != nil {
		r.ConfigRuleArn, r.ConfigRuleId = old.shape.ConfigRuleArn, old.shape.ConfigRuleId
		old.shape = r
		return cloud.None{}, nil
	}
	r.ConfigRuleId = "config-rule-" + c.Cloud.Word(6)
	r.ConfigRuleArn = c.ARN("config-rule/" + r.ConfigRuleId)
	s.rules[r.ConfigRuleName] = &rule{shape: r, compliance: "INSUFFICIENT_DATA", activated: c.Now}
	return cloud.None{}, nil
}

// Comply sets what an evaluation of a rule came to: COMPLIANT or NON_COMPLIANT. It says
// whether the account has the rule in the Region.
func Comply(a *cloud.Account, region, name, compliance string, now time.Time) bool {
	r := cloud.Regional[state](a, region).rules[name]
	if r == nil {
		return false
	}
	r.compliance, r.evaluated = compliance, now
	return true
}

// FailRule has the last evaluation of a rule fail with a code. It says whether the
// account has the rule in the Region.
func FailRule(a *cloud.Account, region, name, code string, now time.Time) bool {
	r := cloud.Regional[state](a, region).rules[name]
	if r == nil {
		return false
	}
	r.failed, r.code = now, code
	return true
}

// named picks the rules of a list of names, all if it is empty.
func (s *state) named(names []string) ([]*rule, error) {
	for _, n := range names {
		if s.rules[n] == nil {
			return nil, cloud.Fail("NoSuchConfigRuleException", 400, "The ConfigRule '%s' provided in the request is invalid. Please check the configRule name.", n)
		}
	}
	var out []*rule
	for _, r := range cloud.Sorted(s.rules) {
		if len(names) == 0 || slices.Contains(names, r.shape.ConfigRuleName) {
			out = append(out, r)
		}
	}
	return out, nil
}

// pageSize is how many rules one page has.
const pageSize = 25

type rulesIn struct {
	ConfigRuleNames []string
	NextToken       string
}

type rulesOut struct {
	ConfigRules []ruleShape
	NextToken   string
}

func describeRules(c *cloud.Call, in rulesIn) (out rulesOut, err error) {
	list, err := of(c).named(in.ConfigRuleNames)
	if err != nil {
		return out, err
	}
	part, next, err := cloud.Page(c, list, in.NextToken, 0, pageSize, pageSize)
	for _, r := range part {
		out.ConfigRules = append(out.ConfigRules, r.shape)
	}
	out.NextToken = next
	return out, err
}

type ruleIn struct {
	ConfigRuleName string `aws:",must"`
}

// On is the rule's ARN.
func (in *ruleIn) On(c *cloud.Call) cloud.Resource {
	put := putRuleIn{ruleShape{ConfigRuleName: in.ConfigRuleName}}
	return put.On(c)
}

func deleteRule(c *cloud.Call, in ruleIn) (cloud.None, error) {
	_, err := of(c).named([]string{in.ConfigRuleName})
	if err == nil {
		delete(of(c).rules, in.ConfigRuleName)
	}
	return cloud.None{}, err
}

type complianceIn struct {
	rulesIn
	ComplianceTypes []string
}

type complianceShape struct {
	ConfigRuleName string
	Compliance     struct{ ComplianceType string }
}

type complianceOut struct {
	ComplianceByConfigRules []complianceShape
	NextToken               string
}

func describeCompliance(c *cloud.Call, in complianceIn) (out complianceOut, err error) {
	list, err := of(c).named(in.ConfigRuleNames)
	if err != nil {
		return out, err
	}
	list = slices.DeleteFunc(list, func(r *rule) bool {
		return len(in.ComplianceTypes) > 0 && !slices.Contains(in.ComplianceTypes, r.compliance)
	})
	part, next, err := cloud.Page(c, list, in.NextToken, 0, pageSize, pageSize)
	for _, r := range part {
		s := complianceShape{ConfigRuleName: r.shape.ConfigRuleName}
		s.Compliance.ComplianceType = r.compliance
		out.ComplianceByConfigRules = append(out.ComplianceByConfigRules, s)
	}
	out.NextToken = next
	return out, err
}

type evaluationIn struct {
	rulesIn
	Limit int
}

type evaluationShape struct {
	ConfigRuleName, ConfigRuleArn, ConfigRuleId                                    string
	LastSuccessfulInvocationTime, LastSuccessfulEvaluationTime, FirstActivatedTime time.Time
	LastFailedInvocationTime, LastFailedEvaluationTime                             time.Time
	LastErrorCode                                                                  string
	FirstEvaluationStarted                                                         bool
}

type evaluationOut struct {
	ConfigRulesEvaluationStatus []evaluationShape
	NextToken                   string
}

func describeEvaluation(c *cloud.Call, in evaluationIn) (out evaluationOut, err error) {
	list, err := of(c).named(in.ConfigRuleNames)
	if err != nil {
		return out, err
	}
	part, next, err := cloud.Page(c, list, in.NextToken, in.Limit, 50, 150)
	for _, r := range part {
		out.ConfigRulesEvaluationStatus = append(out.ConfigRulesEvaluationStatus, evaluationShape{
			r.shape.ConfigRuleName, r.shape.ConfigRuleArn, r.shape.ConfigRuleId, r.evaluated, r.evaluated, r.activated, r.failed, r.failed, r.code, !r.evaluated.IsZero(),
		})
	}
	out.NextToken = next
	return out, err
}

type aggregatorIn struct {
	ConfigurationAggregatorName string `aws:",must"`
}

// On is the aggregator's ARN, which has an ID of its own.
func (in *aggregatorIn) On(c *cloud.Call) cloud.Resource {
	if a := of(c).aggregators[in.ConfigurationAggregatorName]; a != nil {
		return cloud.Resource{ARN: a.ConfigurationAggregatorArn}
	}
	return cloud.Resource{ARN: c.ARN("config-aggregator/*")}
}

type putAggregatorIn struct {
	aggregatorIn
	AccountAggregationSources     []accountSource
	OrganizationAggregationSource *organizationSource
}

type aggregatorOut struct{ ConfigurationAggregator aggregatorShape }

func putAggregator(c *cloud.Call, in putAggregatorIn) (out aggregatorOut, err error) {
	o := c.Cloud.Organization
	switch {
	case (len(in.AccountAggregationSources) == 0) == (in.OrganizationAggregationSource == nil):
		return out, c.Invalid("exactly one of AccountAggregationSources and OrganizationAggregationSource must be given")
	case in.OrganizationAggregationSource != nil && (!o.Member(c.Account) || !o.Administers(c.Account, "config.amazonaws.com")):
		return out, cloud.Fail("OrganizationAccessDeniedException", 400, "Only the management account or a delegated administrator can aggregate the organization.")
	}
	if source := in.OrganizationAggregationSource; source != nil {
		if err := passRole(c, source.RoleArn); err != nil {
			return out, err
		}
	}
	s := of(c)
	a := s.aggregators[in.ConfigurationAggregatorName]
	if a == nil {
		a = &aggregatorShape{
			ConfigurationAggregatorName: in.ConfigurationAggregatorName, ConfigurationAggregatorArn: c.ARN("config-aggregator/config-aggregator-" + c.Cloud.Word(8)), CreationTime: c.Now,
		}
		s.aggregators[in.ConfigurationAggregatorName] = a
	}
	a.AccountAggregationSources, a.OrganizationAggregationSource, a.LastUpdatedTime = in.AccountAggregationSources, in.OrganizationAggregationSource, c.Now
	return aggregatorOut{*a}, nil
}

type aggregatorsIn struct {
	ConfigurationAggregatorNames []string
	NextToken                    string
	Limit                        int
}

type aggregatorsOut struct {
	ConfigurationAggregators []aggregatorShape
	NextToken                string
}

func noAggregator() error {
	return cloud.Fail("NoSuchConfigurationAggregatorException", 400, "The configuration aggregator does not exist.")
}

func describeAggregators(c *cloud.Call, in aggregatorsIn) (out aggregatorsOut, err error) {
	s := of(c)
	var all []aggregatorShape
	for _, n := range in.ConfigurationAggregatorNames {
		if s.aggregators[n] == nil {
			return out, noAggregator()
		}
	}
	for _, a := range cloud.Sorted(s.aggregators) {
		if len(in.ConfigurationAggregatorNames) == 0 || slices.Contains(in.ConfigurationAggregatorNames, a.ConfigurationAggregatorName) {
			all = append(all, *a)
		}
	}
	out.ConfigurationAggregators, out.NextToken, err = cloud.Page(c, all, in.NextToken, in.Limit, 50, 100)
	return out, err
}

func deleteAggregator(c *cloud.Call, in aggregatorIn) (cloud.None, error) {
	if of(c).aggregators[in.ConfigurationAggregatorName] == nil {
		return cloud.None{}, noAggregator()
	}
	delete(of(c).aggregators, in.ConfigurationAggregatorName)
	return cloud.None{}, nil
}
