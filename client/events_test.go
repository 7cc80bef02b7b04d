package client_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/client"
)

func stream(body string) answer {
	return answer{status: 200, headers: http.Header{"Content-Type": {"text/event-stream"}}, body: body}
}

func TestEvents(t *testing.T) {
	const two = "id: 4\nevent: ready\ndata: {}\n\n: \n\nid: 5\nevent: notice\ndata: {\"topic\":\"scan\",\"ref\":\"SC-1\",\"at\":\"2026-03-01T12:00:00Z\"}\n\n"
	for _, test := range []struct {
		name   string
		answer answer
		want   string
	}{
		{"events and a heartbeat", stream(two), "ready 4 , notice 5 SC-1"},
		{"an end in the middle of an event", stream(two + "id: 6\nevent: notice\n"), "ready 4 , notice 5 SC-1"},
		{"an event that is none", stream("event: notice\ndata: {\n\n"), "error: an event is not what was expected"},
		{"a line without end", stream("data: " + strings.Repeat("a", 1<<20)), "error: token too long"},
		{"nobody is signed in", problem(401, "not-signed-in"), "error: D"},
		{"a server of something else", answer{status: 404, body: "no"}, "error: is this the address"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := &answers{list: []answer{test.answer}}
			c, err := client.New("https://rootkeep.example.com", "rk_secret", server)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for e, err := range c.Events(t.Context(), "3") {
				if err != nil {
					if _, want, found := strings.Cut(test.want, "error: "); !found || !strings.Contains(err.Error(), want) {
						t.Errorf("got %v, want %s", err, test.want)
					}
					return
				}
				got = append(got, fmt.Sprintf("%s %s %s", e.Kind, e.ID, e.Notice.Ref))
			}
			if text := strings.Join(got, ", "); text != test.want {
				t.Errorf("got %q, want %q", text, test.want)
			}
			if r := server.got[0]; r.Header.Get("Last-Event-ID") != "3" || r.Header.Get("Authorization") != "Bearer rk_secret" {
				t.Errorf("got the headers %v", r.Header)
			}
		})
	}
}

func TestEventsEndWhenNobodyListens(t *testing.T) {
	c, err := client.New("https://rootkeep.example.com", "", &answers{list: []answer{stream(strings.Repeat("id: 1\nevent: notice\ndata: {}\n\n", 10))}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range c.Events(t.Context(), "") {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("got %d events, want to stop at the second", n)
	}
}

func FuzzEvents(f *testing.F) {
	f.Add("id: 1\nevent: ready\ndata: {}\n\n")
	f.Add(": \n\ndata: null\n\n")
	f.Add("event:x\r\n\r\ndata: [")
	f.Fuzz(func(t *testing.T, body string) {
		c, err := client.New("https://rootkeep.example.com", "", &answers{list: []answer{stream(body)}})
		if err != nil {
			t.Fatal(err)
		}
		failed := false
		for e, err := range c.Events(t.Context(), "") {
			if failed {
				t.Fatalf("got %+v after an error", e)
			}
			failed = err != nil
		}
	})
}
