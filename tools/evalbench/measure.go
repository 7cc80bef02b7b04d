package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

// mostEvaluating is the target of judging the account, by the clock.
const mostEvaluating = 100 * time.Millisecond

// measured is what the figures came to.
type measured struct {
	controls, findings int
	loading            time.Duration // of the controls
	first              time.Duration // judging, when the techniques of escalation are read too
	evaluating         time.Duration // judging, CPU time
	clock              time.Duration // judging, by the clock, with all processors
	allocated          uint64        // bytes, by one judging
	allocations        uint64        // the same, how many
	whole              time.Duration // rootkeep scan --snapshot
	memory             int64         // bytes, of it
}

type row struct{ name, figure, target string }

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.0f ms", float64(d.Microseconds())/1e3)
}

func megabytes(n uint64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func (m *measured) rows() []row {
	return []row{
		{"evaluating all controls, by the clock on all processors", milliseconds(m.clock), m.verdict()},
		{"evaluating all controls", milliseconds(m.evaluating), ""},
		{"the same, the first time: techniques of escalation are read too", milliseconds(m.first), ""},
		{"memory that one evaluation allocates", megabytes(m.allocated), ""},
		{"allocations of one evaluation", fmt.Sprint(m.allocations), ""},
		{"loading and compiling all controls", milliseconds(m.loading), ""},
		{"`rootkeep scan --snapshot`, from its start to the report", milliseconds(m.whole), ""},
		{"its peak memory", megabytes(uint64(m.memory)), ""},
	}
}

func (m *measured) verdict() string {
	target := "at most " + milliseconds(mostEvaluating)
	if m.clock > mostEvaluating {
		target += ": MISSED"
	}
	return target
}

// measure judges a snapshot that was taken now.
func measure(s *facts.Snapshot, now time.Time, rounds int) (*measured, error) {
	m := &measured{}
	var controls []*posture.Control
	var err error
	m.loading = best(rounds, func() { controls, err = load() })
	if err != nil {
		return nil, err
	}
	m.controls = len(controls)
	judge := func() { m.findings = len(posture.Evaluate(s, controls, posture.Setting{Now: now})) }
	m.first = best(1, judge)
	m.evaluating = best(rounds, judge)
	all := runtime.GOMAXPROCS(runtime.NumCPU())
	for n := range rounds {
		begin := time.Now()
		judge()
		if took := time.Since(begin); n == 0 || took < m.clock {
			m.clock = took
		}
	}
	runtime.GOMAXPROCS(all)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	judge()
	runtime.ReadMemStats(&after)
	m.allocated, m.allocations = after.TotalAlloc-before.TotalAlloc, after.Mallocs-before.Mallocs
	return m, nil
}

// best is the CPU time of the best round.
func best(rounds int, work func()) time.Duration {
	var out time.Duration
	for n := range rounds {
		begin := benchdoc.CPUTime()
		work()
		if took := benchdoc.CPUTime() - begin; n == 0 || took < out {
			out = took
		}
	}
	return out
}

// load reads the controls as a scan does.
func load() ([]*posture.Control, error) {
	bases, err := rule.LoadBases(content.Files, "events")
	if err != nil {
		return nil, err
	}
	controls, problems := posture.Load(bases, rule.Source{FS: content.Files, Dir: "controls", Tested: true})
	if len(problems) > 0 {
		return nil, problems[0]
	}
	return controls, nil
}

// command measures the program on the snapshot.
func (m *measured) command(o options, s *facts.Snapshot) error {
	dir, err := os.MkdirTemp("", "evalbench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "snapshot.json")
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := s.Write(f); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	for n := range o.rounds {
		cmd := exec.Command(o.bin, "scan", "--snapshot", path, "--output", "json", "-o", filepath.Join(dir, fmt.Sprintf("report%d.json", n)))
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
		took := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if n == 0 || took < m.whole {
			m.whole = took
		}
		m.memory = max(m.memory, benchdoc.MaxRSS(cmd.ProcessState))
	}
	return nil
}
