package signin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rootkeep/rootkeep/internal/web/signin"
)

// authority is a certificate with its key, signed by another or by itself.
type authority struct {
	key *ecdsa.PrivateKey
	der []byte
	*x509.Certificate
}

func certify(t testing.TB, name string, by *authority) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: by == nil, BasicConstraintsValid: true,
		NotBefore: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC), // over for long
	}
	a := &authority{key: key}
	parent, signer := form, key
	if by != nil {
		parent, signer = by.Certificate, by.key
	}
	if a.der, err = x509.CreateCertificate(rand.Reader, form, parent, &key.PublicKey, signer); err != nil {
		t.Fatal(err)
	}
	if a.Certificate, err = x509.ParseCertificate(a.der); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) base64() string { return base64.StdEncoding.EncodeToString(a.der) }

// blob is metadata as the service gives it.
func (a *authority) blob(t testing.TB, text string) string {
	t.Helper()
	o := (&jose.SignerOptions{}).WithHeader("x5c", []string{a.base64()})
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: a.key}, o)
	if err != nil {
		t.Fatal(err)
	}
	j, err := s.Sign([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	out, err := j.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const entries = `{"no":1,"entries":[{"aaguid":"fe010000-0000-0000-0000-000000000000","metadataStatement":{"description":"Example Key 5"}},{"attestationCertificateKeyIdentifiers":["x"]},{"aaguid":"no"}]}`

func TestNamesOfModels(t *testing.T) {
	root := certify(t, "root", nil)
	good := certify(t, "service", root)
	m, err := signin.ReadModels(strings.NewReader(good.blob(t, entries)+"\n"), root.base64())
	if err != nil {
		t.Fatal(err)
	}
	for aaguid, want := range map[[16]byte]string{
		{0xfe, 1}: "Example Key 5", {0xfe, 2}: "fe020000-0000-0000-0000-000000000000", {}: "model not told",
	} {
		if got := m.Name(aaguid[:]); got != want {
			t.Errorf("%x: got %q, want %q", aaguid, got, want)
		}
	}
	if got := (signin.Models)(nil).Name([]byte{1}); got != "unknown model" {
		t.Errorf("a byte: got %q", got)
	}
	other := certify(t, "other", nil)
	head, rest, _ := strings.Cut(good.blob(t, entries), ".")
	for name, text := range map[string]string{
		"signed by somebody else":    certify(t, "service", other).blob(t, entries),
		"signed by the root's rival": other.blob(t, entries),
		"changed":                    head + "." + strings.Replace(rest, "c", "d", 1),
		"not JSON":                   good.blob(t, "["),
		"empty":                      "",
		"unsigned":                   "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString([]byte(entries)) + ".",
	} {
		if _, err := signin.ReadModels(strings.NewReader(text), root.base64()); err == nil {
			t.Errorf("%s: read, want an error", name)
		}
	}
	if _, err := signin.ReadModels(strings.NewReader(good.blob(t, entries)), ""); err == nil {
		t.Error("under FIDO's own root: read, want an error")
	}
}

func FuzzReadModels(f *testing.F) {
	root := certify(f, "root", nil)
	f.Add(certify(f, "service", root).blob(f, entries))
	f.Add("eyJ4NWMiOltdfQ..")
	f.Add("e30.e30.AA")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := signin.ReadModels(strings.NewReader(text), root.base64())
		if err == nil && !strings.Contains(text, ".") {
			t.Errorf("got %v of what is no JWT", m)
		}
	})
}
