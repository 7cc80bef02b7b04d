package syslog_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/internal/notify/syslog"
)

var at = time.Date(2026, 11, 2, 8, 59, 58, 123456789, time.FixedZone("", 3600))

func TestMessages(t *testing.T) {
	for _, test := range []struct {
		name string
		m    syslog.Message
		most int
		want string
	}{
		{"all of it", syslog.Message{13, syslog.Error, at, "keep.example.com", "rootkeep", "alert", "rootkeep@32473", []syslog.Param{{"a", "b"}, {"none", ""}}, "Root signed in"}, 8192,
			"<107>1 2026-11-02T07:59:58.123456Z keep.example.com rootkeep - alert [rootkeep@32473 a=\"b\"] \ufeffRoot signed in"},
		{"nothing but what must be", syslog.Message{Severity: syslog.Critical, At: at}, 8192, "<2>1 2026-11-02T07:59:58.123456Z - - - - - \ufeff"},
		{"values that would end their place", syslog.Message{1, syslog.Notice, at, "a b", "]", "x\ny", "e@1", []syslog.Param{{"k", `"] [evil@1 x="\`}}, "one\n<34>1 two\x1b[2J\u202e"}, 8192,
			"<13>1 2026-11-02T07:59:58.123456Z a_b _ - x_y [e@1 k=\"\\\"\\] [evil@1 x=\\\"\\\\\"] \ufeffone\\x0a<34>1 two\\x1b[2J\\u202e"},
		{"a text that is cut, not in a character", syslog.Message{Severity: syslog.Critical, At: at, Text: strings.Repeat("日", 100)}, 60, "<2>1 2026-11-02T07:59:58.123456Z - - - - - \ufeff日日日..."},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := string(test.m.Bytes(test.most)); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
	if got := string(syslog.Frame([]byte("<2>1 é"))); got != "7 <2>1 é" {
		t.Errorf("got frame %q, want its length in bytes before it", got)
	}
}

// grammar is RFC 5424, section 6, for messages with one element at the most.
var grammar = regexp.MustCompile(`^<([0-9]{1,3})>1 [0-9T:.-]+Z [!-~]{1,255} [!-~]{1,48} - [!-~]{1,32} (-|\[e@1( [!#-<>-\\^-~]{1,32}="(\\["\\\]]|[^"\\\]])*")+\]) ` + "\ufeff" + `(.*)$`)

func TestNoTextLeavesItsPlace(t *testing.T) {
	pieces := rapid.SampledFrom([]string{`"`, `]`, `\`, "[", "=", " ", "\n", "\r", "\x00", "\x1b[2J", "\u202e", "\xff", "<34>1 ", "a", "é", "日本", "\U0001f600"})
	text := func(t *rapid.T, name string) string {
		return strings.Join(rapid.SliceOfN(pieces, 0, 400).Draw(t, name), "")
	}
	lot.Check(t, func(t *rapid.T) {
		m := syslog.Message{
			Facility: rapid.IntRange(0, 23).Draw(t, "facility"), Severity: syslog.Warning, At: at, Host: text(t, "host"), App: text(t, "app"), ID: text(t, "id"), Element: "e@1",
			Params: []syslog.Param{{"k", text(t, "k")}, {text(t, "name"), text(t, "value")}}, Text: text(t, "text"),
		}
		most := rapid.SampledFrom([]int{1180, 8192}).Draw(t, "most")
		got := m.Bytes(most)
		if len(got) > most || !utf8.Valid(got) || !grammar.Match(got) {
			t.Errorf("got %d bytes %q, want a message of RFC 5424 of at most %d", len(got), got, most)
		}
	})
}
