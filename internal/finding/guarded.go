package finding

import (
	"slices"
	"strings"
)

// IsRule says whether a name has the form of a rule of findings: the product comes before a slash.
// No name of a shipped detection has one.
func IsRule(name string) bool { return strings.Contains(name, "/") }

// Guarded says whether alerts of a rule of findings may never be suppressed: those about root
// users, those about logs and detection that are switched off, and those whose name does not
// say what they are about.
func Guarded(name string) bool {
	product, of, found := strings.Cut(name, "/")
	switch {
	case !found || of == "":
		return true
	case product == "guardduty":
		return slices.Contains(watching, of) || slices.ContainsFunc(purposes, func(p string) bool { return strings.HasPrefix(of, p) })
	case product == "securityhub":
		return slices.Contains(rootControls, of) || slices.ContainsFunc(families, func(f string) bool { return strings.HasPrefix(of, f) })
	case product == "config", product == "security-hub": // a generator that is a number
		return true
	}
	of = strings.ToLower(of)
	return slices.ContainsFunc([]string{"root", "cloudtrail", "guardduty"}, func(word string) bool { return strings.Contains(of, word) })
}

// watching are GuardDuty's types about root users, and about what watches.
//
// Source: Amazon GuardDuty User Guide, "GuardDuty IAM finding types", "GuardDuty S3 Protection
// finding types", "GuardDuty retired finding types"; that on server access logs has another
// name in Security Hub ("Integrating AWS Security Hub with GuardDuty").
var watching = []string{
	RootUse, ShortRootUse,
	"Stealth:IAMUser/CloudTrailLoggingDisabled",     // a trail was stopped or deleted, or its files were
	"Stealth:IAMUser/LoggingConfigurationModified",  // retired
	"Stealth:IAMUser/PasswordPolicyChange",          // the account's, weaker
	"Stealth:S3/ServerAccessLoggingDisabled",        // of a bucket
	"Stealth:IAMUser/S3ServerAccessLoggingDisabled", // the same
	"DefenseEvasion:IAMUser/AnomalousBehavior",      // calls that delete or stop what watches
	"DefenseEvasion:IAMUser/BedrockLoggingDisabled",
}

// purposes are those whose types are all guarded: what hides, whatever types come, and
// sequences of signals, of which a trail that was deleted may be one ("GuardDuty attack
// sequence finding types").
var purposes = []string{"Stealth:", "AttackSequence:"}

// families are Security Hub's controls about what watches, rootControls those about root users:
// access keys, hardware MFA, MFA, use.
//
// Source: AWS Security Hub User Guide, "Control reference for Security Hub CSPM".
var (
	families     = []string{"CloudTrail.", "CloudWatch.", "Config.", "GuardDuty."}
	rootControls = []string{"IAM.4", "IAM.6", "IAM.9", "IAM.20"}
)
