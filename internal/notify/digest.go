package notify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/notify/safe"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Item is what a digest says of one alert.
type Item struct {
	ID       string            `json:"id"` // of the alert
	Severity rootkeep.Severity `json:"severity"`
	Title    string            `json:"title"`
	Account  string            `json:"account,omitempty"` // of an alert about several, the first of them and how many more
	Stage    string            `json:"stage"`             // opened, changed, taken or closed
	Link     string            `json:"link"`
	At       time.Time         `json:"at"` // of the first notice that was held back
}

// MostItems is how many alerts a digest names.
const MostItems = 20

// DigestTopic is that of digests. No route names it: a digest goes where its alerts go.
const DigestTopic = "alert-digest"

// Singly is a way that may want each alert by itself, because its receiver keeps alerts and
// counts them.
type Singly interface{ Singly() bool }

// Digests says whether alerts that quiet hours held back go by a way as one notice.
func Digests(w Way) bool {
	s, ok := w.(Singly)
	return !ok || !s.Singly()
}

// Digest is one notice of the alerts that were held back, at least one: the newest notice of
// each, the alert that was the first to be held back before the others.
func Digest(id string, of []Notice, at time.Time) Notice {
	n := Notice{ID: id, Topic: DigestTopic, Account: of[0].Account, Count: len(of), At: at.UTC().Truncate(time.Second)}
	levels := map[rootkeep.Severity]int{}
	for i := range of {
		levels[of[i].Severity]++
		n.Severity = max(n.Severity, of[i].Severity)
		if of[i].Account != n.Account {
			n.Account = ""
		}
		n.Tags = append(n.Tags, of[i].Tags...)
		if i < MostItems {
			n.Items = append(n.Items, of[i].item())
		}
	}
	slices.Sort(n.Tags)
	n.Tags = slices.Compact(n.Tags)
	var counts []string
	for _, level := range slices.Backward(slices.Sorted(maps.Keys(levels))) {
		counts = append(counts, fmt.Sprintf("%d %s", levels[level], level))
	}
	n.Title = fmt.Sprintf("%s of the quiet hours: %s", text.Counted(len(of), "alert"), strings.Join(counts, ", "))
	n.Link = strings.TrimSuffix(of[0].Link, "/"+of[0].Of()) // the list that has the page of the alert
	if more := len(of) - len(n.Items); more > 0 {
		n.Text = fmt.Sprintf("and %d more", more)
	}
	return n
}

func (n *Notice) item() Item {
	return Item{n.Of(), n.Severity, safe.Cut(n.Title, mostItem), cmp.Or(n.Account, n.accounts()), n.stage(), n.Link, n.At}
}

const mostItem = 300 // characters of a title

// line is the item for people, its address on a line of its own.
func (i *Item) line() string {
	out := i.At.UTC().Format(time.RFC3339) + " " + i.Severity.String() + ": " + safe.Line(i.Title, mostItem)
	for _, more := range []string{i.Account, cmp.Or(states[i.Stage], i.Stage)} {
		if more != "" && more != "opened" {
			out += ", " + more
		}
	}
	if i.Link != "" {
		out += "\n  " + i.Link
	}
	return out
}

var states = map[string]string{"taken": "somebody has it"}

// Whole is the text of the notice with what it names: what a way sends that writes items in
// no form of its own.
func (n *Notice) Whole() string {
	var lines []string
	for i := range n.Items {
		lines = append(lines, n.Items[i].line())
	}
	if n.Text != "" {
		lines = append(lines, n.Text)
	}
	return strings.Join(lines, "\n")
}
