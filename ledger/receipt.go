package ledger

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Receipt proves that one entry is in the log of a checkpoint (C2SP tlog-proof).
type Receipt struct {
	Index      int64
	Proof      tlog.RecordProof
	Checkpoint []byte // signed
}

// NewReceipt makes the receipt of an entry. head is what the signed checkpoint says.
func NewReceipt(index int64, head Checkpoint, signed []byte, read tlog.HashReader) (*Receipt, error) {
	proof, err := tlog.ProveRecord(head.Size, index, read)
	if err != nil {
		return nil, fmt.Errorf("receipt of entry %d in a log of %d: %w", index, head.Size, err)
	}
	return &Receipt{index, proof, signed}, nil
}

const proofHead = "c2sp.org/tlog-proof@v1"

// Marshal is the text form, a file *.tlog-proof.
func (r *Receipt) Marshal() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nindex %d\n", proofHead, r.Index)
	for _, h := range r.Proof {
		fmt.Fprintln(&b, base64.StdEncoding.EncodeToString(h[:]))
	}
	b.WriteByte('\n')
	b.Write(r.Checkpoint)
	return b.Bytes()
}

// maxReceipt bounds a receipt, bytes: a log has less than 2^63 entries, so a proof at
// most 63 hashes.
const maxReceipt = maxCheckpoint + 4<<10

// ParseReceipt reads the text form. What it says is not checked; see Verify.
func ParseReceipt(text []byte) (*Receipt, error) {
	if len(text) > maxReceipt {
		return nil, errors.New("receipt: too long")
	}
	head, signed, ok := bytes.Cut(text, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !ok || len(lines) < 2 || lines[0] != proofHead {
		return nil, errors.New("receipt: want " + proofHead + ", an index, hashes, and a checkpoint")
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:] // of others; ours have none
	}
	if len(lines) == 0 {
		return nil, errors.New("receipt: no index")
	}
	number, ok := strings.CutPrefix(lines[0], "index ")
	index, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || index < 0 || len(lines) > 64 {
		return nil, fmt.Errorf("receipt: %q, want index and a number, then at most 63 hashes", lines[0])
	}
	r := &Receipt{Index: index, Proof: tlog.RecordProof{}, Checkpoint: bytes.Clone(signed)}
	for _, line := range lines[1:] {
		h, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(h) != tlog.HashSize {
			return nil, fmt.Errorf("receipt: %q is no hash", line)
		}
		r.Proof = append(r.Proof, tlog.Hash(h))
	}
	return r, nil
}

// Verify checks that the leaf is the entry of the receipt in the log of that name, and
// that a known key signed the log's head, which it returns.
func (r *Receipt) Verify(leaf []byte, origin string, known note.Verifiers) (Checkpoint, error) {
	head, err := OpenCheckpoint(r.Checkpoint, origin, known)
	if err != nil {
		return head, err
	}
	return head, r.In(head, leaf)
}

// In checks that the leaf is the entry of the receipt in the log of a head that was
// checked before.
func (r *Receipt) In(head Checkpoint, leaf []byte) error {
	if err := tlog.CheckRecord(r.Proof, head.Size, head.Root, r.Index, tlog.RecordHash(leaf)); err != nil {
		return fmt.Errorf("receipt: entry %d is not in the log of its checkpoint: %w", r.Index, err)
	}
	return nil
}

// Extends proves that the log of one checkpoint is the start of that of a later one:
// nothing between was changed or left out.
func Extends(older, newer Checkpoint, read tlog.HashReader) (tlog.TreeProof, error) {
	if older.Size == 0 {
		return nil, nil // every log extends the empty one
	}
	p, err := tlog.ProveTree(newer.Size, older.Size, read)
	if err != nil {
		return nil, fmt.Errorf("ledger: prove that %d entries extend %d: %w", newer.Size, older.Size, err)
	}
	return p, nil
}

// CheckExtends checks such a proof.
func CheckExtends(older, newer Checkpoint, proof tlog.TreeProof) error {
	switch {
	case older.Origin != newer.Origin:
		return fmt.Errorf("ledger: checkpoints of %q and of %q", older.Origin, newer.Origin)
	case older.Size > newer.Size:
		return fmt.Errorf("ledger: %d entries cannot extend %d", newer.Size, older.Size)
	case older.Size == newer.Size && older.Root != newer.Root:
		return fmt.Errorf("ledger: two heads of %d entries: history was rewritten", older.Size)
	case older.Size == 0 || older.Size == newer.Size:
		return nil
	}
	if err := tlog.CheckTree(proof, newer.Size, newer.Root, older.Size, older.Root); err != nil {
		return fmt.Errorf("ledger: the log of %d entries does not extend that of %d: %w", newer.Size, older.Size, err)
	}
	return nil
}
