package main

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail/digest/digesttest"
)

// writeDigests adds an hourly chain of signed digests for each account and Region
// and the public keys that verify them. The signing key is drawn anew in each
// run: nothing else about a signature would be like CloudTrail's.
func writeDigests(dir string, logs []written) error {
	signer, err := digesttest.NewSigner()
	if err != nil {
		return err
	}
	of := map[*place][]written{}
	last := birth()
	for _, l := range logs {
		of[l.object.place] = append(of[l.object.place], l)
		if l.object.end.After(last) {
			last = l.object.end
		}
	}
	hours := int(last.Sub(birth())/time.Hour) + 1
	places := slices.SortedFunc(maps.Keys(of), func(a, b *place) int { return cmp.Compare(a.number, b.number) })
	for _, p := range places {
		files, _, err := chainOf(p, of[p], hours).Files(signer)
		if err != nil {
			return err
		}
		if err := digesttest.WriteFiles(dir, files); err != nil {
			return err
		}
	}
	keys := signer.PublicKeys(birth().AddDate(0, -1, 0), birth().AddDate(0, 1, 0))
	return os.WriteFile(filepath.Join(dir, digesttest.KeysFile), keys, 0o644)
}

// chainOf is the chain over the log files of one place.
func chainOf(p *place, logs []written, hours int) digesttest.Chain {
	slices.SortFunc(logs, func(a, b written) int { return cmp.Compare(a.object.number, b.object.number) })
	return digesttest.Chain{
		Account: p.account.id, Region: p.region.name, HomeRegion: "us-east-1", Trail: "lumora-org", Bucket: "lumora-trail",
		Start: birth(), Hours: hours,
		LogsOf: func(start, end time.Time) []digesttest.Log {
			var out []digesttest.Log
			for _, l := range logs {
				if at := l.object.end; !at.Before(start) && at.Before(end) {
					out = append(out, digesttest.Log{Object: l.object.key(), Sum: l.sum})
				}
			}
			return out
		},
	}
}
