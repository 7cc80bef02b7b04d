package notify

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/notify/hours"
	"github.com/rootkeep/rootkeep/internal/rule"
)

var night = time.Date(2026, 11, 3, 22, 0, 0, 0, time.UTC)

// held are notices of so many alerts, low and high in turn.
func held(n int) []Notice {
	out := make([]Notice, n)
	for i := range out {
		id := fmt.Sprintf("AL-%d", i)
		out[i] = Notice{
			ID: "NO-" + id, Topic: "alert", Severity: rootkeep.Low, Title: "Alert\x1b[2J " + id, Thread: id, Subject: id, Account: "111122223333", Tags: []string{"prod"},
			Link: "https://rootkeep.example.com/alerts/" + id, At: night.Add(time.Duration(i) * time.Minute),
		}
		if i%2 == 1 {
			out[i].Severity, out[i].Tags = rootkeep.High, []string{"team-a", "prod"}
		}
	}
	return out
}

func TestADigestCountsAllAndNamesTheFirst(t *testing.T) {
	n := Digest("NO-1", held(MostItems+3), night.Add(9*time.Hour))
	if len(n.Items) != MostItems || n.Items[0].ID != "AL-0" {
		t.Fatalf("got %d items, want the first %d", len(n.Items), MostItems)
	}
	n.Items = nil
	want := Notice{
		ID: "NO-1", Topic: DigestTopic, Severity: rootkeep.High, Title: "23 alerts of the quiet hours: 11 high, 12 low", Text: "and 3 more", Account: "111122223333", Tags: []string{"prod", "team-a"},
		Link: "https://rootkeep.example.com/alerts", Count: 23, At: night.Add(9 * time.Hour),
	}
	if diff := cmp.Diff(want, n); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestADigestOfSeveralAccountsNamesNone(t *testing.T) {
	of := held(2)
	of[1].Account = "444455556666"
	of[1].Action, of[1].Topic = "update", "alert-handled"
	n := Digest("NO-1", of, night)
	want := "2026-11-03T22:00:00Z low: Alert\\x1b[2J AL-0, 111122223333\n  https://rootkeep.example.com/alerts/AL-0\n" +
		"2026-11-03T22:01:00Z high: Alert\\x1b[2J AL-1, 444455556666, somebody has it\n  https://rootkeep.example.com/alerts/AL-1"
	if n.Account != "" || n.Whole() != want {
		t.Errorf("got account %q and\n%s\nwant\n%s", n.Account, n.Whole(), want)
	}
}

// Whoever adds a notifier need not know of digests: the text has the alerts. One that writes
// them in its own form has each of them too.
func TestEachNotifierTellsOfEachAlertOfADigest(t *testing.T) {
	list, problems := LoadNotifiers(rule.Source{FS: content.Files, Dir: "notifiers"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	n := Digest("NO-1", held(MostItems+1), night)
	var singly []string
	for _, to := range list {
		settings := map[string]Secret{}
		for name, value := range to.Cases[0].Settings {
			settings[name] = NewSecret(value)
		}
		if err := to.CheckSettings(settings); err != nil {
			t.Fatal(err)
		}
		got, err := to.render(settings, n, nil, night)
		if err != nil {
			t.Errorf("%s: %v", to.ID, err)
			continue
		}
		for _, item := range n.Items {
			if !strings.Contains(got.Body, item.Link) {
				t.Errorf("%s: got no %s in %s", to.ID, item.Link, got.Body)
			}
		}
		if !strings.Contains(got.Body, "and 1 more") {
			t.Errorf("%s: got nothing about the one that is not named in %s", to.ID, got.Body)
		}
		if !Digests(&Post{notifier: to}) {
			singly = append(singly, to.ID)
		}
	}
	if diff := cmp.Diff([]string{"ocsf", "opsgenie", "pagerduty", "splunk-hec"}, singly); diff != "" {
		t.Errorf("notifiers that get each alert by itself (-want +got):\n%s", diff)
	}
}

func TestWaysThatAreNoNotifiersTellOfEachAlertOfADigest(t *testing.T) {
	n := Digest("NO-1", held(3), night)
	m := &Mail{Named: "mail", From: "a@example.com", Now: func() time.Time { return night }}
	s := &Syslog{Named: "siem"}
	for name, text := range map[string]string{"mail and SNS": m.text(n), "syslog": s.message(n).Text} {
		for _, item := range n.Items {
			if !strings.Contains(text, item.Link) || strings.Contains(text, "\x1b") {
				t.Errorf("%s: got\n%s\nwant each address, and nothing that acts", name, text)
			}
		}
	}
	if !Digests(m) || !Digests(&snsWay{}) || !Digests(&sesWay{letter: m}) || Digests(s) {
		t.Error("want digests by mail, SES and SNS, and each alert by syslog")
	}
}

func TestWhatADigestCannotBe(t *testing.T) {
	const file = "id: chat\nkind: notifier\ntitle: Chat\nabout: x\nrequest:\n  url: https://chat.example.com\n  body: {list: [%s], text: '%s'}\nretry: {attempts: 1}\n" +
		"cases: [{name: one, notice: {id: NO-1, severity: low, at: '2026-01-01T00:00:00Z'}, want: {url: https://chat.example.com, body: '{\"list\":[],\"text\":\"x\"}'}}]\n"
	for name, test := range map[string]struct{ list, text, want string }{
		"each of items":               {"{each: '${notice.items}', a: '${item.title}'}", "x", ""},
		"an item where there is none": {"", "${item.title}", "stands for nothing"},
		"a part that no item has":     {"{each: '${notice.items}', a: '${item.principal}'}", "x", "stands for nothing"},
		"each of something else":      {"{each: '${notice.tags}', a: b}", "x", "want ${notice.items}"},
	} {
		_, problems := LoadNotifiers(rule.Source{FS: fstest.MapFS{"chat.yaml": {Data: fmt.Appendf(nil, file, test.list, test.text)}}, Dir: "."})
		got := fmt.Sprint(problems)
		if (test.want == "") != (len(problems) == 0) || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %v, want %q", name, problems, test.want)
		}
	}
}

func TestWhatQuietHoursNeverHold(t *testing.T) {
	r, err := NewRouter([]string{"desk"}, nil, Quiet{Below: "critical", Hours: &hours.Hours{From: "20:00", To: "07:00", Zone: "UTC"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		notice Notice
		held   bool
	}{
		"an alert":                  {Notice{Topic: "alert", Severity: rootkeep.High}, true},
		"what is critical":          {Notice{Topic: "alert", Severity: rootkeep.Critical}, false},
		"a use of root":             {Notice{Topic: "root-overrun", Severity: rootkeep.Low}, false},
		"a source that is silent":   {Notice{Topic: "source-silent", Severity: rootkeep.Medium}, false},
		"a source that cannot read": {Notice{Topic: "source-fault", Severity: rootkeep.Medium}, false},
		"an alert about root":       {Notice{Topic: "alert", Severity: rootkeep.High, Urgent: true}, false},
		"that it was taken":         {Notice{Topic: "alert-handled", Severity: rootkeep.High, Urgent: true}, false},
		"a request that is waiting": {Notice{Topic: "approval-wanted", Severity: rootkeep.Medium}, true},
	} {
		if got := !r.Held(test.notice, "desk", night).IsZero(); got != test.held {
			t.Errorf("%s: got held %v, want %v", name, got, test.held)
		}
	}
}

func TestADigestNamesTheAccountsOfAnAlertAboutSeveral(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	of := []Notice{
		{ID: "NO-1", Thread: "AL-1", Title: "one", Account: "111122223333", At: at},
		{ID: "NO-2", Thread: "AL-2", Title: "several", Accounts: []string{"111122223333", "444455556666"}, At: at},
		{ID: "NO-3", Thread: "AL-3", Title: "many", Accounts: []string{"111122223333"}, Unnamed: true, At: at},
	}
	n := Digest("NO-4", of, at)
	for _, want := range []string{"one, 111122223333", "several, 111122223333, 444455556666", "many, 111122223333 and others"} {
		if text := n.Whole(); !strings.Contains(text+"\n", want+"\n") {
			t.Errorf("got %s, want %q", text, want)
		}
	}
}
