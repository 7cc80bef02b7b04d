// Package keyfile keeps the keys of the ledger in a file outside the database: whoever
// can write only one of the two cannot forge a checkpoint.
//
// The file is text, one key a line, # begins a comment: private keys that sign
// (PRIVATE+KEY+NAME+HASH+KEY; one, two during a change of keys, the newest last), and
// verifier keys (NAME+HASH+KEY; every key that ever signed, the oldest first), as C2SP
// signed-note has them. Only its owner may read it.
package keyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/rootkeep/rootkeep/ledger"
)

const maxFile = 1 << 20 // bytes

// Keys are the keys of a ledger.
type Keys struct {
	Path     string
	Origin   string   // name of the log
	Verifier []string // verifier keys of now and before, the oldest first
	private  []secret // never leaves this package but into the file
}

// secret gives a private key. fmt and log/slog show the address of a function, and
// encoding/json refuses it.
type secret func() string

func hide(private string) secret { return func() string { return private } }

// String is the path and the IDs: nothing secret.
func (k *Keys) String() string {
	return fmt.Sprintf("key file %s (signs with %s)", k.Path, strings.Join(k.SigningIDs(), " and "))
}

// SigningIDs are the IDs of the keys that sign.
func (k *Keys) SigningIDs() []string {
	var ids []string
	for _, p := range k.private {
		ids = append(ids, idOf(p()))
	}
	return ids
}

// idOf is the ID of a private key that was checked.
func idOf(private string) string {
	public, err := ledger.Public(private)
	if err != nil {
		return "no key"
	}
	id, err := ledger.KeyID(public)
	if err != nil {
		return "no key"
	}
	return id
}

// Signers sign checkpoints.
func (k *Keys) Signers() ([]note.Signer, error) {
	var out []note.Signer
	for _, p := range k.private {
		s, err := ledger.Signer(p())
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// Known verifies the head of the log: by the keys that sign now alone. A key that was
// replaced, and perhaps stolen, stands behind older checkpoints and no new ones.
func (k *Keys) Known() (note.Verifiers, error) {
	var public []string
	for _, p := range k.private {
		one, err := ledger.Public(p())
		if err != nil {
			return nil, err
		}
		public = append(public, one)
	}
	return ledger.Known(public...)
}

// Changing says whether a change of keys is under way: two keys sign.
func (k *Keys) Changing() bool { return len(k.private) == 2 }

// Create makes a file with a new key for the log of that name. It never replaces one.
func Create(path, origin string) (*Keys, error) {
	private, public, err := ledger.NewKey(origin)
	if err != nil {
		return nil, err
	}
	k := &Keys{Path: path, Origin: origin, Verifier: []string{public}, private: []secret{hide(private)}}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the ledger's key file: %w", err)
	}
	if err := k.writeTo(f); err != nil {
		return nil, errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(path))
	}
	return k, syncFolder(path)
}

// OpenOrCreate opens the file, or makes it at the first start with that origin. A file
// that is there keeps the origin it was made with: a server may get another address, its
// ledger stays the same.
func OpenOrCreate(path, origin string) (*Keys, error) {
	k, err := Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Create(path, origin)
	}
	return k, err
}

// Open reads the file. It refuses one that others than its owner may read.
func Open(path string) (*Keys, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("ledger's key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("ledger's key file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("ledger's key file %s: not a regular file", path)
	case !private(info):
		return nil, fmt.Errorf("ledger's key file %s: others may use it (mode %04o); hint: chmod 600 %s, and change the key if somebody did: rootkeep ledger rotate-key", path, info.Mode().Perm(), path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("ledger's key file: %w", err)
	}
	k, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("ledger's key file %s: %w", path, err)
	}
	k.Path = path
	return k, nil
}

// parse reads the text of the file. Its errors name lines, never what stands there.
func parse(text []byte) (*Keys, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("more than %d KiB", maxFile>>10)
	}
	k := &Keys{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := k.add(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if n := len(k.private); n < 1 || n > 2 {
		return nil, fmt.Errorf("%d private keys, want one, or two during a change of keys", n)
	}
	for _, p := range k.private {
		public, err := ledger.Public(p())
		if err != nil {
			return nil, err
		}
		if !slices.Contains(k.Verifier, public) {
			return nil, fmt.Errorf("the verifier key of %s is not in the file", idOf(p()))
		}
	}
	return k, nil
}

var errLine = errors.New("want a private key (PRIVATE+KEY+...), a verifier key (NAME+HASH+KEY) or a comment (# ...)")

func (k *Keys) add(line string) error {
	public := line
	if strings.HasPrefix(line, "PRIVATE+KEY+") {
		var err error
		if public, err = ledger.Public(line); err != nil {
			return err
		}
		if slices.ContainsFunc(k.private, func(p secret) bool { return p() == line }) {
			return errors.New("the same private key as above")
		}
		k.private = append(k.private, hide(line))
	} else {
		if slices.Contains(k.Verifier, line) {
			return errors.New("the same verifier key as above")
		}
		k.Verifier = append(k.Verifier, line)
	}
	v, err := note.NewVerifier(public)
	switch {
	case err != nil:
		return errLine // not err: it may quote a private key with a slip in it
	case k.Origin != "" && v.Name() != k.Origin:
		return fmt.Errorf("a key of the ledger %q among those of %q", v.Name(), k.Origin)
	}
	k.Origin = v.Name()
	return nil
}

// ParseVerifiers reads verifier keys, one a line, # begins a comment: what an auditor
// was given. A private key among them is refused.
func ParseVerifiers(text []byte) ([]string, error) {
	k := &Keys{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "PRIVATE+KEY+") {
			return nil, fmt.Errorf("line %d: a private key; hint: rootkeep ledger keys prints what others may have", number)
		}
		if err := k.add(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if len(k.Verifier) == 0 {
		return nil, errors.New("no verifier key; hint: want lines NAME+HASH+KEY, as rootkeep ledger keys prints them")
	}
	return k.Verifier, nil
}

// Begin adds a new key that signs beside the one before, and gives its verifier key.
// The file is on the disk when it returns.
func (k *Keys) Begin() (string, error) {
	if k.Changing() {
		return "", errors.New("a change of keys is under way; hint: rootkeep ledger rotate-key --finish")
	}
	private, public, err := ledger.NewKey(k.Origin)
	if err != nil {
		return "", err
	}
	next := &Keys{Path: k.Path, Origin: k.Origin, Verifier: append(slices.Clone(k.Verifier), public), private: append(slices.Clone(k.private), hide(private))}
	if err := next.replace(); err != nil {
		return "", err
	}
	*k = *next
	return public, nil
}

// Pending is the verifier key that a change of keys brings, "" if none is under way.
func (k *Keys) Pending() string {
	if !k.Changing() {
		return ""
	}
	public, err := ledger.Public(k.private[1]())
	if err != nil {
		return ""
	}
	return public
}

// Finish removes the older of two private keys. Its verifier key stays.
func (k *Keys) Finish() error {
	if !k.Changing() {
		return errors.New("no change of keys is under way; hint: rootkeep ledger rotate-key begins one")
	}
	next := &Keys{Path: k.Path, Origin: k.Origin, Verifier: slices.Clone(k.Verifier), private: k.private[1:2]}
	if err := next.replace(); err != nil {
		return err
	}
	*k = *next
	return nil
}

// replace puts the file in the place of the older one, whole or not at all.
func (k *Keys) replace() error {
	f, err := os.CreateTemp(filepath.Dir(k.Path), "."+filepath.Base(k.Path)+".*") // mode 0600
	if err == nil {
		if err = k.writeTo(f); err == nil {
			err = os.Rename(f.Name(), k.Path)
		}
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", k.Path, err)
	}
	return syncFolder(k.Path)
}

func (k *Keys) writeTo(f *os.File) error {
	var b bytes.Buffer
	b.WriteString("# Keys of rootkeep's ledger. Whoever reads the private ones can forge it.\n# Keep a copy apart from the database's. rootkeep ledger keys prints what others may have.\n")
	for _, p := range k.private {
		b.WriteString(p() + "\n")
	}
	for _, line := range k.Verifier {
		b.WriteString(line + "\n")
	}
	_, err := f.Write(b.Bytes())
	return errors.Join(err, f.Sync(), f.Close())
}

// syncFolder makes a new name last through a loss of power.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" { // which does not open folders
		return nil
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
