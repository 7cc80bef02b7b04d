package signin_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
)

// pass makes a pass for a terminal, and gives its secret.
func (b *tab) pass() string {
	b.t.Helper()
	_, text := b.send("POST", "/me/pass", "")
	_, rest, _ := strings.Cut(text, "export ROOTKEEP_TOKEN=")
	pass, _, found := strings.Cut(rest, "<")
	if !found {
		b.t.Fatalf("no pass: %s", text)
	}
	return pass
}

// withToken sends a request with a token, and gives the status.
func (b *tab) withToken(method, path, token string) int {
	b.t.Helper()
	answer, _ := b.send(method, path, "", "Authorization", "Bearer "+token)
	return answer.StatusCode
}

func TestTokensLetIn(t *testing.T) {
	s := serve(t, nil)
	p, b := s.ada(people.Grant{Role: people.Admin, Scope: "*"})
	var machine, scoped persons.Secret
	s.do(func(ctx context.Context, tx *store.Tx) (err error) {
		if _, machine, err = persons.IssueToken(ctx, tx, "system", "admin", []people.Grant{{Role: people.Admin, Scope: "*"}}, time.Hour); err != nil {
			return err
		}
		_, scoped, err = persons.IssueToken(ctx, tx, "system", "viewer", []people.Grant{{Role: people.Viewer, Scope: "account:111122223333"}}, time.Hour)
		return err
	})
	b.signIn()
	pass := b.pass()
	get := func(method, path, token string) int { return s.tab().withToken(method, path, token) }
	for _, test := range []struct {
		name, method, path, token string
		want                      int
	}{
		{"a machine is signed in", "GET", "/who", machine.Reveal(), 200},
		{"by its roles", "GET", "/private", machine.Reveal(), 200},
		{"but never does what needs a key", "POST", "/privileged", machine.Reveal(), 303},
		{"nor what its roles do not hold", "GET", "/private", scoped.Reveal(), 403},
		{"a pass stands for its person", "GET", "/private", pass, 200},
		{"and for the key just proven", "POST", "/privileged", pass, 200},
		{"no pass makes another", "POST", "/me/pass", pass, 403},
		{"a token that is none", "GET", "/who", "rk_" + strings.Repeat("a", 52), 303},
		{"an empty one", "GET", "/who", "", 303},
		{"a hostile one", "GET", "/who", strings.Repeat("rk_", 2000), 303},
	} {
		if got := get(test.method, test.path, test.token); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
	if answer, _ := b.send("GET", "/who", "", "Authorization", "Bearer rk_bad"); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("a bad token in a browser with a session: got %s, want that the session does not stand in", answer.Status)
	}
	s.wait(6 * time.Minute)
	if got := get("POST", "/privileged", pass); got != http.StatusSeeOther {
		t.Errorf("a pass six minutes later: got %d, want that the proof has aged", got)
	}
	s.wait(10 * time.Minute)
	if got := get("GET", "/who", pass); got != http.StatusSeeOther {
		t.Errorf("a pass 16 minutes later: got %d, want that it is over", got)
	}
	s.wait(time.Hour)
	if got := get("GET", "/who", machine.Reveal()); got != http.StatusSeeOther {
		t.Errorf("a token after its time: got %d, want that it is over", got)
	}
	_ = p
}
