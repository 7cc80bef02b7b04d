package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/anchor"
	"github.com/rootkeep/rootkeep/internal/app/proof"
	"github.com/rootkeep/rootkeep/internal/job"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/ledger"
)

// Who reads the ledger's checkpoint and tiles. They tell by IDs who did what kind of
// thing when; witnesses without a token need them open to anybody.
const (
	tilesReaders = "readers"
	tilesAnybody = "anybody"
)

// ledgerArea is the pages of the ledger.
func (h *house) ledgerArea() (web.Area, error) {
	return ledger.Area(ledger.Config{
		Store: h.store, Keys: h.keys.Verifier, PublicTiles: h.settings.Tiles == tilesAnybody, Now: h.now,
		Evidence: func(ctx context.Context, from, to time.Time, w io.Writer) error {
			_, err := proof.Evidence(ctx, h.store, proof.Export{Keys: h.keys.Verifier, From: from, To: to}, w)
			return err
		},
	}), nil
}

// anchorHead puts the ledger's head to the places of the settings. A place that failed
// makes the job fail once the others have it, so that it is tried again and shown.
func (h *house) anchorHead(ctx context.Context, _ *job.Job, report func(string)) error {
	configured, err := h.settings.anchors()
	if err != nil {
		return err
	}
	places, err := proof.Places(ctx, configured, h.now)
	if err != nil {
		return err
	}
	list, err := proof.Anchor(ctx, h.store, places, h.now)
	if err != nil {
		return err
	}
	var failed []string
	for _, a := range list {
		for _, p := range places {
			if p.Name == a.Place && a.Failed != "" {
				failed = append(failed, a.Place+": "+a.Failed)
			}
		}
	}
	report(fmt.Sprintf("%d of %d places hold the head", len(places)-len(failed), len(places)))
	if len(failed) > 0 {
		return errors.New("anchor: " + strings.Join(failed, "; "))
	}
	return nil
}

// anchors reads the file of places, if there is one.
func (c *Settings) anchors() ([]anchor.Config, error) {
	if c.Anchors == "" {
		return nil, nil
	}
	return anchor.ReadConfig(c.Anchors)
}

// checkLedger refuses places that cannot be, and readers that there are not.
func (c *Settings) checkLedger() error {
	if c.Tiles != tilesReaders && c.Tiles != tilesAnybody {
		return fmt.Errorf("tiles %q: want %s or %s", c.Tiles, tilesReaders, tilesAnybody)
	}
	_, err := c.anchors()
	return err
}
