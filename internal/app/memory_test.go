package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/report"
)

// streamSize is how long the streams of these tests are, bytes. The full length
// takes ten seconds, so it is asked for with ROOTKEEP_LONG=1.
func streamSize() int64 {
	if os.Getenv("ROOTKEEP_LONG") == "1" {
		return 2 << 30
	}
	return 256 << 20
}

// memoryBound is how much a hunt may grow above what the test had before: the
// windows of the workers, evidence, counts. It is far below either stream.
const memoryBound = 200 << 20

// gauge is a stream that looks at the memory in use while it is read.
type gauge struct {
	io.Reader
	before, most uint64
	next, read   int64
}

func newGauge(r io.Reader) *gauge {
	runtime.GC()
	g := &gauge{Reader: r}
	g.before = inUse()
	return g
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

func (g *gauge) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p)
	if g.read += int64(n); g.read >= g.next || err != nil {
		g.next = g.read + 16<<20
		g.most = max(g.most, inUse())
	}
	return n, err
}

func (g *gauge) check(t *testing.T) {
	t.Helper()
	if g.read < streamSize() {
		t.Fatalf("%d bytes were read, want all %d", g.read, streamSize())
	}
	grown := int64(g.most) - int64(g.before)
	t.Logf("%d MB read, memory grew by %d MB", g.read>>20, grown>>20)
	if grown > memoryBound {
		t.Errorf("memory grew by %d MB while %d MB were read, want at most %d MB", grown>>20, g.read>>20, memoryBound>>20)
	}
}

// trail is one endless line: {"Records":[ and a block of some hundred events
// over and over, each time with other event IDs and a minute later. It closes
// the list at the first block that reaches size.
type trail struct {
	block    []byte
	ids      []int // where an event ID's last 12 digits stand in block
	times    []int // where an eventTime stands
	serial   int
	left     int64
	current  []byte
	finished bool
}

const timeLength = len("2026-03-02T10:00:00Z")

// newTrail makes one event in twenty suspicious.
func newTrail(t *testing.T, size int64) *trail {
	t.Helper()
	tr := &trail{left: size, current: []byte(`{"Records":[`)}
	for i := range 300 {
		s := step{base: "assumed-root-call", set: map[string]any{
			"eventName": fmt.Sprintf("DescribeThing%d", i), "eventSource": "example.amazonaws.com", "userIdentity.type": "AssumedRole", "sourceIPAddress": fmt.Sprintf("203.0.113.%d", i%250),
		}}
		if i%20 == 0 {
			s = step{base: []string{"stop-logging", "root-signin-failure", "get-secret-value"}[i/20%3]}
		}
		text, err := json.Marshal(records(t, 0xabcdef00+i, s)[0])
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			tr.block = append(tr.block, ',')
		}
		start := len(tr.block)
		tr.block = append(tr.block, text...)
		tr.ids = append(tr.ids, start+bytes.Index(text, []byte("-8000-"))+len("-8000-"))
		tr.times = append(tr.times, start+bytes.Index(text, []byte(`"eventTime":"`))+len(`"eventTime":"`))
	}
	return tr
}

func (tr *trail) Read(p []byte) (int, error) {
	for len(tr.current) == 0 {
		if tr.finished {
			return 0, io.EOF
		}
		tr.fill()
	}
	n := copy(p, tr.current)
	tr.current = tr.current[n:]
	tr.left -= int64(n)
	return n, nil
}

func (tr *trail) fill() {
	if tr.serial > 0 {
		if tr.finished = tr.left <= 0; tr.finished {
			tr.current = []byte("]}")
			return
		}
		if tr.serial == 1 {
			tr.block = append(tr.block, 0)
			copy(tr.block[1:], tr.block)
			tr.block[0] = ','
			for i := range tr.ids {
				tr.ids[i]++
				tr.times[i]++
			}
		}
	}
	id := fmt.Sprintf("%012x", tr.serial)
	at := monday.Add(time.Duration(tr.serial) * time.Minute).Format(time.RFC3339)
	for i := range tr.ids {
		copy(tr.block[tr.ids[i]:], id)
		copy(tr.block[tr.times[i]:tr.times[i]+timeLength], at)
	}
	tr.serial++
	tr.current = tr.block
}

func huntStream(t *testing.T, r io.Reader) *report.Hunt {
	return hunted(t, HuntConfig{Paths: []string{"-"}, Stdin: r, Workers: 1})
}

func TestAnEndlessLineStaysSmall(t *testing.T) {
	tr := newTrail(t, streamSize())
	g := newGauge(tr)
	h := huntStream(t, g)
	g.check(t)
	if want := int64(300 * tr.serial); h.Totals.Events != want || len(h.Problems) > 0 {
		t.Errorf("got %d events and problems %+v, want %d and none", h.Totals.Events, h.Problems, want)
	}
	if h.Totals.DedupApproximateFrom == "" {
		t.Error("the report does not say that the total is approximate, want it to: 1 MB holds no such number of event IDs")
	}
	if len(of(h, "trail-stopped")) == 0 || len(of(h, "root-signin-failures")) == 0 {
		t.Errorf("alerts: got %d, want those of trail-stopped and root-signin-failures among them", len(h.Alerts))
	}
}

func TestAnEndlessStringIsSkipped(t *testing.T) {
	first, last := recordText(t), strings.Replace(recordText(t), "00000001-", "00000002-", 1)
	g := newGauge(io.MultiReader(
		strings.NewReader(`{"Records":[`+first+`,{"eventName":"`),
		io.LimitReader(letters{}, streamSize()),
		strings.NewReader(`"},`+last+`]}`),
	))
	h := huntStream(t, g)
	g.check(t)
	if h.Totals.Events != 2 {
		t.Errorf("got %d events, want the 2 neighbours", h.Totals.Events)
	}
	if len(h.Problems) != 1 || h.Problems[0].Kind != "oversized-record" || h.Problems[0].Offset != int64(len(`{"Records":[`+first+`,`)) {
		t.Errorf("problems: got %+v, want one oversized-record with its offset", h.Problems)
	}
}

// letters is an endless text.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
