package sarif

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/iam/lint"
)

func TestWrite(t *testing.T) {
	findings, _ := lint.Source([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s4:Get","Resource":"*"}]}`), lint.Options{})
	var out bytes.Buffer
	err := Write(&out, Run{
		Version: "1.0",
		Results: []Result{{File: "a b/policy.json", Policy: "Resources.R", Finding: findings[0], Places: []Place{{3, 7, "Statement[0].Action"}, {4, 1, "Statement[0]"}}}},
		Notices: []Notice{{"c.json", Place{1, 2, ""}, "no policy"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got log
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != "2.1.0" || len(got.Runs) != 1 || len(got.Runs[0].Results) != 1 || len(got.Runs[0].Invocations[0].Notifications) != 1 {
		t.Fatalf("got %s, want one run with one result and one notification", out.Bytes())
	}
	r := got.Runs[0].Results[0]
	if rule := got.Runs[0].Tool.Driver.Rules[r.RuleIndex]; rule.ID != "INVALID_SERVICE_IN_ACTION" || r.RuleID != rule.ID || r.Level != "error" {
		t.Errorf("got rule %s and result %s of level %s, want INVALID_SERVICE_IN_ACTION and error", rule.ID, r.RuleID, r.Level)
	}
	l := r.Locations[0]
	want := []string{"a%20b/policy.json", "Resources.R.Statement[0].Action"}
	if diff := cmp.Diff(want, []string{l.Physical.Artifact.URI, l.Logical[0].Name}); diff != "" || l.Physical.Region.Line != 3 || len(r.Related) != 1 {
		t.Errorf("location (-want +got):\n%s", diff)
	}
}
