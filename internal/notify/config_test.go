package notify_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/rule"
)

func TestWaysFile(t *testing.T) {
	list, problems := notify.LoadNotifiers(rule.Source{FS: content.Files, Dir: "notifiers"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	read := func(path string) (string, error) {
		if filepath.Base(path) == "none" {
			return "", errors.New("no such file")
		}
		return "hunter2hunter2hunter2", nil
	}
	const desk = "ways:\n  - name: desk\n    notifier: webhook\n    settings: {url: 'https://hooks.example.com'}\n    secret_files: {secret: /etc/secret}\n"
	const post = "ways:\n  - name: mail\n    mail: {host: mail.example.com, port: 587, from: r@example.com, to: [s@example.com], user: r, password_file: /etc/password}\n"
	for _, test := range []struct {
		name, text, want string // want: part of the error; empty for none
	}{
		{"nothing", "", ""},
		{"a webhook", desk, ""},
		{"mail, encrypted if nothing is said", post, ""},
		{"what an accepting answer looks like", desk + "    success: {status: [202], answer: {accepted: true}, has: [id], without: [queue full]}\n", ""},
		{"an accepting answer with an unknown key", desk + "    success: {says: yes}\n", ":6: unknown field"},
		{"an accepting answer that is an error", desk + "    success: {status: [500]}\n", "want 200 to 299"},
		{"an accepting answer of mail", post + "    success: {text: ok}\n", "belong to a notifier"},
		{"a route", desk + "routes: [{topics: [root-*], ways: [desk]}]\n", ""},
		{"a route by a way that is none", desk + "routes: [{ways: [fax]}]\n", `way "fax"`},
		{"an unknown key", strings.Replace(desk, "settings:", "setings:", 1), ":4: unknown field"},
		{"a secret in the file itself", strings.Replace(desk, "'https://hooks.example.com'}", "'https://hooks.example.com', secret: hunter2hunter2hunter2}", 1), "read from a file"},
		{"a secret of another place", strings.Replace(desk, "/etc/secret", "secret", 1), "absolute path"},
		{"a secret that is not there", strings.Replace(desk, "/etc/secret", "/etc/none", 1), "no such file"},
		{"a secret that the notifier has not", strings.Replace(desk, "{secret:", "{token:", 1), "has none of that name"},
		{"a notifier that is none", strings.Replace(desk, "webhook", "pigeon", 1), `notifier "pigeon"`},
		{"a name twice", desk + strings.TrimPrefix(desk, "ways:\n"), "once"},
		{"neither notifier nor mail", "ways: [{name: a}]\n", "one of notifier, mail"},
		{"mail with settings of a notifier", strings.Replace(post, "    mail:", "    settings: {a: b}\n    mail:", 1), "belong to a notifier"},
		{"mail without encryption", strings.Replace(post, "port: 587", "port: 25, encryption: none", 1), "another machine"},
		{"roots that are not there", desk + "    roots: /no/such/file\n", "roots"},
		{"too much", "# " + strings.Repeat("x", 1<<20), "larger than 1 MiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "notify.yaml")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := notify.ReadConfig(path)
			if err == nil {
				_, _, err = c.Open(list, read, now)
			}
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that has %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("got %v, which tells a secret", err)
			}
		})
	}
}
