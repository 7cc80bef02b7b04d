package awsread

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/facts"
)

// Operation is an API operation that is called, by the IAM action that permits it,
// such as iam:GetAccountSummary. The facts whose tag call names it are what it tells.
type Operation struct {
	Action   string
	Regional bool // called in every enabled Region, or where the resource is

	read func(context.Context, *place) (any, error) // nil: called on the way to another
	// enter, if set, enters resources that other facts name into the list that of reads.
	enter func(*facts.Facts)
	// of names the single resources that readOne is about, once the lists are in. What
	// readOne gives is a direct.
	of      func(*facts.Snapshot) []target
	readOne func(context.Context, *place, target) (any, error)
	// untold: where of names nothing the facts are not known. Of the others they are:
	// there is nothing to ask about.
	untold bool
	// needs is the operation whose facts of reads. Where that one fails nobody knows what
	// to ask, and these facts are as unknown as its own.
	needs string
}

// target is one resource that an operation is about.
type target struct {
	region string   // where to ask, "" where reading began
	key    string   // of the list's element, such as an ARN
	with   []string // what else to say when asking
}

// Operations are all that Collect calls, and so the permissions that it can use.
// sts:GetCallerIdentity needs none.
func Operations() []Operation {
	return slices.Concat([]Operation{{Action: "sts:GetCallerIdentity"}, {Action: listRegions}},
		identityOperations, deviceOperations, organizationOperations, contactOperations, activityOperations, monitoringOperations, alertingOperations,
		trailOperations, bucketOperations, storageOperations,
		configOperations, hubOperations, detectorOperations, analyzerOperations)
}

const listRegions = "account:ListRegions"

// task is one operation in one Region or about one resource, and what came of it.
type task struct {
	Operation
	region string
	target target // of an operation about single resources
	answer any    // a direct, or what the AWS CLI would print, for intake
	at     time.Time
	err    error
}

func (t *task) run(ctx context.Context, r *reader) {
	p := r.place(t.region)
	if t.readOne != nil {
		t.answer, t.err = t.readOne(ctx, p, t.target)
	} else {
		t.answer, t.err = t.read(ctx, p)
	}
	t.at = p.at
}

// tasks are the operations in the Region where reading began, and the regional ones in
// every enabled Region. What the organization tells the account is not asked for.
func (r *reader) tasks(regions []string) []*task {
	var out []*task
	for _, o := range Operations() {
		places := []string{r.aws.Region}
		if o.Regional {
			places = regions
		}
		for _, region := range places {
			if o.read != nil && !(r.told && isWide(o.Action)) {
				out = append(out, &task{Operation: o, region: region})
			}
		}
	}
	return out
}

// rounds are the operations about single resources: in each round those whose facts
// the rounds before have read.
func rounds() [][]Operation {
	var out [][]Operation
	left := slices.DeleteFunc(Operations(), func(o Operation) bool { return o.of == nil })
	for len(left) > 0 {
		waits := func(o Operation) bool {
			return slices.ContainsFunc(left, func(l Operation) bool { return l.Action == o.needs })
		}
		var now, later []Operation
		for _, o := range left {
			if waits(o) {
				later = append(later, o)
			} else {
				now = append(now, o)
			}
		}
		out, left = append(out, now), later
	}
	return out
}

// tasksOf is an operation about single resources, once for each.
func (r *reader) tasksOf(o Operation, s *facts.Snapshot) []*task {
	var out []*task
	for _, t := range o.of(s) {
		out = append(out, &task{Operation: o, region: cmp.Or(t.region, r.aws.Region), target: t})
	}
	return out
}
