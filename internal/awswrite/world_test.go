package awswrite_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/ask"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/awssim"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/awswrite"
	"github.com/rootkeep/rootkeep/internal/change"
)

const (
	management rootkeep.AccountID = "111111111111"
	security   rootkeep.AccountID = "222222222222"
	member     rootkeep.AccountID = "333333333333"

	home       = "us-east-1"
	writeRole  = "RootkeepWriteTest"
	readRole   = "RootkeepReadOnly"
	changeID   = "CH-1KB2Z7Q0MX7F3A"
	everything = "arn:aws:iam::aws:policy/AdministratorAccess"
)

// trusted lets the administrator of the management account, and the roles there, enter a
// role with the source identity of a change.
const trusted = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},
	"Action":["sts:AssumeRole","sts:SetSourceIdentity"],"Condition":{"StringLike":{"sts:SourceIdentity":"CH-*"}}}]}`

type m = map[string]any

// world is a simulated organization of three accounts, in each of which are a role that
// writes and one that reads, and the packages under test with the credentials of the
// management account's administrator.
type world struct {
	t *testing.T
	*cloud.Cloud
	writer *awswrite.Writer
	reader *ask.Reader
	base   *session.Base
	called map[string]bool
}

func newWorld(t *testing.T, through func(http.Handler) http.Handler) *world {
	t.Helper()
	c, err := awssim.New(cloud.Config{Clock: time.Now, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, Cloud: c, called: map[string]bool{}}
	for id, name := range map[rootkeep.AccountID]string{management: "management", security: "security", member: "member"} {
		if _, err := c.AddAccount(id, name, name+"@example.com", c.Now().AddDate(-1, 0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	o, err := c.NewOrganization(c.Account(management), c.Now().AddDate(-1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	var key *cloud.AccessKey
	for _, a := range c.Accounts() {
		if a.ID != management {
			o.Join(a, o.RootID)
		}
		u := &cloud.User{Holder: cloud.Holder{
			Name: "admin", Path: "/", ID: c.UniqueID("AIDA"), ARN: a.IAM("user/admin"), Created: c.Now(), Inline: map[string]string{}, Attached: []string{everything},
		}}
		a.Users["admin"] = u
		k := c.NewKey(cloud.UserCaller(a, u), c.Now())
		if u.Keys = []*cloud.AccessKey{k}; a.ID == management {
			key = k
		}
		for _, role := range []string{writeRole, readRole} {
			w.admin(a.ID, "iam", "CreateRole", m{"RoleName": role, "AssumeRolePolicyDocument": trusted})
			w.admin(a.ID, "iam", "AttachRolePolicy", m{"RoleName": role, "PolicyArn": everything})
		}
	}
	root := c.Account(member)
	root.Root.Keys = []*cloud.AccessKey{c.NewKey(cloud.RootCaller(root), c.Now())}
	var h http.Handler = c
	if through != nil {
		h = through(h)
	}
	simtest.Environment(t, h, key.ID, key.Secret, "")
	w.open(session.Config{})
	c.ResetRequests()
	return w
}

// open begins to read and to write with the credentials of the environment.
func (w *world) open(c session.Config) {
	w.t.Helper()
	var err error
	if w.base, err = session.Open(w.t.Context(), c); err != nil {
		w.t.Fatal(err)
	}
	if w.writer, err = awswrite.Begin(w.base, session.Entry{Role: writeRole, Name: changeID}); err != nil {
		w.t.Fatal(err)
	}
	if w.reader, err = ask.Begin(w.base, session.Entry{Role: readRole, Name: changeID}); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { w.writer.End(); w.reader.End() })
}

// admin has an account's administrator call, not through the packages under test.
func (w *world) admin(account rootkeep.AccountID, service, operation string, with m) m {
	w.t.Helper()
	a := w.Account(account)
	out, err := w.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, a.Users["admin"]), Region: home, Service: service, Operation: operation, Parameters: with})
	if err != nil {
		w.t.Fatalf("%s:%s: %v", service, operation, err)
	}
	return out
}

// try makes a call with whichever package has its operation.
func (w *world) try(c change.Call) (m, error) {
	if _, ok := awswrite.Operation(c.Operation); ok {
		return w.writer.Write(w.t.Context(), c)
	}
	return w.reader.Read(w.t.Context(), c)
}

// at makes a call in an account that has to go well.
func (w *world) at(account rootkeep.AccountID, operation string, with m) m {
	w.t.Helper()
	return w.call(change.Call{Operation: operation, Account: account, Region: home, With: with})
}

// do makes one in the management account.
func (w *world) do(operation string, with m) m {
	w.t.Helper()
	return w.at(management, operation, with)
}

func (w *world) call(c change.Call) m {
	w.t.Helper()
	out, err := w.try(c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.called[c.Operation] = true
	return out
}

// refused makes a call that AWS has to refuse.
func (w *world) refused(c change.Call) *change.Refusal {
	w.t.Helper()
	_, err := w.try(c)
	r, ok := errors.AsType[*change.Refusal](err)
	if !ok {
		w.t.Fatalf("%s: got %v, want a refusal", c, err)
	}
	return r
}

// in walks down an answer by names of maps and indexes of lists.
func in(answer any, way ...any) any {
	for _, step := range way {
		switch s := step.(type) {
		case string:
			m, _ := answer.(m)
			answer = m[s]
		case int:
			l, _ := answer.([]any)
			if s >= len(l) {
				return nil
			}
			answer = l[s]
		}
	}
	return answer
}

// want compares a part of an answer.
func (w *world) want(want, answer any, way ...any) {
	w.t.Helper()
	if got := in(answer, way...); got != want {
		w.t.Errorf("%v: got %v (%T), want %v", way, got, got, want)
	}
}

var _ change.Writer = (*awswrite.Writer)(nil)
var _ change.Reader = (*ask.Reader)(nil)

// refusedAt makes a call in an account that AWS has to refuse.
func (w *world) refusedAt(account rootkeep.AccountID, operation string, with m) *change.Refusal {
	w.t.Helper()
	return w.refused(change.Call{Operation: operation, Account: account, Region: home, With: with})
}

// refusedDo makes one in the management account.
func (w *world) refusedDo(operation string, with m) *change.Refusal {
	w.t.Helper()
	return w.refusedAt(management, operation, with)
}

// device gives a user an MFA device.
func (w *world) device(user, serial string) {
	w.Do(func() {
		a := w.Account(management)
		d := &cloud.Device{Serial: serial, Owner: a.IAM("user/" + user), Enabled: w.Now()}
		a.Devices[serial], a.Users[user].MFA = d, []*cloud.Device{d}
	})
}
