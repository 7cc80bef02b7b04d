package awsread

import (
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
	// of names the single resources that readOne is about, once the lists are in; it may
	// enter them into a list of their own first. What readOne gives is a direct.
	of func(*facts.Facts) []target
	// needs is the operation about single resources whose facts of reads.
	needs   string
	readOne func(context.Context, *place, target) (any, error)
}

// target is one resource that an operation is about.
type target struct {
	region string   // where to ask, "" where reading began
	key    string   // of the list's element, such as an ARN
	with   []string // what else to ask with
}

// Operations are all that Collect calls, and so the permissions that it can use.
// sts:GetCallerIdentity needs none.
func Operations() []Operation {
	return slices.Concat([]Operation{{Action: "sts:GetCallerIdentity"}, {Action: listRegions}},
		identityOperations, monitoringOperations, alertingOperations)
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
// every enabled Region.
func (r *reader) tasks(regions []string) []*task {
	var out []*task
	for _, o := range Operations() {
		places := []string{r.aws.Region}
		if o.Regional {
			places = regions
		}
		for _, region := range places {
			if o.read != nil {
				out = append(out, &task{Operation: o, region: region})
			}
		}
	}
	return out
}

// round is when an operation about single resources has its turn: 0 is about what the
// lists name, 1 about what round 0 told, and so on.
func round(o Operation) int {
	for _, other := range Operations() {
		if other.Action == o.needs {
			return 1 + round(other)
		}
	}
	return 0
}

// rounds is how many rounds there are.
func rounds() int {
	last := 0
	for _, o := range Operations() {
		last = max(last, round(o))
	}
	return last + 1
}

// tasksOf are the operations about single resources of one round.
func (r *reader) tasksOf(now int, f *facts.Facts) (out []*task, asked []Operation) {
	for _, o := range Operations() {
		if o.of == nil || round(o) != now {
			continue
		}
		asked = append(asked, o)
		for _, t := range o.of(f) {
			region := t.region
			if region == "" {
				region = r.aws.Region
			}
			out = append(out, &task{Operation: o, region: region, target: t})
		}
	}
	return out, asked
}
