// Package identity is what an account of the simulated AWS has of identities: root,
// users, groups and roles with their credentials and policies, as they are now and as
// they are in force. Changes go in; who may act with which policies comes out.
package identity

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Set are the identities of an account.
type Set struct {
	Root Root
	// Users, groups, roles and profiles by name; managed policies of the account by ARN;
	// virtual MFA devices by serial number.
	Users    map[string]*User
	Groups   map[string]*Group
	Roles    map[string]*Role
	Policies map[string]*Policy
	Profiles map[string]*Profile
	Devices  map[string]*Device
	Password *PasswordPolicy // nil: AWS's default

	earlier []earlier // oldest first
}

// NewSet is a set with a root user alone.
func NewSet(root Root) Set {
	return Set{
		Root: root, Users: map[string]*User{}, Groups: map[string]*Group{}, Roles: map[string]*Role{}, Policies: map[string]*Policy{},
		Profiles: map[string]*Profile{}, Devices: map[string]*Device{},
	}
}

// Root is the root user of an account.
type Root struct {
	Created      time.Time
	Password     Password
	Keys         []*AccessKey
	Certificates []*Certificate
	MFA          []*Device
}

// Has says whether root has any credential.
func (r *Root) Has() bool {
	return r.Password.Set || len(r.Keys) > 0 || len(r.Certificates) > 0
}

// Password is the console password of a user.
type Password struct {
	Set           bool
	Value         string
	Created       time.Time // of the login profile
	Changed       time.Time
	Used          time.Time // zero: never
	ResetRequired bool
}

// Tag is one tag.
type Tag struct{ Key, Value string }

// User is an IAM user.
type User struct {
	Holder
	Password     Password
	Groups       []string
	Keys         []*AccessKey
	MFA          []*Device
	Certificates []*Certificate
}

// Role is an IAM role.
type Role struct {
	Holder
	Trust       string
	Description string
	MaxSession  int       // seconds
	LastUsed    time.Time // zero: never
	LastRegion  string
}

// Group is a group of users.
type Group struct{ Holder }

// Holder is what users, groups and roles have in common: a name and policies.
type Holder struct {
	Name, Path, ID, ARN string
	Created             time.Time
	Tags                []Tag
	Attached            []string          // ARNs of managed policies, in the order of attaching
	Inline              map[string]string // documents by name
	Boundary            string            // ARN of a managed policy, "" for none
}

// Policy is a managed policy.
type Policy struct {
	Name, Path, ID, ARN, Description string
	Created, Updated                 time.Time
	Versions                         []Version // oldest first
	Made                             int       // versions ever made
	Tags                             []Tag
}

// Version is one version of a managed policy.
type Version struct {
	ID       string
	Document string
	Default  bool
	Created  time.Time
}

// Default is the version in force.
func (p *Policy) Default() Version {
	for _, v := range p.Versions {
		if v.Default {
			return v
		}
	}
	return Version{}
}

// AWS says whether the policy is one of AWS's own.
func (p *Policy) AWS() bool { return strings.HasPrefix(p.ARN, "arn:aws:iam::aws:") }

// Profile is an instance profile.
type Profile struct {
	Name, Path, ID, ARN string
	Created             time.Time
	Roles               []string
}

// AccessKey is a long-term access key.
type AccessKey struct {
	ID, Secret string
	Active     bool
	Created    time.Time
	Used       time.Time // zero: never
	Region     string    // of the last use
	Service    string
}

// Certificate is an X.509 signing certificate.
type Certificate struct {
	ID, Body string
	Active   bool
	Uploaded time.Time
}

// Device is an MFA device. Serial is an ARN for virtual devices and FIDO keys, a
// number for hardware tokens.
type Device struct {
	Serial  string
	Seed    string // base32, of a virtual device
	Owner   string // ARN of the user or root, "" when not assigned
	Enabled time.Time
	Tags    []Tag
	// Certifications of a FIDO security key, such as FIDO: L1, FIPS-140-2-L2.
	Certifications map[string]string
}

// Virtual says whether the device is a virtual one.
func (d *Device) Virtual() bool { return strings.Contains(d.Serial, ":mfa/") }

// FIDO says whether the device is a passkey or security key.
func (d *Device) FIDO() bool { return strings.Contains(d.Serial, ":u2f/") }

// PasswordPolicy is an account's password policy.
type PasswordPolicy struct {
	MinimumLength, MaxAge, Reuse                 int
	Symbols, Numbers, Uppercase, Lowercase, Self bool
	HardExpiry                                   bool
}

// Sorted lists the values of a map by their keys.
func Sorted[T any](m map[string]T) []T {
	out := make([]T, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

// Find returns a managed policy of the set or of AWS, nil if there is none.
func (s *Set) Find(arn string) *Policy {
	if p, ok := s.Policies[arn]; ok {
		return p
	}
	return ofAWS()[arn]
}

// AllPolicies are the managed policies of the account and those of AWS, by ARN.
func (s *Set) AllPolicies() []*Policy { return append(Sorted(s.Policies), Sorted(ofAWS())...) }

// Grants are the texts of the identity policies of a holder, those of groups included.
func (s *Set) Grants(h *Holder, groups []string) []Text {
	var out []Text
	for _, arn := range h.Attached {
		if p := s.Find(arn); p != nil {
			out = append(out, Text{arn, p.Default().Document})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.Inline)) {
		out = append(out, Text{name, h.Inline[name]})
	}
	for _, name := range groups {
		if g := s.Groups[name]; g != nil {
			out = append(out, s.Grants(&g.Holder, nil)...)
		}
	}
	return out
}

// Text is a policy as text, with a name for messages.
type Text struct{ Name, Document string }

// Holders are the users, groups and roles to which a managed policy is attached, or
// whose boundary it is.
func (s *Set) Holders(arn string, boundary bool) (users []*User, groups []*Group, roles []*Role) {
	has := func(h *Holder) bool {
		if boundary {
			return h.Boundary == arn
		}
		return slices.Contains(h.Attached, arn)
	}
	for _, u := range Sorted(s.Users) {
		if has(&u.Holder) {
			users = append(users, u)
		}
	}
	for _, g := range Sorted(s.Groups) {
		if has(&g.Holder) {
			groups = append(groups, g)
		}
	}
	for _, r := range Sorted(s.Roles) {
		if has(&r.Holder) {
			roles = append(roles, r)
		}
	}
	return users, groups, roles
}
