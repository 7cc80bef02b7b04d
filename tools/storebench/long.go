package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

// long is what was measured in a ledger of many entries.
type long struct {
	entries int64
	fill    cost
	proof   int           // bytes of the longest receipt
	hashes  int           // of that receipt
	making  time.Duration // of a receipt, mean
	checked time.Duration // of a receipt, mean
	verify  cost          // of the whole ledger
}

// cost is what something took by the clock and of the processors: the clock also counts
// what others do on the machine.
type cost struct{ clock, cpu time.Duration }

func costOf(do func() error) (cost, error) {
	start, used := time.Now(), benchdoc.CPUTime()
	err := do()
	return cost{time.Since(start), benchdoc.CPUTime() - used}, err
}

func measureLong(ctx context.Context, o options, folder string, stderr io.Writer) (l *long, err error) {
	options, err := storeOptions()
	if err != nil {
		return nil, err
	}
	s, err := store.Open(ctx, filepath.Join(folder, "long.db"), options)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	l = &long{entries: o.entries}
	if l.fill, err = costOf(func() error { return fill(ctx, s, o.entries, stderr) }); err != nil {
		return nil, err
	}
	if err := l.proofs(ctx, s, options); err != nil {
		return nil, err
	}
	l.verify, err = costOf(func() error {
		v, err := s.VerifyLedger(ctx, nil)
		if err == nil && v.Head.Size != o.entries {
			err = fmt.Errorf("verified %d entries, want %d", v.Head.Size, o.entries)
		}
		return err
	})
	return l, err
}

// fill makes entries with a payload each, many in a change.
func fill(ctx context.Context, s *store.Store, n int64, stderr io.Writer) error {
	const together = 2000
	for done := int64(0); done < n; {
		more := min(together, n-done)
		err := s.Update(ctx, func(_ context.Context, tx *store.Tx) error {
			for i := range more {
				if err := tx.Record("bench.made", fmt.Sprintf("BE-%d", done+i), "system", ledger.NewPayload("body", []byte("what was seen"))); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if done += more; done%100_000 == 0 {
			fmt.Fprintf(stderr, "%d of %d entries\n", done, n)
		}
	}
	return nil
}

// proofs makes and checks receipts of entries all over the ledger.
func (l *long) proofs(ctx context.Context, s *store.Store, o store.Options) error {
	const receipts = 200
	return s.View(ctx, func(ctx context.Context, r *store.Reader) error {
		head, err := s.Head(ctx, r)
		if err != nil {
			return err
		}
		for i := range int64(receipts) {
			n := i * (l.entries - 1) / (receipts - 1)
			var leaf []byte
			if err := r.Row(ctx, `SELECT leaf FROM log_entry WHERE n = $1`, n).Scan(&leaf); err != nil {
				return err
			}
			start := time.Now()
			receipt, err := ledger.NewReceipt(n, head.Checkpoint, head.Signed, store.Hashes(ctx, r))
			if err != nil {
				return err
			}
			text := receipt.Marshal()
			l.making += time.Since(start) / receipts
			start = time.Now()
			parsed, err := ledger.ParseReceipt(text)
			if err != nil {
				return err
			}
			if _, err := parsed.Verify(leaf, o.Origin, o.Known); err != nil {
				return err
			}
			l.checked += time.Since(start) / receipts
			l.proof, l.hashes = max(l.proof, len(text)), max(l.hashes, len(receipt.Proof))
		}
		return nil
	})
}

func (l *long) table(w *strings.Builder) {
	text := func(c cost) string {
		return fmt.Sprintf("%.1f s by the clock, %.1f s of a processor (%.0f entries a second of it)", c.clock.Seconds(), c.cpu.Seconds(), float64(l.entries)/c.cpu.Seconds())
	}
	fmt.Fprintf(w, "| in a ledger of %d entries, SQLite | figure |\n|---|---:|\n", l.entries)
	fmt.Fprintf(w, "| receipt of an entry, with its checkpoint | %d bytes at most, %d hashes |\n", l.proof, l.hashes)
	fmt.Fprintf(w, "| making a receipt from the database | %.2f ms |\n", l.making.Seconds()*1000)
	fmt.Fprintf(w, "| checking a receipt, signature included | %.2f ms |\n", l.checked.Seconds()*1000)
	fmt.Fprintf(w, "| verifying all: file, entries, payloads, hashes, signature | %s |\n", text(l.verify))
	fmt.Fprintf(w, "| appending all, 2,000 in a change | %s |\n", text(l.fill))
}
