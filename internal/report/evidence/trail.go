package evidence

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/cloudtrail/layout"
	"github.com/rootkeep/rootkeep/ledger"
)

// Where the files of CloudTrail lie in a bundle: each folder below TrailCopies is a copy
// of a bucket, under the names of ledger.PathName.
const (
	TrailFile   = "aws/trail.json"
	TrailCopies = "aws/copy"
	TrailKeys   = "aws/keys"
)

// TrailSchema names TrailFile.
const TrailSchema = "rootkeep/bundle-trail/1"

const (
	maxTrailFile = 4 << 20  // bytes of TrailFile
	maxInflated  = 32 << 30 // bytes of all files of CloudTrail in a bundle
	maxLogsNamed = 5_000_000
	maxTold      = 1000 // faults of AWS's files, and lacks, that are told
)

// Bounds of what a bundle holds of CloudTrail, beside its files.
const (
	MaxCopies   = 64 // of buckets
	MaxKeyFiles = 32
	MaxKeyFile  = 1 << 20 // bytes of one
)

// Trail is TrailFile: what the bundle holds of CloudTrail, as whoever made it says.
type Trail struct {
	Schema     string    `json:"schema"`
	From       time.Time `json:"from"` // the period, which files are chosen by
	To         time.Time `json:"to"`
	Copies     []string  `json:"copies"`    // names of the folders that were given, in order
	Keys       []KeyFile `json:"keys"`      // AWS's public keys
	Digests    int       `json:"digests"`   // files of which the bundle has so many
	Logs       int       `json:"logs"`      // of these with root events, or undecided
	Undecided  []string  `json:"undecided"` // log files that could not be read whole: in the bundle, because nobody knows what they hold
	Rootless   int       `json:"rootless"`  // log files without root events, which are not in the bundle
	MostFiles  int       `json:"most_files"`
	MostBytes  int64     `json:"most_bytes"`
	LeftOut    int       `json:"left_out"`          // files that belong in it and are not, for a reason
	Named      []Left    `json:"left_out_files"`    // the first of them
	Unreadable int       `json:"unreadable_inputs"` // files and folders that nobody could look into
}

// KeyFile is a file of AWS's public keys, as aws cloudtrail list-public-keys prints it.
type KeyFile struct {
	File   string `json:"file"`
	Source string `json:"source"` // where whoever made the bundle had it from
}

// Left is a file that is not in the bundle.
type Left struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// margin is how long after an event its log file may be delivered and be named by a
// digest: 15 minutes each (CloudTrail User Guide, "How CloudTrail works").
const margin = 30 * time.Minute

// LogOf says whether a log file with that time in its name belongs to a period. One
// without a time may.
func LogOf(delivered, from, to time.Time) bool {
	return delivered.IsZero() || !delivered.Before(from.Truncate(time.Minute)) && !delivered.After(to.Add(margin))
}

// DigestOf says whether a digest that ends at that time covers part of the period.
func DigestOf(end, from, to time.Time) bool {
	return !end.Before(from) && !end.After(to.Add(margin+time.Hour))
}

// CarrierOf says so too, and of the digest after: it repeats the signature of the one
// before it, which a copy of a bucket has lost.
func CarrierOf(end, from, to time.Time) bool { return DigestOf(end, from, to.Add(time.Hour)) }

// AWSRoot is AWS's signatures on the digest files of CloudTrail, and by their hashes on
// log files.
type AWSRoot struct {
	State   State   `json:"state"`
	OwnKeys bool    `json:"own_keys"`          // nobody gave AWS's keys: the bundle's own were taken
	Sources []Quote `json:"sources,omitempty"` // of the bundle's keys
	Digests int     `json:"digests"`           // that are as CloudTrail signed them
	Logs    int     `json:"logs"`              // that are as a digest names them
	// Absent are log files that digests name and the bundle does not have: what they hold
	// is proven by nothing in it.
	Absent int     `json:"absent_logs"`
	Chains []Chain `json:"chains,omitempty"`
	Lacks  []Lack  `json:"lacks,omitempty"` // what could not be proven
	More   int     `json:"lacks_omitted"`   // that could not be proven either, beyond those
	Claim  *Trail  `json:"claim,omitempty"` // what the bundle says of itself

	signed []signedLog
}

// Quote is text of a bundle that nothing proves.
type Quote string

// Chain is the time that valid digests of one trail cover in one Region of one account.
type Chain struct {
	Account rootkeep.AccountID `json:"account"`
	Region  rootkeep.Region    `json:"region"`
	Trail   string             `json:"trail"`
	From    time.Time          `json:"from"`
	To      time.Time          `json:"to"`
	Whole   bool               `json:"whole_period"`
	Gaps    int                `json:"gaps"` // times in which CloudTrail delivered nothing
}

// Lack is a file that is not proven, or what there is none of.
type Lack struct {
	Object string `json:"object"`
	Text   string `json:"text"`
}

// aws checks the digests and log files of CloudTrail. given are AWS's public keys as the
// reader had them, nil if they had none.
func (r *Report) aws(ctx context.Context, v *ledger.Verdict, given digest.Keys) {
	a := &r.AWS
	copies, err := v.Below(TrailCopies)
	if err != nil {
		r.fault(err)
		a.State = Broken
		return
	}
	if copies == nil && !slices.Contains(v.Others, TrailFile) {
		return
	}
	faults := len(r.Faults)
	keys := r.awsKeys(v, given)
	period := r.awsPeriod(v)
	var folders []fs.DirEntry
	if copies != nil {
		if folders, err = fs.ReadDir(copies, "."); err != nil {
			r.fault(err)
		}
	}
	if len(folders) > MaxCopies {
		r.fault(fmt.Errorf("%s: more than %d copies of buckets", TrailCopies, MaxCopies))
		folders = nil
	}
	for _, folder := range folders {
		if err := r.awsCopy(ctx, copies, folder.Name(), keys, period, int64(len(folders))); err != nil {
			r.fault(fmt.Errorf("%s/%s: %w", TrailCopies, folder.Name(), err))
		}
	}
	if a.Digests == 0 {
		a.Lacks = append(a.Lacks, Lack{TrailCopies, "no digest file in it is proven"})
	}
	slices.SortStableFunc(a.Lacks, func(a, b Lack) int { return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Text, b.Text)) })
	switch {
	case len(r.Faults) > faults:
		a.State = Broken
	case a.OwnKeys || len(a.Lacks) > 0:
		a.State = Unproven
	default:
		a.State = Proven
	}
}

// awsPeriod is the period of the files. The bundle's own is not known if something is
// wrong with its entries, of which AWS's signatures know nothing.
func (r *Report) awsPeriod(v *ledger.Verdict) ledger.Period {
	t := r.AWS.Claim
	if t == nil {
		return ledger.Period{}
	}
	p := v.Period
	if root, there, err := rootPeriod(v); there && err == nil {
		p = &root
	}
	if p != nil && !(p.From.Equal(t.From) && p.To.Equal(t.To)) {
		r.fault(fmt.Errorf("%s: files from %s to %s, in a bundle of another period", TrailFile, t.From.Format(time.RFC3339), t.To.Format(time.RFC3339)))
	}
	return ledger.Period{From: t.From, To: t.To}
}

// awsKeys reads what the bundle says of its files, and its keys if there are no others.
func (r *Report) awsKeys(v *ledger.Verdict, given digest.Keys) digest.Keys {
	a := &r.AWS
	a.OwnKeys = len(given) == 0
	text, err := v.Read(TrailFile)
	if err == nil {
		a.Claim, err = readTrail(text)
	}
	if err != nil {
		r.fault(fmt.Errorf("%s: %w", TrailFile, err))
		return given
	}
	own := digest.Keys{}
	for _, k := range a.Claim.Keys {
		a.Sources = append(a.Sources, Quote(k.Source))
		text, err := v.Read(k.File)
		if err == nil && len(text) > MaxKeyFile {
			err = fmt.Errorf("more than %d KiB", MaxKeyFile>>10)
		}
		if err == nil {
			var more digest.Keys
			more, err = digest.ParseKeys(text)
			maps.Copy(own, more)
		}
		if err != nil {
			r.fault(fmt.Errorf("%s: %w", k.File, err))
		}
	}
	if a.OwnKeys {
		return own
	}
	return given
}

func readTrail(text []byte) (*Trail, error) {
	if len(text) > maxTrailFile {
		return nil, fmt.Errorf("more than %d MiB", maxTrailFile>>20)
	}
	t := &Trail{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	switch err := d.Decode(t); {
	case err != nil:
		return nil, err
	case len(t.Keys) > MaxKeyFiles:
		return nil, fmt.Errorf("more than %d files of keys", MaxKeyFiles)
	case t.Schema != TrailSchema:
		return nil, fmt.Errorf("schema %q, want %s; hint: use the version that wrote it, or a newer one", t.Schema, TrailSchema)
	}
	return t, nil
}

// awsCopy verifies one copy of a bucket, as rootkeep trail verify does. So many copies
// share what may be read.
func (r *Report) awsCopy(ctx context.Context, copies fs.FS, folder string, keys digest.Keys, p ledger.Period, share int64) error {
	sub, err := fs.Sub(copies, folder)
	if err != nil {
		return err
	}
	t := &teller{report: r, period: p, folder: folder}
	found, err := digest.Verify(ctx, sub, digest.Options{Keys: keys, Since: p.From, MaxInflated: maxInflated / share, MaxNamed: maxLogsNamed / share, Each: t.verdict})
	defer t.finish()
	if err != nil {
		return err
	}
	for i := range found.Chains {
		c := &found.Chains[i]
		if c.Digests.Valid > 0 {
			r.AWS.Chains = append(r.AWS.Chains, Chain{c.Account, c.Region, c.Trail, c.From, c.To, !c.From.After(p.From) && !c.To.Before(p.To), c.Gaps})
		}
	}
	for _, v := range found.Unlisted {
		t.verdict(v)
	}
	return nil
}

// teller takes the verdicts of one copy, as they are made: a hostile bundle has millions.
type teller struct {
	period ledger.Period
	folder string

	mu     sync.Mutex // guards what follows
	report *Report
	faults []string
	more   int // faults beyond those
}

// verdict counts a file that is as AWS signed it, and names any other.
func (t *teller) verdict(v digest.Verdict) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := &t.report.AWS
	switch {
	case v.Kind == digest.KindGap || beyond(&v, t.period):
	case v.Status == digest.Valid && v.Kind == digest.KindDigest:
		a.Digests++
	case v.Status == digest.Valid && v.Kind == digest.KindLog:
		a.Logs++
		a.signed = append(a.signed, signedLog{t.folder, v.Object})
	case v.Status == digest.Missing && v.Kind == digest.KindLog:
		a.Absent++
	case v.Status == digest.Invalid && v.Reason != digest.ReasonNoPublicKey, v.Reason == digest.ReasonUnreadable:
		if len(t.faults) < maxTold {
			t.faults = append(t.faults, "CloudTrail: "+v.Object+": "+v.Detail)
		} else {
			t.more++
		}
	case len(a.Lacks) < maxTold:
		a.Lacks = append(a.Lacks, Lack{v.Object, v.Detail})
	default:
		a.More++
	}
}

// finish puts the faults into the report, in an order that is always the same.
func (t *teller) finish() {
	slices.Sort(t.faults)
	for _, text := range t.faults {
		t.report.fault(errors.New(text))
	}
	if t.more > 0 {
		t.report.fault(fmt.Errorf("CloudTrail: %d more files are not as AWS signed them", t.more))
	}
}

// beyond says that the verdict is about what a bundle of the period need not hold: the
// digest before its first, the signature of the digest after its last, and their logs.
func beyond(v *digest.Verdict, p ledger.Period) bool {
	key, ok := layout.Parse(strings.TrimPrefix(v.Object, "s3://"))
	if !ok || key.Delivered.IsZero() || p.To.IsZero() || v.Status == digest.Invalid || v.Status == digest.Valid {
		return false
	}
	if v.Kind == digest.KindDigest {
		return !key.Delivered.After(p.From) || !DigestOf(key.Delivered, p.From, p.To)
	}
	return !LogOf(key.Delivered, p.From, p.To)
}
