package matrix

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
)

// Where says on which resources an action is allowed. Resources are written as
// policies write them; a pattern means what it covers but for what Except lists and
// narrower patterns of On and If say.
type Where struct {
	Everywhere bool     // allowed on every resource that the action works on
	On         []Place  // where it is allowed
	If         []Place  // where it is allowed only if OnlyIf holds
	Except     []string // where it is denied, though a pattern of On or If covers it
}

// Place is a pattern of resources and what decided there.
type Place struct {
	Resource string
	Decision iam.Decision
	OnlyIf   *iam.Expr // of a conditional decision
}

// verdict is the answer for one class of one kind.
type verdict struct {
	class  *class
	answer iam.Truth
}

// Where tells where the action of a number is allowed or may be. The Query must have
// asked for it.
func (x *Reach) Where(i int) (w Where) {
	verdicts := x.verdicts(i)
	w.Everywhere = len(verdicts) > 0
	for n, v := range verdicts {
		w.Everywhere = w.Everywhere && v.answer == iam.True
		wider := iam.False
		around := parent(verdicts, n)
		if around != nil {
			wider = around.answer
		}
		switch {
		case v.answer == iam.True && wider != iam.True:
			w.On = append(w.On, x.place(v.class, i))
		case v.answer == iam.False && wider != iam.False:
			w.Except = append(w.Except, v.class.text)
		case v.answer == iam.Unknown:
			p := x.place(v.class, i)
			if wider != iam.Unknown || !p.OnlyIf.Equal(*x.place(around.class, i).OnlyIf) {
				w.If = append(w.If, p)
			}
		}
	}
	byResource := func(a, b Place) int { return strings.Compare(a.Resource, b.Resource) }
	slices.SortFunc(w.On, byResource)
	slices.SortFunc(w.If, byResource)
	slices.Sort(w.Except)
	return w
}

// place decides the resource that stands for a class.
func (x *Reach) place(c *class, i int) Place {
	r := x.matrix.request(x.Caller)
	r.Action, r.Resource, r.ResourceAccount = x.matrix.catalog.Name(i), c.witness, x.matrix.owner(c.witness)
	p := Place{Resource: c.text, Decision: c.set.Decide(&r)}
	if p.Decision.Outcome == iam.Conditional {
		e := c.set.Residual(&r)
		p.OnlyIf = &e
	}
	return p
}

// parent is the verdict on the narrowest class around that of verdict n, nil if
// there is none.
func parent(all []verdict, n int) (out *verdict) {
	inner := all[n].class
	for k := range all {
		c := all[k].class
		if k == n || !c.region.holds(&inner.region) || c.text == inner.text && k > n {
			continue
		}
		if out == nil || c.region.within(&out.class.region) {
			out = &all[k]
		}
	}
	return out
}

// within says whether r is the narrower of two regions that have an ARN in common.
func (r *region) within(s *region) bool {
	if s.holds(r) != r.holds(s) {
		return s.holds(r)
	}
	return r.said() > s.said()
}

// verdicts lists the classes of the kinds that an action works on.
func (x *Reach) verdicts(i int) (out []verdict) {
	prefix, _, _ := strings.Cut(x.matrix.catalog.Name(i), ":")
	v := x.matrix.catalog.byPrefix[prefix]
	x.matrix.catalog.of(v)
	from, _ := v.span.Words()
	w, bit := i/64-from, uint64(1)<<(i%64)
	if v.loose[w]&bit != 0 && x.narrow {
		return nil
	}
	if v.loose[w]&bit != 0 {
		return []verdict{{&class{piece: &piece{text: "*", witness: "*"}, set: x.Caller.set}, x.Of(i)}}
	}
	for _, k := range v.kinds {
		if (k.required[w]|k.optional[w])&bit == 0 {
			continue
		}
		classes, there := x.classes[k]
		if !there && x.narrow {
			continue
		}
		if !there {
			c := class{piece: &piece{region: k.own, text: k.own.String(), witness: x.matrix.other()}, set: x.Caller.set}
			out = append(out, verdict{&c, x.common.Of(i)})
		}
		for n := range classes {
			c := &classes[n]
			answers := iam.Answers{Allowed: c.allowed, Possible: c.possible}
			out = append(out, verdict{c, answers.Of(64*w + i%64)})
		}
	}
	return out
}
