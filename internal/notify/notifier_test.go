package notify_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/rule"
)

func TestEveryShippedNotifierLoadsAndItsCasesHold(t *testing.T) {
	list, problems := notify.LoadNotifiers(rule.Source{FS: content.Files, Dir: "notifiers"})
	for _, p := range problems {
		t.Error(p)
	}
	if len(list) == 0 {
		t.Error("got no notifier")
	}
}

// chat is a small notifier of the tests.
const chat = `id: chat
kind: notifier
title: Chat
about: A room.
settings:
  url: {about: address, type: secret}
  room: {about: name of the room, type: text}
request:
  url: ${settings.url}
  headers: {Content-Type: application/json, X-Title: "${notice.id}"}
  body:
    room: ${settings.room}
    blocks: [{text: "*${notice.title}* ${notice.account}", short: true}]
retry: {attempts: 3, on: [429]}
cases:
  - name: a notice
    settings: {url: "https://chat.example.com/T000", room: ops}
    notice: {id: NO-1, topic: test, severity: high, title: "a \"b\"", text: "", subject: "", link: "", at: "2026-01-01T00:00:00Z"}
    want:
      url: https://chat.example.com/T000
      headers: {Content-Type: application/json, X-Title: NO-1}
      body: '{"blocks":[{"short":true,"text":"*a \"b\"* "}],"room":"ops"}'
`

func load(text string) (*notify.Notifier, error) {
	list, problems := notify.LoadNotifiers(rule.Source{FS: fstest.MapFS{"chat.yaml": {Data: []byte(text)}}, Dir: "."})
	if len(problems) > 0 {
		return nil, problems[0]
	}
	return list[0], nil
}

func TestNotifiersThatAreRefused(t *testing.T) {
	for _, test := range []struct{ name, from, to, want string }{
		{"as it is, it is taken", "", "", ""},
		{"an unknown key", "title: Chat", "title: Chat\nnote: x", "chat.yaml:4"},
		{"another id than the file's name", "id: chat", "id: room", "want the same"},
		{"another kind", "kind: notifier", "kind: control", "want kind: notifier"},
		{"a slot that stands for nothing", "${notice.account}", "${notice.secret}", "${notice.secret} stands for nothing"},
		{"a slot of a setting that is none", "${settings.room}", "${settings.rom}", "${settings.rom} stands for nothing"},
		{"a type that is none", "type: text", "type: number", `type "number"`},
		{"a header that HTTP does not have", "X-Title:", "X Title:", "header"},
		{"an address with a part of the notice", "url: ${settings.url}", "url: https://${notice.account}.example.com", "parts of the notice"},
		{"a function that is none", "${notice.account}", "${loud(notice.account)}", `no function "loud"`},
		{"a bracket that is not closed", "${notice.account}", "${line(notice.account}", "nothing closes"},
		{"functions in each other", "${notice.account}", "${slack(line(notice.account, 10), 20)}", ""},
		{"too many of them", "${notice.account}", "${cut(cut(cut(cut(cut(cut(cut(notice.account)))))))}", "more than 5 functions"},
		{"no number of characters", "${notice.account}", "${line(notice.account, x)}", "number of characters"},
		{"too large a number of characters", "${notice.account}", "${line(notice.account, 100001)}", "number of characters"},
		{"a table without a way out", "request:", "tables: {level: {high: 1}}\nrequest:", `"other"`},
		{"a table with the name of a function", "request:", "tables: {line: {other: 1}}\nrequest:", "no function has"},
		{"what is remembered by nobody", "${notice.account}", "${remembered.ts}", "nothing is remembered when a message is opened"},
		{"a request of open", "retry:", "requests: {open: {url: 'https://a.example.com'}}\nretry:", "want update or close"},
		{"a first request that remembers", "retry:", "requests: {update: {remember: {ts: '${answer.ts}'}, add: {a: '${remembered.ts}'}}}\nretry:", ""},
		{"a path that is none", "retry:", "requests: {update: {remember: {ts: '${answer}'}}}\nretry:", "want a path in the answer"},
		{"a part of the notice as the host", "url: ${settings.url}", "url: 'https://${segment(notice.id)}.example.com/'", "before its first slash"},
		{"a part of the notice beside the host", "url: ${settings.url}", "url: '${settings.url}${segment(notice.id)}'", "before its first slash"},
		{"a secret with a default", "type: text}", "type: secret, default: x}", "no default"},
		{"an answer that comes to something else", "cases:", "answers: [{name: no, status: 500, want: taken}]\ncases:", `answer "no": got refused, want taken`},
		{"too many attempts", "attempts: 3", "attempts: 300", "300 attempts"},
		{"a signature with what is no long secret", "  body:\n", "  sign: {secret: room, timestamp: A, signature: B}\n  body:\n", "secret of 16 bytes"},
		{"a case that does not hold", `"room":"ops"`, `"room":"dev"`, `case "a notice": got body`},
		{"a case with a header too few", ", X-Title: NO-1", "", "got headers"},
		{"a case without a setting", ", room: ops}", "}", "setting room is missing"},
		{"a case whose address is not encrypted", "https://chat.example.com/T000\", room", "http://chat.example.com/T000\", room", "want https"},
		{"a case with an unknown part of a notice", "topic: test,", "topic: test, colour: red,", "colour"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := load(strings.Replace(chat, test.from, test.to, 1))
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that has %q", err, test.want)
			}
		})
	}
}

func TestSecretsAreNotTold(t *testing.T) {
	s := notify.NewSecret("hunter2")
	shown := fmt.Sprintf("%v %+v %#v %s %q %d %x", s, s, s, s, s, s, map[string]notify.Secret{"a": s})
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "secret", s)
	if strings.Contains(shown+logged.String(), "hunter2") || strings.Contains(shown, fmt.Sprintf("%x", "hunter2")) || !strings.Contains(shown, "redacted") {
		t.Errorf("got %s and %s, want redacted", shown, logged.String())
	}
	if text, err := json.Marshal(struct{ S notify.Secret }{s}); err == nil {
		t.Errorf("got JSON %s of a secret, want a refusal", text)
	}
}

func TestRoutes(t *testing.T) {
	r, err := notify.NewRouter([]string{"desk", "mail", "pager"}, []notify.Route{
		{Topics: []string{"root-*"}, Severity: "high", Ways: []string{"pager"}},
		{Accounts: []string{"111122223333"}, Ways: []string{"mail", "pager"}},
		{Topics: []string{"test"}, Ways: []string{"desk"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		notice string
		want   string
	}{
		{"by topic and severity", `{"topic":"root-unexplained","severity":"critical"}`, "pager"},
		{"below the severity of the route", `{"topic":"root-unexplained","severity":"medium"}`, ""},
		{"by account, each way once, in the order of the configuration", `{"topic":"root-override","severity":"critical","account":"111122223333"}`, "mail pager"},
		{"by one of several accounts", `{"topic":"root-override","severity":"critical","accounts":["444455556666","111122223333"]}`, "mail pager"},
		{"by other accounts", `{"topic":"root-override","severity":"medium","accounts":["444455556666","777788889999"]}`, ""},
		{"by topic alone", `{"topic":"test","severity":"informational"}`, "desk"},
		{"a topic of no route", `{"topic":"approval-wanted","severity":"critical"}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var n notify.Notice
			if err := json.Unmarshal([]byte(test.notice), &n); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(r.Ways(n, moment), " "); got != test.want {
				t.Errorf("got ways %q, want %q", got, test.want)
			}
		})
	}
	n := notify.Notice{Topic: "alert", Severity: rootkeep.Low, Accounts: slices.Repeat([]string{"444455556666"}, notify.MostAccounts+1)}
	if n, err = n.Bounded(); err != nil || len(n.Accounts) != notify.MostAccounts || !slices.Equal(r.Ways(n, moment), []string{"mail", "pager"}) {
		t.Errorf("more accounts than are named: got %d, ways %v, %v, want the routes by account as well", len(n.Accounts), r.Ways(n, moment), err)
	}
	tagged, err := notify.NewRouter([]string{"desk"}, []notify.Route{{Tags: []string{"team-99"}, Ways: []string{"desk"}}})
	if err != nil {
		t.Fatal(err)
	}
	n = notify.Notice{Topic: "alert", Severity: rootkeep.Low, Tags: slices.Repeat([]string{"team-01"}, 51)}
	if n, err = n.Bounded(); err != nil || len(n.Tags) != 50 || !slices.Equal(tagged.Ways(n, moment), []string{"desk"}) {
		t.Errorf("more tags than are named: got %d, ways %v, %v, want the route by another tag as well", len(n.Tags), tagged.Ways(n, moment), err)
	}
	all, err := notify.NewRouter([]string{"desk"}, nil)
	if err != nil || len(all.Ways(notify.Notice{Topic: "x"}, moment)) != 1 {
		t.Errorf("got %v, %v without routes, want every way", all.Ways(notify.Notice{}, moment), err)
	}
	for _, wrong := range []notify.Route{
		{}, {Ways: []string{"fax"}}, {Ways: []string{"desk"}, Topics: []string{"root-unexplaned"}}, {Ways: []string{"desk"}, Severity: "loud"}, {Ways: []string{"desk"}, Accounts: []string{"1"}},
	} {
		if _, err := notify.NewRouter([]string{"desk"}, []notify.Route{wrong}); err == nil {
			t.Errorf("got a router of %+v, want a refusal", wrong)
		}
	}
}
