package signin_test

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web/signin"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

func TestPagesOfSignInInABrowser(t *testing.T) {
	s := webtest.Store(t)
	var ada persons.Person
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		if _, _, err = persons.Recover(ctx, tx, "Recovered administrator"); err != nil {
			return err
		}
		if ada, err = persons.Add(ctx, tx, "system", "Ada Lovelace", "ada@example.com"); err != nil {
			return err
		}
		_, err = persons.AddKey(ctx, tx, ada.ID, persons.Key{Person: ada.ID, Name: "blue key", Credential: []byte("c"), PublicKey: []byte("p"), AAGUID: make([]byte, 16), Attestation: []byte("a"), ClientData: []byte("d"), AttestationType: "none", AttestationFormat: "none"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	in, err := signin.New(signin.Config{
		URL: &url.URL{Scheme: "https", Host: "rootkeep.example"}, Store: s, Now: time.Now,
		Provider: &signin.Provider{Name: "Example & Sons", Issuer: "https://idp.example", ClientID: "rootkeep"},
	})
	if err != nil {
		t.Fatal(err)
	}
	actor := people.Actor{ID: ada.ID, Name: ada.Name, Kind: people.Person, Grants: []people.Grant{{Role: people.Admin, Scope: people.Everywhere}}}
	server := webtest.Serve(t, s, webtest.Actors{"ada": actor}, in.Area())
	if got := server.Get("", "/sign-in"); !strings.Contains(got.Body, "Sign in with Example &amp; Sons<") {
		t.Errorf("the button of single sign-on does not name the provider:\n%s", got.Body)
	}
	b := server.Browser(t)
	b.Photograph("", "sign-in", "/sign-in")
	b.Photograph("", "enrol", "/enrol")
	b.Photograph("ada", "sign-in-again", "/sign-in/again?to=/me")
	b.Photograph("ada", "me", "/me")
}
