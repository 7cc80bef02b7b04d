package demo_test

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/app/demo"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/assessment"
)

func TestAWeekHasSomethingToShow(t *testing.T) {
	w, err := demo.New(1, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(simtest.In("us-east-1", "eu-west-1")(w)) // scans of all Regions take ten times as long
	defer server.Close()
	nowhere := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_ACCESS_KEY_ID": w.Administrator.ID, "AWS_SECRET_ACCESS_KEY": w.Administrator.Secret, "AWS_SESSION_TOKEN": "",
		"AWS_REGION": "us-east-1", "AWS_PROFILE": "", "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	var scans []*assessment.Assessment
	var times []time.Time
	var last *report.Hunt
	days, folder := 0, t.TempDir()
	err = w.Live(t.Context(), demo.History{
		Folder: folder, Day: func(int, int) { days++ },
		Scan: func(ctx context.Context, c scan.Config) error {
			a, err := scan.Run(ctx, c)
			scans, times = append(scans, a), append(times, c.Now)
			return err
		},
		Hunt: func(ctx context.Context, c app.HuntConfig) (err error) {
			if last, err = app.Hunt(ctx, c); err != nil {
				return err
			}
			for _, p := range last.Problems {
				t.Errorf("problem: %+v", p)
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if days != 7 || len(scans) != 2 || times[1].Sub(times[0]) < 5*24*time.Hour || time.Since(times[1]) > 3*24*time.Hour {
		t.Fatalf("got %d days, %d scans at %v", days, len(scans), times)
	}
	if before, after := status(t, scans[0], "AL-03"), status(t, scans[1], "AL-03"); before != rootkeep.Fail || after != rootkeep.Pass {
		t.Errorf("the alarm that was repaired: got %v, then %v", before, after)
	}
	for _, a := range scans {
		if len(a.Accounts) != 6 || len(a.Problems) > 0 {
			t.Errorf("got %d accounts, problems %v", len(a.Accounts), a.Problems)
		}
	}
	rules := map[string]bool{}
	for _, a := range last.Alerts {
		for _, r := range a.Rules {
			rules[r.Name] = true
		}
	}
	for _, want := range []string{"root-signin-failures", "user-console-login-without-mfa"} {
		if !rules[want] {
			t.Errorf("got alerts of %v, want one of %s", rules, want)
		}
	}
	if last.Totals.Events < 1000 {
		t.Errorf("got %d events in a week", last.Totals.Events)
	}
	intact(t, folder)
}

// intact holds the trail of the folder to the keys that lie beside it.
func intact(t *testing.T, folder string) {
	t.Helper()
	r, err := app.Verify(t.Context(), app.VerifyConfig{Folder: filepath.Join(folder, "trail"), Keys: []string{filepath.Join(folder, "trail-keys.json")}})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Passed() || r.Digests.Valid < 100 {
		t.Errorf("got digests %+v and logs %+v, want valid ones of every Region", r.Digests, r.Logs)
	}
}

func status(t *testing.T, a *assessment.Assessment, control string) rootkeep.Status {
	t.Helper()
	for _, f := range a.Findings {
		if f.Control == control {
			return f.Status
		}
	}
	t.Fatalf("no finding of %s", control)
	return 0
}
