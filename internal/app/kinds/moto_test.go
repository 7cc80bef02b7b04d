package kinds

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awsread/ask"
	"github.com/rootkeep/rootkeep/internal/awsread/mototest"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/awswrite"
	"github.com/rootkeep/rootkeep/internal/change"
)

// onMoto is a kind that is planned, applied and undone in an account that moto keeps.
type onMoto struct {
	kind   string
	with   map[string]any
	before []change.Call // made by an administrator
	lacks  string        // part of how it fails, for what moto has not; "" does not fail
}

func named(name string, value any) map[string]any { return map[string]any{name: value} }

const (
	motoTrail = "arn:aws:cloudtrail:us-east-1:123456789012:trail/all"
	motoTopic = "arn:aws:sns:us-east-1:123456789012:alerts"
)

func motoKinds() []onMoto {
	call := func(operation string, with map[string]any) change.Call {
		return change.Call{Operation: operation, With: with}
	}
	here := named("regions", []any{home})
	return []onMoto{
		{kind: "password-policy"},
		{kind: "audit-role", lacks: "Policy arn:aws:iam::aws:policy/SecurityAudit does not exist"},
		{kind: "support-role", lacks: "Policy arn:aws:iam::aws:policy/AWSSupportAccess does not exist"},
		{kind: "mfa-required", with: named("users", "all")},
		{kind: "user-permissions-to-group", with: map[string]any{"user": "robot", "group": "robots"}},
		{kind: "bucket-tls-only", with: named("bucket", "trail-logs")},
		{kind: "log-bucket-versioning", with: named("bucket", "files"), before: []change.Call{call("s3:CreateBucket", named("Bucket", "files"))}},
		{kind: "log-bucket-public-access-block", with: named("bucket", "files")},
		{kind: "log-bucket-access-log", with: map[string]any{"bucket": "trail-logs", "target": "files"}},
		{kind: "trail-bucket-policy", with: named("bucket", "trail-logs")},
		{kind: "config-bucket"},
		{kind: "account-public-access"},
		{kind: "alert-topic", with: named("topic", "wakeup")},
		{kind: "alert-channel", with: map[string]any{"topic": "nightly", "key_alias": "alias/nightly"}},
		{kind: "topic-subscription", with: map[string]any{"topic": motoTopic, "protocol": "sms", "endpoint": "+15550100200"}},
		{kind: "queue-policy", with: here, before: []change.Call{
			call("sqs:CreateQueue", map[string]any{"QueueName": "open", "Attributes": named("Policy", strings.ReplaceAll(everybody, "222222222222", "123456789012"))}),
		}},
		{kind: "log-group-retention", with: map[string]any{"log_group": "trail", "days": int64(400)}},
		{kind: "root-event-rule", with: named("topic", "sirens")},
		{kind: "root-event-queue"},
		{kind: "trail-bucket-notify", with: named("bucket", "trail-logs")},
		// It writes the principal * as arn:aws:iam::*:root, which is nobody.
		{kind: "event-bus-policy", with: here, before: []change.Call{call("events:PutPermission", map[string]any{"Action": "events:PutEvents", "Principal": "*", "StatementId": "open"})}, lacks: "there is nothing to change"},
		{kind: "config-recorder", with: map[string]any{"regions": []any{home, "eu-west-3"}, "bucket": "trail-logs"}, lacks: "role is not as wanted"},
		{kind: "config-rules"},
		{kind: "secret-rotation", with: map[string]any{"secret": "token", "function": "arn:aws:lambda:us-east-1:123456789012:function:rotate"}, lacks: "Resource not found for ARN"},
		{kind: "scp-attach", with: map[string]any{"name": "stay", "target": "root", "text": `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"organizations:LeaveOrganization","Resource":"*"}]}`}},
		{kind: "volume-encryption", with: named("regions", []any{"eu-west-3"})},
		{kind: "guardduty-detector", with: named("regions", []any{"eu-west-3"})},
		{kind: "security-hub", with: named("regions", []any{"eu-west-3"}), lacks: "securityhub:BatchEnableStandards"},
		{kind: "access-analyzer", with: here, lacks: "access-analyzer:ListAnalyzers"},
		{kind: "trail-insights", with: named("trail", motoTrail), lacks: "InsightSelectors is not as wanted"},
		{kind: "trail-s3-data-events", with: named("trail", motoTrail)},
		{kind: "trail-create", with: map[string]any{"bucket": "trail-of-the-firm", "name": "second"}, lacks: "selectors.all is not as wanted"},
		{kind: "alarm-chain", lacks: "cloudwatch:DescribeAlarms"},
	}
}

// motoWorld is a session with an account of moto, and the calls that were made.
type motoWorld struct {
	base   *session.Base
	reader *ask.Reader
	writer *awswrite.Writer
	made   []change.Made
	waited time.Duration
}

// Made is of change.Journal.
func (m *motoWorld) Made(_ context.Context, x change.Made) error {
	m.made = append(m.made, x)
	return nil
}

// Read is of change.Reader. moto has no account:ListRegions, without which no kind of
// several Regions could be planned: that one read is answered here.
func (m *motoWorld) Read(ctx context.Context, c change.Call) (map[string]any, error) {
	if c.Operation == "account:ListRegions" {
		return map[string]any{"Regions": []any{named("RegionName", home), named("RegionName", "eu-west-3")}}, nil
	}
	return m.reader.Read(ctx, c)
}

func openMoto(t *testing.T) *motoWorld {
	t.Helper()
	account := mototest.Start(t, "../../..")
	m := &motoWorld{}
	var err error
	if m.base, err = session.Open(t.Context(), session.Config{Region: home, Elsewhere: &session.Elsewhere{URL: account.Endpoint, KeyID: account.Key, Secret: account.Secret}}); err != nil {
		t.Fatal(err)
	}
	if m.reader, err = ask.Begin(m.base, session.Entry{Role: ReadRole, Name: caseID, Own: true}); err != nil {
		t.Fatal(err)
	}
	if m.writer, err = awswrite.Begin(m.base, session.Entry{Role: ReadRole, Name: caseID, Own: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.writer.End(); m.reader.End() })
	return m
}

// TestMoto plans, applies, verifies and undoes kinds in an account of a simulation that we
// did not write.
func TestMoto(t *testing.T) {
	m := openMoto(t)
	c, err := Load(nil, true)
	if err != nil {
		t.Fatal(err)
	}
	outcomes := map[string][]string{}
	for _, x := range motoKinds() {
		t.Run(x.kind, func(t *testing.T) {
			how, err := m.try(t.Context(), c.Find(x.kind), x)
			switch {
			case x.lacks == "" && err != nil:
				t.Error(err)
			case x.lacks != "" && (err == nil || !strings.Contains(err.Error(), x.lacks)):
				t.Errorf("%s: got %v, want moto to fail with %q; hint: it may have learnt it", how, err, x.lacks)
			}
			outcomes[how] = append(outcomes[how], x.kind)
		})
	}
	for _, how := range slices.Sorted(maps.Keys(outcomes)) {
		t.Logf("%d %s: %s", len(outcomes[how]), how, strings.Join(outcomes[how], ", "))
	}
}

// try says how far it got.
func (m *motoWorld) try(ctx context.Context, k *change.Kind, x onMoto) (string, error) {
	account := m.base.Account()
	for _, b := range x.before {
		b.Account, b.Region = account, home
		if _, err := m.writer.Write(ctx, b); err != nil {
			return "not prepared", err
		}
	}
	target := change.Target{Account: account, Region: home, Partition: "aws", Management: account, Role: "arn:aws:iam::" + string(account) + ":role/" + RoleOf(k.Class)}
	p, err := k.Plan(ctx, m, caseID, target, x.with, m.now())
	if err != nil {
		return "not planned", err
	}
	out, err := k.Apply(ctx, m.run(p))
	if err == nil && out.State != change.Applied {
		err = fmt.Errorf("%s: %s", out.State, out.Why)
	}
	if err != nil {
		return "not applied", err
	}
	u, err := k.Undo(ctx, m, "CH-UNDO", p.For, p, m.made, false, out.After, m.now())
	if errors.Is(err, change.ErrFinal) && len(p.Final) > 0 {
		return "applied for good", nil
	}
	if err == nil {
		out, err = k.Apply(ctx, m.run(u))
	}
	if err == nil && out.State != u.End() {
		err = fmt.Errorf("%s: %s", out.State, out.Why)
	}
	if err != nil {
		return "not undone", fmt.Errorf("undo: %w", err)
	}
	return "applied and undone", nil
}

func (m *motoWorld) now() time.Time { return time.Now().UTC().Add(m.waited) }

func (m *motoWorld) run(p *change.Plan) change.Run {
	m.made = nil
	return change.Run{Plan: p, Reader: m, Writer: m.writer, Journal: m, Clock: change.Clock{
		Now: m.now, Sleep: func(ctx context.Context, d time.Duration) error { m.waited += d; return ctx.Err() },
	}}
}
