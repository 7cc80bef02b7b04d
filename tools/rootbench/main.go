// Command rootbench measures rootkeep root reconcile: a year of events of the root users
// of many accounts, within the records of a generated trail.
//
//	go run ./tools/rootbench [-events 10000000] [-accounts 1000] [-write]
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options say what is measured.
type options struct {
	events, accounts int
	seed             uint64
	dir              string
}

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	f := flag.NewFlagSet("rootbench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.events, "events", 1_000_000, "records of the trail around the events of root users")
	f.IntVar(&o.accounts, "accounts", 1000, "accounts whose root users have a year of events")
	f.Uint64Var(&o.seed, "seed", 1, "seed of the trail")
	f.StringVar(&o.dir, "dir", "bench-data/root", "folder for what is generated; what is there already is used again")
	write := f.Bool("write", false, "write the table into docs/benchmarks.md")
	if err := f.Parse(args); err != nil {
		return 2
	}
	if o.events < 1 || o.accounts < 1 || o.accounts > 100_000 {
		fmt.Fprintln(stderr, "rootbench: want a record and an account at least, and 100,000 accounts at most")
		return 2
	}
	text, err := measure(o, stderr)
	if err == nil {
		_, err = io.WriteString(stdout, text)
	}
	if err == nil && *write {
		err = benchdoc.Put("docs/benchmarks.md", "tools/rootbench", text)
	}
	if err != nil {
		fmt.Fprintf(stderr, "rootbench: %v\n", err)
		return 1
	}
	return 0
}

// measure generates what is missing, runs rootkeep over it, and gives the table.
func measure(o options, stderr io.Writer) (string, error) {
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return "", err
	}
	trail, err := o.trail(stderr)
	if err != nil {
		return "", err
	}
	roots := filepath.Join(o.dir, fmt.Sprintf("roots-%d", o.accounts))
	want, err := writeYear(roots, o.accounts)
	if err != nil {
		return "", err
	}
	bin, err := build(o.dir, "./cmd/rootkeep", "rootkeep")
	if err != nil {
		return "", err
	}
	report := filepath.Join(o.dir, "report.json")
	c := exec.Command(bin, "root", "reconcile", "--output", "json", "--file", report, "--requests", filepath.Join(roots, "requests"), trail, filepath.Join(roots, "logs"))
	c.Stderr = stderr
	started := time.Now()
	// Exit code 3 says that root was used without an explanation, which is in the year.
	var exit *exec.ExitError
	if err := c.Run(); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) {
		return "", fmt.Errorf("root reconcile: %w", err)
	}
	wall := time.Since(started)
	got, err := readReport(report)
	if err != nil {
		return "", err
	}
	if got.verdicts() != want {
		return "", fmt.Errorf("verdicts: got %+v, want %+v: what was measured is not right", got.verdicts(), want)
	}
	raw, err := inflated(trail, filepath.Join(roots, "logs"))
	if err != nil {
		return "", err
	}
	return table(o, got, c.ProcessState, wall, raw), nil
}

// trail is the generated trail.
func (o options) trail(stderr io.Writer) (string, error) {
	dir := filepath.Join(o.dir, fmt.Sprintf("trail-%d-%d", o.events, o.seed))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	bin, err := build(o.dir, "./tools/trailgen", "trailgen")
	if err != nil {
		return "", err
	}
	// Under another name until it is whole.
	unfinished := dir + ".part"
	if err := os.RemoveAll(unfinished); err != nil {
		return "", err
	}
	c := exec.Command(bin, "-events", strconv.Itoa(o.events), "-seed", strconv.FormatUint(o.seed, 10), "-out", unfinished)
	c.Stdout, c.Stderr = stderr, stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("trailgen: %w", err)
	}
	return dir, os.Rename(unfinished, dir)
}

func build(dir, pkg, name string) (string, error) {
	bin, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-o", bin, pkg).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build %s: %w: %s", pkg, err, out)
	}
	return bin, nil
}

// outcome is what the report of a run says.
type outcome struct {
	Records int64 `json:"records"`
	Events  []struct {
		ID      string `json:"id"`
		Verdict string `json:"verdict"`
	} `json:"events"`
	Requests []struct {
		Outcome string `json:"outcome"`
	} `json:"requests"`
}

func readReport(path string) (out outcome, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(text, &out)
}

// verdicts counts those of the year. The generated trail has events about root users as
// well, such as guardrails that are detached.
func (o outcome) verdicts() (n tally) {
	for _, e := range o.Events {
		if strings.HasPrefix(e.ID, planted) {
			n.add(e.Verdict)
		}
	}
	return n
}

func table(o options, got outcome, p *os.ProcessState, wall time.Duration, raw int64) string {
	var b strings.Builder
	n := got.verdicts()
	cpu := p.UserTime() + p.SystemTime()
	fmt.Fprintf(&b, "%s, %d processors, %s/%s, %s, %s.\nCommand: `go run ./tools/rootbench -events %d -accounts %d -write`.\n\n",
		benchdoc.Processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().Format(time.DateOnly), o.events, o.accounts)
	b.WriteString("| records | raw | events of root users | requests | wall time | CPU time | MB/s of CPU | peak memory |\n|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	fmt.Fprintf(&b, "| %d | %.1f MB | %d | %d | %.1f s | %.1f s | %.0f | %.0f MB |\n\n", got.Records, float64(raw)/1e6, len(got.Events), len(got.Requests),
		wall.Seconds(), cpu.Seconds(), float64(raw)/1e6/cpu.Seconds(), float64(benchdoc.MaxRSS(p))/1e6)
	fmt.Fprintf(&b, "Verdicts: %d EXPLAINED, %d OUT_OF_SCOPE, %d UNEXPLAINED, as they were planted, beside %d events of the generated trail. Wall time is that of a machine with other work.\n", n.Explained, n.OutOfScope, n.Unexplained, len(got.Events)-n.Explained-n.OutOfScope-n.Unexplained)
	return b.String()
}
