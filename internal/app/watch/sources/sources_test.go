package sources

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSourcesFile(t *testing.T) {
	const trail = "sources:\n  - name: trail\n    folder: /srv/trail\n"
	const history = "sources:\n  - name: history\n    lookup: {accounts: ['111122223333'], regions: [us-east-1]}\n"
	const queued = "sources:\n  - name: files\n    queue:\n      url: https://sqs.eu-west-1.amazonaws.com/111122223333/rootkeep-trail\n"
	const listed = "sources:\n  - name: files\n    bucket:\n      name: logs\n      region: eu-west-1\n"
	for _, test := range []struct {
		name, text, want string // want: part of the error; empty for none
	}{
		{"a folder", trail, ""},
		{"a folder with its times", trail + "    every: 5s\n    days: 3\n    silent_after: 1h\n", ""},
		{"the event history", history, ""},
		{"a queue", queued, ""},
		{"a queue with all", queued + "      buckets: [logs]\n      accounts: ['111122223333']\n      role: watcher\n      broker_role: arn:aws:iam::111122223333:role/b\n      external_id: acme-7\n      profile: p\n      receivers: 8\n    silent_after: 1h\n", ""},
		{"a bucket", listed, ""},
		{"a bucket with all", listed + "      prefix: p/q\n      account: '111122223333'\n      accounts: ['444455556666']\n      begin: 168h\n      role: watcher\n    every: 2m\n", ""},
		{"nothing", "", "0 sources"},
		{"an unknown key", trail + "    dayz: 3\n", "unknown field"},
		{"neither", "sources: [{name: a}]\n", "one of folder, queue, bucket and lookup"},
		{"both", trail + "    lookup: {accounts: ['111122223333'], regions: [us-east-1]}\n", "one of folder, queue, bucket and lookup"},
		{"a folder of the process", "sources: [{name: a, folder: logs}]\n", "absolute path"},
		{"a name twice", trail + strings.TrimPrefix(trail, "sources:\n"), "once"},
		{"a name that is a path", "sources: [{name: ../a, folder: /a}]\n", "small letters"},
		{"no account", "sources: [{name: a, lookup: {regions: [us-east-1]}}]\n", "accounts and regions"},
		{"an account that is none", "sources: [{name: a, lookup: {accounts: ['1'], regions: [us-east-1]}}]\n", "account"},
		{"a Region that is none", "sources: [{name: a, lookup: {accounts: ['111122223333'], regions: [/]}}]\n", "/"},
		{"silence of an event history", history + "    silent_after: 1h\n", "belongs to log files"},
		{"a queue that is none", "sources: [{name: a, queue: {url: trail}}]\n", "want a URL"},
		{"an account of a queue that is none", queued + "      accounts: [x]\n", "account"},
		{"a queue that is looked at", queued + "    every: 1m\n", "tells by itself"},
		{"a bucket without a Region", "sources: [{name: a, bucket: {name: logs}}]\n", "region"},
		{"an account of a role that is none", listed + "      account: x\n", "account"},
		{"days of a bucket", listed + "    days: 3\n", "days belongs to a folder"},
		{"a time that is none", trail + "    every: soon\n", "soon"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sources.yaml")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			list, err := Read(path)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that has %q", err, test.want)
			}
			for i := range list {
				if _, err := list[i].Open(time.Now); err != nil {
					t.Errorf("source %s: %v", list[i].Name, err)
				}
			}
		})
	}
}

// TestTheDocumentedSources reads the example of docs/watch.md.
func TestTheDocumentedSources(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/watch.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "```yaml sources.yaml\n")
	example, _, _ = strings.Cut(example, "```")
	path := filepath.Join(t.TempDir(), "sources.yaml")
	if err := os.WriteFile(path, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	if diff := cmp.Diff([]string{"trail-files", "root-events", "trail-bucket", "trail-copy", "management"}, names); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
}
