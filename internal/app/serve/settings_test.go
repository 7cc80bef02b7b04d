package serve

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/app/roottask"
	"github.com/rootkeep/rootkeep/internal/app/share"
)

func TestSettingsThatDoNotGoTogether(t *testing.T) {
	const url = "https://rootkeep.example.com"
	files := TLS{Cert: "tls.crt", Key: "tls.key"}
	for _, test := range []struct {
		name string
		c    Settings
		want string // part of the error; empty for none
	}{
		{"nothing at all listens on localhost", Settings{}, ""},
		{"a loopback address", Settings{Listen: "127.0.0.1:0"}, ""},
		{"another loopback address", Settings{Listen: "[::1]:8080"}, ""},
		{"all addresses without encryption", Settings{Listen: "0.0.0.0:8080"}, "would not be encrypted"},
		{"all addresses, written short", Settings{Listen: ":8080"}, "would not be encrypted"},
		{"a name that others reach", Settings{Listen: "rootkeep.example.com:80"}, "would not be encrypted"},
		{"all addresses with a certificate", Settings{URL: url, Listen: ":443", TLS: files}, ""},
		{"all addresses behind a proxy", Settings{URL: url, Listen: ":8080", BehindProxy: []string{"10.0.0.5"}}, ""},
		{"a certificate without its key", Settings{TLS: TLS{Cert: "tls.crt"}}, "needs its key"},
		{"https that nothing encrypts", Settings{URL: url}, "nothing encrypts"},
		{"http beside a certificate", Settings{URL: "http://localhost:8443", TLS: files}, "by https"},
		{"http to the world", Settings{URL: "http://rootkeep.example.com"}, "want https"},
		{"http to a number", Settings{URL: "http://127.0.0.1:8080"}, "want https"},
		{"https to a number", Settings{URL: "https://10.0.0.5", TLS: files}, "bound to a name"},
		{"a path", Settings{URL: url + "/rootkeep", TLS: files}, "nothing more"},
		{"a query", Settings{URL: url + "?a=b", TLS: files}, "nothing more"},
		{"a user", Settings{URL: "https://a:b@rootkeep.example.com", TLS: files}, "nothing more"},
		{"no host", Settings{URL: "https://", TLS: files}, "nothing more"},
		{"a host in letters of another script", Settings{URL: "https://röotkeep.example", TLS: files}, "ASCII"},
		{"no port", Settings{Listen: "localhost"}, "host:port"},
		{"a proxy that is every address", Settings{URL: url, BehindProxy: []string{"0.0.0.0/0"}}, "every address"},
		{"a proxy that is no address", Settings{URL: url, BehindProxy: []string{"proxy"}}, "an address or a range"},
		{"a role that is none", Settings{Roles: []string{"cook"}}, `role "cook"`},
		{"a level that is none", Settings{Log: Log{Level: "loud"}}, "log.level"},
		{"a provider", Settings{OpenID: OpenID{Issuer: "https://id.example.com", ClientID: "rootkeep", Claim: "groups", Groups: map[string][]string{"sec": {"viewer", "approver@account:111122223333"}}}}, ""},
		{"a provider without its client", Settings{OpenID: OpenID{Issuer: "https://id.example.com"}}, "openid.client_id"},
		{"a client without a provider", Settings{OpenID: OpenID{ClientID: "rootkeep"}}, "openid.issuer"},
		{"a provider without encryption", Settings{OpenID: OpenID{Issuer: "http://id.example.com", ClientID: "rootkeep"}}, "https"},
		{"groups that no claim names", Settings{OpenID: OpenID{Issuer: "https://id.example.com", ClientID: "rootkeep", Groups: map[string][]string{"sec": {"viewer"}}}}, "one needs the other"},
		{"a group with a role that is none", Settings{OpenID: OpenID{Issuer: "https://id.example.com", ClientID: "rootkeep", Claim: "groups", Groups: map[string][]string{"sec": {"owner"}}}}, "openid.groups: sec"},
		{"a group with a scope that is none", Settings{OpenID: OpenID{Issuer: "https://id.example.com", ClientID: "rootkeep", Claim: "groups", Groups: map[string][]string{"sec": {"viewer@all"}}}}, "openid.groups: sec"},
		{"a file of anchors that is not there", Settings{Anchors: "no-such-file.yaml"}, "anchors"},
		{"readers of tiles that there are not", Settings{Tiles: "everybody"}, "readers or anybody"},
		{"a file of alerts that is not there", Settings{Alerts: "no-such-file.yaml"}, "alerts"},
		{"a file of approvals that is not there", Settings{Approvals: "no-such-file.yaml"}, "approvals"},
		{"a format that is none", Settings{Log: Log{Format: "xml"}}, "log.format"},
		{"a file of live sources that is not there", Settings{Watch: Watch{Sources: "no-such-file.yaml"}}, "live sources"},
		{"a watch of nothing", Settings{Roles: []string{"watch"}}, "watch.sources"},
		{"a broker for several processes", Settings{Store: "postgres://rootkeep@db/rootkeep", NATS: share.Settings{URL: "nats://a:4222,nats://b:4222", Replicas: "3"}}, ""},
		{"a broker for a store of one process", Settings{NATS: share.Settings{URL: "nats://a:4222"}}, "share PostgreSQL"},
		{"a reader of hunts without a broker", Settings{Roles: []string{"hunt"}}, "role hunt: there is no broker"},
		{"a broker that is none", Settings{NATS: share.Settings{URL: "http://a:4222"}}, "want nats://"},
		{"a broker with a password in its address", Settings{NATS: share.Settings{URL: "nats://me:secret@a:4222"}}, "does not belong into an address"},
		{"credentials for no broker", Settings{NATS: share.Settings{Credentials: "user.creds"}}, "nats.url"},
		{"replicas that are no number", Settings{NATS: share.Settings{URL: "nats://a", Replicas: "many"}}, "nats.replicas"},
		{"a file of ways that is not there", Settings{Notify: outbox.Settings{Ways: "no-such-file.yaml"}}, "ways of notices"},
		{"a folder of root tasks that is not there", Settings{Root: roottask.Settings{Folders: []string{"no-such-folder"}}}, "name the folder that holds roottasks"},
		{"a folder of notifiers that is not there", Settings{Notify: outbox.Settings{Folders: []string{"no-such-folder"}}}, "notifiers"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.c.Effective()
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that has %q", err, test.want)
			}
		})
	}
}

func TestSettingsFile(t *testing.T) {
	for _, test := range []struct {
		name, text, want string // want: part of the error; empty for none
	}{
		{"all settings", "url: https://a.example\nlisten: ':443'\ntls: {cert: a, key: b}\nbehind_proxy: [10.0.0.1]\nstore: x.db\nkey_file: k\nroles: [web]\nlog: {format: json, level: warn}\ntraces: {endpoint: 'http://localhost:4318'}\nopenid: {name: a, issuer: 'https://i.example', client_id: r, client_secret_file: s, groups_claim: groups, groups: {sec: [viewer]}}\nauthenticators: blob.jwt\napprovals: approvals.yaml\nanchors: anchors.yaml\ntiles: anybody\nroot: {folders: [own]}\nwatch: {sources: sources.yaml}\nnats: {url: 'tls://a:4222', credentials: a.creds, ca: ca.pem, replicas: 3}\nnotify: {ways: ways.yaml, folders: [notifiers]}\n", ""},
		{"an empty file", "\n\n", ""},
		{"a setting that does not exist", "url: https://a.example\nlisen: ':443'\n", ":2: unknown field \"lisen\""},
		{"a setting inside another that does not exist", "log:\n  format: json\n  lvl: info\n", ":3: unknown field \"lvl\""},
		{"a setting twice", "url: https://a.example\nurl: https://b.example\n", ":2: "},
		{"a list where a word stands", "url: [a]\n", ":1: "},
		{"no YAML", "url: 'a\n", ":1: "},
		{"too much", strings.Repeat("# comment\n", 200_000), "larger than 1 MiB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rootkeep.yaml")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := ReadSettings(path)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), path) || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that has %q", err, test.want)
			}
		})
	}
	if _, err := ReadSettings(filepath.Join(t.TempDir(), "none.yaml")); err == nil {
		t.Error("got settings of a file that does not exist")
	}
}

func TestEffectiveSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rootkeep.yaml")
	if err := os.WriteFile(path, []byte("store: postgres://keeper:hunter2@db/rootkeep?password=hunter3\nlog: {level: warn}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := ReadSettings(path)
	if err != nil {
		t.Fatal(err)
	}
	c.Override(Settings{Listen: "localhost:9000", Log: Log{Level: "debug"}})
	list, err := c.Effective()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Value{}
	for _, v := range list {
		got[v.Name] = v
	}
	for _, want := range []Value{
		{"listen", "localhost:9000", "flag"}, {"url", "http://localhost:9000", "default"}, {"log.level", "debug", "flag"}, {"log.format", "text", "default"},
		{"store", "postgres://keeper:redacted@db/rootkeep?password=redacted", path}, {"key_file", "ledger.key", "default"},
	} {
		if got[want.Name] != want {
			t.Errorf("got %+v, want %+v", got[want.Name], want)
		}
	}
}

var setting = regexp.MustCompile("(?m)^\\| `([a-z._]+)` \\|")

// TestEverySettingIsDocumented compares the settings with the table of docs/server.md, and
// reads the example there.
func TestEverySettingIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/server.md")
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, m := range setting.FindAllStringSubmatch(string(text), -1) {
		got = append(got, m[1])
	}
	for _, f := range new(Settings).fields() {
		want = append(want, f.Name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %v documented, want %v", got, want)
	}
	_, example, _ := strings.Cut(string(text), "```yaml rootkeep.yaml\n")
	example, _, _ = strings.Cut(example, "```")
	path := filepath.Join(t.TempDir(), "rootkeep.yaml")
	if err := os.WriteFile(path, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := ReadSettings(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Effective(); err != nil || example == "" {
		t.Errorf("the example: got %v, want settings that hold", err)
	}
}
