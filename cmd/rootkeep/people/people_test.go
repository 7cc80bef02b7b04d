package people_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	cmdpeople "github.com/rootkeep/rootkeep/cmd/rootkeep/people"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	webpeople "github.com/rootkeep/rootkeep/internal/web/people"
	"github.com/rootkeep/rootkeep/internal/web/signin"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// serve starts a server with an administrator, and gives the tokens by name: pass stands
// for the administrator with a key just proven, stale with one of an hour ago, machine is
// an administrator's token.
func serve(t *testing.T) map[string]string {
	t.Helper()
	s := webtest.Store(t)
	tokens := map[string]string{}
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		boss, err := persons.Add(ctx, tx, "system", "Boss", "")
		if err != nil {
			return err
		}
		all := people.Grant{Role: people.Admin, Scope: people.Everywhere}
		if err := persons.Grant(ctx, tx, "system", boss.ID, all); err != nil {
			return err
		}
		for name, verified := range map[string]time.Time{"pass": tx.Now(), "stale": tx.Now().Add(-time.Hour)} {
			_, secret, err := persons.IssuePass(ctx, tx, boss.ID, verified)
			if err != nil {
				return err
			}
			tokens[name] = secret.Reveal()
		}
		_, secret, err := persons.IssueToken(ctx, tx, "system", "machine", []people.Grant{all}, time.Hour)
		tokens["machine"] = secret.Reveal()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	webtest.ForCommands(t, s, time.Now, func(address *url.URL, in *signin.SignIn) []web.Area {
		area, err := webpeople.Area(webpeople.Config{URL: address, Store: s, Now: time.Now, SignIn: in})
		if err != nil {
			t.Fatal(err)
		}
		return []web.Area{area}
	})
	return tokens
}

// run runs a command line and gives its code and what it wrote.
func run(t *testing.T, token string, args ...string) (int, string) {
	t.Helper()
	t.Setenv("ROOTKEEP_TOKEN", token)
	var out bytes.Buffer
	s := cli.Streams{Out: &out, Err: &out}
	root := &cobra.Command{Use: "rootkeep", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(cmdpeople.Command(s), cmdpeople.TokenCommand(s))
	cli.Strict(root)
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&out)
	code := cli.Exit(root.ExecuteContext(t.Context()), &out)
	return code, out.String()
}

func TestPeopleAndTokensFromTheTerminal(t *testing.T) {
	tokens := serve(t)
	code, text := run(t, tokens["pass"], "people", "invite", "Ada Lovelace", "--email", "ada@example.com", "--grant", "viewer", "--output", "json")
	var in struct {
		Schema string
		Person struct{ ID string }
		Link   string
	}
	if err := json.Unmarshal([]byte(text), &in); err != nil || code != 0 || in.Schema != "rootkeep/person/1" || !strings.Contains(in.Link, "/enrol#rkin_") {
		t.Fatalf("invite: got %d: %s", code, text)
	}
	id := in.Person.ID
	var tok struct{ Token struct{ ID string } }
	if code, text = run(t, tokens["pass"], "token", "new", "nightly scan", "--grant", "responder@ou:r-ab12", "--output", "json"); code != 0 {
		t.Fatalf("token new: got %d: %s", code, text)
	}
	if err := json.Unmarshal([]byte(text), &tok); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		token string
		args  []string
		code  int
		want  string
	}{
		{"machine", []string{"people", "list"}, 0, "keys 0  viewer@*  Ada Lovelace <ada@example.com>"},
		{"machine", []string{"people", "list", "--search", "nobody"}, 0, ""},
		{"machine", []string{"people", "list", "--output", "json"}, 0, `"schema": "rootkeep/people/1"`},
		{"machine", []string{"people", "grant", id, "approver"}, 1, "make a pass there, and put it into ROOTKEEP_TOKEN"},
		{"stale", []string{"people", "grant", id, "approver"}, 1, "touch of your security key"},
		{"pass", []string{"people", "grant", id, "approver@account:111122223333"}, 0, "approver@account:111122223333 viewer@*"},
		{"pass", []string{"people", "grant", id, "owner"}, 64, `role "owner"`},
		{"pass", []string{"people", "grant", id, "viewer@all"}, 64, `scope "all"`},
		{"pass", []string{"people", "grant", "PE-none", "viewer"}, 1, "there is no such thing"},
		{"pass", []string{"people", "grant", "../tokens", "viewer"}, 1, ""},
		{"pass", []string{"people", "revoke", id, "viewer"}, 0, "active  approver@account:111122223333"},
		{"pass", []string{"people", "suspend", id}, 0, "suspended"},
		{"pass", []string{"people", "link", id}, 1, "suspended"},
		{"pass", []string{"people", "restore", id}, 0, "active"},
		{"pass", []string{"people", "link", id}, 0, "/enrol#rkin_"},
		{"pass", []string{"people", "invite", "a\x1b[31mb"}, 1, "visible characters"},
		{"machine", []string{"token", "list"}, 0, "responder@ou:r-ab12  nightly scan"},
		{"machine", []string{"token", "new", "x", "--grant", "viewer"}, 1, "needs a touch"},
		{"pass", []string{"token", "new", "x"}, 64, "--grant viewer"},
		{"pass", []string{"token", "new", "x", "--grant", "approver"}, 1, "cannot approve"},
		{"pass", []string{"token", "new", "x", "--grant", "viewer", "--days", "0"}, 1, "days"},
		{"pass", []string{"token", "revoke", tok.Token.ID}, 0, "is revoked"},
		{"pass", []string{"token", "revoke", tok.Token.ID}, 1, "in between"},
		{"pass", []string{"token", "list", "--output", "csv"}, 64, "want text or json"},
		{"pass", []string{"people", "list", "extra"}, 64, "hint"},
	} {
		code, text := run(t, tokens[step.token], step.args...)
		if code != step.code || !strings.Contains(text, step.want) || strings.Contains(text, "\x1b") {
			t.Errorf("%s (%s): got %d: %s, want %d with %q", strings.Join(step.args, " "), step.token, code, text, step.code, step.want)
		}
	}
	if code, text := run(t, "rk_none", "people", "list"); code != 1 || !strings.Contains(text, "token") {
		t.Errorf("a token that is none: got %d: %s", code, text)
	}
}
