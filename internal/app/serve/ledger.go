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
	"github.com/rootkeep/rootkeep/internal/keyfile"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/ledger"
)

// Ledger says who reads the ledger beside those who sign in.
type Ledger struct {
	// PublicTiles lets witnesses read checkpoint and tiles without a token. They tell by
	// IDs who did what kind of thing when.
	PublicTiles bool `yaml:"public_tiles"`
}

// ledgerArea is the pages of the ledger. Keys are read from their file each time: a
// change of keys shows at once.
func (h *house) ledgerArea() (web.Area, error) {
	keys := func() ([]string, error) {
		k, err := keyfile.Open(h.settings.KeyFile)
		if err != nil {
			return nil, err
		}
		return k.Verifier, nil
	}
	return ledger.Area(ledger.Config{
		Store: h.store, Keys: keys, PublicTiles: h.settings.Ledger.PublicTiles, Now: h.now,
		Evidence: func(ctx context.Context, from, to time.Time, w io.Writer) error {
			public, err := keys()
			if err != nil {
				return err
			}
			_, err = proof.Evidence(ctx, h.store, public, from, to, w, nil)
			return err
		},
	}), nil
}

// anchorHead puts the ledger's head to the places of the settings. A place that failed
// makes the job fail once the others have it, so that it is tried again and shown.
func (h *house) anchorHead(ctx context.Context, _ *job.Job, report func(string)) error {
	places, err := proof.Places(ctx, h.settings.Anchors, h.now)
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

// checkAnchors refuses places that cannot be.
func (c *Settings) checkAnchors() error {
	if err := anchor.CheckConfig(c.Anchors); err != nil {
		return fmt.Errorf("settings: anchors: %w", err)
	}
	return nil
}
