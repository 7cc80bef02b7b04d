package awssim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/sigv4/sigv4test"
)

// A changing is an account whose identities an administrator changes.
type changing struct {
	*company
	*clock
	t *testing.T
}

func (c *changing) admin(form url.Values) *httptest.ResponseRecorder {
	c.t.Helper()
	w := ask(c, keyOf(c.admins["member"]), "iam", "us-east-1", c.Now(), form)
	if w.Code != http.StatusOK {
		c.t.Fatalf("%s: got %d %s", form.Get("Action"), w.Code, w.Body)
	}
	return w
}

func (c *changing) Now() time.Time { return c.clock.Now() }

// outcome is the error code of a call, ok if it succeeds.
func (c *changing) outcome(key sigv4test.Key, service string, form url.Values) string {
	c.t.Helper()
	if w := ask(c, key, service, "us-east-1", c.Now(), form); w.Code != http.StatusOK {
		return between(c.t, w, "Code")
	}
	return "ok"
}

func (c *changing) newKey(user string) sigv4test.Key {
	w := c.admin(action("CreateAccessKey", "UserName", user))
	return sigv4test.Key{ID: between(c.t, w, "AccessKeyId"), Secret: between(c.t, w, "SecretAccessKey")}
}

const (
	administrator = "arn:aws:iam::aws:policy/AdministratorAccess"
	trustsMember  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"333333333333"},"Action":"sts:AssumeRole"}]}`
	trustsNobody  = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}]}`
)

func TestChangesOfIdentitiesTakeTime(t *testing.T) {
	const delay = 10 * time.Second
	assume := action("AssumeRole", "RoleArn", "arn:aws:iam::333333333333:role/audit", "RoleSessionName", "s-1")
	for _, c := range []struct {
		name   string
		change func(c *changing, ann sigv4test.Key) sigv4test.Key // returns the key to try with
		call   url.Values
		before string
		after  string
	}{
		{"a new key signs later", func(c *changing, _ sigv4test.Key) sigv4test.Key { return c.newKey("ann") }, action("ListUsers"), "InvalidClientTokenId", "ok"},
		{"a deleted key signs until then", func(c *changing, k sigv4test.Key) sigv4test.Key {
			c.admin(action("DeleteAccessKey", "UserName", "ann", "AccessKeyId", k.ID))
			return k
		}, action("ListUsers"), "ok", "InvalidClientTokenId"},
		{"a key that is off signs until then", func(c *changing, k sigv4test.Key) sigv4test.Key {
			c.admin(action("UpdateAccessKey", "UserName", "ann", "AccessKeyId", k.ID, "Status", "Inactive"))
			return k
		}, action("ListUsers"), "ok", "InvalidClientTokenId"},
		{"a detached policy allows until then", func(c *changing, k sigv4test.Key) sigv4test.Key {
			c.admin(action("DetachUserPolicy", "UserName", "ann", "PolicyArn", administrator))
			return k
		}, action("ListUsers"), "ok", "AccessDenied"},
		{"a boundary limits later", func(c *changing, k sigv4test.Key) sigv4test.Key {
			c.admin(action("PutUserPermissionsBoundary", "UserName", "ann", "PermissionsBoundary", "arn:aws:iam::aws:policy/AWSSupportAccess"))
			return k
		}, action("ListUsers"), "ok", "AccessDenied"},
		{"trust ends later", func(c *changing, k sigv4test.Key) sigv4test.Key {
			c.admin(action("UpdateAssumeRolePolicy", "RoleName", "audit", "PolicyDocument", trustsNobody))
			return k
		}, assume, "ok", "AccessDenied"},
		{"a deleted role is assumed until then", func(c *changing, k sigv4test.Key) sigv4test.Key {
			c.admin(action("DeleteRole", "RoleName", "audit"))
			return k
		}, assume, "ok", "AccessDenied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := newClock()
			sim := &changing{newCompany(t, cloud.Config{Clock: clock.Now, Propagation: delay}), clock, t}
			sim.admin(action("CreateUser", "UserName", "ann"))
			sim.admin(action("AttachUserPolicy", "UserName", "ann", "PolicyArn", administrator))
			sim.admin(action("CreateRole", "RoleName", "audit", "AssumeRolePolicyDocument", trustsMember))
			key := sim.newKey("ann")
			clock.add(delay)
			key = c.change(sim, key)
			service := "iam"
			if c.call.Get("Action") == "AssumeRole" {
				service = "sts"
			}
			for _, step := range []struct {
				wait time.Duration
				want string
			}{{0, c.before}, {delay - time.Millisecond, c.before}, {time.Millisecond, c.after}} {
				clock.add(step.wait)
				if got := sim.outcome(key, service, c.call); got != step.want {
					t.Errorf("%s later: got %s, want %s", step.wait, got, step.want)
				}
			}
		})
	}
}

func TestChangesOfIdentitiesAreSeenAtOnce(t *testing.T) {
	clock := newClock()
	sim := &changing{newCompany(t, cloud.Config{Clock: clock.Now, Propagation: 10 * time.Second}), clock, t}
	sim.admin(action("CreateUser", "UserName", "ann"))
	sim.admin(action("GetUser", "UserName", "ann"))
	key := sim.newKey("ann")
	sim.admin(action("GetAccessKeyLastUsed", "AccessKeyId", key.ID))
	sim.admin(action("DeleteAccessKey", "UserName", "ann", "AccessKeyId", key.ID))
	if got := sim.outcome(keyOf(sim.admins["member"]), "iam", action("GetAccessKeyLastUsed", "AccessKeyId", key.ID)); got != "NoSuchEntity" {
		t.Errorf("a deleted key: got %s, want NoSuchEntity", got)
	}
	// What a role does before its deletion is in force is done by that role.
	sim.admin(action("CreateRole", "RoleName", "audit", "AssumeRolePolicyDocument", trustsMember))
	clock.add(10 * time.Second)
	w := ask(sim, keyOf(sim.admins["member"]), "sts", "us-east-1", clock.Now(), action("AssumeRole", "RoleArn", sim.member.IAM("role/audit"), "RoleSessionName", "s-1"))
	session := sigv4test.Key{ID: between(t, w, "AccessKeyId"), Secret: between(t, w, "SecretAccessKey"), Token: between(t, w, "SessionToken")}
	sim.admin(action("UntagRole", "RoleName", "audit", "TagKeys.member.1", "x"))
	if got := sim.outcome(session, "sts", action("GetCallerIdentity")); got != "ok" {
		t.Errorf("a session of the role: got %s", got)
	}
	if got := fmt.Sprint(sim.member.Roles["audit"].LastUsed.Equal(clock.Now())); got != "true" {
		t.Error("the use of a role is not noted while a change is on its way")
	}
}
