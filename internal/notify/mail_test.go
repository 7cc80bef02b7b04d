package notify_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/notify/mailer"
)

// office is a mail server of one test: it talks to one client.
type office struct {
	listener  net.Listener
	cert      tls.Certificate
	roots     *x509.CertPool
	implicit  bool
	noTLS     bool
	refuse    map[string]string // recipient: answer
	afterData string            // instead of 250
	afterAuth string            // instead of 235

	said     chan struct{} // closed when the client is gone
	commands []string
	auth     string
	secure   bool
	message  []byte
}

func open(t *testing.T, set func(*office)) *office {
	t.Helper()
	https := httptest.NewTLSServer(nil) // for its certificate
	defer https.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &office{listener: l, cert: https.TLS.Certificates[0], roots: x509.NewCertPool(), said: make(chan struct{})}
	o.roots.AddCert(https.Certificate())
	if set != nil {
		set(o)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		defer close(o.said)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if o.implicit {
			conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{o.cert}})
			o.secure = true
		}
		o.talk(conn)
	}()
	return o
}

func (o *office) talk(conn net.Conn) {
	r := textproto.NewReader(bufio.NewReader(conn))
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	say("220 office ready")
	for {
		line, err := r.ReadLine()
		if err != nil {
			return
		}
		verb := strings.ToUpper(strings.Fields(line + " x")[0])
		if verb != "AUTH" {
			o.commands = append(o.commands, line)
		}
		switch verb {
		case "EHLO":
			say("250-office")
			if !o.secure && !o.noTLS {
				say("250-STARTTLS")
			}
			say("250 AUTH PLAIN")
		case "STARTTLS":
			say("220 go ahead")
			conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{o.cert}})
			r, o.secure = textproto.NewReader(bufio.NewReader(conn)), true
		case "AUTH":
			o.auth = line
			say(or(o.afterAuth, "235 welcome"))
		case "RCPT":
			to := strings.TrimSuffix(strings.TrimPrefix(line, "RCPT TO:<"), ">")
			say(or(o.refuse[to], "250 ok"))
		case "DATA":
			say("354 go on")
			if o.message, err = r.ReadDotBytes(); err != nil {
				return
			}
			say(or(o.afterData, "250 2.0.0 queued as Q1"))
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (o *office) way(encryption mailer.Encryption) *notify.Mail {
	return &notify.Mail{
		Named: "mail", Host: "127.0.0.1", Port: o.listener.Addr().(*net.TCPAddr).Port, Encryption: encryption, From: "rootkeep@example.com",
		To: []string{"security@example.com"}, User: "keeper", Password: notify.NewSecret("hunter2"), Roots: o.roots, Now: now,
	}
}

func TestMailIsSentEncryptedAndNothingInANoticeAddsToIt(t *testing.T) {
	for _, encryption := range []mailer.Encryption{mailer.StartTLS, mailer.TLS} {
		t.Run(string(encryption), func(t *testing.T) {
			o := open(t, func(o *office) { o.implicit = encryption == mailer.TLS })
			n := hostile()
			n.To = []string{"ann@example.com", "security@example.com", "eve@example.net>\r\nRCPT TO:<x@example.net", "Ann <ann@example.com>"}
			answer, err := o.way(encryption).Send(t.Context(), n)
			if err != nil || answer != "SMTP 250: 2.0.0 queued as Q1" {
				t.Fatalf("got %q, %v", answer, err)
			}
			<-o.said
			var want []string
			for _, c := range o.commands {
				if strings.HasPrefix(c, "MAIL") || strings.HasPrefix(c, "RCPT") {
					want = append(want, strings.Fields(c)[0]+" "+strings.Fields(c)[1])
				}
			}
			if diff := cmp.Diff([]string{"MAIL FROM:<rootkeep@example.com>", "RCPT TO:<security@example.com>", "RCPT TO:<ann@example.com>"}, want); diff != "" {
				t.Errorf("envelope (-want +got):\n%s", diff)
			}
			if !o.secure || o.auth != "AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00keeper\x00hunter2")) {
				t.Errorf("got encrypted %v, %q", o.secure, o.auth)
			}
			checkMessage(t, o.message)
		})
	}
}

func checkMessage(t *testing.T, text []byte) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Header) != 9 || m.Header.Get("Bcc") != "" || m.Header.Get("To") != "security@example.com, ann@example.com" || m.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("got headers %v, want nine of ours", m.Header)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if want := `[rootkeep critical] a\x0d\x0aBcc: eve@example.net\x0d\x0a\x0d\x0a<b>\x1b[2J\u202e`; err != nil || subject != want {
		t.Errorf("got subject %q, %v, want %q", subject, err, want)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\n.\n", "MAIL FROM:<eve@example.net>", "see: https://rootkeep.example.com/incidents/CS-1", "account: 111122223333"} {
		if !strings.Contains(strings.ReplaceAll(string(body), "\r\n", "\n"), want) {
			t.Errorf("got body %q, want it to have %q", body, want)
		}
	}
	if bytes.ContainsAny(body, "\x1b") || bytes.Contains(body, []byte("\u202e")) {
		t.Errorf("got body %q, want no control characters", body)
	}
}

func TestWhatAMailServerAnswers(t *testing.T) {
	for _, test := range []struct {
		name       string
		encryption mailer.Encryption
		set        func(*office)
		to         []string
		final      bool
		want       string // part of the error; empty: none
		answer     string // part of the answer
	}{
		{"no STARTTLS, and nothing is sent", mailer.StartTLS, func(o *office) { o.noTLS = true }, nil, true, "does not offer STARTTLS", ""},
		{"a refusal for good is final", mailer.TLS, func(o *office) { o.implicit, o.afterData = true, "554 5.7.1 no" }, nil, true, "554", ""},
		{"a refusal for now passes", mailer.TLS, func(o *office) { o.implicit, o.afterData = true, "451 4.3.0 later" }, nil, false, "451", ""},
		{"one of two recipients is refused", mailer.TLS, func(o *office) {
			o.implicit, o.refuse = true, map[string]string{"security@example.com": "550 unknown"}
		}, []string{"ann@example.com"}, false, "refused for security@example.com", "250"},
		{"of two recipients one is refused for good and one for now, and both may be tried again", mailer.TLS, func(o *office) {
			o.implicit, o.refuse = true, map[string]string{"security@example.com": "451 4.7.1 greylisted", "ann@example.com": "550 unknown"}
		}, []string{"ann@example.com"}, false, "451", ""},
		{"all recipients are refused", mailer.TLS, func(o *office) {
			o.implicit, o.refuse = true, map[string]string{"security@example.com": "550 unknown"}
		}, nil, true, "550", ""},
		{"a certificate that is not trusted", mailer.StartTLS, func(o *office) { o.roots = x509.NewCertPool() }, nil, false, "certificate", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := open(t, test.set)
			m := o.way(test.encryption)
			n := hostile()
			n.To = test.to
			answer, err := m.Send(t.Context(), n)
			if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || notify.IsFinal(err) != test.final) || !strings.Contains(answer, test.answer) {
				t.Errorf("got %q, %v, final %v, want %q, %q, final %v", answer, err, notify.IsFinal(err), test.answer, test.want, test.final)
			}
		})
	}
}

// Those who got a notice do not get it twice when it is sent to those who did not.
func TestMailToOneWhoWasRefused(t *testing.T) {
	o := open(t, func(o *office) {
		o.implicit, o.refuse = true, map[string]string{"ann@example.com": "451 4.7.1 greylisted", "bob@example.com": "550 unknown"}
	})
	n := hostile()
	n.To = []string{"ann@example.com", "bob@example.com"}
	_, err := o.way(mailer.TLS).Send(t.Context(), n)
	var partly *mailer.RefusedError
	if !errors.As(err, &partly) || !slices.Equal(partly.To, n.To) || !strings.Contains(err.Error(), "451") {
		t.Fatalf("got %v, want both named, and what may pass", err)
	}
	o = open(t, func(o *office) { o.implicit = true })
	n.Only = partly.To[:1]
	if _, err := o.way(mailer.TLS).Send(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	<-o.said
	if all := strings.Join(o.commands, "\n"); strings.Count(all, "RCPT") != 1 || !strings.Contains(all, "RCPT TO:<ann@example.com>") {
		t.Errorf("got %q, want a mail to ann alone", o.commands)
	}
}

// Who is one of too many is left for a mail of their own, beside those who are refused.
func TestAMailToMoreThanOneHasRoomFor(t *testing.T) {
	for _, refused := range []string{"", "security@example.com"} {
		o := open(t, func(o *office) { o.implicit, o.refuse = true, map[string]string{refused: "550 unknown"} })
		n := hostile()
		for i := range 60 {
			n.To = append(n.To, fmt.Sprintf("p%d@example.com", i), "p0@example.com")
		}
		answer, err := o.way(mailer.TLS).Send(t.Context(), n)
		want := []string{}
		if refused != "" {
			want = append(want, refused)
		}
		for i := 49; i < 60; i++ {
			want = append(want, fmt.Sprintf("p%d@example.com", i))
		}
		var partly *mailer.RefusedError
		if !errors.As(err, &partly) || !slices.Equal(partly.To, want) || notify.IsFinal(err) || !strings.Contains(answer, "250") {
			t.Errorf("got %q, %v, want it taken, and %q left", answer, err, want)
		}
		<-o.said
		if all := strings.Join(o.commands, "\n"); strings.Count(all, "RCPT") != 50 {
			t.Errorf("got %d recipients of one mail, want 50", strings.Count(all, "RCPT"))
		}
	}
}

func TestAMailServerThatRepeatsThePasswordIsNotQuoted(t *testing.T) {
	plain := base64.StdEncoding.EncodeToString([]byte("\x00keeper\x00hunter2"))
	for _, set := range []func(*office){
		func(o *office) {
			o.implicit, o.afterAuth = true, "535 hunter2 "+plain+" is wrong \x1b[2J"+strings.Repeat("x", 5000)
		},
		func(o *office) { o.implicit, o.afterData = true, "250 queued for hunter2" },
	} {
		answer, err := open(t, set).way(mailer.TLS).Send(t.Context(), hostile())
		if all := fmt.Sprint(answer, err); strings.Contains(all, "hunter2") || strings.Contains(all, plain) || strings.Contains(all, "\x1b") || !strings.Contains(all, "redacted") || len(all) > 2<<10 {
			t.Errorf("got %q, %v, want no password, nothing hidden and at most 2 KiB", answer, err)
		}
	}
}

func TestAServerThatDoesNotStopIsLeft(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		for err == nil {
			_, err = conn.Write(bytes.Repeat([]byte("x"), 4096))
		}
	}()
	o := &office{listener: l}
	if _, err := o.way(mailer.None).Send(t.Context(), hostile()); err == nil || !strings.Contains(err.Error(), "said more than") {
		t.Errorf("got %v, want the server left", err)
	}
}

func TestMailThatCannotBe(t *testing.T) {
	good := notify.Mail{Named: "mail", Host: "mail.example.com", Port: 587, Encryption: mailer.StartTLS, From: "rootkeep@example.com", To: []string{"security@example.com"}, Now: now}
	for _, test := range []struct {
		name string
		set  func(*notify.Mail)
		want string
	}{
		{"as it is", func(*notify.Mail) {}, ""},
		{"no host", func(m *notify.Mail) { m.Host = "" }, "want a host"},
		{"no port", func(m *notify.Mail) { m.Port = 0 }, "want a host"},
		{"another machine without encryption", func(m *notify.Mail) { m.Encryption = mailer.None }, "another machine"},
		{"this machine without encryption", func(m *notify.Mail) { m.Encryption, m.Host = mailer.None, "localhost" }, ""},
		{"a user without a password", func(m *notify.Mail) { m.User = "keeper" }, "one needs the other"},
		{"a sender that ends its line", func(m *notify.Mail) { m.From = "a@example.com\r\nBcc: b@example.com" }, "address"},
		{"a recipient with a name", func(m *notify.Mail) { m.To = []string{"Ann <ann@example.com>"} }, "address"},
		{"a recipient with a quoted part", func(m *notify.Mail) { m.To = []string{`"a b"@example.com`} }, "address"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := good
			test.set(&m)
			if err := m.Check(); (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that has %q", err, test.want)
			}
		})
	}
	m := good
	m.To = nil
	if _, err := m.Send(t.Context(), hostile()); err == nil || !notify.IsFinal(err) {
		t.Errorf("got %v of a notice to nobody, want a final error", err)
	}
}
