package people

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
)

// Secret is what somebody is handed once and the store keeps as a hash: it prints as
// redacted and cannot be marshalled. Its form is a prefix and 52 lower-case letters and
// digits of base 32, 256 bits of chance.
type Secret struct{ text string }

const (
	tokenPrefix = "rk_"   // of machine tokens and passes
	linkPrefix  = "rkin_" // of what enrolment links carry
	secretSize  = 32      // bytes of chance
)

// letters are those of base 32 (RFC 4648), in lower case: a double click takes them all.
var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func newSecret(prefix string) Secret {
	return Secret{prefix + letters.EncodeToString(chance(secretSize))}
}

// Reveal is the secret itself, to be handed over once.
func (s Secret) Reveal() string { return s.text }

// String hides the secret.
func (Secret) String() string { return "redacted" }

// GoString hides the secret.
func (Secret) GoString() string { return "redacted" }

// MarshalText refuses: a secret is revealed on purpose.
func (Secret) MarshalText() ([]byte, error) { return nil, errors.New("a secret is not marshalled") }

// shown is how the secret begins, to tell it from others: 30 of its 256 bits.
func (s Secret) shown() string { return s.text[:len(tokenPrefix)+6] }

// parseSecret reads what somebody presents; false if it cannot be a secret of the kind.
func parseSecret(prefix, text string) (Secret, bool) {
	rest, found := strings.CutPrefix(text, prefix)
	// The decoder skips line ends, so the length counts too: a secret has one spelling.
	if b, err := letters.DecodeString(rest); !found || err != nil || len(b) != secretSize || len(rest) != letters.EncodedLen(secretSize) {
		return Secret{}, false
	}
	return Secret{text}, true
}

// hash is what the store keeps. The secret is 256 bits of chance, so a plain SHA-256
// gives nothing away, and looking it up by the hash tells a guesser nothing by its time.
func (s Secret) hash() []byte { return digest(s.text) }

func digest(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}
