// Package page is how the console looks: the layout of every page and the parts that the
// areas put into it. It takes values and writes HTML; all text is escaped by templ, and
// no part of it is a link or a class that came from outside.
package page

import (
	"strings"

	"github.com/rootkeep/rootkeep/internal/people"
)

// Link is an entry of the main menu.
type Link struct {
	Text string
	Path string
	Need people.Permission // who sees it
}

// Banner is what every page must say. The zero Banner says nothing.
type Banner struct {
	Text   string
	Action string // path of the form that does away with it; empty for none
	Button string // text of its button
}

// Frame is what stands around a page's body.
type Frame struct {
	Title               string
	Path                string // of the request
	Actor               people.Actor
	Nav                 []Link
	Banners             []Banner
	Flash               string
	Style, Script, Icon string // addresses
}

// Current says whether the link leads to the page or to one above it.
func (f Frame) Current(l Link) bool {
	return f.Path == l.Path || l.Path != "/" && strings.HasPrefix(f.Path, l.Path+"/")
}

// Failure is what an error page shows.
type Failure struct {
	Status        int
	Title, Detail string
	RequestID     string
}
