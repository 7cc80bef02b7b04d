package notify_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	cmdnotify "github.com/rootkeep/rootkeep/cmd/rootkeep/notify"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/jobs"
	persons "github.com/rootkeep/rootkeep/internal/store/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/notices"
	"github.com/rootkeep/rootkeep/internal/web/signin"
	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// serve starts a server whose only way refuses everything, and holds back at all hours but
// one what is below high. It sets the token of a responder.
func serve(t *testing.T) (*store.Store, *outbox.Outbox) {
	t.Helper()
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no \x1b[2Jroom", http.StatusForbidden) }))
	t.Cleanup(refuses.Close)
	folder := t.TempDir()
	secret, file := filepath.Join(folder, "secret"), filepath.Join(folder, "ways.yaml")
	next := time.Now().UTC().Add(12 * time.Hour)
	for path, text := range map[string]string{
		secret: strings.Repeat("s", 32),
		file: fmt.Sprintf("ways: [{name: desk, notifier: webhook, settings: {url: '%s'}, secret_files: {secret: %s}}]\nquiet: [{below: high, hours: {from: '%02d:01', to: '%02d:00', zone: UTC}}]\n",
			refuses.URL, secret, next.Hour(), next.Hour()),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := webtest.Store(t)
	o, err := outbox.Open(outbox.Settings{Ways: file}, time.Now, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	area, err := notices.Area(notices.Config{Store: s, Desk: outbox.Desk{Outbox: o}})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, token, err := persons.IssueToken(ctx, tx, "system", "machine", []people.Grant{{Role: people.Responder, Scope: people.Everywhere}}, time.Hour)
		t.Setenv("ROOTKEEP_TOKEN", token.Reveal())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	webtest.ForCommands(t, s, time.Now, func(*url.URL, *signin.SignIn) []web.Area { return []web.Area{area} })
	return s, o
}

func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	s := cli.Streams{Out: &out, Err: &out}
	root := &cobra.Command{Use: "rootkeep", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(cmdnotify.Command(s))
	cli.Strict(root)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestStatusShowsWhatDidNotArrive(t *testing.T) {
	s, o := serve(t)
	if got, err := run(t, "notify", "status"); err != nil || !strings.Contains(got, "0 notices waiting, 0 held back, 0 not taken") {
		t.Errorf("got %s, %v", got, err)
	}
	err := s.Update(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		for id, severity := range map[string]rootkeep.Severity{"NO-1": rootkeep.High, "NO-2": rootkeep.Low} {
			if err := o.Put(ctx, tx, notify.Notice{ID: id, Topic: "alert", Severity: severity, Title: "Root\n\x1b[2J" + id, At: time.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	keeper := jobs.Keeper{Store: s}
	j, err := keeper.Claim(t.Context(), "one", []string{outbox.KindOf("desk")}, time.Minute)
	if err != nil || j == nil {
		t.Fatalf("got %v, %v", j, err)
	}
	failed := o.Jobs().Handler.Handle(t.Context(), j, func(string) {})
	if failed == nil || keeper.Finish(t.Context(), j, job.Outcome{State: job.Dead, Error: failed.Error()}) != nil {
		t.Fatalf("got %v, want the notice refused", failed)
	}
	got, err := run(t, "notify", "status")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"0 notices waiting, 1 held back, 1 not taken", "last failed ", "not taken: NO-1 by desk: Root\\x0a\\x1b[2JNO-1: way desk: it answered HTTP 403: no \\x1b[2Jroom; hint: rootkeep jobs retry " + j.ID,
		"held back until ", ": NO-2 by desk: Root\\x0a",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %q in it", got, want)
		}
	}
	if strings.Contains(got, "\x1b") {
		t.Errorf("got %q, with a terminal sequence", got)
	}
	if got, err := run(t, "notify", "status", "--output", "json"); err != nil || !strings.Contains(got, `"schema": "rootkeep/notify-status/1"`) || !strings.Contains(got, j.ID) {
		t.Errorf("got %s, %v", got, err)
	}
}
