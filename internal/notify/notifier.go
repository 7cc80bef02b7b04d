package notify

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/notify/form"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Notifier is a content file: how a notice becomes one HTTP request.
type Notifier struct {
	ID       string                      `yaml:"id"`
	Kind     string                      `yaml:"kind"`
	Title    string                      `yaml:"title"`
	About    string                      `yaml:"about"`
	Source   string                      `yaml:"source"` // where the receiver's form is described, "" if it is ours
	Limits   string                      `yaml:"limits"` // what the receiver cannot do, "" for nothing that matters
	Joins    bool                        `yaml:"joins"`  // a later notice of a thread changes what the first opened
	Each     bool                        `yaml:"each"`   // gets each alert by itself, and no digest of those that quiet hours held back
	Anew     bool                        `yaml:"anew"`   // pages once for a message: what is louder is opened anew, by another notice.thread, and the former closed
	Settings map[string]*Setting         `yaml:"settings"`
	Tables   map[string]Table            `yaml:"tables"` // functions of its own
	Request  RequestTemplate             `yaml:"request"`
	Requests map[Action]*RequestTemplate `yaml:"requests"` // of update and close; of close, that of update stands in
	Success  Success                     `yaml:"success"`
	Retry    Retry                       `yaml:"retry"`
	Gone     map[string][]any            `yaml:"gone"` // path in the answer's JSON: values that say that the message of the thread is there no more
	Cases    []Case                      `yaml:"cases"`
	Answers  []AnswerCase                `yaml:"answers"`

	file string
}

// Setting is what an operator gives.
type Setting struct {
	About   string `yaml:"about"`
	Type    string `yaml:"type"`    // text, address or secret
	Least   int    `yaml:"least"`   // bytes that a secret has, at the least
	Default string `yaml:"default"` // of a text or an address that need not be given
}

// The types of settings. An address is where a request goes; a secret comes from a file.
const (
	textSetting    = "text"
	addressSetting = "address"
	secretSetting  = "secret"
)

// RequestTemplate is the request. In its texts ${notice.title} stands for a part of the
// notice, ${settings.url} for a setting and ${remembered.id} for what was kept of an
// earlier answer; ${slack(notice.title)} makes it fit for its place. A text of the body
// that is ${notice} alone stands for all of it. The body is written as JSON after that,
// and a header refuses line ends, so that a notice fills in and never adds. What a request
// of requests leaves out is as in request.
type RequestTemplate struct {
	URL      string            `yaml:"url"`
	Headers  map[string]string `yaml:"headers"`
	Body     any               `yaml:"body"`
	Add      map[string]any    `yaml:"add"` // members in place of those of request's body, or beside them
	Sign     *Sign             `yaml:"sign"`
	Remember map[string]string `yaml:"remember"` // name: ${answer.PATH}
}

// Success is what an answer looks like that took the notice; any other is a failure.
type Success struct {
	Status []int          `yaml:"status"` // empty: 200 to 299
	Text   string         `yaml:"text"`   // all of the answer
	Answer map[string]any `yaml:"answer"` // path in the answer's JSON: its value
	Has    []string       `yaml:"has"`    // paths in the answer's JSON that have some value
	// Without are texts that the answer does not have, in whatever case: what a receiver says
	// that means no, or the page of a proxy.
	Without []string `yaml:"without"`
}

// Sign says how the request is signed: the HMAC-SHA-256, in hexadecimal, of the time in
// seconds since 1970, a dot and the body.
type Sign struct {
	Secret    string `yaml:"secret"`    // name of the setting
	Timestamp string `yaml:"timestamp"` // name of the header that has the time
	Signature string `yaml:"signature"` // name of the header that has the signature
	Prefix    string `yaml:"prefix"`    // before it
}

// Retry says when another attempt may go better. No answer at all is always tried again.
type Retry struct {
	Attempts int              `yaml:"attempts"`
	On       []int            `yaml:"on"`      // status codes
	Answers  map[string][]any `yaml:"answers"` // path in the answer's JSON: values
	Texts    []string         `yaml:"texts"`   // in an answer that success is without
}

// MostAttempts is how often a notice is tried by one way at the most.
const MostAttempts = 12

// Case is an example of a notifier, and its test.
type Case struct {
	Name       string            `yaml:"name"`
	Settings   map[string]string `yaml:"settings"`
	Notice     map[string]any    `yaml:"notice"` // as its JSON
	Remembered Memory            `yaml:"remembered"`
	At         time.Time         `yaml:"at"`
	Want       Rendered          `yaml:"want"`
}

// AnswerCase is an answer of the receiver, and what it comes to.
type AnswerCase struct {
	Name       string `yaml:"name"`
	Status     int    `yaml:"status"`
	Body       string `yaml:"body"`
	Want       string `yaml:"want"`       // taken, again, gone or refused
	Remembered Memory `yaml:"remembered"` // of the first request, if it is taken
}

// Rendered is the exact request.
type Rendered struct {
	URL     string            `yaml:"url"`
	Headers map[string]string `yaml:"headers"`
	Body    string            `yaml:"body"`
}

// LoadNotifiers reads the *.yaml files of the folders. A file that is no notifier is left
// out and is an error in the list, with file and line.
func LoadNotifiers(sources ...rule.Source) ([]*Notifier, []error) {
	var out []*Notifier
	var problems []error
	files := map[string]string{}
	for _, src := range sources {
		names, err := fs.Glob(src.FS, path.Join(src.Dir, "*.yaml"))
		if err != nil {
			problems = append(problems, err)
		}
		for _, name := range names {
			n, err := loadNotifier(src, name)
			if err == nil && files[n.ID] != "" {
				err = fmt.Errorf("%s: notifier %s is already in %s", n.file, n.ID, files[n.ID])
			}
			if err != nil {
				problems = append(problems, err)
				continue
			}
			files[n.ID] = n.file
			out = append(out, n)
		}
	}
	return out, problems
}

func loadNotifier(src rule.Source, name string) (*Notifier, error) {
	shown, body, err := rule.Document(src, name)
	if err != nil {
		return nil, err
	}
	n := &Notifier{file: shown}
	if err := rule.Decode(shown, body, n); err != nil {
		return nil, err
	}
	if want := strings.TrimSuffix(path.Base(name), ".yaml"); n.ID != want {
		return nil, fmt.Errorf("%s: id %q in a file named %s.yaml: want the same", shown, n.ID, want)
	}
	for _, r := range n.Requests {
		if r != nil {
			r.complete(&n.Request)
		}
	}
	if err := n.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	return n, n.prove()
}

var (
	partName   = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,60}$`)
	headerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,60}$`)
	parts      = []string{"id", "topic", "severity", "title", "text", "rest", "subject", "account", "accounts", "link", "at", "action", "thread", "tags", "count", "principal", "facts", "stage"}
	itemParts  = []string{"id", "severity", "title", "account", "stage", "link", "at"}
)

func (n *Notifier) check() error {
	switch {
	case n.Kind != "notifier" || !partName.MatchString(n.ID) || n.Title == "" || n.About == "":
		return errors.New("want kind: notifier, an id of small letters, digits and -, a title, and about")
	case n.Retry.Attempts < 1 || n.Retry.Attempts > MostAttempts:
		return fmt.Errorf("retry: %d attempts, want 1 to %d", n.Retry.Attempts, MostAttempts)
	case n.Anew && (!n.Joins || len(n.remembers()) > 0):
		return errors.New("anew: want joins, and nothing remembered: the message is found by notice.thread")
	case len(n.Cases) == 0:
		return errors.New("no case: want one that gives the exact request")
	}
	for name, s := range n.Settings {
		switch {
		case s == nil || !partName.MatchString(name) || s.About == "":
			return fmt.Errorf("setting %q: want a name of small letters, and about", name)
		case !slices.Contains([]string{textSetting, addressSetting, secretSetting}, s.Type):
			return fmt.Errorf("setting %s: type %q, want text, address or secret", name, s.Type)
		case s.Type == secretSetting && s.Default != "":
			return fmt.Errorf("setting %s: a secret has no default", name)
		}
	}
	for name, t := range n.Tables {
		if !partName.MatchString(name) || functions()[name].do != nil {
			return fmt.Errorf("table %q: want a name of small letters that no function has", name)
		}
		if err := t.check(); err != nil {
			return fmt.Errorf("table %s: %w", name, err)
		}
	}
	for action, r := range n.Requests {
		if action != Update && action != Close || r == nil {
			return fmt.Errorf("requests: %q: want update or close; the request of open is request", action)
		}
		if err := n.checkRequest(r); err != nil {
			return fmt.Errorf("%s: %w", action, err)
		}
	}
	if len(n.Request.needs()) > 0 {
		return errors.New("request: nothing is remembered when a message is opened")
	}
	return n.checkRequest(&n.Request)
}

// checkRequest refuses a request that cannot be, and what in it stands for nothing.
func (n *Notifier) checkRequest(r *RequestTemplate) error {
	if r.URL == "" || r.Body == nil || r == &n.Request && r.Add != nil {
		return errors.New("request: want url and body")
	}
	for name := range r.Headers {
		if !headerName.MatchString(name) || http.CanonicalHeaderKey(name) != name {
			return fmt.Errorf("request: header %q: want a name as HTTP writes it, such as Content-Type", name)
		}
	}
	if s := r.Sign; s != nil {
		if set := n.Settings[s.Secret]; set == nil || set.Type != secretSetting || set.Least < 16 {
			return fmt.Errorf("request: signed with %q, want a setting that is a secret of 16 bytes or more", s.Secret)
		}
		if !headerName.MatchString(s.Timestamp) || !headerName.MatchString(s.Signature) {
			return errors.New("request: sign: want the names of two headers")
		}
	}
	for name, from := range r.Remember {
		if !partName.MatchString(name) || !answerSlot.MatchString(from) {
			return fmt.Errorf("request: remember %s: %q, want a path in the answer such as ${answer.ts}", name, from)
		}
	}
	if err := n.checkURL(r.URL); err != nil {
		return err
	}
	texts, ofItems, err := r.texts()
	return cmp.Or(err, n.checkTexts(texts, nil), n.checkTexts(ofItems, itemParts))
}

// checkTexts refuses slots that stand for nothing; of an item are what item has.
func (n *Notifier) checkTexts(texts, item []string) error {
	for _, text := range texts {
		if text == "${notice}" {
			continue
		}
		for _, s := range form.Slots(text) {
			if err := n.checkSlot(s, item); err != nil {
				return err
			}
		}
	}
	return nil
}

// prove runs the cases.
func (n *Notifier) prove() error {
	for _, c := range n.Cases {
		if err := n.proveCase(&c); err != nil {
			return fmt.Errorf("%s: case %q: %w", n.file, c.Name, err)
		}
	}
	for _, c := range n.Answers {
		a := n.judge(&n.Request, &Success{}, c.Status, []byte(c.Body))
		if a.outcome != c.Want {
			return fmt.Errorf("%s: answer %q: got %s, want %s", n.file, c.Name, a.outcome, c.Want)
		}
		if a.outcome == taken && !maps.Equal(a.learned, c.Remembered) {
			return fmt.Errorf("%s: answer %q: remembered %v, want %v", n.file, c.Name, a.learned, c.Remembered)
		}
	}
	return nil
}

func (n *Notifier) proveCase(c *Case) error {
	text, err := json.Marshal(c.Notice)
	if err != nil {
		return err
	}
	var notice Notice
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&notice); err != nil {
		return fmt.Errorf("notice: %w", err)
	}
	settings := map[string]Secret{}
	for name, value := range c.Settings {
		settings[name] = NewSecret(value)
	}
	if err := n.CheckSettings(settings); err != nil {
		return err
	}
	got, err := n.render(settings, notice, c.Remembered, c.At)
	if err != nil {
		return err
	}
	return got.differs(c.Want)
}

// differs says what of a request is not as it should be.
func (r *Rendered) differs(want Rendered) error {
	if r.URL != want.URL {
		return fmt.Errorf("got url %s, want %s", r.URL, want.URL)
	}
	for name, value := range want.Headers {
		if r.Headers[name] != value {
			return fmt.Errorf("got header %s: %q, want %q", name, r.Headers[name], value)
		}
	}
	if len(r.Headers) != len(want.Headers) {
		return fmt.Errorf("got headers %v, want %v", r.Headers, want.Headers)
	}
	if r.Body != want.Body {
		return fmt.Errorf("got body\n%s\nwant\n%s", r.Body, want.Body)
	}
	return nil
}

// CheckSettings fills in defaults, and refuses settings that the notifier does not have, or
// that are not what it needs. The error names a setting, and never its value.
func (n *Notifier) CheckSettings(given map[string]Secret) error {
	for name, s := range n.Settings {
		if s.Default != "" && given[name].text == "" {
			given[name] = NewSecret(s.Default)
		}
	}
	for name := range given {
		if n.Settings[name] == nil {
			return fmt.Errorf("setting %s: the notifier %s has none of that name", name, n.ID)
		}
	}
	for name, s := range n.Settings {
		value := given[name].text
		switch {
		case value == "":
			return fmt.Errorf("setting %s is missing: %s", name, s.About)
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return fmt.Errorf("setting %s: control characters", name)
		case len(value) < s.Least:
			return fmt.Errorf("setting %s has %d bytes, want %d or more; hint: openssl rand -hex 32", name, len(value), s.Least)
		}
		if s.Type == addressSetting {
			if err := checkAddress(value); err != nil {
				return fmt.Errorf("setting %s: %w", name, err)
			}
		}
	}
	return nil
}

// checkAddress refuses what is not https, or http on this machine.
func checkAddress(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("want an address such as https://hooks.example.com/rootkeep")
	}
	if u.Scheme == "https" || u.Scheme == "http" && local(u.Hostname()) {
		return nil
	}
	return errors.New("want https: what is sent must not be read on its way; hint: http is taken on localhost alone")
}

// local says whether a host is this machine.
func local(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
