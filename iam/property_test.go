package iam_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/lot"
)

// draw makes statements, policies and requests that often meet.
type draw struct{ *rapid.T }

func (d draw) pick(label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(d.T, label)
}

func (d draw) condition() string {
	key := d.pick("key", "aws:username", "aws:TagKeys", "aws:MultiFactorAuthPresent", "aws:SourceIp", "aws:PrincipalArn")
	value := d.pick("value", "ann", "a*", "true", "false", "10.0.0.0/8", "${aws:username}", ann, "arn:aws:iam::*:user/*")
	op := d.pick("set", "", "", "ForAllValues:", "ForAnyValue:") +
		d.pick("operator", "StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "Bool", "IpAddress", "NotIpAddress", "ArnLike", "ArnNotLike", "NumericLessThan") +
		d.pick("exists", "", "", "IfExists")
	if d.pick("null", "no", "no", "no", "yes") == "yes" {
		op, value = "Null", d.pick("there", "true", "false")
	}
	return fmt.Sprintf(`"Condition":{%q:{%q:%q}}`, op, key, value)
}

func (d draw) statement(principal bool) string {
	s := fmt.Sprintf(`{"Effect":%q,%q:%q,%q:%q`,
		d.pick("effect", "Allow", "Allow", "Deny"),
		d.pick("action element", "Action", "Action", "Action", "NotAction"), d.pick("action", "*", "s3:*", "s3:Get*", "iam:*", "s3:GetObject"),
		d.pick("resource element", "Resource", "Resource", "Resource", "NotResource"), d.pick("resource", "*", object, "arn:aws:s3:::logs/${aws:username}", "arn:aws:s3:::*"))
	if principal {
		s += `,"Principal":` + d.pick("principal", `"*"`, `{"AWS":"`+own+`"}`, `{"AWS":"`+ann+`"}`, `{"AWS":"`+session+`"}`, `{"AWS":"`+roleApp+`"}`)
	}
	if d.pick("conditioned", "no", "yes") == "yes" {
		s += "," + d.condition()
	}
	return s + "}"
}

func (d draw) statements(label string, principal bool) []string {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return draw{t}.statement(principal) }), 1, 4).Draw(d.T, label)
}

// scene is a drawn request with the statements of each layer.
type scene struct {
	request iam.Request
	layers  map[string][]string
}

func (d draw) scene() scene {
	s := scene{layers: map[string][]string{"identity": d.statements("identity", false)}}
	for _, name := range []string{"boundary", "session", "scp", "resource", "endpoint"} {
		if rapid.Bool().Draw(d.T, name+" present") {
			s.layers[name] = d.statements(name, name == "resource" || name == "endpoint")
		}
	}
	p, err := iam.ParsePrincipal(d.pick("caller", ann, session, fed, rootARN))
	if err != nil {
		d.Fatal(err)
	}
	values := map[string][]string{}
	for key, from := range map[string][]string{
		"aws:username": {"ann", "bob"}, "aws:TagKeys": {"ann", "a"}, "aws:MultiFactorAuthPresent": {"true", "false"},
		"aws:SourceIp": {"10.1.1.1", "192.0.2.1"}, "aws:PrincipalArn": {ann, roleApp},
	} {
		if rapid.Bool().Draw(d.T, key+" present") {
			values[key] = []string{d.pick(key, from...)}
		}
	}
	context := iam.NewContext(values)
	if rapid.Bool().Draw(d.T, "partial") {
		context = iam.PartialContext(values)
	}
	s.request = iam.Request{Action: "s3:GetObject", Resource: object, ResourceAccount: own, Principal: p, Context: context}
	if rapid.Bool().Draw(d.T, "across") {
		s.request.ResourceAccount = foreign
	}
	return s
}

func (s scene) set(t *rapid.T, layers map[string][]string) *iam.Set {
	one := func(name string) []*iam.Policy {
		list, ok := layers[name]
		if !ok {
			return nil
		}
		var out []*iam.Policy
		for i, st := range list { // one policy per statement, so that their order can be changed
			p, err := iam.Parse(fmt.Sprint(name, i), []byte(`{"Version":"2012-10-17","Statement":`+st+`}`))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, p)
		}
		return out
	}
	p := iam.Policies{Identity: one("identity"), Boundary: one("boundary"), Session: one("session"), Resource: one("resource"), Endpoint: one("endpoint")}
	if scp := one("scp"); scp != nil {
		p.SCPs = [][]*iam.Policy{scp}
	}
	set, err := iam.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func (s scene) with(layer string, list []string) map[string][]string {
	out := map[string][]string{}
	for k, v := range s.layers {
		out[k] = v
	}
	out[layer] = list
	return out
}

// denyAll and allowAll fit a layer.
func fitting(effect, layer string) string {
	s := fmt.Sprintf(`{"Effect":%q,"Action":"*","Resource":"*"`, effect)
	if layer == "resource" || layer == "endpoint" {
		s += `,"Principal":"*"`
	}
	return s + "}"
}

func TestAMatchingDenyAlwaysWins(t *testing.T) {
	lot.Check(t, func(rt *rapid.T) {
		s := draw{rt}.scene()
		for layer := range s.layers {
			if layer == "boundary" && s.request.Principal.Kind == iam.Root {
				continue
			}
			set := s.set(rt, s.with(layer, append([]string{fitting("Deny", layer)}, s.layers[layer]...)))
			if d := set.Decide(&s.request); d.Outcome != iam.ExplicitlyDenied {
				rt.Fatalf("Deny in %s: got %v, want explicitly_denied", layer, d.Outcome)
			}
		}
	})
}

func TestAnAllowNeverTakesAway(t *testing.T) {
	lot.Check(t, func(rt *rapid.T) {
		s := draw{rt}.scene()
		before := s.set(rt, s.layers).Decide(&s.request)
		for layer, list := range s.layers {
			after := s.set(rt, s.with(layer, append([]string{fitting("Allow", layer)}, list...))).Decide(&s.request)
			if before.Allowed() && !after.Allowed() {
				rt.Fatalf("Allow in %s: got %v, want allowed as before", layer, after.Outcome)
			}
		}
	})
}

func TestOrderDoesNotMatter(t *testing.T) {
	lot.Check(t, func(rt *rapid.T) {
		s := draw{rt}.scene()
		want := s.set(rt, s.layers).Decide(&s.request)
		turned := map[string][]string{}
		for layer, list := range s.layers {
			turned[layer] = rapid.Permutation(list).Draw(rt, "order of "+layer)
		}
		if got := s.set(rt, turned).Decide(&s.request); got.Outcome != want.Outcome || got.By != want.By {
			rt.Fatalf("got %v by %v, want %v by %v", got.Outcome, got.By, want.Outcome, want.By)
		}
	})
}

func TestKnowingMoreOnlySettles(t *testing.T) {
	lot.Check(t, func(rt *rapid.T) {
		s := draw{rt}.scene()
		set := s.set(rt, s.layers)
		partial, complete := s.request, s.request
		values := map[string][]string{}
		for _, k := range s.request.Context.Keys() {
			values[k], _ = s.request.Context.Values(k)
		}
		partial.Context, complete.Context = iam.PartialContext(values), iam.NewContext(values)
		before, after := set.Decide(&partial), set.Decide(&complete)
		switch before.Outcome {
		case iam.Allowed:
			if !after.Allowed() {
				rt.Fatalf("allowed without knowing all, then %v", after.Outcome)
			}
		case iam.ExplicitlyDenied, iam.ImplicitlyDenied:
			if after.Allowed() {
				rt.Fatalf("%v without knowing all, then allowed", before.Outcome)
			}
		}
	})
}

func TestNoContextNeverAllowsACondition(t *testing.T) {
	lot.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		p, err := iam.Parse("p", []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*",`+d.condition()+`}}`))
		if err != nil {
			rt.Fatal(err)
		}
		caller, _ := iam.ParsePrincipal(ann)
		got, err := iam.Evaluate(&iam.Request{Action: "s3:GetObject", Resource: object, ResourceAccount: own, Principal: caller}, iam.Policies{Identity: []*iam.Policy{p}})
		if err != nil {
			rt.Fatal(err)
		}
		if got.Allowed() {
			rt.Fatal("allowed with no context, want conditional or denied")
		}
	})
}

func TestExplanationAgreesWithTheDecision(t *testing.T) {
	lot.Check(t, func(rt *rapid.T) {
		s := draw{rt}.scene()
		set := s.set(rt, s.layers)
		d := set.Decide(&s.request)
		x := set.Explain(&s.request, iam.Every)
		if x.Outcome != d.Outcome || x.By != d.By {
			rt.Fatalf("explanation: got %v by %v, want %v by %v", x.Outcome, x.By, d.Outcome, d.By)
		}
		e := set.Residual(&s.request)
		if e.Always() != d.Allowed() || e.Never() != (d.Outcome == iam.ExplicitlyDenied || d.Outcome == iam.ImplicitlyDenied) {
			rt.Fatalf("residual: got %v of a decision %v", e, d.Outcome)
		}
		for _, l := range x.Layers {
			for _, st := range l.Statements {
				if (st.Match == iam.True) != (len(st.Failed) == 0) {
					rt.Fatalf("statement %v: match %v with failures %v", st.Ref, st.Match, st.Failed)
				}
			}
		}
	})
}
