package digest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
)

// MaxLog is the largest inflated log that is read, in bytes. CloudTrail's own
// are below 100 MB; what is larger cannot have the hash that the digest names.
const MaxLog = 1 << 30

// logJob is one log file to compare with its digest.
type logJob struct {
	chain   *chainRun
	digest  int // number in the chain
	log     int // number in the digest
	file    logFile
	paths   []string // where it may lie, best first
	trusted bool     // the digest is valid
	pending *sync.WaitGroup
}

// handLogs passes the logs of a digest to the readers and strikes them off the
// list of unnamed ones.
func (run *scopeRun) handLogs(ctx context.Context, t *traversal, digest int, j judgement) {
	for i, file := range j.doc.logs {
		job := logJob{chain: t.chain, digest: digest, log: i, file: file, trusted: j.fault == nil, pending: &run.pending}
		for _, root := range t.roots(j.doc.bucket, file.Bucket) {
			path := root + file.Object
			job.paths = append(job.paths, path)
			if _, ok := run.unnamed[path]; ok {
				delete(run.unnamed, path)
				break
			}
		}
		run.pending.Add(1)
		select {
		case run.logs <- job:
		case <-ctx.Done():
			job.chain.skipLog(digest)
			run.pending.Done()
		}
	}
}

// readLogs judges logs until there are no more.
func (v *verifier) readLogs(ctx context.Context) {
	r := v.reader()
	sum := func(path string) ([sha256.Size]byte, *fault) {
		if v.opt.Sum != nil {
			if known, ok := v.opt.Sum(path); ok {
				return known, nil
			}
		}
		return r.sum(path)
	}
	for job := range v.logs {
		if ctx.Err() != nil {
			job.chain.skipLog(job.digest)
		} else {
			verdict, path := job.judge(sum)
			job.chain.addLog(job.digest, job.log, verdict)
			if v.opt.Log != nil && path != "" {
				v.opt.Log(path, verdict.Status)
			}
			v.opt.Progress.Logs.Add(1)
			v.opt.Progress.Stored.Add(r.stored)
			v.opt.Progress.Inflated.Add(r.inflated)
			r.stored, r.inflated = 0, 0
		}
		job.pending.Done()
	}
}

// summer is the SHA-256 of an inflated log, or why there is none.
type summer func(path string) ([sha256.Size]byte, *fault)

// judge compares the SHA-256 of the inflated log with the one in the digest. It says
// where in the copy the log lies, "" if it is not there or was not looked for.
func (job logJob) judge(sum summer) (Verdict, string) {
	v := Verdict{Object: "s3://" + job.file.Bucket + "/" + job.file.Object, Kind: KindLog, Status: Valid, OK: true}
	path, f := job.compare(sum)
	if f != nil {
		v.Status, v.Reason, v.Detail, v.OK = f.status, f.reason, f.detail, false
	}
	return v, path
}

func (job logJob) compare(sum summer) (string, *fault) {
	if job.file.Algorithm != "SHA-256" {
		return "", faultf(Unknown, ReasonUnsupported, "the digest names hash algorithm %q, only SHA-256 can be checked", job.file.Algorithm)
	}
	var f *fault
	for _, path := range job.paths {
		var content [sha256.Size]byte
		content, f = sum(path)
		if f != nil && f.status == Missing {
			continue
		}
		if f != nil {
			return path, f
		}
		if got := hex.EncodeToString(content[:]); !strings.EqualFold(got, job.file.Hash) {
			return path, faultf(Invalid, ReasonHash, "hash value doesn't match: the content has %.12s, the digest names %.12s", got, job.file.Hash)
		}
		if !job.trusted {
			return path, faultf(Unknown, ReasonUnverified, "matches a digest whose own signature is unknown")
		}
		return path, nil
	}
	return "", f
}
