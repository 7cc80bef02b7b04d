// Package mailer hands a message to a mail server by SMTP (RFC 5321), encrypted.
package mailer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/smtp"
	"net/textproto"
	"strconv"
	"strings"
	"syscall"
)

// Encryption is how a mail server is spoken to.
type Encryption string

// The kinds of encryption.
const (
	StartTLS Encryption = "starttls" // begins without, and goes no further without it
	TLS      Encryption = "tls"      // from the first byte
	None     Encryption = "none"
)

// ErrNoStartTLS is a server that does not encrypt in the way that was asked for.
var ErrNoStartTLS = errors.New("the mail server does not offer STARTTLS; hint: encryption: tls, on port 465")

const mostSaid = 256 << 10 // bytes that a server may say in one conversation

// Server is a mail server.
type Server struct {
	Host           string
	Port           int
	Encryption     Encryption
	User, Password string         // "" for none
	Roots          *x509.CertPool // nil for the system's
	// Control says whether an address may be spoken to; nil: all.
	Control func(network, address string, c syscall.RawConn) error
}

// RefusedError says for which recipients a server did not take a message.
type RefusedError struct {
	To  []string
	Err error // what it said of one of them: of one that it may take later, if there is any
}

// Error names them.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("refused for %s: %v", strings.Join(e.To, ", "), e.Err)
}

// Unwrap gives what the server said.
func (e *RefusedError) Unwrap() error { return e.Err }

// Left is the error of a message, taken or with an error of Deliver, that more recipients than it may
// have are still to get: as if they were refused.
func Left(err error, to []string) error {
	var partly *RefusedError
	switch {
	case len(to) == 0:
		return err
	case err == nil:
		return &RefusedError{To: to, Err: errors.New("one mail has no room for so many recipients")}
	case errors.As(err, &partly):
		partly.To = append(partly.To, to...)
	}
	return err
}

// Lasting says whether no further attempt would mend an error: a refusal for good (RFC 5321,
// section 4.2.1), or a server that does not encrypt.
func Lasting(err error) bool {
	var said *textproto.Error
	return errors.As(err, &said) && said.Code >= 500 || errors.Is(err, ErrNoStartTLS)
}

func (e *RefusedError) add(to string, said error) {
	e.To = append(e.To, to)
	if e.Err == nil || Lasting(e.Err) && !Lasting(said) {
		e.Err = fmt.Errorf("RCPT TO %s: %w", to, said)
	}
}

// Deliver hands one message over to all recipients. The answer is the server's own; it may
// quote what was sent. The error is a *RefusedError if some are refused, and the others got it.
func (s *Server) Deliver(ctx context.Context, from string, to []string, message []byte) (answer string, err error) {
	c, err := s.dial(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close() // what became of the message is known by then
	return converse(c, from, to, message)
}

// bounded is a connection that gives a server only so many bytes to say.
type bounded struct {
	net.Conn
	left int
}

// Read reads what is left.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the mail server said more than %d KiB", mostSaid>>10)
	}
	n, err := b.Conn.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func (s *Server) dial(ctx context.Context) (*smtp.Client, error) {
	d := &net.Dialer{Control: s.Control}
	raw, err := d.DialContext(ctx, "tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		return nil, err
	}
	until, _ := ctx.Deadline() // none is for ever
	err = raw.SetDeadline(until)
	var conn net.Conn = &bounded{raw, mostSaid}
	if s.Encryption == TLS {
		conn = tls.Client(conn, s.tls())
	}
	var c *smtp.Client
	if err == nil {
		c, err = smtp.NewClient(conn, s.Host)
	}
	if err == nil && s.Encryption == StartTLS {
		if offered, _ := c.Extension("STARTTLS"); !offered {
			err = ErrNoStartTLS
		} else {
			err = c.StartTLS(s.tls())
		}
	}
	if err == nil && s.User != "" {
		err = c.Auth(smtp.PlainAuth("", s.User, s.Password, s.Host))
	}
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return c, nil
}

func (s *Server) tls() *tls.Config {
	return &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
}

// converse hands the message over. The answer is the server's own, with the name that it
// queued the message under.
func converse(c *smtp.Client, from string, to []string, message []byte) (string, error) {
	if err := c.Mail(from); err != nil {
		return "", fmt.Errorf("MAIL FROM: %w", err)
	}
	var refused *RefusedError
	for _, a := range to {
		err := c.Rcpt(a)
		var said *textproto.Error
		switch {
		case err == nil:
			continue
		case !errors.As(err, &said):
			return "", fmt.Errorf("RCPT TO %s: %w", a, err)
		case refused == nil:
			refused = &RefusedError{}
		}
		refused.add(a, said)
	}
	if refused != nil && len(refused.To) == len(to) {
		return "", refused.Err
	}
	if _, _, err := command(c, 354, "DATA"); err != nil {
		return "", fmt.Errorf("DATA: %w", err)
	}
	w := c.Text.DotWriter()
	_, err := w.Write(message)
	if err = errors.Join(err, w.Close()); err != nil {
		return "", err
	}
	code, said, err := c.Text.ReadResponse(250)
	if err != nil {
		return "", fmt.Errorf("DATA: %w", err)
	}
	_ = c.Quit() // the message is taken, whatever the server says now
	answer := fmt.Sprintf("SMTP %d: %s", code, said)
	if refused != nil {
		return answer, refused
	}
	return answer, nil
}

func command(c *smtp.Client, want int, line string) (int, string, error) {
	id, err := c.Text.Cmd("%s", line)
	if err != nil {
		return 0, "", err
	}
	c.Text.StartResponse(id)
	defer c.Text.EndResponse(id)
	return c.Text.ReadResponse(want)
}
