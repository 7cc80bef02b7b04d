package reconcile

import (
	"fmt"
	"io/fs"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// FileSchema names the form of a file of requests.
const FileSchema = "rootkeep/root-requests/1"

// File is what a file of requests says: all that explains uses of root. It is YAML, of
// which JSON is a part.
type File struct {
	Schema   string        `json:"schema" yaml:"schema"`
	Requests []FileRequest `json:"requests" yaml:"requests"`
	Scans    []FileScan    `json:"scans,omitempty" yaml:"scans"`
	Changes  []FileChange  `json:"changes,omitempty" yaml:"changes"`
}

// FileRequest is an approved request in a file. Times are RFC 3339.
type FileRequest struct {
	ID       string   `json:"id" yaml:"id"`
	Kind     string   `json:"kind" yaml:"kind"`
	Path     string   `json:"path" yaml:"path"`
	Accounts []string `json:"accounts" yaml:"accounts"`
	Events   []string `json:"events" yaml:"events"`
	From     string   `json:"from" yaml:"from"`
	Until    string   `json:"until" yaml:"until"`
	Session  int      `json:"session_seconds" yaml:"session_seconds"`
	Networks []string `json:"networks,omitempty" yaml:"networks"`
	Opened   string   `json:"opened,omitempty" yaml:"opened"`
	Closed   string   `json:"closed,omitempty" yaml:"closed"`
	Override bool     `json:"override,omitempty" yaml:"override"`
	Keys     []string `json:"access_key_ids,omitempty" yaml:"access_key_ids"`
	Device   string   `json:"mfa_device,omitempty" yaml:"mfa_device"`

	Refused []FileRefusal `json:"refused,omitempty" yaml:"refused"`
}

// FileRefusal is a session that was asked for under a request and refused.
type FileRefusal struct {
	Account string `json:"account" yaml:"account"`
	Start   string `json:"start" yaml:"start"`
	End     string `json:"end" yaml:"end"`
}

// FileScan is a recorded session of a scan in a file.
type FileScan struct {
	Name      string `json:"id" yaml:"id"`
	Account   string `json:"account" yaml:"account"`
	AccessKey string `json:"access_key_id" yaml:"access_key_id"`
	Start     string `json:"start" yaml:"start"`
	End       string `json:"end" yaml:"end"`
}

// FileChange is an applied change in a file.
type FileChange struct {
	ID      string   `json:"id" yaml:"id"`
	Account string   `json:"account" yaml:"account"`
	Events  []string `json:"events" yaml:"events"`
	Keys    []string `json:"access_key_ids" yaml:"access_key_ids"`
	Start   string   `json:"start" yaml:"start"`
	End     string   `json:"end" yaml:"end"`
}

// ReadFile adds what a file says to the input. Unknown keys, and what nobody could judge
// by, are errors that name the file.
func ReadFile(fsys fs.FS, name, shown string, in *Input) error {
	file, body, err := rule.Document(rule.Source{FS: fsys, Name: shown}, name)
	if err != nil {
		return err
	}
	var f File
	if err := rule.Decode(file, body, &f); err != nil {
		return err
	}
	if f.Schema != FileSchema {
		return fmt.Errorf("%s: schema %q, want %s", file, f.Schema, FileSchema)
	}
	for i := range f.Requests {
		r, err := f.Requests[i].request()
		if err != nil {
			return fmt.Errorf("%s: request %d: %w", file, i+1, err)
		}
		in.Requests = append(in.Requests, r)
	}
	for i := range f.Scans {
		s, err := f.Scans[i].scan()
		if err != nil {
			return fmt.Errorf("%s: scan %d: %w", file, i+1, err)
		}
		in.Scans = append(in.Scans, s)
	}
	for i := range f.Changes {
		c, err := f.Changes[i].change()
		if err != nil {
			return fmt.Errorf("%s: change %d: %w", file, i+1, err)
		}
		in.Changes = append(in.Changes, c)
	}
	return nil
}

var (
	recordID  = regexp.MustCompile(`^[A-Z]{2}-[0-9A-Za-z]{1,40}$`)
	accessKey = regexp.MustCompile(`^[A-Z0-9]{4,128}$`)
	inScope   = regexp.MustCompile(`^[a-z0-9.-]{1,100}\.amazonaws\.com ([A-Za-z0-9]{1,128}\*?|\*)$`)
)

// reading keeps the first error of reading values one after the other.
type reading struct{ err error }

func (r *reading) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reading) id(text, prefix string) string {
	if !recordID.MatchString(text) || !strings.HasPrefix(text, prefix) {
		r.fail("id %q: want one that begins with %s", text, prefix)
	}
	return text
}

func (r *reading) account(text string) rootkeep.AccountID {
	a, err := rootkeep.ParseAccountID(text)
	if err != nil {
		r.fail("%w", err)
	}
	return a
}

// time reads a time; one that may be missing is zero then.
func (r *reading) time(name, text string, mayMiss bool) time.Time {
	if text == "" && mayMiss {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		r.fail("%s %q: want a time such as 2026-07-03T09:00:00Z", name, text)
	}
	return t.UTC()
}

func (r *reading) events(list []string) []string {
	for _, e := range list {
		if !inScope.MatchString(e) {
			r.fail("event %q: want a source and a name, such as iam.amazonaws.com DeleteLoginProfile", e)
		}
	}
	return list
}

func (r *reading) keys(list []string) []string {
	for _, k := range list {
		if !accessKey.MatchString(k) {
			r.fail("access key ID %q: want capitals and digits", k)
		}
	}
	return list
}

func (r *reading) networks(list []string) (out []netip.Prefix) {
	for _, text := range list {
		n, err := netip.ParsePrefix(text)
		if err != nil || n.Masked() != n {
			r.fail("network %q: want a range such as 198.51.100.0/24", text)
		}
		out = append(out, n)
	}
	return out
}

func (f *FileRequest) request() (Request, error) {
	var r reading
	out := Request{
		ID: r.id(f.ID, access.Prefix+"-"), Kind: access.Kind(f.Kind), Path: access.Path(f.Path), Events: r.events(f.Events),
		From: r.time("from", f.From, false), Until: r.time("until", f.Until, false), Session: time.Duration(f.Session) * time.Second,
		Networks: r.networks(f.Networks), Opened: r.time("opened", f.Opened, true), Closed: r.time("closed", f.Closed, true),
		Overrides: f.Override, Keys: r.keys(f.Keys), Device: f.Device,
	}
	for _, a := range f.Accounts {
		out.Accounts = append(out.Accounts, r.account(a))
	}
	for _, f := range f.Refused {
		out.Refusals = append(out.Refusals, Refusal{r.account(f.Account), r.time("start", f.Start, false), r.time("end", f.End, false)})
	}
	switch {
	case out.Kind != access.Use && out.Kind != access.Drill:
		r.fail("kind %q: want %s or %s", f.Kind, access.Use, access.Drill)
	case out.Path != access.SignIn && out.Path != access.Assumed:
		r.fail("path %q: want %s or %s", f.Path, access.SignIn, access.Assumed)
	case len(f.Accounts) == 0 || len(f.Events) == 0:
		r.fail("want an account and an event in scope")
	case out.Path == access.SignIn && len(f.Networks) == 0:
		r.fail("a sign-in needs the networks that it comes from")
	case !out.From.Before(out.Until) || out.Until.Sub(out.From) > access.LongestWindow:
		r.fail("window %s to %s: want one of at most %s", f.From, f.Until, access.LongestWindow)
	case out.Session < time.Minute || out.Session > access.LongestWindow:
		r.fail("session_seconds %d: want a minute or more, within the window", f.Session)
	}
	if r.err != nil {
		return Request{}, fmt.Errorf("%q: %w", f.ID, r.err)
	}
	return out, nil
}

func (f *FileScan) scan() (Scan, error) {
	var r reading
	out := Scan{Name: r.id(f.Name, "SC-"), Account: r.account(f.Account), AccessKey: f.AccessKey, Start: r.time("start", f.Start, false), End: r.time("end", f.End, false)}
	if f.AccessKey != "" {
		r.keys([]string{f.AccessKey})
	}
	return out, r.err
}

func (f *FileChange) change() (Change, error) {
	var r reading
	out := Change{
		ID: r.id(f.ID, "CH-"), Account: r.account(f.Account), Events: r.events(f.Events), Keys: r.keys(f.Keys),
		Start: r.time("start", f.Start, false), End: r.time("end", f.End, false),
	}
	return out, r.err
}
