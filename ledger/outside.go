package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// Change is a change of the log's key in a bundle. The files of its entry, receipt and
// payload are keys/ENTRY.json, keys/ENTRY.tlog-proof and keys/ENTRY.key.
type Change struct {
	Entry int64  `json:"entry"`
	Salt  []byte `json:"salt"`
}

// Anchor is a checkpoint that a place outside holds, with the proof that the log of the
// bundle's checkpoint extends it.
type Anchor struct {
	Place       string    `json:"place"`
	Kind        string    `json:"kind"`
	Size        int64     `json:"size"`
	At          time.Time `json:"at"`
	Checkpoint  string    `json:"checkpoint"`      // file
	Proof       string    `json:"proof,omitempty"` // file: what the place gave
	Consistency [][]byte  `json:"consistency,omitempty"`
}

const headFile = "checkpoint"

// PutHead puts the signed checkpoint in that everything in the bundle rests on.
func (b *Bundle) PutHead(signed []byte) error { return b.Put(headFile, signed) }

// AddChange puts a change of the log's key in. They come in the order of their entries.
func (b *Bundle) AddChange(k *KeyChange) error {
	n := k.Receipt.Index
	b.manifest.Changes = append(b.manifest.Changes, Change{n, k.Verifier.Salt[:]})
	return errors.Join(
		b.Put(changeFile(n, "json"), k.Leaf), b.Put(changeFile(n, "tlog-proof"), k.Receipt.Marshal()), b.Put(changeFile(n, "key"), k.Verifier.Data),
	)
}

func changeFile(n int64, kind string) string { return fmt.Sprintf("keys/%d.%s", n, kind) }

// AddAnchor puts an anchor in. Its files get their names here.
func (b *Bundle) AddAnchor(a Anchor, signed, proof []byte, consistency tlog.TreeProof) error {
	name := fmt.Sprintf("anchors/%d", len(b.manifest.Anchors))
	a.At, a.Checkpoint, a.Consistency = a.At.UTC(), name+".checkpoint", nil
	for i := range consistency {
		a.Consistency = append(a.Consistency, consistency[i][:])
	}
	err := b.Put(a.Checkpoint, signed)
	if a.Proof = ""; err == nil && len(proof) > 0 {
		a.Proof = name + ".proof"
		err = b.Put(a.Proof, proof)
	}
	b.manifest.Anchors = append(b.manifest.Anchors, a)
	return err
}

// Held is an anchor of a bundle whose checkpoint is signed by a key of the log and is a
// start of the bundle's log. What the place says for it is in Proof, unchecked.
type Held struct {
	Place, Kind   string
	Size          int64
	At            time.Time
	Signed, Proof []byte
}

// changes takes the changes of keys that trusted keys stand behind: from then on the
// next key is trusted as well.
func (c *checker) changes() {
	trusted := c.verdict.Keys
	for _, change := range c.manifest.Changes {
		next, err := c.change(change, trusted)
		if err != nil {
			c.verdict.Faults = append(c.verdict.Faults, &Fault{change.Entry, "change of keys: " + err.Error()})
			return
		}
		if !slices.Contains(trusted, next) {
			trusted = append(trusted, next)
		}
	}
	known, err := Known(trusted...)
	if err != nil {
		c.verdict.Faults = append(c.verdict.Faults, err)
		return
	}
	c.known, c.verdict.Keys = known, trusted
}

func (c *checker) change(change Change, trusted []string) (string, error) {
	var files [3][]byte
	for i, kind := range []string{"json", "tlog-proof", "key"} {
		var err error
		if files[i], err = c.listed(changeFile(change.Entry, kind)); err != nil {
			return "", err
		}
	}
	r, err := ParseReceipt(files[1])
	if err != nil {
		return "", err
	}
	k := &KeyChange{Leaf: files[0], Receipt: r, Verifier: Payload{Name: KeyPayload, Data: files[2]}}
	if r.Index != change.Entry || len(change.Salt) != copy(k.Verifier.Salt[:], change.Salt) {
		return "", errors.New("its receipt or its salt is that of something else")
	}
	return k.Next(c.manifest.Origin, trusted)
}

// head takes the checkpoint that all rests on. A bundle may have none.
func (c *checker) head() {
	if c.files[headFile] == nil {
		return
	}
	signed, err := c.listed(headFile)
	if err == nil {
		c.verdict.Head, err = c.opened(signed)
	}
	if err != nil {
		c.verdict.Faults = append(c.verdict.Faults, err)
	}
}

// opened checks a signed checkpoint. Receipts share one, so the newest is remembered.
func (c *checker) opened(signed []byte) (Checkpoint, error) {
	if string(signed) == c.newest.text {
		return c.newest.head, nil
	}
	head, err := OpenCheckpoint(signed, c.manifest.Origin, c.known)
	if err == nil {
		c.newest.text, c.newest.head = string(signed), head
	}
	return head, err
}

// anchors checks that the log extends what places outside hold.
func (c *checker) anchors() {
	for i := range c.manifest.Anchors {
		a := &c.manifest.Anchors[i]
		h, err := c.anchor(a)
		if err != nil {
			c.fault("anchor of %d entries at %s: %w", a.Size, a.Place, err)
			continue
		}
		c.verdict.Anchors = append(c.verdict.Anchors, *h)
	}
}

func (c *checker) anchor(a *Anchor) (*Held, error) {
	h := &Held{Place: a.Place, Kind: a.Kind, Size: a.Size, At: a.At}
	var err error
	if h.Signed, err = c.listed(a.Checkpoint); err != nil {
		return nil, err
	}
	if a.Proof != "" {
		if h.Proof, err = c.listed(a.Proof); err != nil {
			return nil, err
		}
	}
	older, err := OpenCheckpoint(h.Signed, c.manifest.Origin, c.known)
	if err != nil {
		return nil, err
	}
	var proof tlog.TreeProof
	for _, b := range a.Consistency {
		if len(b) != tlog.HashSize || len(proof) > 128 {
			return nil, errors.New("its proof of consistency holds something that is no hash")
		}
		proof = append(proof, tlog.Hash(b))
	}
	if older.Size != a.Size {
		return nil, fmt.Errorf("its checkpoint has %d entries", older.Size)
	}
	if older.Size > c.verdict.Head.Size {
		return nil, fmt.Errorf("it is newer than the head of %d entries: history was rolled back", c.verdict.Head.Size)
	}
	return h, CheckExtends(older, c.verdict.Head, proof)
}

// period checks that no entry of the period is left out: what lies before the first and
// after the last is outside of it, or there is nothing.
func (c *checker) period() {
	p, list := c.manifest.Period, c.verdict.Entries
	if p == nil || len(c.verdict.Faults) > 0 {
		return
	}
	for _, e := range list {
		if inside := !e.Time.Before(p.From) && e.Time.Before(p.To); inside == e.Border {
			c.verdict.Faults = append(c.verdict.Faults, &Fault{e.Index, "it is not on its side of the period's border"})
			return
		}
	}
	first, last := c.manifest.First, c.manifest.First+int64(len(list))-1
	switch {
	case len(list) == 0 && c.verdict.Head.Size > 0:
		c.fault("no entry, though the log has %d: nothing shows that none is of the period", c.verdict.Head.Size)
	case len(list) > 0 && first > 0 && !(list[0].Border && list[0].Time.Before(p.From)):
		c.fault("the entry before number %d is not there: some of the period may be left out", first)
	case len(list) > 0 && last < c.verdict.Head.Size-1 && !(list[len(list)-1].Border && !list[len(list)-1].Time.Before(p.To)):
		c.fault("the entry after number %d is not there: some of the period may be left out", last)
	default:
		c.verdict.Period = p
	}
}
