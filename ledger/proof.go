package ledger

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Bounds of a bundle that is read: it may come from anybody.
const (
	maxManifest  = 64 << 20
	maxInBundle  = 256 << 20 // of one file
	maxFilesRead = 1_000_000
	maxFaults    = 1000 // that are told
)

// maxStructure is how many values a manifest of a bundle with so many files may hold: an
// empty object takes two bytes of text and thirty times as much of memory.
func maxStructure(files int) int { return 1000 + 64*files }

// Verdict is what the check of a bundle came to.
type Verdict struct {
	Origin   string
	Manifest string     // SHA-256 of manifest.json, hexadecimal
	Head     Checkpoint // the bundle's, or the largest that a receipt rests on
	First    int64
	Count    int // entries that are proven
	Erased   int // payloads that were erased: what they said is not proven any more
	// Keys are the verifier keys that the proof rests on. OwnKeys says that they are the
	// bundle's own: then they have to be compared with the ones that were given before.
	Keys    []string
	OwnKeys bool
	// Period is the span of which nothing is left out, nil if the bundle claims none or
	// something is wrong with it.
	Period  *Period
	Anchors []Held
	Faults  []error // empty: everything holds
	Entries []Proven
	// Others are files beside entries, receipts and payloads. The manifest has their
	// hashes, which nobody signed: what they say is proven by what checks them further.
	Others []string
	files  *checker
}

// Proven is an entry that is in the log.
type Proven struct {
	Index int64
	*Entry
	Border bool
	// Files of payloads by their names; those that were erased or withheld have none.
	Files  map[string]string
	Erased []string
}

// Read gives a file of the bundle that is as the manifest says.
func (v *Verdict) Read(name string) ([]byte, error) { return v.files.listed(name) }

// CheckBundle checks a bundle offline: every file against the manifest, every entry
// against its receipt, every payload against its entry, changes of keys, anchors and the
// period. trusted are verifier keys that the reader has from elsewhere; without any the
// bundle's own are taken and OwnKeys is set. The error says that this is no bundle at all.
func CheckBundle(r io.ReaderAt, size int64, trusted []string) (*Verdict, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("bundle: the zip's list of files: %w", err)
	}
	c := &checker{files: map[string]*zip.File{}, verdict: &Verdict{}}
	c.verdict.files = c
	if err := c.take(z.File, size); err != nil {
		return nil, err
	}
	if err := c.open(trusted); err != nil {
		return nil, err
	}
	c.fileList()
	c.changes()
	c.head()
	for i := range c.manifest.Entries {
		if err := c.entry(i); err != nil {
			c.verdict.Faults = append(c.verdict.Faults, err)
		}
		if len(c.verdict.Faults) >= maxFaults {
			c.fault("checking ends here: %d faults", maxFaults)
			break
		}
	}
	c.anchors()
	c.period()
	if len(c.verdict.Faults) == 0 {
		c.rebuild(z.File, r, size)
	}
	return c.verdict, nil
}

// take refuses a zip that rootkeep does not write: names that are no plain paths, names
// that are there twice, compression, and files that together are larger than the zip,
// which lie one in another.
func (c *checker) take(files []*zip.File, size int64) error {
	if len(files) > maxFilesRead {
		return fmt.Errorf("bundle: more than %d files", maxFilesRead)
	}
	left := uint64(size)
	for _, f := range files {
		switch {
		case !plainName(f.Name):
			return fmt.Errorf("bundle: a file is called %q", f.Name)
		case c.files[f.Name] != nil:
			return fmt.Errorf("bundle: %q is there twice", f.Name)
		case f.Method != zip.Store || f.CompressedSize64 != f.UncompressedSize64:
			return fmt.Errorf("bundle: %s is compressed, which rootkeep never does", f.Name)
		case f.UncompressedSize64 > left:
			return fmt.Errorf("bundle: the files are larger than the bundle")
		}
		left -= f.UncompressedSize64
		c.files[f.Name] = f
	}
	return nil
}

// maxName is the longest name of a file, in bytes: a key of CloudTrail in a bucket, with
// the longest prefix, account and trail that AWS allows, has some 550.
const maxName = 600

// plainName says whether the name is a relative path of letters, digits and ._-+ alone,
// without .. in it: whoever unpacks the bundle is safe.
func plainName(name string) bool {
	return len(name) <= maxName && fs.ValidPath(name) && name != "." && !strings.ContainsFunc(name, func(r rune) bool {
		return r > 'z' || !strings.ContainsRune("/._-+", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a')
	})
}

// rebuild writes the bundle again and compares: bytes that no reader of zips looks at
// must not carry anything either.
func (c *checker) rebuild(files []*zip.File, r io.ReaderAt, size int64) {
	own, err := json.MarshalIndent(c.manifest, "", " ")
	text, read := c.read("manifest.json", maxManifest)
	if err != nil || read != nil || !bytes.Equal(text, own) {
		c.fault("manifest.json is not as rootkeep writes it")
		return
	}
	same := &comparer{with: r, first: -1}
	z := zip.NewWriter(same)
	for _, f := range files {
		text, err := c.read(f.Name, maxInBundle)
		if err == nil {
			err = writeFile(z, f.Name, text, c.manifest.Created)
		}
		if err != nil {
			c.verdict.Faults = append(c.verdict.Faults, err)
			return
		}
		if err := z.Flush(); err == nil && same.first >= 0 {
			c.fault("byte %d, of %s, is not as rootkeep writes it", same.first, f.Name)
			return
		}
	}
	if err := z.Close(); err != nil || same.first >= 0 || same.at != size {
		c.fault("byte %d, of the list of files, is not as rootkeep writes it", max(same.first, min(same.at, size)))
	}
}

// comparer compares what is written with what is there.
type comparer struct {
	with  io.ReaderAt
	at    int64
	first int64 // byte that differs, -1 for none
}

func (c *comparer) Write(p []byte) (int, error) {
	was := make([]byte, len(p))
	n, err := c.with.ReadAt(was, c.at)
	if err != nil && err != io.EOF {
		return 0, err
	}
	for i := range p {
		if c.first < 0 && (i >= n || p[i] != was[i]) {
			c.first = c.at + int64(i)
		}
	}
	c.at += int64(len(p))
	return len(p), nil
}

type checker struct {
	files    map[string]*zip.File
	manifest Manifest
	known    note.Verifiers
	verdict  *Verdict
	sums     map[string]File
	newest   struct { // checkpoint that was checked
		text string
		head Checkpoint
	}
}

func (c *checker) open(trusted []string) error {
	text, err := c.read("manifest.json", maxManifest)
	if err != nil {
		return err
	}
	if values := bytes.Count(text, []byte("{")) + bytes.Count(text, []byte("[")) + bytes.Count(text, []byte(",")); values > maxStructure(len(c.files)) {
		return fmt.Errorf("bundle: manifest.json has more in it than %d files can stand for", len(c.files))
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c.manifest); err != nil {
		return fmt.Errorf("bundle: manifest.json: %w", err)
	}
	if c.manifest.Schema != BundleSchema {
		return fmt.Errorf("bundle: schema %q, want %s; hint: use the version that wrote it, or a newer one", c.manifest.Schema, BundleSchema)
	}
	v, sum := c.verdict, sha256.Sum256(text)
	v.Manifest = hex.EncodeToString(sum[:])
	v.Origin, v.First, v.Keys = c.manifest.Origin, c.manifest.First, trusted
	if v.OwnKeys = len(trusted) == 0; v.OwnKeys {
		v.Keys = c.manifest.Keys
	}
	if c.known, err = Known(v.Keys...); err != nil {
		return err
	}
	if len(v.Keys) == 0 {
		return errors.New("bundle: no key to check it with; hint: give the log's public key")
	}
	return nil
}

// read reads a file of the zip, bounded: its header may lie.
func (c *checker) read(name string, most int64) ([]byte, error) {
	f := c.files[name]
	if f == nil {
		return nil, fmt.Errorf("bundle: no file %s", name)
	}
	in, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("bundle: %s: %w", name, err)
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("bundle: %s: %w", name, err)
	case int64(len(text)) > most:
		return nil, fmt.Errorf("bundle: %s: more than %d MiB", name, most>>20)
	}
	return text, nil
}

// fileList compares the zip with the manifest, and takes the files that belong to no
// entry.
func (c *checker) fileList() {
	c.sums = map[string]File{}
	for _, f := range c.manifest.Files {
		c.sums[f.Name] = f
	}
	var names []string
	for name := range c.files {
		if _, ok := c.sums[name]; !ok && name != "manifest.json" {
			c.fault("%s is not in the manifest", name)
		}
	}
	for name := range c.sums {
		if c.files[name] == nil {
			c.fault("%s is in the manifest and not in the bundle", name)
			continue
		}
		if !strings.HasPrefix(name, "entries/") && !strings.HasPrefix(name, "receipts/") && !strings.HasPrefix(name, "payloads/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if _, err := c.listed(name); err != nil {
			c.verdict.Faults = append(c.verdict.Faults, err)
		} else {
			c.verdict.Others = append(c.verdict.Others, name)
		}
	}
}

func (c *checker) fault(format string, args ...any) {
	c.verdict.Faults = append(c.verdict.Faults, fmt.Errorf("bundle: "+format, args...))
}

// listed reads a file and compares it with the manifest.
func (c *checker) listed(name string) ([]byte, error) {
	want, ok := c.sums[name]
	if !ok {
		return nil, fmt.Errorf("bundle: %s is not in the manifest", name)
	}
	text, err := c.read(name, maxInBundle)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != want.SHA256 {
		return nil, fmt.Errorf("bundle: %s is not the file of the manifest", name)
	}
	return text, nil
}

// entry checks one entry with its receipt and payloads.
func (c *checker) entry(i int) error {
	item := c.manifest.Entries[i]
	if item.Index != c.manifest.First+int64(i) {
		return &Fault{item.Index, fmt.Sprintf("entry %d is missing before it", c.manifest.First+int64(i))}
	}
	leaf, err := c.listed(leafFile(item.Index))
	if err != nil {
		return &Fault{item.Index, err.Error()}
	}
	text, err := c.listed(receiptFile(item.Index))
	if err != nil {
		return &Fault{item.Index, err.Error()}
	}
	e, err := c.proven(item.Index, leaf, text)
	if err != nil {
		return &Fault{item.Index, err.Error()}
	}
	p := Proven{Index: item.Index, Entry: e, Border: item.Border, Files: map[string]string{}}
	if err := c.payloads(item, &p); err != nil {
		return err
	}
	c.verdict.Count++
	c.verdict.Entries = append(c.verdict.Entries, p)
	return nil
}

func (c *checker) proven(index int64, leaf, text []byte) (*Entry, error) {
	r, err := ParseReceipt(text)
	if err != nil {
		return nil, err
	}
	if r.Index != index {
		return nil, fmt.Errorf("its receipt is of entry %d", r.Index)
	}
	head, err := c.opened(r.Checkpoint)
	if err != nil {
		return nil, err
	}
	if err := r.In(head, leaf); err != nil {
		return nil, err
	}
	if v := c.verdict; head.Size == v.Head.Size && head.Root != v.Head.Root {
		return nil, fmt.Errorf("two heads of %d entries: history was rewritten", head.Size)
	} else if head.Size > v.Head.Size {
		if c.files[headFile] != nil {
			return nil, fmt.Errorf("its receipt rests on a head of %d entries, the bundle on one of %d", head.Size, v.Head.Size)
		}
		v.Head = head
	}
	return ParseEntry(leaf)
}

// payloads checks what lies beside an entry; each has to be there or be named erased.
func (c *checker) payloads(item Item, p *Proven) error {
	if len(item.Payloads) != len(p.Payloads) {
		return &Fault{item.Index, fmt.Sprintf("%d payloads in the manifest, %d in the entry", len(item.Payloads), len(p.Payloads))}
	}
	for i, a := range item.Payloads {
		d := p.Payloads[i]
		switch {
		case a.Name == d.Name && a.File == "" && a.Erased && !item.Border:
			c.verdict.Erased++
			p.Erased = append(p.Erased, d.Name)
			continue
		case a.Name == d.Name && a.File == "" && a.Withheld && item.Border:
			continue
		}
		load := Payload{Name: a.Name}
		if copy(load.Salt[:], a.Salt) != len(load.Salt) || len(a.Salt) != len(load.Salt) {
			return &Fault{item.Index, fmt.Sprintf("payload %s: no salt", d.Name)}
		}
		var err error
		if load.Data, err = c.listed(a.File); err != nil {
			return &Fault{item.Index, err.Error()}
		}
		if !load.Matches(d) {
			return &Fault{item.Index, fmt.Sprintf("payload %s is not the one that the entry stands for", d.Name)}
		}
		p.Files[d.Name] = a.File
	}
	return nil
}
