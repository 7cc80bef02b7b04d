package exceptions_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

const signButton = `form[data-sign] button:not([disabled])`

// TestApprovalInABrowser has two approvers sign in a real browser, one of them at first
// without user verification, and a page that was tampered with.
func TestApprovalInABrowser(t *testing.T) {
	s := start(t)
	b := s.Browser(t)
	id := s.Submit(t, "RT-01").ID
	path := "/exceptions/" + id

	tab, _ := b.Open(t, "bob", path, "light", 1280)
	key := webtest.Plug(t, tab, s.World.Store, s.Bob.ID)
	const read = `form[action$="/statement"]:has(input[value=approve]) button`
	webtest.Press(t, tab, read)
	webtest.Until(t, tab, fmt.Sprintf("document.querySelector(%q) !== null", signButton))
	if _, err := chromedp.Call(tab, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: key, IsUserVerified: false}); err != nil {
		t.Fatal(err)
	}
	webtest.Press(t, tab, signButton)
	webtest.Until(t, tab, `document.querySelector("form[data-sign] .fault")?.textContent.includes("The key was not used")`)
	if x := s.Read(t, id); x.Revision != 1 {
		t.Fatal("a key without user verification signed")
	}
	if _, err := chromedp.Call(tab, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: key, IsUserVerified: true}); err != nil {
		t.Fatal(err)
	}
	tamper := chromedp.Evaluate[chromedp.Void](`document.querySelector("[data-statement] code").textContent += " "; undefined`)
	if err := chromedp.Do(tab, tamper); err != nil {
		t.Fatal(err)
	}
	webtest.Press(t, tab, signButton)
	webtest.Until(t, tab, `document.querySelector("form[data-sign] .fault")?.textContent.includes("is not the one that was handed out")`)
	mend := chromedp.Evaluate[chromedp.Void](`{ const c = document.querySelector("[data-statement] code"); c.textContent = c.textContent.trimEnd(); }`)
	if err := chromedp.Do(tab, mend); err != nil {
		t.Fatal(err)
	}
	webtest.Press(t, tab, signButton)
	webtest.Until(t, tab, fmt.Sprintf(`location.pathname === %q && document.body.innerText.includes("1 of 2")`, path))

	tab, _ = b.Open(t, "cid", path, "light", 360)
	webtest.Plug(t, tab, s.World.Store, s.Cid.ID)
	webtest.Press(t, tab, read)
	webtest.Press(t, tab, signButton)
	webtest.Until(t, tab, fmt.Sprintf(`location.pathname === %q && document.body.innerText.includes("2 of 2")`, path))
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
