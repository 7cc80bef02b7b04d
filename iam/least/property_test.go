package least_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/least"
	"github.com/rootkeep/rootkeep/iam/least/event"
)

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func quoted(r *rand.Rand, list ...string) string {
	n := 1 + r.IntN(2)
	var out []string
	for range n {
		text, _ := json.Marshal(pick(r, list...))
		out = append(out, string(text))
	}
	return "[" + strings.Join(out, ",") + "]"
}

// statement is a random statement over a small world, so that random calls meet it.
func statement(r *rand.Rand, effect string) string {
	action, resource := "Action", "Resource"
	if r.IntN(6) == 0 {
		action = "NotAction"
	}
	if r.IntN(6) == 0 {
		resource = "NotResource"
	}
	s := fmt.Sprintf(`{"Effect":%q,%q:%s,%q:%s`, effect,
		action, quoted(r, "s3:GetObject", "s3:*", "s3:Get*", "*", "s3:PutObject", "iam:PassRole", "lambda:*", "cloudtrail:S*", "*:List*"),
		resource, quoted(r, "*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/x/?", "arn:aws:s3:::b/${aws:PrincipalAccount}/*", "arn:aws:s3:::*", "arn:aws:iam::*:role/f*",
			"arn:aws:lambda:eu-*:111122223333:function:f", "arn:aws:cloudtrail:*:*:trail/m*", "arn:aws:s3:::b/${*}"))
	if r.IntN(3) == 0 {
		s += `,"Condition":` + pick(r,
			`{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`, `{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`, `{"StringEquals":{"aws:PrincipalTag/team":"red"}}`,
			`{"StringLike":{"s3:prefix":"${aws:PrincipalAccount}*"}}`, `{"StringEquals":{"iam:PassedToService":["lambda.amazonaws.com","ec2.amazonaws.com"]}}`, `{"Null":{"aws:SourceVpce":"true"}}`)
	}
	return s + "}"
}

func randomPolicy(r *rand.Rand, deny int) string {
	var list []string
	for range 1 + r.IntN(3) {
		list = append(list, statement(r, pick(r, "Allow", "Allow", "Allow")))
	}
	if r.IntN(10) < deny {
		list = append(list, statement(r, "Deny"))
	}
	return fmt.Sprintf(`{"Version":%q,"Statement":[%s]}`, pick(r, "2012-10-17", "2012-10-17", "2008-10-17"), strings.Join(list, ","))
}

var keys = []string{"x/1", "x/2", "111122223333/k", "*", "${aws:PrincipalAccount}/a", "log/2026/03/02/z", "?"}

func randomCall(r *rand.Rand) string {
	var text string
	switch r.IntN(5) {
	case 0:
		text = record("lambda", "CreateFunction20150331", fmt.Sprintf(`{"functionName":%q,"role":"arn:aws:iam::111122223333:role/%s"}`, pick(r, "f", "g"), pick(r, "fn", "admin")), "")
	case 1:
		text = record("cloudtrail", "StopLogging", pick(r, "null", `{"name":"main"}`), "")
	default:
		text = record("s3", pick(r, "GetObject", "PutObject", "ListBuckets", "HeadObject"), fmt.Sprintf(`{"bucketName":"b","key":%q}`, pick(r, keys...)), "")
	}
	if r.IntN(3) == 0 {
		text = strings.Replace(text, "192.0.2.1", "198.51.100.7", 1)
	}
	if r.IntN(3) == 0 {
		text = strings.Replace(text, `"mfaAuthenticated":"true"`, `"mfaAuthenticated":"false"`, 1)
	}
	return text
}

func randomRequest(r *rand.Rand, in *least.Input) *iam.Request {
	values := map[string][]string{"aws:PrincipalAccount": {"111122223333"}}
	for key, list := range map[string][]string{
		"aws:MultiFactorAuthPresent": {"true", "false"}, "aws:SourceIp": {"192.0.2.9", "203.0.113.1"}, "aws:PrincipalTag/team": {"red", "blue"},
		"s3:prefix": {"111122223333/", "x"}, "iam:PassedToService": {"lambda.amazonaws.com", "ec2.amazonaws.com", "glue.amazonaws.com"}, "aws:SourceVpce": {"vpce-1"},
	} {
		if r.IntN(2) == 0 {
			values[key] = []string{pick(r, list...)}
		}
	}
	c := condition.NewContext(values)
	if r.IntN(4) == 0 {
		c = condition.PartialContext(values)
	}
	return &iam.Request{
		Action:          pick(r, "s3:GetObject", "s3:PutObject", "s3:ListAllMyBuckets", "iam:PassRole", "lambda:CreateFunction", "cloudtrail:StopLogging", "s3:GetObjectAcl", "iam:ListRoles"),
		Resource:        pick(r, "*", "arn:aws:s3:::b/"+pick(r, keys...), "arn:aws:s3:::b/xyz", "arn:aws:s3:::other/x/1", "arn:aws:iam::111122223333:role/"+pick(r, "fn", "admin", "f2"), "arn:aws:lambda:eu-west-3:111122223333:function:f", "arn:aws:cloudtrail:eu-west-3:111122223333:trail/"+pick(r, "main", "z")),
		ResourceAccount: "111122223333", Principal: in.Principal, Context: c,
	}
}

// TestAProposalLosesNoCallAndGrantsNothingNew is the promise of the package, over random
// policies of every layer and random calls: no call is lost in the replay, and whatever
// the proposal allows, today's policies allow.
func TestAProposalLosesNoCallAndGrantsNothingNew(t *testing.T) {
	t.Parallel()
	tb := table(t)
	granted, kept := 0, 0
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 17))
		var texts, calls []string
		for range 1 + r.IntN(3) {
			texts = append(texts, randomPolicy(r, 4))
		}
		for range 1 + r.IntN(8) {
			calls = append(calls, randomCall(r))
		}
		in := input(t, tb, policies(t, texts...), calls...)
		inner := in.Context
		in.Context = func(known map[string][]string) iam.Context {
			values := map[string][]string{"aws:PrincipalAccount": {"111122223333"}}
			maps.Copy(values, known)
			return inner(values)
		}
		if r.IntN(3) == 0 {
			in.Policies.Boundary = policies(t, randomPolicy(r, 3))
		}
		if r.IntN(3) == 0 {
			in.Policies.SCPs = [][]*iam.Policy{policies(t, "["+admin+"]"), policies(t, randomPolicy(r, 3))}
		}
		in.Log = relog(t, tb, in.Policies, calls, least.Limits{PerAction: pick(r, 0, 0, 1, 2), Contexts: pick(r, 0, 0, 1), Total: pick(r, 0, 0, 3)})
		in.Scope, in.Base, in.MaxResources = pick(r, least.Exact, least.Pattern, least.Any), pick(r, least.NoBase, least.ReadOnly), 1+r.IntN(4)
		p, err := least.Propose(in)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(p.Replay.Lost) > 0 {
			t.Errorf("seed %d: policies %s: lost %+v of %d calls", seed, texts, p.Replay.Lost, p.Replay.Checked)
		}
		kept += p.Replay.Allowed
		now, then := sets(t, in, p)
		for _, text := range calls {
			replayNaively(t, tb, seed, text, in, now, then)
		}
		granted += subset(t, r, seed, texts, in, p, now, then)
	}
	if granted < 200 || kept < 50 {
		t.Errorf("got %d allowed requests and %d replayed calls, want enough of both for the test to mean something", granted, kept)
	}
}

func relog(t *testing.T, tb *event.Table, p iam.Policies, calls []string, limits least.Limits) *least.Log {
	log := least.NewLog(least.Setting{Finder: event.NewFinder(tb, event.Surroundings{}), Keys: least.ContextKeys(p), Limits: limits})
	for _, text := range calls {
		c, err := event.ReadCall([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		log.Add(c)
	}
	return log
}

// sets are today's policies and those with the proposal in their place.
func sets(t *testing.T, in least.Input, p *least.Proposal) (now, then *iam.Set) {
	t.Helper()
	proposed := []*iam.Policy{}
	for i, d := range p.Policies {
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		one, err := iam.Parse(fmt.Sprintf("proposal %d", i), text)
		if err != nil {
			t.Fatal(err)
		}
		proposed = append(proposed, one)
	}
	after := in.Policies
	after.Identity = proposed
	now, err := iam.NewSet(in.Policies)
	if err != nil {
		t.Fatal(err)
	}
	if then, err = iam.NewSet(after); err != nil {
		t.Fatal(err)
	}
	return now, then
}

// replayNaively asks both about one call with all that its record tells, whatever room
// the log had: what was allowed stays allowed.
func replayNaively(t *testing.T, tb *event.Table, seed uint64, text string, in least.Input, now, then *iam.Set) {
	t.Helper()
	c, err := event.ReadCall([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	_, demands := event.NewFinder(tb, event.Surroundings{}).Demands(c)
	for _, d := range demands {
		if d.Resource.Certainty != event.Named && d.Resource.Certainty != event.NoneHave {
			continue
		}
		known := maps.Clone(c.Context)
		if d.PassedTo != "" {
			known["iam:PassedToService"] = []string{d.PassedTo}
		}
		q := &iam.Request{Action: d.Action.String(), Resource: d.Resource.Literal(), ResourceAccount: "111122223333", Principal: in.Principal, Context: in.Context(known)}
		if a, b := now.Decide(q), then.Decide(q); a.Outcome == iam.Allowed && b.Outcome != iam.Allowed {
			t.Errorf("seed %d: %s on %s: got %v under the proposal, want allowed as today", seed, q.Action, q.Resource, b.Outcome)
		}
	}
}

// subset asks random requests of both and counts those that the proposal allows.
func subset(t *testing.T, r *rand.Rand, seed uint64, texts []string, in least.Input, p *least.Proposal, now, then *iam.Set) (granted int) {
	t.Helper()
	for range 200 {
		q := randomRequest(r, &in)
		a, b := now.Decide(q), then.Decide(q)
		if b.Outcome == iam.Allowed {
			granted++
		}
		if b.Outcome > a.Outcome && b.Outcome >= iam.Conditional {
			text, _ := json.Marshal(p.Policies)
			t.Errorf("seed %d: %s on %s: %v under the proposal, %v today; policies %s, proposal %s", seed, q.Action, q.Resource, b.Outcome, a.Outcome, texts, text)
			return granted
		}
	}
	return granted
}
