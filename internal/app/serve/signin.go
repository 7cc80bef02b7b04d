package serve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	webpeople "github.com/rootkeep/rootkeep/internal/web/people"
	"github.com/rootkeep/rootkeep/internal/web/signin"
)

// SignOn is a provider of OpenID Connect. It identifies people who were invited, and
// lets them read; what changes something asks for a security key all the same.
type SignOn struct {
	Name       string   `yaml:"name"` // on the button; empty: the issuer
	Issuer     string   `yaml:"issuer"`
	ClientID   string   `yaml:"client_id"`
	SecretFile string   `yaml:"client_secret_file"` // empty: a public client
	Claim      string   `yaml:"groups_claim"`       // of the ID token; empty: groups give no roles
	Groups     []string `yaml:"groups"`             // GROUP=ROLE@SCOPE, such as cloud-readers=viewer@*
}

// provider is single sign-on as the settings have it, nil if there is none.
func (o SignOn) provider() (*signin.Provider, error) {
	if o.Issuer == "" {
		if o.ClientID != "" || len(o.Groups) > 0 {
			return nil, errors.New("single_sign_on: want an issuer; hint: issuer: https://login.example.com")
		}
		return nil, nil
	}
	if !strings.HasPrefix(o.Issuer, "https://") && !strings.HasPrefix(o.Issuer, "http://localhost:") {
		return nil, fmt.Errorf("single_sign_on.issuer %q: want an address of https", o.Issuer)
	}
	if o.ClientID == "" {
		return nil, errors.New("single_sign_on: want the client_id under which the provider knows this server")
	}
	p := &signin.Provider{Name: o.Name, Issuer: o.Issuer, ClientID: o.ClientID, Claim: o.Claim, Groups: map[string][]people.Grant{}}
	if p.Name == "" {
		p.Name = strings.TrimPrefix(o.Issuer, "https://")
	}
	if o.SecretFile != "" {
		secret, err := os.ReadFile(o.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("single_sign_on.client_secret_file: %w", err)
		}
		p.Secret = strings.TrimSpace(string(secret))
	}
	for _, text := range o.Groups {
		group, g, err := groupGrant(text)
		if err != nil {
			return nil, fmt.Errorf("single_sign_on.groups %q: %w", text, err)
		}
		p.Groups[group] = append(p.Groups[group], g)
	}
	return p, nil
}

// groupGrant reads GROUP=ROLE@SCOPE. The group may hold = itself.
func groupGrant(text string) (string, people.Grant, error) {
	i := strings.LastIndex(text, "=")
	if i < 1 {
		return "", people.Grant{}, errors.New("want GROUP=ROLE@SCOPE; hint: cloud-readers=viewer@*")
	}
	g, err := people.ParseGrant(text[i+1:])
	return text[:i], g, err
}

// enter makes the ways in.
func (d *deps) enter() error {
	provider, err := d.settings.SignOn.provider()
	if err != nil {
		return err
	}
	c := signin.Config{URL: d.url, Store: d.store, Now: d.now, Log: d.log, Provider: provider}
	if d.settings.Models != "" {
		f, err := os.Open(d.settings.Models)
		if err != nil {
			return fmt.Errorf("fido_metadata: %w", err)
		}
		defer f.Close()
		if c.Models, err = signin.ReadModels(f, ""); err != nil {
			return err
		}
	}
	d.in, err = signin.New(c)
	return err
}

func peopleArea(d *deps) web.Area {
	return webpeople.Area(webpeople.Config{URL: d.url, Store: d.store, Now: d.now, SignIn: d.in, Issuer: d.settings.SignOn.Issuer})
}

// firstLink is the link that enrols the first administrator's key; empty once a key is
// there.
func (d *deps) firstLink(ctx context.Context) (string, error) {
	var link string
	err := d.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		secret, ok, err := persons.FirstLink(ctx, tx)
		if link = ""; ok {
			link = signin.EnrolAddress(d.url, secret)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("the first administrator: %w", err)
	}
	return link, nil
}
