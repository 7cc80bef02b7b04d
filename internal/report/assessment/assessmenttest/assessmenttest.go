// Package assessmenttest has assessments for the tests of every format: one with a
// finding of each status and all that a report has beside them, and the same with poison
// in every text that comes from AWS or a file.
package assessmenttest

import (
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/posture/score"
	"github.com/rootkeep/rootkeep/internal/register"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
)

// Poison is text that does harm where it is not escaped.
const Poison = "=cmd|x<script>alert(1)</script>\"'&\x1b[2J\u202e\u200b\r\n\u009b\U000e0041\xff%zz:"

// Day is when the story was judged.
var Day = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)

var controls = []*posture.Control{
	{ID: "RT-01", Name: "root-mfa-enabled", Why: "No IAM policy can limit the root user.", Fix: posture.Fix{Console: "Sign in as root and assign a passkey.", Effort: "minutes"}},
	{ID: "RT-05", Name: "root-no-key", Why: "A key never expires.", Fix: posture.Fix{Console: "Delete the key.", Effort: "minutes"}},
	{ID: "IU-01", Name: "console-mfa", Why: "A password alone is phished.", Fix: posture.Fix{CLI: "aws iam enable-mfa-device", Effort: "hours"}},
	{ID: "CT-01", Name: "trail", Why: "Without a trail nobody knows.", Fix: posture.Fix{Console: "Create a trail.", Effort: "hours"}},
	{ID: "GD-01", Name: "guardduty", Why: "It sees what rules do not.", Fix: posture.Fix{CLI: "aws guardduty create-detector --enable", Effort: "days"}},
	{ID: "MF-03", Name: "alarm-root", Why: "Minutes count.", Fix: posture.Fix{Console: "Create the alarm.", Effort: "hours"}},
	{ID: "PW-08", Name: "expiry", Why: "An old password may be known.", Fix: posture.Fix{Console: "Set it.", Effort: "minutes"}},
}

func findings() []rootkeep.Finding {
	const account, root = "111122223333", "arn:aws:iam::111122223333:root"
	list := []rootkeep.Finding{
		{Control: "RT-01", Title: "Root user has MFA", Severity: rootkeep.Critical, Status: rootkeep.Fail, Resource: root, Detail: "password, no device"},
		{Control: "RT-05", Title: "Root user has no active access key", Severity: rootkeep.Critical, Status: rootkeep.Excepted, Resource: root,
			Exception: &rootkeep.Exception{Owner: "jane@example.com", Reason: "Needed for the old billing export", Until: Day.AddDate(0, 0, 20)}},
		{Control: "CT-01", Title: "A trail of all Regions is logging", Severity: rootkeep.Critical, Status: rootkeep.Pass, Resource: root},
		{Control: "GD-01", Title: "GuardDuty is on", Severity: rootkeep.High, Status: rootkeep.Fail, Region: "eu-west-3", Resource: root, Detail: "no detector"},
		{Control: "GD-01", Title: "GuardDuty is on", Severity: rootkeep.High, Status: rootkeep.Unknown, Region: "us-east-1", Resource: root,
			Missing: []string{"regions.guardduty: guardduty:ListDetectors denied"}, Permissions: []string{"guardduty:ListDetectors"}},
		{Control: "PW-08", Title: "Passwords expire", Severity: rootkeep.Low, Status: rootkeep.Excepted, Resource: root,
			Exception: &rootkeep.Exception{Owner: "tom@example.com", Reason: "Single sign-on comes in March", Until: Day.AddDate(0, 4, 0)}},
		{Control: "MF-03", Title: "An alarm fires on every use of the root user", Severity: rootkeep.Critical, Status: rootkeep.NotApplicable, Resource: root},
	}
	for i := range 7 {
		list = append(list, rootkeep.Finding{Control: "IU-01", Title: "Users with a password have MFA", Severity: rootkeep.High, Status: rootkeep.Fail,
			Resource: fmt.Sprintf("arn:aws:iam::111122223333:user/user-%d", i)})
	}
	for i := range list {
		list[i].Account = account
	}
	return list
}

// Story is a scan of one account with a finding of each status.
func Story() *assessment.Assessment { return assess(findings(), "111122223333") }

// Hostile is the story with poison in its texts.
func Hostile() *assessment.Assessment {
	list := findings()
	for i := range list {
		f := &list[i]
		f.Title, f.Detail, f.Resource, f.Region = Poison+f.Title, Poison+strings.Repeat("x", 3000), f.Resource+Poison, f.Region+Poison
		if f.Status == rootkeep.Unknown {
			f.Missing, f.Permissions = []string{Poison}, []string{Poison}
		}
		if f.Exception != nil {
			f.Exception.Owner, f.Exception.Reason = Poison, Poison
		}
	}
	a := assess(list, "111122223333")
	a.Problems[0] = assessment.Problem{File: Poison, Reason: Poison}
	a.Register.File, a.Register.Notices[0].Text, a.Since.File = Poison, Poison, Poison
	a.Accounts[0].Alias, a.Accounts[0].Origins[0].File = Poison, Poison
	return a
}

// Empty is a scan that judged nothing.
func Empty() *assessment.Assessment {
	a := assessment.New("0.1.0", Day, nil)
	a.Finish()
	return a
}

func assess(list []rootkeep.Finding, id rootkeep.AccountID) *assessment.Assessment {
	s := &facts.Snapshot{Account: id, Taken: Day}
	s.Facts.Account.Alias = "example-production"
	s.Observe("iam:GetAccountSummary", Day.Add(-time.Hour), "summary.json", "root.mfa_enabled")
	s.Observe("iam:GetCredentialReport", Day.Add(-4*time.Hour), "", "users.mfa_enabled")
	a := assessment.New("0.1.0", Day, controls)
	a.Add(s, list)
	a.Problems = append(a.Problems, assessment.Problem{File: "AWS", Reason: "guardduty:ListDetectors denied in us-east-1"})
	a.Register = &assessment.Register{File: "register.yaml", Notices: []register.Notice{{Line: 12, Kind: "expiring", Text: "exception of RT-05, owner jane@example.com: expires 2026-12-10"}}}
	a.Finish()
	a.Grade(&score.Scorecard{Title: "Security scorecard", Levels: []score.Level{
		{ID: "foundation", Title: "Foundation security", Items: []score.Item{
			{ID: "root-mfa", Text: "Multi-device MFA strategy", Controls: []string{"RT-01"}}, {ID: "trail", Text: "Basic monitoring with CloudTrail enabled", Controls: []string{"CT-01"}},
		}},
		{ID: "advanced", Title: "Advanced protection", Items: []score.Item{
			{ID: "detection", Text: "Comprehensive monitoring with GuardDuty and Config", Controls: []string{"GD-01", "CO-01"}}, {ID: "other", Text: "Compliance-ready documentation", Controls: []string{"AC-08"}},
		}},
	}})
	earlier := assessment.New("0.1.0", Day.AddDate(0, -1, 0), controls)
	before := append([]rootkeep.Finding(nil), list...)
	before[0].Status, before[2].Status, before[4].Status = rootkeep.Pass, rootkeep.Fail, rootkeep.Pass
	before = append(before, rootkeep.Finding{Control: "IU-01", Title: "Users with a password have MFA", Status: rootkeep.Fail, Account: id, Resource: "arn:aws:iam::111122223333:user/left"})
	earlier.Add(s, before)
	a.Compare(earlier, "october.json")
	return a
}
