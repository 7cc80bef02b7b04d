package iamsvc

import (
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/entity"
)

// reportLife is how long IAM serves the same credential report.
const reportLife = 4 * time.Hour

// report is the credential report of an account. A task takes three calls from STARTED
// to COMPLETE; the report is of the time when it started.
type report struct {
	content string
	started time.Time
	asked   int
}

func (r *report) done() bool { return r.asked >= 3 }

type generateReportOut struct{ State, Description string }

func generateReport(c *cloud.Call, _ cloud.None) (generateReportOut, error) {
	r := cloud.Regional[report](c.Account, "")
	if r.asked == 0 || r.done() && c.Now.Sub(r.started) >= reportLife {
		*r = report{content: credentialReport(c.Account), started: c.Now}
	}
	if r.asked++; r.asked == 1 {
		return generateReportOut{"STARTED", "No report entity.Exists. Starting a new report generation task"}, nil
	}
	if !r.done() {
		return generateReportOut{State: "INPROGRESS"}, nil
	}
	return generateReportOut{State: "COMPLETE"}, nil
}

type getReportOut struct {
	Content       []byte
	ReportFormat  string
	GeneratedTime time.Time
}

func getReport(c *cloud.Call, _ cloud.None) (out getReportOut, err error) {
	r := cloud.Regional[report](c.Account, "")
	switch {
	case r.asked == 0:
		return out, cloud.Fail("ReportNotPresent", 410, "No report entity.Exists. Use GenerateCredentialReport to start a new report.")
	case !r.done():
		return out, cloud.Fail("ReportInProgress", 404, "The report is being generated.")
	case c.Now.Sub(r.started) >= reportLife:
		return out, cloud.Fail("ReportExpired", 410, "The report expired. Use GenerateCredentialReport to start a new report.")
	}
	return getReportOut{[]byte(r.content), "text/csv", r.started}, nil
}

// reportColumns are the columns of the report (IAM User Guide, "Getting credential
// reports for your AWS account").
var reportColumns = []string{
	"user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed", "password_next_rotation", "mfa_active",
	"access_key_1_active", "access_key_1_last_rotated", "access_key_1_last_used_date", "access_key_1_last_used_region", "access_key_1_last_used_service",
	"access_key_2_active", "access_key_2_last_rotated", "access_key_2_last_used_date", "access_key_2_last_used_region", "access_key_2_last_used_service",
	"cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated",
}

// credentialReport writes the report: root first, then the users.
func credentialReport(a *cloud.Account) string {
	lines := []string{strings.Join(reportColumns, ",")}
	r := &a.Root
	lines = append(lines, reportRow("<root_account>", a.IAM("root"), r.Created, &r.Password, "not_supported", r.MFA, r.Keys, r.Certificates))
	for _, u := range cloud.Sorted(a.Users) {
		next := "N/A"
		if p := a.Password; p != nil && p.MaxAge > 0 && u.Password.Set {
			next = stamp(u.Password.Changed.AddDate(0, 0, p.MaxAge))
		}
		lines = append(lines, reportRow(u.Name, u.ARN, u.Created, &u.Password, next, u.MFA, u.Keys, u.Certificates))
	}
	return strings.Join(lines, "\n")
}

func reportRow(name, arn string, created time.Time, p *cloud.Password, next string, mfa []*cloud.Device, keys []*cloud.AccessKey, certs []*cloud.Certificate) string {
	// IAM writes the time of creation with an offset, other times with Z.
	row := []string{name, arn, created.Format("2006-01-02T15:04:05+00:00"), boolText(p.Set)}
	switch {
	case !p.Set && p.Used.IsZero():
		row = append(row, "N/A", "N/A", next)
	case p.Used.IsZero():
		row = append(row, "no_information", stamp(p.Changed), next)
	default:
		row = append(row, stamp(p.Used), stamp(p.Changed), next)
	}
	row = append(row, boolText(len(mfa) > 0))
	for i := range entity.MaxKeys {
		if i >= len(keys) {
			row = append(row, "false", "N/A", "N/A", "N/A", "N/A")
			continue
		}
		k := keys[i]
		row = append(row, boolText(k.Active), stamp(k.Created), stamp(k.Used), entity.OrNA(k.Region), entity.OrNA(k.Service))
	}
	for i := range entity.MaxKeys {
		if i >= len(certs) {
			row = append(row, "false", "N/A")
			continue
		}
		row = append(row, boolText(certs[i].Active), stamp(certs[i].Uploaded))
	}
	return strings.Join(row, ",")
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "N/A"
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}
