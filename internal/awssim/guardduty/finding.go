package guardduty

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/events"
	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

// Finding is one finding. Resource and the further fields of Service are as AWS's JSON.
type Finding struct {
	AccountId, Arn, Id, Partition, Region, SchemaVersion, Type, Title, Description string
	CreatedAt, UpdatedAt                                                           string // ISO 8601
	Severity                                                                       float64
	Resource                                                                       map[string]any
	Service                                                                        ServiceShape
}

// ServiceShape is what GuardDuty says of its part in a finding.
type ServiceShape struct {
	Archived                              bool
	Count                                 int
	DetectorId, ServiceName, ResourceRole string
	EventFirstSeen, EventLastSeen         string
	Action                                map[string]any
	AdditionalInfo                        map[string]any
}

// rootTypes are the findings about root, both Low (GuardDuty User Guide, "IAM finding
// types").
var rootTypes = []string{"Policy:IAMUser/RootCredentialUsage", "Policy:IAMUser/ShortTermRootCredentialUsage"}

// newFinding makes a finding of a detector.
func newFinding(c *cloud.Cloud, a *cloud.Account, region string, d *detector, kind, title string, severity float64, resource map[string]any, now time.Time) *Finding {
	id := c.Hex(32)
	f := &Finding{
		AccountId: string(a.ID), Arn: a.ARN("guardduty", region, "detector/"+d.id+"/finding/"+id), Id: id, Partition: "aws", Region: region, SchemaVersion: "2.0", Type: kind,
		Title: title, Description: title, CreatedAt: now.Format(isoMillis), UpdatedAt: now.Format(isoMillis), Severity: severity, Resource: resource,
		Service: ServiceShape{Count: 1, DetectorId: d.id, ServiceName: "guardduty", ResourceRole: "TARGET", EventFirstSeen: now.Format(isoMillis), EventLastSeen: now.Format(isoMillis)},
	}
	d.findings = append(d.findings, f)
	return f
}

// Add puts a finding of a type into an account's detector, nil if it has none there.
func Add(c *cloud.Cloud, a *cloud.Account, region, kind, title string, severity float64, resource map[string]any, now time.Time) *Finding {
	d := cloud.Regional[detectors](a, region).one
	if d == nil {
		return nil
	}
	return newFinding(c, a, region, d, kind, title, severity, resource, now)
}

// tell gives rules of the account the finding.
//
// Source: Amazon GuardDuty User Guide, "Processing GuardDuty findings with Amazon
// EventBridge".
func (f *Finding) tell(c *cloud.Call) {
	detail := json.RawMessage(wire.Marshal(*f, wire.Style{Lower: true, Time: wire.ISO}).JSON())
	events.Send(c.Cloud, c.Account, c.Region, "aws.guardduty", "GuardDuty Finding", []string{}, detail, c.Now)
}

type samplesIn struct {
	onDetector
	FindingTypes []string
}

func createSamples(c *cloud.Call, in samplesIn) (cloud.None, error) {
	d, err := in.detector(c)
	if err != nil {
		return cloud.None{}, err
	}
	if len(in.FindingTypes) == 0 {
		in.FindingTypes = append(slices.Clone(rootTypes), "Stealth:IAMUser/CloudTrailLoggingDisabled")
	}
	for _, t := range in.FindingTypes {
		if !strings.Contains(t, ":") || !strings.Contains(t, "/") {
			return cloud.None{}, c.Invalid("%q is no finding type", t)
		}
		severity := 5.0
		if strings.HasPrefix(t, "Policy:") || strings.HasPrefix(t, "Stealth:") {
			severity = 2
		}
		f := newFinding(c.Cloud, c.Account, c.Region, d, t, "[SAMPLE] "+t, severity, map[string]any{"resourceType": "AccessKey"}, c.Now)
		f.Service.AdditionalInfo = map[string]any{"type": "default", "value": `{"sample":true}`}
		f.tell(c)
	}
	return cloud.None{}, nil
}

// condition is one criterion; the older names are the same as the newer ones.
type condition struct {
	Eq, Equals, Neq, NotEquals                                                   []string
	Gt, GreaterThan, Gte, GreaterThanOrEqual, Lt, LessThan, Lte, LessThanOrEqual *float64
}

type criteria struct{ Criterion map[string]condition }

type sorting struct{ AttributeName, OrderBy string }

type listFindingsIn struct {
	onDetector
	FindingCriteria criteria
	SortCriteria    sorting
	MaxResults      int
	NextToken       string
}

type listFindingsOut struct {
	FindingIds []string
	NextToken  string
}

// value is what a finding has under the name of a criterion.
func (f *Finding) value(name string) (text string, number float64, ok bool) {
	ok = true
	switch name {
	case "id":
		text = f.Id
	case "type":
		text = f.Type
	case "accountId":
		text = f.AccountId
	case "region":
		text = f.Region
	case "service.archived":
		text = map[bool]string{true: "true", false: "false"}[f.Service.Archived]
	case "severity":
		number = f.Severity
	case "updatedAt":
		t, err := time.Parse(isoMillis, f.UpdatedAt)
		number, ok = float64(t.UnixMilli()), err == nil
	default:
		ok = false
	}
	return text, number, ok
}

// holds judges a value; every operator that is given must hold.
func (n condition) holds(text string, number float64) bool {
	is, not := append(slices.Clone(n.Eq), n.Equals...), append(slices.Clone(n.Neq), n.NotEquals...)
	if len(is) > 0 && !slices.Contains(is, text) || slices.Contains(not, text) {
		return false
	}
	for _, bound := range []struct {
		value *float64
		good  func(int) bool
	}{
		{n.Gt, func(c int) bool { return c > 0 }}, {n.GreaterThan, func(c int) bool { return c > 0 }}, {n.Gte, func(c int) bool { return c >= 0 }},
		{n.GreaterThanOrEqual, func(c int) bool { return c >= 0 }}, {n.Lt, func(c int) bool { return c < 0 }}, {n.LessThan, func(c int) bool { return c < 0 }},
		{n.Lte, func(c int) bool { return c <= 0 }}, {n.LessThanOrEqual, func(c int) bool { return c <= 0 }},
	} {
		if bound.value != nil && !bound.good(cmp.Compare(number, *bound.value)) {
			return false
		}
	}
	return true
}

// check refuses criteria that the simulator does not know.
func (k criteria) check(c *cloud.Call) error {
	for name := range k.Criterion {
		if _, _, ok := (&Finding{UpdatedAt: time.Time{}.Format(isoMillis)}).value(name); !ok {
			return c.Invalid("the simulator has no criterion %s", name)
		}
	}
	return nil
}

func (k criteria) wants(f *Finding) bool {
	for name, n := range k.Criterion {
		text, number, _ := f.value(name)
		if !n.holds(text, number) {
			return false
		}
	}
	return true
}

func listFindings(c *cloud.Call, in listFindingsIn) (out listFindingsOut, err error) {
	d, err := in.detector(c)
	if err == nil {
		err = in.FindingCriteria.check(c)
	}
	if err != nil {
		return out, err
	}
	var found []*Finding
	for _, f := range d.findings {
		if in.FindingCriteria.wants(f) {
			found = append(found, f)
		}
	}
	if err := sortFindings(c, found, in.SortCriteria); err != nil {
		return out, err
	}
	var all []string
	for _, f := range found {
		all = append(all, f.Id)
	}
	out.FindingIds, out.NextToken, err = cut(c, paged{in.MaxResults, in.NextToken}, all)
	return out, err
}

func sortFindings(c *cloud.Call, found []*Finding, by sorting) error {
	if by.AttributeName == "" {
		return nil
	}
	if err := (criteria{map[string]condition{by.AttributeName: {}}}).check(c); err != nil {
		return err
	}
	slices.SortStableFunc(found, func(a, b *Finding) int {
		at, an, _ := a.value(by.AttributeName)
		bt, bn, _ := b.value(by.AttributeName)
		order := cmp.Or(cmp.Compare(an, bn), cmp.Compare(at, bt))
		if by.OrderBy == "DESC" {
			return -order
		}
		return order
	})
	return nil
}

type findingsIn struct {
	onDetector
	FindingIds   []string `aws:",must"`
	SortCriteria sorting
}

type findingsOut struct{ Findings []*Finding }

func (d *detector) named(ids []string) []*Finding {
	var out []*Finding
	for _, f := range d.findings {
		if slices.Contains(ids, f.Id) {
			out = append(out, f)
		}
	}
	return out
}

func getFindings(c *cloud.Call, in findingsIn) (out findingsOut, err error) {
	d, err := in.detector(c)
	if err != nil {
		return out, err
	}
	out.Findings = d.named(in.FindingIds)
	return out, sortFindings(c, out.Findings, in.SortCriteria)
}

type idsIn struct {
	onDetector
	FindingIds []string `aws:",must"`
}

func archive(to bool) func(*cloud.Call, idsIn) (cloud.None, error) {
	return func(c *cloud.Call, in idsIn) (cloud.None, error) {
		d, err := in.detector(c)
		if err != nil {
			return cloud.None{}, err
		}
		for _, f := range d.named(in.FindingIds) {
			f.Service.Archived = to
		}
		return cloud.None{}, nil
	}
}

type filterShape struct {
	Name, Description, Action string
	Rank                      int
	FindingCriteria           any
	Tags                      map[string]string
}

type createFilterIn struct {
	onDetector
	Name            string `aws:",must"`
	Description     string
	Action          string
	Rank            int
	FindingCriteria any `aws:",must"`
	ClientToken     string
	Tags            map[string]string
}

// On is the ARN that the filter will have.
func (in *createFilterIn) On(c *cloud.Call) cloud.Resource {
	return below(c, in.DetectorId, "filter", in.Name)
}

type filterNameOut struct{ Name string }

// createFilter keeps a filter. It archives no findings: whether it hides one is for the
// reader to judge.
func createFilter(c *cloud.Call, in createFilterIn) (out filterNameOut, err error) {
	d, err := in.detector(c)
	if err != nil {
		return out, err
	}
	if in.Action == "" {
		in.Action = "NOOP"
	}
	if d.filters[in.Name] != nil || in.Action != "NOOP" && in.Action != "ARCHIVE" {
		return out, c.Invalid("The request is rejected because the filter exists or its action is not valid.")
	}
	d.filters[in.Name] = &filterShape{in.Name, in.Description, in.Action, max(in.Rank, 1), in.FindingCriteria, in.Tags}
	return filterNameOut{in.Name}, nil
}

type onList struct {
	onDetector
	paged
}

type filtersOut struct {
	FilterNames []string
	NextToken   string
}

func listFilters(c *cloud.Call, in onList) (out filtersOut, err error) {
	d, err := in.detector(c)
	if err != nil {
		return out, err
	}
	out.FilterNames, out.NextToken, err = cut(c, in.paged, slices.Sorted(maps.Keys(d.filters)))
	return out, err
}

type filterIn struct {
	onDetector
	FilterName string `aws:"FilterName,uri"`
}

// On is the filter's ARN.
func (in *filterIn) On(c *cloud.Call) cloud.Resource {
	return below(c, in.DetectorId, "filter", in.FilterName)
}

func (in *filterIn) filter(c *cloud.Call) (*detector, *filterShape, error) {
	d, err := in.detector(c)
	if err != nil {
		return nil, nil, err
	}
	f := d.filters[in.FilterName]
	if f == nil {
		return nil, nil, c.Invalid("The request is rejected since no such resource found.")
	}
	return d, f, nil
}

func getFilter(c *cloud.Call, in filterIn) (out filterShape, err error) {
	_, f, err := in.filter(c)
	if err != nil {
		return out, err
	}
	return *f, nil
}

func deleteFilter(c *cloud.Call, in filterIn) (cloud.None, error) {
	d, f, err := in.filter(c)
	if err == nil {
		delete(d.filters, f.Name)
	}
	return cloud.None{}, err
}
