// Package sources reads which live sources an operator names, and opens them: a file goes in,
// with the roles that they are read in.
package sources

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/session"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/internal/scanrole"
	"github.com/rootkeep/rootkeep/internal/stream/live"
	"github.com/rootkeep/rootkeep/internal/stream/live/folder"
	"github.com/rootkeep/rootkeep/internal/stream/live/lookup"
	"github.com/rootkeep/rootkeep/internal/watchrole"
)

// Config is a live source as the operator names it: one of folder, queue, bucket and
// lookup.
type Config struct {
	Name   string  `yaml:"name"`
	Folder string  `yaml:"folder"` // path
	Days   int     `yaml:"days"`   // of folder: how far back CloudTrail's layout is looked at; 0 is 7
	Queue  *Queue  `yaml:"queue"`
	Bucket *Bucket `yaml:"bucket"`
	Lookup *Lookup `yaml:"lookup"`
	// Every is how often it is looked for something new: a second for a folder, a minute
	// for a bucket and the event history. A queue tells by itself.
	Every rule.Duration `yaml:"every"`
	// SilentAfter is how long a source of log files may bring nothing before somebody is
	// told.
	SilentAfter rule.Duration `yaml:"silent_after"`
}

// Lookup says which accounts and Regions are asked, and with which role.
type Lookup struct {
	Accounts []string `yaml:"accounts"`
	Regions  []string `yaml:"regions"`
	Role     string   `yaml:"role"` // its name in each account; that of scans if empty
	Access   `yaml:",inline"`
	Region   string        `yaml:"region"` // where STS is asked
	Begin    rule.Duration `yaml:"begin"`  // how far back a new source begins: a day if empty
}

const (
	mostSources  = 32
	mostPlaces   = 5000
	mostFile     = 1 << 20 // bytes
	usualSilence = 6 * time.Hour
	// sessionName is that of the sessions of a lookup, and their source identity, which
	// the role of scans asks for. They open no session of a root user.
	sessionName = watchrole.Source
)

var sourceName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// Names are those of the sources in a file, none for no file.
func Names(path string) ([]string, error) {
	if path == "" {
		return nil, nil
	}
	list, err := Read(path)
	var out []string
	for _, s := range list {
		out = append(out, s.Name)
	}
	return out, err
}

// Read reads a file of sources: sources:, a list. Unknown keys are refused with
// their line.
func Read(path string) ([]Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("live sources: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostFile+1))
	if err == nil && len(text) > mostFile {
		err = errors.New("larger than 1 MiB")
	}
	if err != nil {
		return nil, fmt.Errorf("live sources: %s: %w", path, err)
	}
	var c struct {
		Sources []Config `yaml:"sources"`
	}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("live sources: %s: %w; hint: docs/watch.md has the keys", path, err)
	}
	if len(c.Sources) == 0 || len(c.Sources) > mostSources {
		return nil, fmt.Errorf("live sources: %s: %d sources, want 1 to %d", path, len(c.Sources), mostSources)
	}
	seen := map[string]bool{}
	for i := range c.Sources {
		s := &c.Sources[i]
		if !sourceName.MatchString(s.Name) || seen[s.Name] {
			return nil, fmt.Errorf("live sources: %s: source %d: name %q: want small letters, digits and -, once", path, i+1, s.Name)
		}
		seen[s.Name] = true
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("live sources: %s: source %s: %w", path, s.Name, err)
		}
	}
	return c.Sources, nil
}

func (s *Config) check() error {
	switch {
	case s.kinds() != 1:
		return errors.New("want one of folder, queue, bucket and lookup")
	case s.Every < 0 || s.SilentAfter < 0 || s.Days < 0:
		return errors.New("a negative time")
	case s.Days != 0 && s.Folder == "":
		return errors.New("days belongs to a folder")
	case s.Every != 0 && s.Queue != nil:
		return errors.New("every belongs to what is looked at again and again: a queue tells by itself")
	case s.Lookup != nil && s.SilentAfter != 0:
		return errors.New("silent_after belongs to log files: an event history without events of root is no silence")
	case s.Lookup != nil:
		return s.Lookup.check()
	}
	_, err := s.Open(time.Now)
	return err
}

// kinds is how many kinds of source it is.
func (s *Config) kinds() int {
	n := 0
	for _, is := range []bool{s.Folder != "", s.Queue != nil, s.Bucket != nil, s.Lookup != nil} {
		if is {
			n++
		}
	}
	return n
}

func (l *Lookup) check() error {
	if len(l.Accounts) == 0 || len(l.Regions) == 0 {
		return errors.New("lookup: want accounts and regions; hint: regions: [us-east-1] has the events of global services")
	}
	if n := len(l.Accounts) * len(l.Regions); n > mostPlaces {
		return fmt.Errorf("lookup: %d accounts and Regions, at most %d: AWS takes two questions a second of each; hint: a folder with the organization's trail", n, mostPlaces)
	}
	if _, err := accounts(l.Accounts); err != nil {
		return fmt.Errorf("lookup: %w", err)
	}
	for _, r := range l.Regions {
		if _, err := rootkeep.ParseRegion(r); err != nil {
			return fmt.Errorf("lookup: %w", err)
		}
	}
	return nil
}

func (s *Config) folder(now func() time.Time) folder.Config {
	return folder.Config{Name: s.Name, Path: s.Folder, Days: s.Days, Every: time.Duration(s.Every), Now: now}
}

// Silence is how long the source may bring nothing; 0 is for ever.
func (s *Config) Silence() time.Duration {
	switch {
	case s.SilentAfter != 0:
		return time.Duration(s.SilentAfter)
	case s.Lookup != nil, s.Queue != nil && len(s.Queue.Buckets) == 0: // events of root are rare
		return 0
	}
	return usualSilence
}

// Open makes the source. AWS is asked when it runs, not before.
func (s *Config) Open(now func() time.Time) (live.Source, error) {
	switch {
	case s.Queue != nil:
		return s.Queue.open(s.Name, now)
	case s.Bucket != nil:
		return s.Bucket.open(s.Name, time.Duration(s.Every), now)
	case s.Lookup == nil:
		return folder.New(s.folder(now))
	}
	var places []lookup.Place
	for _, a := range s.Lookup.Accounts {
		for _, r := range s.Lookup.Regions {
			places = append(places, lookup.Place{Account: rootkeep.AccountID(a), Region: r})
		}
	}
	enter := func(ctx context.Context) (lookup.Sessions, error) { return s.Lookup.sessions(ctx, now) }
	return lookup.New(lookup.Config{Name: s.Name, Places: places, Open: enter, Every: time.Duration(s.Every), Begin: time.Duration(s.Lookup.Begin), Now: now})
}

// sessions are those of the role in each account.
func (l *Lookup) sessions(ctx context.Context, now func() time.Time) (*session.Sessions, error) {
	out, _, err := l.enter(ctx, cmp.Or(l.Role, scanrole.Name), l.Region, now)
	return out, err
}
