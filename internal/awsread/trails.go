package awsread

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awsread/trail"
	"github.com/rootkeep/rootkeep/internal/facts/intake"
)

// tellTrails tells each trail once.
func tellTrails(in *intake.Intake, tasks []*task, lost *failures) {
	all := &task{Operation: call.Operation{Action: trail.DescribeTrails}}
	for _, t := range tasks {
		if _, ok := t.answer.([]trailtypes.Trail); ok && t.err == nil && (all.at.IsZero() || t.at.Before(all.at)) {
			all.at = t.at // of several answers the oldest
		}
	}
	if all.at.IsZero() {
		return // no Region answered, which has its gaps
	}
	shapes := []trailtypes.Trail{}
	for _, t := range distinct(tasks) {
		shapes = append(shapes, t.Trail)
	}
	all.answer = map[string]any{"trailList": shapes}
	if all.err = add(in, all); all.err != nil {
		lost.add(all)
		return
	}
	list := in.SoFar().Facts.Trails
	for i, t := range distinct(tasks) {
		list[i].Region = t.region
	}
}

// seen is a trail once, with the Region to ask about it.
type seen struct {
	trailtypes.Trail
	region string
}

// distinct lists each trail once, however many Regions have its shadow. It is asked
// about at home, if home is a Region that sees it here.
func distinct(tasks []*task) []seen {
	var out []seen
	index := map[string]int{}
	for _, t := range tasks {
		list, _ := t.answer.([]trailtypes.Trail)
		for _, shown := range list {
			arn := aws.ToString(shown.TrailARN)
			i, ok := index[arn]
			if !ok {
				i = len(out)
				index[arn] = i
				out = append(out, seen{shown, t.region})
			}
			if aws.ToString(shown.HomeRegion) == t.region {
				out[i].region = t.region
			}
		}
	}
	return out
}
