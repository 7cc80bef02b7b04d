package notify

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rootkeep/rootkeep/internal/notify/mailer"
)

// Config is the file of ways, routes and quiet hours.
type Config struct {
	Ways   []WayConfig `yaml:"ways"`
	Routes []Route     `yaml:"routes"`
	Quiet  []Quiet     `yaml:"quiet"`

	AWS AWS `yaml:"-"` // what ways by SES and SNS send with
}

// WayConfig is one way: a notifier with its settings, mail, SES, SNS or syslog.
type WayConfig struct {
	Name        string            `yaml:"name"`
	Notifier    string            `yaml:"notifier"`
	Settings    map[string]string `yaml:"settings"`
	SecretFiles map[string]string `yaml:"secret_files"` // name of a setting that is a secret: its file
	Success     *Success          `yaml:"success"`      // what an answer looks like that takes a notice, beside what the notifier says
	Roots       string            `yaml:"roots"`        // PEM file of the certificates that are trusted, "" for the system's
	Mail        *MailConfig       `yaml:"mail"`
	SES         *SESConfig        `yaml:"ses"`
	SNS         *SNSConfig        `yaml:"sns"`
	Syslog      *SyslogConfig     `yaml:"syslog"`
}

// MailConfig is a way by SMTP.
type MailConfig struct {
	Host         string            `yaml:"host"`
	Port         int               `yaml:"port"`
	Encryption   mailer.Encryption `yaml:"encryption"` // starttls if empty
	From         string            `yaml:"from"`
	To           []string          `yaml:"to"`
	User         string            `yaml:"user"`
	PasswordFile string            `yaml:"password_file"`
}

// Configured is a way with what is told about it.
type Configured interface {
	Way
	Kind() string   // ID of the notifier, or mail, ses, sns, syslog
	Target() string // where it goes, without secrets
	Attempts() int  // how often a notice is tried
}

const (
	mostConfig = 1 << 20 // bytes
	mostWays   = 32
)

var wayName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// ReadConfig reads a file of ways and routes. Unknown keys are refused with their line.
func ReadConfig(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("ways of notices: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostConfig+1))
	if err == nil && len(text) > mostConfig {
		err = errors.New("larger than 1 MiB")
	}
	if err != nil {
		return nil, fmt.Errorf("ways of notices: %s: %w", path, err)
	}
	c := &Config{}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(c); err != nil && !errors.Is(err, io.EOF) {
		var at yaml.Error
		if errors.As(err, &at) && at.GetToken() != nil { // without the text around it, which may be a secret
			return nil, fmt.Errorf("ways of notices: %s:%d: %s; hint: docs/notify.md has the keys", path, at.GetToken().Position.Line, at.GetMessage())
		}
		return nil, fmt.Errorf("ways of notices: %s: %w", path, err)
	}
	return c, nil
}

// Open makes the ways and the router. read reads the file of a secret.
func (c *Config) Open(notifiers []*Notifier, read func(path string) (string, error), now func() time.Time) ([]Configured, *Router, error) {
	if len(c.Ways) > mostWays {
		return nil, nil, fmt.Errorf("%d ways of notices, at most %d", len(c.Ways), mostWays)
	}
	var ways []Configured
	var names []string
	for i := range c.Ways {
		w := &c.Ways[i]
		if !wayName.MatchString(w.Name) || slices.Contains(names, w.Name) {
			return nil, nil, fmt.Errorf("way %d: name %q: want small letters, digits and -, once", i+1, w.Name)
		}
		made, err := w.open(notifiers, c.AWS, read, now)
		if err != nil {
			return nil, nil, fmt.Errorf("way %s: %w", w.Name, err)
		}
		ways, names = append(ways, made), append(names, w.Name)
	}
	router, err := NewRouter(names, c.Routes, c.Quiet...)
	return ways, router, err
}

func (w *WayConfig) open(notifiers []*Notifier, aws AWS, read func(string) (string, error), now func() time.Time) (Configured, error) {
	kinds := 0
	for _, named := range []bool{w.Notifier != "", w.Mail != nil, w.SES != nil, w.SNS != nil, w.Syslog != nil} {
		if named {
			kinds++
		}
	}
	if kinds != 1 {
		return nil, errors.New("want one of notifier, mail, ses, sns and syslog")
	}
	if w.Notifier == "" && (len(w.Settings)+len(w.SecretFiles) > 0 || w.Success != nil) {
		return nil, errors.New("settings, secret_files and success belong to a notifier")
	}
	roots, err := readRoots(w.Roots)
	if err != nil {
		return nil, err
	}
	switch {
	case w.Mail != nil:
		return w.mail(roots, read, now)
	case w.SES != nil:
		return w.ses(aws, now)
	case w.SNS != nil:
		return w.sns(aws)
	case w.Syslog != nil:
		return w.syslog(roots, read)
	}
	return w.post(notifiers, roots, read, now)
}

func (w *WayConfig) post(notifiers []*Notifier, roots *x509.CertPool, read func(string) (string, error), now func() time.Time) (Configured, error) {
	at := slices.IndexFunc(notifiers, func(n *Notifier) bool { return n.ID == w.Notifier })
	if at < 0 {
		return nil, fmt.Errorf("notifier %q: there is none; hint: rootkeep notify list shows them", w.Notifier)
	}
	n := notifiers[at]
	settings := map[string]Secret{}
	for name, value := range w.Settings {
		if s := n.Settings[name]; s != nil && s.Type == secretSetting {
			return nil, fmt.Errorf("setting %s is a secret, and is read from a file; hint: secret_files: {%s: /PATH}", name, name)
		}
		settings[name] = NewSecret(value)
	}
	for name, path := range w.SecretFiles {
		value, err := secretOf(path, read)
		if err != nil {
			return nil, fmt.Errorf("setting %s: %w", name, err)
		}
		settings[name] = value
	}
	p, err := NewPost(w.Name, n, settings, roots, now)
	if err == nil && w.Success != nil {
		err = p.Demand(*w.Success)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (w *WayConfig) mail(roots *x509.CertPool, read func(string) (string, error), now func() time.Time) (Configured, error) {
	c := w.Mail
	m := &Mail{Named: w.Name, Host: c.Host, Port: c.Port, Encryption: c.Encryption, From: c.From, To: c.To, User: c.User, Roots: roots, Now: now}
	if m.Encryption == "" {
		m.Encryption = mailer.StartTLS
	}
	if c.PasswordFile != "" {
		var err error
		if m.Password, err = secretOf(c.PasswordFile, read); err != nil {
			return nil, fmt.Errorf("password_file: %w", err)
		}
	}
	return m, m.Check()
}

func secretOf(path string, read func(string) (string, error)) (Secret, error) {
	if !filepath.IsAbs(path) {
		return Secret{}, fmt.Errorf("file %q: want an absolute path", path)
	}
	value, err := read(path)
	return NewSecret(value), err
}

func readRoots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("roots: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("roots: %s holds no PEM certificate", path)
	}
	return pool, nil
}
