package exceptions_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
)

// plug puts a key with a new credential of the person into the tab's virtual
// authenticator, and enrols it.
func (s *site) plug(t *testing.T, tab context.Context, p *exceptionstest.Person) webauthn.AuthenticatorID {
	t.Helper()
	if _, err := chromedp.Call(tab, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	made, err := chromedp.Call(tab, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportUsb, HasResidentKey: true,
		HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true, HasCmtgKey: true, // AddCredential says something of it, which other keys refuse
	}})
	if err != nil {
		t.Fatal(err)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	credential := []byte("in the browser: " + p.ID)
	// RFC 9052, section 7: kty EC2, alg ES256, crv P-256, x, y.
	public := slices.Concat([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33], []byte{0x22, 0x58, 32}, point[33:])
	err = s.Change(t, func(ctx context.Context, tx *store.Tx) error {
		_, err := stored.AddKey(ctx, tx, p.ID, stored.Key{
			Person: p.ID, Credential: credential, PublicKey: public, AAGUID: make([]byte, 16), AttestationType: "none", AttestationFormat: "none",
			Attestation: []byte{0xa0}, ClientData: []byte("{}"), Name: "browser",
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = chromedp.Call(tab, webauthn.AddCredential, webauthn.AddCredentialParams{AuthenticatorID: made.AuthenticatorID, Credential: &webauthn.Credential{
		CredentialID: credential, IsResidentCredential: true, RpID: "localhost",
		PrivateKey: secret, UserHandle: []byte(p.ID), SignCount: 1,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return made.AuthenticatorID
}

// until waits until an expression of the page is true, over pages that go away meanwhile.
func until(t *testing.T, tab context.Context, expression string) {
	t.Helper()
	ticks := time.NewTicker(50 * time.Millisecond)
	defer ticks.Stop()
	for range 300 {
		if yes, err := chromedp.Run(tab, chromedp.Evaluate[bool]("Boolean("+expression+")")); err == nil && yes {
			return
		}
		<-ticks.C
	}
	text, err := chromedp.Run(tab, chromedp.Evaluate[string](`location.href + "\n" + document.body?.innerText`))
	t.Fatalf("never came: %s\n%s %v", expression, text, err)
}

const signButton = `form[data-sign] button:not([disabled])`

// TestApprovalInABrowser has two approvers sign in a real browser, one of them at first
// without user verification, and a page that was tampered with.
func TestApprovalInABrowser(t *testing.T) {
	s := start(t)
	b := s.Browser(t)
	id := s.Submit(t, "RT-01").ID
	path := "/exceptions/" + id

	tab, _ := b.Open(t, "bob", path, "light", 1280)
	key := s.plug(t, tab, s.Bob)
	read := chromedp.Click(chromedp.CSS(`form[action$="/statement"]:has(input[value=approve]) button`))
	if err := chromedp.Do(tab, read, chromedp.WaitVisible(chromedp.CSS(signButton))); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(tab, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: key, IsUserVerified: false}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(tab, chromedp.Click(chromedp.CSS(signButton))); err != nil {
		t.Fatal(err)
	}
	until(t, tab, `document.querySelector("form[data-sign] .fault")?.textContent.includes("The key was not used")`)
	if x := s.Read(t, id); x.Revision != 1 {
		t.Fatal("a key without user verification signed")
	}
	if _, err := chromedp.Call(tab, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: key, IsUserVerified: true}); err != nil {
		t.Fatal(err)
	}
	tamper := chromedp.Evaluate[chromedp.Void](`document.querySelector("[data-statement] code").textContent += " "; undefined`)
	if err := chromedp.Do(tab, tamper, chromedp.Click(chromedp.CSS(signButton))); err != nil {
		t.Fatal(err)
	}
	until(t, tab, `document.querySelector("form[data-sign] .fault")?.textContent.includes("is not the one that was handed out")`)
	mend := chromedp.Evaluate[chromedp.Void](`{ const c = document.querySelector("[data-statement] code"); c.textContent = c.textContent.trimEnd(); }`)
	if err := chromedp.Do(tab, mend, chromedp.Click(chromedp.CSS(signButton))); err != nil {
		t.Fatal(err)
	}
	until(t, tab, fmt.Sprintf(`location.pathname === %q && document.body.innerText.includes("1 of 2")`, path))

	tab, _ = b.Open(t, "cid", path, "light", 360)
	s.plug(t, tab, s.Cid)
	if err := chromedp.Do(tab, read, chromedp.WaitVisible(chromedp.CSS(signButton)), chromedp.Click(chromedp.CSS(signButton))); err != nil {
		t.Fatal(err)
	}
	until(t, tab, fmt.Sprintf(`location.pathname === %q && document.body.innerText.includes("2 of 2")`, path))
	if x := s.Read(t, id); x.State != approval.Approved {
		t.Errorf("got %s after two approvals in a browser, want approved", x.State)
	}
	for name, p := range map[string]*exceptionstest.Person{"Bob": s.Bob, "Cid": s.Cid} {
		record, err := approval.ReadRecord(strings.NewReader(s.Get("auditor", signing(path)+"/signatures/1/"+p.ID).Body))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := record.Check(); err != nil {
			t.Errorf("%s's approval from a browser: %v", name, err)
		}
	}
}

func TestPagesInABrowser(t *testing.T) {
	s := start(t)
	b := s.Browser(t)
	b.Photograph("ann", "exceptions-none", "/exceptions")
	b.Photograph("ann", "exception-new", "/exceptions/new")
	b.Photograph("ann", "exception-outlook", "/exceptions/new?account=111122223333&control=RT-01")
	x := s.Submit(t, "RT-01")
	if _, err := s.World.Decide(t, s.Bob, x.ID, approval.Approve); err != nil {
		t.Fatal(err)
	}
	s.want(s.JSON("ann", "PUT", "/api/v1/exceptions/"+x.ID, strings.Replace(s.askJSON("RT-01"), "the key", "the second key", 1), "If-Match", `"2"`), 200)
	if _, err := s.World.Decide(t, s.Cid, x.ID, approval.Approve); err != nil {
		t.Fatal(err)
	}
	s.Submit(t, "PW-08")
	b.Photograph("ann", "exceptions", "/exceptions")
	b.Photograph("bob", "exception", "/exceptions/"+x.ID)
	b.Photograph("ann", "exception-edit", "/exceptions/"+x.ID+"/edit")
	s.read("bob", "/exceptions/"+x.ID, "approve")
	b.Photograph("bob", "exception-statement", "/approvals/"+x.ID+"/statement")
}
