// Package witness finds resources on which an action may be allowed. Who creates a
// thing chooses its name, and who may use any of many things picks one: so "is it
// allowed on some resource of this form" is asked of the names that the actor's own
// policies write, beside one that no policy writes. Each answer is the evaluator's;
// only which names are tried is a guess. It also tells what else policies write: the
// conditions they make and whom they trust.
package witness

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/pattern"
)

// Max bounds the names that are tried for one resource.
const Max = 64

// filler stands where a name is free.
const filler = "rk0example"

// Witness is one resource that is tried.
type Witness struct {
	ARN      string
	Region   string // "" if it may be any, or the ARN names none
	anywhere bool   // the ARN has a Region, which may be any
	Shown    string // the pattern that it comes from
}

// Of lists resources of a form, such as arn:aws:lambda:*:ACCOUNT:function:*,
// that the patterns of policies cover.
func Of(form string, patterns []string, user string) []Witness {
	if !strings.ContainsAny(form, "*") {
		return []Witness{New(form, form)}
	}
	out := []Witness{New(Fill(form), form)}
	want, _ := condition.SplitARN(form)
	for _, text := range patterns {
		arn, ok := unify(strings.ReplaceAll(text, "${aws:username}", user), want)
		if !ok || slices.ContainsFunc(out, func(w Witness) bool { return w.ARN == arn }) {
			continue
		}
		if out = append(out, New(arn, text)); len(out) == Max {
			break
		}
	}
	return out
}

// New is a witness of an ARN, whose Region may be *.
func New(arn, shown string) Witness {
	parts, _ := condition.SplitARN(arn)
	if parts[3] == "*" {
		return Witness{ARN: arn, anywhere: true, Shown: shown}
	}
	return Witness{ARN: arn, Region: parts[3], Shown: shown}
}

// Fill writes a name where a form leaves it free; a Region stays free, and the account
// of what AWS owns is left out.
func Fill(form string) string {
	parts, ok := condition.SplitARN(form)
	if !ok {
		return form
	}
	for i := range parts {
		parts[i] = fillPart(parts[i], i)
	}
	return strings.Join(parts[:], ":")
}

func fillPart(part string, i int) string {
	switch {
	case part == "*" && i == 3:
		return part
	case part == "*" && i == 4:
		return "" // of AWS: what every account can use
	}
	return strings.ReplaceAll(strings.ReplaceAll(part, "*", filler), "?", "x")
}

// unify finds a resource that both a policy's pattern and the parts of a form cover,
// part by part: the more definite of the two names it.
func unify(text string, want [6]string) (string, bool) {
	have, ok := condition.SplitARN(text)
	if !ok {
		return "", false
	}
	for i := range want {
		part, ok := unifyPart(have[i], want[i], i)
		if !ok {
			return "", false
		}
		want[i] = part
	}
	return strings.Join(want[:], ":"), true
}

func unifyPart(have, want string, i int) (string, bool) {
	switch {
	case have == want:
		return fillPart(want, i), !strings.Contains(want, "${")
	case !strings.ContainsAny(want, "*?"):
		return want, covers(have, want)
	case !strings.ContainsAny(have, "*?"):
		return have, covers(want, have)
	}
	// A pattern may hold a variable that is not known here: it names nothing.
	if part := fillPart(have, i); covers(want, part) {
		return part, !strings.Contains(part, "${")
	}
	part := fillPart(want, i)
	return part, covers(have, part)
}

func covers(glob, text string) bool {
	p := pattern.Parse(glob, pattern.Syntax{Wildcards: true})
	return p.Match(text)
}

// In is the witness in a Region.
func (w *Witness) In(region string) string {
	if w.Region != "" || !w.anywhere {
		return w.ARN
	}
	parts, _ := condition.SplitARN(w.ARN)
	parts[3] = region
	return strings.Join(parts[:], ":")
}
