package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// hubOf has the commands send to the Security Hub of a simulated account, and gives what is
// there, as "ID state label".
func hubOf(t *testing.T) func() string {
	t.Helper()
	c, err := awssim.New(cloud.Config{Clock: time.Now, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.AddAccount("111122223333", "one", "one@example.com", time.Now().AddDate(-1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	u := &cloud.User{Holder: cloud.Holder{Name: "admin", Path: "/", ID: c.UniqueID("AIDA"), ARN: a.IAM("user/admin"), Created: time.Now(), Inline: map[string]string{}, Attached: []string{"arn:aws:iam::aws:policy/AdministratorAccess"}}}
	a.Users["admin"] = u
	key := c.NewKey(cloud.UserCaller(a, u), time.Now())
	u.Keys = []*cloud.AccessKey{key}
	serve(t, c, key)
	call := func(operation string, with map[string]any) map[string]any {
		out, err := c.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, u), Region: "eu-west-1", Service: "securityhub", Operation: operation, Parameters: with})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	call("EnableSecurityHub", map[string]any{"EnableDefaultStandards": false})
	return func() string {
		var list struct {
			Findings []struct {
				ID          string `json:"Id"`
				RecordState string
				Severity    struct{ Label string }
			}
		}
		text, err := json.Marshal(call("GetFindings", map[string]any{"MaxResults": 100}))
		if err == nil {
			err = json.Unmarshal(text, &list)
		}
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range list.Findings {
			out = append(out, fmt.Sprintf("%s %s %s", f.ID, f.RecordState, f.Severity.Label))
		}
		return strings.Join(out, "\n")
	}
}

func TestAlertsAreExported(t *testing.T) {
	alertServer(t)
	held := hubOf(t)
	out, _ := runs(t, 0, "alert", "export", "--level", "high")
	if n := strings.Count(out, "\n"); n != 2 || strings.Contains(out, "\x1b") {
		t.Errorf("got %d lines, want one for each of two alerts, without what a terminal obeys", n)
	}
	contains(t, out, `"class_uid":2004`, `"uid":"AL-1"`, `"uid":"AL-3"`, `"status":"New"`)
	out, _ = runs(t, 0, "alert", "export", "--format", "asff", "--region", "eu-west-1", "--rule", "trail-stopped")
	contains(t, out, `"Id": "rootkeep/AL-1"`, `"ProductArn": "arn:aws:securityhub:eu-west-1:111122223333:product/111122223333/default"`)
	out, _ = runs(t, 0, "alert", "export", "--format", "json", "--rule", "recon")
	contains(t, out, `"schema": "rootkeep/alert-export/1"`, `"id": "AL-2"`, `"name": "StopLogging"`)
	for _, test := range []struct{ arguments, says string }{
		{"--format pdf", "want ocsf, asff or json"}, {"--format asff", "the Region of the Security Hub"}, {"--push-securityhub", "the Region of the Security Hub"},
		{"--push-securityhub --region eu-west-1 --format asff", "does not go with --format"}, {"--region eu-west-1", "goes with --format asff"}, {"--profile a", "goes with --push-securityhub"},
	} {
		_, errs := runs(t, 64, append([]string{"alert", "export"}, strings.Fields(test.arguments)...)...)
		contains(t, errs, test.says)
	}
	out, _ = runs(t, 0, "alert", "export", "--push-securityhub", "--region", "eu-west-1")
	contains(t, out, "Security Hub in eu-west-1: imported ")
	if got, want := held(), "rootkeep/AL-3 ACTIVE CRITICAL\nrootkeep/AL-1 ACTIVE HIGH\nrootkeep/AL-2 ACTIVE LOW"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	runs(t, 0, "alert", "close", "AL-1", "--reason", "a planned change")
	runs(t, 0, "alert", "export", "--push-securityhub", "--region", "eu-west-1", "--state", "closed")
	contains(t, held(), "rootkeep/AL-1 ARCHIVED HIGH")
	_, errs := runs(t, 1, "alert", "export", "--push-securityhub", "--region", "eu-west-3")
	contains(t, errs, "did not take all alerts")
}
