package posture

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/permission"
)

// anyPolicy is an SCP of random parts, some of which a request does not decide.
func anyPolicy(r *rand.Rand) string {
	pick := func(parts ...string) string { return parts[r.IntN(len(parts))] }
	condition := pick("", "", `,"Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}`, `,"Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:root"}}`,
		`,"Condition":{"Null":{"aws:AssumedRoot":"true"}}`, `,"Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}`, `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`,
		`,"Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, `,"Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}`)
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"%s",%s,"Resource":"%s"%s}}`,
		pick("Allow", "Deny", "Deny"), pick(`"Action":"*"`, `"Action":"s3:*"`, `"Action":["s3:GetObject","iam:Create*"]`, `"NotAction":"iam:*"`),
		pick("*", "*", "arn:aws:s3:::*"), condition)
}

// What is asked at once must be what asking one request after another gives.
func TestLimitsAgreeWithOneRequestAfterAnother(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	regions := []string{"us-east-1", "eu-west-1"}
	actions := []string{"s3:GetObject arn:${partition}:s3:::b/k", "iam:CreateUser arn:aws:iam::${account}:user/u", "ec2:DescribeRegions"}
	seen := map[string]int{}
	for range 150 {
		levels := make([]facts.PolicyLevel, r.IntN(4))
		for i := range levels {
			levels[i].Policies = []facts.Document{{Name: "all", Text: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`}}
			for range r.IntN(3) {
				levels[i].Policies = append(levels[i].Policies, facts.Document{Name: "any", Text: anyPolicy(r)})
			}
			levels[i].Policies = levels[i].Policies[r.IntN(2):]
		}
		for _, who := range []string{"root", "assumed-root", "role"} {
			q, err := newLimits(levels, "111122223333", who)
			if err != nil {
				t.Fatal(err)
			}
			for _, action := range actions {
				open, shut, unsure := 0, 0, 0
				for _, region := range regions {
					for _, mfa := range q.mfa {
						d, err := iam.Evaluate(q.request(action, region, mfa), iam.Policies{Identity: []*iam.Policy{everything}, SCPs: permission.Levels(levels, iam.SCP)})
						switch {
						case err != nil:
							t.Fatal(err)
						case d.Outcome == iam.Allowed:
							open++
						case d.Outcome == iam.Conditional:
							unsure++
						default:
							shut++
						}
					}
				}
				for want, n := range map[iam.Truth]int{iam.True: open, iam.False: shut} {
					truth := want.Not()
					if unsure > 0 {
						truth = iam.Unknown
					}
					if n > 0 {
						truth = want
					}
					got, why := q.anywhere(action, regions, want)
					if got != truth || (got == iam.Unknown) != strings.Contains(why, "hangs on") {
						t.Fatalf("%s as %s, want %v: got %v %q, want %v; policies %v", action, who, want, got, why, truth, levels)
					}
					seen[fmt.Sprint(want, truth)]++
				}
			}
		}
	}
	if len(seen) != 6 {
		t.Errorf("got answers %v, want each of three to both questions", seen)
	}
}
