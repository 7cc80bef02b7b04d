package posture_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/tools/evalbench/large"
)

// What controls share (elements, documents, answers about policies) must not change what
// any of them says: all judged at once say what each says alone, whatever was not read.
func TestControlsDoNotLeanOnEachOther(t *testing.T) {
	controls := shipped(t)
	r := rand.New(rand.NewPCG(16, 4))
	unknown := 0
	for round := range 4 {
		s := patchy(r, round)
		var alone []rootkeep.Finding
		for _, c := range controls {
			alone = append(alone, posture.Evaluate(s, []*posture.Control{c}, posture.Setting{Now: now})...)
		}
		together := posture.Evaluate(s, controls, posture.Setting{Now: now})
		if diff := cmp.Diff(alone, together); diff != "" {
			t.Fatalf("round %d, alone and together:\n%s", round, diff)
		}
		for _, f := range together {
			if f.Status == rootkeep.Unknown {
				unknown++
			}
		}
	}
	if unknown < 100 {
		t.Errorf("got %d unknown findings, want more: too little was left unread", unknown)
	}
}

// patchy is a part of the large account of which some facts were not read, of the whole
// account or of single resources. Documents and ARNs repeat, as hostile snapshots may.
func patchy(r *rand.Rand, round int) *facts.Snapshot {
	s := large.Snapshot(now)
	f := &s.Facts
	f.Users, f.Roles, f.Groups = f.Users[:12], f.Roles[:40], f.Groups[:3]
	f.Policies = append(f.Policies[:20], f.Policies[60:]...)
	f.Roles[1].InlinePolicies = f.Roles[2].InlinePolicies
	f.Roles[3].InlinePolicies = append(f.Roles[3].InlinePolicies, f.Roles[3].InlinePolicies[0], facts.Document{Name: "broken", Text: "{"})
	f.Roles[5].ARN, f.Policies[1].ARN = f.Roles[4].ARN, f.Policies[2].ARN
	if round == 0 {
		return s
	}
	paths := facts.Paths()
	for range 3 * round {
		p := paths[r.IntN(len(paths))]
		s.Gaps = append(s.Gaps, facts.Gap{Path: p.Name, Permission: p.Call, Reason: p.Call + " denied"})
	}
	for range 6 {
		role := f.Roles[r.IntN(len(f.Roles))].ARN
		path := []string{"roles.trust", "roles.inline_policies", "roles.attached_policies"}[r.IntN(3)]
		s.Gaps = append(s.Gaps, facts.Gap{Path: path, Resource: role, Permission: "iam:Get", Reason: fmt.Sprint("round ", round)})
	}
	return s
}
