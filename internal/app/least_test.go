package app

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/least"
	"github.com/rootkeep/rootkeep/internal/report"
)

func administrator(t *testing.T) []*iam.Policy {
	t.Helper()
	p, err := iam.Parse("admin", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	return []*iam.Policy{p}
}

func proposed(t *testing.T, c LeastConfig) *Least {
	t.Helper()
	c.Now = time.Now
	out, err := ProposeLeast(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func subjectOf(t *testing.T, text string) least.Subject {
	t.Helper()
	s, err := least.ParseSubject(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Logs of real attacks: for each of their principals no call is lost, every event is
// known, and far fewer actions are left.
func TestLeastOnTheStratusCorpus(t *testing.T) {
	const dir = "../../../shared/corpora/stratus"
	files, err := filepath.Glob(dir + "/*.json")
	if err != nil || len(files) == 0 {
		t.Skip("skipped: ../shared/corpora/stratus is not there")
	}
	principals := map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var list []struct {
			UserIdentity struct {
				Type, ARN      string
				SessionContext struct{ SessionIssuer struct{ ARN string } }
			}
		}
		if err := json.Unmarshal(text, &list); err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			switch r.UserIdentity.Type {
			case "IAMUser":
				principals[r.UserIdentity.ARN] = true
			case "AssumedRole":
				principals[r.UserIdentity.SessionContext.SessionIssuer.ARN] = true
			}
		}
	}
	calls, checked := 0, 0
	for arn := range principals {
		p, err := iam.ParsePrincipal(arn)
		if err != nil {
			t.Fatal(err)
		}
		got := proposed(t, LeastConfig{
			Subject: subjectOf(t, arn), Paths: []string{dir},
			Proposal: least.Input{Principal: p, Policies: iam.Policies{Identity: administrator(t)}},
		})
		if len(got.Proposal.Replay.Lost) > 0 || len(got.Proposal.Unmapped) > 0 || len(got.Proposal.Outside) > 0 || got.Unread > 0 {
			t.Errorf("%s: lost %v, unmapped %v, outside %v, %d unread; want none", arn, got.Proposal.Replay.Lost, got.Proposal.Unmapped, got.Proposal.Outside, got.Unread)
		}
		if r := got.Proposal.Removed; r.After > 30 || r.Before < 20_000 {
			t.Errorf("%s: %d of %d actions left, want at most 30", arn, r.After, r.Before)
		}
		calls += got.Proposal.Log.Calls
		checked += got.Proposal.Replay.Checked
	}
	t.Logf("%d principals, %d calls, %d observations replayed", len(principals), calls, checked)
	if len(principals) < 40 || calls < 300 || checked < 100 {
		t.Errorf("got %d principals, %d calls, %d observations; want the whole corpus", len(principals), calls, checked)
	}
}

const leastRecord = `{"eventID":"ID","eventSource":"s3.amazonaws.com","eventName":"PutObject","eventTime":"2026-03-0DAYT10:00:00Z","awsRegion":"eu-west-3","eventCategory":"Data",
	"recipientAccountId":"111122223333","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/app/s","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/app"}}},
	"requestParameters":{"bucketName":"b","key":"k"}}`

func leastLog(t *testing.T, days ...string) string {
	t.Helper()
	var list []string
	for _, d := range days {
		list = append(list, strings.Replace(strings.Replace(leastRecord, "DAY", d, 1), "ID", d, 1))
	}
	return file(t, filepath.Join(t.TempDir(), "log.json"), `{"Records":[`+strings.Join(list, ",")+`]}`)
}

func TestLeastFindsThePrincipalByName(t *testing.T) {
	got := proposed(t, LeastConfig{Subject: subjectOf(t, "role/app"), Paths: []string{leastLog(t, "1", "2")}}).Proposal
	if got.Principal != "arn:aws:iam::111122223333:role/app" || got.PoliciesGiven || got.Replay.Allowed != 1 || got.Log.Calls != 2 {
		t.Errorf("got %s with %+v and %d calls, want the role, one observation allowed, 2 calls", got.Principal, got.Replay, got.Log.Calls)
	}
	if got.Log.Days != 2 || got.Log.DataEvents != 2 {
		t.Errorf("got %d days and %d data events, want 2 and 2", got.Log.Days, got.Log.DataEvents)
	}
}

func TestLeastHasAWindow(t *testing.T) {
	got := proposed(t, LeastConfig{
		Subject: subjectOf(t, "role/app"), Paths: []string{leastLog(t, "1", "2", "3")},
		Since: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC),
	}).Proposal
	if got.Log.Calls != 1 || got.Log.Events != 1 {
		t.Errorf("got %d calls of %d events, want 1 of 1", got.Log.Calls, got.Log.Events)
	}
}

func TestLeastNamesWhatItCannotRead(t *testing.T) {
	broken := file(t, filepath.Join(t.TempDir(), "broken.json"), `{"Records":[{"eventName":`)
	got := proposed(t, LeastConfig{Subject: subjectOf(t, "role/app"), Paths: []string{leastLog(t, "1"), broken}})
	if got.Unread == 0 || len(got.Problems) == 0 || got.Problems[0].File != broken || got.Proposal.Log.Unread == 0 || got.Proposal.Confidence.Level != "low" {
		t.Errorf("got %d unread, problems %+v, confidence %+v; want the file named and little confidence", got.Unread, got.Problems, got.Proposal.Confidence)
	}
}

func TestLeastRefuses(t *testing.T) {
	two := file(t, filepath.Join(t.TempDir(), "two.json"), "["+leastRecord+","+strings.ReplaceAll(leastRecord, "111122223333", "444455556666")+"]")
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name, want string
		ctx        context.Context
		config     LeastConfig
	}{
		{"no clock", "app: a clock is required", t.Context(), LeastConfig{}},
		{"a name that no event has", "no event of role/other", t.Context(), LeastConfig{Subject: subjectOf(t, "role/other"), Paths: []string{two}, Now: time.Now}},
		{"a name of two accounts", "role/app is 2 principals", t.Context(), LeastConfig{Subject: subjectOf(t, "role/app"), Paths: []string{two}, Now: time.Now}},
		{"half a log", "interrupted", stopped, LeastConfig{Subject: subjectOf(t, "role/app"), Paths: []string{two}, Now: time.Now}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := ProposeLeast(c.ctx, c.config); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestARecordThatIsNoCallIsAProblem(t *testing.T) {
	path := file(t, filepath.Join(t.TempDir(), "odd.json"), "["+strings.Replace(leastRecord, `"PutObject"`, `["PutObject"]`, 1)+","+leastRecord+"]")
	w := proposed(t, LeastConfig{Subject: subjectOf(t, "role/app"), Paths: []string{path}, Progress: func(report.Progress) {}})
	if w.Unread != 1 || w.Proposal.Log.Calls != 1 {
		t.Errorf("got %d unread and %d calls, want 1 and 1", w.Unread, w.Proposal.Log.Calls)
	}
}
