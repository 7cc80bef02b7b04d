package logquery_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/posture/filterpattern"
	"github.com/rootkeep/rootkeep/internal/posture/logquery"
)

const (
	no      = filterpattern.False
	unknown = filterpattern.Unknown
	yes     = filterpattern.True
)

const text = `{"eventName":"ConsoleLogin","userIdentity":{"type":"Root","arn":"arn:aws:iam::111122223333:root"},"n":300,"flag":true,"nil":null,"a.b":{"c":"d"},"list":["x",{"y":"z"}]}`

func event(tb testing.TB, text string) (logquery.Event, bool) {
	tb.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	e := logquery.Event{Text: text}
	return e, d.Decode(&e.Record) == nil
}

func TestMatch(t *testing.T) {
	e, _ := event(t, text)
	for _, c := range []struct {
		name, query string
		want        filterpattern.Truth
	}{
		{"a field", `filter userIdentity.type = "Root"`, yes},
		{"single quotation marks", `filter userIdentity.type = 'Root'`, yes},
		{"another value", `filter userIdentity.type = "IAMUser"`, no},
		{"unequal", `filter userIdentity.type != "IAMUser"`, yes},
		{"unequal to what is not there", `filter userIdentity.invokedBy != "x"`, unknown},
		{"equal to what is not there", `filter userIdentity.invokedBy = "x"`, no},
		{"not equal to what is not there", `filter not (userIdentity.invokedBy = "x")`, unknown},
		{"not present", `filter not ispresent(userIdentity.invokedBy)`, yes},
		{"present", `filter ispresent(userIdentity.type)`, yes},
		{"null is not present", `filter ispresent(nil)`, no},
		{"and binds stronger than or", `filter eventName = "x" and n = 1 or userIdentity.type = "Root"`, yes},
		{"parentheses", `filter eventName = "x" and (n = 1 or userIdentity.type = "Root")`, no},
		{"words of any case", `FILTER NOT eventName = "x" AND userIdentity.type = "Root"`, yes},
		{"several filters", `fields @timestamp, eventName | filter userIdentity.type = "Root" | filter eventName = "x" | sort @timestamp desc | limit 20`, no},
		{"columns alone", `fields @timestamp, eventName | limit 1`, yes},
		{"a comment", "# root\nfilter n >= 300 # all", yes},
		{"numbers", `filter n > 299.5 and n < 301 and n <= 300 and n = 300.0`, yes},
		{"a number and a text", `filter eventName > 1`, no},
		{"like a text", `filter eventName like "Login"`, yes},
		{"like counts case", `filter eventName like "login"`, no},
		{"like an expression", `filter eventName like /(?i)^console/`, yes},
		{"the other sign for it", `filter eventName =~ /Login$/`, yes},
		{"not like", `filter eventName not like /Login/`, no},
		{"in", `filter eventName in ["x", "ConsoleLogin"]`, yes},
		{"not in", `filter eventName not in ["x"]`, yes},
		{"the message", `filter @message like "\"type\":\"Root\""`, yes},
		{"the message, over two members", `filter @message like "ConsoleLogin\",\"user"`, unknown},
		{"the message by an expression", `filter @message like /Root/`, unknown},
		{"the time", `filter @timestamp > 0`, unknown},
		{"a truth value", `filter flag = 1`, unknown},
		{"a name with a dot", "filter `a.b.c` = 'd'", yes},
		{"an element", `filter list.0 = "x" and list.1.y = "z"`, yes},
		{"an element that is not there", `filter list.7 = "x"`, no},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, err := logquery.Parse(c.query)
			if err != nil {
				t.Fatal(err)
			}
			if got := q.Match(e); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestWhatIsNotComputedIsNamed(t *testing.T) {
	for _, c := range []struct{ name, query, want string }{
		{"nothing", "", "want a command"},
		{"rows that are computed", `filter n = 1 | stats count(*) by eventName`, "the command stats is not computed"},
		{"another language", `SELECT * FROM x`, "the command SELECT is not computed"},
		{"a computed column", `fields strlen(eventName) | filter n = 1`, "with an expression"},
		{"a column of another name", `fields eventName as e | filter e = "x"`, "with an expression"},
		{"a function", `filter strlen(eventName) = 3`, "strlen is not computed"},
		{"a field as value", `filter eventName = eventSource`, "want a text in quotation marks"},
		{"no comparison", `filter eventName`, "want a comparison"},
		{"an open text", `filter eventName = "x`, `closing "`},
		{"an open parenthesis", `filter (n = 1`, "want )"},
		{"an open expression", `filter n like /x`, "closing /"},
		{"text after it", `filter n = 1 n`, "want | or the end"},
		{"too long", strings.Repeat(" ", 10_001), "longer than"},
		{"too deep", "filter " + strings.Repeat("(", 200), "within each other"},
		{"not without end", "filter " + strings.Repeat("not ", 200) + "n = 1", "within each other"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := logquery.Parse(c.query); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("fields @timestamp | filter not (a.b = 'x' or `c` in [1, -2.5]) and d like /e/ | limit 1", text)
	f.Add(`filter ispresent(a) | filter @message not like "x" # end`, `{"a": []}`)
	f.Fuzz(func(t *testing.T, query, text string) {
		if q, err := logquery.Parse(query); err == nil {
			if e, ok := event(t, text); ok {
				q.Match(e)
			}
		}
	})
}
