package serve

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/rootkeep/rootkeep/internal/app/alerting"
	"github.com/rootkeep/rootkeep/internal/app/archive"
	"github.com/rootkeep/rootkeep/internal/app/backup"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/app/roottask"
	"github.com/rootkeep/rootkeep/internal/app/share"
)

// Settings are those of the server: its file, then the flags over it, then defaults for
// what neither says.
type Settings struct {
	URL         string   `yaml:"url"`          // where browsers find it: scheme and host
	Listen      string   `yaml:"listen"`       // host:port
	TLS         TLS      `yaml:"tls"`          // none: plain HTTP
	BehindProxy []string `yaml:"behind_proxy"` // address ranges of the proxy in front
	Store       string   `yaml:"store"`        // a path, sqlite:PATH, or postgres://...
	KeyFile     string   `yaml:"key_file"`     // of the ledger
	Roles       []string `yaml:"roles"`        // what this process does
	Register    string   `yaml:"register"`     // file of what people decide and vouch for
	Controls    []string `yaml:"controls"`     // folders of own controls
	Frameworks  []string `yaml:"frameworks"`   // folders of own frameworks
	Log         Log      `yaml:"log"`
	Traces      Traces   `yaml:"traces"`
	OpenID      OpenID   `yaml:"openid"`
	// Authenticators is a file of the FIDO Metadata Service, for the names of keys' models.
	Authenticators string `yaml:"authenticators"`
	// Approvals is a file of groups and policies: who has to approve what. Empty: defaults.
	Approvals string `yaml:"approvals"`
	// Alerts is a file of a policy: which alerts escalate when, and what is a storm. Empty:
	// defaults.
	Alerts string `yaml:"alerts"`
	// Anchors is a file of places that take checkpoints of the ledger. Empty: none.
	Anchors string `yaml:"anchors"`
	// Hunts is a file of places of logs that jobs may hunt through. Empty: none.
	Hunts string `yaml:"hunts"`
	// Backup is where jobs put backups of the store.
	Backup backup.Settings `yaml:"backup"`
	// Changes says how accounts are changed.
	Changes Changes `yaml:"changes"`
	// Root says what root is asked for.
	Root roottask.Settings `yaml:"root"`
	// Watch says where events come from while they happen.
	Watch Watch `yaml:"watch"`
	// NATS says how several processes share the flow of events.
	NATS share.Settings `yaml:"nats"`
	// Notify says how people are told.
	Notify outbox.Settings `yaml:"notify"`
	// Tiles says who reads the ledger's checkpoint and tiles: readers or anybody.
	Tiles string `yaml:"tiles"`

	Version string `yaml:"-"` // of the program

	from map[string]string // name of a setting: where it came from
}

// TLS names the files of the certificate, PEM; both are read again when they change.
type TLS struct {
	Cert string `yaml:"cert"` // with the chain
	Key  string `yaml:"key"`
}

// Log says how the server logs.
type Log struct {
	Format string `yaml:"format"` // text or json
	Level  string `yaml:"level"`  // debug, info, warn or error
}

// Traces says where traces go: an OTLP/HTTP endpoint. Empty: nowhere.
type Traces struct {
	Endpoint string `yaml:"endpoint"`
}

// OpenID is a provider of OpenID Connect that says who somebody is. Empty: none.
type OpenID struct {
	Name       string `yaml:"name"` // on the button
	Issuer     string `yaml:"issuer"`
	ClientID   string `yaml:"client_id"`
	SecretFile string `yaml:"client_secret_file"` // empty for a public client
	Claim      string `yaml:"groups_claim"`       // empty: groups give no roles
	// Groups are roles by the name of a group: viewer, or approver@ou:ou-abcd-11111111.
	Groups map[string][]string `yaml:"groups"`
}

const mostSettings = 1 << 20 // bytes of a file

// ReadSettings reads a settings file. What it does not know is an error that names the
// line.
func ReadSettings(path string) (Settings, error) {
	var c Settings
	f, err := os.Open(path)
	if err != nil {
		return c, fmt.Errorf("settings: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostSettings+1))
	switch {
	case err != nil:
		return c, fmt.Errorf("settings %s: %w", path, err)
	case len(text) > mostSettings:
		return c, fmt.Errorf("settings %s: larger than 1 MiB", path)
	case strings.TrimSpace(string(text)) == "":
		return c, nil
	}
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		return c, inFile(path, err)
	}
	c.from = map[string]string{}
	for _, v := range c.fields() {
		if v.given() {
			c.from[v.Name] = path
		}
	}
	return c, nil
}

// inFile names the line of a mistake, without the text around it: that may be a secret.
func inFile(path string, err error) error {
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return fmt.Errorf("settings %s:%d: %s; hint: docs/server.md lists the settings", path, at.GetToken().Position.Line, at.GetMessage())
	}
	return fmt.Errorf("settings %s: %w", path, err)
}

// Override takes the settings that flags gave.
func (c *Settings) Override(flags Settings) {
	if c.from == nil {
		c.from = map[string]string{}
	}
	mine := c.fields()
	for i, v := range flags.fields() {
		if v.given() {
			mine[i].take(v)
			c.from[v.Name] = "flag"
		}
	}
}

// resolve fills in what was left out and refuses what does not go together. port is the
// one that the system gave, for an address with port 0.
func (c *Settings) resolve() error {
	c.defaults()
	for _, r := range c.Roles {
		if !slices.Contains(Roles(), r) {
			return fmt.Errorf("role %q: want %s", r, strings.Join(Roles(), " or "))
		}
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		return errors.New("tls: a certificate needs its key, and a key its certificate; hint: --tls-cert and --tls-key")
	}
	if _, err := c.proxies(); err != nil {
		return err
	}
	if err := c.checkLedger(); err != nil {
		return err
	}
	if _, err := archive.Read(c.Hunts); err != nil {
		return err
	}
	if err := errors.Join(c.Backup.Check(), c.Changes.check(), c.Root.Check(), c.checkWatch(), c.NATS.Check(c.Store, c.Roles)); err != nil {
		return err
	}
	if _, err := c.logger(io.Discard); err != nil {
		return err
	}
	if _, err := c.OpenID.provider(); err != nil {
		return err
	}
	if _, err := c.book(); err != nil {
		return err
	}
	if _, err := alerting.Policy(c.Alerts); err != nil {
		return err
	}
	return c.reachable()
}

func (c *Settings) defaults() {
	def := func(name string, to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	listen, scheme := "localhost:8080", "http"
	if c.TLS.Cert != "" {
		listen, scheme = "localhost:8443", "https"
	}
	def("listen", &c.Listen, listen)
	if c.URL == "" {
		_, port, _ := net.SplitHostPort(c.Listen) // reachable says what is wrong with it
		c.URL = scheme + "://localhost:" + port
	}
	def("store", &c.Store, "rootkeep.db")
	def("key_file", &c.KeyFile, c.besideStore("ledger.key"))
	def("backup.keep", &c.Backup.Keep, backup.UsualKeep)
	def("changes.within", &c.Changes.Within, usualWithin)
	def("nats.replicas", &c.NATS.Replicas, "1")
	def("tiles", &c.Tiles, tilesReaders)
	def("log.format", &c.Log.Format, "text")
	def("log.level", &c.Log.Level, "info")
	if len(c.Roles) == 0 {
		c.Roles = slices.DeleteFunc(Roles(), func(r string) bool {
			return r == watchRole && c.Watch.Sources == "" || r == share.HuntRole && c.NATS.URL == ""
		})
	}
}

// besideStore is a file in the folder of a SQLite store; of another, in this folder.
func (c *Settings) besideStore(name string) string {
	if strings.Contains(c.Store, "://") {
		return name
	}
	return filepath.Join(filepath.Dir(strings.TrimPrefix(c.Store, "sqlite:")), name)
}

// reachable refuses an address that others reach without encryption, and one that does
// not fit how browsers are told to come.
func (c *Settings) reachable() error {
	u, err := ParseURL(c.URL)
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen %q: want host:port; hint: localhost:8080", c.Listen)
	}
	encrypted, proxied := c.TLS.Cert != "", len(c.BehindProxy) > 0
	switch {
	case !loopback(host) && !encrypted && !proxied:
		return fmt.Errorf("listen %q: others reach this address, and what they send would not be encrypted; hint: --tls-cert and --tls-key, or --behind-proxy RANGE for a proxy that encrypts", c.Listen)
	case u.Scheme == "https" && !encrypted && !proxied:
		return fmt.Errorf("url %q: nothing encrypts; hint: --tls-cert and --tls-key, or --behind-proxy RANGE for a proxy that does", c.URL)
	case u.Scheme == "http" && (encrypted || proxied):
		return fmt.Errorf("url %q: browsers come by https here; hint: --url https://HOST", c.URL)
	}
	return nil
}

// ParseURL reads the server's address. Security keys are bound to its host, so it is
// checked before anybody enrols one.
func ParseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("url %q: want a scheme and a host, nothing more; hint: https://rootkeep.example.com", text)
	}
	host := strings.ToLower(u.Hostname())
	_, notIP := netip.ParseAddr(host)
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || host != "localhost"):
		return nil, fmt.Errorf("url %q: want https, or http on localhost: browsers let security keys work there only", text)
	case notIP == nil:
		return nil, fmt.Errorf("url %q: security keys are bound to a name, not to a number; hint: https://rootkeep.example.com", text)
	case strings.ContainsFunc(host, func(r rune) bool { return r > '~' || r <= ' ' }):
		return nil, fmt.Errorf("url %q: write the host in ASCII (xn--...)", text)
	}
	port := u.Port()
	if port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		port = "" // as browsers write it
	}
	if port != "" {
		host = net.JoinHostPort(host, port)
	}
	return &url.URL{Scheme: u.Scheme, Host: host}, nil
}

// proxies are the ranges of the proxy in front.
func (c *Settings) proxies() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range c.BehindProxy {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, one := netip.ParseAddr(text)
			if one != nil {
				return nil, fmt.Errorf("behind_proxy %q: want an address or a range; hint: 10.0.0.5 or 10.0.0.0/24", text)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p.Bits() == 0 {
			return nil, fmt.Errorf("behind_proxy %q: every address would be believed to be the proxy", text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
