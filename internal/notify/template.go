package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/notify/form"
	"github.com/rootkeep/rootkeep/internal/notify/safe"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

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
		"segment":   {"for one segment of an address, the only place there that a notice may fill", func(s string, _ int) any { return safe.Segment(s) }, form.MostRunes},
		"slacklink": {"an address as a link of Slack, nothing if it is none", func(s string, _ int) any { return safe.SlackLink(s, "Open in rootkeep") }, form.MostRunes},
		"seconds":   {"a time as seconds since 1970, a number", func(s string, _ int) any { return unix(s, time.Time.Unix) }, form.MostRunes},
		"millis":    {"a time as milliseconds since 1970, a number", func(s string, _ int) any { return unix(s, time.Time.UnixMilli) }, form.MostRunes},
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
	item       map[string]any // of a digest, nil outside of what is there for each
	remembered Memory
}

func newScope(n *Notifier, settings map[string]Secret, notice Notice, m Memory) (*scope, error) {
	written, err := json.Marshal(notice)
	if err != nil {
		return nil, err
	}
	s := &scope{notifier: n, settings: settings, notice: notice, remembered: m}
	if err := json.Unmarshal(written, &s.members); err != nil {
		return nil, err
	}
	s.members["rest"], s.members["text"] = notice.Text, notice.Whole()
	s.members["action"], s.members["thread"], s.members["facts"], s.members["stage"] = string(notice.Acts()), notice.Of(), notice.facts(), notice.stage()
	return s, nil
}

// put is a text with its slots filled in; of ${notice} alone, the whole notice.
func (s *scope) put(t string) (any, error) {
	if t == "${notice}" {
		return s.notice, nil
	}
	return form.Put(t, s.value)
}

func (s *scope) value(e *form.Slot) any {
	if e.Function != "" {
		argument := form.Written(s.value(e.Argument))
		if t, ok := s.notifier.Tables[e.Function]; ok {
			return t.of(argument)
		}
		f := functions()[e.Function] // check knows them all
		limit := f.limit
		if e.Limit > 0 {
			limit = e.Limit
		}
		return f.do(argument, limit)
	}
	switch e.Of {
	case "settings":
		return s.settings[e.Name].text
	case "remembered":
		return s.remembered[e.Name]
	}
	of := s.members
	if e.Of == "item" {
		of = s.item
	}
	if v, ok := of[e.Name]; ok {
		return v
	}
	return "" // what may be left out
}

// filling is what fills in a body: put in general, items where something is there for each.
func (s *scope) filling() form.Filling {
	f := form.Filling{Put: s.put}
	items, _ := s.members["items"].([]any)
	for _, item := range items {
		of := *s
		of.item, _ = item.(map[string]any)
		f.Items = append(f.Items, of.put)
	}
	return f
}

// checkSlot refuses a slot that stands for nothing. item are the parts of an item, where
// there is one.
func (n *Notifier) checkSlot(found string, item []string) error {
	e, err := form.Parse(found)
	if err != nil {
		return fmt.Errorf("request: %s: %w", found, err)
	}
	for ; e.Function != ""; e = e.Argument {
		if _, own := n.Tables[e.Function]; !own && functions()[e.Function].do == nil {
			return fmt.Errorf("request: %s: there is no function %q; hint: docs/notify.md lists them", found, e.Function)
		}
	}
	switch {
	case e.Of == "notice" && slices.Contains(parts, e.Name), e.Of == "item" && slices.Contains(item, e.Name), e.Of == "settings" && n.Settings[e.Name] != nil:
		return nil
	case e.Of == "remembered" && slices.Contains(n.remembers(), e.Name):
		return nil
	}
	return fmt.Errorf("request: %s stands for nothing; hint: ${notice.title}, or ${settings.NAME} of a setting", found)
}
