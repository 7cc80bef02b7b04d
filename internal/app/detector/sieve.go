package detector

import (
	"context"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect"
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

// Read reads an object by the rules as they are now, and says of each of its records how it
// matters to the detections, nil if it does not. It shares the record's text, which is good
// inside each alone.
func (s *Sieve) Read(ctx context.Context, in cloudtrail.Input, each func(*cloudtrail.Record, *Record) error) (cloudtrail.Stats, error) {
	if err := s.renew(); err != nil {
		return cloudtrail.Stats{}, err
	}
	number := int64(0)
	return s.reader.Read(ctx, in, func(rec *cloudtrail.Record) error {
		number++
		groups, everywhere := s.engine.Route(rec)
		if len(groups) == 0 && !everywhere {
			return each(rec, nil)
		}
		r := &Record{Object: in.Name, Raw: rec.Raw, Groups: groups, Everywhere: everywhere}
		if !detect.Named(rec.View) {
			r.Number = number
		}
		return each(rec, r)
	}), nil
}

func (s *Sieve) renew() error {
	now := s.detector.current()
	if s.of == now {
		return nil
	}
	o := now.Options
	o.Load = func(context.Context, []string) (map[string][]byte, error) { return nil, nil } // routing asks for no state
	o.Due = func(context.Context, int64, string, int) ([]string, error) { return nil, nil }
	engine, err := live.New(now.Pack, o)
	if err != nil {
		return err
	}
	if s.reader, err = readerOf(engine); err != nil {
		return err
	}
	s.of, s.engine = now, engine
	return nil
}
