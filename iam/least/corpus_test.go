package least_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/account"
	"github.com/rootkeep/rootkeep/iam/least"
	"github.com/rootkeep/rootkeep/iam/least/event"
)

// The principals of an account that nobody here made, each with the same calls: none is
// lost, and what their policies do not allow is not granted.
func TestRealPolicies(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../../../shared/corpora/authorization-details/example.json")
	if err != nil {
		t.Skip("skipped: ../shared/corpora/authorization-details is not there")
	}
	defer f.Close()
	a, err := account.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	tb := table(t)
	var calls []string
	for i, c := range [][3]string{
		{"s3", "GetObject", `{"bucketName":"b","key":"a/b"}`}, {"s3", "PutObject", `{"bucketName":"b","key":"a/b"}`}, {"s3", "ListBuckets", "null"},
		{"ec2", "DescribeInstances", "null"}, {"ec2", "TerminateInstances", `{"instancesSet":{"items":[{"instanceId":"i-0123456789abcdef0"}]}}`},
		{"iam", "CreateAccessKey", `{"userName":"ann"}`}, {"iam", "ListUsers", "null"}, {"lambda", "Invoke", `{"functionName":"f"}`},
		{"lambda", "CreateFunction20150331", `{"functionName":"f","role":"arn:aws:iam::111122223333:role/fn"}`}, {"logs", "CreateLogGroup", `{"logGroupName":"/a"}`},
		{"kms", "Decrypt", `{"keyId":"0b17cce0-53cf-40d2-a9dd-a87802a915d6"}`}, {"cloudtrail", "StopLogging", `{"name":"main"}`},
	} {
		calls = append(calls, record(c[0], c[1], c[2], fmt.Sprintf(`,"eventID":"%d"`, i)))
	}
	allowed, outside := 0, 0
	for _, i := range a.Identities() {
		policies := i.Policies(account.Guardrails{})
		log := least.NewLog(least.Setting{Finder: event.NewFinder(tb, event.Surroundings{}), Keys: least.ContextKeys(policies)})
		for _, text := range calls {
			c, err := event.ReadCall([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			log.Add(c)
		}
		p, err := least.Propose(least.Input{
			Log: log, Principal: i.Principal, Policies: policies, Scope: least.Pattern,
			Context: func(known map[string][]string) iam.Context { return i.Context(account.Guardrails{}, known) },
		})
		if err != nil {
			t.Fatalf("%s: %v", i.Principal.ARN, err)
		}
		if len(p.Replay.Lost) > 0 || len(p.Oversized) > 0 {
			t.Errorf("%s: lost %+v, oversized %v", i.Principal.ARN, p.Replay.Lost, p.Oversized)
		}
		if p.Removed.After > p.Removed.Before {
			t.Errorf("%s: %d actions proposed of %d, want no more", i.Principal.ARN, p.Removed.After, p.Removed.Before)
		}
		allowed += p.Replay.Allowed
		outside += len(p.Outside)
	}
	t.Logf("%d principals: %d observations allowed, %d outside today's policies", len(a.Identities()), allowed, outside)
	if allowed < 100 || outside < 100 {
		t.Errorf("got %d allowed and %d outside, want enough of both", allowed, outside)
	}
}
