package awsread_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// newGroupThrough makes a group whose requests to STS go through a function: it may answer one
// itself, or change the simulator's answer.
func newGroupThrough(t *testing.T, accounts int, answer func(operation string, from http.HandlerFunc) http.HandlerFunc) *group {
	t.Helper()
	o := simtest.Start(t, accounts, func(sim http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			_, operation, ok := strings.Cut(string(body), "Action=Assume")
			if !ok {
				sim.ServeHTTP(w, r)
				return
			}
			operation, _, _ = strings.Cut(operation, "&")
			answer("Assume"+operation, sim.ServeHTTP)(w, r)
		})
	})
	return &group{o, &world{Cloud: o.Cloud, t: t}, awsread.Entry{Scan: "SC-TEST", Role: simtest.Role}}
}

var expiration = regexp.MustCompile(`<Expiration>[^<]*`)

// A session is renewed for a call that waits for its turn. With one call at once nothing
// may wait for the other.
func TestASessionIsRenewedWithOneCallAtOnce(t *testing.T) {
	g := newGroupThrough(t, 4, func(operation string, from http.HandlerFunc) http.HandlerFunc {
		if operation != "AssumeRole" {
			return from
		}
		return func(w http.ResponseWriter, r *http.Request) {
			got := httptest.NewRecorder()
			from(got, r)
			for name, values := range got.Header() {
				if name != "Content-Length" {
					w.Header()[name] = values
				}
			}
			w.WriteHeader(got.Code)
			w.Write(expiration.ReplaceAll(got.Body.Bytes(), []byte("<Expiration>"+time.Now().Add(time.Minute).UTC().Format(time.RFC3339))))
		}
	})
	g.entry.Calls = 1
	ctx, stop := context.WithTimeout(t.Context(), 5*time.Minute)
	defer stop()
	o, err := awsread.Discover(ctx, g.world.config(), g.entry)
	if err != nil {
		t.Fatal(err)
	}
	renewed := 0
	err = o.Read(ctx, []rootkeep.AccountID{g.ID("app-1")}, func(_ rootkeep.AccountID, s *facts.Snapshot, err error) error {
		if err != nil {
			return err
		}
		if len(s.Gaps) > 0 {
			t.Errorf("gaps: got %v, want none", s.Gaps)
		}
		renewed = len(s.Sessions)
		return nil
	})
	if err != nil || renewed < 10 {
		t.Errorf("got %d sessions, %v, want a new one for each call", renewed, err)
	}
}

// temporary signs in as the management account's administrator with a session.
func (g *group) temporary() *cloud.Credential {
	management := g.Account(g.ID("management"))
	who := cloud.UserCaller(management, management.Users["admin"])
	who.Session = &cloud.Session{Issued: g.Now()}
	cred := g.NewSession(who, time.Hour)
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": cred.Key, "AWS_SECRET_ACCESS_KEY": cred.Secret, "AWS_SESSION_TOKEN": cred.Token} {
		g.world.t.Setenv(name, value)
	}
	return cred
}

// A snapshot without its root user would never be read again.
func TestCredentialsThatExpireBeforeARootSessionEndTheReadingOfAll(t *testing.T) {
	var once sync.Once
	var expire func()
	g := newGroupThrough(t, 4, func(operation string, from http.HandlerFunc) http.HandlerFunc {
		if operation == "AssumeRoot" {
			once.Do(expire)
		}
		return from
	})
	cred := g.temporary()
	expire = func() { g.Do(func() { cred.Expires = g.Now().Add(-time.Second) }) }
	wantSignedOut(t, g, []rootkeep.AccountID{g.ID("app-1")}, 0, "the AWS credentials have expired: ")
}

func TestCredentialsOfTheOwnAccountThatExpireEndTheReadingOfAll(t *testing.T) {
	g := newGroup(t, 4)
	id := g.ID("management")
	delete(g.Account(id).Roles, simtest.Role)
	cred := g.temporary()
	calls := 0
	g.entry.Progress = func(p awsread.Progress) {
		if p.Accounts == 1 {
			if calls++; calls == 30 {
				g.Do(func() { cred.Expires = g.Now().Add(-time.Second) })
			}
		}
	}
	wantSignedOut(t, g, []rootkeep.AccountID{id}, 0, "the AWS credentials have expired: ")
}

func TestAHelperThatGivesNothingMoreEndsTheReadingOfAll(t *testing.T) {
	g := newGroup(t, 5)
	key, there := g.Keys["management"], filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// What it gives is past its end, so that it is asked for each call.
	g.world.helped(fmt.Sprintf(`sh -c 'test -e %s || { echo %s; exit 1; }; echo "{\"Version\":1,\"AccessKeyId\":\"%s\",\"SecretAccessKey\":\"%s\",\"Expiration\":\"2020-01-01T00:00:00Z\"}"'`,
		there, key.Secret, key.ID, key.Secret))
	g.entry.Calls = 4 // one account after the other
	text := wantSignedOut(t, g, g.IDs(), 1, "the AWS credentials cannot be renewed: ", func() { os.Remove(there) })
	if strings.Contains(text, key.Secret) || !strings.HasSuffix(text, "; hint: run it by hand") {
		t.Errorf("got %s, want a hint and not what the helper printed", text)
	}
}

// wantSignedOut reads accounts until the credentials end it: so many snapshots come
// before, each followed by then, and no account is told to have failed.
func wantSignedOut(t *testing.T, g *group, accounts []rootkeep.AccountID, snapshots int, want string, then ...func()) string {
	t.Helper()
	o, err := awsread.Discover(t.Context(), g.world.config(), g.entry)
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	err = o.Read(t.Context(), accounts, func(id rootkeep.AccountID, s *facts.Snapshot, err error) error {
		if got++; s == nil {
			t.Errorf("%s: got %v, want nothing of an account that was not read", id, err)
		}
		for _, f := range then {
			f()
		}
		return nil
	})
	if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "hint: ") || got != snapshots {
		t.Errorf("got %d snapshots and %v, want %d and an error that begins with %q", got, err, snapshots, want)
	}
	return fmt.Sprint(err)
}
