package digest

import (
	"time"

	"github.com/rootkeep/rootkeep"
)

// Status is what is known about one object.
type Status string

// The statuses. Valid, Invalid and Missing are AWS's validator's valid, INVALID
// and INVALID: not found.
const (
	Valid   Status = "valid"
	Invalid Status = "invalid"
	Missing Status = "missing"
	// Warning is a fact to know that does not fail the chain.
	Warning Status = "warning"
	// Unknown could not be judged: a signature, a key or read permission lacks.
	Unknown Status = "unknown"
	// Unlisted lies in the copy although a valid digest covers its time and names
	// no such file. AWS's validator does not look for these.
	Unlisted Status = "unlisted"
)

// Reason is why an object is not simply valid.
type Reason string

// The reasons.
const (
	ReasonNotFound       Reason = "not-found"          // named by a digest, absent
	ReasonFormat         Reason = "invalid-format"     // no gzip, no digest, required field or metadata absent
	ReasonMoved          Reason = "moved"              // the digest says it lies elsewhere
	ReasonNoPublicKey    Reason = "no-public-key"      // no key given has the digest's fingerprint, or not at that time
	ReasonSignature      Reason = "bad-signature"      // signature verification failed, or metadata without a signature
	ReasonPreviousHash   Reason = "previous-hash"      // signed, but not the file that the next digest names
	ReasonHash           Reason = "hash-mismatch"      // the log is not the one that was delivered
	ReasonSecondMember   Reason = "second-gzip-member" // something was appended to the object
	ReasonUnsupported    Reason = "unsupported-hash"   // the digest names another hash than SHA-256
	ReasonUnreadable     Reason = "unreadable"         // the file could not be read
	ReasonNoKeys         Reason = "no-keys-given"      // no public keys at all
	ReasonNoSignature    Reason = "signature-unknown"  // the copy lacks the metadata of the digest, and no next digest repeats its signature
	ReasonUnverified     Reason = "unverified-digest"  // the log matches a digest whose signature is unknown
	ReasonGap            Reason = "gap"                // logging or validation stopped and started again
	ReasonUnlisted       Reason = "unlisted"           // no digest names it
	ReasonNotYetDigested Reason = "not-yet-digested"   // newer than the last digest
	ReasonNoDigest       Reason = "no-digest"          // no valid digest covers its time
)

// Kind is what a verdict is about.
type Kind string

// The kinds.
const (
	KindDigest Kind = "digest"
	KindLog    Kind = "log"
	KindGap    Kind = "gap"
	KindFolder Kind = "folder"
)

// Verdict is the judgement of one object.
type Verdict struct {
	// Object is s3://bucket/key, or the path in the copy when the bucket is not
	// known. It comes from the input: escape it before showing it.
	Object string `json:"object"`
	Kind   Kind   `json:"kind"`
	OK     bool   `json:"ok"` // Status is valid or warning
	Status Status `json:"status"`
	Reason Reason `json:"reason,omitempty"` // empty when valid
	Detail string `json:"detail,omitempty"`
	// Signature says where a digest's signature came from: "metadata", or
	// "next digest" when only previousDigestSignature of the next one had it.
	Signature string `json:"signature,omitempty"`
}

// Count counts judged files.
type Count struct {
	Valid   int `json:"valid"`
	Invalid int `json:"invalid"`
	Missing int `json:"missing"`
	Unknown int `json:"unknown"`
}

// Total is the number of files judged.
func (c Count) Total() int { return c.Valid + c.Invalid + c.Missing + c.Unknown }

func (c *Count) add(s Status) {
	switch s {
	case Valid:
		c.Valid++
	case Invalid:
		c.Invalid++
	case Missing:
		c.Missing++
	case Unknown:
		c.Unknown++
	}
}

func (c *Count) merge(o Count) {
	c.Valid += o.Valid
	c.Invalid += o.Invalid
	c.Missing += o.Missing
	c.Unknown += o.Unknown
}

// Chain is the judgement of one chain of digests, followed from the newest
// back. A chain that changed its bucket is one chain, under its newest bucket.
type Chain struct {
	Trail        string             `json:"trail"`
	HomeRegion   rootkeep.Region    `json:"home_region"`
	Account      rootkeep.AccountID `json:"account"`
	Organization string             `json:"organization,omitempty"`
	Region       rootkeep.Region    `json:"region"`
	Bucket       string             `json:"bucket,omitempty"` // as the digests say, "" when none could be read
	Folder       string             `json:"folder,omitempty"` // path in the copy above AWSLogs/
	Backfill     bool               `json:"backfill,omitempty"`
	// From and To enclose the valid digests, zero when there are none.
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`
	Digests Count     `json:"digests"`
	Logs    Count     `json:"logs"`
	Gaps    int       `json:"gaps"`
	// Verdicts are newest digest first, each followed by its logs. Valid ones
	// are left out unless Options.Valid asks for them.
	Verdicts []Verdict `json:"verdicts,omitempty"`
}

// Report is the outcome of Verify.
type Report struct {
	Since time.Time `json:"since,omitzero"` // as requested
	Until time.Time `json:"until,omitzero"`
	// Chains are sorted by account, organization, Region, trail and folder. A
	// chain without a digest in the requested range is left out.
	Chains []Chain `json:"chains"`
	// Unlisted are the files that no digest accounts for, sorted by path:
	// Status Unlisted, or Unknown when it is too early or too late to tell.
	Unlisted []Verdict `json:"unlisted,omitempty"`
	Digests  Count     `json:"digests"`
	Logs     Count     `json:"logs"`
	Gaps     int       `json:"gaps"`
	Coverage Coverage  `json:"coverage"`
	// Incomplete is set when the context ended before everything was read.
	Incomplete bool `json:"incomplete,omitempty"`
}

// Passed reports what exit status 0 of `aws cloudtrail validate-logs` says: no
// digest and no log it names is invalid or missing. It holds when no digest was
// found at all, says nothing about unknown and unlisted files, and proves no
// period: ask Coverage for that.
func (r *Report) Passed() bool {
	return r.Digests.Invalid+r.Digests.Missing+r.Logs.Invalid+r.Logs.Missing == 0
}

// Planted counts the files with Status Unlisted.
func (r *Report) Planted() int {
	return r.countUnlisted(func(v Verdict) bool { return v.Status == Unlisted })
}

// Undigested counts the folders that have log files in range and no digest: what a
// trail without validation leaves, and what is left when somebody took all digests of
// a Region away.
func (r *Report) Undigested() int {
	return r.countUnlisted(func(v Verdict) bool { return v.Kind == KindFolder && v.Reason == ReasonNoDigest })
}

func (r *Report) countUnlisted(counts func(Verdict) bool) int {
	n := 0
	for _, v := range r.Unlisted {
		if counts(v) {
			n++
		}
	}
	return n
}
