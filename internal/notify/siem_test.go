package notify_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/notify"
)

// pair makes a certificate for localhost that signs itself, and gives its files.
func pair(t *testing.T) (cert tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certFile, keyFile = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err = tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	return cert, certFile, keyFile
}

// collect takes connections and gives the messages of their frames, and who sent them.
func collect(t *testing.T, l net.Listener) <-chan string {
	t.Helper()
	out := make(chan string, 10)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if err := frames(conn, out); err != nil {
				out <- "error: " + err.Error()
			}
			_ = conn.Close()
		}
	}()
	return out
}

// frames reads what RFC 5425 calls SYSLOG-FRAME.
func frames(r io.Reader, out chan<- string) error {
	in := bufio.NewReader(r)
	for {
		length, err := in.ReadString(' ')
		if errors.Is(err, io.EOF) && length == "" {
			return nil
		}
		n, bad := strconv.Atoi(strings.TrimSuffix(length, " "))
		if err != nil || bad != nil || n > 8192 || strings.HasPrefix(length, "0") {
			return fmt.Errorf("length %q: %v", length, err)
		}
		message := make([]byte, n)
		if _, err := io.ReadFull(in, message); err != nil {
			return err
		}
		out <- string(message)
	}
}

var firstPart = regexp.MustCompile(`^<106>1 2026-11-02T09:00:00.000000Z [!-~]+ rootkeep - root-unexplained \[rootkeep@32473 notice="NO-1" thread="NO-1" action="open" severity="critical" subject="CS-1" account="111122223333" link="https://rootkeep\.example\.com/incidents/CS-1"\] ` + "\ufeff" + `a\\x0d\\x0aBcc: `)

func openWay(t *testing.T, text string) (notify.Configured, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ways.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := notify.ReadConfig(path)
	if err != nil {
		return nil, err
	}
	ways, _, err := c.Open(nil, keyfile.ReadSecret, now)
	if err != nil {
		return nil, err
	}
	return ways[0], nil
}

func TestSyslogOverTLS(t *testing.T) {
	cert, certFile, keyFile := pair(t)
	pool := x509.NewCertPool()
	pool.AddCert(cert.Leaf)
	l, err := tls.Listen("tcp", "localhost:0", &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	got := collect(t, l)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	way, err := openWay(t, fmt.Sprintf("ways:\n  - name: siem\n    roots: %s\n    syslog: {host: localhost, port: %s, certificate: %s, key_file: %s}\n", certFile, port, certFile, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	if way.Kind() != "syslog" || way.Target() != "tls://localhost:"+port {
		t.Errorf("got %s, %s", way.Kind(), way.Target())
	}
	answer, err := way.Send(t.Context(), hostile())
	if err != nil || !strings.Contains(answer, "written by TLS 1.3, and the receiver closed in order") {
		t.Errorf("got %q, %v", answer, err)
	}
	if message := <-got; !firstPart.MatchString(message) || strings.ContainsAny(message, "\x1b\n\u202e") {
		t.Errorf("got %q", message)
	}
	n := hostile()
	n.Text = strings.Repeat("日\x1b", 1<<18)
	if _, err := way.Send(t.Context(), n); err != nil {
		t.Error(err)
	}
	if message := <-got; len(message) > 8192 || !strings.HasSuffix(message, "...") {
		t.Errorf("got %d bytes that end in %q, want 8192 at most", len(message), message[max(len(message)-9, 0):])
	}
	// Whom we do not trust is not told.
	stranger, err := openWay(t, fmt.Sprintf("ways:\n  - name: siem\n    syslog: {host: localhost, port: %s, certificate: %s, key_file: %s}\n", port, certFile, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := stranger.Send(t.Context(), hostile()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %q, %v, want the certificate refused", answer, err)
	}
	// Nor does the receiver take anything from a stranger; it says so after the handshake.
	unknown, err := openWay(t, fmt.Sprintf("ways:\n  - name: siem\n    roots: %s\n    syslog: {host: localhost, port: %s}\n", certFile, port))
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := unknown.Send(t.Context(), hostile()); err == nil {
		t.Errorf("got %q, %v, want what a receiver did not take to be a failure", answer, err)
	}
}

func TestSyslogOnThisMachine(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := collect(t, l)
	way := &notify.Syslog{Named: "siem", Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Transport: notify.SyslogTCP}
	if err := way.Check(); err != nil {
		t.Fatal(err)
	}
	if answer, err := way.Send(t.Context(), hostile()); err != nil || !strings.Contains(answer, "closed in order") {
		t.Errorf("TCP: got %q, %v", answer, err)
	}
	if message := <-got; !strings.HasPrefix(message, "<106>1 ") {
		t.Errorf("TCP: got %q", message)
	}
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	way.Port, way.Transport = u.LocalAddr().(*net.UDPAddr).Port, notify.SyslogUDP
	if answer, err := way.Send(t.Context(), hostile()); err != nil || !strings.Contains(answer, "nobody says whether they arrived") {
		t.Errorf("UDP: got %q, %v", answer, err)
	}
	datagram := make([]byte, 1<<16)
	if n, _, err := u.ReadFrom(datagram); err != nil || n > 1180 || !strings.HasPrefix(string(datagram[:n]), "<106>1 ") {
		t.Errorf("UDP: got %q, %v", datagram[:n], err)
	}
}

func TestAReceiverOfSyslogThatHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // nobody takes the connection
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	way := &notify.Syslog{Named: "siem", Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Transport: notify.SyslogTLS}
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if answer, err := way.Send(ctx, hostile()); err == nil || notify.IsFinal(err) {
		t.Errorf("got %q, %v, want a failure that may pass", answer, err)
	}
}

func TestReceiversOfSyslogThatAreRefused(t *testing.T) {
	for _, test := range []struct{ name, syslog, want string }{
		{"another machine without encryption", "{host: siem.example.com, port: 514, transport: udp}", "hint: transport: tls"},
		{"a host that looks like this machine", "{host: localhost.example.com, port: 514, transport: tcp}", "hint: transport: tls"},
		{"no port", "{host: siem.example.com}", "port 0"},
		{"a transport that is none", "{host: localhost, port: 514, transport: pigeon}", `"pigeon"`},
		{"a facility that is none", "{host: localhost, port: 514, facility: 24}", "facility 24"},
		{"an element that would end its place", "{host: localhost, port: 514, element: 'a] [b@1'}", "element"},
		{"half a certificate", "{host: localhost, port: 514, certificate: /etc/cert.pem}", "one needs the other"},
		{"a certificate that is not there", "{host: localhost, port: 514, certificate: /no/such, key_file: /no/such}", "certificate"},
		{"an unknown key", "{host: localhost, port: 514, colour: red}", "colour"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := openWay(t, "ways:\n  - name: siem\n    syslog: "+test.syslog+"\n"); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
