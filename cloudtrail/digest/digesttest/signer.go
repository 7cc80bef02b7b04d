package digesttest

import (
	"crypto"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"time"
)

// Signer stands in for CloudTrail's signing key of a Region.
type Signer struct{ key *rsa.PrivateKey }

// NewSigner makes a key of 2,048 bits, the size that CloudTrail uses.
func NewSigner() (*Signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	return &Signer{key}, nil
}

// Sign is the hexadecimal RSA PKCS#1 v1.5 signature over the SHA-256 of text.
func (s *Signer) Sign(text string) (string, error) {
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, sum[:])
	return hex.EncodeToString(signature), err
}

// DER is the public key in PKCS#1 form.
func (s *Signer) DER() []byte { return x509.MarshalPKCS1PublicKey(&s.key.PublicKey) }

// Fingerprint is the MD5 of DER, which is how CloudTrail names its keys.
func (s *Signer) Fingerprint() string {
	sum := md5.Sum(s.DER())
	return hex.EncodeToString(sum[:])
}

// PublicKeys is the key as `aws cloudtrail list-public-keys` prints it.
func (s *Signer) PublicKeys(from, to time.Time) []byte {
	// Strings and times always marshal.
	out, _ := json.MarshalIndent(map[string]any{"PublicKeyList": []any{map[string]any{
		"Value":             base64.StdEncoding.EncodeToString(s.DER()),
		"ValidityStartTime": from.Format(time.RFC3339),
		"ValidityEndTime":   to.Format(time.RFC3339),
		"Fingerprint":       s.Fingerprint(),
	}}}, "", "    ")
	return out
}
