package report

import (
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

// rootStory is a hunt as a responder would meet it: root signed in without MFA,
// made keys, switched the trail off; a role was tried beside it.
func rootStory() *Hunt {
	h := &Hunt{
		Version: "0.1.0", Started: at("2026-11-22T14:02:11Z"), Finished: at("2026-11-22T14:02:48Z"),
		Inputs: []string{"logs/AWSLogs"},
		Rules:  Rules{Single: 71, Correlations: 14, Failed: 1},
		First:  at("2026-11-01T00:00:12Z"), Last: at("2026-11-22T13:58:40Z"),
		Alerts:   storyAlerts(),
		Sessions: storySessions(),
		Totals: Totals{Objects: 33120, StoredBytes: 412_000_000, InflatedBytes: 5_310_000_000, GzipObjects: 33120, GzipMembers: 33120,
			Events: 1_204_331, Duplicates: 5120, Matches: 214},
		Problems: []Problem{
			{File: "logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/cut.json.gz", Offset: 48213, Kind: "truncated", Detail: "gzip stream ends early: want a trailer of 8 bytes"},
			{File: "rules/local.yaml", Offset: -1, Kind: "rule", Detail: "line 12: unknown modifier \"containz\": want one of the Sigma modifiers"},
			{File: "logs/README.txt", Offset: -1, Kind: "not-a-log", Detail: "no record in it", Notice: true},
		},
		Notices: []string{"No geography database: countries and networks are unknown; hint: --geoip FILE", "Placeholder %admins% in rule \"console-login-admin\" has no values: it matches nothing; hint: --placeholders FILE"},
	}
	regions := []rootkeep.Region{"us-east-1", "eu-west-3", "eu-central-1", "ap-southeast-2"}
	for i := range 14 {
		for j, r := range regions {
			n := int64(1_000_000) >> (i + 2*j)
			if n > 0 && (i+j)%5 != 4 {
				h.Seen = append(h.Seen, Seen{rootkeep.AccountID(fmt.Sprintf("%012d", 111122223333+i*1010101)), r, n, h.First, h.Last})
			}
		}
	}
	h.Derive()
	return h
}

func storySessions() []RootSession {
	return []RootSession{{
		Account: "111122223333", Start: at("2026-11-20T03:11:09Z"), End: at("2026-11-20T03:26:40Z"), MFA: MFANotUsed,
		Addresses: []rootkeep.Address{{Text: "203.0.113.9", Country: "RO", ASN: 64500, Network: "Example Transit", Lists: []string{"tor-exits"}, Count: 11}, {Text: "198.51.100.4", Count: 1}},
		Agents:    []string{"Mozilla/5.0 (X11; Linux x86_64)", "aws-cli/2.31.0"}, Regions: []rootkeep.Region{"us-east-1", "eu-west-3"},
		Calls: []Call{{"ConsoleLogin", "signin.amazonaws.com", 1, 0}, {"CreateAccessKey", "iam.amazonaws.com", 2, 1},
			{"StopLogging", "cloudtrail.amazonaws.com", 1, 0}, {"ListBuckets", "s3.amazonaws.com", 8, 0}},
		Events: 12, Failed: 1, Approval: "approval not checked", Alerts: []string{"AL-7K3FQ2M9X0A1B", "AL-2C8HN4VWT5R0Z"},
	}, {
		Account: "121223233434", Start: at("2026-11-07T09:00:00Z"), End: at("2026-11-07T09:04:00Z"), MFA: MFAUsed,
		Addresses: []rootkeep.Address{{Text: "192.0.2.77", Country: "FR", ASN: 64496, Network: "Example Office", Count: 3}},
		Calls:     []Call{{"GetBillingDetails", "billing.amazonaws.com", 3, 0}}, Events: 3,
		Approval: "approval not checked",
	}}
}

func storyAlerts() []rootkeep.Alert {
	root := rootkeep.Actor{Type: "Root", Account: "111122223333", ARN: "arn:aws:iam::111122223333:root", Principal: "root of 111122223333"}
	deploy := rootkeep.Actor{Type: "AssumedRole", Account: "111122223333", ARN: "arn:aws:sts::111122223333:assumed-role/deploy/ci-4711", Principal: "arn:aws:iam::111122223333:role/deploy", Session: "ci-4711", AccessKeyID: "ASIAIOSFODNN7EXAMPLE"}
	alerts := []rootkeep.Alert{
		storyAlert("AL-7K3FQ2M9X0A1B", rootkeep.Critical, "Root console sign-in without MFA", root, "root-signin-without-mfa", "2026-11-20T03:11:09Z", "ConsoleLogin"),
		storyAlert("AL-2C8HN4VWT5R0Z", rootkeep.Critical, "Trail stopped or deleted", root, "trail-stopped", "2026-11-20T03:19:30Z", "StopLogging"),
		storyAlert("AL-5D9JP6XYV7S1A", rootkeep.High, "Access key made for another user", deploy, "access-key-for-another-user", "2026-11-19T22:40:01Z", "CreateAccessKey"),
		storyAlert("AL-8E0KQ7YZW8T2B", rootkeep.High, "Security group opened to the world", deploy, "security-group-open", "2026-11-19T23:02:45Z", "AuthorizeSecurityGroupIngress"),
	}
	alerts[0].Rules[0].Guidance = "Call the custodians of this root user. If none of them signed in: change the password, delete root keys, and keep the trail."
	alerts[0].Notes = []string{"The address is on list tor-exits: level raised from high"}
	for i := range 9 {
		a := storyAlert(fmt.Sprintf("AL-9F1MR8Z0X9U%02d", i), rootkeep.Medium, "Burst of denied calls", deploy, "denied-burst",
			fmt.Sprintf("2026-11-%02dT1%d:20:00Z", 4+i*2, i%10), "ListUsers")
		a.Kind, a.State, a.Count, a.Attempts, a.EventsOmitted = "threshold", "escalated", 12, 12, 11
		a.Rules[0].Threshold = "12 in 5m0s (10 or more escalates)"
		a.Events[0].ErrorCode = "AccessDenied"
		a.Actions[0].Count = 12
		alerts = append(alerts, a)
	}
	for i := range 5 {
		alerts = append(alerts, storyAlert(fmt.Sprintf("AL-0G2NS9A1Y0V%02d", i), rootkeep.Low, "Console sign-in from a new network", deploy, "new-network",
			fmt.Sprintf("2026-11-%02dT08:00:00Z", 2+i*3), "ConsoleLogin"))
	}
	return alerts
}

func storyAlert(id string, level rootkeep.Severity, title string, actor rootkeep.Actor, rule, first, call string) rootkeep.Alert {
	e := rootkeep.Event{
		Time: at(first), ID: "3f2b8a1c-0000-4000-8000-" + id[len(id)-12:], Name: call, Source: "iam.amazonaws.com", Account: "111122223333", Region: "us-east-1",
		Actor: actor, Address: "203.0.113.9", Agent: "aws-cli/2.31.0", Target: "backup-admin",
		File: "logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/20/111122223333_CloudTrail_us-east-1_20261120T0315Z_k2Jx.json.gz", Offset: 20481,
	}
	return rootkeep.Alert{
		ID: id, Level: level, Title: title, Kind: "group", State: "open", Account: "111122223333", Actor: actor, Tactic: "persistence",
		Techniques: []rootkeep.Technique{{ID: "T1078.004", Version: "18"}},
		Rules:      []rootkeep.RuleHit{{ID: "3b0c7a52-6a0e-4a7e-9d0e-" + fmt.Sprintf("%012x", len(rule)), Name: rule, Title: title, Level: level, Count: 1, Author: "rootkeep", Opens: "root-compromise"}},
		First:      at(first), Last: at(first).Add(7 * time.Minute), Count: 1, Actions: []rootkeep.Count{{Text: call, Count: 1}}, Regions: []rootkeep.Region{"us-east-1"},
		Addresses: []rootkeep.Address{{Text: "203.0.113.9", Country: "RO", ASN: 64500, Network: "Example Transit", Count: 1}},
		Agents:    []string{"aws-cli/2.31.0"}, Opens: "root-compromise", Events: []rootkeep.Event{e},
	}
}

// quiet is a hunt that found nothing.
func quiet() *Hunt {
	h := &Hunt{
		Version: "0.1.0", Started: at("2026-11-22T14:02:11Z"), Finished: at("2026-11-22T14:02:12Z"), Inputs: []string{"-"},
		Asked: Asked{MinLevel: rootkeep.Low}, First: at("2026-11-21T10:00:00Z"), Last: at("2026-11-21T11:00:00Z"),
		Seen:   []Seen{{"111122223333", "us-east-1", 120, at("2026-11-21T10:00:00Z"), at("2026-11-21T11:00:00Z")}},
		Totals: Totals{Objects: 1, StoredBytes: 900, InflatedBytes: 9000, Events: 120},
	}
	h.Derive()
	return h
}
