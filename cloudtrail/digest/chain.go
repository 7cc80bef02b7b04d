package digest

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// chainRun collects the judgement of one chain. Log readers add to it while it
// is being followed.
type chainRun struct {
	Chain
	keepValid bool
	each      func(Verdict) // of Options

	mu      sync.Mutex // guards what follows and Chain.Logs
	digests []judged
	entries []entry
}

// judged is one digest for the sake of coverage: the time it covers, and whether
// all its logs were verified.
type judged struct {
	branch
	interval
	status Status
	logsOK bool
}

// entry is a verdict with its place: the digest's number, then its logs.
type entry struct {
	digest int
	log    int // -1 for the digest itself
	Verdict
}

// target is the digest to judge next.
type target struct {
	path   string // in the copy
	bucket string // where it must lie, "" when anything goes
	object string // its key, "" while the root of the bucket is unknown
	end    time.Time
	newer  *document // the digest that led here, nil when found by listing
	sure   bool      // newer is valid, so its word counts
}

// traversal is the state of following one chain back.
type traversal struct {
	*scopeRun
	id     chainID
	chain  *chainRun
	list   []file // the digests beside the one judged last, oldest first
	bucket string // of these, "" while unknown
	root   string // path of the bucket in the copy: "" or ending in "/"
	fixed  bool   // a valid digest told bucket and root
}

// follow judges a chain from its newest digest that no other chain has led to,
// back to the start of the range. From a digest that holds it goes where that
// points, from any other to the next older file, as AWS's validator does.
func (run *scopeRun) follow(ctx context.Context, id chainID) *chainRun {
	c := &chainRun{keepValid: run.opt.Valid, each: run.opt.Each, Chain: Chain{
		Trail: id.trail, HomeRegion: id.home, Backfill: id.backfill,
		Account: run.account, Organization: id.organization, Region: run.region,
		Folder: strings.TrimSuffix(id.top, "/"),
	}}
	t := &traversal{scopeRun: run, id: id, chain: c, list: run.lists[id], bucket: run.opt.Bucket}
	at, ok := t.older(time.Time{})
	// A pointer to what another chain has judged ends this one: else planted
	// digests that all lead into one chain would have it judged again for each.
	for reached := at.end; ok && !t.visited[at.path] && !reached.Before(run.opt.Since) && ctx.Err() == nil; {
		j := t.judge(at)
		number := c.addDigest(at, j)
		if !j.holds() {
			at, ok = t.older(at.end)
			continue
		}
		run.handLogs(ctx, t, number, j)
		reached = j.doc.start
		if j.doc.previous == nil {
			restarted := at
			if at, ok = t.older(at.end); ok {
				c.addGap(number, restarted, at.end, j.doc.start)
			}
			continue
		}
		at = t.pointed(j)
	}
	return c
}

// older is the newest digest in the list that ends before the time given (or at
// all, if that is zero) and was not judged.
func (t *traversal) older(before time.Time) (target, bool) {
	n := len(t.list)
	if !before.IsZero() {
		n = sort.Search(n, func(i int) bool { return !t.list[i].end.Before(before) })
	}
	for n--; n >= 0; n-- {
		f := t.list[n]
		if t.visited[f.path] {
			continue
		}
		at := target{path: f.path, bucket: t.bucket, end: f.end}
		if t.fixed {
			at.object = strings.TrimPrefix(f.path, t.root)
		}
		return at, true
	}
	return target{}, false
}

// pointed is the digest before j, and makes the list there the one to fall back
// on: the trail may have moved to another bucket or prefix.
func (t *traversal) pointed(j judgement) target {
	prev := j.doc.previous
	n, _ := parseName(prev.object) // judge has parsed it
	at := target{bucket: prev.bucket, object: prev.object, end: n.end, newer: j.doc, sure: j.fault == nil}
	roots := t.roots(j.doc.bucket, prev.bucket)
	list := func(root string) []file {
		id := t.id
		id.branch = branch{root + n.top, n.organization}
		return t.lists[id]
	}
	i := slices.IndexFunc(roots, func(root string) bool { _, ok := t.scope.digests[root+prev.object]; return ok })
	if i < 0 {
		i = slices.IndexFunc(roots, func(root string) bool { return list(root) != nil })
	}
	if i < 0 {
		at.path = roots[0] + prev.object
		return at
	}
	at.path = roots[i] + prev.object
	t.list, t.root = list(roots[i]), roots[i]
	if t.fixed {
		t.bucket = prev.bucket
	}
	return at
}

// roots are the places where a bucket may lie in the copy, seen from a digest in
// another bucket: in a folder of its name beside or below, or in the same folder
// when the copies were merged.
func (t *traversal) roots(here, bucket string) []string {
	if bucket == here {
		return []string{t.root}
	}
	beside := path.Dir(strings.TrimSuffix(t.root, "/")) + "/"
	if beside == "./" {
		beside = ""
	}
	return []string{beside + bucket + "/", t.root + bucket + "/", t.root}
}

// addDigest records the judgement of one digest and returns its number.
func (c *chainRun) addDigest(at target, j judgement) int {
	v := Verdict{Object: at.String(), Kind: KindDigest, Status: Valid, OK: true, Signature: j.source}
	if j.fault != nil {
		v.Status, v.Reason, v.Detail, v.OK = j.fault.status, j.fault.reason, j.fault.detail, false
	}
	covers := interval{at.end.Add(-time.Hour), at.end}
	if j.holds() {
		covers = interval{j.doc.start, j.doc.end}
		v.Object = "s3://" + j.doc.bucket + "/" + j.doc.object
		if c.Bucket == "" {
			c.Bucket = j.doc.bucket
		}
	}
	if v.Status == Valid {
		if c.From.IsZero() || covers.from.Before(c.From) {
			c.From = covers.from
		}
		if covers.to.After(c.To) {
			c.To = covers.to
		}
	}
	n, _ := parseName(at.path)
	c.mu.Lock()
	defer c.mu.Unlock()
	number := len(c.digests)
	c.digests = append(c.digests, judged{n.branch, covers, v.Status, true})
	c.Digests.add(v.Status)
	c.keep(entry{number, -1, v})
	return number
}

// addLog records the judgement of one log file of a digest.
func (c *chainRun) addLog(digest, log int, v Verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Logs.add(v.Status)
	if v.Status != Valid {
		c.digests[digest].logsOK = false
	}
	c.keep(entry{digest, log, v})
}

// skipLog notes that a log was not looked at because the run is ending.
func (c *chainRun) skipLog(digest int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.digests[digest].logsOK = false
}

func (c *chainRun) keep(e entry) {
	if c.each != nil {
		c.each(e.Verdict)
		return
	}
	if c.keepValid || e.Status != Valid {
		c.entries = append(c.entries, e)
	}
}

// addGap records that a chain starts anew although older digests exist: logging
// or validation was stopped and started again.
func (c *chainRun) addGap(digest int, at target, from, to time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Gaps++
	c.keep(entry{digest, 1 << 30, Verdict{
		Object: at.String(), Kind: KindGap, Status: Warning, OK: true, Reason: ReasonGap,
		Detail: fmt.Sprintf("no log files were delivered by CloudTrail between %s and %s", from.Format(time.RFC3339), to.Format(time.RFC3339)),
	}})
}

// finish is the chain with its verdicts in order.
func (c *chainRun) finish() Chain {
	slices.SortFunc(c.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.digest, b.digest), cmp.Compare(a.log, b.log))
	})
	for _, e := range c.entries {
		c.Verdicts = append(c.Verdicts, e.Verdict)
	}
	return c.Chain
}

// String names the digest as AWS's validator does, as far as it is known.
func (at target) String() string {
	if at.bucket == "" || at.object == "" {
		return at.path
	}
	return "s3://" + at.bucket + "/" + at.object
}
