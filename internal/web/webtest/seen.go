package webtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Seen is what a page asked for and complained about.
type Seen struct {
	mu       sync.Mutex // guards the fields below
	requests []string   // the page itself comes first
	console  []string
}

func watch(t *testing.T, tab context.Context) *Seen {
	t.Helper()
	w := &Seen{}
	err := chromedp.Listen(tab, func(ev any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch e := ev.(type) {
		case *network.EventRequestWillBeSent:
			w.requests = append(w.requests, e.Request.URL)
		case *log.EventEntryAdded:
			if e.Entry.URL != w.requests[0] { // an error page is one on purpose
				w.console = append(w.console, e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			w.console = append(w.console, e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			w.console = append(w.console, fmt.Sprint(e.Type))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Console gives what the page complained about.
func (w *Seen) Console() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.console...)
}

// check wants nothing asked of anybody but the server, and no complaint.
func (w *Seen) check(t *testing.T, server string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.requests {
		if !strings.HasPrefix(r, server+"/") && !strings.HasPrefix(r, "data:") {
			t.Errorf("got a request to %s, want none outside of %s", r, server)
		}
	}
	if len(w.console) > 0 {
		t.Errorf("got console messages %q, want none", w.console)
	}
}
