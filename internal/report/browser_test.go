package report

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/rootkeep/rootkeep/internal/report/sheet/sheettest"
)

// TestPageInABrowser opens the page in headless Chromium and photographs it. Set
// ROOTKEEP_SCREENSHOTS to a directory to keep the pictures.
func TestPageInABrowser(t *testing.T) {
	ctx := sheettest.Browser(t)
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
			sheettest.Photograph(t, ctx, c.hunt, c.scheme, rendered(t, HTML, hunts[c.hunt]), c.width, map[string]string{
				"lacks the drawing of its alerts": `document.querySelector('.alert') !== null && document.querySelector('#timeline svg') === null`,
			})
		})
	}
}

func TestPageWorksWithoutScript(t *testing.T) {
	tab := sheettest.Browser(t)
	sheettest.Open(t, tab, rendered(t, HTML, rootStory()), 1024)
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
	tab := sheettest.Browser(t)
	if _, err := chromedp.Call(tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"}); err != nil {
		t.Fatal(err)
	}
	sheettest.Open(t, tab, rendered(t, HTML, rootStory()), 800)
	got, err := chromedp.Run(tab, chromedp.Evaluate[int](`[...document.querySelectorAll('details:not([open]) .body')].filter(b => b.checkVisibility({contentVisibilityAuto: true}) && b.offsetHeight > 0).length`))
	want, _ := chromedp.Run(tab, chromedp.Evaluate[int](`document.querySelectorAll('details:not([open])').length`))
	if err != nil || got != want || want == 0 {
		t.Errorf("got %d folded alerts printed (%v), want all %d", got, err, want)
	}
}
