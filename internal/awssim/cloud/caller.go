package cloud

import (
	"maps"
	"time"

	"github.com/rootkeep/rootkeep/iam"
)

// Credential is a key that requests are signed with.
type Credential struct {
	Key, Secret, Token string // Token is "" for long-term keys
	Expires            time.Time
	Caller             Caller
	long               *AccessKey // nil for a session's
	dropped            time.Time  // since when a long-term key is gone, zero: it is there
}

// Caller is who makes a call. The zero Caller is anonymous.
type Caller struct {
	iam.Principal
	Owner   *Account // nil for an anonymous caller
	UserID  string   // AIDA..., AROA...:session, the account's ID for root
	Key     string   // access key ID
	Role    *Role    // of a role's session
	User    *User
	Session *Session // nil for a long-term key
}

// Session is what a temporary credential brings.
type Session struct {
	Issued         time.Time
	MFA            bool
	Policies       []Text // they limit what the session may do
	Tags           map[string]string
	Transitive     []string
	SourceIdentity string
	AssumedRoot    bool // made by sts:AssumeRoot
	Federated      string
}

// RootCaller is the root user of an account.
func RootCaller(a *Account) Caller {
	return Caller{Principal: iam.Principal{Kind: iam.Root, ARN: a.IAM("root"), Account: a.ID}, Owner: a, UserID: string(a.ID)}
}

// UserCaller is an IAM user.
func UserCaller(a *Account, u *User) Caller {
	return Caller{Principal: iam.Principal{Kind: iam.User, ARN: u.ARN, Account: a.ID, Name: u.Name}, Owner: a, UserID: u.ID, User: u}
}

// RoleCaller is a session of a role.
func RoleCaller(a *Account, r *Role, name string) Caller {
	if now := a.SameRole(r); now != nil {
		r = now // the role may come from a state that is in force still, and its use is noted in the newest
	}
	return Caller{
		Principal: iam.Principal{Kind: iam.RoleSession, ARN: a.ARN("sts", "", "assumed-role/"+r.Name+"/"+name), Account: a.ID, Name: r.Name, Session: name},
		Owner:     a, UserID: r.ID + ":" + name, Role: r,
	}
}

// NewKey makes a long-term access key of a caller; it works once it is among the
// caller's keys.
func (c *Cloud) NewKey(who Caller, now time.Time) *AccessKey {
	k := &AccessKey{ID: "AKIA" + c.letters(idLetters, 16), Secret: c.Secret(40), Active: true, Created: now}
	who.Key = k.ID
	c.keep(&Credential{Key: k.ID, Secret: k.Secret, Caller: who, long: k})
	return k
}

// keep makes a credential known, and now and then forgets those that nobody can use.
func (c *Cloud) keep(cred *Credential) {
	c.keys[cred.Key] = cred
	if c.credentials++; c.credentials%sweepEvery == 0 {
		c.sweep()
	}
}

// DropKey makes a long-term key unknown. It signs for as long as its owner's having it
// is in force.
func (c *Cloud) DropKey(id string) {
	if cred := c.keys[id]; cred != nil {
		cred.dropped = c.Now()
	}
}

// KeyOwner is the caller of an access key, and its long-term key if it is one.
func (c *Cloud) KeyOwner(id string) (Caller, *AccessKey, bool) {
	cred, ok := c.keys[id]
	if !ok || !cred.dropped.IsZero() {
		return Caller{}, nil, false
	}
	return cred.Caller, cred.long, true
}

// NewSession makes a temporary credential of a caller whose Session is set.
func (c *Cloud) NewSession(who Caller, life time.Duration) *Credential {
	cred := &Credential{Key: "ASIA" + c.letters(idLetters, 16), Secret: c.Secret(40), Token: c.Secret(240), Expires: who.Session.Issued.Add(life), Caller: who}
	cred.Caller.Key = cred.Key
	c.keep(cred)
	return cred
}

// sweepEvery is after how many new credentials the useless ones are forgotten.
const sweepEvery = 1000

// sweep forgets deleted keys and sessions that ended a day ago: until then a client is
// told that its session has expired, and not that the key is unknown.
func (c *Cloud) sweep() {
	now := c.Now()
	for id, cred := range c.keys {
		expired := cred.Token != "" && now.Sub(cred.Expires) > 24*time.Hour
		deleted := !cred.dropped.IsZero() && now.Sub(cred.dropped) > 2*c.config.Propagation
		if expired || deleted {
			delete(c.keys, id)
		}
	}
}

// signs says whether requests may be signed with the credential. What a key of a
// deleted user answers is the same as that of no user.
func (cred *Credential) signs(now time.Time) bool {
	w := &cred.Caller
	if !w.exists(now) {
		return false
	}
	if cred.long == nil {
		return true
	}
	if in := w.Owner.InForce(now); in != &w.Owner.Set {
		return in.Signs(w.User, cred.Key)
	}
	return cred.long.Active && cred.dropped.IsZero()
}

// MFA says whether the caller's session began with MFA.
func (w *Caller) MFA() bool { return w.Session != nil && w.Session.MFA }

// exists says whether the identity behind a credential is there: deleting a user or
// role ends its sessions.
func (w *Caller) exists(now time.Time) bool {
	switch {
	case w.Owner == nil || w.Owner.Status != "ACTIVE":
		return false
	case w.User != nil || w.Role != nil:
		h, _ := w.holder(now)
		return h != nil
	}
	return true
}

// holder is the user or role of the caller as far as it is in force, and the groups of
// the user; nil if there is none.
func (w *Caller) holder(now time.Time) (h *Holder, groups []string) {
	switch {
	case w.User != nil:
		if u := w.Owner.InForce(now).SameUser(w.User); u != nil {
			return &u.Holder, u.Groups
		}
	case w.Role != nil:
		if r := w.Owner.InForce(now).SameRole(w.Role); r != nil {
			return &r.Holder, nil
		}
	}
	return nil, nil
}

// grants are the identity policies of the caller.
func (w *Caller) grants(now time.Time) []Text {
	if h, groups := w.holder(now); h != nil {
		return w.Owner.InForce(now).Grants(h, groups)
	}
	return nil
}

// boundary is the permissions boundary of the caller, with an empty name if it has
// none. A boundary that is gone allows nothing.
func (w *Caller) boundary(now time.Time) Text {
	h, _ := w.holder(now)
	if h == nil || h.Boundary == "" {
		return Text{}
	}
	if b := w.Owner.InForce(now).Find(h.Boundary); b != nil {
		return Text{Name: h.Boundary, Document: b.Default().Document}
	}
	return Text{Name: h.Boundary, Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`}
}

// tags are the principal tags: those of a session replace those of its role.
func (w *Caller) tags(now time.Time) map[string]string {
	out := map[string]string{}
	if h, _ := w.holder(now); h != nil {
		out = TagMap(h.Tags)
	}
	if w.Session != nil {
		maps.Copy(out, w.Session.Tags)
	}
	return out
}

// Rename follows a user's new name in its credentials.
func (c *Cloud) Rename(u *User, a *Account) {
	for _, cred := range c.keys {
		if cred.Caller.User == u && cred.Caller.Kind == iam.User {
			w := UserCaller(a, u)
			w.Key, w.Session = cred.Caller.Key, cred.Caller.Session
			cred.Caller = w
		}
	}
}
