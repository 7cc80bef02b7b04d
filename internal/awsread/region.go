package awsread

import (
	"context"
	"slices"

	"github.com/rootkeep/rootkeep/internal/facts"
)

// inRegion sets facts of the Region that a place is in. If AWS did not name the
// Regions there is none to set, and all of them have a gap.
func inRegion(p *place, set func(*facts.Region)) direct {
	return func(f *facts.Facts) {
		if i := slices.IndexFunc(f.Regions, func(r facts.Region) bool { return r.Name == p.aws.Region }); i >= 0 {
			set(&f.Regions[i])
		}
	}
}

// eachRegion is about the Regions where ask is true, with what it gives to say there.
func eachRegion(ask func(*facts.Region) (with []string, ok bool)) func(*facts.Snapshot) []target {
	return func(s *facts.Snapshot) []target {
		f := &s.Facts
		var out []target
		for i := range f.Regions {
			if with, ok := ask(&f.Regions[i]); ok {
				out = append(out, target{region: f.Regions[i].Name, key: f.Regions[i].Name, with: with})
			}
		}
		return out
	}
}

// regionReader reads one call's facts of a Region: it is told what to say when asking,
// and gives what to set.
type regionReader func(ctx context.Context, p *place, with []string) (func(*facts.Region), error)

// there reads the Regions that eachRegion names.
func there(read regionReader) func(context.Context, *place, target) (any, error) {
	return func(ctx context.Context, p *place, t target) (any, error) {
		set, err := read(ctx, p, t.with)
		if err != nil {
			return nil, err
		}
		return inRegion(p, set), nil
	}
}

// everywhere reads all Regions.
func everywhere(read regionReader) func(context.Context, *place) (any, error) {
	return func(ctx context.Context, p *place) (any, error) { return there(read)(ctx, p, target{}) }
}
