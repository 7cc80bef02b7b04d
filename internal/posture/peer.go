package posture

import (
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// keeper is the account of the same scan that owns what this account's trails deliver
// to or encrypt with, and knows it: it is judged there, where its settings are read. Of
// a bucket no name tells the owner; only the accounts that were chosen to keep logs are
// looked at.
func (j *judge) keeper(list, key string) (rootkeep.AccountID, bool) {
	if j.Peer == nil {
		return "", false
	}
	switch list {
	case "buckets":
		for _, id := range j.snapshot.Facts.Decided.LogArchiveAccounts {
			if j.knows(rootkeep.AccountID(id), func(f *facts.Facts) bool {
				return slices.ContainsFunc(f.Buckets, func(b facts.Bucket) bool { return b.ARN == key && b.Account == id })
			}) {
				return rootkeep.AccountID(id), true
			}
		}
	case "keys", "log_groups":
		arn, err := rootkeep.ParseARN(key)
		return arn.Account, err == nil && j.knows(arn.Account, func(f *facts.Facts) bool {
			return slices.ContainsFunc(f.Keys, func(k facts.Key) bool { return k.ARN == key }) ||
				slices.ContainsFunc(f.LogGroups, func(g facts.LogGroup) bool { return g.ARN == key })
		})
	}
	return "", false
}

// knows asks the facts of another account of the scan.
func (j *judge) knows(id rootkeep.AccountID, holds func(*facts.Facts) bool) bool {
	if id == "" || id == j.snapshot.Account {
		return false
	}
	s := j.Peer(id)
	return s != nil && holds(&s.Facts)
}
