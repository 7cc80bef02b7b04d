package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/tools/benchdoc"
)

const (
	hours = 24
	// warm are the hours in which caches and rows fill up; from then on what is live should not
	// grow.
	warm = 4
	// stride is by how much the server's clock goes on at once: less than a source may be silent.
	stride = 5 * time.Minute
)

// day has events of 100 accounts come while a server's clock has a day go by in minutes, so that
// windows end and are forgotten as in real life, and looks at the memory of the process and at
// its store in each hour.
func day(ctx context.Context, o options, stderr io.Writer) (string, error) {
	o.events = o.shared
	trail, err := o.trail(stderr)
	if err != nil {
		return "", err
	}
	s, logs, err := watching(o, "day")
	if err != nil {
		return "", err
	}
	c, err := s.startBy()
	if err != nil {
		return "", errors.Join(err, s.stop())
	}
	d := &dayFeed{server: s, clock: c, logs: logs, each: max(o.hourly, 1), pace: o.pace}
	if d.files, err = filesOf(trail); err == nil {
		err = d.all(ctx, stderr)
	}
	if err := errors.Join(err, s.stop()); err != nil {
		return "", err
	}
	return d.table(), nil
}

// dayFeed leaves the objects of a day in a folder.
type dayFeed struct {
	server *server
	clock  *clock
	logs   string
	files  []string // whose records are used
	each   int      // events an hour
	pace   time.Duration
	put    int // objects
	rows   []hour
}

// hour is what one came to.
type hour struct {
	events int
	took   time.Duration
	heap   heap  // at its end
	memory int64 // of the process at most, bytes
	store  int64 // bytes
}

func (d *dayFeed) all(ctx context.Context, stderr io.Writer) error {
	for n := range hours {
		watched, begun := benchdoc.Watch(d.server.running[0].Process.Pid), time.Now()
		h, err := d.hour(ctx, n)
		h.took, h.memory = time.Since(begun), watched().Own
		if err != nil {
			return fmt.Errorf("hour %d: %w", n+1, err)
		}
		if h.store, err = sizeOf(filepath.Join(d.server.dir, "rootkeep.db")); err != nil {
			return err
		}
		d.rows = append(d.rows, h)
		fmt.Fprint(stderr, h.row(n))
	}
	return nil
}

// sizeOf is a store with what is not yet in its file.
func sizeOf(path string) (int64, error) {
	var out int64
	for _, p := range []string{path, path + "-wal"} {
		info, err := os.Stat(p)
		if err != nil {
			return 0, err
		}
		out += info.Size()
	}
	return out, nil
}

// hour leaves an hour's objects, each after its events, and waits until a sign-in of root behind
// them is told.
func (d *dayFeed) hour(ctx context.Context, n int) (h hour, err error) {
	for passed := stride; passed <= time.Hour; passed += stride {
		if _, err := d.clock.pass(stride); err != nil {
			return h, err
		}
		for h.events < int(int64(d.each)*int64(passed)/int64(time.Hour)) {
			more, err := d.object(d.clock.now())
			if err != nil {
				return h, err
			}
			h.events += more
			if err := ctx.Err(); err != nil {
				return h, err
			}
		}
		pause(ctx, d.pace)
	}
	account := fmt.Sprintf("%012d", 800000000000+n)
	pause(ctx, 20*time.Millisecond) // the order of reading is that of the files' times
	if err := put(d.logs, fmt.Sprintf("%08d-last.json", d.put), probe(account, d.clock.now())); err != nil {
		return h, err
	}
	if _, err = d.server.receiver.of(ctx, account, atMost); err == nil {
		h.heap, err = d.clock.pass(0)
	}
	return h, err
}

// object leaves one more: records of the trail as of a time, in one of 100 accounts, with IDs
// that no other has.
func (d *dayFeed) object(at time.Time) (events int, err error) {
	file, err := os.Open(d.files[d.put%len(d.files)])
	if err != nil {
		return 0, err
	}
	defer file.Close()
	inflated, err := gzip.NewReader(file)
	if err != nil {
		return 0, err
	}
	data, err := io.ReadAll(inflated)
	if err != nil {
		return 0, err
	}
	data = eventTime.ReplaceAll(data, fmt.Appendf(nil, `"eventTime":%q`, at.UTC().Format(time.RFC3339)))
	data = eventID.ReplaceAll(data, fmt.Appendf(nil, `"eventID":"%08x`, d.put))
	data = someone.ReplaceAll(data, fmt.Appendf(nil, "%012d", 700000000000+d.put%accounts))
	d.put++
	return bytes.Count(data, []byte(`"eventTime":`)), put(d.logs, fmt.Sprintf("%08d.json", d.put), data)
}

func (d *dayFeed) table() string {
	var b strings.Builder
	b.WriteString("| hour of the day | events | wall time | live heap | memory that Go has | memory of the process in it, at most | store at its end |\n|---|---:|---:|---:|---:|---:|---:|\n")
	for n, h := range d.rows {
		b.WriteString(h.row(n))
	}
	early, late := most(d.rows[warm:hours/2]), most(d.rows[hours/2:])
	fmt.Fprintf(&b, "\nFrom hour %d to %d the live heap was at most %.0f MB and the memory %.0f MB, from hour %d to the end %.0f MB and %.0f MB.\n",
		warm+1, hours/2, mb(early.heap.Live), mb(early.memory), hours/2+1, mb(late.heap.Live), mb(late.memory))
	return b.String()
}

func (h *hour) row(n int) string {
	return fmt.Sprintf("| %d | %d | %.1f s | %.1f MB | %.0f MB | %.0f MB | %.0f MB |\n", n+1, h.events, h.took.Seconds(), mb(h.heap.Live), mb(h.heap.Held), mb(h.memory), mb(h.store))
}

func mb(bytes int64) float64 { return float64(bytes) / 1e6 }

func most(rows []hour) (out hour) {
	for _, h := range rows {
		out.heap.Live, out.memory = max(out.heap.Live, h.heap.Live), max(out.memory, h.memory)
	}
	return out
}
