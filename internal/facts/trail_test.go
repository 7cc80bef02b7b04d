package facts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

func TestTrailsAreFollowedToWhatTheAccountLooksAfter(t *testing.T) {
	const own, organization = "arn:aws:cloudtrail:eu-west-3:111122223333:trail/own", "arn:aws:cloudtrail:eu-west-3:444455556666:trail/all"
	trails := []facts.Trail{
		{ARN: own, Owner: "111122223333", Bucket: "logs", Prefix: "a/", Key: "arn:aws:kms:eu-west-3:777788889999:key/k", LogGroup: "arn:aws:logs:eu-west-3:111122223333:log-group:trail:*"},
		{ARN: organization, Owner: "444455556666", Bucket: "logs", Key: "arn:aws:kms:eu-west-3:777788889999:key/k", LogGroup: "arn:aws:logs:eu-west-3:444455556666:log-group:all:*"},
	}
	bucket := facts.Bucket{ARN: "arn:aws:s3:::logs", Name: "logs", Trails: []string{own, organization}, Prefixes: []string{"a/AWSLogs/", "AWSLogs/"}}
	key := func(trails ...string) facts.Key {
		return facts.Key{ARN: "arn:aws:kms:eu-west-3:777788889999:key/k", Trails: trails}
	}
	group := facts.LogGroup{ARN: "arn:aws:logs:eu-west-3:111122223333:log-group:trail", Trails: []string{own}}
	all := facts.LogGroup{ARN: "arn:aws:logs:eu-west-3:444455556666:log-group:all", Trails: []string{organization}}
	for _, c := range []struct {
		name    string
		account rootkeep.AccountID
		trails  []facts.Trail
		want    facts.Facts
	}{
		{"what its own trail uses", "111122223333", trails, facts.Facts{Buckets: []facts.Bucket{bucket}, Keys: []facts.Key{key(own)}, LogGroups: []facts.LogGroup{group}}},
		{"its own key that other accounts' trails use", "777788889999", trails, facts.Facts{Buckets: []facts.Bucket{bucket}, Keys: []facts.Key{key(own, organization)}, LogGroups: []facts.LogGroup{}}},
		{"an account that is not known", "", trails, facts.Facts{Buckets: []facts.Bucket{bucket}, Keys: []facts.Key{key(own, organization)}, LogGroups: []facts.LogGroup{group, all}}},
		{"another partition", "111122223333", []facts.Trail{{ARN: "arn:aws-cn:cloudtrail:cn-north-1:111122223333:trail/own", Owner: "111122223333", Bucket: "logs"}}, facts.Facts{
			Buckets: []facts.Bucket{{ARN: "arn:aws-cn:s3:::logs", Name: "logs", Trails: []string{"arn:aws-cn:cloudtrail:cn-north-1:111122223333:trail/own"}, Prefixes: []string{"AWSLogs/"}}},
			Keys:    []facts.Key{}, LogGroups: []facts.LogGroup{}}},
		{"a trail without anything", "111122223333", []facts.Trail{{}}, facts.Facts{Buckets: []facts.Bucket{}, Keys: []facts.Key{}, LogGroups: []facts.LogGroup{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.Trails = c.trails
			got := facts.Facts{Trails: c.trails}
			for range 2 { // a second time changes nothing
				got.FollowTrails(c.account)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
