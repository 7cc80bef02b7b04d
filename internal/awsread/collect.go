package awsread

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/intake"
)

// collect asks for the Regions, then for everything, then for the state of each trail.
// Facts go into the snapshot in the order of tasks, not of answers.
func (r *reader) collect(ctx context.Context) (*facts.Snapshot, error) {
	in := intake.New(r.config.Now().UTC())
	in.Expect(r.account)
	regions, lost, err := r.regions(ctx)
	if err != nil {
		return nil, err
	}
	tasks := r.tasks(regions)
	if err := r.run(ctx, tasks); err != nil {
		return nil, err
	}
	for _, t := range tasks {
		if t.err == nil {
			t.err = take(in, t)
		}
		if t.err != nil {
			lost.add(t)
		}
	}
	if err := r.trails(ctx, in, tasks, lost); err != nil {
		return nil, err
	}
	s := in.Snapshot()
	lost.gaps(s)
	return s, nil
}

// regions are the enabled ones. If AWS does not name them, only the Region where
// reading began is read, and every regional fact has a gap.
func (r *reader) regions(ctx context.Context) ([]string, *failures, error) {
	lost := &failures{}
	first := &task{Operation: Operation{Action: listRegions, read: enabledRegions}, region: r.aws.Region}
	if err := r.run(ctx, []*task{first}); err != nil {
		return nil, nil, err
	}
	if first.err == nil {
		return first.answer.([]string), lost, nil
	}
	for _, o := range Operations() {
		if o.Regional {
			f := failureOf(first)
			f.call, f.why = o.Action, f.why+"; of all Regions only "+r.aws.Region+" was read"
			lost.put(f)
		}
	}
	return []string{r.aws.Region}, lost, nil
}

// take puts the answer of a task into the snapshot.
func take(in *intake.Intake, t *task) error {
	s := in.SoFar()
	switch answer := t.answer.(type) {
	case []trailtypes.Trail:
		return nil // told together, see trails
	case direct:
		answer(&s.Facts)
		s.Observe(t.Action, t.at, "", pathsOf(t.Action)...)
		return nil
	}
	before := len(s.Facts.MetricFilters)
	if err := add(in, t); err != nil {
		return err
	}
	// AWS's answer does not say of which Region it is.
	for i := before; i < len(s.Facts.MetricFilters); i++ {
		s.Facts.MetricFilters[i].Region = t.region
	}
	return nil
}

// add gives an answer to intake in the form of the AWS CLI.
func add(in *intake.Intake, t *task) error {
	text, err := json.Marshal(t.answer)
	if err != nil {
		return fmt.Errorf("answer of %s: %w", t.Action, err)
	}
	return in.Add(bytes.NewReader(text), "", t.at)
}

// trails tells each trail once and asks whether it is logging.
func (r *reader) trails(ctx context.Context, in *intake.Intake, tasks []*task, lost *failures) error {
	all := &task{Operation: Operation{Action: describeTrails}}
	for _, t := range tasks {
		if _, ok := t.answer.([]trailtypes.Trail); ok && t.err == nil && (all.at.IsZero() || t.at.Before(all.at)) {
			all.at = t.at // of several answers the oldest
		}
	}
	if all.at.IsZero() {
		return nil // no Region answered, which has its gaps
	}
	list := distinct(tasks)
	shapes := make([]trailtypes.Trail, len(list))
	var states []*task
	for i, t := range list {
		shapes[i] = t.Trail
		arn := aws.ToString(t.TrailARN)
		states = append(states, &task{Operation: Operation{Action: trailStatus, Regional: true, read: status(arn)}, region: t.region, trail: arn})
	}
	all.answer = map[string]any{"trailList": shapes}
	if all.err = add(in, all); all.err != nil {
		lost.add(all)
		return nil
	}
	if err := r.run(ctx, states); err != nil {
		return err
	}
	s := in.SoFar()
	at := all.at // without a trail there is nothing to ask
	for i, t := range states {
		if t.err != nil {
			lost.add(t)
			continue
		}
		s.Facts.Trails[i].Logging = t.answer.(bool)
		at = t.at
	}
	s.Observe(trailStatus, at, "", pathsOf(trailStatus)...)
	return nil
}
