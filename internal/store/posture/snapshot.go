package posture

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/store"
)

// MaxSnapshot bounds the JSON of one snapshot, bytes. An account with ten thousand
// principals has about 20 MB.
const MaxSnapshot = 64 << 20

// blob is a text as it is kept: by its digest, compressed.
type blob struct {
	digest string
	size   int
	data   []byte
}

func pack(v any) (blob, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ") // as facts.Snapshot.Write: the digest is that of the file
	if err := e.Encode(v); err != nil {
		return blob{}, err
	}
	if b.Len() > MaxSnapshot {
		return blob{}, fmt.Errorf("a snapshot of %d MiB, at most %d", b.Len()>>20, MaxSnapshot>>20)
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return blob{}, err
	}
	defer w.Close()
	sum := sha256.Sum256(b.Bytes())
	return blob{hex.EncodeToString(sum[:]), b.Len(), w.EncodeAll(b.Bytes(), nil)}, nil
}

func (b blob) write(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO kept_text (digest, size, data) VALUES ($1, $2, $3) ON CONFLICT (digest) DO NOTHING`, b.digest, b.size, b.data)
	if err != nil {
		return fmt.Errorf("keep a snapshot: %w", err)
	}
	return nil
}

// unpack reads a kept text, and checks that it is the one of the digest.
func unpack(ctx context.Context, r *store.Reader, digest string) ([]byte, error) {
	var data []byte
	err := r.Row(ctx, `SELECT data FROM kept_text WHERE digest = $1`, digest).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("snapshot %s: %w", digest, store.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read snapshot %s: %w", digest, err)
	}
	d, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(2*MaxSnapshot))
	if err != nil {
		return nil, fmt.Errorf("read snapshot %s: %w", digest, err)
	}
	defer d.Close()
	out, err := io.ReadAll(io.LimitReader(d, MaxSnapshot+1))
	if err != nil || len(out) > MaxSnapshot {
		return nil, fmt.Errorf("read snapshot %s: broken, or too large: %w", digest, err)
	}
	if sum := sha256.Sum256(out); hex.EncodeToString(sum[:]) != digest {
		return nil, fmt.Errorf("read snapshot %s: its bytes are not those of its digest; hint: rootkeep restore", digest)
	}
	return out, nil
}

// vouched is what a register added to a snapshot.
type vouched struct {
	Attested facts.Attested `json:"attested"`
	Decided  facts.Decided  `json:"decided"`
	Origins  []facts.Origin `json:"origins"`
	Gaps     []facts.Gap    `json:"gaps"`
}

func isVouched(path string) bool {
	branch, _, _ := strings.Cut(path, ".")
	return branch == "attested" || branch == "decided"
}

// split parts a snapshot into what AWS told and what people did.
func split(s *facts.Snapshot) (raw *facts.Snapshot, said *vouched) {
	out := *s
	raw, said = &out, &vouched{Attested: s.Facts.Attested, Decided: s.Facts.Decided, Origins: []facts.Origin{}, Gaps: []facts.Gap{}}
	raw.Facts.Attested, raw.Facts.Decided = facts.Attested{}, facts.Decided{}
	raw.Origins, raw.Gaps = []facts.Origin{}, []facts.Gap{}
	for _, o := range s.Origins {
		if isVouched(o.Path) {
			said.Origins = append(said.Origins, o)
		} else {
			raw.Origins = append(raw.Origins, o)
		}
	}
	for _, g := range s.Gaps {
		if isVouched(g.Path) {
			said.Gaps = append(said.Gaps, g)
		} else {
			raw.Gaps = append(raw.Gaps, g)
		}
	}
	return raw, said
}

// PackedSnapshot is a snapshot that is ready to be received.
type PackedSnapshot struct {
	blob
	Account rootkeep.AccountID
	Taken   time.Time
}

// Pack reads a snapshot file. What it says that people vouch for is left out: that is
// the server's own register's to say.
func Pack(r io.Reader) (*PackedSnapshot, error) {
	s, err := facts.Read(r)
	if err != nil {
		return nil, err
	}
	if _, err := rootkeep.ParseAccountID(string(s.Account)); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	raw, _ := split(s)
	b, err := pack(raw)
	if err != nil {
		return nil, err
	}
	return &PackedSnapshot{b, s.Account, s.Taken}, nil
}

// Snapshot reads the facts that an account of a scan rests on, with what the register
// said at the time. The error is store.ErrNotFound if the scan has none of it.
func Snapshot(ctx context.Context, r *store.Reader, scan string, id rootkeep.AccountID) (*facts.Snapshot, error) {
	var snapshot, said string
	err := r.Row(ctx, `SELECT snapshot, vouched FROM scan_account WHERE scan = $1 AND account = $2`, scan, string(id)).Scan(&snapshot, &said)
	if errors.Is(err, sql.ErrNoRows) || err == nil && snapshot == "" {
		return nil, fmt.Errorf("facts of account %s in scan %s: %w", id, scan, store.ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("facts of account %s in scan %s: %w", id, scan, err)
	}
	body, err := unpack(ctx, r, snapshot)
	if err != nil {
		return nil, err
	}
	s, err := facts.Read(bytes.NewReader(body))
	if err != nil || said == "" {
		return s, err
	}
	if body, err = unpack(ctx, r, said); err != nil {
		return nil, err
	}
	var v vouched
	if err := json.Unmarshal(body, &v); err != nil {
		return nil, fmt.Errorf("what people said of account %s: %w", id, err)
	}
	s.Facts.Attested, s.Facts.Decided = v.Attested, v.Decided
	s.Origins, s.Gaps = slices.Concat(s.Origins, v.Origins), slices.Concat(s.Gaps, v.Gaps)
	return s, nil
}
