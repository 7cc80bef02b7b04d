package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

// measured is one organization.
type measured struct {
	accounts   int
	counted                  // of the whole scan
	sequential time.Duration // of all accounts, scaled
	parallel   time.Duration
	memory     int64 // bytes
}

func (m *measured) ratio() float64 { return m.sequential.Seconds() / m.parallel.Seconds() }

func (m *measured) row() string {
	return fmt.Sprintf("| %d | %d | %d | %.1f | %.1f | %.1f | %.0f |\n", m.accounts, m.Regions, m.Calls, m.sequential.Seconds(), m.parallel.Seconds(), m.ratio(), float64(m.memory)/1e6)
}

// missed names the targets that were not reached.
func (m *measured) missed() error {
	var out []error
	if m.ratio() < leastRatio {
		out = append(out, fmt.Errorf("%d accounts: %.1f times as fast, want %d", m.accounts, m.ratio(), leastRatio))
	}
	if m.accounts <= memoryOf && m.memory > mostMemory {
		out = append(out, fmt.Errorf("%d accounts: %.0f MB, want at most %.0f", m.accounts, float64(m.memory)/1e6, mostMemory/1e6))
	}
	return errors.Join(out...)
}

// measure scans a few accounts one call after the other, then all.
func measure(o options, accounts int) (*measured, error) {
	s, stop, err := start(o, accounts)
	if err != nil {
		return nil, err
	}
	defer stop()
	dir, err := os.MkdirTemp("", "scanbench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var sample []string
	for i := range o.sample { // the first three are the management account and its like
		sample = append(sample, string(s.Accounts[3+i*(accounts-3)/o.sample]))
	}
	m := &measured{accounts: accounts}
	if _, err := s.scan(o, dir, "one", "--parallel", "1", "--accounts", strings.Join(sample, ",")); err != nil {
		return nil, err
	}
	few, err := s.count()
	if err != nil {
		return nil, err
	}
	m.sequential = few.Reading * time.Duration(accounts) / time.Duration(o.sample)
	begin := time.Now()
	state, err := s.scan(o, dir, "all")
	m.parallel = time.Since(begin)
	if err != nil {
		return nil, err
	}
	m.memory = benchdoc.MaxRSS(state)
	if m.counted, err = s.count(); err != nil {
		return nil, err
	}
	if least := few.Calls / o.sample * accounts * 9 / 10; m.Calls < least {
		return nil, fmt.Errorf("%d calls for %d accounts, and %d for %d: the scan did not read all", m.Calls, accounts, few.Calls, o.sample)
	}
	return m, nil
}

// start runs the simulator.
func start(o options, accounts int) (*served, func(), error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(self, "-serve", strconv.Itoa(accounts), "-delay", o.delay.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	stop := func() {
		_ = cmd.Process.Kill() // it has nothing to lose
		_ = cmd.Wait()
	}
	s := &served{}
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(s); err != nil {
		stop()
		return nil, nil, fmt.Errorf("start the simulator: %w", err)
	}
	return s, stop, nil
}

// scan runs the program; its files are in the folder.
func (s *served) scan(o options, dir, name string, args ...string) (*os.ProcessState, error) {
	cmd := exec.Command(o.bin, append([]string{"scan", "--aws", "--organization", "--role", simtest.Role, "--output", "json",
		"-o", filepath.Join(dir, name+".json"), "--save", filepath.Join(dir, name)}, args...)...)
	none := filepath.Join(dir, "none")
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s.Endpoint, "AWS_ACCESS_KEY_ID="+s.Key, "AWS_SECRET_ACCESS_KEY="+s.Secret, "AWS_SESSION_TOKEN=", "AWS_PROFILE=",
		"AWS_REGION=us-east-1", "AWS_CONFIG_FILE="+none, "AWS_SHARED_CREDENTIALS_FILE="+none, "AWS_EC2_METADATA_DISABLED=true")
	text, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, text)
	}
	return cmd.ProcessState, nil
}

func (s *served) count() (out counted, err error) {
	answer, err := http.Get(s.Endpoint + countPath)
	if err != nil {
		return out, err
	}
	defer answer.Body.Close()
	return out, json.NewDecoder(answer.Body).Decode(&out)
}
