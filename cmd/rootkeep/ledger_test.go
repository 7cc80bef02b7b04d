package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	tesseraclient "github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"

	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/ledger"
)

// ledger FOLDER N makes a store with a key file in the folder, or takes the one there,
// and appends entries, one an hour from 1 September 2026 on.
func ledgerStore(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(makeLedger(ts.MkAbs(args[0]), n))
}

func makeLedger(dir string, n int) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	keys, err := keyfile.OpenOrCreate(filepath.Join(dir, "ledger.key"), "keep.example/ledger")
	if err != nil {
		return err
	}
	signers, err := keys.Signers()
	if err != nil {
		return err
	}
	known, err := keys.Known()
	if err != nil {
		return err
	}
	now := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	s, err := store.Open(context.Background(), filepath.Join(dir, "rootkeep.db"), store.Options{
		Origin: keys.Origin, Signers: signers, Known: known, Migrate: true, Now: func() time.Time { return now },
	})
	if err != nil {
		return err
	}
	defer func() {
		if closed := s.Close(); err == nil {
			err = closed
		}
	}()
	for range n {
		err := s.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
			var size int64
			if err := tx.Row(ctx, `SELECT COUNT(*) FROM log_entry`).Scan(&size); err != nil {
				return err
			}
			now = time.Date(2026, 9, 1, int(size), 0, 0, 0, time.UTC)
			return nil
		})
		if err == nil {
			err = s.Update(context.Background(), func(ctx context.Context, tx *store.Tx) error {
				hour := tx.Now().Hour()
				return tx.Record("exception.requested", fmt.Sprintf("EX-%d", hour), "PE-1", ledger.NewPayload("request", fmt.Appendf(nil, "because of \x1b[31m%d", hour)))
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// anchorsfile writes anchors.yaml with the folder held as a place.
func anchorsFile(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(os.WriteFile(ts.MkAbs("anchors.yaml"), fmt.Appendf(nil, "anchors:\n  - name: paper\n    file: %s\n", ts.MkAbs("held")), 0o600))
}

// flip TEXT FILE changes a byte of the first place where the text is.
func flipByte(ts *testscript.TestScript, _ bool, args []string) {
	data := []byte(ts.ReadFile(args[1]))
	at := bytes.Index(data, []byte(args[0]))
	if at < 0 {
		ts.Fatalf("%s does not hold %q", args[1], args[0])
	}
	data[at+len(args[0])/2] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data, 0o600))
}

// tessera FOLDER KEYS lets Tessera's checker read an exported log.
func tesseraCheck(ts *testscript.TestScript, neg bool, args []string) {
	keys, err := keyfile.ParseVerifiers([]byte(ts.ReadFile(args[1])))
	ts.Check(err)
	verifier, err := note.NewVerifier(keys[len(keys)-1])
	ts.Check(err)
	leaves := func(bundle []byte) ([][]byte, error) {
		var b api.EntryBundle
		if err := b.UnmarshalText(bundle); err != nil {
			return nil, err
		}
		var out [][]byte
		for _, leaf := range b.Entries {
			out = append(out, rfc6962.DefaultHasher.HashLeaf(leaf))
		}
		return out, nil
	}
	err = fsck.New(verifier.Name(), verifier, &tesseraclient.FileFetcher{Root: ts.MkAbs(args[0])}, leaves, fsck.Opts{N: 8}).Check(context.Background())
	if (err != nil) != neg {
		ts.Fatalf("Tessera's checker: %v", err)
	}
}

// TestEveryFlippedByteOfABundleIsNamed goes through the command: each flipped byte ends
// it with code 4, and what it prints names an entry, a file or a byte.
func TestEveryFlippedByteOfABundleIsNamed(t *testing.T) {
	dir := t.TempDir()
	if err := makeLedger(dir, 4); err != nil {
		t.Fatal(err)
	}
	rootkeep := func(want int, args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if got := run(t.Context(), args, nil, &out, &errs); got != want {
			t.Fatalf("rootkeep %s: got %d, want %d\n%s%s", strings.Join(args, " "), got, want, out.String(), errs.String())
		}
		return out.String()
	}
	db, bundle, keys := filepath.Join(dir, "rootkeep.db"), filepath.Join(dir, "b.zip"), filepath.Join(dir, "keys.txt")
	rootkeep(0, "ledger", "keys", "--store", db, "-o", keys)
	rootkeep(0, "evidence", "export", "--store", db, "--from", "2026-09-01T01:00:00Z", "--to", "2026-09-01T03:00:00Z", "-o", bundle)
	rootkeep(0, "verify", bundle, "--key", keys)
	whole, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	step := 61 // each byte takes a whole check; the package ledger flips every one
	if os.Getenv("ROOTKEEP_LONG") != "" {
		step = 1
	}
	for i := 0; i < len(whole); i += step {
		broken := bytes.Clone(whole)
		broken[i] ^= 1
		if err := os.WriteFile(bundle, broken, 0o600); err != nil {
			t.Fatal(err)
		}
		said := rootkeep(4, "verify", bundle, "--key", keys)
		named := strings.Contains(said, "entry ") || strings.Contains(said, "byte ") || strings.Contains(said, "list of files") || strings.Contains(said, "is called")
		for _, n := range names {
			named = named || strings.Contains(said, n)
		}
		if !named {
			t.Errorf("byte %d: got %s", i, said)
		}
	}
}

// TestAPayloadsDigestByHand runs what docs/ledger.md shows of checking a bundle with
// tools that are not rootkeep's, and compares the leaf hash with the receipt.
func TestAPayloadsDigestByHand(t *testing.T) {
	for _, tool := range []string{"sh", "python3", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s, which the documentation checks a bundle with", tool)
		}
	}
	text, err := os.ReadFile("../../docs/ledger.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := makeLedger(dir, 12); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	args := []string{"evidence", "export", "--store", filepath.Join(dir, "rootkeep.db"), "--from", "2026-09-01T05:00:00Z", "--to", "2026-09-01T09:00:00Z", "-o", filepath.Join(dir, "evidence.zip")}
	if code := run(t.Context(), args, nil, &out, &errs); code != 0 {
		t.Fatalf("got %d\n%s", code, errs.String())
	}
	_, byHand, _ := strings.Cut(string(text), "### By hand")
	ran := ""
	for _, b := range fencedBlocks(byHand) {
		if b.language != "sh" || strings.Contains(b.text, "openssl ts") {
			continue
		}
		c := exec.Command("sh", "-ec", b.text)
		c.Dir = dir
		said, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s\n%v\n%s", b.text, err, said)
		}
		ran += string(said)
	}
	leaf, err := os.ReadFile(filepath.Join(dir, "bundle/entries/5.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(ran, string(leaf)) || !strings.Contains(ran, ledger.LeafHash(leaf)) {
		t.Errorf("got %s, want the entry with its digest, and the leaf hash %s", ran, ledger.LeafHash(leaf))
	}
}
