// Package signin finds out who makes a request: people by their security keys, or by a
// provider of OpenID Connect; machines by their tokens. Ceremonies of Web Authentication
// and sessions are here; what is kept of them is in internal/store/people.
//
// Every proof of a key asks for user verification. The relying party's ID and the only
// origin come from the one address of the server.
package signin

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
)

// Config is what sign-in is made of.
type Config struct {
	URL      *url.URL // scheme and host under which browsers know the server
	Store    *store.Store
	Now      func() time.Time
	Log      *slog.Logger // nil: nothing is logged
	Provider *Provider    // OpenID Connect; nil for none
	Models   Models       // names of authenticators; nil: their AAGUIDs are shown
}

// SignIn is the ways in. Make it with New.
type SignIn struct {
	config   Config
	party    *webauthn.WebAuthn
	sessions *scs.SessionManager
	limit    *limiter
}

// New makes the ways in. The host of the address must be a name: keys are bound to it,
// and a browser binds none to a number.
func New(c Config) (*SignIn, error) {
	switch {
	case c.URL == nil || c.URL.Host == "":
		return nil, errors.New("sign-in: the server's address is required")
	case c.Store == nil:
		return nil, errors.New("sign-in: a store is required")
	case c.Now == nil:
		return nil, errors.New("sign-in: a clock is required")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	host := strings.ToLower(c.URL.Hostname())
	if net.ParseIP(host) != nil {
		return nil, fmt.Errorf("sign-in: security keys are bound to a name, and %s is a number; hint: set url to a name, such as https://rootkeep.example.com or http://localhost:8080", host)
	}
	party, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: "rootkeep", RPOrigins: []string{origin(c.URL)},
		AttestationPreference: protocol.PreferDirectAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("sign-in: address %s: %w", c.URL, err)
	}
	s := &SignIn{config: c, party: party, limit: newLimiter(c.Now)}
	s.sessions = s.newSessions()
	return s, nil
}

// origin is the address as a browser names it: no port that goes without saying.
func origin(u *url.URL) string {
	host := strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"https": ":443", "http": ":80"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return u.Scheme + "://" + host
}

func (s *SignIn) secure() bool { return s.config.URL.Scheme == "https" }

// cookie is one of ours: no script sees it, and under https no other host of the domain
// can set it (RFC 6265bis, section 4.1.3.2).
func (s *SignIn) cookie(name, value string, life time.Duration, site http.SameSite) *http.Cookie {
	age := int(life.Seconds())
	if value == "" {
		age = -1
	}
	return &http.Cookie{Name: s.cookieName(name), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: s.secure(), SameSite: site}
}

func (s *SignIn) cookieName(name string) string {
	if s.secure() {
		return "__Host-" + name
	}
	return name
}

// EnrolAddress is the link that enrols a key, on the server at the address. The secret is
// behind the #, which browsers send to nobody: it is in no log and no Referer.
func EnrolAddress(server *url.URL, secret persons.Secret) string {
	return origin(server) + "/enrol#" + secret.Reveal()
}
