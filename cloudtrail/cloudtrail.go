// Package cloudtrail reads CloudTrail records out of whatever they come in:
// gzip or plain, {"Records":[...]}, a bare array, one object a line, an
// EventBridge envelope, LookupEvents' string-in-string, a CloudWatch Logs
// export, a Logstash line. A stream of bytes goes in; for each record the
// values of the field paths that somebody asked for come out, as slices of the
// reader's own window. Whatever the size of the file, memory stays bounded.
package cloudtrail

import (
	"context"
	"crypto/sha256"
	"io"

	"github.com/rootkeep/rootkeep"
)

// Well-known field paths (CloudTrail User Guide, "CloudTrail record contents").
const (
	FieldEventVersion     = "eventVersion"
	FieldEventTime        = "eventTime"
	FieldEventSource      = "eventSource"
	FieldEventName        = "eventName"
	FieldEventType        = "eventType"
	FieldEventID          = "eventID"
	FieldRegion           = "awsRegion"
	FieldSourceIP         = "sourceIPAddress"
	FieldUserAgent        = "userAgent"
	FieldErrorCode        = "errorCode"
	FieldErrorMessage     = "errorMessage"
	FieldReadOnly         = "readOnly"
	FieldRecipientAccount = "recipientAccountId"
	FieldIdentityType     = "userIdentity.type"
	FieldIdentityARN      = "userIdentity.arn"
	FieldIdentityAccount  = "userIdentity.accountId"
	FieldIdentityKey      = "userIdentity.accessKeyId"
	FieldIdentityUser     = "userIdentity.userName"
	FieldIdentityService  = "userIdentity.invokedBy"
	FieldSessionIssuerARN = "userIdentity.sessionContext.sessionIssuer.arn"
	FieldSessionMFA       = "userIdentity.sessionContext.attributes.mfaAuthenticated"
)

// DefaultMaxRecord is the size in bytes above which a record is skipped. AWS
// keeps records under 256 KB, so only a damaged or forged file comes near.
const DefaultMaxRecord = 4 << 20

// Options of a Reader. The zero value is ready to use.
type Options struct {
	// Derived is how many fields the caller computes itself; their numbers
	// follow those of the scanned fields (see rootkeep.View.Derive).
	Derived int
	// MaxRecord is the largest record read, in bytes; 0 means DefaultMaxRecord.
	MaxRecord int
}

// Input is one object to read.
type Input struct {
	// Name is what problems call it, usually its path.
	Name string
	// Open starts reading at the first byte. It is called a second time when the
	// object must be decompressed again by another decoder; an input that cannot
	// be opened twice returns an error then.
	Open func() (io.ReadCloser, error)
	// OneMember says that the object may hold a single gzip member only, as every
	// object that CloudTrail delivers does. A second one is not read and is
	// reported as SecondMember: somebody may have appended forged records.
	OneMember bool
	// Hash asks for Stats.SHA256. The object is then read to its end even when its
	// records cannot be.
	Hash bool
}

// Record is one CloudTrail record. It is valid until the function that was
// given it returns.
type Record struct {
	View *rootkeep.View // the values of the fields asked for
	Raw  []byte         // the record's JSON; an object that came as text is an object there
	// Offset of the record in the inflated stream, in bytes. For a record that
	// came inside a JSON string it is where that string starts.
	Offset int64
	// Identity numbers the bytes of userIdentity: two records of one Reader with
	// the same number, if it is not 0, have the same userIdentity to the byte.
	// Consumers remember what they worked out for it.
	Identity uint64
}

// Container is what the records of an object were wrapped in.
type Container string

// The containers, told apart by content. Unknown means that nothing was
// recognised.
const (
	Unknown        Container = ""
	Records        Container = "records"         // {"Records":[...]}, what a trail delivers
	Insight        Container = "insight"         // the same with CloudTrail Insights events
	Array          Container = "array"           // [...]
	Lines          Container = "ndjson"          // one object after another
	Single         Container = "single"          // one bare record
	EventBridge    Container = "eventbridge"     // {"detail":{...}}
	LookupEvents   Container = "lookup-events"   // {"Events":[{"CloudTrailEvent":"..."}]}
	CloudWatchLogs Container = "cloudwatch-logs" // {"logEvents":[{"message":"..."}]}
	Logstash       Container = "logstash"        // {"message":"..."}
	Digest         Container = "digest"          // a digest file or public keys: no records, no error
)

// Stats says what reading one object came to.
type Stats struct {
	StoredBytes   int64 // read from the input, as stored
	InflatedBytes int64 // after decompression; equal to StoredBytes for plain input
	Records       int   // delivered
	Members       int   // gzip members read; 0 for plain input
	Container     Container
	// Reread is set when our decompressor was in doubt and compress/gzip read the
	// object instead.
	Reread bool
	// SHA256 is that of the inflated content, which a digest file names for a log
	// (CloudTrail User Guide, "CloudTrail digest file structure"). It is zero unless
	// Input.Hash asked for it and the object is one gzip member, intact, and nothing
	// else.
	SHA256 [sha256.Size]byte
	// Problems are in the order in which they were met, at most MaxProblems;
	// ProblemsOmitted counts the rest.
	Problems        []Problem
	ProblemsOmitted int
	// Err is what stopped the reading from outside: the error of the function
	// that takes the records, or that of the context.
	Err error
}

// MaxProblems is how many problems of one object are kept word for word.
const MaxProblems = 20

// ProblemKind classifies what went wrong with an object.
type ProblemKind string

// The kinds of problem. Only Empty is a mere notice: nothing was lost.
const (
	Truncated       ProblemKind = "truncated"        // the object ends too early
	Corrupt         ProblemKind = "corrupt"          // gzip data or checksum is wrong
	NotJSON         ProblemKind = "not-json"         // a record or line is malformed
	NotALog         ProblemKind = "not-a-log"        // neither CloudTrail nor a known container of it
	NotAnObject     ProblemKind = "not-an-object"    // text where a record has an object, which holds none; the rest is read
	OversizedRecord ProblemKind = "oversized-record" // larger than Options.MaxRecord, skipped
	TooDeep         ProblemKind = "too-deep"         // nested deeper than MaxDepth, skipped
	SecondMember    ProblemKind = "second-member"    // see Input.OneMember
	TrailingData    ProblemKind = "trailing-data"    // something follows the gzip members or the JSON
	Bomb            ProblemKind = "bomb"             // inflates out of all proportion
	Vanished        ProblemKind = "vanished"         // gone before or while it was read
	ReadError       ProblemKind = "read-error"       // any other failure of the input
	Empty           ProblemKind = "empty"            // no bytes, or white space only
)

// MaxDepth is how deep objects and arrays may nest in a record, the record
// itself counting as one.
const MaxDepth = 100

// Problem is one thing that was wrong with an object.
type Problem struct {
	File   string
	Offset int64 // in the inflated stream, bytes
	Kind   ProblemKind
	Detail string // what was found and what was expected
}

// Notice says that the problem cost nothing: an empty object is not an error.
func (p Problem) Notice() bool { return p.Kind == Empty }

// Reader reads objects one after another. It belongs to one goroutine; its
// buffers are reused, and what it learns about the shape of records makes the
// next object faster.
type Reader struct {
	options  Options
	scan     scanner
	source   source
	window   window
	inner    []*window // for JSON inside strings, by depth
	key      []byte
	record   Record
	stats    *Stats
	each     func(*Record) error
	unfolded []byte // the last record of which objects came as text
}

// NewReader makes a reader of the fields f.
func NewReader(f *Fields, o Options) *Reader {
	if o.MaxRecord <= 0 {
		o.MaxRecord = DefaultMaxRecord
	}
	r := &Reader{options: o}
	r.scan.init(f, rootkeep.NewView(len(f.paths), o.Derived))
	r.record.View = r.scan.view
	return r
}

// View is the view that every record of this reader comes in, for a caller
// that sets Derive once.
func (r *Reader) View() *rootkeep.View { return r.scan.view }

// Read reads one object to its end and calls each for every record, in the
// order of the object. What is wrong with the object is in the returned Stats;
// everything before and, where it can be found again, after the fault is read.
// An error returned by each ends the reading, as does ctx between two windows.
func (r *Reader) Read(ctx context.Context, in Input, each func(*Record) error) Stats {
	stats := Stats{}
	r.stats, r.each = &stats, each
	if r.source.open(in, &stats) {
		r.window.reset(ctx, &r.source, r.options.MaxRecord)
		p := parser{r: r, w: &r.window}
		p.file()
		if in.Hash && stats.Err == nil {
			r.rest()
		}
		r.source.close()
	}
	r.stats, r.each, r.source.stats = nil, nil, nil
	return stats
}

// rest reads what the parser has given up, for the hash alone: what is wrong with
// the object is reported already.
func (r *Reader) rest() {
	unheard := *r.stats
	r.source.stats = &unheard
	for w := &r.window; w.err == nil && r.source.hashing; {
		w.pos, w.keep = w.end, -1
		_ = w.more() // stays in w.err
	}
	r.source.stats = r.stats
}

// report adds a problem to the current object's.
func (s *Stats) report(p Problem) {
	if len(s.Problems) == MaxProblems {
		s.ProblemsOmitted++
		return
	}
	s.Problems = append(s.Problems, p)
}
