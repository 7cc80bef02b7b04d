package changes_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/rootkeep/rootkeep/internal/store/changes"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// click sends the form with the action, after saying yes to what its button asks.
func click(t *testing.T, tab context.Context, action string) {
	t.Helper()
	if err := chromedp.Do(tab, chromedp.Evaluate[chromedp.Void](`window.confirm = () => true; undefined`)); err != nil {
		t.Fatal(err)
	}
	press(t, tab, `form[action$="`+action+`"] button`)
}

// press clicks a button in the same moment in which it is found: a live page may put
// another one in its place at any other.
func press(t *testing.T, tab context.Context, button string) {
	t.Helper()
	webtest.Until(t, tab, fmt.Sprintf(`(b => b !== null && (b.click(), true))(document.querySelector(%q))`, button))
}

// says waits until the page at the path has the words.
func says(t *testing.T, tab context.Context, path, words string) {
	t.Helper()
	webtest.Until(t, tab, fmt.Sprintf(`location.pathname === %q && document.body.innerText.includes(%q)`, path, words))
}

// TestAChangeInABrowser plans a change that cannot be undone with the form, asks, cannot
// approve it as who planned it, has two others sign with keys, applies it while the page
// of another one is open, and looks at what became of it.
func TestAChangeInABrowser(t *testing.T) {
	s := start(t)
	b := s.Browser(t)
	tab, _ := b.Open(t, "ann", "/changes/new?kind=group-make&account=111111111111", "light", 1280)
	if err := chromedp.Do(tab, chromedp.SendKeys(chromedp.CSS("#in-p-name"), "house")); err != nil {
		t.Fatal(err)
	}
	click(t, tab, "/changes/new")
	webtest.Until(t, tab, `location.pathname.startsWith("/changes/CH-") && document.body.innerText.includes("This cannot be undone")`)
	path, err := chromedp.Run(tab, chromedp.Evaluate[string]("location.pathname"))
	if err != nil {
		t.Fatal(err)
	}
	id := strings.TrimPrefix(path, "/changes/")
	click(t, tab, "/request")
	says(t, tab, path, "It waits for those who have to approve it")
	if own, err := chromedp.Run(tab, chromedp.Evaluate[bool](`document.querySelector('form[action$="/statement"]') !== null`)); err != nil || own {
		t.Errorf("who planned it is offered to approve it: %v", err)
	}
	if got := s.JSON("ann", "POST", "/api/v1/approvals/"+id+"/statements", `{"decision":"approve"}`); got.Status != 403 {
		t.Errorf("who planned it asks for a statement to sign: got %d, want 403", got.Status)
	}
	for name, p := range map[string]*exceptionstest.Person{"bob": s.Bob, "gus": s.Gus} {
		signing, _ := b.Open(t, name, path, "light", 360)
		webtest.Plug(t, signing, s.Store, p.ID)
		press(t, signing, `form[action$="/statement"]:has(input[value=approve]) button`)
		says(t, signing, "/approvals/"+id+"/statement", "iam:CreateGroup")
		webtest.Press(t, signing, `form[data-sign] button:not([disabled])`)
		webtest.Until(t, signing, fmt.Sprintf("location.pathname === %q", path))
	}
	says(t, tab, path, "It may be applied") // without being opened again
	click(t, tab, "/apply")
	says(t, tab, path, "the account was read back")
	if c := s.Read(t, id); c.State != changes.Applied {
		t.Errorf("got %s: %s, want applied", c.State, c.Why)
	}
}

// TestAnUndoInABrowser plans the undo of what can be undone.
func TestAnUndoInABrowser(t *testing.T) {
	s := start(t)
	c := s.approved(password, s.Bob)
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/apply", hash(c)), 200)
	s.Settled(t, c.ID)
	tab, _ := s.Browser(t).Open(t, "ann", "/changes/"+c.ID, "dark", 1280)
	click(t, tab, "/undo")
	webtest.Until(t, tab, `location.pathname.startsWith("/changes/CH-") && document.body.innerText.includes("this is an undo")`)
}

func TestPagesInABrowser(t *testing.T) {
	s := start(t)
	b := s.Browser(t)
	b.Photograph("ann", "changes-none", "/changes")
	b.Photograph("ann", "change-kinds", "/changes/kinds")
	b.Photograph("ann", "change-kind", "/changes/kinds/group-make")
	b.Photograph("ann", "change-choose", "/changes/new")
	b.Photograph("ann", "change-new", "/changes/new?kind=group-make&account=111111111111")
	at := s.planned(compose("house"))
	b.Photograph("ann", "change-planned", at)
	c := s.approved(password, s.Bob)
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/apply", hash(c)), 200)
	if got := s.Settled(t, c.ID); got.State != changes.Applied {
		t.Fatalf("got %s: %s, want applied", got.State, got.Why)
	}
	b.Photograph("ann", "change-applied", "/changes/"+c.ID)
	undo := s.want(s.Form("ann", "/changes/"+c.ID+"/undo", url.Values{}), 303).Header.Get("Location")
	b.Photograph("ann", "change-undo", undo)
	form := compose("home")
	form.Set("account", "222222222222 111111111111")
	b.Photograph("ann", "change-batch", s.planned(form))
	b.Photograph("ann", "change-batches", "/changes/batches")
	s.approved(strings.Replace(alias, "house", "inn", 1))
	b.Photograph("ann", "changes", "/changes")
}
