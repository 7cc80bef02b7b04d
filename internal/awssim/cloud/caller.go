package cloud

import (
	"time"

	"github.com/rootkeep/rootkeep/iam"
)

// Credential is a key that requests are signed with.
type Credential struct {
	Key, Secret, Token string // Token is "" for long-term keys
	Expires            time.Time
	Caller             Caller
	long               *AccessKey // nil for a session's
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
	c.keys[k.ID] = &Credential{Key: k.ID, Secret: k.Secret, Caller: who, long: k}
	return k
}

// DropKey makes a long-term key unknown.
func (c *Cloud) DropKey(id string) { delete(c.keys, id) }

// KeyOwner is the caller of an access key, and its long-term key if it is one.
func (c *Cloud) KeyOwner(id string) (Caller, *AccessKey, bool) {
	cred, ok := c.keys[id]
	if !ok {
		return Caller{}, nil, false
	}
	return cred.Caller, cred.long, true
}

// NewSession makes a temporary credential of a caller whose Session is set.
func (c *Cloud) NewSession(who Caller, life time.Duration) *Credential {
	cred := &Credential{Key: "ASIA" + c.letters(idLetters, 16), Secret: c.Secret(40), Token: c.Secret(240), Expires: who.Session.Issued.Add(life), Caller: who}
	cred.Caller.Key = cred.Key
	c.keys[cred.Key] = cred
	if c.sessions++; c.sessions%sweepEvery == 0 {
		c.sweep()
	}
	return cred
}

// sweepEvery is after how many new sessions the expired ones are forgotten.
const sweepEvery = 1000

// sweep forgets sessions that ended a day ago: until then a client is told that its
// session has expired, and not that the key is unknown.
func (c *Cloud) sweep() {
	for id, cred := range c.keys {
		if cred.Token != "" && c.Now().Sub(cred.Expires) > 24*time.Hour {
			delete(c.keys, id)
		}
	}
}

// MFA says whether the caller's session began with MFA.
func (w *Caller) MFA() bool { return w.Session != nil && w.Session.MFA }

// exists says whether the identity behind a credential is still there: deleting a user
// or role ends its sessions.
func (w *Caller) exists() bool {
	switch {
	case w.Owner == nil || w.Owner.Status != "ACTIVE":
		return false
	case w.User != nil:
		return w.Owner.Users[w.User.Name] == w.User
	case w.Role != nil:
		return w.Owner.Roles[w.Role.Name] == w.Role
	}
	return true
}

// grants are the identity policies of the caller. They are not nil: an identity
// without policies is denied for want of one.
func (w *Caller) grants() []Text {
	switch {
	case w.User != nil:
		return w.Owner.Grants(&w.User.Holder, w.User.Groups)
	case w.Role != nil:
		return w.Owner.Grants(&w.Role.Holder, nil)
	}
	return nil
}

// boundary is the permissions boundary of the caller, "" if it has none.
func (w *Caller) boundary() string {
	switch {
	case w.User != nil:
		return w.User.Boundary
	case w.Role != nil:
		return w.Role.Boundary
	}
	return ""
}

// tags are the principal tags: those of a session replace those of its role.
func (w *Caller) tags() map[string]string {
	var own []Tag
	switch {
	case w.User != nil:
		own = w.User.Tags
	case w.Role != nil:
		own = w.Role.Tags
	}
	out := TagMap(own)
	if w.Session != nil {
		for k, v := range w.Session.Tags {
			out[k] = v
		}
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
