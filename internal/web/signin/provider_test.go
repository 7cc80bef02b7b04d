package signin_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web/signin"
)

// idp is a provider of OpenID Connect that signs what the test wants it to.
type idp struct {
	t       *testing.T
	url     string
	key     *ecdsa.PrivateKey
	nonce   string // of the last authorization
	pkce    string // its challenge
	exp     time.Time
	subject string
	groups  []string
	spoil   func(claims map[string]any)
	signer  *ecdsa.PrivateKey
	asked   int // exchanges
}

func newIDP(t *testing.T) *idp {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &idp{t: t, key: key, signer: key, subject: "subject-42", exp: time.Now().Add(time.Hour), spoil: func(map[string]any) {}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.write(w, map[string]any{
			"issuer": p.url, "authorization_endpoint": p.url + "/authorize", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/keys",
			"id_token_signing_alg_values_supported": []string{"ES256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.write(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &p.key.PublicKey, KeyID: "1", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /token", p.token)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *idp) write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

// token exchanges the code if the verifier is the one of the authorization.
func (p *idp) token(w http.ResponseWriter, r *http.Request) {
	p.asked++
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if r.PostFormValue("code") != "good" || base64.RawURLEncoding.EncodeToString(sum[:]) != p.pkce {
		w.WriteHeader(http.StatusBadRequest)
		p.write(w, map[string]string{"error": "invalid_grant"})
		return
	}
	claims := map[string]any{"iss": p.url, "sub": p.subject, "aud": "rootkeep", "exp": p.exp.Unix(), "iat": p.exp.Add(-time.Hour).Unix(), "nonce": p.nonce, "groups": p.groups}
	p.spoil(claims)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.signer, KeyID: "1"}}, nil)
	if err != nil {
		p.t.Error(err)
		return
	}
	body, err := json.Marshal(claims)
	if err != nil {
		p.t.Error(err)
		return
	}
	signed, err := signer.Sign(body)
	if err != nil {
		p.t.Error(err)
		return
	}
	raw, err := signed.CompactSerialize()
	if err != nil {
		p.t.Error(err)
		return
	}
	p.write(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": raw})
}

// go to the provider and give the state with which it sends back.
func (b *tab) toProvider(p *idp) string {
	b.t.Helper()
	answer, text := b.send("GET", "/sign-in/provider?to=%2Fwho", "")
	at, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(at.String(), p.url+"/authorize") {
		b.t.Fatalf("got %s to %q: %s, want the provider", answer.Status, at, text)
	}
	q := at.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || q.Get("redirect_uri") != b.url+"/sign-in/return" {
		b.t.Fatalf("got %v, want PKCE, a nonce and the way back", q)
	}
	p.nonce, p.pkce = q.Get("nonce"), q.Get("code_challenge")
	return q.Get("state")
}

func (p *idp) provider() *signin.Provider {
	return &signin.Provider{Name: "Example", Issuer: p.url, ClientID: "rootkeep", Secret: "secret", Claim: "groups", Groups: map[string][]people.Grant{
		"cloud-admins": {{Role: people.Admin, Scope: "*"}},
		"auditors":     {{Role: people.Auditor, Scope: "*"}},
	}}
}

// known makes the subject of the provider a person.
func (s *site) known(p *idp) persons.Person {
	s.t.Helper()
	made, _ := s.link("Ada", people.Grant{Role: people.Requester, Scope: "account:111122223333"})
	s.do(func(ctx context.Context, tx *store.Tx) error {
		return persons.Identify(ctx, tx, "system", made.ID, p.url, p.subject)
	})
	return made
}

func TestSingleSignOnLetsRead(t *testing.T) {
	p := newIDP(t)
	s := serve(t, p.provider())
	made := s.known(p)
	p.groups = []string{"cloud-admins", "strangers", "auditors"}
	b := s.tab()
	state := b.toProvider(p)
	answer, text := b.send("GET", "/sign-in/return?code=good&state="+state, "", "Sec-Fetch-Site", "cross-site")
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Refresh") != "0; url=/who" {
		t.Fatalf("got %s, Refresh %q: %s", answer.Status, answer.Header.Get("Refresh"), text)
	}
	if _, text = b.send("GET", "/who", ""); text != made.ID+" [{viewer account:111122223333} {viewer *} {auditor *}]" {
		t.Errorf("got %q, want that every role only reads", text)
	}
	if got := b.status("GET", "/private"); got != http.StatusForbidden {
		t.Errorf("an administrator by a group, without a key: got %d, want 403", got)
	}
	if got := b.status("POST", "/privileged"); got != http.StatusSeeOther {
		t.Errorf("what needs a key: got %d, want the page that asks for it", got)
	}
	if answer, text := b.send("POST", "/sign-in/again/begin", "{}"); answer.StatusCode != http.StatusForbidden || !strings.Contains(text, "no security key yet") {
		t.Errorf("without any key: got %s: %s", answer.Status, text)
	}
	s.keyFor(made, b)
	if status, text := b.again(); status != http.StatusOK {
		t.Fatalf("the key in the session: got %d: %s", status, text)
	}
	if got := b.status("GET", "/private"); got != http.StatusOK {
		t.Errorf("with the key: got %d, want the roles in full", got)
	}
}

// keyFor enrols the tab's key for a person, by a link opened elsewhere.
func (s *site) keyFor(p persons.Person, b *tab) {
	s.t.Helper()
	var link persons.Secret
	s.do(func(ctx context.Context, tx *store.Tx) (err error) {
		link, err = persons.NewLink(ctx, tx, "system", p.ID, time.Hour)
		return err
	})
	other := s.tab()
	other.key = b.key
	if status, text := other.enrol(link.Reveal()); status != http.StatusOK {
		s.t.Fatalf("enrol: got %d: %s", status, text)
	}
}

func TestWhatOfAProviderIsRefused(t *testing.T) {
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		spoil func(*idp)
		query string // after code=good&state=...
		want  int
	}{
		{"a subject that nobody has", func(p *idp) { p.subject = "stranger" }, "", 403},
		{"a token for somebody else's client", func(p *idp) { p.spoil = func(c map[string]any) { c["aud"] = "other" } }, "", 502},
		{"a token of another issuer", func(p *idp) { p.spoil = func(c map[string]any) { c["iss"] = "https://evil.example" } }, "", 502},
		{"a token that has expired", func(p *idp) { p.exp = time.Now().Add(-time.Hour) }, "", 502},
		{"a token of an earlier sign-in", func(p *idp) { p.nonce = "other" }, "", 502},
		{"a token that another key signed", func(p *idp) { p.signer = other }, "", 502},
		{"a code without its verifier", func(p *idp) { p.pkce = "other" }, "", 502},
		{"an answer of another provider", func(*idp) {}, "&iss=https%3A%2F%2Fevil.example", 502},
		{"groups without end", func(p *idp) { p.groups = strings.Split(strings.Repeat("x,", 2000), ",") }, "", 502},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newIDP(t)
			s := serve(t, p.provider())
			s.known(p)
			b := s.tab()
			state := b.toProvider(p)
			test.spoil(p)
			answer, text := b.send("GET", "/sign-in/return?code=good&state="+state+test.query, "")
			if answer.StatusCode != test.want {
				t.Errorf("got %s: %s, want %d", answer.Status, text, test.want)
			}
			if got := b.status("GET", "/who"); got != http.StatusSeeOther {
				t.Errorf("got %d, want that nobody is signed in", got)
			}
		})
	}
}

func TestTheWayBackIsOfOneBrowserAndOnce(t *testing.T) {
	p := newIDP(t)
	s := serve(t, p.provider())
	s.known(p)
	b := s.tab()
	state := b.toProvider(p)
	for name, try := range map[string]struct {
		tab   *tab
		state string
	}{"another browser": {s.tab(), state}} {
		if answer, _ := try.tab.send("GET", "/sign-in/return?code=good&state="+try.state, ""); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %s, want 400", name, answer.Status)
		}
	}
	if answer, _ := b.send("GET", "/sign-in/return?code=good&state=other", ""); answer.StatusCode != http.StatusBadGateway {
		t.Errorf("another state: got %s, want 502", answer.Status)
	}
	if answer, _ := b.send("GET", "/sign-in/return?code=good&state="+state, ""); answer.StatusCode != http.StatusBadRequest {
		t.Errorf("the second time: got %s, want 400", answer.Status)
	}
	if p.asked != 0 {
		t.Errorf("got %d exchanges of codes, want none", p.asked)
	}
}

func TestTheCookieOfTheWayBackIsLaxAndShort(t *testing.T) {
	p := newIDP(t)
	s := serve(t, p.provider())
	answer, _ := s.tab().send("GET", "/sign-in/provider", "")
	for _, c := range answer.Cookies() {
		if c.Name == "__Host-rootkeep-return" {
			if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 300 {
				t.Errorf("got %s", c)
			}
			return
		}
	}
	t.Errorf("got cookies %v, want __Host-rootkeep-return", answer.Cookies())
}

// TestAProviderThatFailsIsNotAskedByEverybody counts how often it is asked for its
// addresses, and waits until it is well again.
func TestAProviderThatFailsIsNotAskedByEverybody(t *testing.T) {
	p := newIDP(t)
	var asked, ill atomic.Int32
	ill.Store(1)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if ill.Load() == 1 {
			http.Error(w, "ill", http.StatusServiceUnavailable)
			return
		}
		p.write(w, map[string]any{"issuer": p.url, "authorization_endpoint": p.url + "/authorize", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/keys"})
	}))
	t.Cleanup(front.Close)
	p.url = front.URL
	s := serve(t, p.provider())
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { s.tab().send("GET", "/sign-in/provider", "") })
	}
	all.Wait()
	if got := asked.Load(); got != 1 {
		t.Errorf("20 came: got %d questions, want 1", got)
	}
	ill.Store(0)
	s.wait(11 * time.Second)
	if got := s.tab().status("GET", "/sign-in/provider"); got != http.StatusSeeOther {
		t.Errorf("once it is well: got %d, want the way there", got)
	}
}

func TestAProviderThatIsNotThere(t *testing.T) {
	p := newIDP(t)
	provider := p.provider()
	provider.Issuer = "http://127.0.0.1:1"
	s := serve(t, provider)
	if answer, text := s.tab().send("GET", "/sign-in/provider", ""); answer.StatusCode != http.StatusBadGateway || !strings.Contains(text, "security key") {
		t.Errorf("got %s: %s, want that the key still works", answer.Status, text)
	}
	if text := fmt.Sprintf("%v %+v %#v", provider, provider, provider); strings.Contains(text, "secret") {
		t.Errorf("printed: %s", text)
	}
}
