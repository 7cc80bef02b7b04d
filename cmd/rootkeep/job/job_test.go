package job_test

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	cmdjob "github.com/rootkeep/rootkeep/cmd/rootkeep/job"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	webjobs "github.com/rootkeep/rootkeep/internal/web/jobs"
	"github.com/rootkeep/rootkeep/internal/web/signin"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// serve starts a server that knows the kind scan, with the token of a responder.
func serve(t *testing.T) *store.Store {
	t.Helper()
	s := webtest.Store(t)
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, secret, err := persons.IssueToken(ctx, tx, "system", "machine", []people.Grant{{Role: people.Responder, Scope: people.Everywhere}}, time.Hour)
		t.Setenv("ROOTKEEP_TOKEN", secret.Reveal())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	area := webjobs.Area(webjobs.Config{Store: s, Kinds: []webjobs.Kind{{Name: "scan", Title: "Scan", Check: func([]byte) error { return nil }}}})
	webtest.ForCommands(t, s, time.Now, func(*url.URL, *signin.SignIn) []web.Area { return []web.Area{area} })
	return s
}

// run runs a command line and gives what it wrote, and its error.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	s := cli.Streams{Out: &out, Err: &out}
	root := &cobra.Command{Use: "rootkeep", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(cmdjob.Command(s))
	cli.Strict(root)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestAJobIsAskedForListedAndTriedAgain(t *testing.T) {
	s := serve(t)
	payload := filepath.Join(t.TempDir(), "scan.json")
	if err := os.WriteFile(payload, []byte(`{"organization":true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := run(t, "jobs", "run", "scan", "--payload", payload)
	id := regexp.MustCompile(`^JO-\w+`).FindString(text)
	if err != nil || id == "" {
		t.Fatalf("run: %q, %v", text, err)
	}
	if _, err := run(t, "jobs", "retry", id); err == nil {
		t.Error("retry what waits: got no error")
	}
	k := jobs.Keeper{Store: s}
	j, err := k.Claim(t.Context(), "one", []string{"scan"}, time.Minute)
	if err != nil || j == nil || string(j.Payload) != `{"organization":true}` {
		t.Fatalf("claim: %+v, %v", j, err)
	}
	if err := k.Finish(t.Context(), j, job.Outcome{State: job.Dead, Error: "no\x1b[31m credentials"}); err != nil {
		t.Fatal(err)
	}
	if text, err := run(t, "jobs", "list", "--state", "dead"); err != nil || !strings.Contains(text, id) || !strings.Contains(text, "credentials") || strings.Contains(text, "\x1b") {
		t.Errorf("list: %q, %v", text, err)
	}
	if text, err := run(t, "jobs", "retry", id); err != nil || !strings.Contains(text, "waiting") {
		t.Errorf("retry: %q, %v", text, err)
	}
	if text, err := run(t, "jobs", "show", id, "--output", "json"); err != nil || !strings.Contains(text, `"schema": "rootkeep/job/1"`) {
		t.Errorf("show: %q, %v", text, err)
	}
}

func TestJobsThatCannotBeAskedFor(t *testing.T) {
	serve(t)
	broken := filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(broken, []byte(`{"organization":`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"a kind that nobody may ask for": {"jobs", "run", "expire"},
		"a payload that is not JSON":     {"jobs", "run", "scan", "--payload", broken},
		"a payload that is not there":    {"jobs", "run", "scan", "--payload", broken + "x"},
		"a job that is not there":        {"jobs", "show", "JO-X"},
		"a state that is none":           {"jobs", "list", "--state", "lost"},
		"an output that is none":         {"jobs", "list", "--output", "xml"},
	} {
		if text, err := run(t, args...); err == nil {
			t.Errorf("%s: got %q and no error", name, text)
		}
	}
}
