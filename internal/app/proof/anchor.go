package proof

import (
	"context"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/anchor"
	"github.com/rootkeep/rootkeep/internal/awsout"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/anchors"
	"github.com/rootkeep/rootkeep/ledger"
)

// Places makes places of their configuration: it reads secrets and roots, and finds the
// credentials of buckets. One without credentials is a place that fails.
func Places(ctx context.Context, list []anchor.Config, now func() time.Time) ([]Place, error) {
	var out []Place
	for _, c := range list {
		p, err := place(ctx, c, now)
		if err != nil {
			return nil, fmt.Errorf("anchor %s: %w", c.Name, err)
		}
		out = append(out, Place{c, p})
	}
	return out, nil
}

func place(ctx context.Context, c anchor.Config, now func() time.Time) (anchor.Place, error) {
	switch c.Kind() {
	case anchor.File:
		return &anchor.Folder{Path: c.File}, nil
	case anchor.Webhook:
		secret, err := anchor.ReadSecret(c.SecretFile)
		return &anchor.Hook{Post: anchor.Post{Address: c.Webhook}, Secret: secret, Now: now}, err
	case anchor.ObjectLock:
		bucket, prefix, err := c.Bucket()
		if err != nil {
			return nil, err
		}
		lock, err := awsout.OpenLock(ctx, awsout.LockConfig{
			Config: awsout.Config{Profile: c.Profile, Region: c.Region}, Bucket: bucket, Prefix: prefix, Name: anchor.Name,
			Governance: c.Mode == "governance", Retention: c.Retention(), Now: now,
		})
		if err != nil {
			// Credentials that ran out are the state of this place: the others get the head.
			return unreached{err}, nil
		}
		return lock, nil
	}
	roots, err := anchor.ReadRoots(c.Roots)
	return &anchor.Stamper{Post: anchor.Post{Address: c.Timestamp}, Roots: roots}, err
}

// unreached is a bucket that nobody could sign in to.
type unreached struct{ err error }

func (u unreached) Put(context.Context, ledger.Checkpoint, []byte) ([]byte, error) {
	return nil, u.err
}

func (u unreached) Held(context.Context, int64) ([][]byte, error) { return nil, u.err }

// Anchored is how it went at one place.
type Anchored struct {
	Place  string    `json:"place"`
	Kind   string    `json:"kind"`
	Target string    `json:"target"`
	Size   int64     `json:"size"` // entries of the newest anchor, 0: none
	At     time.Time `json:"at"`
	Behind int64     `json:"behind"`           // entries that no anchor covers
	Failed string    `json:"failed,omitempty"` // of the last attempt: hostile
	Tries  int64     `json:"failures"`         // that failed one after the other
}

// Anchor puts the head to every place that does not have it yet. A place that fails
// stops no other; what went wrong is in its line. The error is the store's.
func Anchor(ctx context.Context, s *store.Store, places []Place, now func() time.Time) ([]Anchored, error) {
	var head store.Head
	var newest []anchors.Anchor
	err := s.View(ctx, func(ctx context.Context, r *store.Reader) (err error) {
		if head, err = s.Head(ctx, r); err != nil {
			return err
		}
		newest, err = anchors.Newest(ctx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	has := map[string]int64{}
	for _, a := range newest {
		has[a.Place] = a.Size
	}
	for _, p := range places {
		if head.Size == 0 || has[p.Name] == head.Size {
			continue
		}
		if err := put(ctx, s, p, head, now); err != nil {
			return nil, err
		}
	}
	return AnchorState(ctx, s, places)
}

func put(ctx context.Context, s *store.Store, p Place, head store.Head, now func() time.Time) error {
	tried := anchors.Place{Name: p.Name, Kind: string(p.Kind()), Target: p.Target(), Tried: now()}
	var a *anchors.Anchor
	proof, err := []byte(nil), rolledBack(ctx, s, p, head)
	if err == nil {
		proof, err = p.Put(ctx, head.Checkpoint, head.Signed)
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err() // says nothing of the place
		}
		tried.Failure = err.Error()
	} else {
		a = &anchors.Anchor{Place: p.Name, Kind: tried.Kind, Size: head.Size, Signed: head.Signed, Proof: proof, At: tried.Tried}
	}
	return anchors.Tried(ctx, s, tried, a)
}

// rolledBack asks a place that can be asked whether it holds a checkpoint newer than the
// head: then the store was put back to an older state.
func rolledBack(ctx context.Context, s *store.Store, p Place, head store.Head) error {
	holder, ok := p.Place.(anchor.Holder)
	if !ok {
		return nil
	}
	held, err := holder.Held(ctx, head.Size)
	if err != nil || len(held) == 0 {
		return err
	}
	newest, err := ledger.ReadCheckpoint(held[len(held)-1])
	if err != nil {
		return err
	}
	// Another server may have put a newer head there since this one was read.
	return s.View(ctx, func(ctx context.Context, r *store.Reader) error {
		now, err := s.Head(ctx, r)
		if err == nil && now.Size < newest.Size {
			err = fmt.Errorf("it holds a checkpoint of %d entries, the ledger has %d: history was rolled back, or the place is not this ledger's alone", newest.Size, now.Size)
		}
		return err
	})
}

// AnchorState says how every place stands that is configured or was tried before.
func AnchorState(ctx context.Context, s *store.Store, places []Place) ([]Anchored, error) {
	out := []Anchored{}
	err := s.View(ctx, func(ctx context.Context, r *store.Reader) error {
		head, err := s.Head(ctx, r)
		if err != nil {
			return err
		}
		standings, err := anchors.Standings(ctx, r)
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, t := range standings {
			known[t.Name] = true
			out = append(out, Anchored{Place: t.Name, Kind: t.Kind, Target: t.Target, Size: t.Size, At: t.At, Behind: head.Size - t.Size, Failed: t.Failure, Tries: t.Failures})
		}
		for _, p := range places {
			if !known[p.Name] {
				out = append(out, Anchored{Place: p.Name, Kind: string(p.Kind()), Target: p.Target(), Behind: head.Size})
			}
		}
		return nil
	})
	return out, err
}
