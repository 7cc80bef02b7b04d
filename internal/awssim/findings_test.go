package awssim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/awssim/analyzer"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/config"
	"github.com/rootkeep/rootkeep/internal/awssim/guardduty"
)

// What the simulator does not find out itself is put there, and then read like the rest.
func TestFindingsArePutThere(t *testing.T) {
	clock := newClock()
	sim := newCompany(t, cloud.Config{Clock: clock.Now})
	a, now := sim.member, clock.Now()
	if guardduty.Add(sim.Cloud, a, "us-east-1", "Policy:IAMUser/RootCredentialUsage", "root", 2, nil, now) != nil ||
		analyzer.Add(sim.Cloud, a, "us-east-1", "z", "arn:aws:s3:::b", "AWS::S3::Bucket", "*", []string{"s3:GetObject"}, now) || config.Comply(a, "us-east-1", "r", "COMPLIANT", now) {
		t.Error("a finding is put where there is no detector, analyzer or rule")
	}
	detector := sim.must(t, a, "guardduty", "CreateDetector", map[string]any{"enable": true})["detectorId"]
	f := guardduty.Add(sim.Cloud, a, "us-east-1", "Policy:IAMUser/RootCredentialUsage", "root", 2, map[string]any{"resourceType": "AccessKey"}, now)
	got := sim.must(t, a, "guardduty", "GetFindings", map[string]any{"DetectorId": detector, "findingIds": []string{f.Id}})
	if text := fmt.Sprint(got); !strings.Contains(text, "RootCredentialUsage") || !strings.Contains(text, "resourceType:AccessKey") {
		t.Errorf("finding of GuardDuty: got %s", text)
	}
	arn := sim.must(t, a, "access-analyzer", "CreateAnalyzer", map[string]any{"analyzerName": "z", "type": "ACCOUNT"})["arn"]
	if !analyzer.Add(sim.Cloud, a, "us-east-1", "z", "arn:aws:s3:::b", "AWS::S3::Bucket", "*", []string{"s3:GetObject"}, now) {
		t.Error("the analyzer is not found")
	}
	got = sim.must(t, a, "access-analyzer", "ListFindings", map[string]any{"analyzerArn": arn})
	if text := fmt.Sprint(got); !strings.Contains(text, "isPublic:true") || !strings.Contains(text, "principal:map[AWS:*]") {
		t.Errorf("finding of Access Analyzer: got %s", text)
	}
	sim.must(t, a, "config", "PutConfigurationRecorder", map[string]any{"ConfigurationRecorder": map[string]any{"name": "default", "roleARN": a.IAM("role/config")}})
	sim.must(t, a, "config", "PutConfigRule", map[string]any{"ConfigRule": map[string]any{
		"ConfigRuleName": "r", "Source": map[string]any{"Owner": "AWS", "SourceIdentifier": "ROOT_ACCOUNT_MFA_ENABLED"},
	}})
	config.Comply(a, "us-east-1", "r", "NON_COMPLIANT", now)
	if text := fmt.Sprint(sim.must(t, a, "config", "DescribeComplianceByConfigRule", nil)); !strings.Contains(text, "NON_COMPLIANT") {
		t.Errorf("compliance: got %s", text)
	}
}

// Each layer of policies decides, and the refusal names it.
func TestRefusalsNameTheLayer(t *testing.T) {
	deny := func(action string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"` + action + `","Resource":"*"}]}`
	}
	for _, c := range []struct {
		name   string
		change func(*company)
		want   string // "" if the call is allowed
	}{
		{"an administrator", func(*company) {}, ""},
		{"no policy", func(c *company) { c.member.Users["admin"].Attached = nil }, "because no identity-based policy allows the iam:ListUsers action"},
		{"a Deny in an inline policy", func(c *company) { c.member.Users["admin"].Inline["d"] = deny("iam:*") }, "with an explicit deny in an identity-based policy"},
		{"a boundary that is narrow", func(c *company) {
			c.member.Users["admin"].Boundary = "arn:aws:iam::aws:policy/IAMUserChangePassword"
		}, "because no permissions boundary allows"},
		{"a boundary that is gone", func(c *company) { c.member.Users["admin"].Boundary = c.member.IAM("policy/gone") }, "with an explicit deny in a permissions boundary"},
		{"an SCP of the root", func(c *company) {
			o := c.Organization
			o.Policies["p-1"] = &cloud.Guardrail{ID: "p-1", Name: "no", Type: cloud.ServiceControl, Content: deny("iam:ListUsers")}
			o.Attached[o.RootID] = append(o.Attached[o.RootID], "p-1")
		}, "with an explicit deny in a service control policy"},
		{"no SCP on the account", func(c *company) { c.Organization.Attached["333333333333"] = nil }, "because no service control policy allows"},
		{"SCPs are off", func(c *company) {
			c.Organization.Attached["333333333333"] = nil
			clear(c.Organization.Types)
		}, ""},
		{"a policy of another action", func(c *company) { c.member.Users["admin"].Inline["d"] = deny("iam:CreateUser") }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := newClock()
			sim := newCompany(t, cloud.Config{Clock: clock.Now})
			c.change(sim)
			w := ask(sim, keyOf(sim.admins["member"]), "iam", "us-east-1", clock.Now(), action("ListUsers"))
			if got := w.Body.String(); (w.Code == 200) != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("got %d %s, want %q", w.Code, got, c.want)
			}
		})
	}
}
