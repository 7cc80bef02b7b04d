package app

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/detect"
	"github.com/rootkeep/rootkeep/internal/stream"
	"github.com/rootkeep/rootkeep/sigma"
)

// ExplainConfig asks why one rule matches events or does not.
type ExplainConfig struct {
	Rule  string // name, ID or title
	Paths []string
	Stdin io.Reader
	Rules RuleConfig
}

// Explained is the answer for one event.
type Explained struct {
	File        string            `json:"file"`
	Offset      int64             `json:"offset"`
	EventID     string            `json:"event_id"`
	Explanation sigma.Explanation `json:"explanation"`
}

// Explain calls each for every event of the paths, in order. What could not be
// read is returned.
func Explain(ctx context.Context, c ExplainConfig, each func(Explained) error) ([]cloudtrail.Problem, error) {
	pack, err := LoadRules(c.Rules)
	if err != nil {
		return nil, err
	}
	number, ok := pack.RuleNumber(c.Rule)
	if !ok {
		return nil, fmt.Errorf("no single-event rule %q%s; hint: rootkeep rules list", c.Rule, unloaded(pack))
	}
	hunt, err := detect.NewHunt(pack, detect.Options{DedupMemory: 1 << 20})
	if err != nil {
		return nil, err
	}
	fields, err := cloudtrail.CompileFields(hunt.Fields())
	if err != nil {
		return nil, err
	}
	paths, err := stream.Open(c.Paths, c.Stdin)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	objects := make(chan stream.Object)
	var sending sync.WaitGroup
	sending.Go(func() { paths.Send(ctx, objects) })
	defer sending.Wait() // before Close: Send opens the zips
	defer cancel()
	worker, reader := hunt.NewWorker(), cloudtrail.NewReader(fields, cloudtrail.Options{Derived: hunt.Derived()})
	var problems []cloudtrail.Problem
	for o := range objects {
		if o.Err != nil {
			problems = append(problems, cloudtrail.Problem{File: o.Input.Name, Kind: cloudtrail.ReadError, Detail: o.Err.Error()})
			continue
		}
		stats := reader.Read(ctx, o.Input, func(rec *cloudtrail.Record) error {
			id, why := worker.Explain(rec, number)
			return each(Explained{o.Input.Name, rec.Offset, id, why})
		})
		problems = append(problems, stats.Problems...)
		if stats.Err != nil {
			return problems, stats.Err
		}
	}
	return problems, ctx.Err()
}

// unloaded names the first file that could not be used: the rule that was asked
// for may stand in it.
func unloaded(pack *detect.Pack) string {
	for _, p := range pack.Problems {
		if !p.Warning {
			return " (" + p.String() + ")"
		}
	}
	return ""
}
