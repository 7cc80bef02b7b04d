package signin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report/sheet/sheettest"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// browser is a tab of Chromium with a virtual security key.
type browser struct {
	*site
	tab context.Context
	key webauthn.AuthenticatorID
}

// browse starts Chromium, or skips the test if there is none.
func (s *site) browse() *browser {
	s.t.Helper()
	tab, cancel := chromedp.NewContext(sheettest.Browser(s.t))
	s.t.Cleanup(cancel)
	limited, stop := context.WithTimeout(tab, 10*time.Minute)
	s.t.Cleanup(stop)
	b := &browser{site: s, tab: limited}
	if _, err := chromedp.Call(limited, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		s.t.Fatal(err)
	}
	made, err := chromedp.Call(limited, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportUsb, HasResidentKey: true,
		HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	b.key = made.AuthenticatorID
	return b
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.tab, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// until waits until an expression of the page is true, over pages that go away meanwhile,
// and shows the page if it never is.
func (b *browser) until(expression string) {
	b.t.Helper()
	ticks := time.NewTicker(50 * time.Millisecond)
	defer ticks.Stop()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); {
		if yes, err := chromedp.Run(b.tab, chromedp.Evaluate[bool]("Boolean("+expression+")")); err == nil && yes {
			return
		}
		<-ticks.C
	}
	b.t.Fatalf("never came: %s\n%s", expression, b.text())
}

func (b *browser) text() string {
	b.t.Helper()
	text, err := chromedp.Run(b.tab, chromedp.Evaluate[string](`location.href + "\n" + document.body?.innerText`))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *browser) at(path string) string {
	return fmt.Sprintf("location.pathname === %q && document.readyState === 'complete'", path)
}

func (b *browser) verified(yes webauthn.SetUserVerifiedParams) {
	b.t.Helper()
	yes.AuthenticatorID = b.key
	if _, err := chromedp.Call(b.tab, webauthn.SetUserVerified, yes); err != nil {
		b.t.Fatal(err)
	}
}

const keyButton = `form[data-key] button:not([disabled])`

// refusedWith waits for what the form says of a refusal.
func (b *browser) refusedWith(words string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.querySelector("form[data-key] .fault[role=status]")?.textContent.includes(%q)`, words))
}

func TestASecurityKeyInABrowser(t *testing.T) {
	s := start(t, nil, httptest.NewServer)
	p, link := s.link("Ada", people.Grant{Role: people.Viewer, Scope: "*"})
	b := s.browse()
	b.do(chromedp.Navigate(s.url+"/enrol#"+link), chromedp.WaitVisible(chromedp.CSS(keyButton)),
		chromedp.SendKeys(chromedp.CSS("#in-person"), "Ada <i>Lovelace</i>"), chromedp.SendKeys(chromedp.CSS("#in-name"), "blue key"))
	webtest.Press(t, b.tab, keyButton)
	b.until(b.at("/me"))
	if got := b.text(); !strings.Contains(got, "Ada <i>Lovelace</i>") || !strings.Contains(got, "blue key") || !strings.Contains(got, p.ID) || !strings.Contains(got, "You have one key only") {
		t.Errorf("got the page\n%s\nwant Ada with her one key", got)
	}
	got, err := chromedp.Run(b.tab, chromedp.Evaluate[string](`document.cookie`))
	if err != nil || got != "" {
		t.Errorf("a script sees the cookies %q (%v), want none", got, err)
	}
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('form[action="/sign-out"]').submit()`))
	b.until(b.at("/sign-in"))
	b.do(chromedp.Navigate(s.url + "/me"))
	b.until(b.at("/sign-in"))
	b.verified(webauthn.SetUserVerifiedParams{IsUserVerified: false})
	webtest.Press(t, b.tab, keyButton)
	b.refusedWith("The key was not used")
	b.verified(webauthn.SetUserVerifiedParams{IsUserVerified: true})
	webtest.Press(t, b.tab, keyButton)
	b.until(b.at("/me"))
	s.wait(web.FreshFor + time.Minute)
	b.do(chromedp.Reload())
	b.until(b.at("/me"))
	if got := b.text(); !strings.Contains(got, "Prove your key to change something here") {
		t.Errorf("six minutes later: got\n%s\nwant that the key is asked for again", got)
	}
	b.do(chromedp.Navigate(s.url + "/sign-in/again?to=/me"))
	webtest.Press(t, b.tab, keyButton)
	b.until(b.at("/me"))
	webtest.Press(t, b.tab, keyButton)
	b.refusedWith("enrolled already")
	for kind, want := range map[string]int{"key.enrolled": 1, "session.begun": 2, "session.verified": 1, "person.renamed": 1} {
		if got := s.entries(kind); got != want {
			t.Errorf("%s: got %d entries, want %d", kind, got, want)
		}
	}
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(s.url+"/enrol#"+link))
	webtest.Press(t, b.tab, keyButton)
	b.refusedWith("the link was used")
}

// A page on another port of the same host may ask the key for the same relying party:
// only the origin in the answer tells.
func TestAPageOfAnotherOriginInABrowser(t *testing.T) {
	s := start(t, nil, httptest.NewServer)
	_, link := s.link("Ada")
	b := s.browse()
	b.do(chromedp.Navigate(s.url + "/enrol#" + link))
	webtest.Press(t, b.tab, keyButton)
	b.until(b.at("/me"))
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "text/html") }))
	t.Cleanup(evil.Close)
	thief := s.tab()
	v := thief.begin("/sign-in/begin", "{}")
	b.do(chromedp.Navigate(strings.Replace(evil.URL, "127.0.0.1", "localhost", 1)))
	credential, err := chromedp.Run(b.tab, chromedp.Evaluate[string](fmt.Sprintf(`(async () => {
		const options = PublicKeyCredential.parseRequestOptionsFromJSON(%s.publicKey);
		return JSON.stringify((await navigator.credentials.get({publicKey: options})).toJSON());
	})()`, v.Options), chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid([]byte(credential)) {
		t.Fatalf("got %q, want what the key signed", credential)
	}
	if status, text := thief.finish("/sign-in/finish", v, []byte(credential)); status != http.StatusForbidden {
		t.Errorf("got %d: %s, want 403", status, text)
	}
	if got := thief.status("GET", "/who"); got != http.StatusSeeOther {
		t.Errorf("got %d, want that nobody is signed in", got)
	}
}
