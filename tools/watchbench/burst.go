package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

const (
	quarters   = 4
	spread     = 20 // probes, over the even time and over the burst: of 50 cases an hour each is told by itself
	burstTimes = 10
	goneWithin = 5 * time.Minute
	gone       = 5 * time.Second // a notice after so long: nothing waits before it
	accounts   = 100
)

// burst has events of 100 accounts come at an even rate, then ten times as many, and looks how
// long after that an event waits for those before it.
func burst(ctx context.Context, o options, stderr io.Writer) (string, error) {
	o.events = o.shared
	trail, err := o.trail(stderr)
	if err != nil {
		return "", err
	}
	s, logs, err := watching(o, "burst")
	if err != nil {
		return "", err
	}
	if err := s.start(allRoles); err != nil {
		return "", errors.Join(err, s.stop())
	}
	f := &feed{ctx: ctx, logs: logs, receiver: s.receiver, process: s.running[0]}
	if f.files, err = filesOf(trail); err == nil {
		err = f.all(o)
	}
	if err := errors.Join(err, s.stop()); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("| events of 100 accounts | time | events | half under | 99 % under | lag gone after | target |\n|---|---:|---:|---:|---:|---:|---|\n")
	fmt.Fprintf(&b, "| %d/s | %s | %d | %d ms | %d ms | | |\n", o.rate, o.steady, f.steady, f.calm.part(500).Milliseconds(), f.calm.part(990).Milliseconds())
	fmt.Fprintf(&b, "| then %d/s | %s | %d | %d ms | %d ms | %.1f s | %s |\n", burstTimes*o.rate, o.burst, f.sent-f.steady,
		f.rush.part(500).Milliseconds(), f.rush.part(990).Milliseconds(), f.lag.Seconds(), goneWithin)
	b.WriteString("\n| part of the time | CPU time | memory, at most |\n|---|---:|---:|\n")
	for i, u := range f.used {
		name := "burst, and until its lag is gone"
		if i < quarters {
			name = fmt.Sprintf("quarter %d at %d/s", i+1, o.rate)
		}
		fmt.Fprintf(&b, "| %s | %.1f s | %.0f MB |\n", name, u.seconds, float64(u.memory)/1e6)
	}
	return b.String(), nil
}

// feed leaves objects in a folder at a rate, and probes between them.
type feed struct {
	ctx      context.Context
	logs     string
	receiver *receiver
	process  *process
	files    []string // of the trail, whose records are used
	n        int      // of them that were used, again and again
	probes   []time.Time
	sent     int // events

	steady     int // of them, before the burst
	calm, rush waits
	lag        time.Duration // how long the burst was felt after its end
	used       []used        // by the process: in each quarter of the even time, and in the burst
}

// used is what a process took in a part of the time.
type used struct {
	seconds float64 // of CPU
	memory  int64   // the most, bytes
}

func filesOf(trail string) (files []string, err error) {
	err = filepath.WalkDir(trail, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.HasSuffix(path, ".gz") {
			files = append(files, path)
		}
		return err
	})
	return files, err
}

func (f *feed) all(o options) error {
	if err := f.probe(); err != nil { // the first waits for the start as well
		return err
	}
	if _, err := f.receiver.of(f.ctx, f.account(0), probeWaits); err != nil {
		return err
	}
	for range quarters {
		err := f.using(func() error { return f.flow(o.rate, o.steady/quarters, o.steady/spread) })
		if err != nil {
			return err
		}
	}
	calm := len(f.probes)
	f.steady = f.sent
	err := f.using(func() error {
		if err := f.flow(burstTimes*o.rate, o.burst, o.burst/spread); err != nil {
			return err
		}
		return f.wear(time.Now())
	})
	if err != nil {
		return err
	}
	return f.waited(calm)
}

// using notes what the process takes meanwhile.
func (f *feed) using(do func() error) error {
	before, memory := benchdoc.CPUTimeOf(f.process.Process.Pid), benchdoc.Watch(f.process.Process.Pid)
	err := do()
	f.used = append(f.used, used{(benchdoc.CPUTimeOf(f.process.Process.Pid) - before).Seconds(), memory().Own})
	return err
}

// wear probes, one after the other, until the burst that ended at a moment is not felt any more.
func (f *feed) wear(over time.Time) error {
	for {
		if err := f.probe(); err != nil {
			return err
		}
		last := len(f.probes) - 1
		at, err := f.receiver.of(f.ctx, f.account(last), goneWithin)
		if err != nil {
			return err
		}
		if at.Sub(f.probes[last]) < gone {
			f.lag = f.probes[last].Sub(over)
			return nil
		}
	}
}

// waited notes how long each probe took; so many were made in the even time.
func (f *feed) waited(calm int) error {
	for n := 1; n < len(f.probes); n++ {
		at, err := f.receiver.of(f.ctx, f.account(n), goneWithin)
		if err != nil {
			return err
		}
		if w := at.Sub(f.probes[n]); n < calm {
			f.calm = append(f.calm, w)
		} else {
			f.rush = append(f.rush, w)
		}
	}
	return nil
}

func (f *feed) account(n int) string { return fmt.Sprintf("%012d", 600000000000+n) }

func (f *feed) probe() error {
	now := time.Now()
	f.probes = append(f.probes, now)
	return put(f.logs, fmt.Sprintf("probe-%06d.json", len(f.probes)), probe(f.account(len(f.probes)-1), now))
}

// flow leaves so many events a second for a time, and probes at their pace.
func (f *feed) flow(rate int, d, pace time.Duration) error {
	begun, before, probed := time.Now(), f.sent, time.Now()
	for time.Since(begun) < d {
		if due := int(time.Since(begun).Seconds() * float64(rate)); f.sent-before >= due {
			pause(f.ctx, 10*time.Millisecond)
		} else if err := f.next(); err != nil {
			return err
		}
		if time.Since(probed) >= pace {
			probed = probed.Add(pace)
			if err := f.probe(); err != nil {
				return err
			}
		}
		if err := f.ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

var (
	eventTime = regexp.MustCompile(`"eventTime":\s*"[^"]*"`)
	eventID   = regexp.MustCompile(`"eventID":\s*"[0-9a-f]{8}`)
	someone   = regexp.MustCompile(`\b(111122223333|222233334444|333344445555|444455556666|555566667777|666677778888)\b`)
)

// next leaves one more object: records of the trail as if they were of now, in one of the
// accounts, with IDs that no other has.
func (f *feed) next() error {
	file, err := os.Open(f.files[f.n%len(f.files)])
	if err != nil {
		return err
	}
	defer file.Close()
	inflated, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	data, err := io.ReadAll(inflated)
	if err != nil {
		return err
	}
	if f.n++; bytes.Contains(data, []byte(`"type":"Root"`)) { // its case would be told instead of a probe's
		return nil
	}
	data = eventTime.ReplaceAll(data, fmt.Appendf(nil, `"eventTime":%q`, time.Now().UTC().Format(time.RFC3339)))
	data = eventID.ReplaceAll(data, fmt.Appendf(nil, `"eventID":"%08x`, f.n))
	data = someone.ReplaceAll(data, fmt.Appendf(nil, "%012d", 700000000000+f.n%accounts))
	f.sent += bytes.Count(data, []byte(`"eventTime":`))
	return put(f.logs, fmt.Sprintf("%08d.json", f.n), data)
}
