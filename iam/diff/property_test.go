package diff_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/diff"
	"github.com/rootkeep/rootkeep/internal/lot"
)

// draw makes small policies that often meet.
type draw struct{ *rapid.T }

func (d draw) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(d.T, label)
}

func (d draw) some(label string, from ...string) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(from), 1, 2).Draw(d.T, label), " ")
}

var (
	drawnActions   = []string{"s3:*", "s3:*", "sqs:*", "s3:Get*", "s3:GetObject", "*", "s3:Get*", "s3:GetObject", "s3:PutObject", "s3:ListAllMyBuckets", "new:Do?", "new:DoX"}
	drawnResources = []string{"*", "arn:aws:s3:::a/*", "arn:aws:s3:::a/b/*", "arn:aws:s3:::*", "arn:aws:s3:::a/${aws:username}/*", "arn:aws:s3:::?/b*", "arn:aws:s3:*:a/*", "arn:aws:s3"}
	drawnKeys      = map[string][]string{
		"aws:username":        {"ann", "bob", "b*", "*"},
		"aws:TagKeys":         {"ann", "a", "b*"},
		"aws:SourceIp":        {"10.0.0.0/8", "10.1.0.0/16", "192.0.2.1"},
		"aws:SecureTransport": {"true", "false"},
		"new:Size":            {"1", "2", "2.5"},
		"aws:SourceArn":       {"arn:aws:sns:*:111122223333:t", "arn:aws:sns:eu-west-3:*:*", "*", "arn:*"},
		"aws:CurrentTime":     {"2026-01-01", "2026-06-01T00:00:00Z"},
	}
	drawnOperators = map[string][]string{
		"aws:username":        {"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase"},
		"aws:TagKeys":         {"ForAllValues:StringEquals", "ForAnyValue:StringLike", "ForAnyValue:StringNotEquals", "ForAllValues:StringNotLike", "StringEquals", "StringNotEquals"},
		"aws:SourceIp":        {"IpAddress", "NotIpAddress"},
		"aws:SecureTransport": {"Bool"},
		"new:Size":            {"NumericLessThan", "NumericGreaterThanEquals", "NumericEquals", "NumericNotEquals"},
		"aws:SourceArn":       {"ArnLike", "ArnNotLike", "StringLike", "StringEquals"},
		"aws:CurrentTime":     {"DateLessThan", "DateGreaterThanEquals", "DateNotEquals"},
	}
	keyNames = []string{"aws:username", "aws:TagKeys", "aws:SourceIp", "aws:SecureTransport", "new:Size", "aws:SourceArn", "aws:CurrentTime"}
)

// test is one operator with a key and its values.
func (d draw) test() (operator, rest string) {
	key := d.pick("key", keyNames...)
	if d.pick("null", "no", "no", "no", "no", "yes") == "yes" {
		return "Null", fmt.Sprintf("{%q:%q}", key, d.pick("there", "true", "false"))
	}
	values := d.some("values", drawnKeys[key]...)
	operator = d.pick("operator", drawnOperators[key]...) + d.pick("exists", "", "", "IfExists")
	if key == "aws:SourceArn" && d.pick("variable", "no", "no", "no", "yes") == "yes" {
		values = "arn:aws:sns:${aws:username}:111122223333:t"
	}
	return operator, fmt.Sprintf("{%q:%s}", key, list(values))
}

func (d draw) statement(kind diff.Kind) string {
	var rest []string
	if kind == diff.Resource {
		rest = append(rest, d.pick("principal", everyone, who("AWS", "111122223333"), who("AWS", "arn:aws:iam::111122223333:user/ann"),
			who("AWS", "arn:aws:iam::111122223333:role/app"), who("Service", "sns.amazonaws.com"), who("AWS", "222233334444 arn:aws:sts::111122223333:assumed-role/app/s1")))
	}
	tests := map[string]json.RawMessage{}
	for range rapid.IntRange(0, 2).Draw(d.T, "tests") {
		operator, of := d.test()
		tests[operator] = json.RawMessage(of)
	}
	text, err := json.Marshal(tests)
	if err != nil {
		d.Fatal(err)
	}
	rest = append(rest, `"Condition":`+string(text))
	s := statement(d.pick("effect", "Allow", "Allow", "Allow", "Deny"), d.some("action", drawnActions...), d.some("resource", drawnResources...), rest...)
	if d.pick("not action", "no", "no", "no", "no", "no", "no", "no", "no", "no", "yes") == "yes" {
		s = strings.Replace(s, `"Action"`, `"NotAction"`, 1)
	}
	if d.pick("not resource", "no", "no", "no", "no", "yes") == "yes" {
		s = strings.Replace(s, `"Resource"`, `"NotResource"`, 1)
	}
	if kind == diff.Resource && strings.Contains(s, `"Deny"`) && d.pick("not principal", "no", "no", "yes") == "yes" {
		s = strings.Replace(s, `"Principal"`, `"NotPrincipal"`, 1)
	}
	return s
}

// pair is two lists of statements that share some.
func (d draw) pair(kind diff.Kind) (old, new []string) {
	if kind == diff.Identity { // AWS takes no policy without a statement
		old, new = []string{allow("sqs:ReceiveMessage", "*")}, []string{allow("sqs:ReceiveMessage", "*")}
	} else {
		old, new = []string{allow("sqs:ReceiveMessage", "*", everyone)}, []string{allow("sqs:ReceiveMessage", "*", everyone)}
	}
	one := rapid.Custom(func(t *rapid.T) string { return draw{t}.statement(kind) })
	shared := rapid.SliceOfN(one, 0, 2).Draw(d.T, "shared")
	old = append(old, rapid.SliceOfN(one, 0, 2).Draw(d.T, "old")...)
	new = append(new, rapid.SliceOfN(one, 0, 2).Draw(d.T, "new")...)
	return append(old, shared...), append(new, shared...)
}

// request is one of a finite universe.
func (d draw) request(kind diff.Kind) iam.Request {
	values := map[string][]string{}
	for key, from := range map[string][]string{
		"aws:username": {"ann", "bob", "Ann", "", "c", "b"}, "aws:SourceIp": {"10.1.2.3", "10.2.0.0", "192.0.2.1", "::1", "no"},
		"aws:SecureTransport": {"true", "false", "x"}, "new:Size": {"0", "1", "1.5", "2", "2.5", "3", "x"},
		"aws:SourceArn":   {"arn:aws:sns:eu-west-3:111122223333:t", "arn:aws:sns:x:111122223333:t", "arn:aws:sns:ann:111122223333:t", "arn:aws:sns:eu-west-3:x:y", "x", "*"},
		"aws:CurrentTime": {"2025-01-01", "2026-01-01T00:00:00Z", "2026-03-01", "2026-06-01", "2027-01-01", "x"},
	} {
		if rapid.Bool().Draw(d.T, key+" there") {
			values[key] = []string{d.pick(key, from...)}
		}
	}
	values["aws:TagKeys"] = rapid.SliceOfN(rapid.SampledFrom([]string{"ann", "a", "b", "c", ""}), 0, 3).Draw(d.T, "tag keys")
	r := iam.Request{
		Action:   d.pick("requested", "s3:GetObject", "s3:PutObject", "s3:GetX", "s3:ListAllMyBuckets", "new:DoX", "new:DoY", "sqs:SendMessage"),
		Resource: d.pick("on", "*", "arn:aws:s3:::a/b/c", "arn:aws:s3:::a/x", "arn:aws:s3:::b/b", "arn:aws:s3:::a/ann/x", "arn:aws-cn:s3:::a/b", "arn:aws:sqs:::q", "arn:aws:s3:x:y:a/b", "arn:aws:s3:x:a/b:c"),
	}
	if r.Action == "s3:ListAllMyBuckets" {
		r.Resource = "*" // it has no resource type
	}
	caller, owner := "arn:aws:iam::111122223333:user/ann", rootkeep.AccountID("111122223333")
	if kind == diff.Resource {
		owner = "000000000000"
		caller = d.pick("caller", caller, "arn:aws:iam::111122223333:user/eve", "arn:aws:sts::111122223333:assumed-role/app/s1", "arn:aws:sts::111122223333:assumed-role/app/s2",
			"arn:aws:iam::111122223333:root", "arn:aws:iam::222233334444:user/ann", "arn:aws:iam::333344445555:root", "sns.amazonaws.com", "sqs.amazonaws.com", "*")
	}
	var err error
	if r.Principal, err = iam.ParsePrincipal(caller); err != nil {
		d.Fatal(err)
	}
	r.ResourceAccount, r.Context = owner, iam.NewContext(values)
	return r
}

func setOf(t testing.TB, kind diff.Kind, p *iam.Policy) *iam.Set {
	t.Helper()
	all := []*iam.Policy{parse(t, allow("*", "*"))}
	ps := iam.Policies{Identity: all, Resource: []*iam.Policy{p}}
	if kind == diff.Identity {
		// Keys and roles have policies that leave the decision to the account.
		ps = iam.Policies{Identity: []*iam.Policy{p}, Resource: []*iam.Policy{parse(t, allow("*", "*", who("AWS", "111122223333")))}}
	}
	set, err := iam.NewSet(ps)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// shown runs the example of a change by the package iam alone.
func shown(t testing.TB, e *diff.Example, from, to *iam.Set) error {
	t.Helper()
	if e == nil {
		return fmt.Errorf("no example")
	}
	p, err := iam.ParsePrincipal(e.Principal)
	if err != nil {
		return err
	}
	p.Issuer = e.Issuer
	r := iam.Request{Action: e.Action, Resource: e.Resource, ResourceAccount: rootkeep.AccountID(e.ResourceAccount), Principal: p, Context: iam.NewContext(e.Context)}
	if got := to.Decide(&r); !got.Allowed() {
		return fmt.Errorf("got %v on the side that allows", got.Outcome)
	}
	if got := from.Decide(&r); got.Allowed() {
		return fmt.Errorf("got allowed on the side that does not")
	}
	return nil
}

// TestAnswersAgreeWithEveryRequest compares answers with a finite universe of
// requests, decided one by one.
func TestAnswersAgreeWithEveryRequest(t *testing.T) {
	unknown, total := 0, 0
	lot.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		kind := rapid.SampledFrom([]diff.Kind{diff.Identity, diff.Resource}).Draw(rt, "kind")
		old, new := d.pair(kind)
		before, after := parse(t, strings.Join(old, ",")), parse(t, strings.Join(new, ","))
		r, err := diff.Compare(diff.Side{Kind: kind, Policies: []*iam.Policy{before}}, diff.Side{Kind: kind, Policies: []*iam.Policy{after}})
		if err != nil {
			rt.Fatal(err)
		}
		was, is := setOf(t, kind, before), setOf(t, kind, after)
		for _, side := range []struct {
			name     string
			access   diff.Access
			from, to *iam.Set
		}{{"new", r.New, was, is}, {"lost", r.Lost, is, was}} {
			total++
			if side.access.Answer == diff.Unknown {
				unknown++
			}
			for _, ch := range side.access.Changes {
				if err := shown(t, ch.Example, side.from, side.to); err != nil {
					rt.Fatalf("%s access: %v: %+v\nold %s\nnew %s", side.name, err, ch.Example, old, new)
				}
			}
		}
		for range 25 {
			request := d.request(kind)
			now, then := is.Decide(&request).Allowed(), was.Decide(&request).Allowed()
			if now && !then && r.New.Answer == diff.No || then && !now && r.Lost.Answer == diff.No {
				rt.Fatalf("%s on %s by %s with %v: allowed then %v, now %v; got new %s, lost %s\nold %s\nnew %s",
					request.Action, request.Resource, request.Principal.ARN, request.Context, then, now, r.New.Answer, r.Lost.Answer, old, new)
			}
		}
	})
	t.Logf("%d of %d answers are unknown", unknown, total)
	if unknown*5 > total {
		t.Errorf("unknown: got %d of %d, want at most a fifth", unknown, total)
	}
}
