package proposal_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/change/proposal"
	"github.com/rootkeep/rootkeep/internal/posture"
)

const (
	one        = "111122223333"
	management = "444455556666"
)

var kinds = []*change.Kind{
	{ID: "recorder", Class: "detection", Risk: "low", First: []string{"bucket"}, Calls: []change.Step{{ID: "on"}}, Parameters: map[string]change.Parameter{
		"regions": {Type: "texts", Default: []any{}, Finding: "regions"},
	}},
	{ID: "bucket", Calls: []change.Step{{ID: "make", Final: "It stays."}}},
	{ID: "lock", Calls: []change.Step{{ID: "a"}, {ID: "b", Final: "It stays."}}, Parameters: map[string]change.Parameter{"user": {Type: "text", Required: true, Finding: "holder"}, "key": {About: "which key", Type: "text", Required: true}}},
	{ID: "trail", In: change.InOwner, Calls: []change.Step{{ID: "encrypt"}}, Parameters: map[string]change.Parameter{"trail": {Type: "text", Required: true, Finding: "resource"}}},
	{ID: "policy", In: change.InManagement, Calls: []change.Step{{ID: "attach"}}},
}

var controls = []*posture.Control{
	{ID: "CO-01", Fix: posture.Fix{Change: "recorder"}}, {ID: "IU-10", Fix: posture.Fix{Change: "lock"}}, {ID: "OR-05", Fix: posture.Fix{Change: "policy"}}, {ID: "CT-06", Fix: posture.Fix{Change: "trail"}},
	{ID: "RT-02", Fix: posture.Fix{Console: "Sign in as root."}}, {ID: "XX-01", Fix: posture.Fix{Change: "none", CLI: "aws x"}},
}

func fail(control, resource string, region rootkeep.Region) rootkeep.Finding {
	return rootkeep.Finding{Control: control, Status: rootkeep.Fail, Account: one, Region: region, Resource: resource}
}

func TestProposalsSayWhatToPlanAndWhatNeedsAPerson(t *testing.T) {
	const root = "arn:aws:iam::" + one + ":root"
	passes := fail("CO-01", root, "us-east-1")
	passes.Status = rootkeep.Pass
	got := proposal.Of([]rootkeep.Finding{
		fail("CO-01", root, "eu-west-1"), fail("CO-01", root, "eu-west-3"), fail("CO-01", root, "eu-west-1"), passes,
		fail("IU-10", "arn:aws:iam::"+one+":user/it's", ""), fail("OR-05", root, ""), fail("RT-02", root, ""), fail("XX-01", root, ""), fail("YY-01", root, ""),
	}, controls, kinds, management)
	var lines []string
	for i := range got.Proposals {
		p := &got.Proposals[i]
		lines = append(lines, strings.TrimPrefix(p.Command(), "rootkeep change plan ")+" | "+p.Undo+" | "+p.Reason)
	}
	for _, p := range got.People {
		lines = append(lines, p.Control+": "+p.Reason)
	}
	want := []string{
		"bucket --account " + one + " | none | ",
		"lock --account " + one + ` --set 'user=it'\''s' --set key=... | part | give key: which key`,
		"policy --account " + management + " | all | ",
		"recorder --account " + one + " --set regions=eu-west-1,eu-west-3 | all | ",
		"RT-02: Sign in as root.", "XX-01: aws x", "YY-01: the control is not loaded, so how it is mended is not known",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := len(got.Ready()); n != 3 {
		t.Errorf("ready: got %d, want 3", n)
	}
}

func TestWithoutTheManagementAccountItIsAskedFor(t *testing.T) {
	got := proposal.Of([]rootkeep.Finding{fail("OR-05", "arn:aws:iam::"+one+":root", "")}, controls, kinds, "")
	if p := got.Proposals[0]; !strings.Contains(p.Reason, "management account") || p.Account != "" {
		t.Errorf("got %+v", p)
	}
}

func TestWhatBelongsToTheManagementAccountIsChangedThere(t *testing.T) {
	const theirs, ours, strange = "arn:aws:cloudtrail:us-east-1:" + management + ":trail/all", "arn:aws:cloudtrail:us-east-1:" + one + ":trail/own", "arn:aws:cloudtrail:us-east-1:999988887777:trail/x"
	other := fail("CT-06", theirs, "us-east-1")
	other.Account = "222233334444"
	findings := []rootkeep.Finding{fail("CT-06", theirs, "us-east-1"), other, fail("CT-06", ours, "us-east-1"), fail("CT-06", strange, "us-east-1")}
	for _, c := range []struct {
		name       string
		management rootkeep.AccountID
		want       map[string]string // account by trail
	}{
		{"the management account is known", management, map[string]string{theirs: management, ours: one, strange: one}},
		{"it is not known", "", map[string]string{theirs: one + " 222233334444", ours: one, strange: one}},
	} {
		got := map[string]string{}
		for _, p := range proposal.Of(findings, controls, kinds, c.management).Proposals {
			trail := p.Parameters["trail"].(string)
			got[trail] = strings.TrimSpace(got[trail] + " " + string(p.Account))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
