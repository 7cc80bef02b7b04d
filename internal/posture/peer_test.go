package posture_test

import (
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

func TestWhatAnotherAccountOwnsIsJudgedThere(t *testing.T) {
	const archive, bucket, key = "444455556666", "arn:aws:s3:::logs", "arn:aws:kms:eu-west-3:444455556666:key/k"
	kept := account()
	kept.Account = archive
	kept.Facts.Buckets = []facts.Bucket{{ARN: bucket, Name: "logs", Account: archive, Versioning: true}}
	kept.Facts.Keys = []facts.Key{{ARN: key, State: "Enabled"}}
	s := account()
	s.Facts.Decided.LogArchiveAccounts = []string{archive}
	s.Facts.Buckets = []facts.Bucket{{ARN: bucket, Name: "logs"}}
	s.Facts.Keys = []facts.Key{{ARN: key}}
	for _, path := range []string{"buckets.account", "buckets.versioning"} {
		s.Gaps = append(s.Gaps, facts.Gap{Path: path, Resource: bucket, Reason: "another account's"})
	}
	s.Gaps = append(s.Gaps, facts.Gap{Path: "keys.state", Resource: key, Reason: "another account's"})
	controls := shipped(t)
	scanned := func(known ...*facts.Snapshot) func(rootkeep.AccountID) *facts.Snapshot {
		return func(id rootkeep.AccountID) *facts.Snapshot {
			for _, s := range known {
				if s.Account == id {
					return s
				}
			}
			return nil
		}
	}
	without := account()
	without.Account = archive // scanned, and the bucket is not its own
	without.Facts.Buckets = []facts.Bucket{{ARN: bucket, Name: "logs"}}
	for _, c := range []struct {
		name string
		with posture.Setting
		want rootkeep.Status
	}{
		{"no other account is scanned", posture.Setting{Now: now}, rootkeep.Unknown},
		{"others are scanned, the owner is not", posture.Setting{Now: now, Peer: scanned(s)}, rootkeep.Unknown},
		{"the owner is scanned", posture.Setting{Now: now, Peer: scanned(s, kept)}, rootkeep.NotApplicable},
		{"an account is scanned that does not own it either", posture.Setting{Now: now, Peer: scanned(s, without)}, rootkeep.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := 0
			for _, f := range posture.Evaluate(s, controls, c.with) {
				if f.Control == "CT-15" || f.Control == "CT-22" {
					seen++
					if f.Status != c.want {
						t.Errorf("%s: got %s %v, want %s", f.Control, f.Status, f.Missing, c.want)
					}
				}
			}
			if seen != 2 {
				t.Errorf("got %d findings, want one of the bucket and one of the key", seen)
			}
		})
	}
	for _, f := range posture.Evaluate(kept, controls, posture.Setting{Now: now, Peer: scanned(s, kept)}) {
		if f.Control == "CT-15" && f.Status != rootkeep.Pass {
			t.Errorf("in the account that owns it: got %s", f.Status)
		}
	}
}
