package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep/internal/notify/safe"
	"github.com/rootkeep/rootkeep/internal/notify/syslog"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Transport is how a syslog receiver is spoken to.
type Transport string

// The transports. UDP and TCP without encryption are taken for a receiver on this machine
// alone.
const (
	SyslogTLS Transport = "tls" // RFC 5425
	SyslogTCP Transport = "tcp" // with the frames of RFC 5425
	SyslogUDP Transport = "udp" // RFC 5426
)

const (
	logAudit   = 13 // facility "log audit"
	ownElement = "rootkeep@32473"
)

// Syslog is a way: messages of RFC 5424.
type Syslog struct {
	Named       string
	Host        string
	Port        int
	Transport   Transport
	Facility    int    // 0 is 13, log audit
	Element     string // name of the structured data; "" is rootkeep@32473, the number that stands for no enterprise
	Sender      string // host name in messages
	Certificate *tls.Certificate
	Roots       *x509.CertPool // nil for the system's
}

var elementName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,20}@[0-9.]{1,11}$`)

// Check refuses what could not be sent, or would be readable on its way.
func (s *Syslog) Check() error {
	switch {
	case s.Host == "" || s.Port < 1 || s.Port > 65535 || strings.ContainsAny(s.Host, " \r\n/"):
		return fmt.Errorf("syslog receiver %q, port %d: want a host and a port, such as 6514", s.Host, s.Port)
	case !slices.Contains([]Transport{SyslogTLS, SyslogTCP, SyslogUDP}, s.Transport):
		return fmt.Errorf("transport %q: want tls, or tcp or udp for a receiver on localhost", s.Transport)
	case s.Transport != SyslogTLS && !local(s.Host):
		return fmt.Errorf("transport %s: %s is another machine, and messages would be read on their way; hint: transport: tls", s.Transport, s.Host)
	case s.Facility < 0 || s.Facility > 23:
		return fmt.Errorf("facility %d: want 1 to 23", s.Facility)
	case s.Element != "" && !elementName.MatchString(s.Element):
		return fmt.Errorf("element %q: want a name such as rootkeep@32473, with the number of your enterprise", s.Element)
	case s.Certificate != nil && s.Transport != SyslogTLS:
		return errors.New("a certificate is for tls alone")
	}
	return nil
}

// Name is that of the configuration.
func (s *Syslog) Name() string { return s.Named }

// Attempts is how often a notice is tried.
func (s *Syslog) Attempts() int { return MostAttempts }

// Singly says that each alert is a message of its own: whoever keeps messages counts them.
func (s *Syslog) Singly() bool { return true }

// Kind is what the way is.
func (s *Syslog) Kind() string { return "syslog" }

// Target is the receiver.
func (s *Syslog) Target() string { return string(s.Transport) + "://" + s.address() }

func (s *Syslog) address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// Send writes one message.
func (s *Syslog) Send(ctx context.Context, n Notice) (string, error) {
	to := &syslog.Receiver{Network: "tcp", Address: s.address(), Control: reachable}
	switch s.Transport {
	case SyslogUDP:
		to.Network = "udp"
	case SyslogTLS:
		to.TLS = &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
		if s.Certificate != nil {
			to.TLS.Certificates = []tls.Certificate{*s.Certificate}
		}
	}
	answer, err := to.Send(ctx, s.message(n))
	if err != nil {
		err = tellable(err, safe.Hider())
	}
	return answer, err
}

var syslogSeverities = []syslog.Severity{syslog.Informational, syslog.Notice, syslog.Warning, syslog.Error, syslog.Critical}

func (s *Syslog) message(n Notice) *syslog.Message {
	m := &syslog.Message{
		Facility: s.Facility, Severity: syslogSeverities[min(max(int(n.Severity), 0), len(syslogSeverities)-1)], At: n.At, Host: s.Sender, App: "rootkeep", ID: n.Topic, Element: s.Element,
		Params: []syslog.Param{
			{Name: "notice", Value: n.ID}, {Name: "thread", Value: n.Of()}, {Name: "action", Value: string(n.Acts())}, {Name: "severity", Value: n.Severity.String()},
			{Name: "subject", Value: n.Subject}, {Name: "account", Value: n.Account}, {Name: "accounts", Value: n.accounts()}, {Name: "principal", Value: n.Principal}, {Name: "count", Value: count(n.Count)},
			{Name: "tags", Value: strings.Join(n.Tags, ",")}, {Name: "link", Value: n.Link},
		},
		Text: text.Visible(n.Title, text.Line),
	}
	if m.Facility == 0 {
		m.Facility = logAudit
	}
	if m.Element == "" {
		m.Element = ownElement
	}
	if whole := n.Whole(); whole != "" {
		m.Text += ": " + strings.Join(strings.Fields(whole), " ")
	}
	return m
}

// SyslogConfig is a way by syslog.
type SyslogConfig struct {
	Host        string    `yaml:"host"`
	Port        int       `yaml:"port"`
	Transport   Transport `yaml:"transport"` // tls if empty
	Facility    int       `yaml:"facility"`  // 13, log audit, if empty
	Element     string    `yaml:"element"`   // rootkeep@32473 if empty
	Certificate string    `yaml:"certificate"`
	KeyFile     string    `yaml:"key_file"`
}

func (w *WayConfig) syslog(roots *x509.CertPool, read func(string) (string, error)) (Configured, error) {
	c := w.Syslog
	s := &Syslog{Named: w.Name, Host: c.Host, Port: c.Port, Transport: c.Transport, Facility: c.Facility, Element: c.Element, Roots: roots}
	if s.Transport == "" {
		s.Transport = SyslogTLS
	}
	var err error
	if s.Sender, err = os.Hostname(); err != nil {
		s.Sender = "" // written as -
	}
	if (c.Certificate == "") != (c.KeyFile == "") {
		return nil, errors.New("a certificate and a key file: one needs the other")
	}
	if c.Certificate != "" {
		pem, err := os.ReadFile(c.Certificate)
		if err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		key, err := secretOf(c.KeyFile, read)
		if err != nil {
			return nil, fmt.Errorf("key_file: %w", err)
		}
		pair, err := tls.X509KeyPair(pem, []byte(key.text))
		if err != nil {
			return nil, fmt.Errorf("certificate and key_file: %w", err)
		}
		s.Certificate = &pair
	}
	return s, s.Check()
}
