package kinds

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

// mending is an account in which kinds are applied, and controls that scans of it are to
// fail before and to pass afterwards.
type mending struct {
	name   string
	member bool
	world  []change.Setup
	like   [2]string // a kind and a case of it, whose world goes before
	kinds  []applied
	then   []change.Setup
	mends  []string
}

type applied struct {
	kind string
	with map[string]any
}

func metricAlarm(name string, more map[string]any) change.Setup {
	with := map[string]any{
		"AlarmName": name, "Namespace": "CIS", "MetricName": name, "Statistic": "Sum", "Period": 300, "EvaluationPeriods": 1, "Threshold": 5,
		"ComparisonOperator": "GreaterThanOrEqualToThreshold",
	}
	for k, v := range more {
		with[k] = v
	}
	return change.Setup{Call: "cloudwatch:PutMetricAlarm", With: with}
}

const (
	everybody = `{"Version": "2012-10-17", "Statement": {"Sid": "Open", "Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}}`
	anybody   = `{"Version": "2012-10-17", "Statement": {"Sid": "Open", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sns:Publish", "sns:Subscribe"], "Resource": "*"}}`
	keyPolicy = `{"Version": "2012-10-17", "Statement": [{"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::222222222222:root"}, "Action": "kms:*", "Resource": "*"},
		{"Sid": "Publish", "Effect": "Allow", "Principal": {"Service": ["cloudwatch.amazonaws.com", "events.amazonaws.com"]}, "Action": ["kms:GenerateDataKey*", "kms:Decrypt"], "Resource": "*"}]}`
	topicARN = "arn:aws:sns:us-east-1:111111111111:rootkeep-alerts"
)

var mendings = []mending{
	{
		name: "an account that nothing watches", like: [2]string{"alarm-chain", "everything, to a new topic"},
		world: []change.Setup{
			{Call: "sqs:CreateQueue", With: map[string]any{"QueueName": "open", "Attributes": map[string]any{"Policy": everybody, "SqsManagedSseEnabled": "false"}}},
			{Call: "events:PutPermission", With: map[string]any{"Action": "events:PutEvents", "Principal": "*", "StatementId": "open"}},
			{Call: "secretsmanager:CreateSecret", With: map[string]any{"Name": "database", "SecretString": "x"}},
			{Call: "sns:CreateTopic", With: map[string]any{"Name": "alerts", "Attributes": map[string]any{"Policy": anybody}}},
			metricAlarm("off", map[string]any{"ActionsEnabled": false, "AlarmActions": []any{"arn:aws:sns:us-east-1:111111111111:alerts"}}),
			metricAlarm("clock", map[string]any{"AlarmActions": []any{"arn:aws:sns:us-east-1:111111111111:alerts"}, "EvaluationWindow": map[string]any{"WallClockWindow": map[string]any{}}}),
			{Call: "logs:PutMetricFilter", With: map[string]any{"logGroupName": "trail", "filterName": "clock", "filterPattern": `{ $.eventName = "Nothing" }`,
				"metricTransformations": []any{map[string]any{"metricName": "clock", "metricNamespace": "CIS", "metricValue": "1"}}}},
			{Call: "guardduty:CreateDetector", With: map[string]any{"enable": false, "features": []any{map[string]any{"name": "S3_DATA_EVENTS", "status": "DISABLED"}}}},
			{Call: "securityhub:EnableSecurityHub", Region: "eu-west-3", With: map[string]any{"ControlFindingGenerator": "STANDARD_CONTROL"}},
		},
		kinds: []applied{
			{kind: "alarm-chain"}, {kind: "root-event-rule"}, {kind: "alarm-actions"}, {kind: "alarm-window"}, {kind: "alert-topic", with: map[string]any{"topic": "alerts"}},
			{kind: "topic-subscription", with: map[string]any{"topic": topicARN, "protocol": "sms", "endpoint": "+15550100200"}},
			{kind: "guardduty-detector"}, {kind: "guardduty-administrator", with: map[string]any{"administrator": "222222222222"}},
			{kind: "security-hub"}, {kind: "hub-aggregation"}, {kind: "hub-global-controls"}, {kind: "security-hub-v2"}, {kind: "access-analyzer", with: map[string]any{"type": "ORGANIZATION"}}, {kind: "access-analyzer-unused"},
			{kind: "config-bucket"}, {kind: "config-recorder"}, {kind: "config-rules"}, {kind: "config-aggregator", with: map[string]any{"role": "arn:aws:iam::111111111111:role/ConfigListsAccounts"}},
			{kind: "volume-encryption"}, {kind: "account-public-access"}, {kind: "queue-policy"}, {kind: "event-bus-policy"},
			{kind: "secret-rotation", with: map[string]any{"secret": "database", "function": "arn:aws:lambda:us-east-1:111111111111:function:rotate"}},
			{kind: "billing-alarm", with: map[string]any{"threshold": int64(500)}},
		},
		mends: []string{
			"MF-01", "MF-02", "MF-03", "MF-04", "MF-05", "MF-06", "MF-07", "MF-08", "MF-09", "MF-10", "MF-11", "MF-12", "MF-13", "MF-14", "MF-15",
			"AL-02", "AL-03", "AL-04", "AL-05", "AL-06", "AL-07", "AL-08", "AL-10", "GD-01", "GD-02", "GD-03", "GD-05", "SH-01", "SH-02", "SH-03", "SH-04", "SH-06", "SH-08", "AA-01", "AA-02", "AA-03",
			"CO-01", "CO-02", "CO-03", "CO-04", "CO-05", "CO-06", "CO-08", "PL-01", "PL-03", "PL-05", "PL-06", "PL-07", "PL-08", "PL-09",
		},
	},
	{
		name: "a member that administers others", member: true, like: [2]string{"hub-root-controls", "one is disabled"},
		world: []change.Setup{
			{Call: "securityhub:UpdateStandardsControl", With: map[string]any{
				"StandardsControlArn": "arn:aws:securityhub:us-east-1:222222222222:control/aws-foundational-security-best-practices/v/1.0.0/IAM.9", "ControlStatus": "DISABLED", "DisabledReason": "also",
			}},
			{Call: "securityhub:EnableOrganizationAdminAccount", As: "management", With: map[string]any{"AdminAccountId": "222222222222"}},
			{ID: "detector", Call: "guardduty:CreateDetector", With: map[string]any{"enable": true}},
			{Call: "guardduty:EnableOrganizationAdminAccount", As: "management", With: map[string]any{"adminAccountId": "222222222222"}},
			{Call: "guardduty:CreateFilter", With: map[string]any{"DetectorId": "=answer('detector', 'detectorId')", "name": "quiet-root", "action": "ARCHIVE",
				"findingCriteria": map[string]any{"criterion": map[string]any{"type": map[string]any{"eq": []any{"Policy:IAMUser/RootCredentialUsage"}}}}}},
			{ID: "topic", Call: "sns:CreateTopic", With: map[string]any{"Name": "alerts"}},
			{ID: "key", Call: "kms:CreateKey", With: map[string]any{"Policy": keyPolicy}},
			metricAlarm("root", map[string]any{"AlarmActions": []any{"=answer('topic', 'TopicArn')"}}),
		},
		kinds: []applied{
			{kind: "hub-root-controls"}, {kind: "hub-members", with: map[string]any{"regions": []any{home}}}, {kind: "guardduty-members", with: map[string]any{"regions": []any{home}}},
			{kind: "guardduty-filter", with: map[string]any{"regions": []any{home}, "filters": []any{"quiet-root"}}},
			{kind: "topic-encryption", with: map[string]any{"topic": "=answer('topic', 'TopicArn')", "key": "=answer('key', 'KeyMetadata.Arn')"}},
		},
		mends: []string{"SH-05", "SH-07", "GD-04", "GD-12", "PL-04"},
	},
}

// TestWhatKindsMend scans an account before kinds are applied and afterwards: the
// controls that they are said to mend pass, and did not before.
func TestWhatKindsMend(t *testing.T) {
	c, err := Load(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	controls, problems, err := scan.LoadControls(nil)
	if err = errors.Join(append(problems, err)...); err != nil {
		t.Fatal(err)
	}
	for _, m := range mendings {
		t.Run(m.name, func(t *testing.T) { m.try(t, c, controls) })
	}
}

// TestControlsNameKindsThatMendThem holds the content of both together.
func TestControlsNameKindsThatMendThem(t *testing.T) {
	c, err := Load(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	controls, _, err := scan.LoadControls(nil)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, control := range controls {
		known[control.ID] = true
		if control.Fix.Change == "" {
			continue
		}
		if k := c.Find(control.Fix.Change); k == nil || !slices.Contains(k.Fixes, control.ID) {
			t.Errorf("%s is said to be mended by %s, which does not say so", control.ID, control.Fix.Change)
		}
	}
	for _, k := range c.Kinds {
		for _, id := range k.Fixes {
			if !known[id] {
				t.Errorf("%s mends %s, which is no control", k.ID, id)
			}
		}
	}
}

func (m *mending) try(t *testing.T, c *Catalogue, controls []*posture.Control) {
	ctx := t.Context()
	w, err := NewWorld(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	of := &change.Case{Member: m.member}
	if k := c.Find(m.like[0]); k != nil {
		for i := range k.Cases {
			if k.Cases[i].Name == m.like[1] {
				of.World = k.Cases[i].World
			}
		}
	}
	if err := w.prepare(of, append(of.World, m.world...)); err != nil {
		t.Fatal(err)
	}
	before := w.judge(t, of, controls)
	for _, a := range m.kinds {
		if err := w.do(ctx, c.Find(a.kind), of, a.with); err != nil {
			t.Errorf("%s: %v", a.kind, err)
		}
	}
	if err := w.prepare(of, m.then); err != nil {
		t.Fatal(err)
	}
	after := w.judge(t, of, controls)
	for _, id := range m.mends {
		if passes(before[id]) {
			t.Errorf("%s passes before anything was mended", id)
		}
		if !passes(after[id]) {
			t.Errorf("%s is not mended: %s", id, tell(after[id]))
		}
	}
}

// do plans and applies a kind.
func (w *World) do(ctx context.Context, k *change.Kind, of *change.Case, with map[string]any) error {
	if k == nil {
		return errors.New("there is no such kind")
	}
	t := &trial{World: w, kind: k, of: &change.Case{Member: of.Member, Parameters: with}}
	if err := t.begin(); err != nil {
		return err
	}
	p, err := t.plan(ctx)
	if err != nil {
		return err
	}
	out, err := k.Apply(ctx, t.run(p, nil))
	if err == nil && out.State != change.Applied {
		err = errors.New(string(out.State) + ": " + out.Why)
	}
	return err
}

// judge scans the account, and gives the findings by control.
func (w *World) judge(t *testing.T, of *change.Case, controls []*posture.Control) map[string][]rootkeep.Finding {
	t.Helper()
	return w.findings(w.collect(t, account(of)), nil, controls)
}

// collect scans an account.
func (w *World) collect(t *testing.T, id rootkeep.AccountID) *facts.Snapshot {
	t.Helper()
	key := w.Keys[id]
	simtest.Environment(t, w.Cloud, key.ID, key.Secret, "")
	s, err := awsread.Collect(t.Context(), awsread.Config{Region: home, Now: w.Now, Sleep: func(ctx context.Context, d time.Duration) error { w.Wait(d); return ctx.Err() }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// findings judges what was collected, by control; peer gives what was of other accounts.
func (w *World) findings(s *facts.Snapshot, peer func(rootkeep.AccountID) *facts.Snapshot, controls []*posture.Control) map[string][]rootkeep.Finding {
	out := map[string][]rootkeep.Finding{}
	for _, f := range posture.Evaluate(s, controls, posture.Setting{Now: w.Now(), Peer: peer}) {
		out[f.Control] = append(out[f.Control], f)
	}
	return out
}

// passes says whether a control has findings, and none that is anything but a pass.
func passes(list []rootkeep.Finding) bool {
	n := 0
	for _, f := range list {
		switch f.Status {
		case rootkeep.Pass:
			n++
		case rootkeep.NotApplicable:
		default:
			return false
		}
	}
	return n > 0
}

func tell(list []rootkeep.Finding) string {
	for _, f := range list {
		if f.Status != rootkeep.Pass {
			return string(f.Status) + ": " + f.Resource + " " + string(f.Region) + ": " + f.Detail
		}
	}
	return "it has no finding"
}
