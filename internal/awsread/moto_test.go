package awsread_test

import (
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awsread/mototest"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// motoAccount is what moto was filled with.
type motoAccount struct{ mototest.Account }

// motoRegions is the one answer that a proxy gives in moto's place: without it, one
// Region alone would be read.
const motoRegions = `{"Regions": [{"RegionName": "eu-west-1", "RegionOptStatus": "ENABLED_BY_DEFAULT"}, {"RegionName": "us-east-1", "RegionOptStatus": "ENABLED_BY_DEFAULT"}]}`

// notFound and broken are moto's answers to an operation that it does not have: a page
// of HTML, not an error of AWS.
const (
	notFound = "404"
	broken   = "500"
)

// lacking are the operations of the collector that moto 5.2.5 does not have, with its
// answers. Those that hang on them are not called: access-analyzer:ListFindings needs
// an analyzer.
var lacking = map[string]string{
	"access-analyzer:ListAnalyzers":               broken,
	"account:GetContactInformation":               notFound,
	"cloudtrail:LookupEvents":                     broken,
	"config:DescribeConfigRuleEvaluationStatus":   broken,
	"config:DescribeDeliveryChannelStatus":        broken,
	"guardduty:DescribeOrganizationConfiguration": notFound,
	"guardduty:ListFilters":                       broken,
	"guardduty:ListFindings":                      notFound,
	"iam:ListOrganizationsFeatures":               broken,
	"securityhub:DescribeSecurityHubV2":           notFound,
	"securityhub:GetEnabledStandards":             notFound,
	"securityhub:ListFindingAggregators":          notFound,
}

// lacks says what the collector came to lack of moto's answers: by the action that
// failed, the status of a page of HTML, or the whole reason of anything else.
func lacks(gaps []facts.Gap) map[string]string {
	out := map[string]string{}
	for _, g := range gaps {
		_, status, ok := strings.Cut(g.Reason, "StatusCode: ")
		status, _, _ = strings.Cut(status, ",")
		switch {
		case !ok || !strings.Contains(g.Reason, "deserialization failed"):
			out[g.Permission] = g.Reason
		case status == strconv.Itoa(http.StatusNotImplemented):
			out[g.Permission] = broken
		default:
			out[g.Permission] = status
		}
	}
	return out
}

// throughProxy sets the environment to moto behind a proxy, which hands on what moto
// says but for two things: it names the Regions, if moto does not; and where moto breaks
// down, with 500, it says 501, for which the collector does not wait and try again.
func (m motoAccount) throughProxy(t *testing.T) {
	t.Helper()
	target, err := url.Parse(m.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		switch {
		case r.Request.URL.Path == "/listRegions" && r.StatusCode == http.StatusNotFound:
			r.Body.Close()
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(motoRegions)), int64(len(motoRegions))
			r.StatusCode, r.Header = http.StatusOK, http.Header{"Content-Type": {"application/json"}}
		case r.Request.URL.Path == "/listRegions":
			t.Errorf("moto answers account:ListRegions with %s: the proxy need not", r.Status)
		case r.StatusCode == http.StatusInternalServerError:
			r.StatusCode = http.StatusNotImplemented
		}
		return nil
	}
	simtest.Environment(t, proxy, m.Key, m.Secret, "")
}

// TestMoto has the collector read a simulation that we did not write: what it makes of
// the answers is held to what boto3 put there.
func TestMoto(t *testing.T) {
	m := motoAccount{mototest.Start(t, "../..")}
	m.throughProxy(t)
	t.Run("an account", m.account)
	t.Run("its organization", m.organization)
}

func (m motoAccount) account(t *testing.T) {
	s, err := awsread.Collect(t.Context(), awsread.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(lacking, lacks(s.Gaps)); diff != "" {
		t.Errorf("what moto does not answer (-want +got):\n%s", diff)
	}
	f := s.Facts
	const topic = "arn:aws:sns:us-east-1:123456789012:alerts"
	if len(f.Users) != 2 || len(f.Groups) != 1 || len(f.Roles) != 2 || len(f.Policies) != 1 || len(f.Regions) != 2 || len(f.Trails) != 1 || len(f.Buckets) != 1 || len(f.Keys) != 1 ||
		len(f.LogGroups) != 1 || len(f.Queues) != 1 || len(f.Secrets) != 2 || len(f.MetricFilters) != 1 || len(f.Alarms) != 1 || len(f.EventBuses) != 2 || len(f.EventRules) != 1 || len(f.Topics) != 1 {
		t.Fatalf("lists: got %+v", f)
	}
	alice, robot, ireland, virginia := f.Users[0], f.Users[1], f.Regions[0], f.Regions[1]
	trail, bucket, key, alarm, rule := f.Trails[0], f.Buckets[0], f.Keys[0], f.Alarms[0], f.EventRules[0]
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"account", s.Account, rootkeep.AccountID("123456789012")},
		{"alias", f.Account.Alias, "motoworks"},
		{"password policy", f.PasswordPolicy, facts.PasswordPolicy{Set: true, MinimumLength: 20, RequireSymbols: true, RequireNumbers: true, MaximumAge: 365, RememberedGenerations: 24}},
		{"a person", []any{alice.Name, alice.HasPassword, alice.MFAEnabled, alice.Groups, alice.Tags}, []any{"alice", true, true, []string{"responders"}, []facts.Tag{{Key: "team", Value: "security"}}}},
		{"a person's device", []any{len(alice.Devices), alice.Devices[0].Serial, alice.Devices[0].Kind}, []any{1, "arn:aws:iam::123456789012:mfa/alice", facts.Virtual}},
		{"a program", []any{robot.HasPassword, robot.MFAEnabled, len(robot.AccessKeys), robot.AccessKeys[0].Active, len(robot.InlinePolicies)}, []any{false, false, 1, true, 1}},
		{"a group's policies", f.Groups[0].AttachedPolicies, []string{f.Policies[0].ARN}},
		{"a role's policies", f.Roles[1].AttachedPolicies, []string{f.Policies[0].ARN}},
		{"a role's trust", strings.Contains(f.Roles[0].Trust.Text, "arn:aws:iam::123456789012:root"), true},
		{"a policy", strings.Contains(f.Policies[0].Document.Text, "s3:GetObject"), true},
		{"public access of the account", f.Account.PublicAccess, facts.PublicAccess{BlockACLs: true, IgnoreACLs: true, BlockPolicy: true}},
		{"trail", []any{trail.Name, trail.MultiRegion, trail.Validation, trail.Logging, trail.Bucket, trail.Key, trail.Insights}, []any{"all", true, true, true, "trail-logs", key.ARN, []string{"ApiCallRateInsight"}}},
		{"trail's selectors", trail.Selectors, []facts.Selector{{Category: "Management", Reads: true, Writes: true, Types: []string{}, Excluded: []string{}, Only: []string{}}}},
		{"trail's bucket", []any{bucket.Versioning, bucket.Public, bucket.Block, strings.Contains(bucket.Policy, "cloudtrail.amazonaws.com")}, []any{true, false, facts.PublicAccess{BlockACLs: true, IgnoreACLs: true, BlockPolicy: true, RestrictUses: true}, true}},
		{"trail's key", []any{key.State, key.Rotation}, []any{"Enabled", true}},
		{"trail's log group", []any{f.LogGroups[0].Exists, f.LogGroups[0].RetentionDays}, []any{true, 365}},
		{"metric filter", []any{f.MetricFilters[0].Region, f.MetricFilters[0].Pattern}, []any{"us-east-1", `{ $.userIdentity.type = "Root" }`}},
		{"alarm", []any{alarm.Namespace, alarm.Metric, alarm.Statistic, alarm.Period, alarm.Threshold, alarm.Actions}, []any{"CIS", "root", "Sum", 300, 1.0, []string{topic}}},
		{"subscription", f.Subscriptions, []facts.Subscription{{Topic: topic, Protocol: "sms", Confirmed: true}}},
		{"event rule", []any{rule.Name, rule.State, rule.Targets}, []any{"root", "ENABLED", []facts.Target{{ARN: topic}}}},
		{"topic", []any{f.Topics[0].KeyARN, f.Topics[0].KeyCustomer, strings.Contains(f.Topics[0].KeyPolicy, "kms:*"), strings.Contains(f.Topics[0].Policy, "Publish")}, []any{key.ARN, true, true, true}},
		{"queue", f.Queues[0].ARN, "arn:aws:sqs:us-east-1:123456789012:jobs"},
		{"secrets of both Regions", []any{f.Secrets[0].Name, f.Secrets[1].Name}, []any{"token-of-ireland", "token"}},
		{"volumes by Region", []any{ireland.EBSEncryption, virginia.EBSEncryption}, []any{false, true}},
		{"Config", []any{len(ireland.Recorders), len(virginia.Recorders), virginia.RecorderStates[0].Recording, virginia.ConfigRules.Identifiers}, []any{0, 1, true, []string{"IAM_ROOT_ACCESS_KEY_CHECK"}}},
		{"Security Hub", []any{ireland.Hub.Enabled, virginia.Hub.Enabled, virginia.HubOrganization.Administrator}, []any{false, true, true}},
		{"GuardDuty", []any{len(ireland.Detectors), virginia.Detector.Status, virginia.Detector.Frequency}, []any{0, "ENABLED", "FIFTEEN_MINUTES"}},
		{"organization", []any{f.Organization.Member, f.Organization.Management, f.Organization.AllFeatures, f.Organization.PolicyTypes}, []any{true, true, true, []string{"SERVICE_CONTROL_POLICY"}}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func (m motoAccount) organization(t *testing.T) {
	o, err := awsread.Discover(t.Context(), awsread.Config{}, awsread.Entry{Scan: "SC-MOTO"})
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Accounts) != 2 || o.Management != "123456789012" {
		t.Fatalf("accounts: got %+v, managed by %s", o.Accounts, o.Management)
	}
	err = o.Read(t.Context(), []rootkeep.AccountID{m.Member}, func(id rootkeep.AccountID, s *facts.Snapshot, err error) error {
		if err != nil {
			return err
		}
		f := s.Facts
		if id != m.Member || s.Account != m.Member || len(f.Users) != 1 || f.Users[0].Name != "inside" || f.Root.Email != "member@example.com" {
			t.Errorf("member: got %s, %+v, %+v", s.Account, f.Users, f.Root)
		}
		var policies []string
		for _, level := range f.Organization.SCPs {
			for _, p := range level.Policies {
				policies = append(policies, p.Name)
			}
		}
		if slices.Sort(policies); !slices.Equal(policies, []string{"FullAWSAccess", "FullAWSAccess", "FullAWSAccess", "leaving"}) {
			t.Errorf("SCPs from the root to the account: got %v", policies)
		}
		// moto does not repeat the source identity, which AWS does.
		if len(s.Sessions) == 0 || s.Sessions[0].Account != m.Member || !strings.HasSuffix(s.Sessions[0].Role, "role/RootkeepReadOnly") || s.Sessions[0].AccessKey == "" {
			t.Errorf("sessions: got %+v", s.Sessions)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
