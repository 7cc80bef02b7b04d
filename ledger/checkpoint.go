package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is the head of a log (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string // the log's name, such as rootkeep.example.com/ledger
	Size   int64
	Root   tlog.Hash
}

// Text is the body that is signed.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// Sign makes the signed note. During a change of keys there are two signers.
func (c Checkpoint) Sign(signers ...note.Signer) ([]byte, error) {
	if c.Origin == "" || strings.ContainsAny(c.Origin, "\n+ ") {
		return nil, fmt.Errorf("checkpoint: origin %q: want a name without spaces and +", c.Origin)
	}
	return note.Sign(&note.Note{Text: c.Text()}, signers...)
}

// maxCheckpoint bounds a signed checkpoint, bytes.
const maxCheckpoint = 64 << 10

// OpenCheckpoint reads a signed checkpoint of a log and checks that one of the known
// keys signed it. Signatures of others, such as witnesses, are left alone.
func OpenCheckpoint(signed []byte, origin string, known note.Verifiers) (Checkpoint, error) {
	if len(signed) > maxCheckpoint {
		return Checkpoint{}, errors.New("checkpoint: too long")
	}
	n, err := note.Open(signed, known)
	var stranger *note.UnverifiedNoteError
	switch {
	case errors.As(err, &stranger):
		return Checkpoint{}, fmt.Errorf("checkpoint: signed by %s, which is no known key", strings.Join(SignedBy(signed), " and "))
	case err != nil:
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	c, err := parseCheckpoint(n.Text)
	if err == nil && c.Origin != origin {
		err = fmt.Errorf("checkpoint: of %q, want %q", c.Origin, origin)
	}
	return c, err
}

// ReadCheckpoint reads a signed checkpoint and checks no signature: what it says is proven
// by nothing.
func ReadCheckpoint(signed []byte) (Checkpoint, error) {
	if len(signed) > maxCheckpoint {
		return Checkpoint{}, errors.New("checkpoint: too long")
	}
	var unverified *note.UnverifiedNoteError
	if _, err := note.Open(signed, note.VerifierList()); !errors.As(err, &unverified) {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	return parseCheckpoint(unverified.Note.Text)
}

func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 {
		return Checkpoint{}, errors.New("checkpoint: want three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("checkpoint: size %q", lines[1])
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Checkpoint{}, fmt.Errorf("checkpoint: root %q", lines[2])
	}
	return Checkpoint{lines[0], size, tlog.Hash(root)}, nil
}
