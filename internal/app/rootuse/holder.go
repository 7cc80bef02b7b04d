package rootuse

import (
	"context"
	"errors"

	"github.com/rootkeep/rootkeep"
	model "github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/web/root/ask"
)

// HolderOf is what the newest scan of an account says that it is to its organization. What
// the scan could not read it does not say.
func HolderOf(ctx context.Context, r *store.Reader, account rootkeep.AccountID) (ask.Holding, error) {
	row, err := posture.AccountOf(ctx, r, sight.All(), account)
	if err != nil || row.Scan == "" {
		return ask.Holding{}, absent(err)
	}
	s, err := posture.Snapshot(ctx, r, row.Scan, account)
	if err != nil {
		return ask.Holding{}, absent(err)
	}
	if _, known := s.Origin("organization.member"); !known {
		return ask.Holding{}, nil
	}
	out := ask.Holding{Holder: model.Standalone, Read: s.Taken}
	if !s.Facts.Organization.Member {
		return out, nil
	}
	if _, known := s.Origin("organization.management"); !known {
		return ask.Holding{}, nil
	}
	if out.Holder = model.Member; s.Facts.Organization.Management {
		out.Holder = model.Management
	}
	return out, nil
}

// absent is no error of what is not there: nothing is known then.
func absent(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
