// Package facts is what was observed of one AWS account: a Snapshot holds typed
// facts, where each came from and when, and what could not be read. A fact without
// an origin is not known, whatever its zero value says.
//
// Names in JSON are the names that control expressions use: facts.root.mfa_enabled.
package facts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Format is the version of the snapshot file that this program writes.
const Format = 1

// Snapshot is one account at one time. Its JSON is the snapshot file.
type Snapshot struct {
	Format  int                `json:"format"`
	Account rootkeep.AccountID `json:"account"`
	Taken   time.Time          `json:"taken"`
	Facts   Facts              `json:"facts"`
	// Origins tell which facts were read, by path: "root.mfa_enabled", "users.arn",
	// or a whole branch: "password_policy".
	Origins []Origin `json:"origins"`
	// Gaps are facts that were asked for and could not be read. A gap inside a
	// branch that has an origin takes that part out again.
	Gaps []Gap `json:"gaps"`
	// Sessions are what the scan itself was given to read the account.
	Sessions []Session `json:"sessions,omitempty"`
}

// Origin is where facts came from.
type Origin struct {
	Path string    `json:"path"`
	Call string    `json:"call"` // the AWS action, such as iam:GetAccountSummary
	At   time.Time `json:"at"`   // when AWS made the answer, which may be before it was asked
	File string    `json:"file,omitempty"`
	// Account, if another one answered: the management account tells of its members.
	Account rootkeep.AccountID `json:"account,omitempty"`
}

// Gap is a fact that could not be read. Resource, if set, names the one element of a
// list that it is about. Regions, if set, are those of which a list of all Regions
// lacks its elements, separated by commas; those of the others are in the list.
type Gap struct {
	Path       string `json:"path"`
	Resource   string `json:"resource,omitempty"`
	Regions    string `json:"regions,omitempty"`    // one text, so that gaps compare
	Permission string `json:"permission,omitempty"` // the action that was denied or failed
	Reason     string `json:"reason"`
}

// Observe notes where facts came from.
func (s *Snapshot) Observe(call string, at time.Time, file string, paths ...string) {
	for _, p := range paths {
		s.Origins = append(s.Origins, Origin{Path: p, Call: call, At: at, File: file})
	}
}

// Read reads a snapshot file. The error says what is wrong and where, such as a file
// of a newer format.
func Read(r io.Reader) (*Snapshot, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	var s Snapshot
	err := d.Decode(&s)
	switch {
	case s.Format > Format:
		return nil, fmt.Errorf("snapshot of format %d, this program reads up to %d; hint: use the version that wrote it, or a newer one", s.Format, Format)
	case err != nil:
		return nil, fmt.Errorf("snapshot, offset %d: %w", d.InputOffset(), err)
	case s.Format < 1:
		return nil, errors.New("snapshot without a format: this is another kind of file")
	}
	for _, o := range s.Origins {
		if !known(o.Path) {
			return nil, fmt.Errorf("snapshot: origin of %q, a fact that does not exist", o.Path)
		}
	}
	return &s, nil
}

// Write writes the snapshot file.
func (s *Snapshot) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(s)
}

// Origin is the latest origin of a path; false if the fact is not known at all.
func (s *Snapshot) Origin(path string) (Origin, bool) {
	var out Origin
	found := false
	for _, o := range s.Origins {
		if covers(o.Path, path) && (!found || o.At.After(out.At)) {
			out, found = o, true
		}
	}
	return out, found
}

// covers says whether a branch is the path or holds it.
func covers(branch, path string) bool {
	rest, ok := strings.CutPrefix(path, branch)
	return ok && (rest == "" || rest[0] == '.')
}

// Unknown lists the paths of facts that are not known, each with why. A list whose
// keys are not known is not known at all. Gaps of single resources are left out; see
// GapsOf.
func (s *Snapshot) Unknown() []Gap {
	var out []Gap
	observed := map[string]bool{}
	for _, o := range s.Origins {
		observed[o.Path] = true
	}
	keys := map[string]Path{} // by list
	for _, p := range allPaths {
		if g, ok := s.lacks(p, observed); ok {
			out = append(out, g)
			continue
		}
		branch, _, _ := strings.Cut(p.Name, ".")
		key, ok := keys[branch]
		if !ok {
			key = keyPath(branch)
			keys[branch] = key
		}
		if g, ok := s.lacks(key, observed); key.Name != "" && ok {
			g.Path = p.Name
			out = append(out, g)
		}
	}
	return out
}

// keyPath is the fact that tells the elements of a list apart; the zero Path for what
// is no list.
func keyPath(branch string) Path {
	i := slices.IndexFunc(allLists, func(l List) bool { return l.Name == branch })
	if i < 0 {
		return Path{}
	}
	name := branch + "." + allLists[i].Key
	return allPaths[slices.IndexFunc(allPaths, func(p Path) bool { return p.Name == name })]
}

// lacks says why a fact is not known, if it is not. observed are the paths that have an
// origin.
func (s *Snapshot) lacks(p Path, observed map[string]bool) (Gap, bool) {
	if g, ok := s.gap(p.Name, ""); ok {
		return Gap{Path: p.Name, Permission: g.Permission, Reason: g.Reason}, true
	}
	if within(observed, p.Name) {
		return Gap{}, false
	}
	if !strings.Contains(p.Call, ":") {
		return Gap{Path: p.Name, Reason: "no " + p.Call + " in the register"}, true
	}
	return Gap{Path: p.Name, Reason: "not collected: " + p.Call + " tells it"}, true
}

// within says whether a path or a branch that holds it is in the set.
func within(set map[string]bool, path string) bool {
	for !set[path] {
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			return false
		}
		path = path[:i]
	}
	return true
}

// GapsOf lists what could not be read of one resource.
func (s *Snapshot) GapsOf(resource string) []Gap {
	var out []Gap
	for _, g := range s.Gaps {
		if g.Resource == resource && resource != "" {
			out = append(out, g)
		}
	}
	return out
}

func (s *Snapshot) gap(path, resource string) (Gap, bool) {
	i := slices.IndexFunc(s.Gaps, func(g Gap) bool { return g.Resource == resource && covers(g.Path, path) })
	if i < 0 {
		return Gap{}, false
	}
	return s.Gaps[i], true
}
