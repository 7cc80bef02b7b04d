package awsread

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/rootkeep/rootkeep/internal/awsread/alerting"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awsread/identity"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/facts/intake"
)

// collect asks for the Regions, then for everything, then about single resources.
// Facts go into the snapshot in the order of tasks, not of answers.
func (r *reader) collect(ctx context.Context) (*facts.Snapshot, error) {
	in := intake.New(r.config.Now().UTC())
	in.Expect(r.account)
	lost := &failures{}
	regions, err := r.regions(ctx, in.SoFar(), lost)
	if err != nil {
		return nil, err
	}
	lost.places = len(regions)
	tasks := r.tasks(regions)
	if err := r.run(ctx, tasks); err != nil {
		return nil, err
	}
	told := answered{}
	for _, t := range tasks {
		if t.err == nil {
			t.err = take(in, t)
		}
		if _, ok := t.answer.(call.Direct); ok || ofRegions(t.Action) {
			told.note(t)
		}
		if t.err != nil {
			lost.add(t)
		}
	}
	told.observe(in.SoFar())
	tellTrails(in, tasks, lost)
	s := in.Snapshot()
	if err := r.details(ctx, s, lost); err != nil {
		return nil, err
	}
	lost.gaps(s)
	return s, nil
}

// regions are the enabled ones. If AWS does not name them, only the Region where
// reading began is read, and every regional fact has a gap.
func (r *reader) regions(ctx context.Context, s *facts.Snapshot, lost *failures) ([]string, error) {
	first := &task{Operation: call.Operation{Action: listRegions, Read: identity.Regions}, region: r.aws.Region}
	if err := r.run(ctx, []*task{first}); err != nil {
		return nil, err
	}
	if first.err == nil {
		s.Facts.Regions = first.answer.([]facts.Region)
		s.Observe(listRegions, first.at, "", pathsOf(listRegions)...)
		names := make([]string, len(s.Facts.Regions))
		for i, region := range s.Facts.Regions {
			names[i] = region.Name
		}
		return names, nil
	}
	lost.add(first)
	for _, o := range Operations() {
		if o.Regional {
			f := failureOf(first)
			f.call, f.why = o.Action, f.why+"; of all Regions only "+r.aws.Region+" was read"
			lost.put(f)
		}
	}
	return []string{r.aws.Region}, nil
}

// details asks about single resources, which the lists name.
func (r *reader) details(ctx context.Context, s *facts.Snapshot, lost *failures) error {
	for _, operations := range rounds() {
		var tasks []*task
		told := answered{}
		sofar := *s // with its gaps, which the whole snapshot gets once, at the end
		sofar.Gaps = slices.Clone(s.Gaps)
		lost.gaps(&sofar)
		for _, o := range operations {
			if o.Enter != nil {
				o.Enter(&s.Facts)
				sofar.Facts = s.Facts
			}
			about := r.tasksOf(o, &sofar)
			lost.spread(o, about)
			about = slices.DeleteFunc(about, func(t *task) bool { return lost.lack(o.Needs, t.target.Key) })
			if len(about) == 0 && !o.Untold {
				told[o.Action] = r.config.Now().UTC() // without a resource there is nothing to ask
			}
			tasks = append(tasks, about...)
		}
		if err := r.run(ctx, tasks); err != nil {
			return err
		}
		for _, t := range tasks {
			told.note(t)
			if t.err != nil {
				lost.add(t)
				continue
			}
			t.answer.(call.Direct)(&s.Facts)
		}
		told.observe(s)
	}
	return nil
}

// answered is when each operation was answered: of several answers, the oldest. One
// that was refused counts, because the gap takes out again what it would tell.
type answered map[string]time.Time

func (a answered) note(t *task) {
	if was, ok := a[t.Action]; !ok || t.at.Before(was) {
		a[t.Action] = t.at
	}
}

func (a answered) observe(s *facts.Snapshot) {
	for _, action := range slices.Sorted(maps.Keys(a)) {
		s.Observe(action, a[action], "", pathsOf(action)...)
	}
}

// take puts the answer of a task into the snapshot.
func take(in *intake.Intake, t *task) error {
	s := in.SoFar()
	switch answer := t.answer.(type) {
	case []trailtypes.Trail:
		return nil // told together, see tellTrails
	case call.Direct:
		answer(&s.Facts)
		return nil
	}
	if t.Action == alerting.DescribeAlarms {
		s.Observe(t.Action, t.at, "", "topics.arn") // alarms name topics
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
