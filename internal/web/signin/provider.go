package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/rootkeep/rootkeep/internal/people"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
)

// Provider is a provider of OpenID Connect that says who somebody is. It adds nobody: it
// identifies persons who are there, by issuer and subject.
type Provider struct {
	Name     string // on the button
	Issuer   string
	ClientID string
	Secret   string                    // of the client; "" for a public one
	Claim    string                    // of groups, such as groups; "" for none
	Groups   map[string][]people.Grant // what groups stand for
	Client   *http.Client              // nil: http.DefaultClient

	mu     sync.Mutex // guards the rest
	found  *oidc.Provider
	failed error // the last try to find it
	again  time.Time
}

// Format does not print the secret.
func (p *Provider) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "provider %s", p.Issuer) }

const (
	kindProvider   = "provider"
	returnPath     = "/sign-in/return"
	returnCookie   = "rootkeep-return"
	providerWithin = 15 * time.Second
	providerAgain  = 10 * time.Second // after it was not found, before it is asked again
	maxGroups      = 1000
)

// visit is what is kept while somebody is at the provider.
type visit struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"` // of PKCE, RFC 7636
	To       string `json:"to"`
}

// discover finds the provider's addresses, once it answers: a server starts without it.
// Those who wait while one asks get the same answer, also if it is an error: each asking
// anew, behind the other, would wait for ever longer.
func (p *Provider) discover(ctx context.Context, now func() time.Time) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.found != nil:
		return p.found, nil
	case p.failed != nil && now().Before(p.again):
		return nil, p.failed
	}
	// The provider's keys are read later under this context: it must not end with the request.
	found, err := oidc.NewProvider(context.WithoutCancel(ctx), p.Issuer)
	if err != nil {
		p.failed, p.again = fmt.Errorf("find the provider %s: %w", p.Issuer, err), now().Add(providerAgain)
		return nil, p.failed
	}
	p.found = found
	return found, nil
}

func (p *Provider) context(ctx context.Context) (context.Context, context.CancelFunc) {
	c := p.Client
	if c == nil {
		c = &http.Client{Timeout: providerWithin}
	}
	return context.WithTimeout(oidc.ClientContext(ctx, c), providerWithin)
}

func (s *SignIn) oauth(found *oidc.Provider) *oauth2.Config {
	p := s.config.Provider
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.Secret, Endpoint: found.Endpoint(),
		RedirectURL: origin(s.config.URL) + returnPath, Scopes: []string{oidc.ScopeOpenID, "profile"},
	}
}

var errProvider = web.Refuse(http.StatusBadGateway, "provider", "single sign-on does not answer as it should; hint: sign in with a security key, and look into the server's log")

// toProvider sends somebody to the provider. The way back is tied to the browser by a
// cookie that is Lax: it has to come with a request that another site begins.
func (s *SignIn) toProvider(w http.ResponseWriter, r *http.Request) error {
	p := s.config.Provider
	if p == nil {
		return web.NotFound("provider of single sign-on")
	}
	if err := s.limit.allow(r); err != nil {
		return err
	}
	ctx, cancel := p.context(r.Context())
	defer cancel()
	found, err := p.discover(ctx, s.config.Now)
	if err != nil {
		s.config.Log.ErrorContext(ctx, "single sign-on", "error", err.Error())
		return errProvider
	}
	v := visit{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), To: web.LocalPath(r.URL.Query().Get("to"))}
	handle, err := s.begin(r.Context(), kindProvider, v)
	if err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(returnCookie, handle, persons.CeremonyLife, http.SameSiteLaxMode))
	http.Redirect(w, r, s.oauth(found).AuthCodeURL(v.State, oidc.Nonce(v.Nonce), oauth2.S256ChallengeOption(v.Verifier)), http.StatusSeeOther)
	return nil
}

// fromProvider takes somebody back. The session's cookie is Strict and the request came
// from another site, so the answer is a page of ours that goes on by itself.
func (s *SignIn) fromProvider(w http.ResponseWriter, r *http.Request) error {
	if s.config.Provider == nil {
		return web.NotFound("provider of single sign-on")
	}
	c, err := r.Cookie(s.cookieName(returnCookie))
	if err != nil {
		return errOver
	}
	http.SetCookie(w, s.cookie(returnCookie, "", 0, http.SameSiteLaxMode))
	var v visit
	if err := s.take(r.Context(), kindProvider, c.Value, &v); err != nil {
		return err
	}
	who, groups, err := s.vouched(r.Context(), v, r.URL.Query())
	if err != nil {
		s.config.Log.WarnContext(r.Context(), "single sign-on refused", "error", err.Error())
		return errProvider
	}
	o, err := s.owner(r.Context(), byIdentity(who))
	if err != nil || o.person.State != persons.Active {
		s.config.Log.WarnContext(r.Context(), "single sign-on of somebody unknown", "subject", who.Subject)
		return web.Refuse(http.StatusForbidden, "unknown-person", "single sign-on knows you and rootkeep does not; hint: an administrator invites you and enters your subject "+who.Subject)
	}
	if err := s.enter(w, r, persons.Session{Person: o.person.ID, Issuer: who.Issuer, Grants: groups}); err != nil {
		return err
	}
	return s.onward(w, r, v.To)
}

// vouched checks what the provider says, and gives who it is and what the groups stand
// for (OpenID Connect Core, section 3.1.3.7; RFC 9207).
func (s *SignIn) vouched(ctx context.Context, v visit, q url.Values) (persons.Identity, []people.Grant, error) {
	p := s.config.Provider
	switch {
	case subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(v.State)) != 1:
		return persons.Identity{}, nil, errors.New("the state is not ours")
	case q.Has("iss") && q.Get("iss") != p.Issuer:
		return persons.Identity{}, nil, fmt.Errorf("the answer is of %q", q.Get("iss"))
	case q.Get("error") != "":
		return persons.Identity{}, nil, fmt.Errorf("the provider refused: %q", q.Get("error"))
	}
	ctx, cancel := p.context(ctx)
	defer cancel()
	found, err := p.discover(ctx, s.config.Now)
	if err != nil {
		return persons.Identity{}, nil, err
	}
	answer, err := s.oauth(found).Exchange(ctx, q.Get("code"), oauth2.VerifierOption(v.Verifier))
	if err != nil {
		return persons.Identity{}, nil, fmt.Errorf("exchange the code: %w", err)
	}
	raw, ok := answer.Extra("id_token").(string)
	if !ok {
		return persons.Identity{}, nil, errors.New("the provider gave no ID token")
	}
	token, err := found.Verifier(&oidc.Config{ClientID: p.ClientID, Now: s.config.Now}).Verify(ctx, raw)
	if err != nil {
		return persons.Identity{}, nil, fmt.Errorf("ID token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(v.Nonce)) != 1 {
		return persons.Identity{}, nil, errors.New("ID token: the nonce is not ours")
	}
	grants, err := p.grants(token)
	return persons.Identity{Issuer: token.Issuer, Subject: token.Subject}, grants, err
}

// grants is what the groups in a token stand for.
func (p *Provider) grants(token *oidc.IDToken) ([]people.Grant, error) {
	if p.Claim == "" || len(p.Groups) == 0 {
		return nil, nil
	}
	var claims map[string]any
	if err := token.Claims(&claims); err != nil {
		return nil, fmt.Errorf("ID token: %w", err)
	}
	list, ok := claims[p.Claim].([]any)
	if !ok {
		return nil, nil // in no group, or none that the provider tells
	}
	if len(list) > maxGroups {
		return nil, fmt.Errorf("ID token: %d groups", len(list))
	}
	var out []people.Grant
	for _, g := range list {
		name, _ := g.(string)
		for _, grant := range p.Groups[name] {
			if !slices.Contains(out, grant) {
				out = append(out, grant)
			}
		}
	}
	return out, nil
}
