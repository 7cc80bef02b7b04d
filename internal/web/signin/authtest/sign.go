package authtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"math/big"
	"time"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// algorithm is ES256 in the registry of COSE algorithms.
const algorithm = -7

// Flags of authenticator data, section 6.1.
const (
	flagPresent  = 1 << 0
	flagVerified = 1 << 2
	flagEligible = 1 << 3
	flagBackedUp = 1 << 4
	flagAttested = 1 << 6
)

// authenticatorData is the head of authenticator data: the hash of the RP ID, flags, and
// the count of signatures, which goes up.
func (k *Key) authenticatorData(rp string, flags byte) bytes64 {
	switch {
	case k.Absent:
	case k.Unverified:
		flags |= flagPresent
	default:
		flags |= flagPresent | flagVerified
	}
	if k.Synced {
		flags |= flagEligible | flagBackedUp
	}
	if !k.Countless {
		k.Count++
	}
	count := k.Count
	if k.Countless {
		count = 0
	}
	hash := sha256.Sum256([]byte(rp))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), count)
}

// publicKey is a public key as COSE_Key (RFC 9053, section 7.1.1).
func publicKey(k *ecdsa.PublicKey) ([]byte, error) {
	point, err := k.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	return webauthncbor.Marshal(map[int]any{1: 2, 3: algorithm, -1: 1, -2: point[1:33], -3: point[33:]})
}

// sign signs authenticator data and the hash of the client data.
func sign(private *ecdsa.PrivateKey, data, client []byte) ([]byte, error) {
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(data[:len(data):len(data)], hash[:]...))
	return ecdsa.SignASN1(rand.Reader, private, sum[:])
}

// attest makes the attestation object of new authenticator data.
func (k *Key) attest(how Attestation, data, client []byte, private *ecdsa.PrivateKey) ([]byte, error) {
	object := map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data}
	statement := map[string]any{"alg": algorithm}
	switch how {
	case Self:
	case Certificate:
		maker, certificate, err := k.maker()
		if err != nil {
			return nil, err
		}
		private, statement["x5c"] = maker, []any{certificate}
	default:
		return webauthncbor.Marshal(object)
	}
	signature, err := sign(private, data, client)
	if err != nil {
		return nil, err
	}
	statement["sig"] = signature
	object["fmt"], object["attStmt"] = "packed", statement
	return webauthncbor.Marshal(object)
}

// maker makes an attestation key and its certificate after section 8.2.1, with the
// extension that names the AAGUID.
func (k *Key) maker() (*ecdsa.PrivateKey, []byte, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	aaguid, err := asn1.Marshal(k.AAGUID[:])
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject: pkix.Name{
			Country: []string{"CH"}, Organization: []string{"rootkeep tests"},
			OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "software key",
		},
		NotBefore:             time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC),
		BasicConstraintsValid: true,
		ExtraExtensions:       []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}, Value: aaguid}},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	return private, certificate, err
}
