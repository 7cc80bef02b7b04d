package app

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/report"
)

func TestAHuntLeavesNoGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	for i := range 20 {
		logFile(t, filepath.Join(dir, fmt.Sprintf("%d.json", i)), records(t, i, step{base: "stop-logging"}))
	}
	c := HuntConfig{Paths: []string{dir, "-"}, Stdin: strings.NewReader("no log"), Workers: 3, Progress: func(report.Progress) {}}
	if h := hunted(t, c); h.Totals.Events != 20 || h.Interrupted {
		t.Errorf("got %d events, interrupted: %t; want 20, false", h.Totals.Events, h.Interrupted)
	}
}

func TestExplainLeavesNoGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	for i := range 20 {
		logFile(t, filepath.Join(dir, fmt.Sprintf("%d.json", i)), records(t, i, step{base: "stop-logging"}))
	}
	enough := fmt.Errorf("enough")
	_, err := Explain(t.Context(), ExplainConfig{Rule: "trail-stopped", Paths: []string{dir}}, func(Explained) error { return enough })
	if err != enough {
		t.Errorf("got error %v, want that of the function", err)
	}
}

func TestAnInterruptedHuntReportsWhatItFound(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	for i := range 50 {
		logFile(t, filepath.Join(dir, fmt.Sprintf("%02d.json", i)), records(t, i, step{base: "stop-logging"}))
	}
	ctx, cancel := context.WithCancel(t.Context())
	h, err := Hunt(ctx, HuntConfig{
		Paths: []string{dir}, Pack: shipped(t), Now: time.Now, Workers: 2, DedupMemory: 1 << 20,
		OnMatch: func(detect.Match) { cancel() }, // Ctrl-C while the first file is read
	})
	if err != nil {
		t.Fatal(err)
	}
	if !h.Interrupted {
		t.Error("Interrupted: got false, want true")
	}
	if got := of(h, "trail-stopped"); len(got) != 1 || got[0].Level != rootkeep.High {
		t.Errorf("alerts of trail-stopped: got %d, want the one that was found", len(got))
	}
	if h.Totals.Events == 0 || h.Totals.Events > 10 {
		t.Errorf("got %d events, want a few of the 50", h.Totals.Events)
	}
}

func TestASilentPipeDoesNotHoldAnInterruptedHunt(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	text := `{"Records":[` + strings.TrimSuffix(strings.Repeat(recordText(t)+",", 2000), ",")
	silent, writer := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		io.WriteString(writer, text) // and then nothing, as a stalled network does
		cancel()
	}()
	h, err := Hunt(ctx, HuntConfig{Paths: []string{"-"}, Stdin: silent, Pack: shipped(t), Now: time.Now, DedupMemory: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	if !h.Interrupted || h.Totals.Events == 0 {
		t.Errorf("got %d events, interrupted: %t; want some, true", h.Totals.Events, h.Interrupted)
	}
	writer.Close() // what waited for the pipe ends with it
	goleak.VerifyNone(t, ignore)
}

// recordText is one record as it stands in a log.
func recordText(t testing.TB) string {
	t.Helper()
	text, err := json.Marshal(records(t, 1, step{base: "stop-logging"})[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestHuntRefuses(t *testing.T) {
	tests := []struct {
		name, want string
		config     HuntConfig
	}{
		{"no clock", "app: a clock is required", HuntConfig{}},
		{"a path that is not there", "open nowhere: no such file or directory", HuntConfig{Paths: []string{"nowhere"}, Now: time.Now}},
		{"no detections", "no detections: the shipped pack is switched off", HuntConfig{Now: time.Now, Rules: RuleConfig{OnlyDirs: true}}},
		{"an inventory of an unknown kind", `inventory kind "buckets"`, HuntConfig{Now: time.Now, Inventory: file(t, filepath.Join(t.TempDir(), "inventory.yaml"), "buckets: [a]\n")}},
		{"a relay list with a mistake", "relays.txt:1:", HuntConfig{Now: time.Now, RelayLists: []string{file(t, filepath.Join(t.TempDir(), "relays.txt"), "nonsense\n")}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Hunt(t.Context(), tt.config)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one that says %s", err, tt.want)
			}
		})
	}
}

func TestAHostileNameInAZipReachesTheScreenAsText(t *testing.T) {
	const hostile = "../../\x1b[2Jevil.json"
	dir := t.TempDir()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(hostile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "no log"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	h := hunted(t, HuntConfig{Paths: []string{file(t, filepath.Join(dir, "logs.zip"), b.String())}})
	if len(h.Problems) != 1 || !strings.HasSuffix(h.Problems[0].File, "logs.zip/"+hostile) {
		t.Fatalf("problems: got %+v, want one that names the entry", h.Problems)
	}
	var screen strings.Builder
	if err := report.Terminal(&screen, h, report.TerminalOptions{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(screen.String(), "\x1b") || !strings.Contains(screen.String(), "evil.json") {
		t.Errorf("got %q, want the name without an escape sequence", screen.String())
	}
}

// Progress and summary compare what was read with what lies on the disk.
func TestEntriesOfAZipCountAsTheyAreStored(t *testing.T) {
	text, err := json.Marshal(map[string]any{"Records": records(t, 1, step{base: "stop-logging"}), "padding": strings.Repeat(" ", 1<<20)})
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	w, err := z.Create("log.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	h := hunted(t, HuntConfig{Paths: []string{file(t, filepath.Join(t.TempDir(), "logs.zip"), packed.String())}})
	if got, most := h.Totals.StoredBytes, int64(packed.Len()); h.Totals.Events != 1 || got <= 0 || got > most {
		t.Errorf("got %d events, %d stored bytes; want 1, at most %d", h.Totals.Events, got, most)
	}
	if got, want := h.Totals.InflatedBytes, int64(len(text)); got != want {
		t.Errorf("inflated bytes: got %d, want %d", got, want)
	}
}

// What a hunt leaves out unread it must not take for silence, nor for learned.
func TestFromWhenOnEverythingIsRead(t *testing.T) {
	since := time.Date(2026, 10, 19, 15, 4, 5, 0, time.FixedZone("", 7200))
	day := time.Date(2026, 10, 19, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		config HuntConfig
		want   time.Time
	}{
		{"files are read whole", HuntConfig{Paths: []string{"logs", "-"}, Since: since}, time.Time{}},
		{"a bucket is listed by days", HuntConfig{Paths: []string{"logs", "s3://trail-logs/AWSLogs/"}, Since: since}, day},
		{"so is one that is given whole", HuntConfig{Paths: []string{"s3://trail-logs"}, Since: since}, day},
		{"and a Region of one account", HuntConfig{Paths: []string{"s3://trail-logs/AWSLogs/111122223333/CloudTrail/eu-west-1/"}, Since: since}, day},
		{"a day of a bucket is read whole", HuntConfig{Paths: []string{"s3://trail-logs/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/10/18/"}, Since: since}, time.Time{}},
		{"the beginning of a name is read whole", HuntConfig{Paths: []string{"s3://trail-logs/AWSLogs"}, Since: since}, time.Time{}},
		{"what is not CloudTrail's is read whole", HuntConfig{Paths: []string{"s3://trail-logs/AWSLogs/copies/"}, Since: since}, time.Time{}},
		{"a bucket without a period is read whole", HuntConfig{Paths: []string{"s3://trail-logs"}}, time.Time{}},
	} {
		if got := tt.config.readFrom(); !got.Equal(tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
