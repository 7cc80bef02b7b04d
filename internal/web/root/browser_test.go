package root_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/web/exceptions/exceptionstest"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// click presses a button, after saying yes to what it asks.
func click(t *testing.T, tab context.Context, button string) {
	t.Helper()
	yes := chromedp.Evaluate[chromedp.Void](`window.confirm = () => true; undefined`)
	if err := chromedp.Do(tab, yes); err != nil {
		t.Fatal(err)
	}
	webtest.Press(t, tab, button)
}

// says waits until the page at the path has the words.
func says(t *testing.T, tab context.Context, path, words string) {
	t.Helper()
	webtest.Until(t, tab, fmt.Sprintf(`location.pathname === %q && document.body.innerText.includes(%q)`, path, words))
}

const signButton = `form[data-sign] button:not([disabled])`

// TestASignInInABrowser asks with the form, cannot approve that itself, has two others sign
// with keys, answers the checklist, opens the session, sees an event come with its verdict,
// and closes and re-seals.
func TestASignInInABrowser(t *testing.T) {
	s := start(t)
	b := s.Browser(t)
	tab, _ := b.Open(t, "ann", "/root/new?task=close-account&account=111122223333&holder=standalone", "light", 1280)
	fill := chromedp.Evaluate[chromedp.Void](`document.querySelector("#in-custodian").value = "` + s.gus.ID + `"; undefined`)
	if err := chromedp.Do(tab, chromedp.SendKeys(chromedp.CSS("#in-justification"), "Not needed any more."), chromedp.SendKeys(chromedp.CSS("#in-networks"), "198.51.100.0/24"), fill); err != nil {
		t.Fatal(err)
	}
	click(t, tab, `form[action="/root/new"] button`)
	webtest.Until(t, tab, `location.pathname.startsWith("/root/RR-") && document.body.innerText.includes("It waits for those who have to approve it.")`)
	path, err := chromedp.Run(tab, chromedp.Evaluate[string]("location.pathname"))
	if err != nil {
		t.Fatal(err)
	}
	if own, err := chromedp.Run(tab, chromedp.Evaluate[bool](`document.querySelector('form[action$="/statement"]') !== null`)); err != nil || own {
		t.Errorf("who asked is offered to approve it: %v", err)
	}
	for name, p := range map[string]*exceptionstest.Person{"bob": s.Bob, "cid": s.Cid} {
		signing, _ := b.Open(t, name, path, "light", 360)
		webtest.Plug(t, signing, s.World.Store, p.ID)
		click(t, signing, `form[action$="/statement"]:has(input[value=approve]) button`)
		webtest.Press(t, signing, signButton)
		webtest.Until(t, signing, fmt.Sprintf(`location.pathname === %q`, path))
	}
	says(t, tab, path, "answers")
	id := path[len("/root/"):]
	for range s.get("ann", id).Before {
		n, err := chromedp.Run(tab, chromedp.Evaluate[int](`document.querySelectorAll('form[action$="/answer"] button.tone-good').length`))
		if err != nil {
			t.Fatal(err)
		}
		click(t, tab, `form[action$="/answer"] button.tone-good`)
		webtest.Until(t, tab, fmt.Sprintf(`document.readyState === "complete" && document.querySelectorAll('form[action$="/answer"] button.tone-good').length === %d`, n-1))
	}
	click(t, tab, `form[action$="/open"] button`)
	says(t, tab, path, "Root is in use.")
	webtest.Until(t, tab, `/^(14|15):\d\d$/.test(document.querySelector("[role=timer]").textContent)`)
	if before, err := chromedp.Run(tab, chromedp.Evaluate[string](`document.querySelector("[role=timer]").textContent`)); err != nil {
		t.Fatal(err)
	} else {
		webtest.Until(t, tab, fmt.Sprintf(`document.querySelector("[role=timer]").textContent !== %q`, before))
	}
	s.arrive(s.event("e1", "signin.amazonaws.com", "ConsoleLogin", "198.51.100.7"))
	says(t, tab, path, "ConsoleLogin of signin.amazonaws.com")
	says(t, tab, path, "explained")
	s.answer("gus", id, s.get("ann", id).After)
	webtest.Until(t, tab, `document.querySelector('form[action$="/close"] button') !== null`)
	click(t, tab, `form[action$="/close"] button`)
	says(t, tab, path, "confirms the record")
}

func TestPagesInABrowser(t *testing.T) {
	s := start(t)
	b := s.Browser(t)
	b.Photograph("ann", "root-none", "/root")
	b.Photograph("ann", "root-tasks", "/root/tasks")
	b.Photograph("ann", "root-new", "/root/new")
	b.Photograph("ann", "root-not-needed", "/root/new?task=close-account&account=111122223333&holder=member")
	b.Photograph("ann", "root-ask", "/root/new?task=close-account&account=111122223333&holder=standalone")
	id := s.requested()
	b.Photograph("ann", "root-override", "/root/"+id+"/override")
	b.Photograph("bob", "root-requested", "/root/"+id)
	for _, p := range []*exceptionstest.Person{s.Bob, s.Cid} {
		if _, err := s.Decide(t, p, id, approval.Approve); err != nil {
			t.Fatal(err)
		}
	}
	s.answer("ann", id, s.get("ann", id).Before[:1])
	b.Photograph("ann", "root-approved", "/root/"+id)
	s.answer("ann", id, s.get("ann", id).Before)
	s.want(s.act("ann", id, "opening", `{}`), 200)
	s.arrive(s.event("e1", "signin.amazonaws.com", "ConsoleLogin", "198.51.100.7"), s.event("e2", "iam.amazonaws.com", "CreateAccessKey", "198.51.100.7"), s.event("e3", "s3.amazonaws.com", "DeleteBucket", "203.0.113.9"))
	s.later(time.Second)
	b.Photograph("ann", "root-open", "/root/"+id)
	b.Photograph("ann", "root", "/root")
	b.Photograph("bob", "root-events", "/root-events")
	b.Photograph("bob", "cases", "/incidents")
	b.Photograph("bob", "case", "/incidents/"+s.get("ann", id).Cases[0])
}
