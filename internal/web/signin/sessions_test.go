package signin_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/signin"
)

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
	for _, headers := range [][]string{
		{"Accept", "text/event-stream"}, {"Sec-Fetch-Mode", "cors"}, {"Accept", "text/event-stream", "Sec-Fetch-Mode", "cors"}, {"Sec-Fetch-Mode", "same-origin"},
	} {
		if answer, _ := b.send("GET", "/who", "", headers...); answer.StatusCode != http.StatusOK {
			t.Errorf("%v: got %s, want that the session is good", headers, answer.Status)
		}
		s.wait(8 * time.Minute)
	}
	if got := b.status("GET", "/who"); got != http.StatusSeeOther {
		t.Errorf("after 32 minutes in which the page asked by itself: got %d, want that it is over", got)
	}
	b.signIn()
	s.wait(20 * time.Minute)
	b.send("GET", "/who", "", "Sec-Fetch-Mode", "navigate")
	s.wait(20 * time.Minute)
	if got := b.status("GET", "/who"); got != http.StatusOK {
		t.Errorf("20 minutes after a link was followed: got %d, want that it is good", got)
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
