package iam_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/internal/lot"
)

// known lists the actions of the services that have rules of their own, and of some
// that have none.
func known() []string {
	var out []string
	for _, service := range []string{"ec2", "iam", "kms", "organizations", "s3", "sts", "sqs"} {
		for _, a := range metadata.Actions(service) {
			out = append(out, a.String())
		}
	}
	return out
}

// wide is a statement about many services.
func (d draw) wide(principal bool) string {
	actions := []string{"*", "s3:*", "*:Get*", "iam:*Role*", "kms:*", "sts:Assume*", "sts:TagSession", "s3:GetObject", "ec2:?escribe*", "s3:*BucketPolicy", "nothing", "sqs:*"}
	list := rapid.SliceOfN(rapid.SampledFrom(actions), 0, 4).Draw(d.T, "actions")
	resources := rapid.SliceOfN(rapid.SampledFrom([]string{
		"*", "arn:aws:s3:::logs", "arn:aws:s3:::logs/*", "arn:aws:s3:::logs/${aws:username}", "arn:aws:kms:*:*:key/*", "arn:aws:iam::*:role/*", "arn:*", "arn:aws:iam::aws:policy/*",
	}), 0, 3).Draw(d.T, "resources")
	s := fmt.Sprintf(`{"Effect":%q,%q:%s,%q:%s`, d.pick("effect", "Allow", "Allow", "Deny"),
		d.pick("action element", "Action", "Action", "NotAction"), quoted(list), d.pick("resource element", "Resource", "Resource", "NotResource"), quoted(resources))
	if principal {
		s += fmt.Sprintf(`,%q:`, d.pick("principal element", "Principal", "Principal", "Principal", "NotPrincipal")) +
			d.pick("principal", `"*"`, `{"AWS":"`+own+`"}`, `{"AWS":["`+ann+`","`+own+`"]}`, `{"AWS":"`+roleApp+`"}`, `{"Service":"cloudtrail.amazonaws.com"}`, `{"Federated":"accounts.google.com"}`)
	}
	if d.pick("conditioned", "no", "yes") == "yes" {
		s += "," + d.condition()
	}
	return s + "}"
}

func quoted(list []string) string {
	out := "["
	for i, s := range list {
		if i > 0 {
			out += ","
		}
		out += fmt.Sprintf("%q", s)
	}
	return out + "]"
}

func (d draw) wideScene() scene {
	s := scene{layers: map[string][]string{}}
	for _, name := range []string{"identity", "boundary", "session", "scp", "resource", "endpoint"} {
		if d.pick(name+" present", "yes", "no") == "yes" {
			list := rapid.Custom(func(t *rapid.T) string { return draw{t}.wide(name == "resource" || name == "endpoint") })
			s.layers[name] = rapid.SliceOfN(list, 1, 4).Draw(d.T, name)
			if d.pick(name+" open", "yes", "yes", "yes", "no") == "yes" { // or hardly anything is allowed
				s.layers[name] = append(s.layers[name], fitting("Allow", name))
			}
		}
	}
	p, err := iam.ParsePrincipal(d.pick("caller", ann, session, roleApp, rootARN, fed, "*", "cloudtrail.amazonaws.com", "accounts.google.com",
		"arn:aws:iam::"+own+":role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"))
	if err != nil {
		d.Fatal(err)
	}
	values := map[string][]string{}
	for key, from := range map[string][]string{
		"aws:username": {"ann", "bob"}, "aws:SourceIp": {"10.1.1.1", "192.0.2.1"}, "aws:RequestTag/a": {"b"}, "sts:SourceIdentity": {"ann"}, "aws:ResourceTag/a": {"ann"},
	} {
		if rapid.Bool().Draw(d.T, key+" present") {
			values[key] = []string{d.pick(key, from...)}
		}
	}
	s.request = iam.Request{Principal: p, Context: iam.NewContext(values), Facts: iam.Facts{
		RestrictPublicBuckets: rapid.Bool().Draw(d.T, "block"), BucketABACOff: rapid.Bool().Draw(d.T, "abac off"), AWSManagedKey: rapid.Bool().Draw(d.T, "managed key"),
	}}
	if rapid.Bool().Draw(d.T, "partial") {
		s.request.Context = iam.PartialContext(values)
	}
	if rapid.Bool().Draw(d.T, "in management") {
		s.request.Facts.ManagementAccount = own
	}
	return s
}

// Every answer of a Sweep is that of Decide.
func TestSweepIsDecide(t *testing.T) {
	actions := iam.NewActions(known())
	answered := map[iam.Outcome]int{}
	lot.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		s := d.wideScene()
		set := s.set(rt, s.layers)
		sweep := set.Sweep(actions, actions.All(), &s.request)
		answers := actions.NewAnswers()
		for _, resource := range []string{
			"*", object, "arn:aws:s3:::logs", "arn:aws:kms:eu-west-3:" + own + ":key/k", "arn:aws:kms:eu-west-3:" + own + ":alias/aws/s3",
			roleApp, "arn:aws:iam::" + own + ":role/aws-reserved/x", "arn:aws:iam::aws:policy/P", "arn:aws:sqs:eu-west-3:" + foreign + ":q",
		} {
			owner := rootkeep.AccountID(d.pick("owner", "", own, foreign))
			sweep.Decide(resource, owner, actions.All(), answers)
			r := s.request
			r.Resource, r.ResourceAccount = resource, owner
			for i := range actions.Len() {
				r.Action = actions.Name(i)
				outcome := set.Decide(&r).Outcome
				answered[outcome]++
				if got, want := answers.Of(i), truthOf(outcome); got != want {
					rt.Fatalf("%s on %s of %q: got %v, want %v\n%s", r.Action, resource, owner, got, want, set.Explain(&r, iam.Matching))
				}
			}
		}
	})
	for o := iam.ImplicitlyDenied; o <= iam.Allowed; o++ {
		if answered[o] < 1000 {
			t.Errorf("%v: got %d answers, want more to compare", o, answered[o])
		}
	}
}

func truthOf(o iam.Outcome) iam.Truth {
	switch o {
	case iam.Allowed:
		return iam.True
	case iam.Conditional:
		return iam.Unknown
	}
	return iam.False
}

// A part of the table is answered as the whole is.
func TestSweepOfOneService(t *testing.T) {
	actions := iam.NewActions(known())
	set, r := question{identity: allow("kms:*", "*") + "," + deny("kms:Create*", "*"), scps: []string{every}}.build(t)
	whole, part := actions.NewAnswers(), actions.NewAnswers()
	sweep := set.Sweep(actions, actions.All(), r)
	sweep.Decide("*", own, actions.All(), whole)
	span, ok := actions.Service("kms")
	if !ok {
		t.Fatal("no actions of kms")
	}
	sweep.Decide("*", own, span, part)
	from, to := span.Words()
	if !slices.Equal(part.Allowed[from:to], whole.Allowed[from:to]) || !slices.Equal(part.Possible[from:to], whole.Possible[from:to]) {
		t.Error("the words of kms differ")
	}
	create, _ := actions.Find("KMS:CreateAlias")
	list, _ := actions.Find("kms:ListAliases")
	if part.Of(create) != iam.False || part.Of(list) != iam.True {
		t.Errorf("got create %v, list %v; want false, true", part.Of(create), part.Of(list))
	}
}

func BenchmarkSweep(b *testing.B) {
	var names []string
	for _, service := range metadata.Services() {
		for _, a := range metadata.Actions(service) {
			names = append(names, a.String())
		}
	}
	actions := iam.NewActions(names)
	set, r := mediumPrincipal(b)
	answers := actions.NewAnswers()
	b.ReportAllocs()
	for b.Loop() {
		set.Sweep(actions, actions.All(), r).Decide(r.Resource, r.ResourceAccount, actions.All(), answers)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*actions.Len()), "ns/decision")
}

// The rules that random policies seldom meet.
func TestSweepKnowsTheRules(t *testing.T) {
	actions := iam.NewActions(known())
	for _, c := range []struct {
		question
		action string
		want   iam.Truth
	}{
		{question{name: "root repairs a bucket policy", caller: rootARN, resource: "arn:aws:s3:::logs", bucket: deny("*", "*", everyone)}, "s3:PutBucketPolicy", iam.True},
		{question{name: "root does nothing else", caller: rootARN, resource: "arn:aws:s3:::logs", bucket: deny("*", "*", everyone)}, "s3:PutBucketAcl", iam.False},
		{question{name: "tags of a bucket without ABAC are not there", resource: "arn:aws:s3:::logs", facts: iam.Facts{BucketABACOff: true}, context: map[string][]string{"aws:ResourceTag/a": {"b"}},
			identity: allow("s3:*", "*", `"Condition":{"StringEquals":{"aws:ResourceTag/a":"b"}}`)}, "s3:GetBucketAcl", iam.False},
		{question{name: "tags of a bucket with ABAC are", resource: "arn:aws:s3:::logs", context: map[string][]string{"aws:ResourceTag/a": {"b"}},
			identity: allow("s3:*", "*", `"Condition":{"StringEquals":{"aws:ResourceTag/a":"b"}}`)}, "s3:GetBucketAcl", iam.True},
		{question{name: "a session tag needs a permission of its own", resource: roleApp, context: map[string][]string{"aws:RequestTag/a": {"b"}},
			identity: allow("sts:AssumeRole", "*"), bucket: `{"Effect":"Allow","Action":"sts:AssumeRole",` + to(own) + `}`}, "sts:AssumeRole", iam.False},
		{question{name: "an alias of AWS is not changed", resource: "arn:aws:kms:eu-west-3:" + own + ":alias/aws/s3", identity: every}, "kms:DeleteAlias", iam.False},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, r := c.build(t)
			i, ok := actions.Find(c.action)
			if !ok {
				t.Fatalf("no action %s", c.action)
			}
			answers := actions.NewAnswers()
			set.Sweep(actions, actions.All(), r).Decide(r.Resource, r.ResourceAccount, actions.All(), answers)
			r.Action = c.action
			if got := truthOf(set.Decide(r).Outcome); got != c.want {
				t.Fatalf("decision: got %v, want %v", got, c.want)
			}
			if got := answers.Of(i); got != c.want {
				t.Errorf("sweep: got %v, want %v", got, c.want)
			}
		})
	}
}
