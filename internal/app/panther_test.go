package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/detect"
)

// pantherToOurs names the detections of ours, or what they count, that answer
// the question of a Panther rule.
var pantherToOurs = map[string][]string{
	"AWS.CloudTrail.Created":                       {"trail-created"},
	"AWS.CloudTrail.DNSLogsDeleted":                {"network-logs-removed"},
	"AWS.CloudTrail.EnableRegion":                  {"region-enabled"},
	"AWS.CloudTrail.EventSelectorsDisabled":        {"management-events-excluded", "management-events-narrowed"},
	"AWS.CloudTrail.LoginProfileCreatedOrModified": {"console-password-changed-for-other", "console-password-created-for-other"},
	"AWS.CloudTrail.NetworkACLPermissiveEntry":     {"network-acl-opened"},
	"AWS.CloudTrail.RootPasswordChanged":           {"root-password-changed"},
	"AWS.CloudTrail.ShortLifecycle":                {"log-bucket-deletion"},
	"AWS.CloudTrail.SnapshotMadePublic":            {"ebs-snapshot-made-public", "ebs-snapshot-shared"},
	"AWS.CloudTrail.Stopped":                       {"trail-stopped"},
	"AWS.CloudTrail.UnauthorizedAPICall":           {"call-denied"},
	"AWS.ConfigService.DisabledDeleted":            {"config-recorder-stopped"},
	"AWS.Console.GetSigninToken.Abuse":             {"console-link-made-from-credentials"},
	"AWS.Console.LoginWithoutSAML":                 {"user-console-login-without-mfa"},
	"AWS.EC2.DownloadInstanceUserData":             {"user-data-asked", "user-data-read"},
	"AWS.EC2.ManualSecurityGroupChange":            {"security-group-opened-to-world", "security-group-admin-port-opened"},
	"AWS.EC2.ManyPasswordReadAttempts":             {"windows-password-asked", "windows-password-read"},
	"AWS.EC2.Startup.Script.Change":                {"user-data-changed"},
	"AWS.IAM.AccessKeyCompromised":                 {"compromised-key-quarantined"},
	"AWS.IAM.AttachAdminRolePolicy":                {"administrator-granted"},
	"AWS.IAM.BackdoorRole":                         {"role-trust-opened"},
	"AWS.IAMUser.ReconAccessDenied":                {"call-denied"},
	"AWS.Lambda.UpdateFunctionCode":                {"lambda-code-changed-by-person"},
	"AWS.Lambda.UpdateFunctionConfiguration":       {"lambda-layer-attached-by-person", "lambda-environment-changed-by-person"},
	"AWS.Macie.Evasion":                            {"security-analysis-disabled"},
	"AWS.Potential.Backdoor.Lambda":                {"lambda-policy-opened"},
	"AWS.RDS.InstanceMadePublic":                   {"rds-database-made-public"},
	"AWS.RDS.SnapshotExport":                       {"rds-snapshot-exported"},
	"AWS.RDS.SnapshotShared":                       {"rds-snapshot-shared", "rds-snapshot-made-public"},
	"AWS.Root.Activity":                            {"root-activity"},
	"AWS.S3.BucketDeleted":                         {"log-bucket-deletion"},
	"AWS.S3.BucketPolicyModified":                  {"bucket-policy-public", "bucket-acl-public"},
	"AWS.S3.DeleteBucketEncryption":                {"log-bucket-weakened"},
	"AWS.S3.DeleteBucketReplication":               {"log-bucket-shared"},
	"AWS.S3.DisableBucketLogging":                  {"network-logs-removed"},
	"AWS.S3.DisableMfaDelete":                      {"log-bucket-deletion"},
	"AWS.S3.SecurityControlDisabling":              {"log-bucket-deletion", "log-bucket-weakened", "network-logs-removed"},
	"AWS.S3.SuspendVersioning":                     {"log-bucket-deletion"},
	"AWS.SSM.DistributedCommand":                   {"remote-command-by-long-term-key", "remote-command-sent"},
	"AWS.STS.GetCallerIdentity.TruffleHog":         {"attack-tool-user-agent"},
	"AWS.SecretsManager.BatchRetrieveSecrets":      {"secret-batch-read"},
	"AWS.SecretsManager.RetrieveSecrets":           {"secret-read"},
	"AWS.Suspicious.SAML.Activity":                 {"identity-provider-changed"},
	"AWS.Unsuccessful.MFA.attempt":                 {"user-mfa-failure"},
	"AWS.UnusedRegion":                             {"regional-creation"},
	"AWS.VPCFlow.LogsDeleted":                      {"network-logs-removed"},
}

// pantherWithout are the rules that no detection of ours answers, with a word why.
var pantherWithout = map[string]string{
	"AWS.Bedrock.GuardrailUpdateDelete":                    "content safety of a model, not the account's",
	"AWS.CloudTrail.Account.Discovery":                     "single reads; recon-enumeration-burst counts many",
	"AWS.CloudTrail.IAMEntityCreatedWithoutCloudFormation": "policy of how users are made; user-created-then-armed judges what follows",
	"AWS.CloudTrail.SES.CheckIdentityVerifications":        "mail service reads",
	"AWS.CloudTrail.SES.CheckSendQuota":                    "mail service reads",
	"AWS.CloudTrail.SES.ListIdentities":                    "mail service reads",
	"AWS.CloudTrail.VPCE.AccessDenied":                     "network activity events, which trails do not record by default",
	"AWS.CloudTrail.VPCE.S3ExternalIP":                     "network activity events, which trails do not record by default",
	"AWS.CloudTrail.VPCE.SensitiveAPICalls":                "network activity events; the calls themselves are judged wherever they come from",
	"AWS.Console.Sign-In":                                  "every sign-in to the access portal",
	"AWS.EC2.EBS.Encryption.Disabled":                      "hygiene: harms no log and opens nothing",
	"AWS.EC2.GatewayModified":                              "every change of a gateway",
	"AWS.EC2.NetworkACLModified":                           "every change of a network ACL; network-acl-opened judges what it opens",
	"AWS.EC2.RouteTableModified":                           "every change of a route",
	"AWS.EC2.StopInstances":                                "every stop; user-data-planted judges what follows",
	"AWS.EC2.Traffic.Mirroring":                            "not among the attacks of the guide",
	"AWS.IAM.CreateRole":                                   "every new role; role-created-for-outsiders judges whom it trusts",
	"AWS.IAM.CredentialsUpdated":                           "a user who changes the own password",
	"AWS.IAM.Group.Read.Only.Events":                       "single reads; recon-enumeration-burst counts many",
	"AWS.IAM.PolicyModified":                               "every change of a policy; ours judge the rights it gives",
	"AWS.IPSet.Modified":                                   "IP sets of any service; guardduty-blinded judges those of GuardDuty",
	"AWS.RDS.AutomatedBackupDeleted":                       "destruction of data, not of the account or its logs",
	"AWS.RDS.ClusterFailover":                              "operation of databases",
	"AWS.RDS.DeletionProtectionDisabled":                   "destruction of data, not of the account or its logs",
	"AWS.RDS.InstanceRebooted":                             "operation of databases",
	"AWS.RDS.ManualSnapshotCreated":                        "a snapshot stays in the account; sharing and export are judged",
	"AWS.RDS.MasterPasswordUpdated":                        "operation of databases",
	"AWS.RDS.SecurityGroupIngressAuthorized":               "EC2-Classic database security groups, retired by AWS",
	"AWS.RDS.SnapshotDeleted":                              "destruction of data, not of the account or its logs",
	"AWS.S3.DeleteObject":                                  "data events",
	"AWS.S3.DeleteObjects":                                 "data events",
	"AWS.WAF.Disassociation":                               "web firewall of an application",
	"Retrieve.SSO.access.token":                            "every sign-in to the access portal",
	"Role.Assumed.by.User":                                 "every role change; first-seen detections judge the unusual",
	"Sign-in.with.AWS.CLI.prompt":                          "every sign-in to the access portal",
}

const (
	attemptsCount = "a failed attempt alerts one level lower instead of staying quiet"
	allRoot       = "every use of root is told, read-only and service-linked roles too"
)

// pantherDifferences are the cases, rule/case, in which our verdict is another,
// with the reason.
var pantherDifferences = map[string]string{
	"AWS.CloudTrail.Created/Error Creating CloudTrail":                                                attemptsCount,
	"AWS.CloudTrail.LoginProfileCreatedOrModified/ChangeOwnPassword":                                  "a role session that carries the user's name: by definition somebody else than the user",
	"AWS.CloudTrail.NetworkACLPermissiveEntry/Error Adding Overly Permissive Entry":                   attemptsCount,
	"AWS.CloudTrail.SnapshotMadePublic/Error Making Snapshot Publicly Accessible":                     attemptsCount,
	"AWS.CloudTrail.Stopped/Error Stopping CloudTrail":                                                attemptsCount,
	"AWS.ConfigService.DisabledDeleted/Error Deleting Config Recorder":                                attemptsCount,
	"AWS.Console.LoginWithoutSAML/Normal Login":                                                       "the guide asks for MFA, which was used, not for SAML",
	"AWS.EC2.ManualSecurityGroupChange/AWS Console - Ingress SG Authorization":                        "0.0.0.0/16 is not the world",
	"AWS.IAMUser.ReconAccessDenied/Unauthorized API Call - From AWS console":                          "the call counts whatever made it; the agent is the caller's to choose",
	"AWS.Lambda.UpdateFunctionConfiguration/FederatedUser Updates Lambda Configuration with Layers":   "the request names no layer",
	"AWS.Lambda.UpdateFunctionConfiguration/IAM User Updates Lambda Configuration with Layers":        "the request names no layer",
	"AWS.Lambda.UpdateFunctionConfiguration/SSO AssumedRole Updates Lambda Configuration with Layers": "the request names no layer",
	"AWS.Macie.Evasion/UpdateSession":                                                                 "only the frequency of reports is changed; pausing alerts",
	"AWS.Macie.Evasion/UpdateSession (Macie v1 event)":                                                "only the frequency of reports is changed; pausing alerts",
	"AWS.Potential.Backdoor.Lambda/Lambda Add Permission Event":                                       "the request names no principal, so nothing is opened",
	"AWS.Potential.Backdoor.Lambda/Lambda Add Permission Event v2":                                    "the request names no principal, so nothing is opened",
	"AWS.RDS.InstanceMadePublic/RDS Modification Failed":                                              attemptsCount,
	"AWS.RDS.SnapshotExport/RDS Snapshot Export Failed":                                               attemptsCount,
	"AWS.Root.Activity/Root Activity - CreateServiceLinkedRole":                                       allRoot,
	"AWS.Root.Activity/Root Read-Only Enumeration":                                                    allRoot,
	"AWS.S3.BucketPolicyModified/S3 Bucket Policy Modified":                                           "the ACL is private",
	"AWS.S3.DeleteBucketEncryption/Bucket Encryption Deletion Failed":                                 attemptsCount,
	"AWS.S3.DeleteBucketReplication/Bucket Replication Deletion Failed":                               attemptsCount,
	"AWS.S3.DeleteBucketReplication/Different S3 Event":                                               "replication that is set may send the log files to somebody else",
	"AWS.S3.DisableBucketLogging/Bucket Logging Disabled - Failed":                                    attemptsCount,
	"AWS.S3.DisableMfaDelete/MFA Delete Disabled - Failed":                                            attemptsCount,
	"AWS.S3.SecurityControlDisabling/Match - Versioning Disabled (alternate status value)":            "S3 knows no status Disabled",
	"AWS.S3.SecurityControlDisabling/No Match - Failed API Call (Access Denied)":                      attemptsCount,
	"AWS.S3.SuspendVersioning/Versioning Change Failed":                                               attemptsCount,
	"AWS.S3.SuspendVersioning/Versioning Disabled Successfully":                                       "S3 knows no status Disabled",
	"AWS.STS.GetCallerIdentity.TruffleHog/Different STS Event with TruffleHog Agent":                  "an attack tool is told whatever it calls",
	"AWS.UnusedRegion/Authorized region":                                                              "Regions in use are learned, not listed: region-first-used fires after the learning time only",
}

// pantherFile is one rule with its cases.
type pantherFile struct {
	Rule  string
	Tests []struct {
		Name     string
		Expected bool
		Log      map[string]any
	}
}

func TestPantherCasesAgree(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(corpus(t, "panther"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	stale := maps.Clone(pantherDifferences)
	unmet := maps.Clone(pantherWithout)
	for name := range pantherToOurs {
		unmet[name] = ""
	}
	agreed, total := 0, 0
	for _, file := range files {
		p := readPanther(t, file)
		delete(unmet, p.Rule)
		ours, have := pantherToOurs[p.Rule]
		if reason, without := pantherWithout[p.Rule]; without == have {
			t.Errorf("%s: listed %t as answered and %t as not; want one of them", p.Rule, have, without)
		} else if without {
			t.Logf("%-55s %2d cases  not ours: %s", p.Rule, len(p.Tests), reason)
			continue
		}
		agree := 0
		for _, c := range p.Tests {
			matched := matches(t, c.Log)
			got := slices.ContainsFunc(ours, func(name string) bool { return slices.Contains(matched, name) })
			key := p.Rule + "/" + c.Name
			_, listed := pantherDifferences[key]
			delete(stale, key)
			switch {
			case got == c.Expected && listed:
				t.Errorf("%s: listed as a difference, but both say %t", key, got)
			case got != c.Expected && !listed:
				t.Errorf("%s: got %t of %v (matched: %v), want %t", key, got, ours, matched, c.Expected)
			}
			if got == c.Expected {
				agree++
			}
		}
		agreed, total = agreed+agree, total+len(p.Tests)
		t.Logf("%-55s %2d agree %2d differ  %v", p.Rule, agree, len(p.Tests)-agree, ours)
	}
	for key := range stale {
		t.Errorf("%s: listed as a difference, but there is no such case", key)
	}
	for name := range unmet {
		t.Errorf("%s: listed, but there is no such rule", name)
	}
	t.Logf("%d of %d cases of %d rules agree; %d rules are not ours", agreed, total, len(pantherToOurs), len(pantherWithout))
}

func readPanther(t *testing.T, file string) pantherFile {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var p pantherFile
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return p
}

// matches hunts one event and names every rule that matched, whether it alerts
// by itself or is counted. The event's bucket is taken as watched.
func matches(t *testing.T, log map[string]any) []string {
	t.Helper()
	request, _ := log["requestParameters"].(map[string]any)
	bucket, _ := request["bucketName"].(string)
	inventory := filepath.Join(t.TempDir(), "inventory.yaml")
	if err := os.WriteFile(inventory, fmt.Appendf(nil, "bucket: [%q]\n", bucket), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"Records": []any{log}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	h, err := Hunt(context.Background(), HuntConfig{
		Paths: []string{"-"}, Stdin: bytes.NewReader(text), Pack: shipped(t), Inventory: inventory, Now: time.Now, Workers: 1, DedupMemory: 1 << 20,
		OnMatch: func(m detect.Match) { names = append(names, m.Rule) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Problems) > 0 {
		t.Fatalf("the case does not read: %+v", h.Problems)
	}
	return names
}
