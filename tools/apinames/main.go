// Command apinames writes content/api/operations.txt: the event sources and the
// operation names of every AWS service, taken from the service models that come
// with the Python package botocore.
//
//	python3 -m venv venv && venv/bin/pip install botocore
//	go run ./tools/apinames -botocore venv/lib/python3*/site-packages/botocore content/api/operations.txt
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	dir := flag.String("botocore", "", "folder of the installed package botocore")
	flag.Parse()
	if *dir == "" || flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: apinames -botocore DIR FILE")
		os.Exit(64)
	}
	if err := run(*dir, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "apinames:", err)
		os.Exit(1)
	}
}

func run(dir, target string) error {
	version, err := packageVersion(dir)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "data", "*", "*", "service-2.json.gz"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s: no service models below data; hint: name the folder of the package itself", dir)
	}
	services := map[string]map[string]bool{}
	for _, file := range files {
		m, err := readModel(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		sources := m.sources()
		if services[sources] == nil {
			services[sources] = map[string]bool{}
		}
		for name := range m.Operations {
			services[sources][name] = true
		}
	}
	return os.WriteFile(target, listing(version, services), 0o644)
}

var versionLine = regexp.MustCompile(`(?m)^__version__ = ['"]([0-9.]+)['"]`)

func packageVersion(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "__init__.py"))
	if err != nil {
		return "", err
	}
	found := versionLine.FindSubmatch(text)
	if found == nil {
		return "", fmt.Errorf("%s: __init__.py names no version", dir)
	}
	return string(found[1]), nil
}

// model is what we need of a service model.
type model struct {
	Metadata struct {
		EndpointPrefix string `json:"endpointPrefix"`
		SigningName    string `json:"signingName"`
	} `json:"metadata"`
	Operations map[string]json.RawMessage `json:"operations"`
}

func readModel(file string) (*model, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	var m model
	return &m, json.Unmarshal(text, &m)
}

// sources are the hosts that CloudTrail may name as eventSource. A service logs
// under its endpoint or under the name it signs with; the model does not say
// which, so both count.
func (m *model) sources() string {
	hosts := []string{m.Metadata.EndpointPrefix}
	if s := m.Metadata.SigningName; s != "" {
		hosts = append(hosts, s)
	}
	for i, h := range hosts {
		hosts[i] = strings.ToLower(h) + ".amazonaws.com"
	}
	slices.Sort(hosts)
	return strings.Join(slices.Compact(hosts), ",")
}

func listing(version string, services map[string]map[string]bool) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# Generated from botocore %s by tools/apinames; do not edit. To regenerate:
#   python3 -m venv venv && venv/bin/pip install botocore
#   go run ./tools/apinames -botocore venv/lib/python3*/site-packages/botocore content/api/operations.txt
# Each line: the event sources of a service, separated by commas, then its API operations.
`, version)
	for _, sources := range slices.Sorted(maps.Keys(services)) {
		fmt.Fprintf(&b, "%s %s\n", sources, strings.Join(slices.Sorted(maps.Keys(services[sources])), " "))
	}
	return b.Bytes()
}
