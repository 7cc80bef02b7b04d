package main

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// TestScanReadsAWS runs the command against a simulated account, first as root, then
// with a call denied.
func TestScanReadsAWS(t *testing.T) {
	c, a, key := aloneAsRoot(t)
	for range 3 { // a report that is there is not waited for
		if _, err := c.Invoke(cloud.Invocation{Caller: cloud.RootCaller(a), Region: "us-east-1", Service: "iam", Operation: "GenerateCredentialReport"}); err != nil {
			t.Fatal(err)
		}
	}
	saved := filepath.Join(serve(t, c, key), "account.json")
	for _, step := range []struct {
		args string
		deny string // operation of IAM
		code int
		want []string
	}{
		{"scan --aws --region us-east-1 --save " + saved, "", 0, []string{
			"Scan of account 111111111111: ", "CRITICAL  RT-01  Root user has MFA", "CRITICAL  CT-01  A trail of all Regions is logging", "iam:GetAccountSummary of ", "sns:ListSubscriptions of ",
		}},
		{"scan --snapshot " + saved, "", 0, []string{"Scan of account 111111111111: ", "CRITICAL  RT-01  Root user has MFA"}},
		{"scan --aws --region us-east-1", "GetAccountSummary", 5, []string{"not read: AWS: iam:GetAccountSummary denied", "root.mfa_enabled: iam:GetAccountSummary denied"}},
		{"scan --aws --region us-east-1 --output csv", "ListVirtualMFADevices", 5, []string{"rootkeep: AWS: iam:ListVirtualMFADevices denied"}},
	} {
		t.Run(step.args, func(t *testing.T) {
			if step.deny != "" {
				c.AddFault(cloud.Fault{Kind: cloud.Deny, Service: "iam", Operation: step.deny})
				defer c.ClearFaults()
			}
			var out bytes.Buffer
			if code := run(context.Background(), strings.Fields(step.args), strings.NewReader(""), &out, &out); code != step.code {
				t.Errorf("exit code: got %d, want %d\n%s", code, step.code, &out)
			}
			for _, want := range step.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s", want, &out)
				}
			}
		})
	}
}

// TestScanImportsIntoSecurityHub runs the command against a simulated account that uses
// Security Hub in one Region.
func TestScanImportsIntoSecurityHub(t *testing.T) {
	c, a, key := aloneAsRoot(t)
	call := func(operation string) map[string]any {
		out, err := c.Invoke(cloud.Invocation{Caller: cloud.RootCaller(a), Region: "eu-west-1", Service: "securityhub", Operation: operation})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	call("EnableSecurityHub")
	dir := serve(t, c, key)
	report := filepath.Join(dir, "report.csv")
	const users = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,mfa_active,access_key_1_active,access_key_2_active\n" +
		"x,arn:aws:iam::111111111111:user/x,2024-01-01T00:00:00+00:00,true,2026-11-01T00:00:00Z,2026-11-01T00:00:00Z,false,false,false\n"
	if err := os.WriteFile(report, []byte(users), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		args string
		code int
		want string
	}{
		{"scan --push-securityhub --region eu-west-1 --output json " + report, 0, "rootkeep: Security Hub in eu-west-1: imported "},
		{"scan --push-securityhub --region eu-west-1 --output json " + report, 0, `"security_hub": {`},
		{"scan --push-securityhub --region eu-west-3 " + report, 1, "InvalidAccessException: Account 111111111111 is not subscribed to AWS Security Hub; hint: enable Security Hub"},
	} {
		var out bytes.Buffer
		if code := run(context.Background(), strings.Fields(step.args), strings.NewReader(""), &out, &out); code != step.code {
			t.Errorf("%s: got exit code %d, want %d\n%s", step.args, code, step.code, &out)
		}
		if !strings.Contains(out.String(), step.want) {
			t.Errorf("%s: got no %q in\n%s", step.args, step.want, &out)
		}
	}
	// The second import updated the findings of the first.
	held, _ := call("GetFindings")["Findings"].([]any)
	seen := map[any]bool{}
	for _, f := range held {
		seen[f.(map[string]any)["Id"]] = true
	}
	if len(held) == 0 || len(seen) != len(held) {
		t.Errorf("got %d findings under %d IDs, want each once", len(held), len(seen))
	}
}

// aloneAsRoot is a simulated account with an access key of its root user.
func aloneAsRoot(t *testing.T) (*cloud.Cloud, *cloud.Account, *cloud.AccessKey) {
	t.Helper()
	c, err := awssim.New(cloud.Config{Clock: time.Now, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.AddAccount("111111111111", "alone", "alone@example.com", c.Now())
	if err != nil {
		t.Fatal(err)
	}
	key := c.NewKey(cloud.RootCaller(a), c.Now())
	a.Root.Keys = []*cloud.AccessKey{key}
	return c, a, key
}

// serve serves the accounts, and gives this process the key and a folder.
func serve(t *testing.T, c *cloud.Cloud, key *cloud.AccessKey) string {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	none := filepath.Join(dir, "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": key.ID, "AWS_SECRET_ACCESS_KEY": key.Secret, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_REGION": "", "AWS_DEFAULT_REGION": "",
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	return dir
}
