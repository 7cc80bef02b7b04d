package notify_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// vendor is a receiver that takes what its vendor documents, and nothing else.
type vendor struct {
	t    *testing.T
	take func(path string, h http.Header, body map[string]any) (status int, answer string, err error)
	got  []string // what was taken, in a few words
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	var body map[string]any
	if err == nil {
		err = json.Unmarshal(raw, &body)
	}
	if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		err = errors.Join(err, fmt.Errorf("%s with %s", r.Method, r.Header.Get("Content-Type")))
	}
	if err != nil {
		v.t.Error(err)
		return
	}
	status, answer, err := v.take(r.URL.RequestURI(), r.Header, body)
	if err != nil {
		v.t.Errorf("%s: %v in %s", r.URL.Path, err, raw)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

// only refuses members that the vendor does not name.
func only(m map[string]any, names ...string) error {
	for name := range m {
		if !slices.Contains(names, name) {
			return fmt.Errorf("a member %s", name)
		}
	}
	return nil
}

// words is a text that is there, no longer than the vendor takes.
func words(m map[string]any, name string, most int) (string, error) {
	s, _ := m[name].(string)
	if s == "" || utf8.RuneCountInString(s) > most {
		return s, fmt.Errorf("%s of %d characters, want 1 to %d", name, utf8.RuneCountInString(s), most)
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && r != '\u2060' && !text.Shown(r) }) {
		return s, fmt.Errorf("%s %q has what nobody sees", name, s)
	}
	return s, nil
}

var slackMarkup = regexp.MustCompile(`<[^>]*>`)

// slackText is a text of mrkdwn in which nothing but our own link is markup.
func slackText(m map[string]any, name string, most int) error {
	s, err := words(m, name, most)
	for _, found := range slackMarkup.FindAllString(s, -1) {
		if found != "<https://rootkeep.example.com/alerts/AL-1|Open in rootkeep>" {
			err = errors.Join(err, fmt.Errorf("markup %s", found))
		}
	}
	for _, call := range []string{"@here", "@channel", "@everyone"} {
		if strings.Contains(s, call) {
			err = errors.Join(err, fmt.Errorf("a call of everybody: %s", call))
		}
	}
	return err
}

func slackMessage(body map[string]any, names ...string) error {
	err := errors.Join(only(body, append(names, "text", "blocks", "unfurl_links", "unfurl_media")...), slackText(body, "text", 4000))
	blocks, _ := body["blocks"].([]any)
	if len(blocks) == 0 || len(blocks) > 50 {
		err = errors.Join(err, fmt.Errorf("%d blocks", len(blocks)))
	}
	for _, b := range blocks {
		block, _ := b.(map[string]any)
		of, _ := block["text"].(map[string]any)
		if block["type"] != "section" || of["type"] != "mrkdwn" || of["verbatim"] != true {
			err = errors.Join(err, fmt.Errorf("block %v, want a section of mrkdwn that is left as it is", block))
		}
		err = errors.Join(err, only(block, "type", "text"), only(of, "type", "verbatim", "text"), slackText(of, "text", 3000))
	}
	return err
}

// thread is what is told of one alert: it is opened, changes, is taken and closed.
func thread() []notify.Notice {
	of := func(topic, action, id string) notify.Notice {
		n := hostile()
		n.ID, n.Topic, n.Action, n.Thread, n.Subject, n.Link = id, topic, action, "AL-1", "AL-1", "https://rootkeep.example.com/alerts/AL-1"
		n.Title = "<!channel> @here <at>x</at> **b** [l](https://e.example) " + n.Title + strings.Repeat("&<日\x1b", 1000)
		n.Text += "\n<https://e.example|click> @everyone\n" + strings.Repeat("<日\u202e", 1<<18)
		n.Principal, n.Count, n.Tags = "root\x1b[2J<!here>", 3, []string{"root", "<@U1>"}
		out, err := n.Bounded()
		if err != nil {
			panic(err)
		}
		return out
	}
	return []notify.Notice{of("alert", "", "NO-1"), of("alert-escalated", "update", "NO-2"), of("alert-handled", "update", "NO-3"), of("alert-handled", "close", "NO-4")}
}

// tell sends a thread by a notifier and gives what was remembered.
func tell(t *testing.T, id string, v *vendor, settings map[string]string) notify.Memory {
	t.Helper()
	v.t = t
	server := httptest.NewServer(v)
	defer server.Close()
	given := map[string]notify.Secret{}
	for name, value := range settings {
		given[name] = notify.NewSecret(strings.Replace(value, "SERVER", server.URL, 1))
	}
	p, err := notify.NewPost("way", shipped(t, id), given, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	var m notify.Memory
	for _, n := range thread() {
		if _, m, err = p.Change(t.Context(), n, m); err != nil {
			t.Errorf("%s: %v", n.ID, err)
		}
	}
	return m
}

func TestSlack(t *testing.T) {
	v := &vendor{}
	v.take = func(path string, h http.Header, body map[string]any) (int, string, error) {
		v.got = append(v.got, path)
		err := slackMessage(body, "channel", "ts")
		if h.Get("Authorization") != "Bearer xoxb-0123456789-abcdefghij" || body["channel"] != "C0123456789" {
			err = errors.Join(err, errors.New("no token or no channel"))
		}
		if ts := body["ts"]; path == "/api/chat.update" && ts != "1503435956.000247" || path == "/api/chat.postMessage" && ts != nil {
			err = errors.Join(err, fmt.Errorf("ts %v", ts))
		}
		return 200, `{"ok":true,"channel":"C0123456789","ts":"1503435956.000247","message":{}}`, err
	}
	m := tell(t, "slack", v, map[string]string{"url": "SERVER", "token": "xoxb-0123456789-abcdefghij", "channel": "C0123456789"})
	want := []string{"/api/chat.postMessage", "/api/chat.update", "/api/chat.update", "/api/chat.update"}
	if diff := cmp.Diff(want, v.got); diff != "" || m["ts"] != "1503435956.000247" {
		t.Errorf("remembered %v, calls (-want +got):\n%s", m, diff)
	}
}

// Whoever deletes a message, or is not let change it, must not keep what comes later from being
// told: it opens another message. What is closed needs none.
func TestAMessageThatSomebodyDeleted(t *testing.T) {
	v := &vendor{}
	v.take = func(path string, _ http.Header, body map[string]any) (int, string, error) {
		v.got = append(v.got, fmt.Sprintf("%s %v", path, body["ts"]))
		if path == "/api/chat.update" && (body["ts"] == "1.1" || len(v.got) > 4) {
			return 200, `{"ok":false,"error":"message_not_found"}`, nil
		}
		return 200, fmt.Sprintf(`{"ok":true,"channel":"C0123456789","ts":"%d.1"}`, len(v.got)), nil
	}
	tell(t, "slack", v, map[string]string{"url": "SERVER", "token": "xoxb-0123456789-abcdefghij", "channel": "C0123456789"})
	want := []string{"/api/chat.postMessage <nil>", "/api/chat.update 1.1", "/api/chat.postMessage <nil>", "/api/chat.update 3.1", "/api/chat.update 3.1"}
	if diff := cmp.Diff(want, v.got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestSlackByAnIncomingWebhook(t *testing.T) {
	v := &vendor{}
	v.take = func(_ string, _ http.Header, body map[string]any) (int, string, error) {
		v.got = append(v.got, strings.SplitN(body["text"].(string), "&", 2)[0])
		return 200, "ok", slackMessage(body)
	}
	tell(t, "slack-webhook", v, map[string]string{"url": "SERVER/services/T0/B0/x"})
	if diff := cmp.Diff([]string{"", "Changed: ", "Taken: ", "Closed: "}, v.got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTeams(t *testing.T) {
	v := &vendor{}
	v.take = func(_ string, _ http.Header, body map[string]any) (int, string, error) {
		whole, err := json.Marshal(body)
		if len(whole) > 28<<10 {
			err = fmt.Errorf("%d bytes, want at most 28 KiB", len(whole))
		}
		list, _ := body["attachments"].([]any)
		if body["type"] != "message" || len(list) != 1 {
			return 400, "", errors.New("want a message with one attachment")
		}
		attachment, _ := list[0].(map[string]any)
		card, _ := attachment["content"].(map[string]any)
		if attachment["contentType"] != "application/vnd.microsoft.card.adaptive" || card["type"] != "AdaptiveCard" || card["version"] != "1.4" {
			err = errors.Join(err, errors.New("no adaptive card of version 1.4"))
		}
		for _, b := range card["body"].([]any) {
			block, _ := b.(map[string]any)
			runs, _ := block["inlines"].([]any)
			if block["type"] != "RichTextBlock" || len(runs) != 1 {
				err = errors.Join(err, fmt.Errorf("block %v, want one whose text is taken as it is", block))
				continue
			}
			run, _ := runs[0].(map[string]any)
			_, bad := words(run, "text", 5000)
			err = errors.Join(err, only(block, "type", "inlines"), only(run, "type", "text", "weight", "size", "color"), bad)
		}
		actions, _ := card["actions"].([]any)
		if button, _ := actions[0].(map[string]any); button["type"] != "Action.OpenUrl" || button["url"] != "https://rootkeep.example.com/alerts/AL-1" {
			err = errors.Join(err, fmt.Errorf("action %v", button))
		}
		return 202, "", err
	}
	tell(t, "teams", v, map[string]string{"url": "SERVER/workflows/0123456789abcdef"})
}

func TestPagerDuty(t *testing.T) {
	v := &vendor{}
	v.take = func(path string, _ http.Header, body map[string]any) (int, string, error) {
		payload, _ := body["payload"].(map[string]any)
		_, long := words(payload, "summary", 1024)
		_, key := words(body, "dedup_key", 255)
		err := errors.Join(long, key, only(body, "routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links", "images"),
			only(payload, "summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"))
		if path != "/v2/enqueue" || len(body["routing_key"].(string)) != 32 || payload["source"] == "" {
			err = errors.Join(err, errors.New("path, key or source"))
		}
		if !slices.Contains([]any{"critical", "error", "warning", "info"}, payload["severity"]) {
			err = errors.Join(err, fmt.Errorf("severity %v", payload["severity"]))
		}
		v.got = append(v.got, fmt.Sprint(body["event_action"], " ", body["dedup_key"]))
		return 202, `{"status":"success","message":"Event processed","dedup_key":"AL-1"}`, err
	}
	tell(t, "pagerduty", v, map[string]string{"url": "SERVER", "routing_key": strings.Repeat("a", 32)})
	if diff := cmp.Diff([]string{"trigger AL-1", "trigger AL-1", "acknowledge AL-1", "resolve AL-1"}, v.got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOpsgenie(t *testing.T) {
	v := &vendor{}
	v.take = func(path string, h http.Header, body map[string]any) (int, string, error) {
		v.got = append(v.got, path)
		var err error
		if h.Get("Authorization") != "GenieKey 0123456789abcdef" {
			err = errors.New("no key")
		}
		if path == "/v2/alerts" {
			_, message := words(body, "message", 130)
			_, alias := words(body, "alias", 512)
			_, description := words(body, "description", 15000)
			err = errors.Join(err, message, alias, description, only(body, "message", "alias", "description", "source", "entity", "priority", "details", "tags"))
			if !slices.Contains([]any{"P1", "P2", "P3", "P4", "P5"}, body["priority"]) {
				err = errors.Join(err, fmt.Errorf("priority %v", body["priority"]))
			}
		} else {
			_, note := words(body, "note", 25000)
			err = errors.Join(err, note, only(body, "note", "source", "user"))
		}
		return 202, `{"result":"Request will be processed","took":0.3,"requestId":"43a29c5c"}`, err
	}
	tell(t, "opsgenie", v, map[string]string{"url": "SERVER", "key": "0123456789abcdef"})
	want := []string{"/v2/alerts", "/v2/alerts/AL-1/notes?identifierType=alias", "/v2/alerts/AL-1/acknowledge?identifierType=alias", "/v2/alerts/AL-1/close?identifierType=alias"}
	if diff := cmp.Diff(want, v.got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What is louder than a message that is there makes a sound: it is opened anew, and the former
// closed; and what is not joins it.
func TestWhatIsLouderIsOpenedAnew(t *testing.T) {
	for _, test := range []struct {
		notifier string
		settings map[string]string
		name     func(path string, body map[string]any) string
		want     []string
	}{
		{"pagerduty", map[string]string{"routing_key": strings.Repeat("a", 32)}, func(_ string, body map[string]any) string {
			payload, _ := body["payload"].(map[string]any)
			return fmt.Sprint(body["event_action"], " ", body["dedup_key"], " ", payload["severity"])
		}, []string{
			"trigger AL-1 warning", "trigger AL-1 warning",
			"trigger AL-1.NO-3 error", "resolve AL-1 error",
			"acknowledge AL-1.NO-3 error",
			"trigger AL-1.NO-5 error", "resolve AL-1.NO-3 error",
			"trigger AL-1.NO-5 error",
			"resolve AL-1.NO-5 error", "trigger AL-1 error",
			"acknowledge AL-1 error", "trigger AL-1.NO-10 error", "resolve AL-1 error",
		}},
		{"opsgenie", map[string]string{"key": "0123456789abcdef"}, func(path string, body map[string]any) string {
			path = strings.TrimSuffix(strings.TrimPrefix(path, "/v2/alerts"), "?identifierType=alias")
			return strings.TrimSuffix(strings.TrimSpace(fmt.Sprintf("%s %v %v", path, body["alias"], body["priority"])), " <nil> <nil>")
		}, []string{
			"AL-1 P3", "/AL-1/notes",
			"AL-1.NO-3 P2", "/AL-1/close",
			"/AL-1.NO-3/acknowledge",
			"AL-1.NO-5 P2", "/AL-1.NO-3/close",
			"/AL-1.NO-5/notes",
			"/AL-1.NO-5/close", "AL-1 P2",
			"/AL-1/acknowledge", "AL-1.NO-10 P2", "/AL-1/close",
		}},
	} {
		t.Run(test.notifier, func(t *testing.T) {
			var got []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var body map[string]any
				if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
					t.Error(err)
				}
				got = append(got, test.name(r.URL.RequestURI(), body))
				w.WriteHeader(http.StatusAccepted)
				_, _ = io.WriteString(w, `{"status":"success","requestId":"1"}`)
			}))
			defer server.Close()
			settings := map[string]notify.Secret{"url": notify.NewSecret(server.URL)}
			for name, value := range test.settings {
				settings[name] = notify.NewSecret(value)
			}
			p, err := notify.NewPost("way", shipped(t, test.notifier), settings, nil, now)
			if err != nil {
				t.Fatal(err)
			}
			var m notify.Memory
			for i, step := range []struct {
				topic, action string
				severity      rootkeep.Severity
			}{
				{"alert", "open", rootkeep.Medium},
				{"alert-escalated", "update", rootkeep.Medium}, // nobody took it, and the receiver calls on
				{"alert-escalated", "update", rootkeep.High},
				{"alert-handled", "update", rootkeep.High},
				{"alert-escalated", "update", rootkeep.High}, // and it is no more than it was when somebody took it
				{"alert-storm", "update", rootkeep.High},
				{"alert-handled", "close", rootkeep.High},
				{"alert", "open", rootkeep.High},
				{"alert-handled", "update", rootkeep.High}, // snoozed
				{"alert", "open", rootkeep.High},
			} {
				n := notify.Notice{ID: fmt.Sprintf("NO-%d", i+1), Topic: step.topic, Action: step.action, Severity: step.severity, Title: "t", Thread: "AL-1", At: moment}
				if _, m, err = p.Change(t.Context(), n, m); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSplunk(t *testing.T) {
	v := &vendor{}
	v.take = func(path string, h http.Header, body map[string]any) (int, string, error) {
		err := only(body, "time", "host", "source", "sourcetype", "index", "event", "fields")
		event, _ := body["event"].(map[string]any)
		if at, _ := body["time"].(float64); at != float64(moment.Unix()) || path != "/services/collector/event" || h.Get("Authorization") != "Splunk "+strings.Repeat("b", 36) {
			err = errors.Join(err, errors.New("time, path or token"))
		}
		v.got = append(v.got, fmt.Sprint(event["thread"], " ", event["id"]))
		return 200, `{"text":"Success","code":0}`, err
	}
	tell(t, "splunk-hec", v, map[string]string{"url": "SERVER", "token": strings.Repeat("b", 36)})
	if diff := cmp.Diff([]string{"AL-1 NO-1", "AL-1 NO-2", "AL-1 NO-3", "AL-1 NO-4"}, v.got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFindingsOfOCSF(t *testing.T) {
	v := &vendor{}
	v.take = func(_ string, _ http.Header, body map[string]any) (int, string, error) {
		var err error
		for _, must := range []string{"activity_id", "category_uid", "class_uid", "cloud", "finding_info", "metadata", "severity_id", "time", "type_uid"} {
			if body[must] == nil {
				err = errors.Join(err, fmt.Errorf("no %s, which the class requires", must))
			}
		}
		number := func(name string) int { n, _ := body[name].(float64); return int(n) }
		if number("type_uid") != number("class_uid")*100+number("activity_id") || number("class_uid") != 2004 || number("time") != int(moment.UnixMilli()) {
			err = errors.Join(err, errors.New("type_uid, class_uid or time"))
		}
		info, _ := body["finding_info"].(map[string]any)
		v.got = append(v.got, fmt.Sprint(body["activity_name"], " ", body["status"], " ", info["uid"]))
		return 200, "", err
	}
	tell(t, "ocsf", v, map[string]string{"url": "SERVER/intake", "token": strings.Repeat("c", 32)})
	if diff := cmp.Diff([]string{"Create New AL-1", "Update In Progress AL-1", "Update In Progress AL-1", "Close Resolved AL-1"}, v.got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An answer that says 200 and means no is a failure, with the answer as its evidence; and
// what is remembered of one is a plain short text or nothing.
func TestAnswersThatLie(t *testing.T) {
	for _, test := range []struct {
		name, answer, want string
		final              bool
	}{
		{"it says no", `{"ok":false,"error":"channel_not_found"}`, "channel_not_found", true},
		{"it says no for now", `{"ok":false,"error":"internal_error"}`, "internal_error", false},
		{"it says nothing", "", "no JSON", true},
		{"a page of a proxy", "<html>welcome\x1b[2J", `welcome\x1b[2J`, true},
		{"another type of yes", `{"ok":"true"}`, "(ok)", true},
		{"no list has it", `[1,2]`, "(ok)", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, test.answer) }))
			defer server.Close()
			p := slackTo(t, server.URL)
			_, m, err := p.Change(t.Context(), hostile(), nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || notify.IsFinal(err) != test.final || m != nil {
				t.Errorf("got %v, final %v, remembered %v, want %q, final %v", err, notify.IsFinal(err), m, test.want, test.final)
			}
		})
	}
}

func slackTo(t *testing.T, address string) *notify.Post {
	t.Helper()
	p, err := notify.NewPost("way", shipped(t, "slack"), map[string]notify.Secret{
		"url": notify.NewSecret(address), "token": notify.NewSecret("xoxb-0123456789-abcdefghij"), "channel": notify.NewSecret("C1"),
	}, nil, now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWhatIsRememberedIsPlainAndShort(t *testing.T) {
	for _, test := range []struct {
		name, ts string
		want     notify.Memory
	}{
		{"an ID", `"1.2"`, notify.Memory{"ts": "1.2", "channel": "C1"}},
		{"a number", `17`, notify.Memory{"ts": "17", "channel": "C1"}},
		{"a text that breaks a line", `"1\r\nX: y"`, notify.Memory{"channel": "C1"}},
		{"a long text", `"` + strings.Repeat("1", 501) + `"`, notify.Memory{"channel": "C1"}},
		{"an object", `{"a":1}`, notify.Memory{"channel": "C1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, `{"ok":true,"channel":"C1","ts":%s}`, test.ts)
			}))
			defer server.Close()
			_, m, err := slackTo(t, server.URL).Change(t.Context(), hostile(), nil)
			if diff := cmp.Diff(test.want, m); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestAReceiverMayAskToBeLeftAlone(t *testing.T) {
	for _, test := range []struct{ header, want string }{
		{"120", "2m0s"}, {"86400", "1h0m0s"}, {"Mon, 02 Nov 2026 09:10:00 GMT", "10m0s"}, {"Mon, 02 Nov 2020 09:10:00 GMT", "0s"}, {"-5", "0s"}, {"soon", "0s"}, {"", "0s"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", test.header)
			w.WriteHeader(http.StatusTooManyRequests)
		}))
		_, err := webhook(t, server.URL, nil).Send(t.Context(), hostile())
		if got := notify.Wait(err).String(); err == nil || notify.IsFinal(err) || got != test.want {
			t.Errorf("Retry-After %q: got %s, %v, want %s", test.header, got, err, test.want)
		}
		server.Close()
	}
}
