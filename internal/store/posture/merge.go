package posture

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Finding is a finding as it is known now.
type Finding struct {
	rootkeep.Finding
	ID        string    `json:"id"` // of the finding as it was judged, before long texts were cut
	FirstSeen time.Time `json:"first_seen"`
	Changed   time.Time `json:"changed"` // its status, severity or exception
	// LastSeen is when it was last judged: zero if that was by the newest scan of the
	// account, which was at the account's Taken.
	LastSeen time.Time `json:"last_seen,omitzero"`
}

// Kinds of change.
const (
	Opened  = "opened"  // is there, and fails, is not known, or is accepted
	Changed = "changed" // came to something else
	Closed  = "closed"  // is gone, and failed, was not known, or was accepted
)

// none is the status of a finding that is not there, as the store keeps it.
const none = -1

// Change is a change of one finding.
type Change struct {
	Scan string // "": an exception began or ended
	ID   string // of the finding
	At   time.Time
	Kind string
	Was  int // a rootkeep.Status, or -1: it was not there
	Now  int

	Finding rootkeep.Finding // after an opening or a change, before a closing
}

// merged is what a scan changes of an account's findings.
type merged struct {
	all     map[string]*Finding // after it
	write   []string            // IDs of those that are new or changed in any way
	drop    []string
	changes []Change
}

// merge brings the findings of an account up to date. before are those known at the time
// since, found those of a scan at the time taken by these controls.
func merge(before map[string]*Finding, found []rootkeep.Finding, controls []string, since, taken time.Time) *merged {
	m := &merged{all: map[string]*Finding{}}
	judged, blind := map[string]bool{}, map[string]bool{} // by control
	for _, id := range controls {
		judged[id] = true
	}
	now := worstOf(found)
	for _, f := range now {
		judged[f.Control] = true
		if f.Status == rootkeep.Unknown {
			blind[f.Control] = true
		}
	}
	for id, f := range now {
		m.see(id, before[id], f, taken)
	}
	for id, f := range before {
		switch {
		case now[id] != nil:
		case judged[f.Control] && !blind[f.Control]:
			m.drop = append(m.drop, id)
			m.change(id, Closed, &f.Finding, int(f.Status), none, taken)
		default:
			m.keep(id, f, judged[f.Control], since, taken)
		}
	}
	slices.Sort(m.write)
	slices.Sort(m.drop)
	slices.SortFunc(m.changes, func(a, b Change) int { return cmp.Compare(a.ID, b.ID) })
	return m
}

// worstOf are the findings by ID, in the form that is kept. Of two about the same
// resource, such as two that have no name, the worse counts.
func worstOf(found []rootkeep.Finding) map[string]*rootkeep.Finding {
	out := map[string]*rootkeep.Finding{}
	for i := range found {
		f := found[i]
		id := f.ID()
		f.Title, f.Region, f.Resource, f.Detail = text(f.Title), rootkeep.Region(text(string(f.Region))), text(f.Resource), text(f.Detail)
		f.Missing, f.Permissions = texts(f.Missing), texts(f.Permissions)
		if f.Exception != nil {
			f.Exception = &rootkeep.Exception{Owner: text(f.Exception.Owner), Reason: text(f.Exception.Reason), Until: f.Exception.Until.UTC().Truncate(time.Microsecond)}
		}
		if was := out[id]; was == nil || place(&f) < place(was) {
			out[id] = &f
		}
	}
	return out
}

// see takes a finding that the scan judged.
func (m *merged) see(id string, before *Finding, f *rootkeep.Finding, taken time.Time) {
	if before == nil {
		m.all[id] = &Finding{Finding: *f, ID: id, FirstSeen: taken, Changed: taken}
		m.write = append(m.write, id)
		m.change(id, Opened, f, none, int(f.Status), taken)
		return
	}
	after := &Finding{Finding: *f, ID: id, FirstSeen: before.FirstSeen, Changed: before.Changed}
	m.all[id] = after
	if !same(&before.Finding, f) {
		after.Changed = taken
		m.change(id, Changed, f, int(before.Status), int(f.Status), taken)
	}
	if !before.LastSeen.IsZero() || !alike(&before.Finding, f) {
		m.write = append(m.write, id)
	}
}

// keep leaves a finding that the scan did not judge as it is, with its age. If its
// control was judged and the scan could not tell, what passed is not known any more.
func (m *merged) keep(id string, f *Finding, judged bool, since, taken time.Time) {
	kept := *f
	m.all[id] = &kept
	if kept.LastSeen.IsZero() {
		kept.LastSeen = since
		m.write = append(m.write, id)
	}
	if !judged || f.Status != rootkeep.Pass && f.Status != rootkeep.NotApplicable {
		return
	}
	kept.Status, kept.Detail, kept.Changed = rootkeep.Unknown, "", taken
	kept.Missing = []string{fmt.Sprintf("whether it is still there is not known; it was %s on %s", f.Status, kept.LastSeen.UTC().Format(time.RFC3339))}
	if !f.LastSeen.IsZero() {
		m.write = append(m.write, id)
	}
	m.change(id, Changed, &kept.Finding, int(f.Status), int(rootkeep.Unknown), taken)
}

// change notes a change that a person is told of: what passes or does not apply neither
// opens nor closes.
func (m *merged) change(id, kind string, f *rootkeep.Finding, was, now int, at time.Time) {
	quiet := func(status int) bool {
		return status == none || status == int(rootkeep.Pass) || status == int(rootkeep.NotApplicable)
	}
	if kind != Changed && quiet(was) && quiet(now) {
		return
	}
	m.changes = append(m.changes, Change{ID: id, At: at, Kind: kind, Was: was, Now: now, Finding: *f})
}

// same says whether two findings came to the same.
func same(a, b *rootkeep.Finding) bool {
	return a.Status == b.Status && a.Severity == b.Severity && sameException(a.Exception, b.Exception)
}

func sameException(a, b *rootkeep.Exception) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Owner == b.Owner && a.Reason == b.Reason && a.Until.Equal(b.Until)
}

// alike says whether they say the same, too.
func alike(a, b *rootkeep.Finding) bool {
	return same(a, b) && a.Title == b.Title && a.Detail == b.Detail && slices.Equal(a.Missing, b.Missing) && slices.Equal(a.Permissions, b.Permissions)
}

// FindingsDigest is the SHA-256, hexadecimal, of the findings as JSON, one a line, in the
// order of control, Region and resource.
func FindingsDigest(found []rootkeep.Finding) (string, error) {
	order := slices.SortedStableFunc(slices.Values(found), func(a, b rootkeep.Finding) int {
		return cmp.Or(cmp.Compare(a.Control, b.Control), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Resource, b.Resource))
	})
	h := sha256.New()
	e := json.NewEncoder(h)
	e.SetEscapeHTML(false)
	for i := range order {
		if err := e.Encode(&order[i]); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
