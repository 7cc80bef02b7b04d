package awsread

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/awsread/alerting"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/awsread/identity"
	"github.com/rootkeep/rootkeep/internal/awsread/organization"
	"github.com/rootkeep/rootkeep/internal/awsread/security"
	"github.com/rootkeep/rootkeep/internal/awsread/storage"
	"github.com/rootkeep/rootkeep/internal/awsread/trail"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// Operations are all that Collect calls, and so the permissions that it can use.
// sts:GetCallerIdentity needs none.
func Operations() []call.Operation {
	return slices.Concat([]call.Operation{{Action: "sts:GetCallerIdentity"}, {Action: listRegions}},
		identity.Operations(), organization.Operations(), trail.Operations(), alerting.Operations(), storage.Operations(), security.Operations())
}

const listRegions = "account:ListRegions"

// task is one operation in one Region or about one resource, and what came of it.
type task struct {
	call.Operation
	region string
	target call.Target // of an operation about single resources
	answer any         // a call.Direct, or what the AWS CLI would print, for intake
	at     time.Time
	err    error
}

func (t *task) run(ctx context.Context, r *reader) {
	p := r.place(t.region)
	if t.ReadOne != nil {
		t.answer, t.err = t.ReadOne(ctx, p, t.target)
	} else {
		t.answer, t.err = t.Read(ctx, p)
	}
	t.at = p.At
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
			if o.Read != nil && !(r.told && isWide(o.Action)) {
				out = append(out, &task{Operation: o, region: region})
			}
		}
	}
	return out
}

// rounds are the operations about single resources: in each round those whose facts
// the rounds before have read.
func rounds() [][]call.Operation {
	var out [][]call.Operation
	left := slices.DeleteFunc(Operations(), func(o call.Operation) bool { return o.Of == nil })
	for len(left) > 0 {
		waits := func(o call.Operation) bool {
			return slices.ContainsFunc(left, func(l call.Operation) bool { return l.Action == o.Needs })
		}
		var now, later []call.Operation
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
func (r *reader) tasksOf(o call.Operation, s *facts.Snapshot) []*task {
	var out []*task
	for _, t := range o.Of(s) {
		out = append(out, &task{Operation: o, region: cmp.Or(t.Region, r.aws.Region), target: t})
	}
	return out
}
