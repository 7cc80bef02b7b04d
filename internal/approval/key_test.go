package approval_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"testing"

	"github.com/rootkeep/rootkeep/internal/approval"
)

var site = approval.Site{RPID: "root.example.com", Origin: "https://root.example.com"}

// softKey is a security key in software, which signs whatever a test wants.
type softKey struct {
	private *ecdsa.PrivateKey
	key     approval.Key
}

func newSoftKey(t testing.TB) *softKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes() // 4, X, Y
	if err != nil {
		t.Fatal(err)
	}
	// RFC 9052, section 7: a map of kty 2 (EC2), alg -7 (ES256), crv 1 (P-256), x, y.
	public := slices.Concat([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33], []byte{0x22, 0x58, 32}, point[33:])
	return &softKey{private, approval.Key{ID: []byte("credential of a test"), Public: public, AAGUID: "00000000-0000-0000-0000-000000000000"}}
}

// signing is what the browser and the key say; the zero value of a field is what is right.
type signing struct {
	kind, origin, rpID, id string
	crossOrigin            bool
	flags                  byte
	challenge              []byte
}

const (
	present  = 0x01 // Web Authentication Level 3, section 6.1: UP
	verified = 0x04 // UV
)

// sign gives the assertion over a statement.
func (k *softKey) sign(t testing.TB, statement []byte, with signing) []byte {
	t.Helper()
	digest := sha256.Sum256(statement)
	or := func(given, usual string) string {
		if given == "" {
			return usual
		}
		return given
	}
	if with.challenge == nil {
		with.challenge = digest[:]
	}
	if with.flags == 0 {
		with.flags = present | verified
	}
	client, err := json.Marshal(map[string]any{
		"type": or(with.kind, "webauthn.get"), "challenge": base64.RawURLEncoding.EncodeToString(with.challenge),
		"origin": or(with.origin, site.Origin), "crossOrigin": with.crossOrigin,
	})
	if err != nil {
		t.Fatal(err)
	}
	rp, clientHash := sha256.Sum256([]byte(or(with.rpID, site.RPID))), sha256.Sum256(client)
	data := binary.BigEndian.AppendUint32(append(slices.Clone(rp[:]), with.flags), 7)
	signed := sha256.Sum256(append(slices.Clone(data), clientHash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.private, signed[:])
	if err != nil {
		t.Fatal(err)
	}
	id := base64.RawURLEncoding.EncodeToString([]byte(or(with.id, string(k.key.ID))))
	out, err := json.Marshal(map[string]any{
		"id": id, "rawId": id, "type": "public-key",
		"response": map[string]any{
			"clientDataJSON":    base64.RawURLEncoding.EncodeToString(client),
			"authenticatorData": base64.RawURLEncoding.EncodeToString(data),
			"signature":         base64.RawURLEncoding.EncodeToString(signature),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
