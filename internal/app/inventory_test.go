package app

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// rootCall is an event of a root user.
func rootCall(name, key string, at time.Time) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","eventID":"11111111-2222-4333-8444-000000000001","eventTime":%q,"eventSource":"iam.amazonaws.com","eventName":%q,"awsRegion":"us-east-1",
"sourceIPAddress":"203.0.113.9","userAgent":"aws-sdk-go-v2","recipientAccountId":"444455556666","eventType":"AwsApiCall","managementEvent":true,"userIdentity":{"type":"Root",
"principalId":"444455556666","arn":"arn:aws:iam::444455556666:root","accountId":"444455556666","accessKeyId":%q,"sessionContext":{"attributes":{"mfaAuthenticated":"false"}}}}`,
		at.Format(time.RFC3339), name, key)
}

// assumeRoot is the event in the caller's account of a root session that was given.
func assumeRoot(issued string, at time.Time) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","eventID":"11111111-2222-4333-8444-000000000002","eventTime":%q,"eventSource":"sts.amazonaws.com","eventName":"AssumeRoot","awsRegion":"us-east-1",
"sourceIPAddress":"203.0.113.9","userAgent":"aws-sdk-go-v2","recipientAccountId":"111122223333","eventType":"AwsApiCall","managementEvent":true,"userIdentity":{"type":"AssumedRole",
"principalId":"AROA:scan","arn":"arn:aws:sts::111122223333:assumed-role/audit/scan","accountId":"111122223333","accessKeyId":"ASIASCAN"},
"requestParameters":{"targetPrincipal":"444455556666"},"responseElements":{"credentials":{"accessKeyId":%q}}}`, at.Format(time.RFC3339), issued)
}

func TestOurOwnScanIsNoIntruder(t *testing.T) {
	start := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	s := &facts.Snapshot{Format: facts.Format, Account: "444455556666", Taken: start, Sessions: []facts.Session{
		{Account: "444455556666", Root: true, AccessKey: "ASIASCAN", SourceIdentity: "SC-1", Start: start, End: start.Add(15 * time.Minute)},
	}}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	snapshot := file(t, filepath.Join(t.TempDir(), "444455556666.json"), string(text))
	// A scan that was killed before the account had a snapshot.
	line, err := json.Marshal(s.Sessions[0])
	if err != nil {
		t.Fatal(err)
	}
	killed := filepath.Dir(file(t, filepath.Join(t.TempDir(), "sessions.jsonl"), string(line)+"\n"))
	for _, c := range []struct {
		name, event, inventory string
		quiet                  bool
	}{
		{"a call of a scan that was killed", rootCall("GetAccountSummary", "ASIASCAN", start.Add(time.Minute)), killed, true},
		{"its root session", rootCall("ListSigningCertificates", "ASIASCAN", start.Add(time.Minute)), killed, true},
		{"what it did not do", rootCall("DeleteLoginProfile", "ASIASCAN", start.Add(time.Minute)), killed, false},
		{"a call in the root session", rootCall("ListSigningCertificates", "ASIASCAN", start.Add(time.Minute)), snapshot, true},
		{"a call that a scan makes", rootCall("GetAccountSummary", "ASIASCAN", start.Add(time.Minute)), snapshot, true},
		{"the same from a folder of snapshots", rootCall("GetAccountSummary", "ASIASCAN", start.Add(time.Minute)), filepath.Dir(snapshot), true},
		{"without the snapshot", rootCall("GetAccountSummary", "ASIASCAN", start.Add(time.Minute)), "", false},
		{"a call that no scan makes", rootCall("DeleteLoginProfile", "ASIASCAN", start.Add(time.Minute)), snapshot, false},
		{"another key", rootCall("GetAccountSummary", "ASIAOTHER", start.Add(time.Minute)), snapshot, false},
		{"taking the session", assumeRoot("ASIASCAN", start), snapshot, true},
		{"taking another with its key", assumeRoot("ASIAOTHER", start), snapshot, false},
		{"after the session's end", rootCall("GetAccountSummary", "ASIASCAN", start.Add(time.Hour)), snapshot, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := file(t, filepath.Join(t.TempDir(), "log.json"), `{"Records":[`+c.event+`]}`)
			h, err := Hunt(t.Context(), HuntConfig{Paths: []string{log}, Pack: shipped(t), Inventory: c.inventory, Now: time.Now, Workers: 1, DedupMemory: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			var root int
			for _, a := range h.Alerts {
				if a.Level >= rootkeep.Low {
					root++
				}
			}
			if quiet := root == 0; quiet != c.quiet {
				t.Errorf("got %d alerts, want quiet %v", root, c.quiet)
			}
			if said := strings.Contains(strings.Join(h.Notices, "\n"), "explained by sessions of rootkeep's own scans"); said != c.quiet {
				t.Errorf("the notice: got %v, want %v", said, c.quiet)
			}
		})
	}
}
