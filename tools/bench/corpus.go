package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// corpus is a generated trail.
type corpus struct {
	dir    string
	list   []byte // paths of its log files, each followed by a NUL byte
	Events int    `json:"events"`
	Logs   int    `json:"objects"`
	Raw    int64  `json:"raw"` // bytes
	Stored int64  `json:"stored"`
}

// inputs are what is measured, on what.
type inputs struct {
	runner
	bin, self   string
	main, tiny  corpus
	sigmaHQ     string // "" when it is not there
	rules1000   string // folder of the 943 synthetic rules
	rulesNumber int    // in sigmaHQ
}

const (
	tinyEvents = 120_000 // about 45,000 objects
	synthetic  = 943
)

// prepare builds the generators and makes what they have not made before.
func prepare(o options, stderr io.Writer) (inputs, error) {
	in := inputs{bin: o.bin}
	var err error
	if in.self, err = os.Executable(); err != nil {
		return in, err
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return in, err
	}
	seed := strconv.FormatUint(o.seed, 10)
	trailgen, mark, err := buildTool(o.dir, "trailgen")
	if err != nil {
		return in, err
	}
	name := fmt.Sprintf("trail-%d-%s-%s", o.events, seed, mark)
	if in.main, err = makeCorpus(filepath.Join(o.dir, name), stderr, trailgen, "-events", strconv.Itoa(o.events), "-seed", seed, "-digests"); err != nil {
		return in, err
	}
	name = fmt.Sprintf("tiny-%d-%s-%s", tinyEvents, seed, mark)
	if in.tiny, err = makeCorpus(filepath.Join(o.dir, name), stderr, trailgen, "-events", strconv.Itoa(tinyEvents), "-seed", seed, "-tiny"); err != nil {
		return in, err
	}
	rulegen, _, err := buildTool(o.dir, "rulegen")
	if err != nil {
		return in, err
	}
	in.rules1000 = filepath.Join(o.dir, "rules-"+seed)
	if out, err := exec.Command(rulegen, "-seed", seed, "-n", strconv.Itoa(synthetic), "-out", in.rules1000).CombinedOutput(); err != nil {
		return in, fmt.Errorf("rulegen: %w: %s", err, out)
	}
	if files, err := filepath.Glob(filepath.Join(o.rules, "*.yml")); err == nil && len(files) > 0 {
		in.sigmaHQ, in.rulesNumber = o.rules, len(files)
	}
	return in, nil
}

// buildTool builds a generator; mark changes when the program does, so that a
// corpus of an older generator is not taken for the new one's.
func buildTool(dir, name string) (path, mark string, err error) {
	path = filepath.Join(dir, name)
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	out, err := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", path, "./tools/"+name).CombinedOutput()
	if err != nil {
		return "", "", fmt.Errorf("build %s: %w: %s", name, err, out)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return "", "", err
	}
	sum := sha256.Sum256(program)
	path, err = filepath.Abs(path)
	return path, fmt.Sprintf("%x", sum[:4]), err
}

// makeCorpus generates a trail unless it is there, and counts it.
func makeCorpus(dir string, stderr io.Writer, trailgen string, args ...string) (corpus, error) {
	c := corpus{dir: dir}
	facts := dir + ".json"
	if known, err := os.ReadFile(facts); err == nil {
		if err := json.Unmarshal(known, &c); err != nil {
			return c, fmt.Errorf("%s: %w; hint: make clean", facts, err)
		}
		return c, c.find()
	}
	// What an interrupted run left is no corpus.
	if err := os.RemoveAll(dir); err != nil {
		return c, err
	}
	cmd := exec.Command(trailgen, append(args, "-out", dir)...)
	cmd.Stdout, cmd.Stderr = stderr, stderr
	if err := cmd.Run(); err != nil {
		return c, fmt.Errorf("trailgen: %w", err)
	}
	c.Events, _ = strconv.Atoi(args[1])
	if err := c.find(); err != nil {
		return c, err
	}
	var err error
	if c.Raw, err = decodeStandard(c.list); err != nil {
		return c, err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return c, err
	}
	return c, os.WriteFile(facts, text, 0o644)
}

// find lists the log files, digests left out.
func (c *corpus) find() error {
	c.Logs, c.Stored = 0, 0
	return filepath.WalkDir(c.dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(filepath.ToSlash(p), "/CloudTrail/") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		c.Logs++
		c.Stored += info.Size()
		c.list = append(append(c.list, p...), 0)
		return nil
	})
}
