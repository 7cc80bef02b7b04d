package serve

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/rootkeep/rootkeep/internal/app/demo"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/home"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// story is the past of the demonstration's server; nil on every other server.
type story struct {
	Demo
	world  *demo.World
	making atomic.Bool
	day    atomic.Int64  // of the past, that is over
	lived  chan struct{} // closed once the past is over
	acts   demo.Acts
}

// visitor is whoever looks at the demonstration without a session: one who may read
// everything and change nothing.
var visitor = people.Actor{ID: "visitor", Name: "Visitor", Kind: people.Machine, Grants: []people.Grant{{Role: people.Auditor, Scope: people.Everywhere}}}

// guests lets visitors in beside those who sign in. Nobody but this machine reaches the
// demonstration, and what it shows is made up.
func (s *story) guests(own web.Authenticator) web.Authenticator {
	if s == nil {
		return own
	}
	return guests{own, s}
}

type guests struct {
	own   web.Authenticator
	story *story
}

// Authenticate is that of web.Authenticator.
func (g guests) Authenticate(w http.ResponseWriter, r *http.Request) (*http.Request, people.Actor, error) {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if !reads && g.story.making.Load() {
		// Its clock runs through days in a second: a session would be over at once.
		return r, people.Actor{}, web.Refuse(http.StatusConflict, "busy", "the past of the demonstration is being made, and nothing can be changed yet: come back in a minute")
	}
	r, actor, err := g.own.Authenticate(w, r)
	if err != nil || actor.ID != "" || !reads || r.Header.Get("Authorization") != "" || personal(r.URL.Path) {
		return r, actor, err
	}
	return r, visitor, nil
}

// personal says whether a page is about signing in or about who has: a visitor is nobody
// there.
func personal(path string) bool {
	for _, own := range []string{"/sign-in", "/enrol", "/me"} {
		if path == own || strings.HasPrefix(path, own+"/") {
			return true
		}
	}
	return false
}

// simulated says what is made up of the present.
const simulated = "Everything here is simulated, and nothing leaves this machine. The invented organization goes on with its work, its trail brings events every few seconds, " +
	"and now and then something goes wrong: three times in the first two minutes, then every quarter of an hour."

// lately are the pages that show what just happened.
var lately = []page.Link{{Path: "/alerts", Text: "Alerts"}, {Path: "/incidents", Text: "Cases"}, {Path: "/notices", Text: "Who was told"}, {Path: "/sources", Text: "Sources"}, {Path: "/coverage", Text: "Coverage"}}

// note is what the home page says first.
func (s *story) note(actor people.Actor) home.Note {
	switch {
	case s == nil:
		return home.Note{}
	case s.making.Load():
		return home.Note{
			Title: fmt.Sprintf("The past is being made: day %d of %d", s.day.Load(), 7*s.weeks),
			Text:  "Scans, hunts and alerts come in while the weeks of a simulated organization pass; this page follows. Have a look around: nothing can be changed until the past has reached the present, in about a minute.",
		}
	case actor.ID == visitor.ID:
		return home.Note{
			Title: "You are a visitor of the demonstration",
			Text:  "You read everything and change nothing. The link that the terminal shows makes you the administrator, with a security key or a passkey. " + simulated,
			Lines: s.acts.Lines(), Links: lately,
		}
	}
	return home.Note{Title: "This is a demonstration", Text: simulated, Lines: s.acts.Lines(), Links: lately}
}
