package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

// results finds jobs by name.
type results map[string]*job

// speed is bytes per second of CPU time, 0 when the job did not run.
func (r results) speed(name string) float64 {
	j := r[name]
	if j == nil || j.cpu == 0 {
		return 0
	}
	return float64(j.corpus.Raw) / j.cpu.Seconds()
}

// times is how many times as fast as another job one is, "-" when one of both did
// not run.
func (r results) times(name, other string) string {
	if r.speed(name) == 0 || r.speed(other) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", r.speed(name)/r.speed(other))
}

// target is a row of section 8 of the performance anchors: at least floor, better
// extreme, as a multiple of a baseline.
type target struct {
	what, name, baseline string
	floor, extreme       float64 // 0: none
}

func targets() []target {
	return []target{
		{"57 SigmaHQ rules, read and match", matchSigma, standard, 1.3, 0}, {"57 SigmaHQ rules, read and match", matchSigma, libdeflate, 0.50, 0.70},
		{"1,000 rules, read and match", matchThousand, standard, 1.1, 0}, {"1,000 rules, read and match", matchThousand, libdeflate, 0.42, 0.60},
		{"57 SigmaHQ rules, whole hunt", huntSigma, standard, 1.3, 0}, {"57 SigmaHQ rules, whole hunt", huntSigma, libdeflate, 0.50, 0.70},
		{"1,000 rules, whole hunt", huntThousand, standard, 1.1, 0}, {"1,000 rules, whole hunt", huntThousand, libdeflate, 0.42, 0.60},
		{"inflate and CRC-32", ownInflate, standard, 2.0, 0}, {"inflate and CRC-32", ownInflate, libdeflate, 0, 1.0},
		{"trail verification", verifyTrail, standard, 1.2, 0}, {"trail verification", verifyTrail, libdeflate, 0, 0.60},
		{"57 SigmaHQ rules, read, hash and match", matchHash, libdeflate, 0.35, 0.45},
		{"57 SigmaHQ rules, whole hunt and verification", proveSigma, libdeflate, 0.35, 0.45},
		{"tiny objects, 57 rules, read and match", tinyMatch, tinyLibdeflate, 0.8, 0},
		{"tiny objects, 57 rules, whole hunt", tinyHunt, tinyLibdeflate, 0.8, 0},
	}
}

// tables writes everything that was measured as Markdown.
func tables(o options, in inputs, jobs []*job) string {
	r := results{}
	for _, j := range jobs {
		r[j.name] = j
	}
	var out strings.Builder
	machine(&out, o, in)
	speeds(&out, r, in)
	reached(&out, r)
	memory(&out, r, in)
	scaling(&out, r)
	return out.String()
}

func machine(out *strings.Builder, o options, in inputs) {
	fmt.Fprintf(out, "%s, %d processors, %s/%s, %s, %s.\n", benchdoc.Processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().Format(time.DateOnly))
	fmt.Fprintf(out, "Command: `go run ./tools/bench -events %d -seed %d -rounds %d`.\n", o.events, o.seed, o.rounds)
	for _, c := range []struct {
		name string
		corpus
	}{{"Main corpus", in.main}, {"Tiny objects", in.tiny}} {
		fmt.Fprintf(out, "%s: %d events in %d objects, %.1f MB raw, %.1f MB stored (%.2f:1), %d B an event.\n", c.name, c.Events, c.Logs,
			float64(c.Raw)/1e6, float64(c.Stored)/1e6, float64(c.Raw)/float64(c.Stored), c.Raw/int64(c.Events))
	}
	held := "not held on one processor (taskset is not installed)"
	if in.taskset != "" {
		held = "held on one processor"
	}
	fmt.Fprintf(out, "CPU time, user and system, of processes with one worker, %s, best of %d rounds; MB/s are inflated megabytes.\n\n", held, o.rounds)
}

func speeds(out *strings.Builder, r results, in inputs) {
	fmt.Fprint(out, "| one processor | MB/s | events/s | x `compress/gzip` | x `libdeflate-gunzip` |\n|---|---:|---:|---:|---:|\n")
	row := func(name, standard, libdeflate string) {
		j := r[name]
		if j.absent != "" {
			fmt.Fprintf(out, "| %s | %s | | | |\n", name, j.absent)
			return
		}
		fmt.Fprintf(out, "| %s | %.0f | %.0fk | %s | %s |\n", name, r.speed(name)/1e6, float64(j.corpus.Events)/j.cpu.Seconds()/1e3,
			r.times(name, standard), r.times(name, libdeflate))
	}
	for _, name := range []string{standard, ownInflate, gzipTool, libdeflate, onlyHash, matchShipped, matchSigma, matchThousand, matchHash, huntShipped, huntSigma, huntThousand, verifyTrail, proveShipped, proveSigma, bareSigma, bareThousand} {
		row(name, standard, libdeflate)
	}
	for _, name := range []string{tinyStandard, tinyLibdeflate, tinyMatch, tinyHunt} {
		row(name, tinyStandard, tinyLibdeflate)
	}
	if j := r[tinyHunt]; j.cpu > 0 {
		fmt.Fprintf(out, "\nTiny objects: %.0fk objects/s.", float64(in.tiny.Logs)/j.cpu.Seconds()/1e3)
	}
	if hunt, prove, hash := r[huntShipped], r[proveShipped], r[onlyHash]; hunt.cpu > 0 && prove.cpu > 0 && hash.cpu > 0 {
		fmt.Fprintf(out, "\nVerifying adds %.2f s to the %.2f s of a hunt with the shipped detections; SHA-256 alone takes %.2f s.",
			(prove.cpu - hunt.cpu).Seconds(), hunt.cpu.Seconds(), hash.cpu.Seconds())
	}
	fmt.Fprintf(out, "\nSigmaHQ's rules: %d files. 1,000 rules: those and %d of rulegen.\n\n", in.rulesNumber, synthetic)
}

func reached(out *strings.Builder, r results) {
	fmt.Fprint(out, "| target | measured against | ratio | floor | extreme | |\n|---|---|---:|---:|---:|---|\n")
	for _, t := range targets() {
		ratio := 0.0
		if base := r.speed(t.baseline); base > 0 {
			ratio = r.speed(t.name) / base
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", t.what, strings.TrimPrefix(t.baseline, "tiny: "), r.times(t.name, t.baseline), goal(t.floor), goal(t.extreme), t.verdict(ratio))
	}
	fmt.Fprintln(out)
}

func goal(ratio float64) string {
	if ratio == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", ratio)
}

func (t target) verdict(ratio float64) string {
	switch {
	case ratio == 0:
		return "not measured"
	case ratio < t.floor:
		return "BELOW THE FLOOR"
	case t.extreme > 0 && ratio >= t.extreme:
		return "extreme"
	case t.extreme > 0 && t.floor == 0:
		return "below the extreme"
	}
	return "floor"
}

func memory(out *strings.Builder, r results, in inputs) {
	fmt.Fprint(out, "| peak memory, MB | all IDs kept | of it its own | IDs in 64 KB | of it its own |\n|---|---:|---:|---:|---:|\n")
	for _, pair := range [][2]string{{huntShipped, bareShipped}, {huntSigma, bareSigma}, {huntThousand, bareThousand}} {
		with, without := r[pair[0]], r[pair[1]]
		if with.absent != "" {
			fmt.Fprintf(out, "| %s | %s | | | |\n", pair[0], with.absent)
			continue
		}
		fmt.Fprintf(out, "| %s | %s | %s |\n", pair[0], megabytes(with.memory), megabytes(without.memory))
	}
	for _, name := range []string{matchShipped, matchSigma, matchThousand} {
		if j := r[name]; j.absent == "" {
			fmt.Fprintf(out, "| %s | | | %s |\n", name, megabytes(j.memory))
		}
	}
	for _, pair := range [][2]string{{allocShipped, allocNothing}, {allocSigma, allocLittle}} {
		if text, ok := perEvent(r[pair[0]], r[pair[1]]); ok {
			fmt.Fprintf(out, "\nEach event, %s: %s.", strings.TrimPrefix(pair[0], "allocations, "), text)
		}
	}
	fmt.Fprint(out, "\nEvents that match nothing allocate nothing; what is left are matches, windows and reports.\n\n")
}

// megabytes are two cells of a table.
func megabytes(m benchdoc.Memory) string {
	return fmt.Sprintf("%.0f | %.0f", float64(m.Resident)/1e6, float64(m.Own)/1e6)
}

// perEvent is what the events beyond the first object allocated.
func perEvent(all, one *job) (string, bool) {
	var a, b [3]int64
	for at, j := range map[*[3]int64]*job{&a: all, &b: one} {
		if n, _ := fmt.Sscan(j.output, &at[0], &at[1], &at[2]); n != 3 {
			return "", false
		}
	}
	events := float64(a[0] - b[0])
	if events <= 0 {
		return "", false
	}
	return fmt.Sprintf("%.4f allocations, %.1f bytes", float64(a[1]-b[1])/events, float64(a[2]-b[2])/events), true
}

func scaling(out *strings.Builder, r results) {
	fmt.Fprintf(out, "| %d workers | wall s, one worker | wall s, all | times as fast | MB/s | peak MB | of it its own |\n|---|---:|---:|---:|---:|---:|---:|\n", runtime.NumCPU())
	for _, pair := range [][2]string{{huntShipped, allShipped}, {huntThousand, allThousand}, {matchThousand, allMatch}} {
		one, all := r[pair[0]], r[pair[1]]
		if all.wall == 0 {
			continue
		}
		fmt.Fprintf(out, "| %s | %.2f | %.2f | %.2f | %.0f | %s |\n", pair[0], one.wall.Seconds(), all.wall.Seconds(), one.wall.Seconds()/all.wall.Seconds(),
			float64(all.corpus.Raw)/all.wall.Seconds()/1e6, megabytes(all.memory))
	}
	fmt.Fprint(out, "\nWall time counts here, so other work on the machine shows. Target: 1.9 times on 2 processors, at most 64 MB.\n")
}
