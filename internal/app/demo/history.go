package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/internal/app"
	"github.com/rootkeep/rootkeep/internal/app/scan"
	"github.com/rootkeep/rootkeep/internal/awsread"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/s3"
	"github.com/rootkeep/rootkeep/internal/awssim/trail"
)

// History is done as the story goes on, in the order of its time.
type History struct {
	Folder string // for snapshots and logs; it must be there
	// Day hears of each day that has passed, of so many; nil for nobody.
	Day func(day, days int)
	// Scan scans the organization as it is then. Nil: nobody scans.
	Scan func(context.Context, scan.Config) error
	// Hunt hunts through everything that the trail delivered until then. Nil: nobody hunts.
	Hunt func(context.Context, app.HuntConfig) error
	// Root is what people do about uses of root. Nil: there is no server, and root is used
	// all the same.
	Root Root
}

// review is how often the story is scanned and hunted through, days.
const review = 7

// Live lets the weeks pass. The environment must name the world's endpoint and its
// administrator's keys, as for any scan. Afterwards the world is in the present. Where nobody
// hunts, as when a past that is kept is lived through again, no digest is signed and what the
// trail delivered goes nowhere.
func (w *World) Live(ctx context.Context, h History) error {
	if h.Folder == "" {
		return errors.New("demo: a folder is required")
	}
	trail.Unsigned(w.cloud, h.Hunt == nil)
	chance := rand.New(rand.NewPCG(seed, 1))
	for day := range w.days {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.workday(ctx, &h, day, chance); err != nil {
			return err
		}
		last := day == w.days-1
		if last {
			if err := w.workday(ctx, &h, w.days, chance); err != nil { // what has passed of today
				return err
			}
		}
		if last || day%review == 0 {
			if err := w.review(ctx, h, day); err != nil {
				return fmt.Errorf("day %d: %w", day, err)
			}
		}
		if h.Day != nil {
			h.Day(day+1, w.days)
		}
	}
	return w.arrived(h)
}

// arrived has the world be in the present: what it makes from here on is not what it made when
// it came here the last time.
func (w *World) arrived(h History) error {
	w.clock.set(time.Time{})
	w.cloud.Reseed(uint64(w.Now().Unix()))
	trail.Unsigned(w.cloud, false)
	if h.Hunt == nil {
		w.discard()
		return nil
	}
	_, err := w.deliver(filepath.Join(h.Folder, Trail))
	return err
}

// Folders of log files below that of a History: all of them, and those of the present alone.
const (
	Trail = "trail"
	Live  = "live"
)

// review scans the organization and hunts through its trail.
func (w *World) review(ctx context.Context, h History, day int) error {
	folder := filepath.Join(h.Folder, fmt.Sprintf("scan-%02d", day))
	if h.Scan != nil {
		if err := h.Scan(ctx, scan.Config{
			AWS: &scan.AWSConfig{Region: "us-east-1", Now: w.clock.now, Sleep: func(_ context.Context, d time.Duration) error {
				w.clock.pass(d)
				return nil
			}},
			Organization: &scan.OrganizationConfig{Entry: awsread.Entry{Role: awsread.UsualRole}},
			Save:         folder, Now: w.clock.now(),
		}); err != nil {
			return err
		}
	}
	if h.Hunt == nil {
		return nil
	}
	logs := filepath.Join(h.Folder, Trail)
	keys, err := w.deliver(logs)
	if err != nil {
		return err
	}
	countries, err := writeGeography(h.Folder)
	if err != nil {
		return err
	}
	c := app.HuntConfig{Paths: []string{logs}, Keys: keys, GeoIP: []string{countries}, Now: w.clock.now}
	if h.Scan != nil {
		c.Inventory = folder
	}
	if err := h.Hunt(ctx, c); err != nil || h.Root == nil {
		return err
	}
	return h.Root.Triage(ctx)
}

// deliver moves what lies in the log bucket to a folder, digest files with their
// signatures, and gives the file of the public keys, if there are any. Log files go to the
// folders of copies as well.
func (w *World) deliver(folder string, copies ...string) (keys []string, err error) {
	var objects map[string]s3.Object
	w.cloud.Do(func() {
		objects = s3.Empty(w.cloud, w.bucket())
		for _, name := range workloads {
			s3.Empty(w.cloud, ownBucket(w.account(name).ID)) // the same events again
		}
	})
	signed := len(w.signed)
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		path := filepath.Join(folder, filepath.FromSlash(key))
		if err := write(path, objects[key].Body); err != nil {
			return nil, err
		}
		_, below, found := strings.Cut(key, "/CloudTrail-Digest/")
		if !found {
			w.fresh = append(w.fresh, path)
			for _, c := range copies {
				if err := write(filepath.Join(c, filepath.FromSlash(key)), objects[key].Body); err != nil {
					return nil, err
				}
			}
			continue
		}
		region, _, _ := strings.Cut(below, "/")
		w.signed[region] = true
		side, err := json.Marshal(map[string]any{"ContentType": "application/json", "Metadata": objects[key].Metadata})
		if err != nil {
			return nil, err
		}
		if err := write(path+digest.SidecarSuffix, side); err != nil {
			return nil, err
		}
	}
	if path := KeysOf(folder); len(w.signed) > 0 {
		keys = []string{path}
		if len(w.signed) > signed {
			err = w.publicKeys(path)
		}
	}
	return keys, err
}

// write writes a file at once: whoever watches its folder sees all of it, or nothing.
func write(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	part := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	return errors.Join(os.WriteFile(part, content, 0o600), os.Rename(part, path))
}

// KeysOf is the file with the public keys of the digests in a folder.
func KeysOf(folder string) string { return folder + "-keys.json" }

// publicKeys adds what aws cloudtrail list-public-keys prints to a file, for each Region that
// has signed something: each has a key of its own. A past that was lived through again has
// other keys than the files of the first time.
func (w *World) publicKeys(path string) error {
	a := w.account("management")
	var all struct{ PublicKeyList []any }
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("demo: the trail's public keys: %w", err)
	}
	known := map[any]bool{}
	add := func(k any) {
		if key, ok := k.(map[string]any); ok && !known[key["Fingerprint"]] {
			known[key["Fingerprint"]] = true
			all.PublicKeyList = append(all.PublicKeyList, key)
		}
	}
	old := all.PublicKeyList
	all.PublicKeyList = nil
	for _, k := range old {
		add(k)
	}
	for _, region := range slices.Sorted(maps.Keys(w.signed)) {
		out, err := w.cloud.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, a.Users["admin"]), Region: region, Service: "cloudtrail", Operation: "ListPublicKeys", Parameters: map[string]any{}})
		if err != nil {
			return fmt.Errorf("demo: list the trail's public keys in %s: %w", region, err)
		}
		list, _ := out["PublicKeyList"].([]any)
		for _, k := range list {
			add(k)
		}
	}
	if text, err = json.Marshal(all); err != nil {
		return err
	}
	return write(path, text)
}
