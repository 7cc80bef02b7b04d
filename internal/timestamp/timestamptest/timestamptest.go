// Package timestamptest is a time-stamping authority for tests, made of openssl.
package timestamptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Authority stamps requests.
type Authority struct {
	t    testing.TB
	dir  string
	root *x509.Certificate
}

// Start makes an authority with a key of a kind, rsa or ec. It skips the test where
// there is no openssl.
func Start(t testing.TB, kind string) *Authority {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("no openssl, which the test's time-stamping authority is made of")
	}
	a := &Authority{t: t, dir: t.TempDir()}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.check(err)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(1.7e9, 0), NotAfter: time.Unix(4e9, 0), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, rootKey.Public(), rootKey)
	a.check(err)
	a.root, err = x509.ParseCertificate(der)
	a.check(err)
	var key crypto.Signer = rootKey
	if kind == "rsa" {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	a.check(err)
	usage := pkix.Extension{Id: []int{2, 5, 29, 37}, Critical: true, Value: []byte{0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08}} // timeStamping alone
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "test TSA"}, NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtraExtensions: []pkix.Extension{usage},
	}
	der, err = x509.CreateCertificate(rand.Reader, leaf, a.root, key.Public(), rootKey)
	a.check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	a.check(err)
	a.write("tsa.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	a.write("tsa.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	a.write("serial", []byte("01\n"))
	a.write("tsa.cnf", fmt.Appendf(nil, "[tsa]\ndefault_tsa=one\n[one]\nserial=%s/serial\ndefault_policy=1.2.3.4.1\ndigests=sha256\naccuracy=secs:1\n", a.dir))
	return a
}

func (a *Authority) check(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a *Authority) write(name string, text []byte) {
	a.t.Helper()
	a.check(os.WriteFile(filepath.Join(a.dir, name), text, 0o600))
}

// RootPEM is the root certificate.
func (a *Authority) RootPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.root.Raw})
}

// Roots is a pool of the root certificate.
func (a *Authority) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	return pool
}

// Stamp answers a request.
func (a *Authority) Stamp(request []byte) []byte {
	a.t.Helper()
	a.write("query", request)
	cmd := exec.Command("openssl", "ts", "-reply", "-config", "tsa.cnf", "-section", "one", "-queryfile", "query", "-signer", "tsa.pem", "-inkey", "tsa.key", "-sha256", "-out", "reply")
	cmd.Dir = a.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		a.t.Fatalf("openssl ts: %v\n%s", err, out)
	}
	reply, err := os.ReadFile(filepath.Join(a.dir, "reply"))
	a.check(err)
	return reply
}

// Refuse is the answer to something that is no request.
func (a *Authority) Refuse() []byte {
	a.t.Helper()
	return a.Stamp([]byte("nothing"))
}

// ServeHTTP answers requests over HTTP (RFC 3161, section 3.4).
func (a *Authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	_, _ = w.Write(a.Stamp(request)) // the client sees what is missing
}
