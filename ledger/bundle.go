package ledger

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// BundleSchema names the manifest of an evidence bundle.
const BundleSchema = "rootkeep/bundle/1"

// Manifest is manifest.json, the first thing in a bundle that is read and the last that
// is written. It names every other file.
type Manifest struct {
	Schema  string    `json:"schema"`
	Origin  string    `json:"origin"`
	Keys    []string  `json:"keys"` // verifier keys; an auditor compares them with those given before
	Created time.Time `json:"created"`
	Period  *Period   `json:"period,omitempty"` // whose entries these are, all of them
	First   int64     `json:"first"`            // number of the first entry
	Entries []Item    `json:"entries"`
	Changes []Change  `json:"key_changes,omitempty"`
	Anchors []Anchor  `json:"anchors,omitempty"`
	Files   []File    `json:"files"`
}

// Period is a span of time, From on and before To. An entry before it and one after it,
// where there are any, prove that none is left out.
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Item is one entry in a bundle, with what lies beside it. Its leaf is in
// entries/NUMBER.json, its receipt in receipts/NUMBER.tlog-proof.
type Item struct {
	Index    int64      `json:"index"`
	Border   bool       `json:"border,omitempty"` // lies outside of the period
	Payloads []Attached `json:"payloads,omitempty"`
}

// Attached is a payload in a bundle. One that was erased has no file, nor has one of a
// border: what it says is of another period.
type Attached struct {
	Name     string `json:"name"`
	Salt     []byte `json:"salt,omitempty"`
	File     string `json:"file,omitempty"`
	Erased   bool   `json:"erased,omitempty"`
	Withheld bool   `json:"withheld,omitempty"`
}

// File is one file of a bundle.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Bundle is an evidence bundle in the making: a zip with the entries of a period, their
// payloads and receipts. Equal content gives equal bytes.
type Bundle struct {
	zip      *zip.Writer
	manifest Manifest
	sum      [sha256.Size]byte
}

// NewBundle starts a bundle of the log's entries from first on.
func NewBundle(w io.Writer, origin string, keys []string, created time.Time, first int64) *Bundle {
	return &Bundle{zip: zip.NewWriter(w), manifest: Manifest{
		Schema: BundleSchema, Origin: origin, Keys: keys, Created: created.UTC().Truncate(time.Second), First: first, Entries: []Item{}, Files: []File{},
	}}
}

// Covers says of which period the bundle holds all entries. The times of entries have
// milliseconds, and so has the period.
func (b *Bundle) Covers(from, to time.Time) {
	b.manifest.Period = &Period{from.UTC().Truncate(time.Millisecond), to.UTC().Truncate(time.Millisecond)}
}

// AddBorder puts the next entry in, without payloads: one outside of the period.
func (b *Bundle) AddBorder(leaf []byte, receipt *Receipt) error {
	entry, err := b.open(leaf, receipt)
	if err != nil {
		return err
	}
	item := Item{Index: receipt.Index, Border: true}
	for _, d := range entry.Payloads {
		item.Payloads = append(item.Payloads, Attached{Name: d.Name, Withheld: true})
	}
	b.manifest.Entries = append(b.manifest.Entries, item)
	return nil
}

// open puts an entry and its receipt in.
func (b *Bundle) open(leaf []byte, receipt *Receipt) (*Entry, error) {
	if want := b.manifest.First + int64(len(b.manifest.Entries)); receipt.Index != want {
		return nil, fmt.Errorf("bundle: entry %d, want %d next", receipt.Index, want)
	}
	entry, err := ParseEntry(leaf)
	if err != nil {
		return nil, err
	}
	return entry, errors.Join(b.Put(leafFile(receipt.Index), leaf), b.Put(receiptFile(receipt.Index), receipt.Marshal()))
}

// Add puts the next entry in. payloads are those that are still there.
func (b *Bundle) Add(leaf []byte, receipt *Receipt, payloads []Payload) error {
	entry, err := b.open(leaf, receipt)
	if err != nil {
		return err
	}
	item := Item{Index: receipt.Index}
	for i, d := range entry.Payloads {
		a := Attached{Name: d.Name, Erased: true}
		for _, p := range payloads {
			if p.Name != d.Name {
				continue
			}
			if !p.Matches(d) {
				return &Fault{receipt.Index, fmt.Sprintf("payload %s is not the one that the entry stands for", d.Name)}
			}
			a = Attached{Name: d.Name, Salt: p.Salt[:], File: fmt.Sprintf("payloads/%d-%d", receipt.Index, i)}
			if err := b.Put(a.File, p.Data); err != nil {
				return err
			}
		}
		item.Payloads = append(item.Payloads, a)
	}
	b.manifest.Entries = append(b.manifest.Entries, item)
	return nil
}

func leafFile(n int64) string    { return fmt.Sprintf("entries/%d.json", n) }
func receiptFile(n int64) string { return fmt.Sprintf("receipts/%d.tlog-proof", n) }

// Put adds a file, such as an approval with its key, or README.txt.
func (b *Bundle) Put(name string, data []byte) error {
	if err := b.write(name, data); err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	b.manifest.Files = append(b.manifest.Files, File{name, int64(len(data)), hex.EncodeToString(sum[:])})
	return nil
}

func (b *Bundle) write(name string, data []byte) error {
	return writeFile(b.zip, name, data, b.manifest.Created)
}

// writeFile stores a file as it is: what a compressor makes changes with its version,
// and a bundle is checked to the last byte.
func writeFile(z *zip.Writer, name string, data []byte, at time.Time) error {
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: at})
	if err != nil {
		return fmt.Errorf("bundle: %s: %w", name, err)
	}
	_, err = w.Write(data)
	return err
}

// Close writes the manifest and ends the zip.
func (b *Bundle) Close() error {
	text, err := json.MarshalIndent(b.manifest, "", " ")
	if err != nil {
		return err
	}
	b.sum = sha256.Sum256(text)
	return errors.Join(b.write("manifest.json", text), b.zip.Close())
}

// Sum is the SHA-256 of the manifest, once the bundle is closed. It stands for every
// file of the bundle.
func (b *Bundle) Sum() [sha256.Size]byte { return b.sum }
