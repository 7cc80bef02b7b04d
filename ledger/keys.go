package ledger

import (
	"crypto/rand"
	"fmt"

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
	return private, public, nil
}

// Signer reads a private key. The error never holds the key.
func Signer(private string) (note.Signer, error) {
	s, err := note.NewSigner(private)
	if err != nil {
		return nil, fmt.Errorf("ledger key: %w; hint: want the file that rootkeep wrote, PRIVATE+KEY+...", err)
	}
	return s, nil
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
