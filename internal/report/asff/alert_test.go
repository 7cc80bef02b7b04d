package asff_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/asff"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

var noon = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func raised(id, rule, kind string, actor rootkeep.Actor, change ...func(*asff.Alert)) asff.Alert {
	a := asff.Alert{Alert: rootkeep.Alert{
		ID: id, Level: rootkeep.High, Title: "Alert of " + rule, Kind: kind, State: "open", Account: "111122223333", Actor: actor, Tactic: "initial-access", First: noon.Add(-time.Hour), Last: noon, Count: 5,
		Attempts: 5, Rules: []rootkeep.RuleHit{{ID: "1", Name: rule, Title: rule, Level: rootkeep.High, Count: 5, Guidance: "Call the custodian."}},
		Actions: []rootkeep.Count{{Text: "ConsoleLogin", Count: 5}}, Addresses: []rootkeep.Address{{Text: "192.0.2.7", Count: 5}}, Techniques: []rootkeep.Technique{{ID: "T1110"}},
	}}
	for _, c := range change {
		c(&a)
	}
	return a
}

var (
	root  = rootkeep.Actor{Type: "Root", Principal: "root of 111122223333"}
	alice = rootkeep.Actor{Type: "IAMUser", Principal: "arn:aws:iam::111122223333:user/alice"}
)

// alerts are some as one Import, with hostile text among them.
func alerts(t *testing.T) []byte {
	t.Helper()
	poison := strings.Repeat("\x1b[31m\u202e<script>", 400)
	list, left := asff.Alerts([]asff.Alert{
		raised("AL-1", "root-signin-failures", "threshold", root), raised("AL-2", "user-login-failures", "threshold", alice, func(a *asff.Alert) { a.Closed = true }),
		raised("AL-3", poison, poison, rootkeep.Actor{Principal: poison}, func(a *asff.Alert) { a.Tactic, a.Notes, a.Title = poison, []string{poison}, poison }),
		raised("AL-4", "guardduty/Policy:IAMUser/RootCredentialUsage", "finding", root), raised("AL-5", "source-silent", "source", alice, func(a *asff.Alert) { a.Account = "" }),
		raised("AL-6", "", "silence", rootkeep.Actor{}, func(a *asff.Alert) { a.Rules, a.Tactic, a.Title = nil, "", "" }),
	}, "eu-west-1", noon)
	if left != 2 {
		t.Errorf("got %d left out, want what GuardDuty found and what is of no account", left)
	}
	b, err := json.Marshal(asff.Import{Findings: list})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAlertsAreFindings(t *testing.T) {
	var got asff.Import
	if err := json.Unmarshal(alerts(t), &got); err != nil || len(got.Findings) != 4 {
		t.Fatalf("got %d findings, %v, want 4", len(got.Findings), err)
	}
	want := asff.Finding{
		SchemaVersion: "2018-10-08", ID: "rootkeep/AL-1", ProductARN: "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default", ProductName: "rootkeep", CompanyName: "rootkeep", Region: "eu-west-1",
		GeneratorID: "rootkeep/root-signin-failures", AWSAccountID: "111122223333", Types: []string{asff.RootType, asff.SignInFailureType, "TTPs/Initial Access"},
		FirstObservedAt: "2026-11-27T11:00:00.000Z", LastObservedAt: "2026-11-27T12:00:00.000Z", CreatedAt: "2026-11-27T11:00:00.000Z", UpdatedAt: "2026-11-27T12:00:00.000Z",
		Severity: asff.Severity{Label: "HIGH", Original: "high"}, Title: "Alert of root-signin-failures",
		Description: "root of 111122223333: 5 events, 5 of them failed, from 2026-11-27T11:00:00Z to 2026-11-27T12:00:00Z. Calls: ConsoleLogin.",
		Remediation: &asff.Remediation{Recommendation: asff.Recommendation{Text: "Call the custodian."}},
		ProductFields: map[string]string{
			"rootkeep/Alert": "AL-1", "rootkeep/Principal": "root of 111122223333", "rootkeep/Count": "5", "rootkeep/Rules": "root-signin-failures", "rootkeep/Addresses": "192.0.2.7", "rootkeep/Techniques": "T1110",
		},
		Resources: []asff.Resource{{Type: "AwsAccount", ID: "AWS::::Account:111122223333", Partition: "aws"}}, RecordState: "ACTIVE",
	}
	if diff := cmp.Diff(want, got.Findings[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	closed := got.Findings[1]
	if diff := cmp.Diff([]string{asff.SignInFailureType, "TTPs/Initial Access"}, closed.Types); diff != "" || closed.RecordState != "ARCHIVED" || closed.Resources[0].Type != "AwsIamUser" {
		t.Errorf("a closed one: got %s about %s, types (-want +got):\n%s", closed.RecordState, closed.Resources[0].Type, diff)
	}
	for i := range got.Findings {
		f := &got.Findings[i]
		for what, most := range map[*string]int{&f.Title: 256, &f.Description: 1024, &f.ID: 512, &f.GeneratorID: 512, &f.Resources[0].ID: 512, &f.Types[0]: 512} {
			if n := utf8.RuneCountInString(*what); n < 1 || n > most || strings.ContainsFunc(*what, func(r rune) bool { return !text.Shown(r) }) {
				t.Errorf("got %q, want 1 to %d visible characters", *what, most)
			}
		}
	}
}

// Security Hub has no finding of several accounts: each of them has one.
func TestAnAlertAboutSeveralAccountsIsAFindingOfEach(t *testing.T) {
	list, left := asff.Alerts([]asff.Alert{raised("AL-1", "password-spray", "threshold", rootkeep.Actor{Principal: "sourceIPAddress=192.0.2.7"}, func(a *asff.Alert) {
		a.Account, a.Accounts, a.Several = "", []rootkeep.AccountID{"111122223333", "444455556666"}, true
	})}, "eu-west-1", noon)
	var got []string
	for _, f := range list {
		got = append(got, f.ID+" of "+f.AWSAccountID)
		if !strings.Contains(f.Description, "In 2 accounts: 111122223333, 444455556666.") || f.ProductFields["rootkeep/Alert"] != "AL-1" {
			t.Errorf("got %q of alert %s", f.Description, f.ProductFields["rootkeep/Alert"])
		}
	}
	want := []string{"rootkeep/AL-1/111122223333 of 111122223333", "rootkeep/AL-1/444455556666 of 444455556666"}
	if diff := cmp.Diff(want, got); diff != "" || left != 0 {
		t.Errorf("%d left out, findings (-want +got):\n%s", left, diff)
	}
}
