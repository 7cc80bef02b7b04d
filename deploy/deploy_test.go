// Package deploy_test holds what operators start from to what rootkeep is: its settings,
// its roles, its paths, and that it needs no privilege.
package deploy_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/nats-io/nkeys"

	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/app/serve"
	"github.com/rootkeep/rootkeep/internal/notify"
)

type object = map[string]any

// at walks down an object by names and indexes; nil if it ends before.
func at(v any, path ...string) any {
	for _, name := range path {
		switch x := v.(type) {
		case object:
			v = x[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// documents are all of Kubernetes' in a folder, by kind and name.
func documents(t *testing.T, folder string) map[string]object {
	t.Helper()
	files, err := filepath.Glob(folder + "/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	out := map[string]object{}
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		for d := yaml.NewDecoder(f); ; {
			var o object
			if err := d.Decode(&o); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			name, _ := at(o, "metadata", "name").(string)
			key := o["kind"].(string) + " " + name
			if out[key] != nil {
				t.Errorf("%s: a second %s", path, key)
			}
			out[key] = o
		}
		f.Close()
	}
	return out
}

func TestKubernetesTakesTheManifests(t *testing.T) {
	validate, err := filepath.Abs("../.venv/python/bin/kubernetes-validate")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(validate); err != nil {
		t.Skip("skipped: .venv/python is not there; hint: make setup")
	}
	files, err := filepath.Glob("kubernetes/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return filepath.Base(f) == "kustomization.yaml" }) // no API's object
	if out, err := exec.Command(validate, append([]string{"--strict", "--quiet"}, files...)...).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestPodsNeedNoPrivilege(t *testing.T) {
	all := documents(t, "kubernetes")
	for _, name := range []string{"Deployment rootkeep-web", "Deployment rootkeep-work"} {
		pod := at(all[name], "spec", "template", "spec")
		for path, want := range map[string]any{
			"securityContext/runAsNonRoot": true, "securityContext/seccompProfile/type": "RuntimeDefault", "automountServiceAccountToken": false,
			"containers/0/securityContext/allowPrivilegeEscalation": false, "containers/0/securityContext/readOnlyRootFilesystem": true,
			"containers/0/securityContext/capabilities/drop/0": "ALL", "serviceAccountName": "rootkeep",
		} {
			if got := at(pod, strings.Split(path, "/")...); got != want {
				t.Errorf("%s: %s: got %v, want %v", name, path, got, want)
			}
		}
		if at(pod, "containers", "0", "resources", "limits", "memory") == nil || at(pod, "containers", "1") != nil {
			t.Errorf("%s: want one container with a limit of memory", name)
		}
		labels := at(all[name], "spec", "template", "metadata", "labels")
		budget := all["PodDisruptionBudget "+strings.TrimPrefix(name, "Deployment ")]
		for _, selector := range []any{at(all[name], "spec", "selector", "matchLabels"), at(budget, "spec", "selector", "matchLabels")} {
			matches(t, name, selector, labels)
		}
		args, _ := at(pod, "containers", "0", "args").([]any)
		roles, _ := args[len(args)-1].(string)
		for role := range strings.SplitSeq(roles, ",") {
			if args[len(args)-2] != "--role" || !slices.Contains(serve.Roles(), role) {
				t.Errorf("%s: role %q is none of %v", name, role, serve.Roles())
			}
		}
	}
	labels := at(all["Deployment rootkeep-web"], "spec", "template", "metadata", "labels")
	matches(t, "Service", at(all["Service rootkeep"], "spec", "selector"), labels)
	matches(t, "NetworkPolicy", at(all["NetworkPolicy rootkeep-web"], "spec", "podSelector", "matchLabels"), labels)
}

// matches fails if a selector selects nothing, or not these labels.
func matches(t *testing.T, what string, selector, labels any) {
	t.Helper()
	s, _ := selector.(object)
	if len(s) == 0 {
		t.Errorf("%s: selects everything, or nothing", what)
	}
	for name, value := range s {
		if at(labels, name) != value {
			t.Errorf("%s: selects %s=%v, which the pods do not have", what, name, value)
		}
	}
}

func TestEveryFileOfTheKustomizationIsThere(t *testing.T) {
	all := documents(t, "kubernetes")
	listed, _ := all["Kustomization "]["resources"].([]any)
	files, err := filepath.Glob("kubernetes/*.yaml")
	if err != nil || len(listed) != len(files)-1 {
		t.Errorf("%v are listed of %v", listed, files)
	}
	for _, name := range listed {
		if _, err := os.Stat(filepath.Join("kubernetes", name.(string))); err != nil {
			t.Error(err)
		}
	}
}

// holds fails unless rootkeep takes the settings, with the files that they name.
func holds(t *testing.T, text string, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for path, content := range files {
		local := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(local, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text, path) {
			t.Errorf("the settings do not name %s", path)
		}
		text = strings.ReplaceAll(text, path, local)
	}
	path := filepath.Join(dir, "rootkeep.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := serve.ReadSettings(path)
	if err == nil {
		_, err = c.Effective()
	}
	if err != nil {
		t.Error(err)
	}
}

func TestSettingsHold(t *testing.T) {
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	data := at(documents(t, "kubernetes")["ConfigMap rootkeep"], "data")
	settings, _ := at(data, "rootkeep.yaml").(string)
	sources, _ := at(data, "sources.yaml").(string)
	ways, _ := at(data, "ways.yaml").(string)
	told(t, ways)
	holds(t, settings, map[string]string{"/etc/rootkeep/settings/sources.yaml": sources, "/etc/rootkeep/settings/ways.yaml": ways, "/etc/rootkeep/secrets/nats.creds": string(seed)})
	text, err := os.ReadFile("systemd/rootkeep.yaml")
	if err != nil {
		t.Fatal(err)
	}
	holds(t, string(text), nil)
}

// told fails if somebody is not told of something by a file of ways: what watches and tells
// nobody looks as if nothing happened.
func told(t *testing.T, text string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ways.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	box, err := outbox.Open(outbox.Settings{Ways: path}, time.Now, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range notify.Topics() {
		if len(box.Routed(notify.Notice{Topic: topic.Name})) == 0 {
			t.Errorf("%s: told to nobody", topic.Name)
		}
	}
}

func TestSystemdTakesTheUnit(t *testing.T) {
	text, err := os.ReadFile("systemd/rootkeep.service")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet=\n", "StateDirectory=rootkeep", "serve --config /etc/rootkeep/rootkeep.yaml\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the unit has no %q", want)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("skipped: systemd-analyze is not there")
	}
	here := strings.ReplaceAll(string(text), "/usr/local/bin/rootkeep", os.Args[0]) // a program that exists
	unit := filepath.Join(t.TempDir(), "rootkeep.service")
	if err := os.WriteFile(unit, []byte(here), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", "--man=no", unit}, {"security", "--offline=yes", "--threshold=20", unit}} {
		if out, err := exec.Command(analyze, args...).CombinedOutput(); err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s: %v: %s", args[0], err, out)
		}
	}
}

// instruction is a line of a Containerfile, continued ones put together.
type instruction struct{ name, rest string }

func instructions(t *testing.T, path string) []instruction {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []instruction
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		name, rest, _ := strings.Cut(line, " ")
		out = append(out, instruction{name, strings.TrimSpace(rest)})
	}
	return out
}

func TestTheContainerHasOneProgramAndNoRoot(t *testing.T) {
	all := instructions(t, "container/Containerfile")
	known := []string{"ARG", "FROM", "WORKDIR", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "ENTRYPOINT", "CMD"}
	last := 0
	for i, in := range all {
		if !slices.Contains(known, in.name) {
			t.Errorf("%s %s: is no instruction that is needed here", in.name, in.rest)
		}
		if in.name == "FROM" {
			last = i
		}
	}
	final := map[string]string{}
	for _, in := range all[last+1:] {
		if in.name == "RUN" {
			t.Errorf("RUN %s: the image has no shell", in.rest)
		}
		final[in.name] = in.rest
	}
	if final["USER"] != "65532:65532" || final["ENTRYPOINT"] != `["/usr/local/bin/rootkeep"]` || final["CMD"] != `["serve", "--config", "/etc/rootkeep/rootkeep.yaml"]` {
		t.Errorf("got user %s, %s %s", final["USER"], final["ENTRYPOINT"], final["CMD"])
	}
	build := func(text string) string {
		_, rest, _ := strings.Cut(text, "go build ")
		flags, _, _ := strings.Cut(rest, " -o ")
		return flags
	}
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(in instruction) bool { return in.name == "RUN" && strings.Contains(in.rest, "go build") })
	if got, want := build(all[i].rest), build(string(makefile)); got != want || want == "" {
		t.Errorf("built with %q, make build has %q", got, want)
	}
	_, version, _ := strings.Cut(all[0].rest, "golang:")
	if version == "" || !strings.Contains(string(module), "\ngo "+version) {
		t.Errorf("Go %s builds it, go.mod wants another", version)
	}
}
