package timestamp_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/timestamp"
	"github.com/rootkeep/rootkeep/internal/timestamp/timestamptest"
)

// An authority made of openssl stamps; its answer is taken, and no changed one.
func TestAStampOfAnotherImplementation(t *testing.T) {
	for _, kind := range []string{"rsa", "ec"} {
		t.Run(kind, func(t *testing.T) {
			a := timestamptest.Start(t, kind)
			digest, nonce := sha256.Sum256([]byte("a checkpoint")), big.NewInt(123456789)
			request, err := timestamp.Request(digest, nonce)
			if err != nil {
				t.Fatal(err)
			}
			response := a.Stamp(request)
			stamp, err := timestamp.Check(response, digest, a.Roots())
			if err != nil {
				t.Fatal(err)
			}
			if stamp.Nonce.Cmp(nonce) != 0 || !strings.Contains(stamp.Authority, "test TSA") || stamp.Time.Year() < 2024 || stamp.Policy != "1.2.3.4.1" {
				t.Errorf("got %+v", stamp)
			}
			if _, err := timestamp.Check(response, sha256.Sum256([]byte("another")), a.Roots()); err == nil {
				t.Error("a stamp on something else is taken")
			}
			if _, err := timestamp.Check(response, digest, x509.NewCertPool()); err == nil {
				t.Error("a stranger's stamp is taken")
			}
			if _, err := timestamp.Check(response, digest, nil); err == nil {
				t.Error("a stamp is taken without roots")
			}
		})
	}
}

// openssl understands the request, and says the same of the response.
func TestOpensslTakesTheRequest(t *testing.T) {
	a := timestamptest.Start(t, "ec")
	digest := sha256.Sum256([]byte("a checkpoint"))
	request, err := timestamp.Request(digest, big.NewInt(7))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "q")
	if err := os.WriteFile(path, request, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("openssl", "ts", "-query", "-in", path, "-text").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Certificate required: yes") || !strings.Contains(string(out), "sha256") {
		t.Errorf("got %v\n%s", err, out)
	}
	if _, err := timestamp.Check(a.Refuse(), digest, a.Roots()); !errors.Is(err, timestamp.ErrRefused) {
		t.Errorf("a refusal: got %v", err)
	}
}

// committed is a stamp of openssl's TSA on the text "rootkeep".
func committed(t testing.TB) (response []byte, roots *x509.CertPool) {
	t.Helper()
	response, err := os.ReadFile("testdata/openssl.tsr")
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile("testdata/root.pem")
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatal("root.pem holds no certificate")
	}
	return response, roots
}

func TestNoFlippedByteOfAStampSaysSomethingElse(t *testing.T) {
	response, roots := committed(t)
	digest := sha256.Sum256([]byte("rootkeep"))
	want, err := timestamp.Check(response, digest, roots)
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for i := range response {
		for _, bit := range []byte{1, 0x80} {
			changed := bytes.Clone(response)
			changed[i] ^= bit
			got, err := timestamp.Check(changed, digest, roots)
			if err != nil {
				continue
			}
			// Not all of it is signed: the status, versions and lists of algorithms are not.
			if taken++; !got.Time.Equal(want.Time) || got.Serial.Cmp(want.Serial) != 0 || got.Authority != want.Authority || got.Policy != want.Policy {
				t.Errorf("byte %d: got %+v, want %+v", i, got, want)
			}
		}
	}
	if taken > len(response)/10 {
		t.Errorf("%d of %d changes are taken, want few", taken, 2*len(response))
	}
}

func FuzzCheck(f *testing.F) {
	response, roots := committed(f)
	digest := sha256.Sum256([]byte("rootkeep"))
	want, err := timestamp.Check(response, digest, roots)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(response)
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x02})
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, err := timestamp.Check(text, digest, roots); err == nil && !got.Time.Equal(want.Time) {
			t.Errorf("a forged time %v", got.Time)
		}
	})
}
