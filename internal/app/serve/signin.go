package serve

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web/signin"
)

// newSignIn makes the ways in.
func (h *house) newSignIn() (*signin.SignIn, error) {
	provider, err := h.settings.OpenID.provider()
	if err != nil {
		return nil, err
	}
	if path := h.settings.OpenID.SecretFile; path != "" {
		if provider.Secret, err = keyfile.ReadSecret(path); err != nil {
			return nil, fmt.Errorf("openid.client_secret_file: %w", err)
		}
	}
	models, err := readModels(h.settings.Authenticators)
	if err != nil {
		return nil, err
	}
	return signin.New(signin.Config{URL: h.url, Store: h.store, Now: h.now, Log: h.log, Provider: provider, Models: models})
}

func readModels(path string) (signin.Models, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("authenticators: %w", err)
	}
	defer f.Close()
	m, err := signin.ReadModels(f, "")
	if err != nil {
		return nil, fmt.Errorf("authenticators %s: %w", path, err)
	}
	return m, nil
}

// provider is the provider without its secret, nil for none.
func (o OpenID) provider() (*signin.Provider, error) {
	if o.Issuer == "" {
		if o.ClientID != "" || o.SecretFile != "" || o.Claim != "" || len(o.Groups) > 0 {
			return nil, errors.New("openid.issuer: without the issuer there is no provider")
		}
		return nil, nil
	}
	u, err := url.Parse(o.Issuer)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, fmt.Errorf("openid.issuer %q: want an https address", o.Issuer)
	case o.ClientID == "":
		return nil, errors.New("openid.client_id: the provider knows rootkeep by it")
	case (o.Claim == "") != (len(o.Groups) == 0):
		return nil, errors.New("openid.groups_claim and openid.groups: one needs the other")
	}
	p := &signin.Provider{Name: o.Name, Issuer: o.Issuer, ClientID: o.ClientID, Claim: o.Claim, Groups: map[string][]people.Grant{}}
	if p.Name == "" {
		p.Name = u.Hostname()
	}
	for group, roles := range o.Groups {
		for _, text := range roles {
			g, err := people.ParseGrant(text)
			if err != nil {
				return nil, fmt.Errorf("openid.groups: %s: %w", group, err)
			}
			p.Groups[group] = append(p.Groups[group], g)
		}
	}
	return p, nil
}

// firstLink is the link that enrols the first administrator, empty once somebody has a
// key, and as long as the demonstration has not reached the present: it ends with a day.
func (h *house) firstLink(ctx context.Context) (string, error) {
	if h.story != nil && h.story.making.Load() {
		return "", nil
	}
	var link string
	err := h.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		link = ""
		secret, needed, err := persons.FirstLink(ctx, tx)
		if err == nil && needed {
			link = signin.EnrolAddress(h.url, secret)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("make the first link: %w", err)
	}
	return link, nil
}
