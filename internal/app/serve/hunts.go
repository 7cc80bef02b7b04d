package serve

import (
	"bytes"
	"context"
	"crypto/sha256"
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
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/report"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	webhunts "github.com/rootkeep/rootkeep/internal/web/hunts"
)

// huntKind is the kind of jobs that hunt through a place of logs.
const huntKind = "hunt"

// Logs is a place of logs that the server may hunt through. Only the file of the settings
// names places: what a browser or a token sends names one of them, and no path.
type Logs struct {
	Name      string   `yaml:"name"`      // small letters, digits and -
	Paths     []string `yaml:"paths"`     // files, folders, zips or globs, absolute
	Keys      []string `yaml:"keys"`      // CloudTrail's public keys, for proven hours
	Rules     []string `yaml:"rules"`     // folders of own detections
	GeoIP     []string `yaml:"geoip"`     // MaxMind-format databases
	Threats   []string `yaml:"threats"`   // lists of addresses that raise the level
	Relays    []string `yaml:"relays"`    // lists of relays and VPNs
	Inventory string   `yaml:"inventory"` // file of what is watched, or a folder of snapshots
	Days      int      `yaml:"days"`      // only events of the last so many days; 0: all
}

const (
	mostLogsFile = 256 << 10 // bytes of the file
	mostLogs     = 100       // places in it
	mostDays     = 10 * 366
)

var logsName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,59}$`)

// hunts reads the file of places, if there is one.
func (c *Settings) hunts() ([]Logs, error) {
	if c.Hunts == "" {
		return nil, nil
	}
	f, err := os.Open(c.Hunts)
	if err != nil {
		return nil, fmt.Errorf("hunts: %w", err)
	}
	defer f.Close()
	list, err := parseLogs(io.LimitReader(f, mostLogsFile+1))
	if err != nil {
		return nil, fmt.Errorf("hunts: %s: %w", c.Hunts, err)
	}
	return list, nil
}

func parseLogs(r io.Reader) ([]Logs, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if len(body) > mostLogsFile {
		return nil, fmt.Errorf("more than %d KiB", mostLogsFile>>10)
	}
	var file struct {
		Hunts []Logs `yaml:"hunts"`
	}
	if err := yaml.NewDecoder(bytes.NewReader(body), yaml.Strict()).Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(file.Hunts) > mostLogs {
		return nil, fmt.Errorf("%d places, at most %d", len(file.Hunts), mostLogs)
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

func (l *Logs) check() error {
	switch {
	case !logsName.MatchString(l.Name):
		return fmt.Errorf("name %q: want small letters, digits and -", l.Name)
	case len(l.Paths) == 0:
		return errors.New("paths: want at least one")
	case l.Days < 0 || l.Days > mostDays:
		return fmt.Errorf("days %d: want 0 to %d", l.Days, mostDays)
	}
	for _, path := range slices.Concat(l.Paths, l.Keys, l.Rules, l.GeoIP, l.Threats, l.Relays, []string{l.Inventory}) {
		if path != "" && !filepath.IsAbs(path) {
			return fmt.Errorf("path %q: want an absolute one: where a server was started is not where its logs lie", path)
		}
	}
	return nil
}

// config is a hunt through the place.
func (l *Logs) config(now time.Time) app.HuntConfig {
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

// logsOf finds the place that a payload names.
func (c *Settings) logsOf(payload []byte) (*Logs, error) {
	var p huntJob
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("settings of a hunt: %w", err)
	}
	places, err := c.hunts()
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

// hunt hunts through a place of logs and keeps what it found. A job that comes again when
// its hunt is kept already does nothing.
func (h *house) hunt(ctx context.Context, j *job.Job, say func(string)) error {
	place, err := h.settings.logsOf(j.Payload)
	if err != nil {
		return job.Permanent(err)
	}
	id := "HU-" + strings.TrimPrefix(j.ID, "JO-")
	if known, err := h.knowsHunt(ctx, id); err != nil || known {
		return err
	}
	c := place.config(h.now())
	c.Now = h.now
	c.Progress = func(p report.Progress) { say(fmt.Sprintf("%s: %s events read", place.Name, text.Grouped(p.Events))) }
	found, err := h.keepHunt(ctx, id, c)
	if err != nil {
		return err
	}
	said := fmt.Sprintf("%s: %s events, %s", place.Name, text.Grouped(found.Totals.Events), text.Counted(len(found.Alerts), "alert"))
	if n := found.Totals.Unread; n > 0 {
		said += fmt.Sprintf("; %d objects were not read: see %s", n, id)
	}
	say(said)
	return nil
}

func (h *house) knowsHunt(ctx context.Context, id string) (known bool, err error) {
	err = h.store.View(ctx, func(ctx context.Context, r *store.Reader) error {
		sight, err := hunts.SightOf(ctx, r, people.Actor{ID: people.SystemActor.ID, Kind: people.System, Grants: []people.Grant{{Role: people.Viewer, Scope: people.Everywhere}}})
		if err != nil {
			return err
		}
		_, err = hunts.ByID(ctx, r, sight, id)
		known = err == nil
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	return known, err
}

// keepHunt hunts, and keeps the result as if it had been sent.
func (h *house) keepHunt(ctx context.Context, id string, c app.HuntConfig) (*report.Hunt, error) {
	var memory app.Memory
	c.Memory, c.Version = &memory, h.settings.Version
	found, err := app.Hunt(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err // what was found so far is not all: the next attempt reads it all
	}
	up, err := app.Upload(found, &memory)
	if err != nil {
		return nil, err
	}
	result, err := webhunts.Read(up)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(up)
	if err != nil {
		return nil, err
	}
	result.ID, result.Actor, result.Digest = id, people.SystemActor.ID, sha256.Sum256(body)
	return found, h.store.Update(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, _, err := hunts.Take(ctx, tx, result)
		return err
	})
}
