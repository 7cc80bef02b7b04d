// Package iam says what AWS policies allow. A Request and the policies that apply
// to it go in; a Decision comes out: allowed, denied (explicitly or for want of an
// Allow, naming the layer and the statement), or conditional on what is not known.
//
//	set, err := iam.NewSet(iam.Policies{Identity: []*iam.Policy{p}})
//	decision := set.Decide(&iam.Request{Action: "s3:GetObject", ...})
//	fmt.Println(set.Explain(&request))
//
// A Set is compiled once and asked often: Decide allocates nothing. Everything is
// a function of its arguments; a Set may be used by many goroutines.
//
// Source: IAM User Guide, "Policy evaluation logic" and the pages that
// docs/iam-differences.md names, which lists where the documentation is thin and
// which answer this package gives there.
package iam

import (
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
)

// Truth is a three-valued answer.
type Truth = condition.Truth

// The three values.
const (
	False   = condition.False
	Unknown = condition.Unknown
	True    = condition.True
)

// Context is what is known of a request's context keys; see condition.NewContext
// and condition.PartialContext. The zero Context knows nothing.
type Context = condition.Context

// NewContext is a context that is known completely.
func NewContext(values map[string][]string) Context { return condition.NewContext(values) }

// PartialContext is a context of which more may be true than is listed.
func PartialContext(values map[string][]string) Context { return condition.PartialContext(values) }

// Layer is a kind of policy that takes part in a decision.
type Layer uint8

// Layers, in the order of AWS's evaluation.
const (
	SCP               Layer = iota // service control policies, one block per level
	RCP                            // resource control policies, one block per level
	Resource                       // the resource's own policy: bucket, key, role trust
	Endpoint                       // VPC endpoint policies
	Identity                       // policies of the user and its groups, or of the role
	Boundary                       // the permissions boundary
	Session                        // session policies
	Service                        // rules of an AWS service that no policy changes
	PublicAccessBlock              // S3 RestrictPublicBuckets
	layers
)

var layerNames = [layers]string{"scp", "rcp", "resource", "endpoint", "identity", "boundary", "session", "service", "public-access-block"}

// String is the name in JSON.
func (l Layer) String() string { return layerNames[min(l, layers-1)] }

// MarshalText writes the name.
func (l Layer) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Layers is a set of layers.
type Layers uint16

// Has says whether a layer is in the set.
func (s Layers) Has(l Layer) bool { return s&(1<<l) != 0 }

func (s *Layers) add(l Layer) { *s |= 1 << l }

// List is the set in the order of evaluation; it is never nil.
func (s Layers) List() []Layer {
	out := make([]Layer, 0, 4)
	for l := range layers {
		if s.Has(l) {
			out = append(out, l)
		}
	}
	return out
}

// String joins the names with commas.
func (s Layers) String() string {
	var names []string
	for _, l := range s.List() {
		names = append(names, l.String())
	}
	return strings.Join(names, ", ")
}

// MarshalJSON writes a list of names.
func (s Layers) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('[')
	for i, l := range s.List() {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + l.String() + `"`)
	}
	b.WriteByte(']')
	return []byte(b.String()), nil
}

// Outcome is the word of a decision. The zero Outcome is ImplicitlyDenied.
type Outcome uint8

// Outcomes.
const (
	ImplicitlyDenied Outcome = iota // nothing allows it, or a limit does not
	ExplicitlyDenied                // a Deny statement matches
	Conditional                     // allowed only if a residual condition holds
	Allowed
)

var outcomeNames = [...]string{"implicitly_denied", "explicitly_denied", "conditional", "allowed"}

// String is the name in JSON.
func (o Outcome) String() string { return outcomeNames[min(o, Allowed)] }

// MarshalText writes the name.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Decision is the answer to one request.
type Decision struct {
	Outcome Outcome
	// By names the layers that decided: those with a matching Deny, those that lack
	// an Allow, those that allowed, or those on which the answer hangs.
	By Layers
	// Statement is the first statement that decided, if one did.
	Statement Ref
}

// Allowed says whether the request is certainly allowed.
func (d Decision) Allowed() bool { return d.Outcome == Allowed }

// All is the decision on a call that authorizes several requests, such as
// ec2:RunInstances with each of its resources: all must be allowed.
func All(ds ...Decision) Decision {
	if len(ds) == 0 {
		return Decision{}
	}
	out := ds[0]
	for _, d := range ds[1:] {
		out = both(out, d)
	}
	return out
}

// both joins two decisions; the worse one wins, and layers of equals are united.
func both(a, b Decision) Decision {
	rank := [...]uint8{ImplicitlyDenied: 1, ExplicitlyDenied: 0, Conditional: 2, Allowed: 3}
	switch x, y := rank[a.Outcome], rank[b.Outcome]; {
	case x < y:
		return a
	case y < x:
		return b
	}
	a.By |= b.By
	return a
}
