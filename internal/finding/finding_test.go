package finding

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/alert"
)

// In the forms that AWS's user guides show.
const (
	arn      = "arn:aws:guardduty:us-east-1:111122223333:detector/12abc34d567e8fa901bc2d34e56789f0/finding/1ab92989eaf0e742df4a014d5c0a8ef6"
	rootDuty = `{"schemaVersion":"2.0","accountId":"111122223333","region":"us-east-1","partition":"aws","id":"1ab92989eaf0e742df4a014d5c0a8ef6","arn":"` + arn + `",
		"type":"Policy:IAMUser/RootCredentialUsage","title":"API ListUsers was invoked using root credentials.","description":"API ListUsers was invoked using root credentials from IP address 198.51.100.7.",
		"createdAt":"2026-11-27T10:05:00.123Z","updatedAt":"2026-11-27T10:20:00.456Z","severity":2,
		"resource":{"resourceType":"AccessKey","accessKeyDetails":{"accessKeyId":"ASIAIOSFODNN7EXAMPLE","principalId":"111122223333","userName":"Root","userType":"Root"}},
		"service":{"serviceName":"guardduty","archived":false,"count":3,"eventFirstSeen":"2026-11-27T09:58:00.000Z","eventLastSeen":"2026-11-27T10:15:00.000Z","resourceRole":"TARGET","additionalInfo":{"type":"default","value":"{}"},
			"action":{"actionType":"AWS_API_CALL","awsApiCallAction":{"api":"ListUsers","serviceName":"iam.amazonaws.com","callerType":"Remote IP",
				"remoteIpDetails":{"ipAddressV4":"198.51.100.7","organization":{"asn":"64500","asnOrg":"Example Net"},"country":{"countryName":"France"}}}}}}`
	rootHub = `{"findings":[{"SchemaVersion":"2018-10-08","Id":"` + arn + `","ProductArn":"arn:aws:securityhub:us-east-1::product/aws/guardduty","ProductName":"GuardDuty","CompanyName":"Amazon","Region":"us-east-1",
		"GeneratorId":"arn:aws:guardduty:us-east-1:111122223333:detector/12abc34d567e8fa901bc2d34e56789f0","AwsAccountId":"111122223333","Types":["TTPs/Policy:IAMUser-RootCredentialUsage"],
		"FirstObservedAt":"2026-11-27T09:58:00.000Z","LastObservedAt":"2026-11-27T10:15:00.000Z","CreatedAt":"2026-11-27T10:05:00.123Z","UpdatedAt":"2026-11-27T10:20:00.456Z",
		"Severity":{"Product":2,"Label":"LOW","Normalized":20},"Title":"API ListUsers was invoked using root credentials.","Description":"API ListUsers was invoked using root credentials from IP address 198.51.100.7.",
		"ProductFields":{"aws/guardduty/service/archived":"false","aws/guardduty/service/count":"3","aws/guardduty/service/action/awsApiCallAction/api":"ListUsers",
			"aws/guardduty/service/action/awsApiCallAction/remoteIpDetails/ipAddressV4":"198.51.100.7","aws/guardduty/service/action/awsApiCallAction/remoteIpDetails/organization/asnOrg":"Example Net"},
		"Resources":[{"Type":"AwsIamAccessKey","Id":"AWS::IAM::AccessKey:ASIAIOSFODNN7EXAMPLE","Partition":"aws","Region":"us-east-1",
			"Details":{"AwsIamAccessKey":{"PrincipalId":"111122223333","PrincipalType":"Root","PrincipalName":"Root"}}}],
		"WorkflowState":"NEW","Workflow":{"Status":"NEW"},"RecordState":"ACTIVE"}]}`
	control = `{"findings":[{"SchemaVersion":"2018-10-08","Id":"arn:aws:securityhub:eu-west-1:111122223333:security-control/IAM.3/finding/0a1b","ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/securityhub","ProductName":"Security Hub",
		"Region":"eu-west-1","GeneratorId":"security-control/IAM.3","AwsAccountId":"111122223333","Types":["Software and Configuration Checks/Industry and Regulatory Standards"],
		"FirstObservedAt":"2026-11-27T09:00:00Z","LastObservedAt":"2026-11-27T09:30:00Z","CreatedAt":"2026-11-27T09:00:00Z","UpdatedAt":"2026-11-27T09:30:00Z","Severity":{"Label":"MEDIUM","Normalized":40},
		"Title":"IAM users' access keys should be rotated every 90 days or less","Description":"This control checks keys.","Remediation":{"Recommendation":{"Text":"See the documentation.","Url":"https://docs.aws.amazon.com/console/securityhub/IAM.3/remediation"}},
		"Resources":[{"Type":"AwsIamUser","Id":"arn:aws:iam::111122223333:user/staff/alice","Partition":"aws","Region":"eu-west-1"}],
		"Compliance":{"Status":"FAILED","SecurityControlId":"IAM.3"},"Workflow":{"Status":"NEW"},"RecordState":"ACTIVE"}]}`
)

func one(t *testing.T, kind, detail string) *alert.Sighting {
	t.Helper()
	list, err := Read(kind, []byte(detail))
	if err != nil || len(list) != 1 {
		t.Fatalf("got %d findings, %v, want one", len(list), err)
	}
	return &list[0]
}

func TestRootIsHighAndJoinsItsPrincipal(t *testing.T) {
	hit := rootkeep.RuleHit{
		ID: "guardduty/Policy:IAMUser/RootCredentialUsage", Name: "guardduty/Policy:IAMUser/RootCredentialUsage", Title: "API ListUsers was invoked using root credentials.", Level: rootkeep.High, Count: 3,
		Author: "Amazon GuardDuty", Opens: "root-compromise",
	}
	want := alert.Sighting{Key: "finding/" + arn, Heard: time.Date(2026, 11, 27, 10, 20, 0, 456e6, time.UTC), Alert: rootkeep.Alert{
		Level: rootkeep.High, Title: hit.Title, Kind: "finding", State: "open", Account: "111122223333", Tactic: "privilege-escalation", Techniques: []rootkeep.Technique{{ID: "T1078.004"}},
		Actor: rootkeep.Actor{Type: "Root", Account: "111122223333", ARN: "arn:aws:iam::111122223333:root", Principal: "root of 111122223333", AccessKeyID: "ASIAIOSFODNN7EXAMPLE"},
		Rules: []rootkeep.RuleHit{hit}, First: time.Date(2026, 11, 27, 9, 58, 0, 0, time.UTC), Last: time.Date(2026, 11, 27, 10, 15, 0, 0, time.UTC), Count: 3, EventsOmitted: 3, Opens: "root-compromise",
		Actions: []rootkeep.Count{{Text: "ListUsers", Count: 3}}, Regions: []rootkeep.Region{"us-east-1"}, Addresses: []rootkeep.Address{{Text: "198.51.100.7", Network: "Example Net", Count: 3}},
		Notes: []string{"API ListUsers was invoked using root credentials from IP address 198.51.100.7.", "finding " + arn},
	}}
	if diff := cmp.Diff(&want, one(t, GuardDutyEvent, rootDuty)); diff != "" {
		t.Errorf("of GuardDuty (-want +got):\n%s", diff)
	}
	// By Security Hub the same finding comes again, and is no other alert.
	if diff := cmp.Diff(&want, one(t, SecurityHubEvent, rootHub), cmpopts.IgnoreFields(rootkeep.RuleHit{}, "Author")); diff != "" {
		t.Errorf("of Security Hub (-want +got):\n%s", diff)
	}
}

func TestFindingsNamePrincipalsAsDetectionsDo(t *testing.T) {
	const is = `"accessKeyId":"ASIAIOSFODNN7EXAMPLE","principalId":"111122223333","userName":"Root","userType":"Root"`
	for _, test := range []struct {
		name, kind, credential string
		want                   rootkeep.Actor
	}{
		{"a user", "Discovery:IAMUser/AnomalousBehavior", `"accessKeyId":"AKIAIOSFODNN7EXAMPLE","principalId":"AIDA","userName":"alice","userType":"IAMUser"`,
			rootkeep.Actor{Type: "IAMUser", ARN: "arn:aws:iam::111122223333:user/alice", Principal: "arn:aws:iam::111122223333:user/alice", AccessKeyID: "AKIAIOSFODNN7EXAMPLE"}},
		{"a session of a role", "Discovery:IAMUser/AnomalousBehavior", `"accessKeyId":"ASIA","principalId":"AROA:i-0abc","userName":"web","userType":"AssumedRole"`,
			rootkeep.Actor{Type: "AssumedRole", Principal: "arn:aws:iam::111122223333:role/web", AccessKeyID: "ASIA", Session: "i-0abc"}},
		{"a session that sts:AssumeRoot made", ShortRootUse, is,
			rootkeep.Actor{Type: "Root", ARN: "arn:aws:iam::111122223333:root", Principal: "AssumeRoot session in 111122223333", AccessKeyID: "ASIAIOSFODNN7EXAMPLE"}},
		{"root, where GuardDuty says more than its use", "UnauthorizedAccess:IAMUser/ConsoleLoginSuccess.B", is,
			rootkeep.Actor{Type: "Root", ARN: "arn:aws:iam::111122223333:root", Principal: "root of 111122223333", AccessKeyID: "ASIAIOSFODNN7EXAMPLE"}},
		{"a service", "Impact:IAMUser/AnomalousBehavior", `"userName":"ec2","userType":"AWSService"`, rootkeep.Actor{Type: "AWSService", Principal: "ec2 in 111122223333"}},
		{"nobody", "Impact:IAMUser/AnomalousBehavior", `"userType":""`, rootkeep.Actor{Principal: "unknown"}},
	} {
		body := strings.Replace(strings.Replace(rootDuty, is, test.credential, 1), RootUse, test.kind, 1)
		test.want.Account = "111122223333"
		got := one(t, GuardDutyEvent, body)
		if diff := cmp.Diff(test.want, got.Actor); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if root := test.want.Type == "Root"; root != (got.Level == rootkeep.High) || root != alert.OfRoot(&got.Alert) {
			t.Errorf("%s: got level %s, of root %v", test.name, got.Level, alert.OfRoot(&got.Alert))
		}
		if want := test.kind == RootUse || test.kind == ShortRootUse; alert.Explainable(&got.Alert) != want {
			t.Errorf("%s: a request explains it: got %v, want %v", test.name, !want, want)
		}
	}
	got := one(t, SecurityHubEvent, control)
	want := rootkeep.Actor{Type: "IAMUser", Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/staff/alice", Principal: "arn:aws:iam::111122223333:user/staff/alice"}
	if diff := cmp.Diff(want, got.Actor); diff != "" || alert.Rule(&got.Alert) != "securityhub/IAM.3" || !strings.HasPrefix(got.Rules[0].Guidance, "See the documentation. https://") {
		t.Errorf("a control: got rule %s, %q, actor (-want +got):\n%s", alert.Rule(&got.Alert), got.Rules[0].Guidance, diff)
	}
}

func TestLevels(t *testing.T) {
	user := strings.ReplaceAll(strings.Replace(rootDuty, RootUse, "Discovery:IAMUser/AnomalousBehavior", 1), `"Root"`, `"IAMUser"`)
	for severity, want := range map[string]rootkeep.Severity{
		"0": rootkeep.Informational, "0.9": rootkeep.Informational, "1": rootkeep.Low, "3.9": rootkeep.Low, "4": rootkeep.Medium, "6.9": rootkeep.Medium, "7.0": rootkeep.High, "8.9": rootkeep.High,
		"9": rootkeep.Critical, "10": rootkeep.Critical,
	} {
		if got := one(t, GuardDutyEvent, strings.Replace(user, `"severity":2`, `"severity":`+severity, 1)); got.Level != want {
			t.Errorf("GuardDuty's %s: got %s, want %s", severity, got.Level, want)
		}
	}
	for label, want := range map[string]rootkeep.Severity{
		`"Label":"INFORMATIONAL"`: rootkeep.Informational, `"Label":"LOW"`: rootkeep.Low, `"Label":"HIGH","Normalized":1`: rootkeep.High, `"Label":"CRITICAL"`: rootkeep.Critical,
		`"Normalized":0`: rootkeep.Informational, `"Normalized":39`: rootkeep.Low, `"Normalized":40`: rootkeep.Medium, `"Normalized":70`: rootkeep.High, `"Normalized":100`: rootkeep.Critical,
	} {
		if got := one(t, SecurityHubEvent, strings.Replace(control, `"Label":"MEDIUM","Normalized":40`, label, 1)); got.Level != want {
			t.Errorf("Security Hub's %s: got %s, want %s", label, got.Level, want)
		}
	}
}

func TestWhatIsOverSaysWhy(t *testing.T) {
	for _, test := range []struct{ name, kind, body, was, is, want string }{
		{"active", GuardDutyEvent, rootDuty, "", "", ""},
		{"archived in GuardDuty", GuardDutyEvent, rootDuty, `"archived":false`, `"archived":true`, "archived in GuardDuty"},
		{"so Security Hub says", SecurityHubEvent, rootHub, `archived":"false"`, `archived":"true"`, "archived in GuardDuty"},
		{"archived", SecurityHubEvent, control, `"ACTIVE"`, `"ARCHIVED"`, "archived in Security Hub"},
		{"resolved", SecurityHubEvent, control, `"NEW"`, `"RESOLVED"`, "resolved in Security Hub"},
		{"suppressed", SecurityHubEvent, control, `"NEW"`, `"SUPPRESSED"`, "suppressed in Security Hub"},
		{"somebody was told", SecurityHubEvent, control, `"NEW"`, `"NOTIFIED"`, ""},
		{"passed", SecurityHubEvent, control, `"FAILED"`, `"PASSED"`, "passed in Security Hub"},
		{"not known is not passed", SecurityHubEvent, control, `"FAILED"`, `"NOT_AVAILABLE"`, ""},
	} {
		if got := one(t, test.kind, strings.Replace(test.body, test.was, test.is, 1)); got.Over != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got.Over, test.want)
		}
	}
}

func TestFindingsThatSayTooLittleAreRefused(t *testing.T) {
	for _, test := range []struct{ name, kind, body, was, is string }{
		{"an account that is none", GuardDutyEvent, rootDuty, `"accountId":"111122223333"`, `"accountId":"all"`},
		{"no severity", GuardDutyEvent, rootDuty, `"severity":2,`, ``},
		{"a severity below all", GuardDutyEvent, rootDuty, `"severity":2`, `"severity":-1`},
		{"a severity above all", GuardDutyEvent, rootDuty, `"severity":2`, `"severity":10.1`},
		{"no type", GuardDutyEvent, rootDuty, RootUse, ""},
		{"no ARN", GuardDutyEvent, rootDuty, arn, ""},
		{"no time", GuardDutyEvent, rootDuty, `"updatedAt":"2026-11-27T10:20:00.456Z"`, `"updatedAt":"yesterday"`},
		{"no object", GuardDutyEvent, `[]`, "", ""},
		{"a label that nobody knows", SecurityHubEvent, control, `"MEDIUM"`, `"GREEN"`},
		{"no label", SecurityHubEvent, control, `"Label":"MEDIUM","Normalized":40`, ``},
		{"no finding", SecurityHubEvent, `{"findings":[]}`, "", ""},
		{"too many", SecurityHubEvent, `{"findings":[` + strings.Repeat("{},", 100) + `{}]}`, "", ""},
		{"another kind", "Health Event", `{}`, "", ""},
	} {
		if got, err := Read(test.kind, []byte(strings.Replace(test.body, test.was, test.is, 1))); err == nil {
			t.Errorf("%s: got %v, want a refusal", test.name, got)
		}
	}
}

func TestOwnFindingsDoNotComeBack(t *testing.T) {
	own := strings.NewReplacer(`"Id":"arn:aws:securityhub:eu-west-1:111122223333:security-control/IAM.3/finding/0a1b"`, `"Id":"rootkeep/1"`, `"Security Hub"`, `"rootkeep"`,
		"eu-west-1::product/aws/securityhub", "eu-west-1:111122223333:product/111122223333/default").Replace(control)
	if got, err := Read(SecurityHubEvent, []byte(own)); err != nil || len(got) != 0 {
		t.Errorf("got %d findings, %v, want none", len(got), err)
	}
}

// What comes out is bounded and safe to show, whatever goes in.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{rootDuty, rootHub, control, `null`, `{"findings":[null]}`, `{"severity":1e300,"service":{"count":1e300}}`} {
		f.Add(true, []byte(seed))
		f.Add(false, []byte(seed))
	}
	f.Add(true, []byte(strings.ReplaceAll(rootDuty, "ListUsers", `\u001b[31m\u202e`)))
	f.Fuzz(func(t *testing.T, duty bool, detail []byte) {
		kind := SecurityHubEvent
		if duty {
			kind = GuardDutyEvent
		}
		list, err := Read(kind, detail)
		if err != nil && len(list) > 0 || len(list) > mostAtOnce {
			t.Fatalf("got %d findings and %v", len(list), err)
		}
		for i := range list {
			s := &list[i]
			texts := append([]string{s.Title, s.Actor.Principal, s.Actor.ARN, s.Actor.Session, alert.Rule(&s.Alert), s.Rules[0].Guidance}, s.Notes...)
			for _, text := range texts {
				if strings.ContainsAny(text, "\x00\x1b\n\u202e") || utf8.RuneCountInString(text) > longestText+100 {
					t.Errorf("got %q", text)
				}
			}
			if _, err := rootkeep.ParseAccountID(string(s.Account)); err != nil || s.Count < 1 || s.Count > mostCount || s.Last.Before(s.First) || s.Heard.IsZero() || len(s.Key) > longestID+20 {
				t.Errorf("got %+v", s)
			}
		}
	})
}
