package watch

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/layout"
	"github.com/rootkeep/rootkeep/internal/app/detector"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/app/watch/sources"
	"github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

// BenchmarkTrail takes a trail of tools/trailgen, whose folder ROOTKEEP_TRAIL names, one
// object after the other, with the shipped detections and a store in SQLite. For profiles:
//
//	go run ./tools/trailgen -events 300000 -out /tmp/trail
//	ROOTKEEP_TRAIL=/tmp/trail go test -run none -bench Trail -benchtime 1x -cpuprofile cpu.out ./internal/app/watch
func BenchmarkTrail(b *testing.B) {
	folder := os.Getenv("ROOTKEEP_TRAIL")
	if folder == "" {
		b.Skip("ROOTKEEP_TRAIL names no folder")
	}
	var paths []string
	err := filepath.WalkDir(folder, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() && layout.IsLogName(path) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		w, src := shippedWatcher(b)
		begun := time.Now()
		for _, path := range paths {
			d := live.Delivery{Source: "trail", Arrived: begun, Mark: []byte(path), Input: cloudtrail.Input{
				Name: path, OneMember: true, Open: func() (io.ReadCloser, error) { return os.Open(path) },
			}}
			if err := w.take(b.Context(), src, d); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(paths))/time.Since(begun).Seconds(), "objects/s")
	}
}

// shippedWatcher has the shipped detections and one source.
func shippedWatcher(b *testing.B) (*Watcher, *source) {
	b.Helper()
	s := storetest.Open(b, storetest.SQLite(b), storetest.Options(b))
	o, err := outbox.Open(outbox.Settings{}, time.Now, s, nil)
	if err != nil {
		b.Fatal(err)
	}
	settings, err := detector.Read("")
	if err != nil {
		b.Fatal(err)
	}
	rules, err := settings.Load()
	if err != nil {
		b.Fatal(err)
	}
	keeps := keeper(b)
	d, err := detector.New(detector.Config{Rules: rules, Alerts: keeps, Tell: o.Alerts("")})
	if err != nil {
		b.Fatal(err)
	}
	w, err := New(Config{
		Store: s, Judge: access.Judge, Detector: d, Alerts: &alerts.Desk{Keeper: keeps, Tell: o.Alerts("")}, Outbox: o,
		Owner: "a", Now: time.Now, Log: slog.New(slog.DiscardHandler), Sources: []sources.Config{{Name: "trail", Folder: b.TempDir()}},
	})
	if err != nil {
		b.Fatal(err)
	}
	w.sources[0].Source = &stub{}
	return w, w.sources[0]
}
