package matrix

import "github.com/rootkeep/rootkeep/iam"

// Says is what Where means for one resource: the answer of the narrowest class that
// holds it.
func (x *Reach) Says(i int, arn string) iam.Truth {
	literal, _ := regionOf(arn, false, &iam.Context{})
	var out verdict
	for _, v := range x.verdicts(i) {
		if v.class.region.holds(&literal) && (out.class == nil || v.class.region.within(&out.class.region)) {
			out = v
		}
	}
	return out.answer
}

// Probe is the text that stands for any text.
func (m *Matrix) Probe() string { return m.patterns.probe }
