package chart

import (
	"bufio"
	"bytes"
	"maps"
	"slices"
	"testing"

	"github.com/rootkeep/rootkeep/internal/report/sheet"
	"github.com/rootkeep/rootkeep/internal/report/sheet/sheettest"
)

// album is a page with every chart on it.
func album(t *testing.T, word string) []byte {
	t.Helper()
	var b bytes.Buffer
	p := sheet.Sheet{Writer: bufio.NewWriter(&b)}
	p.Head("charts", Markup(CSS))
	p.Raw(`<main id="main"><h1>Charts</h1>`)
	charts := gallery(word)
	for _, name := range slices.Sorted(maps.Keys(charts)) {
		p.Raw(Described(charts[name]), `<p></p>`)
	}
	p.Raw("</main></body></html>")
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestChartsInABrowser(t *testing.T) {
	ctx := sheettest.Browser(t)
	for _, c := range []struct {
		name, word, scheme string
		width              int64
	}{
		{"charts", "", "light", 360}, {"charts", "", "light", 1920}, {"charts", "", "dark", 1920}, {"hostile charts", poison, "light", 360},
	} {
		t.Run(c.name+" "+c.scheme, func(t *testing.T) {
			sheettest.Photograph(t, ctx, c.name, c.scheme, album(t, c.word), c.width, map[string]string{
				"has a drawing without size": `[...document.querySelectorAll('svg')].some(e => e.getBoundingClientRect().height < 4)`,
			})
		})
	}
	tab := sheettest.Browser(t)
	sheettest.Open(t, tab, album(t, ""), 1024)
	sheettest.Holds(t, tab, sheettest.Accessible()...)
}
