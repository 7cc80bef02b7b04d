package iam_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/lot"
)

// joined is the set of a scene from three parts: caller, resource, organization.
func (s scene) joined(t *rapid.T) *iam.Set {
	var sets []*iam.Set
	for _, names := range [][]string{{"identity", "boundary", "session"}, {"resource", "endpoint"}, {"scp"}} {
		half := map[string][]string{}
		for _, name := range names {
			if list, ok := s.layers[name]; ok {
				half[name] = list
			}
		}
		sets = append(sets, s.set(t, half))
	}
	out, err := iam.Join(sets...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestJoinedSetsAnswerAsOne(t *testing.T) {
	lot.Check(t, func(rt *rapid.T) {
		s := draw{rt}.scene()
		one, parts := s.set(rt, s.layers), s.joined(rt)
		want, got := one.Decide(&s.request), parts.Decide(&s.request)
		if got.Outcome != want.Outcome || got.By != want.By || got.Statement.String() != want.Statement.String() {
			rt.Fatalf("got %v by %v, %v; want %v by %v, %v", got.Outcome, got.By, got.Statement, want.Outcome, want.By, want.Statement)
		}
		if want, got := one.Residual(&s.request).String(), parts.Residual(&s.request).String(); got != want {
			rt.Fatalf("residual: got %s, want %s", got, want)
		}
		for _, detail := range []iam.Detail{iam.Matching, iam.Every} {
			if diff := cmp.Diff(one.Explain(&s.request, detail).String(), parts.Explain(&s.request, detail).String()); diff != "" {
				rt.Fatalf("explanation (-one +joined):\n%s", diff)
			}
		}
	})
}

func TestJoinRefusesALayerTwice(t *testing.T) {
	a, _ := question{identity: every}.build(t)
	b, _ := question{identity: every, bucket: open}.build(t)
	if _, err := iam.Join(a, b); err == nil || !strings.Contains(err.Error(), "layer identity") {
		t.Errorf("got %v, want an error that names the layer", err)
	}
	levels := make([]string, 20)
	c, _ := question{scps: levels}.build(t)
	d, _ := question{rcps: levels}.build(t)
	if _, err := iam.Join(c, d); err == nil || !strings.Contains(err.Error(), "40 layers and levels") {
		t.Errorf("got %v, want an error that counts", err)
	}
}

func BenchmarkJoin(b *testing.B) {
	caller, r := mediumPrincipal(b)
	text := []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}}`)
	bucket, err := iam.Parse("bucket", text)
	if err != nil {
		b.Fatal(err)
	}
	resource, err := iam.NewSet(iam.Policies{Resource: []*iam.Policy{bucket}})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		set, err := iam.Join(caller, resource)
		if err != nil {
			b.Fatal(err)
		}
		set.Decide(r)
	}
}
