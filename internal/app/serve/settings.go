package serve

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
)

// Settings are those of the server, from its file and its flags.
type Settings struct {
	URL     string `yaml:"url"`    // where browsers find it: scheme and host
	Listen  string `yaml:"listen"` // host:port
	Store   string `yaml:"store"`  // sqlite:PATH, a path, or postgres://...
	KeyFile string `yaml:"key_file"`

	Version string `yaml:"-"`
	address *url.URL
}

// check fills in what was left out and refuses what does not go together.
func (c *Settings) check() error {
	if c.Listen == "" {
		c.Listen = "localhost:8080"
	}
	if c.URL == "" {
		c.URL = "http://" + c.Listen
	}
	if c.Store == "" {
		c.Store = "rootkeep.db"
	}
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(filepath.Dir(strings.TrimPrefix(c.Store, "sqlite:")), "ledger.key")
	}
	var err error
	if c.address, err = parseURL(c.URL); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen %q: %w; hint: localhost:8080", c.Listen, err)
	}
	if !loopback(host) {
		return fmt.Errorf("listen %q: not an address of this machine alone", c.Listen)
	}
	return nil
}

// parseURL reads the server's address: passkeys are bound to its host, so it is checked
// before anybody enrols one.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return nil, fmt.Errorf("url %q: want a scheme and a host; hint: https://rootkeep.example.com", text)
	case u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost"):
		return nil, fmt.Errorf("url %q: want https, or http on localhost: browsers allow security keys there only", text)
	}
	u.Path = ""
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
