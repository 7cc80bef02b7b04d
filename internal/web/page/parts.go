package page

import (
	"context"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/chart"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// Tone is how something stands; it adds a colour to words that say it too.
type Tone string

// The tones.
const (
	Plain    Tone = "plain"
	Good     Tone = "good"
	Unsure   Tone = "unsure" // not known: never shown as good
	Careful  Tone = "careful"
	Bad      Tone = "bad"
	Critical Tone = "critical"
)

// SeverityTone is the tone of a severity.
func SeverityTone(s rootkeep.Severity) Tone {
	switch s {
	case rootkeep.Critical:
		return Critical
	case rootkeep.High:
		return Bad
	case rootkeep.Medium:
		return Careful
	}
	return Plain
}

// StatusTone is the tone of what a control came to.
func StatusTone(s rootkeep.Status) Tone {
	switch s {
	case rootkeep.Pass:
		return Good
	case rootkeep.Fail:
		return Bad
	case rootkeep.Excepted:
		return Careful
	case rootkeep.Unknown:
		return Unsure
	}
	return Plain
}

// Stat is a number that matters. Note says what it is of or since when.
type Stat struct {
	Label, Value, Note string
	Tone               Tone
	Path               string // where it leads; empty for nowhere
}

// Fact is a term and what it is.
type Fact struct {
	Term  string
	Value templ.Component
}

// Tab is one of several views of the same thing.
type Tab struct {
	Text, Path string
	Current    bool
}

// Most runes of hostile text that a page shows at once.
const (
	line = 200
	long = 4000
)

// Text is text of anybody: escaped, with what is invisible or turns the reading
// direction written out, cut where it would be a wall.
func Text(s string) templ.Component { return written(text.Visible(s, line)) }

// LongText is Text for what may fill paragraphs.
func LongText(s string) templ.Component { return written(text.Visible(s, long)) }

// Visible is the string of Text, for attributes and for joining.
func Visible(s string) string { return text.Visible(s, line) }

func written(s string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, templ.EscapeString(s))
		return err
	})
}

// Country is the name of a country by its code, as a log or a database has it.
func Country(code string) string {
	if code == "" {
		return "unknown"
	}
	if name, ok := chart.Country(code); ok {
		return name + " (" + code + ")"
	}
	return code
}

// With is an address with one value of its query changed, and the cursor forgotten: a
// filter or an order begins at the first page. An empty value removes it.
func With(u *url.URL, name, value string) string {
	q := u.Query()
	q.Del("cursor")
	if value == "" {
		q.Del(name)
	} else {
		q.Set(name, value)
	}
	return local(u, q)
}

// AtCursor is an address with another cursor; an empty one is the first page.
func AtCursor(u *url.URL, cursor string) string {
	q := u.Query()
	q.Del("cursor")
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	return local(u, q)
}

// First is the address of the first page of a list, empty on that page itself.
func First(u *url.URL) string {
	if u.Query().Get("cursor") == "" {
		return ""
	}
	return AtCursor(u, "")
}

func local(u *url.URL, q url.Values) string {
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: q.Encode()}).String()
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

// here lets an address of this server through, and nothing else: what came from outside
// cannot become a link that runs a script or leads away.
func here(path string) templ.SafeURL {
	if strings.HasPrefix(path, "#") || strings.HasPrefix(path, "?") || strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "//") && !strings.Contains(path, `\`) {
		return templ.SafeURL(path)
	}
	return "#"
}
