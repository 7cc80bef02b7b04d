// Package notify tells people and machines: a notice goes in, and goes out by each way
// that was configured. Text of a notice may be hostile; each way escapes it.
package notify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/notify/safe"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Notice is one thing to tell.
type Notice struct {
	ID        string            `json:"id"`    // the same notice sent twice has the same
	Topic     string            `json:"topic"` // such as root-unexplained, root-override, root-overrun, approval-wanted
	Severity  rootkeep.Severity `json:"severity"`
	Title     string            `json:"title"` // one line
	Text      string            `json:"text"`
	Subject   string            `json:"subject"` // ID of the case or the request
	Account   string            `json:"account,omitempty"`
	Accounts  []string          `json:"accounts,omitempty"`  // of a notice about several, which has no Account; at most MostAccounts
	Unnamed   bool              `json:"unnamed,omitempty"`   // there are more accounts than Accounts names: routes by account take the notice
	Principal string            `json:"principal,omitempty"` // who did what it tells of
	Link      string            `json:"link"`                // page of the console; never something that decides
	To        []string          `json:"to,omitempty"`        // mail addresses of persons named by it
	Tags      []string          `json:"tags,omitempty"`
	Action    string            `json:"action,omitempty"` // open, update or close; empty is open
	Thread    string            `json:"thread,omitempty"` // ID of what all notices of one message are about; empty is one of its own
	Count     int               `json:"count,omitempty"`  // of what it tells of, such as events
	At        time.Time         `json:"at"`
	Items     []Item            `json:"items,omitempty"` // of a digest: the alerts that it names
	Urgent    bool              `json:"-"`               // quiet hours never hold it: about root, or about what watches
	Also      string            `json:"-"`               // a further topic: routes that take it take the notice
	Only      []string          `json:"-"`               // mail addresses: others got it already; empty for everybody
	Untagged  bool              `json:"-"`               // it has more tags than Tags names: routes by tag take the notice
}

// MostAccounts are named by a notice.
const MostAccounts = rootkeep.MaxAlertAccounts

// Action is what a notice does to the message of its thread.
type Action string

// The actions.
const (
	Open   Action = "open"
	Update Action = "update"
	Close  Action = "close"
)

// Acts is the notice's action.
func (n *Notice) Acts() Action { return cmp.Or(Action(n.Action), Open) }

// Of is the thread of the notice: its own if it has none.
func (n *Notice) Of() string { return cmp.Or(n.Thread, n.ID) }

// concerns says that the notice is about an account.
func (n *Notice) concerns(account string) bool {
	return account == n.Account || slices.Contains(n.Accounts, account)
}

// accounts names the first of several.
func (n *Notice) accounts() string {
	const shown = 10
	out := strings.Join(n.Accounts[:min(len(n.Accounts), shown)], ", ")
	switch more := len(n.Accounts) - shown; {
	case n.Unnamed:
		out += " and others"
	case more > 0:
		out += fmt.Sprintf(" and %d more", more)
	}
	return out
}

// facts are the parts of the notice that it has, beside its title and its text, a line
// each.
func (n *Notice) facts() string {
	var out []string
	for _, f := range [][2]string{
		{"severity", n.Severity.String()}, {"account", n.Account}, {"accounts", n.accounts()}, {"principal", n.Principal}, {"count", count(n.Count)},
		{"tags", strings.Join(n.Tags, ", ")}, {"about", n.Subject}, {"at", n.At.UTC().Format(time.RFC3339)},
	} {
		if f[1] != "" {
			out = append(out, f[0]+": "+safe.Line(f[1], text.Line))
		}
	}
	return strings.Join(out, "\n")
}

// Topics of notices that somebody took an alert, or closed it, and that it escalated.
const (
	handledTopic   = "alert-handled"
	escalatedTopic = "alert-escalated"
)

// stage is where the notice leaves its message: opened, changed, taken or closed.
func (n *Notice) stage() string {
	switch a := n.Acts(); {
	case a == Close:
		return "closed"
	case a == Update && n.Topic == handledTopic:
		return "taken"
	case a == Update:
		return "changed"
	}
	return "opened"
}

func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// Limits on what of a notice is kept: what is longer is cut when it is put.
const (
	mostTitle = 1000   // characters
	mostText  = 20_000 // characters
	mostTags  = 50
	mostTag   = 100 // characters
)

// Bounded is the notice with its texts cut, and refuses an action that is none.
func (n Notice) Bounded() (Notice, error) {
	if a := n.Acts(); a != Open && a != Update && a != Close {
		return n, fmt.Errorf("notice %s: action %q, want open, update or close", n.ID, n.Action)
	}
	n.Title, n.Text, n.Principal = safe.Cut(n.Title, mostTitle), safe.Cut(n.Text, mostText), safe.Cut(n.Principal, mostTitle)
	n.Tags, n.Untagged = slices.Clone(n.Tags[:min(len(n.Tags), mostTags)]), n.Untagged || len(n.Tags) > mostTags
	if len(n.Accounts) > MostAccounts {
		n.Accounts, n.Unnamed = n.Accounts[:MostAccounts:MostAccounts], true
	}
	n.Items = n.Items[:min(len(n.Items), MostItems)]
	for i := range n.Tags {
		n.Tags[i] = safe.Cut(n.Tags[i], mostTag)
	}
	return n, nil
}

// Way is a configured way to tell.
type Way interface {
	Name() string
	// Send sends once. What it returns says what the other side answered, as evidence: at
	// most 2 KiB, without secrets.
	Send(ctx context.Context, n Notice) (answer string, err error)
}

// Rememberer is a way whose receiver says under what it keeps a message, so that a later
// notice of the thread changes the same one.
type Rememberer interface {
	Way
	// Change sends once, with what was remembered of the thread, and gives what is to be
	// remembered from now on: also beside an error, if that is not what it was.
	Change(ctx context.Context, n Notice, m Memory) (answer string, learned Memory, err error)
}

// Joiner is a way that may keep one message for a thread: its receiver changes, or ends,
// what was opened there.
type Joiner interface{ Joins() bool }
