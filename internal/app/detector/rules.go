package detector

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/guarded"
	"github.com/rootkeep/rootkeep/internal/detect/live"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Settings say which detections run, and what they know. The zero value has the shipped ones.
type Settings struct {
	Rules        []string      `yaml:"rules"`        // folders of own detections
	OnlyOwn      bool          `yaml:"only_own"`     // without the shipped ones
	Placeholders string        `yaml:"placeholders"` // file of the values of %name%
	DryRun       []string      `yaml:"dry_run"`      // names of rules on trial; of those of one's own also patterns such as ours-*
	GeoIP        []string      `yaml:"geoip"`        // databases in MaxMind's format
	Threats      []string      `yaml:"threats"`      // lists
	Relays       []string      `yaml:"relays"`       // lists
	Inventory    string        `yaml:"inventory"`    // file, a snapshot, or a folder of snapshots
	Lateness     rule.Duration `yaml:"lateness"`     // how late events may come: two hours if empty
	Memory       int           `yaml:"memory"`       // MB of state that is kept in memory: 64 if 0

	shipped *guarded.Shipped  // once they are loaded
	path    string            // of the file, "" for none
	held    [sha256.Size]byte // print of the files before they were loaded
}

const (
	mostSettings = 1 << 20 // bytes of a file
	mostFiles    = 100_000 // that are looked at for changes
	mostLateness = 7 * 24 * time.Hour
	followEvery  = 5 * time.Second
)

// Read reads a file of settings; "" gives what is shipped. Unknown keys are refused with
// their line.
func Read(file string) (Settings, error) {
	s := Settings{path: file}
	if file == "" {
		return s, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return s, fmt.Errorf("detections: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostSettings+1))
	if err == nil && len(text) > mostSettings {
		err = errors.New("larger than 1 MiB")
	}
	if err != nil {
		return s, fmt.Errorf("detections: %s: %w", file, err)
	}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&s); err != nil && !errors.Is(err, io.EOF) {
		return s, fmt.Errorf("detections: %s: %w; hint: docs/watch.md has the keys", file, err)
	}
	if err := s.check(); err != nil {
		return s, fmt.Errorf("detections: %s: %w", file, err)
	}
	return s, nil
}

func (s *Settings) check() error {
	for _, p := range s.DryRun {
		if _, err := path.Match(p, ""); err != nil {
			return fmt.Errorf("dry_run: %q: %w", p, err)
		}
	}
	switch {
	case s.OnlyOwn && len(s.Rules) == 0:
		return errors.New("only_own: without rules nothing is detected; hint: rules: [FOLDER]")
	case s.Lateness < 0 || time.Duration(s.Lateness) > mostLateness:
		return fmt.Errorf("lateness: %v: want at most %v", time.Duration(s.Lateness), mostLateness)
	case s.Memory < 0 || s.Memory > 1<<20:
		return fmt.Errorf("memory: %d MB", s.Memory)
	}
	return nil
}

// Load loads the detections. Those that cannot be used are left out and named in the pack's
// problems.
func (s *Settings) Load() (Rules, error) {
	var err error
	if s.held, err = s.print(); err != nil {
		return Rules{}, fmt.Errorf("detections: %w", err)
	}
	pack, err := s.pack()
	if err != nil {
		return Rules{}, fmt.Errorf("detections: %w", err)
	}
	atlas, err := app.Atlas(s.GeoIP, s.Threats, s.Relays)
	if err != nil {
		return Rules{}, fmt.Errorf("detections: %w", err)
	}
	watched, scans, err := app.Inventory(s.Inventory)
	if err != nil {
		return Rules{}, fmt.Errorf("detections: inventory: %w", err)
	}
	return Rules{Pack: pack, Options: live.Options{
		Lateness: time.Duration(s.Lateness), Memory: s.Memory << 20, Inventory: watched, Scans: scans, Atlas: atlas, DryRun: s.onTrial,
	}}, nil
}

// pack loads the detections. Those that are shipped and may not be suppressed, nothing of the
// user's own weakens either: who filters them, or has them on trial, answers to nobody, and
// for ever.
func (s *Settings) pack() (*detect.Pack, error) {
	shipped, err := app.LoadRules(app.RuleConfig{Placeholders: s.Placeholders})
	if err != nil {
		return nil, err
	}
	s.shipped = guarded.Of(shipped)
	for _, name := range s.DryRun {
		if s.shipped.Guarded(name) && !s.OnlyOwn {
			return nil, fmt.Errorf("dry_run: %s is shipped, and about root users or about what watches: it is never on trial; hint: close its alerts with a reason", name)
		}
	}
	c := app.RuleConfig{Dirs: s.Rules, OnlyDirs: s.OnlyOwn, Placeholders: s.Placeholders}
	if !s.OnlyOwn {
		c.Guards = s.shipped.Guards
	}
	return app.LoadRules(c)
}

// onTrial says whether a detection is on trial. One that is shipped is named whole: a pattern
// fits what nobody thought of, and what later versions bring.
func (s *Settings) onTrial(name string) bool {
	if s.shipped.Has(name) && !s.OnlyOwn {
		return !s.shipped.Guarded(name) && slices.Contains(s.DryRun, name)
	}
	return slices.ContainsFunc(s.DryRun, func(pattern string) bool {
		fits, err := path.Match(pattern, name)
		return err == nil && fits
	})
}

// print stands for the files that the detections come from, as they are now.
func (s *Settings) print() ([sha256.Size]byte, error) {
	h := sha256.New()
	left := mostFiles
	for _, root := range slices.Concat([]string{s.path, s.Placeholders, s.Inventory}, s.Rules, s.GeoIP, s.Threats, s.Relays) {
		if root == "" {
			continue
		}
		err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if left--; left < 0 {
				return fmt.Errorf("%s: more than %d files", root, mostFiles)
			}
			info, err := d.Info()
			if err == nil && !d.IsDir() {
				fmt.Fprintf(h, "%q %d %d\n", p, info.Size(), info.ModTime().UnixNano())
			}
			return err
		})
		if err != nil {
			return [sha256.Size]byte{}, err
		}
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// Follow loads the detections again when their files change, and says how that went: nil
// for detections that hold from now on. Files that cannot be used leave those that hold as
// they are.
func (d *Detector) Follow(ctx context.Context, s Settings, said func(error)) {
	d.follow(ctx, s, followEvery, said)
}

func (d *Detector) follow(ctx context.Context, s Settings, every time.Duration, said func(error)) {
	held := s.held
	last := held
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		now, err := s.print()
		if err != nil || now == held || now != last { // what changes still is read once it rests
			last = now
			continue
		}
		held = now
		again, err := d.reload(s.path)
		if err == nil {
			s, held, last = again, again.held, again.held
		}
		d.mu.Lock()
		d.fault = err
		d.mu.Unlock()
		said(err)
	}
}

func (d *Detector) reload(file string) (Settings, error) {
	s, err := Read(file)
	if err != nil {
		return s, err
	}
	rules, err := s.Load()
	if err != nil {
		return s, err
	}
	var faults []error
	for _, p := range rules.Pack.Problems {
		if !p.Warning {
			faults = append(faults, errors.New(p.String()))
		}
	}
	if len(faults) > 0 {
		return s, errors.Join(faults...)
	}
	d.Replace(rules)
	return s, nil
}

// Catalogue lists the detections that hold.
func (d *Detector) Catalogue() []detect.Detection { return d.current().Pack.Catalogue() }

// Standing is what holds, and what is wrong with the files that it came from.
type Standing struct {
	Detections []detect.Detection
	Problems   []detect.Problem       // of the files of those that hold
	OnTrial    func(name string) bool // nobody is told of its alerts
	Guarded    func(name string) bool // its alerts are never suppressed
	Fault      error                  // why files that changed since are not used, nil if they are
}

// Standing gives the detections that hold, for a catalogue.
func (d *Detector) Standing() Standing {
	d.mu.Lock()
	now, fault := d.rules, d.fault
	d.mu.Unlock()
	trial := now.Options.DryRun
	if trial == nil {
		trial = func(string) bool { return false }
	}
	return Standing{now.Pack.Catalogue(), now.Pack.Problems, trial, now.guards, fault}
}
