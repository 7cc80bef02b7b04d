package report

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// TestPageInABrowser opens the page in headless Chromium and photographs it. Set
// ROOTKEEP_SCREENSHOTS to a directory to keep the pictures.
func TestPageInABrowser(t *testing.T) {
	ctx := browser(t)
	pictures := os.Getenv("ROOTKEEP_SCREENSHOTS")
	if pictures == "" {
		pictures = t.TempDir()
	}
	attack := hostile()
	attack.Alerts = attack.Alerts[:6] // a picture of all of them is 30,000 px high
	hunts := map[string]*Hunt{"story": rootStory(), "quiet": quiet(), "hostile": attack}
	for _, c := range []struct {
		hunt, scheme string
		width        int64
	}{
		{"story", "light", 360},
		{"story", "light", 1920},
		{"story", "dark", 360},
		{"story", "dark", 1920},
		{"quiet", "light", 1280},
		{"hostile", "light", 360},
		{"hostile", "light", 1920},
	} {
		name := fmt.Sprintf("%s %s at %d px", c.hunt, c.scheme, c.width)
		t.Run(name, func(t *testing.T) {
			tab, cancel := chromedp.NewContext(ctx)
			defer cancel()
			seen := watch(t, tab)
			features := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: c.scheme}}}
			if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, features); err != nil {
				t.Fatal(err)
			}
			open(t, tab, hunts[c.hunt], c.width)
			wellBehaved(t, tab)
			seen.check(t)
			picture, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(pictures, fmt.Sprintf("%s-%s-%d.png", c.hunt, c.scheme, c.width))
			if err := os.WriteFile(file, picture, 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestPageWorksWithoutScript(t *testing.T) {
	tab := browser(t)
	open(t, tab, rootStory(), 1024)
	for _, c := range []struct {
		name, expression string
		want             bool
	}{
		{"low alerts are shown at first", `getComputedStyle(document.querySelector('.alert.l-low')).display !== 'none'`, true},
		{"an unticked level is hidden", `document.querySelector('#show-l-low').click(), getComputedStyle(document.querySelector('.alert.l-low')).display === 'none'`, true},
		{"a link to a folded alert unfolds it", `location.hash = '#AL-0G2NS9A1Y0V04', document.getElementById('AL-0G2NS9A1Y0V04').closest('details').open`, true},
		{"every alert can be reached by keyboard", `[...document.querySelectorAll('summary')].every(s => s.tabIndex === 0)`, true},
		{"every drawing has a name", `[...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-label'))`, true},
		{"every wide table can be scrolled by keyboard", `[...document.querySelectorAll('.scroll')].every(s => s.tabIndex === 0 && s.getAttribute('aria-label'))`, true},
		{"headings descend one step at a time", `[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1]).every((n, i, a) => i === 0 ? n === 1 : n <= a[i-1] + 2)`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := chromedp.Run(tab, chromedp.Evaluate[bool](c.expression))
			if err != nil || got != c.want {
				t.Errorf("got %v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestPrintedPageShowsFoldedAlerts(t *testing.T) {
	tab := browser(t)
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}); err != nil {
		t.Fatal(err)
	}
	open(t, tab, rootStory(), 800)
	got, err := chromedp.Run(tab, chromedp.Evaluate[int](`[...document.querySelectorAll('details:not([open]) .body')].filter(b => b.checkVisibility({contentVisibilityAuto: true}) && b.offsetHeight > 0).length`))
	want, _ := chromedp.Run(tab, chromedp.Evaluate[int](`document.querySelectorAll('details:not([open])').length`))
	if err != nil || got != want || want == 0 {
		t.Errorf("got %d folded alerts printed (%v), want all %d", got, err, want)
	}
}

// browser starts Chromium, or skips the test when there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless_shell"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("skipped: no Chromium; install the package chromium to open the page in a browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-component-update", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}

// open writes the page of h to a file and shows it in a window of this width.
func open(t *testing.T, tab context.Context, h *Hunt, width int64) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hunt.html")
	if err := os.WriteFile(file, rendered(t, HTML, h), 0o644); err != nil {
		t.Fatal(err)
	}
	limited, cancel := context.WithTimeout(tab, time.Minute)
	defer cancel()
	address := (&url.URL{Scheme: "file", Path: file}).String()
	if err := chromedp.Do(limited, chromedp.EmulateViewport(width, 1000), chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
}

func wellBehaved(t *testing.T, tab context.Context) {
	t.Helper()
	for name, expression := range map[string]string{
		"scrolls sideways":                 `document.documentElement.scrollWidth > document.documentElement.clientWidth`,
		"has a script":                     `document.scripts.length > 0`,
		"has an event handler":             `[...document.querySelectorAll('*')].some(e => [...e.attributes].some(a => a.name.startsWith('on')))`,
		"has an element from a log":        `document.querySelector('img, iframe, object, embed, form, base, marquee') !== null`,
		"lacks the drawing of its alerts":  `document.querySelector('.alert') !== null && document.querySelector('#timeline svg') === null`,
		"lacks the policy":                 `document.querySelector('meta[http-equiv=Content-Security-Policy]') === null`,
		"has text outside of the viewport": `[...document.querySelectorAll('h1,h2,h3,p,summary,dd')].some(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)`,
	} {
		bad, err := chromedp.Run(tab, chromedp.Evaluate[bool](expression))
		if err != nil || bad {
			t.Errorf("got a page that %s (%v), want none", name, err)
		}
	}
}

// watched collects what a page asks for and complains about.
type watched struct {
	mu       sync.Mutex // guards the fields below
	requests []string
	console  []string
}

func watch(t *testing.T, tab context.Context) *watched {
	t.Helper()
	w := &watched{}
	err := chromedp.Listen(tab, func(ev any) {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch e := ev.(type) {
		case *network.EventRequestWillBeSent:
			w.requests = append(w.requests, e.Request.URL)
		case *log.EventEntryAdded:
			w.console = append(w.console, e.Entry.Text)
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

func (w *watched) check(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.console) > 0 {
		t.Errorf("got console messages %q, want none", w.console)
	}
	var outside []string
	own := 0
	for _, r := range w.requests {
		switch {
		case strings.HasPrefix(r, "file://"):
			own++
		case !strings.HasPrefix(r, "data:"):
			outside = append(outside, r)
		}
	}
	if own != 1 || len(outside) > 0 {
		t.Errorf("got requests %q, want the page itself alone", w.requests)
	}
}
