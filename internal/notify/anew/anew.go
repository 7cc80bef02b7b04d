// Package anew knows what a receiver that makes a sound once for a message has of a thread: a
// memory and a notice go in; under which alias the notice goes, and which messages are to be
// closed then, come out.
package anew

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep"
)

// Notice is what of a notice matters here. What is none of the acts changes the message.
type Notice struct {
	ID, Thread string
	Severity   rootkeep.Severity
	Escalated  bool
	Open       bool
	Close      bool
	Taken      bool // somebody took what it is about
}

// Message is what the receiver has.
type Message struct {
	As     string            // alias of the message that stands, "" if none is known of
	Level  rootkeep.Severity // that it was told with, if As is known
	Silent bool              // somebody has taken it, and what it is told makes no sound
	Took   string            // ID of the notice that it was last told by
	Ends   []string          // aliases of messages that are still to be closed
}

// The names in a memory. No name of a notifier's own begins so.
const (
	as     = "_as"
	level  = "_level"
	silent = "_taken"
	took   = "_notice"
	ends   = "_ends"
)

// mostEnds are remembered: a receiver that closes nothing for long is not asked without end.
const mostEnds = 8

// Read reads a memory.
func Read(m map[string]string) Message {
	out := Message{As: m[as], Silent: m[silent] != "", Took: m[took], Ends: strings.FieldsFunc(m[ends], newline)}
	var err error
	if out.Level, err = rootkeep.ParseSeverity(m[level]); err != nil {
		out.As = ""
	}
	return out
}

func newline(r rune) bool { return r == '\n' }

// Memory is what is remembered of the message: nothing where nothing stands.
func (m *Message) Memory() map[string]string {
	out := map[string]string{}
	if m.As == "" && len(m.Ends) == 0 {
		return out
	}
	if m.As != "" {
		out[as], out[level] = m.As, m.Level.String()
	}
	if m.Silent {
		out[silent] = "yes"
	}
	if m.Took != "" {
		out[took] = m.Took
	}
	if len(m.Ends) > 0 {
		out[ends] = strings.Join(m.Ends, "\n")
	}
	return out
}

// After is the message once the receiver took a notice, with what is to be closed then. Loud
// says that the notice opens it anew. What was taken before is not loud again.
func (m *Message) After(n Notice) (next Message, loud bool) {
	next = Message{As: cmp.Or(m.former(n), n.Thread), Level: n.Severity, Silent: m.Silent || n.Taken, Took: n.ID, Ends: slices.Clone(m.Ends)}
	if m.As != "" {
		next.Level = max(m.Level, n.Severity)
	}
	switch {
	case n.Close:
		next.end(m.former(n))
		return Message{Took: n.ID, Ends: next.Ends}, false
	case m.Took != n.ID && m.sounds(n):
		loud = true
		next.end(m.former(n))
		next.As, next.Silent = n.Thread+"."+n.ID, false
	}
	next.Ended(next.As)
	return next, loud
}

// former is the message that stands: where nothing is remembered, that of the thread; "" where
// all is closed or is to be.
func (m *Message) former(n Notice) string {
	if len(m.Ends) > 0 {
		return m.As
	}
	return cmp.Or(m.As, n.Thread)
}

// sounds says whether a notice is to make a sound that the message which is there would not.
func (m *Message) sounds(n Notice) bool {
	switch {
	case n.Taken:
		return false
	case m.As != "":
		return n.Open || n.Severity > m.Level || n.Escalated && m.Silent
	case len(m.Ends) > 0:
		return true
	}
	return n.Escalated && !n.Open // how loud it was told nobody remembers
}

// Doubt is the message if nobody knows whether the receiver opened one by a notice: that is to
// be closed, unless the same notice opens it after all.
func (m *Message) Doubt(n Notice) Message {
	next, _ := m.After(n)
	out := Message{As: m.former(n), Level: m.Level, Silent: m.Silent, Took: m.Took, Ends: slices.Clone(m.Ends)}
	if m.As == "" {
		out.Level, out.Silent = n.Severity, true
	}
	out.end(next.As)
	return out
}

func (m *Message) end(alias string) {
	if alias == "" || slices.Contains(m.Ends, alias) {
		return
	}
	m.Ends = append(m.Ends, alias)
	m.Ends = m.Ends[max(len(m.Ends)-mostEnds, 0):]
}

// Ended notes that the receiver closed a message.
func (m *Message) Ended(alias string) {
	m.Ends = slices.DeleteFunc(m.Ends, func(e string) bool { return e == alias })
}
