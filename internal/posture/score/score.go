// Package score sums findings up for those who decide what to do next: a scorecard,
// whose items are done only if every control they rest on says so, and a plan, which
// puts first what removes most risk for its effort. Findings go in.
package score

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/parser"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Scorecard is one content file.
type Scorecard struct {
	ID     string  `yaml:"id"`
	Kind   string  `yaml:"kind"` // scorecard
	Title  string  `yaml:"title"`
	Source string  `yaml:"source"`
	Levels []Level `yaml:"levels"`
}

// Level is a group of items, the easiest first.
type Level struct {
	ID    string `yaml:"id"`
	Title string `yaml:"title"`
	Items []Item `yaml:"items"`
}

// Item is one achievement. Its controls are IDs, or ranges of them such as
// RT-01..RT-04.
type Item struct {
	ID       string   `yaml:"id"`
	Text     string   `yaml:"text"`
	Controls []string `yaml:"controls"`
}

// Load reads one scorecard file and writes ranges of controls out.
func Load(fsys fs.FS, name string) (*Scorecard, error) {
	text, err := rule.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	doc, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(doc.Docs) != 1 || doc.Docs[0].Body == nil {
		return nil, fmt.Errorf("%s: want one YAML document", name)
	}
	c := &Scorecard{}
	if err := rule.Decode(name, doc.Docs[0].Body, c); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

func (c *Scorecard) check() error {
	if c.Kind != "scorecard" || len(c.Levels) == 0 {
		return errors.New("want kind: scorecard and levels")
	}
	seen := map[string]bool{}
	for _, l := range c.Levels {
		if l.ID == "" || l.Title == "" || len(l.Items) == 0 {
			return fmt.Errorf("level %q: want id, title and items", l.ID)
		}
		for i := range l.Items {
			item := &l.Items[i]
			if item.ID == "" || item.Text == "" || len(item.Controls) == 0 || seen[item.ID] {
				return fmt.Errorf("item %q: want an id of its own, text and controls", item.ID)
			}
			seen[item.ID] = true
			var err error
			if item.Controls, err = expand(item.Controls); err != nil {
				return fmt.Errorf("item %q: %w", item.ID, err)
			}
		}
	}
	return nil
}

// expand writes RT-01..RT-03 as RT-01, RT-02, RT-03.
func expand(list []string) ([]string, error) {
	var out []string
	for _, s := range list {
		from, to, ranged := strings.Cut(s, "..")
		if !ranged {
			out = append(out, s)
			continue
		}
		var a, b int
		group, first, _ := strings.Cut(from, "-")
		last, ok := strings.CutPrefix(to, group+"-")
		_, err := fmt.Sscanf(first+" "+last, "%02d %02d", &a, &b)
		if !ok || err != nil || a >= b || b > 99 {
			return nil, fmt.Errorf("range %q: want two IDs of one group, such as RT-01..RT-04", s)
		}
		for n := a; n <= b; n++ {
			out = append(out, fmt.Sprintf("%s-%02d", group, n))
		}
	}
	for i, id := range out {
		if slices.Contains(out[:i], id) {
			return nil, fmt.Errorf("control %s twice", id)
		}
	}
	return out, nil
}

// States of an item.
const (
	Done          = "done"           // every control passes or does not apply
	NotDone       = "not-done"       // one fails, whether somebody accepts that or not
	Unknown       = "unknown"        // none fails, and of one it is not known
	NotApplicable = "not-applicable" // no control applies
)

// Score is a scorecard as the findings fill it in.
type Score struct {
	Title  string        `json:"title"`
	Source string        `json:"source"`
	Levels []LevelResult `json:"levels"`
}

// LevelResult counts the items of a level by their state.
type LevelResult struct {
	ID            string       `json:"id"`
	Title         string       `json:"title"`
	Done          int          `json:"done"`
	NotDone       int          `json:"not_done"`
	Unknown       int          `json:"unknown"`
	NotApplicable int          `json:"not_applicable"`
	Items         []ItemResult `json:"items"`
}

// ItemResult is an item with the controls that decide its state.
type ItemResult struct {
	ID       string   `json:"id"`
	Text     string   `json:"text"`
	State    string   `json:"state"`
	Failing  []string `json:"failing"`  // controls
	Excepted []string `json:"excepted"` // controls that fail, which an owner accepts
	Unknown  []string `json:"unknown"`  // controls that could not be judged, or were not
	Passing  []string `json:"passing"`
}

// Of fills the scorecard in. judged are the IDs of the controls that were evaluated: one
// that was not leaves its item unknown, one that found nothing to judge does not apply.
// partial says that there are accounts of which nothing was read: in them everything is
// unknown.
func (c *Scorecard) Of(findings []rootkeep.Finding, judged []string, partial bool) *Score {
	worst := map[string]rootkeep.Status{}
	for _, id := range judged {
		if worst[id] = rootkeep.NotApplicable; partial {
			worst[id] = rootkeep.Unknown
		}
	}
	for i := range findings {
		f := &findings[i]
		if was, ok := worst[f.Control]; !ok || rank(f.Status) < rank(was) {
			worst[f.Control] = f.Status
		}
	}
	out := &Score{Title: c.Title, Source: c.Source}
	for _, l := range c.Levels {
		r := LevelResult{ID: l.ID, Title: l.Title}
		for _, item := range l.Items {
			i := item.of(worst)
			r.Items = append(r.Items, i)
			switch i.State {
			case Done:
				r.Done++
			case NotDone:
				r.NotDone++
			case Unknown:
				r.Unknown++
			default:
				r.NotApplicable++
			}
		}
		out.Levels = append(out.Levels, r)
	}
	return out
}

// rank orders statuses by how much they say against a control.
func rank(s rootkeep.Status) int {
	return slices.Index([]rootkeep.Status{rootkeep.Fail, rootkeep.Excepted, rootkeep.Unknown, rootkeep.Pass, rootkeep.NotApplicable}, s)
}

func (item *Item) of(worst map[string]rootkeep.Status) ItemResult {
	r := ItemResult{ID: item.ID, Text: item.Text, Failing: []string{}, Excepted: []string{}, Unknown: []string{}, Passing: []string{}}
	for _, id := range item.Controls {
		switch worst[id] { // not judged at all is the zero Status, Unknown
		case rootkeep.Fail:
			r.Failing = append(r.Failing, id)
		case rootkeep.Excepted:
			r.Excepted = append(r.Excepted, id)
		case rootkeep.Unknown:
			r.Unknown = append(r.Unknown, id)
		case rootkeep.Pass:
			r.Passing = append(r.Passing, id)
		}
	}
	switch {
	case len(r.Failing)+len(r.Excepted) > 0:
		r.State = NotDone
	case len(r.Unknown) > 0:
		r.State = Unknown
	case len(r.Passing) > 0:
		r.State = Done
	default:
		r.State = NotApplicable
	}
	return r
}
