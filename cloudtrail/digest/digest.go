// Package digest verifies the integrity of CloudTrail log files in a local copy
// of their bucket, as `aws cloudtrail validate-logs` does online. In go the
// digest files, the logs they name and CloudTrail's public keys; out comes a
// verdict for each file, and the coverage: which hours of which account and
// Region are proven, seen or missing.
//
// It is stricter than AWS's validator where that leaves a hole. Data behind the
// first gzip member of an object is tampering, where that validator ignores it.
// A signed digest must also be the one that the next digest names by its hash,
// its key must have been in use at its time, and its pointer must lead to an
// older digest of its chain. Log files that no digest names are reported. In one
// point it is more lenient, because a copy of a bucket lacks the metadata of the
// objects: a digest without a metadata file is verified with the signature that
// the next digest repeats, and is unknown, not invalid, when there is none.
package digest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rootkeep/rootkeep"
)

// SidecarSuffix is appended to the path of a digest file to name the file with
// its S3 metadata, as `aws s3api head-object` prints it.
const SidecarSuffix = ".metadata.json"

// Options of Verify. The zero value verifies everything that is there, but no
// signature, since it has no keys.
type Options struct {
	// Keys are CloudTrail's public keys of all Regions in the copy.
	Keys Keys
	// Since and Until limit the range as --start-time and --end-time of AWS's
	// validator do: digests that end from Since up to an hour after Until, and
	// what their chains lead to back to Since. Zero is open.
	Since, Until time.Time
	// Account and Region, when set, leave out everything else.
	Account rootkeep.AccountID
	Region  rootkeep.Region
	// Bucket is the bucket that the folder is a copy of: a digest from another
	// bucket counts as moved. When empty, the bucket is what the digests say and
	// what the folder above AWSLogs/ allows.
	Bucket string
	// Workers read logs in parallel, and as many follow chains; 0 is one per CPU.
	Workers int
	// Sum, when set, is asked for a log file before it is opened, by its path, and
	// by several goroutines. True says that the file was read to its end and found
	// to be one intact gzip member that inflates to at most MaxLog bytes; they have
	// this SHA-256, and the file is not read again.
	Sum func(path string) ([sha256.Size]byte, bool)
	// MaxInflated bounds what all files inflate to together, in bytes; 0 is no bound. What
	// lies beyond it is unknown. A verification of what strangers sent needs one.
	MaxInflated int64
	// MaxNamed bounds how many log files all digests together may name; 0 is no bound. A
	// digest beyond it is unknown.
	MaxNamed int64
	// Each, when set, takes every verdict of a chain, valid ones too, from several
	// goroutines. The report then has none of them.
	Each func(Verdict)
	// Log, when set, hears what became of each log that a digest names and that lies in
	// the copy, by its path there, from several goroutines.
	Log func(path string, s Status)
	// Valid keeps the verdicts of valid files, one for each log file.
	Valid bool
	// Progress, when set, is counted up while Verify runs.
	Progress *Progress
}

// Progress can be read at any time from another goroutine.
type Progress struct {
	Found    atomic.Int64 // digest files in the copy
	Digests  atomic.Int64 // of these, judged
	Logs     atomic.Int64 // log files judged
	Stored   atomic.Int64 // compressed bytes of the logs
	Inflated atomic.Int64 // bytes of the logs once inflated
}

// Verify judges every chain of digests in fsys. The folder is a copy of one
// bucket, or holds one folder for each bucket, named after it; AWSLogs/ may lie
// at any depth. When ctx ends, the report of what was read so far comes with the
// error.
func Verify(ctx context.Context, fsys fs.FS, opt Options) (*Report, error) {
	if fsys == nil {
		return nil, errors.New("digest: a file system is required")
	}
	if !opt.Until.IsZero() && opt.Until.Before(opt.Since) {
		return nil, fmt.Errorf("digest: range ends at %s, before it starts at %s", opt.Until.Format(time.RFC3339), opt.Since.Format(time.RFC3339))
	}
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	if opt.Progress == nil {
		opt.Progress = new(Progress)
	}
	found, err := survey(ctx, fsys, opt)
	if err != nil {
		return nil, err
	}
	v := &verifier{fsys: fsys, opt: opt, logs: make(chan logJob)}
	v.left.Store(opt.MaxInflated)
	outcomes := v.run(ctx, found.scopes)
	return assemble(opt, outcomes, found.unreadable, ctx.Err() != nil), ctx.Err()
}

// verifier holds what all goroutines of one run share.
type verifier struct {
	fsys  fs.FS
	opt   Options
	logs  chan logJob
	left  atomic.Int64 // of Options.MaxInflated
	named atomic.Int64 // log files, by the digests so far
}

// reader makes a reader of objects that all draw on one budget, if there is any.
func (v *verifier) reader() *objectReader {
	r := newObjectReader(v.fsys)
	if v.opt.MaxInflated > 0 {
		r.left = &v.left
	}
	return r
}

// run judges each scope. Scopes are independent; one is followed by one
// goroutine, which hands the logs it meets to the log readers.
func (v *verifier) run(ctx context.Context, scopes []*scope) []*outcome {
	var readers, followers sync.WaitGroup
	for range v.opt.Workers {
		readers.Go(func() { v.readLogs(ctx) })
	}
	outcomes := make([]*outcome, len(scopes))
	var next atomic.Int64
	for range min(v.opt.Workers, len(scopes)) {
		followers.Go(func() {
			digests := v.reader()
			for i := int(next.Add(1)) - 1; i < len(scopes); i = int(next.Add(1)) - 1 {
				outcomes[i] = v.judgeScope(ctx, digests, scopes[i])
			}
		})
	}
	followers.Wait()
	close(v.logs)
	readers.Wait()
	return outcomes
}

// assemble joins what the scopes yielded, in an order that does not depend on
// which goroutine was faster.
func assemble(opt Options, outcomes []*outcome, unreadable []Verdict, incomplete bool) *Report {
	r := &Report{Since: opt.Since, Until: opt.Until, Chains: []Chain{}, Unlisted: unreadable, Incomplete: incomplete}
	cover := newCoverBuilder(opt.Since, opt.Until)
	for _, o := range outcomes {
		r.Chains = append(r.Chains, o.chains...)
		r.Unlisted = append(r.Unlisted, o.unlisted...)
		cover.add(o)
	}
	slices.SortStableFunc(r.Chains, func(a, b Chain) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Organization, b.Organization),
			cmp.Compare(a.Region, b.Region), cmp.Compare(a.Trail, b.Trail), cmp.Compare(a.HomeRegion, b.HomeRegion),
			cmp.Compare(a.Folder, b.Folder), backfillLast(a.Backfill, b.Backfill))
	})
	slices.SortStableFunc(r.Unlisted, func(a, b Verdict) int { return cmp.Compare(a.Object, b.Object) })
	for _, c := range r.Chains {
		r.Digests.merge(c.Digests)
		r.Logs.merge(c.Logs)
		r.Gaps += c.Gaps
	}
	r.Coverage = cover.coverage()
	return r
}
