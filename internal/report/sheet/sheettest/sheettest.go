// Package sheettest opens pages in headless Chromium, for the tests of every report.
package sheettest

import (
	"context"
	"fmt"
	"maps"
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

// Browser starts Chromium, or skips the test when there is none.
func Browser(t *testing.T) context.Context {
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

// Open writes the page to a file and shows it in a window of this width.
func Open(t *testing.T, tab context.Context, page []byte, width int64) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, page, 0o644); err != nil {
		t.Fatal(err)
	}
	limited, cancel := context.WithTimeout(tab, 5*time.Minute)
	defer cancel()
	address := (&url.URL{Scheme: "file", Path: file}).String()
	if err := chromedp.Do(limited, chromedp.EmulateViewport(width, 1000), chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
}

// WellBehaved looks for what no page may do; more are further expressions that must be
// false, by what is wrong with the page if they are not.
func WellBehaved(t *testing.T, tab context.Context, more map[string]string) {
	t.Helper()
	bad := map[string]string{
		"scrolls sideways":                 `document.documentElement.scrollWidth > document.documentElement.clientWidth`,
		"has a script":                     `document.scripts.length > 0`,
		"has an event handler":             `[...document.querySelectorAll('*')].some(e => [...e.attributes].some(a => a.name.startsWith('on')))`,
		"has an element from a log":        `document.querySelector('img, iframe, object, embed, form, base, marquee') !== null`,
		"lacks the policy":                 `document.querySelector('meta[http-equiv=Content-Security-Policy]') === null`,
		"has text outside of the viewport": `[...document.querySelectorAll('h1,h2,h3,p,summary,dd')].some(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1)`,
	}
	maps.Copy(bad, more)
	for name, expression := range bad {
		bad, err := chromedp.Run(tab, chromedp.Evaluate[bool](expression))
		if err != nil || bad {
			t.Errorf("got a page that %s (%v), want none", name, err)
		}
	}
}

// Watched collects what a page asks for and complains about.
type Watched struct {
	mu       sync.Mutex // guards the fields below
	requests []string
	console  []string
}

// Watch begins to collect.
func Watch(t *testing.T, tab context.Context) *Watched {
	t.Helper()
	w := &Watched{}
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

// Check wants the page itself to be all that was asked for, and no complaint.
func (w *Watched) Check(t *testing.T) {
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

// Photograph opens a page in a light or dark window, wants it to be well-behaved, and
// takes a picture of all of it. Set ROOTKEEP_SCREENSHOTS to a directory to keep it.
func Photograph(t *testing.T, ctx context.Context, name, scheme string, page []byte, width int64, more map[string]string) {
	t.Helper()
	pictures := os.Getenv("ROOTKEEP_SCREENSHOTS")
	if pictures == "" {
		pictures = t.TempDir()
	}
	tab, cancel := chromedp.NewContext(ctx)
	defer cancel()
	seen := Watch(t, tab)
	features := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, features); err != nil {
		t.Fatal(err)
	}
	Open(t, tab, page, width)
	WellBehaved(t, tab, more)
	seen.Check(t)
	picture, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(pictures, fmt.Sprintf("%s-%s-%d.png", name, scheme, width)), picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Claim is an expression that must be true of a page.
type Claim struct{ Name, Expression string }

// Accessible are the claims that every page has to keep.
func Accessible() []Claim {
	return []Claim{
		{"every folded part can be reached by keyboard", `[...document.querySelectorAll('summary')].every(s => s.tabIndex === 0)`},
		{"every link of the navigation leads somewhere", `[...document.querySelectorAll('nav a')].every(a => document.querySelector(a.getAttribute('href')))`},
		{"every drawing has a name", `[...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-label'))`},
		{"every wide table can be scrolled by keyboard", `[...document.querySelectorAll('.scroll')].every(s => s.tabIndex === 0 && s.getAttribute('aria-label'))`},
		{"headings descend one step at a time", `[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1]).every((n, i, a) => i === 0 ? n === 1 : n <= a[i-1] + 2)`},
	}
}

// Holds evaluates claims, in their order, on the page that is open.
func Holds(t *testing.T, tab context.Context, claims ...Claim) {
	t.Helper()
	for _, c := range claims {
		t.Run(c.Name, func(t *testing.T) {
			if got, err := chromedp.Run(tab, chromedp.Evaluate[bool](c.Expression)); err != nil || !got {
				t.Errorf("got %v, %v, want true", got, err)
			}
		})
	}
}

// PrintsFolded wants the printed page to show what is folded on the screen.
func PrintsFolded(t *testing.T, page []byte) {
	t.Helper()
	tab := Browser(t)
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}); err != nil {
		t.Fatal(err)
	}
	Open(t, tab, page, 800)
	got, err := chromedp.Run(tab, chromedp.Evaluate[int](`[...document.querySelectorAll('details:not([open]) .body')].filter(b => b.checkVisibility({contentVisibilityAuto: true}) && b.offsetHeight > 0).length`))
	want, _ := chromedp.Run(tab, chromedp.Evaluate[int](`document.querySelectorAll('details:not([open])').length`))
	if err != nil || got != want || want == 0 {
		t.Errorf("got %d folded parts printed (%v), want all %d", got, err, want)
	}
}
