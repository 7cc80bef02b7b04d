// Package asff writes findings in the AWS Security Finding Format, as the operation
// BatchImportFindings of Security Hub takes them: an assessment goes in, or alerts.
//
// Source: AWS Security Hub User Guide, "AWS Security Finding Format (ASFF)", "Required
// top-level ASFF attributes" and "Evaluating the compliance status of findings".
package asff

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Limits of the format, in characters. A finding is far below the 240 KB that it may
// have in all, because each of its few texts is cut.
const (
	maxTitle       = 256
	maxDescription = 1024
	maxText        = 512 // of IDs and of the recommendation
	maxField       = 2048
)

// Finding is one finding. Its JSON is ASFF.
type Finding struct {
	SchemaVersion   string
	ID              string `json:"Id"`
	ProductARN      string `json:"ProductArn"`
	ProductName     string
	CompanyName     string
	Region          string
	GeneratorID     string `json:"GeneratorId"`
	AWSAccountID    string `json:"AwsAccountId"`
	Types           []string
	FirstObservedAt string `json:",omitempty"` // of an alert
	LastObservedAt  string
	CreatedAt       string
	UpdatedAt       string
	Severity        Severity
	Title           string
	Description     string
	Remediation     *Remediation      `json:",omitempty"`
	ProductFields   map[string]string `json:",omitempty"`
	Resources       []Resource
	Compliance      Compliance `json:",omitzero"` // of a control
	RecordState     string     // ACTIVE or ARCHIVED
}

// Severity is how bad a failure is; what passes is INFORMATIONAL.
type Severity struct {
	Label    string
	Original string // rootkeep's own, of the control
}

// Remediation is what to do.
type Remediation struct{ Recommendation Recommendation }

// Recommendation is what to do, in words.
type Recommendation struct{ Text string }

// Resource is what the finding is about.
type Resource struct {
	Type      string
	ID        string `json:"Id"`
	Partition string
	Region    string `json:",omitempty"`
}

// Compliance is what the control came to.
type Compliance struct {
	Status        string
	StatusReasons []Reason `json:",omitempty"`
}

// Reason says why a status is what it is.
type Reason struct {
	ReasonCode  string
	Description string
}

// Import is what BatchImportFindings takes, but for its limit of 100 findings.
type Import struct{ Findings []Finding }

// Write writes the findings of an assessment as one Import, as Of gives them.
func Write(w io.Writer, a *assessment.Assessment, region rootkeep.Region) error {
	if err := numbered(a); err != nil {
		return err
	}
	d := text.Document{Shell: Import{[]Finding{}}, EscapeHTML: true, Lists: []text.LongList{{Key: "Findings", Depth: 1, Each: func(yield func(any) bool) {
		each(a, region, func(f Finding) bool { return yield(f) })
	}}}}
	if err := d.Write(w); err != nil {
		return fmt.Errorf("write ASFF: %w", err)
	}
	return nil
}

// Of gives the findings of an assessment, as they are imported in a Region. IDs are the
// same in every scan, so that an import updates what an earlier one brought: what passes
// now, does not apply, or is gone since the scan that this one is compared with, is
// archived. What is not known is a WARNING, never PASSED; so is what somebody accepts.
// The error says that an account's number is not known.
func Of(a *assessment.Assessment, region rootkeep.Region) ([]Finding, error) {
	if err := numbered(a); err != nil {
		return nil, err
	}
	out := make([]Finding, 0, len(a.Findings))
	each(a, region, func(f Finding) bool {
		out = append(out, f)
		return true
	})
	return out, nil
}

// numbered says whether the number of each account is known.
func numbered(a *assessment.Assessment) error {
	lists := [][]rootkeep.Finding{a.Findings}
	if a.Since != nil {
		lists = append(lists, a.Since.Gone)
	}
	for _, list := range lists {
		for i := range list {
			if _, err := rootkeep.ParseAccountID(string(list[i].Account)); err != nil {
				return errors.New("no file tells the account's number, which the AWS Security Finding Format wants; hint: add the authorization details or the credential report")
			}
		}
	}
	return nil
}

// each gives the findings one by one, until do says that it is enough. Of two with one
// ID the later import would win. The worse comes first, and the other is left out.
func each(a *assessment.Assessment, region rootkeep.Region, do func(Finding) bool) {
	seen := map[string]bool{}
	add := func(f *rootkeep.Finding) bool {
		id := f.ID()
		if seen[id] {
			return true
		}
		seen[id] = true
		return do(of(a, f, region))
	}
	for i := range a.Findings {
		if !add(&a.Findings[i]) {
			return
		}
	}
	if a.Since == nil {
		return
	}
	for _, f := range a.Since.Gone {
		f.Status, f.Detail, f.Exception = rootkeep.NotApplicable, "The resource is no longer there.", nil
		if !add(&f) {
			return
		}
	}
}

func of(a *assessment.Assessment, f *rootkeep.Finding, region rootkeep.Region) Finding {
	at, account := a.Judged.UTC().Format("2006-01-02T15:04:05.000Z"), string(f.Account)
	out := Finding{
		SchemaVersion: "2018-10-08", ID: "rootkeep/" + f.ID(), ProductName: "rootkeep", CompanyName: "rootkeep", Region: string(region),
		ProductARN:  fmt.Sprintf("arn:%s:securityhub:%s:%s:product/%s/default", region.Partition(), region, account, account),
		GeneratorID: cut("rootkeep/"+f.Control, maxText), AWSAccountID: account, Types: []string{"Software and Configuration Checks/AWS Security Best Practices"},
		LastObservedAt: at, CreatedAt: at, UpdatedAt: at,
		Severity: Severity{Label: label(f), Original: f.Severity.String()},
		Title:    cut(f.Control+" "+f.Title, maxTitle), Description: cut(description(a, f), maxDescription),
		ProductFields: fields(f), Resources: []Resource{resource(f, region)}, Compliance: compliance(f), RecordState: "ACTIVE",
	}
	if f.Status == rootkeep.Pass || f.Status == rootkeep.NotApplicable {
		out.RecordState = "ARCHIVED"
	}
	if c := a.Control(f.Control); c != nil {
		if words := cmp.Or(c.Fix.Console, c.Fix.CLI); words != "" {
			out.Remediation = &Remediation{Recommendation{cut(words, maxText)}}
		}
	}
	return out
}

// cut makes text visible and short enough, with a dash for none: no text may be empty.
func cut(s string, most int) string {
	const note = len("...(1234567890 more bytes)")
	if short := text.Visible(s, 0); len(short) <= most {
		return cmp.Or(strings.TrimSpace(short), "-")
	}
	return text.Visible(s, most-note)
}

func label(f *rootkeep.Finding) string {
	if f.Status == rootkeep.Pass || f.Status == rootkeep.NotApplicable {
		return "INFORMATIONAL"
	}
	return strings.ToUpper(f.Severity.String())
}

func description(a *assessment.Assessment, f *rootkeep.Finding) string {
	parts := []string{}
	if e := f.Exception; e != nil {
		parts = append(parts, fmt.Sprintf("Accepted by %s until %s: %s.", e.Owner, e.Until.UTC().Format(time.DateOnly), e.Reason))
	}
	if len(f.Missing) > 0 {
		parts = append(parts, "Not known: "+strings.Join(f.Missing, "; ")+".")
	}
	if f.Detail != "" {
		parts = append(parts, f.Detail)
	}
	if c := a.Control(f.Control); c != nil {
		parts = append(parts, c.Why)
	}
	return strings.Join(parts, " ")
}

func fields(f *rootkeep.Finding) map[string]string {
	out := map[string]string{"rootkeep/Control": cut(f.Control, maxField), "rootkeep/Status": f.Status.String()}
	if len(f.Permissions) > 0 {
		out["rootkeep/MissingPermissions"] = cut(strings.Join(f.Permissions, " "), maxField)
	}
	if e := f.Exception; e != nil {
		out["rootkeep/ExceptionOwner"], out["rootkeep/ExceptionUntil"] = cut(e.Owner, maxField), e.Until.UTC().Format(time.RFC3339)
	}
	return out
}

func compliance(f *rootkeep.Finding) Compliance {
	switch f.Status {
	case rootkeep.Pass:
		return Compliance{Status: "PASSED"}
	case rootkeep.Fail:
		return Compliance{Status: "FAILED"}
	case rootkeep.NotApplicable:
		return Compliance{Status: "NOT_AVAILABLE", StatusReasons: []Reason{{"ROOTKEEP_NOT_APPLICABLE", "The control does not concern the resource."}}}
	case rootkeep.Excepted:
		return Compliance{Status: "WARNING", StatusReasons: []Reason{{"ROOTKEEP_EXCEPTED", "The control fails, and its owner accepts that until a day."}}}
	}
	return Compliance{Status: "WARNING", StatusReasons: []Reason{{"ROOTKEEP_UNKNOWN", "A fact that decides could not be read."}}}
}

// kinds are the types of resources in ASFF, by the service of the ARN and how its last
// part begins. What is not here is Other.
var kinds = []struct{ service, resource, kind string }{
	{"iam", "root", "AwsAccount"}, {"iam", "user/", "AwsIamUser"}, {"iam", "role/", "AwsIamRole"}, {"iam", "group/", "AwsIamGroup"}, {"iam", "policy/", "AwsIamPolicy"},
	{"cloudtrail", "trail/", "AwsCloudTrailTrail"}, {"cloudwatch", "alarm:", "AwsCloudWatchAlarm"}, {"s3", "", "AwsS3Bucket"}, {"kms", "key/", "AwsKmsKey"},
	{"sns", "", "AwsSnsTopic"}, {"sqs", "", "AwsSqsQueue"}, {"secretsmanager", "secret:", "AwsSecretsManagerSecret"}, {"events", "event-bus/", "AwsEventsEventbus"},
	{"guardduty", "detector/", "AwsGuardDutyDetector"},
}

// resource names what the finding is about. Global resources are in no Region.
func resource(f *rootkeep.Finding, region rootkeep.Region) Resource {
	account := Resource{Type: "AwsAccount", ID: "AWS::::Account:" + string(f.Account), Partition: region.Partition(), Region: string(f.Region)}
	arn, err := rootkeep.ParseARN(f.Resource)
	if err != nil && f.Resource == "account" {
		return account
	}
	out := Resource{Type: "Other", ID: cut(f.Resource, maxText), Partition: region.Partition(), Region: string(f.Region)}
	if err != nil {
		return out
	}
	for _, k := range kinds {
		if arn.Service == k.service && strings.HasPrefix(arn.Resource, k.resource) {
			if out.Type = k.kind; k.kind == account.Type {
				return account
			}
			break
		}
	}
	return out
}
