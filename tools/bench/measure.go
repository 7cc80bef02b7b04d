package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

// job is one program that is measured.
type job struct {
	name    string
	command []string
	stdin   []byte
	corpus  *corpus
	workers int    // 0: one, on one processor
	absent  string // why it cannot run
	okay    []int  // exit codes that are no failure, beside 0
	answers bool   // its output is read; otherwise it goes to /dev/null

	cpu, wall time.Duration   // of the best round
	memory    benchdoc.Memory // the largest of all rounds
	output    string
}

// runner starts jobs.
type runner struct {
	taskset string // "" when a process cannot be held on one processor
	cpu     string
}

func findRunner() runner {
	r := runner{cpu: strconv.Itoa(runtime.NumCPU() - 1)}
	r.taskset, _ = exec.LookPath("taskset")
	return r
}

// measure runs all jobs, round by round, so that a slow minute of the machine
// meets all of them.
func (r runner) measure(jobs []*job, rounds int, stderr io.Writer) error {
	for round := range rounds {
		fmt.Fprintf(stderr, "bench: round %d of %d\n", round+1, rounds)
		for _, j := range jobs {
			if j.absent != "" {
				continue
			}
			if err := r.run(j); err != nil {
				return fmt.Errorf("%s: %w", j.name, err)
			}
		}
	}
	return nil
}

func (r runner) run(j *job) error {
	command, env := j.command, os.Environ()
	if j.workers == 0 {
		env = append(env, "GOMAXPROCS=1")
		if r.taskset != "" {
			command = append([]string{r.taskset, "-c", r.cpu}, command...)
		}
	}
	var out, problems bytes.Buffer
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stderr = env, bytes.NewReader(j.stdin), &problems
	if j.answers {
		cmd.Stdout = &out
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := benchdoc.Watch(cmd.Process.Pid)
	err := cmd.Wait()
	wall := time.Since(start)
	memory := stop()
	if memory.Resident == 0 {
		memory.Resident = benchdoc.MaxRSS(cmd.ProcessState)
	}
	if err != nil && !j.allows(cmd.ProcessState.ExitCode()) {
		return fmt.Errorf("%w: %.500s", err, problems.String())
	}
	// Of the process and of what it waited for: xargs answers for its decoders.
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if j.cpu == 0 || cpu < j.cpu {
		j.cpu = cpu
	}
	if j.wall == 0 || wall < j.wall {
		j.wall = wall
	}
	j.memory.Resident, j.memory.Own = max(j.memory.Resident, memory.Resident), max(j.memory.Own, memory.Own)
	j.output = strings.TrimSpace(out.String())
	return nil
}

func (j *job) allows(code int) bool {
	for _, okay := range j.okay {
		if code == okay {
			return true
		}
	}
	return false
}
