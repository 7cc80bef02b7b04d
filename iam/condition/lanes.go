package condition

// Lanes are 64 truths, one a bit. Yes is a part of Maybe; what is in Maybe alone is
// unknown.
type Lanes struct{ Yes, Maybe uint64 }

// LanesOf is a truth at some of the 64 places, False at the others.
func LanesOf(t Truth, at uint64) (out Lanes) {
	if t == True {
		out.Yes = at
	}
	if t != False {
		out.Maybe = at
	}
	return out
}

// And is true where both are.
func (a Lanes) And(b Lanes) Lanes { return Lanes{a.Yes & b.Yes, a.Maybe & b.Maybe} }

// Or is true where one is.
func (a Lanes) Or(b Lanes) Lanes { return Lanes{a.Yes | b.Yes, a.Maybe | b.Maybe} }

// Not turns true and false about.
func (a Lanes) Not() Lanes { return Lanes{^a.Maybe, ^a.Yes} }
