package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/notify/mailer"
	"github.com/rootkeep/rootkeep/internal/notify/safe"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

const (
	mailTimeout    = 45 * time.Second // of one conversation
	mostRecipients = 50
)

// Mail is a way: plain text by SMTP (RFC 5321).
type Mail struct {
	Named      string
	Host       string
	Port       int
	Encryption mailer.Encryption // none for a server on this machine alone
	From       string            // address
	To         []string          // addresses that get every notice; those of the notice itself come on top
	User       string            // "" for none
	Password   Secret
	Roots      *x509.CertPool // nil for the system's
	Now        func() time.Time
}

// Check refuses what could not be sent, or would be readable on its way.
func (m *Mail) Check() error {
	switch {
	case m.Now == nil:
		return errors.New("notify: a clock is required")
	case m.Host == "" || m.Port < 1 || m.Port > 65535 || strings.ContainsAny(m.Host, " \r\n/"):
		return fmt.Errorf("mail server %q, port %d: want a host and a port, such as 587", m.Host, m.Port)
	case !slices.Contains([]mailer.Encryption{mailer.StartTLS, mailer.TLS, mailer.None}, m.Encryption):
		return fmt.Errorf("encryption %q: want starttls or tls, or none for a server on localhost", m.Encryption)
	case m.Encryption == mailer.None && !local(m.Host):
		return fmt.Errorf("encryption none: %s is another machine, and mail would be read on its way; hint: starttls or tls", m.Host)
	case (m.User == "") != (m.Password.text == ""):
		return errors.New("a user and a password file: one needs the other")
	case len(m.To) > mostRecipients:
		return fmt.Errorf("%d recipients, at most %d", len(m.To), mostRecipients)
	}
	for _, a := range append([]string{m.From}, m.To...) {
		if !isAddress(a) {
			return fmt.Errorf("address %q: want one such as security@example.com", a)
		}
	}
	return nil
}

var address = regexp.MustCompile(`^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,8}$`)

// isAddress takes addresses of plain ASCII: nothing in them can end a line or a command.
func isAddress(a string) bool {
	_, err := mail.ParseAddress(a)
	return err == nil && address.MatchString(a)
}

// Name is that of the configuration.
func (m *Mail) Name() string { return m.Named }

// Attempts is how often a notice is tried.
func (m *Mail) Attempts() int { return MostAttempts }

// Kind is what the way is.
func (m *Mail) Kind() string { return "mail" }

// Target is the server and the recipients.
func (m *Mail) Target() string {
	return net.JoinHostPort(m.Host, strconv.Itoa(m.Port)) + ": " + strings.Join(m.To, ", ")
}

// Send sends the notice to everybody it is for, in one conversation. The error is a
// *mailer.RefusedError if some of them are refused, or are too many, and the others got it.
func (m *Mail) Send(ctx context.Context, n Notice) (string, error) {
	to, left, err := m.recipients(n)
	if err != nil {
		return "", err
	}
	ctx, stop := context.WithTimeout(ctx, mailTimeout)
	defer stop()
	hide := safe.Hider(m.Password.text, base64.StdEncoding.EncodeToString([]byte(m.Password.text)), base64.StdEncoding.EncodeToString([]byte("\x00"+m.User+"\x00"+m.Password.text)))
	server := mailer.Server{Host: m.Host, Port: m.Port, Encryption: m.Encryption, User: m.User, Password: m.Password.text, Roots: m.Roots, Control: reachable}
	answer, err := server.Deliver(ctx, m.From, to, m.message(n, to))
	err = mailer.Left(err, left)
	var partly *mailer.RefusedError
	switch {
	case errors.As(err, &partly):
		partly.Err = tellable(partly.Err, hide)
		return shown(answer, hide), partly
	case mailer.Lasting(err):
		err = Final(err)
	}
	if err != nil {
		err = tellable(err, hide)
	}
	return shown(answer, hide), err
}

// recipients are those of the way and of the notice, each once, or those that it is still for;
// left are those for whom one mail has no room.
func (m *Mail) recipients(n Notice) (to, left []string, err error) {
	all := append(slices.Clone(m.To), n.To...)
	if len(n.Only) > 0 {
		all = n.Only
	}
	for _, a := range all {
		if isAddress(a) && !slices.Contains(to, a) {
			to = append(to, a)
		}
	}
	if len(to) == 0 {
		return nil, nil, Final(errors.New("nobody to send it to: neither the way nor the notice names an address"))
	}
	most := min(len(to), mostRecipients)
	return to[:most], to[most:], nil
}

// message is the mail (RFC 5322). Nothing of a notice can end its line: the subject is
// encoded, the text is quoted-printable.
func (m *Mail) message(n Notice, to []string) []byte {
	var b bytes.Buffer
	sum := sha256.Sum256([]byte(n.ID + "\x00" + m.Named))
	_, host, _ := strings.Cut(m.From, "@")
	subject := text.Visible(fmt.Sprintf("[rootkeep %s] %s", n.Severity, n.Title), text.Line)
	headers := [][2]string{
		{"From", m.From}, {"To", strings.Join(to, ",\r\n ")}, {"Subject", strings.ReplaceAll(mime.QEncoding.Encode("utf-8", subject), "?= =?", "?=\r\n =?")},
		{"Date", m.Now().UTC().Format(time.RFC1123Z)}, {"Message-ID", "<" + hex.EncodeToString(sum[:16]) + "@" + host + ">"},
		{"Auto-Submitted", "auto-generated"}, {"MIME-Version", "1.0"}, {"Content-Type", "text/plain; charset=utf-8"}, {"Content-Transfer-Encoding", "quoted-printable"},
	}
	if n.Thread != "" { // mail programs show together what refers to the same message
		of := sha256.Sum256([]byte("thread\x00" + n.Thread + "\x00" + m.Named))
		headers = append(headers, [2]string{"References", "<" + hex.EncodeToString(of[:16]) + "@" + host + ">"})
	}
	for _, h := range headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, _ = io.WriteString(w, m.text(n)) // a buffer takes every write
	_ = w.Close()
	return b.Bytes()
}

const longestText = 20_000 // characters of a notice that a mail has

func (m *Mail) text(n Notice) string {
	var lines []string
	for line := range strings.Lines(safe.Lines(n.Whole(), longestText)) {
		lines = append(lines, strings.TrimRight(line, "\n"))
	}
	all := strings.Join(lines, "\r\n")
	out := text.Visible(n.Title, text.Line) + "\r\n\r\n" + all + "\r\n\r\n"
	for _, f := range [][2]string{{"account", n.Account}, {"accounts", n.accounts()}, {"principal", n.Principal}, {"count", count(n.Count)}, {"tags", strings.Join(n.Tags, ", ")}, {"about", n.Subject}, {"at", n.At.UTC().Format(time.RFC3339)}, {"see", n.Link}, {"notice", n.ID}} {
		if f[1] != "" {
			out += f[0] + ": " + text.Visible(f[1], text.Long) + "\r\n"
		}
	}
	return out
}
