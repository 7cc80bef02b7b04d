package digest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// deliveryLag is how long after the minute in its name a log file may arrive,
// and so be in the next hour's digest.
const deliveryLag = 15 * time.Minute

// outcome is what judging one scope yields.
type outcome struct {
	place
	chains   []Chain
	unlisted []Verdict
	proven   []interval
	seen     []interval // the hours in which log files lie
}

// scopeRun is the judging of one scope, by one goroutine and the log readers.
type scopeRun struct {
	*verifier
	*scope
	digestReader *objectReader
	lists        map[chainID][]file
	visited      map[string]bool    // digest paths judged so far
	unnamed      map[string]logName // logs that no digest named so far, by path
	pending      sync.WaitGroup     // logs handed to readers
}

// judgeScope follows the chains of s, newest first, and then looks at what no
// chain led to.
func (v *verifier) judgeScope(ctx context.Context, r *objectReader, s *scope) *outcome {
	logs, unreadable := s.logNames(ctx, v.fsys)
	run := &scopeRun{
		verifier: v, scope: s, digestReader: r,
		lists:   s.chains(v.opt),
		visited: map[string]bool{},
		unnamed: logs,
	}
	o := &outcome{place: s.place, unlisted: unreadable, seen: hoursOf(logs)}
	var chains []*chainRun
	for _, id := range run.order() {
		chains = append(chains, run.follow(ctx, id))
	}
	run.pending.Wait()
	if ctx.Err() == nil {
		o.unlisted = append(o.unlisted, run.strayDigests()...)
		o.unlisted = append(o.unlisted, run.strayLogs(chains)...)
	}
	for _, c := range chains {
		if c.Digests.Total() > 0 {
			o.chains = append(o.chains, c.finish())
		}
	}
	o.proven = provenBy(chains)
	return o
}

// order lists the chains by their newest digest, latest first. When a trail
// moved to another bucket, the chain in the new bucket thus leads into the old
// one before the old one is looked at by itself.
func (run *scopeRun) order() []chainID {
	ids := make([]chainID, 0, len(run.lists))
	for id := range run.lists {
		ids = append(ids, id)
	}
	newest := func(id chainID) time.Time { list := run.lists[id]; return list[len(list)-1].end }
	slices.SortFunc(ids, func(a, b chainID) int {
		return cmp.Or(newest(b).Compare(newest(a)), cmp.Compare(a.top, b.top), cmp.Compare(a.organization, b.organization),
			cmp.Compare(a.trail, b.trail), cmp.Compare(a.home, b.home), backfillLast(a.backfill, b.backfill))
	})
	return ids
}

func backfillLast(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// strayDigests are digests in range that no chain led to.
func (run *scopeRun) strayDigests() []Verdict {
	var stray []Verdict
	for _, list := range run.lists {
		for _, f := range list {
			if !run.visited[f.path] {
				stray = append(stray, Verdict{
					Object: f.path, Kind: KindDigest, Status: Unlisted, Reason: ReasonUnlisted,
					Detail: "no newer digest leads to it",
				})
			}
		}
	}
	return stray
}

// digested is what the digests of one branch say about time.
type digested struct {
	covered []interval // by valid standard digests
	newest  time.Time  // end of the newest digest, whatever its verdict
}

func digestedBy(chains []*chainRun) map[branch]*digested {
	all := map[branch]*digested{}
	for _, c := range chains {
		for _, d := range c.digests {
			in := all[d.branch]
			if in == nil {
				in = &digested{}
				all[d.branch] = in
			}
			if d.status == Valid && !c.Backfill {
				in.covered = append(in.covered, d.interval)
			}
			if d.to.After(in.newest) {
				in.newest = d.to
			}
		}
	}
	for _, in := range all {
		in.covered = union(in.covered)
	}
	return all
}

// strayLogs judges the log files in range that no digest named, by what the
// digests of their branch say about the minute in their names. A branch without
// any digest gets one verdict.
func (run *scopeRun) strayLogs(chains []*chainRun) []Verdict {
	var stray []Verdict
	all := digestedBy(chains)
	undigested := map[branch]int{}
	for path, l := range run.unnamed {
		if !l.minute.IsZero() && (l.minute.Before(run.opt.Since) || !run.opt.Until.IsZero() && l.minute.After(run.opt.Until)) {
			continue
		}
		if in := all[l.branch]; in != nil {
			stray = append(stray, in.judge(path, l.minute))
		} else {
			undigested[l.branch]++
		}
	}
	for in, n := range undigested {
		stray = append(stray, folderVerdict(run.folders[in], Warning, ReasonNoDigest,
			fmt.Sprintf("%d log files in range without any digest: validation is off, or CloudTrail-Digest/ was not copied", n)))
	}
	return stray
}

func (in *digested) judge(path string, minute time.Time) Verdict {
	v := Verdict{Object: path, Kind: KindLog, Status: Unknown}
	switch {
	case minute.IsZero():
		v.Status, v.Reason, v.Detail = Unlisted, ReasonUnlisted, "no digest names it, and its name is not one that CloudTrail gives"
	case minute.Add(deliveryLag).After(in.newest):
		v.Reason, v.Detail = ReasonNotYetDigested, "no digest names it yet: it is newer than the last digest, which CloudTrail writes once an hour"
	case !contains(in.covered, minute):
		v.Reason, v.Detail = ReasonNoDigest, "no valid digest covers its time"
	default:
		v.Status, v.Reason = Unlisted, ReasonUnlisted
		v.Detail = "no digest names it although its hour is digested: planted, or written by another trail without validation"
	}
	return v
}
