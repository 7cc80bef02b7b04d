package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rootkeep/rootkeep/internal/app/demo"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/web"
)

// keepPast is how long a past is used again: after it the newest scan would look old.
const keepPast = 12 * time.Hour

// story is the past of the demonstration's server; nil on every other server.
type story struct {
	Demo
	world  *demo.World
	making atomic.Bool
	day    atomic.Int64 // of the past, that is over
}

// The file that says whose the folder is, and whether its past is whole. Its time is when
// the past was.
const (
	pastFile  = "rootkeep-demo.txt"
	pastHalf  = "The past is being made. rootkeep demo removes what lies here when it makes it anew.\n"
	pastWhole = "The past is whole. rootkeep demo removes what lies here when it makes it anew.\n"
)

func (s *story) file() string { return filepath.Join(s.Folder, pastFile) }

// take says whether the folder holds a past to go on with. If not, it is empty afterwards:
// what was half made, or is old, goes, and what is somebody else's is an error.
func (s *story) take() (kept bool, err error) {
	text, err := os.ReadFile(s.file())
	switch {
	case err == nil:
		is, err := os.Stat(s.file())
		if err == nil && string(text) == pastWhole && !s.Fresh && time.Since(is.ModTime()) < keepPast {
			return true, nil
		}
		if err := errors.Join(err, s.empty()); err != nil {
			return false, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return false, err
	default:
		if others, err := os.ReadDir(s.Folder); err == nil && len(others) > 0 {
			return false, fmt.Errorf("%s: other files lie there, and the demonstration would remove them; hint: --folder with the name of a new one", s.Folder)
		}
	}
	if err := os.MkdirAll(s.Folder, 0o700); err != nil {
		return false, err
	}
	return false, os.WriteFile(s.file(), []byte(pastHalf), 0o600)
}

// empty removes what lies in the folder, the file that says whose it is last: an empty
// that was interrupted can go on.
func (s *story) empty() error {
	all, err := os.ReadDir(s.Folder)
	if err != nil {
		return err
	}
	for _, f := range all {
		if f.Name() != pastFile {
			if err := os.RemoveAll(filepath.Join(s.Folder, f.Name())); err != nil {
				return err
			}
		}
	}
	return os.Remove(s.file())
}

// keep notes that the past is whole.
func (s *story) keep() error { return os.WriteFile(s.file(), []byte(pastWhole), 0o600) }

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

// note is what the home page says first.
func (s *story) note(actor people.Actor) (title, text string) {
	switch {
	case s == nil:
		return "", ""
	case s.making.Load():
		return fmt.Sprintf("The past is being made: day %d of %d", s.day.Load(), 7*s.weeks),
			"Scans, hunts and alerts come in while the weeks of a simulated organization pass; this page follows. Have a look around: nothing can be changed until the past has reached the present, in about a minute."
	case actor.ID == visitor.ID:
		return "You are a visitor of the demonstration",
			"You read everything and change nothing. The link that the terminal shows makes you the administrator, with a security key or a passkey."
	}
	return "", ""
}
