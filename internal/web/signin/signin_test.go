package signin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/signin"
	"github.com/rootkeep/rootkeep/internal/web/signin/authtest"
)

// site is a server over https with a clock that the test turns.
type site struct {
	t     *testing.T
	url   string
	store *store.Store
	tls   *http.Transport
	later atomic.Int64 // how far the clock was turned
}

func (s *site) now() time.Time { return time.Now().Add(time.Duration(s.later.Load())) }

func (s *site) wait(d time.Duration) { s.later.Add(int64(d)) }

// newMinute turns the clock to the beginning of a minute, of which what is counted by the minute
// has all then.
func (s *site) newMinute() {
	now := s.now()
	s.wait(now.Truncate(time.Minute).Add(time.Minute).Sub(now))
}

// serve starts a site. Besides sign-in it has three routes: one for whoever is signed
// in, one that needs a fresh key, and one that needs a role.
func serve(t *testing.T, provider *signin.Provider) *site {
	t.Helper()
	return start(t, provider, httptest.NewTLSServer)
}

func start(t *testing.T, provider *signin.Provider, listen func(http.Handler) *httptest.Server) *site {
	t.Helper()
	s := &site{t: t}
	o := storetest.Options(t)
	o.Now = s.now
	s.store = storetest.Open(t, storetest.SQLite(t), o)
	var handler http.Handler
	listener := listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(listener.Close)
	s.url = strings.Replace(listener.URL, "127.0.0.1", "localhost", 1)
	s.tls = listener.Client().Transport.(*http.Transport)
	if s.tls.TLSClientConfig != nil {
		s.tls.TLSClientConfig.ServerName = "example.com" // of the certificate
	}
	address, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	in, err := signin.New(signin.Config{URL: address, Store: s.store, Now: s.now, Log: log, Provider: provider})
	if err != nil {
		t.Fatal(err)
	}
	say := func(w http.ResponseWriter, r *http.Request) error {
		a := web.ActorOf(r.Context())
		_, err := fmt.Fprintf(w, "%s %s", a.ID, a.Grants)
		return err
	}
	handler, err = web.New(web.Config{URL: address, Store: s.store, Authenticator: in, Now: s.now, Log: log, Areas: []web.Area{in.Area(), {Name: "test", Routes: []web.Route{
		{Method: "GET", Path: "/who", Need: people.SignedIn, Handle: say},
		{Method: "GET", Path: "/private", Need: people.ManagePeople, Handle: say},
		{Method: "POST", Path: "/privileged", Need: people.SignedIn, Fresh: true, Handle: say},
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// link makes a person and what their link carries.
func (s *site) link(name string, grants ...people.Grant) (persons.Person, string) {
	s.t.Helper()
	var p persons.Person
	var link persons.Secret
	s.do(func(ctx context.Context, tx *store.Tx) (err error) {
		if p, err = persons.Add(ctx, tx, "system", name, ""); err != nil {
			return err
		}
		for _, g := range grants {
			if err := persons.Grant(ctx, tx, "system", p.ID, g); err != nil {
				return err
			}
		}
		link, err = persons.NewLink(ctx, tx, "system", p.ID, time.Hour)
		return err
	})
	return p, link.Reveal()
}

func (s *site) do(change func(context.Context, *store.Tx) error) {
	s.t.Helper()
	if err := s.store.Update(s.t.Context(), change); err != nil {
		s.t.Fatal(err)
	}
}

// entries counts the entries of a type in the ledger.
func (s *site) entries(kind string) (n int) {
	s.t.Helper()
	err := s.store.View(s.t.Context(), func(ctx context.Context, r *store.Reader) error {
		return r.Row(ctx, `SELECT COUNT(*) FROM log_entry WHERE type = $1`, kind).Scan(&n)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// tab is a browser with a security key.
type tab struct {
	*site
	client *http.Client
	key    *authtest.Key
	origin string // that its pages have
}

func (s *site) tab() *tab {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &tab{s, &http.Client{Transport: s.tls, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, &authtest.Key{}, s.url}
}

// send sends a request, with headers as names and values in turn.
func (b *tab) send(method, path, body string, headers ...string) (*http.Response, string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer, string(text)
}

func (b *tab) status(method, path string) int {
	b.t.Helper()
	answer, _ := b.send(method, path, "")
	return answer.StatusCode
}

// begun is what the server gives for a ceremony.
type begun struct {
	Ceremony string          `json:"ceremony"`
	Options  json.RawMessage `json:"options"`
}

func (b *tab) begin(path, body string) begun {
	b.t.Helper()
	answer, text := b.send("POST", path, body)
	if answer.StatusCode != http.StatusOK {
		b.t.Fatalf("%s: got %s: %s", path, answer.Status, text)
	}
	var v begun
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		b.t.Fatal(err)
	}
	return v
}

// finish sends a key's answer with further values, and gives the status and the text.
func (b *tab) finish(path string, v begun, credential []byte, more ...string) (int, string) {
	b.t.Helper()
	fields := map[string]any{"ceremony": v.Ceremony, "credential": json.RawMessage(credential)}
	for i := 0; i+1 < len(more); i += 2 {
		fields[more[i]] = more[i+1]
	}
	body, err := json.Marshal(fields)
	if err != nil {
		b.t.Fatal(err)
	}
	answer, text := b.send("POST", path, string(body))
	return answer.StatusCode, text
}

// enrol goes through the enrolment of a link.
func (b *tab) enrol(link string) (int, string) {
	b.t.Helper()
	v := b.begin("/enrol/begin", `{"link":"`+link+`"}`)
	credential, err := b.key.Create(b.origin, v.Options)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.finish("/enrol/finish", v, credential, "link", link)
}

// signIn goes through a sign-in.
func (b *tab) signIn(more ...string) (int, string) {
	b.t.Helper()
	v := b.begin("/sign-in/begin", "{}")
	credential, err := b.key.Get(b.origin, v.Options)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.finish("/sign-in/finish", v, credential, more...)
}

func (b *tab) again() (int, string) {
	b.t.Helper()
	v := b.begin("/sign-in/again/begin", "{}")
	credential, err := b.key.Get(b.origin, v.Options)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.finish("/sign-in/again/finish", v, credential)
}

// ada gives a person who has enrolled a key, in a tab where nobody is signed in.
func (s *site) ada(grants ...people.Grant) (persons.Person, *tab) {
	s.t.Helper()
	p, link := s.link("Ada", grants...)
	b := s.tab()
	if status, text := b.enrol(link); status != http.StatusOK {
		s.t.Fatalf("enrol: got %d: %s", status, text)
	}
	b.send("POST", "/sign-out", "", "Content-Type", "application/x-www-form-urlencoded")
	if got := b.status("GET", "/who"); got != http.StatusSeeOther {
		s.t.Fatalf("after sign-out: got %d, want the way to sign in", got)
	}
	return p, b
}

func TestFromTheLinkToASession(t *testing.T) {
	s := serve(t, nil)
	p, link := s.link("Ada", people.Grant{Role: people.Viewer, Scope: "*"})
	b := s.tab()
	b.key.Attestation, b.key.AAGUID = authtest.Certificate, [16]byte{0xfe, 1}
	if status, text := b.enrol(link); status != http.StatusOK || text != `{"to":"/me"}` {
		t.Fatalf("enrol: got %d: %s", status, text)
	}
	if _, text := b.send("GET", "/who", ""); text != p.ID+" [{viewer *}]" {
		t.Errorf("got %q, want that Ada is signed in", text)
	}
	if answer, text := b.send("GET", "/me", ""); answer.StatusCode != http.StatusOK || !strings.Contains(text, "fe010000-0000-0000-0000-000000000000") || !strings.Contains(text, "You have one key only") {
		t.Errorf("got %s, want a page with the AAGUID and that a second key is missing:\n%s", answer.Status, text)
	}
	err := s.store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		keys, err := persons.Keys(ctx, r, p.ID)
		if err != nil {
			return err
		}
		if k := keys[0]; len(keys) != 1 || k.AttestationType != "basic_full" || !bytes.Contains(k.Attestation, []byte("packed")) || k.SignCount != 1 || !slices.Equal(k.Transports, []string{"usb"}) {
			t.Errorf("got %+v, want the attestation kept", k)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.send("POST", "/sign-out", "")
	if got := b.status("GET", "/who"); got != http.StatusSeeOther {
		t.Errorf("after sign-out: got %d, want the way to sign in", got)
	}
	if status, text := b.signIn("to", "/findings?x=1"); status != http.StatusOK || text != `{"to":"/findings?x=1"}` {
		t.Errorf("sign in: got %d: %s", status, text)
	}
	for kind, want := range map[string]int{"key.enrolled": 1, "session.begun": 2, "session.ended": 1} {
		if got := s.entries(kind); got != want {
			t.Errorf("%s: got %d entries, want %d", kind, got, want)
		}
	}
}

func TestWhatDoesNotSignIn(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(*tab, persons.Person)
		want  int
	}{
		{"a key without user verification", func(b *tab, _ persons.Person) { b.key.Unverified = true }, 403},
		{"a key that nobody touches", func(b *tab, _ persons.Person) { b.key.Absent = true }, 403},
		{"a page of another origin", func(b *tab, _ persons.Person) { b.origin = "https://localhost.evil.example" }, 403},
		{"a page of another port", func(b *tab, _ persons.Person) { b.origin = "https://localhost:1" }, 403},
		{"a page without encryption", func(b *tab, _ persons.Person) { b.origin = strings.Replace(b.url, "https", "http", 1) }, 403},
		{"a count of signatures that went back", func(b *tab, _ persons.Person) { b.key.Count = 0 }, 403},
		{"a count of signatures that is gone", func(b *tab, _ persons.Person) { b.key.Countless = true }, 403},
		{"a key that was made eligible for backup later", func(b *tab, _ persons.Person) { b.key.Synced = true }, 403},
		{"a suspended person", func(b *tab, p persons.Person) {
			b.do(func(ctx context.Context, tx *store.Tx) error { return persons.Suspend(ctx, tx, "system", p.ID) })
		}, 403},
		{"a revoked key", func(b *tab, p persons.Person) {
			b.do(func(ctx context.Context, tx *store.Tx) error {
				keys, err := persons.Keys(ctx, &tx.Reader, p.ID)
				if err != nil {
					return err
				}
				return persons.RevokeKey(ctx, tx, "system", keys[0].ID)
			})
		}, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, nil)
			p, b := s.ada()
			test.spoil(b, p)
			if status, text := b.signIn(); status != test.want {
				t.Errorf("got %d: %s, want %d", status, text, test.want)
			}
			if got := b.status("GET", "/who"); got != http.StatusSeeOther {
				t.Errorf("got %d, want that nobody is signed in", got)
			}
		})
	}
}

func TestACeremonyIsGoodOnce(t *testing.T) {
	s := serve(t, nil)
	_, b := s.ada()
	v := b.begin("/sign-in/begin", "{}")
	credential, err := b.key.Get(b.origin, v.Options)
	if err != nil {
		t.Fatal(err)
	}
	var wins atomic.Int32
	var all sync.WaitGroup
	for range 4 {
		other := s.tab()
		all.Go(func() {
			if status, _ := other.finish("/sign-in/finish", v, credential); status == http.StatusOK {
				wins.Add(1)
			}
		})
	}
	all.Wait()
	if wins.Load() != 1 {
		t.Errorf("got %d sessions of one assertion, want one", wins.Load())
	}
	next := b.begin("/sign-in/begin", "{}")
	if status, text := b.finish("/sign-in/finish", next, credential); status != http.StatusForbidden {
		t.Errorf("the same assertion to another challenge: got %d: %s, want 403", status, text)
	}
	late := b.begin("/sign-in/begin", "{}")
	if credential, err = b.key.Get(b.origin, late.Options); err != nil {
		t.Fatal(err)
	}
	s.wait(persons.CeremonyLife)
	if status, _ := b.finish("/sign-in/finish", late, credential); status != http.StatusBadRequest {
		t.Errorf("after its time: got %d, want 400", status)
	}
}

func TestAddressesThatKeysCannotBeBoundTo(t *testing.T) {
	s := serve(t, nil)
	for _, text := range []string{"https://10.0.0.1", "https://[::1]:8443", "https://"} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := signin.New(signin.Config{URL: u, Store: s.store, Now: time.Now}); err == nil {
			t.Errorf("%s: taken, want an error", text)
		}
	}
}

// TestSignInLeavesNothingRunning holds New to starting no goroutine of its own.
func TestSignInLeavesNothingRunning(t *testing.T) {
	st := storetest.Open(t, storetest.SQLite(t), storetest.Options(t))
	before := goleak.IgnoreCurrent()
	if _, err := signin.New(signin.Config{URL: &url.URL{Scheme: "http", Host: "localhost:8080"}, Store: st, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	goleak.VerifyNone(t, before)
}
