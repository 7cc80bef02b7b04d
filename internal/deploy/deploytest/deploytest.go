// Package deploytest has the stacks that tests write, and the interpreter that reads
// them as others do.
package deploytest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rootkeep/rootkeep/internal/deploy"
)

// Options are kinds of stacks by name: an account, an organization, one with an account for logs, and what is left
// when parts are left out.
func Options() map[string]deploy.Options {
	actions := []string{"iam:GetAccountSummary", "iam:GetAccountAuthorizationDetails", "cloudtrail:DescribeTrails"}
	all := deploy.Options{Actions: actions}
	out := map[string]deploy.Options{"account": all}
	elsewhere := all
	elsewhere.Home, elsewhere.LockMode, elsewhere.Emails, elsewhere.Webhook, elsewhere.ExternalID = "eu-west-1", "governance", []string{"security@example.com", "pager@example.com"}, true, "7f3a"
	elsewhere.ThreatList = true
	older := elsewhere
	older.ThreatSet = deploy.ThreatAddresses
	out["elsewhere"] = older
	organization := elsewhere
	organization.Organization, organization.Account, organization.Management, organization.LockMode = "o-a1b2c3d4e5", "222233334444", "111122223333", "compliance"
	out["organization"] = organization
	archive := organization
	archive.Archive = "333344445555"
	out["archive"] = archive
	alone := all
	alone.Without = []deploy.Part{deploy.Key, deploy.Queue, deploy.Findings, deploy.Config, deploy.SecurityHub, deploy.GuardDuty, deploy.Analyzer, deploy.Role}
	out["alarms"] = alone
	services := all
	services.Without = []deploy.Part{deploy.Trail, deploy.Key, deploy.Logs, deploy.Alarms, deploy.Notices, deploy.Events, deploy.Queue, deploy.Findings, deploy.Role}
	out["services"] = services
	return out
}

// Python is the interpreter of the virtual environment, which has cfn-lint and
// python-hcl2. Without it the test is skipped.
func Python(t testing.TB) string {
	t.Helper()
	_, file, _, _ := runtime.Caller(0)
	path := filepath.Join(filepath.Dir(file), "../../../.venv/python/bin/python")
	if _, err := os.Stat(path); err != nil {
		t.Skip("skipped: .venv/python is not there; hint: make setup")
	}
	return path
}

// Passing are the controls that the stack is for. Some more hang on what people decide.
var Passing = []string{
	"MF-01", "MF-02", "MF-03", "MF-04", "MF-05", "MF-06", "MF-07", "MF-08", "MF-09", "MF-10", "MF-11", "MF-12", "MF-13", "MF-14", "MF-15",
	"AL-01", "AL-02", "AL-03", "AL-04", "AL-05", "AL-06", "AL-07", "AL-08",
	"CT-01", "CT-02", "CT-03", "CT-04", "CT-05", "CT-06", "CT-07", "CT-09", "CT-13", "CT-14", "CT-15", "CT-16", "CT-18", "CT-19", "CT-22", "CT-23", "CT-25",
	"CO-01", "CO-02", "CO-03", "CO-04", "CO-06", "SH-01", "SH-03", "SH-04", "SH-06", "GD-01", "GD-02", "GD-05", "AA-01", "PL-03", "PL-04", "PL-05",
}
