package diff_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/diff"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// bulky is a policy of about 6 KB over 20 services, with resources, conditions and a
// Deny; seed changes one statement of it.
func bulky(tb testing.TB, seed int) *iam.Policy {
	tb.Helper()
	services := metadata.Services()
	var statements []string
	size := 0
	for n := 0; size < 6000; n++ {
		service := services[(n*17)%len(services)]
		names := []string{service + ":Describe*", service + ":List*"}
		for i, a := range metadata.Actions(service) {
			if i%3 == 0 && i < 24 {
				names = append(names, a.String())
			}
		}
		s := allow(strings.Join(names, " "), fmt.Sprintf("arn:aws:%s:*:111122223333:thing-%d/* arn:aws:%s:*:111122223333:other/*", service, n, service))
		if n%3 == 0 {
			s = allow(strings.Join(names, " "), "*", when("StringEquals", "aws:RequestedRegion", "eu-west-3 eu-west-1"))
		}
		statements = append(statements, s)
		size += len(s)
	}
	statements = append(statements, deny("*", "*", when("Bool", "aws:SecureTransport", "false")),
		allow("s3:GetObject s3:PutObject", fmt.Sprintf("arn:aws:s3:::logs-%d/*", seed)))
	return parse(tb, strings.Join(statements, ","))
}

func BenchmarkDiffPolicies(b *testing.B) {
	old, new := []*iam.Policy{bulky(b, 1)}, []*iam.Policy{bulky(b, 2)}
	b.ReportAllocs()
	for b.Loop() {
		r, err := diff.Compare(diff.Side{Kind: diff.Identity, Policies: old}, diff.Side{Kind: diff.Identity, Policies: new})
		if err != nil {
			b.Fatal(err)
		}
		if r.New.Answer != diff.Yes || len(r.New.Changes) != 1 {
			b.Fatalf("got %s", show(r))
		}
	}
}
