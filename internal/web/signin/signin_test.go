package signin_test

import (
	"bytes"
	"context"
	"database/sql"
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

func TestACountThatWentBackIsRecorded(t *testing.T) {
	s := serve(t, nil)
	_, b := s.ada()
	b.key.Count = 0
	if status, text := b.signIn(); status != http.StatusForbidden || !strings.Contains(text, "copy") {
		t.Errorf("got %d: %s, want that there may be a copy", status, text)
	}
	if got := s.entries("key.doubted"); got != 1 {
		t.Errorf("got %d entries, want one", got)
	}
	b.key.Count = 10
	if status, _ := b.signIn(); status != http.StatusOK {
		t.Errorf("got %d, want that the key itself still signs in", status)
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

func TestAnEnrolmentLinkIsGoodOnceAndForItsTime(t *testing.T) {
	s := serve(t, nil)
	_, link := s.link("Ada")
	first, second := s.tab(), s.tab()
	v := second.begin("/enrol/begin", `{"link":"`+link+`"}`) // begun before the link is spent
	if status, text := first.enrol(link); status != http.StatusOK {
		t.Fatalf("got %d: %s", status, text)
	}
	credential, err := second.key.Create(s.url, v.Options)
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := second.finish("/enrol/finish", v, credential, "link", link); status != http.StatusForbidden {
		t.Errorf("a second key by the same link: got %d, want 403", status)
	}
	_, other := s.link("Eve")
	w := second.begin("/enrol/begin", `{"link":"`+other+`"}`)
	if credential, err = second.key.Create(s.url, w.Options); err != nil {
		t.Fatal(err)
	}
	_, third := s.link("Bob")
	if status, _ := second.finish("/enrol/finish", w, credential, "link", third); status != http.StatusBadRequest {
		t.Errorf("a key made for one person by the link of another: got %d, want 400", status)
	}
	s.wait(time.Hour)
	for name, text := range map[string]string{"used": link, "expired": other, "none": "", "hostile": `rkin_\u0000`} {
		if answer, _ := second.send("POST", "/enrol/begin", `{"link":"`+text+`"}`); answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %s, want 403", name, answer.Status)
		}
	}
	if got := s.entries("key.enrolled"); got != 1 {
		t.Errorf("got %d keys, want one", got)
	}
}

func TestAKeyThatMisbehavesIsNotEnrolled(t *testing.T) {
	for name, spoil := range map[string]func(*tab){
		"without user verification": func(b *tab) { b.key.Unverified = true },
		"from another origin":       func(b *tab) { b.origin = "https://evil.example" },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, nil)
			_, link := s.link("Ada")
			b := s.tab()
			spoil(b)
			if status, text := b.enrol(link); status != http.StatusForbidden {
				t.Errorf("got %d: %s, want 403", status, text)
			}
			good := s.tab()
			if status, text := good.enrol(link); status != http.StatusOK {
				t.Errorf("afterwards: got %d: %s, want that the link is not spent", status, text)
			}
		})
	}
}

func TestTheSessionsCookie(t *testing.T) {
	s := serve(t, nil)
	_, b := s.ada()
	v := b.begin("/sign-in/begin", "{}")
	credential, err := b.key.Get(b.origin, v.Options)
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"ceremony":%q,"credential":%s}`, v.Ceremony, credential)
	// A cookie that somebody planted before (session fixation, CWE-384).
	planted := strings.Repeat("A", 43)
	answer, text := b.send("POST", "/sign-in/finish", body, "Cookie", "__Host-rootkeep="+planted)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("got %s: %s", answer.Status, text)
	}
	var c *http.Cookie
	for _, set := range answer.Cookies() {
		if set.Name == "__Host-rootkeep" && set.Value != "" {
			c = set
		}
	}
	if c == nil {
		t.Fatalf("got cookies %v, want one of the session", answer.Cookies())
	}
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.Value == planted || len(c.Value) < 43 {
		t.Errorf("got %s, want HttpOnly, Secure, SameSite=Strict, Path=/, no domain, a value of its own", c)
	}
	if got := s.tab(); got.whoWith(planted) != http.StatusSeeOther {
		t.Error("the planted cookie is a session")
	}
	if got := s.tab(); got.whoWith(c.Value) != http.StatusOK {
		t.Error("the new cookie is no session")
	}
	fresh := b.cookie()
	if status, text := b.again(); status != http.StatusOK {
		t.Fatalf("again: got %d: %s", status, text)
	}
	if b.cookie() == fresh || s.tab().whoWith(fresh) != http.StatusSeeOther {
		t.Error("a proof of the key did not renew the cookie, or the old one is good")
	}
}

func (b *tab) whoWith(cookie string) int {
	answer, _ := b.send("GET", "/who", "", "Cookie", "__Host-rootkeep="+cookie)
	return answer.StatusCode
}

func (b *tab) cookie() string {
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == "__Host-rootkeep" {
			return c.Value
		}
	}
	return ""
}

func TestHowLongASessionLasts(t *testing.T) {
	s := serve(t, nil)
	_, b := s.ada()
	b.signIn()
	for range 25 { // used all the time: ends by its deadline
		s.wait(29 * time.Minute)
		b.status("GET", "/who")
	}
	if got := b.status("GET", "/who"); got != http.StatusSeeOther {
		t.Errorf("after 12 hours: got %d, want that it is over", got)
	}
	b.signIn()
	s.wait(signin.Idle - 2*time.Minute)
	if got := b.status("GET", "/who"); got != http.StatusOK {
		t.Errorf("after 28 minutes: got %d, want that it is good", got)
	}
	s.wait(signin.Idle)
	if got := b.status("GET", "/who"); got != http.StatusSeeOther {
		t.Errorf("after 30 minutes without a request: got %d, want that it is over", got)
	}
	b.signIn()
	s.wait(-time.Hour)
	if got := b.status("GET", "/who"); got != http.StatusSeeOther {
		t.Errorf("after the clock went back: got %d, want that it is over", got)
	}
}

func TestSessionsEndAtOnce(t *testing.T) {
	s := serve(t, nil)
	p, b := s.ada()
	b.signIn()
	other := s.tab()
	other.key = b.key
	other.signIn()
	if got := b.status("POST", "/me/sessions/end"); got != http.StatusSeeOther {
		t.Fatalf("got %d", got)
	}
	if got := other.status("GET", "/who"); got != http.StatusSeeOther {
		t.Errorf("the other session: got %d, want that it is over", got)
	}
	if got := b.status("GET", "/who"); got != http.StatusOK {
		t.Errorf("this session: got %d, want that it is good", got)
	}
	pass := b.pass()
	if got := s.tab().withToken("GET", "/who", pass); got != http.StatusOK {
		t.Fatalf("a new pass: got %d, want that it is good", got)
	}
	b.status("POST", "/me/sessions/end")
	if got := s.tab().withToken("GET", "/who", pass); got != http.StatusSeeOther {
		t.Errorf("a pass: got %d, want that it ends with the other sessions", got)
	}
	s.do(func(ctx context.Context, tx *store.Tx) error { return persons.Suspend(ctx, tx, "system", p.ID) })
	if got := b.status("GET", "/who"); got != http.StatusSeeOther {
		t.Errorf("of a suspended person: got %d, want that it is over", got)
	}
}

func TestPrivilegedActsAskForTheKeyAgain(t *testing.T) {
	s := serve(t, nil)
	_, b := s.ada()
	b.signIn()
	if got := b.status("POST", "/privileged"); got != http.StatusOK {
		t.Errorf("just signed in: got %d, want 200", got)
	}
	s.wait(web.FreshFor + time.Second)
	answer, _ := b.send("POST", "/privileged", "")
	if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got, "/sign-in/again") {
		t.Errorf("six minutes later: got %s to %q, want the page that asks for the key", answer.Status, got)
	}
	b.key.Unverified = true
	if status, _ := b.again(); status != http.StatusForbidden {
		t.Errorf("again without verification: got %d, want 403", status)
	}
	b.key.Unverified = false
	if status, text := b.again(); status != http.StatusOK {
		t.Fatalf("again: got %d: %s", status, text)
	}
	if got := b.status("POST", "/privileged"); got != http.StatusOK {
		t.Errorf("after the key: got %d, want 200", got)
	}
	if got := s.entries("session.verified"); got != 1 {
		t.Errorf("got %d entries, want one", got)
	}
}

func TestAProofIsOfOnesOwnKeyInOnesOwnSession(t *testing.T) {
	s := serve(t, nil)
	_, ada := s.ada()
	_, link := s.link("Eve")
	eve := s.tab()
	eve.enrol(link)
	ada.signIn()
	v := ada.begin("/sign-in/again/begin", "{}")
	if _, err := eve.key.Get(s.url, v.Options); err == nil {
		t.Error("the options name a key that is not Ada's")
	}
	credential, err := ada.key.Get(s.url, v.Options)
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := eve.finish("/sign-in/again/finish", v, credential); status != http.StatusBadRequest {
		t.Errorf("Ada's proof in Eve's session: got %d, want 400", status)
	}
	v = ada.begin("/sign-in/again/begin", "{}")
	w := eve.begin("/sign-in/begin", "{}")
	if credential, err = eve.key.Get(s.url, w.Options); err != nil {
		t.Fatal(err)
	}
	if status, _ := ada.finish("/sign-in/again/finish", begun{Ceremony: w.Ceremony}, credential); status != http.StatusBadRequest {
		t.Errorf("a sign-in as a proof: got %d, want 400", status)
	}
	if status, _ := ada.finish("/sign-in/again/finish", v, credential); status != http.StatusForbidden {
		t.Errorf("Eve's key in Ada's session: got %d, want 403", status)
	}
}

func TestASecondKey(t *testing.T) {
	s := serve(t, nil)
	p, b := s.ada()
	b.signIn()
	v := b.begin("/me/keys/begin", "{}")
	if _, err := b.key.Create(s.url, v.Options); err == nil {
		t.Error("the key that is there may be enrolled again")
	}
	second := &authtest.Key{Synced: true, Countless: true, Transports: []string{"internal", "evil\n", "hybrid"}}
	credential, err := second.Create(s.url, v.Options)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := b.finish("/me/keys/finish", v, credential, "name", "spare"); status != http.StatusOK {
		t.Fatalf("got %d: %s", status, text)
	}
	other := s.tab()
	other.key = second
	for range 2 { // a key that does not count
		if status, text := other.signIn(); status != http.StatusOK {
			t.Errorf("got %d: %s, want that the second key signs in", status, text)
		}
	}
	var keys []persons.Key
	if err := s.store.View(t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		keys, err = persons.GoodKeys(ctx, r, p.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := keys[1].Transports; !slices.Equal(got, []string{"internal", "hybrid"}) {
		t.Errorf("got transports %q, want those that are known", got)
	}
	if got := b.status("POST", "/me/keys/"+keys[1].ID+"/revoke"); got != http.StatusSeeOther {
		t.Fatalf("revoke: got %d", got)
	}
	if got := other.status("GET", "/who"); got != http.StatusSeeOther {
		t.Errorf("the session of the revoked key: got %d, want that it is over", got)
	}
	s.wait(web.FreshFor + time.Second)
	if got := b.status("POST", "/me/keys/"+keys[0].ID+"/revoke"); got != http.StatusSeeOther || s.entries("key.revoked") != 1 {
		t.Errorf("without a fresh key: got %d and %d revoked, want one", got, s.entries("key.revoked"))
	}
}

// pass makes a pass for a terminal, and gives its secret.
func (b *tab) pass() string {
	b.t.Helper()
	_, text := b.send("POST", "/me/pass", "")
	_, rest, _ := strings.Cut(text, "export ROOTKEEP_TOKEN=")
	pass, _, found := strings.Cut(rest, "<")
	if !found {
		b.t.Fatalf("no pass: %s", text)
	}
	return pass
}

// withToken sends a request with a token, and gives the status.
func (b *tab) withToken(method, path, token string) int {
	b.t.Helper()
	answer, _ := b.send(method, path, "", "Authorization", "Bearer "+token)
	return answer.StatusCode
}

func TestTokensLetIn(t *testing.T) {
	s := serve(t, nil)
	p, b := s.ada(people.Grant{Role: people.Admin, Scope: "*"})
	var machine, scoped persons.Secret
	s.do(func(ctx context.Context, tx *store.Tx) (err error) {
		if _, machine, err = persons.IssueToken(ctx, tx, "system", "admin", []people.Grant{{Role: people.Admin, Scope: "*"}}, time.Hour); err != nil {
			return err
		}
		_, scoped, err = persons.IssueToken(ctx, tx, "system", "viewer", []people.Grant{{Role: people.Viewer, Scope: "account:111122223333"}}, time.Hour)
		return err
	})
	b.signIn()
	pass := b.pass()
	get := func(method, path, token string) int { return s.tab().withToken(method, path, token) }
	for _, test := range []struct {
		name, method, path, token string
		want                      int
	}{
		{"a machine is signed in", "GET", "/who", machine.Reveal(), 200},
		{"by its roles", "GET", "/private", machine.Reveal(), 200},
		{"but never does what needs a key", "POST", "/privileged", machine.Reveal(), 303},
		{"nor what its roles do not hold", "GET", "/private", scoped.Reveal(), 403},
		{"a pass stands for its person", "GET", "/private", pass, 200},
		{"and for the key just proven", "POST", "/privileged", pass, 200},
		{"no pass makes another", "POST", "/me/pass", pass, 403},
		{"a token that is none", "GET", "/who", "rk_" + strings.Repeat("a", 52), 303},
		{"an empty one", "GET", "/who", "", 303},
		{"a hostile one", "GET", "/who", strings.Repeat("rk_", 2000), 303},
	} {
		if got := get(test.method, test.path, test.token); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
	if answer, _ := b.send("GET", "/who", "", "Authorization", "Bearer rk_bad"); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("a bad token in a browser with a session: got %s, want that the session does not stand in", answer.Status)
	}
	s.wait(6 * time.Minute)
	if got := get("POST", "/privileged", pass); got != http.StatusSeeOther {
		t.Errorf("a pass six minutes later: got %d, want that the proof has aged", got)
	}
	s.wait(10 * time.Minute)
	if got := get("GET", "/who", pass); got != http.StatusSeeOther {
		t.Errorf("a pass 16 minutes later: got %d, want that it is over", got)
	}
	s.wait(time.Hour)
	if got := get("GET", "/who", machine.Reveal()); got != http.StatusSeeOther {
		t.Errorf("a token after its time: got %d, want that it is over", got)
	}
	_ = p
}

// TestAfterAClockThatRanAhead holds sessions and tokens to the clock, while the ledger has
// entries of a time that is not yet.
func TestAfterAClockThatRanAhead(t *testing.T) {
	const ahead = 48 * time.Hour
	s := serve(t, nil)
	_, b := s.ada()
	s.wait(ahead)
	b.signIn()
	early := b.pass()
	s.wait(-ahead)
	if got := b.status("GET", "/who"); got != http.StatusSeeOther {
		t.Errorf("a session of the time ahead: got %d, want that it is over", got)
	}
	if got := s.tab().withToken("GET", "/who", early); got != http.StatusSeeOther {
		t.Errorf("a pass of the time ahead: got %d, want that it is not good", got)
	}
	b.signIn()
	if got := b.status("GET", "/who"); got != http.StatusOK {
		t.Fatalf("a session begun now: got %d, want that it is good", got)
	}
	pass := b.pass()
	if got := s.tab().withToken("GET", "/who", pass); got != http.StatusOK {
		t.Errorf("a pass made now: got %d, want that it is good", got)
	}
	_, link := s.link("Grace")
	s.wait(persons.PassLife + time.Second)
	if got := s.tab().withToken("GET", "/who", pass); got != http.StatusSeeOther {
		t.Errorf("the pass a quarter of an hour later: got %d, want that it is over", got)
	}
	s.wait(time.Hour)
	if answer, _ := s.tab().send("POST", "/enrol/begin", `{"link":"`+link+`"}`); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a link of an hour, an hour later: got %s, want that it is spent", answer.Status)
	}
}

func TestSecretsAreNotInTheStore(t *testing.T) {
	s := serve(t, nil)
	_, b := s.ada()
	b.signIn()
	cookie := b.cookie()
	err := s.store.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
		return store.Each(ctx, r, func(rows *sql.Rows) error {
			var hash []byte
			if err := rows.Scan(&hash); err != nil {
				return err
			}
			if len(hash) != 32 || strings.Contains(string(hash), cookie) {
				t.Errorf("got %q, want a hash", hash)
			}
			return nil
		}, `SELECT hash FROM web_session`)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSignInIsLimited(t *testing.T) {
	s := serve(t, nil)
	b := s.tab()
	for range 120 {
		b.begin("/sign-in/begin", "{}")
	}
	answer, text := b.send("POST", "/sign-in/begin", "{}")
	if answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("got %s: %s, want 429", answer.Status, text)
	}
	s.wait(time.Minute)
	b.begin("/sign-in/begin", "{}")
}

// TestStrangersDoNotUseUpWhatOthersNeed has somebody at the same address use up what it may
// begin: a person who is signed in still proves their key.
func TestStrangersDoNotUseUpWhatOthersNeed(t *testing.T) {
	s := serve(t, nil)
	_, b := s.ada()
	b.signIn()
	for range 130 {
		s.tab().send("POST", "/sign-in/begin", "{}")
	}
	if status, text := b.again(); status != http.StatusOK {
		t.Errorf("got %d: %s, want that the key is proven", status, text)
	}
	for range 120 {
		b.send("POST", "/sign-in/again/begin", "{}")
	}
	if answer, _ := b.send("POST", "/sign-in/again/begin", "{}"); answer.StatusCode != http.StatusTooManyRequests {
		t.Errorf("who is signed in, 120 times later: got %s, want 429", answer.Status)
	}
}

func TestWhatIsNoAnswerOfABrowser(t *testing.T) {
	s := serve(t, nil)
	_, b := s.ada()
	for name, body := range map[string]string{
		"no JSON": "{", "unknown field": `{"x":1}`, "no credential": `{"ceremony":"%s"}`, "a credential of nothing": `{"ceremony":"%s","credential":{}}`,
		"a number": `{"ceremony":"%s","credential":7}`, "deep": `{"ceremony":"%s","credential":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
		"no authenticator data": `{"ceremony":"%s","credential":{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AA","signature":"AA","userHandle":"AA"}}}`,
	} {
		v := b.begin("/sign-in/begin", "{}")
		answer, text := b.send("POST", "/sign-in/finish", strings.Replace(body, "%s", v.Ceremony, 1))
		if answer.StatusCode != http.StatusBadRequest && answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %s: %s, want a refusal", name, answer.Status, text)
		}
	}
	if answer, _ := b.send("POST", "/sign-in/begin", "", "Content-Type", "text/plain"); answer.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("not JSON: got %s, want 415", answer.Status)
	}
	if answer, _ := b.send("POST", "/sign-in/begin", "{}", "Origin", "https://evil.example"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: got %s, want 403", answer.Status)
	}
}

func TestALinkFromAnotherSiteFindsTheSession(t *testing.T) {
	s := serve(t, nil)
	_, b := s.ada()
	b.signIn()
	stranger := s.tab() // a browser leaves the Strict cookie out
	answer, text := stranger.send("GET", "/sign-in?to=%2Fwho", "", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate")
	if got := answer.Header.Get("Refresh"); answer.StatusCode != http.StatusOK || got != "0; url=/sign-in?to=%2Fwho" || strings.Contains(text, "data-key") {
		t.Fatalf("got %s, Refresh %q, want a page that comes back by itself", answer.Status, got)
	}
	answer, _ = b.send("GET", "/sign-in?to=%2Fwho", "", "Sec-Fetch-Site", "same-origin")
	if got := answer.Header.Get("Location"); got != "/who" {
		t.Errorf("got %s to %q, want /who", answer.Status, got)
	}
	for _, evil := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/%0d%0aSet-Cookie:x=y"} {
		answer, _ = b.send("GET", "/sign-in?to="+url.QueryEscape(evil), "")
		if got := answer.Header.Get("Location"); !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n") {
			t.Errorf("to %q: got %q, want a path of ours", evil, got)
		}
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
