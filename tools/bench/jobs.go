package main

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// The names by which the tables find their rows.
const (
	standard      = "Go `compress/gzip`"
	ownInflate    = "our inflate and CRC-32"
	gzipTool      = "`gzip -dc`"
	libdeflate    = "`libdeflate-gunzip`"
	onlyHash      = "SHA-256 alone, of as many bytes"
	huntShipped   = "hunt, shipped detections"
	huntSigma     = "hunt, SigmaHQ's rules"
	huntThousand  = "hunt, 1,000 rules"
	matchShipped  = "read and match, shipped detections"
	matchSigma    = "read and match, SigmaHQ's rules"
	matchThousand = "read and match, 1,000 rules"
	matchHash     = "read, hash and match in one pass, SigmaHQ's rules"
	verifyTrail   = "trail verify, SHA-256 and signatures"
	proveShipped  = "hunt and verify in one pass, shipped detections"
	proveSigma    = "hunt and verify in one pass, SigmaHQ's rules"

	tinyStandard   = "tiny: Go `compress/gzip`"
	tinyLibdeflate = "tiny: `libdeflate-gunzip`"
	tinyMatch      = "tiny: read and match, SigmaHQ's rules"
	tinyHunt       = "tiny: hunt, SigmaHQ's rules"

	allShipped  = "all workers: hunt, shipped detections"
	allThousand = "all workers: hunt, 1,000 rules"
	allMatch    = "all workers: read and match, 1,000 rules"

	bareShipped  = "no IDs: hunt, shipped detections"
	bareSigma    = "no IDs: hunt, SigmaHQ's rules"
	bareThousand = "no IDs: hunt, 1,000 rules"

	allocShipped = "allocations, shipped detections"
	allocSigma   = "allocations, SigmaHQ's rules"
	allocNothing = "allocations of one object, shipped detections"
	allocLittle  = "allocations of one object, SigmaHQ's rules"
)

// batch is how many files one process of a decoder takes, so that its start does
// not count.
const batch = "512"

// jobs lists every program that is measured, in the order it runs.
func jobs(in inputs) []*job {
	one := []string{"--workers", "1"}
	every := []string{"--workers", strconv.Itoa(runtime.NumCPU())}
	none := []string{"--workers", "1", "--dedup-memory", "64k"}
	list := []*job{
		{name: standard, command: []string{in.self, "child-standard"}, stdin: in.main.list, corpus: &in.main, answers: true},
		{name: ownInflate, command: []string{in.self, "child-inflate"}, stdin: in.main.list, corpus: &in.main, answers: true},
		tool(gzipTool, "gzip", []string{"-dc"}, &in.main),
		tool(libdeflate, "libdeflate-gunzip", []string{"-c"}, &in.main),
		{name: onlyHash, command: []string{in.self, "child-hash", strconv.FormatInt(in.main.Raw, 10)}, corpus: &in.main},
		in.match(matchShipped, 0, &in.main),
		in.match(matchSigma, 57, &in.main),
		in.match(matchThousand, 1000, &in.main),
		hashed(in.match(matchHash, 57, &in.main)),
		in.hunt(huntShipped, 0, &in.main, one),
		in.hunt(huntSigma, 57, &in.main, one),
		in.hunt(huntThousand, 1000, &in.main, one),
		in.verify(),
		in.prove(proveShipped, 0),
		in.prove(proveSigma, 57),
		{name: tinyStandard, command: []string{in.self, "child-standard"}, stdin: in.tiny.list, corpus: &in.tiny, answers: true},
		tool(tinyLibdeflate, "libdeflate-gunzip", []string{"-c"}, &in.tiny),
		in.match(tinyMatch, 57, &in.tiny),
		in.hunt(tinyHunt, 57, &in.tiny, one),
		in.hunt(allShipped, 0, &in.main, every),
		in.hunt(allThousand, 1000, &in.main, every),
		in.matchWith(allMatch, 1000, &in.main, runtime.NumCPU()),
		in.hunt(bareShipped, 0, &in.main, none),
		in.hunt(bareSigma, 57, &in.main, none),
		in.hunt(bareThousand, 1000, &in.main, none),
		in.allocations(allocShipped, 0, filepath.Join(in.main.dir, "AWSLogs")),
		in.allocations(allocNothing, 0, paths(in.main.list)[0]),
		in.allocations(allocSigma, 57, filepath.Join(in.main.dir, "AWSLogs")),
		in.allocations(allocLittle, 57, paths(in.main.list)[0]),
	}
	for _, j := range list {
		if strings.HasPrefix(j.name, "all workers: ") {
			j.workers = runtime.NumCPU()
		}
	}
	return list
}

// tool runs a decoder over all files of a corpus, batch by batch; its output goes
// to /dev/null.
func tool(name, program string, args []string, c *corpus) *job {
	j := &job{name: name, corpus: c, stdin: c.list}
	path, err := exec.LookPath(program)
	if err != nil {
		j.absent = "not installed"
		return j
	}
	xargs, err := exec.LookPath("xargs")
	if err != nil {
		j.absent = "xargs is not installed"
		return j
	}
	j.command = append([]string{xargs, "-0", "-n", batch, "sh", "-c", `exec "$0" "$@" >/dev/null`, path}, args...)
	return j
}

// ruleFolders are what a hunt with so many rules reads; 0 are the shipped ones.
func (in inputs) ruleFolders(rules int) (folders []string, absent string) {
	switch {
	case rules == 0:
		return nil, ""
	case in.sigmaHQ == "":
		return nil, "SigmaHQ's rules are not there"
	case rules == 57:
		return []string{in.sigmaHQ}, ""
	}
	return []string{in.sigmaHQ, in.rules1000}, ""
}

// match reads and matches, and does nothing else that a hunt does.
func (in inputs) match(name string, rules int, c *corpus) *job {
	return in.matchWith(name, rules, c, 1)
}

func (in inputs) matchWith(name string, rules int, c *corpus, workers int) *job {
	j := &job{name: name, command: []string{in.self, "child-match", "-workers", strconv.Itoa(workers)}, stdin: c.list, corpus: c, answers: true}
	folders, absent := in.ruleFolders(rules)
	if j.absent = absent; len(folders) > 0 {
		j.command = append(j.command, "-rules", strings.Join(folders, ","))
	}
	return j
}

// hashed takes the SHA-256 of what a job reads as well: all that verification adds for each byte.
func hashed(j *job) *job {
	j.command = append(j.command, "-hash")
	return j
}

func (in inputs) hunt(name string, rules int, c *corpus, args []string) *job {
	j := &job{name: name, corpus: c}
	j.command = append([]string{in.bin, "hunt", "--output", "ndjson"}, args...)
	folders, absent := in.ruleFolders(rules)
	j.absent = absent
	for i, folder := range folders {
		if i == 0 {
			j.command = append(j.command, "--no-shipped-rules")
		}
		j.command = append(j.command, "--rules", folder)
	}
	j.command = append(j.command, filepath.Join(c.dir, "AWSLogs"))
	return j
}

// exitNotProven is no failure here: the last hour of a trail always waits for its
// digest.
const exitNotProven = 4

func (in inputs) verify() *job {
	return &job{name: verifyTrail, corpus: &in.main, okay: []int{exitNotProven},
		command: []string{in.bin, "trail", "verify", "--workers", "1", "--keys", in.keys(), in.main.dir}}
}

// prove hunts and verifies the digest chains; they lie beside the logs.
func (in inputs) prove(name string, rules int) *job {
	j := in.hunt(name, rules, &in.main, []string{"--workers", "1", "--keys", in.keys()})
	j.okay = []int{exitNotProven}
	j.command[len(j.command)-1] = in.main.dir
	return j
}

func (in inputs) keys() string { return filepath.Join(in.main.dir, "public-keys.json") }

// allocations hunts inside one of our own processes, which reads its counters.
func (in inputs) allocations(name string, rules int, path string) *job {
	j := &job{name: name, corpus: &in.main, answers: true, command: []string{in.self, "child-hunt"}}
	folders, absent := in.ruleFolders(rules)
	j.absent = absent
	if len(folders) > 0 {
		j.command = append(j.command, "-rules", folders[0])
	}
	j.command = append(j.command, path)
	return j
}
