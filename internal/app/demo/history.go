package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
// administrator's keys, as for any scan. Afterwards the world is in the present.
func (w *World) Live(ctx context.Context, h History) error {
	if h.Folder == "" {
		return errors.New("demo: a folder is required")
	}
	chance := rand.New(rand.NewPCG(seed, 1))
	for day := range w.days {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := w.workday(ctx, &h, day, chance); err != nil {
			return err
		}
		if day%review == 0 || day == w.days-1 {
			if err := w.review(ctx, h, day); err != nil {
				return fmt.Errorf("day %d: %w", day, err)
			}
		}
		if h.Day != nil {
			h.Day(day+1, w.days)
		}
	}
	w.clock.set(time.Time{})
	return nil
}

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
	logs := filepath.Join(h.Folder, "trail")
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
	return h.Hunt(ctx, c)
}

// deliver copies what lies in the log bucket to a folder, digest files with their
// signatures, and gives the file of the public keys, if there are any.
func (w *World) deliver(folder string) (keys []string, err error) {
	var objects map[string]s3.Object
	w.cloud.Do(func() { objects = s3.Objects(w.cloud, w.bucket()) })
	regions := map[string]bool{} // that digests are of
	for key, o := range objects {
		if _, below, found := strings.Cut(key, "/CloudTrail-Digest/"); found {
			region, _, _ := strings.Cut(below, "/")
			regions[region] = true
		}
		path := filepath.Join(folder, filepath.FromSlash(key))
		if _, err := os.Stat(path); err == nil {
			continue // objects of a trail never change
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, o.Body, 0o600); err != nil {
			return nil, err
		}
		if strings.Contains(key, "/CloudTrail/") {
			w.fresh = append(w.fresh, path)
		}
		if strings.Contains(key, "/CloudTrail-Digest/") {
			side, err := json.Marshal(map[string]any{"ContentType": "application/json", "Metadata": o.Metadata})
			if err != nil {
				return nil, err
			}
			if err := os.WriteFile(path+digest.SidecarSuffix, side, 0o600); err != nil {
				return nil, err
			}
		}
	}
	return w.publicKeys(folder+"-keys.json", slices.Sorted(maps.Keys(regions)))
}

// publicKeys writes what aws cloudtrail list-public-keys prints in the Regions, unless
// nothing was signed yet. Each Region has a key of its own.
func (w *World) publicKeys(path string, regions []string) ([]string, error) {
	a := w.account("management")
	all := []any{}
	for _, region := range regions {
		out, err := w.cloud.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, a.Users["admin"]), Region: region, Service: "cloudtrail", Operation: "ListPublicKeys", Parameters: map[string]any{}})
		if err != nil {
			return nil, fmt.Errorf("demo: list the trail's public keys in %s: %w", region, err)
		}
		list, _ := out["PublicKeyList"].([]any)
		all = append(all, list...)
	}
	if len(all) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(map[string]any{"PublicKeyList": all})
	if err != nil {
		return nil, err
	}
	return []string{path}, os.WriteFile(path, text, 0o600)
}
