package detector

import (
	"context"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect/live"
)

// Sieve reads objects and tells which of their records matter to the detections. It serves
// one goroutine.
type Sieve struct {
	detector *Detector
	of       *generation
	engine   *live.Engine
	reader   *cloudtrail.Reader
}

// Sieve makes one.
func (d *Detector) Sieve() *Sieve { return &Sieve{detector: d} }

// Read reads an object by the rules as they are now. matters says that a rule matched the
// record, or that it tells of watched resources; groups are those that it touches.
func (s *Sieve) Read(ctx context.Context, in cloudtrail.Input, each func(rec *cloudtrail.Record, groups []uint64, matters bool) error) (cloudtrail.Stats, error) {
	if now := s.detector.current(); s.of != now {
		o := now.Options
		o.Load = func(context.Context, []string) (map[string][]byte, error) { return nil, nil } // routing asks for no state
		o.Due = func(context.Context, int64, string, int) ([]string, error) { return nil, nil }
		engine, err := live.New(now.Pack, o)
		if err != nil {
			return cloudtrail.Stats{}, err
		}
		reader, err := readerOf(engine)
		if err != nil {
			return cloudtrail.Stats{}, err
		}
		s.of, s.engine, s.reader = now, engine, reader
	}
	return s.reader.Read(ctx, in, func(rec *cloudtrail.Record) error {
		groups, everywhere := s.engine.Route(rec)
		return each(rec, groups, everywhere || len(groups) > 0)
	}), nil
}
