package iam_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/tools/iambench/medium"
)

// mediumPrincipal is section 7 of the specification.
func mediumPrincipal(tb testing.TB) (*iam.Set, *iam.Request) {
	tb.Helper()
	set, err := medium.Policies().Compile()
	if err != nil {
		tb.Fatal(err)
	}
	r, err := medium.Request()
	if err != nil {
		tb.Fatal(err)
	}
	return set, r
}

func BenchmarkDecide(b *testing.B) {
	set, r := mediumPrincipal(b)
	if d := set.Decide(r); !d.Allowed() {
		b.Fatalf("got %v, want allowed", d)
	}
	b.ReportAllocs()
	for b.Loop() {
		set.Decide(r)
	}
}

func BenchmarkDecideDenied(b *testing.B) {
	set, r := mediumPrincipal(b)
	denied := *r
	denied.Action = "iam:CreateUser"
	denied.Resource = "arn:aws:iam::111122223333:user/x"
	b.ReportAllocs()
	for b.Loop() {
		set.Decide(&denied)
	}
}

func BenchmarkExplain(b *testing.B) {
	set, r := mediumPrincipal(b)
	b.ReportAllocs()
	for b.Loop() {
		set.Explain(r, iam.Matching)
	}
}

func BenchmarkCompile(b *testing.B) {
	text := []byte(medium.Bulky(1, 16000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := iam.Parse("a", text); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDecideAllocatesNothing(t *testing.T) {
	set, r := mediumPrincipal(t)
	if got := testing.AllocsPerRun(100, func() { set.Decide(r) }); got != 0 {
		t.Errorf("allocations per decision: got %v, want 0", got)
	}
}
