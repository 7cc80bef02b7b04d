package serve

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rootkeep/rootkeep/internal/app/serve/front"
)

// start runs the server and gives its address; the test's end stops it.
func start(t *testing.T, c Settings) (address string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	started, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- Run(ctx, c, t.Output(), func(address, _ string) { started <- address }) }()
	stop = func() error { cancel(); return <-ended }
	select {
	case address = <-started:
	case err := <-ended:
		t.Fatalf("got %v, want a server", err)
	}
	return address, stop
}

func TestServe(t *testing.T) {
	// scs.New starts one for the store that ours takes the place of, and it cannot be ended
	// without a race: one for the life of the process.
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	folder := t.TempDir()
	c := Settings{Listen: "localhost:0", Store: filepath.Join(folder, "rootkeep.db"), Log: Log{Level: "error"}}
	for range 2 { // the second start finds what the first made
		address, stop := start(t, c)
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/api/v1/openapi.json": 200, "/nothing": 404} {
			response, err := client.Get(address + path)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != want {
				t.Errorf("%s: got %d, want %d", path, response.StatusCode, want)
			}
		}
		if err := stop(); err != nil {
			t.Errorf("got %v, want the server to stop", err)
		}
	}
	for _, name := range []string{"rootkeep.db", "ledger.key"} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v, want a file of its owner alone", name, info, err)
		}
	}
}

func TestAnAddressThatIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = Run(t.Context(), Settings{Listen: l.Addr().String(), Store: filepath.Join(t.TempDir(), "rootkeep.db")}, io.Discard, func(_, _ string) {})
	if err == nil || !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("got %v, want an error with a hint", err)
	}
}

func TestSlowClientsAreNotWaitedFor(t *testing.T) {
	d := &deps{log: slog.New(slog.DiscardHandler)}
	server, err := d.server(everything(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if server.ReadHeaderTimeout > headerWithin || server.ReadTimeout == 0 || server.WriteTimeout == 0 || server.IdleTimeout == 0 || server.MaxHeaderBytes > mostHeader {
		t.Errorf("got %+v, want a bound for everything", server)
	}
	server.ReadHeaderTimeout = 100 * time.Millisecond // the test does not wait for ten seconds
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- listen(ctx, server, l) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(c).ReadString('\n'); err != io.EOF && !strings.Contains(line, "408") {
		t.Errorf("got %q, %v, want the connection closed", line, err)
	}
}

// pair writes a certificate for localhost with this number.
func pair(t *testing.T, folder string, number int64) TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := TLS{filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")}
	for path, block := range map[string]*pem.Block{files.Cert: {Type: "CERTIFICATE", Bytes: der}, files.Key: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		// Clocks of file systems are coarse: a change within a tick is one all the same.
		at := time.Unix(1_700_000_000+number, 0)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestCertificateIsReadAgain(t *testing.T) {
	folder := t.TempDir()
	files := pair(t, folder, 1)
	now := time.Now()
	var log bytes.Buffer
	c, err := front.ReadCertificate(files.Cert, files.Key, slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	number := func() int64 {
		t.Helper()
		got, err := c.Get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return got.Leaf.SerialNumber.Int64()
	}
	pair(t, folder, 2)
	if got := number(); got != 1 {
		t.Errorf("got certificate %d at once, want the files looked at every few seconds only", got)
	}
	now = now.Add(front.CheckEvery)
	if got := number(); got != 2 {
		t.Errorf("got certificate %d, want the new one", got)
	}
	if err := os.WriteFile(files.Key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(front.CheckEvery)
	if got := number(); got != 2 || !strings.Contains(log.String(), "the old one goes on") {
		t.Errorf("got certificate %d and %s, want the old one and a complaint", got, log.String())
	}
	if err := os.Remove(files.Cert); err != nil {
		t.Fatal(err)
	}
	now = now.Add(front.CheckEvery)
	if got := number(); got != 2 {
		t.Errorf("got certificate %d, want the old one", got)
	}
	pair(t, folder, 3)
	now = now.Add(front.CheckEvery)
	if got := number(); got != 3 {
		t.Errorf("got certificate %d, want the newest", got)
	}
	if _, err := front.ReadCertificate("none", "none", slog.Default(), time.Now); err == nil {
		t.Error("got a certificate of files that do not exist")
	}
}

func TestServeWithACertificate(t *testing.T) {
	folder := t.TempDir()
	files := pair(t, folder, 1)
	address, stop := start(t, Settings{Listen: "localhost:0", Store: filepath.Join(folder, "rootkeep.db"), TLS: files, Log: Log{Level: "error"}})
	defer stop()
	pool := x509.NewCertPool()
	text, err := os.ReadFile(files.Cert)
	if err != nil {
		t.Fatal(err)
	}
	pool.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	response, err := client.Get(address + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if !strings.HasPrefix(address, "https://localhost:") || response.ProtoMajor != 2 || response.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("got %s, HTTP/%d, %v, want HTTP/2 over TLS", address, response.ProtoMajor, response.Header)
	}
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11}}}
	if response, err := old.Get(address + "/healthz"); err == nil {
		response.Body.Close()
		t.Error("got an answer over TLS 1.1, want none")
	}
}
