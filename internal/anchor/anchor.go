// Package anchor puts checkpoints of the ledger where whoever keeps its database cannot
// take them back: a folder, a receiver of webhooks, a bucket with Object Lock, a
// time-stamping authority. Each is optional. The log alone shows that nothing was changed
// since a checkpoint; only a checkpoint that somebody else holds shows that the log was
// not written anew.
package anchor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rootkeep/rootkeep/ledger"
)

// Kind is what a place is.
type Kind string

// The kinds of places.
const (
	File       Kind = "file"
	Webhook    Kind = "webhook"
	ObjectLock Kind = "object-lock"
	Timestamp  Kind = "timestamp"
)

// Place takes checkpoints.
type Place interface {
	// Put leaves a signed checkpoint there and gives what the place says for it.
	Put(ctx context.Context, head ledger.Checkpoint, signed []byte) (proof []byte, err error)
}

// Holder is a place that can be asked what it holds.
type Holder interface {
	// Held gives the signed checkpoints of more than after entries: all for after = -1.
	Held(ctx context.Context, after int64) ([][]byte, error)
}

// Prover is a place whose proof can be checked later, by itself.
type Prover interface {
	// Check checks the proof that Put gave for a signed checkpoint, and says what it shows.
	Check(signed, proof []byte) (string, error)
}

// Config is a place as the operator names it. One of file, webhook, object-lock and
// timestamp says what it is.
type Config struct {
	Name       string `yaml:"name"`
	File       string `yaml:"file,omitempty"`        // folder
	Webhook    string `yaml:"webhook,omitempty"`     // address, https
	ObjectLock string `yaml:"object_lock,omitempty"` // s3://BUCKET/PREFIX
	Timestamp  string `yaml:"timestamp,omitempty"`   // address of an RFC 3161 authority

	SecretFile string `yaml:"secret_file,omitempty"` // of webhook: what it is signed with
	Roots      string `yaml:"roots,omitempty"`       // of timestamp: PEM file of the authority's root certificates
	Region     string `yaml:"region,omitempty"`      // of object-lock
	Profile    string `yaml:"profile,omitempty"`     // of object-lock: of the AWS configuration
	RetainDays int    `yaml:"retain_days,omitempty"` // of object-lock; 0: 400
	Mode       string `yaml:"mode,omitempty"`        // of object-lock: compliance (also if empty) or governance
}

const (
	maxConfig = 1 << 20 // bytes
	maxPlaces = 32
)

var placeName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// ReadConfig reads a file of places: anchors:, a list. Unknown keys are refused with
// their line.
func ReadConfig(path string) ([]Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("places of anchors: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("places of anchors: %w", err)
	}
	list, err := parseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("places of anchors: %s: %w", path, err)
	}
	return list, nil
}

func parseConfig(text []byte) ([]Config, error) {
	if len(text) > maxConfig {
		return nil, fmt.Errorf("more than %d KiB", maxConfig>>10)
	}
	var file struct {
		Anchors []Config `yaml:"anchors"`
	}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return file.Anchors, CheckConfig(file.Anchors)
}

// CheckConfig refuses places that cannot be.
func CheckConfig(list []Config) error {
	if len(list) > maxPlaces {
		return fmt.Errorf("%d anchors, at most %d", len(list), maxPlaces)
	}
	seen := map[string]bool{}
	for i := range list {
		c := &list[i]
		if !placeName.MatchString(c.Name) {
			return fmt.Errorf("anchor %d: name %q: want small letters, digits and -", i+1, c.Name)
		}
		if seen[c.Name] {
			return fmt.Errorf("anchor %s is there twice", c.Name)
		}
		seen[c.Name] = true
		if err := c.check(); err != nil {
			return fmt.Errorf("anchor %s: %w", c.Name, err)
		}
	}
	return nil
}

// Kind is what the place is.
func (c *Config) Kind() Kind {
	switch {
	case c.File != "":
		return File
	case c.Webhook != "":
		return Webhook
	case c.ObjectLock != "":
		return ObjectLock
	}
	return Timestamp
}

// Target is where it is, without secrets: of an address neither user nor query.
func (c *Config) Target() string {
	target := c.File + c.Webhook + c.ObjectLock + c.Timestamp
	if c.File != "" {
		return target
	}
	u, err := url.Parse(target)
	if err != nil {
		return string(c.Kind())
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

func (c *Config) check() error {
	given := 0
	for _, s := range []string{c.File, c.Webhook, c.ObjectLock, c.Timestamp} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return errors.New("want one of file, webhook, object_lock and timestamp")
	}
	kind := c.Kind()
	for _, own := range []struct {
		key   string
		given bool
		kind  Kind
	}{
		{"secret_file", c.SecretFile != "", Webhook}, {"roots", c.Roots != "", Timestamp}, {"region", c.Region != "", ObjectLock},
		{"profile", c.Profile != "", ObjectLock}, {"retain_days", c.RetainDays != 0, ObjectLock}, {"mode", c.Mode != "", ObjectLock},
	} {
		if own.given && own.kind != kind {
			return fmt.Errorf("%s belongs to %s", own.key, own.kind)
		}
	}
	switch kind {
	case File:
		if !filepath.IsAbs(c.File) {
			return fmt.Errorf("file %q: want an absolute path", c.File)
		}
	case Webhook:
		if c.SecretFile == "" {
			return errors.New("secret_file is missing: the receiver tells by it who sent the checkpoint")
		}
		return address("webhook", c.Webhook)
	case Timestamp:
		if c.Roots == "" {
			return errors.New("roots is missing: a stamp is worth what its root certificate is")
		}
		return address("timestamp", c.Timestamp)
	case ObjectLock:
		return c.checkLock()
	}
	return nil
}

func (c *Config) checkLock() error {
	bucket, _, err := c.Bucket()
	switch {
	case err != nil:
		return err
	case bucket == "":
		return fmt.Errorf("object_lock %q: want s3://BUCKET/PREFIX", c.ObjectLock)
	case c.RetainDays < 0 || c.RetainDays > 36500:
		return fmt.Errorf("retain_days %d: want 1 to 36500", c.RetainDays)
	case c.Mode != "" && c.Mode != "compliance" && c.Mode != "governance":
		return fmt.Errorf("mode %q: want compliance or governance", c.Mode)
	}
	return nil
}

// Bucket is where an object-lock place is: the bucket and the beginning of its keys.
func (c *Config) Bucket() (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(c.ObjectLock, "s3://")
	if !ok {
		return "", "", fmt.Errorf("object_lock %q: want s3://BUCKET/PREFIX", c.ObjectLock)
	}
	bucket, prefix, _ = strings.Cut(rest, "/")
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return bucket, prefix, nil
}

// Retention is how long an object is locked.
func (c *Config) Retention() time.Duration {
	days := c.RetainDays
	if days == 0 {
		days = 400
	}
	return time.Duration(days) * 24 * time.Hour
}

// address accepts https, and http to this machine alone: a checkpoint is no secret, but
// an answer that anybody on the way could give is no proof.
func address(key, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%s: want an address, https://...", key) // not err: it repeats the address, which may hold a password
	}
	local := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"
	if u.Scheme != "https" && (u.Scheme != "http" || !local && key != "timestamp") {
		return fmt.Errorf("%s %s://%s: want https", key, u.Scheme, u.Host)
	}
	return nil
}

// Name is how a checkpoint is called where it is kept: its size in 20 digits, so that
// the order of names is that of sizes.
func Name(size int64) string { return fmt.Sprintf("%020d.checkpoint", size) }
