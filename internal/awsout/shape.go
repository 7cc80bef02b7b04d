package awsout

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"github.com/rootkeep/rootkeep/internal/report/asff"
)

// shape is a finding as the SDK has it.
func shape(f *asff.Finding) types.AwsSecurityFinding {
	out := types.AwsSecurityFinding{
		SchemaVersion: &f.SchemaVersion, Id: &f.ID, ProductArn: &f.ProductARN, ProductName: &f.ProductName, CompanyName: &f.CompanyName, Region: &f.Region,
		GeneratorId: &f.GeneratorID, AwsAccountId: &f.AWSAccountID, Types: f.Types, LastObservedAt: &f.LastObservedAt, CreatedAt: &f.CreatedAt, UpdatedAt: &f.UpdatedAt,
		Severity: &types.Severity{Label: types.SeverityLabel(f.Severity.Label), Original: &f.Severity.Original},
		Title:    &f.Title, Description: &f.Description, ProductFields: f.ProductFields, RecordState: types.RecordState(f.RecordState),
	}
	if f.FirstObservedAt != "" {
		out.FirstObservedAt = &f.FirstObservedAt
	}
	if f.Compliance.Status != "" {
		out.Compliance = &types.Compliance{Status: types.ComplianceStatus(f.Compliance.Status)}
	}
	if f.Remediation != nil {
		out.Remediation = &types.Remediation{Recommendation: &types.Recommendation{Text: &f.Remediation.Recommendation.Text}}
	}
	for i := range f.Compliance.StatusReasons {
		r := &f.Compliance.StatusReasons[i]
		out.Compliance.StatusReasons = append(out.Compliance.StatusReasons, types.StatusReason{ReasonCode: &r.ReasonCode, Description: &r.Description})
	}
	for i := range f.Resources {
		r := &f.Resources[i]
		shaped := types.Resource{Type: &r.Type, Id: &r.ID, Partition: types.Partition(r.Partition)}
		if r.Region != "" {
			shaped.Region = aws.String(r.Region)
		}
		out.Resources = append(out.Resources, shaped)
	}
	return out
}
