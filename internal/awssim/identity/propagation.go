package identity

import (
	"maps"
	"slices"
	"time"
)

// earlier is what the identities were before a change that is still on its way.
type earlier struct {
	since, until time.Time
	was          *Set
}

// steps is how many earlier states there are at most: changes that follow each other
// within this part of the delay take effect together, with the last of them.
const steps = 20

// Changing is to be called before a change: what the identities are stays in force
// until the delay has passed. A delay of 0 lets changes take effect at once.
//
// Source: IAM User Guide, "Troubleshoot IAM", "Changes that I make are not always
// immediately visible".
func (s *Set) Changing(now time.Time, delay time.Duration) {
	if delay <= 0 {
		return
	}
	s.forget(now)
	until := now.Add(delay)
	if n := len(s.earlier); n > 0 && now.Sub(s.earlier[n-1].since) < delay/steps {
		s.earlier[n-1].until = until
		return
	}
	s.earlier = append(s.earlier, earlier{now, until, s.clone()})
}

// InForce is what authorization and signatures go by: the oldest state that is still in
// force, or the set itself when no change is on its way. It is to be read, not changed.
func (s *Set) InForce(now time.Time) *Set {
	if s.forget(now); len(s.earlier) > 0 {
		return s.earlier[0].was
	}
	return s
}

func (s *Set) forget(now time.Time) {
	s.earlier = slices.DeleteFunc(s.earlier, func(e earlier) bool { return !e.until.After(now) })
}

// clone copies what authorization looks at: policies, boundaries, trust, tags,
// memberships and access keys. Passwords and devices are as they are now.
func (s *Set) clone() *Set {
	out := NewSet(s.Root)
	out.Root.Keys = cloneKeys(s.Root.Keys)
	for name, u := range s.Users {
		c := *u
		c.Holder, c.Groups, c.Keys = u.Holder.clone(), slices.Clone(u.Groups), cloneKeys(u.Keys)
		out.Users[name] = &c
	}
	for name, r := range s.Roles {
		c := *r
		c.Holder = r.Holder.clone()
		out.Roles[name] = &c
	}
	for name, g := range s.Groups {
		out.Groups[name] = &Group{g.Holder.clone()}
	}
	for arn, p := range s.Policies {
		c := *p
		c.Versions = slices.Clone(p.Versions)
		out.Policies[arn] = &c
	}
	return &out
}

func (h Holder) clone() Holder {
	h.Tags, h.Attached, h.Inline = slices.Clone(h.Tags), slices.Clone(h.Attached), maps.Clone(h.Inline)
	return h
}

func cloneKeys(keys []*AccessKey) []*AccessKey {
	var out []*AccessKey
	for _, k := range keys {
		c := *k
		out = append(out, &c)
	}
	return out
}

// SameUser finds a user of another state of the set, under whatever name it has here;
// nil if it is not there. A user that was deleted and made again is another one.
func (s *Set) SameUser(u *User) *User {
	return same(s.Users, u.Name, func(v *User) bool { return v == u || v.ID == u.ID })
}

// SameRole finds a role of another state of the set, nil if it is not there.
func (s *Set) SameRole(r *Role) *Role {
	return same(s.Roles, r.Name, func(v *Role) bool { return v == r || v.ID == r.ID })
}

func same[T any](all map[string]*T, name string, is func(*T) bool) *T {
	if v := all[name]; v != nil && is(v) {
		return v
	}
	for _, v := range all {
		if is(v) {
			return v
		}
	}
	return nil
}

// Signs says whether an access key of a user, or of root for nil, is there and active.
func (s *Set) Signs(u *User, key string) bool {
	keys := s.Root.Keys
	if u != nil {
		if u = s.SameUser(u); u == nil {
			return false
		}
		keys = u.Keys
	}
	return slices.ContainsFunc(keys, func(k *AccessKey) bool { return k.ID == key && k.Active })
}
