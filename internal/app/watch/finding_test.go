package watch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/alert"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// findsEverything has all findings of the account sent to the queue of root events.
func findsEverything(t *testing.T, w *simtest.Logged) (detector string) {
	t.Helper()
	const arn = "arn:aws:sqs:us-east-1:" + string(simtest.Management) + ":rootkeep-root-events"
	w.Must("events", "PutRule", map[string]any{"Name": "findings", "EventPattern": `{"source":["aws.guardduty","aws.securityhub"],"detail-type":["GuardDuty Finding","Security Hub Findings - Imported"]}`})
	w.Must("events", "PutTargets", map[string]any{"Rule": "findings", "Targets": []any{map[string]any{"Id": "queue", "Arn": arn}}})
	w.Must("securityhub", "EnableSecurityHub", map[string]any{"EnableDefaultStandards": false})
	return w.Must("guardduty", "CreateDetector", map[string]any{"enable": true})["detectorId"].(string)
}

// imported is a finding as a product sends it to Security Hub.
func imported(w *simtest.Logged, id, label, state string, at time.Time) {
	const account = string(simtest.Management)
	text := at.UTC().Format(time.RFC3339)
	w.Must("securityhub", "BatchImportFindings", map[string]any{"Findings": []any{map[string]any{
		"SchemaVersion": "2018-10-08", "Id": id, "ProductArn": "arn:aws:securityhub:us-east-1:" + account + ":product/" + account + "/default", "ProductName": "Scanner", "GeneratorId": "open-port",
		"AwsAccountId": account, "CreatedAt": text, "UpdatedAt": text, "Severity": map[string]any{"Label": label}, "Title": "A port is open", "Description": "To everybody.", "RecordState": state,
		"Resources": []any{map[string]any{"Type": "AwsIamRole", "Id": "arn:aws:iam::" + account + ":role/web"}},
	}}})
}

// What GuardDuty and Security Hub find travels by EventBridge and SQS, and becomes alerts
// about the principals that detections name.
func TestFindingsOfOthersBecomeAlerts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newLogged(t)
		detector := findsEverything(t, w.Logged)
		o, err := outbox.Open(outbox.Settings{}, time.Now, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		j := &judge{}
		watcher, err := New(Config{
			Store: s, Judge: j.judge, Detector: newDetector(t, j), Alerts: &alerts.Desk{Keeper: keeper(t), Tell: o.Alerts("")}, Outbox: o, Owner: "a", Now: time.Now,
			Sources: w.sources[1:2],
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- watcher.Run(ctx) }()
		defer func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}()
		kept := func() (out []string) {
			err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
				list, _, err := alerts.List(ctx, r, sight.All(), alerts.Filter{}, "", 10)
				for _, a := range list {
					if a.Found.Kind == alert.FindingKind {
						out = append(out, fmt.Sprintf("%s %s of %s: %s", a.Found.Level, alert.Rule(&a.Found), a.Found.Actor.Principal, a.State))
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(out)
			return out
		}
		shows := func(want ...string) {
			t.Helper()
			until(t, "alerts "+strings.Join(want, ", "), func() bool { return slices.Equal(kept(), want) })
			if diff := cmp.Diff(want, kept()); diff != "" {
				t.Errorf("alerts (-want +got):\n%s", diff)
			}
		}
		begun := time.Now().Add(-time.Hour)
		w.Must("guardduty", "CreateSampleFindings", map[string]any{"DetectorId": detector, "findingTypes": []string{"Policy:IAMUser/RootCredentialUsage"}})
		imported(w.Logged, "port/1", "MEDIUM", "ACTIVE", begun)
		root := "high guardduty/Policy:IAMUser/RootCredentialUsage of root of 111122223333: new"
		shows(root, "medium scanner/open-port of arn:aws:iam::111122223333:role/web: new")
		imported(w.Logged, "port/1", "INFORMATIONAL", "ARCHIVED", begun.Add(time.Minute))
		imported(w.Logged, "port/2", "LOW", "ARCHIVED", begun)
		shows(root, "medium scanner/open-port of arn:aws:iam::111122223333:role/web: closed")
		if h := watcher.Status()[0]; h.Fault != "" || h.Skipped != 0 {
			t.Errorf("got fault %q, %d skipped", h.Fault, h.Skipped)
		}
	})
}
