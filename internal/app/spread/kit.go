package spread

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/app"
)

// kit is what a process needs to read for a hunt as the one that hunts would.
type kit struct {
	Version      string   `json:"version"`
	Content      string   `json:"content"` // SHA-256 of the shipped detections
	OnlyDirs     bool     `json:"only_dirs"`
	Rules        []folder `json:"rules"`
	Placeholders []folder `json:"placeholders"`
	GeoIP        []folder `json:"geoip"`
	Threats      []folder `json:"threats"`
	Relays       []folder `json:"relays"`
	Region       string   `json:"region"`
	Role         string   `json:"role"`
}

// folder is files by their paths, with slashes.
type folder map[string][]byte

const mostKit = 512 << 20 // bytes of files

// pack puts a kit together.
func pack(c app.HuntConfig) ([]byte, error) {
	sum, err := shipped()
	if err != nil {
		return nil, err
	}
	k := kit{Version: c.Version, Content: sum, OnlyDirs: c.Rules.OnlyDirs, Region: c.Bucket.Region, Role: c.Bucket.Role}
	left := int64(mostKit)
	for _, part := range []struct {
		to    *[]folder
		paths []string
	}{{&k.Rules, c.Rules.Dirs}, {&k.Placeholders, given(c.Rules.Placeholders)}, {&k.GeoIP, c.GeoIP}, {&k.Threats, c.ThreatLists}, {&k.Relays, c.RelayLists}} {
		for _, path := range part.paths {
			f, err := read(path, &left)
			if err != nil {
				return nil, err
			}
			*part.to = append(*part.to, f)
		}
	}
	return json.Marshal(k)
}

func given(path string) []string {
	if path == "" {
		return nil
	}
	return []string{path}
}

// read reads a file, or all below a folder.
func read(path string, left *int64) (folder, error) {
	out := folder{}
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if *left -= int64(len(text)); *left < 0 {
			return errors.New("rules and lists are larger than 512 MiB, too much to send along; hint: hunt without --distribute")
		}
		inside, err := filepath.Rel(path, name)
		if inside == "." { // the path is a file
			inside = filepath.Base(name)
		}
		out[filepath.ToSlash(inside)] = text
		return err
	})
	return out, err
}

// shipped is the SHA-256 of what the program carries.
func shipped() (string, error) {
	h := sha256.New()
	err := fs.WalkDir(content.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := content.Files.ReadFile(name)
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

// unpack lays a kit out in an empty folder. The settings that it gives are for reading.
func unpack(text []byte, dir string) (k kit, c app.HuntConfig, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&k); err != nil {
		return k, c, fmt.Errorf("the kit of a hunt: %w", err)
	}
	c.Rules.OnlyDirs, c.Bucket.Region, c.Bucket.Role = k.OnlyDirs, k.Region, k.Role
	var placeholders []string
	for kind, part := range map[string]struct {
		from []folder
		to   *[]string
	}{"rules": {k.Rules, &c.Rules.Dirs}, "placeholders": {k.Placeholders, &placeholders}, "geoip": {k.GeoIP, &c.GeoIP}, "threats": {k.Threats, &c.ThreatLists}, "relays": {k.Relays, &c.RelayLists}} {
		for i, f := range part.from {
			path, err := f.write(filepath.Join(dir, kind, strconv.Itoa(i)))
			if err != nil {
				return k, c, err
			}
			if kind != "rules" { // the others are files
				for name := range f {
					path = filepath.Join(path, filepath.FromSlash(name))
				}
			}
			*part.to = append(*part.to, path)
		}
	}
	if len(placeholders) > 0 {
		c.Rules.Placeholders = placeholders[0]
	}
	return k, c, nil
}

func (f folder) write(dir string) (string, error) {
	for name, text := range f {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return "", fmt.Errorf("the kit of a hunt: %q leads out of its folder", name)
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return "", err
		}
	}
	return dir, os.MkdirAll(dir, 0o700)
}
