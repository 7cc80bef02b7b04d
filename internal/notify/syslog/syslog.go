// Package syslog writes messages of the syslog protocol (RFC 5424), their frames
// (RFC 5425, section 4.3), and sends them. Texts may be hostile: none leaves its place.
package syslog

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rootkeep/rootkeep/internal/notify/safe"
)

// Severity is one of the eight of the protocol.
type Severity int

// Severities that are used (RFC 5424, table 2).
const (
	Critical      Severity = 2
	Error         Severity = 3
	Warning       Severity = 4
	Notice        Severity = 5
	Informational Severity = 6
)

// Message is one message.
type Message struct {
	Facility int // 0 to 23
	Severity Severity
	At       time.Time
	Host     string
	App      string
	ID       string // the kind of message
	Element  string // name of the structured data, NAME@NUMBER
	Params   []Param
	Text     string
}

// Param is a parameter of the structured data; what has no value is left out.
type Param struct{ Name, Value string }

const (
	longestValue = 1000 // characters of a parameter
	mark         = "\ufeff"
)

// Bytes is the message, no longer than most bytes: the text is cut first.
func (m *Message) Bytes(most int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<%d>1 %s %s %s - %s ", m.Facility*8+int(m.Severity), m.At.UTC().Format("2006-01-02T15:04:05.000000Z"), field(m.Host, 255), field(m.App, 48), field(m.ID, 32))
	data := b.Len()
	fmt.Fprintf(&b, "[%s", m.Element)
	any := false
	for _, p := range m.Params {
		value := fmt.Sprintf(` %s="%s"`, field(p.Name, 32), escape(safe.Line(p.Value, longestValue)))
		if p.Value != "" && b.Len()+len(value) < most/2 { // the text needs room too
			b.WriteString(value)
			any = true
		}
	}
	if any {
		b.WriteByte(']')
	} else {
		b.Truncate(data)
		b.WriteByte('-')
	}
	b.WriteString(" " + mark)
	b.WriteString(cut(safe.Line(m.Text, most), most-b.Len()))
	return b.Bytes()
}

// Frame puts the length before a message, as it travels in a stream.
func Frame(message []byte) []byte {
	return append(fmt.Appendf(nil, "%d ", len(message)), message...)
}

// field is a field of the header: printable ASCII without a space, - for none.
func field(s string, most int) string {
	out := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == '"' || r == ']' || r == '=' {
			return '_'
		}
		return r
	}, s)
	if out == "" {
		return "-"
	}
	return out[:min(len(out), most)]
}

// escape is the value of a parameter (RFC 5424, section 6.3.3).
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`).Replace(s)
}

// cut shortens a text to so many bytes, never in a character.
func cut(s string, most int) string {
	const more = "..."
	if len(s) <= most {
		return s
	}
	end := max(most-len(more), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + more[:min(len(more), max(most, 0))]
}
