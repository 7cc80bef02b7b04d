package serve

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/demo/cast"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
	"github.com/rootkeep/rootkeep/internal/report/sheet/sheettest"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// screen is a course that people go through in browsers.
type screen struct {
	*course
	server  *webtest.Server
	browser *webtest.Browser
	members map[string]*cast.Member
}

// watchIn starts a course with a server for browsers, or skips the test if there is none.
func watchIn(t *testing.T) *screen {
	t.Helper()
	sheettest.Browser(t) // before the organization is made
	s := &screen{course: begin(t)}
	areas, err := s.areas()
	s.must(err)
	s.members = map[string]*cast.Member{"ada": s.story.Ada, "bruno": s.story.Bruno, "chiara": s.story.Chiara, "esi": s.story.Esi}
	actors := webtest.Actors{}
	for name, m := range s.members {
		m.Verified = time.Now()
		actors[name] = m.Actor
	}
	s.server = webtest.Serve(t, s.store, actors, areas...)
	s.stop()
	s.approvals.Site = approval.SiteOf(s.server.URL)
	s.stop = s.start(t)
	s.browser = s.server.Browser(t)
	return s
}

// tab is a window of one of them.
type tab struct {
	context.Context
	t *testing.T
}

func (s *screen) open(name, path string) *tab {
	s.t.Helper()
	ctx, _ := s.browser.Open(s.t, name, path, "light", 1280)
	return &tab{ctx, s.t}
}

// press clicks what is there, in the moment in which it is: a live page may put another in
// its place. It says yes to what the page asks.
func (w *tab) press(button string) {
	w.t.Helper()
	webtest.Until(w.t, w, fmt.Sprintf(`(b => b !== null && (window.confirm = () => true, b.click(), true))(document.querySelector(%q))`, button))
}

func (w *tab) says(path string, words ...string) {
	w.t.Helper()
	for _, word := range words {
		webtest.Until(w.t, w, fmt.Sprintf(`location.pathname === %q && document.readyState === "complete" && document.body.innerText.includes(%q)`, path, word))
	}
}

func (w *tab) has(button string) bool {
	w.t.Helper()
	there, err := chromedp.Run(w, chromedp.Evaluate[bool](fmt.Sprintf(`document.querySelector(%q) !== null`, button)))
	if err != nil {
		w.t.Fatal(err)
	}
	return there
}

func (w *tab) fill(values map[string]string) {
	w.t.Helper()
	for id, value := range values {
		if err := chromedp.Do(w, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.getElementById(%q).value = %q; undefined`, id, value))); err != nil {
			w.t.Fatal(err)
		}
	}
}

// at waits for a page whose path begins so, and gives the path.
func (w *tab) at(prefix string) string {
	w.t.Helper()
	webtest.Until(w.t, w, fmt.Sprintf(`location.pathname.startsWith(%q) && document.readyState === "complete"`, prefix))
	path, err := chromedp.Run(w, chromedp.Evaluate[string]("location.pathname"))
	if err != nil {
		w.t.Fatal(err)
	}
	return path
}

const approving = `form[action$="/statement"]:has(input[value=approve]) button`

// asked has Ada ask for the task with the form, and gives her window and the request.
func (s *screen) asked() (*tab, string) {
	s.t.Helper()
	w := s.open("ada", fmt.Sprintf("/root/new?task=%s&account=%s&holder=member", s.use.Task, s.use.Account))
	w.fill(map[string]string{"in-justification": "Members have no root credentials.", "in-p-unused_for": "0s"})
	w.press(`form[action="/root/new"] button`)
	path := w.at("/root/RR-")
	w.says(path, "It waits for those who have to approve it.")
	return w, strings.TrimPrefix(path, "/root/")
}

// signed has somebody read the statement and sign it with a key.
func (s *screen) signed(name, request string) {
	s.t.Helper()
	w := s.open(name, "/root/"+request)
	webtest.Plug(s.t, w, s.store, s.members[name].ID)
	w.press(approving)
	w.at("/approvals/")
	w.press(`form[data-sign] button:not([disabled])`)
	w.says("/root/"+request, s.members[name].Name)
}

// answered answers the items of the checklist that the page offers.
func (s *screen) answered(w *tab) {
	s.t.Helper()
	const done = `form[action$="/answer"] button.tone-good`
	for w.has(done) {
		n, err := chromedp.Run(w, chromedp.Evaluate[int](fmt.Sprintf(`document.querySelectorAll(%q).length`, done)))
		s.must(err)
		w.press(done)
		webtest.Until(s.t, w, fmt.Sprintf(`document.readyState === "complete" && document.querySelectorAll(%q).length === %d`, done, n-1))
	}
}

// applied has Ada apply the change that the request is for.
func (s *screen) applied(request string) {
	s.t.Helper()
	x := s.read(request)
	path := "/changes/" + x.Asked.Changes[0].ID
	w := s.open("ada", path)
	w.press(`form[action$="/apply"] button`)
	w.says(path, "the account was read back")
}

func (s *screen) read(request string) (x *stored.Request) {
	s.t.Helper()
	s.must(s.store.View(s.t.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		x, err = stored.Read(ctx, r, request, s.now())
		return err
	}))
	return x
}

// strange is the case of a sign-in that no request is about, "" while there is none: calls
// that name no session have one of their own.
func (s *screen) strange() (id string) {
	list, _ := s.seen(s.t)
	s.must(s.store.View(s.t.Context(), func(ctx context.Context, r *store.Reader) error {
		for _, x := range list {
			events, err := rootlog.Events(ctx, r, sight.All(), rootlog.EventFilter{Case: x.ID, Limit: 50})
			if err != nil {
				return err
			}
			signIn := slices.ContainsFunc(events, func(e *rootlog.Event) bool { return e.Name == "ConsoleLogin" })
			if signIn && x.Request == "" && x.Severity == rootkeep.Critical && x.Account == s.use.Account {
				id = x.ID
			}
		}
		return nil
	}))
	return id
}

// intruded has a stranger sign in as root, and measures how long the case takes from the
// moment in which the trail's file lies there.
func (s *screen) intruded() string {
	s.t.Helper()
	s.must(s.world.Intrude("app-1"))
	s.must(s.world.Deliver(s.folder))
	arrived := time.Now()
	id := ""
	s.until("the stranger's sign-in is a case", func() bool { id = s.strange(); return id != "" })
	took := time.Since(arrived)
	s.t.Logf("the stranger's sign-in is case %s %v after its file arrived", id, took.Round(time.Millisecond))
	if took > late {
		s.t.Errorf("the case was opened %v after the event arrived, want it within seconds", took)
	}
	return id
}

// TestTheStoryOfRootInABrowser goes from the request to the proof on the simulated
// organization: who asked cannot approve, two others sign with keys, the session of
// sts:AssumeRoot is explained, the record confirmed, the evidence of the period verified. A
// stranger's sign-in beside it is a case, and part of the same evidence.
func TestTheStoryOfRootInABrowser(t *testing.T) {
	for name, intruder := range map[string]bool{"as it was asked for": false, "with a stranger beside it": true} {
		t.Run(name, func(t *testing.T) {
			s := watchIn(t)
			from := s.now().Truncate(24 * time.Hour)
			w, request := s.asked()
			s.refused(w, request)
			s.signed("bruno", request)
			if s.read(request).State == stored.Approved {
				t.Error("one signature approved the request, want two")
			}
			s.signed("chiara", request)
			w.says("/root/"+request, "answers")
			s.answered(w)
			w.press(`form[action$="/open"] button`)
			w.says("/root/"+request, "Root is in use.")
			s.applied(request)
			strange := ""
			if intruder {
				strange = s.intruded()
			}
			s.must(s.world.Deliver(s.folder))
			s.until("its events arrive", func() bool { return len(s.of(request)) >= 3 })
			w.says("/root/"+request, "AssumeRoot of sts.amazonaws.com", "explained")
			s.answered(w)
			w.press(`form[action$="/close"] button`)
			w.says("/root/"+request, "confirms the record")
			for range 3 { // a quarter of an hour, in which events may still come
				s.must(s.world.Deliver(s.folder))
			}
			if err := chromedp.Do(w, chromedp.Reload()); err != nil {
				t.Fatal(err)
			}
			w.press(`form[action$="/confirm"] button`)
			s.until("the record is confirmed", func() bool { return s.read(request).State == stored.Closed })
			s.settled(request, strange)
			s.told(s.proven(from), request, strange)
		})
	}
}

// refused has who asked try to approve it, by the page and behind its back.
func (s *screen) refused(w *tab, request string) {
	s.t.Helper()
	if w.has(approving) {
		s.t.Error("who asked is offered to approve it")
	}
	got := s.server.JSON("ada", "POST", "/api/v1/approvals/"+request+"/statements", `{"decision":"approve"}`)
	if got.Status != 403 {
		s.t.Errorf("who asked gets a statement to sign: %d %s, want 403", got.Status, got.Body)
	}
}

// settled looks at what became of the request, of its events, and of the stranger's case
// on the responder's page.
func (s *screen) settled(request, strange string) {
	s.t.Helper()
	if x := s.read(request); x.State != stored.Closed || x.Outcome != "USED" {
		s.t.Errorf("got the request %s, %s; want it closed and used", x.State, x.Outcome)
	}
	for _, e := range s.of(request) {
		if e.Verdict != rootkeep.Explained {
			s.t.Errorf("got %s for %s %s: %s", e.Verdict, e.Source, e.Name, e.Why)
		}
	}
	w := s.open("esi", "/incidents")
	if strange == "" {
		w.says("/incidents", "Cases")
		if w.has(`a[href^="/incidents/CS-"]`) {
			s.t.Error("got a case of what was asked for")
		}
		return
	}
	w.press(fmt.Sprintf(`a[href="/incidents/%s"]`, strange))
	w.says("/incidents/"+strange, "ConsoleLogin", "critical")
}

// told looks at what the evidence tells.
func (s *screen) told(r *evidence.Report, request, strange string) {
	s.t.Helper()
	p := r.RootUsers
	at := slices.IndexFunc(p.Requests, func(x evidence.RootRequest) bool { return x.ID == request })
	if at < 0 || p.Requests[at].State != "closed" || len(p.Requests[at].Signatures) != 2 || p.Requests[at].Signatures[0].Key == p.Requests[at].Signatures[1].Key {
		s.t.Errorf("got the requests %+v, want it closed, with two keys", p.Requests)
	}
	n := map[rootkeep.Verdict]int{}
	for _, v := range p.Verdicts {
		n[v.Verdict]++
	}
	if n[rootkeep.Explained] < 3 || (n[rootkeep.Unexplained] > 0) != (strange != "") || len(n) > 2 {
		s.t.Errorf("got the verdicts %v", n)
	}
	for _, c := range p.Claims {
		if c.Made {
			s.t.Errorf("absence is claimed of account %s, whose log nobody proved", c.Account)
		}
	}
}

// TestAnOverrideInABrowser has who asked go on without approvals: everybody who was skipped
// is named in the notice, a case is opened, and somebody else reviews it.
func TestAnOverrideInABrowser(t *testing.T) {
	s := watchIn(t)
	from := s.now().Truncate(24 * time.Hour)
	w, request := s.asked()
	webtest.Plug(t, w, s.store, s.story.Ada.ID)
	if err := chromedp.Do(w, chromedp.Navigate(s.server.URL.String()+"/root/"+request+"/override")); err != nil {
		t.Fatal(err)
	}
	w.says("/root/"+request+"/override", s.story.Bruno.Name, s.story.Chiara.Name)
	w.fill(map[string]string{"in-reason": "production <b>is</b> down"})
	w.press("#in-read")
	w.press(`form[action$="/override"] button`)
	w.says("/root/"+request+"/override/statement", s.story.Bruno.Name)
	w.press(`form[data-sign] button:not([disabled])`)
	w.says("/root/"+request, "Nobody approved this", "production <b>is</b> down")
	notice := s.wait(t, "root-override")
	for _, want := range []string{s.story.Bruno.Name, s.story.Chiara.Name, s.story.Ada.Name, "production <b>is</b> down"} {
		if !strings.Contains(notice.Text, want) {
			t.Errorf("the notice does not name %q:\n%s", want, notice.Text)
		}
	}
	s.answered(w)
	w.press(`form[action$="/open"] button`)
	w.says("/root/"+request, "Root is in use.")
	s.applied(request)
	s.must(s.world.Deliver(s.folder))
	s.until("its events arrive", func() bool { return len(s.of(request)) >= 3 })
	s.answered(w)
	w.press(`form[action$="/close"] button`)
	w.says("/root/"+request, "confirms the record")
	if w.has(`form[action$="/review"]`) {
		t.Error("who went on without approvals is offered to review it")
	}
	if got := s.server.JSON("ada", "POST", "/api/v1/root/requests/"+request+"/review", `{"revision":1,"verdict":"justified","review":"It was me."}`); got.Status != 403 {
		t.Errorf("who went on without approvals reviews it: got %d %s, want 403", got.Status, got.Body)
	}
	b := s.open("bruno", "/root/"+request)
	b.fill(map[string]string{"in-verdict": "justified", "in-review": "The outage was real."})
	b.press(`form[action$="/review"] button`)
	b.says("/root/"+request, "The outage was real.")
	for range 3 {
		s.must(s.world.Deliver(s.folder))
	}
	r := s.proven(from)
	if x := r.RootUsers.Requests; len(x) != 1 || !x[0].Override || x[0].Lacking != "" || len(x[0].Signatures) != 1 || x[0].Signatures[0].Decision != approval.Override {
		t.Errorf("got the requests %+v, want the override, signed by who asked", x)
	}
	used := 0
	for _, v := range r.RootUsers.Verdicts {
		if v.Verdict != rootkeep.Explained {
			t.Errorf("got %s for %s, want it explained", v.Verdict, v.Name)
		}
		if v.Request == request {
			used++
		}
	}
	if used < 3 {
		t.Errorf("got %d events of the override, want those of its session", used)
	}
}
