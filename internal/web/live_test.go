package web_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/chromedp/chromedp"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// TestScriptInABrowser runs what the module adds to a page.
func TestScriptInABrowser(t *testing.T) {
	var shown, sent atomic.Int64
	area := web.Area{Name: "live", Routes: []web.Route{
		{Method: "GET", Path: "/live", Need: people.Read, Handle: func(w http.ResponseWriter, r *http.Request) error {
			n := shown.Add(1)
			return web.Show(w, r, "Live", templ.Join(
				page.Head("Live", ""),
				children(page.Live("numbers", "scan job"), page.Text(fmt.Sprint("shown ", n))),
				children(page.Live("work", "scan"), templ.Join(page.Text(fmt.Sprint("work ", n)), page.Field(page.Input{Name: "reason", Label: "Reason", Kind: "text"}))),
				page.ID("SC-1KB2Z7Q0MX7F3A"),
				page.Act("/live", "Delete", "Delete it?", page.Bad),
			))
		}},
		{Method: "POST", Path: "/live", Need: people.Read, Handle: func(w http.ResponseWriter, r *http.Request) error {
			sent.Add(1)
			return web.Redirect(w, r, "/live", "Deleted")
		}},
	}}
	st := webtest.Store(t)
	s := webtest.Serve(t, st, nil, area)
	s.PollEvery(20 * time.Millisecond)
	tab, seen := s.Browser(t).Open(t, "viewer", "/live", "light", 800)
	is := func(name, expression string) {
		t.Helper()
		// The page says when it changed: nothing here waits for a length of time.
		text := `new Promise((done) => { const ok = () => (` + expression + `); if (ok()) return done(true);
			new MutationObserver((_, o) => { if (ok()) { o.disconnect(); done(true); } }).observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
			setTimeout(() => done(ok()), 120000); })`
		if got, err := chromedp.Run(tab, chromedp.Evaluate[bool](text, chromedp.EvalAwaitPromise)); err != nil || !got {
			t.Errorf("%s: got %v, %v, want true; console: %q", name, got, err, seen.Console())
		}
	}
	is("the button that copies shows", `!document.querySelector('[data-copy]').hidden`)
	if _, err := chromedp.Run(tab, chromedp.Evaluate[any](`document.querySelector('#in-reason').focus(), null`)); err != nil {
		t.Fatal(err)
	}
	// The stream may open a moment after the page: a notice from before that is not heard.
	heard, over := make(chan struct{}), make(chan struct{})
	stop := sync.OnceFunc(func() { close(heard); <-over })
	defer stop()
	go func() {
		defer close(over)
		again := time.NewTicker(50 * time.Millisecond)
		defer again.Stop()
		for {
			select {
			case <-heard:
				return
			case <-again.C:
			}
			err := st.Update(t.Context(), func(_ context.Context, tx *store.Tx) error {
				tx.Announce("scan", "SC-1")
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}()
	is("what changed is read again", `Number(document.querySelector('#numbers').textContent.match(/\d+/)[0]) > 1`)
	is("where somebody is at work, it is only said", `document.querySelector('#work > .stale a') !== null && document.querySelector('#work').textContent.includes('work 1')`)
	stop()
	click := func(answer string) {
		t.Helper()
		if _, err := chromedp.Run(tab, chromedp.Evaluate[any](`window.confirm = () => `+answer+`, document.querySelector('[data-confirm]').click(), null`)); err != nil {
			t.Fatal(err)
		}
	}
	click("false")
	click("(document.querySelector('[data-confirm]').form.requestSubmit(), true)") // pressed twice
	if err := chromedp.Do(tab, chromedp.WaitVisible(".flash")); err != nil {
		t.Errorf("the message is not shown: %v", err)
	}
	if got := sent.Load(); got != 1 {
		t.Errorf("got %d forms, want one: refused once, then sent twice", got)
	}
}
