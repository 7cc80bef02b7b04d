// Package analyzer is the simulated IAM Access Analyzer: analyzers, archive rules and
// findings. It analyzes nothing: findings are put there with Add.
//
// Source: IAM Access Analyzer API Reference, version 2019-11-01.
package analyzer

import (
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

// Service lists the operations.
func Service() *cloud.Service {
	at := cloud.At
	return &cloud.Service{
		Name: "access-analyzer", Protocol: cloud.RESTJSON, Lower: true, Time: wire.ISO, Codes: cloud.Codes{Token: "ValidationException"},
		Operations: []*cloud.Operation{
			cloud.Op("CreateAnalyzer", create, at("PUT /analyzer")),
			cloud.Op("ListAnalyzers", list, at("GET /analyzer")),
			cloud.Op("GetAnalyzer", get, at("GET /analyzer/{analyzerName}")),
			cloud.Op("DeleteAnalyzer", drop, at("DELETE /analyzer/{analyzerName}")),
			cloud.Op("CreateArchiveRule", createRule, at("PUT /analyzer/{analyzerName}/archive-rule")),
			cloud.Op("ListArchiveRules", listRules, at("GET /analyzer/{analyzerName}/archive-rule")),
			cloud.Op("DeleteArchiveRule", deleteRule, at("DELETE /analyzer/{analyzerName}/archive-rule/{ruleName}")),
			cloud.Op("ListFindings", listFindings, at("POST /finding")),
			cloud.Op("ListFindingsV2", listFindingsV2, at("POST /findingv2"), cloud.As("access-analyzer:ListFindings")),
			cloud.Op("UpdateFindings", updateFindings, at("PUT /finding")),
		},
	}
}

type shape struct {
	Arn, Name, Type, Status string
	CreatedAt               time.Time
	Configuration           any
	Tags                    map[string]string
}

type analyzer struct {
	shape
	rules    map[string]*ruleShape
	findings []*Finding
}

// Finding is one finding of an analyzer.
type Finding struct {
	Id, Resource, ResourceType, ResourceOwnerAccount, Status, FindingType string
	Principal                                                             map[string]string
	Action                                                                []string
	Condition                                                             map[string]string
	IsPublic                                                              bool
	CreatedAt, AnalyzedAt, UpdatedAt                                      time.Time
}

// analyzers are those of an account in a Region, by name.
type analyzers struct{ byName map[string]*analyzer }

func state(a *cloud.Account, region string) map[string]*analyzer {
	s := cloud.Regional[analyzers](a, region)
	if s.byName == nil {
		s.byName = map[string]*analyzer{}
	}
	return s.byName
}

// Add puts an external-access finding into the named analyzer of an account, if it is
// there: a principal of another account may use a resource.
func Add(c *cloud.Cloud, a *cloud.Account, region, name, resource, resourceType, principal string, actions []string, now time.Time) bool {
	z := state(a, region)[name]
	if z == nil {
		return false
	}
	z.findings = append(z.findings, &Finding{
		Id: c.UUID(), Resource: resource, ResourceType: resourceType, ResourceOwnerAccount: string(a.ID), Status: "ACTIVE", FindingType: "ExternalAccess",
		Principal: map[string]string{"AWS": principal}, Action: actions, Condition: map[string]string{}, IsPublic: principal == "*", CreatedAt: now, AnalyzedAt: now, UpdatedAt: now,
	})
	return true
}

type onAnalyzer struct {
	AnalyzerName string `aws:"analyzerName,uri"`
}

// On is the analyzer's ARN.
func (o *onAnalyzer) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.ARN("analyzer/" + o.AnalyzerName)}
}

func (o *onAnalyzer) analyzer(c *cloud.Call) (*analyzer, error) {
	if z := state(c.Account, c.Region)[o.AnalyzerName]; z != nil {
		return z, nil
	}
	return nil, cloud.Fail("ResourceNotFoundException", 404, "The analyzer %s does not exist", o.AnalyzerName)
}

type filter map[string]any

type createIn struct {
	AnalyzerName string `aws:",must"`
	Type         string `aws:",must"`
	ArchiveRules []struct {
		RuleName string `aws:",must"`
		Filter   filter
	}
	Tags          map[string]string
	ClientToken   string
	Configuration any
}

// On is the ARN that the analyzer will have.
func (in *createIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.ARN("analyzer/" + in.AnalyzerName)}
}

var types = []string{"ACCOUNT", "ORGANIZATION", "ACCOUNT_UNUSED_ACCESS", "ORGANIZATION_UNUSED_ACCESS", "ACCOUNT_INTERNAL_ACCESS", "ORGANIZATION_INTERNAL_ACCESS"}

type arnOut struct{ Arn string }

func create(c *cloud.Call, in createIn) (out arnOut, err error) {
	o := c.Cloud.Organization
	all := state(c.Account, c.Region)
	switch {
	case !slices.Contains(types, in.Type):
		return out, c.Invalid("type %s is not valid", in.Type)
	case all[in.AnalyzerName] != nil:
		return out, cloud.Fail("ConflictException", 409, "An analyzer with that name exists")
	case in.Type[0] == 'O' && (!o.Member(c.Account) || !o.Administers(c.Account, "access-analyzer.amazonaws.com")):
		return out, cloud.Fail("AccessDeniedException", 403, "Only the management account or a delegated administrator can create an analyzer of the organization")
	}
	z := &analyzer{
		shape: shape{Arn: c.ARN("analyzer/" + in.AnalyzerName), Name: in.AnalyzerName, Type: in.Type, Status: "ACTIVE", CreatedAt: c.Now, Configuration: in.Configuration, Tags: in.Tags},
		rules: map[string]*ruleShape{},
	}
	for _, r := range in.ArchiveRules {
		z.rules[r.RuleName] = &ruleShape{r.RuleName, r.Filter, c.Now, c.Now}
	}
	all[z.Name] = z
	return arnOut{z.Arn}, nil
}

type paged struct {
	NextToken  string `aws:"nextToken,query"`
	MaxResults int    `aws:"maxResults,query"`
}

func cut[T any](c *cloud.Call, p paged, all []T) ([]T, string, error) {
	return cloud.Page(c, all, p.NextToken, p.MaxResults, 100, 1000)
}

type listIn struct {
	paged
	Type string `aws:"type,query"`
}

type listOut struct {
	Analyzers []shape
	NextToken string
}

func list(c *cloud.Call, in listIn) (out listOut, err error) {
	var all []shape
	for _, z := range cloud.Sorted(state(c.Account, c.Region)) {
		if in.Type == "" || in.Type == z.Type {
			all = append(all, z.shape)
		}
	}
	out.Analyzers, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type getOut struct{ Analyzer shape }

func get(c *cloud.Call, in onAnalyzer) (out getOut, err error) {
	z, err := in.analyzer(c)
	if err != nil {
		return out, err
	}
	return getOut{z.shape}, nil
}

type dropIn struct {
	onAnalyzer
	ClientToken string `aws:"clientToken,query"`
}

func drop(c *cloud.Call, in dropIn) (cloud.None, error) {
	z, err := in.analyzer(c)
	if err == nil {
		delete(state(c.Account, c.Region), z.Name)
	}
	return cloud.None{}, err
}

type ruleShape struct {
	RuleName             string
	Filter               filter
	CreatedAt, UpdatedAt time.Time
}

type createRuleIn struct {
	onAnalyzer
	RuleName    string `aws:",must"`
	Filter      filter `aws:",must"`
	ClientToken string
}

// createRule keeps a rule. It archives no findings: whether it hides one is for the
// reader to judge.
func createRule(c *cloud.Call, in createRuleIn) (cloud.None, error) {
	z, err := in.analyzer(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case z.rules[in.RuleName] != nil:
		return cloud.None{}, cloud.Fail("ConflictException", 409, "An archive rule with that name exists")
	}
	z.rules[in.RuleName] = &ruleShape{in.RuleName, in.Filter, c.Now, c.Now}
	return cloud.None{}, nil
}

type listRulesIn struct {
	onAnalyzer
	paged
}

type rulesOut struct {
	ArchiveRules []ruleShape
	NextToken    string
}

func listRules(c *cloud.Call, in listRulesIn) (out rulesOut, err error) {
	z, err := in.analyzer(c)
	if err != nil {
		return out, err
	}
	var all []ruleShape
	for _, r := range cloud.Sorted(z.rules) {
		all = append(all, *r)
	}
	out.ArchiveRules, out.NextToken, err = cut(c, in.paged, all)
	return out, err
}

type ruleIn struct {
	dropIn
	RuleName string `aws:"ruleName,uri"`
}

func deleteRule(c *cloud.Call, in ruleIn) (cloud.None, error) {
	z, err := in.analyzer(c)
	switch {
	case err != nil:
		return cloud.None{}, err
	case z.rules[in.RuleName] == nil:
		return cloud.None{}, cloud.Fail("ResourceNotFoundException", 404, "The archive rule %s does not exist", in.RuleName)
	}
	delete(z.rules, in.RuleName)
	return cloud.None{}, nil
}

type criterion struct {
	Eq, Neq []string
}

type findingsIn struct {
	AnalyzerArn string `aws:",must"`
	Filter      struct {
		Status, ResourceType, Resource, Id *criterion
		FindingType                        *criterion
	}
	NextToken  string
	MaxResults int
}

// On is the analyzer's ARN.
func (in *findingsIn) On(*cloud.Call) cloud.Resource { return cloud.Resource{ARN: in.AnalyzerArn} }

func byARN(c *cloud.Call, arn string) (*analyzer, error) {
	for _, z := range state(c.Account, c.Region) {
		if z.Arn == arn {
			return z, nil
		}
	}
	return nil, cloud.Fail("ResourceNotFoundException", 404, "The analyzer %s does not exist", arn)
}

func (k *criterion) holds(value string) bool {
	return k == nil || (len(k.Eq) == 0 || slices.Contains(k.Eq, value)) && !slices.Contains(k.Neq, value)
}

func (in *findingsIn) found(c *cloud.Call) ([]*Finding, string, error) {
	z, err := byARN(c, in.AnalyzerArn)
	if err != nil {
		return nil, "", err
	}
	f := in.Filter
	var all []*Finding
	for _, x := range z.findings {
		if f.Status.holds(x.Status) && f.ResourceType.holds(x.ResourceType) && f.Resource.holds(x.Resource) && f.Id.holds(x.Id) && f.FindingType.holds(x.FindingType) {
			all = append(all, x)
		}
	}
	return cut(c, paged{in.NextToken, in.MaxResults}, all)
}

type findingsOut struct {
	Findings  []Finding
	NextToken string
}

func listFindings(c *cloud.Call, in findingsIn) (out findingsOut, err error) {
	part, next, err := in.found(c)
	for _, f := range part {
		one := *f
		one.FindingType = "" // of the second version alone
		out.Findings = append(out.Findings, one)
	}
	out.NextToken = next
	return out, err
}

type findingV2 struct {
	Id, Resource, ResourceType, ResourceOwnerAccount, Status, FindingType string
	CreatedAt, AnalyzedAt, UpdatedAt                                      time.Time
}

type findingsV2Out struct {
	Findings  []findingV2
	NextToken string
}

func listFindingsV2(c *cloud.Call, in findingsIn) (out findingsV2Out, err error) {
	part, next, err := in.found(c)
	for _, f := range part {
		out.Findings = append(out.Findings, findingV2{f.Id, f.Resource, f.ResourceType, f.ResourceOwnerAccount, f.Status, f.FindingType, f.CreatedAt, f.AnalyzedAt, f.UpdatedAt})
	}
	out.NextToken = next
	return out, err
}

type updateIn struct {
	AnalyzerArn string `aws:",must"`
	Status      string `aws:",must"`
	Ids         []string
	ResourceArn string
	ClientToken string
}

// On is the analyzer's ARN.
func (in *updateIn) On(*cloud.Call) cloud.Resource { return cloud.Resource{ARN: in.AnalyzerArn} }

func updateFindings(c *cloud.Call, in updateIn) (cloud.None, error) {
	z, err := byARN(c, in.AnalyzerArn)
	switch {
	case err != nil:
		return cloud.None{}, err
	case in.Status != "ACTIVE" && in.Status != "ARCHIVED":
		return cloud.None{}, c.Invalid("status must be ACTIVE or ARCHIVED")
	}
	for _, f := range z.findings {
		if slices.Contains(in.Ids, f.Id) || in.ResourceArn != "" && f.Resource == in.ResourceArn {
			f.Status, f.UpdatedAt = in.Status, c.Now
		}
	}
	return cloud.None{}, nil
}
