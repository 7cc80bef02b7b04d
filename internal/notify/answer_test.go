package notify

import (
	"strings"
	"testing"
)

// FuzzAnswers holds what any receiver may answer to its bounds: it is taken only if it says
// so, and what is remembered of it is plain and short.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{`{"ok":true,"ts":"1.2","channel":"C1"}`, `{"ok":false,"error":"ratelimited"}`, `[1,[2,{"a":null}]]`, `{"ok":true,"ts":{"a":1}}`, "", "ok", "\xff", `{"ok":true,"ts":"a\u0000b"}`, strings.Repeat("[", 5000)} {
		f.Add(200, []byte(seed))
	}
	n := &Notifier{
		Request: RequestTemplate{Remember: map[string]string{"ts": "${answer.ts}", "deep": "${answer.list.0.id}"}},
		Success: Success{Status: []int{200}, Answer: map[string]any{"ok": true}}, Retry: Retry{On: []int{503}, Answers: map[string][]any{"error": {"ratelimited"}, "list.0": {1}}},
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		a := n.judge(&n.Request, &Success{}, status, body)
		if a.outcome == taken && (status != 200 || !strings.Contains(string(body), "true")) {
			t.Errorf("got %d %q taken", status, body)
		}
		for name, v := range a.learned {
			if v == "" || len(v) > mostRemembered || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("got %s %q remembered", name, v)
			}
		}
	})
}

func FuzzSlots(f *testing.F) {
	for _, seed := range []string{"notice.title", "slack(lines(notice.text, 10), 20)", "line(", "a(b(c(d(e(f(g(h", ",)", "line(notice.title, 99999999999999999999)", "(((", "cut(notice.tags,1)"} {
		f.Add(seed)
	}
	n := &Notifier{ID: "x"}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "}") || n.checkSlot("${"+text+"}", nil) != nil {
			return
		}
		s, err := newScope(n, nil, Notice{Title: "a\x1b", Tags: []string{"b"}, Count: 2}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.put("x ${" + text + "}"); err != nil {
			t.Errorf("got %v for %q, which was taken", err, text)
		}
	})
}
