// Package security is what AWS is asked about its own services of security: AWS Config,
// Security Hub, GuardDuty and IAM Access Analyzer, each in every Region.
package security

import (
	"context"
	"slices"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// Operations tell of the services, which are off in most Regions: few calls tell that.
func Operations() []call.Operation {
	return slices.Concat(configOperations(), hubOperations(), detectorOperations(), analyzerOperations())
}

// inRegion sets facts of the Region that a place is in. If AWS did not name the
// Regions there is none to set, and all of them have a gap.
func inRegion(p *call.Place, set func(*facts.Region)) call.Direct {
	return func(f *facts.Facts) {
		if i := slices.IndexFunc(f.Regions, func(r facts.Region) bool { return r.Name == p.AWS.Region }); i >= 0 {
			set(&f.Regions[i])
		}
	}
}

// eachRegion is about the Regions where ask is true, with what it gives to say there.
func eachRegion(ask func(*facts.Region) (with []string, ok bool)) func(*facts.Snapshot) []call.Target {
	return func(s *facts.Snapshot) []call.Target {
		f := &s.Facts
		var out []call.Target
		for i := range f.Regions {
			if with, ok := ask(&f.Regions[i]); ok {
				out = append(out, call.Target{Region: f.Regions[i].Name, Key: f.Regions[i].Name, With: with})
			}
		}
		return out
	}
}

// regionReader reads one call's facts of a Region: it is told what to say when asking,
// and gives what to set.
type regionReader func(ctx context.Context, p *call.Place, with []string) (func(*facts.Region), error)

// there reads the Regions that eachRegion names.
func there(read regionReader) func(context.Context, *call.Place, call.Target) (any, error) {
	return func(ctx context.Context, p *call.Place, t call.Target) (any, error) {
		set, err := read(ctx, p, t.With)
		if err != nil {
			return nil, err
		}
		return inRegion(p, set), nil
	}
}

// everywhere reads all Regions.
func everywhere(read regionReader) func(context.Context, *call.Place) (any, error) {
	return func(ctx context.Context, p *call.Place) (any, error) { return there(read)(ctx, p, call.Target{}) }
}
