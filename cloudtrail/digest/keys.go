package digest

import (
	"crypto/md5"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// keySlack is how far outside a key's validity a digest may end. CloudTrail
// signs some time after the hour ends, so an hour can end just before its key
// became valid. AWS's validator asks for the keys of the whole requested range
// and thereby allows more.
const keySlack = 24 * time.Hour

// Keys are CloudTrail's public keys by fingerprint. Every Region has its own.
type Keys map[string]PublicKey

// PublicKey verifies digests whose digestPublicKeyFingerprint names it. From and
// To are its validity, both zero when the source does not tell.
type PublicKey struct {
	RSA      *rsa.PublicKey
	From, To time.Time
}

// ParseKeys reads what `aws cloudtrail list-public-keys` prints, or PEM blocks
// (RSA PUBLIC KEY or PUBLIC KEY). A key without a stated fingerprint gets the
// one CloudTrail uses, the MD5 of its PKCS#1 DER form. One unusable key makes
// the whole source an error, because its digests would look forged.
func ParseKeys(src []byte) (Keys, error) {
	trimmed := strings.TrimSpace(string(src))
	if strings.HasPrefix(trimmed, "-----BEGIN") {
		return parsePEMKeys([]byte(trimmed))
	}
	var list struct {
		PublicKeyList []listedKey
	}
	if err := json.Unmarshal(src, &list); err != nil {
		return nil, fmt.Errorf("read public keys: want the output of aws cloudtrail list-public-keys or PEM: %w", err)
	}
	if len(list.PublicKeyList) == 0 {
		return nil, errors.New("read public keys: PublicKeyList is empty or absent; hint: aws cloudtrail list-public-keys --start-time ... --region ...")
	}
	keys := Keys{}
	for i, k := range list.PublicKeyList {
		fingerprint, key, err := k.parse()
		if err != nil {
			return nil, fmt.Errorf("read public keys: PublicKeyList[%d] %q: %w", i, k.Fingerprint, err)
		}
		keys[fingerprint] = key
	}
	return keys, nil
}

type listedKey struct {
	Value             string
	Fingerprint       string
	ValidityStartTime keyDate
	ValidityEndTime   keyDate
}

func (k listedKey) parse() (string, PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(k.Value)
	if err != nil {
		return "", PublicKey{}, fmt.Errorf("Value is not base64: %w", err)
	}
	key, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		return "", PublicKey{}, fmt.Errorf("Value is no PKCS#1 RSA key: %w", err)
	}
	fingerprint := strings.ToLower(k.Fingerprint)
	if fingerprint == "" {
		fingerprint = fingerprintOf(key)
	}
	return fingerprint, PublicKey{RSA: key, From: k.ValidityStartTime.Time, To: k.ValidityEndTime.Time}, nil
}

// keyDate is a time as the AWS CLI prints it: RFC 3339 (version 2) or seconds
// since 1970 (version 1).
type keyDate struct{ time.Time }

func (d *keyDate) UnmarshalJSON(b []byte) error {
	var seconds float64
	if json.Unmarshal(b, &seconds) == nil {
		if math.Abs(seconds) > 1e11 {
			return fmt.Errorf("%s is not a time in seconds since 1970", b)
		}
		d.Time = time.Unix(int64(seconds), 0).UTC()
		return nil
	}
	return json.Unmarshal(b, &d.Time)
}

func parsePEMKeys(src []byte) (Keys, error) {
	keys := Keys{}
	for len(src) > 0 {
		block, rest := pem.Decode(src)
		if block == nil {
			break
		}
		src = rest
		key, err := parsePEMKey(block)
		if err != nil {
			return nil, fmt.Errorf("read public keys: PEM block %d (%s): %w", len(keys)+1, block.Type, err)
		}
		keys[fingerprintOf(key)] = PublicKey{RSA: key}
	}
	if len(keys) == 0 {
		return nil, errors.New("read public keys: no complete PEM block")
	}
	return keys, nil
}

func parsePEMKey(block *pem.Block) (*rsa.PublicKey, error) {
	switch block.Type {
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "PUBLIC KEY":
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		if key, ok := key.(*rsa.PublicKey); ok {
			return key, nil
		}
		return nil, fmt.Errorf("key is a %T, CloudTrail signs with RSA", key)
	}
	return nil, errors.New("want RSA PUBLIC KEY or PUBLIC KEY")
}

// fingerprintOf names a key as CloudTrail does. MD5 only names it: what is
// trusted is the set of keys the operator fetched.
func fingerprintOf(key *rsa.PublicKey) string {
	sum := md5.Sum(x509.MarshalPKCS1PublicKey(key))
	return hex.EncodeToString(sum[:])
}

// validAt reports whether the key was in use around t.
func (k PublicKey) validAt(t time.Time) bool {
	return (k.From.IsZero() || !t.Before(k.From.Add(-keySlack))) &&
		(k.To.IsZero() || !t.After(k.To.Add(keySlack)))
}
