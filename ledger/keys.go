package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// KeyEntry is the type of the entry that names the next key of the log. Its payload
// KeyPayload is the verifier key; the checkpoint that covers it is signed by a key that
// was known before. From then on checkpoints may be signed by the new key alone.
const (
	KeyEntry   = "ledger.key"
	KeyPayload = "verifier"
)

// NewKey makes an Ed25519 key for a log. private is the only secret; public is the
// verifier key of C2SP signed-note, name+hash+key, which auditors keep.
func NewKey(origin string) (private, public string, err error) {
	if private, public, err = note.GenerateKey(rand.Reader, origin); err != nil {
		return "", "", fmt.Errorf("ledger key: %w", err)
	}
	if _, err := note.NewVerifier(public); err != nil { // which generating does not check
		return "", "", fmt.Errorf("ledger key: origin %q: want a name without spaces and +", origin)
	}
	return private, public, nil
}

// Signer reads a private key. The error never holds the key.
func Signer(private string) (note.Signer, error) {
	s, err := note.NewSigner(private)
	if err != nil {
		return nil, errPrivate
	}
	return s, nil
}

// errPrivate never repeats what it was given: that may be a key with a slip in it.
var errPrivate = errors.New("ledger key: not a private key; hint: want a line PRIVATE+KEY+NAME+HASH+KEY")

// Public is the verifier key of a private key.
func Public(private string) (string, error) {
	if _, err := note.NewSigner(private); err != nil {
		return "", errPrivate
	}
	fields := strings.SplitN(private, "+", 5) // PRIVATE, KEY, name, hash, key
	const ed25519Algorithm = 1
	seed, err := base64.StdEncoding.DecodeString(fields[4])
	if err != nil || len(seed) != 1+ed25519.SeedSize || seed[0] != ed25519Algorithm {
		return "", errPrivate
	}
	public, ok := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errPrivate
	}
	return note.NewEd25519VerifierKey(fields[2], public)
}

// KeyID is the short name of a key, NAME+HASH, as signatures of checkpoints carry it.
func KeyID(public string) (string, error) {
	v, err := note.NewVerifier(public)
	if err != nil {
		return "", fmt.Errorf("ledger key %q: %w", public, err)
	}
	return keyID(v.Name(), v.KeyHash()), nil
}

func keyID(name string, hash uint32) string { return fmt.Sprintf("%s+%08x", name, hash) }

// SignedBy lists the IDs of the keys whose signatures a checkpoint carries. It checks
// none of them: it says whom to ask.
func SignedBy(signed []byte) []string {
	var unverified *note.UnverifiedNoteError
	if _, err := note.Open(signed, note.VerifierList()); !errors.As(err, &unverified) {
		return nil
	}
	var ids []string
	for _, s := range unverified.Note.UnverifiedSigs {
		ids = append(ids, keyID(s.Name, s.Hash))
	}
	return ids
}

// SignedWith says whether the key signed the checkpoint.
func SignedWith(signed []byte, public string) bool {
	v, err := note.NewVerifier(public)
	if err != nil {
		return false
	}
	_, err = note.Open(signed, note.VerifierList(v))
	return err == nil
}

// KeyChange is an entry that named the next key, with the proof that a key before it
// stands behind that.
type KeyChange struct {
	Leaf     []byte
	Verifier Payload // KeyPayload: the next key
	Receipt  *Receipt
}

// Next checks a change of keys by the keys that are trusted before it, and gives the key
// that it names.
func (k *KeyChange) Next(origin string, trusted []string) (string, error) {
	known, err := Known(trusted...)
	if err != nil {
		return "", err
	}
	if _, err := k.Receipt.Verify(k.Leaf, origin, known); err != nil {
		return "", err
	}
	e, err := ParseEntry(k.Leaf)
	switch {
	case err != nil:
		return "", err
	case e.Type != KeyEntry || len(e.Payloads) != 1 || !k.Verifier.Matches(e.Payloads[0]) || e.Payloads[0].Name != KeyPayload:
		return "", fmt.Errorf("ledger: entry %d does not name the next key", k.Receipt.Index)
	}
	next := string(bytes.TrimSpace(k.Verifier.Data))
	if v, err := note.NewVerifier(next); err != nil || v.Name() != origin {
		return "", fmt.Errorf("ledger: entry %d names %q, which is no key of %s", k.Receipt.Index, next, origin)
	}
	return next, nil
}

// Known reads verifier keys.
func Known(public ...string) (note.Verifiers, error) {
	var list []note.Verifier
	for _, text := range public {
		v, err := note.NewVerifier(text)
		if err != nil {
			return nil, fmt.Errorf("ledger key %q: %w", text, err)
		}
		list = append(list, v)
	}
	return note.VerifierList(list...), nil
}
