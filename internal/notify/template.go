package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/notify/safe"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// slot is what stands for something in a text of a notifier: a name such as
// notice.title, or a function of one, such as slack(lines(notice.text), 2900).
type slot struct {
	of, name string // of a name
	function string // of a function
	argument *slot
	limit    int // 0 for the function's own
}

var slotText = regexp.MustCompile(`\$\{[^}]*\}`)

const deepestSlot = 5

// parseSlot reads what stands between ${ and }.
func parseSlot(s string) (*slot, error) { return parseSlotAt(strings.TrimSpace(s), 0) }

func parseSlotAt(s string, depth int) (*slot, error) {
	if depth > deepestSlot {
		return nil, fmt.Errorf("more than %d functions in each other", deepestSlot)
	}
	function, rest, call := strings.Cut(s, "(")
	if !call {
		of, name, _ := strings.Cut(s, ".")
		return &slot{of: of, name: name}, nil
	}
	inner, closed := strings.CutSuffix(rest, ")")
	if !closed {
		return nil, errors.New("a bracket that nothing closes")
	}
	out := &slot{function: strings.TrimSpace(function)}
	if at := strings.LastIndex(inner, ","); at > strings.LastIndex(inner, ")") {
		n, err := strconv.Atoi(strings.TrimSpace(inner[at+1:]))
		if err != nil || n < 1 || n > mostRunes {
			return nil, fmt.Errorf("%q: want a number of characters, 1 to %d", strings.TrimSpace(inner[at+1:]), mostRunes)
		}
		out.limit, inner = n, inner[:at]
	}
	var err error
	out.argument, err = parseSlotAt(strings.TrimSpace(inner), depth+1)
	return out, err
}

// mostRunes bounds what one slot comes to.
const mostRunes = 100_000

// function is one that notifiers may use.
type function struct {
	About string
	do    func(s string, limit int) any
	limit int // if the file says none
}

func fitting(f func(string, int) string) func(string, int) any {
	return func(s string, limit int) any { return f(s, limit) }
}

// functions are those of every notifier, by name. docs/notify.md has the table.
func functions() map[string]function {
	return map[string]function{
		"line":      {"one line, what is invisible written out", fitting(safe.Line), text.Line},
		"lines":     {"the lines of a text, what is invisible written out", fitting(safe.Lines), 3000},
		"cut":       {"no more than so many characters", fitting(safe.Cut), text.Line},
		"slack":     {"for Slack's mrkdwn: no link, no mention", fitting(safe.Slack), 3000},
		"markdown":  {"for Markdown: nothing is formatted, no link, no mention", fitting(safe.Markdown), 3000},
		"ascii":     {"for headers: what is not printable ASCII is a question mark", fitting(safe.ASCII), text.Line},
		"segment":   {"for one segment of an address, the only place there that a notice may fill", func(s string, _ int) any { return safe.Segment(s) }, mostRunes},
		"slacklink": {"an address as a link of Slack, nothing if it is none", func(s string, _ int) any { return safe.SlackLink(s, "Open in rootkeep") }, mostRunes},
		"seconds":   {"a time as seconds since 1970, a number", func(s string, _ int) any { return unix(s, time.Time.Unix) }, mostRunes},
		"millis":    {"a time as milliseconds since 1970, a number", func(s string, _ int) any { return unix(s, time.Time.UnixMilli) }, mostRunes},
	}
}

// Functions lists what notifiers may call, with what each gives.
func Functions() [][2]string {
	var out [][2]string
	for name, f := range functions() {
		out = append(out, [2]string{name, f.About})
	}
	slices.SortFunc(out, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	return out
}

func unix(s string, of func(time.Time) int64) any {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return int64(0)
	}
	return of(t)
}

// Table is a function of a notifier's own: what a value comes to, such as the priority of
// a severity. The key "other" stands for every value that is not there.
type Table map[string]any

func (t Table) check() error {
	if len(t) == 0 || len(t) > 100 {
		return errors.New("want 1 to 100 values")
	}
	for key, v := range t {
		switch v.(type) {
		case string, bool, int, int64, uint64, float64:
		default:
			return fmt.Errorf("%s: want a text, a number or a boolean", key)
		}
	}
	if _, ok := t["other"]; !ok {
		return errors.New(`want a value of "other", for what is not in the table`)
	}
	return nil
}

func (t Table) of(key string) any {
	if v, ok := t[key]; ok {
		return v
	}
	return t["other"]
}

// scope is what slots are filled from.
type scope struct {
	notifier   *Notifier
	settings   map[string]Secret
	notice     Notice
	members    map[string]any
	remembered Memory
}

func newScope(n *Notifier, settings map[string]Secret, notice Notice, m Memory) (*scope, error) {
	written, err := json.Marshal(notice)
	if err != nil {
		return nil, err
	}
	s := &scope{n, settings, notice, nil, m}
	if err := json.Unmarshal(written, &s.members); err != nil {
		return nil, err
	}
	s.members["action"], s.members["thread"], s.members["facts"], s.members["stage"] = string(notice.Acts()), notice.Of(), notice.facts(), notice.stage()
	return s, nil
}

// put is a text with its slots filled in. A slot alone gives its value as it is: a number,
// a list, the whole notice.
func (s *scope) put(t string) (any, error) {
	if t == "${notice}" {
		return s.notice, nil
	}
	if whole := slotText.FindString(t); whole != "" && whole == t {
		e, err := parseSlot(t[2 : len(t)-1])
		if err != nil {
			return nil, err
		}
		return s.value(e), nil
	}
	var bad error
	out := slotText.ReplaceAllStringFunc(t, func(found string) string {
		e, err := parseSlot(found[2 : len(found)-1])
		if err != nil {
			bad = err
			return ""
		}
		return written(s.value(e))
	})
	return out, bad
}

func (s *scope) value(e *slot) any {
	if e.function != "" {
		argument := written(s.value(e.argument))
		if t, ok := s.notifier.Tables[e.function]; ok {
			return t.of(argument)
		}
		f := functions()[e.function] // check knows them all
		limit := f.limit
		if e.limit > 0 {
			limit = e.limit
		}
		return f.do(argument, limit)
	}
	switch e.of {
	case "settings":
		return s.settings[e.name].text
	case "remembered":
		return s.remembered[e.name]
	}
	if v, ok := s.members[e.name]; ok {
		return v
	}
	return "" // what may be left out
}

// written is a value inside a text.
func written(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		var list []string
		for _, e := range v {
			list = append(list, written(e))
		}
		return strings.Join(list, ", ")
	}
	return fmt.Sprint(v)
}

// check refuses a slot that stands for nothing.
func (n *Notifier) checkSlot(found string) error {
	e, err := parseSlot(found[2 : len(found)-1])
	if err != nil {
		return fmt.Errorf("request: %s: %w", found, err)
	}
	for ; e.function != ""; e = e.argument {
		if _, own := n.Tables[e.function]; !own && functions()[e.function].do == nil {
			return fmt.Errorf("request: %s: there is no function %q; hint: docs/notify.md lists them", found, e.function)
		}
	}
	switch {
	case e.of == "notice" && slices.Contains(parts, e.name), e.of == "settings" && n.Settings[e.name] != nil:
		return nil
	case e.of == "remembered" && slices.Contains(n.remembers(), e.name):
		return nil
	}
	return fmt.Errorf("request: %s stands for nothing; hint: ${notice.title}, or ${settings.NAME} of a setting", found)
}
