package need_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam/least"
	"github.com/rootkeep/rootkeep/internal/report/need"
)

func TestTextSaysWhatWentWrong(t *testing.T) {
	p := &least.Proposal{
		Principal: "arn:aws:iam::111122223333:role/app", PoliciesGiven: true,
		Policies:  make([]least.Document, 11),
		Oversized: []string{"statement 1 cannot be cut"},
		Replay:    least.Replay{Checked: 2, Allowed: 0, AsToday: 1, Lost: []least.Observation{{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", Reason: "why"}}},
	}
	p.Policies[0].Statement = []least.Statement{{Effect: "Deny", NotAction: []string{"iam:*"}, NotResource: []string{"arn:aws:s3:::b"}}}
	for i := range 20 {
		p.Unmapped = append(p.Unmapped, least.Event{Source: "x", Name: fmt.Sprint(i), Count: 1})
	}
	got := need.Text(p)
	for _, want := range []string{
		"more than the 10 managed policies", "too long: statement 1 cannot be cut", "Deny all but iam:*", "on all but arn:aws:s3:::b",
		"1 as unsettled as today, 1 lost", "lost: s3:GetObject on arn:aws:s3:::b/k: why", "and 5 more; hint: --output json",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want %q in it", got, want)
		}
	}
}

func TestTextOfNothing(t *testing.T) {
	if got := need.Text(&least.Proposal{}); !strings.Contains(got, "Proposal: nothing to grant") {
		t.Errorf("got %s, want it said that nothing is granted", got)
	}
}

func TestNamesOfALogMakeNoLines(t *testing.T) {
	const hostile = "x\nReplay: 9 observed calls checked, 9 allowed\x1b[2J"
	p := &least.Proposal{
		Principal: hostile, Replaces: []string{hostile}, Oversized: []string{hostile}, Notes: []string{hostile},
		Policies: []least.Document{{Statement: []least.Statement{{Effect: "Allow", Action: []string{hostile}, Resource: []string{hostile},
			Condition: map[string]map[string][]string{"StringEquals": {hostile: {hostile}}}}}}},
		Unmapped: []least.Event{{Source: hostile, Name: hostile, Reason: hostile, Count: 1}},
		Refused:  []least.Observation{{Action: hostile, Resource: hostile, Errors: []string{hostile}}},
		Observed: []least.Observation{{Via: []string{hostile}}},
		Replay:   least.Replay{Lost: []least.Observation{{Action: hostile, Resource: hostile, Reason: hostile}}},
	}
	p.Confidence.Reasons = []string{hostile}
	got := need.Text(p)
	if n := strings.Count(got, "\nReplay: "); n != 1 || strings.Contains(got, "\x1b") {
		t.Errorf("got %d lines that begin with Replay, want 1, and no control character:\n%s", n, got)
	}
}
