package webtest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/rootkeep/rootkeep/internal/report/sheet/sheettest"
)

// Widths of the windows in which every page must work.
var Widths = []int64{360, 1920}

// Browser is a headless Chromium that speaks to a server under test.
type Browser struct {
	server *Server
	ctx    context.Context
	t      *testing.T
	axe    string // source of axe-core; empty if it is not installed
}

// Browser starts Chromium, or skips the test when there is none.
func (s *Server) Browser(t *testing.T) *Browser {
	t.Helper()
	b := &Browser{server: s, ctx: sheettest.Browser(t), t: t}
	source, err := os.ReadFile(filepath.Join(root(t), ".venv", "axe", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Log("not checked for barriers: axe-core is not installed; hint: make setup")
	}
	b.axe = string(source)
	return b
}

// root is the folder of the module.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
	}
}

// Photograph opens a page as an actor in windows of every width, and in a wide dark one.
// It wants the page to be well-behaved, and leaves build/screens/NAME-WIDTH.png, and
// NAME-dark-WIDTH.png of the dark one.
func (b *Browser) Photograph(actor, name, path string) {
	b.t.Helper()
	folder := filepath.Join(root(b.t), "build", "screens")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.t.Fatal(err)
	}
	for _, width := range Widths {
		for _, scheme := range []string{"light", "dark"} {
			if scheme == "dark" && width != Widths[1] {
				continue
			}
			file := fmt.Sprintf("%s-%d.png", name, width)
			if scheme == "dark" {
				file = fmt.Sprintf("%s-dark-%d.png", name, width)
			}
			b.t.Run(strings.TrimSuffix(file, ".png"), func(t *testing.T) {
				picture := b.photograph(t, actor, path, scheme, width)
				if err := os.WriteFile(filepath.Join(folder, file), picture, 0o644); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

func (b *Browser) photograph(t *testing.T, actor, path, scheme string, width int64) []byte {
	tab, seen := b.Open(t, actor, path, scheme, width)
	for name, expression := range map[string]string{
		"scrolls sideways":              `document.documentElement.scrollWidth > document.documentElement.clientWidth`,
		"has a script or style of text": `[...document.scripts].some(s => !s.src) || document.querySelector('style, [style]') !== null`,
		"has an event handler":          `[...document.querySelectorAll('*')].some(e => [...e.attributes].some(a => a.name.startsWith('on')))`,
		"has a value below the names":   `[...document.querySelectorAll('.table tbody td > *')].some(e => getComputedStyle(e.parentElement).display === 'grid' && e.getClientRects().length > 0 && e.getBoundingClientRect().left < e.parentElement.getBoundingClientRect().left + 100)`,
		"has no title":                  `document.title === ''`,
		"has not one main heading":      `document.querySelectorAll('h1').length !== 1`,
		"has a link to nowhere":         `[...document.querySelectorAll('a')].some(a => a.getAttribute('href') === '#' || a.getAttribute('href') === '')`,
		"skips a level of headings":     `[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1]).some((n, i, a) => i > 0 && n > a[i-1] + 1)`,
	} {
		if bad, err := chromedp.Run(tab, chromedp.Evaluate[bool](expression)); err != nil || bad {
			t.Errorf("%s: got a page that %s (%v), want none", path, name, err)
		}
	}
	b.barriers(t, tab, path)
	picture, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	seen.check(t, b.server.URL.String())
	return picture
}

// Open opens a page as an actor, "" for nobody, in a new tab that the test's end closes.
func (b *Browser) Open(t *testing.T, actor, path, scheme string, width int64) (context.Context, *Seen) {
	t.Helper()
	tab, cancel := chromedp.NewContext(b.ctx)
	t.Cleanup(cancel)
	limited, stop := context.WithTimeout(tab, 5*patience)
	t.Cleanup(stop)
	seen := watch(t, limited)
	features := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(limited, emulation.SetEmulatedMedia, features); err != nil {
		t.Fatal(err)
	}
	if actor != "" {
		if _, err := chromedp.Call(limited, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{header: actor}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := chromedp.Do(limited, chromedp.EmulateViewport(width, 1000), chromedp.Navigate(b.server.URL.String()+path)); err != nil {
		t.Fatal(err)
	}
	return limited, seen
}

// barriers runs axe-core and wants nothing serious.
func (b *Browser) barriers(t *testing.T, tab context.Context, path string) {
	t.Helper()
	if b.axe == "" {
		return
	}
	text, err := chromedp.Run(tab, chromedp.Evaluate[string](b.axe+`
;axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations.map(v =>
	({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + ' ' + n.failureSummary)}))))`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: axe: %v", path, err)
	}
	var found []struct {
		ID, Impact, Help string
		Nodes            []string
	}
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		t.Fatalf("%s: axe: %v", path, err)
	}
	for _, f := range found {
		say := t.Logf
		if f.Impact == "serious" || f.Impact == "critical" {
			say = t.Errorf
		}
		say("%s: barrier of impact %s: %s (%s)\n%s", path, f.Impact, f.Help, f.ID, strings.Join(f.Nodes, "\n"))
	}
}
