// Package proof takes the ledger of a store in hand: it verifies and exports it, anchors
// its head outside, changes its key, and makes and checks bundles of evidence.
package proof

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/ledger"
)

// Config says which ledger.
type Config struct {
	Store   string // path of SQLite, or postgres://...
	KeyFile string // "": ledger.key beside the SQLite file
	Now     func() time.Time
}

// Book is a ledger with the keys that sign it.
type Book struct {
	Store *store.Store
	Keys  *keyfile.Keys
	now   func() time.Time
}

// Open opens a store that is there, and its key file.
func Open(ctx context.Context, c Config) (*Book, error) {
	if c.KeyFile == "" {
		var err error
		if c.KeyFile, err = KeyFileOf(c.Store); err != nil {
			return nil, err
		}
	}
	if path, ok := sqlitePath(c.Store); ok {
		// Opening would make an empty store, which has nothing to verify.
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("no store at %s; hint: --store PATH, as rootkeep serve was given", path)
		}
	}
	keys, err := keyfile.Open(c.KeyFile)
	if err != nil {
		return nil, err
	}
	b := &Book{Keys: keys, now: c.Now}
	return b, b.open(ctx, c.Store)
}

func (b *Book) open(ctx context.Context, address string) error {
	signers, err := b.Keys.Signers()
	if err != nil {
		return err
	}
	known, err := b.Keys.Known()
	if err != nil {
		return err
	}
	if b.Store, err = store.Open(ctx, address, store.Options{Origin: b.Keys.Origin, Signers: signers, Known: known, Now: b.now}); err != nil {
		return fmt.Errorf("%w (%s)", err, b.Keys)
	}
	return nil
}

// Close closes the store.
func (b *Book) Close() error { return b.Store.Close() }

func sqlitePath(address string) (string, bool) {
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		return "", false
	}
	return strings.TrimPrefix(address, "sqlite:"), true
}

// KeyFileOf is where the key file of a store lies if nothing else was said: ledger.key
// beside the SQLite file.
func KeyFileOf(address string) (string, error) {
	path, ok := sqlitePath(address)
	if !ok {
		return "", errors.New("where the ledger's key file lies is not known for PostgreSQL; hint: --ledger-key FILE")
	}
	return filepath.Join(filepath.Dir(path), "ledger.key"), nil
}

// view is what all of a book's proofs need of one state of the store.
type view struct {
	ctx  context.Context // of the view
	r    *store.Reader
	head store.Head
}

func (b *Book) view(ctx context.Context, read func(v view) error) error {
	return b.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		head, err := b.Store.Head(ctx, r)
		if err != nil {
			return err
		}
		return read(view{ctx, r, head})
	})
}

// Head reads the head. The ledger must have an entry: before that nobody signed.
func (b *Book) Head(ctx context.Context) (head store.Head, err error) {
	err = b.view(ctx, func(v view) error {
		if head = v.head; head.Size == 0 {
			return errors.New("the ledger has no entry yet")
		}
		return nil
	})
	return head, err
}

// Receipt makes the receipt of an entry, with its leaf.
func (b *Book) Receipt(ctx context.Context, n int64) (leaf []byte, receipt *ledger.Receipt, err error) {
	err = b.view(ctx, func(v view) error {
		e, err := entries.Get(v.ctx, v.r, n)
		if err != nil {
			return err
		}
		leaf = e.Leaf
		receipt, err = v.receipt(n)
		return err
	})
	return leaf, receipt, err
}

func (v view) receipt(n int64) (*ledger.Receipt, error) {
	return ledger.NewReceipt(n, v.head.Checkpoint, v.head.Signed, store.Hashes(v.ctx, v.r))
}

// Line is an entry for people and programs. Payloads are there if they were asked for.
type Line struct {
	Entry    int64     `json:"entry"`
	Time     time.Time `json:"time"`
	Type     string    `json:"type"`
	Subject  string    `json:"subject"`
	Actor    string    `json:"actor"`
	Payloads []Beside  `json:"payloads,omitempty"`
}

// Beside is a payload: its digest is in the entry, its text may be erased. Text is what
// people and AWS wrote: hostile.
type Beside struct {
	Name   string     `json:"name"`
	SHA256 string     `json:"sha256"`
	Size   int        `json:"size"`
	Erased *time.Time `json:"erased,omitempty"`
	Text   string     `json:"text,omitempty"`
	Base64 []byte     `json:"base64,omitempty"` // of what is no text
}

func line(e entries.Entry) Line {
	out := Line{Entry: e.N, Time: e.Time, Type: e.Type, Subject: e.Subject, Actor: e.Actor}
	for _, d := range e.Payloads {
		out.Payloads = append(out.Payloads, Beside{Name: d.Name, SHA256: fmt.Sprintf("%x", d.SHA256)})
	}
	return out
}

// List lists entries, the newest first, without their payloads' texts.
func (b *Book) List(ctx context.Context, f entries.Filter) ([]Line, error) {
	out := []Line{}
	err := b.Store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		list, err := entries.List(ctx, r, f)
		for _, e := range list {
			out = append(out, line(e))
		}
		return err
	})
	return out, err
}

// known are the verifiers of keys, of which there is at least one.
func known(keys []string) (note.Verifiers, error) { return ledger.Known(keys...) }
