package report

import (
	"fmt"
	"testing"

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
	sheettest.Holds(t, tab, append([]sheettest.Claim{
		{Name: "low alerts are shown at first", Expression: `getComputedStyle(document.querySelector('.alert.l-low')).display !== 'none'`},
		{Name: "an unticked level is hidden", Expression: `document.querySelector('#show-l-low').click(), getComputedStyle(document.querySelector('.alert.l-low')).display === 'none'`},
		{Name: "a link to a folded alert unfolds it", Expression: `location.hash = '#AL-0G2NS9A1Y0V04', document.getElementById('AL-0G2NS9A1Y0V04').closest('details').open`},
	}, sheettest.Accessible()...)...)
}

func TestPrintedPageShowsFoldedAlerts(t *testing.T) {
	sheettest.PrintsFolded(t, rendered(t, HTML, rootStory()))
}
