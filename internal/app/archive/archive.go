// Package archive reads the file of places of logs that a server may hunt through.
package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/stream/s3"
)

// Place is a place of logs that the server may hunt through. Only the file of the settings
// names places: what a browser or a token sends names one of them, and no path.
type Place struct {
	Name      string   `yaml:"name"`      // small letters, digits and -
	Paths     []string `yaml:"paths"`     // files, folders, zips or globs, absolute, or s3://BUCKET/PREFIX
	Keys      []string `yaml:"keys"`      // CloudTrail's public keys, for proven hours
	Rules     []string `yaml:"rules"`     // folders of own detections
	GeoIP     []string `yaml:"geoip"`     // MaxMind-format databases
	Threats   []string `yaml:"threats"`   // lists of addresses that raise the level
	Relays    []string `yaml:"relays"`    // lists of relays and VPNs
	Inventory string   `yaml:"inventory"` // file of what is watched, or a folder of snapshots
	Days      int      `yaml:"days"`      // only events of the last so many days; 0: all
}

const (
	mostFile   = 256 << 10 // bytes of the file
	mostPlaces = 100       // places in it
	mostDays   = 10 * 366
)

var placeName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,59}$`)

// Read reads the file of places; "" is none.
func Read(path string) ([]Place, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("hunts: %w", err)
	}
	defer f.Close()
	list, err := parse(io.LimitReader(f, mostFile+1))
	if err != nil {
		return nil, fmt.Errorf("hunts: %s: %w", path, err)
	}
	return list, nil
}

func parse(r io.Reader) ([]Place, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if len(body) > mostFile {
		return nil, fmt.Errorf("more than %d KiB", mostFile>>10)
	}
	var file struct {
		Hunts []Place `yaml:"hunts"`
	}
	if err := yaml.NewDecoder(bytes.NewReader(body), yaml.Strict()).Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(file.Hunts) > mostPlaces {
		return nil, fmt.Errorf("%d places, at most %d", len(file.Hunts), mostPlaces)
	}
	seen := map[string]bool{}
	for i, l := range file.Hunts {
		if err := l.check(); err != nil {
			return nil, fmt.Errorf("place %d: %w", i+1, err)
		}
		if seen[l.Name] {
			return nil, fmt.Errorf("place %d: a second one with the name %s", i+1, l.Name)
		}
		seen[l.Name] = true
	}
	return file.Hunts, nil
}

func (l *Place) check() error {
	switch {
	case !placeName.MatchString(l.Name):
		return fmt.Errorf("name %q: want small letters, digits and -", l.Name)
	case len(l.Paths) == 0:
		return errors.New("paths: want at least one")
	case l.Days < 0 || l.Days > mostDays:
		return fmt.Errorf("days %d: want 0 to %d", l.Days, mostDays)
	}
	local := slices.DeleteFunc(slices.Clone(l.Paths), s3.Is)
	if len(local) < len(l.Paths) && len(l.Keys) > 0 {
		return errors.New("keys: digests are verified of a copy only, not in a bucket; hint: two places, one of the copy with keys")
	}
	for _, path := range l.Paths {
		if !s3.Is(path) {
			continue
		}
		if _, err := s3.Parse(path); err != nil {
			return err
		}
	}
	for _, path := range slices.Concat(local, l.Keys, l.Rules, l.GeoIP, l.Threats, l.Relays, []string{l.Inventory}) {
		if path != "" && !filepath.IsAbs(path) {
			return fmt.Errorf("path %q: want an absolute one: where a server was started is not where its logs lie", path)
		}
	}
	return nil
}

// Hunt is a hunt through the place.
func (l *Place) Hunt(now time.Time) app.HuntConfig {
	c := app.HuntConfig{
		Paths: l.Paths, Keys: l.Keys, GeoIP: l.GeoIP, ThreatLists: l.Threats, RelayLists: l.Relays, Inventory: l.Inventory,
		Rules: app.RuleConfig{Dirs: l.Rules},
	}
	if l.Days > 0 {
		c.Since = now.AddDate(0, 0, -l.Days)
	}
	return c
}

// huntJob is the payload of a job that hunts.
type huntJob struct {
	Logs string `json:"logs"` // name of the place
}

// Find finds the place that the payload of a job names, in the file of places.
func Find(path string, payload []byte) (*Place, error) {
	var p huntJob
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("settings of a hunt: %w", err)
	}
	places, err := Read(path)
	if err != nil {
		return nil, err
	}
	if len(places) == 0 {
		return nil, errors.New("settings of a hunt: the server's settings name no place of logs; hint: the setting hunts, see docs/server.md")
	}
	names := make([]string, len(places))
	for i := range places {
		if names[i] = places[i].Name; p.Logs == names[i] {
			return &places[i], nil
		}
	}
	return nil, fmt.Errorf("settings of a hunt: logs %q: want %s", p.Logs, strings.Join(names, " or "))
}
