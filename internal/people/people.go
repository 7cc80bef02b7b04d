// Package people says who may do what on the server: roles granted on the whole
// organization, an organizational unit or an account go in, a yes or no about one act at
// one place comes out. It knows nothing of passwords, keys or sessions.
package people

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Role is a set of permissions that a person is granted somewhere.
type Role string

// The roles. No role contains another one's duty by rank: whoever administers people
// does not thereby approve, and whoever approves does not thereby request.
const (
	Viewer    Role = "viewer"
	Requester Role = "requester"
	Approver  Role = "approver"
	Custodian Role = "custodian"
	Responder Role = "responder"
	Auditor   Role = "auditor"
	Admin     Role = "admin"
)

// Roles lists every role in the order in which pages show them.
func Roles() []Role {
	return []Role{Viewer, Requester, Approver, Custodian, Responder, Auditor, Admin}
}

// ParseRole reads a role's name.
func ParseRole(s string) (Role, error) {
	if r := Role(s); slices.Contains(Roles(), r) {
		return r, nil
	}
	return "", fmt.Errorf("role %q: want viewer, requester, approver, custodian, responder, auditor or admin", s)
}

// Permission is a kind of act.
type Permission string

// The permissions. Public needs no sign-in; SignedIn needs one and nothing else.
const (
	Public         Permission = "public"
	SignedIn       Permission = "signed-in"
	Read           Permission = "read"            // findings, hunts, the ledger's entries and proofs
	ReadEvidence   Permission = "read-evidence"   // payloads of the ledger, bundles, who holds which key
	Request        Permission = "request"         // ask for an exception; plan a change and ask for it
	Approve        Permission = "approve"         // sign or deny what somebody else asked for
	Hold           Permission = "hold"            // hand out what a root user signs in with, and seal it again
	Apply          Permission = "apply"           // begin a change that others approved, go on with it, give it up
	Operate        Permission = "operate"         // start scans, hunts and other jobs
	ManagePeople   Permission = "manage-people"   // invite, grant, revoke, issue tokens
	ManageSettings Permission = "manage-settings" // schedules, anchors, policies of approval
)

// grants says what each role may do. Who approves does not apply, so that a plan passes
// through two hands; and who administers people does neither.
var grants = map[Role][]Permission{
	Viewer:    {Read},
	Requester: {Read, Request, Apply},
	Approver:  {Read, Approve},
	Custodian: {Read, Hold},
	Responder: {Read, Request, Apply, Operate},
	Auditor:   {Read, ReadEvidence},
	Admin:     {Read, Operate, ManagePeople, ManageSettings},
}

// Has says whether the role holds the permission.
func (r Role) Has(p Permission) bool { return slices.Contains(grants[r], p) }

// Scope is where a role holds: *, ou:ID or account:NUMBER.
type Scope string

// Everywhere is the scope of the whole organization.
const Everywhere Scope = "*"

// ParseScope reads a scope.
func ParseScope(s string) (Scope, error) {
	kind, id, found := strings.Cut(s, ":")
	switch {
	case s == string(Everywhere):
		return Everywhere, nil
	case found && kind == "ou" && ouID(id):
		return Scope(s), nil
	case found && kind == "account":
		if _, err := rootkeep.ParseAccountID(id); err == nil {
			return Scope(s), nil
		}
	}
	return "", fmt.Errorf("scope %q: want *, ou:ou-abcd-11111111 (or a root, r-abcd) or account:111122223333", s)
}

// ouID says whether the text has the form of an ID of a root or of an organizational
// unit (Organizations API reference, OrganizationalUnit and Root).
func ouID(s string) bool {
	if !strings.HasPrefix(s, "ou-") && !strings.HasPrefix(s, "r-") || len(s) > 68 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}

// Place is an account and the roots and organizational units that it lies in. The zero
// Place stands for the organization as a whole: only a grant everywhere reaches it.
type Place struct {
	Account rootkeep.AccountID
	Path    []string
}

// covers says whether the scope reaches the place.
func (s Scope) covers(p Place) bool {
	kind, id, _ := strings.Cut(string(s), ":")
	switch {
	case s == Everywhere:
		return true
	case p.Account == "":
		return false
	case kind == "ou":
		return slices.Contains(p.Path, id)
	}
	return kind == "account" && id == string(p.Account)
}

// Grant is a role somewhere.
type Grant struct {
	Role  Role  `json:"role"`
	Scope Scope `json:"scope"`
}

// ParseGrant reads ROLE@SCOPE, such as viewer@account:111122223333; without a scope it
// holds everywhere.
func ParseGrant(s string) (Grant, error) {
	name, where, found := strings.Cut(s, "@")
	if !found {
		where = string(Everywhere)
	}
	role, err := ParseRole(name)
	if err != nil {
		return Grant{}, err
	}
	scope, err := ParseScope(where)
	return Grant{role, scope}, err
}

// Kind is what an actor is.
type Kind string

// A person signs in with a key, a machine holds a token, the system is rootkeep itself.
const (
	Person  Kind = "person"
	Machine Kind = "machine"
	System  Kind = "system"
)

// Actor is who acts. ID is that of entries in the ledger. Verified is when the person
// last proved presence with a key and user verification; it is zero for machines, which
// therefore never do what needs a key.
type Actor struct {
	ID       string
	Name     string // chosen by people: escape it
	Kind     Kind
	Grants   []Grant
	Verified time.Time
}

// SystemActor is rootkeep itself. It holds no grants: what it does by itself asks nobody.
var SystemActor = Actor{ID: "system", Name: "rootkeep", Kind: System}

// May says whether the actor may do what the permission names at the place.
func (a Actor) May(p Permission, at Place) bool {
	switch p {
	case Public:
		return true
	case SignedIn:
		return a.ID != ""
	}
	return slices.ContainsFunc(a.Grants, func(g Grant) bool { return g.Role.Has(p) && g.Scope.covers(at) })
}

// MayAnywhere says whether there is any place at which the actor may do it; lists then
// show the places where May agrees.
func (a Actor) MayAnywhere(p Permission) bool {
	if p == Public || p == SignedIn {
		return a.May(p, Place{})
	}
	return slices.ContainsFunc(a.Grants, func(g Grant) bool { return g.Role.Has(p) })
}

// Fresh says whether the actor touched a key within the span before now: what is
// privileged asks for the key again.
func (a Actor) Fresh(now time.Time, within time.Duration) bool {
	since := now.Sub(a.Verified)
	return a.Kind == Person && !a.Verified.IsZero() && since >= 0 && since <= within
}
