package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/iam/template"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/detect/cases"
	"github.com/rootkeep/rootkeep/internal/detect/origin"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/sigma"
)

// RuleConfig says which detections are loaded.
type RuleConfig struct {
	Dirs         []string // the user's own, beside the shipped pack
	OnlyDirs     bool     // without the shipped pack
	Placeholders string   // YAML file: name -> list of values
	// Guards says which documents a filter or a correlation may not weaken, see sigma.Options.
	Guards func(document, by *sigma.Header) bool
}

// maxSettingsFile bounds the small files that a user names, bytes.
const maxSettingsFile = 16 << 20

// LoadRules compiles the shipped pack and the user's folders together.
func LoadRules(c RuleConfig) (*detect.Pack, error) {
	var sources []rule.Source
	if !c.OnlyDirs {
		sources = append(sources, rule.Source{FS: content.Files, Dir: "detections"})
	}
	for _, dir := range c.Dirs {
		src, err := ruleSource(dir)
		if err != nil {
			return nil, err
		}
		sources = append(sources, src)
	}
	if len(sources) == 0 {
		return nil, errors.New("no detections: the shipped pack is switched off and --rules names no folder")
	}
	o := detect.LoadOptions{Guards: c.Guards}
	renumbering, err := content.Files.ReadFile("attack/v19.yaml")
	if err != nil {
		return nil, err
	}
	if err := yaml.UnmarshalWithOptions(renumbering, &o.Renumbered, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("attack/v19.yaml: %w", err)
	}
	if c.Placeholders != "" {
		if err := readYAML(c.Placeholders, &o.Placeholders); err != nil {
			return nil, err
		}
	}
	pack, err := detect.Load(sources, o)
	if err == nil && len(pack.Set.Rules())+len(pack.Documents) == 0 && len(pack.Problems) == 0 {
		err = fmt.Errorf("no detection below %s: a detection file ends in .yaml or .yml", strings.Join(c.Dirs, ", "))
	}
	return pack, err
}

// ruleSource takes a folder or a single file.
func ruleSource(path string) (rule.Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return rule.Source{}, fmt.Errorf("read detections: %w", err)
	}
	if info.IsDir() {
		return rule.Source{FS: os.DirFS(path), Dir: ".", Name: path}, nil
	}
	dir, name := filepath.Split(path)
	return rule.Source{FS: os.DirFS(filepath.Clean(dir)), Dir: name, Name: path}, nil
}

// readYAML decodes a small YAML or JSON file strictly.
func readYAML(path string, into any) error {
	text, err := readSmall(path)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalWithOptions(text, into, yaml.Strict()); err != nil {
		return fmt.Errorf("%s: %s", path, yaml.FormatError(err, false, true))
	}
	return nil
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSettingsFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSettingsFile {
		return nil, fmt.Errorf("%s: more than %d MB, want a small file", path, maxSettingsFile>>20)
	}
	return text, nil
}

// Atlas reads databases in MaxMind's format, lists of threats and lists of relays.
func Atlas(databases, threats, relays []string) (*origin.Atlas, error) {
	atlas := &origin.Atlas{}
	for _, path := range databases {
		file, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if err := atlas.AddDatabase(file); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, path := range threats {
		if err := readList(&atlas.Threats, path); err != nil {
			return nil, err
		}
	}
	for _, path := range relays {
		if err := readList(&atlas.Relays, path); err != nil {
			return nil, err
		}
	}
	return atlas, nil
}

func readList(list *origin.List, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return list.Read(path, f)
}

// TestRules runs the cases of a pack. Base events come with the program; a
// folder events below one of the given paths adds the user's own.
func TestRules(ctx context.Context, pack *detect.Pack, paths []string) ([]cases.Result, error) {
	bases, err := rule.LoadBases(content.Files, "events")
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		own, err := rule.LoadBases(os.DirFS(path), "events")
		if err != nil {
			return nil, err
		}
		maps.Copy(bases, own)
	}
	return cases.Run(ctx, pack, bases), nil
}

// NewRule is the text of a detection to start from; path gives its name.
func NewRule(path string) ([]byte, error) {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, err
	}
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80 // version 4, RFC 9562 section 5.4
	uuid := fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
	return fmt.Appendf(nil, newRule, strings.ReplaceAll(name, "-", " "), uuid, name, time.Now().UTC().Format(time.DateOnly)), nil
}

const newRule = `title: %s
id: %s
name: %s
status: experimental
description: Say what happened and why somebody should care.
author: you
date: %s
tags:
  - attack.persistence
  - attack.t1098.001
logsource: {product: aws, service: cloudtrail}
detection:
  selection:
    eventSource: iam.amazonaws.com
    eventName: CreateAccessKey
  condition: selection
falsepositives:
  - Say what is harmless and looks the same.
level: medium
rootkeep:
  attack_version: "18"
  opens: credential-compromise
  cases:
    - {name: a key is created, base: create-access-key, want: medium}
    - {name: a failed attempt counts one level less, base: create-access-key, set: {errorCode: AccessDenied}, want: low}
    - {name: another call stays quiet, base: create-access-key, set: {eventName: ListAccessKeys}, want: quiet}
`

// ReadTemplateValues reads a YAML or JSON file of parameter names and values.
func ReadTemplateValues(path string) (map[string]template.Values, error) {
	var out map[string]template.Values
	err := readYAML(path, &out)
	return out, err
}
