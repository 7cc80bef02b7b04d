package webtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/people"
)

// Plug puts a key with a new credential of a person, by ID, into the tab's virtual
// authenticator, and enrols it.
func Plug(t *testing.T, tab context.Context, s *store.Store, person string) webauthn.AuthenticatorID {
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
	credential := []byte("in the browser: " + person)
	// RFC 9052, section 7: kty EC2, alg ES256, crv P-256, x, y.
	public := slices.Concat([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33], []byte{0x22, 0x58, 32}, point[33:])
	err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := people.AddKey(ctx, tx, person, people.Key{
			Person: person, Credential: credential, PublicKey: public, AAGUID: make([]byte, 16), AttestationType: "none", AttestationFormat: "none",
			Attestation: []byte{0xa0}, ClientData: []byte("{}"), Name: "browser",
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = chromedp.Call(tab, webauthn.AddCredential, webauthn.AddCredentialParams{AuthenticatorID: made.AuthenticatorID, Credential: &webauthn.Credential{
		CredentialID: credential, IsResidentCredential: true, RpID: "localhost",
		PrivateKey: secret, UserHandle: []byte(person), SignCount: 1,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return made.AuthenticatorID
}

// patience is how long a browser may take for what a page does, on a machine with much else
// to do.
const patience = 2 * time.Minute

// Until waits until an expression of the page is true, over pages that go away meanwhile.
func Until(t *testing.T, tab context.Context, expression string) {
	t.Helper()
	ticks := time.NewTicker(50 * time.Millisecond)
	defer ticks.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if yes, err := chromedp.Run(tab, chromedp.Evaluate[bool]("Boolean("+expression+")")); err == nil && yes {
			return
		}
		<-ticks.C
	}
	text, err := chromedp.Run(tab, chromedp.Evaluate[string](`location.href + "\n" + document.body?.innerText`))
	t.Fatalf("never came: %s\n%s %v", expression, text, err)
}

// Press clicks what a selector finds, once it is there: again where the page went away between
// the browser's finding it and the click.
func Press(t *testing.T, tab context.Context, selector string) {
	t.Helper()
	const gone = -32000 // "Could not find node with given id", before anything was clicked
	for end := time.Now().Add(patience); ; {
		Until(t, tab, fmt.Sprintf("document.readyState === 'complete' && document.querySelector(%q)?.checkVisibility()", selector))
		err := chromedp.Do(tab, chromedp.Click(chromedp.CSS(selector)))
		if refused := (*cdproto.Error)(nil); errors.As(err, &refused) && refused.Code == gone && time.Now().Before(end) {
			continue
		}
		if err != nil {
			t.Fatalf("press %s: %v", selector, err)
		}
		return
	}
}
