package finding

import (
	"os"
	"strings"
	"testing"
)

func TestWhichFindingsAreNeverSuppressed(t *testing.T) {
	for name, want := range map[string]bool{
		"guardduty/" + RootUse:                                  true,
		"guardduty/" + ShortRootUse:                             true,
		"guardduty/Stealth:IAMUser/CloudTrailLoggingDisabled":   true,
		"guardduty/Stealth:Lambda/AsYetUnknown":                 true,
		"guardduty/DefenseEvasion:IAMUser/AnomalousBehavior":    true,
		"guardduty/DefenseEvasion:EC2/UnusualDNSResolver":       false,
		"guardduty/AttackSequence:IAM/CompromisedCredentials":   true,
		"guardduty/Discovery:IAMUser/AnomalousBehavior":         false,
		"guardduty/PrivilegeEscalation:Runtime/ElevationToRoot": false, // of a container
		"guardduty/":                           true,
		"securityhub/IAM.9":                    true,
		"securityhub/IAM.90":                   false,
		"securityhub/IAM.3":                    false,
		"securityhub/CloudTrail.1":             true,
		"securityhub/CloudWatch.1":             true,
		"securityhub/GuardDuty.12":             true,
		"securityhub/S3.8":                     false,
		"inspector/AWSInspector":               false,
		"prowler/prowler-iam_root_mfa_enabled": true,
		"prowler/prowler-ec2_ami_public":       false,
		"config/arn:aws:config:eu-west-1:111122223333:config-rule/config-rule-0abc12":                true,
		"security-hub/arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0/rule/1.13": true,
		"root-activity": true,
	} {
		if got := Guarded(name); got != want {
			t.Errorf("%s: got guarded %v, want %v", name, got, want)
		}
	}
	if IsRule("root-activity") || !IsRule("guardduty/"+RootUse) {
		t.Error("want the name of a detection told from one of a finding's rule")
	}
}

// Who reads about suppressions finds each of those that cannot be.
func TestTheGuardedFindingsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/other-eyes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]string{watching, purposes, families, rootControls} {
		for _, name := range list {
			if !strings.Contains(string(text), "`"+name) {
				t.Errorf("docs/other-eyes.md does not name %s", name)
			}
		}
	}
}
