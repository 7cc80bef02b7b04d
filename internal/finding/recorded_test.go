package finding

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
)

// What follows has the shapes of findings that others recorded or published, in as few words
// as show what the reader makes of them.

// ofDuty is a finding of GuardDuty with a type, a resource and a service of its own.
func ofDuty(kind, resource, service string) string {
	return `{"accountId":"111122223333","region":"us-west-2","partition":"aws","id":"f1","arn":"` + arn + `","type":"` + kind + `","title":"Found.","severity":5,
		"createdAt":"2026-11-27T10:05:00Z","updatedAt":"2026-11-27T10:20:00Z","resource":` + resource + `,"service":` + service + `}`
}

// ofHub is the same by Security Hub: types, fields of the product and resources.
func ofHub(types, fields, rest string) string {
	return `{"findings":[{"Id":"` + arn + `","ProductArn":"arn:aws:securityhub:us-west-2::product/aws/guardduty","ProductName":"GuardDuty","Region":"us-west-2","AwsAccountId":"111122223333",
		"GeneratorId":"arn:aws:guardduty:us-west-2:111122223333:detector/d1","CreatedAt":"2026-11-27T10:05:00Z","UpdatedAt":"2026-11-27T10:20:00Z","Severity":{"Product":5.0,"Label":"MEDIUM","Normalized":50},
		"Title":"Found.","Types":[` + types + `],"ProductFields":{` + fields + `},` + rest + `,"WorkflowState":"NEW","Workflow":{"Status":"NEW"},"RecordState":"ACTIVE"}]}`
}

const (
	instance = "arn:aws:ec2:us-west-2:111122223333:instance/i-0abc"
	peer     = `"remoteIpDetails":{"ipAddressV4":"198.51.100.7","organization":{"asn":"64500","asnOrg":"Example Net"}}`
)

// The address that a finding names, whatever kind of action it is of. Shapes: Amazon GuardDuty
// API Reference, "Action"; of Security Hub, Amazon GuardDuty User Guide, "Integrating AWS
// Security Hub with GuardDuty" (the example of SSHBruteForce).
func TestTheAddressOfEachKindOfAction(t *testing.T) {
	want := []rootkeep.Address{{Text: "198.51.100.7", Network: "Example Net", Count: 3}}
	field := func(action string) string {
		return `"aws/guardduty/service/count":"3","aws/guardduty/service/action/` + action + `/remoteIpDetails/ipAddressV4":"198.51.100.7","aws/guardduty/service/action/` + action + `/remoteIpDetails/organization/asnOrg":"Example Net"`
	}
	const resources = `"Resources":[{"Type":"AwsEc2Instance","Id":"` + instance + `"}]`
	for name, test := range map[string]struct{ kind, body string }{
		"a call":                        {GuardDutyEvent, `"awsApiCallAction":{"api":"ListUsers",` + peer + `}`},
		"a connection":                  {GuardDutyEvent, `"networkConnectionAction":{"connectionDirection":"INBOUND",` + peer + `}`},
		"a probe":                       {GuardDutyEvent, `"portProbeAction":{"blocked":false,"portProbeDetails":[{` + peer + `}]}`},
		"of a cluster":                  {GuardDutyEvent, `"kubernetesApiCallAction":{"verb":"get",` + peer + `}`},
		"of a database":                 {GuardDutyEvent, `"rdsLoginAttemptAction":{` + peer + `}`},
		"a call, by Security Hub":       {SecurityHubEvent, "awsApiCallAction"},
		"a connection, by Security Hub": {SecurityHubEvent, "networkConnectionAction"},
		"a probe, by Security Hub":      {SecurityHubEvent, "portProbeAction/portProbeDetails.0_"},
	} {
		body := ofHub(`"TTPs/Initial Access/UnauthorizedAccess:EC2-SSHBruteForce"`, field(test.body), resources)
		if test.kind == GuardDutyEvent {
			body = ofDuty("UnauthorizedAccess:EC2/SSHBruteForce", `{"resourceType":"Instance","instanceDetails":{"instanceId":"i-0abc"}}`, `{"count":3,"action":{`+test.body+`}}`)
		}
		got := one(t, test.kind, body)
		if diff := cmp.Diff(want, got.Addresses); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if got.Actor.Principal != instance || alert.Rule(&got.Alert) != "guardduty/UnauthorizedAccess:EC2/SSHBruteForce" {
			t.Errorf("%s: got %s by %s, want both reports to name the instance by its ARN", name, got.Actor.Principal, alert.Rule(&got.Alert))
		}
	}
}

// What a finding is about that has no credential. Shapes: Amazon GuardDuty API Reference,
// "Resource".
func TestResourcesAreNamedByTheirARN(t *testing.T) {
	for resource, want := range map[string]string{
		`{"resourceType":"S3Bucket","s3BucketDetails":[{"arn":"arn:aws:s3:::logs","name":"logs"}]}`:                               "arn:aws:s3:::logs",
		`{"resourceType":"EKSCluster","eksClusterDetails":{"name":"web","arn":"arn:aws:eks:us-west-2:111122223333:cluster/web"}}`: "arn:aws:eks:us-west-2:111122223333:cluster/web",
		`{"resourceType":"Lambda","lambdaDetails":{"functionArn":"arn:aws:lambda:us-west-2:111122223333:function:f"}}`:            "arn:aws:lambda:us-west-2:111122223333:function:f",
		`{"resourceType":"RDSDBInstance","rdsDbInstanceDetails":{"dbInstanceArn":"arn:aws:rds:us-west-2:111122223333:db:d"}}`:     "arn:aws:rds:us-west-2:111122223333:db:d",
		`{"resourceType":"ECSCluster","ecsClusterDetails":{"arn":"arn:aws:ecs:us-west-2:111122223333:cluster/c"}}`:                "arn:aws:ecs:us-west-2:111122223333:cluster/c",
		`{"resourceType":"Container"}`: "Container in 111122223333",
		`{}`:                           "unknown in 111122223333",
	} {
		if got := one(t, GuardDutyEvent, ofDuty("Execution:Runtime/NewBinaryExecuted", resource, `{}`)); got.Actor.Principal != want {
			t.Errorf("%s: got %s, want %s", resource, got.Actor.Principal, want)
		}
	}
}

// Root in a finding of another type, and one whose credential has no principal. Shape: a
// finding of Recon:IAMUser/MaliciousIPCaller.Custom of a public integration with firewalls
// ("gd_finding"), whose user and type are Root and which names no principal.
func TestRootWithoutAPrincipalIsRoot(t *testing.T) {
	got := one(t, GuardDutyEvent, ofDuty("Recon:IAMUser/MaliciousIPCaller.Custom", `{"resourceType":"AccessKey","accessKeyDetails":{"accessKeyId":"ASIAEXAMPLE","userType":"Root","userName":"Root"}}`, `{}`))
	if !alert.OfRoot(&got.Alert) || got.Level != rootkeep.High || got.Actor.Principal != "root of 111122223333" {
		t.Errorf("got %s %s, want root, high", got.Level, got.Actor.Principal)
	}
}

// Security Hub's finding of root use as somebody recorded it in December 2025: the severity of
// the product is a fraction, LOW is normalized to 40, and there are Action, Sample and
// FindingProviderFields beside what is read.
func TestRootUseAsSecurityHubRecordsIt(t *testing.T) {
	body := strings.NewReplacer(`"Severity":{"Product":5.0,"Label":"MEDIUM","Normalized":50}`, `"Severity":{"Product":2.0,"Label":"LOW","Normalized":40}`).Replace(
		ofHub(`"TTPs/Policy:IAMUser-RootCredentialUsage"`, `"aws/guardduty/service/count":"18","aws/guardduty/service/archived":"false","aws/guardduty/service/additionalInfo/value":""`,
			`"Resources":[{"Type":"AwsIamAccessKey","Id":"AWS::IAM::AccessKey:ASIAEXAMPLE","Details":{"AwsIamAccessKey":{"PrincipalId":"111122223333","PrincipalType":"Root","PrincipalName":"Root"}}}],
			"Sample":false,"ProcessedAt":"2026-11-27T10:21:00Z","Action":{"ActionType":"AWS_API_CALL","AwsApiCallAction":{"Api":"GetDetector","RemoteIpDetails":{"Organization":{"Asn":64500}}}},
			"FindingProviderFields":{"Severity":{"Label":"LOW"},"Types":["TTPs/Policy:IAMUser-RootCredentialUsage"]}`))
	got := one(t, SecurityHubEvent, body)
	if got.Level != rootkeep.High || got.Count != 18 || !alert.Explainable(&got.Alert) || got.Actor.AccessKeyID != "ASIAEXAMPLE" {
		t.Errorf("got %+v", got)
	}
}

// Some types have two in Security Hub, and the second names another one. Source: Amazon
// GuardDuty User Guide, "Integrating AWS Security Hub with GuardDuty" (the table of types).
func TestTheTypeIsTheFirstOfSecurityHubs(t *testing.T) {
	for types, want := range map[string]string{
		`"TTPs/Persistence/Persistence:IAMUser-UserPermissions","Unusual Behaviors/User/Recon:IAMUser-UserPermissions"`: "guardduty/Persistence:IAMUser/UserPermissions",
		`"TTPs//UnauthorizedAccess:IAMUser-ConsoleLoginSuccess.B"`:                                                      "guardduty/UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B",
		`"TTPs/PenTest:S3/KaliLinux"`:                               "guardduty/PenTest:S3/KaliLinux",
		`"TTPs/Command and Control/Backdoor:EC2-C&CActivity.B!DNS"`: "guardduty/Backdoor:EC2/C&CActivity.B!DNS",
		`"TTPs","Effects/Data Exfiltration/Trojan:EC2-DropPoint"`:   "guardduty/Trojan:EC2/DropPoint",
	} {
		if got := one(t, SecurityHubEvent, ofHub(types, "", `"Resources":[]`)); alert.Rule(&got.Alert) != want {
			t.Errorf("%s: got %s, want %s", types, alert.Rule(&got.Alert), want)
		}
	}
}

// An attack sequence names who acted in its actors, and no credential. Shapes: Amazon GuardDuty
// API Reference, "Sequence", "Actor" and "User"; AWS Security Hub API Reference, "ActorUser".
func TestTheActorsOfAnAttackSequence(t *testing.T) {
	const (
		role = `{"id":"a","user":{"name":"web","type":"AssumedRole","uid":"AROA:i-0abc","credentialUid":"ASIAEXAMPLE"}}`
		user = `{"id":"b","user":{"name":"ann","type":"IAMUser","uid":"AIDA","credentialUid":"AKIAEXAMPLE"}}`
		root = `{"id":"c","user":{"name":"Root","type":"Root","uid":"111122223333","credentialUid":"ASIAROOT"}}`
	)
	for name, test := range map[string]struct {
		actors, want string
		root         bool
		notes        int
	}{
		"one role":        {role, "arn:aws:iam::111122223333:role/web", false, 0},
		"two":             {role + "," + user, "AttackSequence in 111122223333", false, 2},
		"root among them": {role + "," + root, "root of 111122223333", true, 2},
		"root alone":      {root, "root of 111122223333", true, 0},
		"nobody":          {"", "AttackSequence in 111122223333", false, 0},
	} {
		sequence := `"detection":{"sequence":{"uid":"s","actors":[` + test.actors + `]}}`
		duty := one(t, GuardDutyEvent, ofDuty("AttackSequence:IAM/CompromisedCredentials", `{"resourceType":"AttackSequence"}`, `{"additionalInfo":{},`+sequence+`}`))
		if duty.Actor.Principal != test.want || alert.OfRoot(&duty.Alert) != test.root || len(duty.Notes) != 1+test.notes {
			t.Errorf("%s: got %s, of root %v, notes %q", name, duty.Actor.Principal, alert.OfRoot(&duty.Alert), duty.Notes)
		}
		hub := one(t, SecurityHubEvent, ofHub(`"TTPs/AttackSequence:IAM-CompromisedCredentials"`, "", `"Resources":[{"Type":"Other","Id":"AttackSequence in 111122223333"}],`+strings.Replace(sequence, `"detection"`, `"Detection"`, 1)))
		if hub.Actor.Principal != test.want || alert.OfRoot(&hub.Alert) != test.root {
			t.Errorf("%s, by Security Hub: got %s, of root %v", name, hub.Actor.Principal, alert.OfRoot(&hub.Alert))
		}
	}
}
