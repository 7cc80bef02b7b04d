package serve

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/scan/record"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/rule"
	"github.com/rootkeep/rootkeep/internal/store"
	kept "github.com/rootkeep/rootkeep/internal/store/exceptions"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/exceptions"
)

// book reads the policies of approval; without a file they are the defaults.
func (c *Settings) book() (*approval.Book, error) {
	if c.Approvals == "" {
		return approval.NewBook(approval.Configuration{})
	}
	folder, name := filepath.Split(c.Approvals)
	b, err := approval.ReadBook(rule.Source{FS: os.DirFS(filepath.Clean("./" + folder)), Dir: ".", Name: folder}, name)
	if err != nil {
		return nil, fmt.Errorf("approvals: %w", err)
	}
	return b, nil
}

// records is the recorder of scans, which has the controls; it is made when first asked for.
type records struct {
	once     sync.Once
	recorder *record.Recorder
	err      error
}

func (d *deps) recorder() (*record.Recorder, error) {
	d.records.once.Do(func() {
		d.records.recorder, d.records.err = record.New(record.Recorder{Store: d.store, Version: d.settings.Version, Now: d.now})
	})
	return d.records.recorder, d.records.err
}

// exceptions is the area of exceptions.
func (d *deps) exceptions() (web.Area, error) {
	recorder, err := d.recorder()
	if err != nil {
		return web.Area{}, err
	}
	book, err := d.settings.book()
	if err != nil {
		return web.Area{}, err
	}
	var list []kept.Control
	known := map[string]kept.Control{}
	for _, c := range recorder.Catalogue() {
		severity, err := rootkeep.ParseSeverity(c.Severity)
		if err != nil {
			return web.Area{}, fmt.Errorf("control %s: %w", c.ID, err)
		}
		known[c.ID] = kept.Control{ID: c.ID, Title: c.Title, Severity: severity}
		list = append(list, known[c.ID])
	}
	desk, err := kept.New(kept.Desk{
		Book: book, Site: approval.SiteOf(d.url), Place: posture.PlaceOf, Changed: recorder.Except,
		Control: func(id string) (kept.Control, bool) { c, ok := known[id]; return c, ok },
	})
	if err != nil {
		return web.Area{}, err
	}
	return exceptions.Area(exceptions.Config{Store: d.store, Desk: desk, Now: d.now, Controls: list})
}

const sweepEvery = time.Minute

// sweep writes down which requests have expired and which exceptions have ended, until
// the context ends. What fails is logged and tried again.
func (d *deps) sweep(ctx context.Context) error {
	recorder, err := d.recorder()
	if err != nil {
		return err
	}
	ticks := time.NewTicker(sweepEvery)
	defer ticks.Stop()
	for {
		if err := d.sweepOnce(ctx, recorder); err != nil && ctx.Err() == nil {
			d.log.ErrorContext(ctx, "exceptions that are over", "error", err.Error())
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (d *deps) sweepOnce(ctx context.Context, recorder *record.Recorder) error {
	for {
		var due bool
		err := d.store.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
			due, err = kept.Due(ctx, r, d.now())
			return err
		})
		if err != nil || !due {
			return err
		}
		n := 0
		err = d.store.Update(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			n, err = kept.Sweep(ctx, tx, recorder.Except)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}
