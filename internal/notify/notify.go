// Package notify tells people and machines: a notice goes in, and goes out by each way
// that was configured. Text of a notice may be hostile; each way escapes it.
package notify

import (
	"context"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Notice is one thing to tell.
type Notice struct {
	ID       string            `json:"id"`    // the same notice sent twice has the same
	Topic    string            `json:"topic"` // such as root-unexplained, root-override, root-overrun, approval-wanted
	Severity rootkeep.Severity `json:"severity"`
	Title    string            `json:"title"` // one line
	Text     string            `json:"text"`
	Subject  string            `json:"subject"` // ID of the case or the request
	Account  string            `json:"account,omitempty"`
	Link     string            `json:"link"`         // page of the console; never something that decides
	To       []string          `json:"to,omitempty"` // mail addresses of persons named by it
	At       time.Time         `json:"at"`

	Action    string   `json:"action,omitempty"` // what it does to its thread: open, update or close
	Thread    string   `json:"thread,omitempty"` // ID of the alert: all notices of one have the same
	Tags      []string `json:"tags,omitempty"`
	Count     int      `json:"count,omitempty"`     // of events, or of the alerts of a storm
	Principal string   `json:"principal,omitempty"` // who did it
}

// Way is a configured way to tell.
type Way interface {
	Name() string
	// Send sends once. What it returns says what the other side answered, as evidence: at
	// most 2 KiB, without secrets.
	Send(ctx context.Context, n Notice) (answer string, err error)
}
