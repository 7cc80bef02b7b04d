package securityhub

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/events"
)

type importIn struct {
	Findings []map[string]any `aws:",must"`
}

type failedFinding struct{ Id, ErrorCode, ErrorMessage string }

// On is the product of the account itself; no other is known here.
func (in *importIn) On(c *cloud.Call) cloud.Resource { return cloud.Resource{ARN: ownProduct(c)} }

func ownProduct(c *cloud.Call) string { return c.ARN("product/" + string(c.Account.ID) + "/default") }

type importOut struct {
	FailedCount, SuccessCount int
	FailedFindings            []failedFinding
}

// required are the fields that a finding in ASFF must have.
var required = []string{"SchemaVersion", "Id", "ProductArn", "GeneratorId", "AwsAccountId", "CreatedAt", "UpdatedAt", "Severity", "Title", "Description", "Resources"}

// maxImport is how many findings one call may bring.
const maxImport = 100

func importFindings(c *cloud.Call, in importIn) (out importOut, err error) {
	h, err := enabled(c)
	if err != nil {
		return out, err
	}
	if len(in.Findings) > maxImport {
		return out, c.Invalid("at most %d findings may be imported at once", maxImport)
	}
	for _, f := range in.Findings {
		if problem := refuse(c, f); problem != "" {
			out.FailedCount++
			out.FailedFindings = append(out.FailedFindings, failedFinding{text(f, "Id"), "InvalidInput", problem})
			continue
		}
		out.SuccessCount++
		tell(c, h.keep(f, c.Region))
	}
	return out, nil
}

// refuse says why a finding cannot be imported, "" if it can.
func refuse(c *cloud.Call, f map[string]any) string {
	for _, name := range required {
		if f[name] == nil {
			return fmt.Sprintf("Finding does not adhere to Amazon Finding Format. data should have required property '%s'", name)
		}
	}
	if text(f, "AwsAccountId") != string(c.Account.ID) {
		return "AwsAccountId is not the account that imports"
	}
	// Who has no product of its own imports as the default product of the account.
	if own := ownProduct(c); text(f, "ProductArn") != own {
		return "ProductArn is not " + own
	}
	for name, most := range map[string]int{"Title": 256, "Description": 1024, "Id": 512, "GeneratorId": 512} {
		if n := utf8.RuneCountInString(text(f, name)); n < 1 || n > most {
			return fmt.Sprintf("Finding does not adhere to Amazon Finding Format. data.%s should have 1 to %d characters", name, most)
		}
	}
	return ""
}

func text(f map[string]any, name string) string {
	s, _ := f[name].(string)
	return s
}

// tell gives rules of the account a finding that is new, or was changed.
//
// Source: AWS Security Hub User Guide, "EventBridge event formats for Security Hub CSPM".
func tell(c *cloud.Call, f map[string]any) {
	resource := text(f, "ProductArn") + "/" + text(f, "Id")
	events.Send(c.Cloud, c.Account, c.Region, "aws.securityhub", "Security Hub Findings - Imported", []string{resource}, map[string]any{"findings": []any{f}}, c.Now)
}

// keep adds a finding, or updates one with the same ID and product; what customers set
// stays as they set it.
func (h *hub) keep(f map[string]any, region string) map[string]any {
	f = maps.Clone(f)
	if f["Region"] == nil {
		f["Region"] = region
	}
	if f["RecordState"] == nil {
		f["RecordState"] = "ACTIVE"
	}
	i := slices.IndexFunc(h.findings, func(o map[string]any) bool {
		return text(o, "Id") == text(f, "Id") && text(o, "ProductArn") == text(f, "ProductArn")
	})
	if i < 0 {
		f["Workflow"], f["WorkflowState"] = map[string]any{"Status": "NEW"}, "NEW"
		h.findings = append(h.findings, f)
		return f
	}
	for _, name := range []string{"Workflow", "WorkflowState", "Note", "VerificationState", "UserDefinedFields"} {
		if old, ok := h.findings[i][name]; ok {
			f[name] = old
		}
	}
	h.findings[i] = f
	return f
}

type stringFilter struct{ Value, Comparison string }

// filters are those of GetFindings that the simulator has.
type filters struct {
	Id, ProductArn, AwsAccountId, GeneratorId, Type, Title, RecordState, SeverityLabel, WorkflowStatus, ComplianceStatus, ComplianceSecurityControlId, ResourceId, ResourceType, Region []stringFilter
}

// by pairs the values of a finding with their filters.
func (k filters) by(f map[string]any) map[*[]stringFilter][]string {
	inner := func(name, field string) []string {
		m, _ := f[name].(map[string]any)
		return []string{text(m, field)}
	}
	var ids, kinds, types []string
	list, _ := f["Resources"].([]any)
	for _, e := range list {
		r, _ := e.(map[string]any)
		ids, kinds = append(ids, text(r, "Id")), append(kinds, text(r, "Type"))
	}
	list, _ = f["Types"].([]any)
	for _, e := range list {
		t, _ := e.(string)
		types = append(types, t)
	}
	return map[*[]stringFilter][]string{
		&k.Id: {text(f, "Id")}, &k.ProductArn: {text(f, "ProductArn")}, &k.AwsAccountId: {text(f, "AwsAccountId")}, &k.GeneratorId: {text(f, "GeneratorId")},
		&k.Title: {text(f, "Title")}, &k.RecordState: {text(f, "RecordState")}, &k.SeverityLabel: inner("Severity", "Label"), &k.WorkflowStatus: inner("Workflow", "Status"),
		&k.ComplianceStatus: inner("Compliance", "Status"), &k.ComplianceSecurityControlId: inner("Compliance", "SecurityControlId"), &k.Region: {text(f, "Region")},
		&k.ResourceId: ids, &k.ResourceType: kinds, &k.Type: types,
	}
}

// holds says whether a filter accepts one of the values; a negated one must accept all.
func (s stringFilter) holds(values []string) (bool, error) {
	tests := map[string]func(string) bool{
		"EQUALS": func(v string) bool { return v == s.Value }, "PREFIX": func(v string) bool { return strings.HasPrefix(v, s.Value) },
		"CONTAINS": func(v string) bool { return strings.Contains(v, s.Value) },
	}
	plain, negated := strings.CutPrefix(s.Comparison, "NOT_")
	if plain == "NOT_EQUALS" || s.Comparison == "PREFIX_NOT_EQUALS" {
		plain, negated = "PREFIX", true
	}
	test := tests[plain]
	if test == nil {
		return false, fmt.Errorf("Comparison %s is not valid", s.Comparison)
	}
	return slices.ContainsFunc(values, test) != negated, nil
}

// wants joins the filters of one field by or (negated ones by and), fields by and.
func (k filters) wants(f map[string]any) (bool, error) {
	for field, values := range k.by(f) {
		any, positive := false, false
		for _, s := range *field {
			ok, err := s.holds(values)
			if err != nil {
				return false, err
			}
			if strings.Contains(s.Comparison, "NOT_") {
				if !ok {
					return false, nil
				}
				continue
			}
			positive, any = true, any || ok
		}
		if positive && !any {
			return false, nil
		}
	}
	return true, nil
}

type sortField struct {
	Field     string
	SortOrder string
}

type getFindingsIn struct {
	Filters      filters
	SortCriteria []sortField
	NextToken    string
	MaxResults   int
}

type findingsOut struct {
	Findings  []map[string]any
	NextToken string
}

func getFindings(c *cloud.Call, in getFindingsIn) (out findingsOut, err error) {
	h, err := enabled(c)
	if err != nil {
		return out, err
	}
	var all []map[string]any
	for _, f := range h.findings {
		ok, err := in.Filters.wants(f)
		if err != nil {
			return out, c.Invalid("%v", err)
		}
		if ok {
			all = append(all, f)
		}
	}
	if err := sortFindings(c, all, in.SortCriteria); err != nil {
		return out, err
	}
	out.Findings, out.NextToken, err = cut(c, paged{in.NextToken, in.MaxResults}, all)
	return out, err
}

// sortFindings sorts by times; the simulator has no other field to sort by.
func sortFindings(c *cloud.Call, all []map[string]any, by []sortField) error {
	for _, s := range slices.Backward(by) {
		if s.Field != "CreatedAt" && s.Field != "UpdatedAt" || s.SortOrder != "asc" && s.SortOrder != "desc" {
			return c.Invalid("the simulator does not sort by %s %s", s.Field, s.SortOrder)
		}
		slices.SortStableFunc(all, func(a, b map[string]any) int {
			if s.SortOrder == "desc" {
				a, b = b, a
			}
			return strings.Compare(text(a, s.Field), text(b, s.Field))
		})
	}
	return nil
}

type identifier struct {
	Id         string `aws:",must"`
	ProductArn string `aws:",must"`
}

type updateIn struct {
	FindingIdentifiers []identifier `aws:",must"`
	Note               *struct{ Text, UpdatedBy string }
	Severity           *struct{ Label string }
	Workflow           *struct{ Status string }
	VerificationState  string
	UserDefinedFields  map[string]string
}

type unprocessed struct {
	FindingIdentifier       identifier
	ErrorCode, ErrorMessage string
}

type updateOut struct {
	ProcessedFindings   []identifier
	UnprocessedFindings []unprocessed
}

func updateFindings(c *cloud.Call, in updateIn) (out updateOut, err error) {
	h, err := enabled(c)
	if err != nil {
		return out, err
	}
	for _, id := range in.FindingIdentifiers {
		i := slices.IndexFunc(h.findings, func(f map[string]any) bool { return text(f, "Id") == id.Id && text(f, "ProductArn") == id.ProductArn })
		if i < 0 {
			out.UnprocessedFindings = append(out.UnprocessedFindings, unprocessed{id, "FindingNotFound", "Finding Not Found"})
			continue
		}
		in.apply(c, h.findings[i])
		tell(c, h.findings[i])
		out.ProcessedFindings = append(out.ProcessedFindings, id)
	}
	return out, nil
}

func (in *updateIn) apply(c *cloud.Call, f map[string]any) {
	if in.Note != nil {
		f["Note"] = map[string]any{"Text": in.Note.Text, "UpdatedBy": in.Note.UpdatedBy, "UpdatedAt": c.Now.Format("2006-01-02T15:04:05.000Z")}
	}
	if in.Severity != nil {
		f["Severity"] = map[string]any{"Label": in.Severity.Label}
	}
	if in.Workflow != nil {
		f["Workflow"] = map[string]any{"Status": in.Workflow.Status}
	}
	if in.VerificationState != "" {
		f["VerificationState"] = in.VerificationState
	}
	if in.UserDefinedFields != nil {
		fields := map[string]any{}
		for k, v := range in.UserDefinedFields {
			fields[k] = v
		}
		f["UserDefinedFields"] = fields
	}
}
