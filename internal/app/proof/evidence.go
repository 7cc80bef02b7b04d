package proof

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rootkeep/rootkeep/internal/access/story"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/anchors"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/ledger"
)

// mostEntries is how many a bundle holds: checking one reads its manifest as a whole.
const mostEntries = 50_000

// Bundled is what went into a bundle.
type Bundled struct {
	Schema  string    `json:"schema"`
	Origin  string    `json:"origin"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Entries int64     `json:"entries"` // of the period
	Head    int64     `json:"head"`
	Anchors int       `json:"anchors"`
	Erased  int       `json:"erased"` // payloads that are not there any more
	// Manifest is the SHA-256 of manifest.json, hexadecimal: it stands for every file.
	Manifest string          `json:"manifest_sha256"`
	Trail    *evidence.Trail `json:"trail,omitempty"`
	Root     *RootTold       `json:"root_users,omitempty"`
	// Recorded is the subject of the ledger's entry that tells of the export, "" for none.
	Recorded string `json:"recorded,omitempty"`
}

// Export says what goes into a bundle of evidence.
type Export struct {
	Keys     []string // verifier keys of the ledger
	From, To time.Time
	Trail    *TrailConfig // nil: nothing of CloudTrail
	// Root asks for what root users did in the period. The bundle then holds the entries
	// of evidence.RootEntries, and files of CloudTrail of the period itself.
	Root     bool
	Progress func(done, total int64) // of entries; may be nil
}

// bundle is evidence in the making.
type bundle struct {
	view
	*ledger.Bundle
	contents   evidence.Contents
	first, end int64 // entries of the period, end not in it
	chosen     *chosenTrail
	root       *story.Reader // nil: nothing of root users
	out        *Bundled
}

// Evidence writes a bundle of the entries from a time on and before another, with all
// that proves them. The same state of the ledger, with the same files of CloudTrail,
// gives the same bytes.
func Evidence(ctx context.Context, s *store.Store, x Export, w io.Writer) (*Bundled, error) {
	if !x.From.Before(x.To) {
		return nil, fmt.Errorf("a period from %s to %s has no time in it", x.From.Format(time.RFC3339), x.To.Format(time.RFC3339))
	}
	period := ledger.Period{From: x.From.UTC(), To: x.To.UTC()}
	out := &Bundled{Schema: "rootkeep/evidence-export/1"}
	var root *story.Reader
	if x.Root {
		if x.To.Sub(x.From) > story.MostPeriod {
			return nil, fmt.Errorf("a period of %d days, root users are told of over %d at most; hint: shorter periods, one bundle each", x.To.Sub(x.From)/(24*time.Hour), story.MostPeriod/(24*time.Hour))
		}
		period.From, period.To = period.From.Truncate(time.Millisecond), period.To.Truncate(time.Millisecond)
		root = story.New(period.From, period.To)
		out.Root = &RootTold{From: period.From, To: period.To}
		period = evidence.RootEntries(period)
	}
	out.From, out.To = period.From, period.To
	var trail *chosenTrail
	if x.Trail != nil {
		var err error
		if trail, err = x.Trail.choose(ctx, x.From, x.To); err != nil {
			return nil, fmt.Errorf("export evidence: files of CloudTrail: %w", err)
		}
	}
	err := s.View(ctx, func(ctx context.Context, r *store.Reader) error {
		head, err := s.Head(ctx, r)
		if err != nil {
			return err
		}
		if head.Size == 0 {
			return errors.New("the ledger has no entry yet")
		}
		b := &bundle{view: view{ctx, r, head}, chosen: trail, root: root, out: out}
		return b.write(x.Keys, w, x.Progress)
	})
	if err != nil {
		return nil, fmt.Errorf("export evidence: %w", err)
	}
	return out, nil
}

func (b *bundle) write(keys []string, w io.Writer, progress func(done, total int64)) error {
	var err error
	if b.first, b.end, err = entries.Period(b.ctx, b.r, b.head.Size, b.out.From, b.out.To); err != nil {
		return err
	}
	if b.end-b.first > mostEntries {
		return fmt.Errorf("%d entries, a bundle holds %d; hint: shorter periods, one bundle each", b.end-b.first, mostEntries)
	}
	newest, err := entries.Get(b.ctx, b.r, b.head.Size-1)
	if err != nil {
		return err
	}
	start := max(b.first-1, 0)
	b.out.Origin, b.out.Head, b.out.Entries = b.head.Origin, b.head.Size, b.end-b.first
	b.contents = evidence.Contents{Origin: b.head.Origin, Made: newest.Time, Head: b.head.Checkpoint, Period: ledger.Period{From: b.out.From, To: b.out.To}, Keys: keys}
	b.Bundle = ledger.NewBundle(w, b.head.Origin, keys, newest.Time, start)
	b.Covers(b.out.From, b.out.To)
	for n := start; n < min(b.end+1, b.head.Size); n++ {
		if progress != nil {
			progress(n-start, b.end+1-start)
		}
		if err := b.entry(n); err != nil {
			return err
		}
	}
	return b.around()
}

// entry adds an entry: with its payloads, or one on the border without.
func (b *bundle) entry(n int64) error {
	e, err := entries.Get(b.ctx, b.r, n)
	if err != nil {
		return err
	}
	receipt, err := b.receipt(n)
	if err != nil {
		return err
	}
	row := evidence.Row{Index: n, Entry: &e.Entry, Border: n < b.first || n >= b.end}
	if row.Border {
		for _, d := range e.Entry.Payloads {
			row.Payloads = append(row.Payloads, evidence.Cell{Name: d.Name, Gone: "of another period"})
		}
		b.contents.Rows = append(b.contents.Rows, row)
		return b.AddBorder(e.Leaf, receipt)
	}
	payloads, err := entries.Payloads(b.ctx, b.r, n)
	if err != nil {
		return err
	}
	if len(payloads) != len(e.Entry.Payloads) {
		return &ledger.Fault{Entry: n, Reason: fmt.Sprintf("%d payloads lie beside it, it stands for %d", len(payloads), len(e.Entry.Payloads))}
	}
	gone := map[string]bool{}
	for _, p := range payloads {
		if gone[p.Name] = !p.Erased.IsZero(); gone[p.Name] {
			b.out.Erased++
		}
	}
	for i, d := range e.Entry.Payloads {
		cell := evidence.Cell{Name: d.Name, File: fmt.Sprintf("payloads/%d-%d", n, i)}
		if gone[d.Name] {
			cell = evidence.Cell{Name: d.Name, Gone: "erased"}
		}
		row.Payloads = append(row.Payloads, cell)
	}
	b.contents.Rows = append(b.contents.Rows, row)
	there := entries.There(payloads)
	b.tell(e, there)
	return b.Add(e.Leaf, receipt, there)
}

// around adds what stands behind the entries, and closes the bundle.
func (b *bundle) around() error {
	if err := b.PutHead(b.head.Signed); err != nil {
		return err
	}
	changes, err := b.changes()
	if err != nil {
		return err
	}
	for _, k := range changes {
		if err := b.AddChange(k); err != nil {
			return err
		}
	}
	list, err := anchors.Around(b.ctx, b.r, b.end)
	if err != nil {
		return err
	}
	for _, a := range list {
		if err := b.anchor(a); err != nil {
			return fmt.Errorf("anchor of %d entries at %s: %w", a.Size, a.Place, err)
		}
	}
	if b.chosen != nil {
		if err := b.trail(b.chosen); err != nil {
			return err
		}
	}
	if b.root != nil {
		if err := b.rootFiles(); err != nil {
			return fmt.Errorf("root users: %w", err)
		}
	}
	var index bytes.Buffer
	if err := evidence.WriteIndex(&index, &b.contents); err != nil {
		return err
	}
	err = errors.Join(b.Put("index.html", index.Bytes()), b.Put("README.txt", evidence.Readme(&b.contents)), b.Close())
	sum := b.Sum()
	b.out.Manifest = hex.EncodeToString(sum[:])
	return err
}

// Record has the ledger tell of an export, by whom: an entry with the ID of the bundle
// and, beside it, the digest of its manifest. It belongs before the bundle is handed out:
// a bundle that nobody knows of must not exist.
func (b *Bundled) Record(ctx context.Context, s *store.Store, actor string) error {
	text, err := json.Marshal(struct {
		Manifest string    `json:"manifest_sha256"`
		From     time.Time `json:"from"`
		To       time.Time `json:"to"`
		Entries  int64     `json:"entries"`
		Head     int64     `json:"head"`
		Root     *RootTold `json:"root_users,omitempty"`
	}{b.Manifest, b.From, b.To, b.Entries, b.Head, b.Root})
	if err != nil {
		return err
	}
	id := ""
	err = s.Update(ctx, func(_ context.Context, tx *store.Tx) error {
		id = tx.NewID("EB")
		return tx.Record("evidence.exported", id, actor, ledger.NewPayload("bundle", text))
	})
	if err != nil {
		return fmt.Errorf("record the export: %w", err)
	}
	b.Recorded = id
	return nil
}

func (b *bundle) anchor(a anchors.Anchor) error {
	older, err := ledger.ReadCheckpoint(a.Signed)
	if err != nil {
		return err
	}
	if older.Size > b.head.Size {
		return fmt.Errorf("the log has %d: history was rolled back", b.head.Size)
	}
	proof, err := ledger.Extends(older, b.head.Checkpoint, store.Hashes(b.ctx, b.r))
	if err != nil {
		return err
	}
	one := ledger.Anchor{Place: a.Place, Kind: a.Kind, Size: a.Size, At: a.At}
	b.contents.Anchors = append(b.contents.Anchors, one)
	b.out.Anchors++
	return b.AddAnchor(one, a.Signed, a.Proof, proof)
}

// CheckBundle checks a bundle and says what it proves. trusted are verifier keys of the
// ledger, t what else the reader has from elsewhere. A file that is no bundle is a report
// that says so.
func CheckBundle(ctx context.Context, r io.ReaderAt, size int64, trusted []string, t evidence.Trust) *evidence.Report {
	v, err := ledger.CheckBundle(r, size, trusted)
	if err != nil {
		v = &ledger.Verdict{Faults: []error{err}, OwnKeys: len(trusted) == 0, Keys: trusted}
	}
	return evidence.Check(ctx, v, t)
}
